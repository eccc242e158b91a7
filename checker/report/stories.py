"""The stories of a result: told once, shown by every format."""

from __future__ import annotations

from functools import lru_cache

from checker.load import Loaded, load_text
from checker.replay import replay
from checker.result import Cell, DesignResult
from checker.story import Story, tell


def story_of(result: DesignResult, cell: Cell) -> Story | None:
    """The story of a refutation; None for other verdicts."""
    known = getattr(cell, "story", None)
    if isinstance(known, Story) or cell.trace is None:
        return known
    loaded = _loaded(result.sources[result.path].text, result.path)
    if loaded.design is None:
        return None
    claim = next(c for c in loaded.design.claims if (c.text, c.span.line) == (cell.claim, cell.line))
    return tell(loaded.design, claim, replay(loaded.design, cell.trace), result.sources)


@lru_cache(maxsize=8)
def _loaded(text: str, path: str) -> Loaded:
    return load_text(text, path)
