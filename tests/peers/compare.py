"""One machine and its claims, within bounds: our search against other checkers. A difference comes
with both traces.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace
from onceproof.engines.search import Bounds, Budget, Exploration, Found, explore, simplest
from onceproof.export import Model, Size, names_of
from onceproof.lower import Lowered
from onceproof.machine.slicing import sliced
from onceproof.machine.system import Machine, Property
from onceproof.properties import TooWide, asked

from peers.tools import TOOLS, Answer, ToolFailed

MOST = 300_000
"""Full states; more are not compared."""


@dataclass(slots=True)
class Tally:
    """What was compared. ``claims`` and ``counts`` are single comparisons: one claim, or one count
    of states or transitions.
    """

    claims: int = 0
    refuted: int = 0
    counts: int = 0
    models: int = 0
    skipped: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Both together."""
        self.claims += other.claims
        self.refuted += other.refuted
        self.counts += other.counts
        self.models += other.models
        self.skipped += other.skipped
        self.differences += other.differences

    def line(self) -> str:
        """For a log."""
        total = self.claims + self.counts
        return (
            f"{total} comparisons, {len(self.differences)} differences ({self.models} runs of"
            f" models, {self.claims} verdicts, {self.refuted} of them violations, {self.counts}"
            f" counts, {len(self.skipped)} skipped)"
        )


@dataclass(frozen=True, slots=True)
class Case:
    """A machine with claims and what our search says of them."""

    label: str
    machine: Machine
    claims: tuple[Property, ...]
    bounds: Bounds
    found: tuple[Found | None, ...]
    counted: Exploration

    def model(self, symmetric: bool = False) -> Model:
        """The model to export."""
        size = Size(self.bounds.workers, self.bounds.events, self.bounds.keys)
        return Model(
            self.machine,
            self.claims,
            size,
            names_of(self.machine, self.claims),
            "Design",
            symmetric,
        )


def case_of(
    label: str, machine: Machine, claims: tuple[Property, ...], bounds: Bounds, most: int = MOST
) -> Case | str:
    """Decide everything by our search: counts on the whole machine, claims on the slice, as a check
    does. Or why not.
    """
    counted = explore(machine, bounds, Budget(most, 60))
    if not counted.complete or counted.full_states > most:
        return f"{label}: {counted.reason or f'more than {most:,} states'}"
    found = []
    for claim in claims:
        answer = simplest(sliced(machine, claim), claim, bounds, Budget())
        if not isinstance(answer, Found) and not answer.complete:
            return f"{label}: {answer.reason}"
        found.append(answer if isinstance(answer, Found) else None)
    return Case(label, machine, claims, bounds, tuple(found), counted)


def claims_of(lowered: Lowered) -> tuple[Machine, tuple[Property, ...]]:
    """Every claim of a design that can be spelt out, and the machine with what they remember."""
    found, machine = [], lowered.machine
    for claim in lowered.design.claims:
        try:
            machine, prop = asked(replace(lowered, machine=machine), claim)
            found.append(prop)
        except TooWide:
            continue
    return machine, tuple(found)


def compare(case: Case, tools: Iterable[str], symmetric: bool = False) -> Tally:
    """Ask each of the tools, and compare."""
    tally = Tally()
    for name in tools:
        model = case.model(symmetric)
        expected = tuple(f is not None for f in case.found)
        try:
            answer = TOOLS[name].ask(model, expected)
        except ToolFailed as error:
            tally.differences.append(f"{case.label}: {name} gives no answer: {error}")
            continue
        tally.models += 1
        _counts(case, name, answer, tally, symmetric)
        for number, (mine, theirs) in enumerate(zip(expected, answer.violated, strict=True)):
            tally.claims += 1
            tally.refuted += mine
            if mine != theirs:
                tally.differences.append(_told(case, name, model, number, theirs))
    return tally


def _counts(case: Case, name: str, answer: Answer, tally: Tally, symmetric: bool) -> None:
    mine = case.counted
    pairs = [("states", mine.states if symmetric else mine.full_states, answer.states)]
    if answer.transitions is not None and not symmetric:
        pairs.append(("transitions", mine.full_transitions, answer.transitions))
    for what, ours, theirs in pairs:
        tally.counts += 1
        if ours != theirs:
            tally.differences.append(f"{case.label}: {ours:,} {what} here, {theirs:,} in {name}")


def _told(case: Case, name: str, model: Model, number: int, theirs: bool) -> str:
    """A difference in a verdict, with both traces."""
    words = ("holds", "is violated")
    lines = [
        f"{case.label}: {case.claims[number].name} {words[not theirs]} here and {words[theirs]} in"
        f" {name}"
    ]
    found = case.found[number]
    if found is not None:
        rules = sliced(case.machine, case.claims[number]).rules
        lines += [
            "ours:",
            *(
                f"  {rules[m.rule].action} by {m.component}/{m.event}/{m.worker}"
                for m in found.run.moves
            ),
        ]
    trace = TOOLS[name].trace
    if trace is not None:
        lines += [f"{name}'s:", trace(model, number)]
    return "\n".join(lines)
