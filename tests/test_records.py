"""Records are what the standard library's frozen dataclasses with slots are, only made later."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from checker.records import dataclass


@dataclass(frozen=True, slots=True)
class Ours:
    """One of each kind of field, and a check."""

    number: int
    words: tuple[str, ...] = ()
    seen: list[int] = dataclasses.field(default_factory=list, compare=False)
    hidden: str = dataclasses.field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError(self.number)


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    """The same by the standard library."""

    number: int
    words: tuple[str, ...] = ()
    seen: list[int] = dataclasses.field(default_factory=list, compare=False)
    hidden: str = dataclasses.field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError(self.number)


@dataclass(frozen=True, slots=True)
class Longer(Ours):
    """A record that adds to another."""

    more: int = 7

    def __repr__(self) -> str:
        return "its own"


def test_they_are_made_compared_shown_and_matched_alike() -> None:
    ours, theirs = Ours(1, ("a",), hidden="x"), Theirs(1, ("a",), hidden="x")
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert ours == Ours(1, ("a",), [9], "x")
    assert ours != Ours(1, ("a",))
    assert ours != theirs
    assert hash(ours) == hash(theirs)
    assert dataclasses.replace(ours, number=2) == Ours(2, ("a",), hidden="x")
    assert [f.name for f in dataclasses.fields(ours)] == [f.name for f in dataclasses.fields(theirs)]
    assert Ours.__match_args__ == Theirs.__match_args__
    assert not hasattr(ours, "__dict__")


def test_hash_and_comparison_before_the_first_call_of_anything_else() -> None:
    @dataclass(frozen=True, slots=True)
    class Fresh:
        """A class nobody has used."""

        x: int = 0

    one = Fresh.__new__(Fresh)
    object.__setattr__(one, "x", 3)
    assert hash(one) == hash((3,))
    assert repr(one).endswith("Fresh(x=3)")
    assert one == Fresh(3)


def test_they_are_frozen_and_checked_alike() -> None:
    for kind in (Ours, Theirs):
        with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'number'"):
            kind(1).number = 2  # type: ignore[misc]
        with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'number'"):
            del kind(1).number
        with pytest.raises(ValueError, match="-1"):
            kind(-1)
        with pytest.raises(TypeError, match="missing 1 required positional argument: 'number'"):
            kind()  # type: ignore[call-arg]


def test_they_are_copied_and_pickled() -> None:
    ours = Longer(1, ("a",), [2], "x")
    assert copy.copy(ours) == ours
    assert copy.deepcopy(ours) == ours
    back = pickle.loads(pickle.dumps(ours))
    assert (back, back.seen, back.hidden, back.more) == (ours, [2], "x", 7)
    assert repr(ours) == "its own"
    assert Longer(1) != Ours(1)
