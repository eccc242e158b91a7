"""Two designs compared: as text, as Markdown for a pull request, and as plain data."""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.analysis.diff import CellChange, Comparison, StoryChange, Turn
from onceproof.report.words import markdown_cell, short
from onceproof.story import Story
from onceproof.story.headline import listed
from onceproof.verdict.result import ClaimResult

SCHEMA = "onceproof/diff/1"
TITLES = {Turn.WORSE: "worse", Turn.BETTER: "better", Turn.NEW: "new", Turn.GONE: "gone"}


def summary(comparison: Comparison) -> str:
    """``1 worse, 2 better, 3 the same``."""
    turns = [c.turn for c in comparison.cells if not (c.is_worse and c.turn is not Turn.WORSE)]
    counts = [(len(comparison.worse), "worse")]
    counts += [(turns.count(turn), word) for turn, word in TITLES.items() if turn is not Turn.WORSE]
    counts.append((turns.count(Turn.SAME), "the same"))
    return ", ".join(f"{count} {word}" for count, word in counts if count or word == "worse")


def _groups(comparison: Comparison) -> Iterator[tuple[str, list[CellChange]]]:
    """What changed, the worst first."""
    if comparison.worse:
        yield TITLES[Turn.WORSE], list(comparison.worse)
    for turn in (Turn.BETTER, Turn.NEW, Turn.GONE):
        group = [c for c in comparison.cells if c.turn is turn and not c.is_worse]
        if group:
            yield TITLES[turn], group


def _verdict(cell: ClaimResult | None) -> str:
    return short(cell) if cell is not None else "-"


def _kind(change: StoryChange) -> str:
    if change.before is None:
        return "new story"
    return "story gone" if change.after is None else "another story"


def _story_lines(story: Story) -> Iterator[str]:
    yield f"{story.headline}."
    for step in story.narrated:
        where = f" (line {step.line})" if step.line and "line" not in step.text else ""
        yield f"{step.number}. {step.who} {step.text}{where}"
    yield f"This takes {story.needs.words}."


# ---------------------------------------------------------------- text


def text(comparison: Comparison) -> str:
    """For a terminal."""
    return "\n".join(_text_lines(comparison)) + "\n"


def _text_lines(comparison: Comparison) -> Iterator[str]:
    yield f"{comparison.old} -> {comparison.new}"
    for title, group in _groups(comparison):
        yield title
        for change in group:
            yield f"  {change.claim} / {change.semantics.value}: {_turn(change)}"
            yield from (f"    {reason}" for reason in change.reasons)
    yield from _listing("claims", comparison.claims_added, comparison.claims_gone)
    yield from _listing("assumptions", comparison.assumptions_added, comparison.assumptions_gone)
    for story in comparison.stories:
        yield f"{_kind(story)}: {story.claim}, {listed([s.value for s in story.semantics])}"
        if story.after is not None:
            yield from (f"  {line}" for line in _story_lines(story.after))
        elif story.before is not None:
            yield f"  {story.before.headline}."
    yield summary(comparison)


def _turn(change: CellChange) -> str:
    if change.before is None:
        return f"{_verdict(change.after)} (new)"
    if change.after is None:
        return f"was {_verdict(change.before)}"
    return f"{_verdict(change.before)} -> {_verdict(change.after)}"


def _listing(what: str, added: tuple[str, ...], removed: tuple[str, ...]) -> Iterator[str]:
    if added or removed:
        yield what
        yield from (f"  + {sentence}" for sentence in added)
        yield from (f"  - {sentence}" for sentence in removed)


# ---------------------------------------------------------------- Markdown


def markdown(comparison: Comparison) -> str:
    """For a pull request: a heading, a table of what changed, the stories folded."""
    return "\n".join(_markdown_lines(comparison)) + "\n"


def _markdown_lines(comparison: Comparison, stories: int | None = None) -> Iterator[str]:
    """``stories``: at most so many of them."""
    yield f"### Onceproof: {summary(comparison)}"
    yield ""
    yield f"`{comparison.old}` → `{comparison.new}`"
    changes = [change for _, group in _groups(comparison) for change in group]
    if changes:
        yield ""
        yield "| claim | guarantee | before | after | |"
        yield "|---|---|---|---|---|"
        yield from map(_row, changes)
    for what, added, removed in (
        ("Claims", comparison.claims_added, comparison.claims_gone),
        ("Assumptions", comparison.assumptions_added, comparison.assumptions_gone),
    ):
        if added or removed:
            yield ""
            yield f"**{what}**"
            yield ""
            yield from (f"- added: {markdown_cell(sentence)}" for sentence in added)
            yield from (f"- gone: {markdown_cell(sentence)}" for sentence in removed)
    for story in comparison.stories[:stories]:
        yield from _folded(story)
    if stories is not None and len(comparison.stories) > stories:
        yield ""
        yield f"{len(comparison.stories) - stories} more: `onceproof diff` shows them."


def comment(comparison: Comparison) -> str:
    """For a pull request: one folded part with the table of what changed, and the first story."""
    if not (comparison.worse or list(_groups(comparison)) or comparison.stories):
        return f"**{markdown_cell(comparison.new)}**: {summary(comparison)}\n"
    _, _, _, *lines = _markdown_lines(comparison, stories=1)
    head = f"<b>{markdown_cell(comparison.new)}</b>: {summary(comparison)}"
    opened = " open" if comparison.worse else ""
    return "\n".join([f"<details{opened}><summary>{head}</summary>", *lines, "", "</details>", ""])


def _row(change: CellChange) -> str:
    title = f"**{TITLES[Turn.WORSE]}**" if change.is_worse else TITLES.get(change.turn, "")
    cells = (
        markdown_cell(change.claim),
        change.semantics.value,
        _verdict(change.before),
        _verdict(change.after),
        markdown_cell("; ".join((title, *change.reasons))),
    )
    return f"| {' | '.join(cells)} |"


def _folded(change: StoryChange) -> Iterator[str]:
    story = change.after or change.before
    if story is None:
        return
    headline, *steps, needs = _story_lines(story)
    yield ""
    yield (
        f"<details><summary>{_kind(change)}: {markdown_cell(change.claim)},"
        f" {listed([s.value for s in change.semantics])}</summary>"
    )
    yield from ("", headline, "", *steps, "", needs, "", "</details>")


# ---------------------------------------------------------------- plain data


def document(comparison: Comparison) -> dict[str, object]:
    """Everything as plain data (schema ``onceproof/diff/1``)."""
    return {
        "schema": SCHEMA,
        "old": comparison.old,
        "new": comparison.new,
        "worse": bool(comparison.worse),
        "cells": [_change_data(c) for c in comparison.cells],
        "stories": [_story_data(s) for s in comparison.stories],
        "claims": {"added": list(comparison.claims_added), "gone": list(comparison.claims_gone)},
        "assumptions": {
            "added": list(comparison.assumptions_added),
            "gone": list(comparison.assumptions_gone),
        },
        "summary": summary(comparison),
    }


def _change_data(change: CellChange) -> dict[str, object]:
    return {
        "claim": change.claim,
        "semantics": change.semantics.value,
        "before": change.before.verdict.value if change.before else None,
        "after": change.after.verdict.value if change.after else None,
        "turn": change.turn.value,
        "worse": change.is_worse,
        "reasons": list(change.reasons),
    }


def _story_data(change: StoryChange) -> dict[str, object]:
    story = change.after or change.before
    return {
        "claim": change.claim,
        "semantics": [s.value for s in change.semantics],
        "kind": _kind(change),
        "story": list(_story_lines(story)) if story is not None else [],
    }
