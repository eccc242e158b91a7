"""From facts to sentences. A fact says that some situation never is; a sentence says so in the
direction that reads best.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from onceproof.explain.proof.words import Words, listed, participle
from onceproof.lang.design import Claim
from onceproof.lower import variables as v
from onceproof.machine.system import EventPattern, Guard, Pattern, Test


class Case(Struct, frozen=True):
    """What a fact says when read as "if ``rows`` (and there is a worker ``worker``), then ``so``":
    one way to read it.

    ``so`` is a test on a shared row, a test on a local of the worker, or None: then there is no
    such worker. ``rank``: how well it reads, 0 is best.
    """

    rows: Guard
    worker: Guard | None
    so: Test | None
    rank: int


def cases(words: Words, pattern: Pattern) -> list[Case]:
    """The ways to read a fact about at most one worker of one event, best first."""
    event = pattern.events[0] if pattern.events else EventPattern()
    rows = (*pattern.component, *event.guard)
    worker = event.workers[0] if event.workers else None
    readings = []
    for test in rows:
        others = tuple(t for t in rows if t != test)
        good = words.clause(words.rest(test)).positive
        given = sum(not words.clause(t).positive for t in others)
        readings.append(Case(others, worker, words.rest(test), (0 if good else 6) + given))
    if worker is not None:
        given = sum(not words.clause(t).positive for t in rows)
        for test in worker:
            if test.variable != v.PC:
                rest = words.rest(test)
                readings.append(
                    Case(
                        rows,
                        tuple(t for t in worker if t != test),
                        rest,
                        given + (2 if words.verb(rest)[2] else 3),
                    )
                )
        readings.append(Case(rows, worker, None, 3 + given))
    return sorted(readings, key=lambda case: case.rank)


class Sentences:
    """Writes the sentences of one explanation."""

    def __init__(self, words: Words) -> None:
        self.words = words

    # -- facts about rows and single workers

    def single(self, pattern: Pattern) -> str:
        """One fact as a sentence."""
        events = pattern.events or (EventPattern(),)
        if len(events) > 1 or len(events[0].workers) > 2:
            return self._never(pattern)
        if len(events[0].workers) == 2:
            return self._pair((*pattern.component, *events[0].guard), *events[0].workers)
        readings = cases(self.words, pattern)
        return self.case(readings[0]) if readings else "This never happens."

    def case(self, case: Case) -> str:
        """One reading as a sentence."""
        given = self.given(case.rows)
        start = f"{given}, " if given else ""
        if case.worker is None:
            assert case.so is not None
            clause = self.words.clause(case.so).text
            return _sentence(f"{start}{clause}" if given else f"always: {clause}")
        if case.so is None:
            return _sentence(f"{start}{self._nobody(case.worker)}")
        who = self.worker("a", case.worker)
        if self.words.is_local(case.so.variable):
            return _sentence(f"{start}{who} {self.words.verb(case.so)[0]}")
        return _sentence(f"{start}{who} finds that {self.words.clause(case.so).text}")

    def given(self, rows: Guard) -> str:
        """``once `x` was sent and while the message is ready``."""
        groups: dict[str, list[str]] = {}
        for test in rows:
            phrase = self.words.clause(test)
            word = (
                "once"
                if phrase.lasting and phrase.positive
                else "while"
                if phrase.positive
                else "as long as"
            )
            if not any(
                test.variable in {u.target for u in r.updates} for r in self.words.machine.rules
            ):
                word = "if"
            groups.setdefault(word, []).append(phrase.text)
        return listed([f"{word} {listed(some)}" for word, some in groups.items()]) if groups else ""

    def merged(self, so: Test, cases: Sequence[Case]) -> str:
        """Several facts with the same conclusion, said as one."""
        return _sentence(
            f"in each of these cases {self.words.clause(so).text}:"
            f" {'; '.join(map(self._when, cases))}"
        )

    def _when(self, case: Case) -> str:
        who = [] if case.worker is None else [self.active(case.worker)]
        return ", and ".join([*(self.words.clause(t).text for t in case.rows), *who])

    # -- workers

    def _split(self, worker: Guard) -> tuple[str, str, list[tuple[str, str, bool]]]:
        """Whose worker it is, where it is, and what else it does."""
        whose, place = next((self.words.places(t) for t in worker if t.variable == v.PC), ("", ""))
        return whose, place, [self.words.verb(t) for t in worker if t.variable != v.PC]

    def worker(self, article: str, worker: Guard) -> str:
        """``a worker at line 16 that holds its message``."""
        whose, place, verbs = self._split(worker)
        which = f" that {listed([x[0] for x in verbs])}" if verbs else ""
        return f"{article} worker{whose}{place}{which}"

    def active(self, worker: Guard, article: str = "a") -> str:
        """``a worker is at line 16 and holds its message``, as a clause."""
        whose, place, verbs = self._split(worker)
        does = [f"is{place}"] if place else []
        does += [x[0] for x in verbs]
        return f"{article} worker{whose} {listed(does) if does else 'is running'}"

    def _nobody(self, worker: Guard) -> str:
        whose, place, verbs = self._split(worker)
        if place and verbs:
            return f"no worker{whose}{place} {listed([x[0] for x in verbs])}"
        return self.active(worker, "no")

    def _pair(self, rows: Guard, first: Guard, second: Guard) -> str:
        given = self.given(rows)
        start = f"{given}, " if given else ""
        if first == second:
            whose, place, verbs = self._split(first)
            which = place + (f" that {listed([x[1] for x in verbs])}" if verbs else "")
            return _sentence(f"{start}there are never two workers{whose} for the same event{which}")
        worker, other = self.worker("a", first), self.worker("another", second)
        return _sentence(f"{start}there is never {worker} and, for the same event, {other}")

    # -- other forms

    def nothing(self, test: Test) -> str:
        """Something that no step ever brings about."""
        every = frozenset(self.words.taken[test.variable])
        return _sentence(
            f"nothing ever changes this: {self.words.clause(Test(test.variable, every)).text}"
        )

    def one_of(self, atoms: Sequence[Pattern]) -> str:
        """At most one of these at a time."""
        situations = [self._atom(atom) for atom in sorted(atoms, key=self._place_in_story)]
        busy = any(e.workers for atom in atoms for e in atom.events)
        start = "for each event, at most one of these is true at any time" + (
            ", and for one worker at most" if busy else ""
        )
        return _sentence(f"{start}: {'; '.join(situations)}")

    def _place_in_story(self, atom: Pattern) -> tuple[int, int]:
        """Messages first, then workers by their lines, then rows, then what was done."""
        event = atom.events[0] if atom.events else EventPattern()
        if event.workers:
            lines = [self.words.lines(t) for t in event.workers[0] if t.variable == v.PC]
            return 1, min(lines[0]) if lines else 0
        test = (*atom.component, *event.guard)[0]
        if self.words.is_status(test.variable):
            return 0, 0
        return (
            (3, 0)
            if self.words.is_count(test.variable)
            else (0 if not self.words.clause(test).positive else 2, 1)
        )

    def _atom(self, atom: Pattern) -> str:
        event = atom.events[0] if atom.events else EventPattern()
        if event.workers:
            return self.active(event.workers[0])
        return self.words.clause((*atom.component, *event.guard)[0]).text

    def _never(self, pattern: Pattern) -> str:
        """Anything else: what never is together."""
        parts = [self.words.clause(t).text for t in pattern.component]
        for number, event in enumerate(pattern.events):
            clauses = [self.words.clause(t).text for t in event.guard] + [
                self.active(w) for w in event.workers
            ]
            key = (
                f" of the same {listed(self.words.design.business_keys)}"
                if self.words.design.business_keys
                else ""
            )
            which = (
                ("for one event", f"for another event{key}")[min(number, 1)]
                if len(pattern.events) > 1
                else ""
            )
            parts.append(f"{which} {listed(clauses)}".strip() if clauses else f"{which} anything")
        return _sentence(f"never at the same time: {'; '.join(parts)}")

    def claim(self, claim: Claim) -> str:
        """What is proved, as the last fact."""
        names = [f"`{t.name.text}{'.' + t.column.text if t.column else ''}`" for t in claim.targets]
        match claim.kind:
            case "no-duplicate":
                return _sentence(f"{names[0]} {self._twice(claim)}")
            case "no-loss":
                done = self._done(claim, 0)
                can = "still can happen" if done == "happened" else "still can be"
                return _sentence(
                    f"{names[0]} is never lost: when nobody works on an event, it {done} or {can}"
                )
            case "effectively-once":
                done = self._done(claim, 0)
                can = "still can happen" if done == "happened" else "still can be"
                return _sentence(
                    f"{names[0]} {self._twice(claim)} and is never lost: when nobody works on an"
                    f" event, it {done} or {can}"
                )
            case "together":
                both = f"both {names[0]} and {names[1]}, or neither of them, or can still get both"
                return _sentence(f"when nobody works on an event, it has {both}")
            case "before":
                return _sentence(f"{names[1]} never happens before {names[0]}")
            case "one-worker":
                return _sentence(
                    f"there are never two workers for the same event in section {names[0]}"
                )
            case _:
                return _sentence(f"it is never true that `{claim.text.removeprefix('never ')}`")

    def _twice(self, claim: Claim) -> str:
        word = self._word(claim, 0)
        return "never happens twice" if word == "happened" else f"is never {word} twice"

    def _done(self, claim: Claim, index: int) -> str:
        word = self._word(claim, index)
        return word if word == "happened" else f"was {word}"

    def _word(self, claim: Claim, index: int) -> str:
        target = claim.targets[index]
        name = target.name.text + (f".{target.column.text}" if target.column else "")
        if name in self.words.design.effects:
            return participle(self.words.design, name)
        return "incremented" if self.words.is_incremented(name) else "written"


def _sentence(text: str) -> str:
    """With a capital and a full stop; a name in backticks keeps its case."""
    return text[0].upper() + text[1:] + "."


def tests_of(patterns: Iterable[Pattern]) -> list[Test]:
    """Every test in some patterns."""
    tests: list[Test] = []
    for pattern in patterns:
        tests += pattern.component
        for event in pattern.events:
            tests += [*event.guard, *(t for w in event.workers for t in w)]
    return tests
