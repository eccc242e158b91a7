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


# ---------------------------------------------------------------- levels, failures, sessions


def fails(number: int) -> Any:
    """The body fails with this error."""
    from pymysql.err import MySQLError

    return pytest.raises(MySQLError, match=rf"\({number},")


@pytest.fixture
def orders(two: tuple[Session, Session], table: Callable[[str], str]) -> str:
    """A table with one order, which is new."""
    made = table("id int primary key, status varchar(10), note varchar(10)")
    two[0].changed(f"insert into {made} values (1, 'new', '')")
    two[0].connection.commit()
    return made


def status(session: Session, orders: str) -> str:
    """The status of the order, as a transaction sees it."""
    return str(session.rows(f"select status from {orders} where id = 1")[0][0])


@pytest.mark.confirms(f"{PLAIN}/snapshot-at-first-read")
def test_snapshot_at_first_read(
    two: tuple[Session, Session], orders: str, table: Callable[[str], str]
) -> None:
    worker, other = two
    paid = f"update {orders} set status = 'paid' where id = 1"
    worker.connection.begin()
    other.changed(paid)
    other.connection.commit()
    assert status(worker, orders) == "paid", "neither BEGIN nor an earlier statement fixed it"
    other.changed(paid.replace("paid", "sent"))
    other.connection.commit()
    assert status(worker, orders) == "paid", "the first read did"


@pytest.mark.confirms(f"{PLAIN}/own-write-shows-the-current-row")
def test_own_write_shows_the_current_row(two: tuple[Session, Session], orders: str) -> None:
    worker, other = two
    assert status(worker, orders) == "new"
    other.changed(f"update {orders} set status = 'paid' where id = 1")
    other.connection.commit()
    assert status(worker, orders) == "new"
    assert worker.changed(f"update {orders} set note = '' where id = 1") == 0
    assert status(worker, orders) == "new", "an update that changes no value shows nothing"
    assert worker.changed(f"update {orders} set note = 'seen' where id = 1") == 1
    assert status(worker, orders) == "paid"


@pytest.mark.confirms(f"{PLAIN}/writes-are-current")
def test_writes_are_current(two: tuple[Session, Session], orders: str) -> None:
    worker, other = two
    assert status(worker, orders) == "new"
    other.changed(f"update {orders} set status = 'paid' where id = 1")
    other.connection.commit()
    assert worker.changed(f"update {orders} set note = 'x' where id = 1 and status = 'new'") == 0
    assert worker.changed(f"update {orders} set note = 'x' where id = 1 and status = 'paid'") == 1


@pytest.mark.confirms(f"{PLAIN}/snapshot-isolation-on")
@pytest.mark.parametrize("condition", ["status = 'new'", "status = 'paid'", "true"])
def test_snapshot_isolation_on(two: tuple[Session, Session], orders: str, condition: str) -> None:
    worker, other = two
    worker.changed("set session innodb_snapshot_isolation = on")
    assert status(worker, orders) == "new"
    other.changed(f"update {orders} set status = 'paid' where id = 1")
    other.connection.commit()
    with fails(1020):
        worker.changed(f"update {orders} set note = 'x' where id = 1 and {condition}")


@pytest.mark.confirms(f"{PLAIN}/everything-waits")
def test_everything_waits(two: tuple[Session, Session], orders: str) -> None:
    first, second = two
    first.changed(f"update {orders} set status = 'paid' where id = 1")
    asks = f"update {orders} set note = 'x' where id = 1 and status = 'sent'"
    waiting = later(lambda: second.changed(asks))
    assert not waiting.done(), "though neither the committed nor the new row fits"
    first.connection.rollback()
    assert waiting.result(5) == 0


@pytest.mark.confirms(f"{PLAIN}/serializable-locks")
def test_serializable_locks(two: tuple[Session, Session], orders: str) -> None:
    reader, writer = two
    reader.changed("set session transaction isolation level serializable")
    reader.connection.begin()
    assert status(reader, orders) == "new"
    assert status(writer, orders) == "new", "who only reads is not held up"
    write = f"update {orders} set status = 'paid' where id = 1"
    waiting = later(lambda: writer.changed(write))
    assert not waiting.done()
    reader.connection.commit()
    assert waiting.result(5) == 1


@pytest.mark.confirms(f"{PLAIN}/waiting-writer-is-the-victim")
def test_waiting_writer_is_the_victim(two: tuple[Session, Session], orders: str) -> None:
    reader, writer = two
    reader.changed("set session transaction isolation level serializable")
    reader.connection.begin()
    assert status(reader, orders) == "new"
    writer.changed("set session transaction isolation level read committed")
    writer.connection.begin()
    waiting = later(lambda: writer.changed(f"update {orders} set note = 'x' where id = 1"))
    assert not waiting.done()
    assert reader.changed(f"update {orders} set status = 'paid' where id = 1") == 1
    with fails(1213):
        waiting.result(5)


@pytest.mark.confirms(f"{PLAIN}/victim-goes-on-in-a-new-transaction")
def test_victim_goes_on_in_a_new_transaction(
    two: tuple[Session, Session], table: Callable[[str], str]
) -> None:
    accounts = table("id int primary key, n int")
    two[0].changed(f"insert into {accounts} values (1, 0), (2, 0)")
    two[0].connection.commit()
    steps = [f"update {accounts} set n = n + 1 where id = {number}" for number in (1, 2)]
    for session, step in zip(two, steps, strict=True):
        session.changed(step)
    waiting = later(lambda: two[0].changed(steps[1]))
    assert not waiting.done()
    with fails(1213):
        # with as many rows written, it is the one that closes the cycle
        two[1].changed(steps[0])
    assert waiting.result(5) == 1
    two[0].connection.commit()
    assert two[1].changed(steps[0]) == 1
    two[1].connection.commit()
    assert two[0].rows(f"select n from {accounts} order by id") == ((2,), (1,))


@pytest.mark.confirms(f"{PLAIN}/failed-statement")
def test_failed_statement(two: tuple[Session, Session], table: Callable[[str], str]) -> None:
    worker, other = two
    marks = table("id int primary key")
    other.changed(f"insert into {marks} values (1)")
    other.connection.commit()
    worker.changed(f"insert into {marks} values (2)")
    with fails(1062):
        worker.changed(f"insert into {marks} values (1)")
    worker.changed(f"insert into {marks} values (3)")
    worker.connection.commit()
    assert other.count(marks) == 3


@pytest.mark.confirms("mysql.get_lock/kill-frees-the-lock")
def test_kill_frees_the_lock(two: tuple[Session, Session], name: str) -> None:
    from pymysql.err import MySQLError

    holder, other = two
    assert holder.rows("select get_lock(%s, 0)", name) == ((1,),)
    assert other.rows("select release_lock(%s)", name) == ((0,),), "it is another session's"
    other.changed(f"kill {holder.connection.thread_id()}")
    assert other.rows("select get_lock(%s, 5)", name) == ((1,),)
    with pytest.raises(MySQLError):
        holder.rows("select 1")
