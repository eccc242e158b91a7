"""Text to syntax tree."""

from checker.syntax.recover import parse

__all__ = ["parse"]
