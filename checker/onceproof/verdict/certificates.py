"""Certificates of whole designs: written after a check, verified later by anyone with the design at
hand (``onceproof.verdict.verification``).

One folder per verdict, named after the design's hash, the claim and the semantics: SMT-LIB files
for a proof, the trace for a refutation.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from onceproof.base.writing import create_in, make_folders
from onceproof.engines.compositional import certificate as inparts
from onceproof.engines.smt import certificate
from onceproof.engines.smt.certify import certify
from onceproof.engines.smt.induction import obligations
from onceproof.engines.smt.solver import Solver
from onceproof.interpreter.trace_json import SCHEMA, to_data
from onceproof.lang.design import Design
from onceproof.lang.source import Source
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
from onceproof.machine.slicing import deciding
from onceproof.machine.system import Machine, Property
from onceproof.properties import asked, question
from onceproof.verdict import written_proof
from onceproof.verdict.result import CertificateDigest, ClaimResult, DesignResult

TRACE = "trace.json"

INDICES = (TRACE, inparts.INDEX, certificate.INDEX)
"""What a folder holds that is a certificate: exactly one of them."""

LONGEST = 60
"""Characters of a claim in the name of a folder."""


def folder_of(sha256: str, claim: str, semantics: Delivery) -> Path:
    """Where the certificate of a cell lies, below the folder the user chose.

    Two claims never share a folder, also where the names of files do not tell capitals from small
    letters.
    """
    slug = re.sub(r"[^a-z0-9_.]+", "-", claim.lower()).strip("-.")[:LONGEST]
    if slug.replace("-", " ") != claim:
        slug += f"-{hashlib.sha256(claim.encode()).hexdigest()[:8]}"
    return Path(sha256[:12]) / f"{slug}--{semantics.value}"


def write(
    design: Design, result: DesignResult, directory: Path, solvers: Sequence[Solver]
) -> list[Path]:
    """Write a certificate for every verdict of a design that has one; returns their folders.

    Raises ValueError if a folder is in use for something else or a link, and OSError.
    """
    written = []
    for cell in result.cells:
        if cell.trace is None and not _certified(cell):
            continue
        folder = make_folders(directory, folder_of(result.sha256, cell.claim, cell.semantics))
        _clear(folder)
        claim = design.claim_at(cell.claim, cell.line)
        if cell.trace is not None:
            _write_trace(folder, result.sha256, cell)
        else:
            lowered = lower(design, cell.semantics)
            whole, prop = asked(lowered, claim)
            machine = deciding(whole, prop)
            subject = certificate.Subject(result.sha256, cell.claim, cell.semantics.value)
            if cell.invariant is not None:
                proof = certify(machine, prop, cell.invariant, solvers)
                certificate.write(folder, subject, machine, cell.invariant, proof)
            else:
                inparts.write(folder, subject, (machine, prop), cell.lemmas, solvers)
            grounds = cell.invariant or cell.lemmas
            write_text(folder, result.sources, result.path, subject, (whole, prop), grounds)
        written.append(folder)
    return written


def write_text(
    folder: Path,
    sources: Mapping[str, Source],
    path: str,
    subject: certificate.Subject,
    question: tuple[Machine, Property],
    grounds: written_proof.Grounds,
) -> None:
    """Write the whole proof as one text into its folder. Raises OSError."""
    text = written_proof.text_of(sources, path, subject, question, grounds)
    create_in(folder, written_proof.NAME, text.encode("utf-8", "backslashreplace"))


def _clear(folder: Path) -> None:
    """Take an older certificate away. Raises ValueError if the folder holds something else."""
    entries = list(folder.iterdir())
    parts = [
        path
        for path in entries
        if path.name.startswith("part-") and path.is_dir() and not path.is_symlink()
    ]
    if entries and not any(path.name in INDICES for path in entries):
        raise ValueError(f"{folder} is in use for something else")
    for path in (*(file for part in parts for file in part.iterdir()), *entries):
        if path.suffix == ".smt2" or path.name in (*INDICES, written_proof.NAME, "README.md"):
            path.unlink()
    for part in parts:
        if not any(part.iterdir()):
            part.rmdir()


def texts_of(design: Design, sha256: str, cell: ClaimResult) -> dict[str, str] | None:
    """The solver files of a proof by name, as ``write`` writes them; None for a verdict that has
    none. No solver is asked.
    """
    if not _certified(cell):
        return None
    lowered = lower(design, cell.semantics)
    machine, prop = question(lowered, design.claim_at(cell.claim, cell.line))
    subject = certificate.Subject(sha256, cell.claim, cell.semantics.value)
    if cell.invariant is None:
        return inparts.texts(machine, prop, cell.lemmas, subject)
    return certificate.texts(machine, subject, obligations(machine, prop, cell.invariant))


def digests(
    design: Design, sha256: str, cells: Iterable[ClaimResult]
) -> Iterator[CertificateDigest]:
    """The hash of every proof's certificate, which reviews print."""
    for cell in cells:
        texts = texts_of(design, sha256, cell)
        if texts is not None:
            files = "".join(texts[name] for name in sorted(texts))
            folder = folder_of(sha256, cell.claim, cell.semantics)
            digest = hashlib.sha256(files.encode()).hexdigest()
            yield CertificateDigest(cell.claim, cell.semantics, digest, str(folder))


def _certified(cell: ClaimResult) -> bool:
    """Whether there is a proof for any number to write down."""
    return cell.is_unbounded_proof and (cell.invariant is not None or bool(cell.lemmas))


def _write_trace(folder: Path, sha256: str, cell: ClaimResult) -> None:
    assert cell.trace is not None
    data = {
        "schema": SCHEMA,
        "design": sha256,
        "claim": cell.claim,
        "semantics": cell.semantics.value,
        "checked_by": list(cell.checked_by),
        **to_data(cell.trace),
    }
    create_in(folder, TRACE, (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode())
