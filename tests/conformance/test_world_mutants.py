"""One rule of databases, isolation, locks or providers is taken away from the machine, and a small
design shows that the two readings differ then (docs/semantics.md).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from onceproof.lower import variables as v
from onceproof.machine.system import Cause, Machine, Rule, RuleKind

from support import readings
from support.readings import compare

Change = Callable[[Rule], Rule | None]
"""What becomes of a rule of the machine; None: it is not there."""
MOST = 6_000

HEAD = """event E(id, order)
queue q of E at-least-once
"""
CALM = """assume no replay
assume no publisher retries
assume no broker copies
assume no lost acks
"""
SURE = CALM + "assume no database failures\n"
ALIVE = "assume no crash\nassume no refusals\nassume no lost answers\n"
STEADY = "assume no lost connections\nassume no failover\n"


def without(*causes: Cause, outcome: str | None = None, kind: RuleKind | None = None) -> Change:
    """The machine in which these steps cannot happen."""

    def change(rule: Rule) -> Rule | None:
        named = outcome is None or rule.action.outcome == outcome
        alike = (not causes or rule.action.cause in causes) and kind in (None, rule.kind)
        return None if named and alike else rule

    return change


def untold(ending: str) -> Change:
    """The machine in which other workers do not notice."""

    def change(rule: Rule) -> Rule:
        others = tuple(
            b for b in rule.others if not any(u.target.endswith(ending) for u in b.updates)
        )
        return replace(rule, others=others)

    return change


def unasked(ending: str) -> Change:
    """The machine in which workers do not look."""

    def change(rule: Rule) -> Rule:
        guard = tuple(t for t in rule.guard if not t.variable.endswith(ending))
        return replace(rule, guard=guard)

    return change


def design(head: str, body: str, assumed: str, trait: str = "") -> str:
    lines = "".join(f"  {line}\n" for line in body.strip("\n").splitlines())
    return f"{HEAD}{head}consumer c on q{trait}\n{lines}{assumed}claim recoverable\n"


TWO = """store seen per id via dynamodb
store book per id via postgresql
"""
SNAPSHOT = """store seen per id via postgresql(isolation=repeatable-read)
  state: new | old
store book per id via postgresql
"""
SERIAL = """store seen per id via postgresql(isolation=serializable)
store book per id via postgresql(isolation=serializable)
"""
ROWS = """store seen per id
  state: new | old
store book per id
  state: new | old
"""
KEYED = """store row per id
effect charge per id via http
  key id, kept for ever
  keeps errors
"""
MAIL = "effect mail per id via http\n"
ASKED = """effect charge per id via {via}
  can be queried
"""
LOCKED = "acquire m\nwait\nrelease m\nack"
MUTANTS: dict[str, tuple[str, Change]] = {
    "a step on a database fails": (
        design("store seen per id\n", "add id to seen\n  on failure\n    wait\nack", CALM + ALIVE),
        without(Cause.DATABASE_FAILED),
    ),
    "the answer of a database is lost": (
        design("store seen per id\n", "add id to seen\n  on failure\n    wait\nack", CALM + ALIVE),
        without(Cause.DATABASE_ANSWER_LOST),
    ),
    "a client meets its own first request": (
        design(
            "store seen per id via dynamodb\n",
            "insert id into seen\n  on duplicate\n    wait\n  on failure\n    ack\n    stop\nack",
            CALM + ALIVE + "assume handler finishes within the lease\n",
        ),
        without(outcome="own retry"),
    ),
    "one database of a block commits before the other": (
        design(TWO, "atomic\n  add id to seen\n  add id to book\nack", SURE + ALIVE),
        without(outcome="commit of postgresql"),
    ),
    "a row that has changed since the snapshot is not written": (
        design(
            SNAPSHOT,
            "add id to seen\natomic\n  if seen.state is old\n    stop\n  set seen.state = old\n"
            "on failure\n  wait\nack",
            SURE + ALIVE,
        ),
        without(outcome="serialization failure"),
    ),
    "a snapshot notices what others write": (
        design(
            SNAPSHOT,
            "add id to seen\natomic\n  if seen.state is old\n    stop\n  set seen.state = old\nack",
            SURE + ALIVE,
        ),
        untold(v.CHANGED),
    ),
    "a token that somebody has been given since the snapshot is not compared": (
        design(
            "store book per id via postgresql(isolation=repeatable-read)\n  state: new | old\n"
            "lock lease per id in book, expires\n"
            "effect credit per id in book\n  checks token of lease\n",
            "acquire lease or continue\natomic\n  if book.state is old\n    stop\n"
            "  do credit or continue\non failure\n  wait\nack",
            SURE + ALIVE,
        ),
        without(outcome="serialization failure"),
    ),
    "a serializable block that others have overtaken fails": (
        design(
            SERIAL,
            "atomic serializable\n  if id in seen\n    stop\n  wait\n  add id to book\nack",
            "consumer d on q\n  atomic serializable\n    if id in book\n      stop\n"
            "    add id to seen\n  ack\n" + SURE + ALIVE,
        ),
        untold(v.DOOMED),
    ),
    "a write waits for a locked row": (
        design(
            "store seen per id\n",
            "atomic\n  add id to seen\n  wait\nack",
            SURE + ALIVE,
        ),
        unasked(v.BUSY),
    ),
    "a living worker loses its session": (
        design("lock m per id\n", LOCKED, SURE + ALIVE + "assume no failover\n"),
        without(Cause.CONNECTION_LOST),
    ),
    "a step after a lost session fails": (
        design(
            "store seen per id via postgresql\neffect credit per id in seen\n"
            "lock m per id in seen\n",
            "acquire m\nif credit happened\n  ack\n  stop\ndo credit\nrelease m\nack",
            SURE + ALIVE,
        ),
        unasked(v.SESSION),
    ),
    "only its own session releases a lock": (
        design("lock m per id\n", "acquire m or continue\nrelease m\nack", SURE + ALIVE + STEADY),
        unasked(v.MINE),
    ),
    "a connection of a pool has the lock that was left": (
        design(
            "lock m per id via postgresql.advisory(pooled=true)\n",
            "acquire m or stop\nwait\nack",
            SURE + ALIVE + STEADY,
        ),
        without(outcome="reacquired"),
    ),
    "a lock service fails over": (
        design("lock m per id via redis.lock(ttl=none)\n", LOCKED, SURE + ALIVE),
        without(Cause.FAILOVER),
    ),
    "the release of a dead worker arrives late": (
        design(
            "lock m per id, expires 30s\n",
            LOCKED,
            SURE + "assume work ends within the lock\nassume no refusals\nassume no lost answers\n",
            ", workers 1",
        ),
        without(Cause.LATE_EFFECT),
    ),
    "a deadlock has a victim": (
        design(
            ROWS,
            "atomic\n  set seen.state = old\n  wait\n  set book.state = old\n"
            "on failure\n  wait\nack",
            "consumer d on q\n  atomic\n    set book.state = old\n    wait\n"
            "    set seen.state = old\n  ack\n" + SURE + ALIVE,
        ),
        without(outcome="deadlock victim"),
    ),
    "a request is lost": (
        design(MAIL, "send mail\n  on no answer\n    wait\nack", SURE + "assume no crash\n"),
        without(outcome="request lost"),
    ),
    "a stored error comes again": (
        design(KEYED, "call charge\n  on refused\n    wait\nack", SURE + "assume no crash\n"),
        without(outcome="refused again"),
    ),
    "a request that is still on its way arrives": (
        design(
            ASKED.format(via="http"),
            "if charge happened\n  ack\n  stop\ncall charge\nack",
            SURE + "assume no crash\nassume no refusals\n",
        ),
        without(Cause.LATE_EFFECT, kind=RuleKind.EVENT),
    ),
    "a question to a provider is refused": (
        design(
            ASKED.format(via="http"),
            "if charge happened\n  ack\n  stop\ncall charge\nack",
            SURE + "assume no crash\nassume no lost answers\n",
        ),
        without(Cause.REFUSED),
    ),
}


def problems(text: str) -> tuple[str, ...]:
    """What comes of comparing the readings, which must not be too large to compare."""
    found = compare(0, lambda _: text, pool=2, most=MOST)
    assert not found.skipped
    return found.problems


@pytest.mark.parametrize("name", MUTANTS)
def test_a_rule_that_is_taken_away_is_missed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, change = MUTANTS[name]
    assert problems(text) == ()
    original = readings.lower

    def broken(*asked):  # type: ignore[no-untyped-def]
        lowered = original(*asked)
        machine: Machine = lowered.machine
        rules = tuple(r for r in map(change, machine.rules) if r is not None)
        assert rules != machine.rules, "there is such a rule"
        return replace(lowered, machine=replace(machine, rules=rules))

    monkeypatch.setattr(readings, "lower", broken)
    assert problems(text)
