"""The databases of a design, as the tables of docs/semantics_world.md say: which stores share one,
its levels and defaults, its failover; the kinds of locks; keys in rows.
"""

from __future__ import annotations

import pytest
from onceproof.lang import resolve as package
from onceproof.lang.design import Design, Isolation, LockKind, Pooled, Snapshots
from onceproof.lang.load import load_text
from onceproof.lsp.project import analysed

RC, SNAPSHOT, OPTIMISTIC, LOCKING, SINGLE = Isolation


@pytest.fixture(autouse=True)
def everything_modelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is resolved is asked here, whether or not the machine does it yet."""
    monkeypatch.setattr(package, "unmodelled", lambda items: [])


def design(declarations: str, steps: str = "ack") -> Design:
    """A design with these lines, and a consumer with these steps."""
    body = "".join(f"  {line}\n" for line in steps.splitlines())
    text = f"event E(id, k)\nqueue q of E at-least-once\n{declarations}\nconsumer c on q\n{body}"
    loaded = load_text(text + "claim recoverable\n")
    assert loaded.design is not None, [d.headline for d in loaded.diagnostics]
    return loaded.design


def codes(declarations: str, steps: str = "ack") -> list[str]:
    """The codes of what is said about a design, without what is unused."""
    body = "".join(f"  {line}\n" for line in steps.splitlines())
    text = f"event E(id, k)\nqueue q of E at-least-once\n{declarations}\nconsumer c on q\n{body}"
    found = load_text(text + "claim recoverable\n").diagnostics
    return [d.code for d in found if d.code != "N125"]


# ---------------------------------------------------------------- which stores share a database


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("store s per id", "unnamed.generic"),
        ("store s per id, cache", "unnamed.cache"),
        ("store s per id via postgresql", "unnamed.postgresql"),
        ("store s per id via postgresql.unique", "unnamed.postgresql"),
        ("store s per id via mysql.unique", "unnamed.mysql"),
        ("store s per id via powertools", "unnamed.dynamodb"),
        ("store s per id, inside q", "broker.q"),
        ("database main\nstore s per id in main", "main"),
    ],
)
def test_where_a_store_lives(line: str, name: str) -> None:
    made = design(line)
    assert made.stores["s"].database == name
    assert name in made.databases


@pytest.mark.parametrize(
    ("model", "plain", "serializable"),
    [
        ("", RC, OPTIMISTIC),
        ("via postgresql", RC, OPTIMISTIC),
        ("via postgresql(isolation=repeatable-read)", SNAPSHOT, OPTIMISTIC),
        ("via postgresql(isolation=serializable)", OPTIMISTIC, OPTIMISTIC),
        ("via mysql", SNAPSHOT, LOCKING),
        ("via mysql(isolation=read-committed)", RC, LOCKING),
        ("via mysql(isolation=serializable)", LOCKING, LOCKING),
        ("via oracle", RC, SNAPSHOT),
        ("via oracle(isolation=serializable)", SNAPSHOT, SNAPSHOT),
        ("via sqlserver", RC, LOCKING),
        ("via sqlserver(isolation=snapshot)", SNAPSHOT, LOCKING),
        ("via cockroachdb", OPTIMISTIC, OPTIMISTIC),
        ("via dynamodb", SINGLE, None),
        ("via powertools", SINGLE, None),
        ("via redis", SINGLE, None),
        ("via memcached", SINGLE, None),
        (", isolation snapshot", SNAPSHOT, OPTIMISTIC),
        (", isolation serializable", OPTIMISTIC, OPTIMISTIC),
        ("via postgresql, isolation snapshot", SNAPSHOT, OPTIMISTIC),
        ("via mysql, isolation serializable", LOCKING, LOCKING),
        ("via oracle, isolation serializable", SNAPSHOT, SNAPSHOT),
    ],
)
def test_levels_by_product(model: str, plain: Isolation, serializable: Isolation | None) -> None:
    found = design(f"database main {model}\nstore s per id in main").databases["main"]
    assert (found.isolation, found.serializable) == (plain, serializable)


def test_an_option_at_a_store_holds_for_the_whole_database() -> None:
    made = design(
        "store a per id via postgresql.unique\n"
        "store b per id via postgresql(isolation=serializable)"
    )
    assert made.databases["unnamed.postgresql"].isolation is OPTIMISTIC


@pytest.mark.parametrize(
    ("model", "snapshots", "waits", "same"),
    [
        ("postgresql", Snapshots.POSTGRESQL, False, True),
        ("oracle", Snapshots.POSTGRESQL, False, True),
        ("sqlserver", Snapshots.POSTGRESQL, True, True),
        ("mysql", Snapshots.MYSQL, True, False),
        ("mysql(innodb_snapshot_isolation=on)", Snapshots.MYSQL_CHECKED, True, False),
    ],
)
def test_how_products_decide(model: str, snapshots: Snapshots, waits: bool, same: bool) -> None:
    found = design(f"database main via {model}\nstore s per id in main").databases["main"]
    assert (found.snapshots, found.waits_to_decide, found.same_value_changes) == (
        snapshots,
        waits,
        same,
    )


@pytest.mark.parametrize(
    ("line", "fails_over"),
    [
        ("store s per id", False),
        ("store s per id, replicated", True),
        ("database m, replicated\nstore s per id in m", True),
        ("database m via redis\nstore s per id in m", True),
        ("database m via postgresql\nstore s per id in m", False),
        ("database m via postgresql(synchronous_commit=off)\nstore s per id in m", True),
        ("database m via mysql(innodb_flush_log_at_trx_commit=2)\nstore s per id in m", True),
        ("database m via postgresql, replicated\nstore s per id in m", True),
        (
            "database m via postgresql(synchronous_standby_names=x), replicated\n"
            "store s per id in m",
            False,
        ),
        (
            "database m via postgresql(synchronous_standby_names=x, synchronous_commit=off)\n"
            "store s per id in m",
            True,
        ),
    ],
)
def test_which_databases_fail_over(line: str, fails_over: bool) -> None:
    made = design(line)
    assert made.databases[made.stores["s"].database].fails_over is fails_over


def test_what_dynamodb_does() -> None:
    found = design("database m via dynamodb\nstore s per id in m").databases["m"]
    assert (found.repeats, found.rechecks, found.stale_reads, found.per_region) == (
        True,
        True,
        True,
        False,
    )
    other = design("database m via dynamodb(reads=strong)\nstore s per id in m").databases["m"]
    assert (other.stale_reads, other.per_region) == (False, False)
    # a consistent read is one of one region
    other = design("database m via dynamodb(reads=strong, global-table=MREC)\nstore s per id in m")
    assert (other.databases["m"].stale_reads, other.databases["m"].per_region) == (True, True)


# ---------------------------------------------------------------- locks


@pytest.mark.parametrize(
    ("line", "kind", "database"),
    [
        ("lock x per id", LockKind.SESSION, None),
        ("lock x per id, expires", LockKind.LEASE, None),
        ("lock x per id, until released", LockKind.STORED, None),
        ("store s per id\nlock x per id in s", LockKind.SESSION, "unnamed.generic"),
        ("database m via redis\nlock x per id in m", LockKind.STORED, "m"),
        ("store s per id via redis\nlock x per id in s", LockKind.STORED, "unnamed.redis"),
        ("lock x per id via postgresql.advisory", LockKind.SESSION, "unnamed.postgresql"),
        ("lock x per id via mysql.get_lock", LockKind.SESSION, "unnamed.mysql"),
        ("lock x per id via redis.lock", LockKind.LEASE, None),
        ("lock x per id via redis.lock(ttl=none)", LockKind.STORED, None),
        ("lock x per id via redlock", LockKind.LEASE, None),
        ("lock x per id via lease.fenced", LockKind.LEASE, None),
    ],
)
def test_kinds_of_locks(line: str, kind: LockKind, database: str | None) -> None:
    made = design(line)
    assert (made.locks["x"].kind, made.locks["x"].database) == (kind, database)
    assert database is None or database in made.databases


def test_options_of_locks() -> None:
    assert design("lock x per id via redis.lock(release=compare)").locks["x"].owner_releases
    assert not design("lock x per id via redis.lock").locks["x"].owner_releases
    assert design("lock x per id, expires, owner releases").locks["x"].owner_releases
    pooled = design("lock x per id via postgresql.advisory(pooled=transaction)").locks["x"].pooled
    assert pooled is Pooled.TRANSACTION
    assert design("lock x per id via redlock").locks["x"].replicated
    assert not design("lock x per id via redlock(delayed_restarts=true)").locks["x"].replicated


# ---------------------------------------------------------------- providers and claims


def test_a_key_in_a_row() -> None:
    effect = design(
        "store s per k\n  c: unset | made\neffect e per id via stripe\n  key s.c", "call e"
    ).effects["e"]
    assert (effect.key_row, effect.key_field) == (("s", "c"), "k")
    assert (effect.keeps_errors, effect.query_lags) == (True, True)


# ---------------------------------------------------------------- what is said


ATOMIC = "atomic\n  insert id into a\n    on duplicate\n      stop\n  insert id into b\n"


@pytest.mark.parametrize(
    ("declarations", "steps", "said"),
    [
        ("store a per id, unique\nstore b per id", ATOMIC + "ack", []),
        (
            "store a per id via postgresql.unique\nstore b per id via postgresql",
            ATOMIC + "ack",
            [],
        ),
        ("store a per id, unique\nstore b per id via postgresql", ATOMIC + "ack", ["N156"]),
        ("store a per id, unique, cache\nstore b per id", ATOMIC + "ack", ["N156"]),
        ("store a per id, unique, inside q\nstore b per id", ATOMIC + "ack", ["N156"]),
        (
            "database x\nstore a per id, unique\nstore b per id in x",
            ATOMIC + "on failure\n  stop\nretry 2 times\nack",
            ["N156"],
        ),
    ],
)
def test_blocks_over_databases(declarations: str, steps: str, said: list[str]) -> None:
    assert codes(declarations, steps) == said


def test_a_store_with_other_levels_than_its_neighbour() -> None:
    lines = (
        "store a per id via postgresql(isolation=serializable)\n"
        "store b per id via postgresql(isolation=serializable)"
    )
    assert codes(lines) == []
    assert codes(lines.replace("serializable", "read-committed", 1)) == ["N151"]


def test_names_of_databases_are_found_and_renamed() -> None:
    text = (
        "event E(id)\nqueue q of E\ndatabase main\nstore s per id in main\n  c: unset | made\n"
        "lock x per id in main\neffect e per id\n  key s.c, kept 24h\n"
    )
    found = [(o.symbol.kind, o.symbol.name, o.span.line) for o in analysed(text, "d.once").names]
    assert [line for kind, name, line in found if (kind, name) == ("database", "main")] == [3, 4, 6]
    assert ("store", "s", 8) in found
    assert ("column", "c", 8) in found
