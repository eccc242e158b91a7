"""The shape of every message: headline, place, other places, what to do."""

from __future__ import annotations

from collections.abc import Sequence

from onceproof.lang.diagnostics import Diagnostic, Label, Severity
from onceproof.lang.errors.suggest import did_you_mean


def message(
    code: str,
    headline: str,
    primary: Label,
    secondary: tuple[Label, ...] = (),
    help: str | None = None,
    *,
    notes: tuple[str, ...] = (),
    near: Sequence[str] = (),
    replacement: str | None = None,
    warn: bool = False,
) -> Diagnostic:
    """An error, or with ``warn`` a warning. ``near``: the words that were perhaps meant, the
    likeliest first. They take the place of ``help``, and the first that of the mistake.
    """
    return Diagnostic(
        code,
        Severity.WARNING if warn else Severity.ERROR,
        headline,
        primary,
        secondary,
        notes,
        did_you_mean(near) or help,
        near[0] if near else replacement,
    )
