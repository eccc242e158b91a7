"""``onceproof export``: files, exit codes, mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from onceproof.cli.main import main

from fuzz.explosions import many_fields
from support.repo import ROOT

DESIGN = str(ROOT / "examples/article/invoice_email.once")


def test_a_model_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "promela", DESIGN]) == 0
    said = capsys.readouterr()
    assert "never no_duplicate_ready_email" in said.out
    assert said.err == ""


def test_a_module_comes_with_its_configuration(tmp_path: Path) -> None:
    assert (
        main(
            [
                "export",
                "tla",
                DESIGN,
                "-o",
                str(tmp_path / "Invoice.tla"),
                "--symmetric",
                "--events",
                "2",
            ]
        )
        == 0
    )
    assert (
        (tmp_path / "Invoice.tla")
        .read_text(encoding="utf-8")
        .startswith("---- MODULE Invoice ----")
    )
    assert "SYMMETRY" in (tmp_path / "Invoice.cfg").read_text(encoding="utf-8")


def test_a_claim_can_be_chosen_and_the_rest_sliced_away(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "smv", DESIGN, "--claim", "no loss", "--sliced"]) == 0
    said = capsys.readouterr().out
    assert said.count("INVARSPEC") == 1
    assert "invoice_status" not in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["export", "murphi", DESIGN, "--claim", "nothing like it"],
            "no claim of this design matches --claim",
        ),
        (["export", "smv", DESIGN, "--symmetric"], "no word for it"),
        (["export", "tla", DESIGN, "-o", "not-a-module.tla"], "cannot be the name of a module"),
        (["export", "murphi", "nowhere.once"], "there is no file"),
        (["export", "cobol", DESIGN], "Invalid value"),
        (["export", "murphi", DESIGN, "-o", "/nowhere/at/all.m"], "cannot write"),
    ],
)
def test_mistakes_are_said(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_a_design_with_too_many_starts_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "many.once"
    path.write_text(many_fields(60), encoding="utf-8")
    assert main(["export", "murphi", str(path)]) == 2
    assert "different rows to start from" in capsys.readouterr().err
    assert main(["export", "promela", str(path), "-o", str(tmp_path / "many.pml")]) == 0
