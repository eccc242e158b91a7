"""The words of the language in groups, read from the grammar: for highlighting in editors and
pages.
"""

from __future__ import annotations

from functools import cache

from msgspec import Struct

from onceproof.lang.syntax.automaton import Automaton, automaton


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
    reader = automaton()
    groups = {name: {w for w in found if w[0].isalpha()} for name, found in reader.literals.items()}
    every = {w for group in groups.values() for w in group}
    declarations = {w for w in reader.words(reader.start) if w in every}
    steps = {w for w in reader.words(reader.contexts["step"]) if w in every} | {"else"}
    constants = (
        {w for group in groups.values() if len(group) > 1 for w in group} - declarations - steps
    )
    others = every - declarations - steps - constants
    behind = {w: reader.feed(reader.start, t) for w, t in reader.words(reader.start).items()}
    declaring = [
        w for w, stack in behind.items() if stack is not None and reader.accepts(stack) == {"NAME"}
    ]
    return Words(
        tuple(sorted(declarations)),
        tuple(sorted(steps - declarations)),
        tuple(sorted(constants)),
        tuple(sorted(others)),
        _naming(reader),
        tuple(sorted(declaring)),
    )


def _naming(reader: Automaton) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The words behind which the grammar takes a name in every state."""
    following: dict[str, list[set[str]]] = {}
    for row in reader.states:
        for terminal, state in row.items():
            if state >= 0 and terminal in reader.terminals:
                following.setdefault(terminal, []).append(set(reader.states[state]))
    found: list[tuple[str, tuple[str, ...]]] = []
    for terminal, rows in following.items():
        words_of = [w for w in reader.literals.get(terminal, ()) if w[0].isalpha()]
        if all("NAME" in row for row in rows):
            instead = {
                w for row in rows for t in row for w in reader.literals.get(t, ()) if w[0].isalpha()
            }
            found += [(word, tuple(sorted(instead))) for word in words_of]
    return tuple(sorted(found))
