"""SARIF 2.1.0, for code scanning: every verdict is a result, every story a code flow through the
lines of the design.
"""

from __future__ import annotations

import json

from onceproof.base.paths import file_of
from onceproof.base.version import VERSION
from onceproof.lang.source import Span
from onceproof.report.findings import RULES, Finding, Level, findings, uri
from onceproof.report.formats import Format
from onceproof.report.story_text import place
from onceproof.report.words import is_conditional, reach
from onceproof.story import Story, StoryStep
from onceproof.verdict.exit_codes import Exit, of_result
from onceproof.verdict.result import ClaimResult, Result, Verdict

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
MOST_STEPS = 1000
"""GitHub shows so many places of a flow."""

Json = dict[str, object]


def document(result: Result) -> Json:
    """The run as SARIF."""
    all_findings = list(findings(result))
    rules = sorted({f.rule for f in all_findings})
    code = of_result(result)
    artifacts = [
        {
            "location": {"uri": uri(file_of(d.path))},
            "hashes": {"sha-256": d.sha256},
            "sourceLanguage": "once",
        }
        for d in result.designs
    ]
    run: Json = {
        "tool": {
            "driver": {
                "name": "onceproof",
                "semanticVersion": VERSION,
                "rules": [_rule(name, all_findings) for name in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": code not in (Exit.USAGE, Exit.INTERNAL, Exit.INTERRUPTED),
                "exitCode": int(code),
                "exitCodeDescription": code.name.lower(),
            }
        ],
        "artifacts": artifacts,
        "results": [_result(f, rules) for f in all_findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str, all_findings: list[Finding]) -> Json:
    text = RULES.get(name) or next(f.title for f in all_findings if f.rule == name)
    worst = (
        "error"
        if any(f.rule == name and f.level is Level.ERROR for f in all_findings)
        else "warning"
    )
    friendly = "".join(word.capitalize() for word in name.split("-"))
    return {
        "id": name,
        "name": friendly,
        "shortDescription": {"text": text},
        "defaultConfiguration": {"level": worst},
    }


def _result(finding: Finding, rules: list[str]) -> Json:
    kind, level = _kind(finding)
    document: Json = {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "kind": kind,
        "level": level,
        "message": {"text": f"{finding.title}\n{finding.text}"},
        "locations": [{"physicalLocation": _place(finding.span)}],
        "partialFingerprints": {"onceproof/v1": finding.fingerprint},
    }
    if finding.story is not None:
        document["codeFlows"] = [_flow(finding.story)]
    if finding.cell is not None:
        document["properties"] = _properties(finding.cell)
    return document


def _kind(finding: Finding) -> tuple[str, str]:
    """Only failures have a level; an answer that is missing is open, a violation that is expected
    is information.
    """
    match finding.level, finding.cell:
        case Level.PASS, ClaimResult(verdict=Verdict.HOLDS):
            return "pass", "none"
        case Level.PASS, _:
            return "informational", "none"
        case _, ClaimResult(verdict=Verdict.UNKNOWN):
            return "open", "none"
    return "fail", finding.level.value


def _properties(cell: ClaimResult) -> Json:
    return {
        "claim": cell.claim,
        "semantics": cell.semantics.value,
        "verdict": cell.verdict.value,
        "expected": cell.expected.value,
        "assurance": cell.assurance.value,
        "scope": reach(cell.scope),
        "assumptions": list(cell.assumptions),
        "conditional": is_conditional(cell),
        "checkedBy": list(cell.checked_by),
    }


def _place(span: Span) -> Json:
    region: Json = {"startLine": max(span.line, 1), "startColumn": max(span.column, 1)}
    if span.end_line >= span.line and span.end_column:
        region |= {"endLine": max(span.end_line, 1), "endColumn": max(span.end_column, 1)}
    return {"artifactLocation": {"uri": uri(span.path)}, "region": region}


def _flow(story: Story) -> Json:
    """The whole interleaving as one thread: the order of the steps is what the story is about."""
    steps = story.narrated[:MOST_STEPS]
    return {
        "message": {"text": story.headline},
        "threadFlows": [{"id": "story", "locations": [_location(s, story.path) for s in steps]}],
    }


def _location(step: StoryStep, path: str) -> Json:
    """A step at its line; what happens outside the handler has a message and no place."""
    text = f"{step.who} {step.text}"
    location: Json = {"message": {"text": text}}
    if step.line and (place(step, path) or step.fault):
        location["physicalLocation"] = {
            "artifactLocation": {"uri": uri(file_of(step.path))},
            "region": {"startLine": step.line, "snippet": {"text": step.source}},
        }
    else:
        location["physicalLocation"] = {"artifactLocation": {"uri": uri(file_of(path))}}
    return {
        "executionOrder": step.number,
        "importance": "essential"
        if step.fault or any(c.kind == "effect" for c in step.changes)
        else "important",
        "kinds": ["fault"] if step.fault else [step.cause.value],
        "location": location,
    }


def to_sarif(result: Result) -> str:
    """The run as SARIF text."""
    return json.dumps(document(result), indent=2, ensure_ascii=False) + "\n"


FORMAT = Format(
    "sarif", "SARIF 2.1.0, for code scanning", lambda result, verbosity, look: to_sarif(result)
)
