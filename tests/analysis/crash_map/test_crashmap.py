"""The crash map agrees with brute force: the interpreter walks the design with a ``crash here`` in
that gap; nothing else fails.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from onceproof.analysis.crash_map import CrashMap, Harm, MappedGap, crash_map
from onceproof.counterexample.validate import violates
from onceproof.interpreter import Context, Judge, State, choices, initial
from onceproof.interpreter.trace import EventOf, Step
from onceproof.lang.design import Claim, Design
from onceproof.lang.load import load, load_text
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause
from onceproof.verdict.task import Options

from support.repo import ROOT

HERE = Path(__file__).parent

MOST, LEAST, EXACTLY = Delivery
DESIGNS = {
    "first": ROOT / "examples/article/invoice_email.once",
    "ack first": ROOT / "examples/theory/ack_first_checked.once",
    "dedup first": ROOT / "examples/theory/comes_again_for_ever.once",
    "token": ROOT / "examples/theory/lease_token_unasked.once",
    "one transaction": ROOT / "examples/theory/settled_some_day.once",
}


def _design(text: str) -> Design:
    loaded = load_text(text)
    assert loaded.design is not None, loaded.diagnostics
    return loaded.design


def _marked(text: str, line: int) -> Design:
    """The design with ``crash here`` before a line."""
    lines = text.split("\n")
    indent = " " * (len(lines[line - 1]) - len(lines[line - 1].lstrip()))
    return _design("\n".join([*lines[: line - 1], f"{indent}crash here", *lines[line - 1 :]]))


def _allowed(step: Step, state: State) -> bool:
    """Normal operation, the death at the mark, and what follows from a death once nobody is
    left.
    """
    if step.cause in (Cause.REDELIVERY, Cause.LOCK_EXPIRED):
        return not state.workers
    return not step.cause.is_fault or (step.cause is Cause.KILLED and step.outcome == "")


def _broken(design: Design, semantics: Delivery, claim: Claim) -> bool:
    """Whether some run with one event breaks the claim; workers one after the other, and two where
    they may meet.
    """
    ctx = Context.of(design, semantics)
    judge = Judge(ctx)
    kind = next(iter(design.events))
    start = initial(design, semantics, (EventOf(0, kind, ()),))
    seen, queue = {start}, [start]
    for state in queue:
        if judge.violated(claim, state):
            return True
        for step, after in choices(ctx, state, 2):
            if _allowed(step, state) and after.canonical() not in seen:
                seen.add(after.canonical())
                queue.append(after)
    return False


def _plain(mapped: MappedGap) -> bool:
    return not mapped.gap.during and mapped.gap.after != (mapped.gap.before,)


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("semantics", Delivery)
def test_a_mark_in_the_gap_says_the_same(name: str, semantics: Delivery) -> None:
    text = DESIGNS[name].read_text(encoding="utf-8")
    design = _design(text)
    if semantics not in design.semantics:
        pytest.skip(f"the design is not about {semantics.value}")
    found = crash_map(design, semantics)
    assert found.complete
    compared = 0
    for mapped in filter(_plain, found.gaps):
        marked = _marked(text, mapped.gap.before)
        for harm, claim in zip(mapped.harms, marked.claims, strict=True):
            if claim.kind != "eventually-settled":
                assert (harm.harm is not Harm.HARMLESS) == _broken(marked, semantics, claim), (
                    mapped.text,
                    claim.text,
                )
                compared += 1
    assert compared >= 4


@pytest.mark.parametrize("name", DESIGNS)
def test_every_harm_is_a_run_of_the_design_with_crashes_there_only(name: str) -> None:
    design = load(DESIGNS[name]).design
    assert design is not None
    for semantics in design.semantics:
        for mapped in crash_map(design, semantics).gaps:
            for harm, claim in zip(mapped.harms, design.claims, strict=True):
                assert (harm.trace is None) == (harm.harm is Harm.HARMLESS)
                if harm.trace is not None:
                    assert violates(design, claim, harm.trace)
                    killed = [
                        s
                        for s in harm.trace.steps
                        if s.cause is Cause.KILLED and s.outcome != "request lost"
                    ]
                    assert killed
                    assert {s.line for s in killed} == {mapped.gap.before}
                    assert len(killed) == harm.crashes


def _shown(found: CrashMap) -> str:
    lines = [f"{found.semantics.value}, up to {found.workers} workers and {found.events} events"]
    for mapped in found.gaps:
        lines.append(
            f"  {mapped.gap.process}: {mapped.text}: {', '.join(h.value for h in mapped.worst)}"
        )
    return "\n".join(lines) + "\n"


def test_the_gaps_of_the_first_handler(golden: Callable[[Path, str], None]) -> None:
    design = load(DESIGNS["first"]).design
    assert design is not None
    golden(HERE / "first.txt", "".join(_shown(crash_map(design, s)) for s in Delivery))


TWO_EVENTS = """event OrderPlaced(id, order)
queue orders of OrderPlaced at-least-once
store ledger per order
effect payout per order in ledger
consumer pay on orders
  do payout
  ack
claim no duplicate payout
"""


def test_what_is_broken_anyway_is_not_blamed_on_a_crash() -> None:
    (first, *_) = crash_map(_design(TWO_EVENTS), LEAST).gaps
    assert [h.harm for h in first.harms] == [Harm.ANYWAY]


def test_limits_make_unknown() -> None:
    design = load(DESIGNS["first"]).design
    assert design is not None
    found = crash_map(design, LEAST, Options(states=1))
    assert not found.complete
    assert {h.harm for g in found.gaps for h in g.harms if h.kind == "no-duplicate"} == {
        Harm.UNKNOWN
    }
    assert all(h.reason for g in found.gaps for h in g.harms if h.harm is Harm.UNKNOWN)


def test_no_crash_no_gap() -> None:
    assert (
        crash_map(_design(TWO_EVENTS.replace("claim", "assume no crash\nclaim")), LEAST).gaps == ()
    )
