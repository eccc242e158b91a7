"""The state graph as data, for drawing and for other tools; the only module here that knows
networkx.
"""

from __future__ import annotations

from io import BytesIO

import networkx as nx

from onceproof.engines.search.bounds import Bounds, Budget
from onceproof.engines.search.compiled import Rows
from onceproof.engines.search.meter import Meter
from onceproof.engines.search.symmetry import Orbits, State
from onceproof.machine.system import Action, Cause, Machine


def state_graph(machine: Machine, bounds: Bounds, budget: Budget) -> nx.MultiDiGraph[int]:
    """The graph up to symmetry, nodes numbered in breadth-first order.

    Nodes carry ``label`` and ``initial``, edges ``rule``, ``label`` and ``cause``; the graph
    carries ``complete`` and ``reason`` as an Exploration does. A graph cut short by its budget has
    the states counted until then, some without their edges.
    """
    orbits, meter = Orbits(machine, bounds), Meter(budget)
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph(
        name=machine.name if machine.name.isprintable() else "design"
    )
    numbers: dict[State, int] = {}
    queue: list[State] = []

    def number(state: State, initial: bool) -> int | None:
        if state not in numbers:
            if not meter.admit(1, 0):
                return None
            numbers[state] = len(numbers)
            queue.append(state)
            graph.add_node(numbers[state], label=state_text(orbits, state), initial=initial)
        return numbers[state]

    for state in orbits.initial():
        number(state, True)
    labels = [action_text(rule.action) for rule in machine.rules]
    for source, state in enumerate(queue):
        if meter.reason or not meter.expand(0, 0):
            break
        for rule, after, _ in orbits.edges(state):
            target = number(after, False)
            if target is None:
                break
            graph.add_edge(
                source,
                target,
                rule=rule,
                label=labels[rule],
                cause=machine.rules[rule].action.cause.value,
            )
    graph.graph["complete"] = not meter.reason
    graph.graph["reason"] = meter.reason
    return graph


def action_text(action: Action) -> str:
    """An action in one line: who, at which line, what, with which outcome; the environment's by its
    cause.
    """
    who = f"{action.process}:{action.line}" if action.process and action.line else action.process
    cause = action.cause.value if action.cause.is_fault or not action.outcome else ""
    return " ".join(
        part for part in (who, cause, action.subject or action.queue, action.outcome) if part
    )


def state_text(orbits: Orbits, state: State) -> str:
    """The values of a state that differ from a fixed start, one component, event or worker per
    line.
    """
    local = orbits.local
    lines: list[str] = []
    for shape in state:
        row = _values(local.components, shape[0])
        if row or len(state) > 1:
            lines.append(f"component {row}".rstrip())
        for cell in shape[1:]:
            number, workers = orbits.cells[cell]
            values = _values(local.events, number)
            if values or workers:
                lines.append(f"event {values}".rstrip())
            lines.extend(
                f"  worker {_values(local.workers, worker) or 'new'}" for worker in workers
            )
    return "\n".join(lines) or "start"


def _values(rows: Rows, number: int) -> str:
    pairs = zip(rows.variables, rows.rows[number], strict=True)
    return " ".join(
        f"{variable.name}={value}" for variable, value in pairs if variable.initial != (value,)
    )


def to_dot(graph: nx.MultiDiGraph[int], name: str) -> str:
    """The graph in the language of Graphviz; initial states have a double border, faults are
    dashed.
    """
    lines = [f"digraph {_quoted(name)} {{", "  node [shape=box];"]
    for node, data in graph.nodes(data=True):
        border = ", peripheries=2" if data["initial"] else ""
        lines.append(f"  {node} [label={_quoted(data['label'])}{border}];")
    for source, target, data in graph.edges(data=True):
        style = ", style=dashed" if Cause(data["cause"]).is_fault else ""
        lines.append(f"  {source} -> {target} [label={_quoted(data['label'])}{style}];")
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    """A quoted DOT string; a line break becomes the escape for one."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def to_graphml(graph: nx.MultiDiGraph[int]) -> str:
    """The graph in GraphML, with all attributes."""
    buffer = BytesIO()
    nx.write_graphml_xml(graph, buffer, prettyprint=True)
    return buffer.getvalue().decode("utf-8")
