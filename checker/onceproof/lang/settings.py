"""One design under several settings: ``orders.via=sqs.fifo`` puts another model behind a name.

A setting changes the text of the declaration and nothing else, so that every line keeps its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from onceproof.lang.load import Loaded, load_source
from onceproof.lang.source import Source
from onceproof.machine.delivery import Delivery

EXAMPLE = "orders.via=sqs.fifo"
_CHANGE = re.compile(r"\s*([A-Za-z_]\w*)\.via\s*=\s*([A-Za-z_][\w.-]*(?:\([^()]*\))?)\s*")
_COMMA = re.compile(r",(?![^()]*\))")
_DECLARATION = re.compile(
    r"""(?P<head>(?P<kind>queue|database|store|effect|lock)\s+(?P<name>[A-Za-z_]\w*)
         (?:\s+(?:of|per)\s+[A-Za-z_]\w*)?(?:\s+in\s+[A-Za-z_]\w*)?)
        (?P<model>\s+via\s+[\w.-]+(?:\s*\([^()]*\))?|\s+(?:at-most-once|at-least-once|exactly-once))?
        (?P<rest>.*)""",
    re.VERBOSE,
)


class BadSetting(ValueError):
    """A setting that cannot be read, or that names what a design does not declare."""


class Setting(Struct, frozen=True):
    """Other models behind some names. ``text``: as the user wrote it, the name of its columns;
    ``models``: (name, model or delivery guarantee).
    """

    text: str
    models: tuple[tuple[str, str], ...]


def setting(text: str) -> Setting:
    """Read ``orders.via=sqs.fifo``, or several of these with commas between. Raises BadSetting."""
    models = []
    for part in _COMMA.split(text):
        change = _CHANGE.fullmatch(part)
        if change is None:
            raise BadSetting(f"write NAME.via=MODEL, for example {EXAMPLE}")
        models.append((change[1], change[2]))
    return Setting(text.strip(), tuple(models))


def columns_of(settings: Sequence[Setting]) -> list[str]:
    """How the columns of settings are called: by the model alone where only one name varies."""
    names = {tuple(name for name, _ in s.models) for s in settings}
    if len(names) == 1 and len(settings[0].models) == 1:
        return [s.models[0][1] for s in settings]
    return [s.text for s in settings]


def with_setting(loaded: Loaded, chosen: Setting) -> Loaded:
    """The design under a setting; its mistakes, if the model does not fit, name the setting. Raises
    BadSetting if the design does not declare a name.
    """
    source = loaded.sources[loaded.path]
    lines = list(source.lines)
    for name, model in chosen.models:
        number = _declared(lines, name)
        if number is None:
            known = list(dict.fromkeys(_names(lines)))
            raise BadSetting(
                f"{loaded.path} declares nothing called {name}"
                f" (it declares {', '.join(known) or 'nothing that takes a model'})"
            )
        lines[number] = _changed(lines[number], model)
    changed = load_source(_source(source, lines, loaded.path))
    if changed.design is None:
        changed = load_source(_source(source, lines, f"{loaded.path} with {chosen.text}"))
    return replace(changed, sha256=loaded.sha256)


def _source(source: Source, lines: Sequence[str], path: str) -> Source:
    text = source.text if source.shifts else "\n".join(lines)
    return Source(path, text, tuple(lines), source.shifts)


def _names(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        match = _DECLARATION.match(line)
        if match:
            yield match["name"]


def _declared(lines: Sequence[str], name: str) -> int | None:
    """The line that declares a name, counted from 0."""
    for number, line in enumerate(lines):
        match = _DECLARATION.match(line)
        if match and match["name"] == name:
            return number
    return None


def _changed(line: str, model: str) -> str:
    match = _DECLARATION.match(line)
    assert match is not None
    guarantee = model in {s.value for s in Delivery}
    return f"{match['head']} {'' if guarantee else 'via '}{model}{match['rest']}"
