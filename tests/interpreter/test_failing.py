"""Steps on a database that fail, or whose answer is lost, and the clauses for that."""

from __future__ import annotations

import pytest

from support.walk import CALM, HEAD, Walk, handler, reached

QUIET = tuple(a for a in CALM if a != "no database failures")


def walk(body: str, head: str = HEAD, trait: str = "", assume: tuple[str, ...] = QUIET) -> Walk:
    """A run of one handler, delivered once."""
    return Walk(handler(body, head, assume, trait=trait)).go("delivery h")


def fails(line: str) -> str:
    return f"database-failed {line} -> failed"


def unanswered(line: str) -> str:
    return f"database-answer-lost {line} -> answer lost"


@pytest.mark.parametrize(
    "line",
    [
        "add id to seen",
        "set book.state = paid",
        "insert id into seen",
        "increment book.state",
        "delete id from seen",
        "do credit",
    ],
)
def test_a_write_can_fail_or_lose_its_answer(line: str) -> None:
    w = walk(f"{line}\nack")
    assert w.lines(failures=True) == [unanswered(line), fails(line), line]
    before = w.state
    w.go(fails(line))
    assert w.state == before._replace(workers=()), "nothing is written, the handler is over"
    w = walk(f"{line}\nack").go(line)
    written = w.state._replace(workers=())
    assert walk(f"{line}\nack").go(unanswered(line)).state == written


def test_a_write_that_is_turned_down_has_no_answer_to_lose() -> None:
    w = walk("add id to seen\ninsert id into seen\n  on duplicate\n    wait\nack")
    w.go("add id to seen")
    line = "insert id into seen"
    assert w.lines(failures=True) == [fails(line), f"{line} -> duplicate"]


@pytest.mark.parametrize("line", ["if id in seen", "if book.state is new", "if credit happened"])
def test_a_test_of_a_row_can_fail(line: str) -> None:
    w = walk(f"{line}\n  wait\nack")
    assert fails(line) in w.lines(failures=True)
    assert w.go(fails(line)).state.workers == ()


def test_a_let_that_reads_can_fail_and_one_with_a_word_cannot() -> None:
    w = walk("let a = book.state\nlet b = x\nif b is x\n  wait\nack")
    assert fails("let a = book.state") in w.lines(failures=True)
    assert w.go("let a = book.state").lines(failures=True) == ["let b = x"]
    assert w.go("let b = x").lines(failures=True) == ["if b is x -> yes"]


def test_the_assumption_takes_failures_away() -> None:
    w = walk("add id to seen\nack", assume=CALM)
    assert w.lines(failures=True) == ["add id to seen"]


def test_on_failure_runs_its_steps_and_goes_on() -> None:
    body = "set book.state = paid\n  on failure\n    wait\nack"
    for label in (fails, unanswered):
        w = walk(body).go(label("set book.state = paid"))
        assert w.lines() == ["wait"]
        assert w.go("wait").lines() == ["ack -> done"]


def test_retries_are_counted() -> None:
    body = "increment book.state\n  retry 1 times\n  on failure\n    wait\nack"
    claim = ("no duplicate book.state",)
    line = "increment book.state"
    w = Walk(handler(body, HEAD, QUIET, claim)).go("delivery h", unanswered(line))
    assert w.lines() == [line], "the first attempt is repeated"
    assert w.count("book.state") == 1
    assert w.go(fails(line)).lines() == ["wait"], "there is no third attempt"
    w = Walk(handler(body, HEAD, QUIET, claim)).go("delivery h", unanswered(line), line)
    assert w.count("book.state") == 2


def test_an_attempt_after_a_lost_answer_meets_its_own_first_write() -> None:
    body = "insert id into seen\n  retry 1 times\n  on duplicate\n    wait\nack"
    line = "insert id into seen"
    w = walk(body).go(unanswered(line))
    assert w.go(f"{line} -> duplicate").lines() == ["wait"]


def test_or_on_a_blind_write_speaks_of_a_failure() -> None:
    line = "set book.state = paid or continue"
    assert walk(f"{line}\nack").go(fails(line)).lines() == ["ack -> done"]
    line = "set book.state = paid or stop"
    trait = ", acks on return"
    assert walk(line, trait=trait).go(fails(line)).lines() == [
        "consumer h on q, acks on return -> done"
    ]


def test_or_on_an_insert_does_not() -> None:
    line = "insert id into seen or stop"
    assert walk(line, trait=", acks on return").go(fails(line)).state.workers == ()


def test_a_failure_that_is_acknowledged_leaves_the_ack() -> None:
    w = walk("add id to seen", trait=", acks on return or failure").go(fails("add id to seen"))
    assert (w.rows(), w.worker.todo) == ([], ())


BLOCK = "atomic\n  insert id into seen or stop\n  do credit\n"


def test_a_block_fails_as_one() -> None:
    w = walk(BLOCK + "on failure\n  wait\nack")
    first = "insert id into seen or stop"
    assert w.lines(failures=True) == [unanswered(first), fails(first), f"{first} -> commit"]
    w.go(fails(first))
    assert (w.rows(), w.count("credit"), w.lines()) == ([], 0, ["wait"])
    assert w.go("wait").lines() == ["ack -> done"]
    w = walk(BLOCK + "on failure\n  wait\nack").go(unanswered(first))
    assert (w.rows(), w.count("credit"), w.lines()) == (["seen"], 1, ["wait"])


def test_a_block_is_repeated_from_its_first_line() -> None:
    first = "insert id into seen or stop"
    body = "atomic\n  insert id into seen or stop\n  send mail\n  do credit\nretry 1 times\nack"
    w = walk(body).go(first, "send mail -> done", unanswered("do credit"))
    assert (w.count("credit"), w.count("mail")) == (1, 1)
    assert w.lines() == [first], "it meets its own row, and stops"
    assert w.go(first).state.workers == ()
    w = walk(body).go(first, "send mail -> done", fails("do credit"))
    assert (w.worker.locked, w.worker.collected) == ((), ())
    w.go(first, "send mail -> done", fails("do credit"))
    assert w.state.workers == (), "one repetition only"
    assert w.count("mail") == 2


def test_on_failure_below_a_block_catches_fail_and_what_nothing_handles() -> None:
    for inside in ("insert id into seen", "send mail", "fail"):
        body = (
            f"add id to seen\natomic\n  set book.state = paid\n  {inside}\non failure\n  wait\nack"
        )
        w = walk(body, assume=tuple(a for a in CALM if a != "no refusals")).go("add id to seen")
        w.go("set book.state = paid")
        if inside == "send mail":
            w.go("effect-refused send mail -> refused")
        assert (w.lines(), w.column("book.state"), w.worker.locked) == (["wait"], "", ())


def test_retry_below_a_block_does_not_repeat_a_fail() -> None:
    w = walk("atomic\n  set book.state = paid\n  fail\nretry 2 times\nack")
    assert w.go("set book.state = paid").state.workers == ()


def test_or_continue_below_a_block() -> None:
    w = walk("atomic or continue\n  do credit\nack").go(fails("do credit"))
    assert (w.count("credit"), w.lines()) == (0, ["ack -> done"])


def test_a_stop_inside_a_block_that_fails_does_not_stop() -> None:
    body = "atomic\n  do credit\n  stop\non failure\n  wait\nack"
    assert walk(body).go("do credit -> commit").state.workers == ()
    assert walk(body).go(fails("do credit"), "wait").lines() == ["ack -> done"]


TWO = HEAD + "store log per id via postgresql\neffect note per id in log\n"


def test_of_several_parts_those_that_are_committed_stay() -> None:
    body = "atomic\n  do credit\n  do note\non failure\n  wait\nack"
    w = walk(body, TWO).go("do credit -> commit of the unnamed database", fails("atomic"))
    assert (w.count("credit"), w.count("note"), w.lines()) == (1, 0, ["wait"])


def test_a_stop_between_parts_still_goes_on_behind_the_block() -> None:
    body = "atomic\n  do credit\n  do note\n  stop\non failure\n  wait\nack"
    w = walk(body, TWO).go("do credit -> commit of the unnamed database", fails("atomic"), "wait")
    assert w.lines() == ["ack -> done"]


LOCK = HEAD + "lock m per id, expires 1min\n"


def test_locks_are_steps_on_a_service() -> None:
    w = walk("acquire m\nrenew m\nrelease m\nack", LOCK)
    assert w.lines(failures=True) == [unanswered("acquire m"), fails("acquire m"), "acquire m"]
    taken = walk("acquire m\nack", LOCK).go(unanswered("acquire m"))
    assert (taken.state.workers, len(taken.state.held)) == ((), 1)
    w.go("acquire m")
    assert fails("renew m") in w.lines(failures=True)
    w.go("renew m -> done")
    assert w.lines(failures=True) == [fails("release m"), "release m"]
    assert len(w.go(fails("release m")).state.held) == 1


def test_a_step_that_waits_can_fail() -> None:
    head = HEAD.replace("mail per id", "mail per order") + "lock m per order, expires 1min\n"
    w = walk("acquire m\nsend mail\nack", head)
    w.go("acquire m", "redelivery h", "delivery h")
    other = [x for x in w.lines(failures=True) if x.endswith("#1")]
    assert other == [fails("acquire m") + " #1"]


DYNAMO = HEAD.replace("store seen per id, unique", "store seen per id via dynamodb") + (
    "store total per id via dynamodb\n  sum: zero | more\neffect note per id in total\n"
)


def test_the_client_repeats_a_request_by_itself() -> None:
    line = "insert id into seen"
    own = f"database-answer-lost {line} -> own retry"
    w = walk(f"{line}\n  on duplicate\n    wait\nack", DYNAMO).go(own)
    assert (w.rows(), w.lines()) == (["seen"], ["wait"])
    w = walk("do note\nack", DYNAMO).go("database-answer-lost do note -> own retry")
    assert (w.count("note"), w.lines()) == (2, ["ack -> done"])
    assert not any("own retry" in x for x in walk(f"{line}\nack").lines(failures=True))
    in_a_block = walk("atomic\n  insert id into seen or stop\nack", DYNAMO)
    assert not any("own retry" in x for x in in_a_block.lines(failures=True))


def test_databases_by_name() -> None:
    head = HEAD + "database a\ndatabase b\nstore x per id in a\nstore y per id in b\n"
    w = walk("atomic\n  add id to x\n  add id to y\nack", head)
    w.go("add id to x -> commit of a")
    assert (w.rows(), w.lines()) == (["x"], ["atomic -> commit of b"])


def test_a_database_that_fails_without_a_clause_loses_an_acknowledged_message() -> None:
    body = "set book.state = paid"
    trait, claim = ", acks on return or failure", ("no loss of book.state",)
    assert reached(handler(body, HEAD, CALM, claim, trait)) == set()
    assert reached(handler(body, HEAD, QUIET, claim, trait)) == {claim[0]}
