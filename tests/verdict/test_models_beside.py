"""Facts of models that lie beside a design, and of providers, are named like any other."""

from __future__ import annotations

from pathlib import Path

from onceproof.verdict.check import check

from support.repo import read

DESIGN = """\
event P(id)
queue q of P via mybroker
effect mail per id via PROVIDER
  key id
consumer c on q
  send mail
  ack
assume retries end within the key window
assume no replay
claim no duplicate mail
"""


def found(folder: Path, provider: str) -> tuple[str, ...]:
    (folder / "models").mkdir(exist_ok=True)
    model = read("models/brokers/beanstalkd.toml").replace(
        'name = "beanstalkd"', 'name = "mybroker"'
    )
    (folder / "models/mybroker.toml").write_text(model, encoding="utf-8")
    (folder / "design.once").write_text(DESIGN.replace("PROVIDER", provider), encoding="utf-8")
    (cell,) = check(folder / "design.once").designs[0].cells
    assert cell.verdict.value == "holds"
    return cell.facts


def test_a_model_beside_the_design(tmp_path: Path) -> None:
    assert found(tmp_path, "stripe") == ()


def test_a_provider_whose_window_nobody_confirmed(tmp_path: Path) -> None:
    assert found(tmp_path, "stripe.v2") == (
        "stripe.v2: idempotency keys are kept 24h (unconfirmed)",
    )
