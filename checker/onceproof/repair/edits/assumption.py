"""An assumption about the surroundings: no line of the handler changes, and somebody must see to it
that it is true.
"""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.lang.assumptions import ASSUMPTIONS
from onceproof.lang.syntax import ast as n
from onceproof.repair.plan import Edit, Proposal, Site
from onceproof.repair.sheet import inserted

OFFERED = (
    "within-key-window",
    "no-replay",
    "no-publisher-retries",
    "no-broker-copies",
    "within-lease",
)
"""What one can arrange for; that nothing ever crashes or gets lost is nothing one can arrange for.
"""


def _assume(site: Site) -> Iterator[Proposal]:
    """One assumption more."""
    for kind in (ASSUMPTIONS[name] for name in OFFERED):
        if not site.design.assumes(kind.name):
            line = f"assume {kind.spelling}"
            text = site.sheet.changed([inserted(_where(site), line, *_gap(site))])
            yield Proposal(
                text,
                f"assume that {kind.sentence}",
                (),
                (kind.sentence,),
                ("what happens when that is not so",),
            )


def _where(site: Site) -> int:
    """Before the first assumption there is, else before the first claim (and its comments)."""
    own = [i for i in site.tree.items if i.span.path == site.path]
    lines = [i.span.line for i in own if isinstance(i, n.AssumeDecl)] or [
        i.span.line for i in own if isinstance(i, n.ClaimDecl)
    ]
    line = min(lines)
    while line > 1 and site.sheet.lines[line - 2].startswith("#"):
        line -= 1
    return line


def _gap(site: Site) -> tuple[str, ...]:
    return (
        ()
        if any(isinstance(i, n.AssumeDecl) and i.span.path == site.path for i in site.tree.items)
        else ("",)
    )


EDITS = (Edit("assumption", "assume something about the surroundings", 8, _assume),)
