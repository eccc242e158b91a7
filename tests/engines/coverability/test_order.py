"""The order on shapes, against its definition, and sets of shapes."""

from __future__ import annotations

import random
from itertools import permutations

import pytest
from onceproof.engines.coverability.wqo import (
    Basis,
    Part,
    contained,
    multisets,
    submultisets,
    subset,
)


def embeds(small: Part, large: Part) -> bool:
    """The definition: distinct events with equal rows, at least the workers."""
    return small[0] == large[0] and any(
        all(
            s[0] == e[0] and all(e[1].count(w) >= s[1].count(w) for w in s[1])
            for s, e in zip(small[1], chosen, strict=True)
        )
        for chosen in permutations(large[1], len(small[1]))
    )


def draw(dice: random.Random, most: int) -> Part:
    """A shape with few different rows, so that many are comparable."""
    events = []
    for _ in range(dice.randint(0, 3)):
        workers = tuple(sorted(dice.randrange(3) for _ in range(dice.randint(0, most))))
        events.append((dice.randrange(2), workers))
    return dice.randrange(2), tuple(sorted(events))


@pytest.mark.parametrize("most", [2, 4, 14])
def test_below_is_embedding(most: int) -> None:
    dice = random.Random(most)
    for _ in range(150):
        basis = Basis()
        shapes = [draw(dice, dice.choice((1, most))) for _ in range(dice.randint(1, 12))]
        for shape in shapes:
            basis.add(shape)
        assert sorted(basis.shapes()) == sorted(set(shapes))
        for shape in (*shapes, *(draw(dice, most) for _ in range(5))):
            assert basis.below(shape) == any(embeds(other, shape) for other in shapes)
            assert basis.below(shape, strictly=True) == any(
                embeds(other, shape) for other in shapes if other != shape
            )
            for other in shapes:
                assert (other[0] == shape[0] and contained(other[1], shape[1])) == embeds(
                    other, shape
                )
        minimal = [
            s
            for s in sorted(set(shapes))
            if not any(embeds(other, s) for other in shapes if other != s)
        ]
        assert basis.minimal() == minimal


def test_two_equal_events_need_two() -> None:
    assert not contained(((1, ()), (1, ())), ((1, (2, 3)),))
    assert contained(((1, ()), (1, (3,))), ((1, (2, 3)), (1, ())))


def test_subsets_of_workers() -> None:
    assert submultisets(()) == [()]
    assert sorted(submultisets((1, 1, 2))) == [(), (1,), (1, 1), (1, 1, 2), (1, 2), (2,)]
    assert subset((1, 2), (1, 1, 2))
    assert not subset((1, 1), (1, 2))


def test_multisets_of_choices() -> None:
    assert list(multisets([])) == [()]
    assert list(multisets([[1], []])) == []
    assert sorted(multisets([[1, 2], [1, 2], [0]])) == [(0, 1, 1), (0, 1, 2), (0, 2, 2)]
