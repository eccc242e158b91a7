"""What the machine alone says of a design: no interpreter, no solver, no side conditions."""

from __future__ import annotations

from onceproof.engines.coverability import Budget, Coverable, Safe, prove
from onceproof.lang.load import load_text
from onceproof.lower import Lowered, lower
from onceproof.machine.slicing import sliced
from onceproof.properties import asked


def lowered_text(text: str) -> Lowered:
    """The machine of a valid design under the first guarantee that it is about."""
    loaded = load_text(text)
    assert loaded.design is not None, [d.headline for d in loaded.diagnostics]
    return lower(loaded.design, loaded.design.semantics[0])


def holds(text: str) -> bool:
    """Whether the first claim of a design holds for any number of events and workers."""
    lowered = lowered_text(text)
    machine, prop = asked(lowered, lowered.design.claims[0])
    answer = prove(sliced(machine, prop), prop, Budget(seconds=60))
    assert isinstance(answer, Safe | Coverable)
    return isinstance(answer, Safe)
