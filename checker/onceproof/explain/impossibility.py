"""T13: why no handler helps. An external effect that leaves no trace where the next worker could
look.

Just before the call and just after it, everything that outlives the worker is the same: rows,
columns, keys, locks, messages. Whoever comes next cannot tell the two situations apart. If it
calls, the effect happens twice in the one; if it does not, never in the other. No rewriting of the
handler changes that; only the provider can.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from onceproof.interpreter.claims import Judge
from onceproof.interpreter.context import Context
from onceproof.interpreter.interpreter import Replay, ReplayError, choices, replay
from onceproof.interpreter.state import State, look
from onceproof.interpreter.trace import Step
from onceproof.lang.design import Claim, Design, Effect, Process
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause
from onceproof.story.changes import participle, status_words
from onceproof.story.names import Names
from onceproof.story.steps import at_once

KINDS = ("no-duplicate", "no-loss", "effectively-once", "together", "failure-transparent")
"""Claims that forbid an effect to happen twice, or never; the last one is about all effects."""

MOST_STATES = 500
"""How far the fault-free runs of a design are followed to a call that the trace does not reach."""

_GONE = (Cause.VANISHED, Cause.DEAD_LETTERED)
"""After these a message is not delivered again by itself."""


class Impossible(Struct, frozen=True):
    """Two situations that nobody can tell apart, although the effect happened in one of them.

    ``line``: the call. ``witness``: what happens to the worker. ``same``: what there is in both.
    ``before`` and ``after``: the two situations, one phrase per thing, which differ in the effect
    alone. ``sentences``: what follows. ``offers``: what the provider would have to offer (any one
    of them).
    """

    effect: str
    semantics: Delivery
    line: int
    witness: str
    same: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    sentences: tuple[str, ...]
    offers: tuple[str, ...]


def impossible(design: Design, claim: Claim, run: Replay) -> Impossible | None:
    """Why no handler keeps this effect both from happening twice and from being lost; None if that
    is not so, or not seen.

    ``run`` refutes ``claim``; it need not contain the call itself, only a worker that is about to
    make it. A story without a fault, or of a message that is gone, is not helped by a provider; nor
    is one that goes on as it is where the provider keeps a key, or a loss by somebody who never
    got to the call.
    """
    if claim.kind not in KINDS or not any(s.cause.is_fault for s in run.trace.steps):
        return None  # where nothing fails, another handler does better
    if any(s.cause in _GONE for s in run.trace.steps):
        return None  # no provider brings back a message that is gone
    named = {t.name.text for t in claim.targets} if claim.targets else set(design.effects)
    for effect in design.effects.values():
        if (
            effect.name in named
            and _leaves_no_trace(effect)
            and _helped(design, claim, effect, run)
        ):
            explanation = _in_run(design, effect, run)
            if explanation is not None:
                return explanation
    return None


def _leaves_no_trace(effect: Effect) -> bool:
    """No key that is the same in every attempt, no query, no transaction. A key that is forgotten
    some day does leave one.
    """
    return effect.store is None and effect.key_level is None and not effect.queryable


def _helped(design: Design, claim: Claim, effect: Effect, run: Replay) -> bool:
    """Whether a key at the provider would make a difference to this story: a second call does
    nothing then; one that was left out can be made again.
    """
    judge, end = Judge(Context.of(design, run.trace.semantics)), run.states[-1]
    half = judge.half(claim, end) if claim.kind == "effectively-once" else claim
    if half.kind == "no-loss":
        lost = {e for e in range(len(end.events)) if judge.lacks_for_good(half.targets[0], end, e)}
        callers = {p.name for p in design.processes if effect.name in _called_by(p)}
        return any(w.process in callers and w.event in lost for s in run.states for w in s.workers)
    if half.kind != "no-duplicate":
        return True
    keyed = replace(effect, key_field=effect.key, key_level=effect.level)
    kept = replace(design, effects={**design.effects, effect.name: keyed})
    try:
        again = replay(kept, run.trace)
    except ReplayError:
        return True
    return not Judge(Context.of(kept, run.trace.semantics)).violated(half, again.states[-1])


def _called_by(process: Process) -> frozenset[str]:
    """The effects that a handler brings about."""
    return frozenset(s.effect.text for s in walk(process.body) if isinstance(s, n.Do))


class _Moment(Struct, frozen=True):
    """A worker about to call: the state, the call, and the state after it."""

    state: State
    step: Step
    done: State


def _in_run(design: Design, effect: Effect, run: Replay) -> Impossible | None:
    ctx = Context.of(design, run.trace.semantics)
    for state in (*run.states, *_without_faults(ctx, run.states[0])):
        for moment in _calls(ctx, effect, state):
            if _is_lost_at_once(ctx, moment.step, run):
                continue
            explanation = _twins(ctx, effect, moment)
            if explanation is not None:
                return explanation
    return None


def _is_lost_at_once(ctx: Context, call: Step, run: Replay) -> bool:
    """Whether a story of a loss is about a message that counts as settled when it is delivered:
    nobody gets to call again, whatever the provider offers.
    """
    process = ctx.processes[call.process]
    if process.queue is None or not at_once(ctx, process.name):
        return False
    spot = ctx.spot(
        call.subject, ctx.design.effects[call.subject].level, run.states[-1], call.event
    )
    return look(run.states[-1].counts, spot, 0) == 0


def _calls(ctx: Context, effect: Effect, state: State) -> Iterator[_Moment]:
    for step, after in choices(ctx, state):
        if step.subject == effect.name and step.cause is Cause.HANDLER and step.outcome == "done":
            yield _Moment(state, step, after)


def _without_faults(ctx: Context, start: State) -> Iterator[State]:
    """What one worker at a time gets to if nothing goes wrong; for a run that ends before the
    call.
    """
    seen, queue = {start}, deque([start])
    while queue and len(seen) < MOST_STATES:
        state = queue.popleft()
        yield state
        for step, after in choices(ctx, state, pool=1):
            if not step.cause.is_fault and after not in seen:
                seen.add(after)
                queue.append(after)


def _twins(ctx: Context, effect: Effect, moment: _Moment) -> Impossible | None:
    """The situations after the worker died just before the call and just after it, or after a call
    that failed in two ways.
    """
    worker = moment.step.worker
    before, after = _killed(ctx, moment.state, worker), _killed(ctx, moment.done, worker)
    line = moment.step.line
    if before is not None and after is not None and _durable(before) == _durable(after):
        return _explained(
            ctx,
            effect,
            moment,
            (before, after),
            f"the worker is killed just before line {line} is done, or just after it",
        )
    offered = choices(ctx, moment.state)
    refused = _outcome(offered, moment.step, Cause.REFUSED)
    answered = _outcome(offered, moment.step, Cause.ANSWER_LOST)
    if (
        refused is not None
        and answered is not None
        and _durable(refused, True) == _durable(answered, True)
    ):
        return _explained(
            ctx,
            effect,
            moment,
            (refused, answered),
            f"the call in line {line} is refused, or is done and its answer is lost",
        )
    return None


def _killed(ctx: Context, state: State, worker: int) -> State | None:
    """The state after the worker died (it may be over already); None if it cannot die here."""
    if all(w.number != worker for w in state.workers):
        return state
    deaths = [
        a
        for s, a in choices(ctx, state)
        if s.cause is Cause.KILLED and s.worker == worker and not s.outcome
    ]
    return deaths[0] if deaths else None


def _outcome(offered: Sequence[tuple[Step, State]], call: Step, cause: Cause) -> State | None:
    return next(
        (
            a
            for s, a in offered
            if s.cause is cause and (s.worker, s.subject) == (call.worker, call.subject)
        ),
        None,
    )


def _durable(state: State, workers: bool = False) -> State:
    """What anybody can look at: everything but the counters, and (unless the worker lives on) but
    what a worker knows.
    """
    alive = tuple(w._replace(exposed=False) for w in state.workers) if workers else ()
    return state._replace(counts=(), workers=alive)


# ---------------------------------------------------------------- words


PAST = {
    "sent": ("was not sent", "was sent"),
    "happened": ("did not happen", "happened"),
    "done": ("was not done", "was done"),
}
TIMES = ("", " once", " twice or more")


def _explained(
    ctx: Context, effect: Effect, moment: _Moment, pair: tuple[State, State], witness: str
) -> Impossible:
    same = tuple(_situation(ctx, pair[0], moment.step.event))
    before, after = ((*same, _done(ctx, effect, state, moment.step.event)) for state in pair)
    sentences = (
        (
            f"Nothing that outlives the worker tells the two situations apart: {effect.name} leaves"
            " no trace that a handler could read."
        ),
        (
            f"Whoever makes the call again gives a second {effect.name} in the one; whoever does"
            " not gives none in the other."
        ),
        f"So under {_under(ctx)}, no handler has both no duplicate and no loss of {effect.name}.",
    )
    offers = (
        f"an idempotency key: `key {effect.key}, kept for ever`",
        (
            "a query: `can be queried`, asked by one worker at a time with no earlier request"
            f" under way (`{effect.name} happened`)"
        ),
        (
            f"being inside the transaction: `effect {effect.name} per {effect.key} in` a store of"
            " yours"
        ),
    )
    return Impossible(
        effect.name, ctx.choice, moment.step.line, witness, same, before, after, sentences, offers
    )


def _under(ctx: Context) -> str:
    """The semantics in words: what the queues declare, or what is looked at."""
    promised = {q.semantics or ctx.choice for q in ctx.design.queues.values()}
    return promised.pop().value if len(promised) == 1 else "these semantics"


def _done(ctx: Context, effect: Effect, state: State, event: int) -> str:
    """``ready_email was sent once``."""
    count = look(state.counts, ctx.spot(effect.name, effect.level, state, event), 0)
    return f"{effect.name} {PAST[participle(ctx.design, effect.name)][min(count, 1)]}{TIMES[count]}"


def _situation(ctx: Context, state: State, event: int) -> Iterator[str]:
    """Everything about one event that is not as at the start, and where its messages are."""
    names = Names(ctx.design, {})
    own = {("event", event), ("component", state.events[event].component)}
    for spot in state.rows:
        if spot[1:] in own:
            yield f"{spot[0]} has a row for {names.owner(spot, names.key_of(spot[0]))}"
    yield from (f"{cell[0]} is {value}" for cell, value in state.columns if cell[1:] in own)
    yield from (
        f"{names.provider(spot[0])} knows a key for {spot[0]}"
        for spot in state.records
        if spot[1:] in own
    )
    yield from (f"{spot[0]} is held" for spot in state.held if spot[1:] in own)
    for process in ctx.design.processes:
        if process.queue is not None:
            reader = f" for {process.name}" if len(list(ctx.groups(process.queue))) > 1 else ""
            status = status_words(ctx.design, process.queue, state.status(process.name, event))
            yield f"{names.event(event)} in {process.queue}{reader} is {status}"
