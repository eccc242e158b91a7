"""What a claim forbids, judged on one state."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from msgspec.structs import replace

from onceproof.interpreter.context import Context
from onceproof.interpreter.interpreter import Replay, choices, initial, replay
from onceproof.interpreter.rows import passes
from onceproof.interpreter.state import State, Worker, look
from onceproof.interpreter.trace import EventOf, Trace
from onceproof.interpreter.unaided import Unaided, by_itself
from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause, Level

WHOLE = True
"""Whether claims are judged over the whole configuration, or over each event alone, as the bad
patterns of the machine do so far (docs/semantics.md). Both readings change together.
"""


def violated(design: d.Design, claim: d.Claim, semantics: Delivery, state: State) -> bool:
    """Whether a state violates a claim."""
    return Judge(Context.of(design, semantics)).violated(claim, state)


def followed(design: d.Design, claim: d.Claim, trace: Trace) -> Replay:
    """A trace that violates a claim, followed to such an end. Raises ``ReplayError``."""
    judge = Judge(Context.of(design, trace.semantics))
    return replay(design, trace, lambda end: judge.violated(claim, end))


class Judge:
    """Judges many states of one design."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self._runs: dict[EventOf, tuple[set[tuple[int, ...]], set[tuple[int, ...]]]] = {}
        self.unaided = Unaided(ctx)

    def violated(self, claim: d.Claim, state: State) -> bool:
        """Whether a state violates a claim of the design."""
        state = state.canonical()
        events = range(len(state.events))
        match claim.kind:
            case "no-duplicate":
                return any(self.times(claim.targets[0], state, e) >= 2 for e in events)
            case "no-loss":
                return any(self.lost(claim, state, e) for e in events)
            case "effectively-once":
                return any(self.violated(half, state) for half in claim.halves)
            case "together":
                return any(self.apart(claim, state, e) for e in events)
            case "before":
                return any(
                    self._too_early(claim.targets[0], claim.targets[1], state, e) for e in events
                )
            case "one-worker":
                inside = self._inside(claim, state)
                return len(inside) != len(set(inside))
            case "never":
                assert claim.condition is not None
                return any(passes(self.ctx, state, claim.condition, e) for e in events)
            case "at-rest-never":
                assert claim.condition is not None
                return any(self._remains(claim.condition, state, e) for e in events)
            case "no-deadlock":
                return bool(self.deadlocked(state))
            case "failure-transparent":
                return any(self._opaque(state, e) for e in events)
            case "recoverable":
                return any(self._unsettled(state, e) for e in events)
            case "eventually-settled":
                deadlocked = WHOLE and self.deadlocked(state)
                return bool(deadlocked) or any(self._strays(state, e) for e in events)
        raise ValueError(claim.kind)

    def half(self, claim: d.Claim, state: State) -> d.Claim:
        """The claim itself, or the half of *effectively once* that a state violates."""
        return next((half for half in claim.halves if self.violated(half, state)), claim.halves[0])

    def _inside(self, claim: d.Claim, state: State) -> list[int]:
        """The events of the living workers in a section; of a claim per business key, their
        keys.
        """
        section = f"section {claim.targets[0].name.text}"
        ids = {e.id_field for e in self.ctx.design.events.values()}
        shared = claim.key is not None and claim.key not in ids
        return [
            state.events[w.event].component if shared else w.event
            for w in state.workers
            if not w.underway and any(f.kind == section for f in w.todo)
        ]

    # -- what is left to the configuration as a whole

    def lacks_for_good(self, target: n.Target, state: State, event: int) -> bool:
        """The event has begun, nothing is at work on it any more, and the target can no longer
        happen for it, whatever else is on its way.
        """
        return self._never_comes(state, event, *self._happening(target, None, event))

    def owes(self, target: n.Target, of: EventOf, unless: n.Condition | None = None) -> bool:
        """Whether the target (or ``unless``) can happen by itself from the start, for an event of
        this type and payload that is alone.
        """
        alone = (replace(of, component=0),)
        start = initial(self.ctx.design, self.ctx.choice, alone)
        return self.unaided.reaches(start, frozenset({0}), *self._happening(target, unless, 0))

    def lost(self, claim: d.Claim, state: State, event: int) -> bool:
        """Whether the event breaks a claim of *no loss*."""
        target, unless = claim.targets[0], claim.unless
        return self._never_comes(
            state, event, *self._happening(target, unless, event)
        ) and self.owes(target, state.events[event], unless)

    def apart(self, claim: d.Claim, state: State, event: int) -> bool:
        """Whether the event breaks a claim of *together*."""
        missing = [t for t in claim.targets if not self.times(t, state, event)]
        return len(missing) == 1 and self.lacks_for_good(missing[0], state, event)

    def deadlocked(self, state: State) -> list[Worker]:
        """The living workers that wait for good."""
        return [w for w in state.workers if self.unaided.waits_for_good(state, w)]

    def _happening(
        self, target: n.Target, unless: n.Condition | None, event: int
    ) -> tuple[Hashable, Callable[[State], bool]]:
        """That the target has happened for an event (or ``unless`` is true of it), as a goal."""

        def has(now: State) -> bool:
            return bool(self.times(target, now, event)) or (
                unless is not None and passes(self.ctx, now, unless, event)
            )

        return (target, unless, event), has

    def _never_comes(
        self, state: State, event: int, goal: Hashable, is_there: Callable[[State], bool]
    ) -> bool:
        """Whether the event has begun and is idle, and no unaided run of the whole configuration
        leads to the goal.
        """
        if not WHOLE:
            alone = _without_others(state)
            return not state.at_work(event) and not self.unaided.reaches(
                alone, frozenset({event}), goal, is_there
            )
        events = self.unaided.begun(state)
        return (
            event in events
            and not is_there(state)
            and self.unaided.is_idle(state, event)
            and not self.unaided.reaches(state, events, goal, is_there)
        )

    def _unsettled(self, state: State, event: int) -> bool:
        """The messages of the event can no longer be settled."""
        return self._never_comes(
            state, event, ("settled", event), lambda now: self._settled(now, event)
        )

    def _remains(self, condition: n.Condition, state: State, event: int) -> bool:
        """The event has begun, and a condition that is true of it can no longer become false."""
        events = self.unaided.begun(state)

        def ends(now: State) -> bool:
            return not passes(self.ctx, now, condition, event)

        return event in events and not self.unaided.reaches(
            state, events, ("ends", condition, event), ends
        )

    def times(self, target: n.Target, state: State, event: int) -> int:
        """How often a target happened for an event: 0, 1, 2 (or more).

        A column counts an event's own increments, and 1 if it was set or updated in the event's
        row.
        """
        name = target.name.text
        if target.column is None:
            level = self._level(target)
            return look(state.counts, self.ctx.spot(name, level, state, event), 0)
        cell = f"{name}.{target.column.text}"
        in_row = look(state.counts, self.ctx.spot(cell, self._level(target), state, event), 0)
        return max(in_row, look(state.counts, (cell, Level.EVENT.value, event), 0))

    def _level(self, target: n.Target) -> Level:
        design = self.ctx.design
        return (design.effects if target.name.text in design.effects else design.stores)[
            target.name.text
        ].level

    # -- failure-transparent

    def _opaque(self, state: State, event: int) -> bool:
        """The effects so far, or those that stay for good, are not those of a run without failures
        and with one delivery.
        """
        passed, final = self._smooth(replace(state.events[event], component=0))
        vector = self._vector(state, event)
        if vector not in passed:
            return True
        return vector not in final and self._stays(state, event, vector)

    def _vector(self, state: State, event: int) -> tuple[int, ...]:
        effects = self.ctx.design.effects.values()
        return tuple(
            look(state.counts, self.ctx.spot(e.name, e.level, state, event), 0) for e in effects
        )

    def _smooth(self, event: EventOf) -> tuple[set[tuple[int, ...]], set[tuple[int, ...]]]:
        """The effects during, and at the end of, all runs of one event without faults and without
        redelivery.
        """
        if event not in self._runs:
            start = initial(self.ctx.design, self.ctx.choice, (event,))
            passed, final = set(), set()
            seen, queue = {start}, [start]
            for now in queue:
                smooth = [
                    (s, a)
                    for s, a in choices(self.ctx, now, len(self.ctx.processes))
                    if not s.cause.is_fault
                ]
                ahead = [a for s, a in smooth if s.cause is not Cause.REDELIVERY]
                passed.add(self._vector(now, 0))
                if not ahead and not now.workers:
                    final.add(self._vector(now, 0))
                queue += [a for a in dict.fromkeys(ahead) if a not in seen]
                seen.update(ahead)
            self._runs[event] = (passed, final)
        return self._runs[event]

    def _stays(self, state: State, event: int, vector: tuple[int, ...]) -> bool:
        """No worker is on the event, and nothing that happens by itself changes its effects."""
        if state.at_work(event):
            return False
        start = _without_others(state)
        seen, queue = {start}, [start]
        for now in queue:
            if self._vector(now, event) != vector:
                return False
            for step, after in choices(self.ctx, now, 1):
                if (
                    step.event in (event, -1)
                    and by_itself(self.ctx, step, now)
                    and after not in seen
                ):
                    seen.add(after)
                    queue.append(after)
        return True

    # -- progress

    def _strays(self, state: State, event: int) -> bool:
        """No worker is on the event, and by itself, alone, it may get where its messages can no
        longer be settled.

        No lease ends here while a worker is at work. Workers of other events are taken to be done:
        what they locked is free.
        """
        if state.at_work(event):
            return False
        after: dict[State, list[State]] = {}
        queue = [_without_others(state)]
        for now in queue:
            if now not in after:
                accurate = bool(now.workers) and not self.ctx.design.assumes("within-lock")
                after[now] = [
                    s
                    for step, s in choices(self.ctx, now, 1)
                    if step.event in (event, -1)
                    and by_itself(self.ctx, step, now)
                    and not (accurate and step.cause is Cause.LOCK_EXPIRED)
                ]
                queue += after[now]
        saved = {now for now in after if self._settled(now, event)}
        grown = True
        while grown:
            more = {
                now
                for now, then in after.items()
                if now not in saved and any(s in saved for s in then)
            }
            grown = bool(more)
            saved |= more
        return any(now not in saved for now in after)

    def _settled(self, state: State, event: int) -> bool:
        """Every group's message about the event is settled, or was never published."""
        readers = [p for p in self.ctx.design.processes if p.queue]
        return all(state.status(p.name, event) in ("settled", "absent") for p in readers)

    def _too_early(self, first: n.Target, second: n.Target, state: State, event: int) -> bool:
        """The second happened for this event's key, the first for no event it could belong to.

        If the second is counted per business key and the first per event, any event of that key may
        have been the one.
        """
        if not self.times(second, state, event):
            return False
        component = state.events[event].component
        shared = self._level(second) is Level.COMPONENT and self._level(first) is Level.EVENT
        own = (
            [i for i, e in enumerate(state.events) if e.component == component]
            if shared
            else [event]
        )
        return not any(self.times(first, state, i) for i in own)


def _without_others(state: State) -> State:
    """A state in which no worker is on the event in question, without the others and their
    locks.
    """
    locks = {lock for w in state.workers for lock in (*w.locks, *w.block_locks)}
    return state._replace(workers=(), held=tuple(x for x in state.held if x not in locks))
