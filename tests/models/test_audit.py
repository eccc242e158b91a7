"""Each finding of an audit of the models is worked in: ``audit.toml`` says what was changed, and
here it is checked, by a design with its answer where the finding was about a verdict.
"""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from onceproof.lang.load import load_text
from onceproof.models import Broker, Fact, Keeper, Model, Provider, kinds
from onceproof.verdict.check import check_loaded
from onceproof.verdict.task import Options

from support.pairs import SETTINGS, answer
from support.repo import ROOT

MODELS: dict[str, Model] = {name: m for shelf in kinds().values() for name, m in shelf.items()}
FINDINGS = tomllib.loads((ROOT / "tests/models/audit.toml").read_text(encoding="utf-8"))["finding"]
OPEN = tomllib.loads((ROOT / "tests/cases/open.toml").read_text(encoding="utf-8"))
WINDOW = """event E(id)
queue q of E via {use}
effect mail per id via smtp
consumer c on q
  send mail or stop
  ack
assume publisher retries end within the dedup window
assume no crash
assume no replay
assume no broker copies
assume no lost answers
assume no lost acks
assume handler finishes within the lease
claim no duplicate mail
"""


def _fact(check: dict[str, Any]) -> Fact:
    return next(f for f in MODELS[check["model"]].facts if f.id == check["fact"])


def _urls(check: dict[str, Any]) -> str:
    model = MODELS[check["model"]]
    return " ".join(s.url for s in model.sources.values())


def _switch(check: dict[str, Any]) -> object:
    broker = MODELS[check["model"]]
    assert isinstance(broker, Broker)
    value = getattr(broker.switches(check["given"]), check["switch"])
    return list(value) if isinstance(value, tuple) else value


def _trait(check: dict[str, Any]) -> object:
    keeper = MODELS[check["model"]]
    assert isinstance(keeper, Keeper)
    return getattr(keeper.traits(check.get("given", {})), check["trait"])


def verify(check: dict[str, Any]) -> None:
    """One check of a finding."""
    model = MODELS.get(check.get("model", ""))
    match check["kind"]:
        case "case":
            folder, name = check["path"].split("/")
            assert (ROOT / f"tests/cases/{folder}/{name}.once").exists()
            assert name not in OPEN.get(folder, {}), "its answer is not the right one"
        case "answer":
            said = answer(SETTINGS[check["setting"]].design(check["use"]))
            assert check["contains"] in said, said
        case "condition":
            loaded = load_text(WINDOW.format(use=check["use"]))
            result, _ = check_loaded(loaded, Options())
            assert check["text"] in result.cells[0].conditions
        case "option":
            assert model is not None
            option = model.options[check["option"]]
            assert check.get("default", option.default) == option.default
            assert check.get("status", option.status) == option.status
            assert "choices" not in check or check["choices"] in option.choices
        case "meaning":
            assert model is not None
            assert check["text"] in model.options[check["option"]].meaning
        case "summary":
            assert model is not None
            assert check["text"] in model.summary
        case "fact":
            fact = _fact(check)
            assert fact.status in (check["status"], "confirmed by test")
            assert check["source"] in MODELS[check["model"]].sources[fact.source].url
        case "text":
            assert check["text"] in _fact(check).text
        case "left out":
            assert _fact(check).breaks == {check["switch"]: check["value"]}
        case "switch":
            assert _switch(check) == check["value"]
        case "trait":
            assert _trait(check) == check["value"]
        case "keys":
            assert isinstance(model, Provider)
            assert (model.keys, model.status) == (check["kept"], check["status"])
        case "source":
            assert check["text"] in _urls(check)
        case "no source":
            assert check["text"] not in _urls(check)
        case other:
            raise AssertionError(f"unknown kind of check: {other}")


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda f: f["id"])
def test_a_finding_is_worked_in(finding: dict[str, Any]) -> None:
    assert finding["checks"]
    for check in finding["checks"]:
        verify(check)


def test_every_finding_is_listed() -> None:
    groups = {"U": 36, "W": 13, "C": 11, "D": 39}
    wanted = [f"{group}{n}" for group, most in groups.items() for n in range(1, most + 1)]
    assert [finding["id"] for finding in FINDINGS] == wanted
    assert {model for finding in FINDINGS for model in finding["models"]} <= set(MODELS)
