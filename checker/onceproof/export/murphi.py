"""Murphi, for Rumur (and CMurphi): one rule per rule, arrays of events and slots, an invariant per
claim.
"""

from __future__ import annotations

from onceproof.export.model import (
    Dialect,
    Model,
    changes,
    describe,
    in_order,
    saved_sources,
    starts,
    tame,
)
from onceproof.export.names import numeric
from onceproof.export.writer import ACTING, Actor, QuantifiedWriter
from onceproof.machine.system import (
    Broadcast,
    Level,
    Limit,
    Property,
    Rule,
    RuleKind,
    Update,
    Variable,
)

PARAMETERS = {
    RuleKind.SPAWN: "w: Slot; e: Event",
    RuleKind.WORKER: "w: Slot; e: Event",
    RuleKind.EVENT: "e: Event",
    RuleKind.COMPONENT: "",
}
ACTOR = Actor("k", "e", "w")


def murphi(model: Model, *, cover: bool = False) -> str:
    """The model; ``cover``: claims count the bad states instead of forbidding them."""
    return MurphiWriter(model, cover).text()


class MurphiWriter(QuantifiedWriter):
    """Writes the model."""

    states = (
        "A state is a state of Rumur: free slots are undefined, so they are all alike. Count with"
        " --deadlock-detection off."
    )
    order = tuple(PARAMETERS)

    def __init__(self, model: Model, cover: bool = False) -> None:
        super().__init__(model)
        self.cover = cover

    def dialect_of(self, model: Model) -> Dialect:
        values = model.names.values
        return Dialect("=", "!=", "&", "|", "!", "true", "false", lambda v, x: values[v, x])

    # -- phrases

    def free(self, slot: str) -> str:
        return f"free({slot})"

    def occupied(self, slot: str) -> str:
        return f"!free({slot})"

    def works(self, slot: str, event: str) -> list[str]:
        return [f"works({slot}, {'k, ' if self.has_keys else ''}{event})"]

    def exists(self, binders: list[tuple[str, str]], condition: str) -> str:
        for kind, name in reversed(binders):
            condition = f"(exists {name}: {kind} do {condition} end)"
        return condition

    def nobody(self, condition: str) -> str:
        return f"!(exists v: Slot do {condition} end)"

    def alone(self, rule: Rule, actor: Actor) -> list[str]:
        if rule.alone is None:
            return []
        other = ["v != w"] if rule.kind in ACTING else []
        parts = [*other, *self.works("v", "e"), *self.guard(rule.alone, Actor(slot="v"))]
        return [self.nobody(self.dialect.all(parts))]

    def at_limit(self, limit: Limit) -> str:
        # Murphi cannot count: there are so many if there is a choice of so many distinct ones.
        slots = [f"v{i}" for i in range(limit.count)]
        parts = self.distinct(slots)
        for slot in slots:
            parts += [self.occupied(slot), *self.guard(limit.guard, Actor(slot=slot))]
        return self.exists([("Slot", slot) for slot in slots], self.dialect.all(parts))

    # -- the parts

    def declarations(self) -> list[str]:
        lines = [*self.heading("-- "), "", *self.types(), "", *self.helpers(), ""]
        return [*lines, *self.initial()]

    def types(self) -> list[str]:
        """The constants, types and variables."""
        model, size = self.model, self.size
        of = "scalarset({})" if model.symmetric else "0..{} - 1"
        lines = [
            f"const WORKERS: {size.workers}; EVENTS: {size.events}; KEYS: {size.keys};",
            "",
            "type",
            f"  Slot: {of.format('WORKERS')};",
            f"  Event: {of.format('EVENTS')};",
        ]
        if self.has_keys:
            lines.append("  Key: 0..KEYS - 1;")
        lines += [f"  {self.type(v)}: {self.domain(v)};" for v in model.machine.variables]
        fields = "".join(f" {self.short(v.name)}: {self.type(v)};" for v in model.workers)
        key = " key: Key;" if self.has_keys else ""
        lines += [f"  Worker: record{key} event: Event;{fields} end;", "", "var"]
        for variable in (*model.components, *model.events):
            arrays = ["Key"] if self.has_keys else []
            arrays += ["Event"] if variable.level is Level.EVENT else []
            kind = "".join(f"array [{a}] of " for a in arrays) + self.type(variable)
            lines.append(f"  {self.short(variable.name)}: {kind};")
        return [*lines, "  worker: array [Slot] of Worker;"]

    def type(self, variable: Variable) -> str:
        return f"T__{self.short(variable.name)}"

    def domain(self, variable: Variable) -> str:
        if numeric(variable):
            return f"0..{len(variable.domain) - 1}"
        values = self.model.names.values
        return f"enum {{ {', '.join(values[variable.name, x] for x in variable.domain)} }}"

    def helpers(self) -> list[str]:
        key, same = ("k: Key; ", " & worker[w].key = k") if self.has_keys else ("", "")
        return [
            "-- is the slot without a worker?",
            "function free(w: Slot): boolean; begin return isundefined(worker[w].event); end;",
            "-- is there a worker in the slot, on this event?",
            f"function works(w: Slot; {key}e: Event): boolean;",
            "begin",
            "  if isundefined(worker[w].event) then return false; end;",
            f"  return worker[w].event = e{same};",
            "end;",
        ]

    def initial(self) -> list[str]:
        """Every combination of initial rows, each event and component choosing its own."""
        model, size = self.model, self.size
        components, events = starts(model.components), starts(model.events)
        parameters: list[str] = []
        choices: list[tuple[Actor, str]] = []
        for k in range(size.keys):
            if len(components) > 1:
                parameters.append(f"c{k}: 0..{len(components) - 1}")
            for e in range(size.events):
                if len(events) > 1:
                    parameters.append(f"r{k}_{e}: 0..{len(events) - 1}")
                    # A scalarset has no numbers: which events choose is itself a choice.
                    if model.symmetric:
                        parameters.append(f"e{k}_{e}: Event")
                    event = f"e{k}_{e}" if model.symmetric else str(e)
                    choices.append((Actor(str(k), event), f"r{k}_{e}"))
        lines = [f"ruleset {'; '.join(parameters)} do"] if parameters else []
        lines += ["startstate", "begin"]
        for k in range(size.keys):
            lines += self.choose(model.components, components, f"c{k}", Actor(str(k)))
            each = self.choose(model.events, events[:1], "", Actor(str(k), "e"))
            lines += ["  for e: Event do", *(f"  {line}" for line in each), "  end;"]
        for actor, chosen in choices:
            lines += self.choose(model.events, events, chosen, actor)
        lines += ["  for w: Slot do undefine worker[w]; end;", "end;"]
        return [*lines, "end;"] if parameters else lines

    def choose(
        self,
        variables: tuple[Variable, ...],
        rows: list[tuple[str, ...]],
        chosen: str,
        actor: Actor,
    ) -> list[str]:
        """Assign one of the rows; ``chosen`` names the number of the row."""
        if not variables:
            return []
        assignments = [
            " ".join(
                f"{self.place(v.name, actor)} := {self.dialect.value(v.name, x)};"
                for v, x in zip(variables, row, strict=True)
            )
            for row in rows
        ]
        if len(rows) == 1:
            return [f"  {assignments[0]}"]
        cases = [
            f"  {'elsif' if i else 'if'} {chosen} = {i} then {assignment}"
            for i, assignment in enumerate(assignments)
        ]
        return [*cases, "  end;"]

    def rule(self, name: str, rule: Rule) -> list[list[str]]:
        updates = in_order(rule.updates)
        saved = saved_sources(updates)
        received = {x for b in rule.others for x in saved_sources(in_order(b.updates))}
        lines = [
            f'rule "{describe(rule)}"',
            f"  {self.dialect.all(self.conditions(rule, ACTOR))}",
            "==>",
        ]
        for prefix, names in (("old", saved), ("was", sorted(received))):
            lines += [
                f"  var {prefix}__{self.short(x)}: {self.type(self.variables[x])};" for x in names
            ]
        lines += ["begin", *self.save("old", saved, ACTOR, "  ")]
        lines += self.broadcasts(rule)
        if rule.kind is RuleKind.SPAWN:
            lines += self.new_worker()
        for update in updates:
            lines += self.assignment(update, ACTOR, ("old", saved), "  ")
        if rule.ends:
            lines.append("  undefine worker[w];")
        lines.append("end;")
        key = "k: Key" if self.has_keys else ""
        parameters = "; ".join(x for x in (key, PARAMETERS[rule.kind]) if x)
        return [[f"ruleset {parameters} do", *lines, "end;"] if parameters else lines]

    def new_worker(self) -> list[str]:
        """The row of a worker that has just come."""
        key = ["  worker[w].key := k;"] if self.has_keys else []
        row = [
            f"  {self.place(v.name, ACTOR)} := {self.first(v.name)};" for v in self.model.workers
        ]
        return ["  worker[w].event := e;", *key, *row]

    def save(self, prefix: str, names: tuple[str, ...], actor: Actor, margin: str) -> list[str]:
        """Save values that are still needed after they are overwritten."""
        return [f"{margin}{prefix}__{self.short(x)} := {self.place(x, actor)};" for x in names]

    def assignment(
        self, update: Update, actor: Actor, saved: tuple[str, tuple[str, ...]], margin: str
    ) -> list[str]:
        """The update as statements."""
        target = self.place(update.target, actor)
        if update.source is None:
            return [f"{margin}{target} := {self.constant(update)};"]
        branches = self.branches(update, self.source(update.source, actor, saved))
        lines: list[str] = []
        for (old, new), (test, value) in zip(changes(update), branches, strict=True):
            # A value that stays needs no assignment.
            if update.source == update.target and old == (new,):
                continue
            lines.append(f"{margin}{'elsif' if lines else 'if'} {test} then {target} := {value};")
        return [*lines, f"{margin}end;"] if lines else []

    def broadcasts(self, rule: Rule) -> list[str]:
        """At most one of a rule's broadcasts matches any worker, so they are the branches of one
        decision.
        """
        if not rule.others:
            return []
        receiver = Actor(slot="v")
        lines = ["  for v: Slot do"]
        for number, broadcast in enumerate(rule.others):
            condition = self.received(rule, broadcast)
            lines.append(f"    {'elsif' if number else 'if'} {condition} then")
            if broadcast.removes:
                lines.append("      undefine worker[v];")
                continue
            updates = in_order(broadcast.updates)
            saved = saved_sources(updates)
            lines += self.save("was", saved, receiver, "      ")
            for update in updates:
                lines += self.assignment(update, receiver, ("was", saved), "      ")
        return [*lines, "    end;", "  end;"]

    def received(self, rule: Rule, broadcast: Broadcast) -> str:
        """Whether the worker in slot ``v`` takes part in a broadcast; the actor never does."""
        other = ["v != w"] if rule.kind is RuleKind.WORKER else []
        return self.dialect.all([*other, *self.receives(broadcast, "v", ACTOR)])

    def claim(self, number: int, claim: Property) -> list[str]:
        bad = self.dialect.any(f"({self.pattern(p)})" for p in claim.bad)
        name = tame(claim.name).replace('"', "'")
        if self.cover:
            return [f'cover "{name}"', f"  {bad};"]
        return [f'invariant "{name}"', f"  !({bad});"]
