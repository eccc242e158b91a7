"""Move the acknowledgement: to the end of the handler, or to its beginning; and look at the
broker's answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.lang.syntax import ast as n
from onceproof.repair.plan import Edit, Place, Proposal, Site
from onceproof.repair.sheet import Change, inserted, removed, replaced


def _late(site: Site) -> Iterator[Proposal]:
    """``ack`` becomes the last line."""
    for place in site.places():
        rest = place.block[place.index + 1 :]
        if (
            not isinstance(place.step, n.Ack)
            or all(isinstance(s, n.Stop | n.Fail) for s in rest)
            or not _does(site, place.owner)
        ):
            continue
        ends = isinstance(rest[-1], n.Stop | n.Fail)
        at = rest[-1].span.line if ends else site.sheet.end_of(rest[-1]) + 1
        changes = [removed(place.line), inserted(at, site.sheet.indent(place.line) + "ack")]
        if not place.above:
            changes += [c for c in _before_stops(site, place.owner) if c.first != at]
        yield Proposal(
            site.sheet.changed(changes),
            "acknowledge only when everything is done",
            ("a worker that dies is followed by another attempt",),
        )
    for owner in site.owners():
        if isinstance(owner, n.ConsumerDecl) and owner.ack == "delivery" and _does(site, owner):
            code, _ = site.sheet.code(owner.span.line)
            head = code.replace(", acks on delivery", "")
            last = site.sheet.last_of(owner.span.line)
            if head != code:
                new = site.sheet.recoded(owner.span.line, head)
                changes = [
                    replaced(owner.span.line, new),
                    inserted(last + 1, site.sheet.unit + "ack"),
                    *_before_stops(site, owner),
                ]
                yield Proposal(
                    site.sheet.changed(changes),
                    "acknowledge when everything is done, not on delivery",
                    ("a worker that dies is followed by another attempt",),
                )


def _before_stops(site: Site, owner: object) -> Iterator[Change]:
    """``ack`` before every ``stop`` that used to end a handler whose message was settled
    already.
    """
    for place in site.places():
        if place.owner is owner and isinstance(place.step, n.Stop):
            if not place.index or not isinstance(place.block[place.index - 1], n.Ack):
                yield inserted(place.line, site.sheet.indent(place.line) + "ack")


def _early(site: Site) -> Iterator[Proposal]:
    """``ack`` becomes the first line."""
    for place in _own(site):
        if place.index and place.index == len(place.block) - 1:
            first = place.block[0].span.line
            line = site.sheet.lines[place.line - 1]
            text = site.sheet.changed([removed(place.line), inserted(first, line)])
            yield Proposal(
                text,
                "acknowledge before anything is done",
                ("a worker that dies after it leaves the rest undone",),
            )


def _checked(site: Site) -> Iterator[Proposal]:
    """Go on only if the broker took the acknowledgement."""
    for place in _own(site):
        step = place.step
        if isinstance(step, n.Ack) and step.or_else is None and place.index < len(place.block) - 1:
            line = site.sheet.recoded(place.line, site.sheet.code(place.line)[0] + " or stop")
            text = site.sheet.changed([replaced(place.line, line)])
            yield Proposal(
                text,
                "go on only if the broker confirms the acknowledgement",
                ("one round trip to the broker before the work",),
                ("the broker refuses the acknowledgement of a worker whose lease has run out",),
            )


def _own(site: Site) -> Iterator[Place]:
    """The acknowledgements in the handler's own block, of handlers that make the target happen."""
    for place in site.places():
        if isinstance(place.step, n.Ack) and not place.above and _does(site, place.owner):
            yield place


def _does(site: Site, owner: object) -> bool:
    return any(p.owner is owner for p in site.performing())


EDITS = (
    Edit("ack-later", "move the acknowledgement to the end", 1, _late),
    Edit("ack-earlier", "move the acknowledgement to the beginning", 1, _early),
    Edit("ack-checked", "look at the broker's answer to the acknowledgement", 1, _checked),
)
