"""Redis: streams with consumer groups, keys as stores, ``SET NX PX`` as locks, under a key prefix
of the run's own.
"""

from __future__ import annotations

import os
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from onceproof.drill.adapters import (
    Contents,
    DatabaseServer,
    DatabaseSession,
    LockServer,
    Message,
    QueueServer,
    QueueSession,
    Settings,
    Term,
    Trouble,
    Unanswered,
    Unavailable,
)

UNUSED = 600
"""Seconds after which Redis itself forgets what a clean-up missed."""


def _client(settings: Settings) -> Any:
    a = settings.address
    return redis.Redis(
        a.host,
        a.port,
        int(a.database or 0),
        a.password or None,
        username=a.user or None,
        decode_responses=True,
        socket_connect_timeout=5,
        socket_timeout=10,
        retry=Retry(
            NoBackoff(), 0
        ),  # the client's own retries would repeat a request that the drill cuts
    )


@contextmanager
def _asking() -> Iterator[None]:
    """Errors of the client as the drill's own."""
    try:
        yield
    except redis.ConnectionError as error:
        raise Unanswered(f"{type(error).__name__}: {error}") from error
    except redis.TimeoutError as error:
        raise Unanswered(f"{type(error).__name__}: {error}") from error
    except redis.RedisError as error:
        raise Trouble(f"{type(error).__name__}: {error}") from error


class RedisServer(DatabaseServer, QueueServer, LockServer):
    """Keys of the run's own."""

    title = "Redis"
    cannot = ("a single Redis server has no failover: a row that a failover forgets does not show",)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._own: Any = None

    @property
    def client(self) -> Any:
        """The director's own connection."""
        if self._own is None:
            self._own = _client(self.settings)
            try:
                self._own.ping()
            except redis.RedisError as error:
                place = f"{self.settings.address.host}:{self.settings.address.port}"
                raise Unavailable(f"Redis at {place}: {error}") from error
        return self._own

    def _key(self, *parts: str) -> str:
        return ":".join((self.settings.namespace, *parts))

    def version(self) -> str:
        return f"Redis {self.client.info('server')['redis_version']}"

    def _forget(self, *parts: str) -> None:
        keys = list(self.client.scan_iter(self._key(*parts, "*"), count=1000))
        if keys:
            self.client.delete(*keys)

    def remove(self) -> None:
        try:
            self._forget()
        except redis.RedisError as error:
            raise Unavailable(f"Redis: {error}") from error
        self.close()

    def close(self) -> None:
        if self._own is not None:
            self._own.close()
            self._own = None

    # -- stores

    def make(self) -> None:
        """Keys need no making."""

    def clear(self) -> None:
        for part in ("store", "ledger"):
            self._forget(part)

    def contents(self) -> Contents:
        rows: dict[tuple[str, str], tuple[int, dict[str, str]]] = {}
        for table in self.settings.tables:
            prefix = self._key("store", table.name, "")
            for name in self.client.scan_iter(prefix + "*"):
                values = self.client.hgetall(name)
                first = {c: values.get(c, v) for c, v in table.columns}
                rows[table.name, name.removeprefix(prefix)] = (int(values.get("n", 1)), first)
        counted: Counter[tuple[str, str, int]] = Counter()
        for entry in self.client.lrange(self._key("ledger", "all"), 0, -1):
            effect, key, event = entry.split("|")
            counted[effect, key, int(event)] += 1
        return Contents(rows, dict(counted))

    def expire(self, store: str, key: str) -> None:
        self.client.delete(self._key("store", store, key))

    def session(self) -> RedisSession:
        return RedisSession(self.settings)

    # -- queues

    def make_queues(self) -> None:
        for queue in self.settings.channels:
            for group in queue.groups:
                self.client.xgroup_create(
                    self._key("stream", queue.name), group, id="0", mkstream=True
                )
            self.client.expire(self._key("stream", queue.name), UNUSED)

    def clear_queues(self) -> None:
        self._forget("stream")
        self.make_queues()

    def publish(self, queue: str, event: int, replayed: bool = False) -> None:
        self.client.xadd(self._key("stream", queue), {"event": str(event)})

    def waiting(self, queue: str, group: str) -> int | None:
        key = self._key("stream", queue)
        (info,) = [g for g in self.client.xinfo_groups(key) if g["name"] == group]
        unread = len(self.client.xrange(key, f"({info['last-delivered-id']}", "+"))
        return int(info["pending"]) + unread

    def queue_session(self) -> RedisStreamSession:
        return RedisStreamSession(self.settings)

    # -- locks

    def lock_session(self, database: DatabaseSession | None) -> RedisLocks:
        return RedisLocks(self.settings)

    def clear_locks(self) -> None:
        self._forget("lock")


class RedisSession(DatabaseSession):
    """A worker's connection to keys. A row is a hash; each request stands alone, and ``atomic`` is
    ``MULTI`` … ``EXEC``.

    ``insert`` is ``HSETNX``, which has one winner as ``SET NX`` has; conditions are checked by a
    script of one request.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.client = _client(settings)
        self.unique = {t.name: t.unique for t in settings.tables}
        self.first = {(t.name, c): v for t in settings.tables for c, v in t.columns}
        self.batch: Any = None

    def _key(self, store: str, key: str) -> str:
        return ":".join((self.settings.namespace, "store", store, key))

    def _do(self, command: str, *arguments: object) -> Any:
        with _asking():
            if self.batch is not None:
                getattr(self.batch, command)(*arguments)
                return None
            return getattr(self.client, command)(*arguments)

    def begin(self, isolation: str) -> None:
        self.batch = self.client.pipeline(transaction=True)

    def commit(self) -> None:
        batch, self.batch = self.batch, None
        if batch is not None:
            with _asking():
                batch.execute()

    def rollback(self) -> None:
        self.batch = None

    def present(self, store: str, key: str) -> bool:
        with _asking():
            return bool(self.client.exists(self._key(store, key)))

    def read(self, store: str, column: str, key: str) -> str | None:
        with _asking():
            if not self.client.exists(self._key(store, key)):
                return None
            value = self.client.hget(self._key(store, key), column)
        return self.first[store, column] if value is None else str(value)

    def add(self, store: str, key: str) -> None:
        self._do("hsetnx", self._key(store, key), "n", "1")

    def set(self, store: str, column: str, key: str, value: str) -> None:
        self._do("hset", self._key(store, key), column, value)

    def insert(self, store: str, key: str) -> bool:
        if self.unique[store]:
            with _asking():
                return bool(self.client.hsetnx(self._key(store, key), "n", "1"))
        self._do("hincrby", self._key(store, key), "n", 1)
        return True

    def update(self, store: str, column: str, key: str, change: tuple[str, str]) -> bool:
        script = (
            "if redis.call('exists', KEYS[1]) == 0 then return 0 end local v = redis.call('hget',"
            " KEYS[1], ARGV[1]) or ARGV[4] if v ~= ARGV[2] then return 0 end redis.call('hset',"
            " KEYS[1], ARGV[1], ARGV[3]) return 1"
        )
        with _asking():
            return bool(
                self.client.eval(
                    script, 1, self._key(store, key), column, *change, self.first[store, column]
                )
            )

    def delete(self, store: str, key: str) -> bool:
        with _asking():
            return bool(self.client.delete(self._key(store, key)))

    def increment(self, store: str, column: str, key: str, event: int) -> None:
        whole = self.batch is None  # one request for the row and the ledger
        if whole:
            self.begin("")
        self._do("hincrby", self._key(store, key), f"sum:{column}", 1)
        self._ledger(f"{store}.{column}", key, event)
        if whole:
            self.commit()

    def _ledger(self, effect: str, key: str, event: int) -> None:
        self._do(
            "rpush", ":".join((self.settings.namespace, "ledger", "all")), f"{effect}|{key}|{event}"
        )

    def record(self, effect: str, key: str, event: int, fence: tuple[str, str, int] | None) -> bool:
        if fence is not None:
            raise Trouble("Redis locks hand out no tokens that a key could check")
        self._ledger(effect, key, event)
        return True

    def recorded(self, effect: str, key: str) -> int:
        with _asking():
            entries = self.client.lrange(
                ":".join((self.settings.namespace, "ledger", "all")), 0, -1
            )
        return sum(1 for e in entries if e.split("|")[:2] == [effect, key])

    def close(self) -> None:
        self.client.close()


class RedisStreamSession(QueueSession):
    """A worker of a consumer group: new entries first, then, where the design claims, entries that
    were idle for the lease.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.channels = {c.name: c for c in settings.channels}
        self.client = _client(settings)
        self.name = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        with _asking():
            self.client.ping()

    def _stream(self, queue: str) -> str:
        return f"{self.settings.namespace}:stream:{queue}"

    def take(self, queue: str, group: str, wanted: int | None, seconds: float) -> Message | None:
        end = time.monotonic() + seconds
        with _asking():
            while True:
                message = self._new(queue, group, wanted) or self._claimed(queue, group, wanted)
                if message is not None or time.monotonic() >= end:
                    return message
                time.sleep(0.02)

    def _new(self, queue: str, group: str, wanted: int | None) -> Message | None:
        stream, noack = self._stream(queue), group in self.channels[queue].at_delivery
        if wanted is not None and not self._is_next(stream, group, wanted):
            return None
        read = self.client.xreadgroup(group, self.name, {stream: ">"}, count=1, noack=noack)
        for _, entries in read or ():
            for number, fields in entries:
                return Message(int(fields["event"]), str(number), False)
        return None

    def _is_next(self, stream: str, group: str, wanted: int) -> bool:
        """Whether the next new entry is this event's: a stream gives out in order, and nothing can
        be put back unread.
        """
        (info,) = [g for g in self.client.xinfo_groups(stream) if g["name"] == group]
        unread = self.client.xrange(stream, f"({info['last-delivered-id']}", "+", count=1)
        return bool(unread) and int(unread[0][1]["event"]) == wanted

    def _claimed(self, queue: str, group: str, wanted: int | None) -> Message | None:
        channel, stream = self.channels[queue], self._stream(queue)
        if not channel.returns:
            return None
        idle = int(self.settings.lease * 1000)
        for entry in self.client.xpending_range(stream, group, "-", "+", 100, idle=idle):
            fields = self.client.xrange(stream, entry["message_id"], entry["message_id"])
            if fields and (wanted is None or int(fields[0][1]["event"]) == wanted):
                claimed = self.client.xclaim(stream, group, self.name, idle, [entry["message_id"]])
                if claimed:
                    return Message(int(claimed[0][1]["event"]), str(claimed[0][0]), True)
        return None

    def ack(self, queue: str, group: str, message: Message) -> str:
        if group in self.channels[queue].at_delivery:
            return "done"
        with _asking():
            return (
                "done"
                if self.client.xack(self._stream(queue), group, message.receipt)
                else "nothing"
            )

    def nack(self, queue: str, group: str, message: Message) -> None:
        raise Trouble("a stream takes nothing back: an entry waits until somebody claims it")

    def renew(self, queue: str, group: str, message: Message) -> str:
        with _asking():
            claimed = self.client.xclaim(
                self._stream(queue), group, self.name, 0, [message.receipt], justid=True
            )
        return "done" if claimed else "refused"

    def publish(self, queue: str, event: int) -> None:
        with _asking():
            self.client.xadd(self._stream(queue), {"event": str(event)})

    def close(self) -> None:
        self.client.close()


class RedisLocks:
    """``SET NX`` with or without ``PX``. ``release`` is a plain ``DEL``, which frees whoever holds
    the lock.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.client = _client(settings)

    def _key(self, lock: str, key: str) -> str:
        return f"{self.settings.namespace}:lock:{lock}:{key}"

    def acquire(self, lock: str, key: str, term: Term) -> int | None:
        value = uuid.uuid4().hex
        milliseconds = int(term.seconds * 1000) or None
        with _asking():
            while not self.client.set(self._key(lock, key), value, nx=True, px=milliseconds):
                if not term.wait:
                    return None
                time.sleep(0.05)
        self.value = value
        return 0

    def release(self, lock: str, key: str, expires: bool) -> None:
        with _asking():
            self.client.delete(self._key(lock, key))

    def renew(self, lock: str, key: str, token: int, seconds: float) -> bool:
        with _asking():
            if self.client.get(self._key(lock, key)) != getattr(self, "mine", None):
                return False
            return bool(self.client.pexpire(self._key(lock, key), int(seconds * 1000)))


SERVER = RedisServer
__all__ = ["SERVER", "RedisServer"]
