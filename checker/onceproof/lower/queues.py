"""What a broker does with a message, per group of consumers: delivery, redelivery, settling,
copies. See docs/semantics.md, "Deliveries".
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
from onceproof.lower import variables as v
from onceproof.lower.case import Case, Table, mapping
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Action, Cause, Level, Rule, RuleKind, Test, Variable


class Tracking(Enum):
    """How the broker remembers a message."""

    GONE = "gone"  # settled when handed out (at-most-once, ack on delivery)
    LOOSE = "loose"  # only a status; may come again while in flight
    HELD = "held"  # by the worker that holds it


HOLD_LOSSES: Mapping[str, tuple[Cause, str]] = {
    "lease": (Cause.LEASE_EXPIRED, "within-lease"),
    "disconnect": (Cause.CONNECTION_LOST, "no-lost-connections"),
    "rebalance": (Cause.FENCED, "no-rebalance"),
    "shutdown": (Cause.REQUEUED, "no-shutdown"),
}
"""Why a living worker may lose its message, and the assumption that takes it away."""


class Group(Struct, frozen=True):
    """One consumer's copy of a queue's messages."""

    design: d.Design
    process: d.Process
    queue: d.Queue
    semantics: Delivery
    tracking: Tracking
    status: str

    @property
    def back(self) -> str:
        """The status of a message that came back."""
        return "returned" if self.queue.limit else "ready"

    @property
    def variable(self) -> Variable:
        """The status variable."""
        domain = ["ready", "inflight", "settled", "lost"]
        domain += (
            ["dead", "returned"] if self.queue.limit else ["dead"] * (not self.queue.redelivers)
        )
        unsure = self.queue.unconfirmed and self.semantics is not Delivery.AT_MOST_ONCE
        first = ("sent" if unsure else "ready") if self.queue.is_root else "absent"
        if first != "ready":
            domain.insert(0, first)
        return Variable(self.status, Level.EVENT, tuple(domain), (first,))

    @property
    def drops_copies(self) -> bool:
        """Whether a second message about an event is always dropped: by the broker, or because its
        window is long enough.
        """
        if self.queue.dedup is not None:
            return self.design.assumes("within-dedup-window")
        return self.semantics is Delivery.EXACTLY_ONCE and not self.queue.keeps

    @property
    def may_drop(self) -> bool:
        """Whether a second message may be dropped or not: the window for copies may be over."""
        return self.queue.dedup is not None and not self.drops_copies

    @property
    def transactional(self) -> bool:
        """Whether what the worker publishes, and writes inside the broker, waits for its ack."""
        return self.semantics is Delivery.EXACTLY_ONCE and self.tracking is Tracking.HELD

    @property
    def collects_publishing(self) -> bool:
        """Whether what the worker publishes waits for its ack."""
        return self.transactional and "publish" in self.queue.boundary

    def _table(self, domains: Mapping[str, Variable], changes: dict[str, str]) -> Table:
        return mapping(domains[self.status], changes)

    # -- what a worker does

    def ack(self, case: Case) -> list[tuple[Case, str]]:
        """The cases of an acknowledgement that reaches the broker, with the outcome."""
        if self.tracking is Tracking.GONE:
            return [(case, "done")]
        everything = dict.fromkeys(self.variable.domain, "settled")
        if self.tracking is Tracking.LOOSE:
            return [
                (
                    case.change(self.status, self._table(case.domains, everything)).commit_inside(),
                    "done",
                )
            ]
        answers: list[tuple[Case, str]] = []
        holder = case.test(v.HOLDS, {"yes"})
        if holder:
            settled = holder.change(
                self.status, self._table(case.domains, {"inflight": "settled"})
            ).put(v.HOLDS, "no")
            answers.append((settled.commit_inside(), "done"))
        late = case.test(v.HOLDS, {"no"})
        if late and self.queue.late_ack == "settles" and self.semantics is Delivery.AT_LEAST_ONCE:
            answers.append(
                (late.change(self.status, self._table(case.domains, everything)), "done")
            )
        elif late:
            answers.append((late, "refused"))
        return answers

    def nack(self, case: Case) -> list[Case]:
        """The message goes back."""
        if self.tracking is Tracking.GONE:
            return [case]
        if self.tracking is Tracking.LOOSE:
            return [case.change(self.status, self._table(case.domains, {"inflight": "ready"}))]
        return self._released(case, dict.fromkeys(self.variable.domain, self.back))

    def let_go(self, case: Case) -> list[Case]:
        """The worker is gone: what it still holds comes again, or never (where nobody claims what
        the dead have held).
        """
        if self.tracking is not Tracking.HELD:
            return [case]
        comes_again = dict.fromkeys(self.variable.domain, self.back)
        return self._released(case, comes_again if self.queue.redelivers else {"inflight": "dead"})

    def _released(self, case: Case, changes: dict[str, str]) -> list[Case]:
        cases = []
        holder = case.test(v.HOLDS, {"yes"})
        if holder:
            cases.append(
                holder.change(self.status, self._table(case.domains, changes)).put(v.HOLDS, "no")
            )
        other = case.test(v.HOLDS, {"no"})
        if other:
            cases.append(other)
        return cases

    def settled_for(self, case: Case) -> list[Case]:
        """A dead worker's message is acknowledged for it, by the process that had started it."""
        return [
            replace(c, inside=case.inside)
            for c, outcome in self.ack(replace(case, inside={}))
            if outcome == "done"
        ]

    def renew(self, case: Case) -> list[tuple[Case, str]]:
        """The lease of the message is extended, if the worker still holds it."""
        if self.tracking is not Tracking.HELD:
            return [(case, "done")]
        holder, other = case.test(v.HOLDS, {"yes"}), case.test(v.HOLDS, {"no"})
        return [
            (c, outcome) for c, outcome in ((holder, "done"), (other, "refused")) if c is not None
        ]

    def receive(self, case: Case, *, inside: bool = False) -> Case:
        """Another process publishes a message for this group."""
        drops = self.drops_copies and not (inside and self.queue.dedup)
        table = self._table(case.domains, {"absent": "ready"} if drops else self.anew)
        return case.hold_inside({self.status: table}) if inside else case.change(self.status, table)

    @property
    def anew(self) -> dict[str, str]:
        """What one more message makes of the status."""
        return dict.fromkeys(self.variable.domain, "ready")

    def lose(self, case: Case) -> Case:
        """A published message that never arrives."""
        return case.change(self.status, self._table(case.domains, {"absent": "lost"}))

    # -- what the broker does

    def deliver(self, case: Case) -> list[Case]:
        """The cases of handing the message to a new worker."""
        ready = case.where(self.status, {"sent", "ready", "returned"} & set(self.variable.domain))
        roots = v.root_types(self.design)
        if ready and self.queue.is_root and len(roots) > 1:
            ready = ready.where(v.EVENT_TYPE, {self.queue.event})
        if ready is None:
            return []
        at_delivery = self.tracking is Tracking.GONE
        delivered = ready.put(self.status, "settled" if at_delivery else "inflight")
        return [delivered.put(v.HOLDS, "yes") if self.tracking is Tracking.HELD else delivered]

    def lease(self, domains: Mapping[str, Variable], places: frozenset[str]) -> list[Rule]:
        """What can happen to a worker at one of ``places`` although it lives: it no longer holds
        its message, because that goes back, or because it is acknowledged by itself.
        """
        if self.tracking is not Tracking.HELD:
            return []
        holder = Case(domains).test(v.HOLDS, {"yes"})
        assert holder is not None
        every = dict.fromkeys(self.variable.domain, self.back)
        causes = [(cause, every) for cause in self.hold_losses()]
        causes += (
            [(Cause.AUTO_ACKED, {"inflight": "settled"})] if self.process.ack == "any-time" else []
        )
        rules = []
        for cause, changes in causes:
            parted = holder.change(self.status, self._table(domains, changes)).put(v.HOLDS, "no")
            rule = parted.rule(RuleKind.WORKER, Action(cause, self.process.name, self.queue.name))
            rules.append(replace(rule, guard=(Test(v.PC, places), *rule.guard)))
        return rules

    def hold_losses(self) -> list[Cause]:
        """Why a living worker may lose its message."""
        excluded = {
            word for word, (_, assumption) in HOLD_LOSSES.items() if self.design.assumes(assumption)
        }
        excluded |= {"lease"} if self.design.within_lease(self.process) else set()
        return [
            cause
            for word, (cause, _) in HOLD_LOSSES.items()
            if word in self.queue.loses_hold and word not in excluded
        ]

    def rules(self, domains: Mapping[str, Variable], closed: frozenset[str]) -> list[Rule]:
        """Everything the broker does without a worker. ``closed``: records after whose end no
        copies are made.
        """
        rules: list[Rule] = []
        if self.tracking is Tracking.LOOSE:
            rules += self._move(domains, Cause.REDELIVERY, {"inflight": "ready"})
        vanishing = self._vanishing() & set(self.variable.domain)
        if vanishing:
            rules += self._move(domains, Cause.VANISHED, dict.fromkeys(vanishing, "lost"))
        if self.queue.limit:
            end = "lost" if self.queue.limit[1] == "drop" else "dead"
            rules += self._move(domains, Cause.DEAD_LETTERED, {"returned": end})
        for cause in self._copies():
            sources = {"settled": "ready"}
            if self.tracking is Tracking.HELD:
                sources["inflight"] = "ready"
            if cause is Cause.REPLAY and "dead" in self.variable.domain:
                sources["dead"] = "ready"
            if cause in (Cause.REWOUND, Cause.BATCH_RETURNED):
                sources = {"settled": "ready" if cause is Cause.REWOUND else self.back}
            rules += self._move(
                domains, cause, sources, closed if cause is not Cause.REPLAY else frozenset()
            )
        return rules

    def _vanishing(self) -> set[str]:
        """The statuses in which a message may vanish."""
        if self.semantics is Delivery.AT_MOST_ONCE:
            return {"ready"}
        if self.queue.expires and not self.design.assumes("no-expired-messages"):
            return {"sent", "ready", "returned"}
        return {"sent"}

    def _copies(self) -> list[Cause]:
        """Why a message that was delivered before may become available once more."""
        design, queue, causes = self.design, self.queue, []
        generous = self.semantics is Delivery.AT_LEAST_ONCE
        retried = queue.publishing not in ("once", "new-id") and not design.assumes(
            "no-publisher-retries"
        )
        if (
            retried
            and (not self.drops_copies if queue.dedup or queue.keeps else generous)
            and self.semantics is not Delivery.AT_MOST_ONCE
        ):
            causes.append(Cause.PUBLISHER_RETRY)
        if generous and queue.copies and not design.assumes("no-broker-copies"):
            causes.append(Cause.BROKER_COPY)
        if (
            queue.replays or (generous if queue.replay is None else queue.replay)
        ) and not design.assumes("no-replay"):
            causes.append(Cause.REPLAY)
        if (
            queue.rewinds
            and self.semantics is not Delivery.AT_MOST_ONCE
            and not design.assumes("no-rewinds")
        ):
            causes.append(Cause.REWOUND)
        if (
            queue.batches
            and queue.redelivers
            and self.tracking is not Tracking.GONE
            and not design.assumes("no-batch-failures")
        ):
            causes.append(Cause.BATCH_RETURNED)
        return causes

    def _move(
        self,
        domains: Mapping[str, Variable],
        cause: Cause,
        changes: dict[str, str],
        closed: frozenset[str] = frozenset(),
    ) -> list[Rule]:
        case = Case(domains).where(self.status, changes.keys())
        roots = v.root_types(self.design)
        if case and cause is Cause.VANISHED and self.queue.is_root and len(roots) > 1:
            case = case.where(v.EVENT_TYPE, {self.queue.event})
        for name in sorted(closed):
            case = case.where(name, {"absent", "present"}) if case else None
        if case is None:
            return []
        moved = case.change(self.status, self._table(domains, changes))
        return [moved.rule(RuleKind.EVENT, Action(cause, self.process.name, self.queue.name))]


def groups(design: d.Design, semantics: Delivery) -> dict[str, Group]:
    """Every consumer's group by the consumer's name. ``semantics`` is for the queues that declare
    none.
    """
    by_consumer: dict[str, Group] = {}
    for process in design.processes:
        if process.queue is not None:
            queue = design.queues[process.queue]
            chosen = queue.semantics or semantics
            tracking = _tracking(design, process, queue, chosen)
            by_consumer[process.name] = Group(
                design, process, queue, chosen, tracking, v.status(process, design)
            )
    return by_consumer


def _tracking(
    design: d.Design, process: d.Process, queue: d.Queue, semantics: Delivery
) -> Tracking:
    if semantics is Delivery.AT_MOST_ONCE or process.ack == "delivery":
        return Tracking.GONE
    checked = any(
        isinstance(s, n.Ack | n.Renew) and s.or_else and not getattr(s, "lock", None)
        for s in walk(process.body)
    )
    forgetful = (
        semantics is Delivery.AT_LEAST_ONCE
        and queue.late_ack != "refused"
        and not queue.limit
        and queue.redelivers
    )
    unsure = "lease" in queue.loses_hold and not design.within_lease(process)
    return (
        Tracking.LOOSE
        if forgetful and unsure and not checked and process.ack != "any-time"
        else Tracking.HELD
    )


def aborting(groups: Mapping[str, Group]) -> dict[str, str]:
    """The queues in which a message of an aborted transaction may still appear, each with a
    consumer that publishes to it.
    """
    publishers: dict[str, str] = {}
    for group in groups.values():
        if group.collects_publishing:
            for step in walk(group.process.body):
                if isinstance(step, n.Publish) and _leak(groups, group, step.queue.text):
                    publishers.setdefault(step.queue.text, group.process.name)
    return publishers


def _leak(groups: Mapping[str, Group], source: Group, queue: str) -> bool:
    """Whether what a consumer publishes to a queue in a transaction can be seen after an abort."""
    readers = (g for g in groups.values() if g.queue.name == queue)
    return any(d.leaks(source.queue, reader.queue) for reader in readers)


def appearing(
    groups: Mapping[str, Group], domains: Mapping[str, Variable], closed: frozenset[str]
) -> list[Rule]:
    """Messages of aborted transactions that are seen after all."""
    rules = []
    for queue in aborting(groups):
        case = Case(domains).where(v.aborted(queue), {"yes"})
        assert case is not None
        case = case.put(v.aborted(queue), "no")
        for group in groups.values():
            if group.queue.name == queue:
                case = case.change(group.status, mapping(domains[group.status], group.anew))
        open_case: Case | None = case
        for name in sorted(closed):
            open_case = open_case.where(name, {"absent", "present"}) if open_case else None
        if open_case:
            rules.append(
                open_case.rule(RuleKind.EVENT, Action(Cause.ABORTED_APPEARED, queue=queue))
            )
    return rules
