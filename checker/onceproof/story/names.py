"""How a story calls things, what it remembers, and one step of a worker as the sentences see it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from onceproof.interpreter.context import Context
from onceproof.interpreter.rows import view
from onceproof.interpreter.state import Spot, State, Worker
from onceproof.interpreter.trace import Step
from onceproof.lang import design as d
from onceproof.lang.source import Source, Span
from onceproof.lang.syntax import ast as n
from onceproof.machine.system import Level

PROTOCOLS = frozenset({"http", "smtp"})
"""Provider models that name a way to talk, not someone to talk to."""


class Names:
    """How a story calls things: numbers from 1, keys by the word the design uses for them."""

    def __init__(self, design: d.Design, sources: Mapping[str, Source]) -> None:
        self.design = design
        self.sources = sources

    def event(self, number: int) -> str:
        """An event by its number in the trace."""
        return f"event {number + 1}"

    def owner(self, spot: Spot, key: str) -> str:
        """Whose row, lock or counter a spot is; ``key`` is the field of a business key."""
        return self.event(spot[2]) if spot[1] == Level.EVENT.value else f"{key} {spot[2] + 1}"

    def key_of(self, name: str) -> str:
        """The field that keys a store, an effect or a lock."""
        declared = (
            self.design.stores.get(name) or self.design.effects.get(name) or self.design.locks[name]
        )
        return declared.key

    def provider(self, effect: str) -> str:
        """Who carries out an external effect; a protocol is nobody."""
        known = self.design.effects[effect].provider
        return known if known and known not in PROTOCOLS else "the provider"

    def line(self, span: Span) -> str:
        """The line of the design a span starts on, without indentation and comment."""
        return self._bare(self._lines(span), span.line)

    def own_line(self, number: int) -> str:
        """A line of the design's own file, without indentation and comment."""
        return self._bare(self.design.lines, number)

    def _bare(self, lines: tuple[str, ...], number: int) -> str:
        return lines[number - 1].split("#", 1)[0].strip() if 0 < number <= len(lines) else ""

    def _lines(self, span: Span) -> tuple[str, ...]:
        return self.sources[span.path].lines if span.path in self.sources else self.design.lines

    def text(self, span: Span) -> str:
        """The part of a line that a span covers."""
        lines = self._lines(span)
        return (
            lines[span.line - 1][span.column - 1 : span.end_column - 1].strip()
            if span.line <= len(lines)
            else ""
        )

    def where(self, span: Span) -> str:
        """A line number; with the file, if it is not the design's own."""
        return f"line {span.line}" + (
            f" of {span.path}" if span.path not in ("", self.design.path) else ""
        )

    def quoted(self, span: Span) -> str:
        """A line as a story quotes it."""
        return f"`{self.line(span)}` ({self.where(span)})"


class Chronicle(Struct):
    """What was told so far and later sentences refer to.

    Workers are counted in the order they start; ``numbers`` maps a trace's identities to that.
    ``done``: the last line each worker finished; ``fate``: how it ended (absent: it runs);
    ``holder``: who got an event's message last; ``why``: why a message is available again;
    ``owner``: who acquired a lock last.
    """

    numbers: dict[int, int] = field(default_factory=dict)
    started: int = 0
    done: dict[int, str] = field(default_factory=dict)
    fate: dict[int, str] = field(default_factory=dict)
    holder: dict[tuple[str, int], int] = field(default_factory=dict)
    why: dict[tuple[str, int], str] = field(default_factory=dict)
    owner: dict[Spot, int] = field(default_factory=dict)

    def worker(self, identity: int) -> str:
        """A worker as the story calls it."""
        return f"worker {self.numbers[identity]}"


class Moment(Struct, frozen=True):
    """One step of a worker: the states around it, the worker before it, its line (None: the end of
    an atomic block).
    """

    ctx: Context
    names: Names
    chronicle: Chronicle
    step: Step
    before: State
    after: State
    worker: Worker
    node: n.Step | None

    @property
    def event(self) -> str:
        """The event's name."""
        return self.names.event(self.worker.event)

    @property
    def who(self) -> str:
        """The worker's name."""
        return self.chronicle.worker(self.step.worker)

    @property
    def seen(self) -> State:
        """What the worker sees."""
        return view(self.ctx, self.before, self.worker)

    @property
    def gone(self) -> bool:
        """Whether the worker is over with this step."""
        return all(w.number != self.worker.number for w in self.after.workers)

    def row(self, store: str) -> str:
        """``row for event 1``, for a store of the design."""
        spot = self.ctx.row(store, self.before, self.worker.event)
        return f"row for {self.names.owner(spot, self.names.key_of(store))}"
