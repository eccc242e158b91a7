"""The result for programs: ``onceproof/result/1``, described by
``onceproof/report/schema/result-1.schema.json``.

Keys are sorted, and nothing but ``timing`` differs between two runs.
"""

from __future__ import annotations

from onceproof.base.version import VERSION
from onceproof.lang.diagnostics import Diagnostic, Label
from onceproof.lang.source import Span
from onceproof.report.formats import Format
from onceproof.report.words import json_text, summary
from onceproof.story import Needs, StoryStep
from onceproof.verdict.exit_codes import of_result
from onceproof.verdict.result import ClaimResult, DesignResult, Disagreement, Result, Scope

SCHEMA = "onceproof/result/1"

Json = dict[str, object]


def to_json(result: Result) -> str:
    """The result as JSON text, ending with a newline."""
    return json_text(document(result)) + "\n"


FORMAT = Format(
    "json",
    "for programs (schema onceproof/result/1)",
    lambda result, verbosity, look: to_json(result),
)


def document(result: Result) -> Json:
    """The result as plain data."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "onceproof", "version": VERSION},
        "inputs": [
            {"path": d.path, "sha256": d.sha256, "models": list(d.models)} for d in result.designs
        ],
        "results": [_cell(d, c) for d in result.designs for c in d.cells],
        "diagnostics": [_diagnostic(x) for d in result.designs for x in d.diagnostics],
        "failures": [_failure(f) for d in result.designs for f in d.failures],
        "interrupted": result.interrupted,
        "summary": summary(result),
        "exit_code": int(of_result(result)),
    }


def _cell(design: DesignResult, cell: ClaimResult) -> Json:
    story = cell.narrative.story if cell.narrative else None
    return {
        "design": design.path,
        "claim": cell.claim,
        "line": cell.line,
        "kind": cell.kind,
        "effect": cell.effect,
        "semantics": cell.semantics.value,
        "guarantee": cell.guarantee,
        "verdict": cell.verdict.value,
        "expected": cell.expected.value,
        "assurance": cell.assurance.value,
        "scope": _scope(cell.scope),
        "assumptions": list(cell.assumptions),
        "conditions": list(cell.conditions),
        "would_hold": list(cell.would_hold),
        "facts": list(cell.facts),
        "examined": cell.examined,
        "statistics": {
            "states": cell.statistics.states,
            "transitions": cell.statistics.transitions,
            "obligations": cell.statistics.obligations,
            "variables": cell.statistics.variables,
            "engine": cell.statistics.engine.value,
        },
        "checked_by": list(cell.checked_by),
        "reason": cell.reason,
        "why": {"facts": list(cell.why.facts), "checked": cell.why.checked} if cell.why else None,
        "unavoidable": list(cell.unavoidable),
        "blame": list(cell.blame),
        "headline": story.headline if story else None,
        "given": list(story.given) if story else [],
        "needs": _needs(story.needs) if story else None,
        "trace": [_step(s) for s in story.steps] if story else None,
        "timing": {"seconds": round(cell.seconds, 3)},
    }


def _scope(scope: Scope) -> Json:
    numbers = {
        "events": scope.events,
        "keys": scope.keys,
        "workers": scope.workers,
        "deliveries": scope.deliveries,
        "crashes": scope.crashes,
    }
    return {name: "any" if number is None else number for name, number in numbers.items()}


def _needs(needs: Needs) -> Json:
    return {
        "workers": needs.workers,
        "events": needs.events,
        "keys": needs.keys,
        "faults": {cause.value: count for cause, count in needs.faults},
    }


def _step(step: StoryStep) -> Json:
    return {
        "number": step.number,
        "cause": step.cause.value,
        "fault": step.fault,
        "who": step.who,
        "text": step.text,
        "line": step.line or None,
        "path": step.path,
        "source": step.source,
        "worker": step.worker,
        "event": step.event,
        "process": step.process,
        "queue": step.queue,
        "subject": step.subject,
        "outcome": step.outcome,
        "changes": [
            {"kind": c.kind, "what": c.what, "before": c.before, "after": c.after}
            for c in step.changes
        ],
    }


def _diagnostic(diagnostic: Diagnostic) -> Json:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "headline": diagnostic.headline,
        "primary": _label(diagnostic.primary),
        "secondary": [_label(x) for x in diagnostic.secondary],
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
        "replacement": diagnostic.replacement,
    }


def _label(label: Label) -> Json:
    return {"text": label.text, **_place(label.span)}


def _place(span: Span) -> Json:
    return {
        "path": span.path,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _failure(failure: Disagreement) -> Json:
    return {
        "design": failure.design,
        "claim": failure.claim,
        "semantics": failure.semantics.value,
        "what": failure.what,
        "details": list(failure.details),
    }
