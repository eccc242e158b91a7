"""Two designs compared: what is proved or refuted now and was not before, and which stories are new
or gone.

A story's *shape* is what its steps do, in the words of the design; line numbers, spacing and
comments do not count.

Something got *worse* if a claim's verdict is worse than before; if a proof now rests on more
assumptions, or speaks of fewer workers or events; if a claim that was proved is no longer made
(under a guarantee that the new design still has); or if a new claim is not as expected.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from msgspec import Struct

from onceproof.base.paths import shown
from onceproof.interpreter import followed
from onceproof.lang.load import Loaded
from onceproof.machine.delivery import Delivery
from onceproof.story import Story, tell
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import (
    Assurance,
    ClaimResult,
    DesignResult,
    Disagreement,
    Scope,
    Verdict,
)
from onceproof.verdict.task import Options

Shape = tuple[tuple[str, ...], ...]


class Turn(Enum):
    """What became of one claim under one semantics."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "same"
    NEW = "new"
    GONE = "gone"


class CellChange(Struct, frozen=True):
    """One claim under one semantics, before and after (None: it was not, or is no longer,
    examined).

    ``reasons``: why it is worse or better, beyond the two verdicts. ``is_worse``: whether that is a
    step back.
    """

    claim: str
    semantics: Delivery
    before: ClaimResult | None
    after: ClaimResult | None
    turn: Turn
    reasons: tuple[str, ...] = ()
    is_worse: bool = False


class StoryChange(Struct, frozen=True):
    """A story that is new (``after`` set), gone (``before`` set), or another one for the same claim
    (both).
    """

    claim: str
    semantics: tuple[Delivery, ...]
    before: Story | None
    after: Story | None


class Comparison(Struct, frozen=True):
    """Everything that differs. ``cells``: every claim under every semantics, in the order of the
    new design, then what is gone.
    """

    old: str
    new: str
    cells: tuple[CellChange, ...]
    stories: tuple[StoryChange, ...]
    claims_added: tuple[str, ...]
    claims_gone: tuple[str, ...]
    assumptions_added: tuple[str, ...]
    assumptions_gone: tuple[str, ...]
    failures: tuple[Disagreement, ...] = ()

    @property
    def worse(self) -> tuple[CellChange, ...]:
        """What got worse."""
        return tuple(c for c in self.cells if c.is_worse)


def compare(old: Loaded, new: Loaded, options: Options | None = None) -> Comparison:
    """Check both designs and compare. ``options`` select and limit as for a check. Raises
    ValueError if a design has errors.
    """
    options = options or Options()
    results = []
    for loaded in (old, new):
        if loaded.design is None:
            raise ValueError(f"{loaded.path} has errors")
        result, interrupted = check_loaded(loaded, options)
        if interrupted:
            raise KeyboardInterrupt
        results.append(result)
    return compared((old, results[0]), (new, results[1]))


def compared(old: tuple[Loaded, DesignResult], new: tuple[Loaded, DesignResult]) -> Comparison:
    """Compare two designs that were checked."""
    (before, was), (after, now) = old, new
    assert before.design is not None
    assert after.design is not None
    cells = tuple(_cells(was, now))
    assumed = [
        tuple(dict.fromkeys(a.words for a in design.assumptions))
        for design in (before.design, after.design)
    ]
    claimed = [
        tuple(dict.fromkeys(c.text for c in design.claims))
        for design in (before.design, after.design)
    ]
    return Comparison(
        shown(before.path),
        shown(after.path),
        cells,
        tuple(_stories(cells, before, after)),
        _more(claimed[1], claimed[0]),
        _more(claimed[0], claimed[1]),
        _more(assumed[1], assumed[0]),
        _more(assumed[0], assumed[1]),
        (*was.failures, *now.failures),
    )


def _more(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(x for x in first if x not in second)


# ---------------------------------------------------------------- verdicts


def _cells(was: DesignResult, now: DesignResult) -> Iterator[CellChange]:
    old = {(c.claim, c.semantics): c for c in was.cells}
    new = {(c.claim, c.semantics): c for c in now.cells}
    for key, cell in new.items():
        yield _changed(old[key], cell) if key in old else _added(cell)
    for key, cell in old.items():
        if key not in new:
            yield _gone(cell, now)


def _added(cell: ClaimResult) -> CellChange:
    reasons = () if cell.as_expected else ("a new claim that is not as expected",)
    return CellChange(
        cell.claim, cell.semantics, None, cell, Turn.NEW, reasons, not cell.as_expected
    )


def _gone(cell: ClaimResult, now: DesignResult) -> CellChange:
    """A claim that is no longer made; or no longer under this guarantee, which the new design does
    not have.
    """
    lost = False
    reasons: tuple[str, ...] = ()
    if cell.semantics not in now.semantics:
        reasons = (f"not examined under {cell.semantics.value} any more",)
    elif cell.verdict is Verdict.HOLDS:
        lost, reasons = True, ("it was proved, and is not claimed any more",)
    return CellChange(cell.claim, cell.semantics, cell, None, Turn.GONE, reasons, lost)


def _changed(before: ClaimResult, after: ClaimResult) -> CellChange:
    turn, reasons = Turn.SAME, []
    if after.verdict is not before.verdict:
        turn = Turn.WORSE if after.verdict.rank < before.verdict.rank else Turn.BETTER
    elif after.verdict is Verdict.HOLDS:
        lost, won = list(_narrower(before, after)), list(_narrower(after, before))
        turn = Turn.WORSE if lost else Turn.BETTER if won else Turn.SAME
        reasons = lost or [f"no longer: {reason}" for reason in won]
    return CellChange(
        after.claim, after.semantics, before, after, turn, tuple(reasons), turn is Turn.WORSE
    )


def _narrower(before: ClaimResult, after: ClaimResult) -> Iterator[str]:
    """In which ways a proof says less than before."""
    yield from (f"assuming that {a}" for a in after.assumptions if a not in before.assumptions)
    for name, old, new in (
        ("workers", before.scope.workers, after.scope.workers),
        ("events", before.scope.events, after.scope.events),
        ("keys", before.scope.keys, after.scope.keys),
    ):
        if new is not None and (old is None or new < old):
            yield f"only for up to {new} {name}"
    if (
        before.assurance is Assurance.CERTIFICATE
        and after.assurance is not Assurance.CERTIFICATE
        and after.scope == Scope()
    ):
        yield after.assurance.value


# ---------------------------------------------------------------- stories


def shape(story: Story) -> Shape:
    """What a story's steps do, without line numbers."""
    return tuple(
        (
            s.cause.value,
            str(s.worker or ""),
            str(s.event or ""),
            s.process,
            s.queue,
            " ".join(s.source.split()),
            s.outcome,
        )
        for s in story.narrated
    )


def _stories(cells: tuple[CellChange, ...], before: Loaded, after: Loaded) -> Iterator[StoryChange]:
    """New, gone and other stories; claims with the same one under several semantics together."""
    changes: dict[tuple[str, Shape, Shape], StoryChange] = {}
    for change in cells:
        if change.turn is Turn.GONE:
            continue  # what is not asked any more has no answer that is gone
        old, new = _story(before, change.before), _story(after, change.after)
        shapes = (shape(old) if old else (), shape(new) if new else ())
        if shapes[0] == shapes[1]:
            continue
        key = (change.claim, *shapes)
        semantics = (
            (*changes[key].semantics, change.semantics) if key in changes else (change.semantics,)
        )
        changes[key] = StoryChange(change.claim, semantics, old, new)
    yield from changes.values()


def _story(loaded: Loaded, cell: ClaimResult | None) -> Story | None:
    if cell is None or cell.trace is None or loaded.design is None:
        return None
    claim = loaded.design.claim_at(cell.claim, cell.line)
    return tell(loaded.design, claim, followed(loaded.design, claim, cell.trace), loaded.sources)
