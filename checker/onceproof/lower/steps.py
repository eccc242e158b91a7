"""Single steps to rules: conditional writes, calls, messages, acknowledgements, locks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.ast import Semantics
from onceproof.lower import program as op
from onceproof.lower import variables as v
from onceproof.lower.case import Case
from onceproof.lower.effects import only
from onceproof.lower.places import At
from onceproof.lower.queues import Group, Tracking
from onceproof.machine.system import Broadcast, Cause, Test, put

if TYPE_CHECKING:
    from onceproof.lower.worker import Lowering


def attempt(handler: Lowering, at: At, case: Case, operation: op.Attempt) -> None:
    """A conditional write goes through, or is turned down."""
    ok, down = handler.meaning.attempt(operation.step, case)
    store, changes = handler.meaning.written(operation.step)
    outcome = {
        n.Insert: "duplicate",
        n.UpdateIf: "conflict",
        n.Delete: "missing",
        n.Do: "rejected",
    }[type(operation.step)]
    if ok:
        handler.go(at, ok.collect(changes), operation.ok, handler.action(at, subject=store or ""))
    if down:
        handler.go(
            at, down, operation.down, handler.action(at, subject=store or "", outcome=outcome)
        )


def call(handler: Lowering, at: At, case: Case, operation: op.Call) -> None:
    """An external effect is done, is refused, or is done and its answer lost."""
    design, effect = handler.world.design, operation.effect
    for c in handler.meaning.happen(effect, case):
        handler.go(at, c, operation.done, handler.action(at, subject=effect, outcome="done"))
        if not design.assumes("no-lost-answers"):
            handler.go(
                at,
                c,
                operation.failed,
                handler.action(at, Cause.ANSWER_LOST, subject=effect, outcome="answer lost"),
            )
    if not design.assumes("no-refusals"):
        handler.go(
            at,
            case,
            operation.failed,
            handler.action(at, Cause.REFUSED, subject=effect, outcome="refused"),
        )


def publish(handler: Lowering, at: At, case: Case, operation: op.Send) -> None:
    """A message enters a queue, is dropped as a copy, is refused, or vanishes where nobody confirms
    it.
    """
    design, subject = handler.world.design, operation.queue
    readers = handler.readers(operation.queue)
    sent, lost = case, case
    for group in readers:
        sent, lost = group.receive(sent), group.lose(lost)
    arrivals = [
        (sent, "done"),
        *((dropped, "dropped") for dropped in _copies_dropped(case, readers)),
    ]
    for c, outcome in arrivals:
        handler.go(at, c, operation.next, handler.action(at, subject=subject, outcome=outcome))
    unconfirmed = any(g.semantics is Semantics.AT_MOST_ONCE for g in readers)
    if unconfirmed or design.queues[subject].unconfirmed:
        handler.go(
            at,
            lost,
            operation.next,
            handler.action(at, Cause.VANISHED, subject=subject, outcome="lost"),
        )
    if unconfirmed:
        return
    if not design.assumes("no-lost-answers"):
        for c, outcome in arrivals:
            unanswered = "answer lost" if outcome == "done" else "dropped, answer lost"
            handler.go(
                at,
                c,
                operation.failed,
                handler.action(at, Cause.ANSWER_LOST, subject=subject, outcome=unanswered),
            )
    if not design.assumes("no-refusals"):
        handler.go(
            at,
            case,
            operation.failed,
            handler.action(at, Cause.REFUSED, subject=subject, outcome="refused"),
        )


def _copies_dropped(case: Case, readers: list[Group]) -> list[Case]:
    """The case of a message that the broker takes for a copy, if it may: every group has had one
    before.
    """
    if not readers or not readers[0].may_drop:
        return []
    known: Case | None = case
    for group in readers:
        known = known.test(group.status, set(group.variable.domain) - {"absent"}) if known else None
    return only([known])


def ack(handler: Lowering, at: At, case: Case, operation: op.Settle) -> None:
    """The acknowledgement arrives, is refused, or is lost on the way; or its answer is."""
    assert handler.group is not None
    design, checked = handler.world.design, operation.refused
    silent = handler.group.tracking is Tracking.GONE
    for c, outcome in handler.group.ack(case):
        then = checked if outcome == "refused" and checked is not None else operation.next
        handler.go(at, c, then, handler.action(at, outcome=outcome))
        if (
            checked is not None
            and outcome == "done"
            and not silent
            and not design.assumes("no-lost-answers")
        ):
            handler.go(at, c, checked, handler.action(at, Cause.ANSWER_LOST, outcome="answer lost"))
    if not silent and not design.assumes("no-lost-acks"):
        then = operation.next if checked is None else checked
        handler.go(at, case, then, handler.action(at, Cause.ACK_LOST, outcome="lost"))


def release(handler: Lowering, at: At, case: Case, operation: op.LetGo) -> None:
    """The lock is free, whoever held it."""
    lock = operation.lock
    freed = case.put(lock, "free")
    if v.holding(lock) in handler.domains:
        freed = freed.put(v.holding(lock), "no")
        if lock in handler.world.careless:
            mine = (Test(v.holding(lock), frozenset({"yes"})),)
            level = handler.world.design.locks[lock].level
            freed = replace(freed, others=(Broadcast(level, mine, (put(v.holding(lock), "no"),)),))
    handler.go(at, freed, operation.next, handler.action(at, subject=lock))


def acquire(handler: Lowering, at: At, case: Case, operation: op.Take) -> None:
    """Take a free lock, and with it the newest token; wait or go elsewhere while it is held."""
    lock = operation.lock
    free, held = (
        case.test(lock, {"free"}),
        case.test(lock, set(handler.domains[lock].domain) - {"free"}),
    )
    if free:
        taken = free.put(lock, "held")
        taken = taken.put(v.holding(lock), "yes") if v.holding(lock) in handler.domains else taken
        if v.token(lock) in handler.domains:
            stale = Broadcast(
                handler.world.design.locks[lock].level,
                (Test(v.token(lock), frozenset({"fresh"})),),
                (put(v.token(lock), "stale"),),
            )
            taken = replace(taken.put(v.token(lock), "fresh"), others=(stale,))
        handler.go(at, taken, operation.next, handler.action(at, subject=lock))
    if held and operation.held is not None:
        handler.go(at, held, operation.held, handler.action(at, subject=lock, outcome="held"))


def renew(handler: Lowering, at: At, case: Case, operation: op.Extend) -> None:
    """The lease of the message or of a lock is extended, unless it is over."""
    checked, subject = operation.refused, operation.lock or ""
    if operation.lock is None:
        assert handler.group is not None
        answers = handler.group.renew(case)
    else:
        answers = _renewed(case, operation.lock)
    for c, outcome in answers:
        then = checked if outcome == "refused" and checked is not None else operation.next
        handler.go(at, c, then, handler.action(at, subject=subject, outcome=outcome))
        if (
            checked is not None
            and outcome == "done"
            and not handler.world.design.assumes("no-lost-answers")
        ):
            unanswered = handler.action(
                at, Cause.ANSWER_LOST, subject=subject, outcome="answer lost"
            )
            handler.go(at, c, checked, unanswered)


def _renewed(case: Case, lock: str) -> list[tuple[Case, str]]:
    """A lock is renewed by whoever took it last, as long as it is held."""
    newest, older = case.test(v.token(lock), {"fresh"}), case.test(v.token(lock), {"none", "stale"})
    found = [(older, "refused")]
    if newest:
        found += [(newest.test(lock, {"held"}), "done"), (newest.test(lock, {"free"}), "refused")]
    return [(c, outcome) for c, outcome in found if c is not None]
