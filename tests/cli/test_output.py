"""What the command line prints, and where."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from onceproof.cli.group import COMMANDS

from support.command_line import run
from support.process import SEED
from support.process import run as process
from support.repo import ROOT

ESCAPE = "\x1b"
HERE = Path(__file__).parent
SMALL = (SEED, "--semantics", "at-least-once", "--claim", "no duplicate", "--no-second-opinion")
"""The quickest check with a story."""


@pytest.mark.parametrize("name", ["", *sorted(COMMANDS)])
def test_help(name: str, golden: Callable[[Path, str], None]) -> None:
    done = run(*([name] if name else []), "--help", COLUMNS="100")
    assert done.returncode == 0
    assert "Example" in done.stdout
    golden(HERE / "help" / f"{name or 'onceproof'}.txt", done.stdout)


def test_version() -> None:
    assert run("--version").stdout.startswith("onceproof 0.")


def test_a_typing_error_is_answered_with_a_suggestion() -> None:
    assert "check" in run("chck").stderr


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1", "FORCE_COLOR": ""}])
def test_no_colour_in_a_pipe(environment: dict[str, str]) -> None:
    assert ESCAPE not in run("check", *SMALL, **environment).stdout
    assert ESCAPE not in run("check", *SMALL, "--color", "never", FORCE_COLOR="1").stdout


def test_colour_if_wished() -> None:
    assert ESCAPE in run("check", *SMALL, "--color", "always").stdout
    assert ESCAPE in run("check", *SMALL, FORCE_COLOR="1").stdout
    assert ESCAPE not in run("check", *SMALL, FORCE_COLOR="1", NO_COLOR="1").stdout


def test_colour_is_never_the_only_carrier() -> None:
    import re

    coloured = run("check", *SMALL, "--color", "always").stdout
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == run("check", *SMALL).stdout


def test_output_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    done = run("check", *SMALL, "--format", "json", "--output", path)
    assert done.stdout == ""
    assert json.loads(path.read_text(encoding="utf-8"))["schema"] == "onceproof/result/1"


def test_two_runs_are_the_same_to_the_byte() -> None:
    one, other = (
        process("check", *SMALL, "--no-cache", PYTHONHASHSEED=seed).stdout for seed in ("1", "2")
    )
    assert "REFUTED" in one
    assert one == other


@pytest.mark.parametrize("arguments", [("check", *SMALL, "--no-cache"), ("--help",), ("chck",)])
def test_another_process_prints_what_this_one_prints(arguments: tuple[str | Path, ...]) -> None:
    """The other tests here run the command line within this process."""
    there, here = process(*arguments, COLUMNS="100"), run(*arguments, COLUMNS="100")
    assert (there.returncode, there.stdout, there.stderr) == (
        here.returncode,
        here.stdout,
        here.stderr,
    )


def test_quiet_and_verbose() -> None:
    quiet, normal, verbose = (run("check", SEED, *flag).stdout for flag in (["-q"], [], ["-v"]))
    assert len(quiet) < len(normal) < len(verbose)
    assert "why no loss of ready_email holds" in verbose


def test_selection() -> None:
    found = json.loads(
        run(
            "check", SEED, "--claim", "no loss", "--semantics", "exactly-once", "--format", "json"
        ).stdout
    )
    assert [(r["kind"], r["semantics"]) for r in found["results"]] == [("no-loss", "exactly-once")]
    assert run("check", SEED, "--claim", "nothing like it").returncode == 2


def test_a_bounded_look_says_so() -> None:
    found = json.loads(
        run("check", SEED, "--workers", "2", "--events", "2", "--format", "json").stdout
    )
    proved = [r for r in found["results"] if r["verdict"] == "holds"]
    assert proved
    assert all((r["scope"]["workers"], r["scope"]["events"]) == (2, 2) for r in proved)
    assert all("bounded" in r["assurance"] for r in proved)


def test_graph(tmp_path: Path) -> None:
    counts = run("graph", SEED, "--format", "counts").stdout
    assert "states 52\n" in counts
    assert run("graph", SEED).stdout.startswith("digraph")
    path = tmp_path / "graph.graphml"
    assert run("graph", SEED, "--format", "graphml", "--output", path).returncode == 0
    import networkx

    assert networkx.read_graphml(path).number_of_nodes() == 52
    assert run("graph", SEED, "--max-states", "3", "--format", "counts").returncode == 3


def test_certificates(tmp_path: Path) -> None:
    folder = tmp_path / "proofs"
    assert run("check", SEED, "--certificate", folder, "-q").returncode == 0
    done = run("verify", folder, SEED)
    assert done.returncode == 0
    assert "6 of 6 certificates accepted" in done.stdout
    other = tmp_path / "other.once"
    other.write_text(
        SEED.read_text(encoding="utf-8").replace("add id to processed", "add id to processed "),
        encoding="utf-8",
    )
    assert run("verify", folder, other).returncode == 1
    victim = sorted(folder.rglob("*.smt2"))[3]
    victim.write_text(
        victim.read_text(encoding="utf-8").replace("(check-sat)", "(assert false)\n(check-sat)"),
        encoding="utf-8",
    )
    assert run("verify", folder, SEED).returncode == 1


def test_a_trace_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    assert run("check", SEED, "--certificate", tmp_path, "-q").returncode == 0
    trace = next(p for p in sorted(tmp_path.rglob("trace.json")) if "duplicate" in str(p))
    data = json.loads(trace.read_text(encoding="utf-8"))
    del data["steps"][-1]
    trace.write_text(json.dumps(data), encoding="utf-8")
    assert run("verify", tmp_path, SEED).returncode == 1


def test_what_a_claim_needs() -> None:
    done = run(
        "assumptions",
        ROOT / "examples" / "theory" / "provider_key_and_replay.once",
        "--claim",
        "no duplicate",
    )
    assert done.returncode == 0
    assert "assume no replay" in done.stdout
