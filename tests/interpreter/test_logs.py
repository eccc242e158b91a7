"""Queues that commit positions, stepped by hand (docs/semantics_world.md, "Logs with
positions").
"""

from __future__ import annotations

import pytest
from onceproof.interpreter import replay
from onceproof.machine.system import Cause

from support.walk import CALM, EXACTLY, LEAST, MOST, Walk, reached

AGAIN = (
    Cause.LATER_COMMIT,
    Cause.RESTARTED,
    Cause.FENCED,
    Cause.LEASE_EXPIRED,
    Cause.REWOUND,
    Cause.PUBLISHER_RETRY,
    Cause.REPLAY,
    Cause.VANISHED,
)
"""What happens to a record without a worker."""


def text(
    body: str,
    trait: str = "",
    lines: str = "",
    assume: tuple[str, ...] = (),
    claim: str = "no loss of mail",
) -> str:
    head = ["event E(id)", "queue q of E", "  commits positions"]
    head += [f"  {line}" for line in lines.splitlines()]
    head += ["store seen per id", "effect mail per id via http"]
    head += [f"assume {a}" for a in assume]
    head += [f"consumer h on q{trait}", *(f"  {line}" for line in body.splitlines())]
    return "\n".join([*head, f"claim {claim}", ""])


REFUSED = "effect-refused send mail -> refused"


def passed(body: str = "send mail\nack", trait: str = "", lines: str = "") -> Walk:
    return Walk(text(body, trait, lines)).go("delivery h", REFUSED)


def test_a_failed_record_is_passed_over_and_a_later_commit_covers_it() -> None:
    w = passed()
    assert (w.status(), w.state.workers) == ("passed", ())
    assert w.violated() == ["no loss of mail"]
    w.go("later-commit h")
    assert w.status() == "settled"
    assert replay(w.design, w.trace).states[-1] == w.state


def test_what_was_passed_over_is_read_again() -> None:
    w = passed()
    assert set(w.options(*AGAIN)) == {
        "later-commit h",
        "restarted h",
        "consumer-fenced h",
        "lease-expired h",
        "publisher-retry h",
        "operator-replay h",
    }
    for again in w.options(Cause.RESTARTED, Cause.FENCED, Cause.LEASE_EXPIRED):
        assert passed().go(again).status() == "ready"


def test_assumptions_take_away_what_brings_it_back() -> None:
    assume = (*CALM, "no rebalance", "handler finishes within the lease")
    assume = tuple(a for a in assume if a != "no refusals")
    w = Walk(text("send mail\nack", assume=assume)).go("delivery h", REFUSED)
    assert w.options() == ["later-commit h"]


def test_expires_and_goes_back_only_where_the_queue_says_so() -> None:
    w = passed(lines="messages may expire\ncommit may go back")
    assert {"message-vanished h", "rewound h"} <= set(w.options(*AGAIN))
    assert w.go("message-vanished h").status() == "lost"


def test_a_handler_that_never_commits_has_no_later_commit() -> None:
    w = passed("send mail")
    assert "later-commit h" not in w.options()
    assert w.violated() == ["no loss of mail"]
    assert "later-commit h" in passed("send mail", ", acks at any time").options()


@pytest.mark.parametrize(
    ("trait", "status"),
    [
        (", passes over failures", "passed"),
        (", seeks back on failure", "ready"),
        (", stops on failure", "ready"),
        (", acks on return", "passed"),
    ],
)
def test_where_a_failure_leaves_the_position(trait: str, status: str) -> None:
    assert passed(trait=trait).status() == status


def test_what_a_holder_gives_back_is_returned_where_there_is_a_limit() -> None:
    lines = "delivery limit 3 then dead-letter"
    assert passed(trait=", seeks back on failure", lines=lines).status() == "returned"
    w = Walk(text("send mail\nack", lines=lines)).go("delivery h", "worker-killed send mail")
    assert w.status() == "returned"
    w = passed(lines=lines).go("restarted h")
    assert w.status() == "ready"


def test_a_failure_without_a_step_is_a_failure() -> None:
    never = "never id in seen"
    w = Walk(text("fail", ", stops on failure", claim=never)).go("delivery h")
    assert w.go("consumer h on q, stops on failure").status() == "ready"
    w = Walk(text("stop", ", stops on failure", claim=never)).go("delivery h")
    assert w.go("consumer h on q, stops on failure").status() == "passed"


def test_a_killed_worker_leaves_its_record_and_those_before_it() -> None:
    w = Walk(text("send mail\nack")).go("delivery h", "worker-killed send mail")
    assert w.status() == "ready"
    w = Walk(text("send mail\nack\nwait")).go("delivery h", "send mail -> done", "ack -> done")
    assert w.go("worker-killed wait").status() == "settled"


def test_a_restart_is_there_without_a_crash_where_a_failure_stops_the_process() -> None:
    for trait, restarts in ((", stops on failure", ["restarted h"]), ("", [])):
        w = Walk(text("stop", trait, assume=("no crash",), claim="never id in seen"))
        w.go("delivery h", f"consumer h on q{trait}")
        assert w.options(Cause.RESTARTED) == restarts


def test_a_lost_commit_leaves_the_record_passed_over() -> None:
    w = Walk(text("send mail\nack")).go("delivery h", "send mail -> done", "ack-lost ack -> lost")
    assert w.status() == "passed"
    assert w.violated() == []
    w = Walk(text("send mail", ", acks on return or failure")).go("delivery h", REFUSED)
    line = "consumer h on q, acks on return or failure"
    assert w.go(f"ack-lost {line} -> lost").status() == "passed"


def test_a_fenced_worker_commits_late() -> None:
    w = Walk(text("send mail\nack or stop")).go("delivery h", "consumer-fenced h")
    assert w.status() == "ready"
    w.go("delivery h", "send mail -> done")
    assert "ack or stop -> refused" in w.lines()
    assert "ack or stop -> done" not in w.lines()


def test_in_parallel_a_late_commit_settles_or_is_refused() -> None:
    w = Walk(text("ack or stop\nsend mail", ", in parallel")).go("delivery h", "consumer-fenced h")
    assert {"ack or stop -> refused", "ack or stop -> done"} <= set(w.lines())
    said = Walk(text("ack or stop\nsend mail", ", in parallel", "late ack refused"))
    said.go("delivery h", "consumer-fenced h")
    assert "ack or stop -> done" not in said.lines()
    exactly = Walk(text("ack or stop\nsend mail", ", in parallel"), EXACTLY)
    exactly.go("delivery h", "consumer-fenced h")
    assert "ack or stop -> done" not in exactly.lines()


def test_in_parallel_a_later_record_commits_what_is_in_work() -> None:
    w = Walk(text("send mail\nack", ", in parallel")).go("delivery h", "acked-by-itself h")
    assert (w.status(), w.worker.holds) == ("settled", False)
    w.go("worker-killed send mail")
    assert w.violated() == ["no loss of mail"]
    never = Walk(text("send mail", ", in parallel")).go("delivery h")
    assert never.options(Cause.AUTO_ACKED) == []
    alone = Walk(text("send mail\nack")).go("delivery h")
    assert alone.options(Cause.AUTO_ACKED) == []


def test_a_copy_lies_behind_the_record_in_hand() -> None:
    w = Walk(text("send mail\nack")).go("delivery h")
    assert w.options(Cause.PUBLISHER_RETRY, Cause.REPLAY) == []
    w = Walk(text("send mail\nack", ", in parallel")).go("delivery h")
    assert w.options(Cause.PUBLISHER_RETRY) == ["publisher-retry h"]
    assert "rewound h" in w.go("send mail -> done", "ack -> done").options(Cause.REWOUND)


def test_seeking_back_is_in_memory() -> None:
    w = Walk(text("ack\nsend mail", ", seeks back on failure"))
    w.go("delivery h", "ack -> done", REFUSED)
    assert w.status() == "ready"
    w = Walk(text("ack\nsend mail", ", seeks back on failure"))
    w.go("delivery h", "ack -> done", "consumer-fenced h", REFUSED)
    assert w.status() == "settled"
    w = Walk(text("ack\nsend mail")).go("delivery h", "ack -> done")
    assert w.options(Cause.FENCED) == []


def test_seek_back_is_a_step_and_the_handler_goes_on() -> None:
    w = Walk(text("seek back\nsend mail")).go("delivery h", "seek back")
    assert (w.status(), w.worker.holds) == ("ready", False)
    assert w.go("send mail -> done").status() == "ready"
    twice = Walk(text("seek back\nseek back", claim="never id in seen"))
    twice.go("delivery h", "seek back", "delivery h", "seek back")
    assert twice.status() == "inflight"


def test_a_failed_transaction_is_read_again() -> None:
    w = Walk(text("send mail\nack"), EXACTLY).go("delivery h", REFUSED)
    assert w.status() == "ready"


def test_at_most_once_commits_at_delivery() -> None:
    w = Walk(text("send mail"), MOST).go("delivery h")
    assert w.status() == "settled"
    assert w.go(REFUSED).status() == "settled"


@pytest.mark.parametrize(
    ("trait", "broken"),
    [("", True), (", seeks back on failure", False), (", stops on failure", False)],
)
def test_no_loss(trait: str, broken: bool) -> None:
    found = reached(text("send mail\nack", trait, "never copies"), LEAST)
    assert ("no loss of mail" in found) is broken
