"""Configurations in which every worker, event and component has an identity, and their steps: the
readable reference.

The search itself runs up to symmetry (``orbits``); this module says what that stands for, and gives
a run its identities back.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple, TypeVar

from onceproof.engines.search.bounds import Bounds, Budget
from onceproof.engines.search.compiled import GONE, Local, LocalMove
from onceproof.engines.search.meter import Exploration, Meter, Progress
from onceproof.engines.search.symmetry import choices
from onceproof.machine.system import Machine, Move, RuleKind

_Item = TypeVar("_Item")


class Worker(NamedTuple):
    """A living worker: the component and event it works on, and the number of its row."""

    component: int
    event: int
    row: int


class Config(NamedTuple):
    """The numbers of each component's row, of its events' rows, and per worker identity the worker,
    if it lives.
    """

    rows: tuple[int, ...]
    events: tuple[tuple[int, ...], ...]
    pool: tuple[Worker | None, ...]

    @property
    def alive(self) -> int:
        """How many workers live."""
        return sum(worker is not None for worker in self.pool)


def explore_plain(
    machine: Machine, bounds: Bounds, budget: Budget, progress: Progress | None = None
) -> Exploration:
    """Search breadth first without symmetry: every configuration with identities is a state of its
    own.
    """
    local, meter = Local(machine), Meter(budget, progress)
    depth: dict[Config, int] = {}
    for config in initial(local, bounds):
        if not meter.admit(1, 0):
            return meter.exploration("plain")
        depth[config] = 0
    queue = list(depth)
    for config in queue:
        moves = list(steps(local, config))
        meter.fired.update(move.rule for move, _ in moves)
        if not meter.expand(len(moves), len(moves)):
            return meter.exploration("plain")
        for _, target in moves:
            if target not in depth:
                if not meter.admit(1, depth[config] + 1):
                    return meter.exploration("plain")
                depth[target] = depth[config] + 1
                queue.append(target)
    return meter.exploration("plain")


def initial(local: Local, bounds: Bounds) -> Iterator[Config]:
    """Every configuration without workers in which each event and each component has chosen its
    initial row.
    """
    rows = [local.components.number(row) for row in choices(local.components.variables)]
    events = [local.events.number(row) for row in choices(local.events.variables)]
    pool = (None,) * bounds.workers
    for chosen in product(rows, repeat=bounds.keys):
        for each in product(product(events, repeat=bounds.events), repeat=bounds.keys):
            yield Config(chosen, each, pool)


def steps(local: Local, config: Config) -> Iterator[tuple[Move, Config]]:
    """Every enabled action and what comes of it; a spawn may take any free worker."""
    free = [number for number, worker in enumerate(config.pool) if worker is None]
    for c, row in enumerate(config.rows):
        for local_move in local.moves(RuleKind.COMPONENT, row):
            move = Move(local_move.rule, c, GONE, GONE)
            yield move, _after(local, config, move, local_move)
        for e, event in enumerate(config.events[c]):
            for local_move in local.moves(RuleKind.EVENT, row, event):
                yield from _fire(local, config, Move(local_move.rule, c, e, GONE), local_move)
            for local_move in local.moves(RuleKind.SPAWN, row, event):
                if _within_limits(local, config, local_move.worker):
                    for number in free:
                        yield from _fire(
                            local, config, Move(local_move.rule, c, e, number), local_move
                        )
    for number, worker in enumerate(config.pool):
        if worker is not None:
            c, e, own = worker
            for local_move in local.moves(
                RuleKind.WORKER, config.rows[c], config.events[c][e], own
            ):
                yield from _fire(local, config, Move(local_move.rule, c, e, number), local_move)


def _within_limits(local: Local, config: Config, newborn: int) -> bool:
    """May a worker with this row be added to those alive?"""
    alive = [
        limit for worker in config.pool if worker is not None for limit in local.limited(worker.row)
    ]
    return all(
        alive.count(limit) < local.machine.limits[limit].count for limit in local.limited(newborn)
    )


def _fire(
    local: Local, config: Config, move: Move, local_move: LocalMove
) -> Iterator[tuple[Move, Config]]:
    """The move and its result, unless the rule wants to be alone and is not."""
    company = (
        worker is not None
        and number != move.worker
        and (worker.component, worker.event) == (move.component, move.event)
        and local.disables(move.rule, worker.row)
        for number, worker in enumerate(config.pool)
    )
    if move.rule not in local.rules_with_alone or not any(company):
        yield move, _after(local, config, move, local_move)


def _after(local: Local, config: Config, move: Move, local_move: LocalMove) -> Config:
    """The configuration after an enabled move."""
    pool: list[Worker | None] = []
    for number, worker in enumerate(config.pool):
        if number == move.worker:
            pool.append(
                None
                if local_move.worker == GONE
                else Worker(move.component, move.event, local_move.worker)
            )
        elif worker is not None and worker.component == move.component:
            new_row = local.after_broadcasts(move.rule, worker.row, worker.event == move.event)
            pool.append(None if new_row == GONE else worker._replace(row=new_row))
        else:
            pool.append(worker)
    events = config.events
    if move.event != GONE:
        events = _put(
            events, move.component, _put(events[move.component], move.event, local_move.event)
        )
    return Config(_put(config.rows, move.component, local_move.component), events, tuple(pool))


def _put(items: tuple[_Item, ...], at: int, item: _Item) -> tuple[_Item, ...]:
    return (*items[:at], item, *items[at + 1 :])
