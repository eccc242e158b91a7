"""Every option does something, or says why not: two designs that differ in it, and their answers.

What is missing in ``pairs.toml`` is found by ``python -m support.pairs`` (from ``tests``).
"""

from __future__ import annotations

import re

import pytest
from onceproof.lang.diagnostics import Severity
from onceproof.lang.load import load_text
from onceproof.models import Model, Option, kinds

from support.pairs import SETTINGS, Pair, missing, pairs, speaks, values, written

PAIRS = pairs()
MODELS: dict[str, Model] = {name: m for shelf in kinds().values() for name, m in shelf.items()}
OPTIONS = [(m, o) for m in MODELS.values() for o in m.options.values()]
EVERY = 9
"""Each ninth pair is one of the quick tests."""
WORDS = {"store": "store s per id", "lock": "lock s per id", "provider": "effect s per id"}


def _names_it(model: Model, option: Option, value: str) -> str:
    use = written(model.name, {option.name: value})
    line = WORDS.get(model.kind, "queue s of E")
    return f"event E(id)\n{line} via {use}\n"


def test_no_option_is_without_a_pair_or_a_reason() -> None:
    assert [f"{m.name} {o.name}" for m, o in missing(PAIRS)] == []


def test_every_pair_is_of_an_option_that_speaks() -> None:
    for pair in PAIRS:
        assert speaks(MODELS[pair.model].options[pair.option])
        assert pair.setting in SETTINGS
        assert pair.answers[0] != pair.answers[1]


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(p, marks=() if not n % EVERY else pytest.mark.slow, id=f"{p.model}-{p.option}")
        for n, p in enumerate(PAIRS)
    ],
)
def test_the_answers_of_a_pair_differ(pair: Pair) -> None:
    """And they are the ones that the page shows, word for word but for how a story is told."""
    now = pair.asked()
    assert now[0] != now[1]
    assert [_verdicts(said) for said in now] == [_verdicts(said) for said in pair.answers]


def _verdicts(said: str) -> list[str]:
    return re.findall(r"(?:: |^)(proved|refuted|unknown|refused)", said)


def test_an_option_that_does_nothing_says_why() -> None:
    for model, option in ((m, o) for m, o in OPTIONS if o.idle):
        value = values(option)[0]
        found = load_text(_names_it(model, option, value)).diagnostics
        said = [d for d in found if d.code == "N147" and option.name in d.headline]
        assert said, (model.name, option.name)
        assert said[0].severity is Severity.WARNING
        assert said[0].primary.text == option.idle


def test_a_value_that_is_not_modelled_is_refused() -> None:
    for model, option in ((m, o) for m, o in OPTIONS if o.not_modelled):
        for value in option.not_modelled:
            found = load_text(_names_it(model, option, value)).diagnostics
            assert "N173" in {d.code for d in found}, (model.name, option.name, value)


def test_none_is_a_value_only_where_a_product_has_it() -> None:
    """And a value outside the range of an option is refused."""
    for model, option in OPTIONS:
        if option.kind in ("duration", "count") and not option.idle:
            allowed = option.default == "none" or option.off or "none" in option.sets
            assert (option.problem("none") == "") is allowed, (model.name, option.name)
        if option.kind == "count" and option.most:
            assert option.problem(str(int(option.most) + 1))
