"""What made it safe: each part of a design taken away, and the proofs tried again.

A part is *needed* for a claim if the claim breaks without it (a replayed run shows how), and *not
needed* if the claim is proved without it as it was with it. Parts are taken away one at a time; two
that stand in for each other are both not needed, which is why the last question is whether the
claims hold without all of those together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from onceproof.analysis.ablations import Part, parts
from onceproof.analysis.session import INTERRUPTED, Session, Unasked, same_question
from onceproof.base.memo import remembering
from onceproof.base.questions import ask
from onceproof.interpreter.trace import Trace
from onceproof.lang.design import Claim, Design
from onceproof.lower import Lowered, lower
from onceproof.machine.delivery import Delivery
from onceproof.verdict.result import ClaimResult, Disagreement, Verdict
from onceproof.verdict.task import Options, Task


class Without(Struct, frozen=True):
    """One claim without one part. ``verdict``: ``REFUTED`` (needed), ``HOLDS`` (not needed), else
    not decided, with the ``reason``.

    ``trace``: how it breaks, replayed on the design without the part.
    """

    claim: str
    verdict: Verdict
    trace: Trace | None = None
    reason: str = ""


class Need(Struct, frozen=True):
    """One part with what becomes of each proved claim without it. ``text``: the design's line."""

    kind: str
    what: str
    line: int
    path: str
    text: str
    claims: tuple[Without, ...]

    @property
    def needed(self) -> bool | None:
        """Whether some claim breaks without it; None: no claim is known to, but not all are
        proved.
        """
        verdicts = {w.verdict for w in self.claims}
        return (
            True if Verdict.REFUTED in verdicts else False if verdicts == {Verdict.HOLDS} else None
        )

    @property
    def breaks(self) -> tuple[str, ...]:
        """The claims that break without it."""
        return tuple(w.claim for w in self.claims if w.verdict is Verdict.REFUTED)


class Needs(Struct, frozen=True):
    """What the proofs of a design rest on under one semantics, by line.

    ``claims``: those that are proved, and so were looked at. ``together`` (if two parts or more are
    not needed): what becomes of the claims without all of these at once. ``complete``: nothing was
    left out; else ``reason`` says why.
    """

    path: str
    semantics: Delivery
    claims: tuple[str, ...]
    parts: tuple[Need, ...]
    together: tuple[Without, ...] = ()
    complete: bool = True
    reason: str = ""


@remembering()
def needs(
    design: Design, semantics: Delivery, options: Options | None = None, jobs: int = 1
) -> Needs:
    """What the proved claims of a design need. ``options``: ``claims`` selects, ``seconds`` limits
    all of it. Interrupted, it is what was known then. ``jobs``: parts that are looked at at once,
    which changes no answer.
    """
    options = replace(options or Options(), second_opinion=False, explain=False, lengths=False)
    session = Session.of(options)
    lowered = lower(design, semantics)
    proved: list[Claim] = []
    tasks: dict[str, Task | Unasked] = {}
    for claim in session.claims(design, semantics):
        ask(f"{claim.text} / {semantics.value}")
        result = _decided(session, lowered, claim)
        if result.verdict is Verdict.HOLDS:
            proved.append(claim)
            tasks[claim.text] = session.task(lowered, claim)
            session.learn(tasks[claim.text], result)
    start = Needs(design.path, semantics, tuple(c.text for c in proved), ())
    search = _Ablation(session, design, semantics, proved, tasks)
    every = parts(design) if proved or session.is_over() else ()
    needs: list[Need] = []
    try:
        for part, without in search.one_by_one(every, jobs):
            if without is None:
                return replace(start, parts=tuple(needs), complete=False, reason=session.over)
            text = design.line_text(part.line) if part.path in ("", design.path) else ""
            needs.append(Need(part.kind, part.what, part.line, part.path, text, without))
        if not proved:
            return start
        ask(f"without all that is not needed / {semantics.value}")
        spare = [p for p, need in zip(every, needs, strict=True) if need.needed is False]
        together = search.without(spare) if len(spare) > 1 else ()
    except KeyboardInterrupt:
        return replace(start, parts=tuple(needs), complete=False, reason=INTERRUPTED)
    return replace(start, parts=tuple(needs), together=together)


class _Ablation(Struct, frozen=True):
    """The proved claims of a design, to be asked again without parts of it. ``tasks``: what was
    asked about each claim with everything in its place.
    """

    session: Session
    design: Design
    semantics: Delivery
    claims: Sequence[Claim]
    tasks: dict[str, Task | Unasked]

    def one_by_one(
        self, parts: Sequence[Part], jobs: int
    ) -> Iterator[tuple[Part, tuple[Without, ...] | None]]:
        """Each part with what becomes of the claims without it; None if there was no time."""
        if jobs > 1 and len(parts) > 1:
            yield from self._at_once(parts, jobs)
            return
        for number, part in enumerate(parts, 1):
            if self.session.is_over():
                yield part, None
                return
            what = f"without {part.what} (line {part.line}) / {self.semantics.value}"
            ask(what, number, len(parts))
            yield part, self.without((part,))

    def _at_once(
        self, parts: Sequence[Part], jobs: int
    ) -> Iterator[tuple[Part, tuple[Without, ...] | None]]:
        """The same by several processes; in their order, as soon as all before are there."""
        from onceproof.base.parallel import Gone, over_processes

        claims = tuple(claim.text for claim in self.claims)
        tasks = [
            (self.design, self.semantics, self.session, claims, number)
            for number in range(len(parts))
        ]
        made: dict[int, tuple[Without, ...] | None] = {}
        following = 0
        for number, found in over_processes(_without_part, tasks, jobs):
            made[number] = (
                tuple(Without(claim, Verdict.UNKNOWN, reason=found.value) for claim in claims)
                if isinstance(found, Gone)
                else found
            )
            ask(f"lines taken away / {self.semantics.value}", len(made), len(parts))
            while following in made:
                yield parts[following], made[following]
                following += 1

    def without(self, removed: Sequence[Part]) -> tuple[Without, ...]:
        """What becomes of the claims without some parts."""
        design = self.design
        for part in removed:
            design = part.without(design)
        lowered = lower(design, self.semantics)
        return tuple(self._claim(lowered, claim) for claim in self.claims)

    def _claim(self, lowered: Lowered, claim: Claim) -> Without:
        task = self.session.task(lowered, claim)
        if same_question(task, self.tasks.get(claim.text)):
            return Without(claim.text, Verdict.HOLDS)  # as it was, and that is proved
        result = _decided(self.session, lowered, claim)
        self.session.learn(task, result)
        return Without(claim.text, result.verdict, result.trace, result.reason)


def _without_part(
    task: tuple[Design, Delivery, Session, tuple[str, ...], int],
) -> tuple[Without, ...] | None:
    """What becomes of claims without one part of the design, in another process."""
    design, semantics, session, texts, number = task
    if session.is_over():
        return None
    with remembering():
        lowered = lower(design, semantics)
        claims = [c for c in session.claims(design, semantics) if c.text in texts]
        tasks = {c.text: session.task(lowered, c) for c in claims}
        search = _Ablation(session, design, semantics, claims, tasks)
        return search.without((parts(design)[number],))


def _decided(session: Session, lowered: Lowered, claim: Claim) -> ClaimResult:
    """The verdict on a claim. Raises AssertionError if the engines contradict each other."""
    result = session.decide(lowered, claim)
    if isinstance(result, Disagreement):
        raise AssertionError(f"engines contradict each other: {result.what}")
    return result
