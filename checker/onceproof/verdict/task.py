"""What a check may spend, and one claim under one semantics to decide within that."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec import Struct, field

from onceproof.engines import coverability
from onceproof.engines.search import Bounds, Budget, Exploration, Found, simplest
from onceproof.lang.design import Claim, Design
from onceproof.lang.settings import Setting
from onceproof.lower import Lowered
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Machine, Property
from onceproof.verdict.result import (
    ClaimResult,
    Disagreement,
    Engine,
    Outcome,
    Statistics,
    Undecided,
    Verdict,
)

Progress = Callable[[str, int, int], None]
"""Called now and then with what is being checked, and the states and transitions of the current
search.
"""

GRACE = 0.5
"""Seconds beyond its limit after which whatever a cell is doing is broken off; the engines look at
the clock themselves before.
"""


class Options(Struct, frozen=True):
    """``workers`` / ``events``: look only so far (a bounded verdict); None: any number, as far as
    the engines decide it.

    ``semantics`` and ``claims`` select cells (empty: all; a claim is selected by a part of its
    text). ``seconds`` limits each cell, ``states`` each search, ``elements`` the rows and shapes of
    each attempt at a proof (None: no limit), ``megabytes`` the memory of the process (None: no
    limit). ``explain``: also say why proofs hold. ``lengths``: also look at what lengths of time
    change (an inequality a proof rests on, or under which a refuted claim would hold).
    ``second_opinion``: also let Z3 refute what the search refuted, on its own encoding.
    ``bounded_proofs``: where nothing is decided for any number, also search within growing bounds.
    ``settings``: check the design under each of these instead, a column each. ``digests``: also
    hash the certificate of every proof, which takes as long as writing it.
    """

    workers: int | None = None
    events: int | None = None
    semantics: tuple[Delivery, ...] = ()
    claims: tuple[str, ...] = ()
    seconds: float = 60.0
    states: int = 2_000_000
    second_opinion: bool = False
    every_solver: bool = False
    explain: bool = False
    elements: int | None = None
    megabytes: int | None = None
    lengths: bool = True
    bounded_proofs: bool = True
    digests: bool = False
    settings: tuple[Setting, ...] = ()

    @property
    def bounded(self) -> bool:
        """Whether the caller asked for a bounded look."""
        return self.workers is not None or self.events is not None

    def selects(self, claim: Claim) -> bool:
        """Whether the caller asked for this claim."""
        return not self.claims or any(part in claim.text for part in self.claims)


def selected(design: Design, options: Options) -> Iterator[tuple[Claim, Delivery]]:
    """The claims that the caller asked for, each under every semantics asked for."""
    columns = [s for s in design.semantics if not options.semantics or s in options.semantics]
    for claim in filter(options.selects, design.claims):
        yield from ((claim, s) for s in columns if not claim.semantics or s in claim.semantics)


def selected_claims(design: Design, options: Options, semantics: Delivery) -> list[Claim]:
    """The claims that the caller asked for, of those made under one semantics."""
    return [
        claim
        for claim in filter(options.selects, design.claims)
        if not claim.semantics or semantics in claim.semantics
    ]


def claim_result(
    design: Design,
    claim: Claim,
    semantics: Delivery,
    outcome: Outcome,
    statistics: Statistics | None = None,
) -> ClaimResult:
    """What came of a claim, with all that its result says about the design."""
    return ClaimResult(
        claim.text,
        claim.kind,
        target_words(claim),
        semantics,
        Verdict(claim.expected(semantics)),
        claim.span.line,
        outcome,
        tuple(a.words for a in design.assumptions),
        statistics or Statistics(),
        under=design.together(),
    )


class OutOfTime(Exception):
    """Raised when a task exceeds its time limit. The result is then UNKNOWN."""


class Task(Struct, frozen=True):
    """One cell to decide, with everything that is computed once for it. ``started``: on the clock
    of ``time.monotonic``. ``focuses``: variables from which the claim followed in machines like
    this one; they are tried first.
    """

    lowered: Lowered
    claim: Claim
    machine: Machine
    prop: Property
    options: Options
    progress: Progress | None = None
    started: float = field(default_factory=time.monotonic)
    focuses: tuple[frozenset[str], ...] = ()

    def result(self, outcome: Outcome, statistics: Statistics | None = None) -> ClaimResult:
        """The result of this task. ``statistics``: as ``statistics`` of this task gives them."""
        return claim_result(
            self.lowered.design,
            self.claim,
            self.lowered.semantics,
            outcome,
            statistics or self.statistics(),
        )

    def undecided(self, reason: str, searched: Exploration | None = None) -> ClaimResult:
        """The result of a task that could not be decided. ``searched``: what was searched."""
        return self.result(Undecided(reason), self.statistics(searched))

    def statistics(
        self,
        searched: Exploration | Found | None = None,
        obligations: int = 0,
        engine: Engine = Engine.NONE,
    ) -> Statistics:
        """What was searched, how many obligations were checked, and which engine decided."""
        states, transitions = (searched.states, searched.transitions) if searched else (0, 0)
        return Statistics(states, transitions, obligations, len(self.machine.variables), engine)

    @property
    def left(self) -> float:
        """Seconds left for this cell. Raises OutOfTime if there are none: every stage begins by
        asking for them.
        """
        left = self.started + self.options.seconds - time.monotonic()
        if left <= 0:
            raise OutOfTime
        return left

    def budget(self, states: int | None = None) -> Budget:
        """What one search may spend."""
        return Budget(
            min(states or self.options.states, self.options.states),
            self.left,
            self.options.megabytes,
        )

    def proof_budget(self, elements: int | None = None) -> coverability.Budget:
        """What one attempt at a proof may spend; ``elements``: at most so many rows and shapes."""
        limits = [n for n in (elements, self.options.elements) if n is not None]
        return coverability.Budget(min(limits, default=None), self.left, self.options.megabytes)

    def search(self, bounds: Bounds, states: int | None = None) -> Found | Exploration:
        """The simplest run of the whole machine within bounds, or what was searched without finding
        one. With rules that are wider than the truth it need not be a story (``stories.search``).
        """
        return simplest(self.machine, self.prop, bounds, self.budget(states), self.report)

    def report(self, states: int, transitions: int) -> None:
        """Pass progress on."""
        if self.progress:
            self.progress(
                f"{self.claim.text} / {self.lowered.semantics.value}", states, transitions
            )

    def disagree(self, what: str, *details: str) -> Disagreement:
        """No verdict: two engines contradict each other."""
        return Disagreement(
            self.lowered.design.path,
            self.claim.text,
            self.claim.span.line,
            self.lowered.semantics,
            what,
            tuple(d for d in details if d),
        )


def target_words(claim: Claim) -> str:
    """What a claim is about: ``invoice`` or ``orders.state and mail``."""
    return " and ".join(
        t.name.text + (f".{t.column.text}" if t.column else "") for t in claim.targets
    )


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the block when its time is long over, wherever it is; only in the main
    thread of a process.
    """
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def stop(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
