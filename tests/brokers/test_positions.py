"""Logs in the machine: designs of docs/semantics_world.md, "Logs with positions", next to their
safe twins, decided by the machine alone.
"""

from __future__ import annotations

import pytest

from support import by_machine

CALL = ("call charge", "ack")
SEEK = ("call charge", "  on failure", "    seek back", "    stop", "ack")
NEVER = ("call charge", "  on failure", "    seek back")
QUIET = (
    "no crash",
    "no refusals",
    "no lost answers",
    "no lost acks",
    "handler finishes within the lease",
    "no rebalance",
    "no broker copies",
    "no publisher retries",
    "no replay",
)
"""Assumptions under which a record is handled once."""


def holds(
    lines: tuple[str, ...],
    claim: str,
    *,
    queue: str = "at-least-once",
    options: tuple[str, ...] = ("commits positions",),
    traits: str = "",
    assumed: tuple[str, ...] = (),
) -> bool:
    """Whether the claim holds for any number of events and workers."""
    text = "\n".join(
        (
            "event Pay(id)",
            f"queue pays of Pay {queue}",
            *(f"  {x}" for x in options),
            "store ledger per id",
            "effect booking per id in ledger",
            "effect charge per id via http",
            "  key id, kept for ever",
            "effect mail per id via smtp",
            f"consumer bank on pays{traits}",
            *(f"  {x}" for x in lines),
            *(f"assume {x}" for x in assumed),
            f"claim {claim}",
            "",
        )
    )
    return by_machine.holds(text)


@pytest.mark.parametrize(
    ("lines", "traits", "safe"),
    [
        (CALL, "", False),
        (CALL, ", passes over failures", False),
        (CALL, ", stops on failure", True),
        (CALL, ", seeks back on failure", True),
        (SEEK, "", True),
        (CALL[::-1], ", stops on failure", False),
        (CALL[:1], ", acks on return", False),
        (CALL[:1], ", acks on return, stops on failure", True),
        (CALL[:1], ", acks on return or failure, stops on failure", False),
    ],
)
def test_a_failed_record_is_covered_by_a_later_commit(
    lines: tuple[str, ...], traits: str, safe: bool
) -> None:
    assert holds(lines, "no loss of charge", traits=traits) is safe


@pytest.mark.parametrize(("queue", "safe"), [("at-least-once", False), ("exactly-once", True)])
def test_a_failure_aborts_a_transaction(queue: str, safe: bool) -> None:
    assert holds(CALL, "no loss of charge", queue=queue) is safe


@pytest.mark.parametrize(
    ("traits", "safe"), [(", stops on failure", True), (", stops on failure, in parallel", False)]
)
def test_a_later_record_commits_while_this_one_is_in_work(traits: str, safe: bool) -> None:
    assert holds(("do booking", "ack"), "no loss of booking", traits=traits) is safe


@pytest.mark.parametrize(
    ("queue", "traits", "safe"),
    [
        ("via kafka.consumer(enable.auto.commit=false)", ", stops on failure", True),
        ("via kafka.consumer", ", acks at any time, stops on failure", False),
        ("via eventhubs", "", False),
    ],
)
def test_products_are_logs(queue: str, traits: str, safe: bool) -> None:
    lines = CALL[:1] if "any time" in traits else CALL
    assert holds(lines, "no loss of charge", queue=queue, options=(), traits=traits) is safe


@pytest.mark.parametrize("dropped", [None, "no crash", "no rebalance"])
def test_what_was_passed_over_comes_back(dropped: str | None) -> None:
    assumed = tuple(x for x in QUIET if x not in (dropped, "no lost answers"))
    lines = ("send mail or stop", "ack")
    safe = holds(lines, "no duplicate mail", assumed=assumed)
    assert safe is (dropped is None)


def test_a_consumer_that_stops_starts_again_without_a_crash() -> None:
    assumed = tuple(x for x in QUIET if x != "no lost answers")
    lines = ("send mail or stop", "ack")
    assert holds(lines, "no duplicate mail", assumed=assumed)
    assert not holds(lines, "no duplicate mail", assumed=assumed, traits=", stops on failure")


@pytest.mark.parametrize(
    ("traits", "options", "safe"),
    [
        ("", (), True),
        ("", ("late ack settles",), False),
        (", in parallel", (), False),
        (", in parallel", ("late ack refused",), True),
    ],
)
def test_a_member_that_has_lost_a_partition_commits_it(
    traits: str, options: tuple[str, ...], safe: bool
) -> None:
    lines = ("ack or stop", "send mail or stop")
    assumed = ("no replay", "no publisher retries", "no broker copies", "no rewinds")
    options = ("commits positions", *options)
    found = holds(lines, "no duplicate mail", traits=traits, options=options, assumed=assumed)
    assert found is safe


@pytest.mark.parametrize(
    ("options", "safe"), [((), True), (("delivery limit 5 then drop",), False)]
)
def test_a_limit_counts_what_comes_back(options: tuple[str, ...], safe: bool) -> None:
    options = ("commits positions", *options)
    traits = ", stops on failure"
    assert holds(CALL, "no loss of charge", traits=traits, options=options) is safe


@pytest.mark.parametrize(
    ("traits", "safe"), [(", stops on failure", True), (", seeks back on failure", False)]
)
def test_who_seeks_back_reads_again_what_was_committed(traits: str, safe: bool) -> None:
    lines = ("ack", "send mail", "call charge")
    assumed = tuple(x for x in QUIET if x != "no lost answers")
    assert holds(lines, "no duplicate mail", traits=traits, assumed=assumed) is safe


def test_who_fails_in_the_step_of_its_commit_seeks_back_too() -> None:
    lines = ("send mail or stop", "ack", "fail")
    assert not holds(lines, "no duplicate mail", traits=", seeks back on failure", assumed=QUIET)


@pytest.mark.parametrize(("traits", "safe"), [("", True), (", in parallel", False)])
def test_commits_in_any_order(traits: str, safe: bool) -> None:
    lines = ("send mail or stop", "ack")
    assert holds(lines, "no duplicate mail", traits=traits, assumed=QUIET) is safe


@pytest.mark.parametrize(
    ("lines", "traits", "safe"),
    [
        (("section s", "  call charge", "ack"), "", True),
        (("section s", "  call charge", "ack"), ", in parallel", False),
        (("section s", "  ack", "  call charge"), "", False),
    ],
)
def test_a_record_and_its_copy_are_not_in_two_workers(
    lines: tuple[str, ...], traits: str, safe: bool
) -> None:
    assumed = ("handler finishes within the lease", "no rebalance", "no crash")
    assert holds(lines, "at most one worker in s", traits=traits, assumed=assumed) is safe


@pytest.mark.parametrize(("lines", "safe"), [(CALL, True), (NEVER, False)])
def test_what_was_passed_over_is_settled_if_somebody_commits(
    lines: tuple[str, ...], safe: bool
) -> None:
    assert holds(lines, "recoverable") is safe


@pytest.mark.parametrize(
    ("extra", "assumed", "safe"),
    [
        ((), (), True),
        (("commit may go back",), (), False),
        (("commit may go back",), ("no rewinds",), True),
    ],
)
def test_a_lower_position_is_committed(
    extra: tuple[str, ...], assumed: tuple[str, ...], safe: bool
) -> None:
    options = ("commits positions", *extra)
    lines = ("send mail or stop", "ack")
    assumed = (*QUIET, *assumed)
    assert holds(lines, "no duplicate mail", options=options, assumed=assumed) is safe
