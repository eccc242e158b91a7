"""Providers of external effects: what a request comes to, what they remember of it, and what they
say when they are asked (docs/semantics.md, "Providers").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from onceproof.interpreter.context import Context
from onceproof.interpreter.rows import column
from onceproof.interpreter.state import Spot, State, Worker, look, minus, put, union
from onceproof.interpreter.trace import Step
from onceproof.lang.design import UNSET
from onceproof.machine.system import Cause, Level

MOST_PENDING = 2
"""Requests on their way that are counted: a third could not raise a counter any more."""


class Answer(NamedTuple):
    """What a request comes to: the name of the step, what the handler sees (``done``, ``refused``,
    ``no answer``), the state after it, and whether the effect was asked for in it.
    """

    cause: Cause
    outcome: str
    seen: str
    state: State
    carried_out: bool = False


def answers(ctx: Context, state: State, worker: Worker, effect: str) -> Iterator[Answer]:
    """Everything that a request for an effect can come to."""
    declared = ctx.design.effects[effect]
    record = record_of(ctx, state, worker.event, effect)
    failed = record is not None and record in state.errors
    refuses = not ctx.design.assumes("no-refusals")
    silent = not ctx.design.assumes("no-lost-answers")
    done = carried_out(ctx, state, worker.event, effect)
    stored = declared.keeps_errors and record is not None and record not in state.records
    if failed:
        yield Answer(Cause.HANDLER, "refused again", "refused", state)
        if silent:
            yield Answer(Cause.ANSWER_LOST, "refused again, answer lost", "no answer", state)
    else:
        yield Answer(Cause.HANDLER, "done", "done", done, carried_out=True)
        if refuses:
            yield Answer(Cause.REFUSED, "refused", "refused", state)
        if silent:
            yield Answer(Cause.ANSWER_LOST, "answer lost", "no answer", done, carried_out=True)
        if stored and refuses:
            assert record is not None
            after = state._replace(
                errors=union(state.errors, record), closed=minus(state.closed, record)
            )
            yield Answer(Cause.REFUSED, "refused, stored", "refused", after)
            if silent:
                lost = "refused, stored, answer lost"
                yield Answer(Cause.ANSWER_LOST, lost, "no answer", after)
    if silent:
        yield Answer(Cause.ANSWER_LOST, "request lost", "no answer", state)
        if effect in ctx.watched:
            after = _pending(state, (effect, Level.EVENT.value, worker.event), 1)
            yield Answer(Cause.ANSWER_LOST, "still on its way", "no answer", after)


def record_of(ctx: Context, state: State, event: int, effect: str) -> Spot | None:
    """Where the provider keeps its record of the key that a request has now; None if it has no
    record of that one, nor will have it again.
    """
    declared = ctx.design.effects[effect]
    if declared.key_level is None:
        return None
    if declared.key_row is not None:
        store, name = declared.key_row
        absent = ctx.row(store, state, event) not in state.rows
        if absent or column(ctx, state, store, name, event) == UNSET:
            return None
    return ctx.spot(effect, declared.key_level, state, event)


def carried_out(ctx: Context, state: State, event: int, effect: str) -> State:
    """The provider has a request: it carries the effect out, unless it has a record of its key."""
    record = record_of(ctx, state, event, effect)
    if record is not None:
        if record in state.records or record in state.errors:
            return state
        state = state._replace(
            records=union(state.records, record), closed=minus(state.closed, record)
        )
    return state.raised(ctx.spot(effect, ctx.design.effects[effect].level, state, event))


def arrivals(ctx: Context, state: State, event: int) -> Iterator[tuple[Step, State]]:
    """Requests for an event that are still on their way arrive after all, or never do."""
    component = state.events[event].component
    for spot, _ in state.pending:
        if spot[2] == event:
            after = _pending(state, spot, -1)
            step = Step(Cause.LATE_EFFECT, component, event, subject=spot[0], outcome="done")
            yield step, carried_out(ctx, after, event, spot[0])
            lost = Step(Cause.LATE_EFFECT, component, event, subject=spot[0], outcome="never")
            yield lost, after


def _pending(state: State, spot: Spot, more: int) -> State:
    count = min(look(state.pending, spot, 0) + more, MOST_PENDING)
    others = tuple(p for p in state.pending if p[0] != spot)
    return state._replace(pending=put(others, spot, count) if count else others)
