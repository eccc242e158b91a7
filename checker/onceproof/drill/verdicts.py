"""Claims, judged on what is really there: the provider's book, ledgers, tables, queues and the
workers that are at work.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from msgspec import Struct

from onceproof.drill.stage import Actor, Observed, Stage
from onceproof.interpreter.claims import Judge
from onceproof.interpreter.context import conjunctions
from onceproof.interpreter.state import State
from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.machine.system import Level

AT_REST = (
    "no-loss",
    "effectively-once",
    "together",
    "failure-transparent",
    "recoverable",
    "eventually-settled",
)
"""Claims about what is never made up for: judged after everything has gone on without faults until
nothing moves.
"""
PASSES = 6
"""Rounds of deliveries after which messages that come back again and again are left alone."""


class Rest(Struct, frozen=True):
    """How a run came to rest. ``restless``: messages that came back in every round; ``stuck``:
    workers that wait for ever.
    """

    restless: bool
    stuck: tuple[int, ...]


class Finding(Struct, frozen=True):
    """Whether a claim is broken, and what there is, in words. ``event``: for which one (-1: none in
    particular).
    """

    broken: bool
    words: str
    event: int = -1


def settle(stage: Stage) -> Rest:
    """Let everything go on without faults until nothing moves: workers end, messages are delivered,
    relays start.
    """
    restless, stuck = True, finish(stage)
    for _ in range(PASSES):
        if stuck:
            break
        moved = [a for process in stage.plan.design.processes for a in _once(stage, process)]
        if not moved:
            restless = False
            break
        stuck = finish(stage)
    return Rest(restless and not stuck, stuck)


def _once(stage: Stage, process: d.Process) -> Iterator[Actor]:
    """One worker of a process for whatever there is to do; it runs to its end."""
    if process.queue is None:
        wishes: list[int | None] = list(range(len(stage.events)))
        seconds = 0.0
    else:
        wishes, seconds = [None], _patience(stage, process)
    for wanted in wishes:
        actor, _ = stage.begin(process.name, wanted, seconds)
        if actor is not None:
            yield actor
            finish(stage)


def _patience(stage: Stage, process: d.Process) -> float:
    """Seconds after which a message that a dead worker held has come back, if it comes back."""
    assert process.queue is not None
    product = stage.plan.queues[process.queue]
    if (
        stage.queue_server(process.queue).waiting(process.queue, process.name) == 0
        and product != "rabbitmq"
    ):
        return 0.0
    if product == "redis":
        return stage.plan.settings(product).lease + 0.3
    return 0.05 if product == "sqlite" else 0.3


def finish(stage: Stage, seconds: float = 3.0) -> tuple[int, ...]:
    """Let the workers that are at work run to their ends; those that still wait for each other
    after ``seconds`` are given back.
    """
    idle_since = time.monotonic()
    while living := list(stage.living):
        moved = False
        for actor in living:
            if actor.frozen:
                stage.thaw(actor)
            before = actor.report
            if actor.state == "paused":
                stage.go(actor)
            else:
                stage.poll(actor)
            moved |= actor.report is not before
        if moved:
            idle_since = time.monotonic()
        elif time.monotonic() - idle_since > max(seconds, 2 * stage.lease() + 1):
            return tuple(a.number for a in stage.living)
        else:
            time.sleep(0.05)
    return ()


# ---------------------------------------------------------------- counting


class Eyes:
    """What was observed, asked in the design's terms."""

    def __init__(self, stage: Stage, seen: Observed) -> None:
        self.stage = stage
        self.design = stage.plan.design
        self.seen = seen

    def times(self, target: n.Target, event: int) -> int:
        """How often a target happened for an event."""
        name = target.name.text
        if name in self.design.effects:
            return self.seen.effects.get((name, self.stage.owner(name, event)), 0)
        key = self.stage.row_key(name, event)
        count, columns = self.seen.rows.get((name, key), (0, {}))
        if target.column is None:
            return count
        cell = f"{name}.{target.column.text}"
        written = columns.get(target.column.text) not in (
            None,
            self.design.stores[name].columns[target.column.text][0],
        )
        return max(int(written), self.seen.increments.get((cell, key, event), 0))

    def passes(self, condition: n.Condition, event: int) -> bool:
        """Whether a condition of a claim is true of an event."""
        return any(all(self._test(t, event) for t in row) for row in conjunctions(condition))

    def _test(self, test: n.Condition, event: int) -> bool:
        match test:
            case n.InStore(_, store, negated):
                return (
                    (store.text, self.stage.row_key(store.text, event)) in self.seen.rows
                ) != negated
            case n.ColumnIs(store, column, value, negated):
                return (self.column(store.text, column.text, event) == value.text) != negated
            case n.Happened(effect, negated):
                return (
                    self.seen.effects.get((effect.text, self.stage.owner(effect.text, event)), 0)
                    > 0
                ) != negated
            case n.NameIs(name, value, negated):
                return (
                    dict(self.stage.events[event].payload).get(name.text, d.UNSET) == value.text
                ) != negated
            case n.AllOf() | n.AnyOf():
                return self.passes(test, event)
            case n.Redelivered():
                raise AssertionError("a claim asks for no delivery")

    def column(self, store: str, column: str, event: int) -> str:
        """The value of a column of an event's row; its first value without a row."""
        _, columns = self.seen.rows.get((store, self.stage.row_key(store, event)), (0, {}))
        return columns.get(column, self.design.stores[store].columns[column][0])

    def words(self, target: n.Target, event: int) -> str:
        """What there is of a target, as ``ready_email happened 2 times for event-1``."""
        name = target.name.text
        times = self.times(target, event)
        if name in self.design.effects:
            where = self.design.effects[name].store
            book = f"the ledger of `{where}`" if where else "the provider's book"
            return f"{book} has `{name}` {_times(times)} for {self.stage.owner(name, event)}"
        key = self.stage.row_key(name, event)
        if target.column is None:
            return f"`{name}` holds {times} row{'' if times == 1 else 's'} of {key}"
        cell = f"{name}.{target.column.text}"
        made = self.seen.increments.get((cell, key, event), 0)
        return (
            f"`{cell}` was written {_times(made or times)} for {key} by the workers of"
            f" event-{event + 1}"
        )


def _times(count: int) -> str:
    return {0: "not at all", 1: "once", 2: "twice"}.get(count, f"{count} times")


# ---------------------------------------------------------------- claims


def judged(stage: Stage, claim: d.Claim, rest: Rest | None, ends: State | None = None) -> Finding:
    """Whether a claim is broken by what is there now. ``rest``: how the run came to rest, for the
    claims of ``AT_REST``; ``ends``: the interpreter's last state, for the claims that compare with
    runs without failures.
    """
    seen = stage.observe()
    eyes = Eyes(stage, seen)
    events = range(len(stage.events))
    match claim.kind:
        case "effectively-once":
            found = [judged(stage, half, rest, ends) for half in claim.halves]
            return next((f for f in found if f.broken), found[0])
        case "no-duplicate":
            target = claim.targets[0]
            worst = max(events, key=lambda e: eyes.times(target, e))
            return Finding(eyes.times(target, worst) >= 2, eyes.words(target, worst), worst)
        case "no-loss":
            target = claim.targets[0]
            fewest = min(events, key=lambda e: eyes.times(target, e))
            lost = rest is not None and not rest.restless and not eyes.times(target, fewest)
            return Finding(lost, _with_rest(eyes.words(target, fewest), rest), fewest)
        case "together":
            return _together(eyes, claim, rest, len(stage.events))
        case "before":
            early_target, two = claim.targets
            early = next(
                (e for e in events if eyes.times(two, e) and not eyes.times(early_target, e)), None
            )
            witness = early if early is not None else 0
            return Finding(
                early is not None,
                f"{eyes.words(two, witness)}, and {eyes.words(early_target, witness)}",
                witness,
            )
        case "one-worker":
            return _together_in(stage, claim.targets[0].name.text)
        case "never":
            assert claim.condition is not None
            bad = next((e for e in events if eyes.passes(claim.condition, e)), None)
            facts = _facts(eyes, claim.condition, bad if bad is not None else 0)
            return Finding(bad is not None, facts, bad if bad is not None else 0)
        case "failure-transparent":
            return _transparent(eyes, claim, ends)
        case _:
            return _settled(stage, rest)


def _with_rest(words: str, rest: Rest | None) -> str:
    if rest is None:
        return words
    if rest.stuck:
        return (
            f"{words}, and {len(rest.stuck)} worker{'s wait' if len(rest.stuck) > 1 else ' waits'}"
            " for ever"
        )
    return (
        f"{words}, and"
        f" {'messages come back again and again' if rest.restless else 'nothing moves any more'}"
    )


def _together(eyes: Eyes, claim: d.Claim, rest: Rest | None, events: int) -> Finding:
    first, two = claim.targets
    for event in range(events):
        if (
            bool(eyes.times(first, event)) != bool(eyes.times(two, event))
            and rest is not None
            and not rest.restless
        ):
            return Finding(
                True,
                _with_rest(f"{eyes.words(first, event)}, and {eyes.words(two, event)}", rest),
                event,
            )
    return Finding(False, _with_rest(f"{eyes.words(first, 0)}, and {eyes.words(two, 0)}", rest), 0)


def _together_in(stage: Stage, section: str) -> Finding:
    inside = [a for a in stage.living if section in a.sections]
    for actor in inside:
        both = [a for a in inside if a.event == actor.event]
        if len(both) > 1:
            who = " and ".join(f"process {a.pid}" for a in both)
            return Finding(
                True,
                f"{who} are in `{section}` for event-{actor.event + 1} at the same time",
                actor.event,
            )
    return Finding(False, f"{len(inside)} worker{'' if len(inside) == 1 else 's'} in `{section}`")


def _facts(eyes: Eyes, condition: n.Condition, event: int) -> str:
    """What the tests of a condition see."""
    facts = []
    for test in (t for row in conjunctions(condition) for t in row):
        match test:
            case n.InStore(_, store):
                key = eyes.stage.row_key(store.text, event)
                exists = (store.text, key) in eyes.seen.rows
                facts.append(f"`{store.text}` has {'a' if exists else 'no'} row of {key}")
            case n.ColumnIs(store, column):
                facts.append(
                    f"`{store.text}.{column.text}` is {eyes.column(store.text, column.text, event)}"
                )
            case n.Happened(effect):
                count = eyes.seen.effects.get(
                    (effect.text, eyes.stage.owner(effect.text, event)), 0
                )
                facts.append(f"`{effect.text}` happened {_times(count)}")
            case n.NameIs(name):
                facts.append(
                    f"`{name.text}` is"
                    f" {dict(eyes.stage.events[event].payload).get(name.text, d.UNSET)}"
                )
    return ", ".join(dict.fromkeys(facts))


def _transparent(eyes: Eyes, claim: d.Claim, ends: State | None) -> Finding:
    """The interpreter knows what runs without failures do; how often each effect happened is what
    was seen.
    """
    design = eyes.design
    words = ", ".join(
        f"`{name}` {_times(eyes.seen.effects.get((name, eyes.stage.owner(name, event)), 0))} for"
        f" event-{event + 1}"
        for event in range(len(eyes.stage.events))
        for name in design.effects
    )
    if ends is None:
        return Finding(False, words)
    counts = {}
    for event, of in enumerate(eyes.stage.events):
        for effect in design.effects.values():
            number = event if effect.level is Level.EVENT else of.component
            seen = min(
                eyes.seen.effects.get((effect.name, eyes.stage.owner(effect.name, event)), 0), 2
            )
            if seen:
                counts[effect.name, effect.level.value, number] = seen
    real = ends._replace(counts=tuple(sorted(counts.items())))
    return Finding(Judge(eyes.stage.context).violated(claim, real), words)


def _settled(stage: Stage, rest: Rest | None) -> Finding:
    """Messages that are not settled although everything has come to rest."""
    left = []
    for process in stage.plan.design.processes:
        if process.queue is not None:
            count = stage.queue_server(process.queue).waiting(process.queue, process.name)
            left += [f"{count} of `{process.queue}` for `{process.name}`"] if count else []
    words = "messages that are not settled: " + (", ".join(left) or "none")
    return Finding(
        rest is not None and bool(left or rest.restless or rest.stuck), _with_rest(words, rest)
    )
