"""Fault combinations that break a claim, and the crash map: as text and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onceproof.analysis.crash_map import CrashMap, Harm, MappedGap
from onceproof.analysis.cut_sets import FaultSet, Frontier
from onceproof.lang.design import Design
from onceproof.report.words import counted
from onceproof.story.headline import listed

SCHEMA = "onceproof/faults/1"


def text(design: Design, frontiers: Sequence[Frontier], maps: Sequence[CrashMap]) -> str:
    """For a terminal: claim by claim what breaks it, then the crash maps."""
    lines = [line for frontier in frontiers for line in _frontier_lines(frontier, design)]
    lines += [line for crash_map in maps for line in _map_lines(crash_map)]
    return "\n".join(lines)


def _frontier_lines(frontier: Frontier, design: Design) -> Iterator[str]:
    head = f"{frontier.claim} / {frontier.semantics.value}"
    if frontier.proved:
        assumed = ""
        if design.assumptions:
            assumed = f"; assuming that {listed([a.words for a in design.assumptions])}"
        yield f"{head}: no combination of faults breaks it (proved{assumed})"
        return
    within = bounds(frontier)
    most = counted(frontier.most, "fault")
    if frontier.fewest is None:
        yield f"{head}: no combination of up to {most} breaks it ({within})"
    elif not frontier.fewest:
        yield f"{head}: breaks without any fault ({within})"
    else:
        yield f"{head}: breaks with {counted(frontier.fewest, 'fault')}"
        yield from (f"  {line}" for fault_set in frontier.sets for line in _set_lines(fault_set))
        yield f"  every smallest combination of up to {most}, with {within}"
    if not frontier.complete:
        yield f"  not complete: {frontier.reason}"


def _set_lines(fault_set: FaultSet) -> Iterator[str]:
    last = len(fault_set.words) - 1
    for number, phrase in enumerate(fault_set.words):
        workers = ""
        if number == last and fault_set.workers > 1:
            workers = f" ({fault_set.workers} workers at once)"
        yield f"{'-' if number == 0 else '  and'} {phrase}{workers}"


def bounds(searched: Frontier | CrashMap) -> str:
    """``2 workers at once and 1 event``: how far the search went."""
    return f"{counted(searched.workers, 'worker')} at once and {counted(searched.events, 'event')}"


def _map_lines(crash_map: CrashMap) -> Iterator[str]:
    yield f"crash map / {crash_map.semantics.value}: a crash there and nothing else"
    process = ""
    for gap in crash_map.gaps:
        if gap.gap.process != process:
            process = gap.gap.process
            yield f"  {process}"
        yield f"    {gap.text}: {_harms(gap)}"
    if has_unproved_gaps(crash_map):
        yield f"  harmless: no harm found with up to {bounds(crash_map)}"


def has_unproved_gaps(crash_map: CrashMap) -> bool:
    """Whether some gap is called harmless only because no harm was found within bounds."""
    return any(
        harm.harm is Harm.HARMLESS and not harm.proved
        for gap in crash_map.gaps
        for harm in gap.harms
    )


def _harms(gap: MappedGap) -> str:
    phrases = []
    for harm in gap.harms:
        match harm.harm:
            case Harm.HARMLESS:
                continue
            case Harm.UNKNOWN:
                phrases.append(f"unknown ({harm.claim}: {harm.reason})")
            case Harm.DUPLICATES | Harm.LOSES:
                crashes = f" ({harm.crashes} crashes)" if harm.crashes > 1 else ""
                phrases.append(f"{harm.harm.value} {harm.effect}{crashes}")
            case _:
                phrases.append(f"{harm.claim}: {harm.harm.value}")
    return "; ".join(dict.fromkeys(phrases)) or "harmless"


# ---------------------------------------------------------------- plain data


def document(
    design: Design, frontiers: Sequence[Frontier], maps: Sequence[CrashMap]
) -> dict[str, object]:
    """Everything as plain data (schema ``onceproof/faults/1``)."""
    return {
        "schema": SCHEMA,
        "design": design.path,
        "frontiers": [_frontier_data(f) for f in frontiers],
        "crash_maps": [_map_data(m) for m in maps],
    }


def _frontier_data(frontier: Frontier) -> dict[str, object]:
    return {
        "claim": frontier.claim,
        "semantics": frontier.semantics.value,
        "proved": frontier.proved,
        "fewest": frontier.fewest,
        "most": frontier.most,
        "workers": frontier.workers,
        "events": frontier.events,
        "complete": frontier.complete,
        "reason": frontier.reason,
        "sets": [
            {
                "size": s.size,
                "workers": s.workers,
                "faults": [_fault_data(s, i) for i in range(len(s.faults))],
            }
            for s in frontier.sets
        ],
    }


def _fault_data(fault_set: FaultSet, index: int) -> dict[str, object]:
    fault, times = fault_set.faults[index]
    return {
        "cause": fault.cause.value,
        "times": times,
        "process": fault.process,
        "queue": fault.queue,
        "subject": fault.subject,
        "line": fault.line,
        "words": fault_set.words[index],
    }


def _map_data(crash_map: CrashMap) -> dict[str, object]:
    return {
        "semantics": crash_map.semantics.value,
        "workers": crash_map.workers,
        "events": crash_map.events,
        "complete": crash_map.complete,
        "gaps": [_gap_data(gap) for gap in crash_map.gaps],
    }


def _gap_data(gap: MappedGap) -> dict[str, object]:
    return {
        "process": gap.gap.process,
        "after": list(gap.gap.after),
        "before": gap.gap.before,
        "during": gap.gap.during,
        "text": gap.text,
        "harms": [
            {
                "claim": h.claim,
                "harm": h.harm.value,
                "crashes": h.crashes,
                "proved": h.proved,
                "reason": h.reason,
            }
            for h in gap.harms
        ],
    }
