"""The parts that facts are made with, each against a slow reading of what it should do."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product

import pytest
from onceproof.explain.proof.before import steps
from onceproof.explain.proof.oneof import pairs
from onceproof.explain.proof.space import Cube, Space, Term, cube_of, places, subtract, uncovered
from onceproof.explain.proof.words import Words, listed
from onceproof.lower.variables import PC
from onceproof.machine.system import Level, Machine, Test

from support.explained import Proved, explained
from support.sample import sampled
from support.tiny import Size, State, starts, successors

ROW = (0b111, 0b11, 0b1111)


def points(row: tuple[int, ...]) -> set[tuple[int, ...]]:
    """The single rows of a product of value sets."""
    return set(product(*([1 << i for i in range(m.bit_length()) if m >> i & 1] for m in row)))


def some_row(rng: random.Random) -> tuple[int, ...]:
    """A product of value sets, none empty."""
    return tuple(rng.randint(1, m) for m in ROW)


@pytest.mark.parametrize("seed", range(30))
def test_subtract(seed: int) -> None:
    rng = random.Random(seed)
    row, minus = some_row(rng), some_row(rng)
    pieces = [points(piece) for piece in subtract(row, minus)]
    assert set().union(*pieces) == points(row) - points(minus)
    assert sum(map(len, pieces)) == len(set().union(*pieces))


@pytest.mark.parametrize("seed", range(60))
def test_uncovered(seed: int) -> None:
    rng = random.Random(seed)
    row = some_row(rng)
    rows = [some_row(rng) for _ in range(rng.randint(0, 6))]
    terms: list[tuple[int, Term]] = [
        (i, tuple((p, m) for p, m in enumerate(r) if m != ROW[p])) for i, r in enumerate(rows)
    ]
    left = points(row) - set().union(*map(points, rows))
    used: set[int] = set()
    found = uncovered(row, terms, used.add)
    assert (found is None) == (not left)
    assert found is None or points(found) <= left
    assert found is not None or points(row) <= set().union(*(points(rows[i]) for i in used))


def test_places() -> None:
    assert len(places((2,), (2, 1))) == 2
    assert len(places((1, 0), (2, 1))) == 2 + 1
    assert places((2, 1), (1, 1)) == ()


def proof(name: str, number: int = 0) -> Proved:
    """A proof of a design."""
    return explained(name)[number][0]


@pytest.mark.parametrize("name", ["key", "lease", "shared_lease", "window"])
def test_cubes_and_patterns(name: str) -> None:
    for proved, why in explained(name):
        space = Space(proved.machine)
        for pattern in (p for fact in why.facts for p in fact.never):
            for one in space.cubes(pattern):
                assert list(space.cubes(space.pattern(one))) == [one]
                assert space.unflat(one.flat, one.profile) == one
                assert space.term(
                    one, one.profile, *places(one.profile, one.profile)[0]
                ) in space.terms(one, one.profile)


# ---------------------------------------------------------------- one step back


def configuration_cube(space: Space, machine: Machine, state: State) -> Cube:
    """A configuration of one component as the cube of itself."""

    def bits(level: int, row: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(
            1 << v.domain.index(value) for v, value in zip(space.variables[level], row, strict=True)
        )

    ((row, events),) = state
    return cube_of(
        bits(0, row), [(bits(1, e), tuple(bits(2, w) for _, w in workers)) for e, workers in events]
    )


def inside(space: Space, whole: Cube, part: Cube) -> bool:
    """The configuration contains the cube."""
    flat = whole.flat
    return any(
        all(flat[position] & bits for position, bits in term)
        for term in space.terms(part, whole.profile)
    )


def some_cubes(space: Space, rng: random.Random) -> Iterator[Cube]:
    """Cubes of up to two workers and two events with a few random literals."""
    for profile in ((), (0,), (1,), (2,), (1, 1), (1, 0)):
        for _ in range(12):
            row = list(space.width(profile))
            for position in rng.sample(range(len(row)), min(len(row), rng.randint(1, 3))):
                bits = [1 << i for i in range(row[position].bit_length()) if row[position] >> i & 1]
                row[position] = sum(rng.sample(bits, rng.randint(1, max(1, len(bits) - 1))))
            yield space.unflat(tuple(row), profile)


@pytest.mark.parametrize(
    "name", sampled(["ack_first", "lease", "shared_lease", "window", "locked"], 3)
)
def test_no_way_into_a_cube_is_missed(name: str) -> None:
    """Every step into a cube from outside starts in one of the cubes before it."""
    proved = proof(name)
    machine, space, rng = proved.machine, Space(proved.machine), random.Random(7)
    cubes = [
        (one, [b for step in steps(space) for b in step.before(one)])
        for one in some_cubes(space, rng)
    ]
    queue = starts(machine, Size(2, 2))
    seen, into = set(queue), 0
    for state in queue:
        before = configuration_cube(space, machine, state)
        for _, after in successors(machine, state, 2):
            if after not in seen and len(seen) < 250:
                seen.add(after)
                queue.append(after)
            there = configuration_cube(space, machine, after)
            for one, previous in cubes:
                if inside(space, there, one) and not inside(space, before, one):
                    into += 1
                    assert any(inside(space, before, b) for b in previous), (state, after, one)
    assert into > 100


# ---------------------------------------------------------------- words


def words(name: str, number: int = 0) -> Words:
    """The words of a proof."""
    proved = proof(name, number)
    return Words(
        proved.lowered, proved.machine, {v.name: set(v.domain) for v in proved.machine.variables}
    )


@pytest.mark.parametrize(
    ("name", "variable", "allowed", "text"),
    [
        ("key", "email", "0", "`email` has not been sent"),
        ("key", "email", "1 2", "`email` was sent"),
        ("key", "email", "1", "`email` was sent exactly once"),
        ("key", "email", "0 1", "`email` was sent at most once"),
        ("key", "email (key)", "present", "the provider knows the key of `email`"),
        ("key", "invoices", "settled", "the message is acknowledged"),
        ("key", "invoices", "ready inflight settled", "the message is not lost"),
        ("once", "orders", "settled", "the message is handed out"),
        ("window", "charge", "0", "`charge` has not happened"),
        ("window", "charge (key)", "gone", "the provider has forgotten the key of `charge`"),
        ("window", "charge (key)", "absent gone", "the provider does not know the key of `charge`"),
        ("dedup", "processed", "present", "`processed` has the event"),
        ("dedup", "account.balance#", "1 2", "`account.balance` was incremented"),
        ("lease", "lease", "held", "`lease` is held"),
        ("version", "payment.status", "open", "`payment.status` is open"),
        (
            "outbox",
            "bookings",
            "absent settled",
            "the message in `bookings` is acknowledged or not yet published",
        ),
        ("shared_lease", "Job.kind", "card", "`kind` is card"),
        (
            "locked",
            "stock (locked)",
            "taken",
            "the row of `stock` is locked by an open transaction",
        ),
    ],
)
def test_clauses(name: str, variable: str, allowed: str, text: str) -> None:
    assert words(name).clause(Test(variable, frozenset(allowed.split()))).text == text


@pytest.mark.parametrize(
    ("name", "places", "text"),
    [
        ("key", "notifier:9", " at line 9"),
        ("key", "notifier:9 notifier:10", " at line 9 or 10"),
        (
            "key",
            "notifier:9 notifier:12 notifier:13 notifier:14",
            " at line 9 or between line 12 and line 14",
        ),
        ("outbox", "book:24", " at line 24"),
        ("outbox", "forward:19 forward:20", " of `forward`"),
        ("outbox", "forward:19 forward:20 shop:16", " at line 16 or anywhere in `forward`"),
        (
            "ack_first",
            "notifier:7 notifier:7!",
            " at line 7 (or dead there with its request still under way)",
        ),
        ("ack_first", "notifier:7!", " dead with its request of line 7 still under way"),
    ],
)
def test_places_in_words(name: str, places: str, text: str) -> None:
    assert "".join(words(name).places(Test(PC, frozenset(places.split())))) == text


def test_what_lasts() -> None:
    mine = words("key")
    assert mine.clause(Test("email", frozenset({"1", "2"}))).lasting
    assert not mine.clause(Test("invoices", frozenset({"settled"}))).lasting


def test_listed() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"], "or") == "a, b or c"


def test_pairs_of_situations() -> None:
    """Two workers at one place, two at two places, one at both; a row and a worker; two rows."""
    space = Space(proof("ack_first").machine)
    (email,) = (i for i, v in enumerate(space.machine.level(Level.EVENT)) if v.name == "email")
    sent = cube_of(
        (), [(tuple(0b110 if i == email else m for i, m in enumerate(space.full[1])), ())]
    )
    holds = cube_of((), [(space.full[1], ((0b10, space.full[2][1]),))])
    found = pairs(space, (sent, holds))
    assert [one.profile for one in found] == [(1,), (2,)]
    assert found[0].events[0][0] == sent.events[0][0]
