"""Every format, read back by a program that is not ours: schemas, parsers, libraries. And what none
of them may lose.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import itf_py
import pytest
from jsonschema import Draft4Validator
from junitparser import Error, Failure, JUnitXml
from msgspec.structs import replace
from onceproof.cli.shared import FORMATS
from onceproof.report.findings import Level, findings
from onceproof.report.formats import formats, write
from onceproof.report.formats.itf import files as itf_files
from onceproof.report.formats.mermaid import FOLDED, MOST, escaped
from onceproof.report.formats.mermaid import files as mermaid_files
from onceproof.report.story_groups import story_groups
from onceproof.report.terminal import Paint
from onceproof.verdict.check import check
from onceproof.verdict.result import DesignResult, Result, Verdict
from onceproof.verdict.task import Options

from support.repo import ROOT
from support.results import ALO, HERE, STORIES, cell, checked, design, every_verdict, troubles
from support.sample import sampled

Golden = Callable[[Path, str], None]
PLAIN = Paint(100, False, True)
READERS = HERE / "readers"
MACHINES = ("sarif", "junit", "github", "gitlab", "itf", "mermaid", "msc", "markdown")
ENDINGS = {
    "sarif": "sarif",
    "junit": "xml",
    "gitlab": "json",
    "itf": "itf.json",
    "mermaid": "mmd",
    "markdown": "md.txt",
}
NAMED: dict[str, Callable[[], Result]] = {
    "worker_killed": lambda: checked("worker_killed"),
    "outbox": lambda: checked("outbox"),
    "every_verdict": every_verdict,
    "troubles": troubles,
}
EMPTY = Result(())


def shown(form: str, result: Result) -> str:
    """A result in a format."""
    return write(form, result, 1, PLAIN)


def every() -> Iterator[Result]:
    """Results of all kinds."""
    yield from (checked(name) for name in STORIES)
    yield from (every_verdict(), troubles(), EMPTY)


def test_the_command_line_knows_every_format() -> None:
    assert set(FORMATS) == set(formats())
    assert all(found.summary for found in formats().values())


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("form", MACHINES)
def test_golden(form: str, name: str, golden: Golden) -> None:
    golden(
        HERE / "formats" / f"{name}.{ENDINGS.get(form, form + '.txt')}", shown(form, NAMED[name]())
    )


@pytest.mark.parametrize("form", sampled([f for f in FORMATS if f != "json"], 2))
def test_two_runs_are_the_same_to_the_byte(form: str) -> None:
    path = ROOT / "tests/story/stories/worker_killed.once"
    first, second = (check(path, Options(second_opinion=False)) for _ in range(2))
    assert shown(form, first) == shown(form, second)


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_left_of_a_control_character(form: str) -> None:
    nasty = replace(
        design(cell("no loss of x", ALO, Verdict.UNKNOWN, reason="a\x1b[31mb\x00c")), title="t\x07"
    )
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", shown(form, Result((nasty,))))


# ---------------------------------------------------------------- SARIF


@cache
def sarif_schema() -> Any:
    """The published schema."""
    return json.loads((READERS / "sarif-2.1.0.schema.json").read_text(encoding="utf-8"))


def test_sarif_fits_the_published_schema() -> None:
    validator = Draft4Validator(sarif_schema())
    for result in every():
        found = validator.iter_errors(json.loads(shown("sarif", result)))
        assert [f"{list(e.absolute_path)}: {e.message}" for e in found] == []


def test_the_schema_notices_mistakes() -> None:
    document = json.loads(shown("sarif", every_verdict()))
    document["runs"][0]["results"][0]["level"] = "dreadful"
    del document["version"]
    assert len(list(Draft4Validator(sarif_schema()).iter_errors(document))) == 2


def results(result: Result) -> list[Any]:
    """The results of the only run."""
    return json.loads(shown("sarif", result))["runs"][0]["results"]  # type: ignore[no-any-return]


def test_sarif_says_what_kind_of_answer_it_is() -> None:
    found = [(r["ruleId"], r["kind"], r["level"]) for r in results(every_verdict())]
    assert found == [
        ("no-duplicate", "pass", "none"),
        ("no-duplicate", "informational", "none"),
        ("no-duplicate", "informational", "none"),
        ("no-loss", "fail", "error"),
        ("no-loss", "pass", "none"),
        ("gone", "fail", "error"),
        ("vacuous", "fail", "warning"),
        ("unknown", "open", "none"),
        ("unknown", "informational", "none"),
    ]
    assert all(r["level"] == "none" for r in results(every_verdict()) if r["kind"] != "fail")


def test_a_story_is_a_code_flow_through_lines_of_the_design() -> None:
    flow = next(
        r
        for r in results(checked("worker_killed"))
        if r["ruleId"] == "no-duplicate" and "codeFlows" in r
    )["codeFlows"][0]
    (thread,) = flow["threadFlows"]
    assert [place["executionOrder"] for place in thread["locations"]] == list(range(1, 8))
    lines = [
        p["location"]["physicalLocation"].get("region", {}).get("startLine")
        for p in thread["locations"]
    ]
    assert lines == [None, 9, 12, 13, None, 9, 12]
    assert thread["locations"][3]["kinds"] == ["fault"]
    assert flow["message"]["text"] == "ready_email for event 1 was sent twice"


def moved(result: Result) -> Result:
    """The same design with two lines more at its top."""
    (found,) = result.designs
    text = "# a remark\n\n" + found.sources[found.path].text
    return Result((again(text, found.path),))


def again(text: str, path: str) -> DesignResult:
    """Check a text."""
    from onceproof.lang.load import load_text
    from onceproof.verdict.check import check_loaded

    done, _ = check_loaded(load_text(text, path), Options(second_opinion=False))
    return done


@pytest.mark.parametrize("form", ["sarif", "gitlab"])
def test_fingerprints_do_not_depend_on_line_numbers(form: str) -> None:
    def prints(result: Result) -> list[str]:
        return re.findall(r'"(?:onceproof/v1|fingerprint)": "(\w+)"', shown(form, result))

    before, after = checked("worker_killed"), moved(checked("worker_killed"))
    assert before.designs[0].cells[0].line + 2 == after.designs[0].cells[0].line
    assert prints(before) == prints(after)
    assert len(set(prints(before))) == len(prints(before)) > 0


# ---------------------------------------------------------------- JUnit, GitHub, GitLab


def test_junit_is_read_back_with_the_counts_of_the_json() -> None:
    for result in every():
        read = JUnitXml.fromstring(shown("junit", result).encode())
        cases = [case for suite in read for case in suite]
        kinds = Counter(type(x) for case in cases for x in case.result)
        assert (read.tests, read.failures, read.errors) == (
            len(cases),
            kinds[Failure],
            kinds[Error],
        )
        asked = json.loads(shown("json", result))["results"]
        named = {f"{r['claim']} / {r['guarantee']}" for r in asked}
        assert named <= {case.name for case in cases}
        unexpected = [r for r in asked if r["verdict"] != r["expected"]]
        assert kinds[Failure] == sum(r["verdict"] in ("refuted", "holds") for r in unexpected)


def test_an_empty_run_has_a_test() -> None:
    (case,) = next(iter(JUnitXml.fromstring(shown("junit", EMPTY).encode())))
    assert case.name == "no claim was checked"


def test_github_commands_are_escaped() -> None:
    for result in every():
        *commands, last = shown("github", result).splitlines()
        assert not last.startswith("::")
        for command in commands:
            found = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", command)
            assert found, command
            pairs = dict(pair.split("=", 1) for pair in found[2].split(","))
            assert {"title", "file", "line"} <= set(pairs)
            assert not re.search(r"%(?!25|0A|0D|3A|2C)", command)


def test_github_tells_what_is_wrong_and_no_more() -> None:
    commands = [
        line.split(" ")[0]
        for line in shown("github", every_verdict()).splitlines()
        if line.startswith("::")
    ]
    assert commands == ["::error", "::error", "::warning", "::warning"]


def test_gitlab_has_what_gitlab_asks_for() -> None:
    for result in every():
        for issue in json.loads(shown("gitlab", result)):
            assert {"check_name", "description", "severity", "fingerprint", "location"} <= set(
                issue
            )
            assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
            assert issue["location"]["positions"]["begin"]["line"] >= 1


# ---------------------------------------------------------------- ITF


def spots(value: Any) -> set[tuple[str, str, int]]:
    """A set of spots as itf-py reads it."""
    return {tuple(v) for v in value}


def test_itf_traces_are_read_back_equal() -> None:
    for name in STORIES:
        result = checked(name)
        files = itf_files(result)
        groups = [g for d in result.designs for g in story_groups(d)]
        assert len(files) == len(groups)
        for text, group in zip(files.values(), groups, strict=True):
            document = json.loads(text)
            read = itf_py.trace_from_json(document)
            assert list(read.vars) == document["vars"]
            refutation = group.cells[0][0].refutation
            assert refutation is not None
            for got, state in zip(read.states, refutation.run.states, strict=True):
                assert set(got.values) == set(document["vars"])
                assert spots(got.values["rows"]) == set(state.rows)
                assert {tuple(k): v for k, v in got.values["counts"].items()} == dict(state.counts)
                assert {tuple(k): v for k, v in got.values["columns"].items()} == dict(
                    state.columns
                )
                assert set(got.values["workers"]) == {w.number for w in state.workers}


def test_itf_has_no_plain_numbers_and_names_its_actions() -> None:
    document = json.loads(shown("itf", checked("worker_killed")))

    def numbers(node: Any) -> Iterator[object]:
        if isinstance(node, dict):
            yield from (x for key, value in node.items() if key != "#meta" for x in numbers(value))
        elif isinstance(node, list):
            yield from (x for value in node for x in numbers(value))
        elif isinstance(node, int) and not isinstance(node, bool):
            yield node

    assert list(numbers(document)) == []
    taken = [s["mbt::actionTaken"] for s in document["states"]]
    assert taken[:5] == ["init", "delivery", "notifier:9", "notifier:12", "worker-killed"]
    assert document["states"][1]["mbt::nondetPicks"]["worker"] == {"#bigint": "0"}


def test_a_run_without_stories_is_a_trace_without_states() -> None:
    assert itf_py.trace_from_json(json.loads(shown("itf", EMPTY))).states == []


# ---------------------------------------------------------------- Mermaid


def test_mermaid_escapes_what_its_parser_would_eat() -> None:
    assert escaped("order#1; a") == "order#35;1#59; a"
    for name in STORIES:
        for text in mermaid_files(checked(name)).values():
            for line in text.splitlines():
                bare = re.sub(r"#\d+;", "", line)
                assert "#" not in bare
                assert ";" not in bare
            assert set(re.findall(r"participant (\S+)", text)) <= {f"p{i}" for i in range(20)}
            assert len(text) < MOST
            assert text.count("rect ") == text.count("  end\n")
            assert FOLDED > len(text.splitlines()) > 3


@pytest.mark.slow
def test_mermaid_itself_reads_them(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not (READERS / "node_modules" / "mermaid").is_dir():
        pytest.skip("needs node, and: npm install --prefix tests/report/readers --no-package-lock")
    paths = []
    for name in STORIES:
        for file, text in mermaid_files(checked(name)).items():
            paths.append(tmp_path / file)
            paths[-1].write_text(text, encoding="utf-8")
    paths.append(tmp_path / "none.mmd")
    paths[-1].write_text(shown("mermaid", EMPTY), encoding="utf-8")
    done = subprocess.run(
        [node, str(READERS / "parse.mjs"), *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert len(re.findall("^ok sequence", done.stdout, re.MULTILINE)) == len(paths) > 30


# ---------------------------------------------------------------- what must never get lost


@pytest.mark.parametrize("form", ["text", "markdown", "sarif", "junit", "html"])
def test_scope_assurance_and_assumptions_stand_beside_every_verdict(form: str) -> None:
    text = re.sub(r"\s+", " ", shown(form, every_verdict()))
    for said in (
        "up to 2 workers at once",
        "every state of a bounded graph visited",
        "no worker is killed",
        "replayed counterexample",
    ):
        assert said in text, said


@pytest.mark.parametrize("form", ["markdown", "html", "text"])
def test_a_bounded_answer_has_no_bare_tick(form: str) -> None:
    from onceproof.verdict.result import Assurance, Scope

    bounded = cell(
        "no loss of x", ALO, Verdict.HOLDS, assurance=Assurance.EXHAUSTIVE, scope=Scope(1, 1, 2)
    )
    text = shown(form, Result((design(bounded),)))
    assert "✓" not in text
    assert "≈" in text


def test_levels() -> None:
    assert [f.level for f in findings(every_verdict())].count(Level.ERROR) == 2
