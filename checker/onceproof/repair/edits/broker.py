"""Another value for an option of a queue's model: who settles, and how often it delivers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from onceproof.lang.syntax import ast as n
from onceproof.models import Broker, Option, brokers
from onceproof.models.records import NONE
from onceproof.repair.plan import Edit, Proposal, Site
from onceproof.repair.sheet import replaced
from onceproof.story.headline import listed

TOGETHER, MOST_TOGETHER = 4, 14
"""Options that are changed at once, and values that are combined, at most."""
MOST = 24
"""Values that are looked at for one design, at most."""


def _options(site: Site) -> Iterator[Proposal]:
    """Every other value of every option that answers depend on."""
    left = MOST
    for item in site.tree.items:
        if not isinstance(item, n.QueueDecl) or item.model is None or item.span.path != site.path:
            continue
        model = brokers().get(item.model.name)
        if model is None:
            continue
        given = {a.name.text: a.value.text for a in item.model.arguments}
        safest = _safest(model, given)
        if len(safest) > 1:
            yield _with(site, item, given, [(model.options[x], y) for x, y in safest.items()])
        for name, option in model.options.items():
            for value in _values(option):
                if value == given.get(name, option.default) or value in option.not_modelled:
                    continue
                if not left:
                    return
                left -= 1
                yield _with(site, item, given, [(option, value)])


def _values(option: Option) -> Iterator[str]:
    if option.idle:
        return
    if option.kind == "switch" and option.sets:
        yield from ("true", "false")
    elif option.kind == "choice" and option.sets:
        yield from option.choices
    elif option.off:
        yield NONE


def _safest(model: Broker, given: dict[str, str]) -> dict[str, str]:
    """The fewest values with which the broker loses least, as its switches say."""
    changes = [
        (name, value)
        for name, option in model.options.items()
        for value in _values(option)
        if value != given.get(name, option.default) and value not in option.not_modelled
    ][:MOST_TOGETHER]
    best, least = {}, _losses(model, given)
    for count in range(1, TOGETHER + 1):
        for together in combinations(changes, count):
            chosen = dict(together)
            if len(chosen) == count and (losses := _losses(model, {**given, **chosen})) < least:
                best, least = chosen, losses
    return best


def _losses(model: Broker, options: dict[str, str]) -> int:
    """In how many ways a broker gives up a message that was not handled."""
    switches = model.switches(options)
    return sum(
        (
            switches.ack in ("delivery", "any-time"),
            switches.ack in ("delivery", "any-time", "kill"),
            2 * (switches.ack in ("delivery", "any-time", "kill", "failure")),
            not switches.redelivers,
            switches.limit is not None,
            bool(switches.loses),
            switches.failures == "pass",
        )
    )


def _with(
    site: Site, item: n.QueueDecl, given: dict[str, str], values: list[tuple[Option, str]]
) -> Proposal:
    assert item.model is not None
    options = {**given, **{option.name: value for option, value in values}}
    arguments = ", ".join(f"{key}={value}" for key, value in options.items())
    settings = listed([f"{option.name}={value}" for option, value in values])
    line = site.sheet.within(item.model.span, f"{item.model.name}({arguments})")
    return Proposal(
        site.sheet.changed([replaced(item.span.line, line)]),
        f"configure `{item.name.text}` with {settings}",
        tuple(f"{option.name}: {option.meaning.rstrip('.')}" for option, _ in values),
        (f"`{item.name.text}` really runs with {settings}",),
    )


EDITS = (Edit("broker-option", "configure the broker differently", 3, _options),)
