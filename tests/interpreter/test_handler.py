"""Every step of a handler: what it may do next, and what it leaves behind."""

from __future__ import annotations

import pytest
from onceproof.interpreter.trace import EventOf
from onceproof.machine.system import Cause

from support.walk import CALM, HEAD, MOST, Walk, handler


def walk(body: str, head: str = HEAD, assume: tuple[str, ...] = (), trait: str = "") -> Walk:
    """A run of one handler, delivered once."""
    return Walk(handler(body, head, assume, trait=trait)).go("delivery h")


def test_single_tests_are_steps_of_their_own_from_left_to_right() -> None:
    w = walk(
        "if id in seen and book.state is paid or credit did not happen\n  send mail\nelse\n  add id"
        " to seen\nack"
    )
    line = "if id in seen and book.state is paid or credit did not happen"
    assert w.lines() == [f"{line} -> no"]
    w.go(f"{line} -> no")
    assert w.worker.part == 2, "the second test is not needed"
    w.go(f"{line} -> yes")
    assert w.lines() == ["effect-refused send mail -> refused"] or "send mail -> done" in w.lines()


def test_an_or_is_decided_by_its_first_true_test() -> None:
    w = walk("add id to seen\nif id in seen or book.state is paid\n  wait\nack").go(
        "add id to seen"
    )
    assert w.go("if id in seen or book.state is paid -> yes").lines() == ["wait"]


def test_else_if() -> None:
    w = walk("if id in seen\n  wait\nelse if book.state is new\n  send mail\nelse\n  wait\nack")
    assert w.go("if id in seen -> no").lines() == ["else if book.state is new -> yes"]
    assert "send mail -> done" in w.go("else if book.state is new -> yes").lines()


def test_payload_and_locals() -> None:
    head = HEAD.replace("order)", "order, kind: card | cash)")
    body = (
        "if kind is card\n  let known = id in seen\n  let state = book.state\n  let word = paid\n"
    )
    body += "  if known is no and state is not paid\n    wait\nack"
    card = Walk(handler(body, head), events=(EventOf(0, "E", (("kind", "card"),)),))
    card.go(
        "delivery h",
        "if kind is card -> yes",
        "let known = id in seen",
        "let state = book.state",
        "let word = paid",
    )
    assert dict(card.worker.locals) == {"known": "no", "state": "new", "word": "paid"}
    line = "if known is no and state is not paid"
    assert card.go(f"{line} -> yes", f"{line} -> yes").lines() == ["wait"]
    cash = Walk(
        handler("if kind is card\n  wait\nack", head),
        events=(EventOf(0, "E", (("kind", "cash"),)),),
    )
    assert cash.go("delivery h", "if kind is card -> no").lines()[0] == "ack-lost ack -> lost"


def test_writes() -> None:
    w = walk(
        "set book.state = paid\nadd id to seen\nincrement book.total\ndelete id from seen\ndelete"
        " id from book\nack"
    )
    w.go("set book.state = paid")
    assert (w.rows(), w.column("book.state")) == (["book"], "paid")
    w.go("add id to seen")
    assert w.rows() == ["book", "seen"]
    w.go("increment book.total", "delete id from seen")
    assert w.rows() == ["book"]
    w.go("delete id from book")
    assert (w.rows(), w.column("book.state")) == ([], "")


def test_insert_into_a_unique_store() -> None:
    w = walk(
        "insert id into seen\ninsert id into seen\n  on duplicate\n    wait\nsend mail\nack"
    ).go("insert id into seen")
    assert w.lines() == ["insert id into seen -> duplicate"]
    assert w.go("insert id into seen -> duplicate").lines() == ["wait"]
    assert "send mail -> done" in w.go("wait").lines(), "the handler goes on after the clause"


def test_or_continue() -> None:
    w = walk(
        "update book.state from paid to sent or continue\ninsert id into seen or continue\nack"
    )
    w.go(
        "update book.state from paid to sent or continue -> conflict",
        "insert id into seen or continue",
    )
    assert w.rows() == ["seen"]
    w = walk(
        "acquire lease or continue\nwait\nack", HEAD + "lock lease per id, expires\n", CALM
    ).go("acquire lease or continue")
    w.go("redelivery h", "delivery h", "acquire lease or continue -> held #1")
    assert "wait #1" in w.lines()


@pytest.mark.parametrize("clause", ["", " or stop", " or fail"])
def test_a_duplicate_without_a_block_ends_the_handler(clause: str) -> None:
    w = walk(f"add id to seen\ninsert id into seen{clause}\nack", trait="").go("add id to seen")
    assert w.go(f"insert id into seen{clause} -> duplicate").state.workers == ()


def test_a_second_row_in_a_store_that_is_not_unique() -> None:
    head = HEAD.replace(", unique", "")
    w = Walk(
        handler(
            "insert id into seen\ninsert id into seen\nack", head, claims=("no duplicate seen",)
        )
    )
    w.go("delivery h", "insert id into seen")
    assert w.violated() == []
    assert w.go("insert id into seen").violated() == ["no duplicate seen"]


def test_update_compares() -> None:
    w = walk(
        "add id to book\nupdate book.state from new to paid\nupdate book.state from new to sent\n"
        "  on conflict\n    wait\nack"
    )
    w.go("add id to book", "update book.state from new to paid")
    assert (w.rows(), w.column("book.state")) == (["book"], "paid")
    w.go("update book.state from new to sent -> conflict")
    assert (w.lines(), w.column("book.state")) == (["wait"], "paid")


def test_update_of_an_absent_row_is_a_conflict() -> None:
    w = walk("update book.state from new to paid\n  on conflict\n    wait\nack")
    assert w.lines() == ["update book.state from new to paid -> conflict"]
    assert w.go("update book.state from new to paid -> conflict").rows() == []


def test_an_external_effect_has_four_outcomes() -> None:
    w = walk("send mail\n  on failure\n    wait\nack")
    assert w.lines() == [
        "answer-lost send mail -> answer lost",
        "answer-lost send mail -> request lost",
        "effect-refused send mail -> refused",
        "send mail -> done",
    ]
    w.go("answer-lost send mail -> answer lost")
    assert (w.count("mail"), w.lines()) == (1, ["wait"])


def test_retries_are_separate_steps() -> None:
    w = walk("send mail or stop\n  retry 2 times\nack")
    w.go(
        "answer-lost send mail or stop -> answer lost",
        "effect-refused send mail or stop -> refused",
    )
    assert (w.count("mail"), w.worker.part) == (1, 2)
    w.go("answer-lost send mail or stop -> answer lost")
    assert (w.count("mail"), w.state.workers) == (2, ())


def test_a_failed_call_without_a_clause_fails_the_handler() -> None:
    assert walk("send mail\nack").go("effect-refused send mail -> refused").state.workers == ()


def test_a_provider_with_a_key_counts_once() -> None:
    w = walk(
        "send mail\nsend mail\nack", HEAD.replace("via http\n", "via http\n  key id kept 24h\n")
    )
    w.go("send mail -> done", "send mail -> done")
    assert w.count("mail") == 1
    w.go("key-expired mail", "ack -> done", "publisher-retry h", "delivery h", "send mail -> done")
    assert w.count("mail") == 2


def test_an_effect_in_a_store_is_a_write() -> None:
    w = walk("do credit\nack")
    assert w.lines() == ["do credit"]
    assert w.go("do credit").count("credit") == 1


def test_publish_makes_a_message_for_every_group() -> None:
    text = (
        "event E(id)\nqueue q of E\nqueue p of E\nstore s per id\nconsumer h on q\n  publish to p\n"
        "  ack\n"
    )
    text += "consumer a on p\n  add id to s\n  ack\nconsumer b on p\n  ack\nclaim never id in s\n"
    w = Walk(text).go("delivery h")
    assert w.status("a") == "absent"
    assert w.lines() == [
        "answer-lost publish to p -> answer lost",
        "effect-refused publish to p -> refused",
        "publish to p -> done",
    ]
    w.go("answer-lost publish to p -> answer lost")
    assert (w.status("a"), w.status("b"), w.state.workers) == ("ready", "ready", ())
    most = Walk(text, MOST).go("delivery h")
    assert most.lines() == ["publish to p -> done", "message-vanished publish to p -> lost"]
    most.go("message-vanished publish to p -> lost")
    assert (most.status("a"), most.lines()) == ("lost", ["ack -> done"])


def test_stop_and_fail_and_the_end_take_no_step() -> None:
    for word in ("stop", "fail"):
        assert (
            walk(f"if id not in seen\n  {word}\nack").go("if id not in seen -> yes").state.workers
            == ()
        )


def test_a_handler_that_takes_no_step_ends_with_one() -> None:
    w = Walk(handler("stop"))
    assert w.go("delivery h").lines() == ["consumer h on q"]
    w.go("consumer h on q")
    assert (w.state.workers, w.status()) == ((), "inflight")


def test_sections() -> None:
    text = handler(
        "section slow\n  wait\n  wait\nack", claims=("at most one worker in slow",), assume=CALM
    )
    w = Walk(text).go("delivery h", "redelivery h", "delivery h")
    assert w.violated() == ["at most one worker in slow"]
    w.go("wait", "wait")
    assert w.violated() == [], "worker 0 has left the section with its last step"


# ---------------------------------------------------------------- atomic


def test_a_run_of_collected_lines_is_one_step() -> None:
    w = walk("atomic\n  add id to seen\n  set book.state = paid\n  do credit\nack")
    assert w.lines() == ["add id to seen -> commit"]
    w.go("add id to seen -> commit")
    assert (w.rows(), w.column("book.state"), w.count("credit")) == (["book", "seen"], "paid", 1)
    assert w.worker.block_kind("atomic") == ""


def test_a_duplicate_in_a_run_rolls_everything_back() -> None:
    w = walk("add id to seen\natomic\n  do credit\n  insert id into seen\nack").go("add id to seen")
    assert w.lines() == ["do credit"]
    w.go("do credit")
    assert (w.count("credit"), w.state.workers) == (0, ())


def test_stop_in_an_atomic_block_commits_first() -> None:
    w = walk("add id to seen\natomic\n  do credit\n  insert id into seen or stop\nack").go(
        "add id to seen", "do credit -> commit"
    )
    assert (w.count("credit"), w.state.workers) == (1, ())


def test_collected_writes_are_seen_by_their_worker_only() -> None:
    w = walk("atomic\n  add id to seen\n  if id in seen\n    do credit\nack", assume=CALM).go(
        "add id to seen"
    )
    assert w.rows() == []
    assert w.lines() == ["if id in seen -> yes"]
    w.go("redelivery h", "delivery h")
    assert "add id to seen #1" not in w.lines(), "the row is locked"
    w.go("if id in seen -> yes", "do credit -> commit")
    assert w.rows() == ["seen"]
    assert "add id to seen #1" in w.lines()


def test_the_commit_after_a_stop_point_is_a_step() -> None:
    w = walk("atomic\n  add id to seen\n  send mail\nack").go("add id to seen", "send mail -> done")
    assert (w.count("mail"), w.rows(), w.lines()) == (1, [], ["atomic -> commit"])
    assert w.go("atomic -> commit").rows() == ["seen"]


def test_a_killed_worker_unlocks_its_rows_and_writes_nothing() -> None:
    w = walk("atomic\n  add id to seen\n  send mail\nack").go(
        "add id to seen", "worker-killed send mail"
    )
    assert (w.rows(), w.state.workers) == ([], ())


def test_reads_do_not_wait_but_writes_do() -> None:
    other = "\nconsumer o on q\n  if id in seen\n    wait\n  delete id from seen\n  ack\n"
    w = Walk(
        handler("atomic\n  add id to seen\n  wait\nack", assume=CALM).replace(
            "claim", other + "claim", 1
        ),
        pool=2,
    )
    w.go("delivery h", "add id to seen", "delivery o", "if id in seen -> no #1")
    assert w.options(Cause.HANDLER) == ["wait"], "the other worker's delete waits"
    w.go("wait", "atomic -> commit", "delete id from seen #1")


def test_serializable_reads_are_collected_and_hold_nobody_up() -> None:
    w = walk(
        "atomic serializable\n  if id in seen\n    stop\n  send mail\n  add id to seen\nack",
        assume=CALM,
    )
    w.go("if id in seen")
    assert [spot[0] for spot in w.worker.read] == ["seen"]
    w.go("redelivery h", "delivery h")
    assert w.lines() == ["send mail -> done", "if id in seen #1"]


# ---------------------------------------------------------------- locks and tokens

LOCKED = HEAD + "lock lease per id{0}\n"


def test_a_session_lock_is_freed_by_its_holders_end() -> None:
    w = walk("acquire lease or stop\nwait\nack", LOCKED.format(""), CALM).go(
        "acquire lease or stop", "redelivery h", "delivery h"
    )
    w.go("acquire lease or stop -> held #1")
    assert len(w.state.workers) == 1
    w.go("wait", "ack -> done")
    assert w.state.held == ()


def test_without_a_clause_the_worker_waits() -> None:
    w = walk("acquire lease\nwait\nrelease lease\nack", LOCKED.format(""), CALM).go(
        "acquire lease", "redelivery h", "delivery h"
    )
    assert w.lines() == ["wait"]
    w.go("wait", "release lease", "acquire lease #1")


def test_a_lease_outlives_its_holder_and_expires() -> None:
    w = walk("acquire lease or stop\nwait\nack", LOCKED.format(", expires")).go(
        "acquire lease or stop", "worker-killed wait"
    )
    assert w.state.held == (("lease", "event", 0),)
    assert w.go("lock-expired lease").state.held == ()


def test_a_stale_token_is_rejected() -> None:
    head = HEAD + "  checks token of lease\nlock lease per id in book, expires\n"
    w = walk("acquire lease or stop\ndo credit\n  on failure\n    nack\nack", head, CALM).go(
        "acquire lease or stop", "lock-expired lease"
    )
    w.go("redelivery h", "delivery h", "acquire lease or stop #1")
    assert w.lines() == ["do credit -> rejected", "do credit #1"]
    w.go("do credit -> rejected", "do credit #1", "nack")
    assert w.count("credit") == 1


def test_a_token_that_was_never_handed_out_is_stale() -> None:
    head = HEAD + "  checks token of lease\nlock lease per id in book, expires\n"
    w = walk("atomic\n  add id to seen\n  do credit\nack", head)
    assert w.go("add id to seen").state.workers == ()
    assert (w.rows(), w.count("credit")) == ([], 0)


def test_a_release_by_somebody_else_frees_a_stored_lock() -> None:
    w = walk(
        "if id in seen\n  release lease\nelse\n  acquire lease\nadd id to seen\nwait\nack",
        LOCKED.format(", until released"),
        CALM,
    )
    w.go(
        "if id in seen -> no",
        "acquire lease",
        "add id to seen",
        "redelivery h",
        "delivery h",
        "if id in seen -> yes #1",
        "release lease #1",
    )
    assert (w.state.held, w.worker.locks) == ((), ())


# ---------------------------------------------------------------- relays


def test_a_relay_starts_whenever_its_condition_holds() -> None:
    text = handler("set book.state = paid\nack").replace(
        "claim",
        "relay r when book.state is paid, workers 1\n  wait\n  set book.state = sent\nclaim",
        1,
    )
    w = Walk(text, pool=3).go("delivery h")
    assert w.options(Cause.START) == []
    w.go("set book.state = paid", "start r")
    assert w.options(Cause.START) == [], "one worker at most"
    assert w.go("wait #1", "set book.state = sent #1").options(Cause.START) == []


def test_a_new_worker_gets_the_lowest_free_number() -> None:
    w = Walk(handler("wait\nack", assume=CALM), pool=3).go(
        "delivery h", "redelivery h", "delivery h", "wait", "ack -> done"
    )
    assert [x.number for x in w.state.workers] == [1]
    w.go("wait #1", "ack -> done #1")
    assert w.state.workers == ()
