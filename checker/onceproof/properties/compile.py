"""What each kind of claim means: the configurations that break it (docs/semantics.md, "Claims")."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from onceproof.lang.design import Claim
from onceproof.lang.syntax import ast as n
from onceproof.lower import Lowered
from onceproof.lower import variables as v
from onceproof.lower.case import Case
from onceproof.lower.effects import Meaning
from onceproof.lower.queues import Tracking
from onceproof.machine.slicing import sliced
from onceproof.machine.system import EventPattern, Level, Pattern, Property, Test
from onceproof.properties import possibility, quiescence
from onceproof.properties.progress import eventually_settled, recoverable
from onceproof.properties.transparent import failure_transparent

NEVER = frozenset({"0"})
SOME = frozenset({"1", "2"})
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
    return tests


def counter(lowered: Lowered, target: n.Target) -> str:
    """The variable that counts a target."""
    name = target.name.text + (f".{target.column.text}" if target.column else "")
    return name if target.name.text in lowered.design.effects else v.writes(name)


def no_duplicate(lowered: Lowered, claim: Claim) -> tuple[Pattern, ...]:
    """The effect's counter reaches two."""
    return (quiescence.pattern(lowered.machine, {counter(lowered, claim.targets[0]): TWICE}),)


def no_loss(lowered: Lowered, claim: Claim) -> tuple[Pattern, ...]:
    """Nobody is at work on an event, its effect never happened and no longer can, although events
    like it lead to it.
    """
    name = counter(lowered, claim.targets[0])
    return _lost(lowered, name, [{}], owed=True)


def effectively_once(lowered: Lowered, claim: Claim) -> tuple[Pattern, ...]:
    """It happened twice, or it is lost."""
    twice, lost = claim.halves
    return (*no_duplicate(lowered, twice), *no_loss(lowered, lost))


def together(lowered: Lowered, claim: Claim) -> tuple[Pattern, ...]:
    """Nobody is at work on an event that has one of the two and can no longer get the other."""
    first, second = (counter(lowered, t) for t in claim.targets)
    return (
        *_lost(lowered, second, [{first: SOME}], owed=False),
        *_lost(lowered, first, [{second: SOME}], owed=False),
    )


def _lost(
    lowered: Lowered, name: str, cases: list[quiescence.Tests], *, owed: bool
) -> tuple[Pattern, ...]:
    """The hopeless situations for a counter, in the given cases."""
    asked = Property(
        "", tuple(quiescence.pattern(lowered.machine, {name: NEVER, **case}) for case in cases)
    )
    machine = sliced(lowered.machine, asked)
    remaining = {x.name for x in machine.variables}
    still = {status: allowed for status, allowed in settled(lowered).items() if status in remaining}
    parts = [
        x
        for x in (quiescence.conjoin({name: NEVER, **still}, case) for case in cases)
        if x is not None
    ]
    return (
        possibility.hopeless(machine, {name: SOME}, parts, possibility.passing(lowered), owed)
        if parts
        else ()
    )


def before(lowered: Lowered, claim: Claim) -> tuple[Pattern, ...]:
    """The second happened while the first has not."""
    first, second = (counter(lowered, t) for t in claim.targets)
    levels = {x.name: x.level for x in lowered.machine.variables}
    if levels[first] is Level.EVENT and levels[second] is Level.COMPONENT:
        raise possibility.TooWide(
            "the first is counted per event id and the second per business key: any event of the"
            " key may have come first"
        )
    return (quiescence.pattern(lowered.machine, {first: NEVER, second: SOME}),)


def one_worker(lowered: Lowered, claim: Claim) -> tuple[Pattern, ...]:
    """Two workers of one event inside the section."""
    inside = (Test(v.PC, lowered.inside(claim.targets[0].name.text)),)
    return (Pattern((), (EventPattern((), (inside, inside)),)),)


def never(lowered: Lowered, claim: Claim) -> tuple[Pattern, ...]:
    """Some event satisfies the condition."""
    assert claim.condition is not None
    domains = {x.name: x for x in lowered.machine.variables}
    yes, _ = Meaning(lowered.design, None, domains).split(claim.condition, Case(domains))
    return tuple(quiescence.pattern(lowered.machine, dict(case.guard)) for case in yes)


KINDS: Mapping[str, Callable[[Lowered, Claim], tuple[Pattern, ...]]] = {
    "no-duplicate": no_duplicate,
    "no-loss": no_loss,
    "effectively-once": effectively_once,
    "together": together,
    "before": before,
    "one-worker": one_worker,
    "never": never,
    "failure-transparent": failure_transparent,
    "recoverable": recoverable,
    "eventually-settled": eventually_settled,
}


def property_of(lowered: Lowered, claim: Claim) -> Property:
    """The safety property of a claim."""
    return Property(claim.text, KINDS[claim.kind](lowered, claim))


def witnesses(lowered: Lowered, claim: Claim) -> tuple[Property, ...]:
    """What must be possible for the claim to say anything: every target happens at all."""
    if claim.kind == "one-worker":
        inside = (Test(v.PC, lowered.inside(claim.targets[0].name.text)),)
        return (
            Property(claim.targets[0].name.text, (Pattern((), (EventPattern((), (inside,)),)),)),
        )
    if claim.kind in ("never", "failure-transparent", "recoverable", "eventually-settled"):
        return ()
    names = [counter(lowered, t) for t in claim.targets]
    return tuple(
        Property(name, (quiescence.pattern(lowered.machine, {name: SOME}),)) for name in names
    )
