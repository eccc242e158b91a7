"""Whether an event of a given type and payload can lead to something at all: what "no loss" may ask of it.

NOTE(leads-to): an event leads to E if E stands on some path of a handler that can run for it. A handler can run if the event's
type enters its queue, if a line that can be reached publishes to its queue, or (a relay) if its condition can become true: a row or
column value it asks for is there at the start or is written, an effect it asks for happens, on a line reachable for such an event.
Tests on payload fields are decided; tests on rows, effects and local variables inside handlers are taken both ways.
Lines after a ``stop`` or ``fail`` on every path are not reached. It is a static answer: it does not search states.
"""

from __future__ import annotations

from checker.design import Process
from checker.replay.context import Context
from checker.replay.state import look
from checker.syntax import nodes as n
from checker.trace import EventOf

Facts = frozenset[str]
"""What can be done: ``effect``, ``store``, ``store.column``, ``store.column=value``, ``publish queue``."""


class Reach:
    """Answers for one design; remembers what it found."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self._known: dict[tuple[str, tuple[tuple[str, str], ...]], Facts] = {}

    def leads_to(self, event: EventOf, target: str) -> bool:
        """Whether ``target`` (an effect, a store, ``store.column``) can be done for an event like this one."""
        return target in self.facts(event)

    def facts(self, event: EventOf) -> Facts:
        """Everything that can be done for an event like this one: the least set closed under running handlers."""
        key = (event.type, event.payload)
        if key not in self._known:
            facts: set[str] = set()
            size = -1
            while size != len(facts):
                size = len(facts)
                for process in self.ctx.design.processes:
                    if self._runs(process, event, facts):
                        self._block(process, process.body, event, facts)
            self._known[key] = frozenset(facts)
        return self._known[key]

    def _runs(self, process: Process, event: EventOf, facts: set[str]) -> bool:
        if process.condition is not None:
            return self._possible(process, process.condition, event, facts)
        queue = self.ctx.design.queues[process.queue or ""]
        return f"publish {queue.name}" in facts or (queue.is_root and queue.event == event.type)

    def _possible(self, process: Process, test: n.Condition, event: EventOf, facts: set[str]) -> bool:
        """Whether a relay's condition can become true, given what is written somewhere."""
        match test:
            case n.AllOf(parts):
                return all(self._possible(process, p, event, facts) for p in parts)
            case n.AnyOf(parts):
                return any(self._possible(process, p, event, facts) for p in parts)
            case n.InStore(_, store, negated):
                return negated or store.text in facts
            case n.ColumnIs(store, name, value, negated):
                first = self.ctx.design.stores[store.text].columns[name.text][0] == value.text
                cell = f"{store.text}.{name.text}"
                others = any(f.startswith(f"{cell}=") and f != f"{cell}={value.text}" for f in facts)
                return (others or not first) if negated else (first or f"{cell}={value.text}" in facts)
            case n.Happened(effect, negated):
                return negated or effect.text in facts
            case n.NameIs():
                return self._truth(process, test, event) is not False

    def _truth(self, process: Process, test: n.Condition, event: EventOf) -> bool | None:
        """A condition as far as the payload decides it."""
        match test:
            case n.AllOf(parts):
                truths = [self._truth(process, p, event) for p in parts]
                return False if False in truths else None if None in truths else True
            case n.AnyOf(parts):
                truths = [self._truth(process, p, event) for p in parts]
                return True if True in truths else None if None in truths else False
            case n.NameIs(name, value, negated) if self.ctx.is_payload(process.name, name.text):
                return (look(event.payload, name.text, "unset") == value.text) != negated
            case _:
                return None

    def _block(self, process: Process, steps: tuple[n.Step, ...], event: EventOf, facts: set[str]) -> bool:
        """Add what a block can do; whether its end can be reached."""
        return all(self._step(process, step, event, facts) for step in steps)

    def _step(self, process: Process, step: n.Step, event: EventOf, facts: set[str]) -> bool:
        match step:
            case n.Stop() | n.Fail():
                return False
            case n.If(condition, body, otherwise):
                truth = self._truth(process, condition, event)
                ways = [b for b, taken in ((body, truth is not False), (otherwise, truth is not True)) if taken]
                ends = [self._block(process, b, event, facts) for b in ways]
                return any(ends)
            case n.Atomic(_, body) | n.Section(_, body):
                return self._block(process, body, event, facts)
            case n.Publish(queue):
                facts.add(f"publish {queue.text}")
            case n.Do(_, effect):
                facts.add(effect.text)
            case n.SetColumn(store, name, value) | n.UpdateIf(store, name, _, value):
                facts |= {store.text, f"{store.text}.{name.text}", f"{store.text}.{name.text}={value.text}"}
            case n.Increment(store, name):
                facts |= {store.text, f"{store.text}.{name.text}"}
            case n.Add(_, store) | n.Insert(_, store):
                facts.add(store.text)
            case _:
                pass
        if isinstance(step, n.Do | n.Insert | n.UpdateIf):
            for clause in step.clauses:
                self._block(process, clause.body, event, facts)
        return True
