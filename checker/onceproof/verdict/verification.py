"""Verifies certificates: what is accepted here is what ``check`` would print, and nothing else.

A certificate is read as if an adversary had written it. From a proof, the invariant is taken, and
everything else is made again from the design: the obligations, which must be the files to the
letter; and then all that ``check`` asks before it calls a claim proved, which no solver file speaks
of: the side conditions of the reductions, vacuity, scope and assumptions. From a refutation, the
events and steps are taken and replayed. A claim of the design about which no certificate says
anything is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from msgspec import Struct

from onceproof.base.untrusted import Refused, read_in
from onceproof.counterexample.validate import Rejected, confirmed
from onceproof.engines.compositional import certificate as inparts
from onceproof.engines.smt import certificate
from onceproof.engines.smt.certify import Outcome
from onceproof.engines.smt.solver import Solver
from onceproof.interpreter.trace import Trace
from onceproof.interpreter.trace_json import of_data
from onceproof.lang.design import Claim, Design
from onceproof.lang.load import Loaded
from onceproof.lower import Lowered
from onceproof.machine.delivery import Delivery
from onceproof.machine.invariant import Invariant
from onceproof.machine.slicing import deciding
from onceproof.machine.system import Machine, Property
from onceproof.properties import TooWide, asked
from onceproof.verdict import written_proof
from onceproof.verdict.certificates import INDICES, TRACE
from onceproof.verdict.decide import Unlowered, WholeDesign, measured, review
from onceproof.verdict.result import (
    Assurance,
    ClaimResult,
    Disagreement,
    Proof,
    Refutation,
    Scope,
    Verdict,
)
from onceproof.verdict.task import Options, Task, selected

MOST_BYTES = 20_000_000
"""Of an index or a trace."""


class Standing(Enum):
    """What became of a certificate, or of a claim without one."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    FOREIGN = "foreign"  # it is about another design, or says not what it is about
    UNDECIDED = "undecided"  # a solver or a limit ended the work
    MISSING = "missing"  # the design makes the claim, and no certificate is about it
    NONE = "none"  # the same, and the design does not expect that it is proved or refuted


class Verification(Struct, frozen=True):
    """What became of one certificate, or of one claim. ``result``: what ``check`` would print, if
    it was accepted.

    ``folder``: None if there is none. ``claim`` and ``semantics`` of a certificate that was not
    accepted are its own words: nothing that may be printed as it is.
    """

    folder: Path | None
    claim: str
    semantics: str
    standing: Standing
    reason: str = ""
    result: ClaimResult | None = None

    @property
    def accepted(self) -> bool:
        """Whether it proves or refutes what it says."""
        return self.standing is Standing.ACCEPTED


def verify(
    loaded: Loaded,
    directory: Path,
    solvers: Sequence[Solver],
    options: Options | None = None,
) -> list[Verification]:
    """Every certificate below a folder, then every claim that none of them decides. Those of other
    designs are refused. Raises ValueError if the design has errors.
    """
    if loaded.design is None:
        raise ValueError(f"{loaded.path} has errors")
    verifier = _Verifier(loaded, loaded.design, directory, solvers, options or Options())
    return list(verifier.verifications())


class _Rejected(Exception):
    """Why a certificate is not accepted, and what that makes it."""

    def __init__(self, reason: str, standing: Standing = Standing.REFUSED) -> None:
        super().__init__(reason)
        self.standing = standing


class _Verifier:
    def __init__(
        self,
        loaded: Loaded,
        design: Design,
        directory: Path,
        solvers: Sequence[Solver],
        options: Options,
    ) -> None:
        self.loaded = loaded
        self.design = design
        self.sha256 = loaded.sha256
        self.directory = directory
        self.solvers = solvers
        self.options = options
        self.whole = WholeDesign(design, options.seconds, options.megabytes)

    def verifications(self) -> Iterator[Verification]:
        """The certificates, in the order of their folders, and the claims that are left."""
        about: set[tuple[str, str]] = set()
        for folder in self._folders():
            verification = self._verification(folder)
            if verification.standing is not Standing.FOREIGN:
                about.add((verification.claim, verification.semantics))
            yield verification
        for claim, semantics in selected(self.design, self.options):
            if (claim.text, semantics.value) not in about:
                expected = Verdict(claim.expected(semantics))
                decided = expected in (Verdict.HOLDS, Verdict.REFUTED)
                reason = "no certificate says anything about it"
                reason += "" if decided else f", and the design expects it to be {expected.value}"
                standing = Standing.MISSING if decided else Standing.NONE
                yield Verification(None, claim.text, semantics.value, standing, reason)

    def _folders(self) -> list[Path]:
        """The folders that hold an index. The parts of a proof in parts belong to the folder above
        them.
        """
        folders = {path.parent for name in INDICES for path in self.directory.rglob(name)}
        return sorted(
            f for f in folders if not (f.parent in folders and (f.parent / inparts.INDEX).exists())
        )

    def _verification(self, folder: Path) -> Verification:
        claim, semantics = "?", "?"
        try:
            name, index = self._index(folder)
            claim, semantics = index["claim"], index["semantics"]
            if index["design"] != self.sha256:
                raise _Rejected(
                    "it belongs to another design (the hashes differ)", Standing.FOREIGN
                )
            about = self._claim(claim, semantics)
            result = (
                self._refuted(*about, index)
                if name == TRACE
                else self._proved(*about, folder, name)
            )
        except _Rejected as rejected:
            return Verification(folder, claim, semantics, rejected.standing, str(rejected))
        return Verification(folder, claim, semantics, Standing.ACCEPTED, "", result)

    def _index(self, folder: Path) -> tuple[str, dict[str, Any]]:
        """Which of the indices the folder holds, and what it says. Raises _Rejected."""
        indices = [name for name in INDICES if (folder / name).exists()]
        if len(indices) != 1:
            raise _Rejected(
                f"not a certificate: it holds {' and '.join(indices) or 'a link to nowhere'}",
                Standing.FOREIGN,
            )
        try:
            data = read_in(self.directory, folder.absolute() / indices[0], MOST_BYTES)
            if len(data) > MOST_BYTES:
                raise Refused(f"{indices[0]} has more than {MOST_BYTES:,} bytes")
            index = json.loads(data.decode("utf-8"))
        except (Refused, ValueError, RecursionError) as error:
            raise _Rejected(f"not a certificate: {error}", Standing.FOREIGN) from error
        if not isinstance(index, dict) or any(
            not isinstance(index.get(key), str) for key in ("design", "claim", "semantics")
        ):
            raise _Rejected("not a certificate: it does not say what it is about", Standing.FOREIGN)
        return indices[0], index

    def _claim(self, text: str, word: str) -> tuple[Claim, Delivery]:
        """The claim of the design and the semantics that a certificate names. Raises _Rejected."""
        for claim, semantics in selected(self.design, self.options):
            if (claim.text, semantics.value) == (text, word):
                return claim, semantics
        raise _Rejected("the design does not make this claim")

    def _lowered(self, semantics: Delivery) -> Lowered:
        """The lowering of the design. Raises _Rejected."""
        lowered = self.whole.lowered(semantics)
        if isinstance(lowered, Unlowered):
            raise _Rejected(lowered.reason, Standing.UNDECIDED)
        return lowered

    # ---------------------------------------------------------------- refutations

    def _refuted(self, claim: Claim, semantics: Delivery, index: dict[str, Any]) -> ClaimResult:
        """The result of a refutation that was replayed. Raises _Rejected."""
        try:
            trace = of_data(index, semantics)
        except ValueError as error:
            raise _Rejected(str(error)) from error
        run = confirmed(self.design, claim, trace)
        if isinstance(run, Rejected):
            raise _Rejected(run.reason)
        lowered = self._lowered(semantics)
        task = Task(lowered, claim, lowered.machine, Property(claim.text, ()), self.options)
        refutation = Refutation(run, _scope(trace), ("interpreter",))
        return self.whole.in_context(measured(task, task.result(refutation)))

    # ---------------------------------------------------------------- proofs

    def _proved(self, claim: Claim, semantics: Delivery, folder: Path, name: str) -> ClaimResult:
        """The result of a proof, as ``check`` would print it. Raises _Rejected."""
        lowered = self._lowered(semantics)
        try:
            whole, prop = asked(lowered, claim)
            machine = deciding(whole, prop)
        except TooWide as error:
            raise _Rejected(f"`check` proves no such claim: {error}") from error
        task = Task(lowered, claim, machine, prop, self.options)
        subject = certificate.Subject(self.sha256, claim.text, semantics.value)
        if name == inparts.INDEX:
            accepted, by, reason, unknown = inparts.verify(
                folder, subject, (task.machine, prop), self.solvers
            )
        else:
            answer = certificate.verify(folder, subject, task.machine, prop, self.solvers)
            accepted, reason = answer.accepted, answer.reason
            by = answer.proof.solvers if answer.proof else ()
            unknown = answer.proof is not None and answer.proof.outcome is Outcome.UNKNOWN
        if not accepted:
            raise _Rejected(reason, Standing.UNDECIDED if unknown else Standing.REFUSED)
        grounds = (
            inparts.load(folder, prop)
            if name == inparts.INDEX
            else certificate.load(folder).invariant
        )
        self._demand_text(folder, subject, (whole, prop), grounds)
        invariant = grounds if isinstance(grounds, Invariant) else None
        proof = Proof(Assurance.CERTIFICATE, checked_by=by, invariant=invariant)
        result = review(task, task.result(proof))
        if isinstance(result, Disagreement):
            raise _Rejected(result.what)
        result = self.whole.in_context(result)
        if result.verdict is not Verdict.HOLDS:
            limited = result.reason.startswith(("more than", "out of memory"))
            reason = f"solvers accept it, and the claim is {result.verdict.value}: {result.reason}"
            raise _Rejected(reason, Standing.UNDECIDED if limited else Standing.REFUSED)
        return result

    def _demand_text(
        self,
        folder: Path,
        subject: certificate.Subject,
        question: tuple[Machine, Property],
        grounds: written_proof.Grounds,
    ) -> None:
        """Raises _Rejected unless the proof that people read is the one that was accepted."""
        text = written_proof.text_of(
            self.loaded.sources, self.loaded.path, subject, question, grounds
        ).encode("utf-8", "backslashreplace")
        try:
            if read_in(folder, written_proof.NAME, len(text)) != text:
                raise _Rejected(
                    f"{written_proof.NAME} does not say what this design and this proof say"
                )
        except Refused as error:
            raise _Rejected(f"{written_proof.NAME}: {error}") from error


def _scope(trace: Trace) -> Scope:
    """Bounds that a run keeps within."""
    keys = [e.component for e in trace.events]
    workers = {(s.event, s.worker) for s in trace.steps if s.worker >= 0}
    return Scope(max(map(keys.count, keys), default=0), len(set(keys)), len(workers))
