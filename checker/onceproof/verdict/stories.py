"""The search for a story of one cell: with exact rules first, then with those that are wider than
the truth, whose stories count only if they replay (docs/semantics_world.md, "Two columns").
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from onceproof.counterexample.validate import Rejected, validated
from onceproof.engines.search import Bounds, Exploration, Found, cheapest, simplest
from onceproof.interpreter import Replay
from onceproof.machine import approximation
from onceproof.verdict.task import Task

MOST_SET_ASIDE = 20
"""Stories of one search that may fail to replay."""


class Unconfirmed(Struct, frozen=True):
    """Stories were found, and none replays. ``names``: the wider rules that they use. ``searched``:
    what was searched, None if the search was given up for so many stories.
    """

    names: tuple[str, ...]
    searched: Exploration | None

    @property
    def reason(self) -> str:
        """Why the cell is not decided."""
        return unconfirmed(self.names)


def unconfirmed(names: tuple[str, ...]) -> str:
    """Why a cell is not decided whose stories use these rules and do not replay."""
    rules = ", ".join(f"`{name}`" for name in names)
    return (
        f"only stories that use rules wider than the truth were found ({rules}), and none of them"
        " could be replayed"
    )


def search(
    task: Task, bounds: Bounds, states: int | None = None
) -> Found | Exploration | Unconfirmed:
    """The simplest story within bounds, or what was searched without finding one.

    A story without wider rules is handed over as it is: if it does not replay, that is a bug. Only
    what both readings let through on purpose, and the replay of the whole finds out, is set aside.
    """
    if approximation.is_exact(task.machine, task.prop):
        first = task.search(bounds, states)
        aside = isinstance(first, Found) and _let_through(task, first)
        return _wider(task, bounds, states) if aside else first
    result = simplest(
        approximation.exact(task.machine),
        approximation.exact_property(task.prop),
        bounds,
        task.budget(states),
        task.report,
    )
    if isinstance(result, Found):
        whole = replace(result, run=approximation.in_whole(result.run, task.machine))
        if not _let_through(task, whole):
            return whole
    return _wider(task, bounds, states)


def _let_through(task: Task, found: Found) -> bool:
    """Whether both readings allow each step of a story, and the replay not the whole."""
    trace = validated(task.lowered, task.claim, task.machine, found.run, by_worker=False)
    return isinstance(trace, Rejected) and bool(trace.rule)


def _wider(task: Task, bounds: Bounds, states: int | None) -> Found | Exploration | Unconfirmed:
    names: set[str] = set()
    last: list[Found] = []
    longer: list[Found] = []

    def followed(story: Found, *, attempts: bool) -> Replay | Rejected:
        whole = (task.lowered, task.claim, task.machine, story.run)
        return validated(*whole, by_worker=False, attempts=attempts)

    def accept(story: Found) -> bool:
        used = approximation.names_used(task.machine, task.prop, story.run)
        trace = followed(story, attempts=False)
        if not isinstance(trace, Rejected):
            return True
        used = (*used, trace.rule) if trace.rule else used
        if not used:
            return True
        names.update(used)
        last.append(story)
        if not longer and not isinstance(followed(story, attempts=True), Rejected):
            longer.append(story)  # if there is none that is a run of the design as it is
        return len(last) >= MOST_SET_ASIDE

    result = cheapest(
        task.machine, task.prop, bounds, task.budget(states), task.report, accept=accept
    )
    if isinstance(result, Found):
        if len(last) < MOST_SET_ASIDE:
            return result
        return longer[0] if longer else Unconfirmed(tuple(sorted(names)), None)
    if longer:
        return longer[0]
    return Unconfirmed(tuple(sorted(names)), result) if names else result
