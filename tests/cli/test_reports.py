"""``check --report KIND=PATH``: several formats in one run, folders of stories, mistakes, and the
exit code of the check.
"""

from __future__ import annotations

import json
from pathlib import Path

from junitparser import JUnitXml

from support.command_line import run
from support.process import SEED
from support.repo import ROOT

SMALL = (SEED, "--semantics", "at-least-once", "--claim", "no duplicate", "--no-second-opinion")


def test_several_at_once(tmp_path: Path) -> None:
    sarif, junit, stories = tmp_path / "r.sarif", tmp_path / "r.xml", tmp_path / "stories"
    done = run(
        "check",
        *SMALL,
        "--report",
        f"sarif={sarif}",
        "--report",
        f"junit={junit}",
        "--report",
        f"itf={stories}",
    )
    assert done.returncode == 0
    assert "REFUTED" in done.stdout
    assert json.loads(sarif.read_text(encoding="utf-8"))["version"] == "2.1.0"
    assert JUnitXml.fromfile(str(junit)).tests == 1
    (trace,) = stories.iterdir()
    assert trace.name == "invoice_email--no-duplicate-ready-email--at-least-once.itf.json"


def test_one_trace_into_a_file(tmp_path: Path) -> None:
    place = tmp_path / "story.itf.json"
    assert run("check", *SMALL, "--report", f"itf={place}").returncode == 0
    assert json.loads(place.read_text(encoding="utf-8"))["#meta"]["format"] == "ITF"


def test_a_format_does_not_change_the_exit_code(tmp_path: Path) -> None:
    path = tmp_path / "d.once"
    text = (ROOT / "tests/story/stories/broker_copy.once").read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    for form in ("text", "sarif", "junit", "github"):
        assert run("check", path, "--format", form).returncode == 1
        assert run("check", path, "--format", form, "--exit-zero").returncode == 0


def test_mistakes_are_told_before_anything_is_checked(tmp_path: Path) -> None:
    for wish, said in (
        ("sarf=x", "did you mean sarif?"),
        ("zzz=x", "there is no format 'zzz'"),
        ("sarif", "write KIND=PATH"),
    ):
        done = run("check", *SMALL, "--report", wish)
        assert done.returncode == 2
        assert said in done.stderr
    done = run("check", *SMALL, "--report", f"sarif={tmp_path / 'no' / 'such' / 'folder.sarif'}")
    assert done.returncode == 2
    assert "cannot write" in done.stderr


PAGE = """\
```once
event Paid(id)
queue q of Paid at-least-once
effect mail per id via http
consumer h on q
  send mail
  ack
claim no loss of mail
```
and
```once
event Paid(id)
queue q of Paid at-least-once
effect text per id via http
consumer h on q
  send text
  ack
claim no duplicate text
```
"""


def test_a_review_has_every_design_of_a_page(tmp_path: Path) -> None:
    page, review = tmp_path / "page.md", tmp_path / "review.html"
    page.write_text(PAGE, encoding="utf-8")
    done = run("report", page, "--no-faults", "-o", review)
    assert "text can happen twice" in done.stdout, done.stderr
    shown = review.read_text(encoding="utf-8")
    assert "no loss of mail" in shown
    assert "no duplicate text" in shown
