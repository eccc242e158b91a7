"""A machine in numbers: rows are interned, guards are bit masks over the rules, updates are
tables.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from onceproof.engines.coverability.names import GONE, LEVELS, Assign, MachineError, Names
from onceproof.engines.coverability.rows import Reaction, Rows, written
from onceproof.machine.system import Level, Machine, Rule, RuleKind

Local = tuple[int, int, int, int, int, int, int]
"""A local transition: rule, then component, event and worker row before, then the three after;
``GONE`` where there is none.
"""


class Step(Struct, frozen=True):
    """A rule in numbers. ``same`` and ``other``: the reactions of bystanders at the same event and
    at other events.
    """

    kind: RuleKind
    assigns: tuple[tuple[Assign, ...], ...]
    ends: bool
    same: int
    other: int


class Encoded:
    """The machine in numbers, with its tables of rows (grown as rows are met)."""

    __slots__ = (
        "_acting",
        "_newborn",
        "_numbers",
        "components",
        "events",
        "machine",
        "names",
        "reactions",
        "steps",
        "workers",
    )

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.names = Names(machine)
        tests = [
            self.names.tests(rule.guard, readable(rule.kind), describe(i, rule))
            for i, rule in enumerate(machine.rules)
        ]
        levels = self.names.levels
        self.components = Rows(levels[0], [t[0] for t in tests])
        self.events = Rows(levels[1], [t[1] for t in tests])
        self.workers = Rows(levels[2], [t[2] for t in tests])
        for variable in levels[2]:
            if len(variable.initial) != 1:
                raise MachineError(
                    f"worker variable {variable.name!r} must have exactly one initial value"
                )
        self._newborn = tuple(v.domain.index(v.initial[0]) for v in levels[2])
        self.reactions: list[Reaction] = [Reaction(self.workers, None, ())]
        self._numbers: dict[object, int] = {(None, ()): 0}
        self.steps = tuple(self._step(i, rule) for i, rule in enumerate(machine.rules))
        self._acting = [
            sum(1 << i for i, step in enumerate(self.steps) if _PLACE[step.kind] == place)
            for place in range(3)
        ]
        for limit in machine.limits:
            self.names.tests(limit.guard, LEVELS, "a limit")

    def _step(self, index: int, rule: Rule) -> Step:
        what = describe(index, rule)
        if rule.ends and rule.kind is not RuleKind.WORKER:
            raise MachineError(f"{what}: only a worker can end")
        eventless = rule.kind is RuleKind.COMPONENT
        if eventless and (
            rule.alone is not None or any(b.scope is Level.EVENT for b in rule.others)
        ):
            raise MachineError(f"{what}: a component rule has no event whose workers it could mean")
        if any(b.scope is Level.WORKER for b in rule.others):
            raise MachineError(f"{what}: a broadcast reaches an event or a component")
        targets = LEVELS if rule.kind is RuleKind.SPAWN else readable(rule.kind)
        assigns = self.names.assigns(rule.updates, rule.guard, targets, readable(rule.kind), what)
        return Step(
            rule.kind,
            assigns,
            rule.ends,
            self._reaction(rule, what, near=True),
            self._reaction(rule, what, near=False),
        )

    def _reaction(self, rule: Rule, what: str, *, near: bool) -> int:
        alone = rule.alone if near else None
        broadcasts = tuple(b for b in rule.others if b.reaches(near))
        key = (alone, tuple((b.guard, b.updates, b.removes) for b in broadcasts))
        if key not in self._numbers:
            own = (Level.WORKER,)
            offenders = None if alone is None else self.names.tests(alone, own, what)[2]
            parts = []
            for b in broadcasts:
                assigns = self.names.assigns(b.updates, b.guard, own, own, what)[2]
                parts.append(
                    (self.names.tests(b.guard, own, what)[2], None if b.removes else assigns)
                )
            self._numbers[key] = len(self.reactions)
            self.reactions.append(Reaction(self.workers, offenders, tuple(parts)))
        return self._numbers[key]

    def tables(self) -> tuple[Rows, Rows, Rows]:
        """The rows of components, events and workers."""
        return self.components, self.events, self.workers

    def enabled(self, component: int, event: int, worker: int) -> Iterator[int]:
        """The rules that act at exactly this place: worker rules for a worker, spawn and event
        rules for an event, and so on.
        """
        mask = self.components.masks[component]
        mask &= self._acting[(event != GONE) + (worker != GONE)]
        if event != GONE:
            mask &= self.events.masks[event]
        if worker != GONE:
            mask &= self.workers.masks[worker]
        while mask:
            low = mask & -mask
            mask ^= low
            yield low.bit_length() - 1

    def fire(self, number: int, component: int, event: int, worker: int) -> Local:
        """The local transition of an enabled rule."""
        step = self.steps[number]
        crow = self.components.rows[component]
        erow = self.events.rows[event] if event != GONE else ()
        wrow = self.workers.rows[worker] if worker != GONE else ()
        rows = (crow, erow, wrow)
        to_component, to_event, to_worker = step.assigns
        after_component = (
            self.components.number(written(crow, to_component, rows)) if to_component else component
        )
        after_event = self.events.number(written(erow, to_event, rows)) if to_event else event
        after_worker = worker
        if step.kind is RuleKind.SPAWN:
            after_worker = self.workers.number(written(self._newborn, to_worker, rows))
        elif step.ends:
            after_worker = GONE
        elif to_worker:
            after_worker = self.workers.number(written(wrow, to_worker, rows))
        return (number, component, event, worker, after_component, after_event, after_worker)


_PLACE = {RuleKind.COMPONENT: 0, RuleKind.EVENT: 1, RuleKind.SPAWN: 1, RuleKind.WORKER: 2}
"""Of a rule: how many of event and worker its actor has."""


def readable(kind: RuleKind) -> tuple[Level, ...]:
    """The levels that a rule of this kind may test and read."""
    if kind is RuleKind.WORKER:
        return LEVELS
    return LEVELS[:1] if kind is RuleKind.COMPONENT else LEVELS[:2]


def describe(index: int, rule: Rule) -> str:
    """The rule in an error message."""
    return f"rule {index} ({rule.kind.value}, {rule.action.cause.value})"
