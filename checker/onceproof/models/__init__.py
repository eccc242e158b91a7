"""What is known about brokers, stores, locks and providers: one file per model in ``models/``, read
when its name is asked for.

A file's name is the model's name, so that asking for one reads one. A team's own models are in a
folder ``models`` beside the design: pass the design's folder as ``beside``. A model that ships is
never hidden by one of the same name.

``files``: reads one model file and checks every word of it.
``records``: what a model file says: switches, options, facts with their sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

from onceproof.base.paths import resource
from onceproof.models.files import BrokenModel, Problem, own_text, read, read_own
from onceproof.models.records import (
    BEHAVIOURS,
    FOLDERS,
    STATUSES,
    Broker,
    Fact,
    Keeper,
    Model,
    Option,
    Provider,
    Source,
    Switches,
    Traits,
)

__all__ = [
    "BEHAVIOURS",
    "FOLDERS",
    "STATUSES",
    "BrokenModel",
    "Broker",
    "Fact",
    "Keeper",
    "Model",
    "Option",
    "Problem",
    "Provider",
    "Source",
    "Switches",
    "Traits",
    "brokers",
    "kinds",
    "locks",
    "model",
    "own_models",
    "own_problem",
    "own_text",
    "providers",
    "read",
    "stores",
]

M = TypeVar("M", bound=Model)

MOST_MODELS = 200
"""Models of one's own that are read in one folder."""


class Shelf(Mapping[str, M], Generic[M]):
    """The models of one folder by name: all names are known, and a file is read when its model is
    asked for.
    """

    def __init__(self, kind: type[M], shipped: Mapping[str, Path], own: Mapping[str, M]) -> None:
        self._kind = kind
        self._shipped = shipped
        self._own = own
        self._read: dict[str, M] = {}

    def __getitem__(self, name: str) -> M:
        if name in self._own:
            return self._own[name]
        if name not in self._shipped:
            raise KeyError(name)
        if name not in self._read:
            model = read(self._shipped[name])
            assert isinstance(model, self._kind), f"{model.path} lies in the wrong folder"
            self._read[name] = model
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._shipped, *self._own}))

    def __contains__(self, name: object) -> bool:
        return name in self._shipped or name in self._own

    def __len__(self) -> int:
        return len({*self._shipped, *self._own})


@cache
def _shipped(folder: str) -> Mapping[str, Path]:
    return {path.stem: path for path in sorted((resource("models") / folder).glob("*.toml"))}


def own_models(beside: Path) -> tuple[dict[str, Model], tuple[Problem, ...]]:
    """The models in the folder ``models`` beside a design by name, and what is wrong with those
    that cannot be used.
    """
    models: dict[str, Model] = {}
    problems: list[Problem] = []
    shipped = {name for folder in FOLDERS for name in _shipped(folder)}
    paths = sorted((beside / "models").glob("*.toml"))
    for path in paths[MOST_MODELS:]:
        problems.append(Problem(path.name, "file", f"at most {MOST_MODELS} models are read"))
    for path in paths[:MOST_MODELS]:
        if path.stem in shipped:
            problems.append(
                Problem(
                    path.name, "name", "a model of that name comes with the tool; take another name"
                )
            )
            continue
        try:
            models[path.stem] = read_own(path, beside)
        except BrokenModel as error:
            problems += error.problems
    return models, tuple(problems)


def own_problem(name: str, beside: Path) -> str:
    """What is wrong with a model of one's own, file and key first; empty if nothing is, or if there
    is no such file.
    """
    return next((str(p) for p in own_models(beside)[1] if p.file == f"{name}.toml"), "")


@cache
def _shelf(kind: type[M], folder: str, beside: Path | None) -> Shelf[M]:
    own = own_models(beside)[0] if beside else {}  # once per folder and process
    return Shelf(
        kind,
        _shipped(folder),
        {n: m for n, m in own.items() if isinstance(m, kind) and m.kind in FOLDERS[folder]},
    )


def brokers(beside: Path | None = None) -> Mapping[str, Broker]:
    """Every model of a broker by name. Raises ``BrokenModel`` when a broken file is asked for: that
    is a broken installation.
    """
    return _shelf(Broker, "brokers", beside)


def stores(beside: Path | None = None) -> Mapping[str, Keeper]:
    """Every model of a store by name."""
    return _shelf(Keeper, "stores", beside)


def locks(beside: Path | None = None) -> Mapping[str, Keeper]:
    """Every model of a lock by name."""
    return _shelf(Keeper, "locks", beside)


def providers(beside: Path | None = None) -> Mapping[str, Provider]:
    """Every model of a provider by name."""
    return _shelf(Provider, "providers", beside)


def kinds(beside: Path | None = None) -> Mapping[str, Mapping[str, Model]]:
    """All models, by folder and name."""
    return {
        "brokers": brokers(beside),
        "stores": stores(beside),
        "locks": locks(beside),
        "providers": providers(beside),
    }


def model(name: str, beside: Path | None = None) -> Model | None:
    """The model of that name, of whatever kind; None if there is none."""
    return next((shelf[name] for shelf in kinds(beside).values() if name in shelf), None)
