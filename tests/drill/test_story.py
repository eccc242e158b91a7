"""Stories on SQLite: the article's handler breaks for real, and its repair does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from onceproof.cli.main import main
from onceproof.drill.adapters import LOOPBACK
from onceproof.drill.plan import Choice
from onceproof.drill.session import Wish, drill
from onceproof.machine.delivery import Delivery

from support.drill import ARTICLE, PATTERNS, loaded, written


def test_the_article_is_reproduced(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drill", str(ARTICLE / "invoice_email.once")]) == 0
    shown = capsys.readouterr().out
    assert "no duplicate ready_email: reproduced (violated, as expected)" in shown
    assert "the provider's book has `ready_email` twice for event-1" in shown
    assert "no loss of ready_email: reproduced (violated, as expected)" in shown


def test_the_repair_is_not_broken_by_the_same_schedule(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repaired, original = ARTICLE / "effectively_once.once", ARTICLE / "invoice_email.once"
    assert (
        main(["drill", str(repaired), "--story-of", str(original), "--semantics", "at-least-once"])
        == 0
    )
    assert "✓ no duplicate ready_email: not broken by the same schedule" in capsys.readouterr().out


def test_the_original_is_broken_by_its_own_schedule(home: Path, tmp_path: Path) -> None:
    of = written(tmp_path, (ARTICLE / "invoice_email.once").read_text(encoding="utf-8"))
    wish = Wish(
        Choice(), (Delivery.AT_LEAST_ONCE,), original=loaded(ARTICLE / "invoice_email.once")
    )
    (column,) = drill(of, wish).columns
    assert [r.result for r in column.stories] == ["reproduced"]


def test_an_unexpected_violation_is_exit_code_1(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        (ARTICLE / "mistake_early_ack.once")
        .read_text(encoding="utf-8")
        .replace("  expect violated\n", "")
    )
    path = tmp_path / "design.once"
    path.write_text(text, encoding="utf-8")
    assert main(["drill", str(path), "--claim", "no loss"]) == 1
    assert "not at all" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name", ["inbox", "outbox", "idempotency_key", "saga", "webhook", "lease_fencing"]
)
def test_broken_patterns(name: str, home: Path) -> None:
    (column,) = drill(loaded(PATTERNS / f"{name}_broken.once"), Wish(Choice(lease=0.4))).columns
    assert {r.result for r in column.stories} == {"reproduced"}, column.stories


SERIALIZABLE = """
event Pay(id)
queue pays of Pay at-least-once
store done per id
store ledger per id
effect booking per id in ledger
consumer bank on pays
  if id in done
    ack
    stop
  do booking
  add id to done
  ack
assume no crash
assume no lost acks
claim no duplicate booking
"""


def test_what_the_product_cannot_show_is_said(home: Path, tmp_path: Path) -> None:
    text = """
event Order(id)
queue orders of Order at-least-once
queue out of Order at-least-once
store ledger per id
effect booking per id in ledger
consumer shop on orders
  publish to out
  ack
consumer bank on out
  do booking
  ack
assume no crash
assume no lost acks
assume no publisher retries
assume no broker copies
assume no replay
assume no refusals
assume handler finishes within the lease
claim no duplicate booking
"""
    (column,) = drill(written(tmp_path, text), Wish(Choice())).columns
    assert [r.result for r in column.stories] == ["cannot be shown"]
    assert "SQLite is called in the worker's own process" in column.stories[0].why


def test_a_queue_without_an_adapter_is_an_obstacle(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of = written(
        tmp_path,
        SERIALIZABLE.replace(
            "queue pays of Pay at-least-once", "queue pays of Pay via sqs.standard"
        ),
    )
    assert main(["drill", of.path]) == 3
    assert "no adapter for `sqs.standard`" in " ".join(capsys.readouterr().out.split())


def test_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(ARTICLE / "mistake_early_ack.once")
    assert main(["drill", path, "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "onceproof-drill/1"
    assert {s["result"] for s in data["columns"][0]["stories"]} == {"reproduced"}


def test_other_machines_need_host(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PGHOST", "db.example.org")
    assert main(["drill", str(ARTICLE / "invoice_email.once")]) == 2
    assert "--host postgresql=db.example.org" in capsys.readouterr().err


def test_no_server_is_a_usage_error(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("redis")
    arguments = [
        "drill",
        str(ARTICLE / "invoice_email.once"),
        "--queue",
        "redis",
        "--host",
        f"redis={LOOPBACK}:1",
    ]
    assert main([*arguments, "--semantics", "at-least-once"]) == 2
    assert f"Redis at {LOOPBACK}:1" in capsys.readouterr().err
