"""What each kind of claim means: the configurations that break it (docs/semantics.md, "Claims")."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from onceproof.lang.design import Claim
from onceproof.lang.syntax import ast as n
from onceproof.lower import Lowered
from onceproof.lower import variables as v
from onceproof.lower.case import Case
from onceproof.lower.effects import Meaning
from onceproof.lower.lanes import FREE
from onceproof.lower.queues import Tracking
from onceproof.machine.slicing import deciding, sliced
from onceproof.machine.system import EventPattern, Level, Machine, Pattern, Property, Test
from onceproof.properties import component, deadlock, possibility, quiescence
from onceproof.properties.component import Asked
from onceproof.properties.progress import eventually_settled, recoverable
from onceproof.properties.transparent import failure_transparent

NEVER = frozenset({"0"})
TWICE = frozenset({"2"})


def settled(lowered: Lowered) -> quiescence.Tests:
    """NOTE(held): where the broker tracks holders, a message in flight is held by some worker:
    whoever goes gives it back.

    So an event without workers has no message in flight there, and saying so keeps ``absent`` exact
    enough for proofs. The interpreter, which knows nothing of this, judges rest by looking for a
    step; random designs compare the two.
    """
    tests = {}
    for group in lowered.groups.values():
        if group.tracking is Tracking.HELD:
            tests[group.status] = frozenset(group.variable.domain) - {"inflight"}
        if group.lane is not None and group.lane.level is Level.EVENT:
            tests[group.lane.name] = frozenset({FREE})
    return tests


def counter(lowered: Lowered, target: n.Target) -> str:
    """The variable that counts a target."""
    name = target.name.text + (f".{target.column.text}" if target.column else "")
    return name if target.name.text in lowered.design.effects else v.writes(name)


def some(lowered: Lowered, name: str) -> frozenset[str]:
    """The values of a counter that say that it happened, or was written."""
    domain = next(x.domain for x in lowered.machine.variables if x.name == name)
    return frozenset(domain) - NEVER


def no_duplicate(lowered: Lowered, claim: Claim) -> tuple[Pattern, ...]:
    """The effect's counter reaches two."""
    return (quiescence.pattern(lowered.machine, {counter(lowered, claim.targets[0]): TWICE}),)


def no_loss(lowered: Lowered, claim: Claim) -> Asked:
    """Nobody is at work on an event, its effect never happened and no event of the component can
    bring it about any more, although events like it lead to it.
    """
    name = counter(lowered, claim.targets[0])
    cases: list[quiescence.Tests] = [{}]
    instead: list[quiescence.Tests] = []
    if claim.unless is not None:
        instead, cases = either_way(lowered, claim.unless)
    return _lost(lowered, name, cases, owed=True, instead=instead)


def either_way(
    lowered: Lowered, condition: n.Condition
) -> tuple[list[quiescence.Tests], list[quiescence.Tests]]:
    """The rows of which a condition is true, and those of which it is not."""
    domains = {x.name: x for x in lowered.machine.variables}
    yes, no = Meaning(lowered.design, None, domains).split(condition, Case(domains))
    return [dict(case.guard) for case in yes], [dict(case.guard) for case in no]


def effectively_once(lowered: Lowered, claim: Claim) -> Asked:
    """It happened twice, or it is lost."""
    twice, lost = claim.halves
    asked = no_loss(lowered, lost)
    return Asked(asked.machine, (*no_duplicate(lowered, twice), *asked.patterns))


def together(lowered: Lowered, claim: Claim) -> Asked:
    """Nobody is at work on an event that has one of the two, and its key can no longer get the
    other.
    """
    first, second = (counter(lowered, t) for t in claim.targets)
    one = _lost(lowered, second, [{first: some(lowered, first)}], owed=False)
    two = _lost(
        replace(lowered, machine=one.machine), first, [{second: some(lowered, second)}], owed=False
    )
    return Asked(two.machine, (*one.patterns, *two.patterns))


def _lost(
    lowered: Lowered,
    name: str,
    cases: list[quiescence.Tests],
    *,
    owed: bool,
    instead: Sequence[quiescence.Tests] = (),
) -> Asked:
    """The hopeless situations for a counter, in the given cases; ``instead``: what does as well as
    the counter, each by itself.
    """
    looked_at = [*({name: NEVER, **case} for case in cases), *instead]
    asked = Property("", tuple(quiescence.pattern(lowered.machine, x) for x in looked_at))
    machine = sliced(lowered.machine, asked)
    levels = {x.name: x.level for x in machine.variables}
    still = {status: allowed for status, allowed in settled(lowered).items() if status in levels}
    parts = [
        x
        for x in (quiescence.conjoin({name: NEVER, **still}, case) for case in cases)
        if x is not None
    ]
    if not parts:
        return Asked(lowered.machine, ())
    passing = possibility.passing(lowered)
    goals: list[quiescence.Tests] = [{name: some(lowered, name)}, *instead]
    if Level.COMPONENT not in levels.values():  # no other event can change anything
        found = possibility.hopeless(machine, goals, parts, passing, owed)
        return Asked(lowered.machine, found)
    if levels[name] is Level.COMPONENT:
        # what else must hold may be true of another event than the one that closed the row
        others = [
            {k: x for k, x in part.items() if levels[k] is not Level.EVENT or k in still}
            for part in parts
        ]
        # what another event gets instead is of no use to this one, which owes either all the same
        alien = any(levels[k] is Level.EVENT for goal in instead for k in goal)
        return component.lost(
            lowered.machine,
            machine,
            goals[:1] if alien else goals,
            others,
            passing,
            own=(goals, parts) if alien else None,
            owed=owed,
            bit=f"{name} given up",
        )
    return component.alone(lowered.machine, machine, goals, parts, passing, owed=owed)


def before(lowered: Lowered, claim: Claim) -> tuple[Pattern, ...]:
    """The second happened while the first has not."""
    first, second = (counter(lowered, t) for t in claim.targets)
    levels = {x.name: x.level for x in lowered.machine.variables}
    if levels[first] is Level.EVENT and levels[second] is Level.COMPONENT:
        raise possibility.TooWide(
            "the first is counted per event id and the second per business key: any event of the"
            " key may have come first"
        )
    return (quiescence.pattern(lowered.machine, {first: NEVER, second: some(lowered, second)}),)


def one_worker(lowered: Lowered, claim: Claim) -> tuple[Pattern, ...]:
    """Two workers of one event inside the section; ``per`` a business key: of one event, or of two
    with that key.
    """
    inside = (Test(v.PC, lowered.inside(claim.targets[0].name.text)),)
    same = Pattern((), (EventPattern((), (inside, inside)),))
    keys = {key for event in lowered.design.events.values() for key in event.keys}
    if claim.key not in keys:
        return (same,)
    two = EventPattern((), (inside,))
    patterns = (same, Pattern((), (two, two)))
    machine = sliced(lowered.machine, Property("", patterns))
    others = possibility.keys_in(machine, lowered.design) - {claim.key}
    if others:
        raise possibility.TooWide(
            f"the section is claimed per {claim.key}, and rows kept per {min(others)} decide who"
            " enters it"
        )
    return patterns


def at_rest_never(lowered: Lowered, claim: Claim) -> Asked:
    """A begun event satisfies the condition, and no event of the component makes it false any more
    by itself.
    """
    assert claim.condition is not None
    domains = {x.name: x for x in lowered.machine.variables}
    yes, no = Meaning(lowered.design, None, domains).split(claim.condition, Case(domains))
    holds, fails = ([dict(case.guard) for case in cases] for cases in (yes, no))
    patterns = tuple(quiescence.pattern(lowered.machine, tests) for tests in (*holds, *fails))
    machine = sliced(lowered.machine, Property("", patterns))
    levels = {x.name: x.level for x in machine.variables}
    still = {status: allowed for status, allowed in settled(lowered).items() if status in levels}
    parts = [p for p in (quiescence.conjoin(tests, still) for tests in holds) if p is not None]
    passing = possibility.passing(lowered)
    of_key = all(levels[n] is Level.COMPONENT for tests in (*holds, *fails) for n in tests)
    if of_key and parts:
        bit = f"{claim.text} undone"
        return component.kept(lowered.machine, machine, fails, parts, passing, bit)
    return component.alone(lowered.machine, machine, fails, parts, passing)


def never(lowered: Lowered, claim: Claim) -> tuple[Pattern, ...]:
    """Some event satisfies the condition."""
    assert claim.condition is not None
    domains = {x.name: x for x in lowered.machine.variables}
    yes, _ = Meaning(lowered.design, None, domains).split(claim.condition, Case(domains))
    return tuple(quiescence.pattern(lowered.machine, dict(case.guard)) for case in yes)


KINDS: Mapping[str, Callable[[Lowered, Claim], tuple[Pattern, ...] | Asked]] = {
    "no-duplicate": no_duplicate,
    "no-loss": no_loss,
    "effectively-once": effectively_once,
    "together": together,
    "before": before,
    "one-worker": one_worker,
    "never": never,
    "at-rest-never": at_rest_never,
    "failure-transparent": failure_transparent,
    "recoverable": recoverable,
    "eventually-settled": eventually_settled,
    "no-deadlock": lambda lowered, _: deadlock.waiting_for_good(lowered, {}),
}
STALLED = (
    "no-loss",
    "effectively-once",
    "together",
    "recoverable",
    "eventually-settled",
    "at-rest-never",
)
"""Claims that are broken, too, where workers wait for good."""


def asked(lowered: Lowered, claim: Claim) -> tuple[Machine, Property]:
    """The safety property of a claim, and the machine that it is about: the lowered one, in which
    some claims have to remember who changed what. Raises ``TooWide``.
    """
    found = KINDS[claim.kind](lowered, claim)
    asked = found if isinstance(found, Asked) else Asked(lowered.machine, found)
    stalled = _stalled(lowered, claim) if claim.kind in STALLED else ()
    return asked.machine, Property(claim.text, (*asked.patterns, *stalled))


def _stalled(lowered: Lowered, claim: Claim) -> tuple[Pattern, ...]:
    """Workers that wait for good. What one of them lacks, nobody brings about, and with ``workers
    N`` they take the places that others need.
    """
    levels = {x.name: x.level for x in lowered.machine.variables}
    row: quiescence.Tests = {}
    if claim.kind == "no-loss" and not lowered.machine.limits:
        name = counter(lowered, claim.targets[0])
        row = {name: NEVER} if levels[name] is Level.COMPONENT else {}
    return deadlock.waiting_for_good(lowered, row)


def question(lowered: Lowered, claim: Claim, *, names: bool = False) -> tuple[Machine, Property]:
    """The same, with the machine as far as it matters for the claim. ``names``: with all rules that
    do the same, for questions about what they are called.
    """
    machine, prop = asked(lowered, claim)
    return (sliced if names else deciding)(machine, prop), prop


def witnesses(lowered: Lowered, claim: Claim) -> tuple[Property, ...]:
    """What must be possible for the claim to say anything: every target happens at all."""
    if claim.kind == "one-worker":
        inside = (Test(v.PC, lowered.inside(claim.targets[0].name.text)),)
        return (
            Property(claim.targets[0].name.text, (Pattern((), (EventPattern((), (inside,)),)),)),
        )
    if not claim.targets:
        return ()
    names = [counter(lowered, t) for t in claim.targets]
    return tuple(
        Property(name, (quiescence.pattern(lowered.machine, {name: some(lowered, name)}),))
        for name in names
    )
