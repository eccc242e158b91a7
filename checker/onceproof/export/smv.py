"""SMV, for NuSMV and nuXmv: slots and events written out one by one, one named step per rule and
actor, an INVARSPEC per claim.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

from msgspec import Struct

from onceproof.export.model import Dialect, Model, changes, describe, head, reached, tame
from onceproof.export.names import numeric
from onceproof.machine.system import (
    EventPattern,
    Guard,
    Level,
    Pattern,
    Property,
    Rule,
    RuleKind,
    Update,
    Variable,
)

STATES = (
    "The states are those of print_reachable_states; `step` is an input. idle stands for no step."
)


def smv(model: Model) -> str:
    """The model."""
    return _Smv(model).text()


class _Actor(Struct, frozen=True):
    """Who takes a step: a slot and an event, each -1 where there is none; ``key`` is the
    component.
    """

    slot: int
    event: int
    key: int

    @property
    def tail(self) -> str:
        """What is added to the rule's name."""
        parts = [f"w{self.slot}"] * (self.slot >= 0) + [f"e{self.event}"] * (self.event >= 0)
        return "__" + "_".join(parts or [f"k{self.key}"])


class _Smv(Struct):
    model: Model

    @property
    def say(self) -> Dialect:
        values = self.model.names.values
        return Dialect("=", "!=", "&", "|", "!", "TRUE", "FALSE", lambda v, x: values[v, x])

    @property
    def total(self) -> int:
        """How many events there are in all; they are numbered through, and this number means
        none.
        """
        return self.model.size.events * self.model.size.keys

    # -- places

    def place(self, name: str, actor: _Actor) -> str:
        variable, short = self.model.variables[name], self.model.names.variables[name]
        match variable.level:
            case Level.COMPONENT:
                return f"{short}__k{actor.key}"
            case Level.EVENT:
                return f"{short}__e{actor.event}"
            case Level.WORKER:
                return f"{short}__w{actor.slot}"

    def guard(self, guard: Guard, actor: _Actor) -> list[str]:
        return self.say.guard(self.model, guard, lambda name: self.place(name, actor))

    def other(self, slot: int) -> _Actor:
        """Somebody else's slot."""
        return _Actor(slot, -1, -1)

    # -- the whole

    def text(self) -> str:
        model, size = self.model, self.model.size
        steps = [
            (name + actor.tail, rule, actor)
            for kind in RuleKind
            for name, rule in model.rules(kind)
            for actor in self.actors(kind)
        ]
        lines = [*(f"-- {line}".rstrip() for line in head(model, STATES)), "MODULE main", "", "VAR"]
        places: dict[str, None] = {}
        for variable in model.machine.variables:
            count = {
                Level.COMPONENT: size.keys,
                Level.EVENT: self.total,
                Level.WORKER: size.workers,
            }[variable.level]
            for i in range(count):
                place = self.place(variable.name, _Actor(i, i, i))
                places[place] = None
                lines.append(f"  {place} : {self.domain(variable)};")
        for slot in range(size.workers):
            places[f"on__w{slot}"] = None
            lines.append(
                f"  on__w{slot} : 0..{self.total}; -- the event of the worker in this slot;"
                f" {self.total}: the slot is free"
            )
        lines += [
            "",
            "IVAR",
            f"  step : {{ {', '.join(['idle', *(name for name, _, _ in steps)])} }};",
            "",
            *self.init(),
        ]
        writers: dict[str, list[str]] = {place: [] for place in places}
        for name, rule, actor in steps:
            guard, changed = self.condition(rule, actor), self.changed(rule, actor)
            for place in changed:
                writers[place].append(name)
            body = "\n     & ".join(
                [self.say.all(guard), *(f"next({p}) = {new}" for p, new in changed.items())]
            )
            lines += ["", f"-- {describe(rule.action)}", f"TRANS step = {name} ->", f"  (  {body})"]
        lines += ["", "-- What no step changes stays."]
        for place, names in writers.items():
            lines.append(
                f"TRANS !(step in {{{', '.join(names)}}}) -> next({place}) = {place}"
                if names
                else f"TRANS next({place}) = {place}"
            )
        for number, claim in enumerate(model.claims):
            lines += [
                "",
                f"-- {tame(claim.name)}",
                f"INVARSPEC NAME {model.names.claims[number]} := !({self.bad(claim)});",
            ]
        return "\n".join(lines) + "\n"

    def domain(self, variable: Variable) -> str:
        if numeric(variable):
            return f"0..{len(variable.domain) - 1}"
        return (
            f"{{{', '.join(self.model.names.values[variable.name, x] for x in variable.domain)}}}"
        )

    def init(self) -> list[str]:
        size, lines = self.model.size, []
        for variable in self.model.machine.variables:
            count = {
                Level.COMPONENT: size.keys,
                Level.EVENT: self.total,
                Level.WORKER: size.workers,
            }[variable.level]
            for i in range(count):
                test = self.say.any(
                    f"{self.place(variable.name, _Actor(i, i, i))} ="
                    f" {self.say.value(variable.name, x)}"
                    for x in variable.initial
                )
                lines.append(f"INIT {test}")
        return lines + [f"INIT on__w{slot} = {self.total}" for slot in range(size.workers)]

    # -- rules

    def actors(self, kind: RuleKind) -> Iterator[_Actor]:
        size = self.model.size
        if kind is RuleKind.COMPONENT:
            yield from (_Actor(-1, -1, k) for k in range(size.keys))
            return
        for slot in range(size.workers) if kind in (RuleKind.WORKER, RuleKind.SPAWN) else (-1,):
            yield from (_Actor(slot, e, e // size.events) for e in range(self.total))

    @property
    def slots(self) -> range:
        return range(self.model.size.workers)

    def condition(self, rule: Rule, actor: _Actor) -> list[str]:
        start = {
            RuleKind.SPAWN: [f"on__w{actor.slot} = {self.total}"],
            RuleKind.WORKER: [f"on__w{actor.slot} = {actor.event}"],
        }
        parts = [*start.get(rule.kind, []), *self.guard(rule.guard, actor)]
        if rule.alone is not None:
            for slot in self.slots:
                if slot != actor.slot:
                    there = [
                        f"on__w{slot} = {actor.event}",
                        *self.guard(rule.alone, self.other(slot)),
                    ]
                    parts.append(self.say.deny(self.say.all(there)))
        for limit, tests in reached(self.model, rule):
            fits = [
                self.say.test(
                    self.place(t.variable, actor), self.model.variables[t.variable], t.allowed
                )
                for t in tests
            ]
            each = [
                f"toint({self.say.all([f'on__w{s} != {self.total}', *self.guard(limit.guard, self.other(s))])})"  # noqa: E501
                for s in self.slots
            ]
            parts.append(
                self.say.deny(self.say.all([*fits, f"{' + '.join(each)} >= {limit.count}"]))
            )
        return parts

    def changed(self, rule: Rule, actor: _Actor) -> dict[str, str]:
        """What the step writes: the new value of each place, as an expression over the old ones."""
        found: dict[str, str] = {}
        if rule.kind is RuleKind.SPAWN:
            found[f"on__w{actor.slot}"] = str(actor.event)
        found.update({self.place(u.target, actor): self.after(u, actor) for u in rule.updates})
        if rule.ends:
            found.update(dict(self.leave(actor.slot)))
        for slot in self.slots if rule.others else ():
            if slot != actor.slot:
                found.update(self.told(rule, actor, slot))
        return found

    def leave(self, slot: int) -> list[tuple[str, str]]:
        """The slot is free again, and looks like every free slot."""
        rows = [
            (self.place(v.name, self.other(slot)), self.say.value(v.name, v.initial[0]))
            for v in self.model.workers
        ]
        return [(f"on__w{slot}", str(self.total)), *rows]

    def told(self, rule: Rule, actor: _Actor, slot: int) -> dict[str, str]:
        """What the broadcasts of a rule make of another slot."""
        cases: dict[str, list[str]] = {}
        for said in rule.others:
            if said.scope is Level.EVENT:
                here = f"on__w{slot} = {actor.event}"
            else:
                first = actor.key * self.model.size.events
                here = f"on__w{slot} in {first}..{first + self.model.size.events - 1}"
            heard = self.say.all([here, *self.guard(said.guard, self.other(slot))])
            updates = [
                (self.place(u.target, self.other(slot)), self.after(u, self.other(slot)))
                for u in said.updates
            ]
            for place, new in self.leave(slot) if said.removes else updates:
                cases.setdefault(place, []).append(f"{heard} : {new};")
        return {
            place: f"case {' '.join(each)} TRUE : {place}; esac" for place, each in cases.items()
        }

    def after(self, update: Update, actor: _Actor) -> str:
        source = update.source
        if source is None:
            return self.say.value(update.target, update.table[0][1])
        place, cases = self.place(source, actor), []
        for olds, new in changes(update):
            test = self.say.any(f"{place} = {self.say.value(source, x)}" for x in olds)
            cases.append(f"{test} : {self.say.value(update.target, new)};")
        # NuSMV wants every case covered; the guard of the rule leaves no other.
        return (
            f"case {' '.join(cases)} TRUE : {self.say.value(update.target, update.table[-1][1])};"
            " esac"
        )

    # -- claims

    def bad(self, claim: Property) -> str:
        return (
            "\n  | ".join(dict.fromkeys(c for p in claim.bad for c in self.pattern(p))) or "FALSE"
        )

    def pattern(self, pattern: Pattern) -> list[str]:
        found, size = [], self.model.size
        for k in range(size.keys):
            row = self.guard(pattern.component, _Actor(-1, -1, k))
            for events in permutations(
                range(k * size.events, (k + 1) * size.events), len(pattern.events)
            ):
                parts = [
                    x
                    for each, e in zip(pattern.events, events, strict=True)
                    for x in self.one(each, e)
                ]
                found.append(f"({self.say.all([*row, *parts])})")
        return found

    def one(self, pattern: EventPattern, event: int) -> list[str]:
        """One event of a pattern, with its workers and without those that must be absent."""
        parts = self.guard(pattern.guard, _Actor(-1, event, -1))
        if pattern.workers:
            chosen = permutations(self.slots, len(pattern.workers))
            parts.append(
                self.say.any(
                    f"({self.say.all(self.staff(pattern.workers, slots, event))})"
                    for slots in chosen
                )
            )
        if pattern.absent is not None:
            for slot in self.slots:
                there = [f"on__w{slot} = {event}", *self.guard(pattern.absent, self.other(slot))]
                parts.append(self.say.deny(self.say.all(there)))
        return parts

    def staff(self, guards: Sequence[Guard], slots: Sequence[int], event: int) -> list[str]:
        """The workers of an event pattern, in these slots."""
        return [
            x
            for s, g in zip(slots, guards, strict=True)
            for x in (f"on__w{s} = {event}", *self.guard(g, self.other(s)))
        ]
