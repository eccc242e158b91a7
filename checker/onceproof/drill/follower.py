"""The interpreter follows a real run: it keeps every state that is consistent with what was
observed.

A request is *called* when the worker sends it and *returned* when the worker stands still again;
what it does happens at some moment in between (as in linearizability: Herlihy and Wing, TOPLAS
1990). Moves of the broker and of time that nobody can see are guessed: after each observation the
set is closed under them. Faults are the director's to inject: those it has not injected have not
happened. No state left: the model does not allow what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from onceproof.drill.stage import Observed, Stage
from onceproof.interpreter import Context, State, choices, initial
from onceproof.interpreter.rows import column, happened
from onceproof.interpreter.state import look
from onceproof.interpreter.trace import EventOf, Step
from onceproof.lang.design import Design
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause

UNSEEN = frozenset(
    {
        Cause.REDELIVERY,
        Cause.LEASE_EXPIRED,
        Cause.LOCK_EXPIRED,
        Cause.AUTO_ACKED,
        Cause.LATER_COMMIT,
        Cause.OVERTAKEN,
        Cause.DEAD_LETTERED,
        Cause.LATE_EFFECT,
    }
)
"""What a broker, a dead worker's request or time does without anybody seeing it."""
OF_A_CUT = frozenset({Cause.CONNECTION_LOST, Cause.FENCED, Cause.REQUEUED})
"""What may follow when the director has cut a worker's connection."""
COPIES = frozenset({Cause.PUBLISHER_RETRY, Cause.REPLAY, Cause.BROKER_COPY})
"""What may follow when the director has put in a message once more. Messages are not counted here:
one more may come later.
"""
OWN = frozenset(
    {
        Cause.HANDLER,
        Cause.REFUSED,
        Cause.ANSWER_LOST,
        Cause.ACK_LOST,
        Cause.VANISHED,
        Cause.DATABASE_FAILED,
        Cause.DATABASE_ANSWER_LOST,
    }
)
"""What a worker's own request can come to."""
MOST = 4_000
"""States kept at once."""

SAYS = {
    "done": {"done", "", "dropped"},
    "sent": {"done", "refused"},
    "nothing": {"done", "refused"},
    "refused": {"refused", "refused, stored", "refused again"},
    "failed": {"refused", "lost", "failed", "serialization failure", "deadlock victim"},
    "no answer": {
        "done",
        "answer lost",
        "dropped, answer lost",
        "refused, stored, answer lost",
        "refused again, answer lost",
        "request lost",
        "still on its way",
        "refused",
        "lost",
        "failed",
    },
}
"""What the model's outcome may be where a product says this; any other word stands for itself."""
SAYS_CUT = {"sent": {"done", "refused", "lost"}, "done": {"done", "", "dropped", "lost"}}
"""The same for a worker whose connection the director has cut."""

WAITS = "the step has to wait"
Place = tuple[int, int] | str
"""Where a worker stands: line and part; ``ended`` or ``failed``."""


class Unfollowed(Exception):
    """Too many states are possible to go on."""


class View(NamedTuple):
    """One possible state. ``names``: the interpreter's number of each real worker, -1 if it is
    gone; ``calls``: for each request under way what came of it, None if it has not happened yet.
    """

    state: State
    names: tuple[tuple[int, int], ...]
    calls: tuple[tuple[int, str | None], ...]

    def number(self, real: int) -> int:
        """The interpreter's number of a real worker; -1 if it is gone."""
        return dict(self.names).get(real, -1)

    def named(self, real: int, number: int) -> View:
        """This view with a worker's number."""
        return self._replace(names=tuple(sorted({**dict(self.names), real: number}.items())))

    def called(self, real: int, outcome: str | None) -> View:
        """This view with a request under way."""
        return self._replace(calls=tuple(sorted({**dict(self.calls), real: outcome}.items())))

    def returned(self, real: int) -> View:
        """This view without a worker's request."""
        return self._replace(calls=tuple(c for c in self.calls if c[0] != real))


class Follower:
    """Every state in which the model can be. ``possible``: what it would have allowed where it
    allowed nothing that happened.
    """

    def __init__(self, design: Design, semantics: Delivery, events: tuple[EventOf, ...]) -> None:
        self.context = Context.of(design, semantics)
        self.views = frozenset({View(initial(design, semantics, events), (), ())})
        self.cut: set[int] = set()
        self.copied: set[tuple[str, int]] = set()
        self.possible: tuple[str, ...] = ()
        steps = [s for p in design.processes for s in walk(p.body, {})]
        self.assigned = {
            f"{s.store.text}.{s.column.text}"
            for s in steps
            if isinstance(s, n.SetColumn | n.UpdateIf)
        }
        self._next: dict[State, list[tuple[Step, State]]] = {}

    @property
    def is_lost(self) -> bool:
        """Whether the model does not allow what happened."""
        return not self.views

    def choices(self, state: State) -> list[tuple[Step, State]]:
        """Every next step of a state."""
        if state not in self._next:
            if len(self._next) > 20_000:
                self._next.clear()
            self._next[state] = choices(self.context, state)
        return self._next[state]

    # -- what nobody sees

    def close(self) -> None:
        """Guess the moves that nobody sees, in any number."""
        seen = set(self.views)
        queue = list(seen)
        for view in queue:
            for after in self._silent(view):
                if after not in seen:
                    seen.add(after)
                    queue.append(after)
            if len(seen) > MOST:
                raise Unfollowed
        self.views = frozenset(seen)

    def _silent(self, view: View) -> Iterator[View]:
        calls = {view.number(real): real for real, outcome in view.calls if outcome is None}
        reals = {number: real for real, number in view.names if number >= 0}
        for step, after in self.choices(view.state):
            if step.outcome == "begin" and step.worker in calls:
                # Its first statement starts: it takes the snapshot, and is still under way.
                yield view._replace(state=after)
            elif step.cause in OWN and step.worker in calls:
                real = calls[step.worker]
                ended = all(w.number != step.worker for w in after.workers)
                moved = view._replace(state=after).called(real, step.outcome)
                yield moved.named(real, -1) if ended else moved
            elif self._happens_unseen(step, reals):
                yield view._replace(state=after)

    def _happens_unseen(self, step: Step, reals: dict[int, int]) -> bool:
        if step.cause in UNSEEN or (step.cause is Cause.KILLED and step.outcome == "request lost"):
            return True
        if step.cause in OF_A_CUT:
            return reals.get(step.worker) in self.cut
        return step.cause in COPIES and (step.queue, step.event) in self.copied

    # -- what was seen

    def began(self, real: int, process: str, event: int, place: Place) -> None:
        """A worker has a message, or a relay something to do, and stands at its first step."""
        self.close()
        before = self.views
        following = set()
        for view in self.views:
            for step, after in self.choices(view.state):
                if step.cause in (Cause.DELIVERY, Cause.START) and (step.process, step.event) == (
                    process,
                    event,
                ):
                    is_alive = any(w.number == step.worker for w in after.workers)
                    new = view._replace(state=after).named(real, step.worker if is_alive else -1)
                    if self._place(new, real) == _known(place):
                        following.add(new)
        self._keep(following, before, lambda: self._offers(before, real))

    def calls(self, real: int) -> None:
        """A worker sends its next request."""
        self.close()
        self.views = frozenset(v.called(real, None) for v in self.views)

    def returns(self, real: int, outcome: str, place: Place) -> None:
        """A worker's request has come back, and it stands at its next step."""
        self.close()
        before = self.views
        says = SAYS_CUT.get(outcome) if real in self.cut else None
        says = says or SAYS.get(outcome, {outcome})
        following = set()
        for view in before:
            internal = dict(view.calls).get(real)
            if (
                internal is not None
                and (internal in says or self._shows_elsewhere(outcome, internal))
                and self._place(view, real) == _known(place)
            ):
                following.add(view.returned(real))
        self._keep(following, before, lambda: self._outcomes(before, real))

    @staticmethod
    def _shows_elsewhere(outcome: str, internal: str) -> bool:
        """Outcomes that only one of the two names: a run of collected lines, a commit of
        nothing.
        """
        return {outcome, internal} <= {"", "commit", "done"}

    def killed(self, real: int, on_the_way: bool) -> None:
        """A worker was killed; ``on_the_way``: its request had left and has not arrived yet."""
        self.close()
        before = self.views
        following = set()
        for view in before:
            number = view.number(real)
            if number < 0:
                following.add(view.returned(real))
                continue
            for step, after in self.choices(view.state):
                late = step.outcome.startswith("request under way")
                if (
                    step.cause is Cause.KILLED
                    and step.worker == number
                    and step.outcome != "request lost"
                    and (on_the_way or not late)
                ):
                    following.add(view._replace(state=after).returned(real).named(real, -1))
        self._keep(following, before, lambda: ("this worker is not killed here",))

    def expired(self, subject: str, event: int, component: int) -> None:
        """A provider has dropped a key, or a row's time is over."""
        self.close()
        before = self.views
        following: set[View] = set()
        for view in before:
            fitting = [
                after
                for step, after in self.choices(view.state)
                if step.cause is Cause.KEY_EXPIRED
                and step.subject == subject
                and (step.event == event or (step.event < 0 and step.component == component))
            ]
            following |= {view._replace(state=after) for after in fitting} or {view}
        self._keep(following, before, lambda: ())

    def observed(self, stage: Stage, seen: Observed) -> None:
        """What is in tables and books now."""
        self.close()
        before = self.views
        self._keep(
            {v for v in before if self._agrees(v.state, stage, seen)},
            before,
            lambda: self._contents(before, stage, seen),
        )

    def _keep(
        self,
        following: Iterable[View],
        before: frozenset[View],
        possible: Callable[[], tuple[str, ...]],
    ) -> None:
        self.views = frozenset(following)
        if not self.views and before:
            self.possible = possible()

    def _place(self, view: View, real: int) -> Place:
        number = view.number(real)
        worker = (
            next((w for w in view.state.workers if w.number == number), None)
            if number >= 0
            else None
        )
        if worker is None:
            return "gone"
        return self.context.line(worker), worker.part

    # -- what it sees

    def _agrees(self, state: State, stage: Stage, seen: Observed) -> bool:
        return not any(True for _ in self._differences(state, stage, seen))

    def _differences(self, state: State, stage: Stage, seen: Observed) -> Iterator[str]:
        """What the model says of each row and effect, where something else was seen."""
        design = self.context.design
        for event in range(len(state.events)):
            for effect in design.effects:
                says = happened(self.context, state, effect, event)
                real = min(seen.effects.get((effect, stage.owner(effect, event)), 0), 2)
                if says != real:
                    yield f"`{effect}` happened {says} times for event-{event + 1} (really {real})"
            for store in design.stores.values():
                key = stage.row_key(store.name, event)
                count, columns = seen.rows.get((store.name, key), (0, {}))
                says_row = self.context.row(store.name, state, event) in state.rows
                if says_row != (count > 0):
                    yield (
                        f"`{store.name}` has {'a' if says_row else 'no'} row of {key} (really"
                        f" {'one' if count else 'none'})"
                    )
                for name in columns:
                    value = column(self.context, state, store.name, name, event)
                    if value != columns[name]:
                        yield f"`{store.name}.{name}` is {value} for {key} (really {columns[name]})"
                for name in store.columns:
                    cell = f"{store.name}.{name}"
                    if cell in self.context.counted and cell not in self.assigned:
                        says = look(state.counts, (cell, "event", event), 0)
                        real = min(seen.increments.get((cell, key, event), 0), 2)
                        if says != real:
                            yield (
                                f"`{cell}` was incremented {says} times by event-{event + 1}"
                                f" (really {real})"
                            )

    def _contents(self, views: frozenset[View], stage: Stage, seen: Observed) -> tuple[str, ...]:
        differences = {" and ".join(self._differences(v.state, stage, seen)) for v in views}
        return tuple(sorted(differences, key=len)[:5])

    def _offers(self, views: frozenset[View], real: int) -> tuple[str, ...]:
        offers = set()
        for view in views:
            for step, _ in self.choices(view.state):
                if step.cause in (Cause.DELIVERY, Cause.START):
                    offers.add(f"event-{step.event + 1} to `{step.process}`")
        return tuple(sorted(offers)[:5]) or ("no delivery at all",)

    def _outcomes(self, views: frozenset[View], real: int) -> tuple[str, ...]:
        outcomes = set()
        for view in views:
            internal = dict(view.calls).get(real)
            place = self._place(view, real)
            where = (
                "and the worker is gone"
                if isinstance(place, str)
                else f"and the worker stands before line {place[0]}"
            )
            if internal != "failed":  # which any step on a database can be
                outcomes.add(f"{internal or 'done'}, {where}" if internal is not None else WAITS)
        return tuple(sorted(outcomes - {WAITS})[:6]) or (WAITS,)

    # -- what the director asks

    def offers(self, cause: Cause, **about: object) -> bool:
        """Whether some state allows a step of this cause, with these values of the step's
        fields.
        """
        return any(
            step.cause is cause and all(getattr(step, k) == x for k, x in about.items())
            for view in self.views
            for step, _ in self.choices(view.state)
        )

    def offers_to(self, real: int, *causes: Cause) -> bool:
        """Whether some state allows a step of one of these causes to a real worker."""
        return any(
            step.cause in causes and step.worker == view.number(real) >= 0
            for view in self.views
            for step, _ in self.choices(view.state)
        )


def _known(place: Place) -> Place:
    return "gone" if isinstance(place, str) else place
