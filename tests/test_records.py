"""Records are what the standard library's frozen dataclasses with slots are, only made later."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from functools import cached_property

import pytest
from onceproof.base.records import dataclass


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
    assert [f.name for f in dataclasses.fields(ours)] == [
        f.name for f in dataclasses.fields(theirs)
    ]
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
        with pytest.raises(
            dataclasses.FrozenInstanceError, match="cannot assign to field 'number'"
        ):
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


@pytest.mark.parametrize("theirs", [False, True])
def test_records_that_change_and_records_with_a_dictionary(theirs: bool) -> None:
    make = dataclasses.dataclass if theirs else dataclass

    @make(slots=True)
    class Mutable:
        """Changes; has slots."""

        a: int
        b: list[int] = dataclasses.field(default_factory=list)

    @make(frozen=True)
    class Remembers:
        """Frozen, with room for what is computed once."""

        a: int
        b: str = "b"

        @cached_property
        def twice(self) -> int:
            return self.a * 2

    one = Mutable(1)
    one.a = 5
    one.b.append(2)
    assert one == Mutable(5, [2])
    assert Mutable(1).b == []
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)
    with pytest.raises(AttributeError):
        one.c = 1  # type: ignore[attr-defined]
    two = Remembers(4)
    assert (two.twice, two.b, Remembers.b, hash(two)) == (8, "b", "b", hash((4, "b")))
    assert two == Remembers(4, "b") != Remembers(4, "c")
    assert not hasattr(Remembers, "a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        two.a = 1  # type: ignore[misc]
    assert dataclasses.asdict(one) == {"a": 5, "b": [2]}
    assert dataclasses.replace(two, a=5).twice == 10


def test_what_the_standard_library_is_told_of_a_longer_record() -> None:
    assert dataclasses.is_dataclass(Longer)
    assert {f.name: (f.type, f.compare, f.repr) for f in dataclasses.fields(Longer)} == {
        f.name: (f.type, f.compare, f.repr)
        for f in (*dataclasses.fields(Theirs), *dataclasses.fields(Longer)[4:])
    }
    assert dataclasses.fields(Longer)[4].type == "int"
    assert [f.name for f in dataclasses.fields(Ours)] == ["number", "words", "seen", "hidden"]


def test_a_field_that_is_never_given_is_refused() -> None:
    with pytest.raises(AssertionError, match="every field"):

        @dataclass(frozen=True, slots=True)
        class _Wrong:
            x: int = dataclasses.field(init=False, default=1)
