"""Why it breaks: which two workers made it happen twice (or which one left it undone), and what
each guard in their way saw.

Everything is read off a replayed trace; nothing is searched for. It is the story's gist, not
another story.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from msgspec import Struct

from onceproof.interpreter import Context, Judge, Replay, State
from onceproof.interpreter.context import conjunctions
from onceproof.interpreter.state import Worker, look
from onceproof.lang.design import Claim, Design
from onceproof.lang.source import Source
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
from onceproof.machine.system import Cause, Level
from onceproof.story import Story, StoryStep, tell
from onceproof.story.changes import participle
from onceproof.story.headline import listed


class Act(Struct, frozen=True):
    """A step that made the effect happen, or settled the message. ``step``: its number in the
    story; ``worker`` counts from 1.
    """

    step: int
    worker: int | None
    line: int
    text: str


class Saw(Struct, frozen=True):
    """A guard and what it saw. ``test``: as written; ``text``: what came of it; ``why``: why it saw
    that, if that is known.
    """

    step: int
    worker: int | None
    line: int
    test: str
    text: str
    why: str


class Blame(Struct, frozen=True):
    """The gist of a refutation. ``acts``: the two times it happened, or what ended the message.
    ``guards``: what the last worker looked at before; ``sentences``: the same in words.
    """

    claim: str
    kind: str
    acts: tuple[Act, ...]
    guards: tuple[Saw, ...]
    sentences: tuple[str, ...]


def blame(
    design: Design, claim: Claim, replay: Replay, sources: Mapping[str, Source] | None = None
) -> Blame | None:
    """The gist of a replayed trace that violates a claim of no duplicate or no loss at its end;
    None for other claims.
    """
    ctx = Context.of(design, replay.trace.semantics)
    claim = Judge(ctx).half(claim, replay.states[-1])
    if claim.kind not in ("no-duplicate", "no-loss"):
        return None
    explanation = _Explanation(
        ctx,
        claim,
        replay,
        tell(design, claim, replay, sources),
    )
    return explanation.twice() if claim.kind == "no-duplicate" else explanation.never()


class _Explanation(Struct, frozen=True):
    """One trace with everything that is looked up in it."""

    ctx: Context
    claim: Claim
    replay: Replay
    story: Story

    # -- twice

    def twice(self) -> Blame | None:
        """The two steps that made the effect happen, and what stood before the second one."""
        target = self.claim.targets[0]
        judge, end = Judge(self.ctx), self.replay.states[-1]
        event = next((e for e in range(len(end.events)) if judge.times(target, end, e) > 1), None)
        if event is None:
            return None
        counts = [judge.times(target, state, event) for state in self.replay.states]
        occurrences = [i for i, (a, b) in enumerate(pairwise(counts)) if b > a]
        if len(occurrences) != 2:
            return None
        acts = tuple(self._act(i) for i in occurrences)
        guards = tuple(self._guards(occurrences[1], occurrences[0]))
        done = (
            participle(self.ctx.design, target.name.text)
            if target.name.text in self.ctx.design.effects
            else "written"
        )
        name = target.name.text + (f".{target.column.text}" if target.column else "")
        return Blame(
            self.claim.text,
            self.claim.kind,
            acts,
            guards,
            tuple(self._twice_words(name, done, acts, guards)),
        )

    def _twice_words(
        self, name: str, done: str, acts: tuple[Act, ...], guards: tuple[Saw, ...]
    ) -> Iterator[str]:
        first, second = acts
        if first.worker == second.worker:
            where = f"in step {first.step} and again in step {second.step} (line {second.line})"
            yield f"`{name}` was {_was(done)} twice by worker {first.worker}, {where}."
        else:
            yield (
                f"`{name}` was {_was(done)} by worker {first.worker} (line {first.line}, step"
                f" {first.step}) and again by worker {second.worker} (line {second.line}, step"
                f" {second.step})."
            )
        yield from (self._guard_words(g) for g in guards)
        yield from self._forgotten()
        if not guards:
            yield (
                f"Nothing that worker {second.worker} looks at before line {second.line} tells it"
                " that this has been done."
            )

    def _forgotten(self) -> Iterator[str]:
        """A provider that no longer knows the key."""
        for index, step in enumerate(self.story.steps):
            if step.cause is Cause.KEY_EXPIRED and step.subject in self.ctx.design.effects:
                yield f"{_sentence(step)} (step {self._number(index)})."

    # -- never

    def never(self) -> Blame | None:
        """What ended the message, and what turned each worker away before the effect."""
        ended = self._ends()
        event = ended[0] if ended else self._lost()
        if event is None:
            return None
        acts = (self._act(ended[1]),) if ended else ()
        guards: list[Saw] = []
        words = [f"{_sentence(self.story.steps[ended[1]])}."] if ended else []
        for number, last in self._last_steps(event):
            words.append(f"{_sentence(last)}.")
            if last.cause is not Cause.KILLED:
                seen = list(self._guards(self._index(last), -1, number))
                guards += seen[-1:]
                words += [self._guard_words(g) for g in seen[-1:]]
        target = self.claim.targets[0]
        name = target.name.text + (f".{target.column.text}" if target.column else "")
        words.append(f"From here nothing leads to `{name}` without outside help.")
        return Blame(
            self.claim.text, self.claim.kind, acts, tuple(guards), tuple(dict.fromkeys(words))
        )

    def _lost(self) -> int | None:
        judge, end, target = Judge(self.ctx), self.replay.states[-1], self.claim.targets[0]
        return next(
            (e for e in range(len(end.events)) if judge.lacks_for_good(target, end, e)), None
        )

    def _ends(self) -> tuple[int, int] | None:
        """The event that lacks the effect, and the last step that settled, lost or gave up its
        message.
        """
        event = self._lost()
        if event is None:
            return None
        for i in range(len(self.replay.steps) - 1, -1, -1):
            before, after = self.replay.states[i], self.replay.states[i + 1]
            for process in self.ctx.processes:
                status = after.status(process, event)
                if (
                    status in ("settled", "passed", "lost", "dead")
                    and before.status(process, event) != status
                ):
                    return event, i
        return None

    def _last_steps(self, event: int) -> Iterator[tuple[int, StoryStep]]:
        """The last step of each worker on the event, worker by worker."""
        last: dict[int, StoryStep] = {}
        for step in self.story.steps:
            if (
                step.worker is not None
                and step.event == event + 1
                and step.cause not in (Cause.DELIVERY, Cause.START)
            ):
                last[step.worker] = step
        yield from sorted(last.items())

    # -- what they have in common

    def _index(self, step: StoryStep) -> int:
        return self.story.steps.index(step)

    def _number(self, index: int) -> int:
        """The number of a step as the story tells it (deliveries swallow their redelivery)."""
        numbered, step = self.story.narrated, self.story.steps[index]
        key = (step.worker, step.line, step.text)
        nth = sum((s.worker, s.line, s.text) == key for s in self.story.steps[:index])
        same = [s.number for s in numbered if (s.worker, s.line, s.text) == key]
        return same[min(nth, len(same) - 1)] if same else step.number

    def _act(self, index: int) -> Act:
        step = self.story.steps[index]
        return Act(self._number(index), step.worker, step.line, step.text)

    def _guards(self, until: int, first: int, number: int | None = None) -> Iterator[Saw]:
        """What the worker of step ``until`` (or worker ``number``) looked at up to there.

        ``first``: the step in which the effect happened first. The last step may itself begin with
        a guard, in one transaction with the effect.
        """
        number = self.story.steps[until].worker if number is None else number
        for i in range(min(until + 1, len(self.story.steps))):
            step, event = self.story.steps[i], self.replay.steps[i].event
            if step.worker != number:
                continue
            if step.cause is Cause.START:
                condition = self.ctx.processes[step.process].condition
                test = (
                    next((t for row in conjunctions(condition) for t in row), None)
                    if condition is not None
                    else None
                )
                yield Saw(
                    self._number(i),
                    number,
                    step.line,
                    step.source,
                    step.text,
                    self._why(i, test, event, (first, number)),
                )
            worker = next(
                (
                    w
                    for w in self.replay.states[i].workers
                    if w.number == self.replay.steps[i].worker
                ),
                None,
            )
            if step.cause is Cause.HANDLER and worker is not None and self._is_guard(worker):
                looked = self._test(worker) or self._node(worker)
                yield Saw(
                    self._number(i),
                    number,
                    step.line,
                    step.source,
                    step.text,
                    self._why(i, looked, event, (first, number)),
                )

    def _node(self, worker: Worker) -> n.Step | None:
        return self.ctx.at(worker) if worker.todo else None

    def _test(self, worker: Worker) -> n.Condition | None:
        """The single test a worker is at."""
        node = self._node(worker)
        if not isinstance(node, n.If):
            return None
        tests = [t for row in conjunctions(node.condition) for t in row]
        return tests[worker.part] if worker.part < len(tests) else None

    def _is_guard(self, worker: Worker) -> bool:
        """Whether the worker's line looks at something that outlives it."""
        match self._node(worker):
            case n.If():
                return not isinstance(self._test(worker), n.NameIs)
            case n.Insert(_, store):
                return self.ctx.design.stores[store.text].unique
            case n.UpdateIf() | n.Acquire():
                return True
            case n.Ack(or_else):
                return or_else is not None
            case _:
                return False

    def _why(
        self,
        index: int,
        test: n.Condition | n.Step | None,
        event: int,
        about: tuple[int, int | None],
    ) -> str:
        """Why a guard saw what it saw: who wrote it, or why nobody had.

        ``about``: when the effect happened first, and who looks.
        """
        first, number = about
        looked = self._looked_at(test, index, event)
        if looked is None:
            return ""
        store, value, own = looked
        values = [value(state) for state in self.replay.states]
        changes = [i for i, (a, b) in enumerate(pairwise(values)) if a != b]
        past, later = [i for i in changes if i < index], [i for i in changes if i >= index]
        later = [i for i in later if self.story.steps[i].worker not in (None, number)]
        if past and values[index] is False:
            return f"the row was there before, and was gone after step {self._number(past[-1])}"
        if past:
            writer = self.story.steps[past[-1]].worker
            return (
                f"worker {writer} wrote it in step {self._number(past[-1])}"
                if writer is not None and writer != number
                else ""
            )
        if own and first >= 0 and self.replay.steps[first].event != event:
            return (
                f"event {event + 1} is another event than event"
                f" {self.replay.steps[first].event + 1}, with a row of its own"
            )
        if later:
            return (
                f"worker {self.story.steps[later[0]].worker} writes it only later, in step"
                f" {self._number(later[0])}"
            )
        return self._never_written(index, store, number)

    def _never_written(self, index: int, store: str, number: int | None) -> str:
        """Somebody else should have written it by now."""
        lines = self._writers(store)
        before = self.story.steps[:index]
        others = sorted({s.worker for s in before if s.worker is not None and s.worker != number})
        if not lines or not others:
            return ""
        where = listed([f"line {line}" for line in lines])
        attempts = [s for s in before if s.worker == others[-1]]
        dead = any(s.cause is Cause.KILLED for s in attempts)
        if any(s.line in lines and s.cause is Cause.REFUSED for s in attempts):
            return f"what worker {others[-1]} tried in {where} was refused"
        tried = [s for s in attempts if s.line in lines and s.cause is not Cause.KILLED]
        if tried and not any(s.line in self._lines_in_transactions() for s in tried):
            return f"what worker {others[-1]} did in {where} left no row of {store}"
        if tried:
            return (
                f"what worker {others[-1]} wrote in {where} was rolled back"
                if dead
                else f"worker {others[-1]} has not committed it"
            )
        return (
            f"worker {others[-1]} {'died before it got to' if dead else 'has not got to'} {where},"
            " which writes it"
        )

    def _lines_in_transactions(self) -> set[int]:
        """The lines inside `atomic` blocks."""
        steps = [s for p in self.ctx.design.processes for s in walk(p.body)]
        blocks = [s for s in steps if isinstance(s, n.Atomic)]
        return {s.span.line for block in blocks for s in walk(block.body)}

    def _looked_at(
        self, test: n.Condition | n.Step | None, index: int, event: int
    ) -> tuple[str, Callable[[State], object], bool] | None:
        """The name of the store or effect a guard is about, how to read it from a state, and
        whether it is the event's own.
        """
        state = self.replay.states[index]
        match test:
            case n.InStore(_, store) | n.Insert(_, store):
                row = self.ctx.row(store.text, state, event)
                return store.text, lambda s: row in s.rows, row[1] == Level.EVENT.value
            case n.ColumnIs(store, column) | n.UpdateIf(store, column):
                _, level, number = self.ctx.row(store.text, state, event)
                cell = (f"{store.text}.{column.text}", level, number)
                return store.text, lambda s: look(s.columns, cell, ""), level == Level.EVENT.value
            case n.Happened(effect):
                spot = self.ctx.spot(
                    effect.text, self.ctx.design.effects[effect.text].level, state, event
                )
                return effect.text, lambda s: look(s.counts, spot, 0), spot[1] == Level.EVENT.value
            case _:
                return None

    def _writers(self, store: str) -> list[int]:
        """The lines that write rows of a store, or make an effect happen."""
        steps = [s for p in self.ctx.design.processes for s in walk(p.body)]
        kinds = n.Add | n.Insert | n.SetColumn | n.UpdateIf | n.Increment
        rows = [s.span.line for s in steps if isinstance(s, kinds) and s.store.text == store]
        return sorted(
            {
                *rows,
                *(s.span.line for s in steps if isinstance(s, n.Do) and s.effect.text == store),
            }
        )

    def _guard_words(self, saw: Saw) -> str:
        why = f": {saw.why}" if saw.why else ""
        line = f"line {saw.line}, " if saw.line else ""
        return f"Worker {saw.worker} {saw.text} ({line}step {saw.step}){why}."


def _was(done: str) -> str:
    """``sent``, ``done``, ``written``; something that happened was called."""
    return "made to happen" if done == "happened" else done


def _sentence(step: StoryStep) -> str:
    who = step.who[0].upper() + step.who[1:] if step.who.startswith("worker") else f"The {step.who}"
    return f"{who} {step.text}" + (
        f" (line {step.line})" if step.line and "line" not in step.text else ""
    )
