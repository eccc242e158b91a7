"""``onceproof graph``: the state graph of a design, or its size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from onceproof.cli.output import emit, say
from onceproof.cli.shared import (
    ONE_SEMANTICS,
    PATH,
    format_option,
    load_design,
    number_option,
    output_option,
)

if TYPE_CHECKING:
    from onceproof.engines.search import Bounds
    from onceproof.machine.system import Machine

MOST_COUNTED, MOST_DRAWN = 10_000_000, 100_000
"""States, unless ``--max-states`` says otherwise."""


@click.command("graph")
@PATH
@ONE_SEMANTICS
@number_option("--workers", 1, "Workers at once.")
@number_option("--events", 1, "Events per business key.")
@number_option("--keys", 1, "Business keys.")
@format_option("dot", "graphml", "counts", help="What to write.")
@click.option(
    "--engine",
    type=click.Choice(["auto", "orbits", "dense", "plain"]),
    default="auto",
    show_default=True,
    help="Who counts (for --format counts).",
)
@output_option("--output", help="Write to a file instead of standard output.")
@click.option(
    "--max-states",
    type=click.IntRange(min=1),
    help="Stop beyond so many states.  [default: 100000, and 10000000 for counts]",
)
def command(
    path: Path,
    semantics: str,
    workers: int,
    events: int,
    keys: int,
    form: str,
    engine: str,
    output: Path | None,
    max_states: int | None,
) -> int:
    """Write the state graph of a design: every interleaving within bounds, up to symmetry.

    \b
    Examples:
      onceproof graph invoice.once | dot -Tsvg > invoice.svg
      onceproof graph invoice.once --format graphml --output invoice.graphml
      onceproof graph invoice.once --workers 2 --format counts
      onceproof graph invoice.once --workers 3 --events 4 --format counts --engine dense
    """
    from onceproof.engines.search import Bounds
    from onceproof.lower import lower
    from onceproof.machine.delivery import Delivery
    from onceproof.verdict.exit_codes import Exit

    loaded = load_design(path)
    if loaded.design is None:
        return int(Exit.USAGE)
    machine = lower(loaded.design, Delivery(semantics)).machine
    bounds = Bounds(workers, events, keys)
    if form == "counts":
        text, incomplete = _counts(machine, bounds, max_states, engine)
    else:
        text, incomplete = _drawing(machine, bounds, max_states, form, path.stem)
    emit(output, text, inputs=loaded.sources)
    if incomplete is not None:
        say(f"the graph is not complete: {incomplete}", err=True)
        return int(Exit.INCONCLUSIVE)
    return int(Exit.HOLDS)


def _counts(
    machine: Machine, bounds: Bounds, max_states: int | None, engine: str
) -> tuple[str, str | None]:
    """The size of the graph, and why it is not complete (None: it is)."""
    from onceproof.engines.search import Budget
    from onceproof.engines.search.count import Unsuited, count
    from onceproof.report import state_counts

    if engine == "dense" and max_states is None:
        budget = Budget()  # it is bounded by its array
    else:
        budget = Budget(max_states or MOST_COUNTED, None)
    try:
        counted = count(machine, bounds, budget, engine)
    except Unsuited as error:
        raise click.UsageError(
            f"this engine cannot hold the design within these bounds: {error}"
        ) from None
    return state_counts.text(counted), None if counted.complete else counted.reason


def _drawing(
    machine: Machine, bounds: Bounds, max_states: int | None, form: str, title: str
) -> tuple[str, str | None]:
    """The graph in the language ``form``, and why it is not complete (None: it is)."""
    from onceproof.engines.search import Budget
    from onceproof.engines.search.graph import state_graph, to_dot, to_graphml

    graph = state_graph(machine, bounds, Budget(max_states or MOST_DRAWN, None))
    text = to_dot(graph, title) if form == "dot" else to_graphml(graph)
    return text, None if graph.graph["complete"] else str(graph.graph["reason"])
