"""What is read to conditions, values and steps: one method per rule of the grammar. Declarations
are in ``parse.py``.
"""

from __future__ import annotations

from typing import Any

from onceproof.lang.source import Source, Span
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.reader import Meta, Token


def _outcomes(clauses: list[Any] | None) -> tuple[n.OnOutcome, ...]:
    return tuple(x for x in clauses or () if isinstance(x, n.OnOutcome))


class Places:
    """Where things stand in the source."""

    def __init__(self, source: Source) -> None:
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
        return n.Name(
            str(token),
            Span(token.line, token.column, token.line, token.end_column, self.source.path),
        )


class BuildSteps(Places):
    """Builds conditions, values and steps. Children arrive as already built nodes, tokens, or None
    for an absent option.
    """

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

    def delete_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Delete(self.name(c[0]), self.name(c[1]), c[2], _outcomes(c[3]), self.header(meta))

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

    def renew_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Renew(self.name(c[0]) if c[0] else None, c[1], self.header(meta))

    def section_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Section(self.name(c[0]), c[1], self.header(meta))

    def crash_step(self, meta: Meta, _: list[Any]) -> n.Step:
        return n.CrashHere(self.header(meta))

    def wait_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Wait(c[0] or "", self.header(meta))

    def wait_for(self, _: Meta, c: list[Token]) -> str:
        return str(c[0])

    def wait_up_to(self, _: Meta, c: list[Token]) -> str:
        return f"up to {c[0]}"

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
