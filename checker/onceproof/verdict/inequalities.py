"""Lengths of time that an answer rests on, as inequalities; and facts about a model that nobody has
confirmed.

A lease that does not run out, a key that is remembered long enough: a proof may need that, and then
it is no bare proof. Which design is asked for that: the same one without its bounds and windows
(``relaxed``), or with the ones it lacks (``with_lengths``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec.structs import replace

from onceproof import models
from onceproof.interpreter.trace import Trace
from onceproof.lang.assumptions import ASSUMPTIONS
from onceproof.lang.design import Assumption, Design, Process
from onceproof.lang.resolve.models import with_fact
from onceproof.lang.source import Span
from onceproof.lower import Lowered
from onceproof.lower import variables as v
from onceproof.lower.queues import Tracking
from onceproof.machine.faults import FAULTS
from onceproof.machine.system import Cause, Machine
from onceproof.models import Fact
from onceproof.verdict.result import ClaimResult

_ENDS: dict[Cause, str] = {
    Cause.LEASE_EXPIRED: "within-lease",
    Cause.REDELIVERY: "within-lease",
    Cause.LOCK_EXPIRED: "within-lock",
    Cause.KEY_EXPIRED: "within-key-window",
    Cause.PUBLISHER_RETRY: "within-dedup-window",
}
"""What comes to its end in a step, and the assumption that it does not come too early."""


def conditions(lowered: Lowered, machine: Machine) -> tuple[str, ...]:
    """The inequalities that keep something out. ``machine``: the slice for a claim; what is not in
    it does not matter.
    """
    design, sliced = lowered.design, {x.name for x in machine.variables}
    inequalities: list[str] = []
    for process in design.processes:
        group = lowered.groups.get(process.name)
        if group is not None and group.status in sliced and group.tracking is Tracking.HELD:
            inequalities += _lease(design, process)
    if design.assumes("within-key-window"):
        for effect in design.effects.values():
            if effect.retention and v.record(effect.name) in sliced:
                inequalities.append(
                    f"retries of an event < {effect.retention} (key of {effect.name})"
                )
        for store in design.stores.values():
            if store.lasts and store.name in sliced:
                inequalities.append(
                    f"retries of an event < {store.lasts[1]} ({store.lasts[0]} of {store.name})"
                )
    if design.assumes("within-lock"):
        locks = (x for x in design.locks.values() if x.lasts and x.name in sliced)
        inequalities += [f"work under {x.name} < {x.lasts[1]}" for x in locks if x.lasts]
    if design.assumes("within-dedup-window"):
        inequalities += [
            f"publisher retries < {q.dedup[1]} ({q.name})"
            for q in design.queues.values()
            if q.dedup
        ]
        inequalities += [
            f"messages between a publish and its retry < {q.dedup_count[0]} ({q.dedup_count[1]})"
            for q in design.queues.values()
            if q.dedup_count
        ]
    return tuple(dict.fromkeys(inequalities))


def _lease(design: Design, process: Process) -> Iterator[str]:
    queue = design.queues[process.queue or ""]
    if queue.lease is None or "lease" not in queue.loses_hold:
        return
    name, value = queue.lease
    who = "handler" if sum(p.queue is not None for p in design.processes) == 1 else process.name
    fetched = "".join(f"{option} ({count}) × " for option, count in queue.covers if count != "1")
    if process.in_time:
        yield f"{fetched}{who} ({process.takes}) < {name} ({value})"
    elif design.assumes("within-lease"):
        yield f"{fetched}{who} < {name} ({value})"


def left_out(lowered: Lowered, machine: Machine) -> Iterator[tuple[str, Design]]:
    """What the models say and the machine leaves out, where it could matter for a claim: the
    condition that a proof then has, and the design with it. ``machine``: the slice for the claim.
    """
    design, sliced = lowered.design, {x.name for x in machine.variables}
    for queue in design.queues.values():
        groups = [g for g in lowered.groups.values() if g.queue.name == queue.name]
        if queue.model is None or not any(g.status in sliced for g in groups):
            continue
        model = models.brokers(Path(queue.model.beside))[queue.model.name]
        options = dict(queue.model.options)
        for fact in model.left_out(options):
            worse = with_fact(queue, model, fact)
            if worse != queue:
                queues = {**design.queues, queue.name: worse}
                yield f"{fact.condition} ({queue.name})", replace(design, queues=queues)


def relaxed(design: Design) -> Design:
    """The design in which every lease may run out and every window end."""
    processes = tuple(replace(p, in_time=False) for p in design.processes)
    return replace(
        design,
        processes=processes,
        assumptions=tuple(a for a in design.assumptions if not ASSUMPTIONS[a.kind].is_window),
    )


def with_lengths(design: Design, kinds: Iterable[str]) -> Design:
    """The design with some lengths of time assumed to be long enough."""
    made = tuple(Assumption(kind, None, Span(0, 0, 0, 0, design.path)) for kind in sorted(kinds))
    return replace(design, assumptions=(*design.assumptions, *made))


def ended(design: Design, trace: Trace) -> frozenset[str]:
    """The assumptions that keep from ending what ends in a story, as far as somebody says how long
    it lasts.
    """
    windows = set()
    for step in trace.steps:
        published = step.cause is Cause.HANDLER and step.outcome == "done" and step.queue
        kind = "within-dedup-window" if published else _ENDS.get(step.cause)
        if (
            kind
            and not design.assumes(kind)
            and _has_length(design, kind, step.queue, step.subject)
        ):
            windows.add(kind)
    return frozenset(windows)


def _has_length(design: Design, kind: str, queue: str, subject: str) -> bool:
    match kind:
        case "within-lease":
            return queue in design.queues and design.queues[queue].lease is not None
        case "within-dedup-window":
            return queue in design.queues and design.queues[queue].dedup is not None
        case "within-lock":
            return design.locks[subject].lasts is not None
        case _:
            return subject in design.effects or design.stores[subject].lasts is not None


# ---------------------------------------------------------------- facts

_SHOWN: dict[Cause, tuple[str, ...]] = {
    Cause.REDELIVERY: ("loses_hold", "redelivers"),
    Cause.AUTO_ACKED: ("ack",),
    Cause.LATER_COMMIT: ("ack",),
    **{cause: kind.switches for cause, kind in FAULTS.items()},
}
"""The switches of a broker model that a step with this cause shows."""

_SWITCHES = models.Switches.__struct_fields__
_ALLOWS = {
    "late_ack": "settles",
    "broker_copies": True,
    "replay": True,
    "publisher": "retries",
    "redelivers": False,
    "rewinds": True,
    "batch": "all-or-nothing",
    "leaky_transactions": True,
    "reads_aborted": True,
}
"""The values that take nothing away from what can happen: no proof rests on them."""
_MORE = ("loses", "loses_hold")
"""What these list can happen, which breaks claims: a proof rests on an empty list only."""


def facts(lowered: Lowered, machine: Machine, result: ClaimResult) -> tuple[str, ...]:
    """Facts about the models that a proof or a refutation depends on, and that no source states and
    no test has shown.
    """
    sliced, unconfirmed = {x.name for x in machine.variables}, []
    for queue in lowered.design.queues.values():
        groups = [g for g in lowered.groups.values() if g.queue.name == queue.name]
        if queue.model is not None and any(g.status in sliced for g in groups):
            model = models.brokers(Path(queue.model.beside))[queue.model.name]
            switches = model.switches(dict(queue.model.options))
            if result.trace is not None:
                used = {
                    s
                    for step in result.trace.steps
                    if step.queue == queue.name
                    for s in _SHOWN.get(step.cause, ())
                }
                used |= (
                    {"late_ack"}
                    if any(s.outcome == "refused" for s in result.trace.steps)
                    else set()
                )
            else:
                used = {name for name in _SWITCHES if _ALLOWS.get(name) != getattr(switches, name)}
                used -= {name for name in _MORE if getattr(switches, name)}
                used -= (
                    {"boundary", "leaky_transactions", "reads_aborted"}
                    if switches.delivery != "exactly-once"
                    else set()
                )
            unconfirmed += [
                _words(model, fact)
                for fact in model.facts
                if not fact.is_sure and used & set(fact.switches)
            ]
    return tuple(dict.fromkeys([*unconfirmed, *_kept_keys(lowered.design, sliced)]))


def _kept_keys(design: Design, sliced: set[str]) -> Iterator[str]:
    """How long providers keep keys, where an answer looks at such a record and nobody has confirmed
    how long.
    """
    for effect in design.effects.values():
        if effect.model is not None and v.record(effect.name) in sliced:
            provider = models.providers(Path(effect.model.beside))[effect.model.name]
            stated = provider.keys in ("unknown", "never") or provider.status in (
                "documented",
                "confirmed by test",
            )
            if (
                not stated
            ):  # of a provider about which nothing is known, the design is taken at its word
                yield (
                    f"{provider.name}: idempotency keys are kept {provider.keys}"
                    f" ({provider.status})"
                )


def _words(model: models.Model, fact: Fact) -> str:
    source = model.sources.get(fact.source)
    return (
        f"{model.name}: {fact.text.rstrip('.')}"
        f" ({fact.status}{f'; {source.url}' if source else ''})"
    )
