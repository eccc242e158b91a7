"""GitLab's code quality report: a list of what is wrong, each with a place and a fingerprint."""

from __future__ import annotations

import json

from onceproof.report import Format
from onceproof.report.findings import Finding, Level, findings, uri
from onceproof.verdict.result import Result

SEVERITIES = {Level.ERROR: "critical", Level.WARNING: "major", Level.NOTE: "info"}


def _issue(found: Finding) -> dict[str, object]:
    begin = {"line": max(found.span.line, 1), "column": max(found.span.column, 1)}
    end = {"line": max(found.span.end_line, 1), "column": max(found.span.end_column, 1)}
    return {
        "check_name": found.rule,
        "description": found.title
        + (f": {found.story.headline}" if found.story else f": {found.text}" if found.cell else ""),
        "content": {"body": found.text},
        "severity": SEVERITIES[found.level],
        "fingerprint": found.fingerprint,
        "location": {"path": uri(found.span.path), "positions": {"begin": begin, "end": end}},
    }


def to_gitlab(result: Result) -> str:
    """The list; empty if everything is as expected."""
    found = [_issue(f) for f in findings(result) if f.level is not Level.PASS]
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


FORMAT = Format("gitlab", "GitLab code quality", lambda result, verbosity, look: to_gitlab(result))
