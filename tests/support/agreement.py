"""The machine and the interpreter show the same of a design."""

from __future__ import annotations

from onceproof.interpreter.oracle import event_sets, explore
from onceproof.lang.load import load_text
from onceproof.lower import lower

from support.observe import interpreter_shows, machine_shows


def the_readings_agree(text: str) -> None:
    """Both reach the same, the dead aside, with one event and two workers."""
    design = load_text(text).design
    assert design is not None
    lowered = lower(design, design.semantics[0])
    shown = machine_shows(lowered, 2, 5_000)
    explored = [
        explore(design, design.semantics[0], events, 2, 5_000) for events in event_sets(design, 1)
    ]
    assert shown is not None
    machine, interpreter = (
        {s for s in side if "dead" not in str(s)}
        for side in (shown, interpreter_shows(lowered, explored))
    )
    assert machine == interpreter
