"""A naive reading of what a machine does, over names and values."""

from __future__ import annotations

from itertools import permutations

from onceproof.machine.system import (
    EventPattern,
    Guard,
    Level,
    Machine,
    Move,
    Property,
    RuleKind,
    Run,
    Update,
)

Row = tuple[tuple[str, str], ...]


Config = tuple[
    tuple[Row, ...], tuple[tuple[Row, ...], ...], tuple[tuple[int, int, Row] | None, ...]
]


def holds(guard: Guard, values: dict[str, str]) -> bool:
    return all(values[test.variable] in test.allowed for test in guard)


def updated(updates: tuple[Update, ...], values: dict[str, str]) -> dict[str, str]:
    return values | {
        u.target: u.table[0][1] if u.source is None else dict(u.table)[values[u.source]]
        for u in updates
    }


def part(row: Row, values: dict[str, str]) -> Row:
    return tuple((name, values[name]) for name, _ in row)


def naive_fire(machine: Machine, config: Config, move: Move) -> Config | None:
    """The configuration after the move; None if it is not enabled."""
    rows, events, pool = config
    rule, c, e = machine.rules[move.rule], move.component, move.event
    actor = pool[move.worker] if move.worker >= 0 else None
    values = (
        dict(rows[c]) | (dict(events[c][e]) if e >= 0 else {}) | (dict(actor[2]) if actor else {})
    )
    newborn = tuple((v.name, v.initial[0]) for v in machine.level(Level.WORKER))
    if not holds(rule.guard, values):
        return None
    after = updated(rule.updates, values | (dict(newborn) if rule.kind is RuleKind.SPAWN else {}))
    others = [(n, w) for n, w in enumerate(pool) if w is not None and n != move.worker]
    if rule.alone is not None and any(
        w[:2] == (c, e) and holds(rule.alone, dict(w[2])) for _, w in others
    ):
        return None
    if rule.kind is RuleKind.SPAWN:
        for limit in machine.limits:
            if (
                holds(limit.guard, after)
                and sum(holds(limit.guard, dict(w[2])) for _, w in others) >= limit.count
            ):
                return None
    new: list[tuple[int, int, Row] | None] = [None] * len(pool)
    for n, worker in others:
        new[n] = worker
        for broadcast in rule.others:
            inside = worker[0] == c and broadcast.reaches(worker[1] == e)
            if inside and holds(broadcast.guard, dict(worker[2])):
                new[n] = (
                    None
                    if broadcast.removes
                    else (*worker[:2], part(worker[2], updated(broadcast.updates, dict(worker[2]))))
                )
    if move.worker >= 0 and not rule.ends:
        new[move.worker] = (c, e, part(newborn, after))
    changed = tuple(
        tuple(part(row, after) if (i, j) == (c, e) else row for j, row in enumerate(each))
        for i, each in enumerate(events)
    )
    return (
        tuple(part(row, after) if i == c else row for i, row in enumerate(rows)),
        changed,
        tuple(new),
    )


def naive_bad(prop: Property, config: Config) -> bool:
    rows, events, pool = config

    def fits(pattern: EventPattern, c: int, e: int) -> bool:
        workers = [
            dict(worker[2]) for worker in pool if worker is not None and worker[:2] == (c, e)
        ]
        if not holds(pattern.guard, dict(events[c][e])):
            return False
        if pattern.absent is not None and any(holds(pattern.absent, worker) for worker in workers):
            return False
        chosen = permutations(workers, len(pattern.workers))
        return any(all(map(holds, pattern.workers, some)) for some in chosen)

    return any(
        holds(pattern.component, dict(rows[c]))
        and any(
            all(fits(event, c, e) for event, e in zip(pattern.events, some, strict=True))
            for some in permutations(range(len(events[c])), len(pattern.events))
        )
        for pattern in prop.bad
        for c in range(len(rows))
    )


def replay(machine: Machine, run: Run, workers: int) -> list[Config]:
    """All configurations of a run; fails if a move is not enabled or a spawn does not take the
    lowest free number.
    """
    config: Config = (run.rows, run.events, (None,) * workers)
    passed = [config]
    for move in run.moves:
        if machine.rules[move.rule].kind is RuleKind.SPAWN:
            assert move.worker == config[2].index(None)
        after = naive_fire(machine, config, move)
        assert after is not None
        config = after
        passed.append(config)
    return passed
