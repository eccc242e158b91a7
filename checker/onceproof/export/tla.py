"""TLA+, for TLC: a module with one action per rule and one invariant per claim, and the
configuration to run it.
"""

from __future__ import annotations

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
)

STATES = (
    "TLC's distinct states are the states. A slot without a worker holds Free. Run TLC with"
    " -deadlock: an end is no error."
)
PARAMS = {
    RuleKind.SPAWN: ("w", "e"),
    RuleKind.WORKER: ("w", "e"),
    RuleKind.EVENT: ("e",),
    RuleKind.COMPONENT: (),
}
SETS = {"w": "Slots", "e": "Events", "k": "Keys"}


def tla(model: Model) -> str:
    """The module; its name is the model's title, which must be the name of its file."""
    return _Tla(model).text()


def cfg(model: Model) -> str:
    """The configuration for TLC: the sizes, the invariants, the symmetry."""
    size = model.size
    sets = (("Slots", "w", size.workers), ("Events", "e", size.events), ("Keys", "k", size.keys))
    lines = ["SPECIFICATION Spec", "CONSTANT None = None"]
    for name, letter, count in sets[: 3 if size.keys > 1 else 2]:
        lines.append(f"CONSTANT {name} = {{{', '.join(f'{letter}{i + 1}' for i in range(count))}}}")
    lines += [f"INVARIANT {name}" for name in model.names.claims]
    return "\n".join([*lines, *(["SYMMETRY Interchangeable"] if model.symmetric else [])]) + "\n"


class _Tla(Struct):
    model: Model

    @property
    def say(self) -> Dialect:
        return Dialect("=", "/=", "/\\", "\\/", "~", "TRUE", "FALSE", self.value)

    @property
    def key(self) -> bool:
        """Is there more than one component, so that it has to be named?"""
        return self.model.size.keys > 1

    def value(self, variable: str, value: str) -> str:
        """A value: strings need no other name here."""
        if numeric(self.model.variables[variable]):
            return value
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    # -- places

    def place(self, name: str, slot: str = "w", event: str = "e") -> str:
        variable, short = self.model.variables[name], self.model.names.variables[name]
        match variable.level:
            case Level.COMPONENT:
                return f"{short}[k]" if self.key else short
            case Level.EVENT:
                return f"{short}[k][{event}]" if self.key else f"{short}[{event}]"
            case Level.WORKER:
                return f"worker[{slot}].{short}"

    def guard(self, guard: Guard, slot: str = "w", event: str = "e") -> list[str]:
        return self.say.guard(self.model, guard, lambda name: self.place(name, slot, event))

    def works(self, slot: str, event: str = "e") -> list[str]:
        """Conditions: the slot holds a worker on this event."""
        return [f"worker[{slot}].event = {event}"] + [f"worker[{slot}].key = k"] * self.key

    # -- the whole

    def text(self) -> str:
        model = self.model
        lines = [f"---- MODULE {model.title} ----"]
        lines += [f"\\* {line}".rstrip() for line in head(model, STATES)]
        lines += [
            "EXTENDS Naturals, FiniteSets, TLC",
            "",
            f"CONSTANTS Slots, Events, {'Keys, ' * self.key}None",
            "",
        ]
        lines += [
            f"VARIABLES {', '.join(self.shared)}",
            "",
            f"vars == <<{', '.join(self.shared)}>>",
            "",
            *self.begin(),
        ]
        for kind in RuleKind:
            for name, rule in model.rules(kind):
                lines += ["", *self.rule(name, rule)]
        lines += ["", *self.next(), "", "Spec == Init /\\ [][Next]_vars"]
        for number, claim in enumerate(model.claims):
            lines += ["", *self.claim(number, claim)]
        lines += ["", "Interchangeable == Permutations(Slots) \\cup Permutations(Events)", "===="]
        return "\n".join(lines) + "\n"

    @property
    def shared(self) -> list[str]:
        rows = (*self.model.components, *self.model.events)
        return [*(self.model.names.variables[v.name] for v in rows), "worker"]

    def begin(self) -> list[str]:
        keys = ["key"] * self.key
        fields = ["event", *keys, *(self.model.names.variables[v.name] for v in self.model.workers)]
        lines = [f"Free == [{', '.join(f'{f} |-> None' for f in fields)}]", "", "Init =="]
        for variable in (*self.model.components, *self.model.events):
            values = "{" + ", ".join(self.value(variable.name, x) for x in variable.initial) + "}"
            if variable.level is Level.EVENT:
                values = f"[Events -> {values}]"
            if self.key:
                values = f"[Keys -> {values}]"
            lines.append(f"  /\\ {self.model.names.variables[variable.name]} \\in {values}")
        return [*lines, "  /\\ worker = [w \\in Slots |-> Free]"]

    # -- rules

    def params(self, kind: RuleKind) -> list[str]:
        return ["k"] * self.key + list(PARAMS[kind])

    def rule(self, name: str, rule: Rule) -> list[str]:
        params = self.params(rule.kind)
        guard = {RuleKind.SPAWN: ["worker[w] = Free"], RuleKind.WORKER: self.works("w")}.get(
            rule.kind, []
        )
        parts = [*guard, *self.guard(rule.guard), *self.alone(rule), *self.limits(rule)]
        changed: dict[str, str] = {}
        for update in rule.updates:
            variable = self.model.variables[update.target]
            if variable.level is not Level.WORKER:
                short = self.model.names.variables[update.target]
                at = "".join(["[k]"] * self.key + ["[e]"] * (variable.level is Level.EVENT))
                new = self.after(update, "w")
                changed[short] = f"[{short} EXCEPT !{at} = {new}]" if at else new
        staff = self.staff(rule)
        changed.update({"worker": staff} if staff else {})
        parts += [f"{short}' = {new}" for short, new in changed.items()]
        same = [short for short in self.shared if short not in changed]
        parts += [f"UNCHANGED <<{', '.join(same)}>>"] * bool(same)
        lines = [
            f"\\* {describe(rule.action)}",
            f"{name}{f'({chr(44).join(params)})' if params else ''} ==",
        ]
        return [*lines, *(f"  /\\ {p}" for p in parts)]

    def after(self, update: Update, slot: str) -> str:
        """The new value, as an expression."""
        source = update.source
        if source is None:
            return self.value(update.target, update.table[0][1])
        place, cases = self.place(source, slot), []
        for olds, new in changes(update):
            test = self.say.any(f"{place} = {self.value(source, x)}" for x in olds)
            cases.append(f"{test} -> {self.value(update.target, new)}")
        return f"(CASE {' [] '.join(cases)})"

    def staff(self, rule: Rule) -> str:
        """All slots after the rule; empty if none changes."""
        mine = [u for u in rule.updates if self.model.variables[u.target].level is Level.WORKER]
        actor = ""
        if rule.kind is RuleKind.SPAWN:
            row = {v.name: self.value(v.name, v.initial[0]) for v in self.model.workers}
            row.update({u.target: self.after(u, "w") for u in mine})
            fields = ["event |-> e", *["key |-> k"] * self.key]
            fields += [f"{self.model.names.variables[x]} |-> {new}" for x, new in row.items()]
            actor = f"[{', '.join(fields)}]"
        elif rule.ends:
            actor = "Free"
        elif mine:
            actor = self.excepted(tuple(mine), "w")
        if not rule.others:
            return f"[worker EXCEPT ![w] = {actor}]" if actor else ""
        branches = (
            [f"IF v = w THEN {actor or 'worker[v]'}"]
            if rule.kind in (RuleKind.SPAWN, RuleKind.WORKER)
            else []
        )
        for said in rule.others:
            here = (
                self.works("v")
                if said.scope is Level.EVENT
                else ["worker[v] /= Free", *["worker[v].key = k"] * self.key]
            )
            heard = self.say.all([*here, *self.guard(said.guard, "v")])
            branches.append(
                f"IF {heard} THEN {'Free' if said.removes else self.excepted(said.updates, 'v')}"
            )
        return f"[v \\in Slots |-> {' ELSE '.join([*branches, 'worker[v]'])}]"

    def excepted(self, updates: tuple[Update, ...], slot: str) -> str:
        """A worker's row with changes; all of them read the row before."""
        if not updates:
            return f"worker[{slot}]"
        changed = ", ".join(
            f"!.{self.model.names.variables[u.target]} = {self.after(u, slot)}" for u in updates
        )
        return f"[worker[{slot}] EXCEPT {changed}]"

    def alone(self, rule: Rule) -> list[str]:
        if rule.alone is None:
            return []
        slots = "Slots \\ {w}" if rule.kind in (RuleKind.WORKER, RuleKind.SPAWN) else "Slots"
        return [
            f"~ \\E v \\in {slots} :"
            f" {self.say.all([*self.works('v'), *self.guard(rule.alone, 'v')])}"
        ]

    def limits(self, rule: Rule) -> list[str]:
        """A spawn beyond a limit is disabled."""
        found = []
        for limit, tests in reached(self.model, rule):
            fits = [
                self.say.test(self.place(t.variable), self.model.variables[t.variable], t.allowed)
                for t in tests
            ]
            there = self.say.all(["worker[v] /= Free", *self.guard(limit.guard, "v")])
            full = f"Cardinality({{v \\in Slots : {there}}}) >= {limit.count}"
            found.append(self.say.deny(self.say.all([*fits, full])))
        return found

    def next(self) -> list[str]:
        lines = ["Next =="]
        for kind in RuleKind:
            params, names = self.params(kind), [name for name, _ in self.model.rules(kind)]
            if names:
                binders = "".join(f"\\E {p} \\in {SETS[p]} : " for p in params)
                call = f"({', '.join(params)})" if params else ""
                lines += [
                    f"  \\/ {binders}{' '.join(f'{chr(92)}/ {name}{call}' for name in names)}"
                ]
        return lines

    # -- claims

    def claim(self, number: int, claim: Property) -> list[str]:
        bad = [self.pattern(p) for p in claim.bad] or ["FALSE"]
        lines = [f"\\* {tame(claim.name)}", f"{self.model.names.claims[number]} =="]
        return lines + [f"  /\\ ~ {text}" for text in bad]

    def pattern(self, pattern: Pattern) -> str:
        names = [f"e{i + 1}" for i in range(len(pattern.events))]
        parts = [
            *self.guard(pattern.component),
            *(f"{a} /= {b}" for i, a in enumerate(names) for b in names[:i]),
        ]
        for each, name in zip(pattern.events, names, strict=True):
            parts += self.one(each, name)
        binders = ["\\E k \\in Keys : "] * self.key + [f"\\E {n} \\in Events : " for n in names]
        return f"({''.join(binders)}({self.say.all(parts)}))"

    def one(self, pattern: EventPattern, event: str) -> list[str]:
        """One event of a pattern, with its workers and without those that must be absent."""
        parts = self.guard(pattern.guard, event=event)
        slots = [f"{event}w{i + 1}" for i in range(len(pattern.workers))]
        inner = [f"{a} /= {b}" for i, a in enumerate(slots) for b in slots[:i]]
        for slot, guard in zip(slots, pattern.workers, strict=True):
            inner += [*self.works(slot, event), *self.guard(guard, slot)]
        if slots:
            parts.append(
                f"({''.join(f'{chr(92)}E {s} {chr(92)}in Slots : ' for s in slots)}({self.say.all(inner)}))"  # noqa: E501
            )
        if pattern.absent is not None:
            there = self.say.all([*self.works("v", event), *self.guard(pattern.absent, "v")])
            parts.append(f"~ (\\E v \\in Slots : {there})")
        return parts
