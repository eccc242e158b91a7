"""``onceproof graph``: the state graph, written."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec import Struct

from onceproof.commands.shared import design_of, emit
from onceproof.machine.delivery import Delivery
from onceproof.verdict.exit_codes import Exit


class GraphCommand(Struct, frozen=True):
    """``onceproof graph``."""

    path: Path
    semantics: str
    workers: int
    events: int
    keys: int
    form: str
    output: Path | None
    engine: str
    max_states: int | None

    def run(self) -> int:
        """Explore and write; returns the exit code."""
        from onceproof.engines.search import Bounds, Budget
        from onceproof.lower import lower

        loaded = design_of(self.path)
        if loaded.design is None:
            return int(Exit.USAGE)
        machine = lower(loaded.design, Delivery(self.semantics)).machine
        most = self.max_states or (10_000_000 if self.form == "counts" else 100_000)
        bounds, budget = Bounds(self.workers, self.events, self.keys), Budget(most, None)
        if self.form == "counts":
            from onceproof.engines.search.count import Unsuited, count

            if self.engine == "dense" and self.max_states is None:
                budget = Budget()  # it is bounded by its array
            try:
                counted = count(machine, bounds, budget, self.engine)
            except Unsuited as error:
                raise click.UsageError(
                    f"this engine cannot hold the design within these bounds: {error}"
                ) from None
            lines = [f"states {counted.full_states}", f"transitions {counted.full_transitions}"]
            if counted.engine == "orbits":
                lines += [
                    f"states up to symmetry {counted.states}",
                    f"transitions up to symmetry {counted.transitions}",
                ]
            lines.append(f"engine {counted.engine}")
            text, complete, reason = "\n".join(lines) + "\n", counted.complete, counted.reason
        else:
            from onceproof.engines.search.graph import state_graph, to_dot, to_graphml

            drawn = state_graph(machine, bounds, budget)
            text = to_dot(drawn, self.path.stem) if self.form == "dot" else to_graphml(drawn)
            complete, reason = bool(drawn.graph["complete"]), str(drawn.graph["reason"])
        emit(self.output, "never", lambda _: text)
        if not complete:
            click.echo(f"the graph is not complete: {reason}", err=True)
            return int(Exit.INCONCLUSIVE)
        return int(Exit.HOLDS)
