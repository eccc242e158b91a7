"""What a broker does with a message, per group of consumers: delivery, redelivery, settling,
copies. See docs/semantics.md, "Deliveries".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import condition_parts, walk
from onceproof.lower import modelled, positions
from onceproof.lower import variables as v
from onceproof.lower.case import Case, Table, mapping
from onceproof.lower.lanes import OTHER_LANE, Lane, is_kept_elsewhere, lane_of
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Action, Cause, Level, Rule, RuleKind, Test, Variable

LATE_ACK = "late-ack"
THREE_OR_MORE = "three-or-more"
SEEK_LATE = "seek-late"
"""The names of wider rules (docs/semantics_world.md, "Wider rules")."""
AT_WILL = (Cause.PUBLISHER_RETRY, Cause.BROKER_COPY, Cause.REPLAY)
"""Why there may be one more message about an event at any time."""
ONE_FEWER = {"two": "ready", "three": "two"}
"""What taking one of several waiting messages makes of the status."""
ONE_MORE = {"ready": "two", "two": "three", "three": "three"}
"""What one more message makes of it."""


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
    fed_back: bool = False
    """Whether what is done with its messages may lead to another one here."""

    @property
    def counted(self) -> bool:
        """Whether messages that wait are counted: our own handlers publish them, and nothing else
        would bring one more at will (theory T11). With a delivery limit, in logs, and where a
        handler asks whether its message came again, they are not; a side condition narrows the
        claim there.
        """
        fed = not self.queue.is_root or (modelled.FED and self.queue.also_fed)
        own = fed and not self.remembers and not self.is_log
        return own and not self.drops_copies and not self.is_copied

    @property
    def is_copied(self) -> bool:
        """Whether there may be one more message about an event at any time."""
        return any(cause in AT_WILL for cause in self._copies())

    @property
    def asks(self) -> bool:
        """Whether its handler asks if its message came again."""
        conditions = (s.condition for s in walk(self.process.body) if isinstance(s, n.If))
        parts = (part for condition in conditions for part in condition_parts(condition))
        return modelled.REDELIVERED and any(isinstance(part, n.Redelivered) for part in parts)

    @property
    def remembers(self) -> bool:
        """Whether it matters that a message came back."""
        return self.queue.limit is not None or self.asks

    @property
    def back(self) -> str:
        """The status of a message that came back."""
        return "returned" if self.remembers else "ready"

    @property
    def is_log(self) -> bool:
        """Whether it has a position instead of single acknowledgements."""
        return self.tracking is Tracking.HELD and self.queue.log

    @property
    def position(self) -> positions.Position:
        """What its log makes of its record."""
        return positions.Position(self.design, self.process, self.queue, self.semantics)

    @property
    def lane(self) -> Lane | None:
        """What its deliveries need and take."""
        return lane_of(self.design, self.process, self.queue, self.semantics)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The status, and the lane if there is one."""
        lane = self.lane
        return (self.variable, lane.variable) if lane else (self.variable,)

    @property
    def variable(self) -> Variable:
        """The status variable."""
        domain = ["ready", "inflight", "settled", "lost"]
        domain += ["dead"] * (self.queue.limit is not None or not self.queue.redelivers)
        domain += ["returned"] * self.remembers
        domain += [positions.PASSED] * self.is_log
        unsure = self.queue.unconfirmed and self.semantics is not Delivery.AT_MOST_ONCE
        domain += ONE_MORE if self.counted else []
        first = ("sent" if unsure else "ready") if self.queue.is_root else "absent"
        if first != "ready":
            domain.insert(0, first)
        return Variable(self.status, Level.EVENT, tuple(dict.fromkeys(domain)), (first,))

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
            settled = self._part(holder, {"inflight": "settled"}, back=False)
            answers.append((settled.commit_inside(), "done"))
        late = case.test(v.HOLDS, {"no"})
        if late and self.is_log:
            answers += self._late_commit(late)
            late = None
        settles = self.queue.late_ack == "settles" and self.semantics is Delivery.AT_LEAST_ONCE
        if late and settles and (self.counted or self.fed_back):
            # Which message it was is not remembered: it may be one that waits.
            answers.append((late, "done"))
            fewer = late.where(self.status, {"ready", *ONE_FEWER} & set(self.variable.domain))
            if fewer:
                table = self._table(case.domains, {"ready": "settled", **ONE_FEWER})
                answers.append((replace(fewer.change(self.status, table), wider=LATE_ACK), "done"))
        elif late and settles:
            answers.append(
                (late.change(self.status, self._table(case.domains, everything)), "done")
            )
        elif late:
            polite = modelled.BROKERS and self.queue.ack_answer is d.AckAnswer.POLITE
            answers.append((late, "done" if polite else "refused"))
        return answers

    def _late_commit(self, late: Case) -> list[tuple[Case, str]]:
        """The commit of a worker that has lost its record."""
        everything = dict.fromkeys(self.variable.domain, "settled")
        settled = late.change(self.status, self._table(late.domains, everything))
        answers: list[tuple[Case, str]] = []
        for outcome in self.position.late_answers:
            if outcome == "refused" or self.fed_back:
                # Fed back: the record that waits may lie behind the position that is committed.
                answers.append((late, outcome))
            if outcome == "done":
                answers.append((replace(settled, wider=LATE_ACK * self.fed_back), outcome))
        return answers

    def nack(self, case: Case) -> list[Case]:
        """The message goes back."""
        if self.tracking is Tracking.GONE:
            return [case]
        if self.tracking is Tracking.LOOSE:
            return [case.change(self.status, self._table(case.domains, {"inflight": "ready"}))]
        if self.is_log:
            return self._sought(case)
        return self._released(case, self._given_back, back=True)

    def _sought(self, case: Case) -> list[Case]:
        """A log is read again from the record that the worker is on. Whether one that does not hold
        it has acknowledged it before, or has lost it, is not remembered.
        """
        cases = self._released(case, self._given_back, back=True)
        behind = {"settled", positions.PASSED}
        ready = self._table(case.domains, dict.fromkeys(behind, self.back))
        other = case.test(v.HOLDS, {"no"})
        if other is None:
            return cases
        cases = [c for c in cases if c != other]
        ahead = other.test(self.status, set(self.variable.domain) - behind)
        left = other.test(self.status, behind)
        if left:
            sought = left.change(self.status, ready)
            sought = self.lane.owe(sought) if self.lane else sought
            cases += [c.widened(SEEK_LATE) for c in (left, sought)]
        return [*cases, *([ahead] if ahead else [])]

    def left(self, case: Case, *, failed: bool) -> list[Case]:
        """The handler is over. Nobody gives back what a log has handed out."""
        if not self.is_log:
            return self.let_go(case)
        rule = self.position.on_failure if failed else "pass"
        if rule == "seek":
            return self._out_of_lane(self._sought(case))
        if rule == "pass":
            passed = {"inflight": positions.PASSED}
            return self._out_of_lane(self._released(case, passed, back=False))
        return self.let_go(case)

    def let_go(self, case: Case) -> list[Case]:
        """The worker is gone: what it still holds comes again, or never (where nobody claims what
        the dead have held).
        """
        cases = [case]
        if self.tracking is Tracking.HELD:
            again = self.queue.redelivers
            changes = self._given_back if again else {"inflight": "dead"}
            cases = self._released(case, changes, back=again)
        return self._out_of_lane(cases)

    def _out_of_lane(self, cases: list[Case]) -> list[Case]:
        """The worker of a log is not in its lane any more."""
        lane = self.lane
        if lane is None or not lane.outlasts:
            return cases
        out: list[Case] = []
        for case in cases:
            inside, outside = case.test(v.IN_LANE, {"yes"}), case.test(v.IN_LANE, {"no"})
            out += [lane.leave(inside)] if inside else []
            holds = "no" not in case.guard.get(
                v.HOLDS, ("no",)
            )  # whoever holds a record is in its lane
            out += [outside] if outside and not holds else []
        return out

    @property
    def _given_back(self) -> dict[str, str]:
        """What a message that comes back makes of the status."""
        return self.anew if self.counted else dict.fromkeys(self.variable.domain, self.back)

    def _part(self, holder: Case, changes: dict[str, str], *, back: bool) -> Case:
        """A worker does not hold its message any more. ``back``: that comes again."""
        case = holder.change(self.status, self._table(holder.domains, changes)).put(v.HOLDS, "no")
        lane = self.lane
        if lane is not None:
            case = case if lane.outlasts else lane.leave(case)
            case = lane.owe(case) if back else case
        return case

    def _released(self, case: Case, changes: dict[str, str], *, back: bool) -> list[Case]:
        cases = []
        holder = case.test(v.HOLDS, {"yes"})
        if holder:
            cases.append(self._part(holder, changes, back=back))
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

    def receive(self, case: Case, *, inside: bool = False, collect: bool = False) -> Case:
        """Another process publishes a message for this group. ``inside``: in a transaction of its
        broker; ``collect``: of its database.
        """
        drops = self.drops_copies and not (inside and self.queue.dedup)
        table = self._table(case.domains, {"absent": "ready"} if drops else self.anew)
        if collect:
            return case.collect({self.status: table})
        return case.hold_inside({self.status: table}) if inside else case.change(self.status, table)

    @property
    def anew(self) -> dict[str, str]:
        """What one more message makes of the status."""
        every = dict.fromkeys(self.variable.domain, "ready")
        return {**every, **ONE_MORE} if self.counted else every

    def lose(self, case: Case) -> Case:
        """A published message that never arrives."""
        return case.change(self.status, self._table(case.domains, {"absent": "lost"}))

    # -- what the broker does

    def deliver(self, case: Case) -> list[Case]:
        """The cases of handing the message to a new worker."""
        waiting = {"sent", "ready", "returned", *ONE_FEWER} & set(self.variable.domain)
        ready = case.where(self.status, waiting)
        roots = v.root_types(self.design)
        if ready and self.queue.is_root and len(roots) > 1:
            ready = ready.where(v.EVENT_TYPE, {self.queue.event})
        if ready is None:
            return []
        handed = "settled" if self.tracking is Tracking.GONE else "inflight"
        changes = {**dict.fromkeys(waiting, handed), **ONE_FEWER}
        cases = [ready.change(self.status, self._table(case.domains, changes))]
        more = ready.where(self.status, {"three"})
        if more:
            cases.append(replace(more, wider=THREE_OR_MORE))
        if self.asks and self.tracking is Tracking.HELD:
            cases = [x for c in cases for x in _telling(c, self.status)]
        if self.tracking is Tracking.HELD:
            cases = [c.put(v.HOLDS, "yes") for c in cases]
        if self.lane is not None:
            cases = [x for c in cases for x in self.lane.enter(c)]
        return [c.widened(OTHER_LANE * is_kept_elsewhere(self.design, self.queue)) for c in cases]

    def lease(self, domains: Mapping[str, Variable], places: frozenset[str]) -> list[Rule]:
        """What can happen to a worker at one of ``places`` although it lives: it no longer holds
        its message, because that goes back, or because it is acknowledged by itself.
        """
        losses = self.hold_losses()
        ways: list[tuple[Cause, Case]] = []
        if self.tracking is Tracking.HELD:
            holder = Case(domains).test(v.HOLDS, {"yes"})
            assert holder is not None
            for cause in losses:
                ways += [
                    (cause, x)
                    for x in self._out_of_lane([self._part(holder, self._given_back, back=True)])
                ]
            by_itself = self._is_acked_by_itself
            if self.is_log:
                by_itself = self.position.settles_by_itself
            if by_itself:
                settled = self._part(holder, {"inflight": "settled"}, back=False)
                ways.append((Cause.AUTO_ACKED, settled))
        if self.lane is not None and self.lane.outlasts:
            inside = Case(domains).test(v.HOLDS, {"no"})
            inside = inside.test(v.IN_LANE, {"yes"}) if inside else None
            ways += [(cause, self.lane.leave(inside)) for cause in losses if inside]
        rules = []
        for cause, parted in ways:
            rule = parted.rule(RuleKind.WORKER, Action(cause, self.process.name, self.queue.name))
            rules.append(replace(rule, guard=(Test(v.PC, places), *rule.guard)))
        return rules

    @property
    def _is_acked_by_itself(self) -> bool:
        """Whether a message in hand may be acknowledged by a timer, or with a later one: only if
        the handler acknowledges at all.
        """
        acks = any(isinstance(s, n.Ack) for s in walk(self.process.body))
        return self.process.ack == "any-time" or (self.process.ack == "cumulative" and acks)

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

    def rules(
        self,
        domains: Mapping[str, Variable],
        closed: frozenset[str],
        dead_letters: Sequence[Group] = (),
    ) -> list[Rule]:
        """Everything the broker does without a worker. ``closed``: records after whose end no
        copies are made. ``dead_letters``: who reads what is given up.
        """
        rules: list[Rule] = []
        if self.tracking is Tracking.LOOSE:
            rules += self._move(domains, Cause.REDELIVERY, {"inflight": "ready"})
        vanishing = self._vanishing() & set(self.variable.domain)
        if vanishing:
            gone = {**dict.fromkeys(vanishing, "lost"), **(ONE_FEWER if self.counted else {})}
            rules += self._move(domains, Cause.VANISHED, gone)
        spared = modelled.BROKERS and self.design.assumes("fails-fewer")
        if self.queue.limit and not spared:
            end = "lost" if self.queue.limit[1] == "drop" else "dead"
            rules += self._move(domains, Cause.DEAD_LETTERED, {"returned": end}, to=dead_letters)
        rules += self._failing_broker(domains, closed)
        for cause, new in self.position.moves(self.hold_losses()) if self.is_log else []:
            rules += self._move(domains, cause, {positions.PASSED: new}, back=new == "ready")
        for cause in self._copies():
            sources = {"settled": "ready"}
            if self.is_log:
                sources[positions.PASSED] = "ready"
            if self.tracking is Tracking.HELD and (not self.is_log or self.process.parallel):
                sources["inflight"] = "ready"
            if cause is Cause.REPLAY and "dead" in self.variable.domain:
                sources["dead"] = "ready"
            if cause is Cause.REWOUND:
                sources = {k: x for k, x in sources.items() if k in ("settled", positions.PASSED)}
            if cause is Cause.BATCH_RETURNED:
                sources = {"settled": self.back}
            back = cause in (Cause.REWOUND, Cause.BATCH_RETURNED) or (
                cause is Cause.REPLAY and self.queue.log
            )
            until = closed if cause is not Cause.REPLAY else frozenset()
            rules += self._move(domains, cause, sources, until, back=back)
        return rules

    def _failing_broker(
        self, domains: Mapping[str, Variable], closed: frozenset[str]
    ) -> list[Rule]:
        """What a broker loses that it has confirmed, and what it forgets in a restart."""
        if not modelled.BROKERS or self.design.assumes("broker-loses-nothing"):
            return []
        rules: list[Rule] = []
        if self.queue.loses_confirmed:
            waiting = {"sent", "ready", "returned"} & set(self.variable.domain)
            gone = {**dict.fromkeys(waiting, "lost"), **(ONE_FEWER if self.counted else {})}
            rules += self._move(domains, Cause.BROKER_LOST, gone)
        if self.queue.unsynced_acks:
            again = {"settled": "ready"}
            rules += self._move(domains, Cause.BROKER_RESTARTED, again, closed, back=True)
        return rules

    def _vanishing(self) -> set[str]:
        """The statuses in which a message may vanish."""
        if self.semantics is Delivery.AT_MOST_ONCE:
            return {"ready"}
        if self.queue.expires and not self.design.assumes("no-expired-messages"):
            return {"sent", "ready", "returned", positions.PASSED}
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
        said = modelled.BROKERS and queue.publishing == "retries"
        if retried and said and self.semantics is Delivery.AT_MOST_ONCE:
            causes.append(Cause.PUBLISHER_RETRY)
        if generous and queue.copies and not design.assumes("no-broker-copies"):
            causes.append(Cause.BROKER_COPY)
        if (
            queue.replays or (generous if queue.replay is None else queue.replay)
        ) and not design.assumes("no-replay"):
            causes.append(Cause.REPLAY)
        if (
            (queue.rewinds or (self.is_log and self.process.parallel))
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
        *,
        back: bool = False,
        to: Sequence[Group] = (),
    ) -> list[Rule]:
        """``back``: a message goes back where it was. ``to``: who gets another one."""
        case = Case(domains).where(self.status, changes.keys())
        roots = v.root_types(self.design)
        losing = cause in (Cause.VANISHED, Cause.BROKER_LOST)
        if case and losing and self.queue.is_root and len(roots) > 1:
            case = case.where(v.EVENT_TYPE, {self.queue.event})
        for name in sorted(closed):
            case = case.where(name, {"absent", "present"}) if case else None
        if case is None:
            return []
        moved = case.change(self.status, self._table(domains, changes))
        moved = self.lane.owe(moved) if back and self.lane else moved
        for group in to:
            moved = group.receive(moved)
        return [moved.rule(RuleKind.EVENT, Action(cause, self.process.name, self.queue.name))]


def _telling(case: Case, status: str) -> list[Case]:
    """The cases of a delivery that says whether the message came back."""
    again = case.where(status, {"returned"})
    fresh = case.where(status, set(case.domains[status].domain) - {"returned"})
    return ([again.put(v.CAME_AGAIN, "yes")] if again else []) + ([fresh] if fresh else [])


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
            group = Group(
                design,
                process,
                queue,
                chosen,
                tracking,
                v.status(process, design),
                queue.name in _fed_by(design, queue.name),
            )
            if tracking is Tracking.LOOSE and (group.counted or group.fed_back or group.asks):
                group = replace(group, tracking=Tracking.HELD)
            by_consumer[process.name] = group
    return by_consumer


def _fed_by(design: d.Design, queue: str) -> frozenset[str]:
    """The queues to which messages of a queue may lead, by what its consumers publish."""
    found: set[str] = set()
    waiting = [queue]
    while waiting:
        source = waiting.pop()
        for process in design.processes:
            if process.queue == source:
                sent = {s.queue.text for s in walk(process.body) if isinstance(s, n.Publish)}
                to = design.queues[source].limit_to if modelled.FED else None
                sent |= {to} if to else set()
                waiting += sent - found
                found |= sent
    return frozenset(found)


def _tracking(
    design: d.Design, process: d.Process, queue: d.Queue, semantics: Delivery
) -> Tracking:
    if semantics is Delivery.AT_MOST_ONCE or process.ack == "delivery":
        return Tracking.GONE
    if queue.log or queue.lane is not None:
        return Tracking.HELD
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
        if forgetful and unsure and not checked and process.ack not in ("any-time", "cumulative")
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
