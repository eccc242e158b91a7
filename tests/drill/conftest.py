"""Drills with a journal and folders of the test's own; servers are asked for by mark, as in the
reality tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reality.conftest import _answers


@pytest.fixture(autouse=True)
def _service(request: pytest.FixtureRequest) -> None:
    """Skips a test whose server does not answer, with the reason."""
    for mark in request.node.iter_markers("service"):
        for name in mark.args:
            if why := _answers(name):
                pytest.skip(f"service {why}")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache folder of the test's own; at the end its journal must be empty."""
    monkeypatch.setenv("ONCEPROOF_CACHE", str(tmp_path / "cache"))
    yield tmp_path
    left = sorted(p.name for p in (tmp_path / "cache" / "drill").glob("*"))
    assert not left, f"the journal still has {left}"
