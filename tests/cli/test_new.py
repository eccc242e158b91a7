"""``onceproof new``: what it writes checks at once, and its expectations are what comes out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from onceproof.cli.main import main
from onceproof.cli.new import EFFECTS
from onceproof.lang.format import formatted
from onceproof.lang.source import Source
from onceproof.models import brokers
from onceproof.report.first_design import TEMPLATES

HERE = Path(__file__).parent
GENERIC = ("any", "at-most-once", "at-least-once", "exactly-once")


def test_every_effect_is_known() -> None:
    assert set(EFFECTS) == set(TEMPLATES)


@pytest.mark.parametrize("effect", EFFECTS)
def test_each_effect(effect: str, tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    path = tmp_path / "design.once"
    assert main(["new", "--effect", effect, "-o", str(path)]) == 0
    text = path.read_text(encoding="utf-8")
    golden(HERE / "new" / f"{effect}.once", text)
    assert formatted(Source.of("x", text)).text == text
    assert main(["check", str(path), "-q", "--no-second-opinion"]) == 0


@pytest.mark.parametrize("broker", GENERIC[1:])
@pytest.mark.parametrize("effect", ["email", "booking"])
def test_each_guarantee(broker: str, effect: str, tmp_path: Path) -> None:
    path = tmp_path / "design.once"
    assert main(["new", "--broker", broker, "--effect", effect, "-o", str(path)]) == 0
    assert main(["check", str(path), "-q", "--no-second-opinion"]) == 0
    text = path.read_text(encoding="utf-8")
    assert f" {broker}\n" in text
    lost = (
        "claim no loss of " + effect + ("\n  expect violated" if broker == "at-most-once" else "\n")
    )
    assert lost in text
    twice = effect == "email" and broker != "at-most-once"
    assert f"claim no duplicate {effect}" + ("\n  expect violated" if twice else "\nclaim") in text


@pytest.mark.parametrize(
    ("broker", "twice", "lost"), [("sqs.standard", True, False), ("mqtt.qos0", False, True)]
)
def test_a_model(broker: str, twice: bool, lost: bool, tmp_path: Path) -> None:
    """What the model's own facts allow is what is expected."""
    path = tmp_path / "design.once"
    assert main(["new", "--broker", broker, "-o", str(path)]) == 0
    assert main(["check", str(path), "-q", "--no-second-opinion"]) == 0
    text = path.read_text(encoding="utf-8")
    assert f"queue inbox of OrderPlaced via {broker}\n" in text
    assert ("claim no duplicate email\n  expect violated" in text) == twice
    assert ("claim no loss of email\n  expect violated" in text) == lost


@pytest.mark.slow
@pytest.mark.parametrize("effect", ["email", "booking"])
@pytest.mark.parametrize("broker", brokers())
def test_every_model(broker: str, effect: str, tmp_path: Path) -> None:
    assert (
        main(["new", "--broker", broker, "--effect", effect, "-o", str(tmp_path / "design.once")])
        == 0
    )
    assert main(["check", str(tmp_path), "-q", "--no-second-opinion"]) == 0


def test_expectations_are_facts(tmp_path: Path) -> None:
    """Without them the same file does not check."""
    path = tmp_path / "design.once"
    assert main(["new", "-o", str(path)]) == 0
    text = path.read_text(encoding="utf-8")
    path.write_text(
        "\n".join(x for x in text.splitlines() if not x.startswith("  expect")) + "\n",
        encoding="utf-8",
    )
    assert main(["check", str(path), "-q", "--no-second-opinion"]) == 1


def test_nothing_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mailer.once").write_text("mine", encoding="utf-8")
    assert main(["new", "--name", "mailer"]) == 2
    assert "mailer.once exists already" in capsys.readouterr().err
    assert Path("mailer.once").read_text(encoding="utf-8") == "mine"
    assert main(["new", "--name", "mailer", "--force"]) == 0
    assert "consumer mailer on inbox" in Path("mailer.once").read_text(encoding="utf-8")


def test_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "--broker", "at-most-once", "-o", "-"]) == 0
    assert capsys.readouterr().out.startswith(
        "## handler: an email for every order\n\nevent OrderPlaced(id)"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--broker", "at-least"], "did you mean at-least-once"),
        (["--broker", "mqtt"], "did you mean mqtt.qos0 or mqtt.qos1 or mqtt.qos2?"),
        (["--broker", "carrier pigeon"], "there is no broker carrier pigeon (known: at-most-once"),
        (["--name", "two words"], "two words cannot be a name"),
        (["--name", "in/box"], "cannot be a name"),
        (["--name", "inbox"], "declared twice"),
        (["--effect", "fax"], "'email', 'payment', 'webhook', 'booking'"),
    ],
)
def test_what_cannot_be(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", *arguments, "-o", "-"]) == 2
    captured = capsys.readouterr()
    assert said in captured.err.replace("`", "")
    assert captured.out == ""
