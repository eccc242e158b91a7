"""The order on shapes in numbers, and a growing set of shapes that answers "is something in it
contained in this one?".

A shape stands for every configuration that contains it: equal component row, its events embedded
into distinct events with equal rows and at least its workers. That order is a well-quasi-order
(Higman, 1952), so a set of incomparable shapes is finite.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations_with_replacement, product
from math import prod

EventPart = tuple[int, tuple[int, ...]]
"""An event row and some workers, sorted."""

Part = tuple[int, tuple[EventPart, ...]]
"""A component row and some events, sorted."""


def subset(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """The one sorted sequence of workers is a sub-multiset of the other."""
    rest = iter(large)
    return all(worker in rest for worker in small)


def contained(small: tuple[EventPart, ...], large: tuple[EventPart, ...]) -> bool:
    """The events of the one embed into distinct events of the other."""
    if not small:
        return True
    if len(small) > len(large):
        return False
    row, workers = small[-1]
    for i, (other, others) in enumerate(large):
        if (
            row == other
            and subset(workers, others)
            and contained(small[:-1], large[:i] + large[i + 1 :])
        ):
            return True
    return False


def submultisets(workers: tuple[int, ...]) -> list[tuple[int, ...]]:
    """All sub-multisets, each once and sorted."""
    if len(workers) == 1:
        return [(), workers]
    choices = [
        [(row,) * n for n in range(count + 1)] for row, count in sorted(Counter(workers).items())
    ]
    return [sum(choice, ()) for choice in product(*choices)]


def multisets(choices: list[list[int]]) -> Iterator[tuple[int, ...]]:
    """All multisets with one member from each of the lists, each once and sorted.

    Two lists are equal, and then neighbours, or have nothing in common.
    """
    groups: list[tuple[list[int], int]] = []
    for choice in choices:
        if groups and groups[-1][0] == choice:
            groups[-1] = (choice, groups[-1][1] + 1)
        else:
            groups.append((choice, 1))
    for picks in product(
        *(combinations_with_replacement(choice, count) for choice, count in groups)
    ):
        yield tuple(sorted(sum(picks, ())))


class Basis:
    """A set of shapes; stands for all the configurations above them.

    A shape has few parts, and fewer of them occur in the set at all: trying their combinations
    beats comparing with every member.
    """

    __slots__ = ("_by_component", "_parts", "_present")

    def __init__(self) -> None:
        self._by_component: dict[int, dict[tuple[EventPart, ...], None]] = {}
        self._present: dict[int, set[EventPart]] = {}
        self._parts: dict[EventPart, list[EventPart]] = {}

    def add(self, shape: Part) -> None:
        """Put a shape in."""
        component, events = shape
        self._by_component.setdefault(component, {})[events] = None
        self._present.setdefault(component, set()).update(events)

    def below(self, shape: Part, *, strictly: bool = False) -> bool:
        """Some shape of the set is contained in this one (with ``strictly``: and is another
        one).
        """
        component, events = shape
        smallest = self._by_component.get(component)
        if not smallest:
            return False
        present = self._present[component]
        large = any(len(workers) > 10 for _, workers in events)
        choices = (
            []
            if large
            else [
                [None, *(part for part in self._pieces(event) if part in present)]
                for event in events
            ]
        )
        if large or prod(map(len, choices)) > 4 * len(smallest):
            return any(
                contained(small, events) for small in smallest if not (strictly and small == events)
            )
        for pieces in product(*choices):
            small = tuple(sorted(part for part in pieces if part))
            if small in smallest and not (strictly and small == events):
                return True
        return False

    def _pieces(self, event: EventPart) -> list[EventPart]:
        """The event with some of its workers."""
        if event not in self._parts:
            self._parts[event] = [(event[0], workers) for workers in submultisets(event[1])]
        return self._parts[event]

    def minimal(self) -> list[Part]:
        """The shapes that contain no other one, sorted."""
        return sorted(shape for shape in self.shapes() if not self.below(shape, strictly=True))

    def shapes(self) -> Iterator[Part]:
        """All of them."""
        for component, smallest in self._by_component.items():
            for events in smallest:
                yield component, events
