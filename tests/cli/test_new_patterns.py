"""``onceproof new --pattern``: each pattern with each broker, database and provider is a design
without a mistake, with the handler that this broker really has.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from onceproof.cli.main import main
from onceproof.cli.new import PATTERNS
from onceproof.lang.format import formatted
from onceproof.lang.load import load_text
from onceproof.lang.source import Source
from onceproof.models import brokers, providers, stores
from onceproof.report.first_design import settled_by
from onceproof.report.first_pattern import FAMILIES, FOLDER, Products, names, text, uses

HERE = Path(__file__).parent
GENERIC = ("any", "at-most-once", "at-least-once", "exactly-once")


def demand_clean(pattern: str, products: Products) -> str:
    """The design, in which nothing is found: no mistake, and nothing to be warned of."""
    written = text(pattern, products)
    loaded = load_text(written)
    assert loaded.design is not None, (pattern, products, loaded.diagnostics)
    assert loaded.diagnostics == (), (pattern, products, loaded.diagnostics)
    assert formatted(Source.of("x", written)).text == written
    return written


def test_every_pattern_is_known() -> None:
    assert list(PATTERNS) == names()
    assert len(PATTERNS) == 12


@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_broker_family(pattern: str) -> None:
    for broker in (*FAMILIES.values(), *GENERIC):
        written = demand_clean(pattern, Products(broker))
        has_ack = any(line.split("#")[0].strip() == "ack" for line in written.splitlines())
        assert has_ack == (settled_by(broker) == "handler"), (pattern, broker)


@pytest.mark.slow
@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_model_of_a_broker(pattern: str) -> None:
    for name, model in brokers().items():
        if model.kind != "publish":
            demand_clean(pattern, Products(name))


@pytest.mark.parametrize("pattern", [p for p in PATTERNS if uses(p)[0]])
def test_each_database(pattern: str) -> None:
    for name in stores():
        written = demand_clean(pattern, Products("sqs.standard", database=name))
        assert f"database main via {name}\n" in written


@pytest.mark.parametrize("pattern", [p for p in PATTERNS if uses(p)[1]])
def test_each_provider(pattern: str) -> None:
    for name, model in providers().items():
        written = demand_clean(pattern, Products("sqs.standard", provider=name))
        assert ("  key " in written) == (model.keys != "never")
        assert " via http" not in written or name == "http"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_as_it_is_written_keeps_its_claims(pattern: str) -> None:
    assert main(["check", "-q", str(FOLDER / f"{pattern}.once")]) == 0


ASKED = {
    "outbox_kafka": ["outbox", "--broker", "kafka", "--database", "postgresql"],
    "webhook_lambda": ["webhook", "--broker", "lambda", "--database", "dynamodb"],
    "saga_celery": ["saga", "--broker", "celery"],
    "idempotency_key_sqs": ["idempotency-key", "--broker", "sqs", "--provider", "paypal"],
}


@pytest.mark.parametrize("name", ASKED)
def test_what_is_written_checks_as_it_expects(
    name: str, tmp_path: Path, golden: Callable[[Path, str], None]
) -> None:
    path = tmp_path / "design.once"
    assert main(["new", "--pattern", *ASKED[name], "-o", str(path)]) == 0
    golden(HERE / "new" / f"{name}.once", path.read_text(encoding="utf-8"))
    assert main(["check", str(path), "-q"]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("broker", FAMILIES)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_pattern_with_each_broker_checks(pattern: str, broker: str, tmp_path: Path) -> None:
    path = tmp_path / "design.once"
    assert main(["new", "--pattern", pattern, "--broker", broker, "-o", str(path)]) == 0
    assert main(["check", str(path), "-q"]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pattern", "inbox", "--provider", "stripe"], "the pattern inbox calls no provider"),
        (["--pattern", "saga", "--database", "mysql"], "the pattern saga keeps no rows"),
        (["--pattern", "inbox", "--database", "postgres"], "did you mean postgresql"),
        (["--pattern", "inbox", "--effect", "email"], "--effect and --name belong to a design"),
        (["--provider", "stripe"], "--database and --provider belong to a --pattern"),
        (["--pattern", "outboxes"], "'outbox'"),
    ],
)
def test_what_cannot_be(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", *arguments, "-o", "-"]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
