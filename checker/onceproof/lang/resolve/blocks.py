"""What can be wrong with blocks, their databases and the clauses of failing steps
(docs/semantics_world.md, "One block over two databases", "Clauses of a database step").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from onceproof.lang import design as d
from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.errors import world as errors
from onceproof.lang.resolve.steps import Scope
from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import condition_parts, store_written, walk
from onceproof.machine.delivery import Delivery


def check_blocks(
    processes: Iterable[d.Process], scope: Scope, diagnostics: list[Diagnostic]
) -> None:
    """Everything about blocks and rows that takes the whole design to see; mistakes go to
    ``diagnostics``.
    """
    processes = tuple(processes)
    seen: set[tuple[str, Span]] = set()
    for process in processes:
        for diagnostic in (*_of_blocks(process, scope), *_collected(process, scope)):
            place = (diagnostic.code, diagnostic.primary.span)
            if place not in seen:  # a fragment is put in wherever it is used
                seen.add(place)
                diagnostics.append(diagnostic)
    for diagnostic in _never_made(processes, scope):
        place = (diagnostic.code, diagnostic.primary.span)
        if place not in seen:
            seen.add(place)
            diagnostics.append(diagnostic)


def written(step: n.Step, scope: Scope) -> str | None:
    """The store that a step writes to; None if it is no write, or of an external effect."""
    match step:
        case n.Do(_, effect):
            known = scope.effects.get(effect.text)
            return known.store if known else None
        case _:
            store = store_written(step)
            return store.text if store and store.text in scope.stores else None


def _read(step: n.Step, scope: Scope) -> Iterator[str]:
    """The stores that a step's tests or its ``let`` read."""
    names: list[n.Name] = []
    if isinstance(step, n.If):
        for part in condition_parts(step.condition):
            if isinstance(part, n.InStore | n.ColumnIs):
                names.append(part.store)
            elif isinstance(part, n.Happened) and part.effect.text in scope.effects:
                store = scope.effects[part.effect.text].store
                yield from (store,) if store else ()
    elif isinstance(step, n.Let) and isinstance(step.value, n.ReadPresence | n.ReadColumn):
        names.append(step.value.store)
    yield from (name.text for name in names if name.text in scope.stores)


def _inside_broker(process: d.Process, store: d.Store, scope: Scope) -> bool:
    """Whether writes to the store may be collected until the acknowledgement."""
    queue = scope.queues.get(store.inside or "")
    return (
        queue is not None
        and process.queue == queue.name
        and process.ack != "delivery"
        and "stores" in queue.boundary
        and queue.semantics in (None, Delivery.EXACTLY_ONCE)
    )


def _of_blocks(process: d.Process, scope: Scope) -> Iterator[Diagnostic]:
    """Each block of a handler: its databases, its clauses, its locks."""
    for block in walk(process.body):
        if not isinstance(block, n.Atomic):
            continue
        steps = tuple(walk(block.body))
        yield from _databases_of(block, steps, process, scope)
        for step in steps:
            if isinstance(step, n.Write) and written(step, scope):
                yield from (
                    errors.clause_inside(what, span, block.span)
                    for what, span in _failure_clauses(step, scope)
                )
        yield from _released(steps, scope)


def _databases_of(
    block: n.Atomic, steps: tuple[n.Step, ...], process: d.Process, scope: Scope
) -> Iterator[Diagnostic]:
    parts: dict[str, str] = {}
    for step in steps:
        store = written(step, scope)
        if store is not None and not (
            scope.stores[store].inside
            and scope.queues[str(scope.stores[store].inside)].semantics is Delivery.EXACTLY_ONCE
            and _inside_broker(process, scope.stores[store], scope)
        ):
            parts.setdefault(scope.stores[store].database, store)
        for name in (*_read(step, scope), *((store,) if store else ())):
            database = scope.databases.get(scope.stores[name].database)
            if block.serializable and database is not None and database.serializable is None:
                yield errors.no_serializable(database.words, block.span, scope.stores[name].span)
                return
    known = [
        (store, name if "." not in name else scope.databases[name].words)
        for name, store in parts.items()
        if name in scope.databases
    ]
    if len(known) > 1:
        yield errors.two_databases(block.span, known)


def _failure_clauses(step: n.Write, scope: Scope) -> Iterator[tuple[str, Span]]:
    """What a step says about its failure, each with its place. Below an effect that checks a
    token, ``on failure`` speaks of the token that is *rejected*.
    """
    checked = isinstance(step, n.Do) and scope.effects[step.effect.text].token_of is not None
    for clause in step.clauses:
        if clause.outcome.text == "failure" and not checked:
            yield "on failure", clause.span
    if step.retry_span is not None:
        yield "retry", step.retry_span


def _released(steps: tuple[n.Step, ...], scope: Scope) -> Iterator[Diagnostic]:
    """A transaction lock that is released inside its block."""
    acquired: dict[str, Span] = {}
    for step in steps:
        if isinstance(step, n.Acquire):
            acquired.setdefault(step.lock.text, step.span)
        elif isinstance(step, n.Release) and step.lock.text in acquired:
            lock = scope.locks.get(step.lock.text)
            if lock and lock.database and lock.kind is d.LockKind.SESSION:
                yield errors.release_inside(lock.name, step.span, acquired[lock.name])


def _collected(process: d.Process, scope: Scope) -> Iterator[Diagnostic]:
    """Clauses below lines that are part of the acknowledgement."""
    for step in walk(process.body):
        store = scope.stores.get(written(step, scope) or "")
        if store is None or not store.inside or not isinstance(step, n.Write):
            continue
        if _inside_broker(process, store, scope):
            for what, span in _failure_clauses(step, scope):
                yield errors.clause_collected(what, span, store.name, store.inside)


def _never_made(processes: tuple[d.Process, ...], scope: Scope) -> Iterator[Diagnostic]:
    """Tests of rows that no line makes."""
    makes = n.SetColumn | n.Add | n.Insert | n.Increment
    steps = [step for process in processes for step in walk(process.body)]
    made = {written(step, scope) for step in steps if isinstance(step, makes)}
    conditions = [p.condition for p in processes if p.condition is not None]
    conditions += [step.condition for step in steps if isinstance(step, n.If)]
    tests = [
        (part.store, part.span)
        for condition in conditions
        for part in condition_parts(condition)
        if isinstance(part, n.InStore)
    ]
    tests += [
        (step.value.store, step.value.span)
        for step in steps
        if isinstance(step, n.Let) and isinstance(step.value, n.ReadPresence)
    ]
    for name, span in tests:
        if name.text in scope.stores and name.text not in made:
            effects = [e.name for e in scope.effects.values() if e.store == name.text]
            yield errors.nothing_makes(name.text, span, scope.stores[name.text].span, effects)
