"""Relays that see less than the rows: those that read with a cursor, and those that only hear
notifications (docs/semantics_world.md, "Relays that see less").

A cursor reads rows in the order of their numbers, which are drawn before the rows are committed: a
row is *overtaken* when one with a later number was committed and read first.
"""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.interpreter import isolation, modelled
from onceproof.interpreter.context import Context
from onceproof.interpreter.rows import passes
from onceproof.interpreter.state import Spot, State, Worker, minus, union
from onceproof.interpreter.steps import Next, record
from onceproof.interpreter.trace import Step
from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.machine.system import Cause

_OF_WORKERS = (
    Cause.HANDLER,
    Cause.LATE_EFFECT,
    Cause.DATABASE_ANSWER_LOST,
    Cause.ANSWER_LOST,
    Cause.VANISHED,
)
"""Causes of the steps of workers that can commit something."""


def cursors(ctx: Context) -> dict[str, str]:
    """The relays that read with a cursor, each with the store that it reads."""
    if not modelled.RELAYS:
        return {}
    return {p.name: p.cursor for p in ctx.design.processes if p.cursor is not None}


def see_less(ctx: Context) -> bool:
    """Whether the design has such relays."""
    return modelled.RELAYS and any(p.cursor or p.notified for p in ctx.design.processes)


# ---------------------------------------------------------------- numbers


def draws(ctx: Context, state: State, worker: Worker) -> Next:
    """The worker draws the number of a row that its next step may make; nothing if there is none to
    draw.
    """
    wanted = [r for r, store in cursors(ctx).items() if _may_make(ctx, worker, store)]
    missing = [r for r in wanted if r not in {name for name, _ in worker.drawn}]
    if not missing or _begins(ctx, worker):
        return
    store = cursors(ctx)[missing[0]]
    taken = [(r, False) for r in missing if cursors(ctx)[r] == store]
    step = record(ctx, state, worker, Cause.HANDLER, "draws its number")
    step = Step(
        step.cause,
        step.component,
        step.event,
        step.worker,
        step.process,
        subject=store,
        line=step.line,
        outcome=step.outcome,
    )
    after = worker._replace(drawn=tuple(sorted((*worker.drawn, *taken))))
    yield step, state.with_worker(after)


def _may_make(ctx: Context, worker: Worker, store: str) -> bool:
    """Whether the next step is a line that makes a row of a store, or a run that may have one."""
    step = ctx.at(worker) if worker.todo else None
    if not worker.todo or (step is not None and not ctx.is_collected(worker, step)):
        return _makes(step, store)
    return any(_makes(line, store) for _, line in ctx.collected_ahead(worker))


def _makes(step: n.Step | None, store: str) -> bool:
    return isinstance(step, n.Insert | n.Add) and step.store.text == store


def _begins(ctx: Context, worker: Worker) -> bool:
    """Whether the next step only takes a snapshot."""
    step = ctx.at(worker) if worker.todo else None
    if step is None or not ctx.is_collected(worker, step):
        return False
    return any(
        isolation.at_first_statement(ctx, worker, database)
        and isolation.snapshot_of(worker, database) is None
        and ctx.may_write(worker, database)
        for database in ctx.design.databases
    )


def overtakings(ctx: Context, state: State) -> Iterator[tuple[Step, State]]:
    """A row with a later number is committed and read, before the row of a worker is."""
    for worker in state.workers:
        for relay, overtaken in worker.drawn:
            if overtaken:
                continue
            component = state.events[worker.event].component
            step = Step(
                Cause.OVERTAKEN, component, worker.event, worker.number, worker.process, "", relay
            )
            drawn = tuple((r, o or r == relay) for r, o in worker.drawn)
            yield step, state.with_worker(worker._replace(drawn=drawn))


# ---------------------------------------------------------------- starts and ends


def may_start(ctx: Context, state: State, relay: d.Process, event: int) -> bool:
    """Whether a relay whose condition holds starts for an event."""
    if not modelled.RELAYS:
        return True
    if relay.notified and (relay.name, "event", event) not in state.notified:
        return False
    spot = _place(ctx, state, relay.name, event)
    return spot is None or spot not in (*state.overtaken, *state.passed_by)


def started(state: State, relay: d.Process, event: int) -> State:
    """The state in which a notification is used up."""
    return state._replace(notified=minus(state.notified, (relay.name, "event", event)))


def reads(ctx: Context, state: State, worker: Worker) -> State:
    """The state in which the relay of a worker has read its row."""
    spot = _place(ctx, state, worker.process, worker.event)
    assert spot is not None
    return state._replace(passed_by=union(state.passed_by, spot))


def _place(ctx: Context, state: State, relay: str, event: int) -> Spot | None:
    """The row that a relay reads for an event, under the relay's name."""
    store = cursors(ctx).get(relay)
    return (relay, *ctx.row(store, state, event)[1:]) if store is not None else None


def unheard(ctx: Context, state: State, event: int) -> Iterator[tuple[Step, State]]:
    """Nobody listens when a notification comes."""
    if ctx.design.assumes("no-lost-connections"):
        return
    for spot in state.notified:
        if spot[2] == event:
            component = state.events[event].component
            step = Step(Cause.VANISHED, component, event, process=spot[0])
            yield step, state._replace(notified=minus(state.notified, spot))


# ---------------------------------------------------------------- what a step leads to


def noticed(ctx: Context, before: State, choice: tuple[Step, State]) -> tuple[Step, State]:
    """A choice whose state knows what became of numbers, and who was notified."""
    step, after = choice
    after = _with_rows(ctx, before, step, after)
    after = _with_numbers(ctx, before, step, after)
    if step.cause in _OF_WORKERS and step.worker >= 0:
        for relay in ctx.design.processes:
            if relay.notified and relay.condition is not None:
                after = _with_notifications(ctx, before, after, relay, relay.condition)
    return step, after


def _with_rows(ctx: Context, before: State, step: Step, after: State) -> State:
    """A row that was made is overtaken if its number was; one that is gone has none."""
    by = next((w for w in before.workers if w.number == step.worker), None)
    overtaken, passed_by = set(after.overtaken), set(after.passed_by)
    for relay, store in cursors(ctx).items():
        for event in range(len(after.events)):
            row, place = ctx.row(store, after, event), _place(ctx, after, relay, event)
            assert place is not None
            if row not in after.rows:
                overtaken.discard(place)
                passed_by.discard(place)
            elif row not in before.rows and by is not None and (relay, True) in by.drawn:
                if ctx.row(store, after, by.event) == row:
                    overtaken.add(place)
    return after._replace(overtaken=tuple(sorted(overtaken)), passed_by=tuple(sorted(passed_by)))


def _with_numbers(ctx: Context, before: State, step: Step, after: State) -> State:
    """A number belongs to one line, or to one run of a block."""
    if step.worker < 0 or step.outcome == "draws its number" or step.cause is Cause.OVERTAKEN:
        return after
    had = next((w for w in before.workers if w.number == step.worker), None)
    has = next((w for w in after.workers if w.number == step.worker), None)
    if had is None or has is None or not has.drawn or has.underway:
        return after
    old, new = ctx.open_block(had), ctx.open_block(has)
    if old is not None and new is not None:
        before_it, after_it = had.todo[old], has.todo[new]
        if (before_it.block, before_it.tries) == (after_it.block, after_it.tries):
            return after
    return after.with_worker(has._replace(drawn=()))


def _with_notifications(
    ctx: Context, before: State, after: State, relay: d.Process, condition: n.Condition
) -> State:
    for event in range(len(after.events)):
        became = passes(ctx, after, condition, event) and not passes(ctx, before, condition, event)
        if became:
            spot = (relay.name, "event", event)
            after = after._replace(notified=union(after.notified, spot))
    return after
