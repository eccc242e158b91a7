"""TLA+, for TLC: a module with one action per rule and one invariant per claim, and the
configuration to run it.
"""

from __future__ import annotations

from onceproof.export.model import Dialect, Model, describe, tame
from onceproof.export.names import numeric
from onceproof.export.writer import ACTING, Actor, QuantifiedWriter
from onceproof.machine.system import Level, Limit, Property, Rule, RuleKind, Update

PARAMETERS = {
    RuleKind.SPAWN: ("w", "e"),
    RuleKind.WORKER: ("w", "e"),
    RuleKind.EVENT: ("e",),
    RuleKind.COMPONENT: (),
}
SETS = {"w": "Slots", "e": "Events", "k": "Keys"}


def tla(model: Model) -> str:
    """The module; its name is the model's title, which must be the name of its file."""
    return TlaWriter(model).text()


def cfg(model: Model) -> str:
    """The configuration for TLC: the sizes, the invariants, the symmetry."""
    size = model.size
    sets = (("Slots", "w", size.workers), ("Events", "e", size.events), ("Keys", "k", size.keys))
    lines = ["SPECIFICATION Spec", "CONSTANT None = None"]
    for name, letter, count in sets[: 3 if size.keys > 1 else 2]:
        lines.append(f"CONSTANT {name} = {{{', '.join(f'{letter}{i + 1}' for i in range(count))}}}")
    lines += [f"INVARIANT {name}" for name in model.names.claims]
    return "\n".join([*lines, *(["SYMMETRY Interchangeable"] if model.symmetric else [])]) + "\n"


class TlaWriter(QuantifiedWriter):
    """Writes the module."""

    states = (
        "TLC's distinct states are the states. A slot without a worker holds Free. Run TLC with"
        " -deadlock: an end is no error."
    )
    start = 1

    def dialect_of(self, model: Model) -> Dialect:
        variables = model.variables

        def value(variable: str, value: str) -> str:
            """Strings need no other name here."""
            if numeric(variables[variable]):
                return value
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

        return Dialect("=", "/=", "/\\", "\\/", "~", "TRUE", "FALSE", value)

    # -- phrases

    def free(self, slot: str) -> str:
        return f"worker[{slot}] = Free"

    def occupied(self, slot: str) -> str:
        return f"worker[{slot}] /= Free"

    def works(self, slot: str, event: str) -> list[str]:
        key = [f"worker[{slot}].key = k"] if self.has_keys else []
        return [f"worker[{slot}].event = {event}", *key]

    def exists(self, binders: list[tuple[str, str]], condition: str) -> str:
        quantifiers = "".join(f"\\E {name} \\in {kind}s : " for kind, name in binders)
        return f"({quantifiers}({condition}))"

    def nobody(self, condition: str) -> str:
        return f"~ (\\E v \\in Slots : {condition})"

    def alone(self, rule: Rule, actor: Actor) -> list[str]:
        if rule.alone is None:
            return []
        slots = "Slots \\ {w}" if rule.kind in ACTING else "Slots"
        parts = [*self.works("v", "e"), *self.guard(rule.alone, Actor(slot="v"))]
        return [f"~ \\E v \\in {slots} : {self.dialect.all(parts)}"]

    def at_limit(self, limit: Limit) -> str:
        counted = self.dialect.all([self.occupied("v"), *self.guard(limit.guard, Actor(slot="v"))])
        return f"Cardinality({{v \\in Slots : {counted}}}) >= {limit.count}"

    # -- the parts

    def declarations(self) -> list[str]:
        rows = ", ".join(self.rows)
        return [
            f"---- MODULE {self.model.title} ----",
            *self.heading("\\* "),
            "EXTENDS Naturals, FiniteSets, TLC",
            "",
            f"CONSTANTS Slots, Events, {'Keys, ' if self.has_keys else ''}None",
            "",
            f"VARIABLES {rows}",
            "",
            f"vars == <<{rows}>>",
            "",
            *self.initial(),
        ]

    @property
    def rows(self) -> list[str]:
        """The module's variables."""
        shared = (*self.model.components, *self.model.events)
        return [*(self.short(v.name) for v in shared), "worker"]

    def initial(self) -> list[str]:
        """The initial states, and what a slot without a worker holds."""
        key = ["key"] if self.has_keys else []
        fields = ["event", *key, *(self.short(v.name) for v in self.model.workers)]
        lines = [f"Free == [{', '.join(f'{f} |-> None' for f in fields)}]", "", "Init =="]
        for variable in (*self.model.components, *self.model.events):
            values = ", ".join(self.dialect.value(variable.name, x) for x in variable.initial)
            choice = f"{{{values}}}"
            if variable.level is Level.EVENT:
                choice = f"[Events -> {choice}]"
            if self.has_keys:
                choice = f"[Keys -> {choice}]"
            lines.append(f"  /\\ {self.short(variable.name)} \\in {choice}")
        return [*lines, "  /\\ worker = [w \\in Slots |-> Free]"]

    def parameters(self, kind: RuleKind) -> list[str]:
        """Who acts, as the parameters of an action."""
        return [*(["k"] if self.has_keys else []), *PARAMETERS[kind]]

    def rule(self, name: str, rule: Rule) -> list[list[str]]:
        actor = Actor("k", "e", "w")
        parts = self.conditions(rule, actor)
        changed: dict[str, str] = {}
        for update in rule.updates:
            level = self.variables[update.target].level
            if level is not Level.WORKER:
                short = self.short(update.target)
                key = "[k]" if self.has_keys else ""
                index = key + ("[e]" if level is Level.EVENT else "")
                new = self.after(update, "w")
                changed[short] = f"[{short} EXCEPT !{index} = {new}]" if index else new
        workers = self.workers_after(rule)
        if workers:
            changed["worker"] = workers
        parts += [f"{short}' = {new}" for short, new in changed.items()]
        same = [short for short in self.rows if short not in changed]
        if same:
            parts.append(f"UNCHANGED <<{', '.join(same)}>>")
        parameters = self.parameters(rule.kind)
        call = f"({','.join(parameters)})" if parameters else ""
        lines = [f"\\* {describe(rule)}", f"{name}{call} =="]
        return [[*lines, *(f"  /\\ {part}" for part in parts)]]

    def after(self, update: Update, slot: str) -> str:
        """The new value, as an expression."""
        if update.source is None:
            return self.constant(update)
        branches = self.branches(update, self.place(update.source, Actor(slot=slot)))
        return f"(CASE {' [] '.join(f'{test} -> {new}' for test, new in branches)})"

    def workers_after(self, rule: Rule) -> str:
        """All slots after the rule; empty if none changes."""
        own = tuple(u for u in rule.updates if self.variables[u.target].level is Level.WORKER)
        actor = ""
        if rule.kind is RuleKind.SPAWN:
            row = {v.name: self.first(v.name) for v in self.model.workers}
            row.update({u.target: self.after(u, "w") for u in own})
            fields = ["event |-> e", *(["key |-> k"] if self.has_keys else [])]
            fields += [f"{self.short(x)} |-> {new}" for x, new in row.items()]
            actor = f"[{', '.join(fields)}]"
        elif rule.ends:
            actor = "Free"
        elif own:
            actor = self.excepted(own, "w")
        if not rule.others:
            return f"[worker EXCEPT ![w] = {actor}]" if actor else ""
        branches = [f"IF v = w THEN {actor or 'worker[v]'}"] if rule.kind in ACTING else []
        for broadcast in rule.others:
            condition = self.dialect.all(self.receives(broadcast, "v", Actor("k", "e", "w")))
            new = "Free" if broadcast.removes else self.excepted(broadcast.updates, "v")
            branches.append(f"IF {condition} THEN {new}")
        return f"[v \\in Slots |-> {' ELSE '.join([*branches, 'worker[v]'])}]"

    def excepted(self, updates: tuple[Update, ...], slot: str) -> str:
        """A worker's row with changes; all of them read the row before."""
        if not updates:
            return f"worker[{slot}]"
        changed = ", ".join(f"!.{self.short(u.target)} = {self.after(u, slot)}" for u in updates)
        return f"[worker[{slot}] EXCEPT {changed}]"

    def behavior(self) -> list[str]:
        lines = ["", "Next =="]
        for kind in RuleKind:
            parameters, rules = self.parameters(kind), self.model.rules(kind)
            if rules:
                binders = "".join(f"\\E {p} \\in {SETS[p]} : " for p in parameters)
                call = f"({', '.join(parameters)})" if parameters else ""
                actions = " ".join(f"\\/ {name}{call}" for name, _ in rules)
                lines.append(f"  \\/ {binders}{actions}")
        return [*lines, "", "Spec == Init /\\ [][Next]_vars"]

    def claim(self, number: int, claim: Property) -> list[str]:
        bad = [self.pattern(p) for p in claim.bad] or ["FALSE"]
        lines = [f"\\* {tame(claim.name)}", f"{self.model.names.claims[number]} =="]
        return lines + [f"  /\\ ~ {text}" for text in bad]

    def footer(self) -> list[str]:
        return ["", "Interchangeable == Permutations(Slots) \\cup Permutations(Events)", "===="]
