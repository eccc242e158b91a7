"""SMT-LIB terms as text, with the simplifications that keep generated formulas readable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

TRUE = "true"
FALSE = "false"


def quote(name: str) -> str:
    """The quoted symbol of a name; the name must not contain ``|`` or a backslash."""
    return f"|{name}|"


def conj(parts: Iterable[str]) -> str:
    """All of them hold."""
    operands = list(dict.fromkeys(part for part in parts if part != TRUE))
    if FALSE in operands:
        return FALSE
    return _apply("and", operands, TRUE)


def disj(parts: Iterable[str]) -> str:
    """One of them holds."""
    operands = list(dict.fromkeys(part for part in parts if part != FALSE))
    if TRUE in operands:
        return TRUE
    return _apply("or", operands, FALSE)


def _apply(operator: str, parts: Sequence[str], empty: str) -> str:
    if len(parts) < 2:
        return parts[0] if parts else empty
    return f"({operator} {' '.join(parts)})"


def negate(part: str) -> str:
    """It does not hold."""
    if part in (TRUE, FALSE):
        return FALSE if part == TRUE else TRUE
    if part.startswith("(not "):
        return part[len("(not ") : -1]
    return f"(not {part})"


def implies(premise: str, conclusion: str) -> str:
    """If the first holds, so does the second."""
    return disj((negate(premise), conclusion))


def equal(left: str, right: str) -> str:
    """Both terms have the same value."""
    return TRUE if left == right else f"(= {left} {right})"


def choose(condition: str, then: str, otherwise: str) -> str:
    """The term ``then`` if the condition holds, else ``otherwise``."""
    if then == otherwise or condition == TRUE:
        return then
    return otherwise if condition == FALSE else f"(ite {condition} {then} {otherwise})"


def width_for(count: int) -> int:
    """How many bits tell ``count`` values apart (at least one)."""
    return max(1, (count - 1).bit_length())


def literal(value: int, width: int) -> str:
    """The bit-vector constant ``value`` of ``width`` bits."""
    return f"#b{value:0{width}b}"


def bits(width: int) -> str:
    """The sort of bit vectors of ``width`` bits."""
    return f"(_ BitVec {width})"


def fewer(conditions: Sequence[str], count: int) -> str:
    """Fewer than ``count`` of the conditions hold."""
    possible = [condition for condition in conditions if condition != FALSE]
    if count > len(possible):
        return TRUE
    if count <= 0:
        return FALSE
    width = width_for(len(possible) + 1)
    total = literal(0, width)
    for condition in possible:
        total = f"(bvadd {total} {choose(condition, literal(1, width), literal(0, width))})"
    return f"(bvult {total} {literal(count, width)})"


def call(function: str, arguments: Sequence[str]) -> str:
    """An application; a function without parameters is written as a bare symbol."""
    return f"({function} {' '.join(arguments)})" if arguments else function


def define(function: str, parameters: Iterable[tuple[str, str]], sort: str, body: str) -> str:
    """A ``define-fun`` command; parameters are (symbol, sort)."""
    listed = " ".join(f"({symbol} {kind})" for symbol, kind in parameters)
    return f"(define-fun {function} ({listed}) {sort} {body})"


def declare(symbol: str, sort: str) -> str:
    """A declaration of an unknown; ``declare-fun`` because every solver reads it."""
    return f"(declare-fun {symbol} () {sort})"


def claim(formula: str) -> str:
    """An ``assert`` command."""
    return f"(assert {formula})"


def comment(text: str) -> str:
    """One comment line; whatever could end the line or hide in it is replaced, so that no name of a
    design becomes a command.
    """
    return "; " + "".join(letter if letter.isprintable() else " " for letter in text)
