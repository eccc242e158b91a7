"""Requests to providers: what they know of a key, what their answers say, and requests that are
still on their way (docs/semantics.md, "Providers").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from onceproof.lang import design as d
from onceproof.lower import program as op
from onceproof.lower import variables as v
from onceproof.lower.case import Case, Location, counting, mapping
from onceproof.lower.effects import Meaning, only
from onceproof.lower.handler import Handler
from onceproof.machine.system import Action, Cause, Rule, RuleKind, Variable


def call(handler: Handler, at: Location, case: Case, operation: op.Call) -> None:
    """An external effect is done, is refused, or its answer is lost, as may be the request."""
    design, effect = handler.design, operation.effect
    declared = design.effects[effect]
    answers_lost = not design.assumes("no-lost-answers")

    def outcome(c: Case, then: int, word: str, cause: Cause = Cause.HANDLER) -> None:
        handler.go(at, c, then, handler.action(at, cause, subject=effect, outcome=word))

    for c in handler.meaning.happen(effect, case):
        outcome(c, operation.done, "done")
        if answers_lost:
            outcome(c, operation.silent, "answer lost", Cause.ANSWER_LOST)
    unkeyed, keyed = handler.meaning.keyed(effect, case)
    if not design.assumes("no-refusals"):
        known = handler.meaning.stored(effect, case)
        if keyed is None or not declared.keeps_errors:
            outcome(case, operation.refused, "refused", Cause.REFUSED)
        else:
            others = set(case.domains[v.record(effect)].domain) - {"failed"}
            for c in [*unkeyed, *only([keyed.test(v.record(effect), others)])]:
                outcome(c, operation.refused, "refused", Cause.REFUSED)
            for c in only([keyed.test(v.record(effect), others - {"present"})]):
                stored = c.put(v.record(effect), "failed")
                outcome(stored, operation.refused, "refused, stored", Cause.REFUSED)
                if answers_lost:
                    word = "refused, stored, answer lost"
                    outcome(stored, operation.silent, word, Cause.ANSWER_LOST)
            for c in known:
                outcome(c, operation.refused, "refused again")
                if answers_lost:
                    word = "refused again, answer lost"
                    outcome(c, operation.silent, word, Cause.ANSWER_LOST)
    if answers_lost:
        outcome(case, operation.silent, "request lost", Cause.ANSWER_LOST)
        if v.pending(effect) in case.domains:
            more = case.change(v.pending(effect), counting(case.domains[v.pending(effect)]))
            outcome(more, operation.silent, "still on its way", Cause.ANSWER_LOST)


def arriving(design: d.Design, domains: Mapping[str, Variable]) -> Iterator[Rule]:
    """A request that is still on its way arrives, or never does."""
    meaning = Meaning(design, None, domains)
    for effect in design.effects:
        name = v.pending(effect)
        if name not in domains:
            continue
        waiting = Case(domains).where(name, {"1", "2"})
        assert waiting is not None
        fewer = waiting.change(name, mapping(domains[name], {"1": "0", "2": "1"}))
        arrived = [*meaning.happen(effect, fewer), *meaning.stored(effect, fewer)]
        for case, word in [*((c, "done") for c in arrived), (fewer, "never")]:
            yield case.rule(RuleKind.EVENT, Action(Cause.LATE_EFFECT, subject=effect, outcome=word))


def query(handler: Handler, at: Location, operation: op.Decide, effect: str) -> None:
    """A provider is asked whether an effect happened: it may refuse, and what it knows may lag."""
    design, case = handler.design, handler.base(at)
    action = handler.action(at, outcome="no")
    if design.effects[effect].query_lags:
        happened = case.test(effect, {"1", "2"})
        negated = getattr(operation.test, "negated", False)
        if happened is not None:
            word, then = ("yes", operation.yes) if negated else ("no", operation.no)
            handler.go(at, happened, then, replace(action, outcome=word))
    if not design.assumes("no-refusals"):
        refused = handler.action(at, Cause.REFUSED, subject=effect, outcome="refused")
        failed = handler.program.places[at.place].failed
        handler.leave_block(at, case, failed, refused)
