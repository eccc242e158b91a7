"""Keep keys and records as long as a repetition can come."""

from __future__ import annotations

import re
from collections.abc import Iterator

from onceproof.lang.syntax import ast as n
from onceproof.models import providers
from onceproof.repair.plan import Edit, Proposal, Site
from onceproof.repair.sheet import replaced


def _provider(site: Site) -> Iterator[Proposal]:
    """``kept 24h`` becomes ``kept for ever``, where the provider's own window is not known to be
    shorter.
    """
    decl = site.item(n.EffectDecl, site.goal.target.name.text)
    if (
        not isinstance(decl, n.EffectDecl)
        or decl.idempotency is None
        or decl.idempotency.retention in (None, n.FOR_EVER)
    ):
        return
    known = (
        providers()[decl.model.name].keys
        if decl.model and decl.model.name in providers()
        else "unknown"
    )
    if known in ("unknown", n.FOR_EVER):
        line, window = decl.idempotency.span.line, decl.idempotency.retention
        code = site.sheet.code(line)[0].replace(f"kept {window}", f"kept {n.FOR_EVER}")
        text = site.sheet.changed([replaced(line, site.sheet.recoded(line, code))])
        yield Proposal(
            text,
            f"have the provider keep the key of {decl.name.text} for as long as the event can come"
            " again",
            (),
            ("the provider keeps the key so long, replays by an operator included",),
            (),
        )


def _rows(site: Site) -> Iterator[Proposal]:
    """A store whose rows end no longer ends them."""
    for item in site.tree.items:
        if (
            isinstance(item, n.StoreDecl)
            and item.expires is not None
            and item.span.path == site.path
        ):
            code = re.sub(r",\s*expires(\s+\d+\w+)?", "", site.sheet.code(item.span.line)[0])
            text = site.sheet.changed(
                [replaced(item.span.line, site.sheet.recoded(item.span.line, code))]
            )
            yield Proposal(
                text,
                f"keep the rows of `{item.name.text}` for as long as the event can come again",
                ("the table grows",),
                (
                    (
                        f"nobody deletes rows of `{item.name.text}` while their event can come"
                        " again, replays by an operator included"
                    ),
                ),
            )


EDITS = (
    Edit("key-window", "have the provider keep keys longer", 4, _provider),
    Edit("row-window", "keep dedup rows longer", 3, _rows),
)
