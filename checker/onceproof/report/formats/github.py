"""GitHub annotations: workflow commands that put a message at a line of the design. At most 10 of a
level are shown per step.
"""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.report.findings import Finding, Level, findings, uri
from onceproof.report.formats import Format
from onceproof.report.words import clean, summary
from onceproof.verdict.result import Result

COMMANDS = {
    Level.ERROR: "error",
    Level.WARNING: "warning",
    Level.NOTE: "notice",
    Level.PASS: "notice",
}


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def _line(finding: Finding) -> str:
    span = finding.span
    place = {"title": finding.title, "file": uri(span.path), "line": span.line, "col": span.column}
    place |= (
        {"endLine": span.end_line, "endColumn": span.end_column}
        if span.end_line == span.line
        else {}
    )
    given = ",".join(
        f"{name}={_property(clean(str(value), True))}" for name, value in place.items()
    )
    text = "\n".join(clean(line, True) for line in finding.text.split("\n"))
    return f"::{COMMANDS[finding.level]} {given}::{_message(text)}"


def _lines(result: Result) -> Iterator[str]:
    """What is wrong, worst first, then the summary in plain words; what is as expected needs no
    annotation.
    """
    order = list(COMMANDS)
    wrong = [f for f in findings(result) if f.level is not Level.PASS]
    yield from (_line(f) for f in sorted(wrong, key=lambda f: order.index(f.level)))
    yield summary(result)


FORMAT = Format(
    "github",
    "annotations in GitHub Actions",
    lambda result, verbosity, look: "\n".join(_lines(result)) + "\n",
)
