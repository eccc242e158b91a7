"""Bounded model checking: is there a bad run of so many steps?

The text has a configuration of fixed size at steps 0, 1, 2, ... and, per step, the number of who
fired which rule. Nothing that is found here is a proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Protocol

from msgspec import Struct

from onceproof.engines.smt import terms
from onceproof.engines.smt.checks import demand_wellformed
from onceproof.engines.smt.encode import (
    Cell,
    Firing,
    Layout,
    Place,
    actors,
    bad,
    describe,
    fire,
    in_domain,
    initial_row,
    legend,
)
from onceproof.engines.smt.solver import Solver, Status
from onceproof.engines.smt.terms import claim, declare, define, quote
from onceproof.machine.system import Machine, Move, Property, RuleKind, Run

STEP = "step"


class Bounds(Protocol):
    """A finite instance: so many business keys (components), events in each, and workers alive at
    once over all of them.
    """

    @property
    def workers(self) -> int:
        """At most so many workers are alive at once, over all events and components."""

    @property
    def events(self) -> int:
        """Events of each component."""

    @property
    def keys(self) -> int:
        """Components."""


def bounded_layout(machine: Machine, bounds: Bounds) -> Layout:
    """Exactly the events and components of the bounds; any event may have all the workers, so each
    has slots for all.
    """
    if bounds.keys < 1 or bounds.events < 0 or bounds.workers < 0:
        raise ValueError("bounds need a component, and no negative number")
    return Layout(machine, ((bounds.workers,) * bounds.events,) * bounds.keys)


def too_big(prop: Property, bounds: Bounds) -> str:
    """A warning if some bad pattern does not fit into the bounds, so that nothing was said about it
    ("" if all fit).
    """
    for index, pattern in enumerate(prop.bad):
        if (
            len(pattern.events) > bounds.events
            or sum(len(event.workers) for event in pattern.events) > bounds.workers
        ):
            return (
                f"bad pattern {index} of {prop.name} needs more events or workers than the bounds"
                " have"
            )
    return ""


def next_values(layout: Layout, chosen: str, firings: list[Firing]) -> dict[str, str]:
    """For each symbol its value after the step, given that the term ``chosen`` is the number of the
    firing that happens.
    """
    width = terms.width_for(len(firings))
    writers: dict[str, dict[str, list[int]]] = {}
    for number, firing in enumerate(firings):
        for name, value in firing.writes.items():
            writers.setdefault(name, {}).setdefault(value, []).append(number)
    values = {}
    for cell in layout.cells():
        term = quote(cell.name)
        for value, numbers in writers.get(cell.name, {}).items():
            picked = terms.disj(
                terms.equal(chosen, terms.literal(number, width)) for number in numbers
            )
            term = terms.choose(picked, value, term)
        values[cell.name] = term
    return values


def fires(chosen: str, firings: list[Firing]) -> str:
    """The term ``chosen`` is the number of a firing that is enabled."""
    width = terms.width_for(len(firings))
    known = (
        f"(bvule {chosen} {terms.literal(len(firings) - 1, width)})"
        if len(firings) < 2**width
        else terms.TRUE
    )
    enabled = (
        terms.implies(terms.equal(chosen, terms.literal(number, width)), firing.enabled)
        for number, firing in enumerate(firings)
    )
    return terms.conj((known, *enabled))


class Unrolling(Struct, frozen=True):
    """The text of bounded runs of a machine; ``choices[n]`` is the rule and actor that step number
    ``n`` stands for.
    """

    layout: Layout
    choices: tuple[tuple[int, Place], ...]
    prelude: str

    def start(self) -> str:
        """Step 0 is an initial configuration."""
        layout = self.layout
        lines = [declare(quote(at(cell.name, 0)), cell.sort) for cell in layout.cells()]
        lines.append(claim(self._call("start", 0)))
        return "\n".join(lines)

    def step(self, number: int) -> str:
        """Step ``number`` leads to the configuration after it."""
        sort = terms.bits(terms.width_for(len(self.choices)))
        lines = [declare(quote(at(STEP, number)), sort)]
        lines += [
            declare(quote(at(cell.name, number + 1)), cell.sort) for cell in self.layout.cells()
        ]
        arguments = [quote(at(STEP, number)), *self._symbols(number), *self._symbols(number + 1)]
        return "\n".join((*lines, claim(terms.call("|next|", arguments))))

    def bad(self, number: int) -> str:
        """The configuration before step ``number`` is bad."""
        return claim(self._call("bad", number))

    def asked(self, depth: int) -> list[str]:
        """The symbols whose values make a run: the first rows, the choices, and who is alive."""
        names = [at(cell.name, 0) for cell in self.layout.cells() if cell.variable is not None]
        for number in range(depth):
            names.append(at(STEP, number))
            names += [at(self.layout.path(worker), number) for worker in self.layout.all_workers()]
        return names

    def _symbols(self, number: int) -> list[str]:
        return [quote(at(cell.name, number)) for cell in self.layout.cells()]

    def _call(self, function: str, number: int) -> str:
        return terms.call(quote(function), self._symbols(number))


def at(name: str, number: int) -> str:
    """The name of a symbol's copy before step ``number``."""
    return f"{name}@{number}"


def unrolling(machine: Machine, prop: Property, bounds: Bounds) -> Unrolling:
    """The text of the runs of ``machine`` within the bounds."""
    layout = bounded_layout(machine, bounds)
    cells = layout.cells()
    choices = tuple(
        (index, actor) for index, rule in enumerate(machine.rules) for actor in actors(layout, rule)
    )
    firings = [
        fire(layout, machine.rules[index], actor, bounds.workers) for index, actor in choices
    ]
    parameters = [(quote(cell.name), cell.sort) for cell in cells]
    lines = ["(set-logic QF_BV)", *legend(layout)]
    lines += [terms.comment(describe(machine, index)) for index in range(len(machine.rules))]
    lines.append(define("|start|", parameters, "Bool", _start(layout, cells)))
    lines.append(
        define(
            "|bad|", parameters, "Bool", terms.disj(bad(layout, pattern) for pattern in prop.bad)
        )
    )
    if firings:
        after = next_values(layout, quote(STEP), firings)
        step = [(quote(STEP), terms.bits(terms.width_for(len(choices))))]
        primed = [(quote(f"{cell.name}'"), cell.sort) for cell in cells]
        body = [
            fires(quote(STEP), firings),
            *(terms.equal(quote(f"{cell.name}'"), after[cell.name]) for cell in cells),
        ]
        lines.append(define("|next|", step + parameters + primed, "Bool", terms.conj(body)))
    return Unrolling(layout, choices, "\n".join(lines))


def _start(layout: Layout, cells: list[Cell]) -> str:
    """An initial configuration: initial rows and no worker."""
    places = [place for c in layout.components() for place in (c, *layout.events(c.component))]
    nobody = [terms.negate(quote(layout.path(worker))) for worker in layout.all_workers()]
    return terms.conj(
        (*map(in_domain, cells), *(initial_row(layout, place) for place in places), *nobody)
    )


def decode(unrolled: Unrolling, values: Mapping[str, int], depth: int) -> Run:
    """The run that a solver's values describe; slots become identities as
    :class:`onceproof.machine.system.Move` numbers them.
    """
    layout = unrolled.layout
    identities: dict[Place, int] = {}
    moves = []
    for number in range(depth):
        rule, actor = unrolled.choices[values[at(STEP, number)]]
        identities = {w: i for w, i in identities.items() if values[at(layout.path(w), number)]}
        kind = layout.machine.rules[rule].kind
        if kind is RuleKind.SPAWN:
            identities[actor] = min(set(range(len(identities) + 1)) - set(identities.values()))
        moves.append(
            Move(rule, actor.component, actor.event, identities[actor] if actor.worker >= 0 else -1)
        )
    rows = tuple(_row(layout, component, values) for component in layout.components())
    events = tuple(
        tuple(_row(layout, event, values) for event in layout.events(c.component))
        for c in layout.components()
    )
    return Run(rows, events, tuple(moves))


def _row(layout: Layout, place: Place, values: Mapping[str, int]) -> tuple[tuple[str, str], ...]:
    """The initial row at a place."""
    pairs = []
    for cell in layout.row(place):
        if cell.variable is not None:
            pairs.append((cell.variable.name, cell.variable.domain[values[at(cell.name, 0)]]))
    return tuple(pairs)


class Finding(Enum):
    """What bounded model checking found."""

    REACHED = "reached"  # a bad configuration; the run is given and is as short as any
    # no run of so many steps or fewer is bad, within the bounds: not a proof of anything longer
    NOT_WITHIN = "not within"
    UNKNOWN = "unknown"  # the solver gave up


class Answer(Struct, frozen=True):
    """The answer of :func:`refute`: every length below ``depth`` was examined to the end, and
    ``depth`` too unless UNKNOWN.
    """

    finding: Finding
    depth: int
    run: Run | None = None
    reason: str = ""


def refute(machine: Machine, prop: Property, bounds: Bounds, depth: int, solver: Solver) -> Answer:
    """Look for a bad configuration after 0, 1, ..., ``depth`` steps, with exactly the bounds'
    events and components.
    """
    demand_wellformed(machine)
    unrolled = unrolling(machine, prop, bounds)
    session = solver.session()
    session.load(f"{unrolled.prelude}\n{unrolled.start()}")
    for number in range(depth + 1):
        reply = session.check(unrolled.bad(number), unrolled.asked(number))
        if reply.status is Status.UNKNOWN:
            return Answer(
                Finding.UNKNOWN, number, reason=f"{solver.name} at {number} steps: {reply.reason}"
            )
        if reply.status is Status.SAT:
            return Answer(Finding.REACHED, number, decode(unrolled, reply.values, number))
        if not unrolled.choices:
            break
        session.add(unrolled.step(number))
    return Answer(Finding.NOT_WITHIN, depth, reason=too_big(prop, bounds))
