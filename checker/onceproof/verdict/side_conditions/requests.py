"""T6: requests that outlive their senders."""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.lang.design import Process
from onceproof.lang.syntax import ast as n
from onceproof.lower import variables as v
from onceproof.lower.queues import Tracking
from onceproof.lower.worker import ACKED
from onceproof.machine.system import Cause, Level, Rule, RuleKind
from onceproof.verdict.side_conditions.condition import Finding, Look
from onceproof.verdict.side_conditions.workers import frees_by_death


def requests_outlive(look: Look) -> Iterator[Finding]:
    """T6. Where a death sets something going, sending and taking effect are two steps
    (``lower.worker``): looked up rule by rule.

    Where nothing is set going, a slow worker does what a late request does. An acknowledgement that
    comes late is refused, for its sender holds nothing any more. A handler that only gives up
    waiting is not dead, though.
    """
    late = {_place(r) for r in look.machine.rules if r.action.cause is Cause.LATE_EFFECT}
    missing = {_place(r) for r in look.machine.rules if _sets_going(r)} - late
    for rule in look.machine.rules:
        if _place(rule) in missing and _is_request(look, rule):
            missing.discard(_place(rule))
            yield Finding(
                "T6",
                rule.action.line,
                "a worker that is killed here lets others go on at once",
                "a request that takes effect after that is not examined: the claim holds only as"
                " long as no worker is killed here",
                "let whoever receives the request turn it down: a key, a unique insert, a token",
                look.design.path,
            )
    yield from _given_up(look)


def _place(rule: Rule) -> tuple[str, int]:
    return rule.action.process, rule.action.step


def _sets_going(rule: Rule) -> bool:
    killed = rule.action.cause is Cause.KILLED and rule.kind is RuleKind.WORKER and rule.ends
    return killed and rule.action.outcome in ("", ACKED) and bool(rule.updates or rule.others)


def _is_request(look: Look, rule: Rule) -> bool:
    """A step that asks somebody else to change something others look at: not a lock, not the
    worker's own message or variables.
    """
    if rule.action.cause is not Cause.HANDLER or not (
        rule.action.subject or rule.action.outcome == "commit"
    ):
        return False
    group = look.lowered.groups.get(rule.action.process)
    private = {x.name for x in look.machine.variables if x.level is Level.WORKER} | (
        {group.status} if group is not None else set()
    )
    locks = {*look.design.locks, *(v.busy(store) for store in look.design.stores)}
    return bool({u.target for u in rule.updates} - private - locks)


def _given_up(look: Look) -> Iterator[Finding]:
    """A provider that is asked whether it has done something, while an earlier request is still on
    its way to it: the lowering keeps such requests (``lower.providers``), and none was forgotten.
    """
    design = look.design
    if design.assumes("no-lost-answers"):
        return
    asked = {part.effect.text for part, by_handler in look.asked() if by_handler} & look.rows
    asked -= {r.action.subject for r in look.machine.rules if r.action.cause is Cause.LATE_EFFECT}
    for process, step in look.steps():
        if not isinstance(step, n.Do) or step.effect.text not in asked:
            continue
        effect = design.effects[step.effect.text]
        if (
            effect.store is None
            and effect.key_level is None
            and not _slow_worker_does_it(look, process)
        ):
            asked.discard(effect.name)
            yield Finding.at(
                "T6",
                step.span,
                text=(
                    "when this call fails, its request may still be on its way, and then"
                    f" `{effect.name} happened` says no"
                ),
                cost=(
                    "a request that arrives after its handler gave up is not examined: "
                    f"the claim holds only as long as a failed {effect.name} is really over"
                ),
                remedy=(
                    f"give the provider a key (`key {effect.key}, kept for ever`): it knows the"
                    " request whenever it arrives"
                ),
            )


def _slow_worker_does_it(look: Look, process: Process) -> bool:
    """Whether another worker that is merely slow does what a late request would do."""
    if frees_by_death(look):
        return False
    group = look.lowered.groups.get(process.name)
    if group is None or group.tracking is Tracking.LOOSE:
        return True
    return group.tracking is Tracking.HELD and bool(group.hold_losses())
