"""Why it breaks: read off a replayed trace, and true of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from onceproof.explain.violation import Blame, blame
from onceproof.interpreter import replay
from onceproof.lang.load import Loaded, load
from onceproof.machine.delivery import Delivery
from onceproof.story import tell
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import Verdict
from onceproof.verdict.task import Options

from support.repo import ROOT

HERE = Path(__file__).parent

LEAST = Delivery.AT_LEAST_ONCE
NAMES = (
    "article/invoice_email",
    "article/mistake_early_ack",
    "article/mistake_only_the_database",
    "article/mistake_replay_forgotten",
    "article/without_stable_id",
    "theory/lease",
    "theory/lease_runs_out",
    "theory/dedup_by_event",
    "theory/dedup_without_unique",
    "incidents/p05_two_pollers_before",
    "incidents/p22_balance_cannot_be_written_before",
    "theory/three_workers",
    "theory/provider_key_expires",
    "theory/version_not_compared",
    "theory/comes_again_for_ever",
)


def _blames(loaded: Loaded) -> list[tuple[str, Blame, list[tuple[int, int | None]]]]:
    """Claim, gist, and the number and worker of each step of the story."""
    assert loaded.design is not None
    found = []
    for cell in check_loaded(loaded, Options(semantics=(LEAST,), second_opinion=False))[0].cells:
        if cell.trace is not None:
            claim = next(c for c in loaded.design.claims if c.text == cell.claim)
            replayed = replay(loaded.design, cell.trace)
            gist = blame(loaded.design, claim, replayed, loaded.sources)
            if gist is not None:
                story = tell(loaded.design, claim, replayed, loaded.sources)
                found.append((cell.claim, gist, [(s.number, s.worker) for s in story.narrated]))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_gist(name: str, golden: Callable[[Path, str], None]) -> None:
    found = _blames(load(ROOT / "examples" / f"{name}.once"))
    assert found
    for _, gist, steps in found:
        for one in (*gist.acts, *gist.guards):
            assert (one.step, one.worker) in steps  # the numbers are those that the reader sees
        if gist.kind == "no-duplicate":
            assert len(gist.acts) == 2
            assert gist.acts[0].step < gist.acts[1].step
            assert all(g.worker == gist.acts[1].worker for g in gist.guards)
    text = "".join(
        f"{claim}\n" + "".join(f"  {s}\n" for s in gist.sentences) for claim, gist, _ in found
    )
    golden(HERE / "gists" / f"{name.split('/')[1]}.txt", text)


def test_it_is_added_where_it_is_asked_for() -> None:
    loaded = load(ROOT / "examples/article/invoice_email.once")
    options = Options(semantics=(LEAST,), second_opinion=False)
    plain = check_loaded(loaded, options)[0].cells
    assert not any(c.blame for c in plain)
    asked = check_loaded(loaded, Options(semantics=(LEAST,), second_opinion=False, explain=True))[
        0
    ].cells
    assert [bool(c.blame) for c in asked] == [c.verdict is Verdict.REFUTED for c in asked]
