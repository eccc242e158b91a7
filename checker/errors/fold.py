"""From everything that was found to what is worth showing: each mistake once, and nothing that only follows from another.

A line that was given up may have declared anything it mentions, so an unknown name is not complained about if such a line has
it. The same mistake in many lines is shown at the first one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from checker.diagnostics import Diagnostic, Severity
from checker.errors.syntax import CUT, too_many
from checker.source import Source

MAX_SHOWN = 100
_GIVEN_UP = frozenset({"S001", "S002", "S008", "S013", "S014", "S015", "S018", "S019"})
"""Without a replacement, these leave a line out."""
_MAY_FOLLOW = frozenset({"N101", "N104", "N106", "N107", "N108", "N120", "N126"})
"""What a line that was left out may cause."""
_REPEATED = frozenset({"S008", "S017", "N101", "N102", "N104", "N106", "N107", "N108"})
_UNSURE = frozenset({"S015", "S016", "S018", "S019"})
"""After these the line may say less than it was meant to, even if it could be read."""
_OPTION = re.compile("N12[378]|N13[134567]")
"""Complaints about what stands below a declaration; they may follow from a mistake in its first line."""
_IMPORT = frozenset({"N116"})


def settle(found: Iterable[Diagnostic], sources: Mapping[str, Source]) -> tuple[Diagnostic, ...]:
    """The diagnostics to show, in order."""
    every = sorted(dict.fromkeys(found), key=lambda d: d.sort_key)
    lost = _lost_words(every, sources)
    cut = any(d.code in CUT for d in every)
    open_ended = any(d.code in _IMPORT for d in every)
    unsure = {
        (d.primary.span.path, d.primary.span.line)
        for d in every
        if d.code in _UNSURE or (d.code in _GIVEN_UP and d.replacement is None)
    }
    wrong = {(d.primary.span.path, d.primary.span.line) for d in every if d.code.startswith("S")}
    unnamed = unsure or any(d.code in ("N101", "N102", "S003") for d in every)
    keyless = {(d.primary.span.path, d.primary.span.line) for d in every if d.code == "N104"}
    unsure |= {(path, _header(sources[path], line)) for path, line in unsure if path in sources}
    nameless = _nameless_kinds(every, sources)
    fieldless = any(d.code == "N109" for d in every)
    kept = []
    for d in every:
        places = {(label.span.path, label.span.line) for label in (d.primary, *d.secondary)}
        options = _OPTION.fullmatch(d.code) is not None and d.primary.span.path in sources
        places |= {(path, _header(sources[path], line)) for path, line in places if options and path in sources}
        if d.code.startswith("N") and (cut or places & unsure):
            continue
        if (d.code == "N126" and unnamed) or (d.code in ("N102", "N116") and places & wrong):
            continue
        if d.code in ("S004", "S006") and any(
            x.code not in ("S004", "S006") and x.primary.span.line in {p[1] for p in places} for x in every
        ):
            continue
        if d.code == "N108" and "let" in nameless:
            continue
        if d.code == "N105" and {(x.span.path, x.span.line) for x in d.secondary} & keyless:
            continue
        if d.code == "N125" and any(x.severity is Severity.ERROR for x in every):
            continue
        if d.code == "N127" and any(
            x.code in ("N101", "N102", "N105") and x.primary.span.line == d.primary.span.line for x in every
        ):
            continue
        if (d.code == "N104" and fieldless) or (d.code == "N101" and nameless & set(d.headline.split("`")[0].split())):
            continue
        if d.code not in _MAY_FOLLOW or _stands(d, sources, lost, open_ended):
            kept.append(d)
    shown = _folded(kept)
    if len(shown) > MAX_SHOWN and not cut:
        return (*shown[:MAX_SHOWN], too_many(shown[MAX_SHOWN].primary.span, MAX_SHOWN))
    return shown


def _stands(d: Diagnostic, sources: Mapping[str, Source], lost: set[str], open_ended: bool) -> bool:
    """Whether a complaint about a name is more than a consequence of what could not be read."""
    if d.code == "N120":
        return not lost and not open_ended
    span = d.primary.span
    word = sources[span.path].line(span.line)[span.column - 1 : span.end_column - 1] if span.path in sources else ""
    if lost & set(re.findall(r"\w+", word)):
        return False
    return not open_ended or d.replacement is not None


def _nameless_kinds(found: list[Diagnostic], sources: Mapping[str, Source]) -> set[str]:
    """What kinds of things were declared in lines whose name could not be read."""
    lines = [sources[p.path].line(p.line) for d in found if d.code in ("S002", "S014") and (p := d.primary.span).path in sources]
    named = r"\s*(\w+)\s+(?!of\b|on\b|per\b)[A-Za-z_]\w*"
    return {line.split()[0] for line in lines if line.split() and not re.match(named, line)}


def _lost_words(found: list[Diagnostic], sources: Mapping[str, Source]) -> set[str]:
    """The words of every line that was left out, with the block below it."""
    lost: set[str] = set()
    for d in found:
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


def _header(source: Source, number: int) -> int:
    """The line of the declaration that a line stands below; itself if it is one."""
    while number > 1 and (not source.line(number).strip() or _indent(source.line(number))):
        number -= 1
    return number


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _folded(found: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """One diagnostic for the same mistake in several lines of a file, with a note that names the others."""
    groups: dict[tuple[str, ...], list[Diagnostic]] = {}
    for index, d in enumerate(found):
        key = (d.code, d.headline, d.primary.span.path) if d.code in _REPEATED else (str(index),)
        groups.setdefault(key, []).append(d)
    shown = []
    for first, *others in groups.values():
        lines = list(dict.fromkeys(d.primary.span.line for d in others if d.primary.span.line != first.primary.span.line))
        if lines:
            listed = ", ".join(map(str, lines[:8])) + (" …" if len(lines) > 8 else "")
            first = replace(first, notes=(*first.notes, f"the same in line{'s' if len(lines) > 1 else ''} {listed}"))
        shown.append(first)
    return tuple(sorted(shown, key=lambda d: d.sort_key))
