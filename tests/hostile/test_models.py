"""Model files whose values have other types: a mistake with its place, or a model that works, and
never a traceback.
"""

from __future__ import annotations

import datetime
import json
import random
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from onceproof import models
from onceproof.base.paths import resource
from onceproof.lang.load import load
from onceproof.lower import lower
from onceproof.models import FOLDERS, BrokenModel
from onceproof.models.files import read_own
from onceproof.report.cards import as_data, card_markdown, card_text
from onceproof.report.diagnostics import render

from support.sample import sampled

VALUES: tuple[Any, ...] = (
    1,
    0,
    -1,
    2**70,
    True,
    1.5,
    float("nan"),
    float("inf"),
    "",
    "x",
    "²",
    "none",
    "9" * 30,
    "9" * 30 + "s",
    "a\x1b[2J",
    [],
    [1],
    ["x"],
    [[]],
    {},
    {"a": 1},
    {"a": {"b": []}},
    [{}],
    datetime.date(2020, 1, 1),
    datetime.time(1, 2),
    "unknown",
    "given",
    "30s",
)
DESIGN = """\
event Paid(id, order)
queue paid of Paid {queue}
store seen per id, unique
store rows per id {store}
lock lease per order {lock}
effect mail per id {effect}
consumer c on paid
  acquire lease
  add id to rows
  send mail with key id
  insert id into seen or stop
  release lease
  ack
claim no duplicate mail
"""
PLACES = {"brokers": "queue", "stores": "store", "locks": "lock", "providers": "effect"}


def toml(value: Any) -> str:
    """A value as TOML writes it in one line."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case _:
            return str(value)


def document(data: dict[str, Any]) -> str:
    """A file."""
    return "".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in data.items())


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a tree."""
    inside = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in inside:
        yield (*path, key)
        yield from places(inner, (*path, key))


def changed(data: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A copy of a tree with another value in one place."""
    made = deepcopy(data)
    holder: Any = made
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return made


def used(folder: Path, name: str, place: str) -> None:
    """Use a model of one's own in every way. Raises nothing, and prints nothing but text."""
    try:
        model = read_own(folder / "models" / f"{name}.toml", folder)
    except BrokenModel as error:
        model, problems = None, error.problems
    else:
        problems = ()
    assert all(p.key and p.why and str(p).isprintable() for p in problems)
    models._shelf.cache_clear()
    text = DESIGN.format(
        **{word: f"via {name}" if word == place else "" for word in PLACES.values()}
    )
    (folder / "a.once").write_text(text, encoding="utf-8")
    loaded = load(folder / "a.once")
    shown = render(loaded.diagnostics, loaded.sources)
    assert all(c.isprintable() or c == "\n" for c in shown)
    assert model is not None or "error[" in shown
    if model is not None:
        json.dumps(as_data(model))
        assert all(
            c.isprintable() or c == "\n" for c in card_text(model, 80) + card_markdown(model)
        )
    for semantics in loaded.design.semantics if loaded.design else ():
        lower(loaded.design, semantics)  # type: ignore[arg-type]


SHIPPED = [
    (folder, path.stem)
    for folder in FOLDERS
    for path in sorted((resource("models") / folder).glob("*.toml"))
]


def mutate(tmp_path: Path, count: int, seed: int) -> None:
    """So many files with one or two values of another kind."""
    chosen = random.Random(seed)
    (tmp_path / "models").mkdir(exist_ok=True)
    for _ in range(count):
        folder, stem = chosen.choice(SHIPPED)
        data = tomllib.loads(
            (resource("models") / folder / f"{stem}.toml").read_text(encoding="utf-8")
        ) | {"name": "mine"}
        for _ in range(chosen.choice((1, 1, 2))):
            data = changed(data, chosen.choice(list(places(data))), chosen.choice(VALUES))
        (tmp_path / "models" / "mine.toml").write_text(document(data), encoding="utf-8")
        used(tmp_path, "mine", PLACES[folder])


@pytest.mark.parametrize("seed", sampled(range(1, 5), 4))
def test_values_of_another_type(seed: int, tmp_path: Path) -> None:
    mutate(tmp_path, 100, seed)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10, 20))
def test_many_values_of_another_type(seed: int, tmp_path: Path) -> None:
    mutate(tmp_path, 10_000, seed)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("facts", 0, "switches"), "late_ack", "facts.1.switches: must be a list"),
        (("facts",), {"a": 1}, "facts: must be a list"),
        (("facts", 0), 3, "facts.1: must be a table"),
        (("machine", "lease"), ["x"], "machine.lease: there is no option"),
        (("machine", "limit"), True, "machine.limit: there is no option"),
        (("sources",), [], "sources: must be a table"),
        (("title",), 3, "title: must be a text"),
        (("options",), {"a": 3}, "options.a: must be a table"),
        (("kind",), ["queue"], "kind: must be a text"),
    ],
)
def test_the_place_of_a_wrong_type(
    path: tuple[Any, ...], value: Any, says: str, tmp_path: Path
) -> None:
    data = tomllib.loads(
        (resource("models") / "brokers" / "sqs.standard.toml").read_text(encoding="utf-8")
    ) | {"name": "mine"}
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.toml").write_text(
        document(changed(data, path, value)), encoding="utf-8"
    )
    with pytest.raises(BrokenModel) as error:
        read_own(tmp_path / "models" / "mine.toml", tmp_path)
    assert f"mine.toml: {says}" in str(error.value)
