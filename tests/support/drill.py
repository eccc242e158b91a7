"""Drills in tests: load a text, open a stage, make random runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from onceproof.drill.campaign import Campaign, Order, campaign
from onceproof.drill.plan import Choice, addresses
from onceproof.drill.session import _stage
from onceproof.drill.stage import Stage
from onceproof.lang.design import Design
from onceproof.lang.load import Loaded, load
from onceproof.machine.delivery import Delivery

from support.repo import ROOT

ARTICLE = ROOT / "examples/article"
PATTERNS = ARTICLE.parent / "patterns"


def loaded(path: Path) -> Loaded:
    """A design that must have no mistakes."""
    found = load(path)
    assert found.design is not None, found.diagnostics
    return found


def written(folder: Path, text: str) -> Loaded:
    """A design from a text, in a file: the workers read it, too."""
    path = folder / "design.once"
    path.write_text(text, encoding="utf-8")
    return loaded(path)


@contextmanager
def stage(
    of: Loaded,
    semantics: Delivery = Delivery.AT_LEAST_ONCE,
    queue: str = "sqlite",
    database: str = "sqlite",
) -> Iterator[Stage]:
    """An open stage with short leases."""
    assert of.design is not None
    with _stage(of.design, semantics, Choice(queue, database, 0.3, addresses({}))) as opened:
        yield opened


def runs(
    of: Loaded, on: Stage, count: int, change: Callable[[Design], Design] | None = None
) -> Campaign:
    """Random runs, followed by the interpreter; ``change``: it follows a changed design."""
    assert of.design is not None
    return campaign(
        on, Order(count, 1, frozenset(), of.sources, change(of.design) if change else None)
    )
