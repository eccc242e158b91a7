"""Random designs in which several events share a business key: rows that keep others out, outboxes,
sagas with two starters.
"""

from __future__ import annotations

import random

CALM = (
    "no crash",
    "no replay",
    "no publisher retries",
    "no broker copies",
    "no lost answers",
    "no lost acks",
    "no refusals",
    "no failover",
    "handler finishes within the lease",
)
"""Assumptions that keep two events and their workers few enough to be listed."""
CLAIMS = (
    "no loss of booking",
    "no loss of booking unless saga.state is done",
    "effectively once booking",
    "seen and booking together",
    "recoverable",
    "at rest never order in seen and booking did not happen",
)
EXTERNAL = "effect booking per order via http\n  key order, kept for ever\n  can be queried"


def component_design(seed: int) -> str:
    """A small valid design; the same seed gives the same text."""
    rng = random.Random(f"component {seed}")
    external = rng.random() < 0.3
    published, relay, second = (rng.random() < p for p in (0.35, 0.3, 0.3))
    book = "call booking" if external else "do booking"
    lines = ["event Placed(id, order)", "queue orders of Placed at-least-once"]
    lines += ["event Cancelled(id, order)", "queue cancels of Cancelled at-least-once"] * second
    lines += ["queue bookings of Placed at-least-once"] * published
    lines += [
        "store seen per order, unique",
        "store saga per order",
        "  state: open | done",
        *(["store ledger per order"] * (not external)),
        EXTERNAL if external else "effect booking per order in ledger",
    ]
    end = "publish to bookings" if published and rng.random() < 0.8 else book
    shop = _handler(rng, end)
    writes = any("to seen" in line or "into seen" in line for line in shop)
    lines += ["consumer shop on orders", *(["  add order to seen"] * (not writes)), *shop]
    if second:
        lines += ["consumer cancel on cancels", *_handler(rng, rng.choice((book, "wait")))]
    if published:
        lines += ["consumer book on bookings", *_handler(rng, book)]
    if relay:
        lines += ["relay sweep when order in seen and booking did not happen", f"  {book}"]
    calm = [a for a in CALM if rng.random() < 0.75]
    return "\n".join([*lines, *(f"assume {a}" for a in calm), *(f"claim {c}" for c in CLAIMS), ""])


def _handler(rng: random.Random, end: str) -> list[str]:
    """Steps in front of what the handler is there for, and the acknowledgement somewhere."""
    stop = ["    ack"] * (rng.random() < 0.7) + ["    stop"]
    guard = rng.choice(
        (
            [],
            ["  insert order into seen", "    on duplicate", *(f"  {x}" for x in stop)],
            ["  if order in seen", *stop],
            ["  add order to seen"],
            ["  add order to saga", "  update saga.state from open to done or stop"],
            ["  if saga.state is done", *stop, "  set saga.state = done"],
        )
    )
    work = [f"  {end}"]
    if guard[:1] == ["  if order in seen"]:
        work = rng.choice((["  add order to seen", *work], [*work, "  add order to seen"]))
    early = rng.random() < 0.15
    return [*guard, *(["  ack"] * early), *work, *(["  ack"] * (not early))]
