"""Promela, for SPIN: one inline per rule, one process per worker slot, event and component, one
never claim per claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

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
    "SPIN counts one state more than there are: the one before init has run. Count with spin -o2"
    " -o3, -DNOREDUCE, -DNOCLAIM."
)
WIDEST = 255


def promela(model: Model) -> str:
    """The model."""
    return _Promela(model).text()


class _Promela(Struct):
    model: Model

    @property
    def say(self) -> Dialect:
        values = self.model.names.values
        return Dialect("==", "!=", "&&", "||", "!", "true", "false", lambda v, x: values[v, x])

    @property
    def key(self) -> bool:
        """Is there more than one component, so that it has to be named?"""
        return self.model.size.keys > 1

    @property
    def total(self) -> int:
        """How many events there are in all; they are numbered through, and this number means
        none.
        """
        return self.model.size.events * self.model.size.keys

    # -- places

    def place(self, name: str, event: str, slot: str = "w", component: str = "") -> str:
        variable, short = self.model.variables[name], self.model.names.variables[name]
        match variable.level:
            case Level.COMPONENT:
                return f"{short}[{component or f'{event} / EVENTS'}]" if self.key else short
            case Level.EVENT:
                return f"{short}[{event}]"
            case Level.WORKER:
                return f"{short}[{slot}]"

    def guard(self, guard: Guard, event: str, slot: str = "w", component: str = "") -> list[str]:
        return self.say.guard(
            self.model, guard, lambda name: self.place(name, event, slot, component)
        )

    # -- the whole

    def text(self) -> str:
        model = self.model
        lines = [
            "/*",
            *(f" * {line}".rstrip() for line in head(model, STATES)),
            " */",
            "",
            *self.declarations(),
        ]
        for kind, params in (
            (RuleKind.SPAWN, "w, e"),
            (RuleKind.WORKER, "w"),
            (RuleKind.EVENT, "e"),
            (RuleKind.COMPONENT, "k"),
        ):
            for name, rule in model.rules(kind):
                lines += ["", *self.rule(name, params, rule)]
        lines += ["", *self.processes(), "", *self.start()]
        for number, claim in enumerate(model.claims):
            lines += ["", *self.claim(number, claim)]
        return "\n".join(lines) + "\n"

    def declarations(self) -> list[str]:
        model, size = self.model, self.model.size
        lines = [f"#define WORKERS {size.workers}", f"#define EVENTS {size.events}"]
        lines += [
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
        for variable in model.machine.variables:
            size_of = {
                Level.COMPONENT: f"[{size.keys}]" * self.key,
                Level.EVENT: f"[{self.total}]",
                Level.WORKER: "[WORKERS]",
            }
            lines.append(
                f"{self.type(variable)}"
                f" {model.names.variables[variable.name]}{size_of[variable.level]} ="
                f" {self.first(variable)};"
            )
        lines += [
            "byte on[WORKERS] = FREE;  /* the event that the worker in slot w works on */",
            "hidden byte v;",
        ]
        for prefix in ("old", "was"):
            lines += [
                f"hidden {self.type(model.variables[x])} {prefix}__{model.names.variables[x]};"
                for x in self.kept(prefix)
            ]
        return lines

    def kept(self, prefix: str) -> list[str]:
        """The variables whose old value some rule keeps for a moment."""
        rules = self.model.machine.rules
        updates = (
            [r.updates for r in rules]
            if prefix == "old"
            else [b.updates for r in rules for b in r.others]
        )
        return sorted({x for u in updates for x in kept_sources(in_order(u))})

    def type(self, variable: Variable) -> str:
        return "byte" if len(variable.domain) <= WIDEST else "short"

    def first(self, variable: Variable) -> str:
        return self.say.value(variable.name, variable.initial[0])

    # -- rules

    def rule(self, name: str, params: str, rule: Rule) -> list[str]:
        event = "on[w]" if rule.kind is RuleKind.WORKER else "e"
        component = "k" if rule.kind is RuleKind.COMPONENT else ""
        slot = {RuleKind.SPAWN: ["on[w] == FREE"], RuleKind.WORKER: ["on[w] != FREE"]}.get(
            rule.kind, []
        )
        guard = [
            *slot,
            *self.guard(rule.guard, event, component=component),
            *self.alone(rule, event),
            *self.limits(rule),
        ]
        updates = in_order(rule.updates)
        kept = kept_sources(updates)
        steps = self.keep("old", kept, lambda x: self.place(x, event, component=component))
        steps += self.broadcasts(rule, event)
        steps += ["on[w] = e"] * (rule.kind is RuleKind.SPAWN)
        for update in updates:
            old = (
                None
                if update.source is None
                else self.place(update.source, event, component=component)
            )
            steps.append(
                f"{self.place(update.target, event, component=component)} ="
                f" {self.after(update, old, ('old', kept))}"
            )
        steps += self.leave("w") if rule.ends else []
        lines = [
            f"inline {name}({params}) {{ /* {describe(rule.action)} */",
            f"  d_step {{ ({self.say.all(guard)}) ->",
        ]
        return [*lines, *(f"    {s};" for s in steps or ["skip"]), "  }", "}"]

    def keep(self, prefix: str, names: tuple[str, ...], place) -> list[str]:  # type: ignore[no-untyped-def]
        """Keep values that are still needed after they are overwritten."""
        return [f"{prefix}__{self.model.names.variables[x]} = {place(x)}" for x in names]

    def leave(self, slot: str) -> list[str]:
        """The slot is free again, and looks like every free slot."""
        return [f"{self.place(v.name, '', slot)} = {self.first(v)}" for v in self.model.workers] + [
            f"on[{slot}] = FREE"
        ]

    def after(self, update: Update, old: str | None, kept: tuple[str, tuple[str, ...]]) -> str:
        """The new value, as an expression of the old one."""
        source = update.source
        if source is None:
            return self.say.value(update.target, update.table[0][1])
        place = f"{kept[0]}__{self.model.names.variables[source]}" if source in kept[1] else old
        *cases, (_, last) = changes(update)
        text = self.say.value(update.target, last)
        for olds, new in reversed(cases):
            test = self.say.any(f"{place} == {self.say.value(source, x)}" for x in olds)
            text = f"({test} -> {self.say.value(update.target, new)} : {text})"
        return text

    def alone(self, rule: Rule, event: str) -> list[str]:
        if rule.alone is None:
            return []
        found = []
        for slot in self.slots:
            other = [f"{slot} != w"] if rule.kind in (RuleKind.WORKER, RuleKind.SPAWN) else []
            found.append(
                self.say.deny(
                    self.say.all(
                        [*other, f"on[{slot}] == {event}", *self.guard(rule.alone, "", slot)]
                    )
                )
            )
        return found

    @property
    def slots(self) -> list[str]:
        return [str(i) for i in range(self.model.size.workers)]

    def limits(self, rule: Rule) -> list[str]:
        """A spawn beyond a limit is disabled."""
        found = []
        for limit, tests in reached(self.model, rule):
            fits = [
                self.say.test(
                    self.place(t.variable, "e"), self.model.variables[t.variable], t.allowed
                )
                for t in tests
            ]
            each = [
                f"({self.say.all([f'on[{s}] != FREE', *self.guard(limit.guard, '', s)])})"
                for s in self.slots
            ]
            full = f"({' + '.join(each)}) >= {limit.count}"
            found.append(self.say.deny(self.say.all([*fits, full])))
        return found

    def broadcasts(self, rule: Rule, event: str) -> list[str]:
        """At most one of a rule's broadcasts matches any worker, so they are the branches of one
        decision.
        """
        if not rule.others:
            return []
        branches = []
        for said in rule.others:
            updates = in_order(said.updates)
            kept = kept_sources(updates)
            steps = self.keep("was", kept, lambda x: self.place(x, "", "v"))
            for update in updates:
                old = None if update.source is None else self.place(update.source, "", "v")
                steps.append(
                    f"{self.place(update.target, '', 'v')} ="
                    f" {self.after(update, old, ('was', kept))}"
                )
            steps = self.leave("v") if said.removes else steps or ["skip"]
            branches.append(f"      :: ({self.hears(rule, said, event)}) -> {'; '.join(steps)}")
        return [
            "\n".join(
                [
                    "for (v : 0 .. WORKERS - 1) {",
                    "      if",
                    *branches,
                    "      :: else -> skip",
                    "      fi",
                    "    }",
                ]
            ),
            "v = 0",
        ]

    def hears(self, rule: Rule, said: Broadcast, event: str) -> str:
        parts = ["v != w"] if rule.kind is RuleKind.WORKER else []
        if said.scope is Level.EVENT:
            parts.append(f"on[v] == {event}")
        else:
            parts.append("on[v] != FREE")
            here = "k" if rule.kind is RuleKind.COMPONENT else f"{event} / EVENTS"
            parts += [f"on[v] / EVENTS == {here}"] * self.key
        return self.say.all([*parts, *self.guard(said.guard, "", "v")])

    # -- processes

    def processes(self) -> list[str]:
        spawns = [
            f"{name}(w, {e})"
            for name, _ in self.model.rules(RuleKind.SPAWN)
            for e in range(self.total)
        ]
        workers = [f"{name}(w)" for name, _ in self.model.rules(RuleKind.WORKER)]
        parts = (
            ("Worker", "w", spawns + workers),
            ("Event", "e", [f"{name}(e)" for name, _ in self.model.rules(RuleKind.EVENT)]),
            ("Component", "k", [f"{name}(k)" for name, _ in self.model.rules(RuleKind.COMPONENT)]),
        )
        lines: list[str] = []
        for process, param, choices in parts:
            if choices:
                lines += [
                    f"proctype {process}(byte {param}) {{",
                    "end:",
                    "  do",
                    *(f"  :: {c}" for c in choices),
                    "  od",
                    "}",
                    "",
                ]
        return lines[:-1]

    def start(self) -> list[str]:
        """Every combination of initial values, each event and component choosing its own."""
        model, size = self.model, self.model.size
        lines = ["init {", "  atomic {"]
        for variables, count in ((model.components, size.keys), (model.events, self.total)):
            for variable in variables:
                if len(variable.initial) > 1:
                    for i in range(count):
                        place = self.place(variable.name, str(i), component=str(i))
                        lines.append(
                            "    if"
                            f" {' '.join(f':: {place} = {self.say.value(variable.name, x)}' for x in variable.initial)} fi;"  # noqa: E501
                        )
        runs = [f"run Worker({w})" for w in range(size.workers)]
        runs += [f"run Event({e})" for e in range(self.total) if model.rules(RuleKind.EVENT)]
        runs += [f"run Component({k})" for k in range(size.keys) if model.rules(RuleKind.COMPONENT)]
        return [*lines, f"    {'; '.join(runs)}", "  }", "}"]

    # -- claims

    def claim(self, number: int, claim: Property) -> list[str]:
        name = self.model.names.claims[number]
        bad = (
            "\n    || ".join(dict.fromkeys(c for p in claim.bad for c in self.pattern(p)))
            or "false"
        )
        lines = [
            f"never {name} {{ /* {tame(claim.name)}: ends where a bad situation is found */",
            "  do",
            f"  :: ({bad}) -> break",
            "  :: else",
        ]
        return [*lines, "  od", "}"]

    def pattern(self, pattern: Pattern) -> list[str]:
        found = []
        for k in range(self.model.size.keys):
            first = k * self.model.size.events
            row = self.guard(pattern.component, "", component=str(k))
            for events in permutations(
                range(first, first + self.model.size.events), len(pattern.events)
            ):
                parts = [
                    self.one(each, str(e)) for each, e in zip(pattern.events, events, strict=True)
                ]
                found.append(f"({self.say.all([*row, *parts])})")
        return found

    def one(self, pattern: EventPattern, event: str) -> str:
        """One event of a pattern, with its workers and without those that must be absent."""
        parts = self.guard(pattern.guard, event)
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
                parts.append(
                    self.say.deny(
                        self.say.all(
                            [f"on[{slot}] == {event}", *self.guard(pattern.absent, "", slot)]
                        )
                    )
                )
        return self.say.all(parts)

    def staff(self, guards: Sequence[Guard], slots: Sequence[str], event: str) -> list[str]:
        """The workers of an event pattern, in these slots."""
        return [
            x
            for s, g in zip(slots, guards, strict=True)
            for x in (f"on[{s}] == {event}", *self.guard(g, "", s))
        ]
