"""Locks, the sessions that hold them, and workers that wait for each other: designs stepped by
hand (docs/semantics.md, "Kinds of locks" to "Waiting and deadlock").
"""

from __future__ import annotations

import pytest
from onceproof.machine.system import Cause

from support.walk import CALM, Walk, reached

HEAD = """event E(id, order)
queue q of E
database d via postgresql
store seen per id in d
store book per id in d
effect mail per id via http
effect credit per id in book
"""
SAFE = tuple(a for a in CALM if a != "no crash")


def walk(
    body: str,
    lock: str,
    other: str = "wait",
    assume: tuple[str, ...] = CALM,
    head: str = HEAD,
    trait: str = "",
) -> Walk:
    """A handler ``h`` and another consumer ``o`` that use one lock."""
    lines = [*head.splitlines(), lock, *(f"assume {a}" for a in assume), f"consumer h on q{trait}"]
    lines += [f"  {line}" for line in (body + "\nack").splitlines()]
    lines += ["consumer o on q", *(f"  {line}" for line in (other + "\nack").splitlines())]
    return Walk("\n".join([*lines, "claim never id in seen", ""]), pool=4)


def second(w: Walk) -> list[str]:
    """What the worker with number 1 can do."""
    return [x for x in w.lines() if x.endswith("#1")]


def held(w: Walk) -> bool:
    return bool(w.state.held)


SESSION, LEASE, STORED = (
    "lock m per id in d",
    "lock m per id, expires 30s",
    "lock m per id, until released",
)


# ---------------------------------------------------------------- kinds


@pytest.mark.parametrize(("lock", "frees"), [(SESSION, True), (LEASE, False), (STORED, False)])
def test_who_ends_without_releasing(lock: str, frees: bool) -> None:
    w = walk("acquire m", lock, assume=SAFE).go("delivery h", "acquire m")
    assert held(w)
    assert held(w.go("worker-killed ack")) is not frees


@pytest.mark.parametrize(
    ("lock", "frees"),
    [
        (SESSION, False),
        (LEASE, True),
        (STORED, True),
        (f"{STORED}, owner releases", False),
        ("lock m per id via redis.lock(release=compare)", False),
    ],
)
def test_a_release_by_another(lock: str, frees: bool) -> None:
    w = walk("acquire m\nwait", lock, "release m").go("delivery h", "acquire m", "delivery o")
    assert held(w.go("release m #1")) is not frees
    assert held(w.go("wait").go("ack -> done")) is not (frees or lock == SESSION)


def test_a_stored_lock_stays_for_ever() -> None:
    w = walk("acquire m\nwait", STORED, "acquire m", SAFE).go("delivery h", "acquire m")
    w.go("worker-killed wait", "delivery o")
    assert w.lines() == []
    assert not w.options(Cause.LOCK_EXPIRED, Cause.CONNECTION_LOST, Cause.FAILOVER)


def test_a_lock_that_is_forgotten_in_a_failover() -> None:
    assume = tuple(a for a in CALM if a != "no failover")
    w = walk("acquire m\nwait", "lock m per id via redis.lock(ttl=none)", "acquire m", assume)
    w.go("delivery h", "acquire m", "delivery o")
    assert second(w) == []
    assert second(w.go("failover m")) == ["acquire m #1"]
    w = walk("acquire m", "lock m per id via redis.lock(ttl=none)", assume=(*CALM, "no failover"))
    assert not w.go("delivery h", "acquire m").options(Cause.FAILOVER)


# ---------------------------------------------------------------- transaction locks

BLOCK = "atomic\n  acquire m\n  wait\n  add id to seen"


def test_a_transaction_lock_ends_with_its_block() -> None:
    w = walk(f"{BLOCK}\nwait", SESSION, "acquire m").go("delivery h", "acquire m", "delivery o")
    assert second(w) == []
    w.go("wait")
    assert second(w) == []
    w.go("add id to seen -> commit")
    assert second(w) == ["acquire m #1"]


def test_a_release_inside_the_block_does_nothing() -> None:
    body = "atomic\n  acquire m\n  release m\n  add id to seen"
    w = walk(body, SESSION).go("delivery h", "acquire m", "release m")
    assert held(w)
    assert not held(w.go("add id to seen -> commit"))


def test_a_rolled_back_block_lets_go_of_transaction_locks_only() -> None:
    body = "acquire m\natomic\n  set book.x = b\n  fail\non failure\n  wait"
    head = HEAD.replace("store book per id in d\n", "store book per id in d\n  x: a | b\n")
    w = walk(body, SESSION, head=head).go("delivery h", "acquire m", "set book.x = b")
    assert held(w)
    body = "atomic\n  acquire m\n  fail\non failure\n  wait"
    assert not held(walk(body, SESSION).go("delivery h", "acquire m"))


def test_a_lock_in_a_database_is_one_of_its_transactions() -> None:
    w = walk(BLOCK, "lock m per id in seen").go("delivery h", "acquire m")
    assert w.worker.block_locks
    w = walk(BLOCK, "lock m per id").go("delivery h", "acquire m")
    assert not w.worker.block_locks
    assert w.worker.locks


def test_the_snapshot_is_taken_before_the_lock() -> None:
    head = HEAD.replace("via postgresql", "via postgresql(isolation=repeatable-read)")
    w = walk("atomic\n  acquire m\n  if id in seen\n    wait", SESSION, "add id to seen", head=head)
    assert w.go("delivery h").lines() == ["atomic -> begin"]
    w.go("atomic -> begin", "delivery o", "add id to seen #1", "acquire m")
    assert "if id in seen -> no" in w.lines()


SAFE_LOCK = """event Pay(id)
queue pays of Pay at-least-once
store done per id via postgresql
store ledger per id via postgresql
lock mutex per id via postgresql.advisory
effect booking per id in ledger
consumer c on pays
  acquire mutex
  atomic
    if id in done
      stop
    add id to done
    do booking
  release mutex
  ack
claim no duplicate booking
"""


def test_a_lock_of_the_transactions_own_session_is_safe() -> None:
    assert reached(SAFE_LOCK) == set()
    elsewhere = SAFE_LOCK.replace(" via postgresql.advisory", "")
    assert reached(elsewhere) == {"no duplicate booking"}


# ---------------------------------------------------------------- sessions

LOSSES = tuple(a for a in CALM if a != "no lost connections")


def test_a_lost_session_frees_its_locks_while_its_worker_goes_on() -> None:
    w = walk("acquire m\nsend mail\nadd id to seen", SESSION, "acquire m", LOSSES)
    w.go("delivery h", "delivery o")
    assert not w.options(Cause.CONNECTION_LOST), "it has no lock"
    w.go("acquire m", "connection-lost d")
    assert second(w) == ["acquire m #1"]
    w.go("send mail -> done")
    assert [x for x in w.lines() if not x.endswith("#1")] == ["add id to seen -> failed"]


def test_the_session_is_new_after_a_failed_step() -> None:
    body = "acquire m\nadd id to seen\n  on failure\n    add id to seen"
    w = walk(body, SESSION, assume=LOSSES).go("delivery h", "acquire m", "connection-lost d")
    assert w.go("add id to seen -> failed").lines() == ["add id to seen"]


def test_a_lost_session_rolls_its_open_block_back() -> None:
    body = (
        "atomic\n  acquire m\n  add id to seen\n  send mail\n  add id to book\non failure\n  wait"
    )
    w = walk(body, SESSION, "add id to seen", LOSSES)
    w.go("delivery h", "acquire m", "add id to seen", "connection-lost d", "delivery o")
    assert second(w) == ["add id to seen #1"], "the row is free"
    w.go("send mail -> done", "add id to book -> failed")
    assert "wait" in w.lines()
    assert w.rows() == []


def test_a_lock_service_has_sessions_too() -> None:
    w = walk("acquire m\nrelease m", "lock m per id", assume=LOSSES).go("delivery h", "acquire m")
    w.go("connection-lost lock service")
    assert w.lines() == ["release m -> failed"]


def test_the_session_of_a_commit_under_way_keeps_its_lock() -> None:
    body = "acquire m\natomic\n  add id to seen"
    for lock, free in ((SESSION, False), ("lock m per id", True)):
        w = walk(body, lock, "acquire m", SAFE).go("delivery h", "acquire m", "delivery o")
        w.go("worker-killed add id to seen -> request under way")
        assert (second(w) == ["acquire m #1"]) is free
        w.go("late-effect add id to seen")
        assert second(w) == ["acquire m #1"]


def test_a_release_under_way_frees_whoever_holds_a_stored_lock() -> None:
    sent = "worker-killed release m -> request under way"
    other = "release m\nacquire m\nwait"
    w = walk("acquire m\nrelease m", STORED, other, SAFE, trait=", workers 2")
    w.go("delivery h", "acquire m", sent, "delivery o", "release m #1", "acquire m #1")
    assert not held(w.go("late-effect release m"))
    owned = f"{STORED}, owner releases"
    w = walk("acquire m\nrelease m", owned, other, SAFE, trait=", workers 2")
    w.go("delivery h", "acquire m", sent, "delivery o", "release m #1")
    assert held(w), "it is not the other's to release"
    assert not held(w.go("late-effect release m"))


# ---------------------------------------------------------------- pools


def pool(kind: str) -> str:
    return f"lock m per id via postgresql.advisory(pooled={kind})"


def test_a_pooled_session_keeps_the_lock_of_a_handler_that_ends() -> None:
    for kind, leaks in (("false", False), ("true", True)):
        w = walk("acquire m or stop", pool(kind), "acquire m or stop", LOSSES)
        w.go("delivery h", "acquire m or stop", "ack -> done")
        assert held(w) is leaks
    w.go("delivery o")
    line = "acquire m or stop"
    assert w.lines() == [f"{line} -> held", f"{line} -> reacquired"]
    assert not held(w.go("connection-lost m"))


def test_a_killed_process_takes_its_pool_along() -> None:
    w = walk("acquire m\nwait", pool("true"), assume=SAFE).go("delivery h", "acquire m")
    assert not held(w.go("worker-killed wait"))


def test_a_proxy_that_pools_transactions_gives_the_lock_to_everybody() -> None:
    w = walk("acquire m\nwait", pool("transaction"), "acquire m\nrelease m")
    w.go("delivery h", "acquire m", "delivery o", "acquire m #1")
    assert second(w) == ["release m #1", "release m -> nothing #1"]
    w = walk(BLOCK, pool("transaction"), "atomic\n  acquire m\n  add id to book")
    w.go("delivery h", "acquire m", "delivery o")
    assert second(w) == []


# ---------------------------------------------------------------- deadlocks

TWO = "lock a per id in d\nlock b per id in d"


def test_a_cycle_inside_one_database_has_a_victim() -> None:
    w = walk("acquire a\nacquire b\nwait", TWO, "acquire b\nacquire a\nwait")
    w.go("delivery h", "delivery o", "acquire a", "acquire b #1")
    assert w.lines() == ["acquire b -> deadlock victim", "acquire a -> deadlock victim #1"]
    w.go("acquire a -> deadlock victim #1")
    assert w.lines() == ["acquire b"], "its session ended with it"


def test_a_cycle_of_rows_and_locks() -> None:
    body = "atomic\n  add id to seen\n  wait\n  acquire a\n  add id to book\non failure\n  wait"
    w = walk(body, TWO, "acquire a\nwait\nadd id to seen")
    w.go("delivery h", "delivery o", "add id to seen", "acquire a #1", "wait", "wait #1")
    assert w.lines() == ["acquire a -> deadlock victim", "add id to seen -> deadlock victim #1"]
    w.go("acquire a -> deadlock victim")
    assert w.lines() == ["wait", "add id to seen #1"]


@pytest.mark.parametrize(
    "locks",
    [
        "lock a per id\nlock b per id",
        "lock a per id via postgresql.advisory\nlock b per id via mysql.get_lock",
        "lock a per id via postgresql.advisory\nlock b per id, until released",
        "lock a per id via postgresql.advisory\nlock b per id in d, expires 30s",
    ],
)
def test_a_cycle_that_nobody_sees_has_none(locks: str) -> None:
    w = walk("acquire a\nacquire b\nwait", locks, "acquire b\nacquire a\nwait")
    w.go("delivery h", "delivery o", "acquire a", "acquire b #1")
    assert w.lines() == []


def test_a_worker_that_waits_for_itself_is_no_victim() -> None:
    w = walk("acquire a\nacquire a", TWO).go("delivery h", "acquire a")
    assert w.lines() == []
