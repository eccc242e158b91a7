"""A story as a sequence diagram, in no particular notation: who stands beside whom, and one row per
step.

Mermaid, the plain text lanes and the picture in the report are all drawn from this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from onceproof.machine.system import Cause
from onceproof.report.story_groups import StoryGroup
from onceproof.story import StoryStep
from onceproof.story.names import PROTOCOLS
from onceproof.story.outline import Outline

_QUOTED = re.compile(r"`([^`]+)`")


class Kind(Enum):
    """What stands at the head of a lane."""

    PUBLISHER = "publisher"
    OPERATOR = "operator"
    BROKER = "broker"
    WORKER = "worker"
    STORE = "store"
    LOCK = "lock"
    PROVIDER = "provider"


class Lane(Struct, frozen=True):
    """One lane: ``name`` as people call it, ``detail`` beside it (a worker's handler, a provider's
    protocol).
    """

    kind: Kind
    name: str
    detail: str = ""

    @property
    def title(self) -> str:
        """``worker 1 (mailer)``."""
        return f"{self.name} ({self.detail})" if self.detail else self.name


class Way(Enum):
    """How a row is drawn."""

    CALL = "call"  # an arrow to another lane
    LOST = "lost"  # an arrow that does not arrive
    ANSWER_LOST = "answer lost"  # it arrives, and the answer does not
    REFUSED = "refused"  # it arrives, and nothing happens
    LATE = "late"  # sent by a worker that is dead by now
    NOTE = "note"  # something happens on one lane
    CRASH = "crash"  # a lane ends


class Mark(Struct, frozen=True):
    """One row: ``number`` of the step, lane numbers from and to (equal: on one lane), further lanes
    touched, the label.

    ``fault``: it is one. ``effect``: 1 for the first time a counted effect happens, 2 for the time
    too many, else 0.
    """

    number: int
    way: Way
    start: int
    end: int
    also: tuple[int, ...]
    label: str
    fault: bool
    effect: int
    ends_lane: bool

    @property
    def is_second(self) -> bool:
        """Whether an effect happens the time too many here."""
        return self.effect == 2


class Chart(Struct, frozen=True):
    """Lanes from left to right and rows from top to bottom."""

    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]


ANSWERS = {Way.ANSWER_LOST: "the answer is lost", Way.REFUSED: "refused"}
"""What comes back where a call is answered in a way worth a line."""
SECOND = "a second time"
"""Beside an effect that happens the time too many."""
LEFT = {Cause.PUBLISHER_RETRY: Kind.PUBLISHER, Cause.REPLAY: Kind.OPERATOR}
"""Who publishes to the broker besides workers."""

LABELS = {
    Cause.PUBLISHER_RETRY: "publishes {event} again",
    Cause.REPLAY: "replays {event}",
    Cause.BROKER_COPY: "copies {event}",
    Cause.DEAD_LETTERED: "gives {event} up",
    Cause.VANISHED: "loses {event}",
    Cause.LEASE_EXPIRED: "lease runs out",
    Cause.REDELIVERY: "{event} is ready again",
    Cause.KEY_EXPIRED: "forgets",
    Cause.ROW_LOST: "loses the row",
    Cause.FAILOVER: "fails over",
    Cause.LOCK_EXPIRED: "expires",
}
"""What the environment does, in as few words as a diagram has room for."""


def chart(group: StoryGroup) -> Chart:
    """The diagram of a story."""
    about = {name for cell, _ in group.cells for name in cell.effect.split(" and ") if name}
    return _Charter(group.outline, group.narrative.story.narrated, about).chart()


def _without(mark: Mark, lane: int) -> Mark:
    """A row after a lane that it does not touch was taken away."""
    start, end, *also = (n - (n > lane) for n in (mark.start, mark.end, *mark.also))
    return replace(mark, start=start, end=end, also=tuple(also))


class _Charter:
    """Finds out which lanes there are, then draws the steps on them."""

    def __init__(self, outline: Outline, steps: tuple[StoryStep, ...], about: set[str]) -> None:
        self.outline = outline
        self.about = about
        self.steps = steps
        self.left: dict[Lane, None] = {}
        self.workers: dict[int, Lane] = {}
        self.right: dict[Lane, None] = {}
        self.broker = Lane(Kind.BROKER, "broker")
        self.ends = {s.worker: s.number for s in steps if s.worker is not None}

    def chart(self) -> Chart:
        """Lanes in reading order: outsiders, the broker, the workers as they come, what they
        use.
        """
        for step in self.steps:
            self._meet(step)
        order = sorted(
            self.right, key=lambda lane: (lane.kind is Kind.PROVIDER, lane.kind is Kind.LOCK)
        )
        lanes = (*self.left, self.broker, *self.workers.values(), *order)
        numbers = {lane: i for i, lane in enumerate(lanes)}
        marks = tuple(self._mark(step, numbers) for step in self.steps)
        broker = numbers[self.broker]
        if any(broker in (m.start, m.end, *m.also) for m in marks):
            return Chart(lanes, marks)
        return Chart(
            lanes[:broker] + lanes[broker + 1 :], tuple(_without(m, broker) for m in marks)
        )

    def _meet(self, step: StoryStep) -> None:
        if step.cause in LEFT:
            self.left.setdefault(Lane(LEFT[step.cause], LEFT[step.cause].value))
        if step.worker is not None and step.worker not in self.workers:
            several = len(self.outline.processes) > 1
            self.workers[step.worker] = Lane(
                Kind.WORKER, f"worker {step.worker}", step.process if several else ""
            )
        for lane in self._used(step):
            self.right.setdefault(lane)

    def _used(self, step: StoryStep) -> Iterator[Lane]:
        """The stores, locks and providers that a step has to do with, by the names it quotes."""
        if step.cause in (
            Cause.KILLED,
            Cause.DELIVERY,
            Cause.START,
            Cause.REDELIVERY,
            Cause.LEASE_EXPIRED,
        ):
            return
        quoted = [q.split(".")[0] for q in _QUOTED.findall(step.text)]
        changed = [
            c.what.split(" ")[0].split(".")[0]
            for c in step.changes
            if c.kind in ("row", "column", "lock")
        ]
        late = [
            effect.name
            for effect in self.outline.effects
            if step.cause is Cause.LATE_EFFECT and effect.name in step.source.split()
        ]
        for name in dict.fromkeys([step.subject, *quoted, *changed, *late]):
            lane = self._lane_of(name)
            if lane is not None:
                yield lane

    def _lane_of(self, name: str) -> Lane | None:
        effect = self.outline.effect(name)
        if effect is not None and effect.store:
            return Lane(Kind.STORE, effect.store)
        if effect is not None:
            provider = effect.provider
            if provider in PROTOCOLS or not provider:
                return Lane(Kind.PROVIDER, "provider", provider)
            return Lane(Kind.PROVIDER, provider)
        if name in self.outline.stores:
            return Lane(Kind.STORE, name)
        return Lane(Kind.LOCK, name) if name in self.outline.locks else None

    # -- rows

    def _mark(self, step: StoryStep, numbers: dict[Lane, int]) -> Mark:
        broker = numbers[self.broker]
        own = numbers[self.workers[step.worker]] if step.worker is not None else broker
        used = [numbers[lane] for lane in dict.fromkeys(self._used(step))]
        way, start, end = self._route(step, own, broker, used)
        if step.cause in LEFT:
            start = numbers[Lane(LEFT[step.cause], LEFT[step.cause].value)]
        last = step.worker is not None and self.ends[step.worker] == step.number
        over = last and (
            step.cause in (Cause.KILLED, Cause.LATE_EFFECT) or "the handler" in step.text
        )
        also = tuple(n for n in used if n not in (start, end)) if way is Way.CALL else ()
        return Mark(
            step.number,
            way,
            start,
            end,
            also,
            self._label(step),
            step.fault is not None,
            self._effect(step),
            over,
        )

    def _route(
        self, step: StoryStep, own: int, broker: int, used: list[int]
    ) -> tuple[Way, int, int]:
        match step.cause:
            case Cause.DELIVERY:
                return Way.CALL, broker, own
            case Cause.KILLED:
                return Way.CRASH, own, own
            case Cause.PUBLISHER_RETRY | Cause.REPLAY:
                return Way.CALL, broker, broker
            case Cause.LATE_EFFECT:
                return (
                    (Way.LOST if step.outcome == "request lost" else Way.LATE),
                    own,
                    (used or [broker])[0],
                )
            case Cause.ACK_LOST:
                return Way.LOST, own, broker
            case Cause.HANDLER | Cause.ANSWER_LOST | Cause.REFUSED | Cause.VANISHED if step.line:
                target = broker if self._to_broker(step) else used[0] if used else own
                ways = {
                    Cause.ANSWER_LOST: Way.ANSWER_LOST,
                    Cause.REFUSED: Way.REFUSED,
                    Cause.VANISHED: Way.LOST,
                }
                return ways.get(step.cause, Way.CALL if target != own else Way.NOTE), own, target
            case Cause.KEY_EXPIRED | Cause.ROW_LOST | Cause.FAILOVER | Cause.LOCK_EXPIRED:
                return Way.NOTE, (used or [broker])[0], (used or [broker])[0]
            case Cause.START:
                return Way.NOTE, own, own
            case _:
                return Way.NOTE, broker, broker

    def _to_broker(self, step: StoryStep) -> bool:
        return step.subject in self.outline.queues or step.source.split(" ")[0] in (
            "ack",
            "nack",
            "publish",
        )

    def _label(self, step: StoryStep) -> str:
        event = f"event {step.event}" if step.event is not None else "it"
        if step.cause is Cause.DELIVERY:
            return event + (" again" if f"{event} again" in step.text else "")
        if step.cause is Cause.START:
            return "starts"
        if step.cause is Cause.KILLED:
            return (
                "killed, its request is under way"
                if step.outcome == "request under way"
                else "killed"
            )
        if step.cause is Cause.REDELIVERY and step.fault:
            return LABELS[Cause.LEASE_EXPIRED]
        if step.cause in LABELS and not step.line:
            return LABELS[step.cause].format(event=event)
        source = "one transaction" if step.outcome.startswith("commit") else step.source
        if step.source.startswith("if "):
            return f"{source}: {step.outcome}" if step.outcome in ("yes", "no") else source
        troubled = step.fault or step.outcome in (
            "duplicate",
            "conflict",
            "held",
            "rejected",
            "refused",
        )
        why = step.outcome or "lost"
        return f"{source}: {why}" if troubled and why not in ("done", "lost") else source

    def _effect(self, step: StoryStep) -> int:
        """Whether something that the claims are about happens: for the first time, or once too
        often.
        """
        counted = [c for c in step.changes if c.kind in ("effect", "writes")]
        words = {c: c.what.removeprefix("writes of ").split(" ")[0] for c in counted}
        outcomes = [c.after for c in counted if not self.about or words[c] in self.about]
        return 2 if any("twice" in after for after in outcomes) else 1 if outcomes else 0
