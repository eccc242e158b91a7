"""SMV, for NuSMV and nuXmv: slots and events written out one by one, one named step per rule and
actor, an INVARSPEC per claim.
"""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.export.model import Dialect, Model, describe, tame
from onceproof.export.names import numeric
from onceproof.export.writer import ACTING, Actor, EnumeratedWriter
from onceproof.machine.system import Level, Property, Rule, RuleKind, Update, Variable


def smv(model: Model) -> str:
    """The model."""
    return SmvWriter(model).text()


class SmvWriter(EnumeratedWriter):
    """Writes the model."""

    states = (
        "The states are those of print_reachable_states; `step` is an input. idle stands for no"
        " step."
    )

    def dialect_of(self, model: Model) -> Dialect:
        values = model.names.values
        return Dialect("=", "!=", "&", "|", "!", "TRUE", "FALSE", lambda v, x: values[v, x])

    # -- phrases

    def place(self, name: str, actor: Actor) -> str:
        match self.variables[name].level:
            case Level.COMPONENT:
                return f"{self.short(name)}__k{actor.component}"
            case Level.EVENT:
                return f"{self.short(name)}__e{actor.event}"
            case Level.WORKER:
                return f"{self.short(name)}__w{actor.slot}"

    def free(self, slot: str) -> str:
        return f"on__w{slot} = {self.total}"

    def occupied(self, slot: str) -> str:
        return f"on__w{slot} != {self.total}"

    def works(self, slot: str, event: str) -> list[str]:
        return [f"on__w{slot} = {event}"]

    def in_component(self, slot: str, actor: Actor) -> list[str]:
        first = int(actor.component) * self.size.events
        return [f"on__w{slot} in {first}..{first + self.size.events - 1}"]

    def alone(self, rule: Rule, actor: Actor) -> list[str]:
        if rule.alone is None:
            return []
        return self.nobody(rule.alone, actor.event, self.slots_beside(actor))

    def number_of(self, conditions: list[str]) -> str:
        return " + ".join(f"toint({condition})" for condition in conditions)

    # -- the parts

    def declarations(self) -> list[str]:
        lines = [*self.heading("-- "), "MODULE main", "", "VAR"]
        for variable in self.model.machine.variables:
            for place in self.places(variable):
                lines.append(f"  {place} : {self.domain(variable)};")
        for slot in self.slots:
            lines.append(
                f"  on__w{slot} : 0..{self.total}; -- the event of the worker in this slot;"
                f" {self.total}: the slot is free"
            )
        steps = ["idle", *(step for step, _, _ in self.steps())]
        return [*lines, "", "IVAR", f"  step : {{ {', '.join(steps)} }};", "", *self.initial()]

    def places(self, variable: Variable) -> list[str]:
        """All copies of a variable."""
        count = {
            Level.COMPONENT: self.size.keys,
            Level.EVENT: self.total,
            Level.WORKER: self.size.workers,
        }[variable.level]
        return [self.place(variable.name, Actor(str(i), str(i), str(i))) for i in range(count)]

    def domain(self, variable: Variable) -> str:
        if numeric(variable):
            return f"0..{len(variable.domain) - 1}"
        values = self.model.names.values
        return f"{{{', '.join(values[variable.name, x] for x in variable.domain)}}}"

    def initial(self) -> list[str]:
        """Each copy of a variable has one of its initial values, and every slot is free."""
        lines = [
            f"INIT {self.is_one_of(variable.name, place, variable.initial)}"
            for variable in self.model.machine.variables
            for place in self.places(variable)
        ]
        return lines + [f"INIT {self.free(slot)}" for slot in self.slots]

    def actors(self, kind: RuleKind) -> Iterator[Actor]:
        if kind is RuleKind.COMPONENT:
            yield from (Actor(component=str(k)) for k in range(self.size.keys))
            return
        for slot in self.slots if kind in ACTING else ("",):
            for event in range(self.total):
                yield Actor(str(event // self.size.events), str(event), slot)

    def step(self, name: str, actor: Actor) -> str:
        """The name of a rule's step by one actor."""
        parts = [f"w{actor.slot}"] if actor.slot else []
        parts += [f"e{actor.event}"] if actor.event else []
        return f"{name}__{'_'.join(parts or [f'k{actor.component}'])}"

    def steps(self) -> Iterator[tuple[str, Rule, Actor]]:
        """All steps, by name."""
        for kind in self.order:
            for name, rule in self.model.rules(kind):
                for actor in self.actors(kind):
                    yield self.step(name, actor), rule, actor

    def slots_beside(self, actor: Actor) -> list[str]:
        return [slot for slot in self.slots if slot != actor.slot]

    def rule(self, name: str, rule: Rule) -> list[list[str]]:
        blocks = []
        for actor in self.actors(rule.kind):
            guard = self.dialect.all(self.conditions(rule, actor))
            changed = [f"next({p}) = {new}" for p, new in self.changed(rule, actor).items()]
            body = "\n     & ".join([guard, *changed])
            step = f"TRANS step = {self.step(name, actor)} ->"
            blocks.append([f"-- {describe(rule)}", step, f"  (  {body})"])
        return blocks

    def behavior(self) -> list[str]:
        places = [p for v in self.model.machine.variables for p in self.places(v)]
        writers: dict[str, list[str]] = {
            place: [] for place in (*places, *(f"on__w{slot}" for slot in self.slots))
        }
        for step, rule, actor in self.steps():
            for place in self.changed(rule, actor):
                writers[place].append(step)
        lines = ["", "-- What no step changes stays."]
        for place, steps in writers.items():
            condition = f"!(step in {{{', '.join(steps)}}}) -> " if steps else ""
            lines.append(f"TRANS {condition}next({place}) = {place}")
        return lines

    def changed(self, rule: Rule, actor: Actor) -> dict[str, str]:
        """What the step writes: the new value of each place, as an expression over the old ones."""
        new: dict[str, str] = {}
        if rule.kind is RuleKind.SPAWN:
            new[f"on__w{actor.slot}"] = actor.event
        new.update({self.place(u.target, actor): self.after(u, actor) for u in rule.updates})
        if rule.ends:
            new.update(self.freed(actor.slot))
        if rule.others:
            for slot in self.slots_beside(actor):
                new.update(self.after_broadcasts(rule, actor, slot))
        return new

    def freed(self, slot: str) -> dict[str, str]:
        """The slot is free again, and looks like every free slot."""
        row = {self.place(v.name, Actor(slot=slot)): self.first(v.name) for v in self.model.workers}
        return {f"on__w{slot}": str(self.total), **row}

    def after_broadcasts(self, rule: Rule, actor: Actor, slot: str) -> dict[str, str]:
        """What the broadcasts of a rule make of another slot."""
        receiver = Actor(slot=slot)
        cases: dict[str, list[str]] = {}
        for broadcast in rule.others:
            condition = self.dialect.all(self.receives(broadcast, slot, actor))
            new = (
                self.freed(slot)
                if broadcast.removes
                else {
                    self.place(u.target, receiver): self.after(u, receiver)
                    for u in broadcast.updates
                }
            )
            for place, value in new.items():
                cases.setdefault(place, []).append(f"{condition} : {value};")
        return {
            place: f"case {' '.join(each)} TRUE : {place}; esac" for place, each in cases.items()
        }

    def after(self, update: Update, actor: Actor) -> str:
        """The new value, as an expression."""
        if update.source is None:
            return self.constant(update)
        branches = self.branches(update, self.place(update.source, actor))
        cases = " ".join(f"{test} : {new};" for test, new in branches)
        # NuSMV wants every case covered; the guard of the rule leaves no other.
        last = self.dialect.value(update.target, update.table[-1][1])
        return f"case {cases} TRUE : {last}; esac"

    def claim(self, number: int, claim: Property) -> list[str]:
        return [
            f"-- {tame(claim.name)}",
            f"INVARSPEC NAME {self.model.names.claims[number]} := !({self.bad(claim, '  ')});",
        ]
