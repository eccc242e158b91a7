"""The parts of a design that can be taken away one by one: guards, constraints, transactions, keys,
locks, writes, assumptions.

Each part knows the design without it. Taking several away is taking one after the other: a part
finds its line by its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from onceproof.lang.assumptions import ASSUMPTIONS
from onceproof.lang.design import Design, Process
from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import Steps, rewrite, walk

Change = Callable[[n.Step], Steps | None]
"""What stands in place of a step; None: the step as it is, with its blocks rewritten."""


class Part(Struct, frozen=True):
    """Something that may be there for a reason. ``kind``: a stable name; ``what``: the part in
    words; ``line``: where it stands.
    """

    kind: str
    what: str
    line: int
    path: str
    without: Callable[[Design], Design]


def parts(design: Design) -> tuple[Part, ...]:
    """Every part of a design, by line."""
    removable = [*_of_steps(design), *_of_declarations(design), *_of_assumptions(design)]
    return tuple(sorted(removable, key=lambda p: (p.path != design.path, p.path, p.line, p.kind)))


# ---------------------------------------------------------------- steps


def _of_steps(design: Design) -> Iterator[Part]:
    seen: set[Span] = set()  # a fragment that is used twice is one part
    for process in design.processes:
        for step in walk(process.body):
            if step.span not in seen:
                seen.add(step.span)
                yield from _of_step(design, step)
        late = _late_ack(process)
        if late is not None:
            yield Part(
                "late-ack",
                "acknowledging at the end, not at the beginning",
                late.span.line,
                late.span.path,
                _early(process),
            )


def _of_step(design: Design, step: n.Step) -> Iterator[Part]:
    """What can be taken away at one line."""
    match step:
        case n.If(condition, body) if _looks_at_rows(condition):
            ends = bool(body) and isinstance(body[-1], n.Stop | n.Fail)
            yield _part(
                "guard",
                "the check",
                step,
                lambda s: s.otherwise if ends else s.body if isinstance(s, n.If) else (),
            )
        case n.Insert(_, store) if design.stores[store.text].unique and (
            step.or_else or step.clauses
        ):
            yield _part("insert", "turning a second insert down", step, _blindly)
            yield _part("record", "writing the record", step, lambda s: ())
        case n.UpdateIf():
            yield _part("compare", "comparing before writing", step, _blindly)
        case n.Atomic(serializable, _):
            yield _part(
                "transaction",
                "the transaction",
                step,
                lambda s: s.body if isinstance(s, n.Atomic) else (s,),
            )
            if serializable:
                yield _part("serializable", "making it serializable", step, _read_committed)
        case n.Ack(or_else) if or_else is not None:
            yield _part(
                "checked-ack",
                "looking at the broker's answer",
                step,
                lambda s: (n.Ack(None, s.span),),
            )
        case n.SetColumn() | n.Add() | n.Delete() | n.Insert():
            yield _part("write", "the write", step, lambda s: ())
        case _:
            return


def _part(kind: str, what: str, step: n.Step, instead: Callable[..., Steps]) -> Part:
    span = step.span

    def change(other: n.Step) -> Steps | None:
        return instead(other) if other.span == span and type(other) is type(step) else None

    return Part(kind, what, span.line, span.path, lambda design: rewritten(design, change))


def _looks_at_rows(condition: n.Condition) -> bool:
    """Whether a condition asks about anything but the event itself and the handler's own
    variables.
    """
    if isinstance(condition, n.AllOf | n.AnyOf):
        return any(_looks_at_rows(part) for part in condition.parts)
    return not isinstance(condition, n.NameIs)


def _blindly(step: n.Step) -> Steps:
    """The write without its condition."""
    match step:
        case n.Insert(key, store):
            return (n.Add(key, store, step.span),)
        case n.UpdateIf(store, column, _, new):
            return (n.SetColumn(store, column, new, step.span),)
        case _:
            return (step,)


def _read_committed(step: n.Step) -> Steps:
    return (replace(step, serializable=False),) if isinstance(step, n.Atomic) else (step,)


def _late_ack(process: Process) -> n.Ack | None:
    """The acknowledgement at the end of a handler."""
    body = process.body
    return (
        body[-1]
        if len(body) > 1
        and isinstance(body[-1], n.Ack)
        and process.queue
        and process.ack == "manual"
        else None
    )


def _early(process: Process) -> Callable[[Design], Design]:
    def without(design: Design) -> Design:
        processes = []
        for handler in design.processes:
            late = _late_ack(handler) if handler.name == process.name else None
            processes.append(
                handler if late is None else replace(handler, body=(late, *handler.body[:-1]))
            )
        return replace(design, processes=tuple(processes))

    return without


def rewritten(design: Design, change: Change) -> Design:
    """The design with every handler's steps rewritten."""
    processes = tuple(replace(p, body=rewrite(p.body, change)) for p in design.processes)
    return replace(design, processes=processes)


# ---------------------------------------------------------------- locks, declarations, assumptions


def _of_declarations(design: Design) -> Iterator[Part]:
    for store in design.stores.values():
        if store.unique and _is_inserted(design, store.name):
            yield Part(
                "unique",
                f"`{store.name}` being unique",
                store.span.line,
                store.span.path,
                _not_unique(store.name),
            )
    for effect in design.effects.values():
        where = (effect.span.line, effect.span.path)
        if effect.key_level is not None:
            yield Part(
                "key", f"the key of `{effect.name}` at the provider", *where, _no_key(effect.name)
            )
        if effect.token_of is not None:
            yield Part(
                "token",
                f"checking the token of `{effect.token_of}`",
                *where,
                _no_token(effect.name),
            )
    for lock in design.locks.values():
        yield Part(
            "lock", f"taking `{lock.name}`", lock.span.line, lock.span.path, _no_lock(lock.name)
        )
    for process in design.processes:
        if process.workers is not None:
            what = (
                f"at most {process.workers} worker{'' if process.workers == 1 else 's'} of"
                f" `{process.name}`"
            )
            yield Part(
                "workers", what, process.span.line, process.span.path, _any_workers(process.name)
            )
    for queue in design.queues.values():
        if queue.late_ack == "refused":
            yield Part(
                "late-ack-refused",
                "late acknowledgements being refused",
                queue.span.line,
                queue.span.path,
                _late(queue.name),
            )
        if queue.publishing == "once":
            what = f"the publisher of `{queue.name}` publishing once"
            yield Part(
                "publishes-once", what, queue.span.line, queue.span.path, _publishing(queue.name)
            )


def _is_inserted(design: Design, store: str) -> bool:
    return any(
        isinstance(s, n.Insert) and s.store.text == store
        for p in design.processes
        for s in walk(p.body)
    )


def _not_unique(name: str) -> Callable[[Design], Design]:
    """Nothing is turned down any more, so no insert says what happens then."""

    def blind(step: n.Step) -> Steps | None:
        match step:
            case n.Insert(_, store) if store.text == name and (step.or_else or step.clauses):
                return _blindly(step)
        return None

    def without(design: Design) -> Design:
        stores = {**design.stores, name: replace(design.stores[name], unique=False)}
        return rewritten(replace(design, stores=stores), blind)

    return without


def _no_key(name: str) -> Callable[[Design], Design]:
    bare = {"key_level": None, "key_field": None, "retention": None}
    return lambda d: replace(d, effects={**d.effects, name: replace(d.effects[name], **bare)})


def _no_token(name: str) -> Callable[[Design], Design]:
    return lambda d: replace(
        d, effects={**d.effects, name: replace(d.effects[name], token_of=None)}
    )


def _no_lock(name: str) -> Callable[[Design], Design]:
    def change(step: n.Step) -> Steps | None:
        return () if isinstance(step, n.Acquire | n.Release) and step.lock.text == name else None

    def without(design: Design) -> Design:
        effects = {
            k: replace(e, token_of=None) if e.token_of == name else e
            for k, e in design.effects.items()
        }
        return rewritten(replace(design, effects=effects), change)

    return without


def _any_workers(name: str) -> Callable[[Design], Design]:
    return lambda d: replace(
        d, processes=tuple(replace(p, workers=None) if p.name == name else p for p in d.processes)
    )


def _late(name: str) -> Callable[[Design], Design]:
    return lambda d: replace(d, queues={**d.queues, name: replace(d.queues[name], late_ack=None)})


def _publishing(name: str) -> Callable[[Design], Design]:
    return lambda d: replace(d, queues={**d.queues, name: replace(d.queues[name], publishing=None)})


def _of_assumptions(design: Design) -> Iterator[Part]:
    for assumption in design.assumptions:
        what = f"the assumption that {ASSUMPTIONS[assumption.kind].sentence}"
        yield Part(
            "assumption", what, assumption.span.line, assumption.span.path, _less(assumption.span)
        )


def _less(span: Span) -> Callable[[Design], Design]:
    return lambda d: replace(d, assumptions=tuple(a for a in d.assumptions if a.span != span))
