"""Lark's parse tree to the records of ``nodes.py``: one method per rule of the grammar."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from checker.source import Source, Span
from checker.syntax import nodes as n
from checker.syntax.tables import grammar

__all__ = ["Build", "grammar"]


@v_args(meta=True)
class Build(Transformer[Token, n.Tree]):
    """Builds the nodes. Children arrive as already built nodes, tokens, or None for an absent option."""

    def __init__(self, source: Source) -> None:
        super().__init__(visit_tokens=False)
        self.source = source

    # -- places

    def span(self, meta: Meta) -> Span:
        """A construct on one line: exactly what it covers."""
        if meta.empty:
            return Span(1, 1, 1, 1, self.source.path)
        if meta.end_line != meta.line:
            return self.header(meta)
        return Span(meta.line, meta.column, meta.end_line, meta.end_column, self.source.path)

    def header(self, meta: Meta) -> Span:
        """A construct with a block: its first line."""
        return Span.at_line(self.source.line(meta.line), meta.line, self.source.path)

    def name(self, token: Token) -> n.Name:
        """A name token with its place."""
        assert token.line is not None
        assert token.column is not None
        assert token.end_column is not None
        return n.Name(str(token), Span(token.line, token.column, token.line, token.end_column, self.source.path))

    # -- conditions and values

    def condition(self, meta: Meta, parts: list[n.Condition]) -> n.Condition:
        return n.AnyOf(tuple(parts), self.span(meta))

    def conjunction(self, meta: Meta, parts: list[n.Condition]) -> n.Condition:
        return n.AllOf(tuple(parts), self.span(meta))

    def test_in(self, meta: Meta, c: list[Token]) -> n.Condition:
        return n.InStore(self.name(c[0]), self.name(c[1]), False, self.span(meta))

    def test_not_in(self, meta: Meta, c: list[Token]) -> n.Condition:
        return n.InStore(self.name(c[0]), self.name(c[1]), True, self.span(meta))

    def column_is(self, meta: Meta, c: list[Token]) -> n.Condition:
        return n.ColumnIs(self.name(c[0]), self.name(c[1]), self.name(c[2]), False, self.span(meta))

    def column_is_not(self, meta: Meta, c: list[Token]) -> n.Condition:
        return n.ColumnIs(self.name(c[0]), self.name(c[1]), self.name(c[2]), True, self.span(meta))

    def name_is(self, meta: Meta, c: list[Token]) -> n.Condition:
        return n.NameIs(self.name(c[0]), self.name(c[1]), False, self.span(meta))

    def name_is_not(self, meta: Meta, c: list[Token]) -> n.Condition:
        return n.NameIs(self.name(c[0]), self.name(c[1]), True, self.span(meta))

    def happened(self, meta: Meta, c: list[Token]) -> n.Condition:
        return n.Happened(self.name(c[0]), False, self.span(meta))

    def not_happened(self, meta: Meta, c: list[Token]) -> n.Condition:
        return n.Happened(self.name(c[0]), True, self.span(meta))

    def value_in(self, meta: Meta, c: list[Token]) -> n.Value:
        return n.ReadPresence(self.name(c[0]), self.name(c[1]), self.span(meta))

    def value_column(self, meta: Meta, c: list[Token]) -> n.Value:
        return n.ReadColumn(self.name(c[0]), self.name(c[1]), self.span(meta))

    def value_name(self, meta: Meta, c: list[Token]) -> n.Value:
        return n.Constant(self.name(c[0]), self.span(meta))

    # -- steps

    def block(self, _: Meta, c: list[n.Step]) -> tuple[n.Step, ...]:
        return tuple(c)

    def if_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.If(c[0], c[1], c[2] or (), self.header(meta))

    def else_step(self, _: Meta, c: list[Any]) -> tuple[n.Step, ...]:
        return tuple(c[0])

    def else_if(self, _: Meta, c: list[Any]) -> tuple[n.Step, ...]:
        return (c[0],)

    def stop_step(self, meta: Meta, _: list[Any]) -> n.Step:
        return n.Stop(self.header(meta))

    def fail_step(self, meta: Meta, _: list[Any]) -> n.Step:
        return n.Fail(self.header(meta))

    def or_else(self, _: Meta, c: list[Token]) -> n.OnConflict:
        return n.OnConflict(str(c[0]))

    def ack_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Ack(c[0], self.header(meta))

    def nack_step(self, meta: Meta, _: list[Any]) -> n.Step:
        return n.Nack(self.header(meta))

    def set_step(self, meta: Meta, c: list[Token]) -> n.Step:
        return n.SetColumn(self.name(c[0]), self.name(c[1]), self.name(c[2]), self.header(meta))

    def add_step(self, meta: Meta, c: list[Token]) -> n.Step:
        return n.Add(self.name(c[0]), self.name(c[1]), self.header(meta))

    def insert_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Insert(self.name(c[0]), self.name(c[1]), c[2], _outcomes(c[3]), self.header(meta))

    def update_step(self, meta: Meta, c: list[Any]) -> n.Step:
        store, column, old, new = (self.name(t) for t in c[:4])
        return n.UpdateIf(store, column, old, new, c[4], _outcomes(c[5]), self.header(meta))

    def increment_step(self, meta: Meta, c: list[Token]) -> n.Step:
        return n.Increment(self.name(c[0]), self.name(c[1]), self.header(meta))

    def delete_step(self, meta: Meta, c: list[Token]) -> n.Step:
        return n.Delete(self.name(c[0]), self.name(c[1]), self.header(meta))

    def let_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Let(self.name(c[0]), c[1], self.header(meta))

    def do_step(self, meta: Meta, c: list[Any]) -> n.Step:
        retries = sum(x for x in c[3] or () if isinstance(x, int))
        return n.Do(str(c[0]), self.name(c[1]), retries, c[2], _outcomes(c[3]), self.header(meta))

    def publish_step(self, meta: Meta, c: list[Token]) -> n.Step:
        return n.Publish(self.name(c[0]), self.header(meta))

    def atomic_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Atomic(c[0] is not None, c[1], self.header(meta))

    def acquire_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Acquire(self.name(c[0]), c[1], self.header(meta))

    def release_step(self, meta: Meta, c: list[Token]) -> n.Step:
        return n.Release(self.name(c[0]), self.header(meta))

    def section_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Section(self.name(c[0]), c[1], self.header(meta))

    def crash_step(self, meta: Meta, _: list[Any]) -> n.Step:
        return n.CrashHere(self.header(meta))

    def wait_step(self, meta: Meta, _: list[Any]) -> n.Step:
        return n.Wait(self.header(meta))

    def use_step(self, meta: Meta, c: list[Token]) -> n.Step:
        return n.Use(self.name(c[0]), self.header(meta))

    def clauses(self, _: Meta, c: list[Any]) -> list[Any]:
        return c

    outcomes = clauses

    def on_outcome(self, meta: Meta, c: list[Any]) -> n.OnOutcome:
        return n.OnOutcome(self.name(c[0]), c[1], self.header(meta))

    def retry(self, _: Meta, c: list[Token]) -> int:
        return int(c[0])

    def broken_option(self, _: Meta, __: list[Any]) -> None:
        return None

    def broken(self, meta: Meta, c: list[Any]) -> n.BrokenStep:
        return n.BrokenStep(tuple(x for x in c if x is not None), self.header(meta))

    # -- declarations

    def import_line(self, meta: Meta, c: list[Token]) -> n.Item:
        return n.Import(str(c[0])[1:-1], self.header(meta))

    def values(self, _: Meta, c: list[Token]) -> tuple[n.Name, ...]:
        return tuple(self.name(t) for t in c)

    def field(self, _: Meta, c: list[Any]) -> n.Field:
        return n.Field(self.name(c[0]), c[1] or ())

    def event(self, meta: Meta, c: list[Any]) -> n.Item:
        return n.EventDecl(self.name(c[0]), tuple(f for f in c[1:] if f is not None), self.header(meta))

    def argument(self, _: Meta, c: list[Token]) -> tuple[str, str]:
        return (str(c[0]), str(c[1]).strip('"'))

    def model(self, meta: Meta, c: list[Any]) -> n.ModelRef:
        return n.ModelRef(str(c[0]), tuple(a for a in c[1:] if a is not None), self.span(meta))

    def late_ack_settles(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("late_ack", "settles")

    def late_ack_refused(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("late_ack", "refused")

    def delivery_limit(self, _: Meta, c: list[Any]) -> tuple[str, Any]:
        return ("limit", (int(c[0]), str(c[1] or "drop")))

    def queue(self, meta: Meta, c: list[Any]) -> n.Item:
        options = dict(o for o in c[3:] if o is not None)
        semantics = n.Semantics(str(c[2])) if c[2] else None
        return n.QueueDecl(
            self.name(c[0]), self.name(c[1]), semantics, options.get("late_ack"), options.get("limit"), self.header(meta)
        )

    def publishes_once(self, _: Meta, __: list[Any]) -> str:
        return "once"

    def retries_same_id(self, _: Meta, __: list[Any]) -> str:
        return "retries"

    def retries_new_id(self, _: Meta, __: list[Any]) -> str:
        return "new-id"

    def publisher(self, meta: Meta, c: list[Any]) -> n.Item:
        return n.PublisherDecl(self.name(c[0]), c[1], self.header(meta))

    def replays(self, meta: Meta, c: list[Token]) -> n.Item:
        return n.ReplaysDecl(self.name(c[0]), self.header(meta))

    def trait_unique(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("unique", True)

    def trait_cache(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("cache", True)

    def trait_replicated(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("replicated", True)

    def trait_expires(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("expires", True)

    def trait_inside(self, _: Meta, c: list[Token]) -> tuple[str, Any]:
        return ("inside", self.name(c[0]))

    def column(self, _: Meta, c: list[Any]) -> n.ColumnDecl:
        return n.ColumnDecl(self.name(c[0]), c[1])

    def store(self, meta: Meta, c: list[Any]) -> n.Item:
        traits: dict[str, Any] = dict(x for x in c[2:] if isinstance(x, tuple))
        columns = tuple(x for x in c[2:] if isinstance(x, n.ColumnDecl))
        unique, cache, replicated, expires = (bool(traits.get(k)) for k in ("unique", "cache", "replicated", "expires"))
        inside = traits.get("inside")
        return n.StoreDecl(self.name(c[0]), self.name(c[1]), unique, cache, replicated, expires, inside, columns, self.header(meta))

    def kept_for_ever(self, _: Meta, __: list[Any]) -> str:
        return n.FOR_EVER

    def kept_for(self, _: Meta, c: list[Token]) -> str:
        return str(c[0])

    def effect_key(self, _: Meta, c: list[Any]) -> tuple[str, Any]:
        return ("key", n.KeyDecl(self.name(c[0]), c[1], self.name(c[0]).span))

    def effect_query(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("query", True)

    def effect_token(self, _: Meta, c: list[Token]) -> tuple[str, Any]:
        return ("token", self.name(c[0]))

    def effect(self, meta: Meta, c: list[Any]) -> n.Item:
        model = c[2] if isinstance(c[2], n.ModelRef) else None
        store = self.name(c[2]) if isinstance(c[2], Token) else None
        o: dict[str, Any] = dict(x for x in c[3:] if isinstance(x, tuple))
        return n.EffectDecl(
            self.name(c[0]), self.name(c[1]), model, store, o.get("key"), bool(o.get("query")), o.get("token"), self.header(meta)
        )

    def lock_expires(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("expires", True)

    def lock(self, meta: Meta, c: list[Any]) -> n.Item:
        return n.LockDecl(self.name(c[0]), self.name(c[1]), self.name(c[2]) if c[2] else None, len(c) > 3, self.header(meta))

    def trait_workers(self, _: Meta, c: list[Token]) -> tuple[str, Any]:
        return ("workers", int(c[0]))

    def trait_ack_on_delivery(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("ack", "delivery")

    def trait_ack_on_return(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("ack", "return")

    def consumer(self, meta: Meta, c: list[Any]) -> n.Item:
        traits = dict(x for x in c[2:-1] if x is not None)
        return n.ConsumerDecl(
            self.name(c[0]), self.name(c[1]), traits.get("workers"), traits.get("ack", "manual"), c[-1], self.header(meta)
        )

    def relay(self, meta: Meta, c: list[Any]) -> n.Item:
        traits = dict(x for x in c[2:-1] if x is not None)
        return n.RelayDecl(self.name(c[0]), c[1], traits.get("workers"), c[-1], self.header(meta))

    def fragment(self, meta: Meta, c: list[Any]) -> n.Item:
        return n.FragmentDecl(self.name(c[0]), c[1], self.header(meta))

    def __default__(self, data: Any, children: list[Any], meta: Meta) -> Any:
        return (str(data), children, self.span(meta))

    def assume(self, meta: Meta, c: list[Any]) -> n.Item:
        kind, children, _ = c[0]
        effect = self.name(children[1]) if children else None
        return n.AssumeDecl(str(kind).replace("_", "-"), effect, self.header(meta))

    def target(self, meta: Meta, c: list[Any]) -> n.Target:
        return n.Target(self.name(c[0]), self.name(c[1]) if c[1] else None, self.span(meta))

    def semantics(self, _: Meta, c: list[Token]) -> tuple[n.Semantics, ...]:
        return tuple(n.Semantics(str(t)) for t in c)

    def expect(self, meta: Meta, c: list[Any]) -> n.Expect:
        return n.Expect(str(c[0]), c[1] or (), self.header(meta))

    def claim(self, meta: Meta, c: list[Any]) -> n.Item:
        kind, children, _ = c[0]
        expects = tuple(x for x in c[2:] if isinstance(x, n.Expect))
        return _claim(
            str(kind).replace("_", "-"), [self._claim_part(x) for x in children], (c[1] or (), expects), self.header(meta)
        )

    def _claim_part(self, part: Any) -> Any:
        return n.Target(self.name(part), None, self.name(part).span) if isinstance(part, Token) else part

    def start(self, _: Meta, c: list[Any]) -> list[n.Item]:
        return [n.BrokenItem(x.body, x.span) if isinstance(x, n.BrokenStep) else x for x in c]


def _outcomes(clauses: list[Any] | None) -> tuple[n.OnOutcome, ...]:
    return tuple(x for x in clauses or () if isinstance(x, n.OnOutcome))


def _claim(kind: str, parts: list[Any], scope: tuple[tuple[n.Semantics, ...], tuple[n.Expect, ...]], span: Span) -> n.ClaimDecl:
    targets = tuple(p for p in parts if isinstance(p, n.Target))
    condition = next((p for p in parts if not isinstance(p, n.Target)), None)
    return n.ClaimDecl(kind, targets, condition, scope[0], scope[1], span)
