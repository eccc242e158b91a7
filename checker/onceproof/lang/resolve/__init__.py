"""Syntax tree to checked design: names, kinds, keys, values. Collects every mistake; a design comes
out only if there is none.

``steps``: the steps of a handler; inlines fragments.
``blocks``: ``atomic`` blocks, their databases, and the clauses of failing steps.
``brokers``: queues, acknowledgements, logs, and claims about guarantees.
``databases``: the databases of a design, declared or unnamed.
``models``: the models behind ``via``, and what they make of a queue, store, lock or effect.
``unmodelled``: constructs that are read but not modelled yet; a design that uses one is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TypeVar

from onceproof.lang import design as d
from onceproof.lang.diagnostics import Diagnostic, Severity
from onceproof.lang.errors import models as model_errors
from onceproof.lang.errors import names as errors
from onceproof.lang.errors import world as world_errors
from onceproof.lang.errors.suggest import close_to
from onceproof.lang.resolve.blocks import check_blocks
from onceproof.lang.resolve.brokers import check_brokers, selected
from onceproof.lang.resolve.databases import DatabaseMaker
from onceproof.lang.resolve.models import QueueMaker, chosen, key_retention, provides, traits
from onceproof.lang.resolve.steps import Scope, StepChecker
from onceproof.lang.resolve.unmodelled import unmodelled
from onceproof.lang.source import Source, Span
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import condition_parts, walk
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Level

T = TypeVar("T")
_Known = tuple[Mapping[str, Level], Mapping[tuple[str, str], list[str]]]
"""The level of each key, and the values written into each column."""


def resolve(
    source: Source, items: Iterable[n.Item], title: str
) -> tuple[d.Design | None, list[Diagnostic]]:
    """The checked design of a file (with the items of its imports), or None, and everything found
    on the way.
    """
    return _Resolver(source, tuple(items), title).run()


class _Resolver:
    def __init__(self, source: Source, items: tuple[n.Item, ...], title: str) -> None:
        self.source = source
        self.items = items
        self.title = title
        self.diagnostics: list[Diagnostic] = []
        self.names: dict[str, tuple[str, Span]] = {}
        self.databases = DatabaseMaker(self.names, self.diagnostics)

    def of(self, kind: type[T]) -> list[T]:
        """The declarations of one kind, in order."""
        return [i for i in self.items if isinstance(i, kind)]

    def run(self) -> tuple[d.Design | None, list[Diagnostic]]:
        self._declare_names()
        events = {e.name: e for e in map(self._event, self.of(n.EventDecl))}
        fragments = {f.name.text: f for f in self.of(n.FragmentDecl)}
        queues = self._queues(events, fragments)
        keys = self._key_levels(events)
        columns = self._columns()
        for database in self.of(n.DatabaseDecl):
            self.databases.declare(database)
        stores = {
            s.name.text: self._store(s, (keys, columns), queues) for s in self.of(n.StoreDecl)
        }
        locks = {x.name.text: self._lock(x, keys, stores) for x in self.of(n.LockDecl)}
        queues = {name: self._kept_in(q, queues[name]) for name, q in self._queue_decls(queues)}
        databases = self.databases.every(self.of(n.StoreDecl))
        effects = {
            e.name.text: self._effect(e, keys, (locks, stores)) for e in self.of(n.EffectDecl)
        }
        scope = Scope(events, queues, stores, effects, locks, self.names, databases)
        checker = StepChecker(scope, fragments, self.diagnostics)
        processes = tuple(
            checker.process(p, self._events_of(p, queues, events)) for p in self._processes()
        )
        assumptions = tuple(self._assumption(a) for a in self.of(n.AssumeDecl))
        claims = tuple(self._claim(c, checker) for c in self.of(n.ClaimDecl))
        self._whole(processes, claims, scope)
        self._contradictions(processes)
        check_blocks(processes, scope, self.diagnostics)
        check_brokers(self.items, processes, scope, self.diagnostics)
        if not any(x.severity is Severity.ERROR for x in self.diagnostics):
            self.diagnostics += unmodelled(self.items)
        self.diagnostics.sort(key=lambda x: x.sort_key)
        if any(x.severity is Severity.ERROR for x in self.diagnostics):
            return None, self.diagnostics
        used = self._used_business_keys(events, stores, effects, locks)
        digest = sha256(self.source.text.encode("utf-8", "surrogatepass")).hexdigest()
        design = d.Design(
            self.source.path,
            self.title,
            digest,
            events,
            queues,
            stores,
            effects,
            locks,
            processes,
            assumptions,
            claims,
            used,
            self.source.lines,
            databases,
        )
        self._check_columns(design, claims)
        self.diagnostics += selected(design)
        if any(x.severity is Severity.ERROR for x in self.diagnostics):
            return None, self.diagnostics
        return design, self.diagnostics

    # -- declarations

    def _declare_names(self) -> None:
        kinds: list[tuple[type, str]] = [
            (n.EventDecl, "event"),
            (n.QueueDecl, "queue"),
            (n.DatabaseDecl, "database"),
            (n.StoreDecl, "store"),
            (n.EffectDecl, "effect"),
            (n.LockDecl, "lock"),
            (n.ConsumerDecl, "consumer"),
            (n.RelayDecl, "relay"),
            (n.FragmentDecl, "fragment"),
        ]
        for item in self.items:
            kind = next((word for cls, word in kinds if isinstance(item, cls)), None)
            if kind is None:
                continue
            name: n.Name = item.name  # type: ignore[union-attr]
            if name.text in self.names:
                self.diagnostics.append(
                    errors.twice(name.text, name.span, self.names[name.text][1])
                )
            else:
                self.names[name.text] = (kind, name.span)

    def _named(self, name: n.Name, kind: str) -> bool:
        """Report ``name`` unless it is declared as ``kind``."""
        declared = self.names.get(name.text)
        if declared and declared[0] == kind:
            return True
        options = [w for w, (k, _) in self.names.items() if k == kind]
        self.diagnostics.append(errors.unknown(kind, name.text, name.span, options, declared))
        return False

    def _event(self, decl: n.EventDecl) -> d.Event:
        fields = decl.fields
        if not fields:
            self.diagnostics.append(errors.no_fields(decl.name.text, decl.name.span))
            return d.Event(decl.name.text, "id", (), (), decl.name.span)
        seen: dict[str, Span] = {}
        for f in fields:
            if f.name.text in seen:
                self.diagnostics.append(errors.twice(f.name.text, f.name.span, seen[f.name.text]))
            seen.setdefault(f.name.text, f.name.span)
        if fields[0].values:
            self.diagnostics.append(errors.id_with_values(decl.name.text, fields[0].name.span))
        keys = tuple(f.name.text for f in fields[1:] if not f.values)
        payload = tuple(
            (f.name.text, tuple(v.text for v in f.values)) for f in fields[1:] if f.values
        )
        return d.Event(decl.name.text, fields[0].name.text, keys, payload, decl.name.span)

    def _queues(
        self, events: Mapping[str, d.Event], fragments: Mapping[str, n.FragmentDecl]
    ) -> dict[str, d.Queue]:
        published = {
            s.queue.text
            for p in self._processes()
            for s in walk(p.body, fragments)
            if isinstance(s, n.Publish)
        }
        published |= {
            option.queue.text for q in self.of(n.QueueDecl) for option in q.options if option.queue
        }
        modes: dict[str, n.PublisherDecl] = {}
        for p in self.of(n.PublisherDecl):
            if self._named(p.queue, "queue"):
                if p.queue.text in modes:
                    self.diagnostics.append(
                        errors.twice(
                            f"publisher of {p.queue.text}", p.span, modes[p.queue.text].span
                        )
                    )
                modes[p.queue.text] = p
        replays = {r.queue.text for r in self.of(n.ReplaysDecl) if self._named(r.queue, "queue")}
        queues: dict[str, d.Queue] = {}
        maker = QueueMaker(self.diagnostics)
        for q in self.of(n.QueueDecl):
            name = q.name.text
            known = self._named(q.event, "event")
            mode = modes[name].mode if name in modes else None
            if mode == "new-id" and known and not events[q.event.text].keys:
                self.diagnostics.append(
                    errors.needs_business_key(name, modes[name].span, q.event.text)
                )
            queues[name] = maker.queue(q, mode, name in replays, name not in published)
        return queues

    def _queue_decls(self, queues: Mapping[str, d.Queue]) -> list[tuple[str, n.QueueDecl]]:
        return [(q.name.text, q) for q in self.of(n.QueueDecl) if q.name.text in queues]

    def _kept_in(self, decl: n.QueueDecl, queue: d.Queue) -> d.Queue:
        """The queue with the database that it lives in."""
        if decl.database is not None and not self._named(decl.database, "database"):
            return queue
        return d.changed(queue, database=self.databases.queue(decl, queue.model))

    def _key_levels(self, events: Mapping[str, d.Event]) -> dict[str, Level]:
        """Every identity field of any event: the id is at event level, a business key at component
        level.
        """
        twins: dict[str, d.Event] = {}
        for event in events.values():
            twins.setdefault(event.id_field, event)
        for event in events.values():
            for key in event.keys:
                twin = twins.get(key)
                if twin is not None:
                    self.diagnostics.append(
                        errors.two_roles(key, event.span, event.name, twin.name, twin.span)
                    )
        levels = {k: Level.COMPONENT for e in events.values() for k in e.keys}
        levels.update({e.id_field: Level.EVENT for e in events.values()})
        return levels

    def _level(self, key: n.Name, levels: Mapping[str, Level]) -> Level:
        if key.text not in levels:
            events = self.of(n.EventDecl)
            if events:
                known = dict.fromkeys(f.name.text for e in events for f in e.fields if not f.values)
                self.diagnostics.append(
                    errors.not_a_field(
                        key.text, key.span, events[0].name.text, known, events[0].name.span
                    )
                )
            return Level.EVENT
        return levels[key.text]

    def _columns(self) -> dict[tuple[str, str], list[str]]:
        """Values written into or compared with each column, in order of first appearance."""
        values: dict[tuple[str, str], list[str]] = {}
        fragments = {f.name.text: f for f in self.of(n.FragmentDecl)}
        for p in (*self._processes(), *self.of(n.FragmentDecl)):
            for step in walk(p.body, fragments):
                match step:
                    case n.SetColumn(store, column, value):
                        values.setdefault((store.text, column.text), []).append(value.text)
                    case n.UpdateIf(store, column, _, new):
                        values.setdefault((store.text, column.text), []).append(new.text)
                    case n.Increment(store, column):
                        values.setdefault((store.text, column.text), [])
                    case _:
                        pass
        return values

    def _store(self, s: n.StoreDecl, known: _Known, queues: Mapping[str, d.Queue]) -> d.Store:
        keys, written = known
        columns: dict[str, tuple[str, ...]] = {}
        for c in s.columns:
            if c.name.text in columns:
                self.diagnostics.append(errors.twice(c.name.text, c.name.span, s.span))
            columns[c.name.text] = tuple(dict.fromkeys(v.text for v in c.values))
        for (store, column), values in written.items():
            if (
                store == s.name.text
                and column not in columns
                and not close_to(column, (c.name.text for c in s.columns))
            ):
                columns[column] = tuple(dict.fromkeys([d.UNSET, *values]))
        use = chosen(s.model, "store", self.diagnostics)
        database = self.databases.store(s, use)
        use = use or self.databases.model_behind(s)
        model = traits(use, "store")
        ends = s.expires is not None or model.expires is not None
        losses = (
            ("cache", s.cache or model.cache),
            ("failover", s.replicated or model.replicated),
            ("expires", ends),
        )
        loses = tuple(word for word, on in losses if on)
        inside = s.inside.text if s.inside and self._named(s.inside, "queue") else None
        if inside and s.inside and "stores" not in queues[inside].boundary:
            used = queues[inside].model
            named = used.name if used else inside
            self.diagnostics.append(
                model_errors.no_stores_inside(
                    s.name.text, s.inside.span, inside, named, queues[inside].span
                )
            )
        lasts = ("time to live", s.expires) if s.expires else model.expires
        level, unique = self._level(s.key, keys), s.unique or model.unique
        return d.Store(
            s.name.text,
            s.key.text,
            level,
            unique,
            loses,
            inside,
            columns,
            s.name.span,
            lasts,
            use,
            database,
        )

    def _lock(
        self, x: n.LockDecl, keys: Mapping[str, Level], stores: Mapping[str, d.Store]
    ) -> d.Lock:
        place = self.names.get(x.store.text, ("", x.span))[0] if x.store else ""
        if x.store and place != "database":
            self._named(x.store, "store")
        use = chosen(x.model, "lock", self.diagnostics)
        model = traits(use, "lock")
        lasts = ("time to live", x.expires) if x.expires else model.expires
        expires = x.expires is not None or model.expires is not None
        if x.expires is not None and x.until_released:
            self.diagnostics.append(world_errors.two_ends(x.name.text, x.span))
        database = self.databases.lock(x, use, stores) or None
        kind = d.LockKind.SESSION
        if expires and not x.until_released:
            kind = d.LockKind.LEASE
        elif x.until_released or model.endless or self.databases.single_requests(database):
            kind = d.LockKind.STORED
        return d.Lock(
            x.name.text,
            x.key.text,
            self._level(x.key, keys),
            x.store.text if x.store and x.store.text in stores else None,
            expires and not x.until_released,
            x.name.span,
            lasts,
            use,
            kind,
            database,
            x.owner_releases or model.owner_releases,
            d.Pooled(model.pooled),
            model.replicated,
        )

    def _effect(
        self,
        e: n.EffectDecl,
        keys: Mapping[str, Level],
        known: tuple[Mapping[str, d.Lock], Mapping[str, d.Store]],
    ) -> d.Effect:
        locks, stores = known
        level = self._level(e.key, keys)
        store = e.store.text if e.store and self._named(e.store, "store") else None
        use = chosen(e.model, "effect", self.diagnostics)
        key_level: Level | None = None
        retention: str | None = None
        key_field: str | None = None
        key_row: tuple[str, str] | None = None
        if e.idempotency:
            key_field = e.idempotency.field.text
            retention = self._retention(e.idempotency, use)
            if e.idempotency.column is not None:
                key_row = self._key_row(e.idempotency, stores)
                key_field = stores[key_row[0]].key if key_row else None
                key_level = stores[key_row[0]].level if key_row else None
            elif key_field != "attempt":
                key_level = self._level(e.idempotency.field, keys)
        if store and (e.idempotency or e.queryable or e.keeps_errors):
            self.diagnostics.append(errors.external_in_store(e.name.text, e.name.span, store))
        if (
            e.token_of
            and self._named(e.token_of, "lock")
            and not _issues(locks[e.token_of.text], stores[store] if store else None)
        ):
            self.diagnostics.append(
                errors.token_elsewhere(e.name.text, e.token_of, locks[e.token_of.text].span, store)
            )
        token = e.token_of.text if e.token_of else None
        return d.Effect(
            e.name.text,
            e.key.text,
            level,
            use.name if use else None,
            store,
            key_level,
            key_field,
            retention,
            e.queryable,
            token,
            e.name.span,
            use,
            key_row,
            e.keeps_errors or provides(use, "stores_errors"),
            provides(use, "query_lags"),
            provides(use, "accepts"),
        )

    def _key_row(self, key: n.KeyDecl, stores: Mapping[str, d.Store]) -> tuple[str, str] | None:
        """The store and the column of ``key S.c``; None if there is no such column."""
        if key.column is None or not self._named(key.field, "store"):
            return None
        store, column = stores[key.field.text], key.column
        if column.text not in store.columns:
            self.diagnostics.append(
                errors.unknown_column(
                    column.text, column.span, store.name, store.columns, store.span
                )
            )
            return None
        return store.name, column.text

    def _retention(self, key: n.KeyDecl, use: d.ModelUse | None) -> str | None:
        """How long the provider remembers a key; None: for ever."""
        known, provider = key_retention(use), use.name if use else None
        if known == "never":
            self.diagnostics.append(errors.model_lacks_key(str(provider), key.span))
        elif key.retention is None and known == "unknown":
            self.diagnostics.append(errors.retention_missing(key.field.text, key.span))
        elif key.retention == n.FOR_EVER and known not in ("unknown", n.FOR_EVER):
            self.diagnostics.append(errors.keeps_shorter(str(provider), str(known), key.span))
        retention = key.retention or known
        return None if retention in (n.FOR_EVER, "unknown", "never") else retention

    def _processes(self) -> list[n.ConsumerDecl | n.RelayDecl]:
        return [i for i in self.items if isinstance(i, n.ConsumerDecl | n.RelayDecl)]

    def _events_of(
        self,
        p: n.ConsumerDecl | n.RelayDecl,
        queues: Mapping[str, d.Queue],
        events: Mapping[str, d.Event],
    ) -> tuple[str, ...]:
        if isinstance(p, n.RelayDecl):
            return tuple(events)
        if not self._named(p.queue, "queue"):
            return ()
        return (queues[p.queue.text].event,) if queues[p.queue.text].event in events else ()

    # -- assumptions and claims

    def _assumption(self, a: n.AssumeDecl) -> d.Assumption:
        if a.effect:
            self._named(a.effect, "effect")
        return d.Assumption(a.kind, a.effect.text if a.effect else None, a.span, a.count)

    def _claim(self, c: n.ClaimDecl, checker: StepChecker) -> d.Claim:
        text = (
            self.source.line(c.span.line)[c.span.column - 1 : c.span.end_column - 1]
            .removeprefix("claim")
            .strip()
        )
        if c.span.path != self.source.path:
            text = c.kind.replace("-", " ") + " " + " and ".join(t.name.text for t in c.targets)
        for target in c.targets:
            self._target(c.kind, target, checker)
        for condition in (c.condition, c.unless):
            if condition is not None:
                checker.shared_condition(condition)
        columns = c.semantics or tuple(Delivery)
        seen: dict[Delivery, Span] = {}
        for expect in c.expects:
            repeated = [s for s in expect.semantics or columns if s in seen]
            if repeated:
                self.diagnostics.append(
                    errors.expects_twice(
                        [s.value for s in repeated], expect.span, seen[repeated[0]]
                    )
                )
            for semantics in expect.semantics or columns:
                seen.setdefault(semantics, expect.span)
                if semantics not in columns:
                    self.diagnostics.append(
                        errors.expects_outside(
                            semantics.value, expect.span, [s.value for s in columns]
                        )
                    )
        key: str | None = None
        if c.key is not None:
            key = c.key.text
            checker.key_of_claim(c.key)
        return d.Claim(
            c.kind, text, c.targets, c.condition, c.semantics, c.expects, c.span, c.unless, key
        )

    def _target(self, kind: str, target: n.Target, checker: StepChecker) -> None:
        if kind == "one-worker":
            if target.name.text not in checker.sections:
                self.diagnostics.append(
                    errors.unknown("section", target.name.text, target.name.span, checker.sections)
                )
            return
        declared = self.names.get(target.name.text, ("", target.span))[0]
        if declared not in ("effect", "store"):
            options = [w for w, (k, _) in self.names.items() if k in ("effect", "store")]
            elsewhere = self.names.get(target.name.text)
            self.diagnostics.append(
                errors.unknown(
                    "effect or store", target.name.text, target.name.span, options, elsewhere
                )
            )
        elif declared == "effect" and target.column is not None:
            self.diagnostics.append(
                errors.unknown_column(
                    target.column.text,
                    target.column.span,
                    target.name.text,
                    (),
                    self.names[target.name.text][1],
                )
            )
        elif target.name.text not in checker.performed and target.column is None:
            self.diagnostics.append(errors.claim_on_unused(target.name.text, target.name.span))

    def _check_columns(self, design: d.Design, claims: Iterable[d.Claim]) -> None:
        for claim in claims:
            for target in claim.targets:
                store = design.stores.get(target.name.text)
                if store and target.column and target.column.text not in store.columns:
                    self.diagnostics.append(
                        errors.unknown_column(
                            target.column.text,
                            target.column.span,
                            store.name,
                            store.columns,
                            store.span,
                        )
                    )

    # -- the design as a whole

    def _contradictions(self, processes: tuple[d.Process, ...]) -> None:
        """Assumptions and declarations that take each other back."""
        assumed = {a.kind: a.span for a in self.of(n.AssumeDecl)}
        if "no-crash" in assumed:
            if "crash-only-after" in assumed:
                self.diagnostics.append(
                    errors.contradiction(
                        "crash only after",
                        assumed["crash-only-after"],
                        "no crash",
                        assumed["no-crash"],
                    )
                )
            for step in (s for p in processes for s in walk(p.body) if isinstance(s, n.CrashHere)):
                self.diagnostics.append(
                    errors.contradiction(
                        "crash here", step.span, "assume no crash", assumed["no-crash"]
                    )
                )
        if "no-replay" in assumed:
            for line in self.of(n.ReplaysDecl):
                self.diagnostics.append(
                    errors.contradiction(
                        "operator replays", line.span, "assume no replay", assumed["no-replay"]
                    )
                )

    def _whole(
        self, processes: tuple[d.Process, ...], claims: tuple[d.Claim, ...], scope: Scope
    ) -> None:
        top = Span(1, 1, 1, 2, self.source.path)
        if not processes and not self.of(n.ConsumerDecl):
            self.diagnostics.append(errors.no_consumer(top))
        elif claims and not self.of(n.EventDecl) and not self.of(n.ConsumerDecl):
            self.diagnostics.append(errors.no_event(processes[0].name, processes[0].span))
        if not claims and not self.diagnostics:
            self.diagnostics.append(errors.no_claim(top))
        for p in processes:
            if (
                p.queue
                and p.acks_by_hand
                and not any(isinstance(s, n.Ack | n.Nack | n.SeekBack) for s in walk(p.body))
            ):
                is_log = scope.queues[p.queue].log if p.queue in scope.queues else False
                self.diagnostics.append(errors.no_ack(p.name, p.span, is_log))
        used = {w for p in processes for w in _mentioned(p)}
        used |= {t.name.text for c in claims for t in c.targets} | {
            p.queue for p in processes if p.queue
        }
        used |= {e.store for e in scope.effects.values() if e.store}
        used |= {e.key_row[0] for e in scope.effects.values() if e.key_row}
        used |= {s.database for s in scope.stores.values()}
        used |= {x.database for x in scope.locks.values() if x.database}
        used |= {q.database for q in scope.queues.values() if q.database}
        fragments = {f.name.text: f for f in self.of(n.FragmentDecl)}
        used |= {
            s.name.text
            for p in self._processes()
            for s in walk(p.body, fragments)
            if isinstance(s, n.Use)
        }
        for word, (kind, span) in self.names.items():
            if (
                kind in ("database", "store", "effect", "queue", "lock", "fragment")
                and word not in used
                and span.path == self.source.path
            ):
                self.diagnostics.append(errors.unused(kind, word, span))

    def _used_business_keys(
        self, events: Mapping[str, d.Event], *tables: Mapping[str, object]
    ) -> tuple[str, ...]:
        keys = {k for e in events.values() for k in e.keys}
        used = {
            getattr(x, "key", None)
            for table in tables
            for x in table.values()
            if getattr(x, "level", None) is Level.COMPONENT
        }
        used |= {
            getattr(x, "key_field", None)
            for table in tables
            for x in table.values()
            if getattr(x, "key_level", None) is Level.COMPONENT
        }
        used |= {x.key.text for x in self.of(n.LockDecl)}
        return tuple(sorted(k for k in used if k in keys))


def _issues(lock: d.Lock, store: d.Store | None) -> bool:
    """Whether a store knows the tokens of a lock: it is kept in that store, or in its database."""
    if store is None:
        return False
    return lock.store == store.name or (lock.store is None and lock.database == store.database)


def _mentioned(process: d.Process) -> set[str]:
    words: set[str] = set()
    conditions = [process.condition] if process.condition else []
    for step in walk(process.body):
        for attribute in ("store", "effect", "queue", "lock"):
            value = getattr(step, attribute, None)
            if isinstance(value, n.Name):
                words.add(value.text)
        if isinstance(step, n.If):
            conditions.append(step.condition)
        if isinstance(step, n.Let) and isinstance(step.value, n.ReadPresence | n.ReadColumn):
            words.add(step.value.store.text)
    for condition in conditions:
        for part in condition_parts(condition):
            for attribute in ("store", "effect"):
                value = getattr(part, attribute, None)
                if isinstance(value, n.Name):
                    words.add(value.text)
    return words
