"""The search for repairs: single edits first, then pairs, cheapest first; each one re-verified
before it is offered.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator

from msgspec import Struct, field

from onceproof.analysis.cut_sets import breaks_by_itself
from onceproof.analysis.session import INTERRUPTED
from onceproof.base.memo import remembering
from onceproof.base.paths import shown
from onceproof.base.questions import ask
from onceproof.lang.design import Claim, Design
from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.load import Loaded, load_text
from onceproof.lang.source import Source
from onceproof.lang.syntax.parser import parse
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause
from onceproof.repair.edits import catalogue
from onceproof.repair.expectations import following
from onceproof.repair.plan import Edit, Goal, Proposal, Site
from onceproof.repair.sheet import Sheet
from onceproof.repair.verify import Checked, Verifier, session_of
from onceproof.verdict.result import ClaimResult, Verdict
from onceproof.verdict.task import Options

ENOUGH = 3
"""Repairs that are offered for one claim, at most."""

ALONE = ("no-duplicate", "no-loss")
"""Kinds of claims that can be repaired without the other."""

PAIRS = 120
"""Pairs of edits that are looked at, at most."""


class Repair(Struct, frozen=True):
    """A change of the design that was verified. ``edits``: the kinds of edits, in order; ``what``:
    the same in sentences.

    ``text``: the whole new text, ``diff``: against the old one. ``costs``, ``outside`` and
    ``leaves``: what it costs, what must be true outside the design, and what it still does not
    cover. ``goal``: the proofs for the effect concerned (no duplicate, no loss, recoverable);
    ``cells``: the verdicts on every claim of the changed design. ``seconds``: the one field that is
    never the same.
    """

    edits: tuple[str, ...]
    what: tuple[str, ...]
    cost: int
    text: str
    diff: str
    costs: tuple[str, ...]
    outside: tuple[str, ...]
    leaves: tuple[str, ...]
    goal: tuple[ClaimResult, ...]
    cells: tuple[ClaimResult, ...]
    seconds: float


class Repairs(Struct, frozen=True):
    """What came of the search for one effect under one semantics, cheapest first.

    ``impossible``: why no handler helps with the provider, or with the queue, as it is (for a
    provider: theory T13), if so. ``tried``: how many changed designs were looked at. ``complete``:
    no edit or pair of the catalogue was left out; else ``reason`` says why. ``refused``: (single
    edit in a sentence, why it does not help).
    """

    effect: str
    semantics: Delivery
    repairs: tuple[Repair, ...]
    impossible: tuple[str, ...]
    tried: int
    complete: bool
    reason: str = ""
    seconds: float = 0.0
    refused: tuple[tuple[str, str], ...] = ()


class _Candidate(Struct, frozen=True):
    """A changed text that can be read, with the edits that led to it."""

    edits: tuple[Edit, ...]
    proposals: tuple[Proposal, ...]
    loaded: Loaded

    @property
    def cost(self) -> int:
        """The cost of all its edits."""
        return sum(e.cost for e in self.edits)


class _EditSearch(Struct):
    """The search for one goal in one text."""

    loaded: Loaded
    design: Design
    verifier: Verifier
    keep_provider: bool
    seen: set[str] = field(default_factory=set)
    tried: int = 0
    reason: str = ""
    refused: list[tuple[str, str]] = field(default_factory=list)

    def singles(self) -> Iterator[_Candidate]:
        """One edit."""
        yield from self._from(self.loaded, _Candidate((), (), self.loaded))

    def pairs(self, singles: list[_Candidate]) -> Iterator[_Candidate]:
        """Two edits, the second one made in the text that the first one left; cheapest first."""
        candidates = [
            c
            for single in singles
            for c in self._from(single.loaded, single)
            if c.edits[0].name != c.edits[1].name
        ]
        candidates.sort(key=lambda c: c.cost)
        if len(candidates) > PAIRS:
            self.reason = (
                f"only the cheapest {PAIRS} of {len(candidates)} pairs of edits were looked at"
            )
        yield from candidates[:PAIRS]

    def _from(self, loaded: Loaded, before: _Candidate) -> Iterator[_Candidate]:
        site = _site(loaded, self.verifier.goal)
        if site is None:
            return
        for edit in catalogue():
            if edit.switches and self.keep_provider:
                continue
            for proposal in edit.propose(site):
                if proposal.text in self.seen:
                    continue
                self.seen.add(proposal.text)
                changed = load_text(proposal.text, loaded.path)
                if changed.design is not None and not _warns_more(
                    self.loaded.diagnostics, changed.diagnostics
                ):
                    yield _Candidate((*before.edits, edit), (*before.proposals, proposal), changed)

    def verified(self, candidate: _Candidate) -> Repair | None:
        """The repair, if the judge agrees."""
        started = time.monotonic()
        design = candidate.loaded.design
        assert design is not None
        self.tried += 1
        if not self.verifier.promising(design):
            return None
        checked = self.verifier.checked(design)
        if checked is None:
            return None
        return self._repair(candidate, checked, time.monotonic() - started)

    def _repair(self, candidate: _Candidate, checked: Checked, seconds: float) -> Repair | None:
        old, new = _text(self.loaded), _text(candidate.loaded)
        design = candidate.loaded.design
        assert design is not None
        tree, _ = parse(Source.of(self.loaded.path, new))
        verdicts = {(c.line, c.semantics): c.verdict for c in checked.others}
        text = following(new, tree, design.semantics, verdicts)
        if load_text(text, self.loaded.path).design is None:
            return None
        leaves = [*dict.fromkeys(x for p in candidate.proposals for x in p.leaves)]
        remaining = [
            f"{c.claim} under {c.semantics.value}: still refuted"
            for c in checked.others
            if c.verdict is Verdict.REFUTED
        ]
        remaining += [
            f"{claim}, where workers die elsewhere than at the marked points"
            for claim in self.verifier.only_marked(design)
        ]
        costs = tuple(dict.fromkeys(x for p in candidate.proposals for x in p.costs))
        outside = tuple(dict.fromkeys(x for p in candidate.proposals for x in p.outside))
        return Repair(
            tuple(e.name for e in candidate.edits),
            tuple(p.what for p in candidate.proposals),
            candidate.cost,
            text,
            diff_of(self.loaded.path, old, text),
            costs,
            outside,
            (*leaves, *remaining),
            checked.goal,
            checked.others,
            seconds,
        )


@remembering()
def repairs(
    loaded: Loaded,
    goal: Goal,
    options: Options | None = None,
    keep_provider: bool = False,
    cells: tuple[ClaimResult, ...] = (),
) -> Repairs:
    """Search repairs for one effect under one semantics.

    ``options.seconds`` limits the whole search; interrupted, it is what was found until then.
    ``keep_provider``: offer no other provider.
    ``cells``: verdicts on the design as it is that are known already. Raises ValueError if the
    design has errors.
    """
    options = options or Options()
    if loaded.design is None:
        raise ValueError(f"{loaded.path} has errors")
    started = time.monotonic()
    known = {(c.claim, c.semantics): c.verdict for c in cells}
    verifier = Verifier(loaded.design, goal, session_of(options), known)
    search = _EditSearch(loaded, loaded.design, verifier, keep_provider, {_text(loaded)})
    repairs_so_far: list[Repair] = []
    never: tuple[str, ...] = ()
    try:
        complete = _work(search, repairs_so_far)
        never = _never(loaded.design, goal, cells)
    except KeyboardInterrupt:
        complete, search.reason = False, INTERRUPTED
    return Repairs(
        goal.name,
        goal.semantics,
        tuple(repairs_so_far),
        never,
        search.tried,
        complete and not search.reason,
        search.reason,
        time.monotonic() - started,
        tuple(search.refused),
    )


def _never(design: Design, goal: Goal, cells: tuple[ClaimResult, ...]) -> tuple[str, ...]:
    """Why no handler helps, as far as the refutations of the design say so."""
    refuted = [
        c
        for c in cells
        if c.semantics is goal.semantics and c.effect == goal.name and c.verdict is Verdict.REFUTED
    ]
    for claim in design.claims:
        if claim.halves[-1].kind == "no-loss" and any(c.claim == claim.text for c in refuted):
            queues = [
                f.queue
                for f in breaks_by_itself(design, claim, goal.semantics, Cause.VANISHED)
                if f.queue
            ]
            if queues:
                return (
                    (
                        f"A message can vanish from `{queues[0]}` before any worker sees it: no"
                        " line of a handler changes that."
                    ),
                    (
                        "What would help: a queue that keeps messages until they are acknowledged,"
                        " or a job that looks for what is missing."
                    ),
                )
    return next((c.unavoidable for c in refuted if c.unavoidable), ())


def _work(search: _EditSearch, repairs: list[Repair]) -> bool:
    """Singles, then pairs of singles that do not repair by themselves; whether nothing was left out
    for want of time.
    """
    rest: list[_Candidate] = []
    goal = search.verifier.goal
    for stage in (search.singles, lambda: search.pairs(rest)):
        for candidate in stage():
            if search.verifier.session.is_over():
                search.reason = search.verifier.session.over
                return False
            what = ", ".join(dict.fromkeys(e.name for e in candidate.edits))
            ask(f"repairs / {goal.name} / {goal.semantics.value}: {what}", search.tried + 1)
            names = sorted(e.name for e in candidate.edits)
            if any(sorted(r.edits) == names for r in repairs):
                continue  # another form of what is offered already
            repair = search.verified(candidate)
            if repair is not None:
                repairs.append(repair)
            elif len(candidate.edits) == 1:
                rest.append(candidate)
                search.refused.append((candidate.proposals[0].what, search.verifier.why))
            if len(repairs) == ENOUGH:
                return True
        if repairs:
            return True
    return True


def goals_of(
    design: Design,
    cells: tuple[ClaimResult, ...],
    asked: tuple[tuple[Claim, Delivery], ...],
    alone: bool = False,
) -> tuple[Goal, ...]:
    """What there is to repair: the targets of refuted claims, each under its semantics. ``alone``:
    it is enough that the claim holds, where it is *no duplicate* or *no loss*.
    """
    refuted = {(c.claim, c.semantics) for c in cells if c.verdict is Verdict.REFUTED}
    goals = [
        Goal(t, s, (claim.kind,) if alone and claim.kind in ALONE else ())
        for claim, s in asked
        if (claim.text, s) in refuted
        for t in claim.targets
        if claim.kind != "one-worker"
    ]
    return tuple({(g.name, g.semantics, g.kinds): g for g in goals}.values())


@remembering()
def repaired(
    loaded: Loaded,
    goals: tuple[Goal, ...],
    options: Options | None = None,
    keep_provider: bool = False,
) -> tuple[str, tuple[tuple[Goal, Repair], ...], tuple[Goal, ...]]:
    """The text with the first repair of each goal made, one after the other: with the repairs made,
    and the goals left over.

    A goal that an earlier repair reached, too, needs none. ``options.seconds`` is for each goal.
    """
    options = options or Options()
    made: list[tuple[Goal, Repair]] = []
    left: list[Goal] = []
    for goal in goals:
        assert loaded.design is not None
        if made and Verifier(loaded.design, goal, session_of(options)).checked(loaded.design):
            continue
        found = repairs(loaded, goal, options, keep_provider)
        if found.reason == INTERRUPTED:
            raise KeyboardInterrupt  # half of the repairs would not be what was asked for
        if edits := found.repairs:
            made.append((goal, edits[0]))
            loaded = load_text(edits[0].text, loaded.path)
        else:
            left.append(goal)
    return _text(loaded), tuple(made), tuple(left)


def diff_of(path: str, old: str, new: str) -> str:
    """A unified diff of two texts of one design."""
    lines = difflib.unified_diff(
        old.splitlines(),
        new.splitlines(),
        shown(path),
        f"{shown(path)} (repaired)",
        lineterm="",
        n=2,
    )
    return "\n".join(lines) + "\n"


def _text(loaded: Loaded) -> str:
    return loaded.sources[loaded.path].design_text


def _site(loaded: Loaded, goal: Goal) -> Site | None:
    if loaded.design is None:
        return None
    source = loaded.sources[loaded.path]
    tree, _ = parse(source)
    return Site(loaded.path, Sheet.of(source.design_text), tree, loaded.design, goal)


def _warns_more(old: tuple[Diagnostic, ...], new: tuple[Diagnostic, ...]) -> bool:
    """Whether the changed design is told something that the old one is not."""
    before = [d.code for d in old]
    return any(
        [d.code for d in new].count(code) > before.count(code) for code in {d.code for d in new}
    )
