"""Progress (theory T12): can a message still be settled, and will it be?

*Recoverable*: from every situation without workers, what happens by itself can still settle the
event's messages. *Eventually settled*: it cannot do anything else, either: no run that goes by
itself gets into a corner from which they cannot be settled. For runs that are fair (a step that
stays possible is taken some day) that means every event is settled some day after the last fault.
"""

from __future__ import annotations

from onceproof.lang.design import Claim
from onceproof.lower import Lowered
from onceproof.lower import variables as v
from onceproof.lower.lanes import FREE
from onceproof.lower.queues import Tracking
from onceproof.machine.slicing import sliced
from onceproof.machine.system import Level, Machine, Pattern, Property
from onceproof.properties import component, possibility
from onceproof.properties.component import Asked
from onceproof.properties.quiescence import Tests, conjoin, pattern

DONE = frozenset({"settled", "absent"})


def recoverable(lowered: Lowered, claim: Claim) -> Asked:
    """Nobody is at work, and the event's messages can no longer be settled."""
    machine, goals = _asked(lowered)
    asked = Asked(lowered.machine, ())
    for goal, part in goals:
        more = component.alone(asked.machine, machine, [goal], [part], possibility.passing(lowered))
        asked = Asked(more.machine, (*asked.patterns, *more.patterns))
    return asked


def eventually_settled(lowered: Lowered, claim: Claim) -> tuple[Pattern, ...]:
    """Nobody is at work, and what happens by itself may end where the event's messages can no
    longer be settled.
    """
    machine, goals = _asked(lowered)
    if any(x.level is Level.COMPONENT for x in machine.variables):
        raise possibility.TooWide(
            "several events share rows that matter for this: only `claim recoverable` can be made"
            " (T12)"
        )
    patterns: list[Pattern] = []
    for goal, part in goals:
        patterns += possibility.derailed(machine, goal, part, possibility.passing(lowered))
    return tuple(patterns)


def _asked(lowered: Lowered) -> tuple[Machine, list[tuple[Tests, Tests]]]:
    """The slice for the statuses; per event type: when its messages are settled, and which
    situations are looked at.
    """
    roots = v.root_types(lowered.design)
    goals: list[tuple[Tests, Tests]] = []
    for kind in roots:
        groups = [
            g for g in lowered.groups.values() if not g.queue.is_root or g.queue.event == kind
        ]
        goal: Tests = {g.status: DONE & frozenset(g.variable.domain) for g in groups}
        held: dict[str, frozenset[str]] = {
            g.status: frozenset(g.variable.domain) - {"inflight"}
            for g in groups
            if g.tracking is Tracking.HELD
        }
        held |= {
            g.lane.name: frozenset({FREE})
            for g in groups
            if g.lane is not None and g.lane.level is Level.EVENT
        }
        part = conjoin(held, {v.EVENT_TYPE: frozenset({kind})} if len(roots) > 1 else {})
        assert part is not None
        goals.append((goal, part))
    asked = Property("", tuple(pattern(lowered.machine, {**goal, **part}) for goal, part in goals))
    return sliced(lowered.machine, asked), goals
