"""Checks the steps of a handler: names, keys, values, clauses; inlines fragments."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from onceproof.base.durations import shorter
from onceproof.lang import design as d
from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.errors import models as model_errors
from onceproof.lang.errors import names as errors
from onceproof.lang.errors import world as world_errors
from onceproof.lang.resolve.models import in_time
from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import condition_parts, count_steps


class Scope(Struct, frozen=True):
    """Everything a handler can name."""

    events: Mapping[str, d.Event]
    queues: Mapping[str, d.Queue]
    stores: Mapping[str, d.Store]
    effects: Mapping[str, d.Effect]
    locks: Mapping[str, d.Lock]
    names: Mapping[str, tuple[str, Span]]
    databases: Mapping[str, d.Database]


MOST_STEPS = 2_000
"""Steps of all handlers together, with every fragment put in and every attempt counted: more take
too long to examine.
"""


class _Handler(Struct):
    """What is known while one handler is checked."""

    keys: dict[str, str]
    payload: dict[str, tuple[str, ...]]
    queue: str | None
    locals: dict[str, tuple[str, ...]]
    in_atomic: bool = False


class StepChecker:
    """Checks handlers one after the other and appends what it finds to ``diagnostics``."""

    def __init__(
        self, scope: Scope, fragments: Mapping[str, n.FragmentDecl], diagnostics: list[Diagnostic]
    ) -> None:
        self.scope = scope
        self.fragments = fragments
        self.diagnostics = diagnostics
        self.sections: dict[str, Span] = {}
        self.performed: set[str] = set()
        self._steps = 0
        self._sizes: dict[str, int] = {}
        self._once: set[str] = (
            set()
            # fragments of this handler that are checked already: when there are too many, once is
            # enough
        )

    def process(self, decl: n.ConsumerDecl | n.RelayDecl, events: tuple[str, ...]) -> d.Process:
        """Check one consumer or relay."""
        known = [self.scope.events[e] for e in events if e in self.scope.events]
        keys = {k: e.name for e in known for k in (e.id_field, *e.keys)}
        payload = {p: values for e in known for p, values in e.payload}
        queue = decl.queue.text if isinstance(decl, n.ConsumerDecl) else None
        handler = _Handler(keys, payload, queue, {})
        if decl.workers is not None and decl.workers < 1:
            self.diagnostics.append(errors.bad_count("workers", decl.span))
        condition = decl.condition if isinstance(decl, n.RelayDecl) else None
        if condition is not None:
            self._condition(condition, handler)
        if isinstance(decl, n.RelayDecl) and decl.cursor is not None:
            self._named(decl.cursor, "store")
        before, self._once = self._steps, set()
        self._steps += count_steps(decl.body, self.fragments, self._sizes)
        if before <= MOST_STEPS < self._steps:
            self.diagnostics.append(errors.too_many_steps(decl.name, self._steps, MOST_STEPS))
        body = self._block(decl.body, handler, frozenset())
        made = d.Process(
            decl.name.text, queue, condition, decl.workers, "manual", body, events, decl.name.span
        )
        if isinstance(decl, n.RelayDecl):
            cursor = decl.cursor.text if decl.cursor else None
            return replace(made, cursor=cursor, notified=decl.notified)
        if queue is None or queue not in self.scope.queues:
            return made
        read = self.scope.queues[queue]
        made = replace(
            made,
            ack=decl.ack or read.ack,
            takes=_bound(decl),
            killed=decl.killed,
            parallel=decl.parallel,
            failures=decl.failures or read.failures,
        )
        return replace(made, in_time=in_time(made, read, decl.span, self.diagnostics))

    def shared_condition(self, condition: n.Condition) -> None:
        """Check the condition of a claim: rows, effects and payload only."""
        events = self.scope.events.values()
        keys = {k: e.name for e in events for k in (e.id_field, *e.keys)}
        payload = {p: values for e in events for p, values in e.payload}
        self._condition(condition, _Handler(keys, payload, None, {}), asks=False)

    def key_of_claim(self, key: n.Name) -> None:
        """Check the field behind ``per`` in a claim."""
        events = self.scope.events
        known = dict.fromkeys(k for e in events.values() for k in (e.id_field, *e.keys))
        if events and key.text not in known:
            first = next(iter(events.values()))
            self.diagnostics.append(
                errors.not_a_field(key.text, key.span, first.name, known, first.span)
            )

    # -- steps

    def _block(
        self, steps: tuple[n.Step, ...], handler: _Handler, using: frozenset[str]
    ) -> tuple[n.Step, ...]:
        checked: list[n.Step] = []
        ended: Span | None = None
        for step in steps:
            if ended is not None:
                self.diagnostics.append(errors.unreachable(step.span, ended))
                ended = None
            if isinstance(step, n.Use):
                checked.extend(self._use(step, handler, using))
            else:
                checked.append(self._step(step, handler, using))
            if isinstance(step, n.Stop | n.Fail):
                ended = step.span
        return tuple(checked)

    def _use(self, step: n.Use, handler: _Handler, using: frozenset[str]) -> tuple[n.Step, ...]:
        name = step.name.text
        if not self._named(step.name, "fragment"):
            return ()
        if name in using:
            self.diagnostics.append(
                errors.recursive_fragment(name, step.name.span, self.fragments[name].name.span)
            )
            return ()
        if self._steps > MOST_STEPS and name in self._once:
            return ()
        self._once.add(name)
        return self._block(self.fragments[name].body, handler, using | {name})

    def _step(self, step: n.Step, handler: _Handler, using: frozenset[str]) -> n.Step:
        match step:
            case n.If(condition, body, otherwise):
                self._condition(condition, handler)
                return replace(
                    step,
                    body=self._block(body, handler, using),
                    otherwise=self._block(otherwise, handler, using),
                )
            case n.Atomic(_, body):
                if handler.in_atomic:
                    self.diagnostics.append(
                        errors.out_of_place(
                            "atomic", step.span, "it stands inside another atomic block already"
                        )
                    )
                outer, handler.in_atomic = handler.in_atomic, True
                checked = replace(step, body=self._block(body, handler, using))
                handler.in_atomic = outer
                below = self._clauses(step.clauses, ("failure",), handler, using)
                return replace(checked, clauses=below)
            case n.BrokenStep(body):
                return replace(step, body=self._block(body, handler, using))
            case n.Section(name, body):
                self.sections.setdefault(name.text, name.span)
                return replace(step, body=self._block(body, handler, using))
            case n.Ack() | n.Nack() | n.SeekBack():
                if handler.queue is None:
                    words = {n.Ack: "ack", n.Nack: "nack", n.SeekBack: "seek back"}
                    self.diagnostics.append(
                        errors.inside_needs_queue_consumer(words[type(step)], step.span)
                    )
            case n.Let(name, value):
                handler.locals[name.text] = tuple(
                    dict.fromkeys(
                        [*handler.locals.get(name.text, ()), *self._value(value, handler)]
                    )
                )
            case n.Do():
                return self._do(step, handler, using)
            case n.Publish(queue):
                if self._named(queue, "queue"):
                    self.performed.add(queue.text)
                    self._same_id(queue, handler)
            case n.Acquire(lock) | n.Release(lock):
                self._named(lock, "lock")
            case n.Renew(lock):
                self._renew(step, lock, handler)
            case _:
                return self._write(step, handler, using)
        return step

    def _write(self, step: n.Step, handler: _Handler, using: frozenset[str]) -> n.Step:
        match step:
            case n.SetColumn(store, column, value):
                self._column(store, column, (value,), handler)
                below = self._clauses(step.clauses, ("failure",), handler, using)
                return replace(step, clauses=below)
            case n.Increment(store, column):
                self._column(store, column, (), handler)
                below = self._clauses(step.clauses, ("failure",), handler, using)
                return replace(step, clauses=below)
            case n.Add(key, store):
                self._row(key, store, handler)
                below = self._clauses(step.clauses, ("failure",), handler, using)
                return replace(step, clauses=below)
            case n.Delete(key, store):
                self._row(key, store, handler)
                below = self._clauses(step.clauses, ("missing", "failure"), handler, using)
                return replace(step, clauses=below)
            case n.Insert(key, store):
                duplicate = [c.span for c in step.clauses if c.outcome.text == "duplicate"]
                if (
                    self._row(key, store, handler)
                    and not self.scope.stores[store.text].unique
                    and (step.or_else or duplicate)
                ):
                    place = duplicate[0] if duplicate else step.span
                    self.diagnostics.append(
                        errors.store_needs_unique(
                            store.text, place, self.scope.stores[store.text].span
                        )
                    )
                below = self._clauses(step.clauses, ("duplicate", "failure"), handler, using)
                return replace(step, clauses=below)
            case n.UpdateIf(store, column, old, new):
                self._column(store, column, (old, new), handler)
                below = self._clauses(step.clauses, ("conflict", "failure"), handler, using)
                return replace(step, clauses=below)
            case _:
                pass
        return step

    def _renew(self, step: n.Renew, lock: n.Name | None, handler: _Handler) -> None:
        """The lease of the message, or that of a lock that has one."""
        if lock is None:
            if handler.queue is None:
                self.diagnostics.append(errors.inside_needs_queue_consumer("renew", step.span))
        elif self._named(lock, "lock") and not self.scope.locks[lock.text].expires:
            self.diagnostics.append(
                model_errors.no_renewal(lock.text, lock.span, self.scope.locks[lock.text].span)
            )

    def _do(self, step: n.Do, handler: _Handler, using: frozenset[str]) -> n.Step:
        outcomes: tuple[str, ...] = ("failure", "refused", "no answer")
        clauses = step.clauses
        if self._named(step.effect, "effect"):
            effect = self.scope.effects[step.effect.text]
            self.performed.add(effect.name)
            self._key_known(effect.key, step.effect.span, handler)
            if effect.store is not None:
                for clause in clauses:
                    word, place = clause.outcome.text, clause.outcome.span
                    if word in ("refused", "no answer"):
                        self.diagnostics.append(
                            world_errors.database_step(word, place, effect.name, effect.store)
                        )
        return replace(step, clauses=self._clauses(clauses, outcomes, handler, using))

    def _same_id(self, queue: n.Name, handler: _Handler) -> None:
        """What is published is about the handled event, under its id."""
        published = self.scope.events.get(self.scope.queues[queue.text].event)
        handled = (
            next((self.scope.events[e] for e in dict.fromkeys(handler.keys.values())), None)
            if handler.queue
            else None
        )
        if published and handled and published.id_field != handled.id_field:
            pair = ((published.name, published.id_field), (handled.name, handled.id_field))
            self.diagnostics.append(errors.another_id(queue.text, queue.span, *pair))

    def _clauses(
        self,
        clauses: tuple[n.OnOutcome, ...],
        known: tuple[str, ...],
        handler: _Handler,
        using: frozenset[str],
    ) -> tuple[n.OnOutcome, ...]:
        checked: list[n.OnOutcome] = []
        first: dict[str, Span] = {}
        for clause in clauses:
            word = clause.outcome.text
            if word not in known:
                self.diagnostics.append(errors.clause_unknown(word, clause.outcome.span, known))
            if word in first:
                self.diagnostics.append(
                    errors.twice(f"on {word}", clause.outcome.span, first[word])
                )
            first.setdefault(word, clause.outcome.span)
            checked.append(replace(clause, body=self._block(clause.body, handler, using)))
        return tuple(checked)

    # -- names

    def _named(self, name: n.Name, kind: str) -> bool:
        declared = self.scope.names.get(name.text)
        if declared and declared[0] == kind:
            return True
        options = [w for w, (k, _) in self.scope.names.items() if k == kind]
        self.diagnostics.append(errors.unknown(kind, name.text, name.span, options, declared))
        return False

    def _key_known(self, key: str, span: Span, handler: _Handler) -> None:
        if handler.keys and key not in handler.keys:
            event = next(iter(handler.keys.values()))
            declared = self.scope.events[event]
            self.diagnostics.append(
                errors.not_a_field(
                    key, span, event, (declared.id_field, *declared.keys), declared.span
                )
            )

    def _row(self, key: n.Name, store: n.Name, handler: _Handler, *, reads: bool = False) -> bool:
        """Whether the store exists; ``reads``: the row is only looked at."""
        if not self._named(store, "store"):
            return False
        declared = self.scope.stores[store.text]
        self.performed.add(store.text)
        if key.text != declared.key:
            self.diagnostics.append(
                errors.wrong_key(key.text, key.span, store.text, declared.key, declared.span)
            )
            return True
        self._key_known(declared.key, key.span, handler)
        self._inside(declared, store.span, handler, reads)
        return True

    def _inside(self, store: d.Store, span: Span, handler: _Handler, reads: bool) -> None:
        """Only the consumer of its queue writes a store inside a broker; relays and claims may look
        at it.
        """
        if reads and handler.queue is None:
            return
        if store.inside and handler.queue != store.inside:
            self.diagnostics.append(errors.not_inside(store.name, span, store.inside))

    def _column(
        self,
        store: n.Name,
        column: n.Name,
        values: tuple[n.Name, ...],
        handler: _Handler,
        *,
        reads: bool = False,
    ) -> None:
        if not self._named(store, "store"):
            return
        declared = self.scope.stores[store.text]
        self.performed.add(store.text)
        self._key_known(declared.key, store.span, handler)
        self._inside(declared, store.span, handler, reads)
        known = declared.columns.get(column.text)
        if known is None:
            self.diagnostics.append(
                errors.unknown_column(
                    column.text, column.span, store.text, declared.columns, declared.span
                )
            )
            return
        for value in values:
            if value.text not in known:
                place = f"{store.text}.{column.text}"
                self.diagnostics.append(
                    errors.unknown_value(value.text, value.span, place, known, declared.span)
                )

    def _value(self, value: n.Value, handler: _Handler) -> tuple[str, ...]:
        match value:
            case n.ReadPresence(key, store):
                self._row(key, store, handler, reads=True)
                return ("yes", "no")
            case n.ReadColumn(store, column):
                self._column(store, column, (), handler, reads=True)
                declared = self.scope.stores.get(store.text)
                return declared.columns.get(column.text, ()) if declared else ()
            case n.Constant(name):
                return (name.text,)

    def _condition(self, condition: n.Condition, handler: _Handler, asks: bool = True) -> None:
        for part in condition_parts(condition):
            match part:
                case n.InStore(key, store):
                    self._row(key, store, handler, reads=True)
                case n.ColumnIs(store, column, value):
                    self._column(store, column, (value,), handler, reads=True)
                case n.NameIs(name, value):
                    self._name_is(name, value, handler)
                case n.Redelivered():
                    if not asks:
                        why = "a claim has no message in hand"
                        self.diagnostics.append(errors.out_of_place("redelivered", part.span, why))
                    elif handler.queue is None:
                        self.diagnostics.append(
                            errors.inside_needs_queue_consumer("redelivered", part.span)
                        )
                case n.Happened(effect):
                    if self._named(effect, "effect") and asks:
                        declared = self.scope.effects[effect.text]
                        if not declared.queryable and declared.store is None:
                            self.diagnostics.append(
                                errors.not_queryable(effect.text, part.span, declared.span)
                            )
                case _:
                    pass

    def _name_is(self, name: n.Name, value: n.Name, handler: _Handler) -> None:
        known = handler.payload.get(name.text) or handler.locals.get(name.text)
        if known is None and not handler.keys:
            return  # the event is unknown, and was reported
        if known is None:
            columns = [
                f"{s.name}.{name.text}"
                for s in self.scope.stores.values()
                if name.text in s.columns
            ]
            self.diagnostics.append(
                errors.unknown_word(
                    name.text, name.span, {*handler.payload, *handler.locals}, columns
                )
            )
        elif known and value.text not in known:
            event = next(
                (e for e in self.scope.events.values() if name.text in dict(e.payload)), None
            )
            declared = event.span if event and name.text in handler.payload else None
            self.diagnostics.append(
                errors.unknown_value(value.text, value.span, name.text, known, declared)
            )


def _bound(decl: n.ConsumerDecl) -> str | None:
    """How long one run of a handler takes at most: it ends, or it is killed."""
    if decl.takes and decl.killed and shorter(decl.killed, decl.takes):
        return decl.killed
    return decl.takes or decl.killed
