"""The words of a story for single lines of a handler: who does what, what was seen, what came of
it.
"""

from __future__ import annotations

from onceproof.interpreter.context import Context
from onceproof.interpreter.rows import column, happened
from onceproof.interpreter.state import State, Worker, look
from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import condition_parts
from onceproof.machine.delivery import Delivery
from onceproof.story import past
from onceproof.story.names import Moment

VERBS = {"send": ("sends", "send"), "call": ("calls", "call"), "do": ("does", "do")}
"""How a worker performs an effect, by the word the design uses."""


_ANSWERS = {
    "refused": "{who} refuses, and nothing happens",
    "refused, stored": "{who} refuses, and keeps that answer under the key",
    "refused, stored, answer lost": (
        "{who} refuses and keeps that answer under the key, but the answer is lost: {worker} cannot"
        " tell"
    ),
    "refused again": "{who} knows the key, and refuses again, as it has stored",
    "refused again, answer lost": (
        "{who} knows the key and refuses again, but the answer is lost: {worker} cannot tell"
    ),
    "request lost": (
        "the request is lost on the way, and nothing happens: {worker} gets no answer, and cannot"
        " tell"
    ),
    "still on its way": "no answer comes in time, and the request is still on its way",
}
"""What came of a request that the worker only tried to make, by the outcome of the step."""


def line_words(m: Moment, node: n.Step) -> str:
    """What a worker does at its line, and what came of it."""
    match node:
        case n.If():
            test = list(condition_parts(node.condition))[m.worker.part]
            if m.step.outcome == "refused" and isinstance(test, n.Happened):
                provider = m.names.provider(test.effect.text)
                return f"asks {provider} whether `{test.effect.text}` happened; it refuses to say"
            return test_words(m, test, m.step.outcome == "yes")
        case n.Do() if m.ctx.store_of(node) is None:
            return _call(m, node)
        case n.Publish(queue):
            return _publish(m, queue.text)
        case n.Ack():
            return ack_words(m)
        case n.Nack():
            return f"gives {m.event} back to the broker"
        case n.SeekBack():
            return f"goes back to {m.event}, to read it again"
        case n.Acquire(lock):
            return _acquire(m, lock.text)
        case n.Release(lock):
            return _release(m, lock.text)
        case n.Renew(lock):
            return _renew(m, lock.text if lock else "")
        case n.Wait(time):
            return f"waits {time}" if time else "waits"
        case n.Let():
            return let_words(m, node, m.seen)
        case _:
            return write_words(m, node, m.step.outcome, m.seen)


def test_words(m: Moment, test: n.Condition, truth: bool) -> str:
    """What a single test saw."""
    late = past.LATE if past.is_late(m, test, truth) else ""
    match test:
        case n.InStore(_, store, negated):
            return (
                f"finds {'a' if truth != negated else 'no'} {m.row(store.text)} in `{store.text}`"
                + late
            )
        case n.ColumnIs(store, name, value, negated) if late:
            is_it = "" if truth != negated else "not "
            return f"reads `{store.text}.{name.text}`: it is {is_it}{value.text}{late}"
        case n.ColumnIs(store, name, value):
            actual = column(m.ctx, m.seen, store.text, name.text, m.worker.event)
            return f"reads `{store.text}.{name.text}`: it is {_value(actual, value.text)}"
        case n.Redelivered():
            came = "it came again" if m.worker.again else "it did not come before"
            return f"looks whether {m.event} came again: {came}"
        case n.NameIs(name, value):
            known = (
                m.before.events[m.worker.event].payload
                if m.ctx.is_payload(m.worker.process, name.text)
                else m.worker.locals
            )
            return (
                f"looks at `{name.text}`: it is"
                f" {_value(look(known, name.text, d.UNSET), value.text)}"
            )
        case n.Happened(effect, negated):
            asked = (
                "checks"
                if m.ctx.design.effects[effect.text].store
                else f"asks {m.names.provider(effect.text)}"
            )
            answer = "it did" if truth != negated else "it did not"
            return (
                f"{asked} whether `{effect.text}` happened for {_effect_owner(m, effect.text)}:"
                f" {answer}{late}"
            )
        case _:
            raise AssertionError(f"not a single test: {test}")


def _value(value: str, wanted: str) -> str:
    return value if value == wanted else f"{value}, not {wanted}"


def _effect_owner(m: Moment, effect: str) -> str:
    spot = m.ctx.spot(effect, m.ctx.design.effects[effect].level, m.before, m.worker.event)
    return m.names.owner(spot, m.names.key_of(effect))


def let_words(m: Moment, node: n.Let, seen: State) -> str:
    """What a local variable became."""
    value, is_late = past.noted(m, node, seen)
    late = past.LATE if is_late else ""
    match node.value:
        case n.ReadPresence(_, store):
            return (
                f"looks for a {m.row(store.text)} in `{store.text}` and notes it in"
                f" `{node.name.text}`: {value}{late}"
            )
        case n.ReadColumn(store, name):
            return f"reads `{store.text}.{name.text}` into `{node.name.text}`: {value}{late}"
        case n.Constant():
            return f"sets `{node.name.text}` to {value}"


def write_words(m: Moment, node: n.Step, outcome: str, seen: State) -> str:
    """A write, or the attempt at one."""
    region = past.in_a_region(m, node, outcome, seen)
    match node:
        case n.SetColumn(store, name, value):
            return f"sets `{store.text}.{name.text}` to {value.text}"
        case n.Add(_, store):
            return f"adds a {m.row(store.text)} to `{store.text}`"
        case n.Insert(_, store) if outcome:
            return (
                f"tries to insert a {m.row(store.text)} into `{store.text}`, but there is one"
                " already"
            )
        case n.Insert(_, store):
            another = (
                not m.ctx.design.stores[store.text].unique
                and m.ctx.row(store.text, seen, m.worker.event) in seen.rows
            )
            return (
                f"inserts {'another' if another else 'a'} {m.row(store.text)} into `{store.text}`"
                + region
            )
        case n.UpdateIf(store, name, old, new) if outcome and region:
            return (
                f"tries to change `{store.text}.{name.text}` from {old.text} to {new.text}{region}"
            )
        case n.UpdateIf(store, name, old, new) if outcome:
            actual = column(m.ctx, seen, store.text, name.text, m.worker.event)
            return (
                f"tries to change `{store.text}.{name.text}` from {old.text} to {new.text}, but it"
                f" is {actual}"
            )
        case n.UpdateIf(store, name, old, new):
            return f"changes `{store.text}.{name.text}` from {old.text} to {new.text}{region}"
        case n.Increment(store, name):
            done = look(seen.counts, (f"{store.text}.{name.text}", "event", m.worker.event), 0)
            return f"increments `{store.text}.{name.text}`" + (" a second time" if done else "")
        case n.Delete(_, store) if outcome and region:
            return f"tries to delete the {m.row(store.text)} from `{store.text}`{region}"
        case n.Delete(_, store) if outcome:
            return f"tries to delete the {m.row(store.text)} from `{store.text}`, but there is none"
        case n.Delete(_, store):
            return f"deletes the {m.row(store.text)} from `{store.text}`{region}"
        case n.Do(verb, effect) if outcome and past.token_words(m, effect.text, rejected=True):
            told = past.token_words(m, effect.text, rejected=True)
            return f"tries to {VERBS[verb][1]} `{effect.text}`, but its token is rejected{told}"
        case n.Do(verb, effect) if outcome:
            return f"tries to {VERBS[verb][1]} `{effect.text}`, but its token is not the newest"
        case n.Do(verb, effect):
            return (
                f"{VERBS[verb][0]} `{effect.text}` in `{m.ctx.design.effects[effect.text].store}`"
                + again(m, effect.text)
                + past.token_words(m, effect.text, rejected=False)
            )
        case _:
            raise AssertionError(f"not a write: {node}")


def _call(m: Moment, node: n.Do) -> str:
    effect, (does, do) = node.effect.text, VERBS[node.verb]
    provider = m.names.provider(effect)
    if m.step.outcome in _ANSWERS:
        told = _ANSWERS[m.step.outcome].format(who=provider, worker=m.who)
        return f"tries to {do} `{effect}`; {told}"
    match m.step.outcome:
        case "rejected":
            newest = any(s[0] == m.ctx.design.effects[effect].token_of for s in m.before.held)
            return f"tries to {do} `{effect}`; {provider} rejects its token" + (
                ": a newer one was handed out" if newest else ""
            )
    known = (
        f"{does} `{effect}` again with the same key; {provider} knows the key and does nothing"
        if knows_key(m, effect)
        else ""
    )
    if m.step.outcome == "answer lost":
        return (
            known or f"{does} `{effect}`{again(m, effect)}; it happens"
        ) + f", but the answer is lost: {m.who} cannot tell"
    return known or f"{does} `{effect}`" + again(m, effect)


def again(m: Moment, effect: str) -> str:
    """Whether it has happened before: the sentence a story is about."""
    return " a second time" if happened(m.ctx, m.before, effect, m.worker.event) else ""


def knows_key(m: Moment, effect: str) -> bool:
    """Whether the provider has a record of the key already, so that the request changes nothing."""
    level = m.ctx.design.effects[effect].key_level
    return (
        level is not None
        and m.ctx.spot(effect, level, m.before, m.worker.event) in m.before.records
    )


def _publish(m: Moment, queue: str) -> str:
    match m.step.outcome:
        case "refused":
            return (
                f"tries to publish {m.event} to `{queue}`; the broker refuses, and nothing happens"
            )
        case "lost":
            return f"publishes {m.event} to `{queue}`, but the message vanishes on the way"
        case "answer lost":
            return (
                f"publishes {m.event} to `{queue}`; the broker has it, but the confirmation is"
                f" lost: {m.who} cannot tell"
            )
        case "dropped, answer lost":
            return (
                f"publishes {m.event} to `{queue}` again; the broker drops the copy, and its answer"
                f" is lost: {m.who} cannot tell"
            )
    dropped = m.step.outcome == "dropped" or (
        m.ctx.drops_copies(queue) and m.before.statuses == m.after.statuses
    )
    return f"publishes {m.event} to `{queue}`" + (
        " again; the broker drops the copy" if dropped else ""
    )


def ack_words(m: Moment) -> str:
    """An acknowledgement and its fate."""
    process = m.worker.process
    match m.step.outcome:
        case "refused":
            return (
                f"acknowledges {m.event}, but the broker refuses: {m.who} no longer holds the"
                " message"
            )
        case "torn":
            return (
                f"acknowledges {m.event}; its transaction appears in part: of"
                f" {boxed_words(m.worker)} not all is there"
            )
        case "lost":
            return (
                f"acknowledges {m.event}, but the acknowledgement is lost on the way: the broker"
                " does not know"
            )
        case "answer lost":
            return (
                f"acknowledges {m.event}; the broker settles it, but its answer is lost: {m.who}"
                " cannot tell"
            )
    if at_once(m.ctx, process):
        return f"acknowledges {m.event}, which was settled at delivery already"
    if m.worker.holds:
        return f"acknowledges {m.event}" + (
            f"; with it appears {boxed_words(m.worker)}" if m.worker.boxed else ""
        )
    late, status = f"acknowledges {m.event}, late", m.before.status(process, m.worker.event)
    holder = m.chronicle.holder.get((process, m.worker.event))
    if process in m.ctx.several | m.ctx.fed_back:
        return f"{late}: it settles nothing any more"
    if status == "ready":
        return f"{late}: the broker settles it, although it was to be delivered again"
    if status == "inflight" and holder not in (None, m.chronicle.numbers[m.step.worker]):
        return f"{late}: the broker settles it, although worker {holder} has it now"
    return late if m.ctx.tracks_holders(process) else f"acknowledges {m.event}"


def boxed_words(worker: Worker) -> str:
    """What a worker has written inside the broker, to appear with its ack."""
    words = [
        f"its message to `{w.name}`" if w.kind == "publish" else f"its write to `{w.name}`"
        for w in worker.boxed
    ]
    return " and ".join(dict.fromkeys(words))


def at_once(ctx: Context, process: str) -> bool:
    """Whether a message counts as settled when it is delivered."""
    return (
        ctx.promises(process) is Delivery.AT_MOST_ONCE or ctx.processes[process].ack == "delivery"
    )


def _renew(m: Moment, lock: str) -> str:
    """An extension of a lease, and what came of it."""
    what = f"`{lock}`" if lock else f"its lease on {m.event}"
    match m.step.outcome:
        case "refused":
            reason = f"it no longer holds {f'`{lock}`' if lock else 'the message'}"
            return f"tries to renew {what}, but {reason}"
        case "answer lost":
            return f"renews {what}, but the answer is lost: {m.who} cannot tell"
    return f"renews {what}"


def _acquire(m: Moment, lock: str) -> str:
    match m.step.outcome:
        case "held":
            return f"asks for `{lock}`, but it is held"
        case "reacquired":
            return f"acquires `{lock}`: the pool gives it the connection that still has it"
    spot = m.ctx.spot(lock, m.ctx.design.locks[lock].level, m.before, m.worker.event)
    shared = spot in m.before.held
    return f"acquires `{lock}`" + (", although it is held, through the pool" if shared else "")


def _release(m: Moment, lock: str) -> str:
    if m.step.outcome == "nothing":
        return f"releases `{lock}`; the pool sends that to another connection, and nothing happens"
    spot = m.ctx.spot(lock, m.ctx.design.locks[lock].level, m.before, m.worker.event)
    owner = m.chronicle.owner.get(spot)
    if spot in m.before.held and owner not in (None, m.chronicle.numbers[m.step.worker]):
        return f"releases `{lock}`, which worker {owner} holds now"
    return f"releases `{lock}`"
