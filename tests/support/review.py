"""A review with every part."""

from __future__ import annotations

from functools import cache

from onceproof.analysis.crash_map import crash_map
from onceproof.analysis.cut_sets import frontier
from onceproof.analysis.validity_core import needs
from onceproof.lang.load import load_text
from onceproof.repair import goals_of, repairs
from onceproof.report.review import Extras, Review, review_of

from support.results import ALO, checked


@cache
def full(name: str = "worker_killed") -> Review:
    """A review with everything in it."""
    result = checked(name)
    (found,) = result.designs
    text = load_text(found.sources[found.path].text, found.path)
    loaded = text.design
    assert loaded is not None
    maps = tuple(crash_map(loaded, s) for s in loaded.semantics)
    faults = tuple(frontier(loaded, c, s) for c in loaded.claims for s in loaded.semantics)
    asked = tuple((c, s) for c in loaded.claims for s in loaded.semantics)
    changes = tuple(
        repairs(text, goal, cells=found.cells) for goal in goals_of(loaded, found.cells, asked)
    )
    return review_of(
        result,
        {found.path: Extras(maps, faults, changes, (needs(loaded, ALO),))},
        f"onceproof report {name}.once -o review.html",
    )
