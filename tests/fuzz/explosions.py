"""Designs made to explode: each is legal, or nearly, and far larger than anything a person
writes.
"""

from __future__ import annotations

from itertools import pairwise

HEAD = """event E(id, order)
queue q of E
store s per id, unique
store t per order
  status: a | b | c
effect mail per id
"""


def _handler(steps: str) -> str:
    return f"{HEAD}consumer c on q\n{steps}  ack\nclaim no duplicate mail\n"


def _rows(stores: str, steps: str) -> str:
    return (
        f"event E(id)\nqueue q of E\n{stores}effect mail per id\nconsumer c on q\n{steps} "
        " ack\nclaim no duplicate mail\n"
    )


def many_locals(n: int) -> str:
    """A local variable in every line."""
    return _handler("".join(f"  let x{i} = t.status\n" for i in range(n)) + "  send mail\n")


def many_queues(n: int) -> str:
    """A queue and a consumer each."""
    queues = "".join(f"queue q{i} of E\n" for i in range(n))
    consumers = "".join(f"consumer c{i} on q{i}\n  send mail\n  ack\n" for i in range(n))
    return f"event E(id)\neffect mail per id\n{queues}{consumers}claim no duplicate mail\n"


def chain(n: int) -> str:
    """Queues one behind the other."""
    queues = "".join(f"queue q{i} of E\n" for i in range(n + 1))
    links = "".join(f"consumer c{i} on q{i}\n  publish to q{i + 1}\n  ack\n" for i in range(n))
    return (
        f"event E(id)\neffect mail per id\n{queues}{links}consumer z on q{n}\n  send mail\n "
        " ack\nclaim no loss of mail\n"
    )


def many_effects(n: int) -> str:
    """Effects one after the other."""
    effects = "".join(f"effect e{i} per id\n" for i in range(n))
    steps = "".join(f"  send e{i}\n" for i in range(n))
    return (
        f"event E(id)\nqueue q of E\n{effects}consumer c on q\n{steps}  ack\nclaim no duplicate"
        " e0\n"
    )


def many_stores(n: int) -> str:
    """One transaction that writes many rows, each of which may be there already."""
    stores = "".join(f"store s{i} per id, unique\n" for i in range(n))
    steps = "".join(f"    insert id into s{i}\n" for i in range(n))
    return _rows(stores, f"  atomic\n{steps}  send mail\n")


def many_branches(n: int) -> str:
    """Decisions one after the other in one transaction: twice as many ways with each."""
    steps = "".join(
        "    if t.status is a\n      set t.status = b\n    else\n      set t.status = c\n"
        for _ in range(n)
    )
    return _handler(f"  atomic\n{steps}  send mail\n")


def deep(n: int) -> str:
    """Decisions inside each other."""
    return _handler(
        "".join("  " * (i + 1) + "if id in s\n" for i in range(n)) + "  " * (n + 1) + "send mail\n"
    )


def long_condition(n: int) -> str:
    """A condition of many parts."""
    return _handler(
        "  if"
        f" {' or '.join(['id in s', 't.status is a', 'mail happened'][i % 3] for i in range(n))}\n "
        "   send mail\n"
    )


def alternating(n: int) -> str:
    """A condition whose disjunctive form is large: conjunctions of different rows, joined by or."""
    stores = "".join(f"store s{i} per id, unique\n" for i in range(n))
    test = " or ".join(f"id in s{i} and id not in s{(i + 1) % n}" for i in range(n))
    adds = "".join(f"  add id to s{i}\n" for i in range(n))
    return _rows(stores, f"  if {test}\n    send mail\n{adds}")


def many_claims(n: int) -> str:
    """The same claim again and again."""
    return _handler("  send mail\n") + "claim no duplicate mail\n" * n


def many_steps(n: int) -> str:
    """One handler that goes on and on."""
    return _handler("  send mail\n  set t.status = a\n" * n)


def wide_column(n: int) -> str:
    """A column with many values, each written and read."""
    values = [f"v{i}" for i in range(n)]
    sets = "".join(f"  update t.status from {a} to {b}\n" for a, b in pairwise(values))
    return _handler(sets + "  send mail\n").replace(
        "status: a | b | c", f"status: {' | '.join(values)}"
    )


def fragments(n: int) -> str:
    """Each fragment uses the one before it twice."""
    parts = "fragment f0\n  send mail\n" + "".join(
        f"fragment f{i}\n  use f{i - 1}\n  use f{i - 1}\n" for i in range(1, n)
    )
    return HEAD + parts + f"consumer c on q\n  use f{n - 1}\n  ack\nclaim no duplicate mail\n"


def retries(n: int) -> str:
    """A step that is tried again very often."""
    return _handler(f"  send mail\n    retry {n} times\n")


def many_fields(n: int) -> str:
    """Fields of an event, each with values: all their combinations are different events."""
    fields = ", ".join(f"f{i}: a | b" for i in range(n))
    tests = "".join(f"  if f{i} is a\n    set t.status = b\n" for i in range(n))
    return _handler(tests + "  send mail\n").replace("E(id, order)", f"E(id, order, {fields})")


EXPLOSIONS = (
    (many_locals, 200),
    (many_locals, 4_000),
    (many_queues, 60),
    (many_queues, 1_500),
    (chain, 60),
    (chain, 1_000),
    (many_effects, 60),
    (many_effects, 3_000),
    (many_stores, 12),
    (many_stores, 200),
    (many_branches, 12),
    (many_branches, 60),
    (deep, 38),
    (deep, 500),
    (long_condition, 60),
    (long_condition, 5_000),
    (alternating, 8),
    (alternating, 20),
    (many_claims, 4_000),
    (many_steps, 150),
    (many_steps, 3_000),
    (wide_column, 60),
    (wide_column, 1_000),
    (fragments, 8),
    (fragments, 30),
    (retries, 50),
    (retries, 1_000_000),
    (many_fields, 12),
    (many_fields, 60),
)
