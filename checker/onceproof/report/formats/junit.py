"""JUnit XML, as most build servers read it: a suite per design, a test per claim and guarantee.

A violation nobody expected is a failure; an answer that is missing, vacuous or contradicted is an
error.
"""

from __future__ import annotations

from xml.etree import ElementTree as xml

from onceproof.report.findings import Finding, Level, findings, uri
from onceproof.report.formats import Format
from onceproof.report.words import clean
from onceproof.verdict.result import Result, Verdict

NOTHING = "no claim was checked"
"""The one test of a run without any: an empty report looks like a broken one."""


def to_junit(result: Result) -> str:
    """The run as JUnit XML."""
    all_findings = list(findings(result))
    root = xml.Element("testsuites", name="onceproof")
    for design in result.designs:
        suite = xml.SubElement(root, "testsuite", name=uri(design.path))
        for finding in (f for f in all_findings if f.design == design.path):
            _case(suite, uri(design.path), finding)
        _count(suite)
    if not all_findings:
        suite = xml.SubElement(root, "testsuite", name="onceproof")
        xml.SubElement(suite, "testcase", name=NOTHING, classname="onceproof")
        _count(suite)
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(s.get(key, "0")) for s in root)))
    xml.indent(root)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n' + xml.tostring(root, encoding="unicode") + "\n"
    )


def _case(suite: xml.Element, path: str, finding: Finding) -> None:
    name = (
        f"{finding.cell.claim} / {finding.cell.guarantee}"
        if finding.cell
        else f"{finding.rule}: {finding.title}"
    )
    case = xml.SubElement(
        suite,
        "testcase",
        name=_clean(name),
        classname=path,
        file=uri(finding.span.path),
        line=str(finding.span.line),
    )
    text = "\n".join(_clean(line) for line in finding.text.split("\n"))
    if finding.level is Level.PASS or (finding.cell is None and finding.level is Level.WARNING):
        xml.SubElement(case, "system-out").text = f"{_clean(finding.title)}\n{text}"
        return
    failed = finding.cell is not None and finding.cell.verdict in (Verdict.REFUTED, Verdict.HOLDS)
    trouble = xml.SubElement(
        case, "failure" if failed else "error", message=_clean(finding.title), type=finding.rule
    )
    trouble.text = text


def _count(suite: xml.Element) -> None:
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("skipped", "0")


def _clean(text: str) -> str:
    """XML 1.0 forbids control characters, even escaped ones."""
    return clean(text, True)


FORMAT = Format(
    "junit", "JUnit XML, for build servers", lambda result, verbosity, look: to_junit(result)
)
