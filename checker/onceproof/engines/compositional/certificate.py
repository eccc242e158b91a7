"""Proofs in parts: what solvers are asked, and how they are written down and read again.

A folder holds one certificate of the ordinary kind for each part, and at the top the views of the
parts (``onceproof.engines.compositional.abstraction``), what each excludes, and the solver files
that say that nothing of the claim is left. A view is not trusted: the machine of the part is made
from the design again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from onceproof.base.untrusted import Refused
from onceproof.base.writing import create_in, make_folders
from onceproof.engines.compositional.abstraction import (
    Lemma,
    NotExpressible,
    View,
    abstract_machine,
    abstract_property,
)
from onceproof.engines.smt import certificate
from onceproof.engines.smt.certificate import Subject
from onceproof.engines.smt.certify import Outcome, Proof, certify, discharge
from onceproof.engines.smt.checks import demand_claim
from onceproof.engines.smt.induction import Obligation, obligations
from onceproof.engines.smt.joint import Part, beside, certify_jointly
from onceproof.engines.smt.solver import Solver
from onceproof.machine.system import EventPattern, Guard, Machine, Pattern, Property, Test

INDEX = "parts.json"
SCHEMA = "onceproof-certificate-in-parts/1"


def parts_of(machine: Machine, lemmas: Sequence[Lemma]) -> list[Part]:
    """For each part its machine, what it excludes, and its invariant."""
    return [
        (abstract_machine(machine, x.view), abstract_property(machine, x.prop, x.view), x.invariant)
        for x in lemmas
    ]


def check(
    machine: Machine, prop: Property, lemmas: Sequence[Lemma], solvers: Sequence[Solver]
) -> Proof:
    """What solvers say of a proof in parts."""
    return certify_jointly(
        parts_of(machine, lemmas), machine, _rest(machine, prop, lemmas), solvers
    )


def texts(
    machine: Machine, prop: Property, lemmas: Sequence[Lemma], subject: Subject
) -> dict[str, str]:
    """All solver files by name."""
    files = certificate.texts(machine, subject, _rest(machine, prop, lemmas))
    for number, (small, excluded, invariant) in enumerate(parts_of(machine, lemmas), start=1):
        todo = obligations(small, excluded, invariant)
        files |= {
            f"{folder_of(number)}/{k}": x
            for k, x in certificate.texts(small, _part(subject, number), todo).items()
        }
    return files


def _rest(machine: Machine, prop: Property, lemmas: Sequence[Lemma]) -> tuple[Obligation, ...]:
    return beside(machine, prop, [pattern for x in lemmas for pattern in x.prop.bad])


def folder_of(number: int) -> str:
    """The folder of a part, below that of the certificate."""
    return f"part-{number}"


def _part(subject: Subject, number: int) -> Subject:
    return replace(subject, claim=f"{subject.claim} (part {number})")


def write(
    directory: Path,
    subject: Subject,
    question: tuple[Machine, Property],
    lemmas: Sequence[Lemma],
    solvers: Sequence[Solver],
) -> None:
    """Write the certificate; an older one is replaced. Raises ValueError if the folder is in use
    for something else.
    """
    machine, prop = question
    if directory.exists() and any(directory.iterdir()) and not (directory / INDEX).exists():
        raise ValueError(f"{directory} is in use for something else")
    make_folders(directory.parent, Path(directory.name))
    for old in directory.glob("*.smt2"):
        old.unlink()
    for number, (small, excluded, invariant) in enumerate(parts_of(machine, lemmas), start=1):
        proof = certify(small, excluded, invariant, solvers)
        certificate.write(
            directory / folder_of(number), _part(subject, number), small, invariant, proof
        )
    files = certificate.texts(machine, subject, _rest(machine, prop, lemmas))
    index = {
        "schema": SCHEMA,
        "design": subject.design,
        "claim": subject.claim,
        "semantics": subject.semantics,
        "files": list(files),
        "parts": [_plain(prop, x) for x in lemmas],
    }
    for name, text in {
        **files,
        INDEX: json.dumps(index, indent=1, ensure_ascii=False) + "\n",
    }.items():
        create_in(directory, name, text.encode("utf-8", "backslashreplace"))


def load(directory: Path, prop: Property) -> tuple[Lemma, ...]:
    """The parts of a certificate that was accepted."""
    views = map(_view_of, certificate.index_of(directory, INDEX)["parts"])
    return tuple(
        Lemma(
            view,
            prop if bad is None else replace(prop, bad=bad),
            certificate.load(directory / folder_of(number)).invariant,
        )
        for number, (view, bad) in enumerate(views, start=1)
    )


def verify(
    directory: Path, subject: Subject, question: tuple[Machine, Property], solvers: Sequence[Solver]
) -> tuple[bool, tuple[str, ...], str, bool]:
    """Whether the certificate was accepted; by which solvers; why not; and whether one of them gave
    up.
    """
    machine, prop = question
    try:
        index = certificate.index_of(directory, INDEX)
        if index["schema"] != SCHEMA:
            raise ValueError(f"its schema is not {SCHEMA}")
        entries = [_view_of(part) for part in index["parts"]]
        excluded = [prop if bad is None else replace(prop, bad=bad) for _, bad in entries]
        for claim in excluded:
            demand_claim(machine, claim)
        views = [view for view, _ in entries]
        small = [
            (abstract_machine(machine, v), abstract_property(machine, p, v))
            for v, p in zip(views, excluded, strict=True)
        ]
        rest = beside(machine, prop, [pattern for p in excluded for pattern in p.bad])
    except (
        Refused,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        NotExpressible,
    ) as error:
        return False, (), f"not a certificate: {error}", False
    if not small:
        return False, (), "it has no parts", False
    by: tuple[str, ...] = ()
    for number, (part, claim) in enumerate(small, start=1):
        answer = certificate.verify(
            directory / folder_of(number), _part(subject, number), part, claim, solvers
        )
        if not answer.accepted:
            unknown = answer.proof is not None and answer.proof.outcome is Outcome.UNKNOWN
            return False, (), f"{folder_of(number)}: {answer.reason}", unknown
        by = answer.proof.solvers if answer.proof else ()
    problem = certificate.differs(directory, certificate.texts(machine, subject, rest))
    if problem:
        return False, (), problem, False
    if rest:
        proof = discharge(machine, rest, solvers)
        if not proof.proved:
            return (
                False,
                (),
                f"the solvers do not agree: {proof.outcome.value}",
                proof.outcome is Outcome.UNKNOWN,
            )
    return True, by, "", False


def _plain(prop: Property, lemma: Lemma) -> dict[str, Any]:
    """A part as JSON values; ``excludes`` is null for the claim itself."""
    view = lemma.view
    bad = (
        None
        if lemma.prop == prop
        else [[_tests(p.component), _tests(p.events[0].guard)] for p in lemma.prop.bad]
    )
    return {
        "variables": sorted(view.variables),
        "place": view.place,
        "names": [list(pair) for pair in view.names],
        "excludes": bad,
    }


def _tests(guard: Guard) -> list[list[Any]]:
    return [[t.variable, sorted(t.allowed)] for t in guard]


def _view_of(part: Any) -> tuple[View, tuple[Pattern, ...] | None]:
    names = tuple((str(place), str(name)) for place, name in part["names"])
    view = View(frozenset(map(str, part["variables"])), str(part["place"]), names)
    if part["excludes"] is None:
        return view, None
    return view, tuple(
        Pattern(_guard(component), (EventPattern(_guard(event)),))
        for component, event in part["excludes"]
    )


def _guard(tests: Any) -> Guard:
    return tuple(Test(str(name), frozenset(map(str, allowed))) for name, allowed in tests)
