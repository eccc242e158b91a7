"""Workers that are killed, requests that outlive them, and what waits inside the broker for an
acknowledgement.
"""

from __future__ import annotations

from onceproof.machine.system import Cause

from support.walk import EXACTLY, HEAD, LEAST, Walk, handler


def walk(body: str, head: str = HEAD, assume: tuple[str, ...] = (), trait: str = "") -> Walk:
    """A run of one handler, delivered once."""
    return Walk(handler(body, head, assume, trait=trait)).go("delivery h")


def test_crash_here_is_the_only_place() -> None:
    w = walk("wait\ncrash here\nwait\nack")
    assert w.options(Cause.KILLED) == []
    assert w.go("wait").options(Cause.KILLED) == ["worker-killed wait"]
    assert w.go("wait").options(Cause.KILLED) == []


def test_crash_only_after_an_effect() -> None:
    w = walk("wait\nsend mail\n  on failure\n    wait\nack", assume=("crash only after send mail",))
    assert w.options(Cause.KILLED) == []
    refused = w.go("wait").state
    assert w.go("effect-refused send mail -> refused").options(Cause.KILLED) == []
    w.state = refused
    assert w.go("send mail -> done").options(Cause.KILLED) == ["worker-killed ack"]


LOCKED = HEAD + "lock lease per id{0}\n"
HELD = ("no replay", "handler finishes within the lease")


def test_a_request_under_way_happens_later_or_never() -> None:
    w = walk("send mail\nack", assume=HELD)
    assert w.options(Cause.KILLED) == [
        "worker-killed send mail",
        "worker-killed send mail -> request under way",
    ]
    w.go("worker-killed send mail -> request under way")
    assert (w.status(), w.options(Cause.LATE_EFFECT, Cause.KILLED)) == (
        "ready",
        ["late-effect send mail", "worker-killed send mail -> request lost"],
    )
    w.go("delivery h")
    assert w.go("late-effect send mail").count("mail") == 1
    assert [x.number for x in w.state.workers] == [1]


def test_a_late_insert_is_decided_when_it_arrives() -> None:
    w = walk("insert id into seen\ndo credit\nack", assume=HELD)
    w.go(
        "worker-killed insert id into seen -> request under way",
        "delivery h",
        "insert id into seen #1",
        "late-effect insert id into seen",
    )
    assert (w.rows(), len(w.state.workers)) == (["seen"], 1)


def test_a_late_commit_is_whole() -> None:
    w = walk("atomic\n  insert id into seen\n  do credit\nack", assume=HELD)
    w.go(
        "worker-killed insert id into seen -> request under way", "late-effect insert id into seen"
    )
    assert (w.rows(), w.count("credit")) == (["seen"], 1)
    twice = walk("atomic\n  insert id into seen\n  do credit\nack", assume=HELD)
    twice.go(
        "worker-killed insert id into seen -> request under way",
        "delivery h",
        "insert id into seen -> commit #1",
    )
    assert twice.go("late-effect insert id into seen").count("credit") == 1


def test_reads_and_acks_have_no_late_effect() -> None:
    w = walk("if id in seen\n  wait\nack", assume=HELD)
    assert w.options(Cause.KILLED) == ["worker-killed if id in seen"]
    assert w.go("if id in seen -> no").options(Cause.KILLED) == ["worker-killed ack"]


def test_where_a_death_frees_nothing_a_late_request_is_a_slow_worker() -> None:
    assert walk("send mail\nack").options(Cause.KILLED) == ["worker-killed send mail"]
    assert walk("send mail\nack", LOCKED.format(", expires")).options(Cause.KILLED) == [
        "worker-killed send mail"
    ]
    assert walk("atomic\n  send mail\n  add id to seen\nack").options(Cause.KILLED) == [
        "worker-killed send mail"
    ]


LATE = ["worker-killed send mail", "worker-killed send mail -> request under way"]


def test_what_a_death_frees() -> None:
    assert walk("send mail\nack", trait=", workers 2").options(Cause.KILLED) == LATE
    assert walk("send mail\nack", LOCKED.format("")).options(Cause.KILLED) == LATE
    kept = "send mail\natomic\n  insert id into seen or continue\n  {}\nack"
    assert walk(kept.format("wait")).options(Cause.KILLED) == LATE
    assert walk(kept.format("do credit")).options(Cause.KILLED) == LATE[:1]
    read = "send mail\natomic serializable\n  if id in {}\n    wait\n  else\n    wait\nack"
    head = HEAD + "store row per id via mysql\n"
    assert walk(read.format("seen"), head).options(Cause.KILLED) == LATE[:1]
    assert walk(read.format("row"), head).options(Cause.KILLED) == LATE


def test_a_commit_under_way_keeps_its_rows_locked() -> None:
    w = walk("atomic\n  add id to seen\n  wait\n  do credit\nack", assume=HELD).go(
        "add id to seen", "wait"
    )
    w.go("worker-killed do credit -> request under way", "delivery h")
    assert w.lines() == [], "the row is locked"
    w.go("late-effect do credit")
    assert (w.rows(), w.count("credit"), w.lines()) == (["seen"], 1, ["add id to seen #1"])


# ---------------------------------------------------------------- inside the broker


def test_under_exactly_once_publishing_waits_for_the_ack() -> None:
    text = "event E(id)\nqueue q of E\nqueue p of E\nstore s per id, inside q\n"
    text += "consumer h on q\n  publish to p\n  add id to s\n  if id in s\n    wait\n  ack\n"
    text += "consumer a on p\n  ack\nclaim no duplicate s\n"
    w = Walk(text, EXACTLY).go("delivery h")
    assert (w.lines(), w.status("a"), w.rows()) == (["if id in s -> yes"], "absent", [])
    w.go("if id in s -> yes", "wait", "ack -> done")
    assert (w.status("a"), w.rows(), w.status()) == ("ready", ["s"], "settled")
    fenced = Walk(text, EXACTLY).go(
        "delivery h", "if id in s -> yes", "wait", "lease-expired h", "ack -> refused"
    )
    assert (fenced.status("a"), fenced.rows(), fenced.status()) == ("absent", [], "ready")
    assert Walk(text, LEAST).go("delivery h").lines()[-1] == "publish to p -> done"
