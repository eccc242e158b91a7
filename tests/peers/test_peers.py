"""SPIN and Rumur agree with our search on exported models: all examples, and random designs and
machines; a broken export or a broken search is caught.

Nothing is picked by hand. Rumur sees every example under every guarantee, with two workers and one
event. SPIN sees every third of them; which third, and which random ones, moves on with every
commit. ``./dev peers examples`` and ``./dev peers random`` look at all of them,
at more bounds.
"""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from onceproof.engines.search import Bounds
from onceproof.export.murphi import MurphiWriter
from onceproof.export.promela import PromelaWriter
from onceproof.machine.system import Machine

from peers.compare import Case, Tally, case_of, compare
from peers.examples import SMALL, lowered
from peers.examples import one as one_example
from peers.random import KINDS
from peers.random import one as one_random
from peers.tools import TOOLS, rumur_trace, spin_trace
from support.machines import no_dup, no_loss, random_machine, reference
from support.repo import ROOT

Say = Callable[[str, object], None]


def _here(*tools: str) -> None:
    for tool in tools:
        if TOOLS[tool].missing():
            pytest.skip(f"{tool}: {TOOLS[tool].missing()}")


def _turn() -> int:
    """A number that moves on with every commit; 0 without a repository."""
    done = subprocess.run(
        ("git", "rev-list", "--count", "HEAD"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return int(done.stdout) if done.returncode == 0 else 0


def _agree(tally: Tally, what: str, say: Say) -> None:
    say("says", f"{what}: {tally.line()}")
    assert tally.differences == [], "\n".join(tally.differences)
    assert tally.models > 0


# ---------------------------------------------------------------- examples


@pytest.mark.slow
@pytest.mark.parametrize("half", [0, 1])
def test_every_example_agrees_in_rumur(half: int, record_property: Say) -> None:
    _here("rumur")
    tally = Tally()
    for label, design in list(lowered())[half::2]:
        tally.add(one_example(label, design, SMALL, ["rumur"], 100_000))
    _agree(tally, f"examples in Rumur, half {half + 1} of 2", record_property)


@pytest.mark.slow
def test_a_third_of_the_examples_agrees_in_spin(record_property: Say) -> None:
    _here("spin")
    tally, turn = Tally(), _turn() % 3
    for label, design in list(lowered())[turn::3]:
        tally.add(one_example(label, design, SMALL, ["spin"], 100_000))
    _agree(tally, f"examples in SPIN, third {turn + 1} of 3", record_property)


@pytest.mark.nightly
@pytest.mark.parametrize("tool", ["tlc", "nusmv"])
def test_every_example_agrees_elsewhere(tool: str, record_property: Say) -> None:
    _here(tool)
    tally = Tally()
    for label, design in lowered():
        tally.add(one_example(label, design, SMALL, [tool], 100_000))
    _agree(tally, f"examples in {tool}", record_property)


# ---------------------------------------------------------------- random ones


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_random_ones_agree(kind: str, record_property: Say) -> None:
    _here("rumur", "spin")
    first, tally = 20 * _turn(), Tally()
    for seed in range(first, first + 20):
        tally.add(one_random(kind, seed, ["rumur", "spin"], 10_000))
    _agree(tally, f"random {kind} {first} to {first + 19} in Rumur and SPIN", record_property)


@pytest.mark.nightly
@pytest.mark.parametrize("kind", KINDS)
def test_many_random_ones_agree(kind: str, record_property: Say) -> None:
    _here("rumur", "spin")
    tally = Tally()
    for seed in range(1_000):
        tally.add(one_random(kind, seed, ["rumur", "spin"], 30_000))
    _agree(tally, f"random {kind} 0 to 999 in Rumur and SPIN", record_property)


# ---------------------------------------------------------------- by hand


def _reference(safe: bool, bounds: Bounds) -> Case:
    case = case_of("reference", reference(safe), (no_dup(), no_loss()), bounds)
    assert isinstance(case, Case)
    return case


@pytest.mark.slow
@pytest.mark.parametrize("tool", TOOLS)
def test_the_reference_problem_agrees(tool: str) -> None:
    _here(tool)
    for safe in (True, False):
        case = _reference(safe, Bounds(2, 2))
        assert safe is False or case.counted.full_states == 4_825
        assert compare(case, [tool]).differences == []


@pytest.mark.slow
def test_rumur_counts_the_same_up_to_symmetry() -> None:
    _here("rumur")
    case = _reference(True, Bounds(2, 3))
    tally = compare(case, ["rumur"], symmetric=True)
    assert tally.differences == []
    assert case.counted.states < case.counted.full_states


@pytest.mark.slow
def test_a_violation_has_a_trace_in_the_model_as_it_is_exported() -> None:
    _here("rumur", "spin")
    case = _reference(False, Bounds(1, 1))
    assert "mail done" in rumur_trace(case.model(), 0)
    assert "mail[" in spin_trace(case.model(), 0)
    assert rumur_trace(case.model(), 1) == ""
    assert spin_trace(case.model(), 1) == ""


# ---------------------------------------------------------------- what is broken is caught


def _some(wanted: Callable[[Machine], bool], count: int) -> list[Case]:
    """Random machines of a kind."""
    found = []
    for seed in range(200):
        machine, claim = random_machine(seed)
        case = (
            case_of(f"machine {seed}", machine, (claim,), Bounds(2, 1), 5_000)
            if wanted(machine)
            else ""
        )
        found += [case] if isinstance(case, Case) else []
        if len(found) == count:
            break
    return found


def _caught(cases: list[Case], tool: str) -> bool:
    return any(compare(case, [tool]).differences for case in cases)


BROKEN: dict[str, Callable[[Machine], bool]] = {
    "alone": lambda m: any(r.alone is not None for r in m.rules),
    "limits": lambda m: bool(m.limits),
    "broadcasts": lambda m: any(r.others for r in m.rules),
}


@pytest.mark.slow
@pytest.mark.parametrize("part", BROKEN)
@pytest.mark.parametrize(("tool", "writer"), [("rumur", MurphiWriter), ("spin", PromelaWriter)])
def test_an_export_that_forgets_something_is_caught(
    part: str, tool: str, writer: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    _here(tool)
    cases = _some(BROKEN[part], 24)
    assert not _caught(cases[:1], tool)
    monkeypatch.setattr(writer, part, lambda *_: [])
    assert _caught(cases, tool)


@pytest.mark.slow
def test_a_search_that_miscounts_or_misjudges_is_caught() -> None:
    _here("rumur")
    case = _reference(False, Bounds(2, 1))
    fewer = dataclasses.replace(
        case, counted=replace(case.counted, full_states=case.counted.full_states - 1)
    )
    blind = dataclasses.replace(case, found=(None, None))
    assert "states here" in compare(fewer, ["rumur"]).differences[0]
    told = compare(blind, ["rumur"]).differences
    assert len(told) == 1
    assert "NoDup holds here and is violated in rumur" in told[0]
    assert "mail done" in told[0]
