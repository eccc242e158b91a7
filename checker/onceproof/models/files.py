"""Reads one model file and checks every word of it. What is not understood is a ``Problem`` that
names the file and the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from onceproof.models.records import (
    BEHAVIOURS,
    DURATION,
    FLAGS,
    FOLDERS,
    LISTS,
    NAMED,
    NONE,
    OPTION_KINDS,
    PROVIDER_FLAGS,
    SCOPES,
    STATUSES,
    SWITCHES,
    TRAIT_FLAGS,
    TRAIT_WORDS,
    TRAITS,
    WORDS,
    Broker,
    Fact,
    Keeper,
    Model,
    Option,
    Provider,
    Source,
)

HEAD = ("name", "title", "kind", "summary")
OPTION = ("kind", "default", "meaning", "source", "status")
FACT = ("id", "behaviour", "text", "source", "status")
KEYS = ("kept", "status", "source", "note")
KEPT = ("never", "unknown", "for ever")


class Problem(Struct, frozen=True):
    """A mistake in a model file: the file's name, the key, what is wrong."""

    file: str
    key: str
    why: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.why}"


class BrokenModel(ValueError):
    """A model file with mistakes. ``problems`` has all of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def read(path: Path, is_own: bool = False) -> Model:
    """The model in one file. Raises ``BrokenModel`` if any word of it is not understood."""
    import tomllib  # only for designs that name a model

    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BrokenModel([Problem(path.name, "file", f"cannot be read: {error}")]) from error
    problems = [Problem(path.name, key, why) for key, why in _problems(data, path.stem)]
    if problems:
        raise BrokenModel(problems)
    return _made(data, path, is_own)


# ---------------------------------------------------------------- from tables to records


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _tables_of(said: Any) -> tuple[Mapping[str, Any], ...]:
    """What a value sets: a table, or several that count under different conditions."""
    return tuple(said) if isinstance(said, list) else (said,)


def _option(name: str, table: Mapping[str, Any]) -> Option:
    choices, sets = (
        tuple(table.get("choices", ())),
        {value: _tables_of(said) for value, said in table.get("set", {}).items()},
    )
    default = _text(table["default"])
    return Option(
        name,
        table["kind"],
        default,
        table["meaning"],
        table["source"],
        table["status"],
        choices,
        sets,
        table.get("scope", ""),
    )


def _made(data: Mapping[str, Any], path: Path, is_own: bool) -> Model:
    options = {name: _option(name, table) for name, table in data.get("options", {}).items()}
    facts = tuple(
        Fact(
            f["id"],
            f["behaviour"],
            f["text"],
            f["source"],
            f["status"],
            tuple(f.get("switches", ())),
            f.get("test", ""),
        )
        for f in data.get("facts", ())
    )
    sources = {
        name: Source(name, s["url"], s.get("read", ""))
        for name, s in data.get("sources", {}).items()
    }
    head: dict[str, Any] = {word: data[word] for word in HEAD} | {
        "machine": data.get("machine", {}),
        "options": options,
    }
    head |= {"facts": facts, "sources": sources, "path": path.name, "is_own": is_own}
    match data["kind"]:
        case "provider":
            keys = data["keys"]
            named = keys["kept"] if keys["kept"] in options else ""
            kept = options[named].default if named else keys["kept"]
            source = sources[keys["source"]].url if keys["source"] in sources else keys["source"]
            known = {
                "keys": kept,
                "status": keys["status"],
                "source": source,
                "note": keys["note"],
                "retention_option": named,
            }
            return Provider(**head, **known)
        case "store" | "lock":
            return Keeper(**head)
        case _:
            return Broker(**head)


# ---------------------------------------------------------------- what can be wrong


Found = Iterator[tuple[str, str]]
"""Keys, and what is wrong there."""


def _problems(data: Mapping[str, Any], stem: str) -> Found:
    provider = data.get("kind") == "provider"
    yield from _words(
        data,
        "",
        (*HEAD, "machine", "keys", "options", "facts", "sources"),
        (*HEAD, "keys" if provider else "machine"),
    )
    for word in HEAD:
        if word in data and not isinstance(data[word], str):
            yield word, "must be a text"
    if "name" in data and data["name"] != stem:
        yield "name", f"must be the name of the file, {stem}"
    kinds = [kind for folder in FOLDERS.values() for kind in folder]
    if "kind" in data and data["kind"] not in kinds:
        yield "kind", f"must be one of {', '.join(kinds)}"
    for word in ("machine", "keys", "options", "sources"):
        if not isinstance(data.get(word, {}), dict) or (
            word in ("options", "sources") and not _tables(data.get(word, {}).values())
        ):
            yield word, "must be a table" + (" of tables" if word in ("options", "sources") else "")
            return
    if not isinstance(data.get("facts", []), list) or not _tables(data.get("facts", [])):
        yield "facts", "must be a list of tables ([[facts]])"
        return
    yield from _sources(data)
    yield from _options(data)
    yield from _machine(data)
    yield from _facts(data)
    if provider and "keys" in data:
        yield from _keys(data)


def _tables(values: Iterable[object]) -> bool:
    return all(isinstance(v, dict) for v in values)


def _unknown(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return f"unknown; did you mean {near[0]}?" if near else f"unknown; known are {', '.join(known)}"


def _words(
    table: Mapping[str, Any], key: str, allowed: Iterable[str], needed: Iterable[str] = ()
) -> Found:
    start = f"{key}." if key else ""
    for word in table:
        if word not in allowed:
            yield start + word, _unknown(word, allowed)
    for word in needed:
        if word not in table:
            yield start + word, "missing"


def _one_of(table: Mapping[str, Any], key: str, word: str, allowed: Iterable[str]) -> Found:
    if word in table and table[word] not in allowed:
        yield f"{key}.{word}", f"must be one of {', '.join(allowed)}"


def _source(table: Mapping[str, Any], key: str, sources: Mapping[str, Any]) -> Found:
    if "source" in table and table["source"] not in sources:
        yield f"{key}.source", f"there is no source {table['source']}"


def _sources(data: Mapping[str, Any]) -> Found:
    sources = data.get("sources", {})
    cited = [
        t.get("source")
        for t in (*data.get("options", {}).values(), *data.get("facts", ()), data.get("keys", {}))
    ]
    for name, table in sources.items():
        key = f"sources.{name}"
        yield from _words(table, key, ("url", "read"), ("url",))
        if not str(table.get("url", "https://")).startswith(("https://", "http://")):
            yield f"{key}.url", "must be an address"
        if name not in cited:
            yield key, "nothing cites it"
    if not sources and data.get("kind") != "provider":
        yield "sources", "missing: a model says where it was read"


def _options(data: Mapping[str, Any]) -> Found:
    for name, table in data.get("options", {}).items():
        key = f"options.{name}"
        yield from _words(table, key, (*OPTION, "choices", "set", "scope"), OPTION)
        yield from _one_of(table, key, "scope", SCOPES)
        yield from _one_of(table, key, "kind", OPTION_KINDS)
        yield from _one_of(table, key, "status", STATUSES[:3])
        yield from _source(table, key, data.get("sources", {}))
        if table.get("kind") == "choice" and not table.get("choices"):
            yield f"{key}.choices", "missing"
        if "default" in table and _text(table["default"]) != NONE:
            bare = Option(
                name, table.get("kind", ""), "", "", "", "", tuple(table.get("choices", ()))
            )
            if problem := bare.problem(_text(table["default"])):
                yield f"{key}.default", f"must be {problem}"
        yield from _sets(data, name, table)


def _sets(data: Mapping[str, Any], name: str, table: Mapping[str, Any]) -> Found:
    """A value that sets something is one that the option can have."""
    bare = Option(name, table.get("kind", ""), "", "", "", "", tuple(table.get("choices", ())))
    for value, said in table.get("set", {}).items():
        if value not in ("given", "default", NONE) and (problem := bare.problem(value)):
            yield f"options.{name}.set.{value}", f"must be {problem}"
        for other in (other for one in _tables_of(said) for other in one.get("if", {})):
            if other not in data["options"]:
                yield f"options.{name}.set.{value}.if", f"there is no option {other}"


def _machine(data: Mapping[str, Any]) -> Found:
    kind = data.get("kind")
    keeper = kind in FOLDERS["stores"] + FOLDERS["locks"]
    check = _provides if kind == "provider" else _trait if keeper else _switch
    options = data.get("options", {})
    tables = [("machine", data.get("machine", {}))]
    for name, table in options.items():
        tables += [
            (f"options.{name}.set.{value}", one)
            for value, said in table.get("set", {}).items()
            for one in _tables_of(said)
        ]
    for key, table in tables:
        for switch, value in table.items():
            if switch != "if" or key == "machine":
                yield from ((f"{key}.{switch}", why) for why in check(switch, value, options))


def _switch(switch: str, value: object, options: Mapping[str, Any]) -> Iterator[str]:
    if switch not in SWITCHES:
        yield _unknown(switch, SWITCHES)
    elif switch in WORDS and value not in WORDS[switch]:
        yield f"must be one of {', '.join(WORDS[switch])}"
    elif switch in FLAGS and not isinstance(value, bool):
        yield "must be true or false"
    elif switch in LISTS and (
        not isinstance(value, list) or any(v not in LISTS[switch] for v in value)
    ):
        yield f"must be a list of {', '.join(LISTS[switch])}"
    elif switch in NAMED and not _names(switch, value, options):
        yield f"there is no option {value}"


def _names(switch: str, value: object, options: Mapping[str, Any]) -> bool:
    literal = (
        str(value).isdigit() if switch == "limit" else DURATION.fullmatch(str(value)) is not None
    )
    return value in ("", NONE) or value in options or literal


def _trait(trait: str, value: object, options: Mapping[str, Any]) -> Iterator[str]:
    if trait not in TRAITS:
        yield _unknown(trait, TRAITS)
    elif trait == "expires" and value not in options:
        yield f"there is no option {value}"
    elif trait in TRAIT_FLAGS and not isinstance(value, bool):
        yield "must be true or false"
    elif trait in TRAIT_WORDS and value not in TRAIT_WORDS[trait]:
        yield f"must be one of {', '.join(TRAIT_WORDS[trait])}"
    elif trait == "database" and not (isinstance(value, str) and value):
        yield "must be the name of a product"


def _provides(switch: str, value: object, _: Mapping[str, Any]) -> Iterator[str]:
    if switch not in PROVIDER_FLAGS:
        yield _unknown(switch, PROVIDER_FLAGS)
    elif not isinstance(value, bool):
        yield "must be true or false"


def _facts(data: Mapping[str, Any]) -> Found:
    seen: set[str] = set()
    keeper = data.get("kind") in FOLDERS["stores"] + FOLDERS["locks"]
    known: tuple[str, ...] = TRAITS if keeper else SWITCHES
    known = ("key", *PROVIDER_FLAGS) if data.get("kind") == "provider" else known
    for number, table in enumerate(data.get("facts", ())):
        key = f"facts.{table.get('id', number)}"
        yield from _words(table, key, (*FACT, "switches", "test"), FACT)
        yield from _one_of(table, key, "behaviour", BEHAVIOURS)
        yield from _one_of(table, key, "status", STATUSES)
        yield from _source(table, key, data.get("sources", {}))
        if table.get("id") in seen:
            yield key, "there are two of that id"
        seen.add(table.get("id", ""))
        yield from (
            (f"{key}.switches", f"{s} is none of {', '.join(known)}")
            for s in table.get("switches", ())
            if s not in known
        )
        if (table.get("status") == "confirmed by test") != bool(table.get("test")):
            yield f"{key}.test", "a fact that a test confirms names the test, and no other does"


def _keys(data: Mapping[str, Any]) -> Found:
    keys = data["keys"]
    yield from _words(keys, "keys", KEYS, KEYS)
    yield from _one_of(keys, "keys", "status", STATUSES[:3])
    if keys.get("source") not in data.get("sources", {}) and not str(
        keys.get("source", "")
    ).startswith("https://"):
        yield "keys.source", f"there is no source {keys.get('source')}"
    kept = str(keys.get("kept", ""))
    if kept not in (*KEPT, *data.get("options", {})) and not DURATION.fullmatch(kept):
        yield "keys.kept", f"must be one of {', '.join(KEPT)}, a duration, or the name of an option"
