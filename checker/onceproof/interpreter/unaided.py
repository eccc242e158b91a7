"""Runs without outside help: what a configuration as a whole can still do by itself
(docs/semantics_world.md, "Claims over the component").
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from onceproof.interpreter.context import Context
from onceproof.interpreter.interpreter import Choices, choices, initial
from onceproof.interpreter.state import Spot, State, Worker
from onceproof.interpreter.trace import Step
from onceproof.machine.system import Cause, Level

Events = frozenset[int]
"""The events that take part in a run, by number."""


class Unaided:
    """The unaided runs of one design: its events, workers, relays, requests in flight, and time.

    Workers that are there go on in any order. Handlers run without a fault, and one new worker
    after the other: one starts on an event only while all that are on it wait.
    """

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self._steps: dict[tuple[State, Events], Choices] = {}
        self._reached: dict[tuple[Hashable, Events], dict[State, bool]] = {}

    def begun(self, state: State) -> Events:
        """The events that have begun: a worker was on them, or something of their own is not as at
        the start.
        """
        fresh = initial(self.ctx.design, self.ctx.choice, state.events)
        return frozenset(
            event
            for event in range(len(state.events))
            if event in state.acted or _own(state, event) != _own(fresh, event)
        )

    def steps(self, state: State, events: Events) -> Choices:
        """What these events, their workers and time can do next by themselves."""
        known = self._steps.get((state, events))
        if known is None:
            # Left alone, every copy of a row has caught up: nobody sees what was before.
            now = state._replace(versions=())
            possible = [
                (step, after._replace(versions=()))
                for step, after in choices(self.ctx, now)
                if by_itself(self.ctx, step, state) and (step.event == -1 or step.event in events)
            ]
            going = {step.worker for step, _ in possible if _is_workers(step)}
            known = self._steps[state, events] = [
                (step, after)
                for step, after in possible
                if step.cause not in (Cause.DELIVERY, Cause.START) or _may_start(step, state, going)
            ]
        return known

    def reaches(
        self, state: State, events: Events, goal: Hashable, is_there: Callable[[State], bool]
    ) -> bool:
        """Whether some unaided run of these events leads to where ``is_there``; ``goal`` names it,
        so that answers are remembered.
        """
        known = self._reached.setdefault((goal, events), {})
        came_from: dict[State, State | None] = {state: None}
        waiting = [state]
        while waiting:
            now = waiting.pop()
            if now not in known and is_there(now):
                known[now] = True
            if known.get(now):
                back: State | None = now
                while back is not None:
                    known[back] = True
                    back = came_from[back]
                return True
            if now not in known:
                for _, after in self.steps(now, events):
                    if after not in came_from:
                        came_from[after] = now
                        waiting.append(after)
        known.update(dict.fromkeys(came_from, False))
        return False

    def waits_for_good(self, state: State, worker: Worker) -> bool:
        """Whether the next step of a worker waits, and no unaided run of the whole configuration
        ever takes it.
        """
        events = self.begun(state)

        def goes(now: State) -> bool:
            return any(
                step.worker == worker.number and _is_workers(step)
                for step, _ in self.steps(now, events)
            )

        return not self.reaches(state, events, ("goes", worker.number), goes)

    def is_idle(self, state: State, event: int) -> bool:
        """Whether every worker on the event, alive or dead, waits for good; usually there is
        none.
        """
        return all(self.waits_for_good(state, w) for w in state.workers if w.event == event)


def by_itself(ctx: Context, step: Step, now: State) -> bool:
    """Normal operation and the passing of time, with which a stored error ends, too. The request of
    a dead worker arrives, or never does; so does one that is still on its way.
    """
    match step.cause:
        case Cause.KEY_EXPIRED:
            return step.subject in ctx.design.stores or _is_stored_error(ctx, step, now)
        case Cause.KILLED:
            return step.outcome == "request lost"
        case Cause.LOCK_EXPIRED | Cause.LATE_EFFECT:
            return True
        case cause:
            return not cause.is_fault


def _is_stored_error(ctx: Context, step: Step, now: State) -> bool:
    """Whether a key that expires is one under which the provider keeps a failed answer."""
    if ctx.design.assumes("within-key-window"):
        return False
    level, number = ("event", step.event) if step.event >= 0 else ("component", step.component)
    return (step.subject, level, number) in now.errors


def _is_workers(step: Step) -> bool:
    """Whether a step by itself is the next one of the worker that it names."""
    return step.cause in (Cause.HANDLER, Cause.LATE_EFFECT, Cause.KILLED)


def _may_start(start: Step, state: State, going: set[int]) -> bool:
    """Whether all workers on the event wait, and no two of the new one's kind do so alike: a third
    could do no more than they.
    """
    on_it = [w for w in state.workers if w.event == start.event]
    alike = [w._replace(number=0) for w in on_it if w.process == start.process]
    return not any(w.number in going for w in on_it) and len(alike) == len(set(alike))


def _own(state: State, event: int) -> tuple[object, ...]:
    """Everything in a state that is of this event alone."""
    place = (Level.EVENT.value, event)

    def is_own(spot: Spot) -> bool:
        return spot[1:] == place

    valued = (*state.statuses, *state.columns, *state.counts, *state.pending)
    sets = (state.rows, state.records, state.errors, state.held, state.closed, state.aborted)
    return (
        tuple(pair for pair in valued if is_own(pair[0])),
        tuple(tuple(filter(is_own, spots)) for spots in sets),
    )
