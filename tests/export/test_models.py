"""Exported models without any other checker: names come back, texts are as they were, every rule is
there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace
from onceproof.export import LANGUAGES, Model, Size, names_of, write
from onceproof.export.names import RESERVED, numeric
from onceproof.lang.load import load
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Level, Machine, Property, RuleKind, Variable
from onceproof.properties import asked

from peers.examples import lowered
from support.machines import random_machine
from support.repo import ROOT

HERE = Path(__file__).parent
EXAMPLES = ROOT / "examples"
SHOWN = {"invoice": "article/invoice_email", "token": "theory/lease_token"}


def _model(path: Path, semantics: Delivery, size: Size) -> Model:
    design = load(path).design
    assert design is not None
    lowered = lower(design, semantics)
    machine, claims = lowered.machine, []
    for claim in design.claims:
        machine, prop = asked(replace(lowered, machine=machine), claim)
        claims.append(prop)
    return Model(machine, tuple(claims), size, names_of(machine, tuple(claims)), "Design")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SHOWN)
def test_the_text_is_as_it_was(
    name: str, language: str, golden: Callable[[Path, str], None]
) -> None:
    model = _model(EXAMPLES / f"{SHOWN[name]}.once", Delivery.AT_LEAST_ONCE, Size(2, 1))
    for suffix, text in write(language, model).items():
        golden(HERE / "models" / f"{name}{suffix}", text)


def _identifiers(model: Model) -> list[str]:
    names = model.names
    counters = {v.name for v in model.machine.variables if numeric(v)}
    values = [x for (variable, _), x in names.values.items() if variable not in counters]
    return [*names.variables.values(), *values, *names.rules, *names.claims]


@cache
def _machines() -> list[tuple[Machine, tuple[Property, ...]]]:
    found = [(m, (p,)) for m, p in (random_machine(seed) for seed in range(20))]
    found += [(design.machine, ()) for _, design in lowered()]
    return found


def test_identifiers_are_unique_and_free_of_keywords() -> None:
    for machine, claims in _machines():
        names = _identifiers(Model(machine, claims, Size(1, 1), names_of(machine, claims)))
        assert len({x.lower() for x in names}) == len(names)
        for name in names:
            assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", name), name
            assert name.lower() not in RESERVED


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_in_a_model_gives_the_names_back(language: str) -> None:
    for machine, claims in _machines():
        text = next(
            iter(
                write(
                    language, Model(machine, claims, Size(1, 1), names_of(machine, claims))
                ).values()
            )
        )
        read = {}
        for line in text.splitlines():
            found = re.search(
                r'(\w+) is "([^"]*)" of the (component|event|worker)(?:: (.*))?$', line
            )
            if found is not None:
                values = re.findall(r'(\w+) is "([^"]*)"', found[4] or "")
                read[found[2]] = (found[3], dict(values))
        assert set(read) == {v.name for v in machine.variables}
        for variable in machine.variables:
            level, values = read[variable.name]
            assert level == variable.level.value
            assert tuple(values.values()) == (() if numeric(variable) else variable.domain)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_is_there_with_its_line(language: str) -> None:
    model = _model(EXAMPLES / "theory/outbox.once", Delivery.AT_LEAST_ONCE, Size(2, 1))
    text = next(iter(write(language, model).values()))
    for name, rule in zip(model.names.rules, model.machine.rules, strict=True):
        assert language == "murphi" or name in text
        if rule.action.line:
            assert f"line {rule.action.line}, " in text
    assert text.count('rule "') == (len(model.machine.rules) if language == "murphi" else 0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_cannot_break_out_of_a_comment(language: str) -> None:
    odd = Variable('a */ (* *) " \n end', Level.EVENT, ("x y", 'z"*/'), ("x y",))
    machine = Machine(
        "odd */ name", "at-least-once", (odd, Variable("pc", Level.WORKER, ("p",), ("p",))), ()
    )
    claims = (Property('no */ "way" *)', ()),)
    for text in write(
        language, Model(machine, claims, Size(1, 1), names_of(machine, claims))
    ).values():
        bare = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL) if language == "promela" else text
        code = [line for line in bare.splitlines() if not line.startswith(("--", "\\*", "MODULE"))]
        assert "*/" not in "".join(code).replace('"z\\"*/"', "")
        assert not any(line.strip().startswith("end is") for line in code)


def test_all_kinds_of_rules_are_written_by_somebody() -> None:
    machine = next(
        m for m, _ in map(random_machine, range(50)) if {r.kind for r in m.rules} == set(RuleKind)
    )
    for language in LANGUAGES:
        text = next(
            iter(write(language, Model(machine, (), Size(2, 2, 2), names_of(machine, ()))).values())
        )
        assert "None" not in text.replace("None =", "").replace("None]", "") or language == "tla"
    with pytest.raises(ValueError, match="nobody"):
        write("cobol", Model(machine, (), Size(1, 1), names_of(machine, ())))
