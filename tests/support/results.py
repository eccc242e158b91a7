"""Results made by hand, for what the engines do not give us on purpose; and traces walked by hand
through the interpreter.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from msgspec.structs import replace
from onceproof.interpreter import Context, Replay, choices, initial
from onceproof.interpreter.trace import EventOf, Trace
from onceproof.lang.design import Design
from onceproof.lang.diagnostics import Diagnostic, Label, Severity
from onceproof.lang.load import load, load_text
from onceproof.lang.source import Source, Span
from onceproof.machine.delivery import Delivery
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import (
    Assurance,
    ClaimResult,
    DesignResult,
    Disagreement,
    Engine,
    Outcome,
    Proof,
    Refutation,
    Result,
    Scope,
    Statistics,
    Undecided,
    Vacuous,
    Verdict,
)
from onceproof.verdict.task import Options

from support.repo import ROOT

HERE = ROOT / "tests/report"
STORIES = sorted(p.stem for p in (ROOT / "tests/story/stories").glob("*.once"))

AMO, ALO, EO = Delivery
EVERYTHING = Scope()


@cache
def checked(name: str) -> Result:
    """The result of a design in ``stories`` with all that formats show, and with paths that do not
    depend on where the repository is.
    """
    file = load(ROOT / "tests/story/stories" / f"{name}.once")
    loaded = load_text(file.sources[file.path].text, f"{name}.once")
    options = Options(second_opinion=False, digests=True)
    design, _ = check_loaded(replace(loaded, sha256=file.sha256), options)
    assert not design.diagnostics
    assert not design.failures
    return Result((design,))


def cell(
    claim: str,
    semantics: Delivery,
    verdict: Verdict,
    expected: Verdict = Verdict.HOLDS,
    *,
    line: int = 10,
    assumptions: tuple[str, ...] = (),
    facts: tuple[str, ...] = (),
    **of_outcome: Any,
) -> ClaimResult:
    """A result with the usual assurance of its verdict and made-up sizes. ``of_outcome``: fields
    that only a proof has, or only what is undecided.
    """
    proof = {"assurance": Assurance.CERTIFICATE, "checked_by": ("z3", "cvc5")}
    outcome: Outcome
    match verdict:
        case Verdict.HOLDS:
            outcome = Proof(**{**proof, **of_outcome})
        case Verdict.REFUTED:
            run = Replay(Trace(semantics, (), ()), (), ())
            outcome = Refutation(run, EVERYTHING, ("z3", "cvc5"))
        case Verdict.VACUOUS:
            outcome = Vacuous(Proof(Assurance.NONE), of_outcome.get("reason", ""))
        case Verdict.UNKNOWN:
            outcome = Undecided(of_outcome.get("reason", ""))
    engine = {
        Verdict.HOLDS: Engine.COVERABILITY,
        Verdict.REFUTED: Engine.SEARCH,
        Verdict.VACUOUS: Engine.COVERABILITY,
    }
    return ClaimResult(
        claim,
        "no-loss" if "loss" in claim else "no-duplicate",
        claim.split()[-1],
        semantics,
        expected,
        line,
        outcome,
        assumptions,
        Statistics(1234, 5678, 19, 7, engine.get(verdict, Engine.NONE)),
        facts,
    )


def design(
    *cells: ClaimResult, path: str = "designs/orders.once", title: str = "Orders", **more: object
) -> DesignResult:
    """A design's result around some results of claims."""
    made = DesignResult(
        path,
        "0" * 64,
        title,
        (),
        cells,
        tuple(Delivery),
        {path: Source.of(path, "event Order(id)\n")},
    )
    return replace(made, **more)


def every_verdict() -> Result:
    """One of each: proved, bounded, refuted and expected, refuted, an expected violation that is
    gone, vacuous, unknown.
    """
    dup, loss, both = (
        "no duplicate ready_email",
        "no loss of ready_email",
        "ready_email and invoice together",
    )
    story = checked("worker_killed").designs[0]
    refuted = {c.semantics: c for c in story.cells if c.kind == "no-duplicate"}
    lost = next(c for c in story.cells if c.kind == "no-loss" and c.trace)
    bounded = {
        "assurance": Assurance.EXHAUSTIVE,
        "scope": Scope(1, 1, 2),
        "reason": "rows are kept per order and per customer",
    }
    assumed = ("no worker is killed", "no operator replays messages")
    refutation = refuted[EO].refutation
    assert refutation is not None
    twice = replace(refutation, checked_by=("interpreter", "z3"))
    cells = (
        cell(dup, AMO, Verdict.HOLDS, line=refuted[ALO].line),
        replace(refuted[ALO], expected=Verdict.REFUTED),
        replace(refuted[EO], expected=Verdict.REFUTED, outcome=twice),
        lost,
        cell(loss, ALO, Verdict.HOLDS, line=lost.line, checked_by=("search", "z3"), **bounded),
        cell(loss, EO, Verdict.HOLDS, Verdict.REFUTED, line=lost.line, assumptions=assumed),
        cell(both, AMO, Verdict.VACUOUS, reason="`invoice` never happens"),
        cell(both, ALO, Verdict.UNKNOWN, reason="the search stopped: 2,000,000 states"),
        cell(both, EO, Verdict.UNKNOWN, Verdict.UNKNOWN),
    )
    return Result((replace(story, cells=cells, certificates=()),))


def troubles() -> Result:
    """A design with mistakes, one whose engines disagree, and a Ctrl-C."""
    path = "designs/broken.once"
    source = Source.of(path, "queue orders off Order\n")
    off, name = (
        Label(Span(1, 14, 1, 17, path), "expected `of`"),
        Label(Span(1, 7, 1, 13, path), "declared here"),
    )
    error = Diagnostic(
        "S001", Severity.ERROR, "unexpected `off`", off, help="did you mean `of`?", replacement="of"
    )
    warning = Diagnostic("N104", Severity.WARNING, "the queue `orders` is never read", name)
    broken = DesignResult(path, "1" * 64, "", (error, warning), (), (), {path: source})
    failure = Disagreement(
        "designs/orders.once",
        "no duplicate charge",
        9,
        ALO,
        "two engines disagree",
        ("this", "that"),
    )
    return Result(
        (broken, design(cell("no duplicate charge", AMO, Verdict.HOLDS), failures=(failure,))),
        interrupted=True,
    )


def walked(text: str, semantics: Delivery, script: Sequence[str]) -> tuple[Design, Replay]:
    """A trace of one event: every line of ``script`` is ``cause [outcome] [worker N]`` and fits
    exactly one choice.
    """
    loaded = load_text(text, "walked.once")
    assert loaded.design is not None, loaded.diagnostics
    ctx = Context.of(loaded.design, semantics)
    kind = next(iter(loaded.design.events.values()))
    events = (EventOf(0, kind.name, tuple((f, values[0]) for f, values in kind.payload)),)
    states, steps = [initial(loaded.design, semantics, events)], []
    for line in script:
        words, _, number = line.partition(" worker ")
        cause, _, outcome = words.partition(" ")
        possible = choices(ctx, states[-1])
        fitting = [
            (step, state)
            for step, state in possible
            if (step.cause.value, step.outcome) == (cause, outcome)
            and (not number or step.worker == int(number))
        ]
        assert len(fitting) == 1, (
            line,
            [(s.cause.value, s.outcome, s.worker) for s, _ in possible],
        )
        steps.append(fitting[0][0])
        states.append(fitting[0][1])
    return loaded.design, Replay(
        Trace(semantics, events, tuple(steps)), tuple(steps), tuple(states)
    )
