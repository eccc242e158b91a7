"""Rows as they were: what each rule of the lowering is for. A machine without the rule can do less
than the design, and the comparison with the interpreter says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from onceproof.lower import effects, lower, past
from onceproof.lower import variables as v
from onceproof.machine.system import Rule, RuleKind

from support.readings import compare

HEAD = """event E(id, order)
queue q of E at-least-once
{database}
store seen per id in d, unique
store book per {key} in d
  state: open | paid | sent
{lock}effect credit per {key} in book
{token}effect mail per id via http
assume no replay
assume no publisher retries
assume no broker copies
assume no database failures
assume no lost answers
assume no refusals
assume no crash
"""
DYNAMO, REGIONS = "database d via dynamodb", "database d via dynamodb(global-table=MREC)"
BACK = "database d, replicated"
TOKEN = "  checks token of m\n"
LEASE = "lock m per id in book, expires\n"


def design(
    database: str, body: str, *, key: str = "id", lock: str = "", token: str = "", more: str = ""
) -> str:
    """A design with one handler and what ``more`` says."""
    head = HEAD.format(database=database, key=key, lock=lock, token=token)
    lines = "\n".join(f"  {line}" for line in body.splitlines())
    claims = "claim no loss of mail\nclaim never book.state is sent and id not in seen\n"
    return f"{head}consumer h on q\n{lines}\n{more}{claims}"


STALE_TEST = design(DYNAMO, "add id to seen\nif id in seen\n  ack\n  stop\nsend mail\nack")
STALE_LET = design(
    DYNAMO, "set book.state = paid\nlet s = book.state\nif s is open\n  send mail\nack"
)
STALE_RELAY = design(
    DYNAMO,
    "set book.state = paid\nset book.state = sent\nack",
    more="relay r when book.state is paid and id not in seen, workers 1\n  send mail\n",
)
REGION_KEY = design(REGIONS, "insert id into seen or stop\nsend mail\nwait\nack")
REGION_UPDATE = design(
    REGIONS,
    "add id to book\nset book.state = paid\nupdate book.state from open to sent or stop\nsend mail",
)
GOES_BACK = design(BACK, "add id to seen\nset book.state = paid\nsend mail\nack")
SHARED_BACK = design(BACK, "set book.state = paid\nsend mail\nack", key="order")
BLOCK = design(
    BACK, "add id to seen\natomic\n  set book.state = paid\n  wait\non failure\n  send mail\nack"
)
LEASE_BACK = design(
    BACK, "acquire m or stop\nadd id to seen\nrelease m\nsend mail\nack", lock=LEASE
)
TOKEN_BACK = design(
    BACK,
    "acquire m or stop\ndo credit\n  on failure\n    set book.state = sent\nsend mail\nack",
    lock=LEASE,
    token=TOKEN,
    more="assume handler finishes within the lease\n",
)


def problems(text: str) -> tuple[str, ...]:
    """How the readings of a design differ."""
    found = compare(0, lambda _: text, pool=2, most=20_000)
    assert not found.skipped
    return found.problems


def no_ways(*_: object) -> tuple[list[Any], list[Any]]:
    return [], []


def without(keep: Callable[[Rule], bool]) -> Callable[..., list[Rule]]:
    """Failovers of which only some rules are left."""
    every = past.failovers
    return lambda *given: [rule for rule in every(*given) if keep(rule)]


def touches(name: str) -> Callable[[Rule], bool]:
    """The rules that do not change a variable."""
    return lambda rule: all(u.target != name for u in rule.updates)


MUTANTS: dict[str, tuple[str, object, str, object]] = {
    "a test sees what is there": (STALE_TEST, past.Past, "decide", no_ways),
    "let sees what is there": (STALE_LET, past.Past, "read", lambda *_: []),
    "a relay sees what is there": (
        STALE_RELAY,
        past.Past,
        "starts",
        lambda self, condition, case: self.handler.meaning.split(condition, case),
    ),
    "a region knows every key": (REGION_KEY, effects, "in_one_region", lambda m, s, c, ways: ways),
    "a region knows every value": (
        REGION_UPDATE,
        effects,
        "in_one_region",
        lambda m, s, c, ways: ways,
    ),
    "no database fails over": (GOES_BACK, past, "failing_over", lambda _: []),
    "no row of an event goes back": (
        GOES_BACK,
        lower.__globals__,
        "failovers",
        without(lambda rule: rule.kind is not RuleKind.EVENT),
    ),
    "no row of a key goes back": (
        SHARED_BACK,
        lower.__globals__,
        "failovers",
        without(lambda rule: rule.kind is not RuleKind.COMPONENT),
    ),
    "blocks outlive a failover": (BLOCK, past.Past, "lose", lambda *_: None),
    "locks stay as they are": (
        LEASE_BACK,
        lower.__globals__,
        "failovers",
        without(touches("m")),
    ),
    "tokens stay as they are": (TOKEN_BACK, v, "is_restored", lambda *_: False),
}
"""By what is not so any more: a design in which it matters, and what is replaced by what."""


@pytest.mark.parametrize("name", MUTANTS)
def test_a_rule_that_is_taken_away_is_missed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, where, attribute, instead = MUTANTS[name]
    assert problems(text) == ()
    if isinstance(where, dict):
        monkeypatch.setitem(where, attribute, instead)
    else:
        monkeypatch.setattr(where, attribute, instead)
    assert problems(text) != ()


def test_a_write_that_breaks_shared_locks_counts_for_what_is_owed() -> None:
    """Else nothing is owed in a block whose every commit may break locks of other workers, and *no
    loss* of it would be proved.
    """
    text = """event E(id, order)
queue q of E at-least-once
store seen per order via mysql
store book per id via mysql(isolation=serializable)
effect credit per id in book
consumer h on q, acks on delivery
  atomic
    do credit
    delete order from seen
    if order in seen
      fail
assume no lost connections
assume no publisher retries
assume no replay
claim no loss of credit
"""
    assert problems(text) == ()
