"""A walk as text: where it has come to, what can happen now, what the last step changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from onceproof.report.terminal import Paint
from onceproof.story.changes import Change
from onceproof.story.stepper import Offer, Walk

MANY = 9
"""Faults beyond this number are folded away until they are asked for."""


def offers_text(offers: tuple[Offer, ...], look: Paint, every: bool) -> str:
    """What can happen now, numbered; faults apart."""
    if not offers:
        return "nothing can happen any more"
    calm = [o for o in offers if not o.fault]
    faults = [o for o in offers if o.fault]
    listed_faults = faults if every or len(faults) <= MANY else faults[:MANY]
    lines = (
        ["what can happen:"] if calm else ["nothing happens by itself any more; what can go wrong:"]
    )
    lines += [_numbered(i, o) for i, o in enumerate(calm, 1)]
    if faults and calm:
        lines.append("what can go wrong:")
    lines += [_numbered(i, o) for i, o in enumerate(listed_faults, len(calm) + 1)]
    if len(listed_faults) < len(faults):
        more = "..." if not look.unicode else "…"
        lines.append(
            f"     {more} and {len(faults) - len(listed_faults)} more faults (`all` shows them)"
        )
    return "\n".join(lines)


def _numbered(number: int, offer: Offer) -> str:
    return f"  {number:>2}  {offer.words}"


def taken_text(walk: Walk, look: Paint) -> str:
    """The last step and what it changed; claims that are violated now."""
    lines = []
    if walk.steps:
        sentence = walk.sentences()[-1]
        mark = "!" if sentence.fault is not None else " "
        lines.append(f"{mark} {len(walk.steps)}. {sentence.who} {sentence.text}")
        lines += [f"      {line}" for line in change_lines(walk.last(), look)]
    cross = "✗" if look.unicode else "x"
    lines += [f"{cross} violated now: {claim}" for claim in walk.broken()]
    return "\n".join(lines)


def change_lines(changed: Iterable[Change], look: Paint) -> Iterator[str]:
    """``invoice.status for invoice 1: unset -> queued``, as a diff has it: what was, what is."""
    arrow = "→" if look.unicode else "->"
    for change in changed:
        yield f"{change.what}: {change.before} {arrow} {change.after}"


def situation_text(walk: Walk, look: Paint) -> str:
    """Everything that is not as at the beginning, and who is at work where."""
    lines = [f"{c.what}: {c.after}" for c in walk.situation()]
    for worker in walk.now.workers:
        state = "killed, its last request is under way" if worker.underway else "at work"
        holding = ", holds its message" if worker.holds else ""
        local = "".join(f", {name} = {value}" for name, value in worker.locals)
        lines.append(
            f"a worker of {worker.process} on event {worker.event + 1}: {state}{holding}{local}"
        )
    return "\n".join(lines) if lines else "everything is as at the beginning"


def history_text(walk: Walk) -> str:
    """The steps so far, numbered."""
    if not walk.steps:
        return "no step yet"
    sentences = walk.sentences()
    return "\n".join(
        f"{'!' if s.fault is not None else ' '} {i}. {s.who} {s.text}"
        for i, s in enumerate(sentences, 1)
    )
