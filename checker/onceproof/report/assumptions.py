"""What a claim needs in order to hold, as text."""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.analysis.assumptions import Assuming
from onceproof.report.words import WORDS
from onceproof.story.headline import listed
from onceproof.verdict.result import Disagreement, Verdict

MOST_UNDECIDED = 3
"""Sets that could not be decided are named up to this number."""


def text(assuming: Assuming, most: int) -> str:
    """One claim, for a terminal. ``most``: the largest set of assumptions that was tried."""
    return "\n".join(_lines(assuming, most))


def _lines(assuming: Assuming, most: int) -> Iterator[str]:
    head = f"{assuming.claim} / {assuming.semantics.value}"
    if isinstance(assuming.cell, Disagreement):
        yield f"{head}: engines contradict each other ({assuming.cell.what})"
        return
    yield f"{head}: {WORDS[assuming.cell.verdict]}"
    match assuming.cell.verdict:
        case Verdict.REFUTED:
            yield from (f"  {line}" for line in _refuted_lines(assuming, most))
        case Verdict.HOLDS:
            yield from (f"  {line}" for line in _proved_lines(assuming))
    if not assuming.complete:
        yield f"  not complete: {assuming.reason}"
        for phrases in assuming.undecided[:MOST_UNDECIDED]:
            yield f"    ({_as_written(phrases) or 'no assumption'})"


def _as_written(phrases: tuple[str, ...]) -> str:
    return ", ".join(f"`assume {phrase}`" for phrase in phrases)


def _refuted_lines(assuming: Assuming, most: int) -> Iterator[str]:
    if assuming.hopeless:
        yield "does not hold under any assumption known here, not even under all of them together"
    elif assuming.sufficient:
        if len(assuming.sufficient[0].kinds) > most:
            yield f"no set of up to {most} assumptions is enough; one that is:"
        for sufficient in assuming.sufficient:
            yield f"holds if {listed(sufficient.words)}"
            yield f"  ({_as_written(sufficient.phrases)})"
    elif assuming.complete:
        yield f"no set of up to {most} assumptions is enough"


def _proved_lines(assuming: Assuming) -> Iterator[str]:
    if any(not sufficient.kinds for sufficient in assuming.sufficient):
        yield "holds without any of the assumptions of the design"
        return
    if not assuming.needs and assuming.complete:
        yield "makes no assumption"
    for need in assuming.needs:
        word = {True: "needed", False: "not needed by itself", None: "not decided"}[need.needed]
        yield f"`assume {need.phrase}`: {word}"
    for sufficient in assuming.sufficient:
        if len(sufficient.kinds) < len(assuming.needs):
            yield f"holds assuming only that {listed(sufficient.words)}"
