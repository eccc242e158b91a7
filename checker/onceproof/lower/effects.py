"""What tests, reads, writes and calls mean for the variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.lower import variables as v
from onceproof.lower.case import (
    Case,
    Changes,
    Table,
    at_least_once,
    compose_all,
    constant,
    counting,
    mapping,
)
from onceproof.lower.earlier import Earlier, in_one_region, is_per_region, token_checked
from onceproof.machine.system import Variable


class Meaning:
    """The meaning of names for one process of a design."""

    def __init__(
        self, design: d.Design, process: d.Process | None, domains: Mapping[str, Variable]
    ) -> None:
        self.design = design
        self.process = process
        self.domains = domains
        self.per_event = v.incremented(design)
        self.counted = v.counted_targets(design)

    @cached_property
    def earlier(self) -> Earlier:
        """What rows may have been before."""
        return Earlier(self)

    # -- tests

    def decide(self, test: n.Condition, case: Case) -> tuple[list[Case], list[Case]]:
        """The cases in which a test says yes, and those in which it says no."""
        if isinstance(test, n.NameIs) and self._is_payload(test.name.text):
            answers = self._payload_is(test.name.text, test.value.text, case)
            return (answers[1], answers[0]) if test.negated else answers
        name, wanted, negated = self.tested(test)
        yes = case.test(name, wanted)
        no = case.test(name, set(self._domain(name, case)) - wanted)
        answers = ([yes] if yes else [], [no] if no else [])
        return (answers[1], answers[0]) if negated else answers

    def _payload_is(self, field: str, value: str, case: Case) -> tuple[list[Case], list[Case]]:
        """A test of a payload field, for each type that the event may have."""
        yes: list[Case | None] = []
        no: list[Case | None] = []
        roots = v.root_types(self.design)
        for kind in roots:
            typed = case.where(v.EVENT_TYPE, {kind}) if len(roots) > 1 else case
            if typed is None:
                continue
            name = v.payload_of(self.design, kind, field)
            if name is None:
                (yes if value == d.UNSET else no).append(typed)
                continue
            yes.append(typed.test(name, {value}))
            no.append(typed.test(name, set(self._domain(name, case)) - {value}))
        return only(yes), only(no)

    def _domain(self, name: str, case: Case) -> tuple[str, ...]:
        return case.domains[name].domain

    def tested(self, test: n.Condition) -> tuple[str, set[str], bool]:
        """The variable that a single test looks at, the values for which it says yes, and whether
        it is negated.
        """
        match test:
            case n.InStore(_, store, negated):
                return store.text, {"present"}, negated
            case n.ColumnIs(store, col, value, negated):
                return v.column(store.text, col.text), {value.text}, negated
            case n.NameIs(name, value, negated):
                assert self.process is not None
                return v.local(self.process.name, name.text), {value.text}, negated
            case n.Happened(effect, negated):
                return effect.text, {"1", "2"}, negated
            case n.Redelivered(negated):
                return v.CAME_AGAIN, {"yes"}, negated
            case _:
                raise AssertionError(f"not a single test: {test}")

    def _is_payload(self, name: str) -> bool:
        """Whether a name is a payload field; else it is a local variable."""
        events = self.process.events if self.process else tuple(self.design.events)
        return any(f == name for event in events for f, _ in self.design.events[event].payload)

    def split(self, condition: n.Condition, case: Case) -> tuple[list[Case], list[Case]]:
        """As ``decide``, for a whole condition at once."""
        match condition:
            case n.AllOf(parts):
                yes, no = [case], []
                for part in parts:
                    answers = [self.split(part, c) for c in yes]
                    yes = [c for a in answers for c in a[0]]
                    no += [c for a in answers for c in a[1]]
                return yes, no
            case n.AnyOf(parts):
                yes, no = [], [case]
                for part in parts:
                    answers = [self.split(part, c) for c in no]
                    yes += [c for a in answers for c in a[0]]
                    no = [c for a in answers for c in a[1]]
                return yes, no
            case _:
                return self.decide(condition, case)

    def stores_read(self, test: n.Condition) -> tuple[str, ...]:
        """The stores a single test looks at."""
        match test:
            case n.InStore(_, store) | n.ColumnIs(store):
                return (store.text,)
            case n.Happened(effect):
                store_of = self.design.effects[effect.text].store
                return (store_of,) if store_of else ()
            case _:
                return ()

    # -- reads

    def read(self, step: n.Let, case: Case) -> Case:
        """``let``."""
        assert self.process is not None
        target = v.local(self.process.name, step.name.text)
        match step.value:
            case n.ReadPresence(_, store):
                return case.copy(
                    target, store.text, {"present": "yes", "absent": "no", "gone": "no"}
                )
            case n.ReadColumn(store, col):
                name = v.column(store.text, col.text)
                return case.copy(target, name, {x: x for x in self.domains[name].domain})
            case n.Constant(name):
                return case.put(target, name.text)

    # -- writes

    def written(self, step: n.Step) -> tuple[str | None, Changes]:
        """The store whose row a write touches, and the changes it makes (a conditional write: when
        it goes through).
        """
        match step:
            case n.SetColumn(store, col, value):
                return store.text, self._set(store.text, col.text, value.text)
            case n.UpdateIf(store, col, _, new):
                changes = self._set(store.text, col.text, new.text)
                if not is_per_region(self.design, store.text):
                    del changes[store.text]  # only a row that is there is updated
                return store.text, changes
            case n.Add(_, store):
                return store.text, {**self._present(store.text), **self._once(store.text)}
            case n.Insert(_, store):
                return store.text, {**self._present(store.text), **self._row(store.text)}
            case n.Increment(store, col):
                return store.text, {
                    **self._present(store.text),
                    **self._once(store.text),
                    **self._count(store.text, col.text),
                }
            case n.Delete(_, store):
                # A row that is gone stays gone: only a new one is a new start.
                deleted = mapping(self.domains[store.text], {"present": "absent"})
                return store.text, {**self.erased(store.text), store.text: deleted}
            case n.Do(_, effect):
                declared = self.design.effects[effect.text]
                return declared.store, {effect.text: counting(self.domains[effect.text])}
            case _:
                raise AssertionError(f"not a write: {step}")

    def makes(self, step: n.Step, changes: Changes) -> Changes:
        """What a write changes that makes the row, if it is not there."""
        if isinstance(step, n.UpdateIf):
            return {**changes, **self._present(step.store.text)}
        return changes

    def erased(self, store: str, value: str = "absent") -> Changes:
        """The row and its columns are as at the start."""
        changes = {store: constant(self.domains[store], value)}
        for col in self.design.stores[store].columns:
            variable = self.domains[v.column(store, col)]
            changes[variable.name] = constant(variable, variable.initial[0])
        if store in self.counted:
            rows = self.domains[v.writes(store)]
            changes[rows.name] = mapping(rows, {"1": "none now"})
        return {**changes, **self._new_keys(store)}

    def _present(self, store: str) -> Changes:
        return {store: constant(self.domains[store], "present")}

    def _set(self, store: str, col: str, value: str) -> dict[str, Table]:
        variable = self.domains[v.column(store, col)]
        changes = {
            **self._present(store),
            variable.name: constant(variable, value),
            **self._once(store),
            **self._new_keys(store, col),
        }
        name = f"{store}.{col}"
        if name in self.counted:
            changes[v.writes(name)] = at_least_once(self.domains[v.writes(name)])
        return changes

    def _once(self, store: str) -> Changes:
        """A write that a repetition does not multiply."""
        return (
            {v.writes(store): at_least_once(self.domains[v.writes(store)])}
            if store in self.counted
            else {}
        )

    def _row(self, store: str) -> Changes:
        """An insert: one more row, unless the store is unique."""
        if store not in self.counted:
            return {}
        counter = self.domains[v.writes(store)]
        return {
            counter.name: at_least_once(counter)
            if self.design.stores[store].unique
            else counting(counter)
        }

    def _count(self, store: str, col: str) -> Changes:
        name = f"{store}.{col}"
        return (
            {v.writes(name): counting(self.domains[v.writes(name)])} if name in self.counted else {}
        )

    def attempt(
        self, step: n.Insert | n.UpdateIf | n.Delete | n.Do, case: Case
    ) -> tuple[list[Case], list[Case]]:
        """A conditional write: the cases in which it may go through (nothing written yet), and
        those in which it is turned down.
        """
        if isinstance(step, n.Do):
            return token_checked(self.design, step.effect.text, case)
        store = step.store.text
        absent = set(self.domains[store].domain) - {"present"}
        ways = self._on_the_row(step, case, absent)
        if is_per_region(self.design, store):
            ways = in_one_region(self.earlier, step, case, ways)
        return ways

    def _on_the_row(
        self, step: n.Insert | n.UpdateIf | n.Delete, case: Case, absent: set[str]
    ) -> tuple[list[Case], list[Case]]:
        """A condition that is looked at on the row as it is."""
        store = step.store.text
        if isinstance(step, n.Insert):
            return only([case.test(store, absent)]), only([case.test(store, {"present"})])
        if isinstance(step, n.Delete):
            return only([case.test(store, {"present"})]), only([case.test(store, absent)])
        column = self.domains[v.column(store, step.column.text)]
        fits = case.test(column.name, {step.old.text})
        other = case.test(column.name, set(column.domain) - {step.old.text})
        if fits is None or step.old.text != column.initial[0]:
            # A row that is absent has initial columns, so any other value says that it is there.
            return only([fits]), only([other])
        there = fits.test(store, {"present"})
        return only([there]), only([other, fits.test(store, absent)])

    # -- external effects

    def happen(self, effect: str, case: Case) -> list[Case]:
        """The cases of a request that reaches the provider: it happens, or the provider knows its
        key already.
        """
        unkeyed, keyed = self.keyed(effect, case)
        cases = [c.change(effect, counting(self.domains[effect])) for c in unkeyed]
        if keyed is None:
            return cases
        known = v.record(effect)
        first = keyed.test(known, set(self.domains[known].domain) - {"present", "failed"})
        if first:
            cases.append(first.change(effect, counting(self.domains[effect])).put(known, "present"))
        repeated = keyed.test(known, {"present"})
        if repeated:
            cases.append(repeated)
        return cases

    def stored(self, effect: str, case: Case) -> list[Case]:
        """The cases of a request whose key the provider has an error for."""
        keyed = self.keyed(effect, case)[1]
        if keyed is None or not self.design.effects[effect].keeps_errors:
            return []
        return only([keyed.test(v.record(effect), {"failed"})])

    def keyed(self, effect: str, case: Case) -> tuple[list[Case], Case | None]:
        """The cases of a request whose key the provider cannot know, and the one in which it may.
        A key kept in a row is there if the row, as it is committed, has it.
        """
        declared = self.design.effects[effect]
        if declared.key_level is None:
            return [case], None
        if declared.key_row is None:
            return [], case
        store, column = declared.key_row
        name = v.column(store, column)
        there = case.where(store, {"present"})
        filled = set(self.domains[name].domain) - {d.UNSET}
        absent = case.where(store, set(self.domains[store].domain) - {"present"})
        empty = there.where(name, {d.UNSET} & set(self.domains[name].domain)) if there else None
        return only([absent, empty]), there.where(name, filled) if there else None

    def _new_keys(self, store: str, column: str | None = None) -> Changes:
        """The row or the column changes: what is kept in it as a key is another one from now on."""
        return {
            v.record(e.name): constant(self.domains[v.record(e.name)], "absent")
            for e in self.design.effects.values()
            if e.key_row is not None
            and e.key_row[0] == store
            and column in (None, e.key_row[1])
            and v.record(e.name) in self.domains
        }


def merged(*changes: Changes) -> Changes:
    """Several writes one after the other."""
    result: dict[str, tuple[tuple[str, str], ...]] = {}
    for c in changes:
        result = compose_all(result, c)
    return result


def only(cases: Iterable[Case | None]) -> list[Case]:
    """The cases that can be."""
    return [c for c in cases if c is not None]


def freed(domains: Mapping[str, Variable], names: Iterable[str]) -> Changes:
    """Locks that become free."""
    return {
        name: mapping(domains[name], {"taken": "free", "held": "free"})
        for name in names
        if name in domains
    }
