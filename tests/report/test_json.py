"""The JSON result: as its schema says, the same on every run, and complete."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import onceproof
import pytest
from jsonschema import Draft202012Validator
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause
from onceproof.properties import KINDS
from onceproof.report.formats.json import to_json
from onceproof.verdict.check import check
from onceproof.verdict.result import Assurance, Result, Verdict
from onceproof.verdict.task import Options

from support.repo import ROOT
from support.results import STORIES, checked, every_verdict, troubles


@cache
def schema() -> Any:
    """The schema that ships with the package."""
    return json.loads(
        (Path(onceproof.__file__).parent / "report" / "schema" / "result-1.schema.json").read_text(
            encoding="utf-8"
        )
    )


def mistakes(result: Result) -> list[str]:
    """What the schema says against a result."""
    found = Draft202012Validator(schema()).iter_errors(json.loads(to_json(result)))
    return [f"{list(e.absolute_path)}: {e.message}" for e in found]


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of a schema that describes one."""
    if isinstance(node, dict):
        if node.get("type") == "object":
            yield node
        for value in node.values():
            yield from objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from objects(value)


def test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_schema_is_strict() -> None:
    for node in objects(schema()):
        if "properties" in node:
            assert node["additionalProperties"] is False
            assert sorted(node["properties"]) == sorted(node["required"])


def test_schema_knows_every_word() -> None:
    defs = schema()["$defs"]
    assert defs["semantics"]["enum"] == [s.value for s in Delivery]
    assert defs["verdict"]["enum"] == [v.value for v in Verdict]
    assert defs["result"]["properties"]["assurance"]["enum"] == [a.value for a in Assurance]
    assert set(defs["result"]["properties"]["kind"]["enum"]) == set(KINDS)
    assert defs["step"]["properties"]["cause"]["enum"] == [c.value for c in Cause]


@pytest.mark.parametrize("name", STORIES)
def test_real_results_are_valid(name: str) -> None:
    assert mistakes(checked(name)) == []


def test_made_results_are_valid() -> None:
    assert mistakes(every_verdict()) == []
    assert mistakes(troubles()) == []
    assert mistakes(Result(())) == []


def test_a_wrong_result_is_not_valid() -> None:
    document = json.loads(to_json(every_verdict()))
    document["results"][0]["verdict"] = "surely"
    document["results"][1]["trace"] = None
    document["extra"] = 1
    assert len(list(Draft202012Validator(schema()).iter_errors(document))) == 3


def without_timing(text: str) -> Any:
    """A document without the only key that may differ."""
    document = json.loads(text)
    for found in document["results"]:
        del found["timing"]
    return document


def test_two_runs_give_the_same() -> None:
    path = ROOT / "tests/story/stories/worker_killed.once"
    first, second = (check(path, Options(second_opinion=False)) for _ in range(2))
    assert without_timing(to_json(first)) == without_timing(to_json(second))


def test_keys_are_sorted_and_text_is_readable() -> None:
    text = to_json(every_verdict())
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def test_scope_says_any_for_any() -> None:
    found = json.loads(to_json(every_verdict()))["results"]
    assert found[0]["scope"] == {
        "events": "any",
        "keys": "any",
        "workers": "any",
        "deliveries": "any",
        "crashes": "any",
    }
    assert found[4]["scope"] == {
        "events": 1,
        "keys": 1,
        "workers": 2,
        "deliveries": "any",
        "crashes": "any",
    }


def test_a_refutation_tells_its_story() -> None:
    (found,) = (r for r in json.loads(to_json(checked("broker_copy")))["results"])
    assert found["headline"] == "mail for event 1 was sent twice"
    assert found["needs"] == {"workers": 1, "events": 1, "keys": 1, "faults": {"broker-copy": 1}}
    copy = next(s for s in found["trace"] if s["cause"] == "broker-copy")
    assert (copy["who"], copy["line"], copy["worker"], copy["event"]) == ("broker", None, None, 1)
    last = found["trace"][-1]
    assert {
        "kind": "effect",
        "what": "mail for event 1",
        "before": "sent once",
        "after": "sent twice",
    } in last["changes"]


def test_exit_codes() -> None:
    assert json.loads(to_json(every_verdict()))["exit_code"] == 1
    assert json.loads(to_json(troubles()))["exit_code"] == 70
    assert json.loads(to_json(Result(())))["exit_code"] == 0
