"""The one result object every format is made from. See docs/verdicts.md for what the words mean."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct, field

from onceproof.engines.compositional.abstraction import Lemma
from onceproof.explain.narrative import Narrative
from onceproof.interpreter import Replay
from onceproof.interpreter.trace import Trace
from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.source import Source
from onceproof.machine.delivery import Delivery
from onceproof.machine.invariant import Invariant
from onceproof.story.outline import Outline


class Verdict(Enum):
    """What is said about a claim."""

    HOLDS = "holds"
    REFUTED = "refuted"
    VACUOUS = "vacuous"  # it holds because what it speaks about never happens
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """How much is said for the claim, from 0 (refuted) on: a claim that holds vacuously is at
        least not violated, which is more than is known of one that is undecided.
        """
        return _WORST_FIRST.index(self)


_WORST_FIRST = (Verdict.REFUTED, Verdict.UNKNOWN, Verdict.VACUOUS, Verdict.HOLDS)


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
    """Whose answer a verdict is; what confirmed it is in ``checked_by``."""

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


class Proof(Struct, frozen=True, tag=True):
    """The claim holds, for any number (``CERTIFICATE``) or within ``scope`` (``EXHAUSTIVE``).

    ``checked_by``: the solvers or programs that confirmed it. ``reason``: what narrows the scope.
    ``invariant``: the certificate for any number; ``lemmas``: its parts instead, if it has several.
    ``conditions``: inequalities between lengths of time that the proof depends on. ``why``: what
    makes it hold, if asked for.
    """

    assurance: Assurance
    scope: Scope = Scope()
    checked_by: tuple[str, ...] = ()
    reason: str = ""
    invariant: Invariant | None = None
    lemmas: tuple[Lemma, ...] = ()
    conditions: tuple[str, ...] = ()
    why: Reasons | None = None


class Vacuous(Struct, frozen=True, tag=True):
    """The claim holds only because what it speaks about, or a step of the handler, never happens:
    ``reason`` says what. ``proof``: that it holds.
    """

    proof: Proof
    reason: str


class Refutation(Struct, frozen=True, tag=True):
    """``run`` violates the claim, as the interpreter has followed it. ``scope``: the bounds in
    which it was found.

    ``checked_by``: the programs that confirmed it. ``unavoidable``: why no handler does better
    (theory T13). ``would_hold``: inequalities between lengths of time under which the claim would
    hold. ``blame``: what makes it break, if asked for. ``narrative``: the run in words, for every
    report; made when the design is at hand (``check.narrated``).
    """

    run: Replay
    scope: Scope
    checked_by: tuple[str, ...]
    unavoidable: tuple[str, ...] = ()
    would_hold: tuple[str, ...] = ()
    blame: tuple[str, ...] = ()
    narrative: Narrative | None = None

    @property
    def trace(self) -> Trace:
        """The steps of the run."""
        return self.run.trace


class Undecided(Struct, frozen=True, tag=True):
    """Neither proved nor refuted: ``reason`` says why, ``scope`` how far the search came."""

    reason: str
    scope: Scope = Scope()


Outcome = Proof | Vacuous | Refutation | Undecided
"""What was decided about a claim, with what only that outcome has."""


class ClaimResult(Struct, frozen=True):
    """The result of one claim under one delivery semantics: what every outcome has, and the
    ``outcome``.

    ``expected`` is the verdict that the design expects. ``facts``: what the result depends on and
    nobody has confirmed. ``under``: the name of the column, where it is not the semantics alone
    (``guarantee``). ``examined``: for what the claim was examined, where it does not say so itself
    (per which key, for which events). ``seconds``: the only field that differs between runs. The
    properties give the fields of the outcome to those who treat all outcomes alike: empty where it
    has none.
    """

    claim: str
    kind: str
    effect: str
    semantics: Delivery
    expected: Verdict
    line: int
    outcome: Outcome
    assumptions: tuple[str, ...] = ()
    statistics: Statistics = Statistics()
    facts: tuple[str, ...] = ()
    seconds: float = 0.0
    under: str = ""
    examined: str = ""

    @property
    def guarantee(self) -> str:
        """What the queues guarantee, as the column is called."""
        return self.under or self.semantics.value

    @property
    def verdict(self) -> Verdict:
        """The outcome in one word."""
        match self.outcome:
            case Proof():
                return Verdict.HOLDS
            case Vacuous():
                return Verdict.VACUOUS
            case Refutation():
                return Verdict.REFUTED
            case Undecided():
                return Verdict.UNKNOWN

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the one the design expects."""
        return self.verdict is self.expected

    @property
    def is_unbounded_proof(self) -> bool:
        """Whether the claim is proved, with a certificate and for any number."""
        return (
            isinstance(self.outcome, Proof)
            and self.outcome.assurance is Assurance.CERTIFICATE
            and self.outcome.scope == Scope()
        )

    @property
    def limits(self) -> tuple[str, ...]:
        """In which ways a proof says less than *always*: ``conditional`` (on lengths of time that
        the reader must ensure), ``bounded``, ``unconfirmed`` (it relies on documented behavior that
        nobody has tested).
        """
        if not isinstance(self.outcome, Proof):
            return ()
        of = {
            "conditional": bool(self.conditions),
            "bounded": not self.is_unbounded_proof,
            "unconfirmed": bool(self.facts),
        }
        return tuple(name for name, applies in of.items() if applies)

    @property
    def proof(self) -> Proof | None:
        """The proof that the claim holds, also where it does so vacuously."""
        match self.outcome:
            case Proof() as proof:
                return proof
            case Vacuous(proof, _):
                return proof
            case _:
                return None

    @property
    def refutation(self) -> Refutation | None:
        """The refutation of the claim."""
        return self.outcome if isinstance(self.outcome, Refutation) else None

    @property
    def assurance(self) -> Assurance:
        """On what ground."""
        if self.refutation is not None:
            return Assurance.REPLAYED
        return self.proof.assurance if self.proof else Assurance.NONE

    @property
    def scope(self) -> Scope:
        """For how many."""
        return self.outcome.proof.scope if isinstance(self.outcome, Vacuous) else self.outcome.scope

    @property
    def reason(self) -> str:
        """Why it is unknown or vacuous, or what narrows the scope of a proof."""
        return "" if isinstance(self.outcome, Refutation) else self.outcome.reason

    @property
    def checked_by(self) -> tuple[str, ...]:
        """The solvers or programs that confirmed the outcome."""
        confirmed = self.proof or self.refutation
        return confirmed.checked_by if confirmed else ()

    @property
    def invariant(self) -> Invariant | None:
        """The certificate of a proof for any number."""
        return self.proof.invariant if self.proof else None

    @property
    def lemmas(self) -> tuple[Lemma, ...]:
        """The parts of a certificate that has several."""
        return self.proof.lemmas if self.proof else ()

    @property
    def conditions(self) -> tuple[str, ...]:
        """The inequalities that a proof depends on."""
        return self.proof.conditions if self.proof else ()

    @property
    def why(self) -> Reasons | None:
        """What makes a proof hold, if asked for."""
        return self.proof.why if self.proof else None

    @property
    def trace(self) -> Trace | None:
        """The run that refutes the claim."""
        return self.refutation.trace if self.refutation else None

    @property
    def unavoidable(self) -> tuple[str, ...]:
        """Why no handler does better than a refuted one."""
        return self.refutation.unavoidable if self.refutation else ()

    @property
    def would_hold(self) -> tuple[str, ...]:
        """The inequalities under which a refuted claim would hold."""
        return self.refutation.would_hold if self.refutation else ()

    @property
    def blame(self) -> tuple[str, ...]:
        """What makes a refuted claim break, if asked for."""
        return self.refutation.blame if self.refutation else ()

    @property
    def narrative(self) -> Narrative | None:
        """The run that refutes the claim, in words."""
        return self.refutation.narrative if self.refutation else None


class Disagreement(Struct, frozen=True):
    """Two engines that must agree did not: a bug of ours, never a verdict. ``line``: the
    claim's.
    """

    design: str
    claim: str
    line: int
    semantics: Delivery
    what: str
    details: tuple[str, ...] = ()


class CertificateDigest(Struct, frozen=True):
    """The hash (SHA-256, in hex) of the files of one proof's certificate, and the ``folder`` that
    they are written to.
    """

    claim: str
    semantics: Delivery
    sha256: str
    folder: str


class DesignResult(Struct, frozen=True):
    """Everything about one design file. Without a design (errors), ``cells`` is empty.

    ``models``: what stands behind ``via``, as ``orders: sqs.standard(VisibilityTimeout=30s), Amazon
    SQS standard queue``. ``outline``: its parts, for reports. ``certificates``: of the proofs, if
    asked for (``Options.digests``).
    """

    path: str
    sha256: str
    title: str
    diagnostics: tuple[Diagnostic, ...]
    cells: tuple[ClaimResult, ...]
    semantics: tuple[Delivery, ...]
    sources: dict[str, Source] = field(default_factory=dict)
    failures: tuple[Disagreement, ...] = ()
    models: tuple[str, ...] = ()
    outline: Outline | None = None
    certificates: tuple[CertificateDigest, ...] = ()


class Result(Struct, frozen=True):
    """The outcome of one run of the tool. ``fail_on``: kinds of proofs that the caller does not
    accept: conditional, bounded, unconfirmed.
    """

    designs: tuple[DesignResult, ...]
    command: tuple[str, ...] = ()
    interrupted: bool = False
    fail_on: tuple[str, ...] = ()
