"""The crash map and the fault frontier as tables: gaps and claims down, delivery guarantees
across.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from onceproof.analysis.crash_map import CrashMap, Harm, MappedGap
from onceproof.analysis.cut_sets import Frontier
from onceproof.report.faults import bounds, has_unproved_gaps
from onceproof.report.review.answer import Tone
from onceproof.report.words import counted

TONES = {
    Harm.HARMLESS: Tone.GOOD,
    Harm.LOSES: Tone.BAD,
    Harm.DUPLICATES: Tone.BAD,
    Harm.BREAKS: Tone.BAD,
    Harm.ANYWAY: Tone.BAD,
    Harm.UNKNOWN: Tone.OPEN,
}
SHOWN = 4
"""Fault combinations shown per claim; more are counted."""


class Damage(Struct, frozen=True):
    """What a crash in a gap does: ``duplicates``, and what."""

    word: str
    what: str
    tone: Tone


class GapRow(Struct, frozen=True):
    """One gap of a handler. ``line``: what would have come next. ``damages``: one entry per column;
    empty: not a gap there.
    """

    process: str
    text: str
    line: int
    damages: tuple[tuple[Damage, ...], ...]

    @property
    def is_harmless(self) -> bool:
        """Whether a crash there does no harm under any guarantee."""
        return all(d.tone in (Tone.GOOD, Tone.LIMITED) for cell in self.damages for d in cell)


class CrashTable(Struct, frozen=True):
    """Every gap under every guarantee. ``bounds``: how far was looked; ``fatal``: how many gaps do
    harm under some guarantee.
    """

    columns: tuple[str, ...]
    rows: tuple[GapRow, ...]
    bounds: str
    fatal: int

    @property
    def parts(self) -> tuple[tuple[str, tuple[GapRow, ...]], ...]:
        """The rows that do harm, and the others with a heading to fold them under."""
        harmless = tuple(row for row in self.rows if row.is_harmless)
        others = tuple(row for row in self.rows if not row.is_harmless)
        title = f"{counted(len(harmless), 'place')} where a crash does no harm"
        return tuple(part for part in (("", others), (title, harmless)) if part[1])


class FrontierRow(Struct, frozen=True):
    """What it takes to break a claim under one guarantee. ``sets``: minimal combinations, each as
    phrases.
    """

    claim: str
    semantics: str
    summary: str
    tone: Tone
    sets: tuple[tuple[str, ...], ...]
    more: int


def crash_table(maps: Sequence[CrashMap]) -> CrashTable | None:
    """The maps of all guarantees side by side; None if there are none."""
    if not maps:
        return None
    keys = list(dict.fromkeys((g.gap.process, g.gap.before, g.text) for m in maps for g in m.gaps))
    order = {p: i for i, p in enumerate(dict.fromkeys(p for p, _, _ in keys))}
    columns = [{(g.gap.process, g.gap.before, g.text): _damages(g) for g in m.gaps} for m in maps]
    rows = tuple(
        GapRow(
            process, text, line, tuple(column.get((process, line, text), ()) for column in columns)
        )
        for process, line, text in sorted(keys, key=lambda key: (order[key[0]], keys.index(key)))
    )
    fatal = sum(any(d.tone is Tone.BAD for cell in row.damages for d in cell) for row in rows)
    within = ""
    if any(map(has_unproved_gaps, maps)):
        within = f"up to {bounds(max(maps, key=lambda m: (m.workers, m.events)))}"
    return CrashTable(tuple(m.semantics.value for m in maps), rows, within, fatal)


def _damages(gap: MappedGap) -> tuple[Damage, ...]:
    groups: dict[tuple[str, Tone], list[str]] = {}
    for harm in gap.harms:
        if harm.harm is Harm.HARMLESS:
            continue
        what = harm.effect if harm.harm in (Harm.DUPLICATES, Harm.LOSES) else harm.claim
        times = f" ({harm.crashes} crashes)" if harm.crashes > 1 else ""
        groups.setdefault((harm.harm.value, TONES[harm.harm]), []).append(what + times)
    if not groups:
        proved = all(harm.proved for harm in gap.harms)
        return (
            Damage(
                f"{'' if proved else '≈ '}{Harm.HARMLESS.value}",
                "",
                Tone.GOOD if proved else Tone.LIMITED,
            ),
        )
    return tuple(
        Damage(word, ", ".join(dict.fromkeys(what)), tone) for (word, tone), what in groups.items()
    )


def frontier_rows(frontiers: Sequence[Frontier]) -> tuple[FrontierRow, ...]:
    """One row per claim and guarantee."""
    return tuple(_row(f) for f in frontiers)


def _row(f: Frontier) -> FrontierRow:
    within = bounds(f)
    if f.proved:
        summary, tone = "no combination of faults breaks it", Tone.GOOD
    elif f.fewest is None:
        limit = "" if f.complete else f"; the search was not completed: {f.reason}"
        summary, tone = (
            f"no combination of up to {counted(f.most, 'fault')} breaks it, with {within}{limit}",
            Tone.LIMITED,
        )
    elif not f.fewest:
        summary, tone = "breaks without any fault", Tone.BAD
    else:
        summary, tone = f"breaks with {counted(f.fewest, 'fault')}", Tone.BAD
    sets = tuple(fault_set.words for fault_set in f.sets if fault_set.words)
    return FrontierRow(
        f.claim, f.semantics.value, summary, tone, sets[:SHOWN], max(len(sets) - SHOWN, 0)
    )
