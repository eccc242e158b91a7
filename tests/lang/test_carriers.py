"""Designs inside Markdown pages and beside code: which lines are the design's, and at which places
of the file its mistakes and verdicts are shown.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from onceproof.cli.main import main
from onceproof.lang.carriers import blocks, comments, source_of
from onceproof.lang.load import designs_in, load
from onceproof.report.diagnostics import render

DESIGN = """\
event Pay(id)
queue pays of Pay at-least-once
effect mail per id via http
consumer c on pays
  send mail
  ack
claim no duplicate mail
"""


def design_lines(path: str, text: str) -> list[tuple[int, str]]:
    lines = source_of(path, text).lines
    return [(number, line) for number, line in enumerate(lines, start=1) if line]


def test_a_block_of_a_page_is_the_design() -> None:
    page = f"# Mail\n\n```python\nevent = 1\n```\n\n```once\n{DESIGN}```\n\nafter\n"
    assert design_lines("page.md", page) == list(enumerate(DESIGN.splitlines(), start=8))


@pytest.mark.parametrize(
    "page",
    [
        f"~~~~ once\n{DESIGN}~~~\n~~~~\n",
        f"````once\n{DESIGN}````\n",
        f"```once title=mail\n{DESIGN}```\n",
        f"```{{.once}}\n{DESIGN}```\n",
        f"```once\n{DESIGN}",
    ],
)
def test_fences_of_all_kinds(page: str) -> None:
    lines = [line for _, line in design_lines("page.md", page) if line != "~~~"]
    assert "\n".join(lines) + "\n" == DESIGN


def test_a_block_in_a_list_loses_the_indentation_of_its_fence() -> None:
    page = "1. so:\n\n   ```once\n   event Pay(id)\n     deeper\n  less\n\n   ```\n"
    (block,) = blocks(tuple(page.split("\n")))
    assert [(p.number, p.shift, p.text) for p in block] == [
        (4, 3, "event Pay(id)"),
        (5, 3, "  deeper"),
        (6, 2, "less"),
        (7, 0, ""),
    ]


def test_blocks_are_apart_unless_one_continues(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    head, tail = DESIGN.split("consumer")
    page.write_text(
        f"```once\n{head}```\nthen\n```once continues\nconsumer{tail}```\n```once\n{DESIGN}```\n"
    )
    assert designs_in(page) == [Path(f"{page}#1"), Path(f"{page}#2")]
    first, second = (load(path) for path in designs_in(page))
    assert first.design is not None
    assert second.design is not None
    assert first.design.claims[0].span.line == 11
    assert second.design.claims[0].span.line == 20


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("    seen(x)  # once:   if id in processed", "  if id in processed"),
        ("// once: ack", "ack"),
        ("-- ONCE: ack", "ack"),
        ("/* once: ack */", "ack"),
        ("<!-- once: ack -->", "ack"),
        (" * once: ack", "ack"),
        ("%% once: ack", "ack"),
        (";; once: ack", "ack"),
        ("(* once: ack *)", "ack"),
        ("#once: ack", "ack"),
        ("# once: ack   # after the write", "ack   # after the write"),
        ("# once:", ""),
    ],
)
def test_comments_of_many_languages(line: str, text: str) -> None:
    (piece,) = comments((line,))
    assert piece.text == text
    assert line[piece.shift :].startswith(text)


@pytest.mark.parametrize(
    "line",
    [
        "x = 'at once: now'",
        "# not once: ack",
        "a#once: ack",
        "b * once: ack",
        "# once ack",
        "once: ack",
    ],
)
def test_what_is_no_comment_of_a_design(line: str) -> None:
    assert list(comments((line,))) == []


def beside_code(*changes: tuple[str, str]) -> str:
    text = "".join(f"    do({n})  # once: {x}\n" for n, x in enumerate(DESIGN.splitlines()))
    for old, new in changes:
        text = text.replace(old, new)
    return text


def test_a_mistake_is_shown_at_its_place_in_the_file(tmp_path: Path) -> None:
    code = tmp_path / "handler.py"
    code.write_text(beside_code(("send mail", "sned mail")))
    loaded = load(code)
    assert loaded.design is None
    text = render(loaded.diagnostics, loaded.sources).replace(str(tmp_path), "")
    assert text == (
        "error[S001]: unexpected `sned`\n"
        " --> /handler.py:5:22\n"
        "  |\n"
        "5 |   sned mail\n"
        "  |   ^^^^ expected a step such as `if`, `send`, `insert`, `set`, `ack` or `stop`\n"
        "  |\n"
        "  = help: did you mean `send`?\n"
        "\n1 error\n"
    )


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("page.md", "# Mail\n\n```python\nx\n```\n", "S023"),
        ("handler.ts", "export const x = 1\n", "S024"),
        ("asyncapi.yaml", "# ours\nasyncapi: 3.0.0\ninfo:\n", "S025"),
        ("asyncapi.json", '{\n  "asyncapi": "3.0.0"}', "S025"),
    ],
)
def test_a_file_without_a_design_says_how_to_write_one(
    tmp_path: Path, name: str, text: str, code: str
) -> None:
    (tmp_path / name).write_text(text)
    loaded = load(tmp_path / name)
    assert [d.code for d in loaded.diagnostics] == [code]
    assert loaded.diagnostics[0].help


def test_places_in_sarif_are_those_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    indented = "".join(f"  {line}\n" for line in DESIGN.splitlines())
    page = f"```once\n{DESIGN}```\n\n- later\n\n  ```once\n{indented}  ```\n"
    Path("page.md").write_text(page)
    main(["check", "page.md", "--no-cache", "--format", "sarif"])
    run = json.loads(capsys.readouterr().out)["runs"][0]
    places = [r["locations"][0]["physicalLocation"] for r in run["results"]]
    assert [p["artifactLocation"]["uri"] for p in places] == ["page.md", "page.md"]
    regions = [p["region"] for p in places]
    assert [(r["startLine"], r["startColumn"]) for r in regions] == [(8, 1), (20, 3)]


def test_a_repair_of_a_design_in_a_page_is_shown_and_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Mail\n\n```once\n{DESIGN}```\n")
    assert main(["repair", str(page)]) == 0
    assert "key id, kept for ever" in capsys.readouterr().out
    assert main(["repair", str(page), "--apply"]) == 2
    assert "writes into design files only" in capsys.readouterr().err
    assert main(["fmt", str(page)]) == 2
    assert page.read_text() == f"# Mail\n\n```once\n{DESIGN}```\n"
