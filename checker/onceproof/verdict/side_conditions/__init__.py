"""The fragment in which a claim may be made for any number: each side condition of the reductions,
looked up in the design.

A reduction (docs/internals.md, "The reductions") is sound, or exact, under a condition. Most
conditions cannot be broken in this language; where that is so, the function of the condition says
why. What can be broken is looked up in the design, its lowering and the slice for the claim, and
reported with the line, with what it costs and with what to write instead.

Adding a condition is adding a function to ``CONDITIONS``.

``condition``: what a condition is looked up in, and what is reported when it is not met.
``keys``: T1: one business key at a time.
``rows``: T2 and T9: counters that only go up, tokens that are only ever newer.
``workers``: T3, T4 and T5: the number of workers, and where they may be killed.
``requests``: T6: requests that outlive their senders.
``messages``: T11 and T16: copies of a message, and transactions that are one step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from onceproof.lang.design import Claim, Design
from onceproof.lower import Lowered
from onceproof.machine.system import Machine, Property
from onceproof.verdict.side_conditions.condition import Finding, Look
from onceproof.verdict.side_conditions.keys import one_key_at_a_time
from onceproof.verdict.side_conditions.messages import atomic_steps, merged_copies
from onceproof.verdict.side_conditions.requests import requests_outlive
from onceproof.verdict.side_conditions.rows import saturated_counters, tokens_only_grow
from onceproof.verdict.side_conditions.workers import crash_points, nobody_else, plain_guards

__all__ = ["BY_CONSTRUCTION", "CONDITIONS", "Finding", "fragment"]

CONDITIONS: tuple[Callable[[Look], Iterator[Finding]], ...] = (
    one_key_at_a_time,  # T1
    saturated_counters,  # T2
    plain_guards,  # T3
    nobody_else,  # T4
    crash_points,  # T5
    requests_outlive,  # T6
    tokens_only_grow,  # T9
    merged_copies,  # T11
    atomic_steps,  # T16
)

BY_CONSTRUCTION: dict[str, str] = {
    "T7": (
        "a message that came back may be given up at any time, whatever the limit says"
        " (lower/queues.py: `returned` to `dead` has no other guard)"
    ),
    "T8": (
        "a record may expire at any time while it is there (lower/environment.py); only `retries"
        " end within the key window` guards it, and is listed"
    ),
    "T10": (
        "a status is per event; `acks at any time` lets it be settled, and `commit may go back`"
        " lets it come again, at any moment, which covers every offset and every cumulative commit"
        " (lower/queues.py)"
    ),
    "T12": (
        "no claim says that something will happen (claims/kinds.py): `no loss` asks whether it"
        " still can"
    ),
    "T13": "no reduction, but a reason why no rewriting helps: impossible.py",
    "T14": (
        "no cut-off is used: a claim for any number has an invariant for any number, and any other"
        " verdict says its numbers (judge.py)"
    ),
    "T17": (
        "`before` is about the effects of one event; no claim names two (claims/kinds.py: every"
        " pattern has one event)"
    ),
}
"""Conditions that no design of this language can break, with the reason and the place that sees to
it.
"""


def fragment(
    design: Design,
    lowered: Lowered,
    claim: Claim,
    machine: Machine,
    prop: Property,
    most_workers: int | None = None,
) -> tuple[Finding, ...]:
    """What the design does not meet, for one claim under one semantics. ``machine`` is the slice of
    ``lowered.machine``. ``most_workers``: the answer is made for so many at once.

    Empty: every reduction is sound and exact here. What only costs exactness says so
    (``Finding.only_exactness``).
    """
    look = Look(design, lowered, claim, machine, prop, most_workers)
    findings = dict.fromkeys(finding for condition in CONDITIONS for finding in condition(look))
    return tuple(findings)
