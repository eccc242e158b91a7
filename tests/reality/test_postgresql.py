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


# ---------------------------------------------------------------- levels, failures, sessions


UPDATE = "update {} set status = %s where id = 1 and status = %s"


def fails(sqlstate: str) -> Any:
    """The body fails with this state."""
    import psycopg

    errors = {
        "40001": psycopg.errors.SerializationFailure,
        "40P01": psycopg.errors.DeadlockDetected,
        "25P02": psycopg.errors.InFailedSqlTransaction,
        "23505": psycopg.errors.UniqueViolation,
        "57P01": psycopg.errors.AdminShutdown,
    }
    return pytest.raises(errors[sqlstate])


@pytest.fixture
def orders(two: tuple[Any, Any], table: Callable[[str], str]) -> str:
    """A table with one order, which is new."""
    made = table("id int primary key, status text")
    two[0].execute(f"insert into {made} values (1, 'new')")
    two[0].commit()
    return made


def status(connection: Any, orders: str) -> str:
    """The status of the order, as a transaction sees it."""
    found: str = connection.execute(f"select status from {orders} where id = 1").fetchone()[0]
    return found


@pytest.mark.confirms(f"{PLAIN}/conflict-does-not-wait")
def test_conflict_does_not_wait(two: tuple[Any, Any], orders: str) -> None:
    first, second = two
    assert first.execute(UPDATE.format(orders), ("paid", "new")).rowcount == 1
    asks = UPDATE.format(orders)
    assert second.execute(asks, ("sent", "paid")).rowcount == 0, "decided on the committed row"
    first.rollback()


@pytest.mark.confirms(f"{PLAIN}/snapshot-before-waiting")
def test_snapshot_before_waiting(two: tuple[Any, Any], orders: str, name: str) -> None:
    worker, other = two
    key = (int(name[5:], 16),)
    take = "select pg_advisory_xact_lock(%s)"
    other.execute(take, key)
    level(worker, "repeatable read")
    waiting = later(lambda: worker.execute(take, key))
    assert not waiting.done()
    other.execute(UPDATE.format(orders), ("paid", "new"))
    other.commit()
    waiting.result(5)
    assert status(worker, orders) == "new", "it has the lock, and looks at the time before it"


@pytest.mark.confirms(f"{PLAIN}/snapshot-decides-the-condition")
@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_snapshot_decides_the_condition(two: tuple[Any, Any], orders: str, isolation: str) -> None:
    worker, other = two
    level(worker, isolation)
    assert status(worker, orders) == "new"
    other.execute(UPDATE.format(orders), ("paid", "new"))
    other.commit()
    asks = UPDATE.format(orders)
    assert worker.execute(asks, ("sent", "paid")).rowcount == 0, "no row, and no failure"
    worker.commit()
    assert status(other, orders) == "paid"


@pytest.mark.confirms(f"{PLAIN}/changed-row-fails")
@pytest.mark.parametrize("back", [False, True])
def test_changed_row_fails(two: tuple[Any, Any], orders: str, back: bool) -> None:
    worker, other = two
    level(worker, "repeatable read")
    assert status(worker, orders) == "new"
    other.execute(UPDATE.format(orders), ("paid", "new"))
    other.commit()
    if back:
        other.execute(UPDATE.format(orders), ("new", "paid"))
        other.commit()
    with fails("40001"):
        worker.execute(UPDATE.format(orders), ("sent", "new"))


@pytest.mark.confirms(f"{PLAIN}/insert-of-a-newer-row")
def test_insert_of_a_newer_row(two: tuple[Any, Any], table: Callable[[str], str]) -> None:
    worker, other = two
    marks = table("id int primary key")
    for insert, state in (
        (f"insert into {marks} values (1) on conflict do nothing", "40001"),
        (f"insert into {marks} values (1)", "23505"),
    ):
        level(worker, "repeatable read")
        assert count(worker, marks) == 0
        other.execute(f"insert into {marks} values (1)")
        other.commit()
        with fails(state):
            worker.execute(insert)
        worker.rollback()
        other.execute(f"delete from {marks}")
        other.commit()


@pytest.mark.confirms(f"{PLAIN}/ssi-pair")
def test_ssi_pair(two: tuple[Any, Any], table: Callable[[str], str]) -> None:
    """Both have called the provider before one of them fails."""
    marks = table("id int")
    called = []
    for connection in two:
        level(connection, "serializable")
        assert count(connection, marks) == 0
        called.append(connection)  # nothing has held it up
        connection.execute(f"insert into {marks} values (1)")
    two[0].commit()
    with fails("40001"):
        two[1].commit()
    assert len(called) == 2


@pytest.mark.confirms(f"{PLAIN}/ssi-ignores-others")
def test_ssi_ignores_others(two: tuple[Any, Any], table: Callable[[str], str]) -> None:
    reader, writer = two
    marks = table("id int, who text")
    for isolation in ("read committed", "repeatable read"):
        level(reader, "serializable")
        before = count(reader, marks)
        level(writer, isolation)
        assert count(writer, marks) == before
        writer.execute(f"insert into {marks} values (1, 'writer')")
        writer.commit()
        reader.execute(f"insert into {marks} values (1, 'reader')")
        reader.commit()


@pytest.mark.confirms(f"{PLAIN}/deadlock-victim-keeps-advisory-locks")
def test_deadlock_victim_keeps_advisory_locks(
    two: tuple[Any, Any], table: Callable[[str], str], name: str
) -> None:
    first, second = two
    accounts = table("id int primary key, n int")
    first.execute(f"insert into {accounts} values (1, 0), (2, 0)")
    first.commit()
    key = (int(name[5:], 16),)
    # the one that waits last looks for the cycle first, and is the victim
    second.execute("select pg_advisory_lock(%s)", key)
    second.execute("set deadlock_timeout = '100ms'")
    first.execute("set deadlock_timeout = '10s'")
    first.execute(f"update {accounts} set n = 1 where id = 1")
    second.execute(f"update {accounts} set n = 2 where id = 2")
    waiting = later(lambda: first.execute(f"update {accounts} set n = 1 where id = 2").rowcount)
    assert not waiting.done()
    with fails("40P01"):
        second.execute(f"update {accounts} set n = 2 where id = 1")
    second.rollback()
    assert waiting.result(5) == 1
    first.commit()
    ask = first.execute("select pg_try_advisory_lock(%s)", key).fetchone()
    assert ask == (False,), "the victim's session has it"


@pytest.mark.confirms(f"{PLAIN}/failed-statement")
def test_failed_statement(two: tuple[Any, Any], table: Callable[[str], str]) -> None:
    worker, other = two
    marks = table("id int primary key")
    other.execute(f"insert into {marks} values (1)")
    other.commit()
    worker.execute(f"insert into {marks} values (2)")
    with fails("23505"):
        worker.execute(f"insert into {marks} values (1)")
    with fails("25P02"):
        worker.execute(f"insert into {marks} values (3)")
    worker.commit()  # the server answers ROLLBACK, and nothing is raised
    assert count(other, marks) == 1


@pytest.mark.confirms("postgresql.advisory/session-lock-survives-rollback")
def test_session_lock_survives_rollback(two: tuple[Any, Any], name: str) -> None:
    holder, other = two
    key = (int(name[5:], 16),)
    holder.execute("select pg_advisory_lock(%s)", key)
    holder.rollback()
    assert other.execute("select pg_try_advisory_lock(%s)", key).fetchone() == (False,)
    assert other.execute("select pg_advisory_unlock(%s)", key).fetchone() == (False,)
    holder.execute("select pg_advisory_lock(%s)", key)
    assert holder.execute("select pg_advisory_unlock(%s)", key).fetchone() == (True,)
    assert other.execute("select pg_try_advisory_lock(%s)", key).fetchone() == (False,), "it counts"


@pytest.mark.confirms("postgresql.advisory/terminated-backend")
def test_terminated_backend(two: tuple[Any, Any], table: Callable[[str], str], name: str) -> None:
    holder, other = two
    key = (int(name[5:], 16),)
    marks = table("id int")
    holder.execute("select pg_advisory_lock(%s)", key)
    holder.execute(f"insert into {marks} values (1)")
    other.execute("select pg_terminate_backend(%s)", (holder.info.backend_pid,))
    end = time.monotonic() + 5
    while other.execute("select pg_try_advisory_lock(%s)", key).fetchone() != (True,):
        assert time.monotonic() < end
        time.sleep(0.05)
    # the holder is alive, and learns of it at its next statement only
    with fails("57P01"):
        holder.execute(f"insert into {marks} values (2)")
    assert count(other, marks) == 0, "its transaction is gone"


@pytest.mark.confirms(f"{PLAIN}/commit-answer-lost")
@pytest.mark.parametrize("block", [True, False])
def test_commit_answer_lost(two: tuple[Any, Any], table: Callable[[str], str], block: bool) -> None:
    """The connection ends between the server's commit and its answer."""
    import psycopg
    from onceproof.drill.proxy import Proxy

    marks = table("id int primary key")
    road = Proxy(servers.HOST, servers.PORTS["postgresql"])
    worker = servers.postgresql(autocommit=not block, port=road.port)
    insert = f"insert into {marks} values (1) on conflict do nothing"
    if block:
        worker.execute(insert)
    road.arm("after")
    with pytest.raises(psycopg.OperationalError):
        worker.commit() if block else worker.execute(insert)
    worker.close()
    assert count(two[0], marks) == 1
    assert two[1].execute(insert).rowcount == 0, "the second attempt meets the first one's row"
