"""What to change: the repairs that were verified, effect by effect, and why there is none where
there is none.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from onceproof.repair import Repair, Repairs
from onceproof.report.words import ground, short
from onceproof.story.headline import listed


class Change(Struct, frozen=True):
    """One change of the design. ``diff``: (sign, line) of its text. ``terms``: (what kind of
    remark, the remark).
    """

    what: str
    diff: tuple[tuple[str, str], ...]
    terms: tuple[tuple[str, str], ...]


class Remedy(Struct, frozen=True):
    """The changes for one effect under some guarantees. ``impossible``: why none helps with the
    provider or queue as it is.
    """

    effect: str
    under: str
    changes: tuple[Change, ...]
    impossible: tuple[str, ...]
    none: str


def remedies(searches: Sequence[Repairs]) -> tuple[Remedy, ...]:
    """Guarantees with the same answer together."""
    groups: dict[tuple[object, ...], list[Repairs]] = {}
    for search in searches:
        texts = tuple(r.text for r in search.repairs)
        why = tuple(s.replace(search.semantics.value, "…") for s in search.impossible[-2:])
        groups.setdefault((search.effect, texts, why), []).append(search)
    return tuple(_remedy(group) for group in groups.values())


def _remedy(group: list[Repairs]) -> Remedy:
    first = group[0]
    none = ""
    if not first.repairs:
        looked = f"{first.tried} changed designs were looked at"
        none = (
            f"{looked}: every edit and pair of edits of the catalogue"
            if first.complete
            else f"{looked}; {first.reason}"
        )
    under = listed([r.semantics.value for r in group])
    return Remedy(
        first.effect, under, tuple(_change(r) for r in first.repairs), first.impossible[-2:], none
    )


def _change(repair: Repair) -> Change:
    lines = [line for line in repair.diff.splitlines() if not line.startswith(("---", "+++"))]
    parted = tuple(
        (line[:1], line[1:])
        if line[:1] in "+-"
        else ("@", "")
        if line.startswith("@@")
        else (" ", line[1:])
        for line in lines
    )
    verified = "; ".join(f"{c.claim}, {c.semantics.value}: {short(c)}" for c in repair.goal)
    terms = [
        ("verified", verified),
        *(("on what ground", g) for g in dict.fromkeys(ground(c) for c in repair.goal)),
    ]
    terms += [("costs", c) for c in repair.costs] + [
        ("must be true outside the design", c) for c in repair.outside
    ]
    terms += [("still not covered", c) for c in repair.leaves]
    return Change(" and ".join(repair.what), parted, tuple(terms))
