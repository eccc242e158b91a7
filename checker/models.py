"""Reads the models that ship with the package (``models/``): what is known about brokers, stores, locks and providers.

One file per model. A broker's file says which *switches* of docs/semantics.md it sets, which options change them, and where each
fact was read. A file that is not understood is a broken installation: ``ValueError`` with the file and the key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import field, fields
from functools import cache
from pathlib import Path
from typing import Any

from checker.records import dataclass
from checker.resources import resource

NONE = "none"
"""The value of an option that is switched off."""

DURATION = re.compile(r"[0-9]+(ms|s|min|h|d)")
STATUSES = ("documented", "derived", "unconfirmed", "confirmed by test", "confirmed")
"""How sure a fact is. ``confirmed``: the text of the source was read."""
BEHAVIOURS = (
    "redelivery", "two workers", "late ack", "publisher dedup", "transaction boundary", "delivery limit", "ordering", "loss", "key",
    "isolation",
)  # fmt: skip
OPTION_KINDS = ("duration", "count", "switch", "choice", "text")


@dataclass(frozen=True, slots=True)
class Switches:
    """What a broker with its options does, switch by switch (docs/semantics.md, "Brokers"). The defaults are those of a generic
    at-least-once queue.

    ``lease``, ``dedup_window`` and ``limit`` are pairs of the option that holds the value and its value (the name is empty for a
    number that is part of the model); None: there is none.
    """

    delivery: str = "at-least-once"
    ack: str = "handler"
    late_ack: str = "settles"
    loses_hold: tuple[str, ...] = ("lease",)
    lease: tuple[str, str] | None = None
    redelivers: bool = True
    publisher: str = "retries"
    dedup_window: tuple[str, str] | None = None
    broker_copies: bool = True
    replay: bool = True
    rewinds: bool = False
    loses: tuple[str, ...] = ()
    batch: str = "single"
    limit: tuple[str, str] | None = None
    limit_end: str = "dead-letter"
    boundary: tuple[str, ...] = ()
    leaky_transactions: bool = False


WORDS: Mapping[str, tuple[str, ...]] = {
    "delivery": ("at-most-once", "at-least-once", "exactly-once"),
    "ack": ("handler", "delivery", "return", "failure", "kill", "any-time"),
    "late_ack": ("settles", "refused"),
    "publisher": ("retries", "once"),
    "batch": ("single", "all-or-nothing"),
    "limit_end": ("dead-letter", "drop", "stays"),
}
"""Switches that are one word."""
LISTS: Mapping[str, tuple[str, ...]] = {
    "loses_hold": ("lease", "disconnect", "rebalance", "shutdown"),
    "loses": ("retention", "publish"),
    "boundary": ("publish", "stores"),
}
"""Switches that are a list of words."""
FLAGS = ("redelivers", "broker_copies", "replay", "rewinds", "leaky_transactions")
"""Switches that are true or false."""
NAMED = ("lease", "dedup_window", "limit")
"""Switches that name an option (or, ``limit``, are a number)."""
SWITCHES = tuple(f.name for f in fields(Switches))

TRAITS = ("unique", "cache", "replicated", "expires")
"""What a model of a store or lock can say: true or false; ``expires`` names an option."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was read."""

    name: str
    url: str
    read: str


@dataclass(frozen=True, slots=True)
class Option:
    """An option as the product names it. ``sets``: what a value changes, by value (``given``: any but none; ``default``: not
    given)."""

    name: str
    kind: str
    default: str
    meaning: str
    source: str
    status: str
    choices: tuple[str, ...] = ()
    sets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def problem(self, value: str) -> str:
        """What is wrong with a value, as the end of "it must be …"; empty if it fits."""
        if value == self.default or (value == NONE and NONE in self.sets):
            return ""
        match self.kind:
            case "duration":
                return "" if DURATION.fullmatch(value) else "a duration, such as `30s`, `5min`, `24h` or `7d`"
            case "count":
                return "" if value.isdigit() else "a whole number"
            case "switch":
                return "" if value in ("true", "false") else "`true` or `false`"
            case "choice":
                return "" if value in self.choices else "one of " + ", ".join(f"`{c}`" for c in self.choices)
            case _:
                return ""


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known about a behaviour, how surely, and which switches rest on it. ``test``: the pytest name that confirms it."""

    id: str
    behaviour: str
    text: str
    source: str
    status: str
    switches: tuple[str, ...] = ()
    test: str = ""

    @property
    def is_sure(self) -> bool:
        """Whether the source says so, or a test has shown it."""
        return self.status in ("documented", "confirmed", "confirmed by test")


@dataclass(frozen=True, slots=True)
class Model:
    """What all models have."""

    name: str
    title: str
    kind: str
    summary: str
    machine: Mapping[str, Any]
    options: Mapping[str, Option]
    facts: tuple[Fact, ...]
    sources: Mapping[str, Source]
    path: str = ""

    def value(self, option: str, given: Mapping[str, str]) -> str:
        """The value of an option: what was given, else its default."""
        return given.get(option, self.options[option].default)

    def chosen(self, given: Mapping[str, str]) -> dict[str, Any]:
        """The ``[machine]`` table with what the options change in it, in the order of the options."""
        machine = dict(self.machine)
        for option in self.options.values():
            value = self.value(option.name, given)
            if option.name not in given:
                machine.update(option.sets.get("default", {}))
            if value in option.sets:
                machine.update(option.sets[value])
            elif value != NONE:
                machine.update(option.sets.get("given", {}))
        return machine

    def named(self, option: object, given: Mapping[str, str]) -> tuple[str, str] | None:
        """The pair of an option's name and value that a switch names; None if there is none or it is off."""
        if option in ("", NONE, None):
            return None
        if str(option) not in self.options:
            return ("", str(option))
        value = self.value(str(option), given)
        return None if value == NONE else (str(option), value)


@dataclass(frozen=True, slots=True)
class Broker(Model):
    """A broker, task queue or sender of webhooks."""

    def switches(self, options: Mapping[str, str]) -> Switches:
        """The switches under the given options; the others have their defaults. A lease whose option is off does not run out."""
        machine = self.chosen(options)
        named = {switch: self.named(machine.get(switch), options) for switch in NAMED}
        lists = {switch: tuple(value) for switch, value in machine.items() if switch in LISTS}
        if machine.get("lease") and named["lease"] is None:
            lists["loses_hold"] = tuple(w for w in lists.get("loses_hold", ()) if w != "lease")
        return Switches(**{**machine, **named, **lists})


@dataclass(frozen=True, slots=True)
class Traits:
    """What a store or lock does. ``expires``: the option that holds the time to live, and its value."""

    unique: bool = False
    cache: bool = False
    replicated: bool = False
    expires: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Keeper(Model):
    """A store or a lock."""

    def traits(self, options: Mapping[str, str]) -> Traits:
        """Its traits under the given options."""
        machine = self.chosen(options)
        return Traits(
            bool(machine.get("unique")), bool(machine.get("cache")), bool(machine.get("replicated")),
            self.named(machine.get("expires"), options),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider of external effects. ``keys``: ``never`` (it ignores them), ``unknown`` (the design decides), ``for ever`` or
    a duration."""

    name: str
    summary: str
    keys: str
    status: str
    source: str
    note: str
    options: Mapping[str, Option] = field(default_factory=dict)
    retention_option: str = ""

    def kept(self, given: Mapping[str, str]) -> str:
        """How long keys are kept under the given options."""
        return given.get(self.retention_option, self.keys)


# ---------------------------------------------------------------- the files


def _wrong(path: Path, key: str, why: str) -> ValueError:
    return ValueError(f"{path.name}: {key}: {why}")


def _known(path: Path, key: str, table: Mapping[str, Any], allowed: Iterable[str], needed: Iterable[str] = ()) -> None:
    for word in table:
        if word not in allowed:
            raise _wrong(path, f"{key}.{word}" if key else word, f"unknown; known are {', '.join(allowed)}")
    for word in needed:
        if word not in table:
            raise _wrong(path, f"{key}.{word}" if key else word, "missing")


def _check_switch(path: Path, key: str, switch: str, value: object) -> None:
    if switch not in SWITCHES:
        raise _wrong(path, f"{key}.{switch}", f"unknown; known are {', '.join(SWITCHES)}")
    if switch in WORDS and value not in WORDS[switch]:
        raise _wrong(path, f"{key}.{switch}", f"must be one of {', '.join(WORDS[switch])}")
    if switch in FLAGS and not isinstance(value, bool):
        raise _wrong(path, f"{key}.{switch}", "must be true or false")
    if switch in LISTS and (not isinstance(value, list) or any(v not in LISTS[switch] for v in value)):
        raise _wrong(path, f"{key}.{switch}", f"must be a list of {', '.join(LISTS[switch])}")
    if switch in NAMED and not isinstance(value, str | int):
        raise _wrong(path, f"{key}.{switch}", "must name an option")


def _check_trait(path: Path, key: str, trait: str, value: object) -> None:
    if trait not in TRAITS:
        raise _wrong(path, f"{key}.{trait}", f"unknown; known are {', '.join(TRAITS)}")
    if not isinstance(value, str if trait == "expires" else bool):
        raise _wrong(path, f"{key}.{trait}", "must name an option" if trait == "expires" else "must be true or false")


def _options(path: Path, data: Mapping[str, Any]) -> dict[str, Option]:
    found: dict[str, Option] = {}
    allowed = ("kind", "default", "meaning", "source", "status", "choices", "set")
    for name, table in data.get("options", {}).items():
        key = f"options.{name}"
        _known(path, key, table, allowed, allowed[:5])
        if table["kind"] not in OPTION_KINDS:
            raise _wrong(path, f"{key}.kind", f"must be one of {', '.join(OPTION_KINDS)}")
        if table["status"] not in STATUSES:
            raise _wrong(path, f"{key}.status", f"must be one of {', '.join(STATUSES)}")
        default = table["default"]
        text = str(default).lower() if isinstance(default, bool) else str(default)
        option = Option(
            name, table["kind"], text, table["meaning"], table["source"], table["status"], tuple(table.get("choices", ())),
            table.get("set", {}),
        )  # fmt: skip
        if text != NONE and (problem := _own_problem(option, text)):
            raise _wrong(path, f"{key}.default", f"must be {problem}")
        found[name] = option
    return found


def _own_problem(option: Option, value: str) -> str:
    bare = Option(option.name, option.kind, "", "", "", "", option.choices)
    return bare.problem(value)


def _facts(path: Path, data: Mapping[str, Any]) -> tuple[Fact, ...]:
    found = []
    allowed = ("id", "behaviour", "text", "source", "status", "switches", "test")
    for number, table in enumerate(data.get("facts", ())):
        key = f"facts[{number}]"
        _known(path, key, table, allowed, allowed[:5])
        if table["status"] not in STATUSES:
            raise _wrong(path, f"{key}.status", f"must be one of {', '.join(STATUSES)}")
        if table["behaviour"] not in BEHAVIOURS:
            raise _wrong(path, f"{key}.behaviour", f"must be one of {', '.join(BEHAVIOURS)}")
        switches = tuple(table.get("switches", ()))
        for switch in switches:
            if switch not in (*SWITCHES, *TRAITS):
                raise _wrong(path, f"{key}.switches", f"{switch} is no switch")
        found.append(
            Fact(table["id"], table["behaviour"], table["text"], table["source"], table["status"], switches, table.get("test", ""))
        )
    return tuple(found)


def read(path: Path) -> Model:
    """The model in one file. Raises ``ValueError`` with the file and the key for anything that is not understood."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    allowed = ("name", "title", "kind", "summary", "machine", "options", "facts", "sources")
    _known(path, "", data, allowed, allowed[:5])
    options = _options(path, data)
    keeper = data["kind"] in ("store", "lock")
    check = _check_trait if keeper else _check_switch
    tables = [("machine", data["machine"])]
    tables += [(f"options.{o.name}.set.{value}", said) for o in options.values() for value, said in o.sets.items()]
    for key, table in tables:
        for switch, value in table.items():
            check(path, key, switch, value)
            named = (*NAMED, "expires")
            if switch in named and value not in ("", NONE, *options) and not (switch == "limit" and str(value).isdigit()):
                raise _wrong(path, f"{key}.{switch}", f"there is no option {value}")
    sources = {name: Source(name, s["url"], s.get("read", "")) for name, s in data.get("sources", {}).items()}
    facts = _facts(path, data)
    for cited in (*(o.source for o in options.values()), *(f.source for f in facts)):
        if cited not in sources:
            raise _wrong(path, "sources", f"there is no source {cited}")
    made = Keeper if keeper else Broker
    return made(data["name"], data["title"], data["kind"], data["summary"], data["machine"], options, facts, sources, path.name)


@cache
def _folder(kind: str) -> dict[str, Model]:
    found: dict[str, Model] = {}
    for path in sorted((resource("models") / kind).glob("*.toml")):
        model = read(path)
        found[model.name] = model
    return found


def brokers() -> dict[str, Broker]:
    """Every model of a broker by name."""
    return {name: m for name, m in _folder("brokers").items() if isinstance(m, Broker)}


def stores() -> dict[str, Keeper]:
    """Every model of a store by name."""
    return {name: m for name, m in _folder("stores").items() if isinstance(m, Keeper)}


def locks() -> dict[str, Keeper]:
    """Every model of a lock by name."""
    return {name: m for name, m in _folder("locks").items() if isinstance(m, Keeper)}


def model(name: str) -> Model | Provider | None:
    """The model of that name, of whatever kind; None if there is none."""
    for folder in ("brokers", "stores", "locks"):
        if name in _folder(folder):
            return _folder(folder)[name]
    return providers().get(name)


@cache
def providers() -> dict[str, Provider]:
    """Every provider model by name. Raises ValueError for a broken model file: that is a broken installation."""
    found: dict[str, Provider] = {}
    for path in sorted((resource("models") / "providers").glob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        _known(path, "keys", data["keys"], ("kept", "status", "source", "note"), ("kept", "status", "source", "note"))
        keys, options = data["keys"], _options(path, data)
        named = keys["kept"] if keys["kept"] in options else ""
        kept = options[named].default if named else keys["kept"]
        found[data["name"]] = Provider(
            data["name"], data["summary"], kept, keys["status"], keys["source"], keys["note"], options, named
        )
    return found
