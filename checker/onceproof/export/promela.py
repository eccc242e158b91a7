"""Promela, for SPIN: one inline per rule, one process per worker slot, event and component, one
never claim per claim.
"""

from __future__ import annotations

from onceproof.export.model import Dialect, Model, describe, in_order, saved_sources, tame
from onceproof.export.names import numeric
from onceproof.export.writer import ACTING, Actor, EnumeratedWriter
from onceproof.machine.system import (
    Broadcast,
    Level,
    Property,
    Rule,
    RuleKind,
    Update,
    Variable,
)

WIDEST = 255
"""The largest number of a ``byte``."""

PARAMETERS = {
    RuleKind.SPAWN: "w, e",
    RuleKind.WORKER: "w",
    RuleKind.EVENT: "e",
    RuleKind.COMPONENT: "k",
}
ACTORS = {
    RuleKind.SPAWN: Actor(event="e", slot="w"),
    RuleKind.WORKER: Actor(event="on[w]", slot="w"),
    RuleKind.EVENT: Actor(event="e", slot="w"),
    RuleKind.COMPONENT: Actor(component="k", event="e", slot="w"),
}


def promela(model: Model) -> str:
    """The model."""
    return PromelaWriter(model).text()


class PromelaWriter(EnumeratedWriter):
    """Writes the model."""

    states = (
        "SPIN counts one state more than there are: the one before init has run. Count with spin"
        " -o2 -o3, -DNOREDUCE, -DNOCLAIM."
    )
    order = tuple(PARAMETERS)

    def dialect_of(self, model: Model) -> Dialect:
        values = model.names.values
        return Dialect("==", "!=", "&&", "||", "!", "true", "false", lambda v, x: values[v, x])

    # -- phrases

    def place(self, name: str, actor: Actor) -> str:
        short = self.short(name)
        match self.variables[name].level:
            case Level.COMPONENT:
                return f"{short}[{self.component(actor)}]" if self.has_keys else short
            case Level.EVENT:
                return f"{short}[{actor.event}]"
            case Level.WORKER:
                return f"{short}[{actor.slot}]"

    def component(self, actor: Actor) -> str:
        """The component of an actor; events are numbered through all components."""
        return actor.component or f"{actor.event} / EVENTS"

    def free(self, slot: str) -> str:
        return f"on[{slot}] == FREE"

    def occupied(self, slot: str) -> str:
        return f"on[{slot}] != FREE"

    def works(self, slot: str, event: str) -> list[str]:
        return [f"on[{slot}] == {event}"]

    def in_component(self, slot: str, actor: Actor) -> list[str]:
        same = [f"on[{slot}] / EVENTS == {self.component(actor)}"] if self.has_keys else []
        return [self.occupied(slot), *same]

    def ready(self, kind: RuleKind, actor: Actor) -> list[str]:
        # The event of a worker is the one its slot holds: there is nothing else to compare.
        if kind is RuleKind.WORKER:
            return [self.occupied(actor.slot)]
        return super().ready(kind, actor)

    def alone(self, rule: Rule, actor: Actor) -> list[str]:
        if rule.alone is None:
            return []
        but = actor.slot if rule.kind in ACTING else ""
        return self.nobody(rule.alone, actor.event, self.slots, but)

    def number_of(self, conditions: list[str]) -> str:
        return f"({' + '.join(f'({condition})' for condition in conditions)})"

    # -- the parts

    def declarations(self) -> list[str]:
        model, size = self.model, self.size
        lines = ["/*", *self.heading(" * "), " */", ""]
        lines += [
            f"#define WORKERS {size.workers}",
            f"#define EVENTS {size.events}",
            f"#define KEYS {size.keys}",
            f"#define FREE {self.total}  /* what on[w] is while slot w has no worker */",
        ]
        for variable in model.machine.variables:
            if not numeric(variable):
                lines += ["", f"/* {tame(variable.name)} */"]
                lines += [
                    f"#define {model.names.values[variable.name, x]} {i}"
                    for i, x in enumerate(variable.domain)
                ]
        lines.append("")
        lengths = {
            Level.COMPONENT: f"[{size.keys}]" if self.has_keys else "",
            Level.EVENT: f"[{self.total}]",
            Level.WORKER: "[WORKERS]",
        }
        for variable in model.machine.variables:
            name, length = self.short(variable.name), lengths[variable.level]
            first = self.first(variable.name)
            lines.append(f"{self.type(variable)} {name}{length} = {first};")
        lines += [
            "byte on[WORKERS] = FREE;  /* the event that the worker in slot w works on */",
            "hidden byte v;",
        ]
        rules = model.machine.rules
        for prefix, updates in (
            ("old", [rule.updates for rule in rules]),
            ("was", [b.updates for rule in rules for b in rule.others]),
        ):
            saved = sorted({x for each in updates for x in saved_sources(in_order(each))})
            lines += [
                f"hidden {self.type(self.variables[x])} {prefix}__{self.short(x)};" for x in saved
            ]
        return lines

    def type(self, variable: Variable) -> str:
        return "byte" if len(variable.domain) <= WIDEST else "short"

    def rule(self, name: str, rule: Rule) -> list[list[str]]:
        actor = ACTORS[rule.kind]
        guard = self.dialect.all(self.conditions(rule, actor))
        updates = in_order(rule.updates)
        saved = saved_sources(updates)
        steps = [f"old__{self.short(x)} = {self.place(x, actor)}" for x in saved]
        steps += self.broadcasts(rule, actor)
        if rule.kind is RuleKind.SPAWN:
            steps.append("on[w] = e")
        steps += [self.assignment(update, actor, ("old", saved)) for update in updates]
        if rule.ends:
            steps += self.leave("w")
        return [
            [
                f"inline {name}({PARAMETERS[rule.kind]}) {{ /* {describe(rule)} */",
                f"  d_step {{ ({guard}) ->",
                *(f"    {step};" for step in steps or ["skip"]),
                "  }",
                "}",
            ]
        ]

    def leave(self, slot: str) -> list[str]:
        """The slot is free again, and looks like every free slot."""
        actor = Actor(slot=slot)
        row = [f"{self.place(v.name, actor)} = {self.first(v.name)}" for v in self.model.workers]
        return [*row, f"on[{slot}] = FREE"]

    def assignment(self, update: Update, actor: Actor, saved: tuple[str, tuple[str, ...]]) -> str:
        """The update as an assignment."""
        if update.source is None:
            return f"{self.place(update.target, actor)} = {self.constant(update)}"
        branches = self.branches(update, self.source(update.source, actor, saved))
        # The guard lets no other value in, so the last branch needs no test.
        new = branches[-1][1]
        for test, value in reversed(branches[:-1]):
            new = f"({test} -> {value} : {new})"
        return f"{self.place(update.target, actor)} = {new}"

    def broadcasts(self, rule: Rule, actor: Actor) -> list[str]:
        """At most one of a rule's broadcasts matches any worker, so they are the branches of one
        decision.
        """
        if not rule.others:
            return []
        receiver, branches = Actor(slot="v"), []
        for broadcast in rule.others:
            updates = in_order(broadcast.updates)
            saved = saved_sources(updates)
            steps = [f"was__{self.short(x)} = {self.place(x, receiver)}" for x in saved]
            steps += [self.assignment(update, receiver, ("was", saved)) for update in updates]
            if broadcast.removes:
                steps = self.leave("v")
            condition = self.received(rule, broadcast, actor)
            branches.append(f"      :: ({condition}) -> {'; '.join(steps or ['skip'])}")
        loop = [
            "for (v : 0 .. WORKERS - 1) {",
            "      if",
            *branches,
            "      :: else -> skip",
            "      fi",
            "    }",
        ]
        return ["\n".join(loop), "v = 0"]

    def received(self, rule: Rule, broadcast: Broadcast, actor: Actor) -> str:
        """Whether the worker in slot ``v`` takes part in a broadcast; the actor never does."""
        other = ["v != w"] if rule.kind is RuleKind.WORKER else []
        return self.dialect.all([*other, *self.receives(broadcast, "v", actor)])

    def behavior(self) -> list[str]:
        return ["", *self.processes(), "", *self.initial()]

    def processes(self) -> list[str]:
        """A process for each slot, event and component."""
        spawns = [
            f"{name}(w, {event})"
            for name, _ in self.model.rules(RuleKind.SPAWN)
            for event in range(self.total)
        ]
        workers = [f"{name}(w)" for name, _ in self.model.rules(RuleKind.WORKER)]
        events = [f"{name}(e)" for name, _ in self.model.rules(RuleKind.EVENT)]
        components = [f"{name}(k)" for name, _ in self.model.rules(RuleKind.COMPONENT)]
        lines: list[str] = []
        for process, parameter, choices in (
            ("Worker", "w", spawns + workers),
            ("Event", "e", events),
            ("Component", "k", components),
        ):
            if choices:
                head = [f"proctype {process}(byte {parameter}) {{", "end:", "  do"]
                lines += [*head, *(f"  :: {choice}" for choice in choices), "  od", "}", ""]
        return lines[:-1]

    def initial(self) -> list[str]:
        """Every combination of initial values, each event and component choosing its own."""
        model, size = self.model, self.size
        lines = ["init {", "  atomic {"]
        for variables, count in ((model.components, size.keys), (model.events, self.total)):
            for variable in variables:
                if len(variable.initial) > 1:
                    values = [self.dialect.value(variable.name, x) for x in variable.initial]
                    for i in range(count):
                        place = self.place(variable.name, Actor(str(i), str(i)))
                        choices = " ".join(f":: {place} = {value}" for value in values)
                        lines.append(f"    if {choices} fi;")
        runs = [f"run Worker({slot})" for slot in self.slots]
        if model.rules(RuleKind.EVENT):
            runs += [f"run Event({event})" for event in range(self.total)]
        if model.rules(RuleKind.COMPONENT):
            runs += [f"run Component({k})" for k in range(size.keys)]
        return [*lines, f"    {'; '.join(runs)}", "  }", "}"]

    def claim(self, number: int, claim: Property) -> list[str]:
        name = self.model.names.claims[number]
        return [
            f"never {name} {{ /* {tame(claim.name)}: ends where a bad situation is found */",
            "  do",
            f"  :: ({self.bad(claim, '    ')}) -> break",
            "  :: else",
            "  od",
            "}",
        ]
