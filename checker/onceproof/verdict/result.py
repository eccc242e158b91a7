"""The one result object every format is made from. See docs/verdicts.md for what the words mean."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct, field

from onceproof.engines.compositional.abstraction import Lemma
from onceproof.interpreter.trace import Trace
from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.source import Source
from onceproof.lang.syntax.ast import Semantics
from onceproof.machine.invariant import Invariant


class Verdict(Enum):
    """What is said about a claim."""

    HOLDS = "holds"
    REFUTED = "refuted"
    VACUOUS = "vacuous"  # it holds because what it speaks about never happens
    UNKNOWN = "unknown"


class Assurance(Enum):
    """On what ground. Never separated from the verdict."""

    CERTIFICATE = "proved with a checked certificate"
    EXHAUSTIVE = "every state of a bounded graph visited"
    REPLAYED = "replayed counterexample"
    NONE = "none"


class Scope(Struct, frozen=True):
    """For how many: a number, or None for any number."""

    events: int | None = None
    keys: int | None = None
    workers: int | None = None
    deliveries: int | None = None
    crashes: int | None = None


class Engine(Enum):
    """Whose answer a verdict is; what confirmed it is in ``Cell.checked_by``."""

    SEARCH = "search"  # a run to a bad state, or every state within bounds
    COVERABILITY = "coverability"  # an invariant for any number, or that something is out of reach
    NONE = "none"  # nothing was decided


class Statistics(Struct, frozen=True):
    """Who decided, and sizes of what was searched, deterministic: the same on every run.

    ``engine``: whose answer the verdict is. The states of a proof for any number are those of the
    search that contradicts nothing.
    """

    states: int = 0
    transitions: int = 0
    obligations: int = 0
    variables: int = 0
    engine: Engine = Engine.NONE


class Reasons(Struct, frozen=True):
    """Why a proof holds, in the design's words; the last fact is the claim. ``ground`` says what
    stands behind the facts.
    """

    facts: tuple[str, ...]
    checked: bool
    ground: str
    legend: str


class Cell(Struct, frozen=True):
    """The verdict on one claim under one delivery semantic.

    ``expected`` is what the design expects. ``needs`` (refuted): workers at once, events and faults
    of the story. ``checked_by``: the solvers or programs that confirmed the verdict. ``why``: what
    makes a proof hold, ``blame``: what makes it break, each if asked for; ``unavoidable``: why no
    handler does better (theory T13). ``reason``: why unknown or vacuous, or what narrows the scope.
    ``invariant``: of a proof; ``lemmas``: its parts instead, if it has several. ``conditions``:
    inequalities that a proof rests on; ``would_hold``: those under which a refuted claim would
    hold; ``facts``: what the answer rests on and nobody has confirmed. ``seconds``: the only field
    that differs between runs.
    """

    claim: str
    kind: str
    effect: str
    semantics: Semantics
    verdict: Verdict
    expected: Verdict
    assurance: Assurance
    scope: Scope
    line: int
    assumptions: tuple[str, ...] = ()
    statistics: Statistics = Statistics()
    trace: Trace | None = None
    checked_by: tuple[str, ...] = ()
    reason: str = ""
    invariant: Invariant | None = None
    lemmas: tuple[Lemma, ...] = ()
    why: Reasons | None = None
    unavoidable: tuple[str, ...] = ()
    blame: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    would_hold: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the one the design expects."""
        return self.verdict is self.expected


class Disagreement(Struct, frozen=True):
    """Two engines that must agree did not: a bug of ours, never a verdict."""

    design: str
    claim: str
    semantics: Semantics
    what: str
    details: tuple[str, ...] = ()


class DesignResult(Struct, frozen=True):
    """Everything about one design file. Without a design (errors), ``cells`` is empty.

    ``models``: what stands behind ``via``, as ``orders: sqs.standard(VisibilityTimeout=30s), Amazon
    SQS standard queue``.
    """

    path: str
    sha256: str
    title: str
    diagnostics: tuple[Diagnostic, ...]
    cells: tuple[Cell, ...]
    semantics: tuple[Semantics, ...]
    sources: dict[str, Source] = field(default_factory=dict)
    failures: tuple[Disagreement, ...] = ()
    models: tuple[str, ...] = ()


class Result(Struct, frozen=True):
    """The outcome of one run of the tool."""

    designs: tuple[DesignResult, ...]
    command: tuple[str, ...] = ()
    interrupted: bool = False
