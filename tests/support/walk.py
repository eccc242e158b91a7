"""Walking through a design by hand: choices as short words, one step after the other."""

from __future__ import annotations

from collections.abc import Iterable

from onceproof.interpreter.claims import Judge
from onceproof.interpreter.context import Context
from onceproof.interpreter.interpreter import choices, initial
from onceproof.interpreter.oracle import event_sets, explore
from onceproof.interpreter.state import State, Worker
from onceproof.interpreter.trace import EventOf, Step, Trace
from onceproof.lang.design import Design
from onceproof.lang.load import load_text
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause

MOST, LEAST, EXACTLY = Delivery.AT_MOST_ONCE, Delivery.AT_LEAST_ONCE, Delivery.EXACTLY_ONCE

HEAD = """event E(id, order)
queue q of E
store seen per id, unique
store book per id
  state: new | paid | sent
effect mail per id via http
effect credit per id in book
"""

CALM = (
    "no crash",
    "no replay",
    "no publisher retries",
    "no broker copies",
    "no lost answers",
    "no lost acks",
    "no refusals",
    "no database failures",
)
"""Assumptions that leave nothing but deliveries, redeliveries and leases."""


def design(text: str) -> Design:
    """A design that must load."""
    loaded = load_text(text)
    assert loaded.design is not None, list(loaded.diagnostics)
    return loaded.design


def handler(
    body: str,
    head: str = HEAD,
    assume: Iterable[str] = (),
    claims: Iterable[str] = ("never book.state is sent",),
    trait: str = "",
) -> str:
    """A design with one consumer ``h`` on ``q``; ``body`` is indented for it."""
    lines = [head, *(f"assume {a}" for a in assume), f"consumer h on q{trait}"]
    lines += [f"  {line}" for line in body.strip("\n").split("\n")]
    return "\n".join([*lines, *(f"claim {c}" for c in claims), ""])


class Walk:
    """A run made by hand. Choices are told as ``send mail -> done`` or ``worker-killed ack``;
    ``#1`` marks a worker but 0.
    """

    def __init__(
        self,
        text: str,
        semantics: Delivery = LEAST,
        events: tuple[EventOf, ...] | None = None,
        pool: int | None = 2,
    ) -> None:
        self.design = design(text)
        self.ctx = Context.of(self.design, semantics)
        self.pool = pool
        self.events = events or event_sets(self.design, 1)[0]
        self.state = initial(self.design, semantics, self.events)
        self.steps: list[Step] = []

    def label(self, step: Step) -> str:
        """A step in short words."""
        words = [] if step.cause is Cause.HANDLER else [step.cause.value]
        if step.line:
            words.append(self.design.lines[step.line - 1].split("#")[0].strip())
        elif step.queue or step.cause is Cause.START:
            words.append(step.process)
        told = not step.process or step.cause is Cause.CONNECTION_LOST
        words += [step.subject] if step.subject and told else []
        words += ["->", step.outcome] if step.outcome else []
        words += (
            [f"#{step.worker}"]
            if step.worker > 0 and step.cause not in (Cause.DELIVERY, Cause.START)
            else []
        )
        words += [f"event {step.event}"] if step.event > 0 else []
        return " ".join(words)

    def options(self, *causes: Cause) -> list[str]:
        """What can happen now (of some causes only, if given)."""
        return [
            self.label(s)
            for s, _ in choices(self.ctx, self.state, self.pool)
            if not causes or s.cause in causes
        ]

    def lines(self, failures: bool = False) -> list[str]:
        """What workers can do now; ``failures``: with failing database steps."""
        own = (
            Cause.HANDLER,
            Cause.REFUSED,
            Cause.ANSWER_LOST,
            Cause.ACK_LOST,
            *((Cause.DATABASE_FAILED, Cause.DATABASE_ANSWER_LOST) if failures else ()),
        )
        return [
            self.label(s)
            for s, _ in choices(self.ctx, self.state, self.pool)
            if s.cause in own or (s.line and s.cause is Cause.VANISHED)
        ]

    def go(self, *labels: str) -> Walk:
        """Take these steps."""
        for label in labels:
            found = [
                (s, a)
                for s, a in choices(self.ctx, self.state, self.pool)
                if self.label(s) == label
            ]
            assert len(found) == 1, f"{label!r} not among {self.options()}"
            self.steps.append(found[0][0])
            self.state = found[0][1]
        return self

    @property
    def trace(self) -> Trace:
        """The steps taken."""
        return Trace(self.ctx.choice, self.events, tuple(self.steps))

    @property
    def worker(self) -> Worker:
        """The worker with the lowest number."""
        return self.state.workers[0]

    def status(self, consumer: str = "h", event: int = 0) -> str:
        """The status of a message copy."""
        return self.state.status(consumer, event)

    def count(self, name: str, number: int = 0, level: str = "event") -> int:
        """A counter."""
        return dict(self.state.counts).get((name, level, number), 0)

    def rows(self) -> list[str]:
        """The stores that have a row (of any key)."""
        return [spot[0] for spot in self.state.rows]

    def column(self, name: str, number: int = 0, level: str = "event") -> str:
        """A column that is not at its first value."""
        return dict(self.state.columns).get((name, level, number), "")

    def violated(self) -> list[str]:
        """The claims that the state violates."""
        judge = Judge(self.ctx)
        return [c.text for c in self.design.claims if judge.violated(c, self.state)]


def reached(
    text: str, semantics: Delivery = LEAST, pool: int = 2, events: int = 1, limit: int = 100_000
) -> set[str]:
    """The claims violated in some reachable state, for any choice of events (sharing a business
    key).
    """
    checked = design(text)
    found: set[str] = set()
    for chosen in event_sets(checked, events):
        explored = explore(checked, semantics, chosen, pool, limit)
        assert explored.complete
        found |= {checked.claims[i].text for i in explored.violations}
    return found


def states(text: str, semantics: Delivery = LEAST, pool: int = 2) -> frozenset[State]:
    """Every reachable state with one event."""
    checked = design(text)
    return explore(checked, semantics, event_sets(checked, 1)[0], pool).states
