"""``onceproof models``: the list, the cards, models of one's own, and what is said when something
is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from onceproof.models import brokers, kinds, locks, model, own_models, providers, stores
from onceproof.report import cards

from support.repo import ROOT, read, tool

HERE = Path(__file__).parent
Golden = Callable[[Path, str], None]
MINE = (
    read("models/brokers/beanstalkd.toml")
    .replace('name = "beanstalkd"', 'name = "mine"')
    .replace('"Beanstalkd"', '"Our broker"')
)


def _own(folder: Path, name: str, text: str) -> Path:
    (folder / "models").mkdir(exist_ok=True)
    path = folder / "models" / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_list(golden: Golden) -> None:
    every = [shelf[name] for shelf in kinds().values() for name in shelf]
    golden(HERE / "golden" / "list.txt", cards.list_text(every) + "\n")


@pytest.mark.parametrize(
    "name",
    ["rabbitmq.quorum", "celery", "redis.streams", "postgresql.unique", "redis.lock", "stripe"],
)
def test_a_card(name: str, golden: Golden) -> None:
    found = model(name)
    assert found is not None
    golden(HERE / "golden" / f"{name}.txt", cards.card_text(found, 100) + "\n")


def test_a_card_as_markdown_and_data(golden: Golden) -> None:
    found = locks()["redis.lock"]
    golden(HERE / "golden" / "redis.lock.md", cards.card_markdown(found))
    golden(HERE / "golden" / "redis.lock.json", cards.to_json([found]) + "\n")


def test_lists_and_shows() -> None:
    done = tool("models", "rabbit", "stream")
    assert done.returncode == 0
    assert done.stdout == "Logs\n  rabbitmq.stream  RabbitMQ stream\n"
    data = json.loads(tool("models", "show", "sqs.fifo", "redis", "--format", "json").stdout)
    assert [m["name"] for m in data["models"]] == ["redis", "sqs.fifo"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("show", "rabbit.quorum"),
            "there is no model rabbit.quorum; did you mean rabbitmq.quorum or ",
        ),
        (("show",), "show needs the name of a model"),
        (("zeromq",), "no model matches zeromq"),
    ],
)
def test_mistakes_are_answered(words: tuple[str, ...], says: str) -> None:
    done = tool("models", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


# ---------------------------------------------------------------- models of one's own


def test_a_model_beside_the_design(tmp_path: Path) -> None:
    _own(tmp_path, "mine", MINE)
    assert "mine" not in brokers()
    assert brokers(tmp_path)["mine"].switches({"ttr": "5min"}).lease == ("ttr", "5min")
    assert len(brokers(tmp_path)) == len(brokers()) + 1
    assert "mine" not in stores(tmp_path)
    done = tool("models", "show", "mine", "--beside", str(tmp_path))
    assert done.returncode == 0
    assert done.stdout.startswith("mine: Our broker (your own, models/mine.toml)\n")
    assert "Our broker (your own)" in tool("models", "our broker", "--beside", str(tmp_path)).stdout


def test_a_model_that_ships_is_not_hidden(tmp_path: Path) -> None:
    _own(
        tmp_path,
        "stripe",
        read("models/providers/stripe.toml").replace('kept = "24h"', 'kept = "7d"'),
    )
    assert providers(tmp_path)["stripe"].keys == "24h"
    assert (
        "models/stripe.toml: name: a model of that name comes with the tool"
        in tool("models", "--beside", str(tmp_path)).stderr
    )


DESIGN = """\
event Paid(id, order)
queue payments of Paid via mine(ttr=5min)
store seen per id, unique
effect booking per id in seen
consumer ledger on payments
  atomic
    insert id into seen or stop
    do booking
  ack
claim no duplicate booking
claim no loss of booking
"""


def test_a_design_names_a_model_beside_it(tmp_path: Path) -> None:
    from onceproof.lang.load import load

    mine = _own(tmp_path, "mine", MINE)
    path = tmp_path / "ledger.once"
    path.write_text(DESIGN, encoding="utf-8")
    loaded = load(path)
    assert loaded.design is not None, loaded.diagnostics
    assert loaded.design.queues["payments"].lease == ("ttr", "5min")
    assert str(mine) in loaded.sources, (
        "an answer that is kept is asked again when the model changes"
    )


def test_a_broken_model_is_said_where_it_is_named(tmp_path: Path) -> None:
    _own(tmp_path, "mine", MINE.replace("late_ack =", "late_akc ="))
    path = tmp_path / "ledger.once"
    path.write_text(DESIGN, encoding="utf-8")
    done = tool("check", str(path))
    assert done.returncode == 2
    assert "the model `mine` cannot be used" in done.stdout
    assert "models/mine.toml: machine.late_akc: unknown; did you mean late_ack?" in done.stdout


def test_a_broken_model_of_ones_own_is_said_and_not_used(tmp_path: Path) -> None:
    _own(
        tmp_path,
        "mine",
        MINE.replace("late_ack =", "late_akc =").replace(
            'status = "documented"', 'status = "sure"', 1
        ),
    )
    _own(tmp_path, "other", "name = [")
    found, problems = own_models(tmp_path)
    assert found == {}
    assert [f"{p.file}: {p.key}" for p in problems] == [
        "mine.toml: machine.late_akc",
        "mine.toml: facts.time-to-run.status",
        "other.toml: file",
    ]
    done = tool("models", "sqs.fifo", "--beside", str(tmp_path))
    assert done.returncode == 2
    assert (
        "error: models/mine.toml: machine.late_akc: unknown; did you mean late_ack?" in done.stderr
    )
    assert "sqs.fifo" in done.stdout


def test_only_the_model_that_is_asked_for_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    import onceproof.models as package

    read_files: list[str] = []
    reader = package.read
    monkeypatch.setattr(package, "read", lambda path: read_files.append(path.name) or reader(path))
    package._shelf.cache_clear()
    assert "sqs.fifo" in brokers()
    assert brokers()["sqs.fifo"].name == "sqs.fifo"
    assert read_files == ["sqs.fifo.toml"]
    package._shelf.cache_clear()


def test_every_file_is_where_its_kind_belongs() -> None:
    for folder, shelf in kinds().items():
        assert sorted(shelf) == sorted(p.stem for p in (ROOT / "models" / folder).glob("*.toml"))
        assert all(re.fullmatch(r"[a-z][a-z0-9_.]*", name) for name in shelf), (
            "a name that a design can spell"
        )
