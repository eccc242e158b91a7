"""``onceproof graph``: the state graph, written."""

from __future__ import annotations

from pathlib import Path

import click

from checker.commands.shared import design_of, emit
from checker.exits import Exit
from checker.records import dataclass
from checker.syntax.nodes import Semantics


@dataclass(frozen=True, slots=True)
class GraphCommand:
    """``onceproof graph``."""

    path: Path
    semantics: str
    workers: int
    events: int
    keys: int
    form: str
    output: Path | None
    max_states: int

    def run(self) -> int:
        """Explore and write; returns the exit code."""
        from checker.explore import Bounds, Budget, explore
        from checker.lower import lower

        loaded = design_of(self.path)
        if loaded.design is None:
            return int(Exit.USAGE)
        machine = lower(loaded.design, Semantics(self.semantics)).machine
        bounds, budget = Bounds(self.workers, self.events, self.keys), Budget(self.max_states, None)
        if self.form == "counts":
            counted = explore(machine, bounds, budget)
            lines = [f"states {counted.full_states}", f"transitions {counted.full_transitions}"]
            lines += [f"states up to symmetry {counted.states}", f"transitions up to symmetry {counted.transitions}"]
            text, complete, reason = "\n".join(lines) + "\n", counted.complete, counted.reason
        else:
            from checker.explore.graph import state_graph, to_dot, to_graphml

            drawn = state_graph(machine, bounds, budget)
            text = to_dot(drawn, self.path.stem) if self.form == "dot" else to_graphml(drawn)
            complete, reason = bool(drawn.graph["complete"]), str(drawn.graph["reason"])
        emit(self.output, "never", lambda _: text)
        if not complete:
            click.echo(f"the graph is not complete: {reason}", err=True)
            return int(Exit.INCONCLUSIVE)
        return int(Exit.HOLDS)
