"""The commands of one obligation, as a text for a file and as one formula for a question about
several obligations at once.
"""

from __future__ import annotations

from msgspec import Struct, field

from onceproof.engines.smt import terms


class Script(Struct):
    """Remarks, assertions and abbreviations, in order.

    An abbreviation is used by later assertions and by no other abbreviation. So ``let``, which
    binds all of them side by side and in this formula only, means the same as their definitions,
    and scripts that abbreviate by the same name can be asked together.
    """

    _lines: list[str] = field(default_factory=list)
    _required: list[str] = field(default_factory=list)
    _bound: list[str] = field(default_factory=list)

    def remark(self, text: str) -> Script:
        """Add a comment."""
        self._lines.append(terms.comment(text))
        return self

    def require(self, formula: str) -> None:
        """Assert a formula."""
        self._lines.append(terms.claim(formula))
        self._required.append(formula)

    def define(self, symbol: str, sort: str, term: str) -> None:
        """Abbreviate a term."""
        self._lines.append(terms.define(symbol, (), sort, term))
        self._bound.append(f"({symbol} {term})")

    @property
    def text(self) -> str:
        """The commands."""
        return "\n".join(self._lines)

    @property
    def formula(self) -> str:
        """What the commands assert."""
        required = terms.conj(self._required)
        return f"(let ({' '.join(self._bound)}) {required})" if self._bound else required
