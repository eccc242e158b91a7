"""The question a design review answers, and the answer, in one sentence each."""

from __future__ import annotations

from enum import Enum

from onceproof.report.effectively_once import KINDS, LOST, TWICE, halves
from onceproof.report.words import (
    conditions,
    counted,
    error_count,
    is_bounded,
    is_limited,
    is_unconfirmed,
    qualified,
    reach,
    under_words,
)
from onceproof.story.headline import listed
from onceproof.verdict.result import ClaimResult, Result, Verdict

WHATEVER = "whatever crashes, arrives twice, expires or is replayed"
EFFECTS = frozenset(KINDS)
"""Kinds of claims that one question sums up."""
MOST = 3
"""Phrases of an answer; more are counted."""


class Tone(Enum):
    """How an answer is to be taken; never shown by colour alone."""

    GOOD = "good"
    LIMITED = "limited"  # proved within bounds, or under conditions
    BAD = "bad"
    EXPECTED = "expected"  # refuted, as the design says itself
    OPEN = "open"

    @staticmethod
    def of(cell: ClaimResult) -> Tone:
        """The tone of one answer."""
        match cell.verdict:
            case Verdict.HOLDS if not cell.as_expected:
                return Tone.OPEN
            case Verdict.HOLDS:
                return Tone.LIMITED if is_limited(cell) else Tone.GOOD
            case Verdict.REFUTED:
                return Tone.EXPECTED if cell.as_expected else Tone.BAD
        return Tone.OPEN


def _cells(result: Result) -> list[ClaimResult]:
    return [c for d in result.designs for c in d.cells]


def tone_of(result: Result) -> Tone:
    """The tone of everything together: the worst."""
    tones = {Tone.of(c) for c in _cells(result)}
    if not tones or any(d.failures for d in result.designs):
        return Tone.OPEN
    return next(
        t for t in (Tone.BAD, Tone.EXPECTED, Tone.OPEN, Tone.LIMITED, Tone.GOOD) if t in tones
    )


def question(result: Result) -> str:
    """What is asked."""
    cells = _cells(result)
    about = [c for c in cells if c.kind in EFFECTS]
    if not about or len(result.designs) > 1:
        claims = len({(d.path, c.line, c.claim) for d in result.designs for c in d.cells})
        whose = (
            "of this design"
            if len(result.designs) == 1
            else f"of these {len(result.designs)} designs"
        )
        return (
            f"{'Does the claim' if claims == 1 else f'Do the {claims} claims'} {whose} hold,"
            f" {WHATEVER}?"
        )
    if all(c.kind == "effectively-once" for c in cells):
        names = list(dict.fromkeys(c.effect for c in about))
        verb = "Does" if len(names) == 1 else "Do"
        return f"{verb} {listed(names)} happen effectively once, {WHATEVER}?"
    twice = list(dict.fromkeys(c.effect for c in about if c.kind != LOST))
    lost = list(dict.fromkeys(c.effect for c in about if c.kind != TWICE))
    others = len({(c.line, c.claim) for c in cells if c.kind not in EFFECTS})
    if twice == lost:
        verb, are = ("does", "is it") if len(twice) == 1 else ("do", "are they")
        asked = [f"{verb} {listed(twice)} happen at most once", f"{are} never lost"]
    else:
        asked = [
            f"{'does' if len(n) == 1 else 'do'} {listed(n)} {verb}"
            for n, verb in _asked(twice, lost)
            if n
        ]
    asked += (
        ["does one other claim hold" if others == 1 else f"do {others} other claims hold"]
        if others
        else []
    )
    text = ", and ".join([", ".join(asked[:-1]), asked[-1]] if len(asked) > 1 else asked)
    return f"{text[0].upper()}{text[1:]}, {WHATEVER}?"


def _asked(twice: list[str], lost: list[str]) -> list[tuple[list[str], str]]:
    return [(twice, "happen at most once"), (lost, "never get lost")]


def answer(result: Result) -> str:
    """What was found."""
    cells = _cells(result)
    if any(d.failures for d in result.designs):
        return (
            "There is no answer: two engines of the tool contradict each other, which is a bug of"
            " the tool."
        )
    errors = error_count(result)
    if not cells:
        return (
            f"There is no answer: the design has {counted(errors, 'mistake')}."
            if errors
            else "Nothing was claimed."
        )
    refuted = [c for c in cells if c.verdict is Verdict.REFUTED]
    held = [c for c in cells if c.verdict is Verdict.HOLDS]
    rest = len(cells) - len(refuted) - len(held)
    if refuted:
        return _no(result, refuted, held, rest)
    if rest:
        vacuous = sum(c.verdict is Verdict.VACUOUS for c in cells)
        parts = (
            [f"{vacuous} hold only because what they speak about never happens"] if vacuous else []
        )
        parts += [f"{rest - vacuous} could not be decided"] if rest > vacuous else []
        return (
            f"Not shown: of {len(cells)} answers, {listed(parts)};"
            f" {len(held)} {'is' if len(held) == 1 else 'are'} proved{qualified(held)}."
        )
    return _yes(result, held)


def _no(result: Result, refuted: list[ClaimResult], held: list[ClaimResult], rest: int) -> str:
    groups: dict[tuple[str, str], list[str]] = {}
    for cell in sorted(refuted, key=lambda c: c.as_expected):
        words = groups.setdefault((_breaks(cell), cell.claim), [])
        if cell.guarantee not in words:
            words.append(cell.guarantee)
    every = {c.guarantee for c in _cells(result)}
    phrases = [f"{breaks} {under_words(under, every)}" for (breaks, _), under in groups.items()]
    left = len(phrases) - MOST
    more = (
        [f"{counted(left, 'more claim')} {'breaks' if left == 1 else 'break'}"] if left > 0 else []
    )
    text = f"No: {', and '.join([*phrases[:MOST], *more])}"
    if all(c.as_expected for c in refuted):
        text += ", as the design itself expects"
    parts = [f"{_many(len(held))} proved{qualified(held)}"] if held else []
    parts += [f"{_many(rest)} open"] if rest else []
    return f"{text}; {listed(parts)}." if parts else f"{text}."


def _many(count: int) -> str:
    return f"{count} other answer{' is' if count == 1 else 's are'}"


def _breaks(cell: ClaimResult) -> str:
    match halves(cell) if cell.kind in EFFECTS else ():
        case ("no-duplicate",):
            return f"{cell.effect} can happen twice"
        case ("no-loss",):
            return f"{cell.effect} can be lost"
    return f"“{cell.claim}” can be broken"


def _yes(result: Result, held: list[ClaimResult]) -> str:
    unwanted = [c for c in held if not c.as_expected]
    if unwanted:
        return (
            f"Yes, although the design expects {counted(len(unwanted), 'violation')}: every claim"
            f" is proved{qualified(held)}."
        )
    all_of = "the only claim is" if len(held) == 1 else f"all {len(held)} answers are"
    yes, scope = "Yes", held[0].scope
    bounded = [c for c in held if is_bounded(c)]
    if bounded:
        some = "" if len(bounded) == len(held) else f" ({len(bounded)} of them)"
        yes, scope = f"Yes, but only within bounds{some}", bounded[0].scope
    ifs = list(dict.fromkeys(x for c in held for x in conditions(c)))
    if ifs:
        yes += f", if {listed(ifs)}"
    if any(map(is_unconfirmed, held)):
        yes += ", relying on documented behavior that we have not tested"
    return f"{yes}: {all_of} proved for {reach(scope)}{_assumed(held)}."


def _assumed(cells: list[ClaimResult]) -> str:
    assumptions = list(dict.fromkeys(a for c in cells for a in c.assumptions))
    return f", assuming that {listed(assumptions)}" if assumptions else ""
