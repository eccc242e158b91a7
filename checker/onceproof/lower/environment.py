"""What happens to rows, records and locks by themselves: keys that expire, caches that forget,
stores that fail over, leases that run out.
"""

from __future__ import annotations

from collections.abc import Mapping

from onceproof.lang import design as d
from onceproof.lower import variables as v
from onceproof.lower.case import Case
from onceproof.lower.effects import Meaning
from onceproof.lower.queues import Group
from onceproof.machine.system import Action, Cause, Level, Rule, RuleKind, Variable

AT_REST = frozenset({"absent", "settled", "lost", "dead"})
"""Statuses of a message that nothing will deliver without a fault."""


def expiring(design: d.Design) -> frozenset[str]:
    """Records and rows that end some day."""
    records = {v.record(e.name) for e in design.effects.values() if e.retention and e.key_level}
    return frozenset(records | {s.name for s in design.stores.values() if "expires" in s.loses})


def environment(
    design: d.Design, groups: Mapping[str, Group], domains: Mapping[str, Variable]
) -> list[Rule]:
    """The rules of the environment that concern no queue."""
    meaning = Meaning(design, None, domains)
    rules: list[Rule] = []
    for effect in design.effects.values():
        if effect.retention and effect.key_level:
            name = v.record(effect.name)
            for known in ("present", "failed"):
                if known in domains[name].domain:
                    case = Case(domains).where(name, {known})
                    rules += _expire(design, groups, case, (name, effect.name, effect.key_level))
    for store in design.stores.values():
        present = Case(domains).where(store.name, {"present"})
        assert present is not None
        if "expires" in store.loses:
            for name, table in meaning.erased(store.name, "gone").items():
                present = present.change(name, table)
            rules += _expire(design, groups, present, (store.name, store.name, store.level))
        if not design.assumes("no-failover"):
            rules += _losses(store, meaning, domains)
    for lock in design.locks.values():
        if lock.expires:
            held = Case(domains).where(
                lock.name, {"orphaned" if v.orphans(design, lock) else "held"}
            )
            assert held is not None
            rules.append(
                held.put(lock.name, "free").rule(
                    _kind(lock.level), Action(Cause.LOCK_EXPIRED, subject=lock.name)
                )
            )
    return rules


def _losses(store: d.Store, meaning: Meaning, domains: Mapping[str, Variable]) -> list[Rule]:
    if "cache" not in store.loses:
        return []
    case = Case(domains).where(store.name, {"present"})
    assert case is not None
    for name, table in meaning.erased(store.name).items():
        case = case.change(name, table)
    return [case.rule(_kind(store.level), Action(Cause.ROW_LOST, subject=store.name))]


def _kind(level: Level) -> RuleKind:
    return RuleKind.COMPONENT if level is Level.COMPONENT else RuleKind.EVENT


def _expire(
    design: d.Design, groups: Mapping[str, Group], case: Case | None, what: tuple[str, str, Level]
) -> list[Rule]:
    """A record ends: at any time, or under the assumption only when nothing of its event is under
    way, be it a message, a worker or a request.
    """
    name, subject, level = what
    assert case is not None
    if name not in case.changes:
        case = case.put(name, "gone")
    action = Action(Cause.KEY_EXPIRED, subject=subject)
    if not design.assumes("within-key-window"):
        return [case.rule(_kind(level), action)]
    roots = v.root_types(design)
    rules = []
    for kind in roots if len(roots) > 1 else ("",):
        rested = case.where(v.EVENT_TYPE, {kind}) if kind else case
        for group in groups.values():
            if rested and not (kind and group.queue.is_root and group.queue.event != kind):
                rested = rested.where(group.status, AT_REST & set(group.variable.domain))
        for pending in (v.pending(effect) for effect in design.effects):
            if rested and pending in case.domains:
                rested = rested.where(pending, {"0"})
        rules += [rested.rule(RuleKind.EVENT, action, alone=())] if rested else []
    return rules
