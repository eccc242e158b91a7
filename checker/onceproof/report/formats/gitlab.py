"""GitLab's code quality report: a list of what is wrong, each with a place and a fingerprint."""

from __future__ import annotations

import json

from onceproof.report.findings import Finding, Level, findings, uri
from onceproof.report.formats import Format
from onceproof.verdict.result import Result

SEVERITIES = {Level.ERROR: "critical", Level.WARNING: "major", Level.NOTE: "info"}


def _issue(finding: Finding) -> dict[str, object]:
    begin = {"line": max(finding.span.line, 1), "column": max(finding.span.column, 1)}
    end = {"line": max(finding.span.end_line, 1), "column": max(finding.span.end_column, 1)}
    return {
        "check_name": finding.rule,
        "description": finding.title
        + (
            f": {finding.story.headline}"
            if finding.story
            else f": {finding.text}"
            if finding.cell
            else ""
        ),
        "content": {"body": finding.text},
        "severity": SEVERITIES[finding.level],
        "fingerprint": finding.fingerprint,
        "location": {"path": uri(finding.span.path), "positions": {"begin": begin, "end": end}},
    }


def to_gitlab(result: Result) -> str:
    """The list; empty if everything is as expected."""
    issues = [_issue(f) for f in findings(result) if f.level is not Level.PASS]
    return json.dumps(issues, indent=2, ensure_ascii=False) + "\n"


FORMAT = Format("gitlab", "GitLab code quality", lambda result, verbosity, look: to_gitlab(result))
