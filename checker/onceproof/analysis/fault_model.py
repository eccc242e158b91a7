"""Faults in their places: which single faults a design has, and its machine with every fault told
apart from its consequences.

A redelivery after the worker died, the end of a dead worker's lock and the late arrival of its last
request are consequences and no faults. A redelivery while the worker lives is an expired lease,
also where the broker remembers only a status.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from onceproof.lang.design import Design
from onceproof.lower import Lowered
from onceproof.lower import variables as v
from onceproof.lower.case import DEAD
from onceproof.lower.queues import Tracking
from onceproof.machine.system import (
    Broadcast,
    Cause,
    Level,
    Machine,
    Rule,
    RuleKind,
    Test,
    Variable,
    put,
)

LATEST = "worker was the last to get the message"
HOLDER, ORPHAN = " (holder)", " (holder gone)"
"""Endings with a blank in them cannot clash with names of the design."""

YES, NO = frozenset({"yes"}), frozenset({"no"})


class Gap(Struct, frozen=True):
    """Where a worker can be killed: after one of the lines ``after`` (0: it was just started) and
    before line ``before``.

    ``during``: while the request of line ``before`` is under way, so that it may still arrive.
    """

    process: str
    after: tuple[int, ...]
    before: int
    during: bool = False


class Fault(Struct, frozen=True):
    """One thing that can go wrong, with its place: a gap for a death, else a line (0: none), a
    queue, or what is concerned.
    """

    cause: Cause
    process: str = ""
    queue: str = ""
    subject: str = ""
    line: int = 0
    gap: Gap | None = None


class Faulty(Struct, frozen=True):
    """A machine with, for each of its rules, the fault it is (None: normal operation, or the
    consequence of a fault).
    """

    machine: Machine
    faults: tuple[Fault | None, ...]

    def only(self, *allowed: Fault) -> Machine:
        """The machine in which nothing goes wrong but these faults; its runs are runs of the
        design.
        """
        remaining = (
            rule
            for rule, fault in zip(self.machine.rules, self.faults, strict=True)
            if fault is None or fault in allowed
        )
        return replace(self.machine, rules=tuple(remaining))

    def restricted_to(self, cause: Cause) -> Faulty:
        """The machine in which nothing goes wrong but faults of one cause, which are still told
        apart.
        """
        remaining = [
            (r, f)
            for r, f in zip(self.machine.rules, self.faults, strict=True)
            if f is None or f.cause is cause
        ]
        return Faulty(
            replace(self.machine, rules=tuple(r for r, _ in remaining)),
            tuple(f for _, f in remaining),
        )

    @property
    def every(self) -> tuple[Fault, ...]:
        """The faults there are, in the order of the rules."""
        return tuple(dict.fromkeys(f for f in self.faults if f is not None))


def gaps(lowered: Lowered) -> dict[str, Gap]:
    """The gap at each place of each handler, by the place's value of ``pc``."""
    after: dict[str, set[int]] = defaultdict(set)
    for rule in lowered.machine.rules:
        for update in rule.updates:
            if (
                update.target == v.PC
                and update.constant is not None
                and rule.action.cause is not Cause.KILLED
            ):
                after[update.constant].add(0 if rule.kind is RuleKind.SPAWN else rule.action.line)
    living = {pc: spot for pc, spot in lowered.points.items() if not pc.endswith(DEAD)}
    return {
        pc: Gap(spot.process, tuple(sorted(after[pc])), spot.line) for pc, spot in living.items()
    }


def faulty(lowered: Lowered, machine: Machine) -> Faulty:
    """``machine`` (that of the lowering, or a slice of it) with its faults told apart."""
    machine = _with_holders(lowered, _with_latest(lowered, machine))
    where = gaps(lowered)
    rules: list[Rule] = []
    faults: list[Fault | None] = []
    for rule in machine.rules:
        for variant, fault in _variants(lowered, rule, where):
            rules.append(variant)
            faults.append(fault)
    return Faulty(replace(machine, rules=tuple(rules)), tuple(faults))


def _variants(
    lowered: Lowered, rule: Rule, where: dict[str, Gap]
) -> Iterator[tuple[Rule, Fault | None]]:
    """A rule as the fault it is; one that is a fault or a consequence, as both: each where it
    applies.
    """
    action = rule.action
    match action.cause:
        case Cause.REDELIVERY:
            nobody = (Test(LATEST, YES), Test(v.PC, _places(lowered, action.process)))
            yield replace(rule, alone=nobody), None
            yield rule, Fault(Cause.LEASE_EXPIRED, action.process, action.queue)
        case Cause.LOCK_EXPIRED:
            yield replace(rule, guard=(*rule.guard, Test(action.subject + ORPHAN, YES))), None
            yield rule, Fault(Cause.LOCK_EXPIRED, subject=action.subject)
        case _:
            yield rule, _fault(rule, where)


def _fault(rule: Rule, where: dict[str, Gap]) -> Fault | None:
    action = rule.action
    match action.cause:
        case Cause.KILLED if action.outcome != "request lost":
            at = next(
                (
                    pc
                    for t in rule.guard
                    if t.variable == v.PC
                    for pc in sorted(t.allowed)
                    if pc in where
                ),
                None,
            )
            gap = (
                replace(where[at], during=bool(action.outcome))
                if at
                else Gap(action.process, (), action.line)
            )
            return Fault(Cause.KILLED, action.process, line=gap.before, gap=gap)
        case Cause.KILLED | Cause.LATE_EFFECT:
            return None
        case cause if not cause.is_fault:
            return None
        case Cause.LEASE_EXPIRED:
            return Fault(action.cause, action.process, action.queue)
        case Cause.KEY_EXPIRED | Cause.ROW_LOST | Cause.FAILOVER:
            return Fault(action.cause, subject=action.subject)
        case _ if rule.kind is RuleKind.WORKER:
            return Fault(action.cause, action.process, subject=action.subject, line=action.line)
        case _:
            return Fault(action.cause, action.process, action.queue)


def _places(lowered: Lowered, process: str) -> frozenset[str]:
    """Where a living worker of a process can be."""
    return frozenset(
        pc
        for pc, spot in lowered.points.items()
        if spot.process == process and not pc.endswith(DEAD)
    )


# ---------------------------------------------------------------- who got the message last


def _with_latest(lowered: Lowered, machine: Machine) -> Machine:
    """Workers know whether they were the last to get the message, where the broker itself remembers
    only a status.
    """
    loose = {name for name, group in lowered.groups.items() if group.tracking is Tracking.LOOSE}
    if not loose:
        return machine
    rules = tuple(
        _latest(lowered, rule) if rule.action.process in loose else rule for rule in machine.rules
    )
    return replace(
        machine,
        variables=(*machine.variables, Variable(LATEST, Level.WORKER, ("no", "yes"), ("no",))),
        rules=rules,
    )


def _latest(lowered: Lowered, rule: Rule) -> Rule:
    if rule.kind is RuleKind.SPAWN:
        earlier = (Test(LATEST, YES), Test(v.PC, _places(lowered, rule.action.process)))
        earlier_one = Broadcast(Level.EVENT, earlier, (put(LATEST, "no"),))
        return replace(
            rule, updates=(*rule.updates, put(LATEST, "yes")), others=(*rule.others, earlier_one)
        )
    if (
        rule.action.cause is Cause.ACK_LOST and not rule.ends
    ):  # it believes that it is done; its lease runs out unseen
        return replace(rule, updates=(*rule.updates, put(LATEST, "no")))
    return rule


# ---------------------------------------------------------------- whose lock it is


def _with_holders(lowered: Lowered, machine: Machine) -> Machine:
    """Each lock that expires knows whether the worker that took it is gone."""
    expiring = {r.action.subject for r in machine.rules if r.action.cause is Cause.LOCK_EXPIRED}
    for name in sorted(expiring):
        lock = lowered.design.locks[name]
        holder = Variable(name + HOLDER, Level.WORKER, ("no", "yes"), ("no",))
        orphan = Variable(name + ORPHAN, lock.level, ("no", "yes"), ("no",))
        rules = tuple(x for rule in machine.rules for x in _held(lowered.design, rule, name))
        machine = replace(machine, variables=(*machine.variables, holder, orphan), rules=rules)
    return machine


def _held(design: Design, rule: Rule, lock: str) -> Iterator[Rule]:
    """A rule with what it does to whose lock it is; split where that depends on who acts."""
    holder, orphan = lock + HOLDER, lock + ORPHAN
    becomes = next((u.constant for u in rule.updates if u.target == lock), None)
    acts = rule.kind is RuleKind.WORKER
    if becomes == "held" and acts:
        own = () if rule.ends else (put(holder, "yes"),)
        yield replace(
            rule, updates=(*rule.updates, put(orphan, "yes" if rule.ends else "no"), *own)
        )
    elif becomes == "free":
        own = (put(holder, "no"),) if acts and not rule.ends else ()
        release = Broadcast(design.locks[lock].level, (Test(holder, YES),), (put(holder, "no"),))
        yield replace(
            rule, updates=(*rule.updates, put(orphan, "no"), *own), others=(*rule.others, release)
        )
    elif acts and (rule.ends or rule.action.cause is Cause.KILLED):
        yield replace(
            rule,
            guard=(*rule.guard, Test(holder, YES)),
            updates=(*rule.updates, put(orphan, "yes")),
        )
        yield replace(rule, guard=(*rule.guard, Test(holder, NO)))
    else:
        yield rule
