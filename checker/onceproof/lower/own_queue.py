"""A queue in one's own database: what a transaction publishes arrives with its commit, and what it
acknowledges is settled then (docs/semantics_world.md, "A queue in one's own database").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from onceproof.lang import design as d
from onceproof.lower import modelled
from onceproof.lower.case import Case
from onceproof.lower.queues import Group

ACKNOWLEDGED = "acknowledged (collected)"
"""What a transaction remembers of an ``ack`` in it: no variable, since its message may be somebody
else's by the time of the commit.
"""


def homes(process: d.Process, groups: Iterable[Group]) -> dict[str, str]:
    """The databases of messages that are kept in one."""
    found: dict[str, str] = {}
    for group in groups if modelled.OWN_DATABASE else ():
        if group.queue.database is not None:
            found[group.status] = group.queue.database
            if group.process.name == process.name:
                found[ACKNOWLEDGED] = group.queue.database
    return found


def published(case: Case, readers: list[Group]) -> list[Case]:
    """A transaction with one more message, or with one that will be dropped as a copy."""
    sent = case
    for group in readers:
        sent = group.receive(sent, collect=True)
    dropped: Case | None = case if readers and readers[0].may_drop else None
    for group in readers:
        known = set(group.variable.domain) - {"absent"}
        dropped = dropped.test(group.status, known) if dropped else None
    return [sent, *([dropped] if dropped else [])]


def acknowledged(case: Case, group: Group, *, asked: bool) -> list[tuple[Case, bool]]:
    """A transaction that acknowledges its message, and whether it holds it now. ``asked``: the
    handler looks at the answer.
    """
    noted = {**(case.transaction or {}), ACKNOWLEDGED: ()}
    if not asked:
        return [(replace(case, transaction=noted), True)]
    ways: list[tuple[Case, bool]] = []
    for answered, outcome in group.ack(case):
        # only the answer is asked for now; the message is settled later
        told = replace(case, guard=answered.guard)
        done = outcome == "done"
        ways.append((replace(told, transaction=noted) if done else told, done))
    return ways


def settled(case: Case, group: Group | None, home: Mapping[str, str], database: str) -> list[Case]:
    """The cases of a commit in a database in which its message is settled, if it was
    acknowledged.
    """
    collected = case.transaction or {}
    if group is None or ACKNOWLEDGED not in collected or home[ACKNOWLEDGED] != database:
        return [case]
    rest = {name: table for name, table in collected.items() if name != ACKNOWLEDGED}
    return [c for c, _ in group.ack(replace(case, transaction=rest))]
