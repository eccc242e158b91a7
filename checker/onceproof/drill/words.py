"""What a drill says: as text, and as plain data for JSON. Pure functions of results."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from msgspec import Struct

from onceproof.drill.campaign import Campaign, Oddity
from onceproof.drill.story import Played, StoryRun
from onceproof.machine.delivery import Delivery

WIDTH = 110


class ColumnRun(Struct, frozen=True):
    """What was drilled of one column of the verdict table. ``products``: with versions; ``cannot``:
    what these products cannot show; ``obstacle``: why the column was not drilled at all.
    """

    semantics: Delivery
    products: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()
    obstacle: str = ""
    stories: tuple[StoryRun, ...] = ()
    campaign: Campaign | None = None
    proved: int = 0


class Drill(Struct, frozen=True):
    """A whole drill of one design."""

    path: str
    title: str
    columns: tuple[ColumnRun, ...]
    cleaned: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def _wrapped(text: str, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_long_words=False
    )


def to_text(drill: Drill, verbose: bool) -> str:
    """The drill as people read it. ``verbose``: every step, also of stories that were
    reproduced.
    """
    lines = [drill.title.strip() or PurePath(drill.path).name]
    for entry in drill.cleaned:
        lines.append(f"removed what an earlier drill had left: {entry}")
    for entry in drill.left:
        lines += _wrapped(
            f"an earlier drill has left something that cannot be removed now: {entry}", ""
        )
    for column in drill.columns:
        lines += ["", *_column(column, verbose)]
    return "\n".join(lines) + "\n"


def _column(column: ColumnRun, verbose: bool) -> Iterator[str]:
    if column.obstacle:
        yield from _wrapped(f"{column.semantics.value}: not drilled. {column.obstacle}", "")
        return
    yield f"{column.semantics.value}, on {_and(column.products)}"
    for run in column.stories:
        yield from _story(run, verbose)
    if column.campaign is not None:
        yield from _campaign(column.campaign)
    elif not column.stories:
        yield "  no counterexample to replay: no claim of this column is violated"
    missed = any(r.result != "reproduced" and not r.elsewhere for r in column.stories)
    if column.cannot and (missed or not column.stories):
        yield "  What these products cannot show:"
        for limitation in column.cannot:
            yield from _wrapped(f"- {limitation}", "    ")


def _and(parts: tuple[str, ...]) -> str:
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else "".join(parts)


MARKS = {"reproduced": "✗", "not reproduced": "?", "cannot be shown": "–"}


def _story(run: StoryRun, verbose: bool) -> Iterator[str]:
    spared = run.elsewhere and run.result != "reproduced"
    result = "not broken by the same schedule" if spared else run.result
    yield f"  {'✓' if spared else MARKS[run.result]} {run.claim}: {result}" + (
        " (violated, as expected)" if _is_expected(run) else ""
    )
    if run.result == "reproduced" or spared:
        yield from _wrapped(run.holds, "      ")
    if verbose or not (run.result == "reproduced" or spared):
        for step in run.played:
            sign = "!" if step.fault else " "
            words = f"{step.who} {step.text}".strip()
            yield from _wrapped(f"{sign} {step.number}. {words}", "      ")
            yield from _wrapped(f"→ {step.seen}", "           ")
    if run.why:
        yield from _wrapped(run.why, "      ")
    for note in run.notes:
        yield from _wrapped(f"note: {note}", "      ")


def _is_expected(run: StoryRun) -> bool:
    return run.result == "reproduced" and run.expected


# ---------------------------------------------------------------- random runs


def _campaign(campaign: Campaign) -> Iterator[str]:
    faults = ", ".join(f"{n} × {w}" for w, n in campaign.faults) or "none"
    yield (
        f"  {campaign.runs} random runs (seed {campaign.seed}), {campaign.steps} steps; faults:"
        f" {faults}"
    )
    if campaign.unfollowed:
        yield (
            f"  {campaign.unfollowed} of them were not followed to the end: too many states were"
            " possible"
        )
    for claim, count in campaign.broken:
        yield f"  ✗ {claim}: really broken in {count} run{'' if count == 1 else 's'}"
    if campaign.oddity is None:
        yield (
            "  everything that happened is allowed by the model; that is no proof, only the absence"
            " of a contradiction"
        )
        return
    yield from issue_text(campaign.oddity)


def issue_text(odd: Oddity) -> Iterator[str]:
    """A ready text for an issue: a run that must not be."""
    rule = "-" * 72
    yield rule
    if odd.proved:
        yield f"WRONG PROOF: `{odd.proved}` is proved, and was broken by a real run"
        yield from _wrapped(odd.what, "  ")
    else:
        yield "The model does not allow what happened"
        yield from _wrapped(odd.what, "  ")
    yield ""
    yield f"design:    {odd.path}"
    yield f"semantics: {odd.semantics.value}"
    yield f"products:  {_and(odd.products)}"
    yield f"run:       seed {odd.seed}, {len(odd.lines)} steps after shrinking"
    yield ""
    for number, line in enumerate(odd.lines, 1):
        yield from _wrapped(f"{number}. {line}", "  ")
    if odd.expected:
        yield "the model would allow:"
        for line in odd.expected:
            yield from _wrapped(f"- {line}", "  ")
    yield ""
    yield "the design:"
    for text in odd.text:
        yield f"    {text}"
    yield rule


# ---------------------------------------------------------------- data


def to_data(drill: Drill) -> dict[str, Any]:
    """The drill as plain data."""
    return {
        "schema": "onceproof-drill/1",
        "design": drill.path,
        "columns": [_column_data(c) for c in drill.columns],
    }


def _column_data(column: ColumnRun) -> dict[str, Any]:
    return {
        "semantics": column.semantics.value,
        "products": list(column.products),
        "obstacle": column.obstacle,
        "cannot": list(column.cannot),
        "stories": [_story_data(r) for r in column.stories],
        "random": None if column.campaign is None else _campaign_data(column.campaign),
    }


def _story_data(run: StoryRun) -> dict[str, Any]:
    return {
        "claim": run.claim,
        "result": run.result,
        "why": run.why,
        "holds": run.holds,
        "expected": run.expected,
        "steps": run.steps,
        "notes": list(run.notes),
        "played": [_played_data(p) for p in run.played],
    }


def _played_data(step: Played) -> dict[str, Any]:
    return {
        "number": step.number,
        "story": f"{step.who} {step.text}".strip(),
        "fault": step.fault,
        "seen": step.seen,
    }


def _campaign_data(campaign: Campaign) -> dict[str, Any]:
    odd = campaign.oddity
    return {
        "runs": campaign.runs,
        "seed": campaign.seed,
        "steps": campaign.steps,
        "unfollowed": campaign.unfollowed,
        "faults": dict(campaign.faults),
        "broken": dict(campaign.broken),
        "oddity": (
            None
            if odd is None
            else {"proved": odd.proved, "what": odd.what, "run": list(odd.lines), "seed": odd.seed}
        ),
    }
