"""A whole proof as one text that needs no knowledge of our code: the design, the machine with its
rules, what of it is looked at, the claim, the invariant, and what has to be shown of each rule.

``tools/verify_certificate.py`` decides from this text alone, without a solver, whether the proof is
one (docs/certificates.md). Nothing here is trusted by ``verify``, which writes the text again and
compares.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from onceproof.engines.compositional.abstraction import (
    Lemma,
    abstract_machine,
    abstract_property,
    pictures,
)
from onceproof.engines.compositional.certificate import folder_of
from onceproof.engines.smt.certificate import Subject, file_name
from onceproof.engines.smt.encode import describe
from onceproof.engines.smt.firing import firings
from onceproof.lang.source import Source
from onceproof.machine.invariant import Invariant
from onceproof.machine.plain import guard_data, invariant_data, machine_data, pattern_data
from onceproof.machine.slicing import Slice, place_variable, slice_of
from onceproof.machine.system import Level, Machine, Property

NAME = "proof.json"
SCHEMA = "onceproof-proof/1"

WIDTH = 110
"""Characters up to which a value is written in one line."""

Grounds = Invariant | tuple[Lemma, ...]
"""What makes a proof: one invariant, or parts with an invariant each."""

FORGOTTEN = "no step that is kept is computed from it, and none is asked of other workers"
GONE = "what a worker here does changes nothing that is kept, and it never leaves for a place kept"


def text_of(
    sources: Mapping[str, Source],
    path: str,
    subject: Subject,
    question: tuple[Machine, Property],
    grounds: Grounds,
) -> str:
    """The text. ``sources``: of the design at ``path`` and of all that it imports; ``question``:
    the whole machine and the claim.
    """
    machine, prop = question
    kept = slice_of(machine, prop, names=False)
    data = {
        "schema": SCHEMA,
        "design": subject.design,
        "claim": subject.claim,
        "semantics": subject.semantics,
        "texts": _texts(sources, path),
        "machine": machine_data(machine, _names(machine)),
        "violations": [pattern_data(p) for p in prop.bad],
        "slice": _slice_data(machine, kept),
        "parts": (
            [_part(kept.machine, prop, grounds, _left(kept), "")]
            if isinstance(grounds, Invariant)
            else [_seen(kept, prop, lemma, n) for n, lemma in enumerate(grounds, start=1)]
        ),
    }
    return "".join(_laid_out(data, "")) + "\n"


def _texts(sources: Mapping[str, Source], path: str) -> dict[str, list[str]]:
    """The lines of the texts by name, the design first; names do not say where the design lies."""
    folder = os.path.dirname(path) or os.curdir
    named = {os.path.relpath(p, folder): s.text.split("\n") for p, s in sources.items()}
    own = os.path.basename(path)
    return {own: named.pop(own), **dict(sorted(named.items()))}


def _names(machine: Machine) -> list[str]:
    return [describe(machine, index) for index in range(len(machine.rules))]


def _slice_data(machine: Machine, kept: Slice) -> dict[str, Any]:
    place = place_variable(machine)
    return {
        "place": place.name if place else None,
        "forgets": dict.fromkeys(kept.forgotten, FORGOTTEN),
        "without workers at": dict.fromkeys(kept.gone, GONE),
        "machine": machine_data(kept.machine, _names(kept.machine)),
        "becomes": _left(kept),
    }


def _left(kept: Slice) -> list[list[int]]:
    """For each rule of the whole machine, what is left of it: one rule or none."""
    return [[] if index is None else [index] for index in kept.becomes]


def _seen(kept: Slice, prop: Property, lemma: Lemma, number: int) -> dict[str, Any]:
    """A part of a proof in parts: what one handler sees."""
    small = abstract_machine(kept.machine, lemma.view)
    seen = abstract_property(kept.machine, lemma.prop, lemma.view)
    index = {rule: i for i, rule in enumerate(small.rules)}
    shown = [[index[r] for r in rules] for rules in pictures(kept.machine, lemma.view)]
    becomes = [[i for rule in left for i in shown[rule]] for left in _left(kept)]
    view = {
        "place": lemma.view.place,
        "names": dict(lemma.view.names),
        "machine": machine_data(small, _names(small)),
        "becomes": shown,
        "excludes": [pattern_data(p) for p in lemma.prop.bad],
        "seen as": [pattern_data(p) for p in seen.bad],
    }
    return {"view": view, **_part(small, seen, lemma.invariant, becomes, folder_of(number) + "/")}


def _part(
    machine: Machine,
    prop: Property,
    invariant: Invariant,
    becomes: Sequence[Sequence[int]],
    folder: str,
) -> dict[str, Any]:
    """The invariant of a machine, and what has to be shown."""
    stands: dict[int, list[int]] = {}
    for large, left in enumerate(becomes):
        for index in left:
            stands.setdefault(index, []).append(large)
    claims = len(machine.rules) + 1
    rules = []
    levels = (Level.COMPONENT, Level.EVENT, Level.WORKER)
    for index, firing in enumerate(firings(machine, invariant)):
        entry: dict[str, Any] = {
            "rule": describe(machine, index),
            "stands for": stands.get(index, []),
            "file": folder + file_name(index + 1, f"rule-{index}"),
        }
        if firing.rows:
            entry["fires from"] = {
                level.value: list(row) for level, row in zip(levels, firing.rows, strict=False)
            }
        else:
            entry["cannot fire: never"] = guard_data(firing.never)
        rules.append(entry)
    return {
        "invariant": invariant_data(machine, invariant),
        "initial": folder + file_name(0, "initial"),
        "rules": rules,
        "claims": [folder + file_name(claims + i, f"claim-{i}") for i in range(len(prop.bad))],
    }


def _laid_out(value: Any, indent: str) -> Iterator[str]:
    """JSON with one short value in each line."""
    compact = json.dumps(value, ensure_ascii=False)
    if len(compact) <= WIDTH or not isinstance(value, dict | list) or not value:
        yield compact
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    deeper = indent + " "
    separator = opening + "\n" + deeper
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"{separator}{json.dumps(key, ensure_ascii=False)}: "
            yield from _laid_out(item, deeper)
            separator = ",\n" + deeper
    else:
        for item in value:
            yield separator
            yield from _laid_out(item, deeper)
            separator = ",\n" + deeper
    yield "\n" + indent + closing
