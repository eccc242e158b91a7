"""Words that were wrong once: double negations, too many digits, names broken inside a word."""

from __future__ import annotations

import pytest
from onceproof.base.durations import seconds_words
from onceproof.explain.proof.words import _neither
from onceproof.lang.load import load_text
from onceproof.report.story_text import StoryLines
from onceproof.verdict.check import check_loaded
from onceproof.verdict.task import Options


def test_a_negation_is_not_negated() -> None:
    assert _neither(["not yet published"]) == "published"
    assert _neither(["lost"]) == "not lost"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.76517, "0.8 s"), (60.0, "60 s"), (1.5, "1.5 s"), (0.004, "4 ms")]
)
def test_a_time_that_was_spent_has_few_digits(seconds: float, words: str) -> None:
    assert seconds_words(seconds) == words


DESIGN = """\
## A title without a blank line
event O(id)

queue orders of O at-least-once
store notices per id, unique
effect mail per id via smtp

consumer intake on orders
  insert id into notices or continue
  ack

relay notification_publisher when id in notices
  send mail

claim no duplicate mail
"""


def test_a_title_needs_no_blank_line() -> None:
    design = load_text(DESIGN).design
    assert design is not None
    assert design.title == "A title without a blank line"


def test_a_name_is_not_broken_inside() -> None:
    (cell,) = check_loaded(load_text(DESIGN), Options())[0].cells
    assert cell.narrative is not None
    lines = list(StoryLines(80, True, 0).lines(cell.narrative.story))
    assert any("notification_publisher" in line.plain for line in lines)
    assert all(len(line.plain) <= 80 for line in lines)


def test_rounds_of_a_story_are_folded() -> None:
    """A quorum queue gives up after twenty attempts, which nobody reads one by one."""
    text = """event O(id)

queue orders of O via rabbitmq.quorum
store done per id, unique
effect booking per id in done

consumer book on orders
  atomic
    insert id into done or stop
    do booking
  ack

claim no loss of booking
"""
    (cell,) = check_loaded(load_text(text), Options())[0].cells
    assert cell.narrative is not None
    story = cell.narrative.story
    short = [line.plain for line in StoryLines(100, True, 0).lines(story)]
    (folded,) = [line.strip() for line in short if "again, " in line and "times" in line]
    assert folded == "… steps 2 and 3 again, 18 times (steps 4 to 39)"
    assert sum(" is killed " in line for line in short) == 2
    whole = [line.plain for line in StoryLines(100, True, 2).lines(story)]
    assert sum(" is killed " in line for line in whole) == 20
