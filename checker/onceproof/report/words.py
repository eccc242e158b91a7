"""The words for verdicts, scopes and totals: the same in every format that people read."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping

from onceproof.base.paths import printable
from onceproof.lang.diagnostics import Severity
from onceproof.machine.delivery import Delivery
from onceproof.story.headline import listed
from onceproof.verdict.exit_codes import not_accepted
from onceproof.verdict.result import (
    Assurance,
    ClaimResult,
    DesignResult,
    Engine,
    Result,
    Scope,
    Verdict,
)

WORDS = {
    Verdict.HOLDS: "proved",
    Verdict.REFUTED: "REFUTED",
    Verdict.VACUOUS: "vacuous",
    Verdict.UNKNOWN: "unknown",
}
ANSWERS = {**WORDS, Verdict.HOLDS: "yes", Verdict.REFUTED: "NO"}
"""What stands for a verdict where the claim is a question."""
MARKS = {Verdict.HOLDS: "✓", Verdict.REFUTED: "✗", Verdict.VACUOUS: "○", Verdict.UNKNOWN: "?"}
STYLES = {
    Verdict.HOLDS: "green",
    Verdict.REFUTED: "red",
    Verdict.VACUOUS: "yellow",
    Verdict.UNKNOWN: "yellow",
}
BOUNDED_MARK = "≈"
FACT_MARK = "†"
"""Beside an answer that relies on documented behavior which nobody has tested."""
CHECKERS = {"z3": "Z3", "cvc5": "cvc5", "search": "the search", "interpreter": "the interpreter"}
DECIDED = {
    Engine.SEARCH: "the search",
    Engine.COVERABILITY: "the coverability engine",
    Engine.NONE: "nobody",
}
PLAIN = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "○": "o",
        "≈": "~",
        "≤": "<=",
        "→": "->",
        "×": "x",
        "–": "-",
        "…": "...",
        "†": "*",
    }
)
"""Our own marks in ASCII."""
UNTESTED = "relies on documented behavior that we have not tested"
_ASIDE = re.compile(r" \([^)]*\)")
_SOURCE = re.compile(r"; https?://\S+\)$")


def clean(text: str, unicode: bool) -> str:
    """Text of a design or of ours, safe to print: no control characters, and ASCII only if
    ``unicode`` is not wanted.
    """
    text = printable(text.expandtabs(4))
    return text if unicode else text.translate(PLAIN).encode("ascii", "backslashreplace").decode()


def clean_lines(text: str, unicode: bool) -> str:
    """Every line safe to print."""
    return "\n".join(clean(line, unicode) for line in text.split("\n"))


def markdown_cell(text: str) -> str:
    """Text that is safe within a table of Markdown: nothing but words, emphasis, and code between
    backticks.
    """
    plain = re.sub("`{2,}", "`", text)
    plain = plain if plain.count("`") % 2 == 0 else plain.replace("`", "'")
    return plain.replace("|", "\\|").replace("<", "&lt;").replace("](", "]\\(")


def markdown_code(text: str) -> str:
    """Text as code within a table of Markdown."""
    escaped = text.replace("`", "'").replace("|", "\\|")
    return f"`{escaped}`"


def json_text(document: object) -> str:
    """Plain data as JSON, the same on every run: keys are sorted."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)


def counted(count: int, noun: str) -> str:
    """``1 worker``, ``2 workers``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def is_bounded(cell: ClaimResult) -> bool:
    """Whether a proof speaks of so many only."""
    return cell.verdict is Verdict.HOLDS and (
        cell.scope != Scope() or cell.assurance is not Assurance.CERTIFICATE
    )


def conditions(cell: ClaimResult) -> tuple[str, ...]:
    """What a proof rests on beyond the design's own assumptions: it is proved *if* these hold."""
    return cell.conditions


def would_hold(cell: ClaimResult) -> tuple[str, ...]:
    """Under which conditions a refuted claim would hold."""
    return cell.would_hold


def unconfirmed(cell: ClaimResult) -> tuple[str, ...]:
    """Facts about the broker that the answer relies on and that nobody has tested, each with its
    source.
    """
    return cell.facts


def is_conditional(cell: ClaimResult) -> bool:
    """Whether a proof holds only under conditions, which the reader must ensure."""
    return cell.verdict is Verdict.HOLDS and bool(conditions(cell))


def is_unconfirmed(cell: ClaimResult) -> bool:
    """Whether a proof relies on documented behavior that nobody has tested."""
    return cell.verdict is Verdict.HOLDS and bool(unconfirmed(cell))


def is_limited(cell: ClaimResult) -> bool:
    """Whether a proof is bounded, conditional, or relies on untested facts."""
    return is_bounded(cell) or is_conditional(cell) or is_unconfirmed(cell)


def brief(condition: str) -> str:
    """A condition for a cell of a table: ``retries < 24h``, ``handler < 30s``."""
    left, sign, right = condition.partition(" < ")
    if not sign:
        return condition
    left = _ASIDE.sub("", left.replace("retries of an event", "retries")).strip()
    name, _, aside = right.partition(" (")
    limit = name if name[:1].isdigit() or not aside else aside.rstrip(")")
    return f"{left} < {limit}"


def fact_signs(design: DesignResult) -> dict[str, str]:
    """The sign of each untested fact that an answer about a design relies on: ``†``, or ``†1`` and
    so on where there are several.
    """
    every = list(dict.fromkeys(fact for cell in design.cells for fact in unconfirmed(cell)))
    if len(every) == 1:
        return {every[0]: FACT_MARK}
    return {fact: f"{FACT_MARK}{number}" for number, fact in enumerate(every, 1)}


def footnotes(design: DesignResult, sources: bool = False) -> list[str]:
    """A line for each untested fact, with its sign. ``sources``: also where it is documented."""
    signs = fact_signs(design)
    lines = [
        f"{sign} {fact if sources else _SOURCE.sub(')', fact)}" for fact, sign in signs.items()
    ]
    if len(lines) == 1:
        return [f"{FACT_MARK} {UNTESTED}: {lines[0].removeprefix(FACT_MARK).strip()}"]
    return [f"{FACT_MARK} {UNTESTED}:", *lines] if lines else []


def promises(design: DesignResult) -> list[str]:
    """What the reader must ensure for the proofs of a design, a sentence each: the conditions in
    full, and the assumptions.
    """
    held = [c for c in design.cells if c.verdict is Verdict.HOLDS]
    ifs = dict.fromkeys(x for c in held for x in conditions(c))
    assumed = dict.fromkeys(x for c in held for x in c.assumptions)
    return [*(f"you must ensure: {x}" for x in ifs), *(f"assumed: {x}" for x in assumed)]


def mark(cell: ClaimResult) -> str:
    """One sign for a verdict; a bounded or conditional proof has its own."""
    return BOUNDED_MARK if is_bounded(cell) or is_conditional(cell) else MARKS[cell.verdict]


def style(cell: ClaimResult) -> str:
    """The colour for a verdict; never the only thing that tells."""
    if cell.verdict is Verdict.HOLDS and not cell.as_expected:
        return "yellow"
    return "cyan" if is_limited(cell) else STYLES[cell.verdict]


def limits(scope: Scope) -> list[str]:
    """``≤2 workers``, for whatever is limited."""
    numbers = {
        "worker": scope.workers,
        "event": scope.events,
        "key": scope.keys,
        "crash": scope.crashes,
    }
    numbers["delivery"] = scope.deliveries
    plural = {"crash": "crashes", "delivery": "deliveries"}
    return [
        f"≤{n} {name if n == 1 else plural.get(name, name + 's')}"
        for name, n in numbers.items()
        if n is not None
    ]


def note(cell: ClaimResult, signs: Mapping[str, str] | None = None) -> str:
    """What stands beside the verdict word: how far it goes, under which conditions, and how it
    relates to what the design expects. ``signs``: of untested facts, as ``fact_signs`` gives them.
    """
    parts = [", ".join(limits(cell.scope)[:2])] if is_bounded(cell) else []
    if is_conditional(cell):
        parts.append(f"if {listed(list(dict.fromkeys(map(brief, conditions(cell)))))}")
    if cell.as_expected and cell.verdict is not Verdict.HOLDS:
        parts.append("(expected)")
    if not cell.as_expected and cell.expected is not Verdict.HOLDS:
        parts.append(
            f"({'violation' if cell.expected is Verdict.REFUTED else cell.expected.value} expected)"
        )
    facts = unconfirmed(cell)
    parts += [" ".join(signs[f] for f in facts) if signs else FACT_MARK] if facts else []
    return " ".join(p for p in parts if p)


def word(cell: ClaimResult) -> str:
    """``proved``; *effectively once* is a question, and its answer is yes or no."""
    return (ANSWERS if cell.kind == "effectively-once" else WORDS)[cell.verdict]


def under_words(under: Iterable[str], every: Collection[str]) -> str:
    """``under at-least-once``, or that the guarantee does not matter."""
    named = list(dict.fromkeys(under))
    return (
        "whatever the broker guarantees"
        if len(every) > 1 and set(named) == set(every)
        else f"under {listed(named)}"
    )


def short(cell: ClaimResult, signs: Mapping[str, str] | None = None) -> str:
    """``REFUTED (expected)``, ``proved ≤2 workers``, ``proved if retries < 24h †``."""
    return f"{word(cell)} {note(cell, signs)}".rstrip()


def qualified(cells: Iterable[ClaimResult]) -> str:
    """What proofs depend on, to follow *yes*: no headline leaves it out."""
    held = [c for c in cells if c.verdict is Verdict.HOLDS]
    ifs = list(dict.fromkeys(x for c in held for x in conditions(c)))
    text = ", within bounds" if any(map(is_bounded, held)) else ""
    if any(c.assumptions for c in held):
        text += ", under the design's assumptions"
    if ifs:
        text += f", if {listed(ifs)}"
    if any(map(is_unconfirmed, held)):
        text += f", relying on documented behavior that we have not tested ({FACT_MARK})"
    return text


def guarantees_of(design: DesignResult) -> list[str]:
    """The columns of a design, in their order."""
    order = list(Delivery)
    settings = list(dict.fromkeys(c.under for c in design.cells))
    cells = sorted(design.cells, key=lambda c: (settings.index(c.under), order.index(c.semantics)))
    return list(dict.fromkeys(c.guarantee for c in cells))


def narrowed(cell: ClaimResult) -> str:
    """Why a proof does not go further."""
    return f"Not proved for more: {cell.reason}"


def ground(cell: ClaimResult, signs: Mapping[str, str] | None = None) -> str:
    """On what ground, for how many, and under which assumptions: never left out. ``signs``: stand
    for the untested facts where these are listed below.
    """
    if cell.verdict is Verdict.HOLDS:
        text = f"proved for {reach(cell.scope)}"
        if cell.assurance is not Assurance.CERTIFICATE:
            text += f"; {cell.assurance.value}"
    else:
        text = f"{WORDS[cell.verdict]}: {cell.assurance.value}"
    if cell.examined:
        text += f"; {cell.examined}"
    if cell.checked_by:
        names = [CHECKERS.get(c, c) for c in cell.checked_by]
        holds = cell.verdict is Verdict.HOLDS
        text += f"; {'checked' if holds else 'confirmed'} by {listed(names)}" + (
            " only" if holds and len(names) == 1 else ""
        )
    if cell.assumptions and cell.verdict is Verdict.HOLDS:
        text += f"; assuming that {listed(cell.assumptions)}"
    if conditions(cell):
        text += f"; if {listed(conditions(cell))}"
    if would_hold(cell):
        text += f"; it would hold if {listed(would_hold(cell))}"
    if unconfirmed(cell) and signs:
        text += f"; relies on {listed([signs[f] for f in unconfirmed(cell)])}"
    elif unconfirmed(cell):
        text += f"; {UNTESTED}: {'; '.join(unconfirmed(cell))}"
    return text


def reach(scope: Scope) -> str:
    """``any number of events, …``, or the limits and the rest."""
    free = [
        w
        for w, n in (("events", scope.events), ("keys", scope.keys), ("workers", scope.workers))
        if n is None
    ]
    free += [
        w for w, n in (("deliveries", scope.deliveries), ("crashes", scope.crashes)) if n is None
    ]
    free += ["publisher retries"] if scope.deliveries is None else []
    rest = f"any number of {listed(free)}" if free else ""
    bounds = [limit.replace("≤", "up to ") for limit in limits(scope)]
    bounds = [
        b + " at once" if "worker" in b else b + " per key" if "event" in b else b for b in bounds
    ]
    return "; ".join(x for x in (listed(bounds) if bounds else "", rest) if x)


def summary(result: Result) -> str:
    """The last line: stable, and the same in every format."""
    cells = [c for d in result.designs for c in d.cells]
    counts = []
    for verdict in WORDS:
        of_verdict = [c for c in cells if c.verdict is verdict]
        if of_verdict:
            counts.append(_verdict_count(verdict, of_verdict))
    errors = error_count(result)
    failures = sum(len(d.failures) for d in result.designs)
    counts += [counted(errors, "error")] if errors else []
    counts += [f"{counted(failures, 'disagreement')} between engines"] if failures else []
    counts += ["interrupted"] if result.interrupted else []
    refused = sum(not_accepted(c, result.fail_on) for c in cells)
    counts += [f"{refused} not accepted (--fail-on {', '.join(result.fail_on)})"] if refused else []
    return f"{_size(result)}: {', '.join(counts) or 'nothing checked'}"


def _verdict_count(verdict: Verdict, cells: list[ClaimResult]) -> str:
    """``3 proved (1 bounded, 1 not expected)``."""
    bounded = sum(map(is_bounded, cells))
    conditional = sum(map(is_conditional, cells))
    untested = sum(map(is_unconfirmed, cells))
    expected = sum(c.as_expected for c in cells)
    aside = []
    if bounded:
        aside.append(f"{bounded} bounded")
    if conditional:
        aside.append(f"{conditional} conditional")
    if untested:
        aside.append(f"{untested} unconfirmed")
    if expected and verdict is not Verdict.HOLDS:
        aside.append(f"{expected} expected")
    if expected < len(cells) and verdict is Verdict.HOLDS:
        aside.append(f"{len(cells) - expected} not expected")
    return f"{len(cells)} {WORDS[verdict].lower()}" + (f" ({', '.join(aside)})" if aside else "")


def error_count(result: Result) -> int:
    """How many mistakes the designs have, warnings apart."""
    return sum(d.severity is Severity.ERROR for x in result.designs for d in x.diagnostics)


def _size(result: Result) -> str:
    cells = [(d.path, c) for d in result.designs for c in d.cells]
    claims = {(path, c.line, c.claim) for path, c in cells}
    semantics = {c.guarantee for _, c in cells}
    designs = f"{counted(len(result.designs), 'design')}, " if len(result.designs) != 1 else ""
    if len(claims) * len(semantics) == len(cells) and cells:
        plural = "semantic" if len(semantics) == 1 else "semantics"
        return f"{designs}{counted(len(claims), 'claim')} × {len(semantics)} {plural}"
    return f"{designs}{counted(len(claims), 'claim')}, {counted(len(cells), 'verdict')}"
