"""Databases that show what was before, or go back to it: stale reads, failovers, several regions
(docs/semantics.md), stepped by hand.
"""

from __future__ import annotations

import pytest
from onceproof.interpreter import Judge, State, choices, followed, replay
from onceproof.interpreter.trace import Step
from onceproof.machine.system import Cause

from support.walk import CALM, Walk, handler, reached

HEAD = """event E(id, order)
queue q of E
{0}
store seen per id in d, unique
store book per id in d
  state: new | paid | sent
effect mail per id via http
effect credit per id in book
"""


def walk(
    body: str, database: str, other: str = "wait", assume: tuple[str, ...] = CALM, more: str = ""
) -> Walk:
    """A handler ``h``, and another consumer ``o`` that uses the same database."""
    lines = [*HEAD.format(database).splitlines(), *more.splitlines()]
    lines += [*(f"assume {a}" for a in assume), "consumer h on q"]
    lines += [f"  {line}" for line in (body + "\nack").splitlines()]
    lines += ["consumer o on q", *(f"  {line}" for line in (other + "\nack").splitlines())]
    return Walk("\n".join([*lines, "claim never book.state is sent", ""]), pool=4)


def leads(w: Walk, cause: Cause) -> list[tuple[Step, State]]:
    """The steps of a cause that can be next, each with the state after it."""
    return [(s, a) for s, a in choices(w.ctx, w.state, w.pool) if s.cause is cause]


def second(w: Walk) -> list[str]:
    """What the worker with number 1 can do."""
    return [x for x in w.lines() if x.endswith("#1")]


BACK = "database d, replicated"
DYNAMO = "database d via dynamodb"
REPLICA = "database d via postgresql(reads=replica)"
REGIONS = "database d via dynamodb(global-table=MREC)"

# ---------------------------------------------------------------- stale reads


@pytest.mark.parametrize("database", [DYNAMO, REPLICA])
def test_a_stale_read_shows_any_value_from_before(database: str) -> None:
    body = "set book.state = paid\nset book.state = sent\n"
    body += "if book.state is new\n  wait\nif id in seen\n  wait"
    w = walk(body, database).go("delivery h")
    w.go("set book.state = paid", "set book.state = sent")
    assert w.lines() == ["if book.state is new -> no", "if book.state is new -> yes"]
    w.go("if book.state is new -> no")
    assert w.lines() == ["if id in seen -> no"], "there was no other value"


def test_a_strong_read_is_not_stale() -> None:
    body = "set book.state = paid\nif book.state is paid\n  wait"
    w = walk(body, "database d via dynamodb(reads=strong)").go(
        "delivery h", "set book.state = paid"
    )
    assert w.lines() == ["if book.state is paid -> yes"]


def test_a_stale_let_and_its_replay() -> None:
    body = "set book.state = paid\nlet a = book.state\nif a is paid\n  wait"
    w = walk(body, DYNAMO).go("delivery h", "set book.state = paid")
    assert w.lines() == ["let a = book.state"] * 2
    found = [
        dict(x.workers[0].locals)["a"] for _, x in leads(w, Cause.HANDLER) if x.workers[0].locals
    ]
    assert sorted(found) == ["new", "paid"]


def test_writes_and_their_conditions_are_never_stale() -> None:
    body = "add id to seen\ninsert id into seen or stop\nwait"
    w = walk(body, DYNAMO).go("delivery h", "add id to seen")
    assert w.lines() == ["insert id into seen or stop -> duplicate"]


def test_a_transactions_own_view_is_not_stale() -> None:
    database = "database d via postgresql(reads=replica, isolation=repeatable-read)"
    body = "set book.state = paid\natomic\n  if book.state is paid\n    wait\n  add id to seen"
    w = walk(body, database).go("delivery h", "set book.state = paid")
    assert w.lines() == ["if book.state is paid -> yes"]


def test_an_effect_can_look_as_if_it_had_not_happened() -> None:
    w = walk("do credit\nif credit happened\n  wait", DYNAMO).go("delivery h", "do credit")
    assert w.lines() == ["if credit happened -> no", "if credit happened -> yes"]


# ---------------------------------------------------------------- failover


def test_all_rows_go_back_to_one_moment() -> None:
    body = "add id to seen\nset book.state = paid\nset book.state = sent\ndo credit"
    w = walk(body, BACK).go("delivery h")
    w.go("add id to seen", "set book.state = paid", "set book.state = sent", "do credit")
    earlier = [a for _, a in leads(w, Cause.FAILOVER)]
    shown = {(len(a.rows), dict(a.columns).get(("book.state", "event", 0), "new")) for a in earlier}
    assert shown == {(0, "new"), (1, "new"), (2, "paid"), (2, "sent")}
    assert all(("credit", "event", 0) not in dict(a.counts) for a in earlier)


def test_what_was_undone_does_not_come_back() -> None:
    w = walk("add id to seen\nset book.state = paid", BACK).go("delivery h")
    w.go("add id to seen", "set book.state = paid")
    (first,) = [a for _, a in leads(w, Cause.FAILOVER) if not a.rows]
    assert first.past == (("d", ()),)


def test_who_does_not_fail_over() -> None:
    for database in (
        "database d",
        "database d via postgresql",
        "database d via postgresql(synchronous_standby_names=s1), replicated",
    ):
        w = walk("add id to seen", database).go("delivery h", "add id to seen")
        assert not w.options(Cause.FAILOVER)
    for database in ("database d via redis", "database d via postgresql(synchronous_commit=off)"):
        w = walk("add id to seen", database).go("delivery h", "add id to seen")
        assert w.options(Cause.FAILOVER) == ["failover d"]
    w = walk("add id to seen", BACK, assume=(*CALM, "no failover"))
    assert not w.go("delivery h", "add id to seen").options(Cause.FAILOVER)


def test_an_open_block_is_rolled_back_and_does_not_know() -> None:
    body = "add id to seen\natomic\n  set book.state = paid\n  wait\n  do credit\n"
    body += "on failure\n  wait 1min"
    w = walk(body, BACK).go("delivery h", "add id to seen", "set book.state = paid")
    (w.state,) = [a for _, a in leads(w, Cause.FAILOVER) if not a.rows]
    assert w.worker.locked == ()
    w.go("wait")
    assert w.lines() == ["do credit -> failed"]
    assert w.go("do credit -> failed").lines() == ["wait 1min"]


def test_a_failover_may_lose_nothing_but_the_sessions() -> None:
    body = "add id to seen\natomic\n  set book.state = paid\n  wait\n  do credit"
    w = walk(body, BACK).go("delivery h", "add id to seen")
    assert [a.rows for _, a in leads(w, Cause.FAILOVER)] == [()], "nobody has anything to lose"
    w.go("set book.state = paid")
    (w.state,) = [a for _, a in leads(w, Cause.FAILOVER) if a.rows]
    assert w.worker.locked == ()
    assert w.go("wait").lines() == ["do credit -> failed"]


def test_session_locks_are_free_and_leases_as_they_were() -> None:
    locks = "lock s per id in d\nlock l per id in d, expires 30s\n"
    body = "acquire s\nacquire l\nadd id to seen\nrelease l\nwait"
    w = walk(body, BACK, more=locks).go("delivery h", "acquire s", "acquire l", "add id to seen")
    w.go("release l")
    earlier = [a for _, a in leads(w, Cause.FAILOVER)]
    assert all(not any(x[0] == "s" for x in a.held) for a in earlier)
    assert {(len(a.rows), len(a.held)) for a in earlier} == {(0, 0), (0, 1), (1, 1), (1, 0)}


def test_tokens_that_were_taken_back_decide_either_way() -> None:
    text = HEAD.format(BACK) + "lock l per id in d, expires 30s\n"
    text = text.replace("effect credit per id in book", "")
    text += "effect credit per id in book\n  checks token of l\n"
    body = "acquire l\nset book.state = paid\ndo credit\n  on failure\n    wait\nack"
    w = Walk(handler(body, text, CALM)).go("delivery h", "acquire l", "set book.state = paid")
    assert w.lines() == ["do credit"]
    (after,) = [a for _, a in leads(w, Cause.FAILOVER) if a.held and not a.rows]
    w.state = after
    assert w.lines() == ["do credit", "do credit -> rejected"]


GOES_BACK = """event Pay(id)
queue orders of Pay at-least-once
queue pays of Pay at-least-once
store order per id, replicated
  status: none | ready | paid
effect charge per id via http
consumer shop on orders, acks on delivery
  add id to order
  update order.status from none to ready or stop
  publish to pays
consumer bank on pays
  update order.status from ready to paid
    on conflict
      ack
      stop
  call charge
  ack
assume no broker copies
assume no publisher retries
assume no replay
assume no crash
assume no refusals
assume no lost answers
assume no lost acks
assume no database failures
claim no duplicate charge
"""


def test_a_row_that_goes_back_passes_a_compare_and_set_again() -> None:
    assert reached(GOES_BACK) == {"no duplicate charge"}
    assert reached(GOES_BACK + "assume no failover\n") == set()


def test_a_story_with_a_failover_is_replayed_to_the_violation() -> None:
    w = Walk(GOES_BACK).go("delivery shop", "add id to order")
    w.go("update order.status from none to ready or stop", "publish to pays -> done")
    w.go("delivery bank", "update order.status from ready to paid", "call charge -> done")
    back = leads(w, Cause.FAILOVER)
    assert len(back) == 3
    step, after = next(x for x in back if ("order.status", "event", 0) in dict(x[1].columns))
    w.steps.append(step)
    w.state = after
    w.go("lease-expired bank", "delivery bank", "update order.status from ready to paid #1")
    w.go("call charge -> done #1")
    (claim,) = w.design.claims
    assert followed(w.design, claim, w.trace).states[-1] == w.state
    assert Judge(w.ctx).violated(claim, replay(w.design, w.trace).states[-1])


def test_an_effect_that_was_undone_is_no_duplicate() -> None:
    text = handler("do credit\nack", HEAD.format(BACK), CALM, ("no loss of credit",))
    assert reached(text, pool=1) == {"no loss of credit"}


# ---------------------------------------------------------------- several regions


def test_a_condition_is_looked_at_in_one_region() -> None:
    w = walk("insert id into seen or stop\nwait", REGIONS, "insert id into seen or stop\nwait")
    w.go("delivery h", "insert id into seen or stop", "delivery o")
    line = "insert id into seen or stop"
    assert second(w) == [f"{line} #1", f"{line} -> duplicate #1"]
    assert w.go(f"{line} #1").rows() == ["seen"]
    one = walk("insert id into seen or stop\nwait", "database d via dynamodb(global-table=MRSC)")
    one.go("delivery h", line)
    body = "add id to book\nset book.state = paid\nupdate book.state from new to sent or stop"
    w = walk(body, REGIONS).go("delivery h", "add id to book", "set book.state = paid")
    line = "update book.state from new to sent or stop"
    assert w.lines() == [line, f"{line} -> conflict"]


def test_a_request_of_several_steps_is_looked_at_in_one_region_too() -> None:
    body = "atomic\n  insert id into seen or fail\n  wait\n  set book.state = paid"
    w = walk(body, REGIONS, "add id to seen").go("delivery h", "delivery o")
    w.go("insert id into seen or fail", "add id to seen #1", "wait")
    line = "set book.state = paid"
    assert [x for x in w.lines() if not x.endswith("#1")] == [
        f"{line} -> commit",
        f"{line} -> serialization failure",
    ]
