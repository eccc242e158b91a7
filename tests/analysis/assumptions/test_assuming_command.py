"""``onceproof assumptions``, as text."""

from __future__ import annotations

from pathlib import Path

import pytest
from onceproof.cli.main import main
from onceproof.verdict.exit_codes import Exit

from support.assuming import ACK_FIRST, CHARGE, FIRST, assuming


def _run(
    path: Path,
    text: str,
    *,
    claims: tuple[str, ...] = (),
    semantics: tuple[str, ...] = (),
    most: int = 3,
) -> int:
    file = path / "design.once"
    file.write_text(text, encoding="utf-8")
    options = [word for text in claims for word in ("--claim", text)]
    options += [word for name in semantics for word in ("--semantics", name)]
    return main(["assumptions", str(file), *options, "--most", str(most), "--timeout", "60"])


def test_refuted_and_proved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(tmp_path, CHARGE) == Exit.HOLDS
    assert capsys.readouterr().out.splitlines() == [
        "no duplicate charge / at-least-once: REFUTED",
        (
            "  holds if all retries and redeliveries of an event end within the key window and no"
            " operator replays messages"
        ),
        "    (`assume retries end within the key window`, `assume no replay`)",
        "no loss of charge / at-least-once: proved",
        "  makes no assumption",
    ]


def test_needed_or_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(tmp_path, ACK_FIRST) == Exit.HOLDS
    assert capsys.readouterr().out.splitlines() == [
        "no duplicate mail / at-least-once: proved",
        "  `assume no lost acks`: not needed by itself",
        "  `assume no replay`: needed",
        "  `assume no publisher retries`: needed",
        "  `assume no broker copies`: needed",
        (
            "  holds assuming only that no operator replays messages, the publisher never publishes"
            " an event twice and the broker makes no copies by itself"
        ),
    ]
    assert _run(tmp_path, CHARGE + assuming("no replay"), claims=("loss",)) == Exit.HOLDS
    assert capsys.readouterr().out.endswith(
        "  holds without any of the assumptions of the design\n"
    )


def test_larger_sets_and_hopeless_claims(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(tmp_path, FIRST, most=1) == Exit.HOLDS
    assert (
        "  no set of up to 1 assumptions is enough; one that is:\n  holds if "
        in capsys.readouterr().out
    )
    twice = CHARGE.replace("  call charge\n", "  call charge\n  call charge\n").replace(
        "  key id, kept 24h\n", ""
    )
    assert _run(tmp_path, twice, claims=("duplicate",), semantics=("at-least-once",)) == Exit.HOLDS
    assert "not even under all of them together" in capsys.readouterr().out


def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(tmp_path, "event\n") == Exit.USAGE
    assert capsys.readouterr().err
    assert _run(tmp_path, CHARGE, claims=("nothing",)) == Exit.USAGE
    assert "no claim" in capsys.readouterr().err
    assert main(["assumptions", str(tmp_path / "missing.once")]) == Exit.USAGE
    assert "no file" in capsys.readouterr().err
