"""The fault frontier: every combination breaks the claim, nothing less does, and none is
missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
from onceproof.analysis.cut_sets import Frontier, frontier
from onceproof.analysis.fault_model import Fault, Faulty, faulty
from onceproof.cli.main import main
from onceproof.counterexample.validate import violates
from onceproof.engines.search import Bounds, Budget, Found, simplest
from onceproof.interpreter import replay
from onceproof.lang.design import Claim, Design
from onceproof.lang.load import load, load_text
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause, Property
from onceproof.properties import question
from onceproof.story import tell
from onceproof.verdict.exit_codes import Exit
from onceproof.verdict.task import Options

from support.repo import ROOT
from support.sample import sampled

HERE = Path(__file__).parent

MOST, LEAST, EXACTLY = Delivery
DESIGNS = (
    "article/invoice_email",
    "article/mistake_early_ack",
    "theory/lease",
    "theory/lease_token_unasked",
    "theory/ack_first_checked",
    "theory/provider_key_expires",
    "theory/dedup_without_unique",
    "theory/comes_again_for_ever",
)


def _design(name: str) -> Design:
    design = load(ROOT / "examples" / f"{name}.once").design
    assert design is not None
    return design


def _cells(design: Design) -> list[tuple[Claim, Delivery]]:
    return [
        (c, s) for c in design.claims for s in design.semantics if c.kind != "eventually-settled"
    ]


def _asked(design: Design, claim: Claim, semantics: Delivery) -> tuple[Faulty, Property]:
    lowered = lower(design, semantics)
    machine, prop = question(lowered, claim, names=True)
    return faulty(lowered, machine), prop


def _breaks(asked: tuple[Faulty, Property], allowed: tuple[Fault, ...], bounds: Bounds) -> bool:
    """Whether these faults, as often as one likes, break the claim."""
    return isinstance(simplest(asked[0].only(*allowed), asked[1], bounds, Budget(200_000)), Found)


@pytest.mark.parametrize("name", DESIGNS)
def test_sets_break_and_nothing_less_does(name: str) -> None:
    design = _design(name)
    for claim, semantics in _cells(design):
        found = frontier(design, claim, semantics, most=3)
        assert found.complete
        supports = [frozenset(f for f, _ in one.faults) for one in found.sets]
        asked, bounds = (
            _asked(design, claim, semantics),
            Bounds(max(found.workers, 1), max(found.events, 1)),
        )
        for one, support in zip(found.sets, supports, strict=True):
            assert violates(design, claim, one.trace)
            for fault in support:
                less = support - {fault}
                assert _breaks(asked, tuple(less), bounds) == any(
                    other <= less for other in supports
                )


@pytest.mark.parametrize("name", sampled(DESIGNS, 2))
def test_no_set_of_one_or_two_kinds_is_missing(name: str) -> None:
    design = _design(name)
    for claim, semantics in _cells(design):
        found = frontier(design, claim, semantics, most=3)
        supports = [frozenset(f for f, _ in one.faults) for one in found.sets]
        asked, bounds = (
            _asked(design, claim, semantics),
            Bounds(max(found.workers, 1), max(found.events, 1)),
        )
        for allowed in [(f,) for f in asked[0].every] + list(combinations(asked[0].every, 2)):
            assert _breaks(asked, allowed, bounds) == any(
                s <= frozenset(allowed) for s in supports
            ), (claim.text, allowed)


CONSEQUENCES = (Cause.LATE_EFFECT, Cause.LOCK_EXPIRED)
"""Faults in a story that may only be what follows from another one."""


@pytest.mark.parametrize("name", DESIGNS)
def test_stories_count_the_same_faults(name: str) -> None:
    design = _design(name)
    for claim, semantics in _cells(design):
        for one in frontier(design, claim, semantics).sets:
            needs = dict(tell(design, claim, replay(design, one.trace)).needs.faults)
            counted = Counter({f.cause: 0 for f, _ in one.faults})
            for fault, times in one.faults:
                counted[fault.cause] += times
            assert {c: n for c, n in needs.items() if c not in CONSEQUENCES} == {
                c: n for c, n in counted.items() if c not in CONSEQUENCES
            }


@pytest.mark.slow
def test_bugs_that_need_many_workers() -> None:
    design = _design("theory/four_workers")
    found = frontier(design, design.claims[0], LEAST)
    assert (found.fewest, found.workers, found.most, found.complete) == (3, 4, 3, True)
    assert [(f.cause, times) for one in found.sets for f, times in one.faults] == [
        (Cause.LEASE_EXPIRED, 3)
    ]


def test_broken_without_any_fault() -> None:
    design = _design("theory/dedup_by_event")
    found = frontier(design, design.claims[0], LEAST)
    assert found.fewest == 0
    assert [one.faults for one in found.sets] == [()]


def test_proved_claims_survive_everything() -> None:
    design = _design("theory/provider_key")
    found = frontier(design, design.claims[0], LEAST)
    assert found.proved
    assert found.fewest is None


def test_limits_are_said() -> None:
    design = _design("article/invoice_email")
    found = frontier(design, design.claims[0], LEAST, Options(states=20))
    assert not found.complete
    assert found.most < 2
    assert "20 states" in found.reason
    narrow: Frontier = frontier(design, design.claims[0], LEAST, Options(workers=1))
    assert narrow.workers == 1
    assert Cause.LEASE_EXPIRED not in {f.cause for one in narrow.sets for f, _ in one.faults}


LEASE_AND_CRASH = """event PaymentReceived(id, account)
queue payments of PaymentReceived at-least-once
store payment per account
lock lease per account, expires
effect credit per id via http
consumer bank on payments
  acquire lease or stop
  call credit
  ack
  release lease
claim no duplicate credit
"""


def test_the_lock_of_a_dead_worker_ends_by_itself() -> None:
    loaded = load_text(LEASE_AND_CRASH)
    assert loaded.design is not None
    found = frontier(loaded.design, loaded.design.claims[0], LEAST, most=1)
    crashes = [f for one in found.sets for f, _ in one.faults if f.cause is Cause.KILLED]
    assert [f.line for f in crashes] == [9]


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_is_printed(
    form: str, capsys: pytest.CaptureFixture[str], golden: Callable[[Path, str], None]
) -> None:
    path = Path("examples/article/invoice_email.once")
    assert main(["faults", str(ROOT / path), "--map", "--format", form]) == Exit.HOLDS
    golden(HERE / f"first.{form}", capsys.readouterr().out.replace(str(ROOT / path), str(path)))


def test_more_is_printed(
    capsys: pytest.CaptureFixture[str], golden: Callable[[Path, str], None]
) -> None:
    for name in (
        "lease",
        "three_workers",
        "dedup_by_event",
        "provider_key_expires",
        "provider_key_outlives_retries",
    ):
        assert main(["faults", str(ROOT / f"examples/theory/{name}.once")]) == Exit.HOLDS
    golden(HERE / "more.text", capsys.readouterr().out)
