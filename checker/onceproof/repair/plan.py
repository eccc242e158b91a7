"""What an edit is given and what it offers: the place of an effect in a design, and a proposal of
another text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from onceproof.lang.design import Claim, Design
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import inner, walk
from onceproof.machine.delivery import Delivery
from onceproof.repair.sheet import Change, Sheet

Owner = n.ConsumerDecl | n.RelayDecl | n.FragmentDecl


class Goal(Struct, frozen=True):
    """What is to hold: the target happens once, not twice and not never, under these semantics.

    ``kinds``: only these of *no duplicate* and *no loss* (empty: both, and *recoverable*).
    """

    target: n.Target
    semantics: Delivery
    kinds: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The target as written."""
        return self.target.name.text + (f".{self.target.column.text}" if self.target.column else "")


class Place(Struct, frozen=True):
    """A step in its block. ``above``: the steps it stands in, outermost first, each with its own
    block and index.
    """

    owner: Owner
    block: tuple[n.Step, ...]
    index: int
    above: tuple[Place, ...] = ()

    @property
    def step(self) -> n.Step:
        """The step itself."""
        return self.block[self.index]

    @property
    def line(self) -> int:
        """Its line."""
        return self.step.span.line

    def inside(self, kind: type[n.Step]) -> Place | None:
        """The innermost step of a kind that it stands in."""
        return next((p for p in reversed(self.above) if isinstance(p.step, kind)), None)

    @property
    def top(self) -> Place:
        """The step of the handler's own block that it stands in."""
        return self.above[0] if self.above else self


class Site(Struct, frozen=True):
    """A design with its text and tree, and what is to be repaired in it."""

    path: str
    sheet: Sheet
    tree: n.Tree
    design: Design
    goal: Goal

    def owners(self) -> Iterator[Owner]:
        """Everything that has steps, in this file."""
        return (i for i in self.tree.items if isinstance(i, Owner) and i.span.path == self.path)

    def places(self) -> Iterator[Place]:
        """Every step of this file."""
        for owner in self.owners():
            yield from _places(owner, owner.body, ())

    def performing(self) -> Iterator[Place]:
        """The steps that make the target happen."""
        return (p for p in self.places() if does(p.step, self.goal.target))

    def item(self, kind: type[n.Item], name: str) -> n.Item | None:
        """A declaration of this file."""
        for item in self.tree.items:
            if isinstance(item, kind) and item.span.path == self.path:
                if (
                    isinstance(item, n.EffectDecl | n.StoreDecl | n.QueueDecl | n.LockDecl)
                    and item.name.text == name
                ):
                    return item
        return None

    def key(self) -> str:
        """The field for which the target is to happen once."""
        name = self.goal.target.name.text
        if self.goal.target.column is not None:
            fields = {e.id_field for e in self.design.events.values()}
            return sorted(fields)[0]
        return (self.design.effects.get(name) or self.design.stores[name]).key

    def is_external(self) -> bool:
        """Whether the target is an effect outside every store."""
        effect = self.design.effects.get(self.goal.target.name.text)
        return effect is not None and effect.store is None

    def fresh(self, wanted: str) -> str:
        """A name that the design does not use."""
        used = set(
            " ".join(self.sheet.lines)
            .replace(".", " ")
            .replace(",", " ")
            .replace("(", " ")
            .replace(")", " ")
            .split()
        )
        return next(w for w in (wanted, *(f"{wanted}_{i}" for i in range(2, 99))) if w not in used)

    def acks(self, owner: Owner) -> bool:
        """Whether a handler settles its message by a line of its own."""
        process = next((p for p in self.design.processes if p.name == owner.name.text), None)
        return isinstance(owner, n.ConsumerDecl) and process is not None and process.acks_by_hand


class Proposal(Struct, frozen=True):
    """Another text. ``what``: the edit in a sentence. ``costs``: what it costs to run it so.

    ``outside``: what must be true outside the design. ``leaves``: what it still does not cover.
    """

    text: str
    what: str
    costs: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()


class Edit(Struct, frozen=True):
    """A kind of edit. ``cost`` orders them: about how much it changes outside the handler's own
    lines.

    ``switches``: it replaces a provider by another one.
    """

    name: str
    summary: str
    cost: int
    propose: Callable[[Site], Iterator[Proposal]]
    switches: bool = False


def _places(owner: Owner, block: tuple[n.Step, ...], above: tuple[Place, ...]) -> Iterator[Place]:
    for index, step in enumerate(block):
        place = Place(owner, block, index, above)
        yield place
        for body in inner(step):
            yield from _places(owner, body, (*above, place))


def does(step: n.Step, target: n.Target) -> bool:
    """Whether a step makes the target happen (or writes it)."""
    name, column = target.name.text, target.column.text if target.column else None
    match step:
        case n.Do(_, effect):
            return effect.text == name and column is None
        case n.SetColumn(store, written) | n.Increment(store, written):
            return store.text == name and column in (None, written.text)
        case n.UpdateIf(store, written):
            return store.text == name and column in (None, written.text)
        case n.Add(_, store) | n.Insert(_, store):
            return store.text == name and column is None
        case _:
            return False


def writes(step: n.Step, design: Design) -> bool:
    """Whether a step is one write (also of an effect in a store), which a transaction can take
    in.
    """
    match step:
        case n.SetColumn() | n.Add() | n.Insert() | n.UpdateIf() | n.Increment() | n.Delete():
            return True
        case n.Do(_, effect):
            return design.effects[effect.text].store is not None
        case _:
            return False


def ends_settled(steps: tuple[n.Step, ...]) -> bool:
    """Whether a block only settles the message and stops."""
    return (
        bool(steps)
        and isinstance(steps[-1], n.Stop)
        and all(isinstance(s, n.Ack | n.Stop) for s in steps)
    )


def steps_of(owner: Owner) -> Iterator[n.Step]:
    """Every step of a handler."""
    return walk(owner.body)


def claim_for(kind: str, goal: Goal) -> Claim:
    """A claim about the goal that the design need not make itself."""
    words = {
        "no-duplicate": f"no duplicate {goal.name}",
        "no-loss": f"no loss of {goal.name}",
        "recoverable": "recoverable",
    }
    targets = () if kind == "recoverable" else (goal.target,)
    return Claim(kind, words[kind], targets, None, (), (), goal.target.span)


__all__ = [
    "Change",
    "Edit",
    "Goal",
    "Place",
    "Proposal",
    "Sheet",
    "Site",
    "claim_for",
    "does",
    "ends_settled",
    "steps_of",
    "writes",
]
