"""Generated crash tests: their text, and that they fail on a broken handler and pass on a repaired
one, in real processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from onceproof.lang.load import load
from onceproof.machine.delivery import Delivery
from onceproof.testgen import harness_text, module_text, points
from onceproof.testing import Kill, run, run_until_killed

from support.process import SEED
from support.process import run as onceproof
from support.repo import ROOT

HERE = Path(__file__).parent
SAMPLE = ROOT / "examples/testgen"


def generated(
    name: str, semantics: Delivery = Delivery.AT_LEAST_ONCE, every: bool = False
) -> tuple[str, str]:
    """The test module and the harness for an example."""
    loaded = load(ROOT / name)
    found = points(loaded, semantics, every=every)
    return module_text(name, semantics.value, found, "onceproof testgen"), harness_text(name, found)


@pytest.mark.parametrize(
    ("name", "semantics", "every"),
    [
        (SEED, Delivery.AT_LEAST_ONCE, False),
        (SEED, Delivery.AT_MOST_ONCE, False),
        ("examples/theory/provider_key.once", Delivery.AT_LEAST_ONCE, False),
        ("examples/theory/dedup_by_event.once", Delivery.AT_LEAST_ONCE, True),
    ],
)
def test_texts(
    name: str, semantics: Delivery, every: bool, golden: Callable[[Path, str], None]
) -> None:
    tests, harness = generated(name, semantics, every)
    slug = f"{Path(name).stem}-{semantics.value}{'-all' if every else ''}"
    for text, kind in ((tests, "tests"), (harness, "harness")):
        compile(text, slug, "exec")
        golden(HERE / "texts" / f"{slug}.{kind}.txt", text)


def test_the_sample_is_what_the_command_writes(tmp_path: Path) -> None:
    path = tmp_path / "test.py"
    assert onceproof("testgen", SEED, "-o", path).returncode == 0
    assert path.read_text(encoding="utf-8") == (SAMPLE / "test_invoice_email_crashes.py").read_text(
        encoding="utf-8"
    )


def test_a_harness_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "conftest.py"
    path.write_text("mine\n", encoding="utf-8")
    done = onceproof("testgen", SEED, "-o", tmp_path / "test.py", "--harness", path)
    assert done.returncode == 2
    assert path.read_text(encoding="utf-8") == "mine\n"


# ---------------------------------------------------------------- the sample, in real processes


def sample(folder: Path, handler: str, backend: str) -> subprocess.CompletedProcess[str]:
    """The outcome of the tests in a folder that holds the sample application."""
    environment = {**os.environ, "HANDLER": handler, "BACKEND": backend, "PYTHONPATH": str(ROOT)}
    command = (
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:asyncio",
        "-c",
        os.devnull,
        "--rootdir",
        ".",
        ".",
    )
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_broken_handler_sends_two_mails() -> None:
    done = sample(SAMPLE, "handler", "embedded")
    assert done.returncode == 1, done.stdout
    assert "assert 2 <= 1" in done.stdout
    assert "1 failed" in done.stdout


def test_the_repaired_handler_sends_one() -> None:
    done = sample(SAMPLE, "handler_repaired", "embedded")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("handler", "outcome"), [("handler", "1 failed, 11 passed"), ("handler_repaired", "12 passed")]
)
def test_every_gap_of_the_sample(handler: str, outcome: str, tmp_path: Path) -> None:
    """What the crash map calls harmless is harmless in the application, too, and what it calls
    fatal is fatal.
    """
    import shutil

    shutil.copytree(
        SAMPLE, tmp_path / "sample", ignore=shutil.ignore_patterns("test_*.py", "__pycache__")
    )
    assert (
        onceproof("testgen", SEED, "--all", "-o", tmp_path / "sample/test_all.py").returncode == 0
    )
    done = sample(tmp_path / "sample", handler, "embedded")
    assert outcome in done.stdout, done.stdout


@pytest.mark.slow
@pytest.mark.service("postgresql")
@pytest.mark.service("rabbitmq")
@pytest.mark.parametrize(
    ("handler", "outcome"), [("handler", "1 failed"), ("handler_repaired", "1 passed")]
)
def test_the_sample_on_postgresql_and_rabbitmq(handler: str, outcome: str) -> None:
    for name in ("pika", "psycopg"):
        pytest.importorskip(name)
    done = sample(SAMPLE, handler, "real")
    assert outcome in done.stdout, done.stdout
    assert handler != "handler" or "assert 2 <= 1" in done.stdout


# ---------------------------------------------------------------- the small library


class Broken:
    """A harness whose worker never comes to the place."""

    steps = {"send": "onceproof.testing:run_until_killed", "ack": ""}  # noqa: RUF012
    worker = "onceproof.testing:SECONDS.is_integer"
    environment: dict[str, str] = {}  # noqa: RUF012


def test_a_place_that_is_never_reached_is_said() -> None:
    with pytest.raises(AssertionError, match="was not killed after `send`"):
        run_until_killed(Broken(), Kill(after="send"))  # type: ignore[arg-type]


def test_a_step_nobody_knows_is_said() -> None:
    with pytest.raises(AssertionError, match="knows neither `ack` nor `stop`"):
        run_until_killed(Broken(), Kill(after="ack", before="stop"))  # type: ignore[arg-type]


def test_a_worker_that_fails_is_shown() -> None:
    harness = Broken()
    harness.worker = "onceproof.testing:no_such_function"
    with pytest.raises(AssertionError, match="no_such_function"):
        run(harness)  # type: ignore[arg-type]


def test_without_a_test_nothing_is_written(tmp_path: Path) -> None:
    output = tmp_path / "test_crashes.py"
    design = ROOT / "examples" / "theory" / "atomic_dedup.once"
    done = onceproof("testgen", design, "--claim", "no loss of account", "-o", output)
    assert done.returncode == 0
    assert "there is no test to write" in done.stderr
    assert not output.exists()
