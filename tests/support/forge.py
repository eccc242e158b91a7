"""Certificates made by whoever wants a claim to look decided: with our own generator, and without
what ``check`` asks besides.
"""

from __future__ import annotations

from pathlib import Path

from onceproof.engines import coverability
from onceproof.engines.smt import certificate
from onceproof.engines.smt.certify import certify
from onceproof.engines.smt.solver import Z3, Effort
from onceproof.lang.load import Loaded, load_text
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
from onceproof.properties import question
from onceproof.verdict import certificates

SOLVERS = (Z3(Effort(30)),)


def design(text: str) -> Loaded:
    """A design that has no mistakes."""
    loaded = load_text(text)
    assert loaded.design is not None, [d.headline for d in loaded.diagnostics]
    return loaded


def forged(
    folder: Path, loaded: Loaded, number: int = 0, semantics: Delivery = Delivery.AT_LEAST_ONCE
) -> Path | None:
    """A certificate that Z3 accepts for a claim, whatever else is to be said about it; None if
    there is no invariant.
    """
    assert loaded.design is not None
    claim = loaded.design.claims[number]
    lowered = lower(loaded.design, semantics)
    machine, prop = question(lowered, claim)
    answer = coverability.prove(machine, prop, coverability.Budget(seconds=20))
    if not isinstance(answer, coverability.Safe):
        return None
    proof = certify(machine, prop, answer.invariant, SOLVERS)
    assert proof.proved
    place = folder / certificates.folder_of(loaded.sha256, claim.text, semantics)
    subject = certificate.Subject(loaded.sha256, claim.text, semantics.value)
    certificate.write(place, subject, machine, answer.invariant, proof)
    certificates.write_text(
        place, loaded.sources, loaded.path, subject, (lowered.machine, prop), answer.invariant
    )
    return place
