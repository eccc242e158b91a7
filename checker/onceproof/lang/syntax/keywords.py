"""The words of the language in groups, read from the grammar: for highlighting in editors and
pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from msgspec import Struct

from onceproof.lang.syntax.interactive import Grammar, grammar


class Words(Struct, frozen=True):
    """Every fixed word of the grammar, in one group each.

    ``declarations`` and ``steps`` begin a line; ``constants`` are choices such as verdicts and
    guarantees; ``others`` stand within lines. Each group is sorted.
    """

    declarations: tuple[str, ...]
    steps: tuple[str, ...]
    constants: tuple[str, ...]
    others: tuple[str, ...]
    naming: tuple[tuple[str, tuple[str, ...]], ...]
    """Words behind which a name can stand wherever they stand, each with the fixed words that can
    stand there instead.
    """
    declaring: tuple[str, ...]
    """Words that begin a declaration and are followed by the name that it declares."""

    @property
    def every(self) -> tuple[str, ...]:
        """All of them, sorted."""
        return tuple(sorted({*self.declarations, *self.steps, *self.constants, *self.others}))


@cache
def words() -> Words:
    """The words, read once per process."""
    language = grammar()
    groups = [set(_alphabetic(words)) for words in language.literals.values()]
    every = {word for group in groups for word in group}
    declarations = every & set(language.words(language.start))
    steps = every & set(language.words(language.contexts["step"])) | {"else"}
    choices = {word for group in groups if len(group) > 1 for word in group}
    constants = choices - declarations - steps
    others = every - declarations - steps - constants
    return Words(
        tuple(sorted(declarations)),
        tuple(sorted(steps - declarations)),
        tuple(sorted(constants)),
        tuple(sorted(others)),
        _naming(language),
        tuple(sorted(_declaring(language))),
    )


def _alphabetic(words: Iterable[str]) -> list[str]:
    """Those that are words, not signs."""
    return [word for word in words if word[0].isalpha()]


def _declaring(language: Grammar) -> Iterator[str]:
    """The words at the start of a declaration behind which only a name can stand."""
    for word, terminal in language.words(language.start).items():
        after = language.feed(language.start, terminal)
        if after is not None and language.accepts(after) == {"NAME"}:
            yield word


def _naming(language: Grammar) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The words behind which the grammar takes a name in every state."""
    naming: list[tuple[str, tuple[str, ...]]] = []
    for terminal, followers in language.followers().items():
        if all("NAME" in following for following in followers):
            instead = {
                word
                for following in followers
                for other in following
                for word in _alphabetic(language.literals.get(other, ()))
            }
            words = _alphabetic(language.literals.get(terminal, ()))
            naming += [(word, tuple(sorted(instead))) for word in words]
    return tuple(sorted(naming))
