"""The size of a state graph, as text."""

from __future__ import annotations

from onceproof.engines.search.meter import Exploration


def text(counted: Exploration) -> str:
    """States and transitions; those up to symmetry, where an engine counts orbits."""
    lines = [f"states {counted.full_states}", f"transitions {counted.full_transitions}"]
    if counted.engine == "orbits":
        lines += [
            f"states up to symmetry {counted.states}",
            f"transitions up to symmetry {counted.transitions}",
        ]
    lines.append(f"engine {counted.engine}")
    return "\n".join(lines) + "\n"
