"""Reads one model file and checks every word of it. What is not understood is a ``Problem`` that
names the file and the key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from onceproof.base.untrusted import Refused, read_in
from onceproof.models.records import (
    BEHAVIOURS,
    COUNT,
    COUNT_DIGITS,
    COUNTED,
    COVERS,
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
OPTION_EXTRAS = ("choices", "set", "scope", "least", "most", "off", "not_modelled", "idle")
FACT = ("id", "behaviour", "text", "source", "status")
FACT_EXTRAS = ("switches", "test", "breaks", "condition", "unless", "if")
KEYS = ("kept", "status", "source", "note")
TEXTS = (
    *HEAD,
    "adapter",
    "status",
    "source",
    "note",
    "kept",
    "meaning",
    "id",
    "behaviour",
    "text",
    "test",
    "condition",
    "unless",
    "idle",
    "url",
    "read",
)
"""Keys whose values are texts, in whatever table they are."""
KEPT = ("never", "unknown", "for ever")
MOST_BYTES = 200_000
"""No person wrote a model that is larger."""


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


def read(path: Path) -> Model:
    """The model in a file that comes with the tool. Raises ``BrokenModel`` if any word of it is not
    understood.
    """
    return _read(path.read_text(encoding="utf-8"), path, is_own=False)


def read_own(path: Path, beside: Path) -> Model:
    """The model in a file beside a design in the folder ``beside``. Raises ``BrokenModel``."""
    try:
        return _read(own_text(path, beside), path, is_own=True)
    except Refused as error:
        raise BrokenModel([Problem(path.name, "file", str(error))]) from error


def own_text(path: Path, beside: Path) -> str:
    """The text of a model of one's own. Raises Refused if it is no regular file below the design's
    folder, or no text.
    """
    data = read_in(beside, path.absolute(), MOST_BYTES)
    if len(data) > MOST_BYTES:
        raise Refused(f"it has more than {MOST_BYTES:,} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("it is not UTF-8 text") from error


def _read(text: str, path: Path, is_own: bool) -> Model:
    import tomllib  # only for designs that name a model

    try:
        data = tomllib.loads(text)
    except (
        ValueError,
        RecursionError,
    ) as error:  # not every mistake is a TOMLDecodeError: numbers of 5,000 digits are not
        why = (
            str(error)
            if isinstance(error, tomllib.TOMLDecodeError)
            else "it is nested too deeply, or a number is too long"
        )
        raise BrokenModel([Problem(path.name, "file", f"cannot be read: {why}")]) from error
    problems = [
        Problem(path.name, key, why) for key, why in (*_shape(data),) or _problems(data, path.stem)
    ]
    if problems:
        raise BrokenModel(problems)
    return _made(data, path, is_own)


# ---------------------------------------------------------------- from tables to records


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _tables_of(value: Any) -> tuple[Mapping[str, Any], ...]:
    """What a value sets: a table, or several that count under different conditions."""
    return tuple(value) if isinstance(value, list) else (value,)


def _option(name: str, table: Mapping[str, Any]) -> Option:
    choices, sets = (
        tuple(table.get("choices", ())),
        {value: _tables_of(tables) for value, tables in table.get("set", {}).items()},
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
        _text(table.get("least", "")),
        _text(table.get("most", "")),
        bool(table.get("off", False)),
        tuple(table.get("not_modelled", ())),
        table.get("idle", ""),
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
            f.get("breaks", {}),
            f.get("condition", ""),
            f.get("unless", ""),
            f.get("if", {}),
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
    head |= {
        "facts": facts,
        "sources": sources,
        "path": path.name,
        "is_own": is_own,
        "adapter": data.get("adapter", ""),
    }
    match data["kind"]:
        case "provider":
            keys = data["keys"]
            named = keys["kept"] if keys["kept"] in options else ""
            duration = options[named].default if named else keys["kept"]
            source = sources[keys["source"]].url if keys["source"] in sources else keys["source"]
            known = {
                "keys": duration,
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

Check = Callable[[str, object], Found]
"""What is wrong with a value of the wrong type, under its key."""


def _shape(data: Mapping[str, Any]) -> Found:
    """Every value whose type is wrong. What the rest of this module reads has passed here."""
    texts = dict.fromkeys(TEXTS, _is_text)
    setting = _table({"if": _table({}, _is_value)}, _is_setting)
    option = _table(
        {
            **texts,
            "default": _is_value,
            "choices": _list(_is_text),
            "least": _is_value,
            "most": _is_value,
            "off": _is_flag,
            "not_modelled": _list(_is_text),
            "set": _table({}, _one_or_more(setting)),
        }
    )
    breaks = _table({}, _is_setting)
    fact = _table(
        {**texts, "switches": _list(_is_text), "breaks": breaks, "if": _table({}, _is_text)}
    )
    parts = {
        "machine": _table({}, _is_setting),
        "options": _table({}, option),
        "facts": _list(fact),
    }
    parts |= {"sources": _table({}, _table(texts)), "keys": _table(texts)}
    yield from _table({**texts, **parts})("", data)


def _is_text(key: str, value: object) -> Found:
    if not isinstance(value, str):
        yield key, "must be a text"
    elif not value.isprintable():
        yield key, "must be one line without control characters"


def _is_value(key: str, value: object) -> Found:
    """The value of an option: a text, true or false, a number."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value < 10**COUNT_DIGITS:
            yield key, "must be a number that a person would write"
    elif not isinstance(value, bool):
        yield from _is_text(key, value)


def _is_flag(key: str, value: object) -> Found:
    if not isinstance(value, bool):
        yield key, "must be true or false"


def _is_setting(key: str, value: object) -> Found:
    """What a switch or trait is set to: a value, or a list of words."""
    yield from _list(_is_text)(key, value) if isinstance(value, list) else _is_value(key, value)


def _table(known: Mapping[str, Check], other: Check | None = None) -> Check:
    """A table with these keys. Other keys are checked by ``other``; without it they are unknown,
    which is found later.
    """

    def check(key: str, value: object) -> Found:
        if not isinstance(value, dict):
            yield key, "must be a table"
            return
        for word, inner in value.items():
            inside = known.get(word, other)
            name = f"{key}.{word}" if key else word
            if not word.isprintable():
                yield key or "file", "has a key with control characters"
            elif inside is not None:
                yield from inside(name, inner)

    return check


def _list(each: Check) -> Check:
    def check(key: str, value: object) -> Found:
        if not isinstance(value, list):
            yield key, "must be a list"
            return
        for number, inner in enumerate(value, start=1):
            yield from each(f"{key}.{number}", inner)

    return check


def _one_or_more(each: Check) -> Check:
    def check(key: str, value: object) -> Found:
        yield from _list(each)(key, value) if isinstance(value, list) else each(key, value)

    return check


def _problems(data: Mapping[str, Any], stem: str) -> Found:
    provider = data.get("kind") == "provider"
    yield from _words(
        data,
        "",
        (*HEAD, "adapter", "machine", "keys", "options", "facts", "sources"),
        (*HEAD, "keys" if provider else "machine"),
    )
    if "name" in data and data["name"] != stem:
        yield "name", f"must be the name of the file, {stem}"
    kinds = [kind for folder in FOLDERS.values() for kind in folder]
    if "kind" in data and data["kind"] not in kinds:
        yield "kind", f"must be one of {', '.join(kinds)}"
    yield from _sources(data)
    yield from _options(data)
    yield from _machine(data)
    yield from _facts(data)
    if provider and "keys" in data:
        yield from _keys(data)


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
        yield from _words(table, key, (*OPTION, *OPTION_EXTRAS), OPTION)
        yield from _one_of(table, key, "scope", SCOPES)
        yield from _one_of(table, key, "kind", OPTION_KINDS)
        yield from _one_of(table, key, "status", STATUSES[:3])
        yield from _source(table, key, data.get("sources", {}))
        if table.get("kind") == "choice" and not table.get("choices"):
            yield f"{key}.choices", "missing"
        if "default" in table and _text(table["default"]) != NONE:
            if problem := _bare_problem(name, table, _text(table["default"])):
                yield f"{key}.default", f"must be {problem}"
        for end in (end for end in ("least", "most") if end in table):
            if table.get("kind") not in ("duration", "count"):
                yield f"{key}.{end}", "only a duration or a count has a range"
            elif problem := _bare_problem(name, table, _text(table[end])):
                yield f"{key}.{end}", f"must be {problem}"
        yield from _sets(data, name, table)


def _bare_problem(name: str, table: Mapping[str, Any], value: str) -> str:
    """What is wrong with a value of an option, whatever its default and range are."""
    bare = Option(name, table.get("kind", ""), "", "", "", "", tuple(table.get("choices", ())))
    return bare.problem(value)


def _sets(data: Mapping[str, Any], name: str, table: Mapping[str, Any]) -> Found:
    """A value that sets something is one that the option can have."""
    for value, tables in table.get("set", {}).items():
        known = value in ("given", "default", NONE)
        if not known and (problem := _bare_problem(name, table, value)):
            yield f"options.{name}.set.{value}", f"must be {problem}"
        for other in (other for each in _tables_of(tables) for other in each.get("if", {})):
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
            (f"options.{name}.set.{value}", switches)
            for value, given in table.get("set", {}).items()
            for switches in _tables_of(given)
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
    elif switch == COVERS:
        yield from _covers(value, options)
    elif switch in NAMED and not _names(switch, value, options):
        yield f"there is no option {value} that is a {'count' if switch in COUNTED else 'duration'}"
    elif switch == "durable_by" and value not in options:
        yield f"there is no option {value}"


def _covers(value: object, options: Mapping[str, Any]) -> Iterator[str]:
    names = value if isinstance(value, list) else [value]
    for name in names:
        if options.get(str(name).removesuffix("+1"), {}).get("kind") != "count":
            yield f"there is no option {name} that is a count"


def _names(switch: str, value: object, options: Mapping[str, Any]) -> bool:
    """Whether a switch names an option of the right kind, or a value."""
    if value in ("", NONE):
        return True
    kind, literal = ("count", COUNT) if switch in COUNTED else ("duration", DURATION)
    text = "" if isinstance(value, bool | list) else str(value)
    return (
        _holds(options[text], kind, literal)
        if text in options
        else literal.fullmatch(text) is not None
    )


def _holds(option: Mapping[str, Any], kind: str, literal: re.Pattern[str]) -> bool:
    """Whether every value of an option is of a kind."""
    chosen = option.get("kind") == "choice" and all(
        literal.fullmatch(c) for c in option.get("choices", ()) if c != NONE
    )
    return option.get("kind") == kind or chosen


def _trait(trait: str, value: object, options: Mapping[str, Any]) -> Iterator[str]:
    if trait not in TRAITS:
        yield _unknown(trait, TRAITS)
    elif trait == "expires" and not (
        isinstance(value, str) and value in options and _holds(options[value], "duration", DURATION)
    ):
        yield f"there is no option {value} that is a duration"
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
        yield from _words(table, key, (*FACT, *FACT_EXTRAS), FACT)
        yield from _breaks(data, key, table)
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


def _breaks(data: Mapping[str, Any], key: str, table: Mapping[str, Any]) -> Found:
    """What a fact would do to the machine: switches of a broker, and what a proof then says."""
    if ("breaks" in table) != ("condition" in table):
        yield f"{key}.condition", "a fact that breaks proofs says the condition, and no other does"
    named = {"unless": [table["unless"]]} if "unless" in table else {}
    for word, options in {**named, "if": table.get("if", {})}.items():
        for option in (o for o in options if o not in data.get("options", {})):
            yield f"{key}.{word}", f"there is no option {option}"
    if "breaks" in table and data.get("kind") not in FOLDERS["brokers"]:
        yield f"{key}.breaks", "only a broker's fact has it"
    for switch, value in table.get("breaks", {}).items():
        for why in _switch(switch, value, data.get("options", {})):
            yield f"{key}.breaks.{switch}", why


def _keys(data: Mapping[str, Any]) -> Found:
    keys = data["keys"]
    yield from _words(keys, "keys", KEYS, KEYS)
    yield from _one_of(keys, "keys", "status", STATUSES[:3])
    if keys.get("source") not in data.get("sources", {}) and not str(
        keys.get("source", "")
    ).startswith("https://"):
        yield "keys.source", f"there is no source {keys.get('source')}"
    retention = str(keys.get("kept", ""))
    lengths = [
        name
        for name, option in data.get("options", {}).items()
        if _holds(option, "duration", DURATION)
    ]
    if retention not in (*KEPT, *lengths) and not DURATION.fullmatch(retention):
        yield (
            "keys.kept",
            f"must be one of {', '.join(KEPT)}, a duration, or the name of an option that is one",
        )
