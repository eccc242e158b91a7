"""Constructs that are read and checked, and that the machine and the interpreter do not do yet: a
design that uses one is refused at its line, and never answered as if the line were not there.

Who implements a construct in both readings takes its entry out of ``NOT_MODELLED``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.errors import world as errors
from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import condition_parts, walk
from onceproof.machine.delivery import Delivery
from onceproof.models.records import NONE

NOT_MODELLED: Mapping[str, str] = {
    "also fed": "`also fed from outside`",
    "queue in a database": "a queue `in` a database",
    "dead letters": "a dead-letter queue of its own",
    "new id": "`publish` with a new id",
    "redelivered": "`redelivered`",
    "killed": "`killed after`",
    "cursor": "a relay with a cursor",
    "notified": "`only when notified`",
    "publisher under at-most-once": "a publisher that retries under at-most-once",
    "broker-loses-nothing": "`assume the broker loses nothing`",
    "fails-fewer": "`assume an event fails fewer than N times`",
}
"""By construct, what the message calls it."""

Use = tuple[str, Span]
"""A construct, and where it stands."""


def unmodelled(items: Iterable[n.Item]) -> list[Diagnostic]:
    """One refusal for each line that uses a construct of ``NOT_MODELLED``."""
    items = tuple(items)
    declared = Declared.of(items)
    refusals: dict[tuple[str, int], Diagnostic] = {}
    for item in items:
        for construct, span in uses(item, declared):
            if construct in NOT_MODELLED:
                what = NOT_MODELLED[construct]
                refusals.setdefault((span.path, span.line), errors.not_modelled(what, span))
    return list(refusals.values())


class Declared(Struct, frozen=True):
    """What of a whole design matters for a single line: the names of its databases, of the effects
    in a store that check no token, and its queues. Made once: a design has thousands of lines.
    """

    databases: frozenset[str]
    plain: frozenset[str]
    queues: Mapping[str, n.QueueDecl]

    @staticmethod
    def of(items: Iterable[n.Item]) -> Declared:
        """Of these declarations."""
        items = tuple(items)
        effects = (i for i in items if isinstance(i, n.EffectDecl))
        return Declared(
            frozenset(i.name.text for i in items if isinstance(i, n.DatabaseDecl)),
            frozenset(i.name.text for i in effects if i.store and not i.token_of),
            {i.name.text: i for i in items if isinstance(i, n.QueueDecl)},
        )


def uses(item: n.Item, declared: Declared) -> Iterator[Use]:
    """The constructs that a declaration uses, those of ``NOT_MODELLED`` among others."""
    for kind, of in _USES.items():
        if isinstance(item, kind):
            yield from of(item)
    if isinstance(item, n.LockDecl) and item.store:
        if item.store.text in declared.databases:
            yield "lock in a database", item.store.span
    body: tuple[n.Step, ...] = getattr(item, "body", ())
    if isinstance(item, n.PublisherDecl) and item.mode == "retries":
        queue = declared.queues.get(item.queue.text)
        if queue is not None and queue.semantics is Delivery.AT_MOST_ONCE:
            yield "publisher under at-most-once", item.span
    for step in walk(body):
        yield from _step(step, declared.plain)
        yield from (("redelivered", span) for span in _asks_redelivered(step))


def _asks_redelivered(step: n.Step) -> Iterator[Span]:
    """Where a step tests whether its message came again."""
    if isinstance(step, n.If):
        for part in condition_parts(step.condition):
            if isinstance(part, n.Redelivered):
                yield part.span


def _queue(item: n.QueueDecl) -> Iterator[Use]:
    if item.also_fed:
        yield "also fed", item.span
    if item.database is not None:
        yield "queue in a database", item.database.span
    for option in item.options:
        if option.queue is not None:
            yield "dead letters", option.span
        yield option.kind, option.span


def _consumer(item: n.ConsumerDecl) -> Iterator[Use]:
    if item.killed is not None:
        yield "killed", item.span
    if item.parallel:
        yield "parallel", item.span
    if item.failures is not None:
        yield "failures", item.span


def _relay(item: n.RelayDecl) -> Iterator[Use]:
    if item.cursor is not None:
        yield "cursor", item.cursor.span
    if item.notified:
        yield "notified", item.span


def _options(ref: n.ModelRef | None) -> Iterator[Use]:
    """The options of a model that are given."""
    for argument in ref.arguments if ref else ():
        yield f"option {argument.name.text}", argument.name.span


def _database(item: n.DatabaseDecl) -> Iterator[Use]:
    yield "database", item.span
    yield from _options(item.model)
    if item.isolation is not None:
        yield "option isolation", item.isolation.span
    if item.replicated:
        yield "replicated database", item.span


def _store(item: n.StoreDecl) -> Iterator[Use]:
    yield from _options(item.model)


def _lock(item: n.LockDecl) -> Iterator[Use]:
    if item.until_released:
        yield "until released", item.span
    if item.owner_releases:
        yield "owner releases", item.span
    yield from _options(item.model)
    for argument in item.model.arguments if item.model else ():
        if argument.value.text == NONE:
            yield "no time to live", argument.name.span


def _effect(item: n.EffectDecl) -> Iterator[Use]:
    if item.keeps_errors:
        yield "keeps errors", item.span
    if item.idempotency and item.idempotency.column:
        yield "key in a row", item.idempotency.span


def _assume(item: n.AssumeDecl) -> Iterator[Use]:
    yield item.kind, item.span


def _claim(item: n.ClaimDecl) -> Iterator[Use]:
    if item.unless is not None:
        yield "unless", item.unless.span
    yield (f"{item.kind} per" if item.key else item.kind), item.span


_USES: Mapping[type, Callable[..., Iterator[Use]]] = {
    n.QueueDecl: _queue,
    n.ConsumerDecl: _consumer,
    n.RelayDecl: _relay,
    n.DatabaseDecl: _database,
    n.StoreDecl: _store,
    n.LockDecl: _lock,
    n.EffectDecl: _effect,
    n.AssumeDecl: _assume,
    n.ClaimDecl: _claim,
}


def _step(step: n.Step, plain: frozenset[str]) -> Iterator[Use]:
    """``plain``: the effects that are blind writes in a store."""
    match step:
        case n.Do(_, effect) if effect.text in plain:
            if step.or_else is not None:
                yield "write clause", step.span
            yield from _write_clauses(step)
        case n.Atomic():
            if step.or_else is not None:
                yield "atomic clause", step.span
            yield from (("atomic clause", c.span) for c in step.clauses)
            if step.retry_span is not None:
                yield "atomic clause", step.retry_span
        case n.Publish() if step.new_id:
            yield "new id", step.span
        case n.SeekBack():
            yield "seek back", step.span
        case n.SetColumn() | n.Add() | n.Increment():
            if step.or_else is not None:
                yield "write clause", step.span
            yield from _write_clauses(step)
        case n.Insert() | n.UpdateIf() | n.Delete():
            yield from _write_clauses(step)
        case n.Do():
            for clause in step.clauses:
                yield f"on {clause.outcome.text}", clause.span
        case _:
            pass


def _write_clauses(
    step: n.Write,
) -> Iterator[Use]:
    for clause in step.clauses:
        if clause.outcome.text == "failure":
            yield "write clause", clause.span
    if step.retry_span is not None:
        yield "write clause", step.retry_span
