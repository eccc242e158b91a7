"""Compare the version: write only if the column still is what was looked at (a conditional
update).
"""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.lang.syntax import ast as n
from onceproof.repair.plan import Edit, Place, Proposal, Site
from onceproof.repair.sheet import Change, shifted


def _compare(site: Site) -> Iterator[Proposal]:
    """``if s.c is a`` around ``set s.c = b`` becomes ``update s.c from a to b``."""
    for place in site.performing():
        branch = place.inside(n.If)
        if branch is None or not isinstance(branch.step, n.If) or branch.step.otherwise:
            continue
        test = _single(branch.step.condition)
        if not isinstance(test, n.ColumnIs) or test.negated:
            continue
        for step in branch.step.body:
            if isinstance(step, n.SetColumn) and (step.store.text, step.column.text) == (
                test.store.text,
                test.column.text,
            ):
                yield _proposal(site, branch, (test, step))


def _single(condition: n.Condition) -> n.Condition:
    while isinstance(condition, n.AnyOf | n.AllOf) and len(condition.parts) == 1:
        condition = condition.parts[0]
    return condition


def _proposal(site: Site, branch: Place, branching: tuple[n.ColumnIs, n.SetColumn]) -> Proposal:
    sheet, unit = site.sheet, site.sheet.unit
    test, write = branching
    first, last = branch.line, sheet.end_of(branch.step)
    indent = sheet.indent(first)
    column = f"{test.store.text}.{test.column.text}"
    end = ["ack", "stop"] if site.acks(branch.owner) else ["stop"]
    update = [
        f"{indent}update {column} from {test.value.text} to {write.value.text}",
        f"{indent}{unit}on conflict",
        *(f"{indent}{unit * 2}{word}" for word in end),
    ]
    rest = [
        line
        for number, line in enumerate(sheet.cut(first, last), first)
        if number not in (first, write.span.line)
    ]
    body = shifted(rest, unit, -1)
    if branch.inside(n.Atomic) is None:
        update, body = [f"{indent}atomic", *shifted(update, unit, 1)], shifted(body, unit, 1)
    return Proposal(
        sheet.changed([Change(first, last, (*update, *body))]),
        f"change `{column}` only if it still is {test.value.text} (a conditional update)",
        (),
        (
            (
                f"`{test.store.text}` compares and writes in one statement, together with"
                f" {site.goal.name}"
            ),
        ),
    )


EDITS = (Edit("conditional-update", "compare the version when writing", 2, _compare),)
