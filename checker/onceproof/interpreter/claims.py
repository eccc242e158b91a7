"""What a claim forbids, judged on one state."""

from __future__ import annotations

from msgspec.structs import replace

from onceproof.interpreter.broker import starts
from onceproof.interpreter.context import Context
from onceproof.interpreter.interpreter import choices, initial
from onceproof.interpreter.rows import passes
from onceproof.interpreter.state import State, look
from onceproof.interpreter.trace import EventOf, Step
from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause, Level


def violated(design: d.Design, claim: d.Claim, semantics: Delivery, state: State) -> bool:
    """Whether a state violates a claim."""
    return Judge(Context.of(design, semantics)).violated(claim, state)


class Judge:
    """Judges many states of one design."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self._runs: dict[EventOf, tuple[set[tuple[int, ...]], set[tuple[int, ...]]]] = {}
        self._hopeless: dict[tuple[n.Target, int, State], bool] = {}

    def violated(self, claim: d.Claim, state: State) -> bool:
        """Whether a state violates a claim of the design."""
        events = range(len(state.events))
        match claim.kind:
            case "no-duplicate":
                return any(self.times(claim.targets[0], state, e) >= 2 for e in events)
            case "no-loss":
                return any(self._lost(claim.targets[0], state, e) for e in events)
            case "together":
                first, second = claim.targets
                return any(
                    self._alone(first, second, state, e) or self._alone(second, first, state, e)
                    for e in events
                )
            case "before":
                return any(
                    self._too_early(claim.targets[0], claim.targets[1], state, e) for e in events
                )
            case "one-worker":
                section = f"section {claim.targets[0].name.text}"
                inside = [
                    w.event
                    for w in state.workers
                    if not w.underway and any(f.kind == section for f in w.todo)
                ]
                return len(inside) != len(set(inside))
            case "never":
                assert claim.condition is not None
                return any(passes(self.ctx, state, claim.condition, e) for e in events)
            case "failure-transparent":
                return any(self._opaque(state, e) for e in events)
            case "recoverable":
                return any(self._stuck(state, e, everywhere=False) for e in events)
            case "eventually-settled":
                return any(self._stuck(state, e, everywhere=True) for e in events)
        raise ValueError(claim.kind)

    def at_rest(self, state: State, event: int) -> bool:
        """No worker is on the event (nor a killed worker's last request), and nothing but faults
        can start anything for it.
        """
        return all(w.event != event for w in state.workers) and not any(
            True for _ in starts(self.ctx, state, event)
        )

    def lacks_for_good(self, target: n.Target, state: State, event: int) -> bool:
        """No worker is on the event (nor a killed worker's last request), and the target can no
        longer happen by itself.

        By itself: deliveries, relays and faultless handlers of this event, one worker after the
        other, and time. Workers of other events are taken to be done: what they locked is free.
        """
        if any(w.event == event for w in state.workers):
            return False
        others = {lock for w in state.workers for lock in w.locks}
        start = state._replace(workers=(), held=tuple(x for x in state.held if x not in others))
        known = self._hopeless.get((target, event, start))
        if known is None:
            known = self._hopeless[target, event, start] = self._cannot_happen(target, start, event)
        return known

    def _cannot_happen(self, target: n.Target, start: State, event: int) -> bool:
        seen, queue = {start}, [start]
        for now in queue:
            if self.times(target, now, event):
                return False
            if self._hopeless.get((target, event, now)):
                continue
            for step, after in choices(self.ctx, now, 1):
                if step.event in (event, -1) and self._by_itself(step) and after not in seen:
                    seen.add(after)
                    queue.append(after)
        return True

    def _owed(self, target: n.Target, state: State, event: int) -> bool:
        """Whether the target can happen by itself from the start, for an event of this type and
        payload.
        """
        start = initial(
            self.ctx.design, self.ctx.choice, (replace(state.events[event], component=0),)
        )
        return not self.lacks_for_good(target, start, 0)

    def _by_itself(self, step: Step) -> bool:
        """Normal operation and the passing of time."""
        ends = step.cause is Cause.KEY_EXPIRED and step.subject in self.ctx.design.stores
        return ends or step.cause is Cause.LOCK_EXPIRED or not step.cause.is_fault

    def _alone(self, present: n.Target, missing: n.Target, state: State, event: int) -> bool:
        if not self.times(present, state, event) or self.times(missing, state, event):
            return False
        return self.lacks_for_good(missing, state, event)

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

    def _lost(self, target: n.Target, state: State, event: int) -> bool:
        if self.times(target, state, event) or not self._owed(target, state, event):
            return False
        return self.lacks_for_good(target, state, event)

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
        if any(w.event == event for w in state.workers):
            return False
        others = {lock for w in state.workers for lock in w.locks}
        start = state._replace(workers=(), held=tuple(x for x in state.held if x not in others))
        seen, queue = {start}, [start]
        for now in queue:
            if self._vector(now, event) != vector:
                return False
            for step, after in choices(self.ctx, now, 1):
                if step.event in (event, -1) and self._by_itself(step) and after not in seen:
                    seen.add(after)
                    queue.append(after)
        return True

    # -- progress

    def _stuck(self, state: State, event: int, *, everywhere: bool) -> bool:
        """No worker is on the event, and by itself its messages cannot be settled (``everywhere``:
        or may get where they cannot).
        """
        if any(w.event == event for w in state.workers):
            return False
        others = {lock for w in state.workers for lock in w.locks}
        start = state._replace(workers=(), held=tuple(x for x in state.held if x not in others))
        after: dict[State, list[State]] = {}
        queue = [start]
        for now in queue:
            if now not in after:
                accurate = (
                    everywhere and bool(now.workers) and not self.ctx.design.assumes("within-lock")
                )
                after[now] = [
                    s
                    for step, s in choices(self.ctx, now, 1)
                    if step.event in (event, -1)
                    and self._by_itself(step)
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
        return any(now not in saved for now in after) if everywhere else start not in saved

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
