"""T3, T4 and T5: what depends on how many workers there are, and on where they may be killed."""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.lang.design import LockKind, Process
from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n
from onceproof.lower import variables as v
from onceproof.lower.queues import Tracking
from onceproof.lower.worker import ACKED
from onceproof.machine.system import Cause
from onceproof.verdict.side_conditions.condition import Finding, Look

BOUNDS = (
    "if there is no proof for any number of workers, it can only be made for up to N workers and M"
    " events per key"
)


def plain_guards(look: Look) -> Iterator[Finding]:
    """T3. Guards are "this variable has one of these values" over the acting worker, its event and
    its component; broadcasts are functions per worker. ``machine.Rule`` can say nothing else, and
    ``cover.names`` turns other levels down. Only a limit on workers asks for company.
    """
    limited = {
        pc: limit.count for limit in look.machine.limits for t in limit.guard for pc in t.allowed
    }
    for process in look.design.processes:
        places = [pc for pc, spot in look.lowered.points.items() if spot.process == process.name]
        count = next((limited[pc] for pc in places if pc in limited), None)
        if count is not None:
            yield Finding.at(
                "T3",
                process.span,
                text=(
                    f"`{process.name}` has at most {count} worker{'' if count == 1 else 's'} at"
                    " once"
                ),
                cost=f"a proof for any number of workers may not use this limit; {BOUNDS}",
                remedy=(
                    f"leave `workers {count}` out, and let a unique insert or a conditional update"
                    " turn the second worker away"
                ),
            )


def nobody_else(look: Look) -> Iterator[Finding]:
    """T4. "No other worker is there" is read as "those that are there go away": always sound for
    proofs, and exact if every worker can go away silently, that is if it may be killed and its
    death changes nothing.
    """
    absent = _asks_for_nobody(look)
    asks_alone = any(r.alone is not None for r in look.machine.rules)
    if not absent and not asks_alone:
        return
    what = (
        "when nobody is at work on an event"
        if absent
        else "when a record may expire because nobody is at work on its event"
    )
    stuck = {look.lowered.points[pc].process for pc in _places(look) - _silent(look)}
    reported: set[int] = set()
    for process in look.design.processes:
        if process.name in stuck:
            span, text, remedy = _why_stuck(look, process)
            if span.line not in reported:
                reported.add(span.line)
                yield Finding.at(
                    "T4",
                    span,
                    text=text,
                    cost=f"{what} is read generously; {BOUNDS}",
                    remedy=remedy,
                )


def _asks_for_nobody(look: Look) -> bool:
    return any(e.absent is not None for p in look.prop.bad for e in p.events)


def _places(look: Look) -> frozenset[str]:
    places = next(
        (frozenset(x.domain) for x in look.machine.variables if x.name == v.PC), frozenset()
    )
    return places & look.lowered.points.keys()


def _silent(look: Look) -> set[str]:
    """The places at which a worker may be killed and nothing else happens."""
    places: set[str] = set()
    for rule in look.machine.rules:
        if rule.action.cause is Cause.KILLED and rule.ends and not rule.updates and not rule.others:
            if all(t.variable == v.PC for t in rule.guard):
                places |= {pc for t in rule.guard for pc in t.allowed}
    return places


def _why_stuck(look: Look, process: Process) -> tuple[Span, str, str]:
    """Why a worker of this process may be unable to go silently: where, what, and how to change
    it.
    """
    for assumption in look.design.assumptions:
        if assumption.kind in ("no-crash", "crash-only-after"):
            words = (
                "no worker is killed"
                if assumption.kind == "no-crash"
                else f"workers are killed only after {assumption.effect}"
            )
            return assumption.span, f"the design assumes that {words}", "leave the assumption out"
    mark = _mark(look, process)
    if mark is not None:
        return mark, f"workers of `{process.name}` are killed only here", "leave `crash here` out"
    lock = next(
        (
            x
            for x in look.design.locks.values()
            if x.kind is LockKind.SESSION and x.name in look.rows
        ),
        None,
    )
    if lock is not None:
        remedy = f"let it expire (`lock {lock.name} per {lock.key}, expires`) and check its token"
        return lock.span, f"`{lock.name}` is freed when its holder dies", remedy
    lease = next(
        (
            x
            for x in look.design.locks.values()
            if v.orphans(look.design, x) and x.name in look.rows
        ),
        None,
    )
    if lease is not None:
        return (
            lease.span,
            f"`{lease.name}` expires only when its holder is gone",
            "leave `assume work ends within the lock` out",
        )
    locked = next(
        (s for s in look.design.stores.values() if v.busy(s.name) in look.variables), None
    )
    if locked is not None:
        remedy = (
            "do nothing else between the writes of an `atomic` block: no test, no call, no"
            " acknowledgement"
        )
        return (
            locked.span,
            f"a transaction keeps rows of `{locked.name}` locked while it does something else",
            remedy,
        )
    text = (
        f"the broker knows which worker of `{process.name}` holds a message, and hands it out again"
        " when that worker dies"
    )
    remedy = (
        "where late acknowledgements settle and nobody looks at the answer (`ack`, not `ack or …`),"
        " the broker need not know"
    )
    return process.span, text, remedy


def _mark(look: Look, process: Process) -> Span | None:
    return next((s.span for _, s in look.steps(process) if isinstance(s, n.CrashHere)), None)


def crash_points(look: Look) -> Iterator[Finding]:
    """T5. A silent crash is a worker that is never scheduled again, so where it may happen makes no
    difference to "never twice". It does where a death sets something going, or where it matters
    that nobody is at work; then naming the places narrows the claim.
    """
    absent = _asks_for_nobody(look) or any(r.alone is not None for r in look.machine.rules)
    for process in look.design.processes:
        mark = _mark(look, process)
        group = look.lowered.groups.get(process.name)
        held = (
            group is not None and group.tracking is Tracking.HELD and group.status in look.variables
        )
        if (
            mark is not None
            and (absent or held or frees_by_death(look))
            and not look.design.assumes("no-crash")
        ):
            yield Finding.at(
                "T5",
                mark,
                text=f"with `crash here`, workers of `{process.name}` are killed nowhere else",
                cost=(
                    "the claim is made for crashes at such places only, as if that had been assumed"
                ),
                remedy="leave `crash here` out",
            )


def frees_by_death(look: Look) -> bool:
    """Whether a death lets other workers go on (a lock, rows kept locked, a place among ``workers
    N``) or settles its message.
    """
    tied = {
        x.name
        for x in look.design.locks.values()
        if x.kind is LockKind.SESSION or v.orphans(look.design, x)
    }
    busy = {v.busy(store) for store in look.design.stores}
    settled = any(
        r.action.cause is Cause.KILLED and r.action.outcome == ACKED and r.updates
        for r in look.machine.rules
    )
    return bool(tied & look.rows or busy & look.variables or look.machine.limits or settled)
