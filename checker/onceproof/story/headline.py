"""The first sentence of a story: what happened to the customer, read off the last state."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from onceproof.interpreter.claims import Judge
from onceproof.interpreter.context import Context
from onceproof.interpreter.rows import passes
from onceproof.interpreter.state import State, Worker
from onceproof.interpreter.waiting import wait_of
from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
from onceproof.story.changes import TIMES, level_spot, participle
from onceproof.story.names import Names
from onceproof.story.steps import at_once


def listed(parts: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


class Headline:
    """Words the end of a run that violates a claim. ``numbers``: the story's numbers of the workers
    alive at the end.

    ``latest``: the events, those that something happened to last first.
    """

    def __init__(
        self, ctx: Context, names: Names, end: State, numbers: dict[int, int], latest: Sequence[int]
    ) -> None:
        self.ctx = ctx
        self.names = names
        self.end = end
        self.numbers = numbers
        self.latest = latest
        self.judge = Judge(ctx)

    def of(self, claim: d.Claim) -> str:
        """The sentence, without a full stop."""
        match claim.kind:
            case "effectively-once":
                return self.of(self.judge.half(claim, self.end))
            case "no-duplicate":
                target = claim.targets[0]
                return self.times(
                    target, self._event(lambda e: self.judge.times(target, self.end, e) > 1), 2
                )
            case "no-loss":
                return self._loss(claim.targets[0])
            case "together":
                return self._apart(*claim.targets)
            case "before":
                return self._order(*claim.targets)
            case "one-worker":
                return self._crowd(claim.targets[0].name.text)
            case "never":
                assert claim.condition is not None
                condition = claim.condition
                event = self._event(lambda e: passes(self.ctx, self.end, condition, e))
                return (
                    f"{self.names.event(event)} got to where it must never be:"
                    f" {self.names.text(claim.condition.span)}"
                )
            case "at-rest-never":
                assert claim.condition is not None
                lasting = claim.condition
                event = self._event(lambda e: passes(self.ctx, self.end, lasting, e))
                return (
                    f"{self.names.event(event)} stays where it must not be for good:"
                    f" {self.names.text(claim.condition.span)}"
                )
            case "no-deadlock":
                return self._waiting(self.judge.deadlocked(self.end))
            case "failure-transparent":
                return self._unlike_any()
            case "recoverable":
                stuck = self.judge.deadlocked(self.end)
                why = f": {self._waiting(stuck)}" if stuck else ""
                return (
                    f"{self.names.event(self._event(lambda e: True))} can no longer be settled"
                    f" without outside help{why}"
                )
            case "eventually-settled":
                return (
                    f"{self.names.event(self._event(lambda e: True))} may never be settled, even if"
                    " nothing fails any more"
                )
        raise ValueError(claim.kind)

    def _event(self, wanted: Callable[[int], bool]) -> int:
        """The event that satisfies a condition; of several, the one that something happened to
        last.
        """
        return next((e for e in self.latest if wanted(e)), 0)

    # -- what happened how often

    def subject(self, target: n.Target, event: int) -> str:
        """``ready_email for event 1``."""
        name = target.name.text + (f".{target.column.text}" if target.column else "")
        return f"{name} for {self.owner(target, event)}"

    def owner(self, target: n.Target, event: int) -> str:
        """Whose it is: an event's, or a business key's."""
        if target.column and self._incremented(target):
            return self.names.event(event)
        return self.names.owner(
            level_spot(self.ctx, target, self.end, event), self.names.key_of(target.name.text)
        )

    def _incremented(self, target: n.Target) -> bool:
        """Whether some line increments a column: then it counts per event."""
        steps = (
            s for p in self.ctx.design.processes for s in walk(p.body) if isinstance(s, n.Increment)
        )
        return any(
            target.column
            and (s.store.text, s.column.text) == (target.name.text, target.column.text)
            for s in steps
        )

    def times(self, target: n.Target, event: int, count: int) -> str:
        """``ready_email for event 1 was sent twice``; ``count`` 0: never, 1: just that it
        happened.
        """
        how = ("never ", "", "")[count], ("", "", " twice")[count]
        if target.name.text in self.ctx.design.effects:
            word = participle(self.ctx.design, target.name.text)
            if word == "happened":
                return f"{self.subject(target, event)} {how[0]}{word}{how[1]}"
            return f"{self.subject(target, event)} was {how[0]}{word}{how[1]}"
        if target.column is not None:
            word = "incremented" if self._incremented(target) else "written"
            return f"{self.subject(target, event)} was {how[0]}{word}{how[1]}"
        row = ("no row", "a row", "a second row")[count]
        return (
            f"{row} for {self.owner(target, event)} was {'ever ' if not count else ''}written to"
            f" {target.name.text}"
        )

    # -- what did not happen

    def _loss(self, target: n.Target) -> str:
        event = self._event(
            lambda e: (
                not self.judge.times(target, self.end, e)
                and self.judge.lacks_for_good(target, self.end, e)
            )
        )
        return f"{self.rest(event)}, and {self.never(target, event)}"

    def never(self, target: n.Target, event: int) -> str:
        """``times`` with a count of 0, for a sentence that has named the event already."""
        words, own = self.times(target, event, 0), f" for {self.names.event(event)} "
        return words.replace(own, " ", 1) if target.name.text in self.ctx.design.effects else words

    def rest(self, event: int) -> str:
        """Why nothing more will come for an event."""
        name = self.names.event(event)
        stuck = [w for w in self.judge.deadlocked(self.end) if w.event == event]
        if stuck:
            return f"{name} gets no further ({self._waiting(stuck)})"
        ends: dict[str, list[str]] = {}
        for process in self.ctx.design.processes:
            if process.queue is not None:
                status = self.end.status(process.name, event)
                if status == "settled" and at_once(self.ctx, process.name):
                    status = "once"
                ends.setdefault(status, []).append(process.queue)
        if ends.keys() & {"ready", "returned", "inflight", "two", "three"}:
            return f"{name} is stuck"
        for status, words in (
            ("lost", "the message of {} was lost{}"),
            ("dead", "{} ended up in the dead-letter queue{}"),
            ("passed", "{} was passed over{}"),
            ("once", "{} is never delivered again{}"),
            ("settled", "{} is acknowledged{}"),
        ):
            if status in ends:
                queue = ends[status][0]
                if status == "lost" and self._ends(queue, "drop"):
                    words = "{} was dropped{}"
                if status == "dead" and not self._ends(queue, "dead-letter"):
                    words = "{} is never delivered again{}"
                of = f" {'of' if 'dead-letter' in words else 'in'} {queue}"
                return words.format(name, of if len(self.ctx.design.queues) > 1 else "")
        return f"{name} is stuck"

    def _waiting(self, workers: Sequence[Worker]) -> str:
        """Who waits for what, and for whom: of these workers, and of those that they wait for."""
        told: dict[int, str] = {}
        ahead = list(workers)
        while ahead:
            worker = ahead.pop(0)
            wait = wait_of(self.ctx, self.end, worker)
            if worker.number in told or wait is None:
                continue
            who = [h for h in wait.holders if h in self.numbers]
            holders = listed([f"worker {self.numbers[h]}" for h in who])
            if not who:
                held = (
                    "which it holds itself" if wait.spot in worker.locks else "which nobody frees"
                )
            else:
                held = f"which {holders} {'has' if len(who) == 1 else 'have'}"
            text = f"worker {self.numbers[worker.number]} waits for `{wait.spot[0]}`, {held}"
            told[worker.number] = text
            ahead += [w for w in self.end.workers if w.number in who]
        return "; ".join(told.values())

    def _ends(self, queue: str, how: str) -> bool:
        """Whether a message that the queue gives up ends in this way."""
        limit = self.ctx.design.queues[queue].limit
        return limit is not None and limit[1] == how

    # -- two things, in some relation

    def _apart(self, first: n.Target, second: n.Target) -> str:
        def apart(e: int) -> bool:
            missing = [t for t in (first, second) if not self.judge.times(t, self.end, e)]
            return len(missing) == 1 and self.judge.lacks_for_good(missing[0], self.end, e)

        event = self._event(apart)
        present, missing = (
            (first, second) if self.judge.times(first, self.end, event) else (second, first)
        )
        return (
            f"{self.times(present, event, 1)}, {self.never(missing, event)}, and nothing more will"
            f" come: {self.rest(event)}"
        )

    def _order(self, first: n.Target, second: n.Target) -> str:
        event = self._event(
            lambda e: (
                self.judge.times(second, self.end, e) > 0
                and not self.judge.times(first, self.end, e)
            )
        )
        return f"{self.times(second, event, 1)}, although {self._not_yet(first, event)}"

    def _not_yet(self, target: n.Target, event: int) -> str:
        if target.name.text in self.ctx.design.effects:
            word = participle(self.ctx.design, target.name.text)
            return (
                f"{self.subject(target, event)} {'had' if word == 'happened' else 'was'} not"
                f" {word} yet"
            )
        if target.column is not None:
            return (
                f"{self.subject(target, event)} was not"
                f" {'incremented' if self._incremented(target) else 'written'} yet"
            )
        return f"no row for {self.owner(target, event)} was in {target.name.text} yet"

    def _unlike_any(self) -> str:
        """How often each effect happened: what no run without failures comes to."""
        event = self.latest[0]
        names = [n.Name(name, effect.span) for name, effect in self.ctx.design.effects.items()]
        counts = [self._often(n.Target(name, None, name.span), event) for name in names]
        over = all(w.event != event for w in self.end.workers)
        way = "ends like that" if over else "comes to that"
        return f"for {self.names.event(event)}, {listed(counts)}: no run without failures {way}"

    def _often(self, target: n.Target, event: int) -> str:
        word, count = (
            participle(self.ctx.design, target.name.text),
            self.judge.times(target, self.end, event),
        )
        was = "" if word == "happened" else "was "
        return (
            f"{target.name.text} {was}never {word}"
            if not count
            else f"{target.name.text} {was}{word} {TIMES[count]}"
        )

    def _crowd(self, section: str) -> str:
        inside: dict[int, list[int]] = {}
        for worker in self.end.workers:
            if not worker.underway and any(f.kind == f"section {section}" for f in worker.todo):
                inside.setdefault(worker.event, []).append(self.numbers[worker.number])
        event, crowd = next(((e, w) for e, w in sorted(inside.items()) if len(w) > 1), (0, [0]))
        return (
            f"workers {' and '.join(map(str, sorted(crowd)))} are in {section} for"
            f" {self.names.event(event)} at the same time"
        )
