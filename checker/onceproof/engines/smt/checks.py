"""What the encoding relies on in a machine; a machine that breaks the contract is refused, never
encoded into something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from onceproof.machine.invariant import Row
from onceproof.machine.system import (
    Broadcast,
    Guard,
    Level,
    Machine,
    Property,
    Rule,
    RuleKind,
    Update,
    Variable,
)


def demand_wellformed(machine: Machine) -> None:
    """Raise ValueError, saying what is wrong, unless the machine keeps the contract of
    ``onceproof.machine.system``.
    """
    table = {variable.name: variable for variable in machine.variables}
    if len(table) != len(machine.variables):
        raise ValueError(f"{machine.name}: two variables have the same name")
    for variable in machine.variables:
        _demand_variable(variable)
    for index, rule in enumerate(machine.rules):
        where = f"{machine.name}: rule {index}"
        _demand_rule(rule, table, where)
        for broadcast in rule.others:
            _demand_broadcast(broadcast, table, where)
        for first, second in combinations(rule.others, 2):
            together = any(first.reaches(near) and second.reaches(near) for near in (True, False))
            if together and _overlap(first.guard, second.guard):
                raise ValueError(f"{where}: two broadcasts can match one worker")
    for limit in machine.limits:
        _demand_levels(limit.guard, table, (Level.WORKER,), f"{machine.name}: limit")


def demand_claim(machine: Machine, prop: Property) -> None:
    """Raise ValueError, saying what is wrong, unless the bad patterns are about this machine's
    variables and values.
    """
    table = {variable.name: variable for variable in machine.variables}
    for pattern in prop.bad:
        guards = [(pattern.component, (Level.COMPONENT,))]
        for event in pattern.events:
            guards.append((event.guard, (Level.EVENT,)))
            guards += [(guard, (Level.WORKER,)) for guard in (*event.workers, event.absent or ())]
        for guard, levels in guards:
            _demand_levels(guard, table, levels, f"{machine.name}: {prop.name}")
            if any(not test.allowed <= set(table[test.variable].domain) for test in guard):
                raise ValueError(
                    f"{machine.name}: {prop.name}: a variable is compared with a value it never has"
                )


def unknown_row(machine: Machine, rows: Iterable[tuple[Level, Row]]) -> str:
    """Which row is none of this machine's ("" if all are): wrong length, or a value outside its
    domain.
    """
    columns = {level: machine.level(level) for level in Level}
    for level, row in dict.fromkeys(rows):
        domains = [variable.domain for variable in columns[level]]
        if len(row) != len(domains) or any(
            value not in domain for domain, value in zip(domains, row, strict=True)
        ):
            return f"the machine {machine.name} has no {level.value} row {row}"
    return ""


def _demand_variable(variable: Variable) -> None:
    # a name that ended with a prime would be the name of another variable's copy after the step
    if (
        not variable.name.isprintable()
        or not set(variable.name).isdisjoint("|\\")
        or variable.name[-1:] in ("", "'")
    ):
        raise ValueError(f"a variable cannot be called {variable.name!r}")
    if not variable.domain or len(set(variable.domain)) != len(variable.domain):
        raise ValueError(f"{variable.name}: the domain is empty or has a value twice")
    if not variable.initial or not set(variable.initial) <= set(variable.domain):
        raise ValueError(f"{variable.name}: no initial value, or one outside the domain")
    if variable.level is Level.WORKER and len(variable.initial) != 1:
        raise ValueError(f"{variable.name}: a worker variable has exactly one initial value")


def _demand_rule(rule: Rule, table: dict[str, Variable], where: str) -> None:
    shared = (
        (Level.COMPONENT,) if rule.kind is RuleKind.COMPONENT else (Level.COMPONENT, Level.EVENT)
    )
    readable = (*shared, Level.WORKER) if rule.kind is RuleKind.WORKER else shared
    writable = (*shared, Level.WORKER) if rule.kind in (RuleKind.WORKER, RuleKind.SPAWN) else shared
    if rule.ends and rule.kind is not RuleKind.WORKER:
        raise ValueError(f"{where}: only a worker can end")
    _demand_levels(rule.guard, table, readable, where)
    _demand_levels(rule.alone or (), table, (Level.WORKER,), where)
    _demand_updates(rule.updates, rule.guard, table, where)
    for update in rule.updates:
        if table[update.target].level not in writable or (
            update.source is not None and table[update.source].level not in readable
        ):
            raise ValueError(f"{where}: {update.target} or its source is out of reach")


def _demand_broadcast(broadcast: Broadcast, table: dict[str, Variable], where: str) -> None:
    if broadcast.scope is Level.WORKER or (broadcast.rest and broadcast.scope is Level.EVENT):
        raise ValueError(f"{where}: a broadcast reaches an event, a component, or its rest")
    _demand_levels(broadcast.guard, table, (Level.WORKER,), where)
    _demand_updates(broadcast.updates, broadcast.guard, table, where)
    for update in broadcast.updates:
        if any(
            table[name].level is not Level.WORKER
            for name in (update.target, update.source)
            if name is not None
        ):
            raise ValueError(f"{where}: a broadcast reads and writes worker variables only")


def _demand_levels(
    guard: Guard, table: dict[str, Variable], levels: tuple[Level, ...], where: str
) -> None:
    for test in guard:
        if test.variable not in table:
            raise ValueError(f"{where}: there is no variable {test.variable}")
        if table[test.variable].level not in levels:
            raise ValueError(f"{where}: {test.variable} cannot be tested here")


def _demand_updates(
    updates: tuple[Update, ...], guard: Guard, table: dict[str, Variable], where: str
) -> None:
    """Known variables, one update per target, values in the domain, and a table that covers what
    the guard allows.
    """
    if len({update.target for update in updates}) != len(updates):
        raise ValueError(f"{where}: a variable is written twice")
    for update in updates:
        for name in (update.target, update.source):
            if name is not None and name not in table:
                raise ValueError(f"{where}: there is no variable {name}")
        if not update.table or any(
            new not in table[update.target].domain for _, new in update.table
        ):
            raise ValueError(f"{where}: {update.target} gets no value, or one outside its domain")
        if update.source is not None:
            olds = [old for old, _ in update.table]
            if len(set(olds)) != len(olds) or not _allowed(table[update.source], guard) <= set(
                olds
            ):
                raise ValueError(
                    f"{where}: the table for {update.target} does not say which value follows"
                )


def _allowed(variable: Variable, guard: Guard) -> set[str]:
    """The values of a variable that the guard lets through."""
    values = set(variable.domain)
    for test in guard:
        if test.variable == variable.name:
            values &= test.allowed
    return values


def _overlap(first: Guard, second: Guard) -> bool:
    """Some values of the variables satisfy both guards."""
    allowed: dict[str, frozenset[str]] = {}
    for test in (*first, *second):
        allowed[test.variable] = allowed.get(test.variable, test.allowed) & test.allowed
    return all(allowed.values())
