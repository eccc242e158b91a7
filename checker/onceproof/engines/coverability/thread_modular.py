"""The thread-modular fixpoint R: which rows can occur, alone, beside which component row, and
beside which event row.

A rule fired somewhere changes the rows that others see; that change, an *interference*, is applied
to everything that may stand beside it. The result is an inductive invariant, often a proof by
itself, and the space inside which ``backward`` searches. After Flanagan and Qadeer, "Thread-modular
model checking" (SPIN 2003).
"""

from __future__ import annotations

from msgspec import Struct

from onceproof.engines.coverability.encode import Encoded, Local
from onceproof.engines.coverability.names import GONE
from onceproof.engines.coverability.verdict import Budget, BudgetExceeded, GaveUp, Meter
from onceproof.machine.invariant import Invariant, Shape
from onceproof.machine.system import Machine

WHAT = "rows of the thread-modular fixpoint"
"""What a budget counts here."""


class Reach(Struct, frozen=True):
    """R in numbers. ``events_of`` and ``workers_of`` list what may stand beside a component row,
    and beside a pair of rows.

    ``locals`` are the local transitions from everything in R, in the order found.
    """

    encoded: Encoded
    components: tuple[int, ...]
    events_of: dict[int, list[int]]
    workers_of: dict[tuple[int, int], list[int]]
    pairs: frozenset[tuple[int, int]]
    triples: frozenset[tuple[int, int, int]]
    locals: tuple[Local, ...]

    @property
    def size(self) -> int:
        """How many rows it took, as a budget counts them."""
        return len(self.components) + len(self.pairs) + len(self.triples)

    @property
    def fired(self) -> frozenset[int]:
        """The rules enabled somewhere in R: any other rule can never fire in the machine."""
        return frozenset(local[0] for local in self.locals)

    def invariant(self, excluded: tuple[Shape, ...] = ()) -> Invariant:
        """R in the machine's own values, with shapes to exclude."""
        component, event, worker = (rows.words for rows in self.encoded.tables())
        return Invariant(
            frozenset(component(c) for c in self.components),
            frozenset((component(c), event(e)) for c, e in self.pairs),
            frozenset((component(c), event(e), worker(w)) for c, e, w in self.triples),
            excluded,
        )


def reachable(machine: Machine, budget: Budget) -> Reach | GaveUp:
    """The fixpoint of a machine. Limits are ignored and ``alone`` removes the offenders, so R only
    grows by these.
    """
    return Closure(machine).run(budget)


class Closure:
    """The work list. Whichever comes later, a row or an interference, is combined with what is
    there already.

    A closure whose budget was too small can be run again, with a larger one, and goes on where it
    was: to the same rows and local transitions, in the same order, as with one run.
    """

    __slots__ = (
        "_encoded",
        "_events_of",
        "_far",
        "_is_begun",
        "_locals",
        "_meter",
        "_near",
        "_pairs",
        "_todo",
        "_triples",
        "_workers_of",
    )

    def __init__(self, machine: Machine) -> None:
        self._encoded = Encoded(machine)
        self._meter = Meter(Budget(), WHAT)
        self._is_begun = False
        self._events_of: dict[int, list[int]] = {}
        self._workers_of: dict[tuple[int, int], list[int]] = {}
        self._pairs: set[tuple[int, int]] = set()
        self._triples: set[tuple[int, int, int]] = set()
        self._near: dict[tuple[int, int], dict[tuple[int, int, int], None]] = {}
        self._far: dict[int, dict[tuple[int, int], None]] = {}
        self._todo: list[tuple[int, int, int]] = []
        self._locals: list[Local] = []

    @property
    def size(self) -> int:
        """How many rows there are so far, as a budget counts them."""
        return len(self._events_of) + len(self._pairs) + len(self._triples)

    @property
    def weight(self) -> int:
        """How much it holds, in rows and local transitions."""
        return self.size + len(self._locals)

    def run(self, budget: Budget) -> Reach | GaveUp:
        """Close the initial rows under everything."""
        self._meter = Meter(budget, WHAT, self.size)
        try:
            return self._run()
        except BudgetExceeded as spent:
            return spent.given_up

    def _run(self) -> Reach:
        if not self._is_begun:
            for component in self._encoded.components.initial():
                self._add_component(component)
                for event in self._encoded.events.initial():
                    self._add_event(component, event)
            self._is_begun = True
        while self._todo:
            row, fired = self._todo.pop(), len(self._locals)
            try:
                self._process(*row)
            except BaseException:
                # As if it had not been looked at; what it has added already will be there then.
                del self._locals[fired:]
                self._todo.append(row)
                raise
        pairs, triples = frozenset(self._pairs), frozenset(self._triples)
        return Reach(
            self._encoded,
            tuple(self._events_of),
            self._events_of,
            self._workers_of,
            pairs,
            triples,
            tuple(self._locals),
        )

    def _process(self, component: int, event: int, worker: int) -> None:
        self._meter.tick()
        for number in self._encoded.enabled(component, event, worker):
            self._apply(self._encoded.fire(number, component, event, worker))
        if event == GONE:
            return
        reactions = self._encoded.reactions
        if worker == GONE:
            for after, _ in list(self._far[component]):
                self._add_event(after, event)
            return
        triples = self._triples  # most of what follows is there already
        for after, reaction in list(self._far[component]):
            moved = reactions[reaction].after(worker)
            if (after, event, moved) not in triples:
                self._add_worker(after, event, moved)
        for after, other, reaction in list(self._near[component, event]):
            moved = reactions[reaction].after(worker)
            if (after, other, moved) not in triples:
                self._add_worker(after, other, moved)

    def _apply(self, local: Local) -> None:
        """The actor's rows after the step, and the interference of the step with all bystanders."""
        number, component, event, _, after, after_event, after_worker = local
        self._locals.append(local)
        step = self._encoded.steps[number]
        self._add_component(after)
        if event != GONE:
            self._add_event(after, after_event)
            self._add_worker(after, after_event, after_worker)
            if (component, event) != (after, after_event) or step.same:
                self._interfere_near(component, event, (after, after_event, step.same))
        if component != after or step.other:
            self._interfere_far(component, (after, step.other))

    def _interfere_near(self, component: int, event: int, change: tuple[int, int, int]) -> None:
        changes = self._near[component, event]
        if change not in changes:
            after, after_event, reaction = change
            react = self._encoded.reactions[reaction].after
            for worker in self._workers_of[component, event]:
                self._add_worker(after, after_event, react(worker))
            changes[change] = None  # not before all of it is applied: a budget may end in between

    def _interfere_far(self, component: int, change: tuple[int, int]) -> None:
        changes = self._far[component]
        if change not in changes:
            after, reaction = change
            react = self._encoded.reactions[reaction].after
            for event in self._events_of[component]:
                self._add_event(after, event)
                for worker in self._workers_of[component, event]:
                    self._add_worker(after, event, react(worker))
            changes[change] = None  # as above

    def _add_component(self, component: int) -> None:
        if component not in self._events_of:
            self._meter.element()
            self._events_of[component] = []
            self._far[component] = {}
            self._todo.append((component, GONE, GONE))

    def _add_event(self, component: int, event: int) -> None:
        if (component, event) not in self._pairs:
            self._meter.element()
            self._pairs.add((component, event))
            self._events_of[component].append(event)
            self._workers_of[component, event] = []
            self._near[component, event] = {}
            self._todo.append((component, event, GONE))

    def _add_worker(self, component: int, event: int, worker: int) -> None:
        if worker != GONE and (component, event, worker) not in self._triples:
            self._add_event(component, event)
            self._meter.element()
            self._triples.add((component, event, worker))
            self._workers_of[component, event].append(worker)
            self._todo.append((component, event, worker))
