"""What a broker does with a message, per group of consumers: delivery, redelivery, settling, copies. See docs/semantics.md,
"Deliveries"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum

from checker import design as d
from checker.lower import variables as v
from checker.lower.case import Case, Table, mapping
from checker.machine import Action, Cause, Level, Rule, RuleKind, Test, Variable
from checker.records import dataclass
from checker.resolve_steps import walk
from checker.syntax import nodes as n
from checker.syntax.nodes import Semantics


class Tracking(Enum):
    """How the broker remembers a message."""

    GONE = "gone"  # settled when handed out (at-most-once, ack on delivery)
    LOOSE = "loose"  # only a status; may come again while in flight
    HELD = "held"  # by the worker that holds it


@dataclass(frozen=True, slots=True)
class Group:
    """One consumer's copy of a queue's messages."""

    design: d.Design
    process: d.Process
    queue: d.Queue
    semantics: Semantics
    tracking: Tracking
    status: str

    @property
    def back(self) -> str:
        """The status of a message that came back."""
        return "returned" if self.queue.limit else "ready"

    @property
    def variable(self) -> Variable:
        """The status variable."""
        domain = (
            ["ready", "inflight", "settled", "lost", "dead", "returned"]
            if self.queue.limit
            else ["ready", "inflight", "settled", "lost"]
        )
        first = "ready" if self.queue.is_root else "absent"
        if first == "absent":
            domain.insert(0, "absent")
        return Variable(self.status, Level.EVENT, tuple(domain), (first,))

    @property
    def transactional(self) -> bool:
        """Whether what the worker publishes, and writes inside the broker, waits for its ack."""
        return self.semantics is Semantics.EXACTLY_ONCE and self.tracking is Tracking.HELD

    def _table(self, domains: Mapping[str, Variable], changes: dict[str, str]) -> Table:
        return mapping(domains[self.status], changes)

    # -- what a worker does

    def ack(self, case: Case) -> list[tuple[Case, str]]:
        """The cases of an acknowledgement that reaches the broker, with the outcome."""
        if self.tracking is Tracking.GONE:
            return [(case, "done")]
        everything = dict.fromkeys(self.variable.domain, "settled")
        if self.tracking is Tracking.LOOSE:
            return [(case.change(self.status, self._table(case.domains, everything)).commit_inside(), "done")]
        found: list[tuple[Case, str]] = []
        holder = case.test(v.HOLDS, {"yes"})
        if holder:
            settled = holder.change(self.status, self._table(case.domains, {"inflight": "settled"})).put(v.HOLDS, "no")
            found.append((settled.commit_inside(), "done"))
        late = case.test(v.HOLDS, {"no"})
        if late and self.queue.late_ack == "settles" and self.semantics is Semantics.AT_LEAST_ONCE:
            found.append((late.change(self.status, self._table(case.domains, everything)), "done"))
        elif late:
            found.append((late, "refused"))
        return found

    def nack(self, case: Case) -> list[Case]:
        """The message goes back."""
        if self.tracking is Tracking.GONE:
            return [case]
        if self.tracking is Tracking.LOOSE:
            return [case.change(self.status, self._table(case.domains, {"inflight": "ready"}))]
        return self.let_go(case)

    def let_go(self, case: Case) -> list[Case]:
        """The worker is gone (or gives the message back): what it still holds comes again."""
        if self.tracking is not Tracking.HELD:
            return [case]
        found = []
        holder = case.test(v.HOLDS, {"yes"})
        if holder:
            every = dict.fromkeys(self.variable.domain, self.back)
            found.append(holder.change(self.status, self._table(case.domains, every)).put(v.HOLDS, "no"))
        other = case.test(v.HOLDS, {"no"})
        if other:
            found.append(other)
        return found

    def receive(self, case: Case, *, inside: bool = False) -> Case:
        """Another process publishes a message for this group."""
        if self.semantics is Semantics.EXACTLY_ONCE:
            table = self._table(case.domains, {"absent": "ready"})
        else:
            table = self._table(case.domains, {value: "ready" for value in self.variable.domain if value != "returned"})
        return case.hold_inside({self.status: table}) if inside else case.change(self.status, table)

    def lose(self, case: Case) -> Case:
        """A published message that never arrives."""
        return case.change(self.status, self._table(case.domains, {"absent": "lost"}))

    # -- what the broker does

    def deliver(self, case: Case) -> list[Case]:
        """The cases of handing the message to a new worker."""
        ready = case.where(self.status, {"ready", "returned"} & set(self.variable.domain))
        roots = v.root_types(self.design)
        if ready and self.queue.is_root and len(roots) > 1:
            ready = ready.where(v.EVENT_TYPE, {self.queue.event})
        if ready is None:
            return []
        gone = self.tracking is Tracking.GONE
        taken = ready.put(self.status, "settled" if gone else "inflight")
        return [taken.put(v.HOLDS, "yes") if self.tracking is Tracking.HELD else taken]

    def lease(self, domains: Mapping[str, Variable], places: frozenset[str]) -> list[Rule]:
        """The lease of a worker at one of ``places`` runs out although the worker lives: it no longer holds its message."""
        if self.tracking is not Tracking.HELD or self.design.assumes("within-lease"):
            return []
        holder = Case(domains).test(v.HOLDS, {"yes"})
        assert holder is not None
        every = dict.fromkeys(self.variable.domain, self.back)
        expired = holder.change(self.status, self._table(domains, every)).put(v.HOLDS, "no")
        rule = expired.rule(RuleKind.WORKER, Action(Cause.LEASE_EXPIRED, self.process.name, self.queue.name))
        return [replace(rule, guard=(Test(v.PC, places), *rule.guard))]

    def rules(self, domains: Mapping[str, Variable], gone: frozenset[str]) -> list[Rule]:
        """Everything the broker does without a worker. ``gone``: records after whose end no copies are made any more."""
        found: list[Rule] = []
        if self.tracking is Tracking.LOOSE:
            found += self._move(domains, Cause.REDELIVERY, {"inflight": "ready"})
        if self.semantics is Semantics.AT_MOST_ONCE:
            found += self._move(domains, Cause.VANISHED, {"ready": "lost"})
        if self.queue.limit:
            end = "dead" if self.queue.limit[1] == "dead-letter" else "lost"
            found += self._move(domains, Cause.DEAD_LETTERED, {"returned": end})
        for cause in self._copies():
            sources = {"settled": "ready"}
            if self.tracking is Tracking.HELD:
                sources["inflight"] = "ready"
            if cause is Cause.REPLAY and "dead" in self.variable.domain:
                sources["dead"] = "ready"
            found += self._move(domains, cause, sources, gone if cause is not Cause.REPLAY else frozenset())
        return found

    def _copies(self) -> list[Cause]:
        design, causes = self.design, []
        generous = self.semantics is Semantics.AT_LEAST_ONCE
        if generous and self.queue.publishing not in ("once", "new-id") and not design.assumes("no-publisher-retries"):
            causes.append(Cause.PUBLISHER_RETRY)
        if generous and not design.assumes("no-broker-copies"):
            causes.append(Cause.BROKER_COPY)
        if (generous or self.queue.replays) and not design.assumes("no-replay"):
            causes.append(Cause.REPLAY)
        return causes

    def _move(
        self, domains: Mapping[str, Variable], cause: Cause, changes: dict[str, str], gone: frozenset[str] = frozenset()
    ) -> list[Rule]:
        case = Case(domains).where(self.status, changes.keys())
        roots = v.root_types(self.design)
        if case and cause is Cause.VANISHED and self.queue.is_root and len(roots) > 1:
            case = case.where(v.EVENT_TYPE, {self.queue.event})
        for name in sorted(gone):
            case = case.where(name, {"absent", "present"}) if case else None
        if case is None:
            return []
        moved = case.change(self.status, self._table(domains, changes))
        return [moved.rule(RuleKind.EVENT, Action(cause, self.process.name, self.queue.name))]


def groups(design: d.Design, semantics: Semantics) -> dict[str, Group]:
    """Every consumer's group by the consumer's name. ``semantics`` is for the queues that declare none."""
    found: dict[str, Group] = {}
    for process in design.processes:
        if process.queue is not None:
            queue = design.queues[process.queue]
            chosen = queue.semantics or semantics
            tracking = _tracking(design, process, queue, chosen)
            found[process.name] = Group(design, process, queue, chosen, tracking, v.status(process, design))
    return found


def _tracking(design: d.Design, process: d.Process, queue: d.Queue, semantics: Semantics) -> Tracking:
    if semantics is Semantics.AT_MOST_ONCE or process.ack == "delivery":
        return Tracking.GONE
    checked = any(isinstance(s, n.Ack) and s.or_else for s in walk(process.body, {}))
    if (
        semantics is Semantics.EXACTLY_ONCE
        or checked
        or queue.late_ack == "refused"
        or queue.limit
        or design.assumes("within-lease")
    ):
        return Tracking.HELD
    return Tracking.LOOSE
