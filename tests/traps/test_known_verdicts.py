"""Every known verdict, by the example that shows it; where a bug needs so many workers, a smaller
bound would have said "fine".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pytest
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause
from onceproof.verdict.check import check
from onceproof.verdict.result import Assurance, ClaimResult, Verdict
from onceproof.verdict.task import Options

from support.repo import ROOT
from support.trap import proved, refuted, unbounded

EXAMPLES = ROOT / "examples"


@dataclass(frozen=True, slots=True)
class Row:
    """One known verdict. ``causes``: what must occur in the story; ``workers`` and ``events``: what
    it needs.
    """

    name: str
    claim: str
    holds: bool
    workers: int | None = None
    events: int | None = None
    causes: tuple[Cause, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.claim}"


EMAIL, LOSS = "no duplicate ready_email", "no loss of ready_email"
BALANCE, CREDIT, RECEIPT = (
    "no duplicate account.balance",
    "no duplicate credit",
    "no duplicate receipt",
)
ENTRIES = "no duplicate ledger.entries"

ROWS = (
    Row("article/invoice_email", EMAIL, False, 1, 1, (Cause.KILLED,)),
    Row("theory/provider_key", EMAIL, True),
    Row("theory/lease_runs_out", EMAIL, False, 2, 1),
    Row("theory/ack_first_crash_only", EMAIL, True),
    Row("theory/ack_first_crash_only", LOSS, False, 1, 1, (Cause.KILLED,)),
    Row("theory/ack_first_lease", EMAIL, False, 2),
    Row("theory/ack_first_checked", EMAIL, True),
    Row("theory/ack_first_checked_copies", EMAIL, False, None, None, (Cause.PUBLISHER_RETRY,)),
    Row("theory/atomic_dedup", BALANCE, True),
    Row("theory/atomic_dedup", RECEIPT, True),
    Row("theory/atomic_dedup", "no loss of receipt", False),
    Row("theory/dedup_without_unique", BALANCE, False, 2),
    Row("theory/dedup_serializable", BALANCE, True),
    Row("theory/email_first", BALANCE, True),
    Row("theory/email_first", RECEIPT, False),
    Row("theory/broker_transaction", BALANCE, True),
    Row("theory/broker_transaction", RECEIPT, False),
    Row("theory/provider_key_expires", EMAIL, False, None, None, (Cause.KEY_EXPIRED,)),
    Row(
        "theory/provider_key_and_replay",
        "no duplicate charge",
        False,
        None,
        None,
        (Cause.KEY_EXPIRED, Cause.REPLAY),
    ),
    Row("theory/provider_key_outlives_retries", "no duplicate charge", True),
    Row("theory/lease", CREDIT, False, 2, 1, (Cause.LOCK_EXPIRED,)),
    Row("theory/lease_token", CREDIT, True),
    Row("theory/lease_token_unasked", CREDIT, False),
    Row("theory/dedup_by_event", "no duplicate payout", False, None, 2),
    Row("theory/dedup_by_order", "no duplicate payout", True),
    Row("theory/version_not_compared", CREDIT, False, 2),
    Row("theory/version_compared", CREDIT, True),
    Row("theory/outbox", ENTRIES, False),
    Row("theory/outbox_dedup", ENTRIES, True),
    Row("theory/three_workers", "no duplicate shipment", False, 3),
    Row("theory/four_workers", "no duplicate shipment", False, 4),
)

SLOW = {"theory/four_workers"}


def _marked(rows: tuple[Row, ...]) -> list[object]:
    return [
        pytest.param(r, id=str(r), marks=pytest.mark.slow)
        if r.name in SLOW
        else pytest.param(r, id=str(r))
        for r in rows
    ]


@cache
def _cell(row: Row, workers: int | None = None, events: int | None = None) -> ClaimResult:
    options = Options(workers, events, claims=(row.claim,), second_opinion=False)
    result = check(EXAMPLES / f"{row.name}.once", options)
    (design,) = result.designs
    assert design.failures == ()
    (cell,) = [
        c
        for c in design.cells
        if c.semantics is Delivery.AT_LEAST_ONCE or len(design.semantics) == 1
    ]
    return cell


@pytest.mark.parametrize("row", _marked(ROWS))
def test_the_verdict_is_the_known_one(row: Row) -> None:
    cell = _cell(row)
    if row.holds:
        assert proved(cell)
    else:
        assert refuted(cell, *row.causes, workers=row.workers, events=row.events)


NEEDS_COMPANY = tuple(r for r in ROWS if (r.workers or 1) > 1)


@pytest.mark.parametrize("row", _marked(NEEDS_COMPANY))
def test_a_bound_of_fewer_workers_says_fine_and_how_far_that_goes(row: Row) -> None:
    """Why a bound is never shown as a proof: it would have been wrong."""
    assert row.workers is not None
    for workers in range(1, row.workers):
        cell = _cell(row, workers)
        assert not unbounded(cell)
        assert cell.scope.workers == workers
        assert cell.verdict is not Verdict.REFUTED
        if cell.verdict is Verdict.UNKNOWN:  # too many states for the second check, and it says so
            assert workers == 3
            assert "too many" in cell.reason
            continue
        assert (cell.verdict, cell.assurance) == (Verdict.HOLDS, Assurance.EXHAUSTIVE)


@pytest.mark.parametrize("row", _marked(NEEDS_COMPANY))
def test_a_bound_of_enough_workers_refutes(row: Row) -> None:
    cell = _cell(row, row.workers)
    assert refuted(cell, *row.causes, workers=row.workers)


def test_a_limit_on_workers_is_shown_as_one() -> None:
    """With a single worker the lease does no harm. The limit is no invariant, so the verdict is a
    bounded one.
    """
    cell = _cell(Row("theory/lease_single_worker", EMAIL, True))
    assert (cell.verdict, cell.assurance) == (Verdict.HOLDS, Assurance.EXHAUSTIVE)
    assert cell.scope.workers is not None
    assert not proved(cell)


def test_a_bound_of_one_event_says_fine_where_two_are_needed() -> None:
    row = next(r for r in ROWS if r.events == 2)
    cell = _cell(row, None, 1)
    assert (cell.verdict, cell.assurance, cell.scope.events) == (
        Verdict.HOLDS,
        Assurance.EXHAUSTIVE,
        1,
    )
    assert refuted(_cell(row, None, 2), events=2)
