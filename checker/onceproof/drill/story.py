"""A counterexample, replayed step by step on real servers; and the same schedule on another design,
for instance its repair.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

from msgspec import Struct

from onceproof.drill.adapters import DatabaseServer, Server
from onceproof.drill.plan import key_of
from onceproof.drill.stage import Actor, Stage
from onceproof.drill.verdicts import AT_REST, Finding, judged, settle
from onceproof.interpreter import Replay, State
from onceproof.interpreter.trace import Step, Trace
from onceproof.lang.design import Claim, Design
from onceproof.lang.source import Source
from onceproof.lang.syntax import ast as n
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause
from onceproof.story import tell

FITTING: Mapping[str, frozenset[str]] = {
    "done": frozenset({"done", "sent", "nothing"}),
    "dropped": frozenset({"done"}),
    "refused": frozenset({"refused", "failed", "no answer"}),
    "lost": frozenset({"no answer", "failed", "sent", "done"}),
    "answer lost": frozenset({"no answer"}),
    "dropped, answer lost": frozenset({"no answer"}),
}
"""What a product may say where the model has this outcome. A lost acknowledgement and a swallowed
publish may look well sent.
"""


class Differs(Exception):
    """The system did something else than the story says. The message is the system's side."""


class CannotShow(Exception):
    """The products at hand have no means for a step. The message says which."""


class Played(Struct, frozen=True):
    """A step that was replayed: the story's words, and what was seen."""

    number: int
    who: str
    text: str
    fault: bool
    seen: str


class StoryRun(Struct, frozen=True):
    """What became of one story. ``result``: ``reproduced``, ``not reproduced`` or ``cannot be
    shown``.

    ``why``: in words of both sides; ``holds``: what mailboxes, ledgers and tables hold now;
    ``notes``: what stood in for what; ``expected``: the design expects the violation;
    ``elsewhere``: the story is another design's.
    """

    claim: str
    semantics: Delivery
    result: str
    why: str
    holds: str
    played: tuple[Played, ...]
    steps: int
    notes: tuple[str, ...]
    expected: bool
    elsewhere: bool = False


class Player:
    """Does the steps of a trace on a stage. ``workers``: the process behind each worker of the
    trace.
    """

    def __init__(self, stage: Stage, trace: Trace) -> None:
        self.stage = stage
        self.trace = trace
        self.workers: dict[int, Actor] = {}
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Something that readers must know, once."""
        if text not in self.notes:
            self.notes.append(text)

    def actor(self, step: Step) -> Actor:
        """The process of the step's worker."""
        return self.workers[step.worker]

    def start(self) -> None:
        """Everything as at the beginning, messages in the order in which the story delivers
        them.
        """
        deliveries = [(s.queue, s.event) for s in self.trace.steps if s.cause is Cause.DELIVERY]
        every = [
            (q.name, e)
            for q in self.stage.plan.design.queues.values()
            for e in range(len(self.trace.events))
        ]
        self.stage.start(self.trace.events, tuple(dict.fromkeys([*deliveries, *every])))

    def perform(self, step: Step, node: n.Step | None = None) -> str:
        """Do a step; what was seen. ``node``: the line of the design, for a worker's step. Raises
        ``Differs`` or ``CannotShow``.
        """
        match step.cause:
            case Cause.DELIVERY | Cause.START:
                return self._begin(step)
            case Cause.KILLED | Cause.LATE_EFFECT:
                return self._end(step)
            case Cause.REDELIVERY | Cause.LEASE_EXPIRED | Cause.CONNECTION_LOST | Cause.REQUEUED:
                return self._part(step)
            case Cause.PUBLISHER_RETRY | Cause.REPLAY | Cause.BROKER_COPY:
                return self._copy(step)
            case Cause.KEY_EXPIRED | Cause.ROW_LOST | Cause.LOCK_EXPIRED:
                return self._expire(step)
            case Cause.VANISHED if step.worker < 0:
                return self._vanish(step)
            case Cause.DEAD_LETTERED:
                actor, _ = self.stage.begin(step.process, step.event, 0.3)
                if actor is not None:
                    raise Differs("the broker delivers the message once more")
                return "the broker does not deliver it any more"
            case (
                Cause.HANDLER | Cause.REFUSED | Cause.ANSWER_LOST | Cause.ACK_LOST | Cause.VANISHED
            ):
                return self._go(step, node)
            case _:
                raise CannotShow(f"the drill has no means to cause `{step.cause.value}`")

    # -- beginning and end of workers

    def _begin(self, step: Step) -> str:
        patience = 0.0
        if step.cause is Cause.DELIVERY:
            patience = self.stage.lease() + 6.0
        actor, why = self.stage.begin(step.process, step.event, patience)
        if actor is None:
            raise Differs(f"no worker of `{step.process}` gets event {step.event + 1}: {why}")
        self.workers[step.worker] = actor
        mark = ", marked as redelivered" if actor.again else ""
        return f"process {actor.pid} has event-{actor.event + 1}{mark}"

    def _end(self, step: Step) -> str:
        actor = self.actor(step)
        if step.cause is Cause.LATE_EFFECT:
            self.stage.land(actor, arrives=True)
            return "the request arrives, and nobody waits for its answer"
        if step.outcome == "request lost":
            self.stage.land(actor, arrives=False)
            return "the request never arrives"
        if step.outcome.startswith("request under way"):
            if not self.stage.launch(actor):
                raise CannotShow(
                    "the request cannot be held back on its way: it does not go over a connection"
                )
            return f"SIGKILL to process {actor.pid}, its request still on the way"
        if step.outcome:
            raise CannotShow(f"a killed worker whose message is {step.outcome}")
        self.stage.kill(actor)
        return f"SIGKILL to process {actor.pid}"

    # -- workers and their messages

    def _part(self, step: Step) -> str:
        """A message is free again: nothing to do if its worker is dead, else the worker loses
        it.
        """
        if step.worker >= 0:
            return self._lose(self.actor(step), step.cause)
        holders = [
            a
            for a in self.stage.living
            if a.holds and a.event == step.event and a.process == step.process
        ]
        losses = [self._lose(a, Cause.LEASE_EXPIRED) for a in holders]
        return "; ".join(losses) or "its worker is gone"

    def _lose(self, actor: Actor, cause: Cause) -> str:
        product = self.stage.queue_product(actor.process)
        server = self.stage.servers[product]
        by_time = getattr(server, "lease_cause", "lease") == "lease"
        if cause is Cause.LEASE_EXPIRED and by_time:
            self.stage.freeze(actor)
            time.sleep(self.stage.lease() + 0.1)
            self.stage.thaw(actor)
            return (
                f"process {actor.pid} was stopped (SIGSTOP) for longer than the lease of"
                f" {self.stage.lease():g} s"
            )
        if self.stage.cut(actor, product):
            if cause is Cause.LEASE_EXPIRED:
                self.note(
                    f"a cut connection stood in for a lease: {server.title} gives a message back"
                    " when its connection ends"
                )
            return f"the connection of process {actor.pid} to {server.title} was cut"
        raise CannotShow(f"a living worker of {server.title} has no connection that could be lost")

    def _copy(self, step: Step) -> str:
        self.stage.publish(step.queue, step.event, replayed=step.cause is Cause.REPLAY)
        if step.cause is Cause.BROKER_COPY:
            self.note(
                "a message that was published again stood in for a copy of the broker's own, which"
                " nobody can ask for"
            )
        return f"event-{step.event + 1} was published to `{step.queue}` once more"

    def _vanish(self, step: Step) -> str:
        actor, why = self.stage.begin(step.process, step.event, 0.3)
        if actor is None:
            raise Differs(f"there is no message to lose: {why}")
        if actor.holds:
            raise CannotShow("a message that the broker forgets before anybody has seen it")
        self.stage.kill(actor)
        return f"process {actor.pid} had received it, and was killed before its first line"

    def _expire(self, step: Step) -> str:
        stage, design = self.stage, self.stage.plan.design
        if step.cause is Cause.LOCK_EXPIRED:
            seconds = stage.plan.lock_seconds(design.locks[step.subject])
            time.sleep(seconds + 0.1)
            return f"{seconds:g} s passed, the time to live of `{step.subject}`"
        level, field = self._key_of(step.subject)
        key = key_of(design, level, field, step.event, step.component)  # type: ignore[arg-type]
        if step.subject in design.effects:
            stage.forget(step.subject, key)
            return f"the provider's window for {key} ended"
        product = stage.plan.stores[step.subject]
        made = stage.servers[product]
        assert isinstance(made, DatabaseServer)
        made.expire(step.subject, key)
        if step.cause is Cause.ROW_LOST:
            self.note("a deleted row stood in for one that a cache evicts")
        return f"the row of {key} in `{step.subject}` is gone"

    def _key_of(self, subject: str) -> tuple[object, str]:
        design = self.stage.plan.design
        if subject in design.effects:
            effect = design.effects[subject]
            return effect.key_level, effect.key_field or ""
        return design.stores[subject].level, design.stores[subject].key

    # -- lines

    def _go(self, step: Step, node: n.Step | None) -> str:
        actor = self.actor(step)
        jammed = self._trouble(step, node, actor)
        try:
            done = self.stage.go(actor)
        finally:
            if jammed:
                jammed.jam(False)
        if not done:
            raise Differs(f"process {actor.pid} waits{self._waits_for(actor)}")
        report = actor.report
        assert report is not None
        if step.cause in (Cause.HANDLER, Cause.ACK_LOST) and isinstance(node, n.Ack):
            actor.holds = False
        outcome = report.outcome + (f" ({report.detail})" if report.detail else "")
        where = f"before line {report.at[0]}" if report.at is not None else report.end
        return f"{outcome}, {where}" if outcome else where

    def _waits_for(self, actor: Actor) -> str:
        waiting = [p for p, s in actor.sessions.items() if self.stage.servers[p].is_waiting(s)]
        titles = [self.stage.servers[p].title for p in waiting]
        return (
            f": {' and '.join(titles)} says that it is blocked by another session" if titles else ""
        )

    def _trouble(self, step: Step, node: n.Step | None, actor: Actor) -> Server | None:
        """Prepare what goes wrong with the next request; a server that was jammed for it, if one
        was.
        """
        if step.cause is Cause.HANDLER:
            return None
        if isinstance(node, n.Do):
            self.stage.order(actor, "refuse" if step.cause is Cause.REFUSED else "silent")
            return None
        queue = node.queue.text if isinstance(node, n.Publish) else None
        product = (
            self.stage.plan.queues[queue] if queue else self.stage.queue_product(actor.process)
        )
        server = self.stage.servers[product]
        if self.stage.arm(actor, product, "after" if step.cause is Cause.ANSWER_LOST else "before"):
            return None
        if step.cause in (Cause.REFUSED, Cause.ACK_LOST) and server.jam(True):
            return server
        raise CannotShow(
            f"`{step.cause.value}`: {server.title} is called in the worker's own process, and"
            " nothing is lost on the way"
        )


# ---------------------------------------------------------------- the story on its own design


def play(stage: Stage, claim: Claim, replayed: Replay, sources: Mapping[str, Source]) -> StoryRun:
    """Replay a counterexample. The stage must be open."""
    design, trace = stage.plan.design, replayed.trace
    story = tell(design, claim, replayed, sources)
    player = Player(stage, trace)
    player.start()
    played: list[Played] = []
    expected = claim.expected(trace.semantics) == "refuted"

    def over(result: str, why: str, holds: str = "") -> StoryRun:
        return StoryRun(
            claim.text,
            trace.semantics,
            result,
            why,
            holds,
            tuple(played),
            len(replayed.steps),
            tuple(player.notes),
            expected,
        )

    for index, step in enumerate(replayed.steps):
        words = story.steps[index]
        try:
            seen = player.perform(step, _node(stage, replayed.states[index], step))
            _compare(stage, step, replayed.states[index], replayed.states[index + 1], player)
        except Differs as error:
            finding = judged(stage, claim, None)
            why = (
                f"at step {index + 1} the story says: {words.who} {words.text}. On the system:"
                f" {error}"
            )
            return over("not reproduced", why, finding.words)
        except CannotShow as error:
            return over("cannot be shown", f"step {index + 1}, {words.who} {words.text}: {error}")
        played.append(Played(index + 1, words.who, words.text, words.fault is not None, seen))
    rest = settle(stage) if claim.kind in AT_REST else None
    finding = judged(stage, claim, rest, replayed.states[-1])
    if finding.broken:
        return over("reproduced", "", finding.words)
    why = f"every step happened as the story says, and yet the claim is not broken: {finding.words}"
    return over("not reproduced", why, finding.words)


def _node(stage: Stage, state: State, step: Step) -> n.Step | None:
    """The line where the step's worker stands; the ack on return counts as an ``ack``."""
    worker = next((w for w in state.workers if w.number == step.worker), None)
    if worker is None:
        return None
    if not worker.todo:
        return n.Ack(None, stage.context.processes[worker.process].span)
    return stage.context.at(worker)


def _compare(stage: Stage, step: Step, before: State, after: State, player: Player) -> None:
    """Raise ``Differs`` unless the worker of the step stands where the interpreter's does, after
    the same outcome.
    """
    actor = player.workers.get(step.worker)
    if (
        actor is None
        or step.cause in (Cause.KILLED, Cause.LATE_EFFECT)
        or step.worker < 0
        or actor.report is None
    ):
        return
    report = actor.report
    if step.cause not in (Cause.DELIVERY, Cause.START):
        fits = FITTING.get(step.outcome, frozenset({step.outcome}))
        if report.outcome not in fits and not _is_free(stage, before, step):
            detail = f" ({report.detail})" if report.detail else ""
            raise Differs(f"process {actor.pid} is told `{report.outcome or 'done'}`{detail}")
    worker = next((w for w in after.workers if w.number == step.worker), None)
    expected = "gone" if worker is None else f"before line {stage.context.line(worker)}"
    actual = "gone" if report.at is None else f"before line {report.at[0]}"
    if expected != actual:
        detail = (
            f" ({report.outcome}{': ' + report.detail if report.detail else ''})"
            if report.outcome
            else ""
        )
        raise Differs(
            f"process {actor.pid} is {actual if report.at else report.end}, not {expected}{detail}"
        )


def _is_free(stage: Stage, before: State, step: Step) -> bool:
    """Steps whose outcome shows only by where the worker goes: runs of collected lines."""
    worker = next((w for w in before.workers if w.number == step.worker), None)
    if worker is None or not worker.todo:
        return False
    node = stage.context.at(worker)
    return node is None or stage.context.is_collected(worker, node) or not step.outcome


# ---------------------------------------------------------------- the schedule on another design


def play_elsewhere(stage: Stage, claim: Claim, replayed: Replay, original: Design) -> StoryRun:
    """Replay the schedule of another design's counterexample: the same deliveries, the same faults
    beside the same lines.

    A worker goes on until it has passed the line that corresponds to the story's; lines that this
    design does not have are left out. Afterwards everything goes on without faults until nothing
    moves. ``reproduced`` means that this design is broken, too.
    """
    design, trace = stage.plan.design, replayed.trace
    lines = _corresponding(original, design)
    player = Player(stage, trace)
    player.start()
    played: list[Played] = []
    for index, step in enumerate(replayed.steps):
        try:
            seen = _alike(player, step, lines)
        except (Differs, CannotShow) as error:
            seen = f"left out: {error}"
        what = step.cause.value + (f" at line {step.line}" if step.line else "")
        played.append(Played(index + 1, "", what, step.cause.is_fault, seen))
    early: Finding | None = judged(stage, claim, None)
    assert early is not None
    finding = early if early.broken else judged(stage, claim, settle(stage), replayed.states[-1])
    result = "reproduced" if finding.broken else "not reproduced"
    expected = claim.expected(trace.semantics) == "refuted"
    return StoryRun(
        claim.text,
        trace.semantics,
        result,
        "",
        finding.words,
        tuple(played),
        len(replayed.steps),
        tuple(player.notes),
        expected,
        True,
    )


def _corresponding(original: Design, two: Design) -> dict[int, int]:
    """The line of the second design for each line of the first, by what the lines say."""
    first, second = [_bare(x) for x in original.lines], [_bare(x) for x in two.lines]
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    return {b.a + i + 1: b.b + i + 1 for b in blocks for i in range(b.size) if first[b.a + i]}


def _bare(line: str) -> str:
    return line.split("#", 1)[0].strip()


def _alike(player: Player, step: Step, lines: Mapping[int, int]) -> str:
    if step.worker >= 0 and step.cause not in (Cause.DELIVERY, Cause.START):
        actor = player.workers.get(step.worker)
        if actor is None:
            return "there is no such worker"
        if step.cause in (Cause.KILLED, Cause.LATE_EFFECT):
            if actor.state == "killed" or actor.is_alive:
                return player.perform(step)
            return "the worker has ended"
        if not actor.is_alive:
            return "the worker has ended"
        if step.line:
            return _up_to(player, step, actor, lines)
    return player.perform(step)


def _up_to(player: Player, step: Step, actor: Actor, lines: Mapping[int, int]) -> str:
    """Let a worker go on until it has passed the corresponding line."""
    line = lines.get(step.line)
    if line is None:
        return "this design has no such line"
    while actor.state == "paused" and 0 < actor.line < line:
        if not player.stage.go(actor):
            return f"process {actor.pid} waits"
    if actor.state == "busy":
        player.stage.poll(actor)
    if actor.state != "paused" or actor.line != line:
        return f"process {actor.pid} does not come to line {line}"
    return player.perform(step, _step_at(player.stage.plan.design, line))


def _step_at(design: Design, line: int) -> n.Step | None:
    from onceproof.lang.syntax.visit import walk

    return next(
        (s for p in design.processes for s in walk(p.body, {}) if s.span.line == line), None
    )


def of_kind(design: Design, claim: Claim, semantics: Delivery) -> Iterator[Claim]:
    """The claims of a design under ``semantics`` that correspond to one of another design: of the
    same text first, then of the same kind.
    """
    claims = [c for c in design.claims if not c.semantics or semantics in c.semantics]
    yield from (c for c in claims if c.text == claim.text)
    yield from (c for c in claims if c.kind == claim.kind)
