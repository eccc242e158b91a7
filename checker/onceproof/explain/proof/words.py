"""The words for single literals: what a set of values of a variable means in the design's own
names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from msgspec import Struct

from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
from onceproof.lower import Lowered
from onceproof.lower import variables as v
from onceproof.lower.case import DEAD
from onceproof.lower.queues import Tracking
from onceproof.machine.system import Cause, Level, Machine, Test

STATUSES = {
    "absent": "not yet published",
    "sent": "sent, and not confirmed",
    "ready": "ready for delivery",
    "two": "twice ready for delivery",
    "three": "three times or more ready for delivery",
    "returned": "given back",
    "inflight": "in delivery",
    "passed": "passed over",
    "settled": "acknowledged",
    "lost": "lost",
    "dead": "dead-lettered",
}
TOKENS: Mapping[frozenset[str], tuple[str, str, bool]] = {
    frozenset({"fresh"}): ("has", "the newest token of", True),
    frozenset({"stale"}): ("has", "an outdated token of", True),
    frozenset({"none"}): ("has", "no token of", False),
    frozenset({"fresh", "stale"}): ("has", "a token of", True),
    frozenset({"fresh", "none"}): ("has", "no outdated token of", False),
    frozenset({"stale", "none"}): ("does not have", "the newest token of", False),
}


LOCKS = {
    "free": "free",
    "held": "held",
    "orphaned": "held for somebody who is gone",
    "leaked": "left held in the pool",
}
ON_THEIR_WAY: Mapping[tuple[str, ...], tuple[str, str]] = {
    ("0",): ("no request", "is"),
    ("1",): ("exactly one request", "is"),
    ("2",): ("two requests", "are"),
    ("0", "1"): ("at most one request", "is"),
    ("0", "2"): ("no request, or two,", "are"),
    ("1", "2"): ("a request", "is"),
}


class Phrase(Struct, frozen=True):
    """A clause; ``positive``: it says that something is there or was done. ``lasting``: once true
    it stays true.
    """

    text: str
    positive: bool
    lasting: bool = False


def listed(parts: Sequence[str], word: str = "and") -> str:
    """``a, b and c``."""
    return f" {word} ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def base_of(name: str) -> str:
    """What a variable belongs to: the effect, store or lock behind ``x (key)`` and its like, the
    store behind ``x.column``.
    """
    return name.split(" (")[0].rsplit(".", 1)[0]


class Words:
    """The words for one machine. ``possible_values`` are those each variable can have at all."""

    def __init__(
        self, lowered: Lowered, machine: Machine, possible_values: Mapping[str, set[str]]
    ) -> None:
        self.design = lowered.design
        self.machine = machine
        self.taken = possible_values
        self.spots = lowered.points
        self._variables = {x.name: x for x in machine.variables}
        self._groups = {g.status: g for g in lowered.groups.values()}
        self._incremented = {f"{s}.{c}" for s, c in v.incremented(lowered.design)}
        self._pcs = [pc for pc in lowered.points if pc in possible_values.get(v.PC, ())]

    # -- shared rows

    def rest(self, test: Test) -> Test:
        """The opposite of a test, within what is possible."""
        return Test(test.variable, frozenset(self.taken[test.variable]) - test.allowed)

    def clause(self, test: Test) -> Phrase:
        """A test on a shared row as a clause."""
        text, positive = self._clause(test.variable, self._values(test.variable, test.allowed))
        return Phrase(text, positive, self._lasting(test))

    def _values(self, name: str, allowed: Iterable[str]) -> tuple[str, ...]:
        return tuple(
            x for x in self._variables[name].domain if x in allowed and x in self.taken[name]
        )

    def _lasting(self, test: Test) -> bool:
        """No rule makes it false again."""
        for rule in self.machine.rules:
            for update in rule.updates:
                if update.target == test.variable:
                    guard = {t.variable: t.allowed for t in rule.guard}
                    olds = test.allowed & guard.get(test.variable, test.allowed)
                    same = update.source == update.target
                    new = {after for before, after in update.table if not same or before in olds}
                    if olds and not new <= test.allowed:
                        return False
        return True

    def _clause(self, name: str, inside: tuple[str, ...]) -> tuple[str, bool]:
        design, base = self.design, base_of(name)
        if name in self._groups:
            return self._status(name, inside)
        if name in design.effects:
            return _count(f"`{name}`", inside, participle(design, name), self.taken[name])
        if name.endswith("#"):
            word = "incremented" if name[:-1] in self._incremented else "written"
            return _count(f"`{name[:-1]}`", inside, word, self.taken[name])
        if name in design.stores:
            return self._presence(f"`{name}`", inside, self.owner(name))
        if name in design.locks:
            return self._lock(name, inside)
        if name == v.EVENT_TYPE:
            return f"the event is of type {listed(inside, 'or')}", True
        if base in design.effects and name == v.record(base):
            return self._record(base, inside)
        if base in design.effects and name == v.pending(base):
            many, verb = ON_THEIR_WAY[inside]
            return f"{many} for `{base}` {verb} on {'their' if verb == 'are' else 'its'} way", (
                inside != ("0",)
            )
        if base in design.stores and name == v.busy(base):
            is_taken = "taken" in inside
            return (
                (
                    f"the row of `{base}` is {'locked' if is_taken else 'not locked'} by an open"
                    " transaction"
                ),
                is_taken,
            )
        if base in design.stores:
            return self._value(f"`{name}`", name, inside)
        return self._value(f"`{name.split('.')[-1]}`", name, inside)

    def is_status(self, name: str) -> bool:
        """It is the broker's status of a message."""
        return name in self._groups

    def is_local(self, name: str) -> bool:
        """It belongs to a worker."""
        return self._variables[name].level is Level.WORKER

    def is_count(self, name: str) -> bool:
        """It counts how often something happened."""
        return name in self.design.effects or name.endswith("#")

    def is_incremented(self, name: str) -> bool:
        """A column that some line increments."""
        return name in self._incremented

    def owner(self, name: str) -> str:
        """Whose row it is: the event's, or that of a business key."""
        table = (
            self.design.stores.get(name) or self.design.effects.get(name) or self.design.locks[name]
        )
        return "the event" if table.level is Level.EVENT else f"the {table.key}"

    def _status(self, name: str, inside: tuple[str, ...]) -> tuple[str, bool]:
        group = self._groups[name]
        several = sum(1 for s in self._groups if s in self._variables) > 1
        readers = [g for g in self._groups.values() if g.queue.name == group.queue.name]
        who = f" for `{group.process.name}`" if len(readers) > 1 else f" in `{group.queue.name}`"
        subject = "the message" + (who if several else "")
        words = (
            dict(STATUSES, settled="handed out") if group.tracking is Tracking.GONE else STATUSES
        )
        outside = tuple(x for x in self._values(name, self.taken[name]) if x not in inside)
        if len(inside) > 2 and len(outside) < len(inside):
            return f"{subject} is {_neither([words[x] for x in outside])}", False
        alternatives = sorted((words[x] for x in inside), key=lambda word: word.startswith("not "))
        return f"{subject} is {listed(alternatives, 'or')}", True

    def _presence(self, name: str, inside: tuple[str, ...], whose: str) -> tuple[str, bool]:
        if "present" in inside:
            return f"{name} has {'or had ' if 'gone' in inside else ''}{whose}", True
        return (
            (f"{name} does not have {whose}", False)
            if "absent" in inside
            else (f"{name} has forgotten {whose}", True)
        )

    def _lock(self, name: str, inside: tuple[str, ...]) -> tuple[str, bool]:
        taken = self._values(name, self.taken[name] - {"free"})
        if "free" in inside or inside != taken:
            return f"`{name}` is {listed([LOCKS[x] for x in inside], 'or')}", "held" in inside
        return f"`{name}` is held", True

    def _record(self, effect: str, inside: tuple[str, ...]) -> tuple[str, bool]:
        key = f"the key of `{effect}`"
        if inside == ("failed",):
            return f"the provider keeps an error under {key}", True
        if "failed" in inside and "present" in inside:
            keeps = "keeps or kept" if "gone" in inside else "keeps"
            return f"the provider {keeps} an answer under {key}", True
        if "failed" in inside:
            return f"the provider keeps no success under {key}", False
        if "present" in inside:
            return f"the provider knows {'or knew ' if 'gone' in inside else ''}{key}", True
        return (
            (f"the provider does not know {key}", False)
            if "absent" in inside
            else (f"the provider has forgotten {key}", True)
        )

    def _value(self, subject: str, name: str, inside: tuple[str, ...]) -> tuple[str, bool]:
        outside = tuple(x for x in self._values(name, self.taken[name]) if x not in inside)
        if outside == (d.UNSET,):
            return f"{subject} is set", True
        if inside == (d.UNSET,):
            return f"{subject} is not set", False
        if len(inside) > 1 and len(outside) == 1:
            return f"{subject} is not {outside[0]}", False
        return f"{subject} is {listed(inside, 'or')}", True

    # -- workers

    def verb(self, test: Test) -> tuple[str, str, bool]:
        """A test on a local as what a worker does (one, several), and whether that is positive."""
        name, inside = test.variable, self._values(test.variable, test.allowed)
        base = base_of(name)
        if name == v.HOLDS:
            return (
                ("holds its message", "hold their message", True)
                if "yes" in inside
                else _not("hold", "its message")
            )
        if base in self.design.locks and name == v.holding(base):
            return (
                (f"holds `{base}`", f"hold `{base}`", True)
                if "yes" in inside
                else _not("hold", f"`{base}`")
            )
        if base in self.design.locks and name == v.token(base):
            verb, rest, positive = TOKENS[frozenset(inside)]
            return (
                f"{verb} {rest} `{base}`",
                f"{'have' if verb == 'has' else 'do not have'} {rest} `{base}`",
                positive,
            )
        noticed = self._noticed(name, inside)
        if noticed is not None:
            return noticed
        local, outside = (
            f"`{name.split('.')[-1]}`",
            [x for x in self._values(name, self.taken[name]) if x not in inside],
        )
        if d.UNSET in inside:
            return (
                _not("have", f"{local} set to {listed(outside, 'or')}")
                if outside
                else ("runs", "run", True)
            )
        return (
            f"has {local} set to {listed(inside, 'or')}",
            f"have {local} set to {listed(inside, 'or')}",
            True,
        )

    def _noticed(self, name: str, inside: tuple[str, ...]) -> tuple[str, str, bool] | None:
        """What a worker knows of its sessions and of the rows that its transaction has seen."""
        base, _, ending = name.partition(" (")
        yes = "yes" in inside
        match f" ({ending}":
            case v.SESSION:
                if "lost" in inside:
                    return (
                        f"has lost its session with {base}",
                        f"have lost their sessions with {base}",
                        True,
                    )
                return f"has its session with {base}", f"have their sessions with {base}", False
            case v.CHANGED:
                rest = f"a snapshot from before a change of the row of `{base}`"
                return (f"has {rest}", f"have {rest}", True) if yes else _not("have", rest)
            case v.DOOMED:
                read, written = base.split(" ")
                rest = f"if it reads the row of `{read}` and writes that of `{written}`"
                return (f"fails {rest}", f"fail {rest}", True) if yes else _not("fail", rest)
            case v.SHARED:
                rest = f"the row of `{base}` locked against writers"
                return (f"has {rest}", f"have {rest}", True) if yes else _not("have", rest)
            case v.AS_OF:
                rest = f"`{base}` as it was when it was {listed(inside, 'or')}"
                return f"sees {rest}", f"see {rest}", True
            case _:
                return None

    def places(self, test: Test) -> tuple[str, str]:
        """Whose a worker is and where: `` of `book``` or `` at line 13 or 15``; nothing for every
        place of every handler.
        """
        inside = [pc for pc in self._pcs if pc in test.allowed]
        if inside == self._pcs:
            return "", ""
        living, dead = (
            [pc for pc in inside if pc.endswith(DEAD) is is_dead] for is_dead in (False, True)
        )
        left = [pc for pc in self._pcs if pc.endswith(DEAD) and pc.removesuffix(DEAD) in living]
        for process in {self.spots[pc].process: None for pc in living}:
            if living == self._living(process) and dead == left:
                return f" of `{process}`", ""
        parts = self._lines(living)
        if not dead or not living or dead != left:
            dead_lines = [str(x) for x in sorted({self.spots[pc].line for pc in dead})]
            parts += (
                [f"dead with its request of line {listed(dead_lines, 'or')} still under way"]
                if dead_lines
                else []
            )
            return "", f" {listed(parts, 'or')}"
        return "", f" {listed(parts, 'or')} (or dead there with its request still under way)"

    def _living(self, process: str) -> list[str]:
        """The places of a process."""
        return [
            pc for pc in self._pcs if self.spots[pc].process == process and not pc.endswith(DEAD)
        ]

    def _lines(self, living: list[str]) -> list[str]:
        """The places of living workers: runs of neighbouring lines, handlers in full, and parts of
        a line one by one.
        """
        parts: list[str] = []
        for process, some in groupby(living, key=lambda pc: self.spots[pc].process):
            included = list(some)
            every = self._living(process)
            if included == every:
                parts.append(f"anywhere in `{process}`")
                continue
            parts += [
                f"about to commit the block of line {self.spots[pc].line}"
                for pc in included
                if self._commits(pc)
            ]
            every, included = (
                [pc for pc in some if not self._commits(pc)] for some in (every, included)
            )
            lines = sorted({self.spots[pc].line for pc in every})
            full = [
                x for x in lines if all(pc in included for pc in every if self.spots[pc].line == x)
            ]
            runs = [
                [x for _, x in run]
                for _, run in groupby(
                    enumerate(full), key=lambda pair: lines.index(pair[1]) - pair[0]
                )
            ]
            singles = [str(x) for run in runs if len(run) < 3 for x in run]
            parts += [f"at line {listed(singles, 'or')}"] if singles else []
            parts += [f"between line {run[0]} and line {run[-1]}" for run in runs if len(run) > 2]
            for pc in (pc for pc in included if self.spots[pc].line not in full):
                same = [x for x in every if self.spots[x].line == self.spots[pc].line]
                parts.append(
                    f"at line {self.spots[pc].line} (case {same.index(pc) + 1} of {len(same)})"
                )
        return parts

    def _commits(self, pc: str) -> bool:
        """The place at the end of an atomic block, which has the block's own line."""
        line = self.spots[pc].line
        return (
            self.design.lines[line - 1].split(maxsplit=1)[:1] == ["atomic"]
            if line <= len(self.design.lines)
            else False
        )

    def lines(self, test: Test) -> set[int]:
        """The lines of the places in a test."""
        return {self.spots[pc].line for pc in test.allowed}

    def writers(self, names: Iterable[str]) -> set[int]:
        """The lines that write the variables."""
        wanted = set(names)
        rules = (
            r
            for r in self.machine.rules
            if r.action.cause is Cause.HANDLER and wanted & {u.target for u in r.updates}
        )
        return {r.action.line for r in rules if r.action.line}


def participle(design: d.Design, effect: str) -> str:
    """``sent``, ``happened`` or ``done``: by the verb with which the design performs the effect
    first.
    """
    steps = (s for p in design.processes for s in walk(p.body))
    verb = next((s.verb for s in steps if isinstance(s, n.Do) and s.effect.text == effect), "call")
    return {"send": "sent", "call": "happened", "do": "done"}[verb]


def _count(subject: str, inside: tuple[str, ...], word: str, every: set[str]) -> tuple[str, bool]:
    was = "" if word == "happened" else "was "
    if inside == ("0",):
        return f"{subject} has not {'been ' if was else ''}{word}", False
    often = {
        ("1",): " exactly once",
        ("2",): " twice",
        ("0", "1"): " at most once",
        ("0", "2"): " twice or never",
    }
    how = "" if set(inside) == every - {"0"} else often[inside]
    return f"{subject} {was}{word}{how}", True


def _neither(words: list[str]) -> str:
    if len(words) == 1:
        return words[0][8:] if words[0].startswith("not yet ") else f"not {words[0]}"
    return f"neither {listed(words, 'nor')}"


def _not(verb: str, rest: str) -> tuple[str, str, bool]:
    plural = rest.replace("its ", "their ")
    return f"does not {verb} {rest}", f"do not {verb} {plural}", False
