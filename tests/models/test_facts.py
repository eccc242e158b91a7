"""A fact that a test confirms names the test, and the test names the fact."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from onceproof.models import kinds

from support.repo import ROOT

REALITY = sorted((ROOT / "tests" / "reality").glob("test_*.py"))
MODELS = {name: model for shelf in kinds().values() for name, model in shelf.items()}


def _constants(tree: ast.Module) -> dict[str, object]:
    """Names that a module gives to constants, one after the other or several at once."""
    found: dict[str, object] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names = node.targets[0].elts if isinstance(node.targets[0], ast.Tuple) else node.targets
            values = (
                node.value.elts
                if isinstance(node.value, ast.Tuple) and len(names) > 1
                else [node.value]
            )
            for name, value in zip(names, values, strict=False):
                if isinstance(name, ast.Name) and isinstance(value, ast.Constant | ast.Tuple):
                    found[name.id] = ast.literal_eval(value)
    return found


def _facts(decorator: ast.expr, constants: dict[str, object]) -> Iterator[str]:
    """The facts of ``pytest.mark.confirms(...)``, or of a short form that the module has for its
    models.
    """
    if not isinstance(decorator, ast.Call):
        return
    called = ast.unparse(decorator.func)
    if called == "pytest.mark.confirms":
        for argument in decorator.args:
            yield str(eval(compile(ast.Expression(argument), "mark", "eval"), {}, constants))
    elif called in ("both", "iso"):
        models = constants.get("BOTH") or (constants["PLAIN"], constants["UNIQUE"])
        assert isinstance(models, tuple)
        yield from (f"{model}/{ast.literal_eval(decorator.args[0])}" for model in models)


def _confirmed() -> dict[str, str]:
    """The test of each fact that a test says it confirms."""
    found: dict[str, str] = {}
    for path in REALITY:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = _constants(tree)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                facts = [fact for d in node.decorator_list for fact in _facts(d, constants)]
                assert facts, f"{path.name}: {node.name} confirms no fact"
                for fact in facts:
                    assert fact not in found, f"{fact} has two tests"
                    found[fact] = f"{path.relative_to(ROOT).as_posix()}::{node.name}"
    return found


def test_tests_and_facts_name_each_other() -> None:
    said = {
        f"{name}/{f.id}": f.test
        for name, model in MODELS.items()
        for f in model.facts
        if f.status == "confirmed by test"
    }
    assert said == _confirmed()


def test_a_test_has_the_name_of_its_fact() -> None:
    for fact, test in _confirmed().items():
        assert test.split("::test_")[1] == fact.split("/")[1].replace("-", "_")


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_can_be_used(name: str) -> None:
    """With no options, with every value that changes something, and the facts a verdict names are
    about switches it sets.
    """
    model = MODELS[name]
    for given in [
        {},
        *(
            {o.name: v}
            for o in model.options.values()
            for v in o.sets
            if v not in ("given", "default")
        ),
    ]:
        model.chosen(given)
    assert model.facts or model.kind == "provider", "a model without a fact"
    assert model.title
    assert not model.summary.endswith(".")
    for fact in model.facts:
        assert fact.text.endswith((".", ")")), fact.id


@pytest.mark.parametrize(
    "name", sorted(n for n, m in MODELS.items() if m.kind not in ("store", "lock", "provider"))
)
def test_what_restricts_a_broker_has_a_fact(name: str) -> None:
    """A switch that takes a fault away rests on a fact, so that a proof can name it."""
    model = MODELS[name]
    usual = {
        "delivery": ("at-least-once", "at-most-once"),
        "late_ack": ("settles",),
        "publisher": ("retries",),
    }
    restricting = {
        switch
        for switch, values in usual.items()
        if model.machine.get(switch, values[0]) not in values
    }
    if model.machine["ack"] == "delivery":
        restricting = {"ack"}  # nothing is held, and nothing is settled late
    assert restricting <= {switch for fact in model.facts for switch in fact.switches} | (
        {"ack"} if not model.options else set()
    )
