"""PostgreSQL, tried on a server with two real connections: who wins, who waits, who fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reality import servers
from reality.child import Child
from reality.waiting import later

pytestmark = [pytest.mark.slow, pytest.mark.service("postgresql")]

PLAIN, UNIQUE = "postgresql", "postgresql.unique"


def iso(fact: str) -> pytest.MarkDecorator:
    """A fact of both store models."""
    return pytest.mark.confirms(f"{PLAIN}/{fact}", f"{UNIQUE}/{fact}")


@pytest.fixture
def table(name: str) -> Iterator[Callable[[str], str]]:
    """Makes a table with the given columns."""
    keeper = servers.postgresql(autocommit=True)

    def make(columns: str) -> str:
        keeper.execute(f"create table {name} ({columns})")
        return name

    yield make
    keeper.execute(f"drop table if exists {name}")
    keeper.close()


@pytest.fixture
def two(table: object) -> Iterator[tuple[Any, Any]]:
    """Two connections, closed before the table goes."""
    first, second = servers.postgresql(), servers.postgresql()
    yield first, second
    first.close()
    second.close()


def level(connection: Any, name: str) -> None:
    """Begins a transaction at an isolation level."""
    connection.execute(f"begin isolation level {name}")


def count(connection: Any, table: str) -> int:
    """How many rows a table has."""
    number: int = connection.execute(f"select count(*) from {table}").fetchone()[0]
    return number


def race(two: tuple[Any, Any], table: str) -> int:
    """Both look, both find nothing, both insert and commit; how many rows that makes."""
    for connection in two:
        assert count(connection, table) == 0
    for connection in two:
        connection.execute(f"insert into {table} values (1)")
    for connection in two:
        connection.commit()
    return count(two[0], table)


@iso("check-then-insert-races")
@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
def test_check_then_insert_races(
    two: tuple[Any, Any], table: Callable[[str], str], isolation: str
) -> None:
    events = table("id int")
    assert two[0].execute("show transaction_isolation").fetchone() == ("read committed",), (
        "the default"
    )
    two[0].rollback()
    for connection in two:
        level(connection, isolation)
    assert race(two, events) == 2


@iso("serializable-fails-one")
def test_serializable_fails_one(two: tuple[Any, Any], table: Callable[[str], str]) -> None:
    from psycopg.errors import SerializationFailure

    events = table("id int")
    for connection in two:
        level(connection, "serializable")
    with pytest.raises(SerializationFailure) as error:
        race(two, events)
    assert error.value.sqlstate == "40001"
    two[1].rollback()
    assert count(two[1], events) == 1, "the other one has its row"


@iso("new-snapshot-per-statement")
@pytest.mark.parametrize(("isolation", "seen"), [("read committed", 1), ("repeatable read", 0)])
def test_new_snapshot_per_statement(
    two: tuple[Any, Any], table: Callable[[str], str], isolation: str, seen: int
) -> None:
    reader, writer = two
    events = table("id int")
    level(reader, isolation)
    assert count(reader, events) == 0
    writer.execute(f"insert into {events} values (1)")
    writer.commit()
    assert count(reader, events) == seen


@iso("conditional-update-has-one-winner")
def test_conditional_update_has_one_winner(
    two: tuple[Any, Any], table: Callable[[str], str]
) -> None:
    first, second = two
    orders = table("id int primary key, status text")
    first.execute(f"insert into {orders} values (1, 'new')")
    first.commit()
    update = f"update {orders} set status = 'paid' where id = 1 and status = 'new'"
    assert first.execute(update).rowcount == 1
    waiting = later(lambda: second.execute(update).rowcount)
    assert not waiting.done()
    first.commit()
    assert waiting.result(5) == 0


@pytest.mark.confirms(f"{UNIQUE}/unique-insert-waits")
@pytest.mark.parametrize("commits", [True, False])
def test_unique_insert_waits(
    two: tuple[Any, Any], table: Callable[[str], str], commits: bool
) -> None:
    from psycopg.errors import UniqueViolation

    first, second = two
    events = table("id int primary key")
    first.execute(f"insert into {events} values (1)")
    waiting = later(lambda: second.execute(f"insert into {events} values (1)").rowcount)
    assert not waiting.done()
    if commits:
        first.commit()
        with pytest.raises(UniqueViolation) as error:
            waiting.result(5)
        assert error.value.sqlstate == "23505"
    else:
        first.rollback()
        assert waiting.result(5) == 1


@pytest.mark.confirms(f"{UNIQUE}/on-conflict-arbitrates")
@pytest.mark.parametrize("commits", [True, False])
def test_on_conflict_arbitrates(
    two: tuple[Any, Any], table: Callable[[str], str], commits: bool
) -> None:
    first, second = two
    events = table("id int primary key")
    insert = f"insert into {events} values (1) on conflict do nothing"
    assert first.execute(insert).rowcount == 1
    waiting = later(lambda: second.execute(insert).rowcount)
    assert not waiting.done(), "it does not answer before the first one's end is known"
    if commits:
        first.commit()
    else:
        first.rollback()
    assert waiting.result(5) == (0 if commits else 1)
    second.commit()
    assert count(first, events) == 1


# ---------------------------------------------------------------- locks


@pytest.mark.confirms("postgresql.advisory/advisory-lock-freed-by-death")
def test_advisory_lock_freed_by_death(
    two: tuple[Any, Any], name: str, children: list[Child]
) -> None:
    key = str(int(name[5:], 16))
    ask = "select pg_try_advisory_lock(%s)"
    children.append(Child("postgresql_lock", key))
    assert two[0].execute(ask, (int(key),)).fetchone() == (False,)
    children[0].kill()
    end = time.monotonic() + 5
    while two[0].execute(ask, (int(key),)).fetchone() != (True,):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.confirms("postgresql.advisory/transaction-lock-ends-with-it")
def test_transaction_lock_ends_with_it(two: tuple[Any, Any], name: str) -> None:
    key = (int(name[5:], 16),)
    first, second = two
    ask = "select pg_try_advisory_xact_lock(%s)"
    assert first.execute(ask, key).fetchone() == (True,)
    assert second.execute(ask, key).fetchone() == (False,)
    first.commit()
    assert second.execute(ask, key).fetchone() == (True,)


@pytest.mark.confirms("lease.fenced/fencing-compare-refuses-the-older")
def test_fencing_compare_refuses_the_older(
    two: tuple[Any, Any], table: Callable[[str], str]
) -> None:
    first, second = two
    accounts = table("id int primary key, balance int, token int")
    first.execute(f"insert into {accounts} values (1, 0, 0)")
    first.commit()

    def credit(connection: Any, token: int, fenced: bool) -> int:
        condition = f"and token <= {token}" if fenced else ""
        done: int = connection.execute(
            f"update {accounts} set balance = balance + 10, token = {token} where id = 1"
            f" {condition}"
        ).rowcount
        connection.commit()
        return done

    assert credit(second, 34, True) == 1, "the new holder"
    assert credit(first, 33, True) == 0, "the former one, whose lease has passed to the other"
    assert credit(first, 33, False) == 1, "without the comparison it gets through"
