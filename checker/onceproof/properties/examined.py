"""What a claim was examined for, in words: per which key, and for which types of events."""

from __future__ import annotations

from onceproof.lang.design import Claim, Design
from onceproof.lang.errors.suggest import listing
from onceproof.lang.syntax import ast as n
from onceproof.lower import Lowered
from onceproof.lower import variables as v
from onceproof.machine.slicing import sliced
from onceproof.machine.system import Property
from onceproof.properties import possibility, quiescence
from onceproof.properties.compile import counter, either_way, some

Choice = dict[str, str]
"""The type of an event and its payload, as far as they matter."""


def examined(lowered: Lowered, claim: Claim) -> str:
    """What the verdict must say of the claim; empty where it says nothing that the claim does
    not.
    """
    match claim.kind:
        case "one-worker":
            return f"examined {_per(lowered.design, claim)}"
        case "no-loss" | "effectively-once":
            return _types(lowered, claim.targets[:1], claim.unless)
        case "together":
            return _types(lowered, claim.targets)
        case "recoverable" if len(roots := v.root_types(lowered.design)) > 1:
            return f"examined for {_all(list(roots))}"
        case _:
            return ""


def _per(design: Design, claim: Claim) -> str:
    if claim.key is not None:
        return f"per {claim.key}"
    ids = dict.fromkeys(event.id_field for event in design.events.values())
    return f"per {' or '.join(ids)}"


def _types(
    lowered: Lowered, targets: tuple[n.Target, ...], unless: n.Condition | None = None
) -> str:
    """Which events lead to one of the effects, or to what does instead, by themselves, where not
    all that there are do.
    """
    counters = [counter(lowered, target) for target in targets]
    goals: list[quiescence.Tests] = [{name: some(lowered, name)} for name in counters]
    goals += either_way(lowered, unless)[0] if unless is not None else []
    asked = Property("", tuple(quiescence.pattern(lowered.machine, goal) for goal in goals))
    machine = sliced(lowered.machine, asked)
    choices = quiescence.immutable(machine)
    roots = v.root_types(lowered.design)
    if not choices:
        return ""
    names = [x.name for x in choices]
    passing = possibility.passing(lowered)
    try:
        owing: frozenset[tuple[str, ...]] = frozenset()
        for goal in goals:
            leading, every = possibility.promised(machine, goal, passing, names)
            owing |= leading
    except possibility.TooWide:
        return ""  # too many kinds of payload to be listed
    by_type: dict[str, list[tuple[str, bool]]] = {}
    for chosen in sorted(every):
        values = dict(zip(names, chosen, strict=True))
        kind = values.pop(v.EVENT_TYPE, roots[0])
        own = {n: x for n, x in values.items() if n in _payload(lowered.design, kind)}
        by_type.setdefault(kind, []).append((_words(lowered.design, kind, own), chosen in owing))
    told = [w for kind, rows in by_type.items() for w in _told(kind, rows, True)]
    left = [w for kind, rows in by_type.items() for w in _told(kind, rows, False)]
    if not told or (not left and len(by_type) < 2):
        return ""
    text = f"examined for {_all(told)}"
    does = "does" if len(left) == 1 else "do"
    it = "it" if len(targets) == 1 and unless is None else "either"
    return f"{text}; {_all(left)} {does} not lead to {it} alone" if left else text


def _all(words: list[str]) -> str:
    return listing(words, most=len(words), quote=False, last="and")


def _payload(design: Design, kind: str) -> dict[str, str]:
    """The payload variables of an event type, with the names of their fields."""
    return {v.payload(kind, field): field for field, _ in design.events[kind].payload}


def _told(kind: str, rows: list[tuple[str, bool]], owing: bool) -> list[str]:
    """The rows of a type that lead to it, or that do not; the type alone if all do."""
    found = list(dict.fromkeys(words for words, leads in rows if leads is owing))
    return [kind] if found and all(leads is owing for _, leads in rows) else found


def _words(design: Design, kind: str, own: Choice) -> str:
    """``Placed``, ``Placed with kind card``."""
    fields = _payload(design, kind)
    payload = " and ".join(f"{fields[name]} {value}" for name, value in own.items())
    return f"{kind} with {payload}" if payload else kind
