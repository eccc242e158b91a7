"""Locks that a handler may release without holding them: then somebody else's holding ends, too."""

from __future__ import annotations

from collections.abc import Iterable

from onceproof.lower import program as op
from onceproof.lower.program import Program


def careless(programs: Iterable[Program]) -> frozenset[str]:
    """The locks that some program releases on a way on which it has not acquired them."""
    found: set[str] = set()
    for program in programs:
        for lock in {p.operation.lock for p in program.places if isinstance(p.operation, op.LetGo)}:
            if _may_release(program, lock):
                found.add(lock)
    return frozenset(found)


def _may_release(program: Program, lock: str) -> bool:
    """Whether some way through the program comes to a release of the lock without holding it."""
    seen: set[tuple[int, bool]] = set()
    ways = [(program.entry, False)]
    while ways:
        index, holds = ways.pop()
        if (index, holds) in seen:
            continue
        seen.add((index, holds))
        operation = program.places[index].operation
        if isinstance(operation, op.LetGo) and operation.lock == lock:
            if not holds:
                return True
            ways.append((operation.next, False))
        elif isinstance(operation, op.Take) and operation.lock == lock:
            ways.append((operation.next, True))
            ways += [(operation.held, holds)] if operation.held is not None else []
        else:
            ways += [(then, holds) for then in _after(operation)]
    return False


def _after(operation: op.Operation) -> list[int]:
    """Where an operation may lead."""
    places = ("next", "yes", "no", "ok", "down", "done", "failed", "refused", "held")
    values = (getattr(operation, name) for name in operation.__struct_fields__ if name in places)
    return [x for x in values if isinstance(x, int) and not isinstance(x, bool)]
