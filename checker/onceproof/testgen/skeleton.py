"""The text of generated tests, and of the harness that is written by hand. Pure text: the same on
every run.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from onceproof.testgen.points import TESTABLE, Point

WIDTH = 120


def module_text(path: str, semantics: str, points: Sequence[Point], command: str) -> str:
    """The test module for the points of one design. Valid Python, also if there are no points."""
    written = [p for p in points if not p.aside]
    head = (
        f'"""Crash tests for {PurePath(path).name} under {semantics}, written by `{command}`.\n\n'
    )
    head += _filled(
        "Made to be made again: what is yours stands in the `harness` fixture. Each test publishes"
        " a message, kills the worker at one place, lets the broker deliver again, and counts the"
        " effect from outside.",
        "",
    )
    aside = [f"  {p.claim}: {p.text}: {p.aside}." for p in points if p.aside]
    if aside:
        head += "\nNot here:\n" + "\n".join(dict.fromkeys(aside)) + "\n"
    lines = [head + '"""', "", "from __future__ import annotations", ""]
    if written:
        lines += ["from onceproof.testing import Event, Harness, Kill, crash", ""]
        for number, event in enumerate(_events(written)):
            lines.append(
                f"{_event_name(number)}: Event ="
                f" {{{', '.join(f'{_quoted(k)}: {_quoted(v)}' for k, v in event)}}}"
            )
    else:
        lines.append(
            "# No crash of a worker breaks a claim of this design; `--all` writes a test for every"
            " gap."
        )
    names: set[str] = set()
    for point in written:
        lines += ["", "", *_test(point, _event_name(_events(written).index(point.event)), names)]
    return "\n".join(lines) + "\n"


def _events(points: Sequence[Point]) -> list[tuple[tuple[str, str], ...]]:
    return list(dict.fromkeys(p.event for p in points))


def _event_name(number: int) -> str:
    return "EVENT" if number == 0 else f"EVENT_{number + 1}"


def _test(point: Point, event: str, names: set[str]) -> Iterator[str]:
    """One test function."""
    yield f"def {_name(point, names)}(harness: Harness) -> None:"
    verb = "breaks" if point.fatal else "does not break"
    docstring = f'"""A worker killed {point.text} {verb} *{point.claim}*.'
    yield from textwrap.wrap(docstring, WIDTH - 4, initial_indent="    ", subsequent_indent="    ")
    yield ""
    if point.fatal:
        yield f"    {point.headline}:"
        yield ""
        for step in point.story:
            yield from textwrap.wrap(
                step, WIDTH - 4, initial_indent="    ", subsequent_indent="         "
            )
        yield ""
    yield f"    The effect must happen {TESTABLE[point.kind]}."
    yield '    """'
    kill = ", ".join(
        f"{word}={_quoted(text)}"
        for word, text in (("after", point.after), ("before", point.before))
        if text
    )
    times = f", times={point.crashes}" if point.crashes > 1 else ""
    yield f"    crash(harness, {event}, Kill({kill}){times})"
    sign = {"no-duplicate": "<= 1", "no-loss": ">= 1"}.get(point.kind, "== 1")
    yield f"    assert harness.count({_quoted(point.effect)}, {event}) {sign}"


def _name(point: Point, names: set[str]) -> str:
    """A name that says what, and where."""
    claim = re.sub(r"[^a-z0-9]+", "_", point.claim.lower()).strip("_")
    after, before = point.lines
    where = f"after_line_{after}" if after else f"before_line_{before}"
    name = base = f"test_{claim}__killed_{where}"
    number = 1
    while name in names:
        number += 1
        name = f"{base}_{number}"
    names.add(name)
    return name


def harness_text(path: str, points: Sequence[Point]) -> str:
    """A ``conftest.py`` to fill in, with the steps that the tests need."""
    steps = list(
        dict.fromkeys(step for p in points if not p.aside for step in (p.after, p.before) if step)
    )
    table = "\n".join(f'            {_quoted(step)}: "",' for step in steps)
    effects = ", ".join(f"`{e}`" for e in dict.fromkeys(p.effect for p in points))
    return f'''"""The harness for the crash tests of {PurePath(path).name}: fill in what is yours.

What each part means stands in checker/onceproof/testing/__init__.py.
"""

from __future__ import annotations

import pytest

from onceproof.testing import Event


class Application:
    """Where the steps of the design are in your code."""

    def __init__(self) -> None:
        # "package.module:function" or "package.module:Class.method"; of two neighbouring steps one
        # is enough.
        self.steps = {{
{table}
        }}
        self.worker = ""  # a function that handles messages until none is left, and returns
        # For the worker's process: addresses, the name of the test's database ...
        self.environment: dict[str, str] = {{}}

    def publish(self, event: Event) -> None:
        """Put the event into the queue, once."""
        raise NotImplementedError

    def redelivered(self, event: Event) -> None:
        """Return when the broker is ready to deliver the event again, or has nothing to deliver."""
        raise NotImplementedError

    def count(self, effect: str, event: Event) -> int:
        """How often the effect has happened for the event, seen from outside.

        Effects: {effects}.
        """
        raise NotImplementedError


@pytest.fixture
def harness() -> Application:
    """The application under test, with nothing left over from other tests."""
    return Application()
'''


def _filled(text: str, indent: str) -> str:
    return (
        "\n".join(textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent))
        + "\n"
    )


def _quoted(text: str) -> str:
    """A Python string, in double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
