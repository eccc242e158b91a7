"""Lanes in the machine: designs of docs/semantics_world.md, "Order", next to their twins, which the
machine alone decides.
"""

from __future__ import annotations

import pytest

from support import by_machine

LOG, QUEUE = ("commits positions", "keyed by order"), ("keyed by order",)
BILL = ("if ord.state is billed", "  ack", "  stop", "call bill", "set ord.state = billed", "ack")
INSIDE = ("section s", "  call bill", "ack")
BEHIND = ("ack", "section s", "  call bill")
QUIET = (
    "no crash",
    "no refusals",
    "no lost answers",
    "no database failures",
    "no publisher retries",
    "no broker copies",
    "no replay",
    "handler finishes within the lease",
    "no rebalance",
    "no rewinds",
)


def holds(
    lines: tuple[str, ...],
    claim: str,
    options: tuple[str, ...],
    *,
    queue: str = "at-least-once",
    traits: str = "",
    assumed: tuple[str, ...] = QUIET,
) -> bool:
    """Whether the claim holds for any number of events and workers."""
    text = "\n".join(
        (
            "event Invoice(id, order)",
            f"queue q of Invoice {queue}",
            *(f"  {x}" for x in options),
            "store ord per order",
            "  state: open | billed",
            "effect bill per order via http",
            "effect mail per id via http",
            f"consumer c on q{traits}",
            *(f"  {x}" for x in lines),
            *(f"assume {x}" for x in assumed),
            f"claim {claim}",
            "",
        )
    )
    return by_machine.holds(text)


@pytest.mark.parametrize(
    ("options", "traits", "safe"),
    [
        (QUEUE, "", True),
        (LOG, "", True),
        (LOG[:1], "", False),
        (LOG, ", in parallel", False),
        (("keyed by id",), "", False),
        (("commits positions", "keyed by id"), "", False),
    ],
)
def test_messages_of_one_key_are_handled_one_after_the_other(
    options: tuple[str, ...], traits: str, safe: bool
) -> None:
    assert holds(BILL, "no duplicate bill", options, traits=traits) is safe


@pytest.mark.parametrize(
    ("options", "dropped"),
    [
        (QUEUE, "handler finishes within the lease"),
        (LOG, "handler finishes within the lease"),
        (LOG, "no rebalance"),
    ],
)
def test_a_worker_that_lost_its_message_goes_on(options: tuple[str, ...], dropped: str) -> None:
    assumed = tuple(x for x in QUIET if x != dropped)
    assert not holds(BILL, "no duplicate bill", options, assumed=assumed)


@pytest.mark.parametrize(
    ("options", "lines", "safe"),
    [(QUEUE, INSIDE, True), (QUEUE, BEHIND, False), (LOG, INSIDE, True), (LOG, BEHIND, True)],
)
def test_an_acknowledgement_lets_the_next_message_in_but_a_commit_does_not(
    options: tuple[str, ...], lines: tuple[str, ...], safe: bool
) -> None:
    assert holds(lines, "at most one worker in s per order", options) is safe


@pytest.mark.parametrize(("options", "safe"), [(QUEUE, False), (LOG, True)])
def test_a_lane_without_anybody_who_holds(options: tuple[str, ...], safe: bool) -> None:
    lines = INSIDE[:2]
    claim = "at most one worker in s per order"
    queue, traits = "at-most-once", ", acks on delivery"
    assert holds(lines, claim, options, queue=queue, traits=traits) is safe


def test_a_moved_partition_takes_the_lane_from_a_worker_that_has_committed() -> None:
    assumed = tuple(x for x in QUIET if x != "no rebalance")
    claim = "at most one worker in s per order"
    assert not holds(BEHIND, claim, LOG, assumed=assumed)


@pytest.mark.parametrize("options", [QUEUE, LOG])
def test_nothing_waits_for_a_lane_for_good(options: tuple[str, ...]) -> None:
    traits = ", stops on failure" if options is LOG else ""
    lines = ("call mail", "ack")
    assumed = ("no lost connections",)
    assert holds(lines, "no loss of mail", options, traits=traits, assumed=assumed)
    by_id = (*options[:-1], "keyed by id")
    assert holds(lines, "no loss of mail", by_id, traits=traits, assumed=assumed)
