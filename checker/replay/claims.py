"""What a claim forbids, judged on one state."""

from __future__ import annotations

from checker import design as d
from checker.machine import Level
from checker.replay.broker import starts
from checker.replay.context import Context
from checker.replay.reach import Reach
from checker.replay.rows import passes
from checker.replay.state import State, look
from checker.syntax import nodes as n


def violated(design: d.Design, claim: d.Claim, semantics: n.Semantics, state: State) -> bool:
    """Whether a state violates a claim."""
    return Judge(Context.of(design, semantics)).violated(claim, state)


class Judge:
    """Judges many states of one design."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.reach = Reach(ctx)

    def violated(self, claim: d.Claim, state: State) -> bool:
        """Whether a state violates a claim of the design."""
        events = range(len(state.events))
        match claim.kind:
            case "no-duplicate":
                return any(self.times(claim.targets[0], state, e) >= 2 for e in events)
            case "no-loss":
                return any(self._lost(claim.targets[0], state, e) for e in events)
            case "together":
                one, two = claim.targets
                return any(
                    (self.times(one, state, e) > 0) != (self.times(two, state, e) > 0) and self.at_rest(state, e) for e in events
                )
            case "before":
                return any(self._too_early(claim.targets[0], claim.targets[1], state, e) for e in events)
            case "one-worker":
                section = f"section {claim.targets[0].name.text}"
                inside = [w.event for w in state.workers if not w.underway and any(f.kind == section for f in w.todo)]
                return len(inside) != len(set(inside))
            case "never":
                assert claim.condition is not None
                return any(passes(self.ctx, state, claim.condition, e) for e in events)
        raise ValueError(claim.kind)

    def at_rest(self, state: State, event: int) -> bool:
        """No worker is on the event (nor a killed worker's last request), and nothing but faults can start anything for it."""
        return all(w.event != event for w in state.workers) and not any(True for _ in starts(self.ctx, state, event))

    def times(self, target: n.Target, state: State, event: int) -> int:
        """How often a target happened for an event: 0, 1, 2 (or more).

        A column counts an event's own increments, and 1 if it was set or updated in the event's row.
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
        return (design.effects if target.name.text in design.effects else design.stores)[target.name.text].level

    def _lost(self, target: n.Target, state: State, event: int) -> bool:
        name = target.name.text + (f".{target.column.text}" if target.column else "")
        if self.times(target, state, event) or not self.reach.leads_to(state.events[event], name):
            return False
        return self.at_rest(state, event)

    def _too_early(self, first: n.Target, second: n.Target, state: State, event: int) -> bool:
        """The second happened for this event's key, the first for no event it could belong to.

        If the second is counted per business key and the first per event, any event of that key may have been the one.
        """
        if not self.times(second, state, event):
            return False
        mine = state.events[event].component
        shared = self._level(second) is Level.COMPONENT and self._level(first) is Level.EVENT
        own = [i for i, e in enumerate(state.events) if e.component == mine] if shared else [event]
        return not any(self.times(first, state, i) for i in own)
