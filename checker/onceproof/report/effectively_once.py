"""One line per effect: does it happen effectively once, that is, not twice and not lost, whatever
the transport does?
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from onceproof.report.words import qualified, under_words
from onceproof.verdict.result import ClaimResult, DesignResult, Verdict

TWICE, LOST = "no-duplicate", "no-loss"
"""The two halves, by the kinds of their claims."""
KINDS = (TWICE, LOST, "effectively-once")
"""Kinds of claims that a line sums up."""


class _Half(Struct):
    """What is known about one half, by delivery guarantee."""

    proved: dict[str, ClaimResult] = field(default_factory=dict)
    refuted: dict[str, None] = field(default_factory=dict)
    open: dict[str, None] = field(default_factory=dict)

    @property
    def is_asked(self) -> bool:
        """Whether any claim is about it."""
        return bool(self.proved or self.refuted or self.open)


def halves(cell: ClaimResult) -> tuple[str, ...]:
    """Which halves an answer is about: of a refutation, the one that its story breaks."""
    if cell.kind in (TWICE, LOST):
        return (cell.kind,)
    broken = cell.narrative.broken if cell.narrative is not None else ""
    return (broken,) if broken in (TWICE, LOST) else (TWICE, LOST)


def effect_lines(design: DesignResult) -> tuple[str, ...]:
    """A line for each effect that a claim is about, in the order of the design."""
    if design.outline is None:
        return ()
    every = list(dict.fromkeys(c.guarantee for c in design.cells))
    made = []
    for effect in design.outline.effects:
        about = [c for c in design.cells if c.effect == effect.name and _counts(c)]
        if about:
            known = _sorted_out(about)
            made.append(f"{effect.name}: effectively once? {_line(known, effect.done, every)}")
    return tuple(made)


def _counts(cell: ClaimResult) -> bool:
    """Whether a claim is one of the halves; *no loss unless* says less."""
    return cell.kind in KINDS and " unless " not in cell.claim


def _sorted_out(cells: Iterable[ClaimResult]) -> dict[str, _Half]:
    known = {TWICE: _Half(), LOST: _Half()}
    for cell in cells:
        semantics = cell.guarantee
        for half in halves(cell):
            match cell.verdict:
                case Verdict.HOLDS:
                    known[half].proved[semantics] = cell
                case Verdict.REFUTED:
                    known[half].refuted[semantics] = None
                case _:
                    known[half].open[semantics] = None
    return known


def _line(known: dict[str, _Half], done: str, every: list[str]) -> str:
    """``done``: how the effect is called, as ``sent``."""
    again = "happen twice" if done == "happened" else f"be {done} twice"
    twice, lost = known[TWICE], known[LOST]
    both = [s for s in twice.proved if s in lost.proved]
    if twice.refuted or lost.refuted:
        return "".join(_no(known, again, both, every))
    left = list(dict.fromkeys((*twice.open, *lost.open)))
    if left:
        cells = [half.proved[s] for half in known.values() for s in both]
        yes = f"; it does {under_words(both, every)}{qualified(cells)}" if both else ""
        return f"Not known {under_words(left, every)}{yes}."
    if not lost.is_asked:
        return (
            f"Half: it cannot {again}{qualified(twice.proved.values())}; whether it can be lost is"
            " not asked (`claim effectively once`)."
        )
    if not twice.is_asked:
        return (
            f"Half: it is not lost{qualified(lost.proved.values())}; whether it can {again} is not"
            " asked (`claim effectively once`)."
        )
    return _yes([*twice.proved.values(), *lost.proved.values()], both, every)


def _no(known: dict[str, _Half], again: str, both: list[str], every: list[str]) -> Iterator[str]:
    parts = [
        f"it can {does} {under_words(half.refuted, every)}"
        for half, does in ((known[TWICE], again), (known[LOST], "be lost"))
        if half.refuted
    ]
    yield f"No: {', and '.join(parts)}"
    if both:
        cells = [half.proved[s] for half in known.values() for s in both]
        yield f"; it does {under_words(both, every)}{qualified(cells)}"
    yield "."


def _yes(cells: list[ClaimResult], both: list[str], every: list[str]) -> str:
    text = "Yes" if set(both) == set(every) else f"Yes, {under_words(both, every)}"
    return f"{text}{qualified(cells)}."
