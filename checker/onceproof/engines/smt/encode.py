"""Translation of configurations, guards, rules and bad patterns into SMT-LIB 2 text (logic QF_BV).

A configuration is a fixed number of slots, each value a symbol named after its place::

    |key.balance|   |event0.q|   |event0/worker1.pc|     the rows (bit vectors: domain indices)
    |event0|   |event0/worker1|                          whether the slot is taken (Bool)

Nothing ever reads the variables of a slot that is not taken. With several components the names
start with ``key0``, ``key1``, ... A rule is deterministic once its actor is chosen, so it becomes a
condition and, for each symbol it may change, the new value as a term over the old symbols. Both are
read off the :class:`onceproof.machine.system.Rule` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations, product

from msgspec import Struct

from onceproof.engines.smt import terms
from onceproof.machine.system import (
    Broadcast,
    EventPattern,
    Guard,
    Level,
    Machine,
    Pattern,
    Rule,
    RuleKind,
    Update,
    Variable,
)

Read = Callable[[str], str]
"""What stands for the symbol of that name: the symbol itself, its primed copy, its copy at some
step.
"""

Embedding = tuple[tuple[int, tuple[int, ...]], ...]
"""For each event of a pattern or shape: its event slot and the slots of its workers."""


class Place(Struct, frozen=True):
    """A slot: a component, one of its events, one of that event's workers; -1 where the slot is of
    a higher level.
    """

    component: int
    event: int = -1
    worker: int = -1


class Cell(Struct, frozen=True):
    """One symbol of a configuration; ``variable`` is None for "this slot is taken"."""

    name: str
    variable: Variable | None

    @property
    def sort(self) -> str:
        """Its SMT-LIB sort."""
        return "Bool" if self.variable is None else variable_sort(self.variable)


class Layout(Struct, frozen=True):
    """How many slots there are: ``slots[c][e]`` is the number of worker slots of event slot ``e``
    of component ``c``.

    ``optional``: event slots may be empty (any number of events up to the slots), else every event
    slot is an event.
    """

    machine: Machine
    slots: tuple[tuple[int, ...], ...]
    optional: bool = False

    def path(self, place: Place) -> str:
        """The name of a slot, which is also the name of the symbol that says whether it is
        taken.
        """
        key = "key" if len(self.slots) == 1 else f"key{place.component}"
        if place.event < 0:
            return key
        event = f"event{place.event}" if len(self.slots) == 1 else f"{key}/event{place.event}"
        return event if place.worker < 0 else f"{event}/worker{place.worker}"

    def name(self, place: Place, variable: Variable) -> str:
        """The name of the symbol of ``variable`` as seen from ``place``."""
        if variable.level is Level.COMPONENT:
            at = Place(place.component)
        elif variable.level is Level.EVENT:
            at = Place(place.component, place.event)
        else:
            at = place
        if (variable.level is Level.WORKER and at.worker < 0) or (
            variable.level is not Level.COMPONENT and at.event < 0
        ):
            raise ValueError(
                f"{variable.name} is a variable of a {variable.level.value}; it cannot be read at"
                f" {self.path(place)}"
            )
        return f"{self.path(at)}.{variable.name}"

    def variable(self, name: str) -> Variable:
        """The machine's variable of that name."""
        for variable in self.machine.variables:
            if variable.name == name:
                return variable
        raise ValueError(f"the machine {self.machine.name} has no variable {name}")

    def components(self) -> list[Place]:
        """Its component slots."""
        return [Place(c) for c in range(len(self.slots))]

    def events(self, component: int) -> list[Place]:
        """The event slots of a component."""
        return [Place(component, e) for e in range(len(self.slots[component]))]

    def workers(self, event: Place) -> list[Place]:
        """The worker slots of an event."""
        return [
            Place(event.component, event.event, w)
            for w in range(self.slots[event.component][event.event])
        ]

    def all_workers(self) -> list[Place]:
        """Every worker slot."""
        return [
            worker
            for c in self.components()
            for event in self.events(c.component)
            for worker in self.workers(event)
        ]

    def row(self, place: Place) -> list[Cell]:
        """The symbols of the row at a slot, in the order of ``Machine.level``."""
        level = (
            Level.COMPONENT
            if place.event < 0
            else Level.EVENT
            if place.worker < 0
            else Level.WORKER
        )
        return [
            Cell(self.name(place, variable), variable) for variable in self.machine.level(level)
        ]

    def cells(self) -> list[Cell]:
        """Every symbol that can change."""
        cells: list[Cell] = []
        for component in self.components():
            cells += self.row(component)
            for event in self.events(component.component):
                cells += self.row(event)
                for worker in self.workers(event):
                    cells += [Cell(self.path(worker), None), *self.row(worker)]
        return cells


def variable_sort(variable: Variable) -> str:
    """The sort of a variable: as many bits as its domain needs."""
    return terms.bits(terms.width_for(len(variable.domain)))


def code(variable: Variable, value: str) -> str:
    """The constant that stands for a value: its index in the domain."""
    if value not in variable.domain:
        raise ValueError(f"{value} is not a value of {variable.name}")
    return terms.literal(variable.domain.index(value), terms.width_for(len(variable.domain)))


def among(variable: Variable, term: str, allowed: frozenset[str]) -> str:
    """``term``, which is known to be in the variable's domain, has one of the allowed values."""
    inside = [value for value in variable.domain if value in allowed]
    outside = [value for value in variable.domain if value not in allowed]
    if not inside or not outside:
        return terms.FALSE if outside else terms.TRUE
    if len(outside) < len(inside):
        return terms.negate(
            terms.disj(terms.equal(term, code(variable, value)) for value in outside)
        )
    return terms.disj(terms.equal(term, code(variable, value)) for value in inside)


def in_domain(cell: Cell) -> str:
    """The symbol stands for a value of its domain (a domain need not have a power of two of
    values).
    """
    if cell.variable is None or len(cell.variable.domain) == 2 ** terms.width_for(
        len(cell.variable.domain)
    ):
        return terms.TRUE
    count = len(cell.variable.domain)
    return f"(bvule {terms.quote(cell.name)} {terms.literal(count - 1, terms.width_for(count))})"


def guard_at(layout: Layout, guard: Guard, place: Place, read: Read) -> str:
    """The guard holds of the slot at ``place`` and of the event and component it belongs to."""
    tests = []
    for test in guard:
        variable = layout.variable(test.variable)
        if not test.allowed <= set(variable.domain):
            raise ValueError(f"{variable.name} is compared with a value it never has")
        tests.append(among(variable, read(layout.name(place, variable)), test.allowed))
    return terms.conj(tests)


def legend(layout: Layout) -> list[str]:
    """Comment lines that say what the bits mean."""
    lines = []
    for variable in layout.machine.variables:
        values = ", ".join(f"{code(variable, value)} {value}" for value in variable.domain)
        lines.append(terms.comment(f"{variable.level.value} variable {variable.name}: {values}"))
    return lines


def describe(machine: Machine, index: int) -> str:
    """One line about a rule: its number, who acts and what its action says."""
    rule = machine.rules[index]
    action = rule.action
    parts = [
        f"rule {index} ({rule.kind.value}): {action.cause.value}",
        action.process,
        action.queue,
        action.subject,
    ]
    parts += [f"line {action.line}" if action.line else "", action.outcome]
    parts += [f"wider than the truth: {rule.approximate}"] if rule.approximate else []
    return ", ".join(part for part in parts if part)


class Firing(Struct, frozen=True):
    """A rule fired by a chosen actor: ``enabled``, and a new value for every symbol that may
    change; both over the old symbols.
    """

    enabled: str
    writes: dict[str, str]

    def after(self, name: str) -> str:
        """The value of a symbol after the step."""
        return self.writes.get(name, terms.quote(name))


def actors(layout: Layout, rule: Rule) -> list[Place]:
    """Every slot that may act: the worker, the slot of the new worker, the event or the
    component.
    """
    if rule.kind is RuleKind.COMPONENT:
        return layout.components()
    if rule.kind is RuleKind.EVENT:
        return [event for c in layout.components() for event in layout.events(c.component)]
    return layout.all_workers()


def fire(layout: Layout, rule: Rule, actor: Place, pool: int | None) -> Firing:
    """The rule fired by the worker, event or component at ``actor``; a SPAWN puts its worker into
    the slot ``actor``.

    With a ``pool`` (how many workers may be alive) the step is exact. Without, it is the larger
    relation of theory T4: ``alone`` removes the offenders instead of waiting for them, and neither
    limits nor the pool forbid a spawn.
    """
    enabled = [guard_at(layout, rule.guard, _reader(actor, rule), terms.quote)]
    alive = terms.quote(layout.path(actor))
    writes = {}
    if rule.kind is RuleKind.WORKER:
        enabled.append(alive)
    if rule.kind is RuleKind.SPAWN:
        enabled.append(terms.negate(alive))
        writes[layout.path(actor)] = terms.TRUE
        for cell in layout.row(actor):
            if cell.variable is not None:
                writes[cell.name] = code(cell.variable, cell.variable.initial[0])
    for update in rule.updates:
        target = layout.variable(update.target)
        writes[layout.name(actor, target)] = _new_value(layout, update, _reader(actor, rule))
    if rule.ends:
        writes[layout.path(actor)] = terms.FALSE
    for other in _others(layout, actor, Level.COMPONENT):
        writes.update(_other_writes(layout, rule, actor, other, pool is None))
    if pool is not None:
        enabled += _exactly(layout, rule, actor, pool, writes)
    return Firing(terms.conj(enabled), writes)


def _reader(actor: Place, rule: Rule) -> Place:
    """The slot whose variables the rule's guard and sources read; the worker of a spawn does not
    exist before the step.
    """
    return Place(actor.component, actor.event) if rule.kind is RuleKind.SPAWN else actor


def _new_value(layout: Layout, update: Update, place: Place) -> str:
    """What the update writes, reading from ``place``; outside the table (excluded by guards) any
    value of the target will do.
    """
    target = layout.variable(update.target)
    if update.source is None:
        return code(target, update.table[0][1])
    source = layout.variable(update.source)
    term = terms.quote(layout.name(place, source))
    olds: dict[str, list[str]] = {}
    for old, new in update.table:
        olds.setdefault(new, []).append(old)
    *first, last = olds
    value = code(target, last)
    for new in reversed(first):
        value = terms.choose(among(source, term, frozenset(olds[new])), code(target, new), value)
    return value


def _others(layout: Layout, actor: Place, scope: Level) -> list[Place]:
    """The worker slots in a scope around the actor, without the actor's own."""
    workers = [w for e in layout.events(actor.component) for w in layout.workers(e) if w != actor]
    return (
        workers
        if scope is Level.COMPONENT
        else [worker for worker in workers if worker.event == actor.event]
    )


def _other_writes(
    layout: Layout, rule: Rule, actor: Place, other: Place, removing: bool
) -> dict[str, str]:
    """What the step does to another worker: removal as an offender of ``alone`` (if ``removing``),
    then the broadcasts.
    """
    removed = []
    writes: dict[str, str] = {}
    if removing and rule.alone is not None and other.event == actor.event:
        removed.append(guard_at(layout, rule.alone, other, terms.quote))
    for broadcast in rule.others:
        if broadcast.reaches(other.event == actor.event):
            hears = guard_at(layout, broadcast.guard, other, terms.quote)
            removed += [hears] if broadcast.removes else []
            for name, value in _broadcast_writes(layout, broadcast, other):
                writes[name] = terms.choose(hears, value, writes.get(name, terms.quote(name)))
    if removed:
        name = layout.path(other)
        writes[name] = terms.conj((terms.quote(name), terms.negate(terms.disj(removed))))
    return writes


def _broadcast_writes(
    layout: Layout, broadcast: Broadcast, other: Place
) -> Iterator[tuple[str, str]]:
    """The symbols of ``other`` that a broadcast writes, with their new values."""
    for update in broadcast.updates:
        yield layout.name(other, layout.variable(update.target)), _new_value(layout, update, other)


def _exactly(
    layout: Layout, rule: Rule, actor: Place, pool: int, writes: dict[str, str]
) -> list[str]:
    """The conditions the larger relation leaves out: ``alone``; for spawns the lowest free slot,
    the pool and the limits.
    """
    conditions = []
    if rule.alone is not None and actor.event >= 0:
        for other in _others(layout, actor, Level.EVENT):
            offends = guard_at(layout, rule.alone, other, terms.quote)
            conditions.append(terms.negate(terms.conj((terms.quote(layout.path(other)), offends))))
    if rule.kind is not RuleKind.SPAWN:
        return conditions
    conditions += [
        terms.quote(layout.path(w)) for w in layout.workers(actor) if w.worker < actor.worker
    ]
    everyone = layout.all_workers()
    conditions.append(terms.fewer([terms.quote(layout.path(w)) for w in everyone], pool))
    for limit in layout.machine.limits:
        counted = [
            terms.conj((terms.quote(layout.path(w)), guard_at(layout, limit.guard, w, terms.quote)))
            for w in everyone
        ]
        newcomer = guard_at(
            layout, limit.guard, actor, lambda name: writes.get(name, terms.quote(name))
        )
        conditions.append(terms.implies(newcomer, terms.fewer(counted, limit.count)))
    return conditions


def initial_row(layout: Layout, place: Place) -> str:
    """The row at ``place`` has initial values."""
    row = [(cell.name, cell.variable) for cell in layout.row(place) if cell.variable is not None]
    return terms.conj(
        among(variable, terms.quote(name), frozenset(variable.initial)) for name, variable in row
    )


def embeddings(profile: tuple[int, ...], slots: tuple[int, ...]) -> Iterator[Embedding]:
    """Every way to put events with so many workers each (``profile``) into distinct event slots and
    worker slots.
    """
    for events in permutations(range(len(slots)), len(profile)):
        choices = [
            permutations(range(slots[event]), count)
            for event, count in zip(events, profile, strict=True)
        ]
        for workers in product(*choices):
            yield tuple(zip(events, workers, strict=True))


def bad_at(layout: Layout, pattern: Pattern, component: int, embedding: Embedding) -> str:
    """The component matches the pattern with its events and workers at these slots; ``absent``
    speaks of the slots there are.
    """
    conditions = [guard_at(layout, pattern.component, Place(component), terms.quote)]
    for wanted, (event, workers) in zip(pattern.events, embedding, strict=True):
        place = Place(component, event)
        conditions += [terms.quote(layout.path(place))] if layout.optional else []
        conditions.append(guard_at(layout, wanted.guard, place, terms.quote))
        for guard, worker in zip(wanted.workers, workers, strict=True):
            at = Place(component, event, worker)
            conditions += [terms.quote(layout.path(at)), guard_at(layout, guard, at, terms.quote)]
        conditions += _nobody(layout, wanted, place)
    return terms.conj(conditions)


def _nobody(layout: Layout, wanted: EventPattern, place: Place) -> list[str]:
    """No worker of the event at ``place`` satisfies ``absent``."""
    if wanted.absent is None:
        return []
    offenders = [
        terms.conj((terms.quote(layout.path(w)), guard_at(layout, wanted.absent, w, terms.quote)))
        for w in layout.workers(place)
    ]
    return [terms.negate(offender) for offender in offenders]


def bad(layout: Layout, pattern: Pattern) -> str:
    """Some component matches the pattern, ``absent`` included."""
    profile = tuple(len(event.workers) for event in pattern.events)
    return terms.disj(
        bad_at(layout, pattern, component, embedding)
        for component, slots in enumerate(layout.slots)
        for embedding in embeddings(profile, slots)
    )
