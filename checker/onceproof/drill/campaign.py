"""Random schedules and faults on a real system, followed by the interpreter and judged by what is
really there.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from onceproof.drill.adapters import DatabaseServer
from onceproof.drill.follower import Follower, Unfollowed
from onceproof.drill.plan import key_of
from onceproof.drill.stage import Actor, Broken, Stage
from onceproof.drill.verdicts import AT_REST, judged, settle
from onceproof.interpreter import Judge
from onceproof.interpreter.oracle import event_sets
from onceproof.interpreter.trace import EventOf
from onceproof.lang.design import Claim, Design
from onceproof.lang.resolve.unmodelled import NOT_MODELLED
from onceproof.lang.source import Source
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause

LENGTH = 36
"""Moves of a run at most."""
CROWD = 3
"""Workers at once at most."""
FAULTS = 3
"""Faults of a run at most."""
MORE = 60
"""Runs that still look for a broken proof after one that the model does not allow."""
RERUNS = 60
"""Runs that shrinking may take."""


class Move(Struct, frozen=True):
    """One thing that the director does. ``worker``: by the order in which they began (-1: none)."""

    kind: str
    worker: int = -1
    name: str = ""
    event: int = -1

    @property
    def is_fault(self) -> bool:
        """Whether it is something that the world does to the design."""
        return self.kind not in ("deliver", "start", "step", "statement")


WORDS = {
    "kill": "worker killed",
    "kill-late": "worker killed with a request under way",
    "refuse": "request refused",
    "silent": "answer lost",
    "before": "connection cut before a request arrived",
    "after": "connection cut before its answer",
    "cut": "connection cut",
    "lease": "lease run out",
    "copy": "message published again",
    "replay": "message replayed",
    "forget": "key expired",
    "terminate": "database session ended",
}
"""Each fault, in words."""


class Oddity(Struct, frozen=True):
    """A run that must not be. ``proved``: the claim that it breaks, "" for a run that the model
    does not allow. ``lines``: the run step by step; ``expected``: what the model would have
    allowed.
    """

    path: str
    semantics: Delivery
    products: tuple[str, ...]
    proved: str
    what: str
    lines: tuple[str, ...]
    expected: tuple[str, ...]
    seed: int
    text: tuple[str, ...]


class Campaign(Struct, frozen=True):
    """Many random runs. ``broken``: claims that were really broken, with the number of runs;
    ``unfollowed``: runs in which too many states were possible.
    """

    runs: int
    seed: int
    steps: int
    faults: tuple[tuple[str, int], ...]
    broken: tuple[tuple[str, int], ...]
    unfollowed: int
    oddity: Oddity | None


class Outcome(Struct, frozen=True):
    """What became of one run. ``contradiction``: what the model does not allow; ``broken``: claims
    with what there is.
    """

    moves: tuple[Move, ...]
    lines: tuple[str, ...]
    contradiction: str
    expected: tuple[str, ...]
    broken: tuple[tuple[str, str], ...]
    unfollowed: bool


class Runner:
    """Does runs on one stage. ``model``: the design that the interpreter follows (the stage's own,
    but in tests).
    """

    def __init__(
        self, stage: Stage, sources: Mapping[str, Source], model: Design | None = None
    ) -> None:
        self.stage = stage
        self.design = stage.plan.design
        self.model = model or self.design
        self.kinds = event_sets(self.design, 2)
        self.nodes = {s.span: s for p in self.design.processes for s in walk(p.body, {})}
        blocks = [s for s in self.nodes.values() if isinstance(s, n.Atomic)]
        self.inner = {
            s
            for b in blocks
            for s in walk(b.body, {})
            if not isinstance(s, n.Ack | n.Nack | n.Publish)
        }
        self.places = {(Path(s.path).resolve(), s.line): node for s, node in self.nodes.items()}
        self.sources = sources

    def node(self, actor: Actor) -> n.Step | None:
        """The line before which a worker stands; None for the acknowledgement of a handler that has
        returned.
        """
        return self.places.get((Path(actor.path).resolve(), actor.line)) if actor.path else None

    def quoted(self, path: str, line: int) -> str:
        """A line as it is written, without its comment; empty if it is not known."""
        for known, source in self.sources.items():
            if Path(known).resolve() == Path(path).resolve() and 0 < line <= len(source.lines):
                return f" `{source.lines[line - 1].split('#', 1)[0].strip()}`"
        return ""

    # -- one run

    def run(self, events: tuple[EventOf, ...], next_move: Callable[[_Run], Move | None]) -> Outcome:
        """One run, its moves chosen by ``next_move`` until it returns None; then everything comes
        to rest.
        """
        run = _Run(self, events)
        run.go(next_move)
        return run.outcome()

    def random(self, seed: int) -> tuple[tuple[EventOf, ...], Outcome]:
        """A random run. The same seed chooses in the same way, as far as the servers do the
        same.
        """
        rng = random.Random(seed)
        kinds = self.kinds if rng.random() < 0.6 else event_sets(self.design, 1)
        events = rng.choices(kinds, [3.0 if len(set(k)) > 1 else 1.0 for k in kinds])[0]
        left = [rng.randint(8, LENGTH), rng.randint(0, FAULTS)]

        def choose(run: _Run) -> Move | None:
            left[0] -= 1
            if left[0] < 0:
                return None
            move = run.pick(rng, left[1] > 0)
            if move is not None and move.is_fault:
                left[1] -= 1
            return move

        return events, self.run(events, choose)

    def again(self, events: tuple[EventOf, ...], moves: Sequence[Move]) -> Outcome:
        """A run with these moves; those that are not possible are left out."""
        rest = iter(moves)

        def choose(run: _Run) -> Move | None:
            return next((m for m in rest if run.is_possible(m)), None)

        return self.run(events, choose)


class _Run:
    """A run under way."""

    def __init__(self, runner: Runner, events: tuple[EventOf, ...]) -> None:
        self.runner = runner
        self.stage = runner.stage
        self.design = runner.design
        self.events = events
        self.follower: Follower | None = Follower(runner.model, self.stage.plan.semantics, events)
        self.actors: list[Actor] = []
        self.done: list[Move] = []
        self.lines: list[str] = []
        self.contradiction = ""
        self.expected: tuple[str, ...] = ()
        self.broken: dict[str, str] = {}
        self.unfollowed = False
        self.idle = 0
        self.waiting: dict[int, str] = {}

    def go(self, next_move: Callable[[_Run], Move | None]) -> None:
        """Make moves, and look after each of them."""
        self.stage.start(self.events)
        while (move := next_move(self)) is not None:
            self._follow(lambda move=move: self._do(move))  # type: ignore[misc]
        self._look()

    def outcome(self) -> Outcome:
        """What became of it."""
        return Outcome(
            tuple(self.done),
            tuple(self.lines),
            self.contradiction,
            self.expected,
            tuple(self.broken.items()),
            self.unfollowed,
        )

    def _follow(self, action: Callable[[], None]) -> None:
        """Do something and let the interpreter follow."""
        try:
            action()
            self._observe()
        except Unfollowed:
            self.follower, self.unfollowed = None, True

    def _observe(self) -> None:
        if self.follower is not None:
            self.follower.observed(self.stage, self.stage.observe())
            self._check("what tables and books hold is not what the model says")
        self._now()

    def _check(self, what: str) -> None:
        """Note that the model does not allow what happened; the run goes on, as a claim may be
        broken by it.
        """
        if self.follower is not None and self.follower.is_lost:
            self.contradiction, self.expected = what, self.follower.possible
            self.lines[-1] += "  ← the model does not allow this"
            self.follower = None

    def _now(self) -> None:
        """Claims that a single moment breaks."""
        for claim in self._claims():
            if (
                claim.kind in ("no-duplicate", "effectively-once", "never", "before", "one-worker")
                and claim.text not in self.broken
            ):
                finding = judged(self.stage, claim, None)
                if finding.broken:
                    self.broken[claim.text] = finding.words

    def _look(self) -> None:
        """Judge the claims after everything has come to rest without faults."""
        before = len(self.stage.actors)
        after = settle(self.stage)
        for index, actor in enumerate(self.stage.actors):
            if index >= before or actor.number in after.stuck:
                self._say(
                    f"afterwards, without faults, worker {index + 1} of `{actor.process}` has"
                    f" event-{actor.event + 1}{_end(actor)}"
                )
        self._now()
        for claim in self._claims():
            if (
                claim.kind not in AT_REST
                or claim.kind == "failure-transparent"
                or claim.text in self.broken
            ):
                continue
            if claim.kind in ("no-loss", "effectively-once") and not self._is_owed(claim):
                continue
            finding = judged(self.stage, claim, after)
            if finding.broken:
                self.broken[claim.text] = finding.words

    def _claims(self) -> Iterator[Claim]:
        semantics = self.stage.plan.semantics
        return (c for c in self.design.claims if not c.semantics or semantics in c.semantics)

    def _is_owed(self, claim: Claim) -> bool:
        """Whether every event of the run can bring about the claim's target by itself."""
        judge = Judge(self.stage.context)
        return all(
            judge.owes(claim.targets[0], EventOf(0, event.type, event.payload), claim.unless)
            for event in self.events
        )

    # -- choosing

    def pick(self, rng: random.Random, faults: bool) -> Move | None:
        """A random move that is possible now; None if nothing is left to do."""
        living = [i for i, a in enumerate(self.actors) if a.is_alive]
        paused = [i for i in living if self.actors[i].state == "paused"]
        moves: list[tuple[float, Move]] = [(4.0, Move("step", i)) for i in paused]
        moves += [(3.0, Move("statement", i)) for i in paused if self._is_inside(self.actors[i])]
        if len(living) < CROWD:
            moves += [(w, m) for w, m in self._beginnings() if self._has_room(m.name)]
        if faults:
            moves += [(0.7, m) for m in self._faults(paused) if self.is_possible(m)]
        if not moves or (not paused and self.idle > 4):
            return None
        return rng.choices([m for _, m in moves], [w for w, _ in moves])[0]

    def _is_inside(self, actor: Actor) -> bool:
        """Whether the next statement is one of a transaction."""
        return actor.is_mid or self.runner.node(actor) in self.runner.inner

    def _has_room(self, process: str) -> bool:
        declared = next(p for p in self.design.processes if p.name == process)
        alive = sum(a.process == process and a.is_alive for a in self.actors)
        return declared.workers is None or alive < declared.workers

    def _beginnings(self) -> Iterator[tuple[float, Move]]:
        for process in self.design.processes:
            if process.queue is not None:
                likely = self.follower is None or self.follower.offers(
                    Cause.DELIVERY, process=process.name
                )
                yield (3.0 if likely else 1.0), Move("deliver", -1, process.name)
                continue
            for event in range(len(self.events)):
                likely = self.follower is not None and self.follower.offers(
                    Cause.START, process=process.name, event=event
                )
                yield (2.0 if likely else 0.3), Move("start", -1, process.name, event)

    def _faults(self, paused: Sequence[int]) -> Iterator[Move]:
        for index in paused:
            for kind in (
                "kill",
                "kill-late",
                "refuse",
                "silent",
                "before",
                "after",
                "cut",
                "lease",
                "terminate",
            ):
                yield Move(kind, index)
        for queue in self.design.queues.values():
            for event, of in enumerate(self.events):
                if queue.is_root and queue.event == of.type:
                    yield Move("copy", -1, queue.name, event)
                    yield Move("replay", -1, queue.name, event)
        for event in range(len(self.events)):
            for effect in self.design.effects.values():
                if effect.key_level is not None and effect.retention is not None:
                    yield Move("forget", -1, effect.name, event)
            for store in self.design.stores.values():
                if "expires" in store.loses:
                    yield Move("forget", -1, store.name, event)

    def is_possible(self, move: Move) -> bool:
        """Whether the move can be made now, and the design does not assume it away."""
        design = self.design
        if move.kind in ("deliver", "start"):
            return sum(a.is_alive for a in self.actors) < CROWD and self._has_room(move.name)
        if move.worker >= 0:
            if move.worker >= len(self.actors) or self.actors[move.worker].state != "paused":
                return False
            return move.kind in ("step", "statement") or self._can_befall(
                self.actors[move.worker], move.kind
            )
        if move.kind == "copy":
            queue = design.queues[move.name]
            allowed = queue.publishing not in ("once", "new-id") and not design.assumes(
                "no-publisher-retries"
            )
            is_documented = queue.model is not None or queue.publishing == "retries"
            return allowed and (is_documented or self._offers(Cause.PUBLISHER_RETRY, move))
        if move.kind == "replay":
            return not design.assumes("no-replay") and self._offers(Cause.REPLAY, move)
        return self._may_forget(move)

    def _offers(self, cause: Cause, move: Move) -> bool:
        return self.follower is None or self.follower.offers(
            cause, queue=move.name, event=move.event
        )

    def _may_forget(self, move: Move) -> bool:
        if self.follower is None:
            return False
        component = self.events[move.event].component
        return self.follower.offers(
            Cause.KEY_EXPIRED, subject=move.name, event=move.event
        ) or self.follower.offers(
            Cause.KEY_EXPIRED, subject=move.name, event=-1, component=component
        )

    def _can_befall(self, actor: Actor, kind: str) -> bool:
        """Whether a fault can happen to this worker where it stands. What the world does is not
        asked of the model, only what the design assumes away.
        """
        design, node = self.design, self.runner.node(actor)
        named = actor.process in self.stage.context.named_crashes
        follower = self.follower
        external = isinstance(node, n.Do) and self.stage.context.store_of(node) is None
        boundary = isinstance(node, n.Publish) or (isinstance(node, n.Ack) and actor.holds)
        if actor.is_mid and kind not in ("kill", "cut", "lease", "terminate", "kill-late"):
            return False
        product = self.stage.queue_product(actor.process)
        match kind:
            case "kill":
                allowed = (
                    follower is None or not named or follower.offers_to(actor.number, Cause.KILLED)
                )
                return not design.assumes("no-crash") and allowed
            case "kill-late":
                late = (
                    external
                    or isinstance(node, n.Publish | n.Atomic)
                    or self._is_single_write(node)
                )
                return (
                    not design.assumes("no-crash")
                    and not named
                    and late
                    and self._over_a_connection(node)
                )
            case "refuse":
                return external and not design.assumes("no-refusals")
            case "silent":
                return external and not design.assumes("no-lost-answers")
            case "before":
                assumed = (
                    design.assumes("no-lost-acks")
                    if isinstance(node, n.Ack)
                    else design.assumes("no-refusals")
                )
                return (
                    boundary
                    and not assumed
                    and self._can_lose(actor)
                    and self._carrier(actor, node) in actor.links
                )
            case "after":
                asks = isinstance(node, n.Publish) or (
                    isinstance(node, n.Ack) and node.or_else is not None
                )
                assumed = design.assumes("no-lost-answers")
                return (
                    asks
                    and not assumed
                    and self._can_lose(actor)
                    and self._carrier(actor, node) in actor.links
                )
            case "cut":
                return actor.holds and product in actor.links and self._can_lose(actor)
            case "lease":
                return actor.holds and self._has_lease(actor)
            case "terminate":
                return (
                    bool(actor.sessions)
                    and not design.assumes("no-lost-connections")
                    and self._sessions_matter()
                )
        return False

    def _sessions_matter(self) -> bool:
        """Whether the design has a lock that a session keeps, or the machine knows failing database
        steps and the design does not assume them away.
        """
        if any(not x.expires for x in self.design.locks.values()):
            return True
        return "write clause" not in NOT_MODELLED and not self.design.assumes(
            "no-database-failures"
        )

    def _is_single_write(self, node: n.Step | None) -> bool:
        """A write that is a request of its own, not one of a transaction."""
        return (
            node is not None
            and self.stage.context.store_of(node) is not None
            and node not in self.runner.inner
        )

    def _over_a_connection(self, node: n.Step | None) -> bool:
        if isinstance(node, n.Do) and self.stage.context.store_of(node) is None:
            return True
        if isinstance(node, n.Publish):
            return self.stage.servers[self.stage.plan.queues[node.queue.text]].network
        if isinstance(node, n.Atomic):
            return all(self.stage.servers[p].network for p in self.stage.plan.stores.values())
        store = self.stage.context.store_of(node) if node is not None else None
        return store is not None and self.stage.servers[self.stage.plan.stores[store]].network

    def _carrier(self, actor: Actor, node: n.Step | None) -> str:
        if isinstance(node, n.Publish):
            return self.stage.plan.queues[node.queue.text]
        return self.stage.queue_product(actor.process)

    def _can_lose(self, actor: Actor) -> bool:
        """Whether the worker's connection to its broker may be cut: a product's may always, a
        generic queue's where its model says that a living worker may lose its message.
        """
        queue_name = self.stage.context.processes[actor.process].queue
        if self.design.assumes("no-lost-connections"):
            return False
        if queue_name is None:
            return True
        queue = self.design.queues[queue_name]
        if queue.model is not None:
            return True
        process = self.stage.context.processes[actor.process]
        if self.design.assumes(
            "no-lost-acks"
        ):  # on a connection that is cut, an acknowledgement gets lost
            return False
        return not self.design.within_lease(process) and bool(queue.loses_hold)

    def _has_lease(self, actor: Actor) -> bool:
        product = self.stage.queue_product(actor.process)
        process = self.stage.context.processes[actor.process]
        channel = self.stage.channel(process.queue or "")
        by_time = getattr(self.stage.servers[product], "lease_cause", "lease") == "lease"
        return by_time and channel.leases and not self.design.within_lease(process)

    # -- doing

    def _do(self, move: Move) -> None:
        self.done.append(move)
        if move.kind in ("deliver", "start"):
            self._begin(move)
        elif move.worker >= 0:
            self.idle = 0
            self._worker(move, self.actors[move.worker])
        else:
            self._environment(move)
        self._late_comers()

    def _say(self, text: str) -> None:
        self.lines.append(text)

    def _begin(self, move: Move) -> None:
        wanted = move.event if move.kind == "start" else None
        actor, _ = self.stage.begin(move.name, wanted, 0.0)
        if actor is None:
            self.idle += 1
            self.done.pop()
            return
        self.idle = 0
        self.actors.append(actor)
        mark = " (marked as redelivered)" if actor.again else ""
        what = (
            f"receives event-{actor.event + 1}{mark}"
            if move.kind == "deliver"
            else f"starts for event-{actor.event + 1}"
        )
        self._say(f"worker {len(self.actors)} of `{move.name}` {what}{_standing(actor)}")
        if self.follower is not None:
            assert actor.report is not None
            self.follower.began(actor.number, move.name, actor.event, actor.report.place)
            self._check(f"worker {len(self.actors)} {what}")

    def _worker(self, move: Move, actor: Actor) -> None:
        name = f"worker {move.worker + 1}"
        match move.kind:
            case "kill":
                self._say(f"{name} is killed (SIGKILL) before line {actor.line}")
                self.stage.kill(actor)
                self._died(actor, on_the_way=False)
                return
            case "kill-late":
                self._kill_late(name, actor)
                return
            case "cut":
                product = self.stage.queue_product(actor.process)
                self.stage.cut(actor, product)
                self._was_cut(actor)
                self._say(f"the connection of {name} to {self.stage.servers[product].title} is cut")
                time.sleep(0.1)
                return
            case "lease":
                self.stage.freeze(actor)
                time.sleep(self.stage.lease() + 0.1)
                self.stage.thaw(actor)
                self._say(f"{name} is stopped (SIGSTOP) for longer than its lease")
                return
            case "terminate":
                product = next(iter(actor.sessions))
                self.stage.servers[product].terminate(actor.sessions[product])
                self._say(f"{self.stage.servers[product].title} ends the session of {name}")
                return
            case "refuse" | "silent":
                self.stage.order(actor, move.kind)
            case "before" | "after":
                self.stage.arm(actor, self._carrier(actor, self.runner.node(actor)), move.kind)
                self._was_cut(actor)
        self._step(name, actor, WORDS.get(move.kind, ""), fine=move.kind == "statement")

    def _was_cut(self, actor: Actor) -> None:
        if self.follower is not None:
            self.follower.cut.add(actor.number)

    def _died(self, actor: Actor, on_the_way: bool) -> None:
        if self.follower is not None:
            self.follower.killed(actor.number, on_the_way)
            self._check("the worker's death")

    def _kill_late(self, name: str, actor: Actor) -> None:
        did = self._line(actor)
        if self.follower is not None and not actor.is_mid:
            self.follower.calls(actor.number)
        if not self.stage.launch(actor):
            self._took(name, actor, did, "")
            return
        self._say(
            f"{name} is killed (SIGKILL) while its request of {did} is on the way; the request"
            " arrives later"
        )
        self._died(actor, on_the_way=True)
        self.stage.land(actor, arrives=True)

    def _line(self, actor: Actor) -> str:
        return f"line {actor.line}{self.runner.quoted(actor.path, actor.line)}"

    def _step(self, name: str, actor: Actor, trouble: str, fine: bool) -> None:
        did = self._line(actor)
        if isinstance(self.runner.node(actor), n.Ack):
            actor.holds = False
        if self.follower is not None and not actor.is_mid:
            self.follower.calls(actor.number)
        if not self.stage.go(actor, fine):
            self._say(f"{name} does {did} and waits")
            self.waiting[actor.number] = did
            return
        if actor.is_mid:
            self._say(f"{name} does {did}, and has not committed{_standing(actor)}")
            return
        self._took(name, actor, did, trouble)

    def _took(self, name: str, actor: Actor, did: str, trouble: str) -> None:
        report = actor.report
        assert report is not None
        result = f": {report.outcome}" if report.outcome else ""
        result += f" ({report.detail})" if report.detail else ""
        result += f" [{trouble}]" if trouble else ""
        self._say(f"{name} does {did}{result}{_standing(actor)}")
        if self.follower is not None:
            self.follower.returns(actor.number, report.outcome, report.place)
            answer = f"`{report.outcome or 'done'}`{f' ({report.detail})' if report.detail else ''}"
            self._check(f"{name} is told {answer} at {did}{_standing(actor)}")

    def _late_comers(self) -> None:
        """Workers that waited and have gone on."""
        for index, actor in enumerate(self.actors):
            if actor.state == "busy" and self.stage.poll(actor):
                self._took(
                    f"worker {index + 1}",
                    actor,
                    self.waiting.pop(actor.number, "its line"),
                    "it had waited",
                )

    def _environment(self, move: Move) -> None:
        if move.kind in ("copy", "replay"):
            self.stage.publish(move.name, move.event, replayed=move.kind == "replay")
            if self.follower is not None:
                self.follower.copied.add((move.name, move.event))
            self._say(f"event-{move.event + 1} is published to `{move.name}` once more")
            return
        component = self.events[move.event].component
        if move.name in self.design.effects:
            effect = self.design.effects[move.name]
            assert effect.key_level is not None
            self.stage.forget(
                move.name,
                key_of(
                    self.design, effect.key_level, effect.key_field or "", move.event, component
                ),
            )
            self._say(f"the provider of `{move.name}` drops the key of event-{move.event + 1}")
        else:
            server = self.stage.servers[self.stage.plan.stores[move.name]]
            assert isinstance(server, DatabaseServer)
            server.expire(move.name, self.stage.row_key(move.name, move.event))
            self._say(f"the row of event-{move.event + 1} in `{move.name}` expires")
        if self.follower is not None:
            self.follower.expired(move.name, move.event, component)
            self._check(f"`{move.name}` expires")


def _end(actor: Actor) -> str:
    """How a worker ended that nobody watched step by step."""
    if actor.is_alive:
        return (
            f" and waits for ever before line {actor.line}"
            if actor.state == "paused"
            else " and waits for ever"
        )
    detail = f" ({actor.report.detail})" if actor.report is not None and actor.report.detail else ""
    return f" and {actor.state}{detail}"


def _standing(actor: Actor) -> str:
    report = actor.report
    if report is None:
        return ""
    return (
        f", and {report.end}" if report.at is None else f", and stands before line {report.at[0]}"
    )


# ---------------------------------------------------------------- many runs


class Order(Struct, frozen=True):
    """What a campaign is to do. ``proved``: claims that must not be broken; ``model``: the design
    that the interpreter follows, if it is not the stage's own.
    """

    runs: int
    seed: int
    proved: frozenset[str]
    sources: Mapping[str, Source]
    model: Design | None = None


def campaign(stage: Stage, order: Order, progress: Callable[[int], None] | None = None) -> Campaign:
    """Random runs until one must not be, or all are done."""
    runner = Runner(stage, order.sources, order.model)
    faults: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    steps = unfollowed = done = 0
    last = order.runs
    first: tuple[int, tuple[EventOf, ...], Outcome] | None = None
    while done < last:
        if progress is not None:
            progress(done)
        events, outcome = runner.random(order.seed + done)
        done += 1
        steps += len(outcome.moves)
        unfollowed += outcome.unfollowed
        faults.update(WORDS[m.kind] for m in outcome.moves if m.is_fault)
        broken.update(text for text, _ in outcome.broken)
        if any(text in order.proved for text, _ in outcome.broken):
            first = (done - 1, events, outcome)
            break
        if outcome.contradiction and first is None:
            first = (done - 1, events, outcome)
            last = min(last, done + MORE) if order.proved else done
    odd = _oddity(runner, order.proved, order.seed, first) if first is not None else None
    return Campaign(
        done,
        order.seed,
        steps,
        tuple(sorted(faults.items())),
        tuple(sorted(broken.items())),
        unfollowed,
        odd,
    )


def _oddity(
    runner: Runner,
    proved: frozenset[str],
    seed: int,
    first: tuple[int, tuple[EventOf, ...], Outcome],
) -> Oddity:
    number, events, outcome = first
    claim = next((text for text, _ in outcome.broken if text in proved), "")

    def is_same(other: Outcome) -> bool:
        if claim:
            return any(text == claim for text, _ in other.broken)
        return bool(other.contradiction)

    small = shrunk(runner, events, outcome, is_same)
    what = dict(small.broken)[claim] if claim else small.contradiction
    plan = runner.stage.plan
    return Oddity(
        plan.design.path,
        plan.semantics,
        runner.stage.versions,
        claim,
        what,
        small.lines,
        small.expected,
        seed + number,
        plan.design.lines,
    )


def shrunk(
    runner: Runner,
    events: tuple[EventOf, ...],
    outcome: Outcome,
    is_same: Callable[[Outcome], bool],
) -> Outcome:
    """The same trouble with fewer faults and fewer moves: each is left out in turn, faults first,
    then from the end.
    """
    left = RERUNS
    moves = list(outcome.moves)
    best = outcome
    wanted = True
    while wanted and left > 0:
        wanted = False
        order = sorted(range(len(moves)), key=lambda i: (not moves[i].is_fault, -i))
        for index in order:
            if left <= 0:
                break
            left -= 1
            fewer = moves[:index] + moves[index + 1 :]
            try:
                rerun = runner.again(events, fewer)
            except Broken:
                continue
            if is_same(rerun) and len(rerun.moves) < len(moves):
                moves, best, wanted = list(rerun.moves), rerun, True
                break
    return best
