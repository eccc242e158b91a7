"""T2 and T9: counters that only go up, and tokens that are only ever newer."""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.lang.design import Effect
from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n
from onceproof.lower import variables as v
from onceproof.lower.past import ROW_ALONE
from onceproof.machine.system import Update
from onceproof.verdict.side_conditions.condition import Finding, Look

_STEPS = {("0", "0"), ("0", "1"), ("1", "1"), ("1", "2"), ("2", "2")}
"""What a write may do to a counter: leave it, or count one more."""

_TESTS = ({"0"}, {"1", "2"}, {"0", "1", "2"})
"""What a step may ask a counter: whether it is 0."""

_LOSSES = {
    "cache": "is a cache",
    "expires": "loses rows by their age",
}


def saturated_counters(look: Look) -> Iterator[Finding]:
    """T2. Counters {0, 1, 2+} are exact if steps only ask whether they are 0 and only count
    upwards.

    The language has no other test than ``happened`` (``lower.effects.Meaning._tested``) and no
    other write than one more; the rules are looked through all the same. What does go down in the
    world, and not here, is an effect that is lost with its row.
    """
    yield from _miscounted(look)
    for effect in look.design.effects.values():
        if effect.name not in look.rows or effect.store is None:
            continue
        asked = any(part.effect.text == effect.name for part, _ in look.asked())
        why = _forgets(look, effect.store)
        if why is None or not (asked or effect.name in look.targets):
            continue
        span, reason = why
        cost = (
            f"a lost row does not undo {effect.name} here: the claim says that it was done, not"
            " that it is still there"
        )
        if asked:
            cost += (
                f"; `{effect.name} happened` goes on saying yes, so the claim holds only as long as"
                " no row is lost"
            )
        remedy = f"keep it in a store that keeps its rows{_or_assume(look, effect.store)}"
        yield Finding.at(
            "T2",
            span,
            text=f"`{effect.name}` is kept in `{effect.store}`, which {reason}",
            cost=cost,
            remedy=remedy,
        )


def _miscounted(look: Look) -> Iterator[Finding]:
    """Steps that a counter which stops at two does not carry. The copy of a counter in a snapshot
    is taken and forgotten as it is; what is asked of it counts. Requests that are on their way are
    counted down, too, but two that arrive are as many as the counter of the effect can tell, and
    one that never arrives may be lost at any time before.
    """
    counters = {
        x.name
        for x in look.machine.variables
        if x.domain == v.COUNTS and not x.name.endswith(v.PENDING)
    }
    cost = (
        "nothing may be claimed: a counter stops at two, so this step cannot be told from one that"
        " is impossible"
    )
    for rule in look.machine.rules:
        if rule.approximate == ROW_ALONE:
            continue  # a failover undoes; two or more may be any number less, and that still
        tests = [
            t.variable
            for t in rule.guard
            if t.variable in counters and set(t.allowed) not in _TESTS
        ]
        writes = [
            u.target
            for u in rule.updates
            if u.target in counters and not u.target.endswith(v.AS_OF) and not _counts(u)
        ]
        for name in [*tests, *writes]:
            text = f"this step tells one {name} from two, or counts it down"
            yield Finding(
                "T2", rule.action.line, text, cost, "ask only whether it happened", look.design.path
            )


def _counts(update: Update) -> bool:
    if update.source is None:
        return update.constant in ("1", "2")
    return update.source == update.target and set(update.table) <= _STEPS


def _forgets(look: Look, store: str) -> tuple[Span, str] | None:
    """Where and why rows of a store go away."""
    declared = look.design.stores[store]
    for trait in declared.loses:
        if trait == "failover":
            continue  # the machine takes counters back and tokens with the rows
        if trait == "expires" or not look.design.assumes("no-failover"):
            return declared.span, _LOSSES[trait]
    for _, step in look.steps():
        if isinstance(step, n.Delete) and step.store.text == store:
            return step.span, f"is deleted from in line {step.span.line}"
    return None


def _or_assume(look: Look, store: str) -> str:
    return ", or `assume no failover`" if "cache" in look.design.stores[store].loses else ""


# ---------------------------------------------------------------- tokens


def tokens_only_grow(look: Look) -> Iterator[Finding]:
    """T9. One bit, fresh or stale, is exact if tokens are compared with the newest one, only grow,
    and never start again.

    A resource that does not issue the tokens would need three classes; ``resolve._effect`` turns
    that down (N133). Versions are column values, compared one by one: a value that comes back is
    seen to come back.
    """
    for effect in look.design.effects.values():
        if (
            effect.token_of is None
            or effect.store is None
            or v.token(effect.token_of) not in look.variables
        ):
            continue
        yield from _restarts(look, effect, effect.store, effect.token_of)
        lock, store = look.design.locks[effect.token_of], look.design.stores[effect.store]
        if lock.key != store.key:
            yield Finding.at(
                "T9",
                effect.span,
                text=(
                    f"a row of `{store.name}` is per {store.key}, and `{lock.name}`, whose token it"
                    f" checks, is per {lock.key}"
                ),
                cost=(
                    f"a token counts as the newest of its own {lock.key}; what a row does that"
                    f" remembers one number for all of its {lock.key}s is not examined"
                ),
                remedy=(
                    f"take the lock per {store.key}: `lock {lock.name} per {store.key} in"
                    f" {store.name}`"
                ),
            )


def _restarts(look: Look, effect: Effect, store: str, lock: str) -> Iterator[Finding]:
    why = _forgets(look, store)
    if why is not None:
        span, reason = why
        yield Finding.at(
            "T9",
            span,
            text=f"`{store}` remembers the newest token of `{lock}` and {reason}",
            cost=(
                f"a row made anew starts its tokens again and would let an old holder of `{lock}`"
                " through: the claim holds only as long as no row goes away"
            ),
            remedy=(
                f"keep `{lock}` and `{effect.name}` in a store whose rows"
                f" stay{_or_assume(look, store)}"
            ),
        )
