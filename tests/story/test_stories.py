"""Every fault and every kind of claim tells its story, on small real designs; each is a golden."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from onceproof.interpreter import Context, Replay, choices, initial
from onceproof.interpreter.trace import EventOf, Trace
from onceproof.lang.load import load_text
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause
from onceproof.properties import KINDS
from onceproof.report.formats.text import to_text
from onceproof.report.story_text import StoryLines
from onceproof.report.terminal import Paint
from onceproof.story import Story, tell
from onceproof.verdict.check import check
from onceproof.verdict.task import Options

from support.designs import random_design
from support.repo import ROOT
from support.results import STORIES, checked, walked
from support.sample import sampled

Golden = Callable[[Path, str], None]

ONLY_WALKED = {Cause.REDELIVERY}
"""Not found here, because a redelivery is told together with its delivery or as a lease that runs
out.
"""
REFUSED = {Cause.BROKER_LOST, Cause.BROKER_RESTARTED, Cause.OVERTAKEN}
"""Of brokers and relays that no answer takes into account yet."""


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str, golden: Golden) -> None:
    golden(
        ROOT / "tests/story/stories" / f"{name}.txt",
        to_text(checked(name), 1, Paint(100, False, True)),
    )


def stories(name: str) -> list[Story]:
    """The stories of a design."""
    (design,) = checked(name).designs
    return [c.narrative.story for c in design.cells if c.narrative is not None]


def test_every_cause_is_told() -> None:
    told = {s.cause for name in STORIES for story in stories(name) for s in story.narrated}
    assert told >= set(Cause) - ONLY_WALKED - REFUSED


def test_every_fault_is_counted() -> None:
    for name in STORIES:
        for story in stories(name):
            faults = [s for s in story.steps if s.fault and s.outcome != "request lost"]
            assert len(faults) == sum(count for _, count in story.needs.faults)


def test_every_kind_of_claim_has_a_headline() -> None:
    kinds = {c.kind for name in STORIES for c in checked(name).designs[0].cells if c.trace}
    assert kinds == set(KINDS)


@pytest.mark.parametrize("name", STORIES)
def test_steps_name_their_line_and_its_text(name: str) -> None:
    source = checked(name).designs[0].sources[f"{name}.once"]
    for story in stories(name):
        for step in story.steps:
            if step.line:
                assert step.source == source.line(step.line).split("#")[0].strip()
            for quoted, line in re.findall(r"`([^`]+)` \(line (\d+)\)", step.text):
                assert quoted == source.line(int(line)).strip()


def test_numbers_count_from_one_and_workers_are_new_with_every_delivery() -> None:
    for name in STORIES:
        for story in stories(name):
            assert [s.number for s in story.narrated] == list(range(1, len(story.narrated) + 1))
            begun = [s.worker for s in story.steps if s.cause in (Cause.DELIVERY, Cause.START)]
            assert begun == list(range(1, len(begun) + 1))


# ---------------------------------------------------------------- walked by hand

MAIL = """\
event Order(id, order)
queue orders of Order
store seen per id, unique
effect mail per id via stripe
  key id kept 24h

consumer shop on orders
  if id in seen
    ack
    stop
  send mail
    retry 1 times
  insert id into seen or stop
  ack

claim no duplicate mail
"""

LEASE = """\
event Order(id, order)
queue orders of Order
lock lease per order in book, expires
store book per order
effect credit per order in book
  checks token of lease

consumer bank on orders
  acquire lease or stop
  do credit or stop
  release lease
  nack

claim no duplicate credit
"""

WALKS = {
    "request_lost": (
        MAIL,
        Delivery.EXACTLY_ONCE,
        """
        delivery, handler no, worker-killed request under way, delivery, handler no worker 1,
        handler done worker 1, worker-killed request lost, handler worker 1, handler done worker
        1
        """,
    ),
    "late_commit_and_late_key": (
        MAIL,
        Delivery.EXACTLY_ONCE,
        """
        delivery, handler no, worker-killed request under way, delivery, handler no worker 1,
        handler done worker 1, late-effect, worker-killed request under way worker 1, delivery,
        handler no, late-effect, effect-refused refused, handler done, handler duplicate
        """,
    ),
    "lost_acknowledgements": (
        MAIL,
        Delivery.AT_LEAST_ONCE,
        """
        delivery, handler no, answer-lost answer lost, answer-lost answer lost, redelivery,
        delivery, handler no, handler done, handler, ack-lost lost, redelivery, delivery,
        handler yes, worker-killed, redelivery, delivery, handler yes, handler done,
        broker-copy, delivery, key-expired
        """,
    ),
    "late_acknowledgements": (
        MAIL,
        Delivery.AT_LEAST_ONCE,
        """
        delivery, handler no, redelivery, delivery, redelivery, handler done worker 0, handler
        worker 0, handler done worker 0, handler yes worker 1, publisher-retry, delivery,
        handler done worker 1
        """,
    ),
    "leases_and_tokens": (
        LEASE,
        Delivery.AT_LEAST_ONCE,
        """
        delivery, handler, lock-expired, redelivery, delivery, handler worker 1, handler
        rejected worker 0, handler worker 1, handler worker 1, handler worker 1
        """,
    ),
    "releases_of_others": (
        LEASE,
        Delivery.AT_LEAST_ONCE,
        """
        delivery, handler, handler, redelivery, lock-expired, delivery, handler worker 1,
        handler worker 0, handler worker 0, delivery, handler worker 0, worker-killed worker 0,
        lock-expired
        """,
    ),
}
"""Design, semantics, and the causes and outcomes of the steps."""


@pytest.mark.parametrize("name", sorted(WALKS))
def test_walk(name: str, golden: Golden) -> None:
    text, semantics, script = WALKS[name]
    design, replay = walked(text, semantics, [" ".join(line.split()) for line in script.split(",")])
    story = tell(design, design.claims[0], replay)
    lines = [line.plain for line in StoryLines(100, True, 2).lines(story)]
    golden(
        ROOT / "tests/story/walks" / f"{name}.txt", "\n".join([*lines, "", story.needs.words, ""])
    )


def test_lines_of_imported_fragments_name_their_file(tmp_path: Path) -> None:
    (tmp_path / "mail.once").write_text("fragment tell\n  send mail\n", encoding="utf-8")
    own = 'import "mail.once"\nevent Order(id)\nqueue orders of Order\neffect mail per id\n\n'
    own += "consumer shop on orders\n  use tell\n  ack\n\nclaim no duplicate mail\n"
    path = tmp_path / "shop.once"
    path.write_text(own, encoding="utf-8")
    result = check(path, Options(second_opinion=False))
    text = to_text(result, 1, Paint(100, False, True))
    assert "mail.once:2  sends `mail`" in text
    (design,) = result.designs
    story = next(c.narrative.story for c in design.cells if c.narrative is not None)
    killed = next(s for s in story.steps if s.cause is Cause.KILLED)
    assert (
        f"after `send mail` (line 2 of {tmp_path / 'mail.once'}) and before `ack` (line 8)"
        in killed.text
    )


@pytest.mark.parametrize("seed", sampled(range(40), 2))
def test_whatever_happens_can_be_told(seed: int) -> None:
    """Random walks through random designs: every step has a sentence, every change has words."""
    design = load_text(random_design(seed), "random.once").design
    assert design is not None
    rng = random.Random(seed)
    for semantics in Delivery:
        ctx = Context.of(design, semantics)
        payload = [(f, values) for e in design.events.values() for f, values in e.payload]
        events = tuple(
            EventOf(
                0, rng.choice(list(design.events)), tuple((f, rng.choice(v)) for f, v in payload)
            )
            for _ in range(2)
        )
        states, steps = [initial(design, semantics, events)], []
        for _ in range(60):
            found = choices(ctx, states[-1], 3)
            if not found:
                break
            step, after = rng.choice(found)
            steps.append(step)
            states.append(after)
        replay = Replay(Trace(semantics, events, tuple(steps)), tuple(steps), tuple(states))
        for claim in design.claims:
            story = tell(design, claim, replay)
            assert len(story.steps) == len(steps)
            for told in story.steps:
                assert told.who
                assert re.fullmatch(r"[a-z`].*[^.;: ]", told.text), told.text
                assert "None" not in told.text
                assert all(c.before != c.after for c in told.changes)
