"""Which product carries which declaration of a design, what each keeps, and what cannot be shown
with them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from onceproof import models
from onceproof.drill.adapters import LOOPBACK, NAMES, Address, Channel, Settings, Table
from onceproof.interpreter.context import Context
from onceproof.lang.design import Design, Isolation, Lock, ModelUse, Process, Queue
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Level

DEFAULTS: Mapping[str, Address] = {
    "postgresql": Address(LOOPBACK, 5432, "postgres", "", "postgres"),
    "rabbitmq": Address(LOOPBACK, 5672, "guest", "guest", "/"),
    "redis": Address(LOOPBACK, 6379, "", "", "0"),
}
"""Where a server is looked for if neither an option nor the environment says."""
LASTING = 3600.0
"""Seconds of a lease that must not run out."""
REDIS_LASTING = 5.0
"""The same where only time brings a dead worker's message back."""


class NotDrillable(Exception):
    """The design, or this column of it, cannot be run with the products at hand; the message says
    why.
    """


class Choice(Struct, frozen=True):
    """What the user chose. ``queue`` and ``database`` carry declarations that name no product;
    ``lease`` in seconds.
    """

    queue: str = "sqlite"
    database: str = "sqlite"
    lease: float = 1.0
    addresses: tuple[tuple[str, Address], ...] = ()


class Plan(Struct, frozen=True):
    """A design with its products. ``queues``, ``stores`` and ``locks``: the product of each
    declaration.
    """

    design: Design
    semantics: Delivery
    choice: Choice
    folder: str
    namespace: str
    queues: Mapping[str, str]
    stores: Mapping[str, str]
    locks: Mapping[str, str]
    limit: int = 0

    @property
    def products(self) -> tuple[str, ...]:
        """Every product that is used, by the adapter's name."""
        used = {*self.queues.values(), *self.stores.values(), *self.locks.values()}
        return tuple(name for name in NAMES if name in used)

    @property
    def databases(self) -> tuple[str, ...]:
        """The products that keep stores, or locks that need a session of a database."""
        used = {
            *self.stores.values(),
            *(x for x in self.locks.values() if x in ("postgresql", "sqlite")),
        }
        return tuple(name for name in NAMES if name in used)

    def settings(self, product: str, link: Address | None = None) -> Settings:
        """What the product's adapter is made from. ``link``: the address of a worker's proxy."""
        context = Context.of(self.design, self.semantics)
        tables = tuple(
            Table(
                s.name,
                s.unique or not _inserted(self.design, s.name),
                tuple((c, v[0]) for c, v in s.columns.items()),
            )
            for s in self.design.stores.values()
            if self.stores[s.name] == product
        )
        channels = tuple(
            self._channel(context, q)
            for q in self.design.queues.values()
            if self.queues[q.name] == product
        )
        return Settings(
            self.folder,
            self.namespace,
            link or self._address(product),
            self._lease(product),
            tables,
            channels,
        )

    def _address(self, product: str) -> Address:
        return dict(self.choice.addresses).get(product) or DEFAULTS.get(product, Address())

    def _lease(self, product: str) -> float:
        """The lease of a product's queues: long where no lease may run out under a living
        worker.
        """
        readers = [p for p in self.design.processes if p.queue and self.queues[p.queue] == product]
        if readers and all(self.design.within_lease(p) for p in readers):
            return max(self.choice.lease, REDIS_LASTING) if product == "redis" else LASTING
        return self.choice.lease

    def _channel(self, context: Context, queue: Queue) -> Channel:
        groups = tuple(context.groups(queue.name))
        promises = context.semantics(queue.name)
        tracked = any(context.tracks_holders(p.name) for p in groups)
        late = queue.late_ack == "settles" and promises is not Delivery.EXACTLY_ONCE
        at_once = promises is Delivery.AT_MOST_ONCE
        number, end = queue.limit or (0, "")
        return Channel(
            queue.name,
            tuple(p.name for p in groups),
            tuple(p.name for p in groups if at_once or p.ack == "delivery"),
            tracked and not late,
            "lease" in queue.loses_hold and not any(self.design.within_lease(p) for p in groups),
            queue.redelivers,
            context.drops_copies(queue.name),
            (self.limit or number) if tracked else 0,
            end == "drop",
            not queue.unconfirmed and not at_once,
            queue.model.name if queue.model else "",
            queue.model.options if queue.model else (),
        )

    def lock_seconds(self, lock: Lock) -> float:
        """The time to live of a lock in the drill; 0: its holder's session keeps it, or nothing
        does.
        """
        if not lock.expires:
            return 0.0
        return (
            max(self.choice.lease, 2.0) if self.design.assumes("within-lock") else self.choice.lease
        )

    def isolation(self, stores: frozenset[str], serializable: bool) -> str:
        """The isolation of a block that touches these stores: the strictest that one of their
        databases has.
        """
        databases = [self.design.databases[self.design.stores[s].database] for s in stores]
        levels = {database.level(serializable) for database in databases}
        if serializable or levels & {Isolation.OPTIMISTIC, Isolation.LOCKING}:
            return "serializable"
        return "repeatable-read" if Isolation.SNAPSHOT in levels else ""


def _inserted(design: Design, store: str) -> bool:
    """Whether a handler inserts into this store, so that a second row must be possible where it is
    not unique.
    """
    steps = (s for p in design.processes for s in walk(p.body, {}))
    return any(isinstance(s, n.Insert) and s.store.text == store for s in steps)


def plan(design: Design, semantics: Delivery, choice: Choice, folder: str, namespace: str) -> Plan:
    """Choose the products. Raises ``NotDrillable`` where a product has no adapter, or cannot carry
    what is asked for.
    """
    queues = {q.name: _product(q.model, choice.queue, q.name) for q in design.queues.values()}
    stores = {s.name: _product(s.model, choice.database, s.name) for s in design.stores.values()}
    locks = {x.name: _lock_product(x, stores, choice) for x in design.locks.values()}
    made = Plan(design, semantics, choice, folder, namespace, queues, stores, locks)
    for reason in _obstacles(made):
        raise NotDrillable(reason)
    return made


def _product(use: ModelUse | None, usual: str, name: str) -> str:
    if use is None:
        return usual
    adapter = adapter_of(use)
    if not adapter:
        raise NotDrillable(
            f"`{name}` is on {use.title}, and the drill has no adapter for `{use.name}`"
        )
    return adapter


def adapter_of(use: ModelUse) -> str:
    """The adapter that a model names; empty if it names none."""
    beside = Path(use.beside)
    for table in (models.brokers(beside), models.stores(beside), models.locks(beside)):
        if use.name in table:
            return table[use.name].adapter
    return ""


def _lock_product(lock: Lock, stores: Mapping[str, str], choice: Choice) -> str:
    if lock.store is not None:
        return stores[lock.store]
    named = adapter_of(lock.model) if lock.model is not None else ""
    return named or choice.database


def _obstacles(made: Plan) -> Iterator[str]:
    design = made.design
    context = Context.of(design, made.semantics)
    for queue in design.queues.values():
        promises, product = context.semantics(queue.name), made.queues[queue.name]
        if promises is Delivery.EXACTLY_ONCE and product not in ("sqlite", "postgresql"):
            yield (
                f"exactly-once: `{queue.name}` would need transactions inside the broker, which"
                f" {product} does not have"
            )
        for process in context.groups(queue.name):
            yield from _consumer_obstacles(made, process, product)
    for store in design.stores.values():
        if store.inside and context.semantics(store.inside) is Delivery.EXACTLY_ONCE:
            yield (
                f"exactly-once: `{store.name}` is inside the broker, and the drill has no broker"
                " that keeps stores"
            )
    for lock in design.locks.values():
        if made.locks[lock.name] not in ("sqlite", "postgresql", "redis"):
            yield f"`{lock.name}`: {made.locks[lock.name]} keeps no locks"


def _consumer_obstacles(made: Plan, process: Process, product: str) -> Iterator[str]:
    if process.ack in ("any-time", "cumulative", "kill"):
        when = "when it is killed" if process.ack == "kill" else "by itself"
        yield f"`{process.name}` acknowledges {when}: no adapter does that"
    if product == "redis" and any(isinstance(s, n.Nack) for s in walk(process.body, {})):
        yield f"`{process.name}` gives messages back, and a Redis stream takes nothing back"
    if (
        product != "redis"
        and product != "sqlite"
        and product != "postgresql"
        and any(isinstance(s, n.Renew) and s.lock is None for s in walk(process.body, {}))
    ):
        yield f"`{process.name}` renews its message, and {product} has no request for that"


# ---------------------------------------------------------------- addresses


def addresses(hosts: Mapping[str, str]) -> tuple[tuple[str, Address], ...]:
    """Where each server listens: ``hosts`` (``host``, ``host:port``) before the usual environment
    variables before the default.

    Raises ``NotDrillable`` if the environment names a host that is not this machine and no option
    repeats it: a drill cuts connections and must not meet a server by accident.
    """
    lines = []
    for product, usual in DEFAULTS.items():
        address = _from_environment(product, usual)
        if product in hosts:
            host, _, port = hosts[product].partition(":")
            if port and not port.isdecimal():
                raise NotDrillable(f"--host {product}={hosts[product]}: the port must be a number")
            address = Address(
                host, int(port or address.port), address.user, address.password, address.database
            )
        elif address.host not in (LOOPBACK, "localhost", "::1"):
            raise NotDrillable(
                f"the environment says that {product} is on {address.host}; the drill uses this"
                f" machine's servers only, unless `--host {product}={address.host}` says otherwise"
            )
        lines.append((product, address))
    return tuple(lines)


def _from_environment(product: str, usual: Address) -> Address:
    from urllib.parse import urlsplit

    env = os.environ
    if product == "postgresql":
        return Address(
            env.get("PGHOST", usual.host),
            int(env.get("PGPORT", usual.port)),
            env.get("PGUSER", usual.user),
            env.get("PGPASSWORD", usual.password),
            env.get("PGDATABASE", usual.database),
        )
    name = {"rabbitmq": "RABBITMQ_URL", "redis": "REDIS_URL"}[product]
    if name not in env:
        return usual
    parts = urlsplit(env[name])
    return Address(
        parts.hostname or usual.host,
        parts.port or usual.port,
        parts.username or usual.user,
        parts.password or usual.password,
        parts.path.lstrip("/") or usual.database,
    )


# ---------------------------------------------------------------- names of keys


def key_of(design: Design, level: Level, field: str, event: int, component: int) -> str:
    """The value under which something is kept for an event: its id, or the value of its business
    key.
    """
    return f"event-{event + 1}" if level is Level.EVENT else f"{field}-{component + 1}"
