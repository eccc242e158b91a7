"""Certificates of whole designs: written after a check, verified later by anyone with the design at
hand.

One folder per verdict, named after the design's hash, the claim and the semantics: SMT-LIB files
for a proof, the trace for a refutation.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from onceproof.counterexample.validate import rejection
from onceproof.engines.compositional import certificate as inparts
from onceproof.engines.smt import certificate
from onceproof.engines.smt.certify import Outcome, certify
from onceproof.engines.smt.induction import obligations
from onceproof.engines.smt.solver import Solver
from onceproof.interpreter.trace_json import SCHEMA, of_data, to_data
from onceproof.lang.design import Claim, Design
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
from onceproof.machine.slicing import sliced
from onceproof.properties import property_of
from onceproof.verdict.result import CertificateDigest, ClaimResult, DesignResult, Result

TRACE = "trace.json"


class Checked(Struct, frozen=True):
    """What became of one stored certificate. ``reason`` is empty if it was accepted; ``unknown``: a
    solver gave up.
    """

    folder: Path
    claim: str
    semantics: str
    accepted: bool
    by: tuple[str, ...] = ()
    reason: str = ""
    unknown: bool = False


def folder_of(sha256: str, claim: str, semantics: Delivery) -> Path:
    """Where the certificate of a cell lies, below the folder the user chose."""
    slug = re.sub(r"[^a-z0-9]+", "-", claim.lower()).strip("-")[:60]
    return Path(sha256[:12]) / f"{slug}--{semantics.value}"


def write(
    design: Design, result: DesignResult, directory: Path, solvers: Sequence[Solver]
) -> list[Path]:
    """Write a certificate for every verdict of a design that has one; returns their folders.

    Raises ValueError if a folder is in use for something else.
    """
    written = []
    for cell in result.cells:
        folder = directory / folder_of(result.sha256, cell.claim, cell.semantics)
        claim = _claim(design, cell.claim)
        if cell.trace is not None:
            _write_trace(folder, result.sha256, cell)
        elif _certified(cell):
            lowered = lower(design, cell.semantics)
            prop = property_of(lowered, claim)
            machine = sliced(lowered.machine, prop)
            subject = certificate.Subject(result.sha256, cell.claim, cell.semantics.value)
            if cell.invariant is not None:
                proof = certify(machine, prop, cell.invariant, solvers)
                certificate.write(folder, subject, machine, cell.invariant, proof)
            else:
                inparts.write(folder, subject, (machine, prop), cell.lemmas, solvers)
        else:
            continue
        written.append(folder)
    return written


def texts_of(design: Design, sha256: str, cell: ClaimResult) -> dict[str, str] | None:
    """The solver files of a proof by name, as ``write`` writes them; None for a verdict that has
    none. No solver is asked.
    """
    if not _certified(cell):
        return None
    lowered = lower(design, cell.semantics)
    prop = property_of(lowered, _claim(design, cell.claim))
    machine = sliced(lowered.machine, prop)
    subject = certificate.Subject(sha256, cell.claim, cell.semantics.value)
    if cell.invariant is None:
        return inparts.texts(machine, prop, cell.lemmas, subject)
    return certificate.texts(machine, subject, obligations(machine, prop, cell.invariant))


def with_digests(result: Result) -> Result:
    """The result with the hash of every proof's certificate, which reviews print.

    Apart from the check because it takes as long as writing the certificates.
    """
    return replace(result, designs=tuple(map(_with_digests, result.designs)))


def _with_digests(result: DesignResult) -> DesignResult:
    if not any(map(_certified, result.cells)):
        return result
    loaded = load_text(result.sources[result.path].text, result.path)
    if loaded.design is None:
        return result  # an imported file has changed since
    digests = []
    for cell in result.cells:
        texts = texts_of(loaded.design, result.sha256, cell)
        if texts is not None:
            files = "".join(texts[name] for name in sorted(texts))
            folder = folder_of(result.sha256, cell.claim, cell.semantics)
            digest = hashlib.sha256(files.encode()).hexdigest()
            digests.append(CertificateDigest(cell.claim, cell.semantics, digest, str(folder)))
    return replace(result, certificates=tuple(digests))


def _certified(cell: ClaimResult) -> bool:
    """Whether there is a proof for any number to write down."""
    return cell.is_unbounded_proof and (cell.invariant is not None or bool(cell.lemmas))


def verify(
    design: Design, sha256: str, directory: Path, solvers: Sequence[Solver]
) -> list[Checked]:
    """Check every certificate below ``directory`` against this design; certificates of other
    designs are refused.
    """
    parents = {
        p.parent
        for name in (certificate.INDEX, TRACE, inparts.INDEX)
        for p in directory.rglob(name)
    }
    folders = sorted(folder for folder in parents if folder.parent not in parents)
    return [_verify_one(design, sha256, folder, solvers) for folder in folders]


def _verify_one(design: Design, sha256: str, folder: Path, solvers: Sequence[Solver]) -> Checked:
    name = next((x for x in (TRACE, inparts.INDEX) if (folder / x).exists()), certificate.INDEX)
    try:
        index = json.loads((folder / name).read_text(encoding="utf-8"))
        about, text, semantics = (
            str(index["design"]),
            str(index["claim"]),
            Delivery(index["semantics"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Checked(folder, "?", "?", False, reason=f"not a certificate: {error}")
    if about != sha256:
        return Checked(
            folder,
            text,
            semantics.value,
            False,
            reason="it belongs to another design (the hashes differ)",
        )
    claim = next((c for c in design.claims if c.text == text), None)
    if claim is None or semantics not in (claim.semantics or design.semantics):
        return Checked(
            folder, text, semantics.value, False, reason="the design does not make this claim"
        )
    if name == TRACE:
        reason = _replayed(design, claim, semantics, index)
        return Checked(
            folder, text, semantics.value, not reason, () if reason else ("interpreter",), reason
        )
    lowered = lower(design, semantics)
    prop = property_of(lowered, claim)
    subject = certificate.Subject(sha256, text, semantics.value)
    machine = sliced(lowered.machine, prop)
    if name == inparts.INDEX:
        return Checked(
            folder,
            text,
            semantics.value,
            *inparts.verify(folder, subject, (machine, prop), solvers),
        )
    found = certificate.verify(folder, subject, machine, prop, solvers)
    unknown = found.proof is not None and found.proof.outcome is Outcome.UNKNOWN
    return Checked(
        folder,
        text,
        semantics.value,
        found.accepted,
        found.proof.solvers if found.proof else (),
        found.reason,
        unknown,
    )


def _claim(design: Design, text: str) -> Claim:
    return next(c for c in design.claims if c.text == text)


# ---------------------------------------------------------------- traces


def _write_trace(folder: Path, sha256: str, cell: ClaimResult) -> None:
    assert cell.trace is not None
    folder.mkdir(parents=True, exist_ok=True)
    data = {
        "schema": SCHEMA,
        "design": sha256,
        "claim": cell.claim,
        "semantics": cell.semantics.value,
        "checked_by": list(cell.checked_by),
        **to_data(cell.trace),
    }
    (folder / TRACE).write_text(
        json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
    )


def _replayed(design: Design, claim: Claim, semantics: Delivery, index: Any) -> str:
    """Why the stored trace does not show the violation; empty if it does."""
    try:
        trace = of_data(index, semantics)
    except ValueError as error:
        return str(error)
    return rejection(design, claim, trace)
