"""Repairs of a design: as text, as one difference of the design's text, and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onceproof.machine.delivery import Delivery
from onceproof.repair import Goal, Repair, Repairs
from onceproof.report.words import WORDS
from onceproof.story.headline import listed
from onceproof.verdict.result import ClaimResult

SCHEMA = "onceproof/repair/1"
REFUSED = 4
"""Edits that do not help and are shown, where nothing was found."""


def text(searches: Sequence[Repairs], verbose: bool) -> str:
    """For a terminal: goal by goal the repairs that were verified, cheapest first."""
    if not searches:
        return "nothing to repair: no claim is refuted"
    return "\n".join(_lines(searches, verbose))


def diff(searches: Sequence[Repairs]) -> str:
    """The first repair of each goal, each difference once; empty if there is none."""
    return "".join(dict.fromkeys(s.repairs[0].diff for s in searches if s.repairs))


def _lines(searches: Sequence[Repairs], verbose: bool) -> Iterator[str]:
    texts: dict[str, str] = {}
    for group in _merged(searches):
        first, under = group[0], listed([s.semantics.value for s in group])
        title = f"{first.effect} / {under}"
        yield title
        yield from (f"  {line}" for line in _impossible(first, verbose))
        for number, repair in enumerate(first.repairs, 1):
            yield (
                f"  {number}. {'; and '.join(repair.what)} ({', '.join(repair.edits)}, cost"
                f" {repair.cost})"
            )
            if verbose:
                yield f"     verified in {repair.seconds:.2f} s"
            if repair.text in texts:
                yield f"     the same change as for {texts[repair.text]}"
                continue
            texts[repair.text] = title
            yield from (f"     {line}".rstrip() for line in repair.diff.splitlines())
            yield from (f"     {line}" for line in _terms(repair))
        if verbose:
            seconds = sum(s.seconds for s in group)
            yield f"  {first.tried} changed designs looked at in {seconds:.2f} s"
        if not first.complete:
            yield f"  not complete: {first.reason}"
        elif not first.repairs:
            yield (
                f"  none found: {first.tried} changed designs looked at, every single edit and"
                " pair of edits of the catalogue"
            )
            shown = first.refused if verbose else first.refused[:REFUSED]
            yield from (f"    {what}: {why}" for what, why in shown)
            if len(shown) < len(first.refused):
                yield f"    … and {len(first.refused) - len(shown)} more (--verbose)"


def _merged(searches: Sequence[Repairs]) -> list[list[Repairs]]:
    """Semantics with the same answer together."""
    groups: list[list[Repairs]] = []
    for search in searches:
        texts = [r.text for r in search.repairs]
        same = next(
            (
                group
                for group in groups
                if group[0].effect == search.effect and [r.text for r in group[0].repairs] == texts
            ),
            None,
        )
        if same is not None and _same_reasons(same[0], search):
            same.append(search)
        else:
            groups.append([search])
    return groups


def _same_reasons(first: Repairs, second: Repairs) -> bool:
    """Whether the reasons are the same but for the name of the semantics."""
    return [s.replace(first.semantics.value, "") for s in first.impossible] == [
        s.replace(second.semantics.value, "") for s in second.impossible
    ]


def _impossible(search: Repairs, verbose: bool) -> Iterator[str]:
    if not search.impossible:
        return
    if search.semantics is Delivery.AT_MOST_ONCE or not search.repairs:
        yield "with the design's queues and providers as they are, none exists:"
    else:
        yield "with its provider as declared, none exists:"
    sentences = search.impossible if verbose else search.impossible[-2:]
    yield from (f"  {sentence}" for sentence in sentences)


def _terms(repair: Repair) -> Iterator[str]:
    proved = [f"{c.claim} ({WORDS[c.verdict]})" for c in repair.goal]
    yield f"verified: {listed(proved)}; no other claim is worse"
    assumptions = dict.fromkeys(a for c in repair.goal for a in c.assumptions)
    bounded = [c for c in repair.goal if c.scope.workers or c.scope.events]
    yield from (f"assuming that {assumption}" for assumption in assumptions)
    yield from (f"only within bounds: {c.claim}" for c in bounded)
    yield from (f"costs: {cost}" for cost in repair.costs)
    yield from _outside(repair)
    yield from (f"still not covered: {remainder}" for remainder in repair.leaves)


def _outside(repair: Repair) -> Iterator[str]:
    yield from (f"must be true outside the design: {condition}" for condition in repair.outside)


def applied_text(made: Sequence[tuple[Goal, Repair]], left: Sequence[Goal]) -> str:
    """What was written into the design, and the goals without a repair; empty if there is
    neither.
    """
    lines: list[str] = []
    for _, repair in made:
        lines += [f"written: {what}" for what in repair.what]
        lines += _outside(repair)
    lines += [f"no repair found for {goal.name} under {goal.semantics.value}" for goal in left]
    return "\n".join(lines)


# ---------------------------------------------------------------- plain data


def document(path: str, searches: Sequence[Repairs]) -> dict[str, object]:
    """Everything as plain data (schema ``onceproof/repair/1``)."""
    return {"schema": SCHEMA, "design": path, "repairs": [_search_data(s) for s in searches]}


def applied_document(
    path: str, diff: str, made: Sequence[tuple[Goal, Repair]], left: Sequence[Goal]
) -> dict[str, object]:
    """What was written into the design, as plain data."""
    return {
        "schema": SCHEMA,
        "design": path,
        "written": bool(made),
        "diff": diff,
        "made": [[goal.name, goal.semantics.value, *repair.edits] for goal, repair in made],
        "left": [[goal.name, goal.semantics.value] for goal in left],
    }


def _search_data(search: Repairs) -> dict[str, object]:
    return {
        "effect": search.effect,
        "semantics": search.semantics.value,
        "impossible": list(search.impossible),
        "tried": search.tried,
        "complete": search.complete,
        "reason": search.reason,
        "refused": [{"what": what, "why": why} for what, why in search.refused],
        "offered": [_repair_data(r) for r in search.repairs],
    }


def _repair_data(repair: Repair) -> dict[str, object]:
    return {
        "edits": list(repair.edits),
        "what": list(repair.what),
        "cost": repair.cost,
        "text": repair.text,
        "diff": repair.diff,
        "costs": list(repair.costs),
        "outside": list(repair.outside),
        "leaves": list(repair.leaves),
        "goal": [_cell_data(c) for c in repair.goal],
        "verdicts": [_cell_data(c) for c in repair.cells],
        "timing": {"seconds": round(repair.seconds, 3)},
    }


def _cell_data(cell: ClaimResult) -> dict[str, object]:
    return {
        "claim": cell.claim,
        "semantics": cell.semantics.value,
        "verdict": cell.verdict.value,
        "assurance": cell.assurance.value,
        "assumptions": list(cell.assumptions),
        "workers": cell.scope.workers,
        "events": cell.scope.events,
    }
