"""Certificates: the obligations of a proof as files that anyone can give to a solver.

A certificate does not carry its own meaning. To verify one, the obligations are generated again
from the rules of the design at hand and the stored invariant, and must be the files' text to the
letter; then the solvers are asked again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import factorial, prod
from pathlib import Path
from typing import Any

from msgspec import Struct

from onceproof.base.untrusted import Refused, read_in
from onceproof.base.writing import create_in, make_folders
from onceproof.engines.smt import terms
from onceproof.engines.smt.certify import Proof, discharge
from onceproof.engines.smt.checks import demand_wellformed, unknown_row
from onceproof.engines.smt.encode import describe
from onceproof.engines.smt.induction import Obligation, invariant_rows, obligations
from onceproof.engines.smt.solver import Solver, Status
from onceproof.machine.invariant import Invariant, Row, Shape
from onceproof.machine.system import Machine, Property

SCHEMA = "onceproof-certificate/1"
INDEX = "certificate.json"
MOST_BYTES = 20_000_000
"""Of an index."""
MOST_ORDERS = 50_000
"""In how many orders the events and workers of an excluded shape may be written: all of them
are.
"""
README = """\
# Certificate

Claim: {claim}
Design: {design}
Semantics: {semantics}

Every `.smt2` file here states something that must be impossible, and a solver must answer `unsat`
to each. By hand:

    for file in *.smt2; do z3 "$file"; done
    for file in *.smt2; do cvc5 "$file"; done

An answer `sat` or `unknown`, or no answer, means that nothing is proved.

- `initial`: an initial configuration that does not satisfy the invariant.
- `rule-N`: a configuration that satisfies the invariant, and does not any more after rule N of the
  design (named in the file).
- `claim-N`: a configuration that satisfies the invariant and violates the claim.

Together they say: the invariant holds at the start, is kept by every step, and excludes every
violation. The invariant itself is in `{index}` ("invariant") and, as functions, at the top of each
file. `proof.json` says all of it in words, with the lines of the design;
`tools/verify_certificate.py` of Onceproof decides it without a solver, and imports nothing of it.
Whether the files speak of *your* design is what the files cannot say; `onceproof` generates them
again from the design and compares the text.

## Why so few events and workers are enough

Each file has slots for a few events and workers, and the claim is about any number of them. Suppose
a step breaks the invariant in some large configuration. The break is visible on few elements: a
component row, one event, one worker, or the events and workers of one excluded shape. Remove all
events and workers but these (as they were before the step) and the one that acts. The invariant
still holds, because it only ever forbids combinations and never demands company. The same step is
still possible, because no condition of it asks for another worker, and what it does to each element
that is left does not depend on those removed. So the break is still there, in a configuration that
has a slot for each of its elements.

Two things are read more generously than the design means them, which can only add steps: a step
that requires that no other worker is at some point removes such workers instead, and limits on the
number of workers are ignored.
"""


class Subject(Struct, frozen=True):
    """What a certificate is about: the hash of the design, the claim and the delivery semantics, in
    the caller's words.
    """

    design: str
    claim: str
    semantics: str


class Verification(Struct, frozen=True):
    """Whether a certificate was accepted, and why not; ``proof`` is what the solvers said, if it
    came to that.
    """

    accepted: bool
    reason: str = ""
    proof: Proof | None = None


class Stored(Struct, frozen=True):
    """What :data:`INDEX` holds."""

    subject: Subject
    files: tuple[str, ...]
    invariant: Invariant


def texts(machine: Machine, subject: Subject, todo: Sequence[Obligation]) -> dict[str, str]:
    """The solver files by name."""
    files = {}
    for number, obligation in enumerate(todo):
        about = describe(machine, obligation.rule) if obligation.rule >= 0 else obligation.name
        header = [
            f"Onceproof certificate, obligation {number + 1} of {len(todo)}; the answer must be"
            " unsat"
        ]
        header += [
            f"design: {subject.design}",
            f"claim: {subject.claim}",
            f"semantics: {subject.semantics}",
            f"obligation: {about}",
        ]
        lines = [*map(terms.comment, header), obligation.text]
        files[file_name(number, obligation.name)] = "\n".join(lines)
    return files


def file_name(number: int, obligation: str) -> str:
    """Of the solver file of an obligation: the first is about the initial configurations, then
    there is one for each rule.
    """
    return f"{number:03d}-{obligation}.smt2"


def write(
    directory: Path, subject: Subject, machine: Machine, invariant: Invariant, proof: Proof
) -> tuple[str, ...]:
    """Write the certificate of a proof; return the names of its files. An older certificate in the
    directory is replaced.
    """
    if not proof.proved:
        raise ValueError("only a proof can be certified")
    if directory.exists() and any(directory.iterdir()) and not (directory / INDEX).exists():
        raise ValueError(f"{directory} is in use for something else")
    make_folders(directory.parent, Path(directory.name))
    for old in directory.glob("*.smt2"):
        old.unlink()
    files = texts(machine, subject, proof.obligations)
    readme = README.format(
        claim=subject.claim, design=subject.design, semantics=subject.semantics, index=INDEX
    )
    index = {
        "schema": SCHEMA,
        "design": subject.design,
        "claim": subject.claim,
        "semantics": subject.semantics,
        "logic": "QF_BV",
        "expected": Status.UNSAT.value,
        "checked_by": list(proof.solvers),
        "files": list(files),
        "invariant": _plain(invariant),
    }
    for name, text in {
        **files,
        "README.md": readme,
        INDEX: json.dumps(index, indent=1, ensure_ascii=False) + "\n",
    }.items():
        create_in(directory, name, text.encode("utf-8", "backslashreplace"))
    return (*files, "README.md", INDEX)


def verify(
    directory: Path, subject: Subject, machine: Machine, prop: Property, solvers: Sequence[Solver]
) -> Verification:
    """Check that the certificate is one of this claim about this design, and that the solvers agree
    with it now.
    """
    demand_wellformed(machine)
    try:
        stored = load(directory)
    except (Refused, ValueError, TypeError, KeyError, RecursionError) as error:
        return Verification(False, f"not a certificate: {error}")
    if stored.subject != subject:
        return Verification(False, f"the certificate is about {stored.subject}, not {subject}")
    alien = unknown_row(machine, invariant_rows(stored.invariant))
    if alien:
        return Verification(False, alien)
    todo = obligations(machine, prop, stored.invariant)
    files = texts(machine, subject, todo)
    if list(stored.files) != list(files):
        return Verification(
            False, "the certificate does not have exactly the files this design needs"
        )
    problem = differs(directory, files)
    if problem:
        return Verification(False, problem)
    proof = discharge(machine, todo, solvers)
    return Verification(
        proof.proved,
        "" if proof.proved else f"the solvers do not agree: {proof.outcome.value}",
        proof,
    )


def differs(directory: Path, files: Mapping[str, str]) -> str:
    """Why the solver files of a folder are not these, to the letter; empty if they are."""
    if sorted(path.name for path in directory.glob("*.smt2")) != sorted(files):
        return "the certificate does not have exactly the files this design needs"
    for name, text in files.items():
        data = text.encode()
        try:
            if read_in(directory, name, len(data)) != data:
                return f"{name} does not say what this design's rules say"
        except Refused as error:
            return f"{name}: {error}"
    return ""


def index_of(directory: Path, name: str) -> Any:
    """What an index says. Raises Refused, ValueError or RecursionError if it cannot be read."""
    data = read_in(directory, name, MOST_BYTES)
    if len(data) > MOST_BYTES:
        raise Refused(f"{name} has more than {MOST_BYTES:,} bytes")
    return json.loads(data.decode("utf-8"))


def load(directory: Path) -> Stored:
    """Read :data:`INDEX`; Refused, ValueError, KeyError or TypeError if it is not one."""
    index = index_of(directory, INDEX)
    if index["schema"] != SCHEMA or index["expected"] != Status.UNSAT.value:
        raise ValueError(f"its schema is not {SCHEMA}")
    subject = Subject(_text(index["design"]), _text(index["claim"]), _text(index["semantics"]))
    return Stored(
        subject, tuple(map(_text, _items(index["files"]))), _invariant(index["invariant"])
    )


def _plain(invariant: Invariant) -> dict[str, Any]:
    """The invariant as JSON values, in a fixed order; tuples become lists."""
    return {
        "components": sorted(invariant.components),
        "events": sorted(invariant.events),
        "workers": sorted(invariant.workers),
        "excluded": [[shape.component, shape.events] for shape in invariant.excluded],
    }


def _invariant(value: Any) -> Invariant:
    excluded = []
    for component, events in map(_items, _items(value["excluded"])):
        pairs = [
            (_row(row), tuple(map(_row, _items(workers))))
            for row, workers in map(_items, _items(events))
        ]
        if (
            prod(factorial(len(some)) for some in (pairs, *(workers for _, workers in pairs)))
            > MOST_ORDERS
        ):
            raise ValueError("an excluded shape has more workers than any proof needs")
        excluded.append(Shape(_row(component), tuple(pairs)))
    return Invariant(
        components=frozenset(map(_row, _items(value["components"]))),
        events=frozenset((_row(c), _row(e)) for c, e in map(_items, _items(value["events"]))),
        workers=frozenset(
            (_row(c), _row(e), _row(w)) for c, e, w in map(_items, _items(value["workers"]))
        ),
        excluded=tuple(excluded),
    )


def _row(value: Any) -> Row:
    return tuple(map(_text, _items(value)))


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("a list is expected")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a string is expected")
    return value
