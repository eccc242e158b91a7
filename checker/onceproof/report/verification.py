"""What came of verifying certificates, as text. Nothing that a certificate says is shown as is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onceproof.report.words import clean, ground, short
from onceproof.verdict.verification import Standing, Verification

WORDS = {
    Standing.REFUSED: "REFUSED",
    Standing.FOREIGN: "REFUSED",
    Standing.MISSING: "MISSING",
    Standing.UNDECIDED: "UNKNOWN",
    Standing.NONE: "none",
}
LONGEST = 300
"""Characters of a certificate's own words that are shown."""


def text(verifications: Sequence[Verification]) -> str:
    """One line per certificate and per claim without one, then their number."""
    return "\n".join(clean(line, unicode=True) for line in _lines(verifications))


def _lines(verifications: Sequence[Verification]) -> Iterator[str]:
    for verification in verifications:
        claim = f"{verification.claim} under {verification.semantics}"
        if verification.result is not None:
            result = verification.result
            yield f"accepted: {short(result)}: {claim}: {ground(result)}"
        else:
            standing, reason = WORDS[verification.standing], verification.reason
            yield f"{standing}: {claim[:LONGEST]}: {reason[:LONGEST]}"
    certificates = [v for v in verifications if v.folder is not None]
    accepted = sum(v.accepted for v in certificates)
    missing = sum(v.standing is Standing.MISSING for v in verifications)
    total = f"{accepted} of {len(certificates)} certificates accepted"
    yield f"{total}; {missing} missing" if missing else total
