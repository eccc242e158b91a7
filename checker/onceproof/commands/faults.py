"""``onceproof faults``: the fault frontier of every claim, and the crash map."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
from msgspec import Struct

from onceproof.analysis.crash_map import CrashMap, Harm, MappedGap, crash_map
from onceproof.analysis.cut_sets import FaultSet, Frontier, frontier
from onceproof.base.memo import remembering
from onceproof.commands.shared import asked, design_of
from onceproof.lang.design import Design
from onceproof.story.headline import listed
from onceproof.verdict.exit_codes import Exit
from onceproof.verdict.task import Options

SCHEMA = "onceproof/faults/1"


class FaultsCommand(Struct, frozen=True):
    """``onceproof faults FILE``, with its options as the command line names them."""

    path: Path
    semantics: tuple[str, ...]
    claims: tuple[str, ...]
    most: int
    workers: int | None
    events: int | None
    mapped: bool
    form: str
    timeout: float

    @remembering()
    def run(self) -> int:
        """Search and say; returns the exit code (0: everything was searched)."""
        design = design_of(self.path).design
        if design is None:
            return int(Exit.USAGE)
        options = Options(self.workers, self.events, claims=self.claims, seconds=self.timeout)
        questions = asked(design, self.claims, self.semantics)
        try:
            found = [
                frontier(design, claim, semantics, options, self.most)
                for claim, semantics in questions
            ]
            maps = list(self._maps(design, options))
        except KeyboardInterrupt:
            return int(Exit.INTERRUPTED)
        if self.form == "json":
            click.echo(
                json.dumps(
                    document(design, found, maps), indent=2, sort_keys=True, ensure_ascii=False
                )
            )
        else:
            click.echo("\n".join(line for one in found for line in told(one, design)))
            click.echo("\n".join(line for one in maps for line in map_lines(one)), nl=bool(maps))
        complete = all(f.complete for f in found) and all(m.complete for m in maps)
        return int(Exit.HOLDS if complete else Exit.INCONCLUSIVE)

    def _maps(self, design: Design, options: Options) -> Iterator[CrashMap]:
        for semantics in design.semantics if self.mapped else ():
            if not self.semantics or semantics.value in self.semantics:
                yield crash_map(design, semantics, options)


# ---------------------------------------------------------------- text


def told(found: Frontier, design: Design) -> Iterator[str]:
    """The lines about one claim."""
    head = f"{found.claim} / {found.semantics.value}"
    if found.proved:
        assumed = (
            f"; assuming that {listed([a.words for a in design.assumptions])}"
            if design.assumptions
            else ""
        )
        yield f"{head}: no fault breaks it, whatever comes together (proved{assumed})"
        return
    within = f"{_many(found.workers, 'worker')} at once and {_many(found.events, 'event')}"
    if found.fewest is None:
        yield f"{head}: no combination of up to {_many(found.most, 'fault')} breaks it ({within})"
    elif not found.fewest:
        yield f"{head}: breaks without any fault ({within})"
    else:
        yield f"{head}: breaks with {_many(found.fewest, 'fault')}"
        yield from (f"  {line}" for one in found.sets for line in _set(one))
        yield f"  every smallest combination of up to {_many(found.most, 'fault')}, with {within}"
    if not found.complete:
        yield f"  not complete: {found.reason}"


def _set(one: FaultSet) -> Iterator[str]:
    workers = f" ({one.workers} workers at once)" if one.workers > 1 else ""
    for number, phrase in enumerate(one.words):
        last = workers if number == len(one.words) - 1 else ""
        yield f"{'-' if number == 0 else '  and'} {phrase}{last}"


def map_lines(found: CrashMap) -> Iterator[str]:
    """The crash map of one semantics."""
    yield f"crash map / {found.semantics.value}: a crash there and nothing else"
    process = ""
    for gap in found.gaps:
        if gap.gap.process != process:
            process = gap.gap.process
            yield f"  {process}"
        yield f"    {gap.text}: {_harms(gap)}"
    if any(h.harm is Harm.HARMLESS and not h.proved for g in found.gaps for h in g.harms):
        yield (
            f"  harmless: no harm found with up to {_many(found.workers, 'worker')} at once and"
            f" {_many(found.events, 'event')}"
        )


def _harms(gap: MappedGap) -> str:
    parts = []
    for harm in gap.harms:
        match harm.harm:
            case Harm.HARMLESS:
                continue
            case Harm.UNKNOWN:
                parts.append(f"unknown ({harm.claim}: {harm.reason})")
            case Harm.DUPLICATES | Harm.LOSES:
                parts.append(
                    f"{harm.harm.value} {harm.effect}"
                    + (f" ({harm.crashes} crashes)" if harm.crashes > 1 else "")
                )
            case _:
                parts.append(f"{harm.claim}: {harm.harm.value}")
    return "; ".join(dict.fromkeys(parts)) or "harmless"


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


# ---------------------------------------------------------------- JSON


def document(design: Design, found: list[Frontier], maps: list[CrashMap]) -> dict[str, object]:
    """Everything as plain data."""
    return {
        "schema": SCHEMA,
        "design": design.path,
        "frontiers": [_frontier(f) for f in found],
        "crash_maps": [_map(m) for m in maps],
    }


def _frontier(f: Frontier) -> dict[str, object]:
    return {
        "claim": f.claim,
        "semantics": f.semantics.value,
        "proved": f.proved,
        "fewest": f.fewest,
        "most": f.most,
        "workers": f.workers,
        "events": f.events,
        "complete": f.complete,
        "reason": f.reason,
        "sets": [
            {
                "size": s.size,
                "workers": s.workers,
                "faults": [_fault(s, i) for i in range(len(s.faults))],
            }
            for s in f.sets
        ],
    }


def _fault(one: FaultSet, index: int) -> dict[str, object]:
    fault, times = one.faults[index]
    return {
        "cause": fault.cause.value,
        "times": times,
        "process": fault.process,
        "queue": fault.queue,
        "subject": fault.subject,
        "line": fault.line,
        "words": one.words[index],
    }


def _map(m: CrashMap) -> dict[str, object]:
    return {
        "semantics": m.semantics.value,
        "workers": m.workers,
        "events": m.events,
        "complete": m.complete,
        "gaps": [
            {
                "process": g.gap.process,
                "after": list(g.gap.after),
                "before": g.gap.before,
                "during": g.gap.during,
                "text": g.text,
                "harms": [
                    {
                        "claim": h.claim,
                        "harm": h.harm.value,
                        "crashes": h.crashes,
                        "proved": h.proved,
                        "reason": h.reason,
                    }
                    for h in g.harms
                ],
            }
            for g in m.gaps
        ],
    }
