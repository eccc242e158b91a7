"""What blocks see of each other at each level (docs/semantics.md, "Isolation"): designs
stepped by hand, after the facts observed on real servers.
"""

from __future__ import annotations

import pytest
from onceproof.interpreter import Unordered, replay

from support.walk import CALM, Walk, handler, reached

HEAD = """event E(id, order)
queue q of E
effect mail per id via http
"""
SNAPSHOT = (
    HEAD
    + """database d, isolation snapshot
store seen per id in d
store book per id in d
  state: new | paid | sent
effect credit per id in book
"""
)
SERIALIZABLE = SNAPSHOT.replace("snapshot", "serializable")
SAME = "\nconsumer o on q\n  {}\n  ack\n"


def walk(body: str, head: str, other: str = "wait", first: str = "") -> Walk:
    """A handler ``h`` and another consumer ``o``, which changes rows in between."""
    lines = [*head.splitlines(), *(f"assume {a}" for a in CALM), "consumer h on q"]
    lines += [f"  {line}" for line in (body + "\nack").splitlines()]
    lines += ["consumer o on q", *(f"  {line}" for line in (other + "\nack").splitlines())]
    w = Walk("\n".join([*lines, "claim never book.state is sent", ""]), pool=3)
    if first:
        w.go("delivery o")
    return w


def first(w: Walk) -> list[str]:
    """What the worker with number 0 can do."""
    return [x for x in w.lines() if not x.endswith("#1")]


def second(w: Walk) -> list[str]:
    """What the other worker can do."""
    return [x for x in w.lines() if x.endswith("#1")]


# ---------------------------------------------------------------- snapshots like PostgreSQL's


def test_begin_is_a_step_of_its_own_before_a_run() -> None:
    w = walk("atomic\n  set book.state = paid", SNAPSHOT).go("delivery h")
    assert w.lines() == ["atomic -> begin"]
    assert w.go("atomic -> begin").lines() == ["set book.state = paid -> commit"]


def test_a_first_test_takes_the_snapshot_in_its_own_step() -> None:
    w = walk("atomic\n  if id in seen\n    wait\n  let a = book.state", SNAPSHOT, "add id to seen")
    w.go("delivery h", "if id in seen -> no")
    assert w.worker.snapshots
    w = walk("atomic\n  let a = book.state\n  if id in seen\n    wait", SNAPSHOT, "add id to seen")
    w.go(
        "delivery h", "delivery o", "let a = book.state", "add id to seen #1", "if id in seen -> no"
    )


@pytest.mark.parametrize(
    ("other", "line", "outcome"),
    [
        ("set book.state = paid", "update book.state from new to sent", "serialization failure"),
        ("set book.state = paid", "update book.state from paid to sent", "conflict"),
        ("set book.state = new", "set book.state = sent", "serialization failure"),
        ("set book.state = new", "do credit", "serialization failure"),
        ("delete id from book", "update book.state from new to sent", "serialization failure"),
        ("delete id from book", "set book.state = sent", "commit"),
        ("delete id from book", "insert id into book", "commit"),
        ("delete id from book", "delete id from book", "serialization failure"),
        ("add id to book", "set book.state = sent", "commit"),
    ],
)
def test_a_write_to_a_row_that_was_there(other: str, line: str, outcome: str) -> None:
    if line.startswith("insert"):
        line = f"{line} or fail"
    head = SNAPSHOT.replace("book per id in d", "book per id in d, unique")
    w = walk(f"add id to book\natomic\n  let a = book.state\n  {line}", head, other)
    w.go("delivery h", "add id to book", "delivery o", "let a = book.state", f"{other} #1")
    failed = f"{line} -> {outcome}" if outcome != "conflict" else line
    assert first(w) == [failed]


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("insert id into seen or stop", "serialization failure"),
        ("add id to seen", "serialization failure"),
        ("delete id from seen", ""),
        ("delete id from seen or stop", ""),
    ],
)
def test_a_write_to_a_row_that_came_since(line: str, outcome: str) -> None:
    head = SNAPSHOT.replace("seen per id in d", "seen per id in d, unique")
    w = walk(f"atomic\n  let a = book.state\n  {line}", head, "add id to seen")
    w.go("delivery h", "delivery o", "let a = book.state", "add id to seen #1")
    assert f"{line}{f' -> {outcome}' if outcome else ''}" in w.lines()
    if line == "delete id from seen":
        assert w.go("delete id from seen").rows() == ["seen"], "it does not see the row"


def test_own_writes_are_seen_and_do_not_fail() -> None:
    body = "atomic\n  let a = book.state\n  set book.state = paid\n  wait\n"
    body += "  if book.state is paid\n    set book.state = sent"
    w = walk(body, SNAPSHOT).go("delivery h", "let a = book.state", "set book.state = paid", "wait")
    w.go("if book.state is paid -> yes", "set book.state = sent -> commit")
    assert w.column("book.state") == "sent"


def test_the_snapshot_is_taken_before_waiting() -> None:
    """Lock first, then check, is not enough: the snapshot is older than the lock."""
    body = "atomic\n  set book.state = paid\n  if id in seen\n    stop\n  wait\n  add id to seen"
    w = walk(
        body, SNAPSHOT, "add id to book\natomic\n  set book.state = new\n  wait\n  add id to seen"
    )
    w.go("delivery h", "delivery o", "add id to book #1", "atomic -> begin #1")
    w.go("set book.state = new #1", "atomic -> begin", "wait #1", "add id to seen -> commit #1")
    assert w.lines() == ["set book.state = paid -> serialization failure", "ack -> done #1"]


def test_a_serialization_failure_runs_the_clause_below_the_block() -> None:
    body = "add id to book\natomic\n  let a = book.state\n  set book.state = sent\n"
    for clause, left in (
        ("retry 1 times", "let a = book.state"),
        ("on failure\n  wait", "wait"),
    ):
        w = walk(body + clause, SNAPSHOT, "set book.state = paid")
        w.go("delivery h", "add id to book", "delivery o", "let a = book.state")
        w.go("set book.state = paid #1", "set book.state = sent -> serialization failure")
        assert first(w) == [left]


# ---------------------------------------------------------------- MySQL and MariaDB

MARIADB = """event Pay(id, account)
queue pays of Pay at-least-once
store account per id via mysql{0}
  kind: normal | vip
  mutex: free | touched
store processed per id via mysql
store ledger per id via mysql
effect booking per id in ledger
consumer bank on pays
  atomic
    {1}
    if id in processed
      stop
    add id to processed
    do booking
  ack
claim no duplicate booking
"""
TOUCH, LOOK = "set account.mutex = touched", "let kind = account.kind"


def test_two_bookings_on_mariadb() -> None:
    dup = {"no duplicate booking"}
    first, last = f"{LOOK}\n    {TOUCH}", f"{TOUCH}\n    {LOOK}"
    assert reached(MARIADB.format("", first)) == dup
    assert reached(MARIADB.format("", last)) == set()
    assert reached(MARIADB.format("(isolation=read-committed)", first)) == set()
    assert reached(MARIADB.format("(innodb_snapshot_isolation=on)", first)) == set()


MYSQL = SNAPSHOT.replace("database d, isolation snapshot", "database d via mysql")


def test_mysql_takes_the_snapshot_at_the_first_read_only() -> None:
    w = walk("atomic\n  set book.state = paid\n  if id in seen\n    wait", MYSQL, "add id to seen")
    w.go("delivery h", "delivery o", "set book.state = paid", "add id to seen #1")
    assert first(w) == ["if id in seen -> yes"]


def test_mysql_decides_on_the_current_row_and_then_shows_it() -> None:
    body = "atomic\n  let a = book.state\n  update book.state from paid to sent or fail\n"
    body += "  if book.state is sent\n    wait"
    w = walk(body, MYSQL, "set book.state = paid")
    w.go("delivery h", "delivery o", "let a = book.state", "set book.state = paid #1")
    w.go("update book.state from paid to sent or fail")
    assert first(w) == ["if book.state is sent -> yes"]


def test_a_write_that_changes_nothing_does_not_show_the_current_row_on_mysql() -> None:
    head = MYSQL + "store more per id in d\n  a: x | y\n  b: x | y\n"
    for value, seen in (("x", "no"), ("y", "yes")):
        body = f"add id to more\natomic\n  let a = book.state\n  set more.a = {value}\n"
        w = walk(body + "  if more.b is y\n    wait", head, "set more.b = y")
        w.go(
            "delivery h", "add id to more", "delivery o", "let a = book.state", "set more.b = y #1"
        )
        assert first(w.go(f"set more.a = {value}")) == [f"if more.b is y -> {seen}"]


# ---------------------------------------------------------------- serializable, optimistic

CHARGE = """event Pay(id)
queue pays of Pay at-least-once
store done per id via postgresql
effect charge per id via http
consumer bank on pays
  atomic serializable
    if id in done
      ack
      stop
    call charge
    add id to done
  ack
assume no crash
assume no refusals
assume no lost answers
assume no database failures
claim no duplicate charge
"""


def test_both_call_the_provider_before_one_of_them_fails() -> None:
    assert reached(CHARGE) == {"no duplicate charge"}
    w = Walk(CHARGE).go("delivery bank")
    assert w.lines() == ["if id in done"], "reading only takes no step before"
    w.go("if id in done", "call charge -> done", "redelivery bank", "delivery bank")
    w.go("if id in done #1", "call charge -> done #1", "add id to done -> commit")
    assert [x for x in w.lines() if x.endswith("#1")] == [
        "add id to done -> serialization failure #1"
    ]


PAIR = "atomic\n  if id in seen\n    wait\n  wait\n  add id to book"
OTHER = "atomic\n  if id in book\n    wait\n  wait\n  add id to seen"


def test_write_skew_is_refused() -> None:
    w = walk(PAIR, SERIALIZABLE, OTHER)
    w.go("delivery h", "delivery o", "if id in seen", "if id in book #1", "wait", "wait #1")
    w.go("add id to book -> commit")
    assert w.lines() == ["ack -> done", "add id to seen -> serialization failure #1"]


def test_a_doomed_block_may_fail_at_once_or_at_its_commit() -> None:
    other = OTHER.replace("  wait\n  add id to seen", "  add id to seen\n  wait")
    w = walk(PAIR, SERIALIZABLE, other)
    w.go("delivery h", "delivery o", "if id in seen", "atomic -> begin #1", "wait")
    w.go("add id to book -> commit")
    run = "if id in book"
    assert w.lines() == ["ack -> done", f"{run} #1", f"{run} -> serialization failure #1"]
    w.go(f"{run} #1", "wait #1")
    assert w.lines()[1:] == ["atomic -> serialization failure #1"]


@pytest.mark.parametrize(
    "other",
    [
        "add id to seen",
        "atomic\n  add id to seen\n  wait",
        "atomic\n  if id in seen\n    stop\n  add id to seen",
    ],
)
def test_who_does_not_count(other: str) -> None:
    """A line outside a block, a block that reads nothing, one that reads only what it writes."""
    w = walk(PAIR, SERIALIZABLE, other).go("delivery h", "if id in seen", "wait", "delivery o")
    while (mine := second(w)) and "ack" not in mine[0]:
        w.go(mine[0])
    assert first(w) == ["add id to book -> commit"]


def test_a_conflict_that_was_found_counts_as_a_read() -> None:
    body = "atomic\n  update book.state from sent to new or continue\n  wait\n  add id to seen"
    w = walk(body, SERIALIZABLE, "atomic\n  if id in seen\n    wait\n  set book.state = paid")
    w.go("delivery h", "delivery o", "atomic -> begin", "atomic -> begin #1")
    w.go("update book.state from sent to new or continue", "wait", "if id in seen -> commit #1")
    assert first(w) == ["add id to seen -> serialization failure"]


# ---------------------------------------------------------------- serializable, locking

LOCKING = MYSQL
SKEW = "atomic serializable\n  if id in seen\n    stop\n  wait\n  add id to seen"


def test_readers_share_and_one_of_two_writers_is_the_victim() -> None:
    w = walk(SKEW, LOCKING, SKEW).go("delivery h", "delivery o")
    w.go("if id in seen -> no", "if id in seen -> no #1", "wait", "wait #1")
    victim = "add id to seen -> deadlock victim"
    assert w.lines() == [victim, f"{victim} #1"]
    w.go(f"{victim} #1")
    assert w.lines() == ["add id to seen -> commit"]


def test_a_shared_row_holds_every_writer_up_and_no_reader_outside() -> None:
    for other, can in (
        ("add id to seen", False),
        ("atomic\n  add id to seen\n  wait", False),
        ("if id in seen\n  wait", True),
        (SKEW, True),
    ):
        w = walk(SKEW, LOCKING, other).go("delivery h", "delivery o", "if id in seen -> no")
        assert any(x.endswith("#1") for x in w.lines()) is can


def test_an_exclusive_row_holds_a_reader_in_a_block_up() -> None:
    other = "atomic\n  add id to seen\n  wait"
    w = walk(SKEW, LOCKING, other).go("delivery h", "delivery o", "add id to seen #1")
    assert w.lines() == ["wait #1"]


def test_a_writer_that_waits_for_a_reader_who_writes_is_the_victim() -> None:
    w = walk(SKEW, LOCKING, "add id to seen").go("delivery h", "delivery o")
    w.go("if id in seen -> no", "wait")
    assert w.lines() == ["add id to seen -> commit"], "the other writer waits"
    w.go("add id to seen -> commit")
    assert w.lines() == ["ack -> done", "add id to seen #1", "add id to seen -> deadlock victim #1"]
    late = walk(SKEW, LOCKING, "wait\nadd id to seen").go("delivery h", "delivery o")
    late.go("if id in seen -> no", "wait", "add id to seen -> commit", "wait #1")
    assert late.lines() == ["ack -> done", "add id to seen #1"], "it did not wait"


# ---------------------------------------------------------------- single requests


@pytest.mark.parametrize(
    ("model", "outcome"),
    [
        ("dynamodb", "serialization failure"),
        ("redis", "commit"),
        ("redis(WATCH=true)", "serialization failure"),
    ],
)
def test_a_request_that_was_built_over_several_steps(model: str, outcome: str) -> None:
    head = HEAD + f"database d via {model}\nstore seen per id in d, unique\n"
    head += "store book per id in d\n  state: new | paid | sent\n"
    body = "atomic\n  insert id into seen or fail\n  wait\n  set book.state = paid"
    w = walk(body, head, "add id to seen").go("delivery h", "delivery o")
    w.go("insert id into seen or fail")
    assert w.worker.locked == ()
    w.go("add id to seen #1", "wait")
    assert first(w) == [f"set book.state = paid -> {outcome}"]


def test_each_part_has_its_own_level() -> None:
    head = SERIALIZABLE + "store log per id via mysql\n"
    body = "atomic\n  if id in seen\n    wait\n  if id in log\n    wait\n  add id to log"
    w = walk(body, head).go("delivery h", "if id in seen")
    assert w.lines() == ["if id in log -> no"], "a step of its own in the other database"


def test_a_dead_workers_commit_is_decided_by_its_snapshot() -> None:
    body = "add id to book\natomic\n  let a = book.state\n  set book.state = sent\nack"
    text = handler(body, SNAPSHOT, [a for a in CALM if a != "no crash"], trait=", workers 2")
    w = Walk(text + "consumer o on q\n  set book.state = paid\n  ack\n", pool=4)
    w.go("delivery h", "add id to book", "let a = book.state")
    w.go("worker-killed set book.state = sent -> request under way")
    w.go("delivery o", "set book.state = paid #1", "late-effect set book.state = sent")
    assert w.column("book.state") == "paid"


THREE = """event E(id)
queue one of E at-least-once
queue two of E at-least-once
queue three of E at-least-once
database d, isolation serializable
store a per id in d
store b per id in d
store c per id in d
store z per id in d
"""


def _three(reads: tuple[str, ...], writes: tuple[str, ...]) -> Walk:
    """Three blocks, each of which reads and writes one row, and is open while the others are."""
    text = THREE
    for name, read, wrote in zip(("one", "two", "three"), reads, writes, strict=True):
        text += (
            f"consumer on_{name} on {name}\n  atomic\n    if id in {read}\n      wait\n    wait\n"
        )
        text += f"    add id to {wrote}\n  ack\n"
    w = Walk(text + "claim never id in a and id in b\n", pool=3)
    w.go("delivery on_one", "delivery on_two", "delivery on_three")
    w.go(*(f"if id in {r}{n}" for r, n in zip(reads, ("", " #1", " #2"), strict=True)))
    w.go("wait", "wait #1", "wait #2")
    for x, n in zip(writes, ("", " #1", " #2"), strict=True):
        w.go(f"add id to {x} -> commit{n}")
    return w


def test_a_cycle_of_three_is_let_through_and_its_story_is_not() -> None:
    w = _three(("a", "b", "c"), ("b", "c", "a"))
    with pytest.raises(Unordered, match="no order of the serializable blocks of d"):
        replay(w.design, w.trace)
    w = _three(("a", "b", "c"), ("b", "c", "z"))
    assert replay(w.design, w.trace).states[-1] == w.state
