"""A fencing token, checked together with the write: the row turns a holder away whose lease has
passed on.
"""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.lang.syntax import ast as n
from onceproof.repair.plan import Edit, Proposal, Site, steps_of
from onceproof.repair.sheet import inserted, replaced


def _token(site: Site) -> Iterator[Proposal]:
    """``checks token of`` a lease that the handler holds and that is kept in the same store as the
    effect.
    """
    decl = site.item(n.EffectDecl, site.goal.target.name.text)
    if not isinstance(decl, n.EffectDecl) or decl.store is None or decl.token_of is not None:
        return
    for place in site.performing():
        step = place.step
        locks = [s.lock.text for s in steps_of(place.owner) if isinstance(s, n.Acquire)]
        for lock in dict.fromkeys(locks):
            known = site.design.locks[lock]
            if known.store != decl.store.text or not known.expires or not isinstance(step, n.Do):
                continue
            changes = [inserted(decl.span.line + 1, f"{site.sheet.unit}checks token of {lock}")]
            if step.or_else is None and not step.clauses:
                code, _ = site.sheet.code(step.span.line)
                changes.append(
                    replaced(step.span.line, site.sheet.recoded(step.span.line, f"{code} or stop"))
                )
            yield Proposal(
                site.sheet.changed(changes),
                f"write {decl.name.text} only with the newest token of `{lock}`",
                ("the row keeps the newest token, and every write compares it",),
                (f"`{decl.store.text}` compares the token and writes in one statement",),
            )


EDITS = (Edit("fencing-token", "check a fencing token with the write", 2, _token),)
