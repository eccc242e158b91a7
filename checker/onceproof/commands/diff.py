"""``onceproof diff``: two designs compared, for a terminal, a pull request or a program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from onceproof.analysis.diff import CellChange, Comparison, StoryChange, Turn, compare
from onceproof.commands.shared import design_of, emit
from onceproof.machine.delivery import Delivery
from onceproof.report.words import clean, short
from onceproof.story import Story
from onceproof.story.headline import listed
from onceproof.verdict.exit_codes import Exit
from onceproof.verdict.result import Cell
from onceproof.verdict.task import Options

SCHEMA = "onceproof/diff/1"
TITLES = {Turn.WORSE: "worse", Turn.BETTER: "better", Turn.NEW: "new", Turn.GONE: "gone"}


class DiffCommand(Struct, frozen=True):
    """``onceproof diff OLD NEW``, with its options as the command line names them."""

    old: Path
    new: Path
    semantics: tuple[str, ...]
    claims: tuple[str, ...]
    form: str
    output: Path | None
    timeout: float
    exit_zero: bool

    def run(self) -> int:
        """Compare and say; returns the exit code."""
        old, new = design_of(self.old), design_of(self.new)
        if old.design is None or new.design is None:
            return int(Exit.USAGE)
        chosen = tuple(s for s in Delivery if s.value in self.semantics)
        options = Options(
            semantics=chosen, claims=self.claims, seconds=self.timeout, second_opinion=False
        )
        try:
            found = compare(old, new, options)
        except KeyboardInterrupt:
            return int(Exit.INTERRUPTED)
        if found.failures:
            raise AssertionError(f"engines contradict each other: {found.failures[0].what}")
        write = {"text": text, "markdown": markdown, "json": as_json}[self.form]
        emit(self.output, "never", lambda look: clean_lines(write(found), look.unicode))
        return int(Exit.VIOLATED if found.worse and not self.exit_zero else Exit.HOLDS)


def clean_lines(text: str, unicode: bool) -> str:
    """Every line safe to print."""
    return "\n".join(clean(line, unicode) for line in text.split("\n"))


def _verdict(cell: Cell | None) -> str:
    return short(cell) if cell is not None else "-"


def summary(found: Comparison) -> str:
    """``1 worse, 2 better, 3 the same``."""
    turns = [c.turn for c in found.cells if not (c.is_worse and c.turn is not Turn.WORSE)]
    counts = [(len(found.worse), "worse")]
    counts += [(turns.count(turn), word) for turn, word in TITLES.items() if turn is not Turn.WORSE]
    counts.append((turns.count(Turn.SAME), "the same"))
    return ", ".join(f"{count} {word}" for count, word in counts if count or word == "worse")


# ---------------------------------------------------------------- text


def text(found: Comparison) -> str:
    """For a terminal."""
    return "\n".join(_text(found)) + "\n"


def _text(found: Comparison) -> Iterator[str]:
    yield f"{found.old} -> {found.new}"
    for title, mine in _groups(found):
        yield title
        for change in mine:
            yield f"  {change.claim} / {change.semantics.value}: {_turn(change)}"
            yield from (f"    {reason}" for reason in change.reasons)
    yield from _listed("claims", found.claims_added, found.claims_gone)
    yield from _listed("assumptions", found.assumptions_added, found.assumptions_gone)
    for told in found.stories:
        yield f"{_kind(told)}: {told.claim}, {listed([s.value for s in told.semantics])}"
        if told.after is not None:
            yield from (f"  {line}" for line in _story(told.after))
        elif told.before is not None:
            yield f"  {told.before.headline}."
    yield summary(found)


def _groups(found: Comparison) -> Iterator[tuple[str, list[CellChange]]]:
    """What changed, the worst first."""
    worse = list(found.worse)
    if worse:
        yield "worse", worse
    for turn in (Turn.BETTER, Turn.NEW, Turn.GONE):
        mine = [c for c in found.cells if c.turn is turn and not c.is_worse]
        if mine:
            yield TITLES[turn], mine


def _turn(change: CellChange) -> str:
    if change.before is None:
        return f"{_verdict(change.after)} (new)"
    if change.after is None:
        return f"was {_verdict(change.before)}"
    return f"{_verdict(change.before)} -> {_verdict(change.after)}"


def _listed(what: str, added: tuple[str, ...], gone: tuple[str, ...]) -> Iterator[str]:
    if added or gone:
        yield what
        yield from (f"  + {x}" for x in added)
        yield from (f"  - {x}" for x in gone)


def _kind(change: StoryChange) -> str:
    if change.before is None:
        return "new story"
    return "story gone" if change.after is None else "another story"


def _story(story: Story) -> Iterator[str]:
    yield f"{story.headline}."
    for step in story.told:
        where = f" (line {step.line})" if step.line and "line" not in step.text else ""
        yield f"{step.number}. {step.who} {step.text}{where}"
    yield f"This takes {story.needs.words}."


# ---------------------------------------------------------------- Markdown


def markdown(found: Comparison) -> str:
    """For a pull request: a heading, a table of what changed, the stories folded."""
    return "\n".join(_markdown(found)) + "\n"


def _markdown(found: Comparison) -> Iterator[str]:
    yield f"### Onceproof: {summary(found)}"
    yield ""
    yield f"`{found.old}` → `{found.new}`"
    changed = [c for _, mine in _groups(found) for c in mine]
    if changed:
        yield ""
        yield "| claim | guarantee | before | after | |"
        yield "|---|---|---|---|---|"
        for c in changed:
            remark = "; ".join(
                ([f"**{TITLES[Turn.WORSE]}**"] if c.is_worse else [TITLES.get(c.turn, "")])
                + list(c.reasons)
            )
            yield (
                f"| {_cell(c.claim)} | {c.semantics.value} | {_verdict(c.before)} |"
                f" {_verdict(c.after)} | {_cell(remark)} |"
            )
    for what, added, gone in (
        ("Claims", found.claims_added, found.claims_gone),
        ("Assumptions", found.assumptions_added, found.assumptions_gone),
    ):
        if added or gone:
            yield ""
            yield f"**{what}**"
            yield ""
            yield from (f"- added: {_cell(x)}" for x in added)
            yield from (f"- gone: {_cell(x)}" for x in gone)
    for change in found.stories:
        yield from _folded(change)


def _folded(change: StoryChange) -> Iterator[str]:
    told = change.after or change.before
    if told is None:
        return
    yield ""
    yield (
        f"<details><summary>{_kind(change)}: {_cell(change.claim)},"
        f" {listed([s.value for s in change.semantics])}</summary>"
    )
    yield ""
    lines = list(_story(told))
    yield lines[0]
    yield ""
    yield from lines[1:-1]
    yield ""
    yield lines[-1]
    yield ""
    yield "</details>"


def _cell(text: str) -> str:
    """Text that is safe within a table of Markdown."""
    return text.replace("|", "\\|").replace("<", "&lt;")


# ---------------------------------------------------------------- JSON


def as_json(found: Comparison) -> str:
    """For programs."""
    body = {
        "schema": SCHEMA,
        "old": found.old,
        "new": found.new,
        "worse": bool(found.worse),
        "cells": [_cell_json(c) for c in found.cells],
        "stories": [_story_json(s) for s in found.stories],
        "claims": {"added": list(found.claims_added), "gone": list(found.claims_gone)},
        "assumptions": {
            "added": list(found.assumptions_added),
            "gone": list(found.assumptions_gone),
        },
        "summary": summary(found),
    }
    return json.dumps(body, indent=2, sort_keys=True, ensure_ascii=False)


def _cell_json(c: CellChange) -> dict[str, object]:
    return {
        "claim": c.claim,
        "semantics": c.semantics.value,
        "before": c.before.verdict.value if c.before else None,
        "after": c.after.verdict.value if c.after else None,
        "turn": c.turn.value,
        "worse": c.is_worse,
        "reasons": list(c.reasons),
    }


def _story_json(s: StoryChange) -> dict[str, object]:
    told = s.after or s.before
    return {
        "claim": s.claim,
        "semantics": [x.value for x in s.semantics],
        "kind": _kind(s),
        "story": list(_story(told)) if told is not None else [],
    }
