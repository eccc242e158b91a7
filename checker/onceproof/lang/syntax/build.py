"""Lark's tree to the records of ``ast.py``: one method per rule of the grammar.

A method gets the place of what was read (``meta``) and its parts: records that are already built,
tokens, or None for an absent option. Phrases of fixed words are rows of ``QUEUE_OPTIONS`` and
``FIXED``. Other rules without a method keep their name and their parts: the phrases of assumptions
and claims, whose names are the kinds.
"""

from __future__ import annotations

import re
from typing import Any

from lark import Token, Transformer, Tree, v_args
from lark.exceptions import VisitError
from lark.tree import Meta
from msgspec import Struct

from onceproof.lang.source import Source, Span
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.indentation import Line
from onceproof.machine.delivery import Delivery

QUEUE_OPTIONS = {
    "late_ack_settles": ("late-ack", "settles"),
    "late_ack_refused": ("late-ack", "refused"),
    "loses_connection": ("loses", "disconnect"),
    "partitions_move": ("loses", "rebalance"),
    "shutdown_returns": ("loses", "shutdown"),
    "never_redelivers": ("never-redelivers", ""),
    "never_copies": ("never-copies", ""),
    "keeps_copies": ("keeps", ""),
    "commit_goes_back": ("rewinds", ""),
    "messages_expire": ("expires", ""),
    "publishes_unconfirmed": ("unconfirmed", ""),
    "batches_return": ("batches", ""),
    "aborted_appear": ("leaks", ""),
    "commits_positions": ("log", ""),
}
"""Lines below a queue that are fixed words, by their rule: the kind of the option, its value."""

FIXED: dict[str, Any] = {
    "publishes_once": "once",
    "retries_same_id": "retries",
    "retries_new_id": "new-id",
    "trait_unique": ("unique", True),
    "trait_cache": ("cache", True),
    "trait_replicated": ("replicated", True),
    "trait_until_released": ("until_released", True),
    "trait_owner_releases": ("owner_releases", True),
    "kept_for_ever": n.FOR_EVER,
    "effect_keeps_errors": ("errors", True),
    "effect_query": ("query", True),
    "trait_ack_on_delivery": ("ack", "delivery"),
    "trait_ack_on_return": ("ack", "return"),
    "trait_ack_by_hand": ("ack", "manual"),
    "trait_ack_on_failure": ("ack", "failure"),
    "trait_ack_on_kill": ("ack", "kill"),
    "trait_ack_at_any_time": ("ack", "any-time"),
    "trait_also_fed": ("also_fed", True),
    "trait_in_parallel": ("parallel", True),
    "trait_stops_on_failure": ("failures", "stop"),
    "trait_seeks_back_on_failure": ("failures", "seek"),
    "trait_passes_over_failures": ("failures", "pass"),
    "trait_notified": ("notified", True),
}
"""Other phrases of fixed words, by their rule, and what they stand for: a value, or the trait of a
declaration with its value.
"""


def built(tree: Tree[Token], source: Source, lines: list[Line]) -> list[n.Item]:
    """The declarations of a design, of what Lark has read: the lines, from its second line on."""
    try:
        items: list[n.Item] = Build(source, lines).transform(tree)
    except VisitError as error:  # a deadline that passed, or a bug: Lark only adds where
        raise error.orig_exc from None
    return items


class Retry(Struct, frozen=True):
    """``retry 3 times``: how many more attempts, and where that stands."""

    times: int
    span: Span


@v_args(meta=True)
class Build(Transformer[Token, Any]):
    """Builds the records of one text, each with its place in the source."""

    def __init__(self, source: Source, lines: list[Line]) -> None:
        super().__init__(visit_tokens=False)
        self._source = source
        self._lines = lines

    def __default__(self, data: str, children: list[Any], meta: Meta) -> Any:
        """A rule without a method of its own: a row of a table, or a kind with its parts."""
        rule = str(data)
        if rule in QUEUE_OPTIONS:
            return n.QueueOption(*QUEUE_OPTIONS[rule], self._header(meta))
        if rule in FIXED:
            return FIXED[rule]
        return (rule, children, self._span(meta))

    # -- places

    def _line(self, row: int) -> Line:
        """The line that Lark has read as its row of that number."""
        return self._lines[row - 2]

    def _span(self, meta: Meta) -> Span:
        """A construct on one line: exactly what it covers."""
        if meta.empty:
            return Span(1, 1, 1, 1, self._source.path)
        if meta.end_line != meta.line:
            return self._header(meta)
        line = self._line(meta.line)
        start, end = meta.column - 1 - line.indent, meta.end_column - 1 - line.indent
        return line.span(start, end, self._source.path)

    def _header(self, meta: Meta) -> Span:
        """A construct with a block: its first line."""
        number = self._line(meta.line).number
        return Span.at_line(self._source.line(number), number, self._source.path)

    def _name(self, token: Token) -> n.Name:
        """A name where it stands."""
        assert token.line is not None
        assert token.column is not None
        line = self._line(token.line)
        start = token.column - 1 - line.indent
        return n.Name(str(token), line.span(start, start + len(token), self._source.path))

    # -- declarations

    def import_line(self, meta: Meta, c: list[Token]) -> n.Item:
        return n.Import(str(c[0])[1:-1], self._header(meta))

    def values(self, _: Meta, c: list[Token]) -> tuple[n.Name, ...]:
        return tuple(self._name(t) for t in c)

    def field(self, _: Meta, c: list[Any]) -> n.Field:
        return n.Field(self._name(c[0]), c[1] or ())

    def event(self, meta: Meta, c: list[Any]) -> n.Item:
        return n.EventDecl(
            self._name(c[0]), tuple(f for f in c[1:] if f is not None), self._header(meta)
        )

    def argument(self, _: Meta, c: list[Token]) -> n.Argument:
        value = self._name(c[1])
        return n.Argument(self._name(c[0]), n.Name(value.text.strip('"'), value.span))

    def model(self, meta: Meta, c: list[Any]) -> n.ModelRef:
        return n.ModelRef(str(c[0]), tuple(a for a in c[1:] if a is not None), self._span(meta))

    def limit_ends(self, _: Meta, c: list[Token]) -> tuple[str, n.Name | None]:
        return str(c[0]), None

    def limit_dead_letter(self, _: Meta, c: list[Any]) -> tuple[str, n.Name | None]:
        return str(c[0]), self._name(c[1]) if c[1] else None

    def delivery_limit(self, meta: Meta, c: list[Any]) -> n.QueueOption:
        end, queue = c[1] or ("drop", None)
        return n.QueueOption("limit", f"{c[0]} {end}", self._header(meta), queue=queue)

    def keyed_by(self, meta: Meta, c: list[Token]) -> n.QueueOption:
        return n.QueueOption("keyed", "", self._header(meta), self._name(c[0]))

    def batch_size(self, meta: Meta, c: list[Token]) -> n.QueueOption:
        return n.QueueOption("batch", str(c[0]), self._header(meta))

    def prefetch_size(self, meta: Meta, c: list[Token]) -> n.QueueOption:
        return n.QueueOption("prefetch", str(c[0]), self._header(meta))

    def lease_length(self, meta: Meta, c: list[Token]) -> n.QueueOption:
        return n.QueueOption("lease", str(c[0]), self._header(meta))

    def dedup_window(self, meta: Meta, c: list[Token]) -> n.QueueOption:
        return n.QueueOption("dedup", str(c[0]), self._header(meta))

    def queue(self, meta: Meta, c: list[Any]) -> n.Item:
        options = tuple(o for o in c[3:] if isinstance(o, n.QueueOption))
        semantics = Delivery(str(c[2])) if isinstance(c[2], Token) else None
        model = c[2] if isinstance(c[2], n.ModelRef) else None
        traits: dict[str, Any] = dict(x for x in c[3:] if isinstance(x, tuple))
        return n.QueueDecl(
            self._name(c[0]),
            self._name(c[1]),
            semantics,
            model,
            options,
            self._header(meta),
            bool(traits.get("also_fed")),
            traits.get("database"),
        )

    def publisher(self, meta: Meta, c: list[Any]) -> n.Item:
        return n.PublisherDecl(self._name(c[0]), c[1], self._header(meta))

    def replays(self, meta: Meta, c: list[Token]) -> n.Item:
        return n.ReplaysDecl(self._name(c[0]), self._header(meta))

    def trait_expires(self, _: Meta, c: list[Any]) -> tuple[str, Any]:
        return ("expires", str(c[0]) if c[0] else "")

    def trait_in(self, _: Meta, c: list[Token]) -> tuple[str, Any]:
        return ("database", self._name(c[0]))

    def trait_inside(self, _: Meta, c: list[Token]) -> tuple[str, Any]:
        return ("inside", self._name(c[0]))

    def column(self, _: Meta, c: list[Any]) -> n.ColumnDecl:
        return n.ColumnDecl(self._name(c[0]), c[1])

    def trait_isolation(self, _: Meta, c: list[Token]) -> tuple[str, Any]:
        return ("isolation", self._name(c[0]))

    def database(self, meta: Meta, c: list[Any]) -> n.Item:
        traits: dict[str, Any] = dict(x for x in c[2:] if isinstance(x, tuple))
        replicated = bool(traits.get("replicated"))
        return n.DatabaseDecl(
            self._name(c[0]), c[1], traits.get("isolation"), replicated, self._header(meta)
        )

    def store(self, meta: Meta, c: list[Any]) -> n.Item:
        traits: dict[str, Any] = dict(x for x in c[3:] if isinstance(x, tuple))
        columns = tuple(x for x in c[2:] if isinstance(x, n.ColumnDecl))
        unique, cache, replicated = (bool(traits.get(k)) for k in ("unique", "cache", "replicated"))
        return n.StoreDecl(
            self._name(c[0]),
            self._name(c[1]),
            next((x for x in c[2:] if isinstance(x, n.ModelRef)), None),
            unique,
            cache,
            replicated,
            traits.get("expires"),
            traits.get("inside"),
            columns,
            self._header(meta),
            next((self._name(x) for x in c[2:] if isinstance(x, Token)), None),
        )

    def kept_for(self, _: Meta, c: list[Token]) -> str:
        return str(c[0])

    def effect_key(self, _: Meta, c: list[Any]) -> tuple[str, Any]:
        column = self._name(c[1]) if c[1] else None
        return ("key", n.KeyDecl(self._name(c[0]), c[2], self._name(c[0]).span, column))

    def effect_token(self, _: Meta, c: list[Token]) -> tuple[str, Any]:
        return ("token", self._name(c[0]))

    def effect(self, meta: Meta, c: list[Any]) -> n.Item:
        model = c[2] if isinstance(c[2], n.ModelRef) else None
        store = self._name(c[2]) if isinstance(c[2], Token) else None
        o: dict[str, Any] = dict(x for x in c[3:] if isinstance(x, tuple))
        return n.EffectDecl(
            self._name(c[0]),
            self._name(c[1]),
            model,
            store,
            o.get("key"),
            bool(o.get("query")),
            o.get("token"),
            self._header(meta),
            bool(o.get("errors")),
        )

    def lock(self, meta: Meta, c: list[Any]) -> n.Item:
        model = c[2] if isinstance(c[2], n.ModelRef) else None
        store = self._name(c[2]) if isinstance(c[2], Token) else None
        traits: dict[str, Any] = dict(x for x in c[3:] if isinstance(x, tuple))
        return n.LockDecl(
            self._name(c[0]),
            self._name(c[1]),
            model,
            store,
            traits.get("expires"),
            self._header(meta),
            bool(traits.get("until_released")),
            bool(traits.get("owner_releases")),
        )

    def trait_workers(self, _: Meta, c: list[Token]) -> tuple[str, Any]:
        return ("workers", int(c[0]))

    def trait_takes(self, _: Meta, c: list[Token]) -> tuple[str, Any]:
        return ("takes", str(c[0]))

    def trait_killed(self, _: Meta, c: list[Token]) -> tuple[str, Any]:
        return ("killed", str(c[0]))

    def trait_cursor(self, _: Meta, c: list[Token]) -> tuple[str, Any]:
        return ("cursor", self._name(c[0]))

    def consumer(self, meta: Meta, c: list[Any]) -> n.Item:
        traits: dict[str, Any] = dict(x for x in c[2:-1] if x is not None)
        return n.ConsumerDecl(
            self._name(c[0]),
            self._name(c[1]),
            traits.get("workers"),
            traits.get("ack"),
            traits.get("takes"),
            c[-1],
            self._header(meta),
            traits.get("killed"),
            bool(traits.get("parallel")),
            traits.get("failures"),
        )

    def relay(self, meta: Meta, c: list[Any]) -> n.Item:
        traits: dict[str, Any] = dict(x for x in c[2:-1] if x is not None)
        return n.RelayDecl(
            self._name(c[0]),
            c[1],
            traits.get("workers"),
            c[-1],
            self._header(meta),
            traits.get("cursor"),
            bool(traits.get("notified")),
        )

    def fragment(self, meta: Meta, c: list[Any]) -> n.Item:
        return n.FragmentDecl(self._name(c[0]), c[1], self._header(meta))

    def assume(self, meta: Meta, c: list[Any]) -> n.Item:
        kind, children, _ = c[0]
        name = str(kind).replace("_", "-")
        count = int(children[0]) if name == "fails-fewer" else None
        effect = self._name(children[1]) if children and count is None else None
        return n.AssumeDecl(name, effect, self._header(meta), count)

    def target(self, meta: Meta, c: list[Any]) -> n.Target:
        return n.Target(self._name(c[0]), self._name(c[1]) if c[1] else None, self._span(meta))

    def semantics(self, _: Meta, c: list[Token]) -> tuple[Delivery, ...]:
        return tuple(Delivery(str(t)) for t in c)

    def expect(self, meta: Meta, c: list[Any]) -> n.Expect:
        return n.Expect(str(c[0]), c[1] or (), self._header(meta))

    def claim(self, meta: Meta, c: list[Any]) -> n.Item:
        kind, children, _ = c[0]
        expects = tuple(x for x in c[2:] if isinstance(x, n.Expect))
        name = str(kind).replace("_", "-")
        key: n.Name | None = None
        if name == "one-worker":
            key = self._name(children[1]) if children[1] else None
            children = children[:1]
        return _claim(
            name,
            [self._claim_part(x) for x in children],
            (c[1] or (), expects),
            self._header(meta),
            key,
        )

    def _claim_part(self, part: Any) -> Any:
        return (
            n.Target(self._name(part), None, self._name(part).span)
            if isinstance(part, Token)
            else part
        )

    def start(self, _: Meta, c: list[Any]) -> list[n.Item]:
        return [n.BrokenItem(x.body, x.span) if isinstance(x, n.BrokenStep) else x for x in c]

    # -- conditions and values

    def condition(self, meta: Meta, parts: list[n.Condition]) -> n.Condition:
        return n.AnyOf(tuple(parts), self._span(meta))

    def conjunction(self, meta: Meta, parts: list[n.Condition]) -> n.Condition:
        return n.AllOf(tuple(parts), self._span(meta))

    def test_in(self, meta: Meta, c: list[Token]) -> n.Condition:
        return n.InStore(self._name(c[0]), self._name(c[1]), False, self._span(meta))

    def test_not_in(self, meta: Meta, c: list[Token]) -> n.Condition:
        return n.InStore(self._name(c[0]), self._name(c[1]), True, self._span(meta))

    def column_is(self, meta: Meta, c: list[Token]) -> n.Condition:
        return n.ColumnIs(
            self._name(c[0]), self._name(c[1]), self._name(c[2]), False, self._span(meta)
        )

    def column_is_not(self, meta: Meta, c: list[Token]) -> n.Condition:
        return n.ColumnIs(
            self._name(c[0]), self._name(c[1]), self._name(c[2]), True, self._span(meta)
        )

    def name_is(self, meta: Meta, c: list[Token]) -> n.Condition:
        return n.NameIs(self._name(c[0]), self._name(c[1]), False, self._span(meta))

    def name_is_not(self, meta: Meta, c: list[Token]) -> n.Condition:
        return n.NameIs(self._name(c[0]), self._name(c[1]), True, self._span(meta))

    def happened(self, meta: Meta, c: list[Token]) -> n.Condition:
        return n.Happened(self._name(c[0]), False, self._span(meta))

    def not_happened(self, meta: Meta, c: list[Token]) -> n.Condition:
        return n.Happened(self._name(c[0]), True, self._span(meta))

    def value_in(self, meta: Meta, c: list[Token]) -> n.Value:
        return n.ReadPresence(self._name(c[0]), self._name(c[1]), self._span(meta))

    def value_column(self, meta: Meta, c: list[Token]) -> n.Value:
        return n.ReadColumn(self._name(c[0]), self._name(c[1]), self._span(meta))

    def value_name(self, meta: Meta, c: list[Token]) -> n.Value:
        return n.Constant(self._name(c[0]), self._span(meta))

    def redelivered(self, meta: Meta, _: list[Any]) -> n.Condition:
        return n.Redelivered(False, self._span(meta))

    def not_redelivered(self, meta: Meta, _: list[Any]) -> n.Condition:
        return n.Redelivered(True, self._span(meta))

    # -- steps

    def block(self, _: Meta, c: list[n.Step]) -> tuple[n.Step, ...]:
        return tuple(c)

    def if_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.If(c[0], c[1], c[2] or (), self._header(meta))

    def else_step(self, _: Meta, c: list[Any]) -> tuple[n.Step, ...]:
        return tuple(c[0])

    def else_if(self, _: Meta, c: list[Any]) -> tuple[n.Step, ...]:
        return (c[0],)

    def stop_step(self, meta: Meta, _: list[Any]) -> n.Step:
        return n.Stop(self._header(meta))

    def fail_step(self, meta: Meta, _: list[Any]) -> n.Step:
        return n.Fail(self._header(meta))

    def or_else(self, _: Meta, c: list[Token]) -> n.OnConflict:
        return n.OnConflict(str(c[0]))

    def ack_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Ack(c[0], self._header(meta))

    def nack_step(self, meta: Meta, _: list[Any]) -> n.Step:
        return n.Nack(self._header(meta))

    def seek_step(self, meta: Meta, _: list[Any]) -> n.Step:
        return n.SeekBack(self._header(meta))

    def set_step(self, meta: Meta, c: list[Any]) -> n.Step:
        store, column, value = (self._name(t) for t in c[:3])
        span, outcomes = self._header(meta), _outcomes(c[4])
        return n.SetColumn(store, column, value, span, c[3], outcomes, *_retries(c[4]))

    def add_step(self, meta: Meta, c: list[Any]) -> n.Step:
        key, store, span = self._name(c[0]), self._name(c[1]), self._header(meta)
        return n.Add(key, store, span, c[2], _outcomes(c[3]), *_retries(c[3]))

    def insert_step(self, meta: Meta, c: list[Any]) -> n.Step:
        key, store, span = self._name(c[0]), self._name(c[1]), self._header(meta)
        return n.Insert(key, store, c[2], _outcomes(c[3]), span, *_retries(c[3]))

    def update_step(self, meta: Meta, c: list[Any]) -> n.Step:
        store, column, old, new = (self._name(t) for t in c[:4])
        span, outcomes = self._header(meta), _outcomes(c[5])
        return n.UpdateIf(store, column, old, new, c[4], outcomes, span, *_retries(c[5]))

    def increment_step(self, meta: Meta, c: list[Any]) -> n.Step:
        store, column, span = self._name(c[0]), self._name(c[1]), self._header(meta)
        return n.Increment(store, column, span, c[2], _outcomes(c[3]), *_retries(c[3]))

    def delete_step(self, meta: Meta, c: list[Any]) -> n.Step:
        key, store, span = self._name(c[0]), self._name(c[1]), self._header(meta)
        return n.Delete(key, store, c[2], _outcomes(c[3]), span, *_retries(c[3]))

    def let_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Let(self._name(c[0]), c[1], self._header(meta))

    def do_step(self, meta: Meta, c: list[Any]) -> n.Step:
        verb, effect, (retries, place) = str(c[0]), self._name(c[1]), _retries(c[3])
        return n.Do(verb, effect, retries, c[2], _outcomes(c[3]), self._header(meta), place)

    def publish_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Publish(self._name(c[0]), self._header(meta), c[1] is not None)

    def atomic_step(self, meta: Meta, c: list[Any]) -> n.Step:
        span, below = self._header(meta), c[3:]
        return n.Atomic(c[0] is not None, c[2], span, c[1], _outcomes(below), *_retries(below))

    def acquire_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Acquire(self._name(c[0]), c[1], self._header(meta))

    def release_step(self, meta: Meta, c: list[Token]) -> n.Step:
        return n.Release(self._name(c[0]), self._header(meta))

    def renew_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Renew(self._name(c[0]) if c[0] else None, c[1], self._header(meta))

    def section_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Section(self._name(c[0]), c[1], self._header(meta))

    def crash_step(self, meta: Meta, _: list[Any]) -> n.Step:
        return n.CrashHere(self._header(meta))

    def wait_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Wait(c[0] or "", self._header(meta))

    def wait_for(self, _: Meta, c: list[Token]) -> str:
        return str(c[0])

    def wait_up_to(self, _: Meta, c: list[Token]) -> str:
        return f"up to {c[0]}"

    def use_step(self, meta: Meta, c: list[Token]) -> n.Step:
        return n.Use(self._name(c[0]), self._header(meta))

    def clauses(self, _: Meta, c: list[Any]) -> list[Any]:
        return c

    def on_outcome(self, meta: Meta, c: list[Any]) -> n.OnOutcome:
        return n.OnOutcome(self._name(c[0]), c[1], self._header(meta))

    def on_no_answer(self, meta: Meta, c: list[Any]) -> n.OnOutcome:
        line = self._line(meta.line)
        words = re.search(r"no\s+answer", line.text)
        assert words is not None
        place = line.span(words.start(), words.end(), self._source.path)
        return n.OnOutcome(n.Name("no answer", place), c[0], self._header(meta))

    def retry(self, meta: Meta, c: list[Token]) -> Retry:
        return Retry(int(c[0]), self._header(meta))

    def broken_option(self, _: Meta, __: list[Any]) -> None:
        return None

    def broken(self, meta: Meta, c: list[Any]) -> n.BrokenStep:
        return n.BrokenStep(tuple(x for x in c if x is not None), self._header(meta))


def _outcomes(clauses: list[Any] | None) -> tuple[n.OnOutcome, ...]:
    return tuple(x for x in clauses or () if isinstance(x, n.OnOutcome))


def _retries(clauses: list[Any] | None) -> tuple[int, Span | None]:
    """How many more attempts there are in all, and where the first line of them stands."""
    lines = [x for x in clauses or () if isinstance(x, Retry)]
    return sum(x.times for x in lines), lines[0].span if lines else None


def _claim(
    kind: str,
    parts: list[Any],
    scope: tuple[tuple[Delivery, ...], tuple[n.Expect, ...]],
    span: Span,
    key: n.Name | None,
) -> n.ClaimDecl:
    targets = tuple(p for p in parts if isinstance(p, n.Target))
    condition = next((p for p in parts if p is not None and not isinstance(p, n.Target)), None)
    unless = condition if kind == "no-loss" else None
    condition = None if kind == "no-loss" else condition
    return n.ClaimDecl(kind, targets, condition, scope[0], scope[1], span, unless, key)
