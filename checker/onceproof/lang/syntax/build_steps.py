"""What is read to conditions, values and steps: one method per rule of the grammar. Declarations
are in ``parse.py``.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from onceproof.lang.source import Source, Span
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.reader import Meta, Token


class Retry(Struct, frozen=True):
    """``retry 3 times``: how many more attempts, and where that stands."""

    times: int
    span: Span


def _outcomes(clauses: list[Any] | None) -> tuple[n.OnOutcome, ...]:
    return tuple(x for x in clauses or () if isinstance(x, n.OnOutcome))


def _retries(clauses: list[Any] | None) -> tuple[int, Span | None]:
    """How many more attempts there are in all, and where the first line of them stands."""
    lines = [x for x in clauses or () if isinstance(x, Retry)]
    return sum(x.times for x in lines), lines[0].span if lines else None


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

    def set_step(self, meta: Meta, c: list[Any]) -> n.Step:
        store, column, value = (self.name(t) for t in c[:3])
        span, outcomes = self.header(meta), _outcomes(c[4])
        return n.SetColumn(store, column, value, span, c[3], outcomes, *_retries(c[4]))

    def add_step(self, meta: Meta, c: list[Any]) -> n.Step:
        key, store, span = self.name(c[0]), self.name(c[1]), self.header(meta)
        return n.Add(key, store, span, c[2], _outcomes(c[3]), *_retries(c[3]))

    def insert_step(self, meta: Meta, c: list[Any]) -> n.Step:
        key, store, span = self.name(c[0]), self.name(c[1]), self.header(meta)
        return n.Insert(key, store, c[2], _outcomes(c[3]), span, *_retries(c[3]))

    def update_step(self, meta: Meta, c: list[Any]) -> n.Step:
        store, column, old, new = (self.name(t) for t in c[:4])
        span, outcomes = self.header(meta), _outcomes(c[5])
        return n.UpdateIf(store, column, old, new, c[4], outcomes, span, *_retries(c[5]))

    def increment_step(self, meta: Meta, c: list[Any]) -> n.Step:
        store, column, span = self.name(c[0]), self.name(c[1]), self.header(meta)
        return n.Increment(store, column, span, c[2], _outcomes(c[3]), *_retries(c[3]))

    def delete_step(self, meta: Meta, c: list[Any]) -> n.Step:
        key, store, span = self.name(c[0]), self.name(c[1]), self.header(meta)
        return n.Delete(key, store, c[2], _outcomes(c[3]), span, *_retries(c[3]))

    def let_step(self, meta: Meta, c: list[Any]) -> n.Step:
        return n.Let(self.name(c[0]), c[1], self.header(meta))

    def do_step(self, meta: Meta, c: list[Any]) -> n.Step:
        verb, effect, (retries, place) = str(c[0]), self.name(c[1]), _retries(c[3])
        return n.Do(verb, effect, retries, c[2], _outcomes(c[3]), self.header(meta), place)

    def publish_step(self, meta: Meta, c: list[Token]) -> n.Step:
        return n.Publish(self.name(c[0]), self.header(meta))

    def atomic_step(self, meta: Meta, c: list[Any]) -> n.Step:
        span, below = self.header(meta), c[3:]
        return n.Atomic(c[0] is not None, c[2], span, c[1], _outcomes(below), *_retries(below))

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

    def on_outcome(self, meta: Meta, c: list[Any]) -> n.OnOutcome:
        return n.OnOutcome(self.name(c[0]), c[1], self.header(meta))

    def on_no_answer(self, meta: Meta, c: list[Any]) -> n.OnOutcome:
        line = self.header(meta)
        start = self.source.line(line.line).index("no", line.column + 1)
        end = self.source.line(line.line).index("answer", start) + len("answer")
        place = Span(line.line, start + 1, line.line, end + 1, self.source.path)
        return n.OnOutcome(n.Name("no answer", place), c[0], line)

    def retry(self, meta: Meta, c: list[Token]) -> Retry:
        return Retry(int(c[0]), self.header(meta))

    def broken_option(self, _: Meta, __: list[Any]) -> None:
        return None

    def broken(self, meta: Meta, c: list[Any]) -> n.BrokenStep:
        return n.BrokenStep(tuple(x for x in c if x is not None), self.header(meta))
