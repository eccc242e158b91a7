"""``onceproof step``: a scripted walk is shown as people see it; walks are saved, loaded and
refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from onceproof.cli.step import Session
from onceproof.lang.load import load
from onceproof.machine.delivery import Delivery
from onceproof.report.terminal import Paint
from onceproof.story.stepper import Walk

from support.command_line import run
from support.process import SEED
from support.repo import ROOT

HERE = Path(__file__).parent
SCRIPT = (
    "delivers",
    "finds",
    "sets",
    "1",
    "killed",
    "state",
    "history",
    "back 2",
    "# a remark",
    "story no duplicate",
    "quit",
)


def session(
    name: str = SEED, semantics: Delivery = Delivery.AT_LEAST_ONCE, workers: int = 2
) -> Session:
    loaded = load(ROOT / name)
    assert loaded.design is not None
    opened = Session(
        loaded, Walk.start(loaded.design, semantics, loaded.sources), workers, Paint.plain()
    )
    opened.greet()
    return opened


def test_a_scripted_walk(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    script = tmp_path / "walk.txt"
    script.write_text("\n".join(SCRIPT) + "\n", encoding="utf-8")
    done = run("step", SEED, "--script", script)
    assert (done.returncode, done.stderr) == (0, "")
    golden(HERE / "walks" / "seed.txt", done.stdout)


def test_lines_that_are_not_understood_end_a_script_with_2(tmp_path: Path) -> None:
    script = tmp_path / "walk.txt"
    script.write_text("delivers\nfly\n", encoding="utf-8")
    done = run("step", SEED, "--script", script)
    assert done.returncode == 2
    assert "no step has `fly`" in done.stdout


def test_a_script_that_is_not_there() -> None:
    done = run("step", SEED, "--script", "nowhere.txt")
    assert done.returncode == 2
    assert "nowhere.txt" in done.stderr


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("99", "there is no step 99"),
        ("back", "this is the start"),
        ("back x", "takes a number"),
        ("save", "takes a file"),
        ("load", "takes a file"),
        ("load /nowhere/at/all.json", "cannot read"),
        ("story no loss of", "no story: no loss of ready_email: holds"),
        ("story nonsense", "no claim has `nonsense`"),
        ("event 1", "fits"),
    ],
)
def test_what_cannot_be_done_is_said(line: str, answer: str) -> None:
    opened = session()
    if line == "event 1":
        opened.answer("delivers")
    assert answer in opened.answer(line)
    assert opened.misses == 1


def test_a_walk_is_saved_and_walked_again(tmp_path: Path) -> None:
    path = tmp_path / "walk.json"
    first = session()
    first.answer("story no duplicate")
    assert first.walk.broken() == ("no duplicate ready_email",)
    assert "written" in first.answer(f"save {path}")
    second = session()
    assert "violated now" in second.answer(f"load {path}")
    assert second.walk.trace == first.walk.trace
    second.answer("back 99")
    assert second.walk.steps == ()


def test_a_walk_that_the_design_does_not_allow_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "walk.json"
    opened = session()
    opened.answer("delivers")
    opened.answer(f"save {path}")
    data = json.loads(path.read_text(encoding="utf-8"))
    data["steps"][0]["cause"] = "worker-killed"
    path.write_text(json.dumps(data), encoding="utf-8")
    assert "does not allow" in opened.answer(f"load {path}")
    path.write_text("{}", encoding="utf-8")
    assert "is not a saved walk" in opened.answer(f"load {path}")


def test_every_story_can_be_walked_by_hand() -> None:
    """Each step of a story is offered where it is taken: the walker and the replay are one
    meaning.
    """
    opened = session()
    opened.answer("story no duplicate")
    wanted = opened.walk.steps
    opened.answer("back 99")
    for step in wanted:
        fitting = [o for o in opened.walk.offers(2) if o.step == step]
        assert len(fitting) == 1
        opened.walk = opened.walk.take(fitting[0])
    assert opened.walk.broken() == ("no duplicate ready_email",)


def test_faults_beyond_a_screenful_are_folded() -> None:
    opened = session(workers=12)
    for _ in range(10):
        opened.answer("delivers")
        opened.answer("runs out")
    assert "more faults" in opened.answer("again")
    assert "more faults" not in opened.answer("all")
