"""What is wrong with a design, as data. ``report/diagnostics.py`` shows it, ``errors/`` words
it.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from onceproof.lang.source import Span


class Severity(Enum):
    """An error stops the check; a warning is shown and the check goes on."""

    ERROR = "error"
    WARNING = "warning"


class Label(Struct, frozen=True):
    """A remark about a place in the text."""

    span: Span
    text: str


class Diagnostic(Struct, frozen=True):
    """One mistake: a stable code, a headline, the place, other places that belong to it, and what
    to do.

    ``replacement`` is what the primary place should be replaced by, when the tool is sure enough to
    offer it.
    """

    code: str
    severity: Severity
    headline: str
    primary: Label
    secondary: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    replacement: str | None = None

    @property
    def sort_key(self) -> tuple[str, int, int, str]:
        """File, line, column, code: the order of printing."""
        return (self.primary.span.path, self.primary.span.line, self.primary.span.column, self.code)
