"""Ways through the steps and conditions of a syntax tree: to look at each of them, or to rewrite
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec.structs import replace

from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n

Steps = tuple[n.Step, ...]
"""A block."""


def _headed(step: n.Step) -> Iterator[tuple[Steps, Span]]:
    """The blocks directly inside a step, each with the place of the line above it."""
    match step:
        case n.If(_, body, otherwise):
            yield body, step.span
            yield otherwise, step.span
        case n.Atomic(_, body):
            yield body, step.span
            yield from ((clause.body, clause.span) for clause in step.clauses)
        case n.Section(_, body) | n.BrokenStep(body):
            yield body, step.span
        case _ if isinstance(step, n.Write):
            yield from ((clause.body, clause.span) for clause in step.clauses)
        case _:
            pass


def inner(step: n.Step) -> tuple[Steps, ...]:
    """The blocks directly inside a step."""
    return tuple(block for block, _ in _headed(step))


def blocks(steps: Steps) -> Iterator[tuple[Steps, Span]]:
    """Every block inside some steps, outer before inner, with the place of the line above it."""
    for step in steps:
        for block, header in _headed(step):
            yield block, header
            yield from blocks(block)


def walk(
    steps: Steps,
    fragments: Mapping[str, n.FragmentDecl] | None = None,
    followed: set[str] | None = None,
) -> Iterator[n.Step]:
    """Every step, outer before inner. Each of the ``fragments`` is followed once, where it is used
    first; ``followed``: those that were already.
    """
    fragments = fragments or {}
    followed = set() if followed is None else followed
    for step in steps:
        yield step
        if isinstance(step, n.Use):
            name = step.name.text
            if name in fragments and name not in followed:
                followed.add(name)
                yield from walk(fragments[name].body, fragments, followed)
        for block in inner(step):
            yield from walk(block, fragments, followed)


def rewrite(steps: Steps, change: Callable[[n.Step], Steps | None]) -> Steps:
    """The steps after a change, outer before inner.

    What ``change`` returns stands in the place of the step, and is not looked into; None keeps the
    step, and its blocks are rewritten.
    """
    rewritten: list[n.Step] = []
    for step in steps:
        instead = change(step)
        rewritten += (_with_blocks(step, change),) if instead is None else instead
    return tuple(rewritten)


def _with_blocks(step: n.Step, change: Callable[[n.Step], Steps | None]) -> n.Step:
    match step:
        case n.If(_, body, otherwise):
            return replace(step, body=rewrite(body, change), otherwise=rewrite(otherwise, change))
        case n.Atomic(_, body):
            return replace(step, body=rewrite(body, change), clauses=_clauses(step.clauses, change))
        case n.Section(_, body) | n.BrokenStep(body):
            return replace(step, body=rewrite(body, change))
        case _ if isinstance(step, n.Write):
            return replace(step, clauses=_clauses(step.clauses, change))
        case _:
            return step


def _clauses(
    clauses: tuple[n.OnOutcome, ...], change: Callable[[n.Step], Steps | None]
) -> tuple[n.OnOutcome, ...]:
    return tuple(replace(clause, body=rewrite(clause.body, change)) for clause in clauses)


def condition_parts(condition: n.Condition) -> Iterator[n.Condition]:
    """The single tests of a condition."""
    match condition:
        case n.AllOf(parts) | n.AnyOf(parts):
            for part in parts:
                yield from condition_parts(part)
        case _:
            yield condition


def count_steps(
    steps: Steps, fragments: Mapping[str, n.FragmentDecl], sizes: dict[str, int]
) -> int:
    """How many steps these are, with every fragment put in where it is used and every attempt
    counted.

    ``sizes``: those of the fragments that were counted before, so that none is counted twice. A
    fragment that uses itself counts as empty (it is a mistake of its own).
    """
    total = 0
    for step in steps:
        if isinstance(step, n.Use):
            name = step.name.text
            if name not in sizes and name in fragments:
                sizes[name] = 0
                sizes[name] = count_steps(fragments[name].body, fragments, sizes)
            total += sizes.get(name, 0)
        else:
            total += 1 + (step.retries if isinstance(step, n.Do) else 0)
        total += sum(count_steps(block, fragments, sizes) for block in inner(step))
    return total


def store_written(step: n.Step) -> n.Name | None:
    """The store whose row a step names to write to it; not of an effect that lives in a store."""
    match step:
        case (
            n.SetColumn(store)
            | n.UpdateIf(store)
            | n.Increment(store)
            | n.Add(_, store)
            | n.Insert(_, store)
            | n.Delete(_, store)
        ):
            return store
        case _:
            return None
