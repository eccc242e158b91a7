"""What the answers about a design rest on: its assumptions, conditions of proofs, and facts about
brokers and providers.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from onceproof.models import providers
from onceproof.report.words import conditions, unconfirmed
from onceproof.story.outline import EffectOutline
from onceproof.verdict.result import DesignResult


class Support(Struct, frozen=True):
    """One thing that must be so. ``kind``: assumption, condition, fact or provider; ``source``:
    where it was read.
    """

    kind: str
    text: str
    status: str = ""
    source: str = ""
    line: int = 0


def rests_on(result: DesignResult) -> tuple[Support, ...]:
    """Everything, each once."""
    return tuple(dict.fromkeys(_supports(result)))


def _supports(result: DesignResult) -> Iterator[Support]:
    outline = result.outline
    lines = dict(outline.assumptions) if outline else {}
    for text in dict.fromkeys(a for c in result.cells for a in c.assumptions):
        yield Support(
            "assumption",
            text,
            "stated by the design" if text in lines else "taken for granted",
            "",
            lines.get(text, 0),
        )
    for text in dict.fromkeys(x for c in result.cells for x in conditions(c)):
        yield Support("condition", text, "you must ensure it")
    for text in dict.fromkeys(x for c in result.cells for x in unconfirmed(c)):
        yield Support("fact", text, "documented, not tested by us")
    known = providers()
    for effect in outline.effects if outline else ():
        if effect.provider in known:
            model = known[effect.provider]
            yield Support(
                "provider",
                f"{effect.name}: {model.summary}{_key(effect)}",
                model.status,
                model.source,
                effect.line,
            )


def _key(effect: EffectOutline) -> str:
    """What the design says of its key."""
    if not effect.key:
        return "; no two requests are recognised as the same"
    retention = effect.retention or "for ever"
    return (
        "; the design says that requests with the same key"
        f" ({effect.key}, kept {retention}) count once"
    )
