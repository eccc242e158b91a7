"""Murphi, for Rumur (and CMurphi): one rule per rule, arrays of events and slots, an invariant per
claim.
"""

from __future__ import annotations

from functools import partial

from msgspec import Struct

from onceproof.export.model import (
    Dialect,
    Model,
    changes,
    describe,
    head,
    in_order,
    kept_sources,
    reached,
    starts,
    tame,
)
from onceproof.export.names import numeric
from onceproof.machine.system import (
    Broadcast,
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
    "A state is a state of Rumur: free slots are undefined, so they are all alike. Count with"
    " --deadlock-detection off."
)


def murphi(model: Model, *, cover: bool = False) -> str:
    """The model; ``cover``: claims count the bad states instead of forbidding them."""
    return _Murphi(model, cover).text()


class _Murphi(Struct):
    model: Model
    cover: bool

    @property
    def say(self) -> Dialect:
        values = self.model.names.values
        return Dialect("=", "!=", "&", "|", "!", "true", "false", lambda v, x: values[v, x])

    @property
    def key(self) -> bool:
        """Is there more than one component, so that it has to be named?"""
        return self.model.size.keys > 1

    # -- places

    def place(self, name: str, slot: str = "w") -> str:
        variable, short = self.model.variables[name], self.model.names.variables[name]
        match variable.level:
            case Level.COMPONENT:
                return f"{short}[k]" if self.key else short
            case Level.EVENT:
                return f"{short}[k][e]" if self.key else f"{short}[e]"
            case Level.WORKER:
                return f"worker[{slot}].{short}"

    def event(self, name: str, number: str) -> str:
        """An event variable or a component variable, of the event with the given index."""
        if self.model.variables[name].level is Level.COMPONENT:
            return self.place(name)
        return self.place(name).replace("[e]", f"[{number}]")

    def works(self, slot: str, event: str = "e") -> str:
        return f"works({slot}, k, {event})" if self.key else f"works({slot}, {event})"

    def guard(self, guard: Guard, slot: str = "w") -> str:
        return self.say.all(self.say.guard(self.model, guard, lambda name: self.place(name, slot)))

    # -- the whole

    def text(self) -> str:
        lines = [f"-- {line}".rstrip() for line in head(self.model, STATES)]
        lines += ["", *self.declarations(), "", *self.helpers(), "", *self.start()]
        for kind, params in (
            (RuleKind.SPAWN, "w: Slot; e: Event"),
            (RuleKind.WORKER, "w: Slot; e: Event"),
            (RuleKind.EVENT, "e: Event"),
            (RuleKind.COMPONENT, ""),
        ):
            for _, rule in self.model.rules(kind):
                lines += ["", *self.rule(rule, params)]
        for number, claim in enumerate(self.model.claims):
            lines += ["", *self.claim(number, claim)]
        return "\n".join(lines) + "\n"

    def declarations(self) -> list[str]:
        model, size = self.model, self.model.size
        of = "scalarset({})" if model.symmetric else "0..{} - 1"
        lines = [
            f"const WORKERS: {size.workers}; EVENTS: {size.events}; KEYS: {size.keys};",
            "",
            "type",
        ]
        lines += [f"  Slot: {of.format('WORKERS')};", f"  Event: {of.format('EVENTS')};"] + [
            "  Key: 0..KEYS - 1;"
        ] * self.key
        lines += [f"  {self.type(v)}: {self.domain(v)};" for v in model.machine.variables]
        inside = "".join(
            f" {model.names.variables[v.name]}: {self.type(v)};" for v in model.workers
        )
        lines += [
            f"  Worker: record{' key: Key;' * self.key} event: Event;{inside} end;",
            "",
            "var",
        ]
        for variable in (*model.components, *model.events):
            arrays = ["Key"] * self.key + ["Event"] * (variable.level is Level.EVENT)
            kind = "".join(f"array [{a}] of " for a in arrays) + self.type(variable)
            lines.append(f"  {model.names.variables[variable.name]}: {kind};")
        return [*lines, "  worker: array [Slot] of Worker;"]

    def type(self, variable: Variable) -> str:
        return f"T__{self.model.names.variables[variable.name]}"

    def domain(self, variable: Variable) -> str:
        if numeric(variable):
            return f"0..{len(variable.domain) - 1}"
        return (
            "enum {"
            f" {', '.join(self.model.names.values[variable.name, x] for x in variable.domain)} }}"
        )

    def helpers(self) -> list[str]:
        params, same = (
            ("; k: Key; e: Event", " & worker[w].key = k") if self.key else ("; e: Event", "")
        )
        return [
            "-- is the slot without a worker?",
            "function free(w: Slot): boolean; begin return isundefined(worker[w].event); end;",
            "-- is there a worker in the slot, on this event?",
            f"function works(w: Slot{params}): boolean;",
            "begin",
            "  if isundefined(worker[w].event) then return false; end;",
            f"  return worker[w].event = e{same};",
            "end;",
        ]

    def start(self) -> list[str]:
        """Every combination of initial rows, each event and component choosing its own."""
        model, size = self.model, self.model.size
        rows = {Level.COMPONENT: starts(model.components), Level.EVENT: starts(model.events)}
        params, calls = [], []
        for k in range(size.keys):
            if len(rows[Level.COMPONENT]) > 1:
                params.append(f"c{k}: 0..{len(rows[Level.COMPONENT]) - 1}")
            for e in range(size.events):
                if len(rows[Level.EVENT]) > 1:
                    params.append(f"r{k}_{e}: 0..{len(rows[Level.EVENT]) - 1}")
                    params += [f"e{k}_{e}: Event"] * model.symmetric
                    event = f"e{k}_{e}" if model.symmetric else str(e)
                    calls.append((k, event, f"r{k}_{e}"))
        lines = [f"ruleset {'; '.join(params)} do"] if params else []
        lines += ["startstate", "begin"]
        for k in range(size.keys):
            chosen = f"c{k}" if len(rows[Level.COMPONENT]) > 1 else ""
            lines += self.choose(model.components, rows[Level.COMPONENT], chosen, {"k": str(k)})
            lines += [
                "  for e: Event do",
                *self.choose(model.events, rows[Level.EVENT][:1], "", {"k": str(k)}, "    "),
                "  end;",
            ]
        for k, event, chosen in calls:
            lines += self.choose(model.events, rows[Level.EVENT], chosen, {"k": str(k), "e": event})
        lines += ["  for w: Slot do undefine worker[w]; end;", "end;"]
        return lines + (["end;"] if params else [])

    def choose(
        self,
        variables: tuple[Variable, ...],
        rows: list[tuple[str, ...]],
        chosen: str,
        at: dict[str, str],
        margin: str = "  ",
    ) -> list[str]:
        """Assign one of the rows; ``chosen`` names the number of the row."""

        def one(row: tuple[str, ...]) -> str:
            places = [self.place(v.name) for v in variables]
            for index, text in at.items():
                places = [p.replace(f"[{index}]", f"[{text}]") for p in places]
            return " ".join(
                f"{p} := {self.say.value(v.name, x)};"
                for p, v, x in zip(places, variables, row, strict=True)
            )

        if not variables:
            return []
        if len(rows) == 1:
            return [margin + one(rows[0])]
        cases = [
            f"{margin}{'if' if not i else 'elsif'} {chosen} = {i} then {one(row)}"
            for i, row in enumerate(rows)
        ]
        return [*cases, f"{margin}end;"]

    # -- rules

    def rule(self, rule: Rule, params: str) -> list[str]:
        params = "; ".join(x for x in ("k: Key" * self.key, params) if x)
        worker = {RuleKind.SPAWN: ["free(w)"], RuleKind.WORKER: [self.works("w")]}.get(
            rule.kind, []
        )
        guard = [
            *worker,
            *self.say.guard(self.model, rule.guard, self.place),
            *self.alone(rule),
            *self.limits(rule),
        ]
        updates = in_order(rule.updates)
        kept = kept_sources(updates)
        lines = [f'rule "{describe(rule.action)}"', f"  {self.say.all(guard)}", "==>"]
        heard = {x for said in rule.others for x in kept_sources(in_order(said.updates))}
        for prefix, names in (("old", kept), ("was", sorted(heard))):
            lines += [
                f"  var {prefix}__{self.model.names.variables[x]}:"
                f" {self.type(self.model.variables[x])};"
                for x in names
            ]
        lines += ["begin", *self.keep("old", kept, "w", "  ")]
        lines += self.broadcasts(rule)
        if rule.kind is RuleKind.SPAWN:
            lines += self.born()
        for update in updates:
            lines += self.update(update, "w", ("old", kept), "  ")
        lines += ["  undefine worker[w];"] * rule.ends + ["end;"]
        return [f"ruleset {params} do", *lines, "end;"] if params else lines

    def born(self) -> list[str]:
        lines = ["  worker[w].event := e;"] + ["  worker[w].key := k;"] * self.key
        return lines + [
            f"  {self.place(v.name)} := {self.say.value(v.name, v.initial[0])};"
            for v in self.model.workers
        ]

    def keep(self, prefix: str, names: tuple[str, ...], slot: str, margin: str) -> list[str]:
        """Keep values that are still needed after they are overwritten."""
        return [
            f"{margin}{prefix}__{self.model.names.variables[x]} := {self.place(x, slot)};"
            for x in names
        ]

    def update(
        self, update: Update, slot: str, kept: tuple[str, tuple[str, ...]], margin: str
    ) -> list[str]:
        target = self.place(update.target, slot)
        if update.source is None:
            return [f"{margin}{target} := {self.say.value(update.target, update.table[0][1])};"]
        source = update.source
        place = (
            f"{kept[0]}__{self.model.names.variables[source]}"
            if source in kept[1]
            else self.place(source, slot)
        )
        lines: list[str] = []
        for olds, new in changes(update):
            if update.source == update.target and olds == (new,):
                continue
            test = self.say.any(f"{place} = {self.say.value(source, old)}" for old in olds)
            lines.append(
                f"{margin}{'elsif' if lines else 'if'} {test} then {target} :="
                f" {self.say.value(update.target, new)};"
            )
        return [*lines, f"{margin}end;"] if lines else []

    def alone(self, rule: Rule) -> list[str]:
        if rule.alone is None:
            return []
        other = "v != w & " if rule.kind in (RuleKind.WORKER, RuleKind.SPAWN) else ""
        said = self.say.all(
            [self.works("v"), *self.say.guard(self.model, rule.alone, lambda n: self.place(n, "v"))]
        )
        return [f"!(exists v: Slot do {other}{said} end)"]

    def limits(self, rule: Rule) -> list[str]:
        """A spawn beyond a limit is disabled: some choice of distinct workers that the limit counts
        is there already.
        """
        found = []
        for limit, tests in reached(self.model, rule):
            fits = self.say.all(
                self.say.test(self.place(t.variable), self.model.variables[t.variable], t.allowed)
                for t in tests
            )
            slots = [f"v{i}" for i in range(limit.count)]
            parts = [f"{a} != {b}" for i, a in enumerate(slots) for b in slots[:i]]
            for slot in slots:
                parts.append(f"!free({slot})")
                parts += self.say.guard(self.model, limit.guard, partial(self.place, slot=slot))
            full = self.exists("Slot", slots, self.say.all(parts))
            found.append(self.say.deny(full if fits == "true" else f"{fits} & {full}"))
        return found

    def exists(self, kind: str, names: list[str], condition: str) -> str:
        for name in reversed(names):
            condition = f"(exists {name}: {kind} do {condition} end)"
        return condition

    def broadcasts(self, rule: Rule) -> list[str]:
        """At most one of a rule's broadcasts matches any worker, so they are the branches of one
        decision.
        """
        if not rule.others:
            return []
        lines = ["  for v: Slot do"]
        for number, said in enumerate(rule.others):
            lines.append(f"    {'elsif' if number else 'if'} {self.hears(rule, said)} then")
            if said.removes:
                lines.append("      undefine worker[v];")
            updates = in_order(said.updates) if not said.removes else ()
            kept = kept_sources(updates)
            lines += self.keep("was", kept, "v", "      ")
            for update in updates:
                lines += self.update(update, "v", ("was", kept), "      ")
        return [*lines, "    end;", "  end;"]

    def hears(self, rule: Rule, said: Broadcast) -> str:
        parts = ["v != w"] if rule.kind is RuleKind.WORKER else []
        if said.scope is Level.EVENT:
            parts.append(self.works("v"))
        else:
            parts.append("!free(v)")
            parts += ["worker[v].key = k"] * self.key
        return self.say.all(
            [*parts, *self.say.guard(self.model, said.guard, lambda n: self.place(n, "v"))]
        )

    # -- claims

    def claim(self, number: int, claim: Property) -> list[str]:
        bad = self.say.any(f"({self.pattern(p)})" for p in claim.bad)
        name = tame(claim.name).replace('"', "'")
        if self.cover:
            return [f'cover "{name}"', f"  {bad};"]
        return [f'invariant "{name}"', f"  !({bad});"]

    def pattern(self, pattern: Pattern) -> str:
        names = [f"e{i}" for i in range(len(pattern.events))]
        parts = [self.guard(pattern.component)]
        parts += [f"{a} != {b}" for i, a in enumerate(names) for b in names[:i]]
        parts += [self.one(each, name) for each, name in zip(pattern.events, names, strict=True)]
        text = self.exists("Event", names, self.say.all(parts))
        return self.exists("Key", ["k"], text) if self.key else text

    def one(self, pattern: EventPattern, event: str) -> str:
        """One event of a pattern, with its workers and without those that must be absent."""
        parts = self.say.guard(self.model, pattern.guard, lambda n: self.event(n, event))
        slots = [f"{event}w{i}" for i in range(len(pattern.workers))]
        inner = [f"{a} != {b}" for i, a in enumerate(slots) for b in slots[:i]]
        for slot, guard in zip(slots, pattern.workers, strict=True):
            inner.append(self.works(slot, event))
            inner += self.say.guard(self.model, guard, partial(self.place, slot=slot))
        if slots:
            parts.append(self.exists("Slot", slots, self.say.all(inner)))
        if pattern.absent is not None:
            gone = self.say.guard(self.model, pattern.absent, lambda n: self.place(n, "v"))
            parts.append(
                f"!(exists v: Slot do {self.say.all([self.works('v', event), *gone])} end)"
            )
        return self.say.all(parts)
