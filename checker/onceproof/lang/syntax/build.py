"""What is read to the records of ``nodes.py``: one method per rule of the grammar."""

from __future__ import annotations

from typing import Any

from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.build_steps import BuildSteps
from onceproof.lang.syntax.reader import Meta, Token


class Build(BuildSteps):
    """Builds declarations."""

    # -- declarations

    def import_line(self, meta: Meta, c: list[Token]) -> n.Item:
        return n.Import(str(c[0])[1:-1], self.header(meta))

    def values(self, _: Meta, c: list[Token]) -> tuple[n.Name, ...]:
        return tuple(self.name(t) for t in c)

    def field(self, _: Meta, c: list[Any]) -> n.Field:
        return n.Field(self.name(c[0]), c[1] or ())

    def event(self, meta: Meta, c: list[Any]) -> n.Item:
        return n.EventDecl(
            self.name(c[0]), tuple(f for f in c[1:] if f is not None), self.header(meta)
        )

    def argument(self, _: Meta, c: list[Token]) -> n.Argument:
        value = self.name(c[1])
        return n.Argument(self.name(c[0]), n.Name(value.text.strip('"'), value.span))

    def model(self, meta: Meta, c: list[Any]) -> n.ModelRef:
        return n.ModelRef(str(c[0]), tuple(a for a in c[1:] if a is not None), self.span(meta))

    def late_ack_settles(self, meta: Meta, _: list[Any]) -> n.QueueOption:
        return n.QueueOption("late-ack", "settles", self.header(meta))

    def late_ack_refused(self, meta: Meta, _: list[Any]) -> n.QueueOption:
        return n.QueueOption("late-ack", "refused", self.header(meta))

    def loses_connection(self, meta: Meta, _: list[Any]) -> n.QueueOption:
        return n.QueueOption("loses", "disconnect", self.header(meta))

    def partitions_move(self, meta: Meta, _: list[Any]) -> n.QueueOption:
        return n.QueueOption("loses", "rebalance", self.header(meta))

    def shutdown_returns(self, meta: Meta, _: list[Any]) -> n.QueueOption:
        return n.QueueOption("loses", "shutdown", self.header(meta))

    def never_redelivers(self, meta: Meta, _: list[Any]) -> n.QueueOption:
        return n.QueueOption("never-redelivers", "", self.header(meta))

    def never_copies(self, meta: Meta, _: list[Any]) -> n.QueueOption:
        return n.QueueOption("never-copies", "", self.header(meta))

    def keeps_copies(self, meta: Meta, _: list[Any]) -> n.QueueOption:
        return n.QueueOption("keeps", "", self.header(meta))

    def commit_goes_back(self, meta: Meta, _: list[Any]) -> n.QueueOption:
        return n.QueueOption("rewinds", "", self.header(meta))

    def messages_expire(self, meta: Meta, _: list[Any]) -> n.QueueOption:
        return n.QueueOption("expires", "", self.header(meta))

    def publishes_unconfirmed(self, meta: Meta, _: list[Any]) -> n.QueueOption:
        return n.QueueOption("unconfirmed", "", self.header(meta))

    def batches_return(self, meta: Meta, _: list[Any]) -> n.QueueOption:
        return n.QueueOption("batches", "", self.header(meta))

    def aborted_appear(self, meta: Meta, _: list[Any]) -> n.QueueOption:
        return n.QueueOption("leaks", "", self.header(meta))

    def delivery_limit(self, meta: Meta, c: list[Any]) -> n.QueueOption:
        return n.QueueOption("limit", f"{c[0]} {c[1] or 'drop'}", self.header(meta))

    def lease_length(self, meta: Meta, c: list[Token]) -> n.QueueOption:
        return n.QueueOption("lease", str(c[0]), self.header(meta))

    def dedup_window(self, meta: Meta, c: list[Token]) -> n.QueueOption:
        return n.QueueOption("dedup", str(c[0]), self.header(meta))

    def queue(self, meta: Meta, c: list[Any]) -> n.Item:
        options = tuple(o for o in c[3:] if isinstance(o, n.QueueOption))
        semantics = n.Semantics(str(c[2])) if isinstance(c[2], Token) else None
        model = c[2] if isinstance(c[2], n.ModelRef) else None
        return n.QueueDecl(
            self.name(c[0]), self.name(c[1]), semantics, model, options, self.header(meta)
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

    def trait_expires(self, _: Meta, c: list[Any]) -> tuple[str, Any]:
        return ("expires", str(c[0]) if c[0] else "")

    def trait_inside(self, _: Meta, c: list[Token]) -> tuple[str, Any]:
        return ("inside", self.name(c[0]))

    def column(self, _: Meta, c: list[Any]) -> n.ColumnDecl:
        return n.ColumnDecl(self.name(c[0]), c[1])

    def trait_isolation(self, _: Meta, c: list[Token]) -> tuple[str, Any]:
        return ("isolation", self.name(c[0]))

    def trait_until_released(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("until_released", True)

    def trait_owner_releases(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("owner_releases", True)

    def database(self, meta: Meta, c: list[Any]) -> n.Item:
        traits: dict[str, Any] = dict(x for x in c[2:] if isinstance(x, tuple))
        replicated = bool(traits.get("replicated"))
        return n.DatabaseDecl(
            self.name(c[0]), c[1], traits.get("isolation"), replicated, self.header(meta)
        )

    def store(self, meta: Meta, c: list[Any]) -> n.Item:
        traits: dict[str, Any] = dict(x for x in c[3:] if isinstance(x, tuple))
        columns = tuple(x for x in c[2:] if isinstance(x, n.ColumnDecl))
        unique, cache, replicated = (bool(traits.get(k)) for k in ("unique", "cache", "replicated"))
        return n.StoreDecl(
            self.name(c[0]),
            self.name(c[1]),
            next((x for x in c[2:] if isinstance(x, n.ModelRef)), None),
            unique,
            cache,
            replicated,
            traits.get("expires"),
            traits.get("inside"),
            columns,
            self.header(meta),
            next((self.name(x) for x in c[2:] if isinstance(x, Token)), None),
        )

    def kept_for_ever(self, _: Meta, __: list[Any]) -> str:
        return n.FOR_EVER

    def kept_for(self, _: Meta, c: list[Token]) -> str:
        return str(c[0])

    def effect_key(self, _: Meta, c: list[Any]) -> tuple[str, Any]:
        column = self.name(c[1]) if c[1] else None
        return ("key", n.KeyDecl(self.name(c[0]), c[2], self.name(c[0]).span, column))

    def effect_keeps_errors(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("errors", True)

    def effect_query(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("query", True)

    def effect_token(self, _: Meta, c: list[Token]) -> tuple[str, Any]:
        return ("token", self.name(c[0]))

    def effect(self, meta: Meta, c: list[Any]) -> n.Item:
        model = c[2] if isinstance(c[2], n.ModelRef) else None
        store = self.name(c[2]) if isinstance(c[2], Token) else None
        o: dict[str, Any] = dict(x for x in c[3:] if isinstance(x, tuple))
        return n.EffectDecl(
            self.name(c[0]),
            self.name(c[1]),
            model,
            store,
            o.get("key"),
            bool(o.get("query")),
            o.get("token"),
            self.header(meta),
            bool(o.get("errors")),
        )

    def lock(self, meta: Meta, c: list[Any]) -> n.Item:
        model = c[2] if isinstance(c[2], n.ModelRef) else None
        store = self.name(c[2]) if isinstance(c[2], Token) else None
        traits: dict[str, Any] = dict(x for x in c[3:] if isinstance(x, tuple))
        return n.LockDecl(
            self.name(c[0]),
            self.name(c[1]),
            model,
            store,
            traits.get("expires"),
            self.header(meta),
            bool(traits.get("until_released")),
            bool(traits.get("owner_releases")),
        )

    def trait_workers(self, _: Meta, c: list[Token]) -> tuple[str, Any]:
        return ("workers", int(c[0]))

    def trait_ack_on_delivery(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("ack", "delivery")

    def trait_ack_on_return(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("ack", "return")

    def trait_ack_by_hand(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("ack", "manual")

    def trait_ack_on_failure(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("ack", "failure")

    def trait_ack_on_kill(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("ack", "kill")

    def trait_ack_at_any_time(self, _: Meta, __: list[Any]) -> tuple[str, Any]:
        return ("ack", "any-time")

    def trait_takes(self, _: Meta, c: list[Token]) -> tuple[str, Any]:
        return ("takes", str(c[0]))

    def consumer(self, meta: Meta, c: list[Any]) -> n.Item:
        traits = dict(x for x in c[2:-1] if x is not None)
        return n.ConsumerDecl(
            self.name(c[0]),
            self.name(c[1]),
            traits.get("workers"),
            traits.get("ack"),
            traits.get("takes"),
            c[-1],
            self.header(meta),
        )

    def relay(self, meta: Meta, c: list[Any]) -> n.Item:
        traits = dict(x for x in c[2:-1] if x is not None)
        return n.RelayDecl(self.name(c[0]), c[1], traits.get("workers"), c[-1], self.header(meta))

    def fragment(self, meta: Meta, c: list[Any]) -> n.Item:
        return n.FragmentDecl(self.name(c[0]), c[1], self.header(meta))

    def other(self, name: str, meta: Meta, children: list[Any]) -> Any:
        """A rule without a method of its own."""
        return (name, children, self.span(meta))

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
            str(kind).replace("_", "-"),
            [self._claim_part(x) for x in children],
            (c[1] or (), expects),
            self.header(meta),
        )

    def _claim_part(self, part: Any) -> Any:
        return (
            n.Target(self.name(part), None, self.name(part).span)
            if isinstance(part, Token)
            else part
        )

    def start(self, _: Meta, c: list[Any]) -> list[n.Item]:
        return [n.BrokenItem(x.body, x.span) if isinstance(x, n.BrokenStep) else x for x in c]


def _claim(
    kind: str,
    parts: list[Any],
    scope: tuple[tuple[n.Semantics, ...], tuple[n.Expect, ...]],
    span: Span,
) -> n.ClaimDecl:
    targets = tuple(p for p in parts if isinstance(p, n.Target))
    condition = next((p for p in parts if p is not None and not isinstance(p, n.Target)), None)
    unless = condition if kind == "no-loss" else None
    condition = None if kind == "no-loss" else condition
    return n.ClaimDecl(kind, targets, condition, scope[0], scope[1], span, unless)
