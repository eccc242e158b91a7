"""Dying workers: the kill between two steps, and the request that outlives its sender."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from onceproof.lower import program as op
from onceproof.lower import variables as v
from onceproof.lower.case import Case
from onceproof.lower.effects import freed
from onceproof.lower.places import DEAD, At, Spot
from onceproof.lower.queues import Tracking
from onceproof.machine.system import Action, Cause, RuleKind, Test, put

if TYPE_CHECKING:
    from onceproof.lower.worker import Lowering


ACKED = "acknowledged"
"""The outcome of a death after which the message was acknowledged all the same."""


def kill(handler: Lowering, at: At) -> None:
    """The rules of a worker that is killed at ``at``, where the design allows it."""
    if handler.world.design.assumes("no-crash") or (handler.restricted and not at.marked):
        return
    line = handler.program.places[at.place].line
    action = Action(
        Cause.KILLED, handler.process.name, handler.process.queue or "", line=line, step=at.place
    )
    for start, outcome in _dead(handler, at):
        for end in handler.end(start, at.locks):
            handler.emit(at, end, None, replace(action, outcome=outcome))
    if _sets_going(handler):
        requests = _requests(handler, at)
        if requests:
            _ghost(handler, at, requests, action)


def _dead(handler: Lowering, at: At) -> list[tuple[Case, str]]:
    """A worker that is dead; with ``acks on return or kill``, its message may be acknowledged for
    it.
    """
    plain = Case(handler.domains, inside=dict(at.inside))
    found = [(plain, "")]
    if handler.group is not None and _settled_by_death(handler):
        found += [(case, ACKED) for case in handler.group.settled_for(plain)]
    return found


def _settled_by_death(handler: Lowering) -> bool:
    """Whether a dead worker's message may be acknowledged for it."""
    return (
        handler.process.ack == "kill"
        and handler.group is not None
        and handler.group.tracking is not Tracking.GONE
    )


def _sets_going(handler: Lowering) -> bool:
    """Whether a worker's death lets others go on: its message (also one settled for it), its lock,
    its locked rows, or its place among ``workers N``.

    Only then can a request that outlives it meet them (theory T6); otherwise a dead worker is one
    that is merely slow (T5).
    """
    design = handler.world.design
    freed_by_death = handler.world.lockable or any(
        v.holding(lock) in handler.domains for lock in design.locks
    )
    settled = _settled_by_death(handler)
    limited = any(process.workers is not None for process in design.processes)
    return (
        bool(freed_by_death)
        or limited
        or settled
        or (handler.group is not None and handler.group.tracking is Tracking.HELD)
    )


def _requests(handler: Lowering, at: At) -> list[tuple[Case, Action]]:
    """What the step at ``at`` asks of others, which can take effect after its sender died (theory
    T6).
    """
    case, operation = handler.base(at), handler.program.places[at.place].operation
    subject, outcome = "", ""
    if at.transaction is not None and handler.collected(operation, at):
        cases: list[Case] = []
        handler.run_collected(
            case, (lambda c, _, o: cases.append(c) if o == "commit" else None), at.place, at
        )
        outcome = "commit"
    elif isinstance(operation, op.Write):
        store, changes = handler.meaning.written(operation.step)
        cases, subject = [case.collect(changes)], store or ""
    elif isinstance(operation, op.Attempt):
        store, changes = handler.meaning.written(operation.step)
        ok = handler.meaning.attempt(operation.step, case)[0]
        cases, subject = [ok.collect(changes)] if ok else [], store or ""
    elif isinstance(operation, op.Call):
        subject, outcome = operation.effect, "done"
        cases = handler.meaning.happen(subject, case)
    elif isinstance(operation, op.Send):
        subject, outcome = operation.queue, "done"
        for group in handler.readers(subject):
            case = group.receive(case)
        cases = [case]
    else:
        return []
    return [
        (c, handler.action(at, Cause.LATE_EFFECT, subject=subject, outcome=outcome))
        for c in cases
        if c.changes
    ]


def _ghost(handler: Lowering, at: At, requests: list[tuple[Case, Action]], killed: Action) -> None:
    """The dead worker's request goes on without it: it takes effect later, or never.

    A commit under way keeps the rows locked until then; any other request leaves the transaction
    behind, which is rolled back.
    """
    name = handler.name(at) + DEAD
    handler.spots[name] = Spot(handler.process.name, killed.line, ())
    commits = requests[0][1].outcome == "commit"
    for start, acked in _dead(handler, at):
        outcome = f"request under way, {acked}" if acked else "request under way"
        for end in handler.end(start, () if commits else at.locks):
            rule = end.rule(RuleKind.WORKER, replace(killed, outcome=outcome))
            guard = (Test(v.PC, frozenset({handler.name(at)})), *rule.guard)
            handler.rules.append(
                replace(rule, guard=guard, updates=(*rule.updates, put(v.PC, name)))
            )
    locks = freed(handler.domains, (v.busy(s) for s in sorted(at.locks))) if commits else {}
    lost = Case(handler.domains, changes=locks)
    for case, action in [*requests, (lost, replace(killed, outcome="request lost"))]:
        free = {**case.changes, **{k: t for k, t in locks.items() if k not in case.changes}}
        after = at if commits else replace(at, locks=frozenset())
        late = handler.wait_for_locks(after, replace(case, changes=free)).rule(
            RuleKind.WORKER, action, ends=True
        )
        handler.rules.append(replace(late, guard=(Test(v.PC, frozenset({name})), *late.guard)))
