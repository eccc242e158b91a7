"""``onceproof repair``: what to change, as a difference of the design's text, each change
verified.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from msgspec import Struct

from onceproof.base.memo import remembering
from onceproof.commands.shared import asked, design_of
from onceproof.lang.load import Loaded
from onceproof.machine.delivery import Delivery
from onceproof.repair import Goal, Repair, Repairs, diff_of, goals_of, repaired, repairs
from onceproof.report.words import WORDS
from onceproof.story.headline import listed
from onceproof.verdict.check import check_loaded
from onceproof.verdict.exit_codes import Exit, worst
from onceproof.verdict.result import Cell
from onceproof.verdict.task import Options

SCHEMA = "onceproof/repair/1"


class RepairCommand(Struct, frozen=True):
    """``onceproof repair FILE``, with its options as the command line names them."""

    path: Path
    semantics: tuple[str, ...]
    claims: tuple[str, ...]
    keep_provider: bool
    write: bool
    form: str
    timeout: float
    verbose: bool

    @remembering()
    def run(self) -> int:
        """Search and say; returns the exit code."""
        loaded = design_of(self.path)
        if loaded.design is None:
            return int(Exit.USAGE)
        chosen = tuple(asked(loaded.design, self.claims, self.semantics))
        options = Options(seconds=self.timeout, second_opinion=False)
        result, interrupted = check_loaded(loaded, options)
        if interrupted:
            return int(Exit.INTERRUPTED)
        if result.failures:
            raise AssertionError(f"engines contradict each other: {result.failures[0].what}")
        try:
            goals = goals_of(loaded.design, result.cells, chosen)
            if self.write:
                return self._write(loaded, goals, options)
            found = [
                repairs(loaded, goal, options, self.keep_provider, result.cells) for goal in goals
            ]
        except KeyboardInterrupt:
            return int(Exit.INTERRUPTED)
        click.echo(self._shown(loaded, found), nl=self.form != "diff")
        return int(worst(_code(f) for f in found))

    def _shown(self, loaded: Loaded, found: list[Repairs]) -> str:
        if self.form == "json":
            return json.dumps(
                document(loaded.path, found), indent=2, sort_keys=True, ensure_ascii=False
            )
        if self.form == "diff":
            return "".join(dict.fromkeys(f.repairs[0].diff for f in found if f.repairs))
        return "\n".join(self._told(found)) if found else "nothing to repair: no claim is refuted"

    # -- writing

    def _write(self, loaded: Loaded, goals: tuple[Goal, ...], options: Options) -> int:
        """Make the first repair of each goal; the file is replaced in one step, and only by a text
        that was verified.
        """
        old = loaded.sources[loaded.path].text
        text, made, left = repaired(loaded, goals, options, self.keep_provider)
        if made:
            _replace(self.path, text)
        if self.form == "json":
            body = {
                "schema": SCHEMA,
                "design": loaded.path,
                "written": bool(made),
                "diff": diff_of(loaded.path, old, text) if made else "",
                "made": [[goal.name, goal.semantics.value, *repair.edits] for goal, repair in made],
                "left": [[goal.name, goal.semantics.value] for goal in left],
            }
            click.echo(json.dumps(body, indent=2, sort_keys=True, ensure_ascii=False))
        elif made:
            click.echo(diff_of(loaded.path, old, text), nl=False)
        if self.form == "text":
            for _, repair in made:
                click.echo("\n".join(f"written: {what}" for what in repair.what))
                click.echo(
                    "\n".join(f"must be true outside the design: {one}" for one in repair.outside),
                    nl=bool(repair.outside),
                )
            for goal in left:
                click.echo(f"no repair found for {goal.name} under {goal.semantics.value}")
        return int(Exit.VIOLATED if left else Exit.HOLDS)

    # -- text

    def _told(self, found: list[Repairs]) -> Iterator[str]:
        shown: dict[tuple[str, ...], str] = {}
        for one in _merged(found):
            first, under = one[0], listed([r.semantics.value for r in one])
            yield f"{first.effect} / {under}"
            yield from (f"  {line}" for line in _impossible(first, self.verbose))
            for number, repair in enumerate(first.repairs, 1):
                yield (
                    f"  {number}. {'; and '.join(repair.what)} ({', '.join(repair.edits)}, cost"
                    f" {repair.cost})"
                )
                if self.verbose:
                    yield f"     verified in {repair.seconds:.2f} s"
                key = (repair.text,)
                if key in shown:
                    yield f"     the same change as for {shown[key]}"
                    continue
                shown[key] = f"{first.effect} / {under}"
                yield from (f"     {line}".rstrip() for line in repair.diff.splitlines())
                yield from (f"     {line}" for line in _terms(repair))
            if self.verbose:
                yield (
                    f"  {first.tried} changed designs looked at in"
                    f" {sum(r.seconds for r in one):.2f} s"
                )
            if not first.repairs and first.complete:
                yield (
                    f"  none found: {first.tried} changed designs looked at, every single edit and"
                    " pair of edits of the catalogue"
                )
            elif not first.complete:
                yield f"  not complete: {first.reason}"


def _merged(found: list[Repairs]) -> list[list[Repairs]]:
    """Semantics with the same answer together."""
    groups: list[list[Repairs]] = []
    for one in found:
        texts = [r.text for r in one.repairs]
        same = [
            g
            for g in groups
            if g[0].effect == one.effect and [r.text for r in g[0].repairs] == texts
        ]
        if same and bool(same[0][0].impossible) == bool(one.impossible) and _alike(same[0][0], one):
            same[0].append(one)
        else:
            groups.append([one])
    return groups


def _alike(one: Repairs, other: Repairs) -> bool:
    """Whether the reasons are the same but for the name of the semantics."""
    return [s.replace(one.semantics.value, "") for s in one.impossible] == [
        s.replace(other.semantics.value, "") for s in other.impossible
    ]


def _impossible(found: Repairs, verbose: bool) -> Iterator[str]:
    if not found.impossible:
        return
    if found.semantics is Delivery.AT_MOST_ONCE or not found.repairs:
        yield "with the design's queues and providers as they are, none exists:"
    else:
        yield "with its provider as declared, none exists:"
    yield from (
        f"  {sentence}" for sentence in (found.impossible if verbose else found.impossible[-2:])
    )


def _terms(repair: Repair) -> Iterator[str]:
    proved = [f"{c.claim} ({WORDS[c.verdict]})" for c in repair.goal]
    yield f"verified: {listed(proved)}; no other claim is worse"
    assumed = tuple(dict.fromkeys(a for c in repair.goal for a in c.assumptions))
    bounded = [c for c in repair.goal if c.scope.workers or c.scope.events]
    yield from (f"assuming that {a}" for a in assumed)
    yield from (f"only within bounds: {c.claim}" for c in bounded)
    yield from (f"costs: {cost}" for cost in repair.costs)
    yield from (f"must be true outside the design: {one}" for one in repair.outside)
    yield from (f"still not covered: {one}" for one in repair.leaves)


def _code(found: Repairs) -> Exit:
    if found.repairs:
        return Exit.HOLDS
    return Exit.VIOLATED if found.complete else Exit.INCONCLUSIVE


def _replace(path: Path, text: str) -> None:
    """Replace a file in one step, keeping a byte order mark and its permissions."""
    mark = path.read_bytes().startswith(b"\xef\xbb\xbf")
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(handle, "wb") as file:
            file.write((b"\xef\xbb\xbf" if mark else b"") + text.encode("utf-8"))
        os.chmod(name, path.stat().st_mode)
        os.replace(name, path)
    except OSError as error:
        raise click.UsageError(
            f"cannot write {path}: {(error.strerror or 'failed').lower()}"
        ) from error


# ---------------------------------------------------------------- JSON


def document(path: str, found: list[Repairs]) -> dict[str, object]:
    """Everything as plain data."""
    return {"schema": SCHEMA, "design": path, "repairs": [_repairs(f) for f in found]}


def _repairs(f: Repairs) -> dict[str, object]:
    return {
        "effect": f.effect,
        "semantics": f.semantics.value,
        "impossible": list(f.impossible),
        "tried": f.tried,
        "complete": f.complete,
        "reason": f.reason,
        "offered": [_repair(r) for r in f.repairs],
    }


def _repair(r: Repair) -> dict[str, object]:
    return {
        "edits": list(r.edits),
        "what": list(r.what),
        "cost": r.cost,
        "text": r.text,
        "diff": r.diff,
        "costs": list(r.costs),
        "outside": list(r.outside),
        "leaves": list(r.leaves),
        "goal": [_cell(c) for c in r.goal],
        "verdicts": [_cell(c) for c in r.cells],
        "timing": {"seconds": round(r.seconds, 3)},
    }


def _cell(c: Cell) -> dict[str, object]:
    return {
        "claim": c.claim,
        "semantics": c.semantics.value,
        "verdict": c.verdict.value,
        "assurance": c.assurance.value,
        "assumptions": list(c.assumptions),
        "workers": c.scope.workers,
        "events": c.scope.events,
    }
