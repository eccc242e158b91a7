"""The words of a story for everything: what workers do, what the broker does, and every fault with
its place and cause.
"""

from __future__ import annotations

from typing import assert_never

from msgspec import Struct

from onceproof.interpreter.context import Context
from onceproof.interpreter.state import Spot, State, Worker
from onceproof.interpreter.trace import Step
from onceproof.lang.syntax import ast as n
from onceproof.machine.system import Cause
from onceproof.story import past
from onceproof.story.atomic import handler_words, place
from onceproof.story.names import Chronicle, Moment, Names
from onceproof.story.steps import again, at_once, boxed_words, knows_key


class Sentence(Struct, frozen=True):
    """Who, and what they do or what happens to them; ``fault`` is the cause if it is one. ``node``
    is the line acted on.
    """

    who: str
    text: str
    fault: Cause | None = None
    node: n.Step | None = None


class Teller:
    """Tells the steps of one trace, in their order."""

    def __init__(self, ctx: Context, names: Names) -> None:
        self.ctx = ctx
        self.names = names
        self.past = Chronicle()

    def tell(self, step: Step, before: State, after: State) -> Sentence:
        """The sentence for one step."""
        worker = next((w for w in before.workers if w.number == step.worker), None)
        match step.cause:
            case Cause.DELIVERY | Cause.START:
                return self._begin(step, before, after)
            case Cause.REDELIVERY:
                return self._redelivery(step, before)
            case (
                Cause.HANDLER
                | Cause.ACK_LOST
                | Cause.ANSWER_LOST
                | Cause.REFUSED
                | Cause.DATABASE_FAILED
                | Cause.DATABASE_ANSWER_LOST
            ):
                assert worker is not None
                return self._line(step, before, after, worker)
            case Cause.VANISHED if worker is None and not step.queue:
                text = f"to `{step.process}` about {self.names.event(step.event)} finds nobody"
                return Sentence("notification", f"{text} that listens, and is lost", step.cause)
            case Cause.VANISHED:
                return (
                    self._line(step, before, after, worker)
                    if worker
                    else self._message(step, before)
                )
            case Cause.LATE_EFFECT if worker is None:
                return self._arrival(step)
            case Cause.CONNECTION_LOST if worker is None and not step.queue:
                return self._memory(step, before, after)
            case Cause.LEASE_EXPIRED | Cause.CONNECTION_LOST | Cause.FENCED | Cause.REQUEUED if (
                worker is None
            ):
                return self._message(step, before)
            case Cause.KILLED | Cause.LATE_EFFECT:
                assert worker is not None
                return self._trouble(step, before, after, worker)
            case (
                Cause.LEASE_EXPIRED
                | Cause.CONNECTION_LOST
                | Cause.FENCED
                | Cause.REQUEUED
                | Cause.AUTO_ACKED
            ):
                assert worker is not None
                if step.cause is Cause.CONNECTION_LOST and step.subject:
                    return self._without_session(step, worker)
                return self._parted(step, worker)
            case Cause.PUBLISHER_RETRY | Cause.BROKER_COPY | Cause.REPLAY | Cause.DEAD_LETTERED:
                return self._message(step, before)
            case (
                Cause.REWOUND
                | Cause.RESTARTED
                | Cause.LATER_COMMIT
                | Cause.BROKER_LOST
                | Cause.BROKER_RESTARTED
                | Cause.BATCH_RETURNED
                | Cause.ABORTED_APPEARED
            ):
                return self._message(step, before)
            case Cause.KEY_EXPIRED | Cause.ROW_LOST | Cause.FAILOVER | Cause.LOCK_EXPIRED:
                return self._memory(step, before, after)
            case Cause.OVERTAKEN:
                number = self.past.numbers[step.worker]
                text = (
                    f"`{step.subject}` reads a row with a later number, and will never look for the"
                    f" one that worker {number} has not committed yet"
                )
                return Sentence("cursor", text)
        assert_never(step.cause)

    def who(self, identity: int, process: str) -> str:
        """A worker as the subject of a sentence; with its process where there are several."""
        several = len(self.ctx.design.processes) > 1
        return self.past.worker(identity) + (f" ({process})" if several else "")

    # -- the broker, and what starts by itself

    def _begin(self, step: Step, before: State, after: State) -> Sentence:
        past, key, event = self.past, (step.process, step.event), self.names.event(step.event)
        past.started += 1
        past.numbers[step.worker] = number = past.started
        if all(w.number != step.worker for w in after.workers):
            past.fate[number] = f"worker {number} ended without acknowledging it"
        process = self.ctx.processes[step.process]
        if process.condition is not None:
            because = self.names.text(process.condition.span)
            return Sentence(
                self.who(step.worker, step.process), f"starts for {event}, because `{because}`"
            )
        is_repeated, past.holder[key] = key in past.holder, number
        why = past.why.pop(key, "")
        to = f"worker {number}" + (
            f" ({step.process})" if len(self.ctx.design.processes) > 1 else ""
        )
        text = f"delivers {event} again, to {to}" if is_repeated else f"delivers {event} to {to}"
        if at_once(self.ctx, step.process):
            text += ", and counts it as settled at once"
        return Sentence("broker", text + (f": {why}" if why else ""))

    def _redelivery(self, step: Step, before: State) -> Sentence:
        """The broker's own doing, but the reader asks why: the last worker that got the message
        died, ended, or is only slow.
        """
        event, key = self.names.event(step.event), (step.process, step.event)
        number = self.past.holder[key]
        if number not in self.past.fate:
            return Sentence(*self._lease(number, step.process, event), Cause.LEASE_EXPIRED)
        self.past.why[key] = self.past.fate[number]
        return Sentence(
            "broker", f"makes {event} ready for delivery again: {self.past.fate[number]}"
        )

    def _lease(self, number: int, process: str, event: str) -> tuple[str, str]:
        return (
            "broker",
            (
                f"takes {event} back: the lease of worker {number} on it runs out while worker"
                f" {number} is still running"
            ),
        )

    def _parted(self, step: Step, worker: Worker) -> Sentence:
        """A living worker loses its message."""
        event, number, cause = (
            self.names.event(step.event),
            self.past.numbers[step.worker],
            step.cause,
        )
        who, meanwhile = f"worker {number}", f"while worker {number} is still running"
        by = "broker"
        match cause:
            case Cause.CONNECTION_LOST:
                text = f"loses the connection of {who} and takes {event} back, {meanwhile}"
            case Cause.FENCED:
                text = f"moves the partition of {event} away from {who}, {meanwhile}"
            case Cause.REQUEUED:
                by, text = "shutdown", f"gives {event} back, {meanwhile} on it"
            case Cause.AUTO_ACKED:
                self.past.fate[number] = f"{event} was acknowledged by itself"
                return Sentence(
                    "consumer", f"acknowledges {event} by itself, {meanwhile} on it", None
                )
            case _:
                by, text = self._lease(number, step.process, event)
        dropped = f"; the broker drops {boxed_words(worker)}" if worker.boxed else ""
        return Sentence(by, text + dropped, cause)

    def _without_session(self, step: Step, worker: Worker) -> Sentence:
        """A living worker loses its session with a database or a lock service."""
        number = self.past.numbers[step.worker]
        locks = [
            spot[0]
            for spot in (*worker.locks, *worker.block_locks)
            if self.ctx.session(spot[0]) == step.subject
        ]
        lost = " and ".join(f"`{name}`" for name in locks)
        lost += f" {'is' if len(locks) == 1 else 'are'} free"
        if any(self.ctx.home(w.name) == step.subject for w in worker.collected):
            lost += ", its open transaction there is rolled back"
        service = step.subject not in self.ctx.design.databases
        words = f"the {step.subject}" if service else self.ctx.design.part_words(step.subject)
        text = f"cuts the session of worker {number} with {words}: {lost}"
        return Sentence(
            "network", f"{text}, while worker {number} goes on and does not know", step.cause
        )

    def _arrival(self, step: Step) -> Sentence:
        """A request that was still on its way."""
        request = f"the request for `{step.subject}` of {self.names.event(step.event)}"
        what = "arrives now" if step.outcome == "done" else "never arrives"
        return Sentence("network", f"{request}, which was still on its way, {what}", step.cause)

    def _message(self, step: Step, before: State) -> Sentence:
        """What happens to a message without a worker."""
        event, queue, cause = self.names.event(step.event), step.queue, step.cause
        self.past.why.pop((step.process, step.event), None)
        match cause:
            case Cause.PUBLISHER_RETRY:
                text = (
                    f"did not see the confirmation of {event} and publishes it to `{queue}` again,"
                    " with the same id"
                )
                return Sentence("publisher", text, cause)
            case Cause.BROKER_COPY:
                return Sentence(
                    "broker", f"makes a second copy of {event} in `{queue}` by itself", cause
                )
            case Cause.REPLAY:
                dead = before.status(step.process, step.event) == "dead" and self._has_dead_letters(
                    queue
                )
                return Sentence(
                    "operator",
                    f"replays {event} {'from the dead-letter queue of' if dead else 'in'}"
                    f" `{queue}`",
                    cause,
                )
            case Cause.REWOUND:
                return Sentence(
                    "consumer",
                    f"commits a lower position: {event} in `{queue}` is to be delivered again",
                    cause,
                )
            case Cause.LATER_COMMIT:
                text = f"commits the position of a later record, which covers {event}"
                return Sentence("consumer", f"{text}: nobody reads it again", None)
            case Cause.RESTARTED:
                text = f"starts again at the committed position: {event} is to be delivered again"
                return Sentence("consumer", text, cause)
            case Cause.LEASE_EXPIRED | Cause.CONNECTION_LOST | Cause.FENCED | Cause.REQUEUED:
                text = f"moves the partition of {event}: its new owner starts at the committed"
                return Sentence("broker", f"{text} position", cause)
            case Cause.BATCH_RETURNED:
                return Sentence(
                    "broker",
                    f"takes {event} back with its batch, because another record of the batch"
                    " failed",
                    cause,
                )
            case Cause.ABORTED_APPEARED:
                text = (
                    f"shows the message about {event} in `{queue}`, although its transaction was"
                    " aborted"
                )
                return Sentence("broker", text, cause)
            case Cause.DEAD_LETTERED:
                limit = self.ctx.design.queues[queue].limit
                end = limit[1] if limit else "dead-letter"
                then = {"drop": "drops it", "stays": "leaves it where it is"}.get(
                    end, "moves it to the dead-letter queue"
                )
                return Sentence(
                    "broker",
                    f"gives {event} up, because `{queue}` limits deliveries, and {then}",
                    cause,
                )
            case Cause.BROKER_LOST:
                text = f"crashes and loses {event} in `{queue}`, which it had confirmed"
                return Sentence("broker", text, cause)
            case Cause.BROKER_RESTARTED:
                text = (
                    f"restarts and has forgotten the acknowledgement of {event} in `{queue}`, which"
                    " was not on disk yet"
                )
                return Sentence("broker", text, cause)
            case _ if before.status(step.process, step.event) == "passed":
                return Sentence(
                    "broker",
                    f"deletes {event} from `{queue}`, where it was passed over: its time is over",
                    cause,
                )
            case _:
                return Sentence(
                    "broker",
                    f"loses {event}: the message vanishes from `{queue}` before any worker sees it",
                    cause,
                )

    def _has_dead_letters(self, queue: str) -> bool:
        limit = self.ctx.design.queues[queue].limit
        return limit is not None and limit[1] == "dead-letter"

    # -- workers

    def _moment(self, step: Step, before: State, after: State, worker: Worker) -> Moment:
        node = self.ctx.at(worker) if worker.todo else None
        return Moment(self.ctx, self.names, self.past, step, before, after, worker, node)

    def _line(self, step: Step, before: State, after: State, worker: Worker) -> Sentence:
        m = self._moment(step, before, after, worker)
        number, key, text = (
            self.past.numbers[step.worker],
            (step.process, step.event),
            handler_words(m),
        )
        self.past.done[number] = place(m)
        if isinstance(m.node, n.Nack | n.SeekBack) and before.status(*key) == "inflight":
            back = "gave it back" if isinstance(m.node, n.Nack) else "went back to it"
            self.past.why[key] = f"worker {number} {back}"
        if isinstance(m.node, n.Acquire) and step.outcome != "held":
            lock = self.ctx.design.locks[m.node.lock.text]
            self.past.owner[self.ctx.spot(lock.name, lock.level, before, worker.event)] = number
        if step.cause is Cause.ACK_LOST:
            self.past.fate[number] = f"the acknowledgement of worker {number} was lost"
        if m.gone:
            failed = "the handler fails" in text
            self.past.fate.setdefault(
                number,
                f"worker {number} {'failed' if failed else 'ended'} without acknowledging it",
            )
            if (
                worker.holds
                and before.status(*key) != after.status(*key)
                and after.status(*key) in ("ready", "returned", "two", "three")
            ):
                self.past.why[key] = self.past.fate[number]
        if before.status(*key) == "inflight" and after.status(*key) == "passed":
            text += f"; {m.event} is passed over, and not committed"
        return Sentence(
            self.who(step.worker, step.process),
            text,
            step.cause if step.cause.is_fault else None,
            m.node,
        )

    def _trouble(self, step: Step, before: State, after: State, worker: Worker) -> Sentence:
        """A worker dies, its last request arrives late, or the broker's patience with it ends."""
        m = self._moment(step, before, after, worker)
        who, number, key = (
            self.who(step.worker, step.process),
            self.past.numbers[step.worker],
            (step.process, step.event),
        )
        request = (
            location if (location := place(m)).startswith("the ") else f"its request {location}"
        )
        if step.outcome == "request lost":
            return Sentence(who, f"is dead, and {request} never arrives", step.cause, m.node)
        if step.cause is Cause.LATE_EFFECT:
            return Sentence(
                who, f"is dead, but {request} arrives now" + _late_result(m), step.cause, m.node
            )
        lost = (
            ", and its acknowledgement was lost"
            if number in self.past.fate
            else " without acknowledging it"
        )
        self.past.fate[number] = f"worker {number} died{lost}"
        if worker.holds:
            self.past.why[key] = self.past.fate[number]
        acked = (
            f"; {self.names.event(step.event)} is acknowledged for it"
            if step.outcome.endswith("acknowledged")
            else ""
        )
        if acked:
            self.past.why.pop(key, None)
        if step.outcome.startswith("request under way"):
            return Sentence(
                who, f"is killed while {request} is under way{acked}", step.cause, m.node
            )
        return Sentence(
            who, f"is killed {self._between(number, m)}{_undone(m)}{acked}", step.cause, m.node
        )

    def _between(self, number: int, m: Moment) -> str:
        last, location = self.past.done.get(number), place(m)
        if last is None:
            begun = (
                "it got the event" if self.ctx.processes[m.worker.process].queue else "it started"
            )
            return f"right after {begun}, before {location}"
        return (
            f"in the middle of {location}"
            if last == location
            else f"after {last} and before {location}"
        )

    # -- what stores, providers and locks forget

    def _memory(self, step: Step, before: State, after: State) -> Sentence:
        name, cause = step.subject, step.cause
        if name in self.ctx.design.databases:
            told = past.goes_back(self.ctx, self.names, name, before, after)
            told += self._rolled_back(name, before, after)
            words = self.ctx.design.part_words(name)
            unnamed = words.startswith("the unnamed")
            return Sentence("database", told if unnamed else f"{words} {told}", cause)
        level, number = ("event", step.event) if step.event >= 0 else ("component", step.component)
        if name in self.ctx.design.effects:
            effect = self.ctx.design.effects[name]
            key = self.names.owner((name, level, number), effect.key_field or effect.key)
            text = f"forgets the key of `{name}` for {key}: it is kept {effect.retention} only"
            return Sentence(self.names.provider(name).removeprefix("the "), text, cause)
        spot: Spot = (name, level, number)
        owner = self.names.owner(spot, self.names.key_of(name))
        if name in self.ctx.design.locks:
            return Sentence("lock", f"`{name}` for {owner} {self._freed(cause, spot)}", cause)
        match cause:
            case Cause.KEY_EXPIRED:
                return Sentence(
                    "store", f"`{name}` drops the row for {owner}: its time to live is over", cause
                )
            case Cause.ROW_LOST:
                return Sentence(
                    "cache",
                    f"`{name}` drops the row for {owner}, as a cache may at any time",
                    cause,
                )
            case Cause.FAILOVER:
                return Sentence(
                    "store",
                    f"`{name}` fails over to a replica that does not have the row for {owner} yet",
                    cause,
                )
            case _:
                raise AssertionError(f"nothing that a store forgets by itself: {step}")

    def _rolled_back(self, database: str, before: State, after: State) -> str:
        """Whose open transactions a failover ends."""
        open_ = {w.number for w in before.workers if w.collected and database not in w.lost}
        over = [w.number for w in after.workers if database in w.lost and w.number in open_]
        names = [self.past.worker(number) for number in over]
        if not names:
            return ""
        several = len(names) > 1
        return (
            f"; the open transaction{'s' * several} of {' and '.join(names)}"
            f" {'are' if several else 'is'} rolled back"
        )

    def _freed(self, cause: Cause, spot: Spot) -> str:
        """Why a lock is free although nobody released it."""
        holder = self._holder_words(spot)
        match cause:
            case Cause.FAILOVER:
                return f"is forgotten in a failover{holder}"
            case Cause.CONNECTION_LOST:
                return "is free: the pool closes the connection that still had it"
            case _:
                return f"expires{holder}"

    def _holder_words(self, spot: Spot) -> str:
        number = self.past.owner.get(spot)
        if number is None:
            return ""
        dead = number in self.past.fate
        return (
            f"; worker {number}, which held it, is gone"
            if dead
            else f" while worker {number}, which holds it, is still running"
        )


def _late_result(m: Moment) -> str:
    if isinstance(m.node, n.Do) and m.ctx.store_of(m.node) is None:
        effect = m.node.effect.text
        if m.before.counts == m.after.counts:
            why = "knows the key" if knows_key(m, effect) else "rejects it"
            return f"; {m.names.provider(effect)} {why} and does nothing"
        return " and takes effect" + again(m, effect)
    return ""


def _undone(m: Moment) -> str:
    """What a death takes along."""
    consequences = ["its open transaction is rolled back"] if m.worker.collected else []
    consequences += [f"the broker drops {boxed_words(m.worker)}"] if m.worker.boxed else []
    consequences += [f"`{spot[0]}` is free again" for spot in m.worker.locks]
    return "".join(f"; {t}" for t in consequences)
