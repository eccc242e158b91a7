"""Markdown, for pull requests and pages: the question, the answer, the table; stories and reasons
folded below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from onceproof.report.formats import Format
from onceproof.report.formats.mermaid import diagram
from onceproof.report.review import DesignReview, Proof, Refuted, Review, review_of
from onceproof.report.review.answer import Tone
from onceproof.report.review.crashes import CrashTable
from onceproof.report.words import clean

SPECIAL = re.compile(r"[\\*<>|\[\]#]|(?<!\w)_|_(?!\w)")
"""What Markdown would read as its own; an underscore inside a word is none."""
SIGNS = {Tone.GOOD: "", Tone.LIMITED: "", Tone.BAD: "**", Tone.EXPECTED: "", Tone.OPEN: "*"}


def to_markdown(review: Review) -> str:
    """The review as Markdown. Nothing in it needs a network or HTML beyond ``<details>``."""
    lines = [f"# Design review: {_plain(review.title)}", ""]
    if not review.single:
        lines += [f"> {_plain(review.question)}", ">", f"> **{_plain(review.answer)}**", ""]
    for design in review.designs:
        lines += _design(design, review.single)
    lines += [
        "<details><summary>What this does not say</summary>",
        "",
        *(f"- {_plain(x)}" for x in review.limits),
        "",
        "</details>",
        "",
    ]
    if review.command:
        lines += [
            "Again:",
            "",
            "```console",
            *(f"$ {line}" for line in review.command.splitlines()),
            "```",
            "",
        ]
    lines += [f"{_code(d.path)} sha256 `{d.sha256}`  " for d in review.designs]
    lines += [f"onceproof {review.version}"]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """A text in which Markdown finds nothing but words between backticks."""
    parts = re.split(r"(`[^`]+`)", clean(text, True))
    return "".join(p if i % 2 else SPECIAL.sub(r"\\\g<0>", p) for i, p in enumerate(parts))


def _code(text: str) -> str:
    return f"`{clean(text, True).replace('`', chr(39))}`"


def _cell(text: str) -> str:
    """A text inside a table."""
    return _plain(text).replace("\\|", "&#124;")


def _design(d: DesignReview, single: bool) -> Iterator[str]:
    if not single:
        yield from (f"## {_plain(d.title)}", "")
    yield from (f"> {_plain(d.question)}", ">", f"> **{_plain(d.answer)}**", "")
    for m in d.diagnostics:
        yield f"- **{m.severity.value} {m.code}**, line {m.primary.span.line}: {_plain(m.headline)}"
    for f in d.failures:
        yield f"- **no verdict** for {_code(f.claim)}, {f.semantics.value}: {_plain(f.what)}"
    if d.diagnostics or d.failures:
        yield ""
    yield from _table(d)
    yield from (f"{_plain(line)}  " for line in d.footnotes)
    if d.footnotes:
        yield ""
    yield from (f"- {_plain(line)}" for line in d.once)
    if d.once:
        yield ""
    for words in d.guarantees:
        yield from (_plain(words), "")
    for r in d.refuted:
        yield from _story(r)
    yield from _remedies(d)
    for o in d.opens:
        yield from (
            f"- {o.mark} {_code(o.claim)}, {o.semantics}: {o.word}"
            + (f", because {_plain(o.reason)}" if o.reason else ""),
        )
    if d.opens:
        yield ""
    yield from _proofs(d.proofs)
    yield from _needs(d)
    if d.crashes:
        yield from _crashes(d.crashes)
    yield from _frontier(d)
    if d.supports:
        yield from ("What the answers rest on:", "")
        for s in d.supports:
            source = f" (source: {_plain(s.source)})" if s.source else ""
            yield f"- {s.kind}{f', {s.status}' if s.status else ''}: {_plain(s.text)}{source}"
        yield ""


def _table(d: DesignReview) -> Iterator[str]:
    if not d.rows:
        return
    yield "| claim | " + " | ".join(d.columns) + " |"
    yield "|---|" + "---|" * len(d.columns)
    for row in d.rows:
        cells = []
        for a in row.answers:
            sign = SIGNS[a.tone] if a else ""
            cells.append(f"{sign}{a.mark} {_cell(f'{a.word} {a.note}'.strip())}{sign}" if a else "")
        yield f"| {_code(row.claim)} | " + " | ".join(cells) + " |"
    yield ""


def _story(r: Refuted) -> Iterator[str]:
    yield f"**✗ {_plain(r.headline)}.** {_plain(_shows(r))} This takes {r.needs}."
    yield from ("", *(f"- {_plain(g)}" for g in r.gist))
    yield from ("", f"<details><summary>The story, in {len(r.moments)} steps</summary>", "")
    yield from (f"- {_plain(g)}" for g in r.given)
    if r.given:
        yield ""
    for m in r.moments:
        where = f", {m.where}," if m.where else ""
        text = f"{m.who}{where} {_plain(m.text)}"
        yield f"{m.number}. " + (
            f"{text} **(fault)**" if m.fault else f"**{text}**" if m.effect == 2 else text
        )
    yield from ("", "```mermaid", diagram(r.group).rstrip("\n"), "```", "")
    for u in r.unavoidable:
        yield from (_plain(u), "")
    if r.would_hold:
        yield from (f"It would hold if {_plain(', and '.join(r.would_hold))}.", "")
    yield from (_plain(r.ground), "", "</details>", "")


def _remedies(d: DesignReview) -> Iterator[str]:
    if not d.remedies:
        return
    yield from ("<details><summary>What to change</summary>", "")
    for r in d.remedies:
        yield from (f"**{_plain(r.effect)}** under {r.under}", "")
        for c in r.changes:
            yield from (f"{_plain(c.what)}:", "", "```diff")
            yield from (
                f"{sign}{clean(line, True)}" if sign != "@" else "@@" for sign, line in c.diff
            )
            yield from ("```", "", *(f"- {kind}: {_plain(text)}" for kind, text in c.terms), "")
        if r.none:
            yield from (f"No repair was found; {_plain(r.none)}.", "")
        yield from (x for why in r.impossible for x in (_plain(why), ""))
    yield from ("</details>", "")


def _shows(r: Refuted) -> str:
    claims = [
        f"`{claim}` {under}" + (f" ({headline})" if headline != r.headline else "")
        for claim, under, headline in r.shows
    ]
    return f"Refutes {', and '.join(claims)}{', as the design expects' if r.expected else ''}."


def _proofs(proofs: tuple[Proof, ...]) -> Iterator[str]:
    if not proofs:
        return
    yield from ("<details><summary>What is proved, and why it holds</summary>", "")
    for p in proofs:
        yield (
            f"{p.mark} {_code(p.claim)}, {p.semantics}:"
            f" {_plain(p.ground)}{f'. {_plain(p.narrowed)}' if p.narrowed else ''}"
        )
        yield ""
        yield from (f"- {_plain(fact)}" for fact in p.facts)
        if p.facts:
            yield from ("", _plain(p.about_facts), "")
        for under, hash_of, _ in p.certificates:
            yield from (f"certificate ({under}): `{hash_of}`", "")
    yield from ("</details>", "")


def _needs(d: DesignReview) -> Iterator[str]:
    for table in d.needs:
        yield from (
            f"<details><summary>Which lines the proofs need, {table.semantics}</summary>",
            "",
        )
        yield from ("| line | part | without it |", "|---|---|---|")
        for row in table.rows:
            breaks = f"breaks: {', '.join(row.breaks)}" if row.breaks else row.needed
            yield f"| {row.line} | {_cell(row.what)} | {_cell(breaks)} |"
        if table.reason:
            yield from ("", f"Not complete: {_plain(table.reason)}.")
        yield from ("", "</details>", "")


def _crashes(table: CrashTable) -> Iterator[str]:
    harm = (
        f"a crash in {table.fatal} of {len(table.rows)} gaps does harm"
        if table.fatal
        else "no crash in a single gap does harm"
    )
    yield from (f"<details><summary>Crash map: {harm}</summary>", "")
    yield "| killed | " + " | ".join(table.columns) + " |"
    yield "|---|" + "---|" * len(table.columns)
    for row in table.rows:
        cells = [
            "; ".join(_cell(f"{x.word} {x.what}".strip()) for x in cell) or "no such gap"
            for cell in row.damages
        ]
        yield f"| {_cell(f'{row.process}, {row.text}')} | " + " | ".join(cells) + " |"
    if table.bounds:
        yield from ("", f"“≈ harmless”: no harm was found with {table.bounds}. “harmless”: proved.")
    yield from ("", "</details>", "")


def _frontier(d: DesignReview) -> Iterator[str]:
    if not d.frontier:
        return
    yield from ("<details><summary>How many faults it takes</summary>", "")
    for f in d.frontier:
        yield f"- {_code(f.claim)}, {f.semantics}: {_plain(f.summary)}"
        yield from (f"  - {_plain(', and '.join(phrases))}" for phrases in f.sets)
        if f.more:
            yield f"  - and {f.more} more"
    yield from ("", "</details>", "")


FORMAT = Format(
    "markdown",
    "for pull requests and pages",
    lambda result, verbosity, look: to_markdown(review_of(result)),
    certificates=True,
)
