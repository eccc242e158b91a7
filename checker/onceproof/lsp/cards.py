"""What is shown beside a word: its declaration, what the reference says, what is known about a
model; as Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from onceproof.lang.errors.shapes import SHAPES
from onceproof.lsp.names import Occurrence, at, definitions
from onceproof.lsp.project import Analysis
from onceproof.lsp.reference import about
from onceproof.lsp.verdicts import EditorResult
from onceproof.models import Model, kinds
from onceproof.verdict.result import Verdict

MOST_FACTS = 8


def card(analysis: Analysis, line: int, column: int, results: Iterable[EditorResult]) -> str:
    """The card for a place (1-based line, 0-based column); empty if there is nothing to say."""
    text = analysis.source.line(line)
    parts = [
        _name(analysis, at(analysis.names, analysis.path, line, column + 1)),
        _model(text, column),
        _word(text, column),
    ]
    description = next((p for p in parts if p), "")
    on_line = [t for t in results if t.line == line]
    return "\n\n---\n\n".join(p for p in (claim_card(on_line), description) if p)


def _name(analysis: Analysis, occurrence: Occurrence | None) -> str:
    if occurrence is None:
        return ""
    symbol = occurrence.symbol
    kind = {"local": "variable", "target": "name"}.get(symbol.kind, symbol.kind)
    owner = symbol.of.strip(".")
    title = f"**{kind}** `{symbol.name}`" + (f" of `{owner}`" if owner else "")
    where = definitions(analysis.names, symbol)
    if not where or symbol.kind in ("field", "value", "target"):
        return title
    span = where[0].span
    source = analysis.loaded.sources.get(span.path)
    declared = source.line(span.line).strip() if source else ""
    doc = dict(analysis.tree.doc).get(span.line, "") if span.path == analysis.path else ""
    return "\n\n".join(p for p in (title, doc, f"```once\n{declared}\n```") if p)


def _model(text: str, column: int) -> str:
    name = _at(text, column, r"[A-Za-z_][\w.\-]*")
    before = text[: text.find(name)] if name else ""
    if not name or not re.search(r"\bvia\s*$", before):
        return ""
    return next((model_card(shelf[name]) for shelf in kinds().values() if name in shelf), "")


def model_card(model: Model) -> str:
    """What is known about a broker, a store, a lock or a provider, with where it is said."""
    lines = [f"**{model.title}**", "", model.summary, ""]
    for fact in model.facts[:MOST_FACTS]:
        source = model.sources.get(fact.source)
        where = f" ([{fact.status}]({source.url}))" if source else f" ({fact.status})"
        lines.append(f"- {fact.text}{where}")
    if len(model.facts) > MOST_FACTS:
        lines.append(f"- … and {len(model.facts) - MOST_FACTS} more")
    if model.options:
        lines += ["", "Options:", ""]
        lines += [
            f"- `{o.name}` (default {o.default}): {o.meaning}" for o in model.options.values()
        ]
    return "\n".join(lines).strip()


def _word(text: str, column: int) -> str:
    word = _at(text, column, r"[A-Za-z][\w-]*")
    if not word or "#" in text[: column + 1]:
        return ""
    text_about = about(word, text)
    shapes = SHAPES.get(word, ())
    block = "```once\n" + "\n".join(shapes) + "\n```" if shapes and text.split()[0] == word else ""
    return "\n\n".join(p for p in (block, text_about) if p)


def _at(text: str, column: int, pattern: str) -> str:
    """The word at a column."""
    return next((m[0] for m in re.finditer(pattern, text) if m.start() <= column <= m.end()), "")


def claim_card(results: list[EditorResult]) -> str:
    """The verdicts on a claim, and how it is broken."""
    lines = [
        f"{t.mark} **{t.word}** under {t.semantics}" + (f": {t.reason}" if t.reason else "")
        for t in results
    ]
    stories: dict[tuple[str, ...], list[EditorResult]] = {}
    for result in results:
        if result.verdict is Verdict.REFUTED and result.story:
            stories.setdefault((result.headline, *result.story), []).append(result)
    parts = ["  \n".join(lines)] if lines else []
    for (headline, *steps), violated in stories.items():
        under = " and ".join(t.semantics for t in violated)
        parts.append(
            f"{under}: {headline}.\n\n```text\n"
            + "\n".join(steps)
            + f"\n```\n\nThis takes {violated[0].needs}."
        )
    return "\n\n".join(parts)


def lens(results: Iterable[EditorResult]) -> str:
    """The verdicts on a claim in one line, those that agree together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for result in results:
        groups.setdefault((result.mark, result.word), []).append(result.semantics)
    return " · ".join(
        f"{mark} {word}: {', '.join(under)}" for (mark, word), under in groups.items()
    )
