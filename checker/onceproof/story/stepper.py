"""A walk through a design by hand: what can happen now, told in the words of a story; take a step,
or go back.

Built on the interpreter that replays stories (``checker/onceproof/interpreter``), so it follows
``docs/semantics.md`` and no engine.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from onceproof.interpreter import Context, Judge, Replay, State, choices, initial, replay
from onceproof.interpreter.oracle import event_sets
from onceproof.interpreter.trace import EventOf, Step, Trace
from onceproof.lang.design import Design
from onceproof.lang.source import Source
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause
from onceproof.story.changes import Change, changes
from onceproof.story.environment import Sentence, Teller
from onceproof.story.names import Names

TROUBLE_LAST = (Cause.HANDLER, Cause.DELIVERY, Cause.START, Cause.REDELIVERY)
"""The order in which steps are offered: what a handler does, what the broker owes, and then every
fault.
"""


class Offer(Struct, frozen=True):
    """Something that can happen now. ``fault``: it is one; ``changed``: what it makes different, in
    words.
    """

    step: Step
    after: State
    who: str
    text: str
    fault: bool
    changed: tuple[Change, ...]

    @property
    def words(self) -> str:
        """``broker delivers event 1 to worker 1``."""
        return f"{self.who} {self.text}"


class Walk(Struct, frozen=True):
    """A run so far: ``states[0]`` is the start, ``states[i + 1]`` follows ``steps[i]``. Every
    method gives another walk.
    """

    design: Design
    semantics: Delivery
    sources: Mapping[str, Source]
    events: tuple[EventOf, ...]
    steps: tuple[Step, ...]
    states: tuple[State, ...]

    @staticmethod
    def start(
        design: Design,
        semantics: Delivery,
        sources: Mapping[str, Source],
        events: int = 1,
        choice: int = 0,
    ) -> Walk:
        """A walk at its start, with so many events of one business key. ``choice`` picks among
        their types and payloads.
        """
        chosen = kinds(design, events)[choice]
        return Walk(design, semantics, sources, chosen, (), (initial(design, semantics, chosen),))

    @staticmethod
    def along(design: Design, trace: Trace, sources: Mapping[str, Source]) -> Walk:
        """The walk of a trace. Raises ``ReplayError`` where the design does not allow it,
        ValueError for unknown events.
        """
        done = replay(design, trace)
        return Walk(design, trace.semantics, sources, trace.events, done.steps, done.states)

    @property
    def now(self) -> State:
        """Where the walk has come to."""
        return self.states[-1]

    @property
    def trace(self) -> Trace:
        """The walk as a trace, to be saved and replayed."""
        return Trace(self.semantics, self.events, self.steps)

    def back(self, steps: int = 1) -> Walk:
        """The walk without its last steps (at most back to the start)."""
        length = max(len(self.steps) - steps, 0)
        return replace(self, steps=self.steps[:length], states=self.states[: length + 1])

    def take(self, offer: Offer) -> Walk:
        """The walk with one more step."""
        return replace(self, steps=(*self.steps, offer.step), states=(*self.states, offer.after))

    def offers(self, workers: int | None = None) -> tuple[Offer, ...]:
        """Everything that can happen now, faults last; at most ``workers`` workers at once."""
        ctx = self._context()
        offers = [self._offer(ctx, step, after) for step, after in choices(ctx, self.now, workers)]
        return tuple(
            sorted(offers, key=lambda o: (o.fault, _rank(o.step), o.step.event, o.step.worker))
        )

    def sentences(self) -> tuple[Sentence, ...]:
        """The steps so far, as sentences."""
        return self._tell(self._context(), self.steps, self.states)

    def last(self) -> tuple[Change, ...]:
        """What the last step changed."""
        if not self.steps:
            return ()
        ctx = self._context()
        return changes(ctx, self._names(), self.states[-2], self.now)

    def situation(self) -> tuple[Change, ...]:
        """Everything that is no longer as at the very beginning: messages, rows, effects, keys,
        locks.
        """
        nothing = State(self.events, ())
        return changes(self._context(), self._names(), nothing, self.now)

    def broken(self) -> tuple[str, ...]:
        """The claims that are violated here."""
        judge = Judge(self._context())
        return tuple(
            c.text
            for c in self.design.claims
            if self._asked(c.semantics) and judge.violated(c, self.now)
        )

    def _asked(self, under: tuple[Delivery, ...]) -> bool:
        return not under or self.semantics in under

    def _context(self) -> Context:
        return Context.of(self.design, self.semantics)

    def _names(self) -> Names:
        return Names(self.design, self.sources)

    def _offer(self, ctx: Context, step: Step, after: State) -> Offer:
        sentence = self._tell(ctx, (*self.steps, step), (*self.states, after))[-1]
        changed = changes(ctx, self._names(), self.now, after)
        return Offer(step, after, sentence.who, sentence.text, sentence.fault is not None, changed)

    def _tell(
        self, ctx: Context, steps: tuple[Step, ...], states: tuple[State, ...]
    ) -> tuple[Sentence, ...]:
        teller = Teller(ctx, self._names())
        run = Replay(Trace(self.semantics, self.events, steps), steps, states)
        return tuple(
            teller.tell(s, run.states[i], run.states[i + 1]) for i, s in enumerate(run.steps)
        )


def kinds(design: Design, events: int) -> list[tuple[EventOf, ...]]:
    """Every choice of types and payloads for so many events of one business key."""
    return list(event_sets(design, events))


def _rank(step: Step) -> int:
    return TROUBLE_LAST.index(step.cause) if step.cause in TROUBLE_LAST else len(TROUBLE_LAST)
