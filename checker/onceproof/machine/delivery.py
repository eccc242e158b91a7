"""What a generic queue promises about its messages."""

from __future__ import annotations

from enum import Enum


class Delivery(Enum):
    """A delivery guarantee (docs/semantics.md, "Deliveries", says what each means)."""

    AT_MOST_ONCE = "at-most-once"
    AT_LEAST_ONCE = "at-least-once"
    EXACTLY_ONCE = "exactly-once"
