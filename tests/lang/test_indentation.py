"""Whatever the indentation of a text, the lines that the parser reads are soundly indented."""

from __future__ import annotations

from itertools import product

import pytest
from onceproof.lang.source import Source
from onceproof.lang.syntax.indentation import mend


def is_sound(depths: list[int]) -> bool:
    """Every line is deeper than the one before it, or as deep as one that is still open."""
    levels = [0]
    for depth in depths:
        if depth > levels[-1]:
            levels.append(depth)
        while depth < levels[-1]:
            levels.pop()
        if depth != levels[-1]:
            return False
    return True


@pytest.mark.parametrize("lines", range(1, 6))
def test_every_way_to_indent_a_few_lines(lines: int) -> None:
    for depths in product(range(5), repeat=lines):
        text = "\n".join(" " * depth + "x" for depth in depths)
        mended, mistakes = mend(Source.of("design.once", text))
        read = [line.indent for line in mended]
        assert is_sound(read), depths
        if is_sound(list(depths)):
            assert read == list(depths)
            assert not mistakes
        else:
            assert mistakes, depths
