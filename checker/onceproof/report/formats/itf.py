"""Stories as traces in the Informal Trace Format (Apalache's ADR 015), for its viewers and for
model-based tests.

Integers are ``{"#bigint": "1"}``, tuples ``{"#tup": ...}``, sets ``{"#set": ...}``, maps ``{"#map":
...}``. ``mbt::actionTaken`` and ``mbt::nondetPicks`` are named as Quint names them; everything else
about a step is in its ``#meta``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from onceproof.base.version import VERSION
from onceproof.interpreter.state import Spot, State
from onceproof.interpreter.trace import Step
from onceproof.report.formats import Format
from onceproof.report.story_groups import StoryGroup, story_files
from onceproof.report.words import ground, short
from onceproof.story import StoryStep
from onceproof.verdict.result import Result

DESCRIPTION = "https://apalache-mc.org/docs/adr/015adr-trace.html"
VARIABLES = {
    "messages": "(<<Str, Int>> -> Str)",
    "rows": "Set(<<Str, Str, Int>>)",
    "columns": "(<<Str, Str, Int>> -> Str)",
    "counts": "(<<Str, Str, Int>> -> Int)",
    "keys": "Set(<<Str, Str, Int>>)",
    "held": "Set(<<Str, Str, Int>>)",
    "workers": "(Int -> { event: Int, holds: Bool, process: Str })",
    "mbt::actionTaken": "Str",
    "mbt::nondetPicks": "{ component: Int, event: Int, worker: Int }",
}
"""Every variable with its type, as Apalache writes types. A key is ``event`` or ``component`` with
a number from 0.

Quint has options in ``mbt::nondetPicks``; here -1 means none, since itf-py cannot read a variant
that is called ``None``.
"""

Json = dict[str, object]


def number(value: int) -> Json:
    """An integer, as the format wants it."""
    return {"#bigint": str(value)}


def tup(*parts: object) -> Json:
    """A tuple."""
    return {"#tup": list(parts)}


def _spot(spot: Spot) -> Json:
    return tup(spot[0], spot[1], number(spot[2]))


def _spots(spots: Iterable[Spot]) -> Json:
    return {"#set": [_spot(s) for s in sorted(spots)]}


def trace(group: StoryGroup, path: str) -> Json:
    """A story as one trace: the start, and the state after every step."""
    cell, headline = group.cells[0]
    assert cell.refutation is not None
    run, story = cell.refutation.run, group.narrative.story
    steps: list[tuple[Step | None, StoryStep | None]] = [
        (None, None),
        *zip(run.steps, story.steps, strict=True),
    ]
    return {
        "#meta": {
            "format": "ITF",
            "format-description": DESCRIPTION,
            "source": path,
            "description": (
                f"{cell.claim}, {cell.guarantee}: {short(cell)}. {headline}. {ground(cell)}"
            ),
            "producer": f"onceproof {VERSION}",
            "claims": [f"{c.claim} / {c.guarantee}" for c, _ in group.cells],
            "varTypes": VARIABLES,
        },
        "vars": list(VARIABLES),
        "states": [
            _state(index, state, *pair)
            for index, (state, pair) in enumerate(zip(run.states, steps, strict=True))
        ],
    }


def _state(index: int, state: State, step: Step | None, sentence: StoryStep | None) -> Json:
    return {
        "#meta": _meta(index, step, sentence),
        "messages": {"#map": [[tup(s[0], number(s[2])), status] for s, status in state.statuses]},
        "rows": _spots(state.rows),
        "columns": {"#map": [[_spot(s), value] for s, value in state.columns]},
        "counts": {"#map": [[_spot(s), number(value)] for s, value in state.counts]},
        "keys": _spots(state.records),
        "held": _spots(state.held),
        "workers": {
            "#map": [
                [
                    number(w.number),
                    {"event": number(w.event), "holds": w.holds, "process": w.process},
                ]
                for w in state.workers
            ]
        },
        "mbt::actionTaken": _action(step),
        "mbt::nondetPicks": {
            "component": number(step.component if step else -1),
            "event": number(step.event if step else -1),
            "worker": number(step.worker if step else -1),
        },
    }


def _action(step: Step | None) -> str:
    """The action's name: the cause, and for a handler's own step its handler and line."""
    if step is None:
        return "init"
    return (
        f"{step.process}:{step.line}" if step.line and not step.cause.is_fault else step.cause.value
    )


def _meta(index: int, step: Step | None, sentence: StoryStep | None) -> Json:
    meta: Json = {"index": index}
    if step is not None and sentence is not None:
        meta |= {
            "cause": step.cause.value,
            "fault": sentence.fault,
            "line": sentence.line or None,
            "outcome": step.outcome,
            "process": step.process,
            "queue": step.queue,
            "subject": step.subject,
            "text": f"{sentence.who} {sentence.text}",
        }
    return meta


def to_itf(result: Result) -> str:
    """The first story; a trace without states if nothing is refuted. One file holds one trace."""
    return next(iter(files(result).values()), "") or _text(
        {
            "#meta": {"format": "ITF", "description": "no claim is refuted"},
            "vars": list(VARIABLES),
            "states": [],
        }
    )


def files(result: Result) -> dict[str, str]:
    """One file per story."""
    return story_files(result, "itf.json", lambda group, path: _text(trace(group, path)))


def _text(document: Json) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


FORMAT = Format(
    "itf", "the stories as ITF traces", lambda result, verbosity, look: to_itf(result), files
)
