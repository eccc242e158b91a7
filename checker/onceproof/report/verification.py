"""What came of verifying certificates, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onceproof.verdict.certificates import Checked


def text(checked: Sequence[Checked]) -> str:
    """One line per certificate, then their number."""
    return "\n".join(_lines(checked))


def _lines(checked: Sequence[Checked]) -> Iterator[str]:
    for certificate in checked:
        match certificate:
            case Checked(accepted=True):
                outcome, about = "accepted", f"by {' and '.join(certificate.by)}"
            case Checked(unknown=True):
                outcome, about = "UNKNOWN", certificate.reason
            case _:
                outcome, about = "REFUSED", certificate.reason
        yield f"{outcome}: {certificate.claim} under {certificate.semantics}: {about}"
    accepted = sum(c.accepted for c in checked)
    yield f"{accepted} of {len(checked)} certificates accepted"
