"""Mistakes and fatal crash points as diagnostics of the protocol, and what can be done about
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol import types
from msgspec import Struct

from onceproof.lang.diagnostics import Diagnostic, Severity
from onceproof.lang.syntax import ast as n
from onceproof.lsp.places import Places, uri_of
from onceproof.lsp.project import Analysis
from onceproof.lsp.verdicts import EditorResult
from onceproof.story.headline import listed
from onceproof.verdict.result import Verdict

SOURCE = "onceproof"
SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
}
UNUSED = frozenset({"N115", "N125"})
"""Codes of what editors show faded: lines that never run, names that are never used."""


class Finding(Struct, frozen=True):
    """A mistake with its place in the client's terms."""

    diagnostic: Diagnostic
    shown: types.Diagnostic


def findings(analysis: Analysis, places: Places) -> list[Finding]:
    """Every mistake of a design, those of its imports at the line that imports."""
    return [Finding(d, _shown(d, analysis, places)) for d in analysis.loaded.diagnostics]


def _shown(diagnostic: Diagnostic, analysis: Analysis, places: Places) -> types.Diagnostic:
    span = diagnostic.primary.span
    is_in_file = span.path == analysis.path
    related = [] if is_in_file else [_related(span.path, diagnostic, analysis, places)]
    for label in diagnostic.secondary:
        source = analysis.loaded.sources.get(label.span.path)
        if source is not None:
            location = types.Location(
                uri_of(label.span.path), Places(source, places.codec).range_of(label.span)
            )
            related.append(types.DiagnosticRelatedInformation(location, label.text))
    return types.Diagnostic(
        range=places.range_of(span) if is_in_file else _import_line(analysis, places),
        message=message(diagnostic),
        severity=SEVERITIES[diagnostic.severity],
        code=diagnostic.code,
        source=SOURCE,
        tags=[types.DiagnosticTag.Unnecessary] if diagnostic.code in UNUSED else None,
        related_information=related or None,
    )


def _related(
    path: str, diagnostic: Diagnostic, analysis: Analysis, places: Places
) -> types.DiagnosticRelatedInformation:
    source = analysis.loaded.sources.get(path, analysis.source)
    location = types.Location(
        uri_of(path), Places(source, places.codec).range_of(diagnostic.primary.span)
    )
    return types.DiagnosticRelatedInformation(
        location, diagnostic.primary.text or diagnostic.headline
    )


def _import_line(analysis: Analysis, places: Places) -> types.Range:
    line = next((i.span.line for i in analysis.tree.items if isinstance(i, n.Import)), 1)
    return places.line(line)


def message(diagnostic: Diagnostic) -> str:
    """What the command line says, without the picture."""
    lines = [
        diagnostic.headline,
        diagnostic.primary.text,
        *(f"note: {note}" for note in diagnostic.notes),
    ]
    lines += [f"help: {diagnostic.help}"] if diagnostic.help else []
    return "\n".join(line for line in lines if line)


def marks(
    results: Iterable[EditorResult], path: str, uri: str, places: Places
) -> list[types.Diagnostic]:
    """An error at each claim that is refuted and not expected to be, with the fatal line as related
    place; and the fatal points of all stories, one per line: a hint where the design expects the
    violation, else an information.
    """
    results = list(results)
    results_at: dict[tuple[int, str], list[EditorResult]] = {}
    for result in results:
        if (
            result.verdict is Verdict.REFUTED
            and result.fatal is not None
            and result.fatal[0] in ("", path)
        ):
            results_at.setdefault((result.fatal[1], result.fatal[2]), []).append(result)
    unexpected: dict[tuple[int, str], list[EditorResult]] = {}
    for result in results:
        if result.verdict is Verdict.REFUTED and not result.as_expected:
            unexpected.setdefault((result.line, result.claim), []).append(result)
    return [
        *(_refuted(group, path, uri, places) for _, group in sorted(unexpected.items())),
        *(_mark(line, text, group, places) for (line, text), group in sorted(results_at.items())),
    ]


def _refuted(results: list[EditorResult], path: str, uri: str, places: Places) -> types.Diagnostic:
    """The error at a claim."""
    first = results[0]
    under = listed([t.semantics for t in results])
    fatal = dict.fromkeys(t.fatal for t in results if t.fatal and t.fatal[0] in ("", path))
    return types.Diagnostic(
        range=places.line(first.line),
        message=f"REFUTED under {under}: {first.headline}.",
        severity=types.DiagnosticSeverity.Error,
        code="refuted",
        source=SOURCE,
        related_information=[
            types.DiagnosticRelatedInformation(types.Location(uri, places.line(line)), text)
            for _, line, text in fatal
        ],
    )


def _mark(line: int, text: str, results: list[EditorResult], places: Places) -> types.Diagnostic:
    claims = "; ".join(dict.fromkeys(f"{t.claim} ({t.semantics}): {t.headline}" for t in results))
    expected = all(t.as_expected for t in results)
    return types.Diagnostic(
        range=places.line(line),
        message=f"{text}\n{claims}",
        severity=types.DiagnosticSeverity.Hint
        if expected
        else types.DiagnosticSeverity.Information,
        code="fatal",
        source=SOURCE,
    )


def suggestions(
    findings: Iterable[Finding], uri: str, asked: types.Range
) -> Iterator[types.CodeAction]:
    """A quick fix for every mistake in a range that has a sure answer."""
    for finding in findings:
        new = finding.diagnostic.replacement
        if (
            new is None
            or not _overlap(finding.shown.range, asked)
            or (finding.shown.related_information and not finding.diagnostic.secondary)
        ):
            continue
        edit = types.WorkspaceEdit(changes={uri: [types.TextEdit(finding.shown.range, new)]})
        yield types.CodeAction(
            f"Replace by `{new}`",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[finding.shown],
            edit=edit,
            is_preferred=True,
        )


def _overlap(first: types.Range, second: types.Range) -> bool:
    def key(p: types.Position) -> tuple[int, int]:
        return (p.line, p.character)

    return key(first.start) <= key(second.end) and key(second.start) <= key(first.end)
