"""Each answer names the engine it comes from, and no other."""

from __future__ import annotations

import pytest
from onceproof.lang.load import load_text
from onceproof.verdict import decide, ladder
from onceproof.verdict.result import Assurance, Engine, Verdict
from onceproof.verdict.side_conditions.condition import Finding
from onceproof.verdict.task import Options

from support.trap import cells

DESIGN = """\
event Paid(id)
queue q of Paid at-least-once
store done per id
effect mail per id via smtp
consumer c on q
  if id not in done
    send mail
    add id to done
  ack
claim {claim}
"""
LOSS, DUPLICATE = "no loss of mail", "no duplicate mail"
DEAD = """\
event Paid(id)
queue q of Paid at-least-once
store other per id
effect mail per id via smtp
effect note per id via http
  key id, kept for ever
consumer c on q
  if id in other
    send note
  send mail
  ack
claim no duplicate note
claim no loss of mail
"""


def decided(claim: str, options: Options | None = None) -> tuple[Verdict, Engine]:
    (found,) = cells(DESIGN.format(claim=claim), options or Options())
    return found.verdict, found.statistics.engine


def test_a_proof_for_any_number_is_the_coverability_engine_s() -> None:
    assert decided(LOSS) == (Verdict.HOLDS, Engine.COVERABILITY)


def test_a_story_is_the_search_s() -> None:
    assert decided(DUPLICATE) == (Verdict.REFUTED, Engine.SEARCH)


@pytest.mark.parametrize("few", [3_000, 0])
def test_a_bounded_proof_is_the_search_s(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the second look at it is the other engine's."""
    monkeypatch.setattr(ladder, "FOR_SOLVERS", few)
    (found,) = cells(DESIGN.format(claim=LOSS), Options(workers=2))
    assert (found.assurance, found.statistics.engine) == (Assurance.EXHAUSTIVE, Engine.SEARCH)


@pytest.mark.parametrize("options", [Options(), Options(workers=1)])
def test_what_never_happens_is_the_coverability_engine_s(options: Options) -> None:
    """The effect of the first claim, and for both a step that never runs."""
    found = cells(DEAD, options)
    assert [c.verdict for c in found] == [Verdict.VACUOUS] * 2
    assert "never happens" in found[0].reason or "never run" in found[0].reason
    assert [c.statistics.engine for c in found] == [Engine.COVERABILITY] * 2


def test_without_a_verdict_nobody_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    assert decided(LOSS, Options(seconds=0)) == (Verdict.UNKNOWN, Engine.NONE)
    assert decided(LOSS, Options(workers=2, states=3)) == (Verdict.UNKNOWN, Engine.NONE)
    assert decided(DUPLICATE, Options(workers=2, states=3)) == (Verdict.UNKNOWN, Engine.NONE)
    monkeypatch.setattr(
        "onceproof.verdict.side_conditions.fragment",
        lambda *_: [Finding("T1", 1, "so it is", "it costs", "mend it")],
    )
    assert decided(LOSS) == (
        Verdict.UNKNOWN,
        Engine.NONE,
    )  # proved, but a condition of the theory is not met


def test_the_engine_named_is_the_one_that_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the one, the other answers, and says so; a search that finds nothing leaves nothing
    to say.
    """

    def gives_up(*_: object) -> decide.coverability.GaveUp:
        return decide.coverability.GaveUp("not today")

    monkeypatch.setattr(decide.coverability, "prove", gives_up)
    assert decided(LOSS) == (Verdict.HOLDS, Engine.SEARCH)
    assert decided(DUPLICATE) == (Verdict.REFUTED, Engine.SEARCH)


def test_without_a_machine_the_column_has_its_name() -> None:
    """A design whose process was killed is reported in the one column of its guarantees, too."""
    text = DESIGN.format(claim=LOSS) + "queue other of Paid exactly-once\n"
    design = load_text(text).design
    assert design is not None
    (found,) = decide.undecided(design, Options(), "killed")
    assert found.guarantee == "at-least-once and exactly-once"
