"""Rules and bad patterns that are wider than the truth (docs/semantics_world.md, "Two columns").

They let the machine do more than the design, so that a proof over them stays true. What is found
with them need not be: ``exact`` leaves them out, and ``names_used`` says on which a run depends.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from onceproof.machine.system import Machine, Property, Run


def is_exact(machine: Machine, prop: Property) -> bool:
    """Whether nothing in it is wider than the truth."""
    return not any(rule.approximate for rule in machine.rules) and not any(
        pattern.approximate for pattern in prop.bad
    )


def exact(machine: Machine) -> Machine:
    """The machine without the rules that are wider than the truth."""
    rules = tuple(rule for rule in machine.rules if not rule.approximate)
    return machine if len(rules) == len(machine.rules) else replace(machine, rules=rules)


def exact_property(prop: Property) -> Property:
    """The property without the bad patterns that are wider than the truth."""
    return replace(prop, bad=tuple(p for p in prop.bad if not p.approximate))


def in_whole(run: Run, machine: Machine) -> Run:
    """A run of ``exact(machine)`` as one of ``machine``: moves name their rule by its index."""
    indices = [i for i, rule in enumerate(machine.rules) if not rule.approximate]
    return replace(run, moves=tuple(replace(m, rule=indices[m.rule]) for m in run.moves))


def names_used(machine: Machine, prop: Property, run: Run) -> tuple[str, ...]:
    """The names of the wider rules that a run of the machine takes; if it takes none, of the wider
    patterns that it may have come to. Empty: the run is exact.
    """
    names = _ordered(machine.rules[move.rule].approximate for move in run.moves)
    return names or _ordered(pattern.approximate for pattern in prop.bad)


def _ordered(names: Iterator[str]) -> tuple[str, ...]:
    return tuple(sorted({name for name in names if name}))
