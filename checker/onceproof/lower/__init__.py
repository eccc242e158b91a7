"""Checked design and delivery guarantee to machine. Start reading at ``lower``.

``program``: a handler's steps as a graph of operations.
``worker``: that graph to rules of the machine.
``handler``: what the parts of a lowering ask of the whole of it.
``failures``: steps on a database that fail, or whose answer is lost.
``isolation``: what blocks see of rows, and what they notice of each other.
``case``: one way through a step: what must hold, what it changes, where the worker is then.
``effects``: what tests, reads, writes and calls mean for the variables.
``sessions``: sessions that are lost, locks that live in them, deadlocks that a database ends.
``providers``: requests to providers, their answers, and what they know of keys.
``queues``: what a broker does with a message.
``positions``: logs, where a commit covers what is below it.
``lanes``: messages of one key that are handled one after the other.
``earlier``: what rows may have been; ``past``: reads and failovers that go back to it.
``environment``: what happens to rows, records and locks without a worker.
``variables``: the machine's variables and their names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from onceproof.lang.design import Design
from onceproof.lower import modelled
from onceproof.lower import variables as v
from onceproof.lower.case import DEAD, ProgramPoint
from onceproof.lower.effects import Meaning
from onceproof.lower.environment import environment, expiring
from onceproof.lower.isolation import Rows
from onceproof.lower.past import failovers
from onceproof.lower.program import compile_process, released_unheld
from onceproof.lower.providers import arriving
from onceproof.lower.queues import Group, aborting, appearing, groups
from onceproof.lower.sessions import forgotten_locks, leaked_locks
from onceproof.lower.worker import Lowering, World
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Level, Limit, Machine, Rule, Test, Variable

__all__ = ["Lowered", "lower"]


class Lowered(Struct, frozen=True):
    """A machine and how to read it: the places behind the values of ``pc``, and the groups behind
    the statuses.
    """

    design: Design
    semantics: Delivery
    machine: Machine
    points: Mapping[str, ProgramPoint]
    groups: Mapping[str, Group]

    def inside(self, section: str) -> frozenset[str]:
        """The values of ``pc`` inside a section."""
        return frozenset(pc for pc, point in self.points.items() if section in point.sections)


def lower(design: Design, semantics: Delivery) -> Lowered:
    """Lower a design; ``semantics`` is used for the queues that declare none.

    Raises TooLarge, and Exhausted within an allowance.
    """
    grouped = groups(design, semantics)
    lockable: frozenset[str] = frozenset()
    breakable: frozenset[str] = frozenset()
    while True:
        lowered, needed, lost = _lower(design, semantics, grouped, lockable, breakable)
        if needed <= lockable and lost <= breakable:
            return lowered
        lockable, breakable = lockable | needed, breakable | lost


def _lower(
    design: Design,
    semantics: Delivery,
    grouped: Mapping[str, Group],
    lockable: frozenset[str],
    breakable: frozenset[str],
) -> tuple[Lowered, frozenset[str], frozenset[str]]:
    """``lockable``: stores whose rows a block keeps locked over a stop; ``breakable``: databases
    whose sessions a failover ends. What the lowering finds of both comes with it.
    """
    shared = v.shared_variables(design)
    shared = {
        k: x
        for k, x in shared.items()
        if not k.endswith(v.BUSY) or k.removesuffix(v.BUSY) in lockable
    }
    shared.update({x.name: x for g in grouped.values() for x in g.variables})
    shared.update({x.name: x for x in (v.may_appear(queue) for queue in aborting(grouped))})
    sessions = {v.session(x): v.of_session(x) for x in sorted(breakable)}
    domains: dict[str, Variable] = {**shared, **v.worker_variables(design), **sessions}
    programs = {p.name: compile_process(design, p) for p in design.processes}
    blocks = Rows(design, domains, programs, grouped)
    domains.update(blocks.variables)
    world = World(
        design,
        grouped,
        domains,
        lockable,
        blocks,
        frozenset(aborting(grouped)),
        released_unheld(programs.values()),
        semantics,
    )
    rules: list[Rule] = []
    points: dict[str, ProgramPoint] = {}
    limits: list[Limit] = []
    needed: set[str] = set()
    lost: set[str] = set()
    opened: dict[str, set[str]] = defaultdict(set)
    for process in design.processes:
        handler = Lowering(world, programs[process.name])
        handler.lower()
        rules += handler.rules
        if process.name in grouped:
            rules += grouped[process.name].lease(
                domains, frozenset(pc for pc in handler.points if not pc.endswith(DEAD))
            )
        points.update(handler.points)
        needed |= handler.stores_to_lock
        lost |= handler.past.lost
        for database, at in handler.past.opened.items():
            opened[database] |= at
        if process.workers is not None:
            living = frozenset(pc for pc in handler.points if not pc.endswith(DEAD))
            limits.append(Limit((Test(v.PC, living),), process.workers))
    ends = expiring(design) if design.assumes("within-key-window") else frozenset()
    for group in grouped.values():
        to = group.queue.limit_to if modelled.FED else None
        readers = [g for g in grouped.values() if to and g.queue.name == to]
        rules += group.rules(domains, ends, readers)
    rules += appearing(grouped, domains, ends)
    rules += [
        replace(rule, others=(*rule.others, *blocks.announcements(u.target for u in rule.updates)))
        for rule in environment(design, grouped, domains)
    ]
    rules += arriving(design, domains)
    rules += forgotten_locks(design, domains)
    rules += leaked_locks(design, domains)
    rules += list(failovers(Meaning(design, None, domains), rules, opened))
    places = tuple(points)
    domains[v.PC] = Variable(v.PC, Level.WORKER, places, places[:1])
    machine = _trimmed(
        Machine(design.path, semantics.value, tuple(domains.values()), tuple(rules), tuple(limits))
    )
    lowered = Lowered(design, semantics, machine, points, grouped)
    return lowered, frozenset(needed), frozenset(lost)


def _trimmed(machine: Machine) -> Machine:
    """Without variables that no rule mentions."""
    used = {v.PC}
    for rule in machine.rules:
        used.update(t.variable for t in rule.guard)
        used.update(t.variable for broadcast in rule.others for t in broadcast.guard)
        used.update(u.target for broadcast in rule.others for u in broadcast.updates)
        for update in rule.updates:
            used.add(update.target)
            used.update([update.source] if update.source else [])
    variables = tuple(x for x in machine.variables if x.name in used or x.level is not Level.WORKER)
    return Machine(machine.name, machine.semantics, variables, machine.rules, machine.limits)
