"""Expectations follow the repair: an ``expect violated`` that no longer comes true is taken out of
the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onceproof.lang.syntax import ast as n
from onceproof.machine.delivery import Delivery
from onceproof.repair.sheet import Change, Sheet, removed, replaced
from onceproof.verdict.result import Verdict

MEANT = {
    "proved": Verdict.HOLDS,
    "holds": Verdict.HOLDS,
    "violated": Verdict.REFUTED,
    "refuted": Verdict.REFUTED,
}
"""The verdict behind the words of an expectation; the other words are verdicts themselves."""

Verdicts = Mapping[tuple[int, Delivery], Verdict]
"""By the claim's line and the semantics."""


def following(text: str, tree: n.Tree, columns: Sequence[Delivery], verdicts: Verdicts) -> str:
    """The text without expectations that are not met; only verdicts that are known are compared."""
    sheet, changes = Sheet.of(text), []
    for item in tree.items:
        if isinstance(item, n.ClaimDecl) and item.span.path == tree.path:
            for expect in item.expects:
                change = _change(sheet, item, expect, (columns, verdicts))
                if change is not None:
                    changes.append(change)
    return sheet.changed(changes)


def _change(
    sheet: Sheet, claim: n.ClaimDecl, expect: n.Expect, known: tuple[Sequence[Delivery], Verdicts]
) -> Change | None:
    columns, verdicts = known
    wanted = MEANT[expect.verdict] if expect.verdict in MEANT else Verdict(expect.verdict)
    asked = [s for s in columns if not claim.semantics or s in claim.semantics]
    intended = [s for s in expect.semantics or asked if s in asked]
    holding = [s for s in intended if verdicts.get((claim.span.line, s), wanted) is wanted]
    if holding == intended:
        return None
    line = expect.span.line
    if not holding:
        return removed(line)
    code, comment = sheet.code(line)
    head = code.split(" under ")[0]
    return replaced(line, f"{head} under {', '.join(s.value for s in holding)}{comment}")
