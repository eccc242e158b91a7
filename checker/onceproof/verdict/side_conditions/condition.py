"""What a condition is looked up in, and what is said when it is not met."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct

from onceproof.lang.design import Claim, Design, Process
from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import condition_parts, walk
from onceproof.lower import Lowered
from onceproof.machine.system import Machine, Property


class Finding(Struct, frozen=True):
    """A side condition that the design does not meet.

    ``condition``: its number in the theory. ``text``: what in the design, at ``line`` (of the file
    ``path``). ``cost``: what may still be claimed. ``remedy``: what to write instead.
    ``several_keys``: rows under several business keys matter, which a proof under one of them may
    carry (T1b).
    """

    condition: str
    line: int
    text: str
    cost: str
    remedy: str
    path: str = ""
    several_keys: bool = False

    @property
    def only_exactness(self) -> bool:
        """A proof for any number is as good as ever; without one, only a bounded answer is left."""
        return self.condition in ("T3", "T4")

    @staticmethod
    def at(condition: str, span: Span, *, text: str, cost: str, remedy: str) -> Finding:
        """A finding at a place."""
        return Finding(condition, span.line, text, cost, remedy, span.path)


class Look(Struct, frozen=True, dict=True):
    """One claim under one lowering. ``machine`` is the slice for the claim: what is not in it does
    not matter here. ``most_workers``: the answer is made for so many workers at once (None: for any
    number).
    """

    design: Design
    lowered: Lowered
    claim: Claim
    machine: Machine
    prop: Property
    most_workers: int | None = None

    @cached_property
    def variables(self) -> frozenset[str]:
        """The variables that matter for the claim."""
        return frozenset(v.name for v in self.machine.variables)

    @cached_property
    def rows(self) -> frozenset[str]:
        """The stores, effects and locks that matter for the claim."""
        named = {re.split(r"[.# ]", name)[0] for name in self.variables}
        return frozenset(named & {*self.design.stores, *self.design.effects, *self.design.locks})

    @cached_property
    def targets(self) -> frozenset[str]:
        """The effects and stores the claim is about."""
        if self.claim.kind == "failure-transparent":
            return frozenset(self.design.effects)
        return frozenset(t.name.text for t in self.claim.targets)

    def span_of(self, row: str) -> Span:
        """Where a store, effect or lock is declared."""
        return self.key_holder(row).span

    def key_holder(self, row: str) -> _Keyed:
        """The declaration of a store, effect or lock."""
        design = self.design
        declared = design.stores.get(row) or design.effects.get(row) or design.locks[row]
        return _Keyed(declared.key, declared.span)

    def steps(self, process: Process | None = None) -> Iterator[tuple[Process, n.Step]]:
        """Every step, of one handler or of all."""
        for p in self.design.processes if process is None else (process,):
            for step in walk(p.body):
                yield p, step

    def asked(self) -> Iterator[tuple[n.Happened, bool]]:
        """Every ``… happened`` of the handlers and of the claim; with whether it is a handler's."""
        for process in self.design.processes:
            conditions = [s.condition for _, s in self.steps(process) if isinstance(s, n.If)]
            for condition in [*conditions, *([process.condition] if process.condition else [])]:
                yield from (
                    (part, True)
                    for part in condition_parts(condition)
                    if isinstance(part, n.Happened)
                )
        if self.claim.condition is not None:
            yield from (
                (part, False)
                for part in condition_parts(self.claim.condition)
                if isinstance(part, n.Happened)
            )


class _Keyed(Struct, frozen=True):
    key: str
    span: Span


def mentions(process: Process) -> frozenset[str]:
    """Every store, effect, queue and lock a handler names."""
    words: set[str] = set()
    parts = list(condition_parts(process.condition)) if process.condition else []
    holders: list[object] = []
    for step in walk(process.body):
        holders.append(step)
        if isinstance(step, n.If):
            parts += condition_parts(step.condition)
        if isinstance(step, n.Let):
            holders.append(step.value)
    for holder in [*holders, *parts]:
        for attribute in ("store", "effect", "queue", "lock"):
            value = getattr(holder, attribute, None)
            if isinstance(value, n.Name):
                words.add(value.text)
    return frozenset(words)


def in_words(words: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
