"""What can be wrong with queues, acknowledgements, logs and claims about guarantees, as far as it
takes the whole design to see (docs/semantics_world.md, "Brokers").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from onceproof.base.durations import shorter
from onceproof.lang import design as d
from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.errors import brokers as errors
from onceproof.lang.errors import models as model_errors
from onceproof.lang.errors import names as name_errors
from onceproof.lang.errors import world as world_errors
from onceproof.lang.resolve.steps import Scope
from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
from onceproof.machine.delivery import Delivery

_LOG_ONLY: Mapping[str, str] = {
    "stop": "stops on failure",
    "seek": "seeks back on failure",
    "pass": "passes over failures",
}
"""How the traits are written that say what a failure does to a position."""


def check_brokers(
    items: Iterable[n.Item],
    processes: tuple[d.Process, ...],
    scope: Scope,
    diagnostics: list[Diagnostic],
) -> None:
    """Everything about queues and what is assumed of them; mistakes go to ``diagnostics``."""
    items = tuple(items)
    consumers = {i.name.text: i for i in items if isinstance(i, n.ConsumerDecl)}
    assumed = [i for i in items if isinstance(i, n.AssumeDecl)]
    found: list[Diagnostic] = []
    for queue in (i for i in items if isinstance(i, n.QueueDecl)):
        found += _of_queue(queue, scope)
    for process in processes:
        decl = consumers.get(process.name)
        queue_of = scope.queues.get(process.queue or "")
        if decl is not None and queue_of is not None:
            found += _of_consumer(decl, process, queue_of)
            found += _acknowledgements(decl, process, queue_of)
        found += _waits(decl, process)
    found += _never_fed(processes, scope)
    for line in assumed:
        if line.kind == "fails-fewer":
            found += _limits(line, scope)
        if line.kind == "within-lock":
            found += _locks(line, processes, consumers, scope)
    seen: set[tuple[str, Span]] = set()
    for diagnostic in found:
        place = (diagnostic.code, diagnostic.primary.span)
        if place not in seen:  # a fragment is put in wherever it is used
            seen.add(place)
            diagnostics.append(diagnostic)


def selected(design: d.Design) -> Iterator[Diagnostic]:
    """Claims and expectations for guarantees that the design does not have."""
    declared = {q.semantics.value: None for q in design.queues.values() if q.semantics}
    has = list(declared) if len(design.semantics) == 1 else [s.value for s in design.semantics]
    for claim in design.claims:
        lacking = _lacking(claim.semantics, design)
        if lacking:
            yield errors.selects_nothing("this claim", claim.span, lacking, has)
            continue
        for expect in claim.expects:
            lacking = _lacking(expect.semantics, design)
            if lacking:
                yield errors.selects_nothing("this expectation", expect.span, lacking, has)


def _lacking(asked: tuple[Delivery, ...], design: d.Design) -> list[str]:
    """The guarantees that a line asks for and that the design does not have."""
    return [s.value for s in asked if s not in design.semantics]


# ---------------------------------------------------------------- queues


def _of_queue(decl: n.QueueDecl, scope: Scope) -> Iterator[Diagnostic]:
    """What its lines name."""
    event = scope.events.get(decl.event.text)
    for option in decl.options:
        if option.field is not None and event is not None:
            known = (event.id_field, *event.keys)
            if option.field.text not in known:
                field, place = option.field.text, option.field.span
                yield name_errors.not_a_field(field, place, event.name, known, event.span)
        if option.queue is not None:
            yield from _dead_letters(option.queue, event, scope)


def _dead_letters(name: n.Name, event: d.Event | None, scope: Scope) -> Iterator[Diagnostic]:
    """The queue behind ``dead-letter to``."""
    declared = scope.names.get(name.text)
    if declared is None or declared[0] != "queue":
        options = [w for w, (k, _) in scope.names.items() if k == "queue"]
        yield name_errors.unknown("queue", name.text, name.span, options, declared)
        return
    there = scope.events.get(scope.queues[name.text].event)
    if there and event and there.id_field != event.id_field:
        pair = ((there.name, there.id_field), (event.name, event.id_field))
        yield name_errors.another_id(name.text, name.span, *pair)


def _never_fed(processes: tuple[d.Process, ...], scope: Scope) -> Iterator[Diagnostic]:
    """Queues to which steps publish, none of which can ever run."""
    leads: dict[str, list[tuple[d.Process, Span]]] = {}
    for process in processes:
        for step in walk(process.body):
            if isinstance(step, n.Publish):
                leads.setdefault(step.queue.text, []).append((process, step.span))
    fed = {q.name for q in scope.queues.values() if q.is_root}
    grows = True
    while grows:
        more = {
            name
            for name, steps in leads.items()
            if any(p.queue is None or p.queue in fed for p, _ in steps)
        }
        more |= {q.limit_to for q in scope.queues.values() if q.limit_to and q.name in fed}
        grows = not more <= fed
        fed |= more
    for queue in scope.queues.values():
        if queue.name not in fed and queue.name in leads:
            steps = [(p.name, span) for p, span in leads[queue.name]]
            yield errors.nothing_feeds(queue.name, queue.span, steps)


def _limits(line: n.AssumeDecl, scope: Scope) -> Iterator[Diagnostic]:
    """``assume an event fails fewer than N times``, against the limits of the queues."""
    assert line.count is not None
    if line.count < 1:
        yield name_errors.bad_count("failures", line.span)
    limited = [q for q in scope.queues.values() if q.limit or q.expires]
    for queue in limited:
        if queue.limit is None:
            yield errors.above_the_limit(
                line.count, line.span, "a length of time", queue.name, queue.span
            )
        elif line.count > queue.limit[0]:
            limit = f"{queue.limit[0]} deliveries"
            yield errors.above_the_limit(line.count, line.span, limit, queue.name, queue.span)
    if not limited and scope.queues:
        why = "no queue of the design gives an event up"
        what = f"assume an event fails fewer than {line.count} times"
        yield world_errors.changes_nothing(what, line.span, why, "leave it out")


# ---------------------------------------------------------------- consumers


def _of_consumer(decl: n.ConsumerDecl, process: d.Process, queue: d.Queue) -> Iterator[Diagnostic]:
    """Traits and steps that speak of positions."""
    if not queue.log:
        why = f"`{queue.name}` is no log"
        if process.parallel:
            yield model_errors.option_without_meaning(
                "in parallel", decl.span, "workers are parallel already"
            )
        if decl.failures:
            words = _LOG_ONLY[decl.failures]
            yield world_errors.changes_nothing(
                words, decl.span, why, "write `commits positions` below the queue if it is one"
            )
    for step in walk(process.body):
        if isinstance(step, n.SeekBack) and not queue.log:
            yield world_errors.changes_nothing(
                "seek back", step.span, f"`{queue.name}` is no log", "write `nack`"
            )
        elif isinstance(step, n.Nack) and queue.log:
            yield errors.nack_on_a_log(step.span, queue.name, queue.span)


def _acknowledgements(
    decl: n.ConsumerDecl, process: d.Process, queue: d.Queue
) -> Iterator[Diagnostic]:
    """Acknowledgements against what the protocol has."""
    product = queue.model.title if queue.model else f"`{queue.name}`"
    if decl.ack == "delivery" or queue.ack_answer is d.AckAnswer.NOTHING:
        place = queue.span
        if decl.ack == "delivery":
            product, place = "`acks on delivery`", decl.span
        elif decl.ack == "manual":
            yield errors.nothing_to_acknowledge("acks by hand", decl.span, product, place)
            return
        for step in walk(process.body):
            what = {n.Ack: "ack", n.Nack: "nack", n.Renew: "renew"}.get(type(step))
            if what and not (isinstance(step, n.Renew) and step.lock is not None):
                yield errors.nothing_to_acknowledge(what, step.span, product, place)
    elif queue.ack_answer is d.AckAnswer.NONE:
        for step in walk(process.body):
            if isinstance(step, n.Ack) and step.or_else is not None:
                yield errors.no_answer(step.span, product, queue.span)


def _waits(decl: n.ConsumerDecl | None, process: d.Process) -> Iterator[Diagnostic]:
    """A ``wait`` that is longer than the handler takes in all."""
    if decl is None:
        return
    bounds = [(f"takes up to {decl.takes}", decl.takes)] if decl.takes else []
    bounds += [(f"killed after {decl.killed}", decl.killed)] if decl.killed else []
    for step in walk(process.body):
        if isinstance(step, n.Wait) and step.time and not step.time.startswith("up to"):
            for words, bound in bounds:
                if shorter(bound, step.time):
                    yield errors.wait_too_long(step.time, step.span, words, process.name, decl.span)


def _locks(
    line: n.AssumeDecl,
    processes: tuple[d.Process, ...],
    consumers: Mapping[str, n.ConsumerDecl],
    scope: Scope,
) -> Iterator[Diagnostic]:
    """Handlers that may be at work for longer than the locks they take last."""
    for process in processes:
        decl = consumers.get(process.name)
        if decl is None or process.takes is None:
            continue
        for step in walk(process.body):
            lock = scope.locks.get(step.lock.text) if isinstance(step, n.Acquire) else None
            if lock is None or lock.lasts is None or not shorter(lock.lasts[1], process.takes):
                continue
            work = (f"takes up to {process.takes}", decl.span)
            yield errors.lock_too_short(lock.name, line.span, lock.lasts[1], work, lock.span)
