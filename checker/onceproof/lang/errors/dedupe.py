"""From everything that was found to what is worth showing: each mistake once, and nothing that only
follows from another.

A line that was given up may have declared anything it mentions, so an unknown name is not
complained about if such a line has it. The same mistake in many lines is shown at the first one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from onceproof.lang.diagnostics import Diagnostic, Label, Severity
from onceproof.lang.errors.syntax import CUT, too_many
from onceproof.lang.source import Source

_Place = tuple[str, int]
"""A file and a line."""
MAX_SHOWN = 100
_GIVEN_UP = frozenset({"S001", "S002", "S008", "S013", "S014", "S015", "S018", "S019"})
"""Without a replacement, these leave a line out."""
_MAY_FOLLOW = frozenset({"N101", "N104", "N106", "N107", "N108", "N120", "N126"})
"""What a line that was left out may cause."""
_REPEATED = frozenset({"S008", "S017", "N101", "N102", "N104", "N106", "N107", "N108"})
_UNSURE = frozenset({"S015", "S016", "S018", "S019"})
"""After these the line may say less than it was meant to, even if it could be read."""
_INDENTATION = frozenset({"S004", "S006"})
_OPTION = re.compile("N12[378]|N13[134567]")
"""Complaints about what stands below a declaration; they may follow from a mistake in its first
line.
"""
_IMPORT = frozenset({"N116"})


def settle(
    diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source]
) -> tuple[Diagnostic, ...]:
    """The diagnostics to show, in order."""
    every = sorted(dict.fromkeys(diagnostics), key=lambda d: d.sort_key)
    causes = _Causes(every, sources)
    left = [d for d in every if not causes.explain(d)]
    if causes.errors and not any(d.severity is Severity.ERROR for d in left):
        left = every  # mistakes that explain each other: better all of them than none
    folded = _folded(left)
    if len(folded) > MAX_SHOWN and not causes.cut:
        return (*folded[:MAX_SHOWN], too_many(folded[MAX_SHOWN].primary.span, MAX_SHOWN))
    return folded


class _Causes:
    """The mistakes that bring others with them."""

    def __init__(self, every: list[Diagnostic], sources: Mapping[str, Source]) -> None:
        self.sources = sources
        self.codes = {d.code for d in every}
        self.cut = bool(self.codes & CUT)
        self.open_ended = bool(self.codes & _IMPORT)
        self.errors = any(d.severity is Severity.ERROR for d in every)
        self.lost = _lost_words(every, sources)
        self.nameless = _nameless_kinds(every, sources)
        self.at: dict[_Place, set[str]] = {}
        for d in every:
            self.at.setdefault(_place(d.primary), set()).add(d.code)
        unsure = {
            _place(d.primary)
            for d in every
            if d.code in _UNSURE or (d.code in _GIVEN_UP and d.replacement is None)
        }
        self.unsure = unsure | {self._declaration(place) for place in unsure}

    def explain(self, d: Diagnostic) -> bool:
        """Whether ``d`` only follows from another mistake."""
        if d.code in _INDENTATION:
            return any(
                self.at.get(_place(label), set()) - _INDENTATION
                for label in (d.primary, *d.secondary)
            )
        if not d.code.startswith("N"):
            return False
        return (
            self.cut
            or self._of_an_unsure_line(d)
            or self._of_another_code(d)
            or (d.code in _MAY_FOLLOW and not self._stands(d))
        )

    def _of_an_unsure_line(self, d: Diagnostic) -> bool:
        """It is about a line that may say less than it was meant to."""
        places = {_place(label) for label in (d.primary, *d.secondary)}
        if _OPTION.fullmatch(d.code):
            places |= {self._declaration(place) for place in places}
        return bool(places & self.unsure)

    def _of_another_code(self, d: Diagnostic) -> bool:
        """A mistake of another kind, in this line or in a declaration, is enough of an
        explanation.
        """
        same_place = self.at[_place(d.primary)]
        match d.code:
            case "N101":
                return bool(self.nameless & set(d.headline.split("`")[0].split()))
            case "N102" | "N116":
                return any(code.startswith("S") for code in same_place - _INDENTATION)
            case "N104":
                return "N109" in self.codes
            case "N105":
                return any("N104" in self.at.get(_place(label), ()) for label in d.secondary)
            case "N108":
                return "let" in self.nameless
            case "N125":
                return self.errors
            case "N126":
                return bool(self.unsure) or bool(self.codes & {"N101", "N102", "S003"})
            case "N127":
                return bool(same_place & {"N101", "N102", "N105"})
            case _:
                return False

    def _stands(self, d: Diagnostic) -> bool:
        """Whether a complaint about a name is more than a consequence of what could not be read."""
        if d.code == "N120":
            return not self.lost and not self.open_ended
        span = d.primary.span
        line = self.sources[span.path].line(span.line) if span.path in self.sources else ""
        if self.lost & set(re.findall(r"\w+", line[span.column - 1 : span.end_column - 1])):
            return False
        return not self.open_ended or d.replacement is not None

    def _declaration(self, place: _Place) -> _Place:
        """The first line of the declaration that a line stands below; itself if it is one."""
        path, number = place
        if path not in self.sources:
            return place
        source = self.sources[path]
        while number > 1 and (not source.line(number).strip() or _indent(source.line(number))):
            number -= 1
        return path, number


def _place(label: Label) -> _Place:
    return label.span.path, label.span.line


def _nameless_kinds(diagnostics: list[Diagnostic], sources: Mapping[str, Source]) -> set[str]:
    """What kinds of things were declared in lines whose name could not be read."""
    lines = [
        sources[p.path].line(p.line)
        for d in diagnostics
        if d.code in ("S002", "S014") and (p := d.primary.span).path in sources
    ]
    named = r"\s*(\w+)\s+(?!of\b|on\b|per\b)[A-Za-z_]\w*"
    return {line.split()[0] for line in lines if line.split() and not re.match(named, line)}


def _lost_words(diagnostics: list[Diagnostic], sources: Mapping[str, Source]) -> set[str]:
    """The words of every line that was left out, with the block below it."""
    lost: set[str] = set()
    for d in diagnostics:
        span = d.primary.span
        if d.code not in _GIVEN_UP or d.replacement is not None or span.path not in sources:
            continue
        source = sources[span.path]
        lost.update(re.findall(r"\w+", source.line(span.line)))
        indent = _indent(source.line(span.line))
        for line in source.lines[span.line :]:
            deeper = not line.strip() or _indent(line) > indent
            if not (deeper if d.code != "S019" else line.strip()):
                break
            lost.update(re.findall(r"\w+", line))
    return lost


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _folded(diagnostics: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """One diagnostic for the same mistake in several lines of a file, with a note that names the
    others.
    """
    groups: dict[tuple[str, ...], list[Diagnostic]] = {}
    for index, d in enumerate(diagnostics):
        key = (d.code, d.headline, d.primary.span.path) if d.code in _REPEATED else (str(index),)
        groups.setdefault(key, []).append(d)
    merged = []
    for first, *others in groups.values():
        lines = list(
            dict.fromkeys(
                d.primary.span.line
                for d in others
                if d.primary.span.line != first.primary.span.line
            )
        )
        if lines:
            listed = ", ".join(map(str, lines[:8])) + (" …" if len(lines) > 8 else "")
            first = replace(
                first,
                notes=(*first.notes, f"the same in line{'s' if len(lines) > 1 else ''} {listed}"),
            )
        merged.append(first)
    return tuple(sorted(merged, key=lambda d: d.sort_key))
