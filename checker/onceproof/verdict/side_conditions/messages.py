"""T11 and T16: copies of a message that are one row, and transactions that are one step."""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.lang.design import Process
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import condition_parts, walk
from onceproof.lower import variables as v
from onceproof.machine.delivery import Delivery
from onceproof.verdict.side_conditions.condition import Finding, Look

_WRITES = (n.SetColumn, n.Add, n.Insert, n.UpdateIf, n.Increment, n.Delete)


def merged_copies(look: Look) -> Iterator[Finding]:
    """T11. All copies of a message have one status. That forgets nothing as long as a copy that
    waits can come later instead.

    Copies that a publisher, a broker or an operator makes can always be made once more, so one is
    never missed. Copies in flight are not merged: every worker holds its own (``holds``), which is
    what ``ack or`` asks for (``lower.queues.Group.ack``). Messages of our own handlers that wait
    are counted where there are no other copies (``lower.queues.Group.counted``). What is left: a
    queue with a delivery limit, and a log, whose messages are not counted, where the second message
    cannot as well come later: no second worker could have the first one already, or both appear
    together.
    """
    for group in look.lowered.groups.values():
        merged = (group.remembers or group.is_log) and not group.drops_copies
        if group.queue.is_root or not merged or group.is_copied:
            continue
        workers = group.process.workers or look.most_workers
        together = _published_together(look, group.queue.name)
        if group.status not in look.variables or (workers is None and together is None):
            continue
        if together is not None:
            why = f"line {together.span.line} publishes it in a transaction that has published it"
            remedy = "publish one message in a transaction"
        else:
            who = f"only {workers} worker{'' if workers == 1 else 's'}"
            why = f"{who} of `{group.process.name}` can take them"
            remedy = f"leave `workers {workers}` out" if group.process.workers else "leave it out"
        reason, other = "it has a delivery limit", f"have no delivery limit for {group.queue.name}"
        if not group.queue.limit:
            reason, other = "it is a log", "publish to a queue that is none"
        if group.asks:
            reason, other = "its handler asks whether it came again", "do not ask `redelivered`"
        yield Finding.at(
            "T11",
            group.process.span,
            text=(
                f"two messages in {group.queue.name} about one event are remembered as one, since"
                f" {reason}, and {why}"
            ),
            cost=(
                "one delivery may stand for both: the claim holds only if an event is published"
                " once"
            ),
            remedy=f"{remedy}, or {other}",
        )


def _published_together(look: Look, queue: str) -> n.Step | None:
    """The second line that publishes to a queue in one transaction inside the broker."""
    for process in look.design.processes:
        group = look.lowered.groups.get(process.name)
        if group is not None and group.collects_publishing:
            lines = [
                s
                for _, s in look.steps(process)
                if isinstance(s, n.Publish) and s.queue.text == queue
            ]
            if len(lines) > 1:
                return lines[1]
    return None


def atomic_steps(look: Look) -> Iterator[Finding]:
    """T16. A transaction is one step only if it is serializable or decided by unique or conditional
    writes.

    Reads of a read-committed block are steps of their own (``lower.handler.Lowering.collected``),
    and rows that it has touched stay locked over them; to ask a provider is one in every block.
    That holds for what the database knows, not for another system's rows or another broker.
    """
    for process, step in look.steps():
        if isinstance(step, n.Atomic):
            yield from _two_systems(look, step)
            yield from _kept_inside(look, process, step)
    yield from _published_elsewhere(look)


def _kept_inside(look: Look, process: Process, block: n.Atomic) -> Iterator[Finding]:
    group = look.lowered.groups.get(process.name)
    if not block.serializable or group is None or not group.transactional:
        return
    for step in walk(block.body):
        parts = (
            condition_parts(step.condition)
            if isinstance(step, n.If)
            else (step.value,)
            if isinstance(step, n.Let)
            else ()
        )
        for name in (getattr(x, "store", None) for x in (step, *parts)):
            if (
                isinstance(name, n.Name)
                and name.text in look.design.stores
                and look.design.stores[name.text].inside is not None
            ):
                yield Finding.at(
                    "T16",
                    step.span,
                    text=(
                        f"a serializable block looks at `{name.text}`, which the broker keeps and"
                        " writes with the acknowledgement"
                    ),
                    cost="whether its rows are locked until then is not decided: nothing is proved",
                    remedy=f"use `{name.text}` outside the block",
                )


def _two_systems(look: Look, block: n.Atomic) -> Iterator[Finding]:
    written: dict[str, None] = {}
    for step in walk(block.body):
        if isinstance(step, _WRITES) and step.store.text in look.rows:
            written.setdefault(step.store.text)
        if isinstance(step, n.Do) and step.effect.text in look.rows:
            written.setdefault(look.design.effects[step.effect.text].store or "")
    stores = [look.design.stores[name] for name in written if name]
    caches = [s.name for s in stores if "cache" in s.loses]
    others = [s.name for s in stores if "cache" not in s.loses]
    if caches and others:
        yield Finding.at(
            "T16",
            block.span,
            text=f"the block writes `{caches[0]}`, a cache, and `{others[0]}`, which is none",
            cost=(
                "both are taken to be in one database: the claim holds only if a transaction really"
                " spans them"
            ),
            remedy=f"write `{caches[0]}` outside the block",
        )


def _published_elsewhere(look: Look) -> Iterator[Finding]:
    for process in look.design.processes:
        group = look.lowered.groups.get(process.name)
        if (
            group is None
            or group.semantics is not Delivery.EXACTLY_ONCE
            or process.ack == "delivery"
        ):
            continue
        for step in walk(process.body):
            if not isinstance(step, n.Publish):
                continue
            target = look.design.queues[step.queue.text]
            promised = target.semantics or look.lowered.semantics
            matters = any(
                v.status(p, look.design) in look.variables
                for p in look.design.processes
                if p.queue == target.name
            )
            if promised is not Delivery.EXACTLY_ONCE and matters:
                yield Finding.at(
                    "T16",
                    step.span,
                    text=(
                        f"`{process.name}` publishes to {target.name} ({promised.value}) inside the"
                        f" transaction of {group.queue.name} (exactly-once)"
                    ),
                    cost=(
                        "the message and the acknowledgement are taken for one moment: "
                        f"the claim holds only if {target.name} takes part in that transaction"
                    ),
                    remedy=(
                        f"declare {target.name} exactly-once, too, or publish from a consumer that"
                        " is not"
                    ),
                )
