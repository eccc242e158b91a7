"""A refutation as a story: what happened to the customer, and how, step by step, in the design's
own words.

``tell`` makes it from a replay, which the independent interpreter has followed on the design
itself. Nothing here comes from the machine.

``headline``: what the violation means for the customer.
``steps``: the words of single lines of a handler; ``atomic``: of several that take effect at once.
``failures``: the words of failing steps on a database. ``past``: of rows as they were.
``environment``: the words of what broker, stores, providers and faults do.
``changes``: what a step made different; ``scene``: everything there is after it.
``names``: how workers, events and rows are called.
``stepper``: a run made by hand.
``outline``: the parts of a design by name, carried in a result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest

from msgspec import Struct
from msgspec.structs import replace

from onceproof.interpreter.context import Context
from onceproof.interpreter.interpreter import Replay
from onceproof.interpreter.trace import Step
from onceproof.lang import design as d
from onceproof.lang.source import Source
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
from onceproof.machine.faults import FAULTS
from onceproof.machine.system import Cause
from onceproof.story.changes import Change, changes
from onceproof.story.environment import Sentence, Teller
from onceproof.story.headline import Headline
from onceproof.story.names import Names

__all__ = ["Change", "Needs", "Story", "StoryStep", "tell"]


class StoryStep(Struct, frozen=True):
    """One step. ``worker`` and ``event`` count from 1 (None: none); ``line`` 0: none; ``fault``:
    the cause's name, if it is one.

    ``text`` continues ``who``; ``source`` is the design's line (in the file ``path``) without
    comment.
    """

    number: int
    cause: Cause
    who: str
    text: str
    fault: str | None
    line: int
    path: str
    source: str
    worker: int | None
    event: int | None
    process: str
    queue: str
    subject: str
    outcome: str
    changes: tuple[Change, ...]


class Needs(Struct, frozen=True):
    """What must come together: workers at the same time, events, business keys, and faults with how
    often each happens.
    """

    workers: int
    events: int
    keys: int
    faults: tuple[tuple[Cause, int], ...]

    @property
    def words(self) -> str:
        """``1 worker at a time, 1 event, 1 crash``."""
        parts = [
            f"{_many(self.workers, 'worker', 'workers')} at a time" if self.workers else "no worker"
        ]
        parts += [_many(self.events, "event", "events")]
        parts += [f"{self.keys} business keys"] if self.keys > 1 else []
        parts += [FAULTS[cause].counted(count) for cause, count in self.faults]
        return ", ".join(parts if self.faults else [*parts, "no fault at all"])


def _many(count: int, singular: str, plural: str) -> str:
    return f"{count} {singular if count == 1 else plural}"


class Story(Struct, frozen=True):
    """A refutation for people. ``given``: what the events are, where that matters. ``steps``: one
    per step of the trace.

    ``path`` is the design's own file; steps of imported fragments lie in others.
    """

    path: str
    headline: str
    given: tuple[str, ...]
    steps: tuple[StoryStep, ...]
    needs: Needs

    @property
    def narrated(self) -> tuple[StoryStep, ...]:
        """The steps worth a sentence, renumbered: a delivery that follows its redelivery says by
        itself why it comes again.
        """
        return tuple(
            replace(self.steps[n - 1], number=i) for i, n in enumerate(self.narrated_numbers, 1)
        )

    @property
    def narrated_numbers(self) -> tuple[int, ...]:
        """The numbers, from 1, that the narrated steps have among all of them."""
        return tuple(
            s.number
            for s, after in zip_longest(self.steps, self.steps[1:])
            if not _said_next(s, after)
        )


def _said_next(step: StoryStep, after: StoryStep | None) -> bool:
    if after is None or step.cause is not Cause.REDELIVERY or step.fault is not None:
        return False
    return after.cause is Cause.DELIVERY and (after.event, after.process) == (
        step.event,
        step.process,
    )


def tell(
    design: d.Design, claim: d.Claim, replay: Replay, sources: Mapping[str, Source] | None = None
) -> Story:
    """The story of a replayed trace that violates ``claim`` at its end. ``sources``: the texts of
    imported files, by path.
    """
    ctx, names = Context.of(design, replay.trace.semantics), Names(design, sources or {})
    teller = Teller(ctx, names)
    steps = []
    attempts: list[tuple[int, bool]] = []
    blocks = _repeated_blocks(design)
    for index, step in enumerate(replay.steps):
        before, after = replay.states[index], replay.states[index + 1]
        sentence = teller.tell(step, before, after)
        own, around = getattr(sentence.node, "retries", 0), blocks.get((step.process, step.line), 0)
        attempts.append((1 + max(own, around), around > 0))
        story_step = _step(names, step, sentence, changes(ctx, names, before, after))
        steps.append(
            replace(story_step, number=index + 1, worker=teller.past.numbers.get(step.worker))
        )
    numbers = {w.number: teller.past.numbers[w.number] for w in replay.states[-1].workers}
    touched = [s.event for s in reversed(replay.steps) if s.event >= 0]
    latest = list(dict.fromkeys([*touched, *range(len(replay.trace.events))]))
    headline = Headline(ctx, names, replay.states[-1], numbers, latest).of(claim)
    needs = _needs(steps, attempts, replay)
    return Story(design.path, headline, _given(design, names, replay), tuple(steps), needs)


def _repeated_blocks(design: d.Design) -> dict[tuple[str, int], int]:
    """How often the block around a line of a process is repeated after a failure."""
    return {
        (process.name, line): block.retries
        for process in design.processes
        for block in walk(process.body)
        if isinstance(block, n.Atomic) and block.retries
        for line in (block.span.line, *(step.span.line for step in walk(block.body)))
    }


def _step(names: Names, step: Step, sentence: Sentence, changed: tuple[Change, ...]) -> StoryStep:
    node = sentence.node
    span = node.span if node is not None else None
    path = span.path if span is not None else names.design.path
    source = names.line(span) if span is not None else names.own_line(step.line)
    fault = sentence.fault.value if sentence.fault is not None else None
    event = step.event + 1 if step.event >= 0 else None
    return StoryStep(
        0,
        step.cause,
        sentence.who,
        sentence.text,
        fault,
        span.line if span is not None else step.line,
        path,
        source,
        None,
        event,
        step.process,
        step.queue,
        step.subject,
        step.outcome,
        changed,
    )


def _given(design: d.Design, names: Names, replay: Replay) -> tuple[str, ...]:
    """What the reader must know of the events: nothing, if there is only one and it has no
    payload.
    """
    facts = []
    for number, event in enumerate(replay.trace.events):
        fields = [f for f, _ in design.events[event.type].payload]
        payload = [f"{f} is {value}" for f, value in event.payload if f in fields]
        key = [
            f"{k} {event.component + 1}"
            for k in design.business_keys
            if k in design.events[event.type].keys
        ]
        if len(replay.trace.events) > 1 or payload:
            of = f" of {' and '.join(key)}" if key else ""
            facts.append(
                f"{names.event(number)}: {event.type}{of}"
                + (f", {' and '.join(payload)}" if payload else "")
            )
    return (*facts, *_not_covered(design, names, replay))


def _not_covered(design: d.Design, names: Names, replay: Replay) -> Iterator[str]:
    """Why an assumption about the retries of an event does not speak of the story's second one."""
    renewed = {q.event for q in design.queues.values() if q.publishing == "new-id"}
    seen: set[tuple[int, str]] = set()
    for number, event in enumerate(replay.trace.events):
        again = (event.component, event.type) in seen
        seen.add((event.component, event.type))
        if again and event.type in renewed and design.assumes("within-key-window"):
            yield (
                f"{names.event(number)} has another id:"
                " `assume retries end within the key window` does not cover it"
            )


ATTEMPTS = (
    Cause.REFUSED,
    Cause.ANSWER_LOST,
    Cause.DATABASE_FAILED,
    Cause.DATABASE_ANSWER_LOST,
)
"""How an attempt fails after which there may be another."""


def _needs(steps: list[StoryStep], attempts: list[tuple[int, bool]], replay: Replay) -> Needs:
    """``attempts``: how often the line of each step is tried, and whether it is part of a block
    that is repeated. When all of them fail, that is one
    fault, the last of them: what is tried stays down.
    """
    workers = max(sum(not w.underway for w in s.workers) for s in replay.states)
    workers = max(workers, 1 if any(s.worker for s in steps) else 0)
    events = {s.event for s in replay.steps if s.event >= 0}
    keys = {s.component for s in replay.steps}
    faults: dict[Cause, int] = {}
    failed: dict[int | None, list[Cause]] = {}
    for step, (tries, in_block) in zip(steps, attempts, strict=True):
        before = failed.pop(step.worker, [])
        if step.fault is None and in_block:
            failed[step.worker] = before  # on the way through a block that is repeated
        is_end = step.cause is Cause.KILLED and step.outcome == "request lost"
        if step.fault is not None and not is_end and step.outcome != "never":
            cause = Cause(step.fault)
            faults[cause] = faults.get(cause, 0) + 1
            if tries > 1 and cause in ATTEMPTS:
                failed[step.worker] = before = [*before, cause]
                if len(before) == tries:
                    for earlier in before[:-1]:
                        faults[earlier] -= 1
                    del failed[step.worker]
    faults = {cause: count for cause, count in faults.items() if count}
    return Needs(workers, max(len(events), 1), len(keys), tuple(faults.items()))
