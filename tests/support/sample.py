"""A sample for the quick tests; the slow tests take the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def sampled(values: Iterable[Any], every: int, **more: Any) -> list[Any]:
    """Parameters of a test: every so many-th in the quick tests, beginning with the first, and the
    others in the slow ones.
    """
    return [
        pytest.param(value, marks=[] if i % every == 0 else [pytest.mark.slow], **more)
        for i, value in enumerate(values)
    ]
