"""What the lowered machine and the interpreter must agree on: the rows, counters, statuses, locks
and places a person could look at.
"""

from __future__ import annotations

from onceproof.engines.search import Bounds, Budget
from onceproof.engines.search.states import configurations
from onceproof.interpreter.context import Context
from onceproof.interpreter.oracle import Explored
from onceproof.interpreter.state import State
from onceproof.lang.design import UNSET
from onceproof.lower import Lowered
from onceproof.lower import variables as v
from onceproof.machine.invariant import Shape
from onceproof.machine.system import Level

Seen = tuple[tuple[str, ...], ...]
"""Facts about the shared rows, facts about each event, each with its workers; sorted."""


def of_machine(lowered: Lowered, shape: Shape) -> Seen:
    """What a configuration of the machine shows."""
    machine = lowered.machine
    component = dict(
        zip((x.name for x in machine.level(Level.COMPONENT)), shape.component, strict=True)
    )
    events = []
    for row, workers in shape.events:
        values = dict(zip((x.name for x in machine.level(Level.EVENT)), row, strict=True))
        facts = _facts(lowered, values)
        kind = values.get(v.EVENT_TYPE, "")
        facts = [f for f in facts if not _foreign(lowered, f, kind)]
        for worker in workers:
            local = dict(zip((x.name for x in machine.level(Level.WORKER)), worker, strict=True))
            spot = lowered.points[local[v.PC]]
            dead = local[v.PC].endswith("!")
            holds = local.get(v.HOLDS) == "yes"
            facts.append(
                f"worker {spot.process}:{spot.line}"
                f"{' dead' if dead else ''}{' holds' if holds else ''}"
            )
        events.append(tuple(sorted(facts)))
    return (tuple(sorted(_facts(lowered, component))), *sorted(events))


def _facts(lowered: Lowered, values: dict[str, str]) -> list[str]:
    design = lowered.design
    statuses = {g.status: name for name, g in lowered.groups.items()}
    columns = {v.column(s, c): f"{s}.{c}" for s, c in v.columns_of(design)}
    facts = []
    for name, value in values.items():
        if name in statuses:
            facts.append(f"status {statuses[name]} {value}")
        elif name in design.stores:
            facts += [f"row {name}"] * (value == "present")
        elif name in columns:
            initial = design.stores[name.split(".")[0]].columns[name.split(".")[1]][:1] or (UNSET,)
            facts += [f"column {columns[name]} {value}"] * (value != initial[0])
        elif name in design.effects or name.endswith("#"):
            # A row that was written once and is there no more counts as it did.
            shown = "1" if value == "none now" else value
            facts += [f"count {name.removesuffix('#')} {shown}"] * (value != "0")
        elif name.endswith(v.RECORD):
            facts += [f"record {name.removesuffix(v.RECORD)}"] * (value == "present")
        elif name in design.locks:
            # Nobody can tell by looking whether the session that has it still has a worker.
            shown = "held" if value == "leaked" else value
            facts += [f"{shown} {name}"] * (value != "free")
        elif name.endswith(v.PENDING):
            facts += [f"pending {name.removesuffix(v.PENDING)} {value}"] * (value != "0")
        elif name.endswith(v.ABORTED):
            facts += [f"aborted {name.removesuffix(v.ABORTED)}"] * (value == "yes")
        elif name == v.EVENT_TYPE:
            facts.append(f"type {value}")
        elif not name.endswith((v.BUSY, v.RESTORED, v.LANE)):
            facts.append(f"payload {name} {value}")
    return facts


def _foreign(lowered: Lowered, fact: str, kind: str) -> bool:
    """Facts about another event type's queue or payload: nothing ever looks at them."""
    word, _, rest = fact.partition(" ")
    roots = v.root_types(lowered.design)
    if word == "payload":
        name = rest.split(" ")[0]
        return v.payload_of(lowered.design, kind or roots[0], name.split(".")[1]) != name
    if len(roots) < 2:
        return False
    if word == "status":
        queue = lowered.groups[rest.split(" ")[0]].queue
        return queue.is_root and queue.event != kind
    return False


def of_interpreter(context: Context, lowered: Lowered, state: State) -> Seen:
    """What a state of the interpreter shows."""
    shared: list[str] = []
    events: list[list[str]] = [[] for _ in state.events]

    def put(spot: tuple[str, str, int], fact: str) -> None:
        (shared if spot[1] == "component" else events[spot[2]]).append(fact)

    present = {x.name for x in lowered.machine.variables}
    for spot, status in state.statuses:
        put(spot, f"status {spot[0]} {status}")
    for spot in state.rows:
        put(spot, f"row {spot[0]}")
    for spot, value in state.columns:
        put(spot, f"column {spot[0]} {value}")
    for spot, count in state.counts:
        put(spot, f"count {spot[0]} {count}")
    for spot, count in state.pending:
        put(spot, f"pending {spot[0]} {count}")
    for spot in state.records:
        put(spot, f"record {spot[0]}")
    for spot in state.held:
        tied = context.design.locks[spot[0]].expires and context.holder_matters(
            context.design.locks[spot[0]]
        )
        alone = tied and not any(spot in w.locks for w in state.workers)
        put(spot, f"{'orphaned' if alone else 'held'} {spot[0]}")
    for spot in state.aborted:
        put(spot, f"aborted {spot[0]}")
    for number, event in enumerate(state.events):
        if v.EVENT_TYPE in present:
            events[number].append(f"type {event.type}")
        named = ((v.payload_of(lowered.design, event.type, f), x) for f, x in event.payload)
        events[number] += [f"payload {name} {x}" for name, x in named if name in present]
        for process in lowered.groups:
            if not any(s[0] == process and s[2] == number for s, _ in state.statuses):
                events[number].append(f"status {process} absent")
    for number, event in enumerate(state.events):
        events[number] = [f for f in events[number] if not _foreign(lowered, f, event.type)]
    for worker in state.workers:
        flags = (" dead" if worker.underway else "") + (" holds" if worker.holds else "")
        events[worker.event].append(f"worker {worker.process}:{context.line(worker)}{flags}")
    return (tuple(sorted(shared)), *sorted(tuple(sorted(e)) for e in events))


def machine_shows(lowered: Lowered, pool: int, most: int) -> set[Seen] | None:
    """What one event can show in the machine; None if that is more than ``most`` states."""
    visited = configurations(lowered.machine, Bounds(pool, 1), Budget(most, None))
    return (
        {of_machine(lowered, parts[0]) for parts in visited} if isinstance(visited, list) else None
    )


def interpreter_shows(lowered: Lowered, explored: list[Explored]) -> set[Seen]:
    """What one event can show in the interpreter."""
    context = Context.of(lowered.design, lowered.semantics)
    return {of_interpreter(context, lowered, state) for one in explored for state in one.states}
