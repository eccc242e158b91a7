"""MariaDB (InnoDB), tried on a server with two real connections: who wins, who waits, who fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reality import servers
from reality.child import Child
from reality.waiting import later

pytestmark = [pytest.mark.slow, pytest.mark.service("mariadb")]

PLAIN, UNIQUE = "mysql", "mysql.unique"


def iso(fact: str) -> pytest.MarkDecorator:
    """A fact of both store models."""
    return pytest.mark.confirms(f"{PLAIN}/{fact}", f"{UNIQUE}/{fact}")


class Session:
    """A connection that runs one statement at a time and answers its rows or how many it
    changed.
    """

    def __init__(self) -> None:
        self.connection = servers.mariadb()

    def rows(self, statement: str, *values: object) -> tuple[tuple[Any, ...], ...]:
        """What a query finds."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)
            return tuple(cursor.fetchall())

    def changed(self, statement: str) -> int:
        """How many rows a statement changed."""
        with self.connection.cursor() as cursor:
            return int(cursor.execute(statement))

    def count(self, table: str) -> int:
        """How many rows a table has, as a transaction sees it."""
        return int(self.rows(f"select count(*) from {table}")[0][0])


@pytest.fixture
def table(name: str) -> Iterator[Callable[[str], str]]:
    """Makes an InnoDB table with the given columns."""
    keeper = Session()

    def make(columns: str) -> str:
        keeper.changed(f"create table {name} ({columns}) engine=InnoDB")
        return name

    yield make
    keeper.changed(f"drop table if exists {name}")
    keeper.connection.close()


@pytest.fixture
def two(table: object) -> Iterator[tuple[Session, Session]]:
    """Two connections, closed before the table goes."""
    both = (Session(), Session())
    yield both
    for session in both:
        if session.connection.open:
            session.connection.close()


@iso("check-then-insert-races")
def test_check_then_insert_races(two: tuple[Session, Session], table: Callable[[str], str]) -> None:
    events = table("id int")
    assert [s.count(events) for s in two] == [0, 0]
    assert [s.changed(f"insert into {events} values (1)") for s in two] == [1, 1]
    for session in two:
        session.connection.commit()
    assert two[0].count(events) == 2


@iso("default-is-repeatable-read")
def test_default_is_repeatable_read(
    two: tuple[Session, Session], table: Callable[[str], str]
) -> None:
    reader, writer = two
    events = table("id int")
    levels = reader.rows(
        "show variables where variable_name in ('tx_isolation', 'transaction_isolation')"
    )
    assert {level for _, level in levels} == {"REPEATABLE-READ"}  # the name depends on the version
    assert reader.count(events) == 0
    writer.changed(f"insert into {events} values (1)")
    writer.connection.commit()
    assert reader.count(events) == 0, "the snapshot of its first read"
    reader.connection.commit()
    assert reader.count(events) == 1


@iso("serializable-fails-one")
def test_serializable_fails_one(two: tuple[Session, Session], table: Callable[[str], str]) -> None:
    from pymysql.err import OperationalError

    events = table("id int primary key")
    for session in two:
        session.changed("set session transaction isolation level serializable")
        session.connection.begin()
    assert [s.rows(f"select * from {events} where id = 1") for s in two] == [(), ()]
    first = later(lambda: two[0].changed(f"insert into {events} values (1)"))
    assert not first.done(), "it waits for the other one's read lock"
    with pytest.raises(OperationalError) as error:
        two[1].changed(f"insert into {events} values (1)")
    assert error.value.args[0] == 1213
    assert first.result(5) == 1
    two[0].connection.commit()
    assert two[0].count(events) == 1


@iso("conditional-update-has-one-winner")
def test_conditional_update_has_one_winner(
    two: tuple[Session, Session], table: Callable[[str], str]
) -> None:
    first, second = two
    orders = table("id int primary key, status varchar(10)")
    first.changed(f"insert into {orders} values (1, 'new')")
    first.connection.commit()
    assert second.rows(f"select status from {orders}") == (("new",),)
    update = f"update {orders} set status = 'paid' where id = 1 and status = 'new'"
    assert first.changed(update) == 1
    waiting = later(lambda: second.changed(update))
    assert not waiting.done()
    first.connection.commit()
    assert waiting.result(5) == 0
    assert second.rows(f"select status from {orders}") == (("new",),), (
        "its snapshot is still the old one"
    )


@pytest.mark.confirms(f"{UNIQUE}/unique-insert-waits")
@pytest.mark.parametrize("commits", [True, False])
def test_unique_insert_waits(
    two: tuple[Session, Session], table: Callable[[str], str], commits: bool
) -> None:
    from pymysql.err import IntegrityError

    first, second = two
    events = table("id int primary key")
    first.changed(f"insert into {events} values (1)")
    waiting = later(lambda: second.changed(f"insert into {events} values (1)"))
    assert not waiting.done()
    if commits:
        first.connection.commit()
        with pytest.raises(IntegrityError) as error:
            waiting.result(5)
        assert error.value.args[0] == 1062
    else:
        first.connection.rollback()
        assert waiting.result(5) == 1


@pytest.mark.confirms(f"{UNIQUE}/insert-ignore-arbitrates")
@pytest.mark.parametrize("commits", [True, False])
def test_insert_ignore_arbitrates(
    two: tuple[Session, Session], table: Callable[[str], str], commits: bool
) -> None:
    first, second = two
    events = table("id int primary key")
    insert = f"insert ignore into {events} values (1)"
    assert first.changed(insert) == 1
    waiting = later(lambda: second.changed(insert))
    assert not waiting.done()
    if commits:
        first.connection.commit()
    else:
        first.connection.rollback()
    assert waiting.result(5) == (0 if commits else 1)


# ---------------------------------------------------------------- locks


@pytest.mark.confirms("mysql.get_lock/get-lock-freed-by-death")
def test_get_lock_freed_by_death(
    two: tuple[Session, Session], name: str, children: list[Child]
) -> None:
    children.append(Child("mariadb_lock", name))
    assert two[0].rows("select get_lock(%s, 0)", name) == ((0,),)
    children[0].kill()
    end = time.monotonic() + 5
    while two[0].rows("select get_lock(%s, 0)", name) != ((1,),):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.confirms("mysql.get_lock/get-lock-outlives-the-transaction")
def test_get_lock_outlives_the_transaction(two: tuple[Session, Session], name: str) -> None:
    first, second = two
    first.connection.begin()
    assert first.rows("select get_lock(%s, 0)", name) == ((1,),)
    first.connection.commit()
    assert second.rows("select get_lock(%s, 0)", name) == ((0,),)
    first.connection.close()
    end = time.monotonic() + 5
    while second.rows("select get_lock(%s, 0)", name) != ((1,),):
        assert time.monotonic() < end
        time.sleep(0.05)
