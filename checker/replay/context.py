"""A design under one choice of semantics, with the questions the interpreter asks about it again and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checker import design as d
from checker.machine import Level
from checker.replay.state import Frame, Spot, State, Worker
from checker.syntax import nodes as n

ATOMIC = "atomic"
"""Kind of the block of an atomic step; a serializable one is ``atomic serializable``, a section is ``section NAME``."""

WRITES = (n.SetColumn, n.Add, n.Insert, n.UpdateIf, n.Increment, n.Delete)


@dataclass(frozen=True, slots=True)
class Context:
    """A design, read once.

    ``blocks``: every block of every handler, numbered so that continuations are small values; ``headers``: the lines above them.
    ``counted``: stores and columns that claims speak about. ``named_crashes``: processes killed only at named places.
    ``loose``: consumers of whose messages the broker remembers only the status.
    """

    design: d.Design
    choice: n.Semantics
    processes: dict[str, d.Process]
    blocks: tuple[tuple[n.Step, ...], ...]
    headers: tuple[int, ...]
    numbers: dict[int, int]
    counted: frozenset[str]
    named_crashes: frozenset[str]
    loose: frozenset[str]

    @staticmethod
    def of(design: d.Design, semantics: n.Semantics) -> Context:
        """Read a design once."""
        blocks: list[tuple[n.Step, ...]] = []
        headers: list[int] = []
        for process in design.processes:
            for block, line in ((process.body, process.span.line), *_inner_blocks(process.body)):
                blocks.append(block)
                headers.append(line)
        targets = {t.name.text + (f".{t.column.text}" if t.column else "") for c in design.claims for t in c.targets}
        crashes = {p.name for p in design.processes if any(isinstance(s, n.CrashHere) for s in _all_steps(p.body))}
        if design.assumes("crash-only-after"):
            crashes |= {p.name for p in design.processes}
        loose = {p.name for p in design.processes if p.queue and _is_loose(design, p, semantics)}
        numbers = {id(b): i for i, b in enumerate(blocks)}
        return Context(
            design, semantics, {p.name: p for p in design.processes}, tuple(blocks), tuple(headers), numbers,
            frozenset(targets - set(design.effects)), frozenset(crashes), frozenset(loose),
        )  # fmt: skip

    # -- queues

    def semantics(self, queue: str) -> n.Semantics:
        """What a queue promises in this reading of the design."""
        return self.design.queues[queue].semantics or self.choice

    def promises(self, process: str) -> n.Semantics | None:
        """What the queue of a consumer promises; None for a relay."""
        queue = self.processes[process].queue
        return self.semantics(queue) if queue else None

    def groups(self, queue: str) -> Iterator[d.Process]:
        """The consumers that read a queue."""
        return (p for p in self.design.processes if p.queue == queue)

    def tracks_holders(self, process: str) -> bool:
        """Whether the broker tracks this consumer's messages by holder (see "held" in docs/semantics.md)."""
        return self.promises(process) not in (None, n.Semantics.AT_MOST_ONCE) and process not in self.loose

    def holds(self, process: str) -> bool:
        """Whether this consumer's workers hold their messages: its deaths set something going."""
        return self.tracks_holders(process) and self.processes[process].ack != "delivery"

    def again(self, process: str) -> str:
        """The status of a message that comes back from a worker."""
        queue = self.processes[process].queue
        limited = queue and self.design.queues[queue].limit and self.tracks_holders(process)
        return "returned" if limited else "ready"

    # -- keys

    def spot(self, name: str, level: Level, state: State, event: int) -> Spot:
        """The place of ``name`` for an event: its own, or its business key's."""
        return (name, level.value, event if level is Level.EVENT else state.events[event].component)

    def row(self, store: str, state: State, event: int) -> Spot:
        """An event's row in a store."""
        return self.spot(store, self.design.stores[store].level, state, event)

    def is_payload(self, process: str | None, name: str) -> bool:
        """Whether a name in a condition of this process (None: of a claim) is a payload field; else it is a local variable."""
        types = self.processes[process].events if process else tuple(self.design.events)
        return any(name == f for t in types for f, _ in self.design.events[t].payload)

    # -- handlers

    def at(self, worker: Worker) -> n.Step | None:
        """The line a worker is at; None at the end of a block."""
        frame = worker.todo[-1]
        block = self.blocks[frame.block]
        return block[frame.at] if frame.at < len(block) else None

    def enter(self, block: tuple[n.Step, ...], kind: str = "") -> tuple[Frame, ...]:
        """The frame for executing a block (none for an empty one)."""
        return (Frame(self.numbers[id(block)], 0, kind),) if block else ()

    def end(self, frame: Frame) -> Frame:
        """A block with nothing left to do but to leave it."""
        return frame._replace(at=len(self.blocks[frame.block]))

    def line(self, worker: Worker) -> int:
        """The line of a worker's next step: the consumer's for an ack on return, the block's for a commit after a stop point."""
        if not worker.todo:
            return self.processes[worker.process].span.line
        step = self.at(worker)
        return step.span.line if step else self.headers[worker.todo[-1].block]

    def is_boxed(self, worker: Worker, step: n.Step) -> bool:
        """Whether a line is collected by the broker until the ack: it takes no step of its own."""
        if self.promises(worker.process) is not n.Semantics.EXACTLY_ONCE or not self.holds(worker.process):
            return False
        store = self.store_of(step)
        return isinstance(step, n.Publish) or (store is not None and self.design.stores[store].inside is not None)

    def store_of(self, step: n.Step) -> str | None:
        """The store a line writes to; an effect ``in`` a store writes to it."""
        if isinstance(step, WRITES):
            return step.store.text
        return self.design.effects[step.effect.text].store if isinstance(step, n.Do) else None

    def is_collected(self, worker: Worker, step: n.Step) -> bool:
        """Whether a line is part of a run of lines of an atomic block."""
        kind = worker.block_kind(ATOMIC)
        if not kind:
            return False
        if kind != ATOMIC and isinstance(step, n.If | n.Let):
            return True
        return self.store_of(step) is not None or (isinstance(step, n.Let) and isinstance(step.value, n.Constant))

    def exposes(self, effect: str) -> bool:
        """Whether workers may be killed right after this effect although they may not elsewhere."""
        return any(a.kind == "crash-only-after" and a.effect == effect for a in self.design.assumptions)


def _inner_blocks(steps: tuple[n.Step, ...]) -> Iterator[tuple[tuple[n.Step, ...], int]]:
    for step in steps:
        match step:
            case n.If():
                inner = [(step.body, step.span.line), (step.otherwise, step.span.line)]
            case n.Atomic() | n.Section():
                inner = [(step.body, step.span.line)]
            case n.Insert() | n.UpdateIf() | n.Do():
                inner = [(c.body, c.span.line) for c in step.clauses]
            case _:
                inner = []
        for block, line in inner:
            yield block, line
            yield from _inner_blocks(block)


def _all_steps(steps: tuple[n.Step, ...]) -> Iterator[n.Step]:
    yield from steps
    for block, _ in _inner_blocks(steps):
        yield from block


def _is_loose(design: d.Design, process: d.Process, choice: n.Semantics) -> bool:
    """Whether the broker remembers only a status. Late acks settle unless the queue says ``late ack refused``."""
    assert process.queue is not None
    queue = design.queues[process.queue]
    return (
        (queue.semantics or choice) is n.Semantics.AT_LEAST_ONCE
        and queue.late_ack != "refused"
        and queue.limit is None
        and not design.assumes("within-lease")
        and not any(isinstance(s, n.Ack) and s.or_else for s in _all_steps(process.body))
    )
