"""What may come of a text: a design or errors, every place inside the text, soon."""

from __future__ import annotations

import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from onceproof.lang.diagnostics import Severity
from onceproof.lang.load import Loaded, load_text
from onceproof.lower import lower
from onceproof.report.diagnostics import render

SECONDS = 1.0
"""Of processor time, for a text of 100 kB or less."""
FOR_LOWERING = 5.0
HANGS = 20.0


class Hangs(BaseException):
    """Not an Exception, so that nothing on the way swallows it."""


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise Hangs

    old = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, old)


def problem(text: str, *, thorough: bool = False) -> str:
    """What is wrong with the answer to a text; empty if nothing. ``thorough``: also render the
    messages and lower the design.
    """
    begin = time.process_time()
    try:
        with _alarm(HANGS):
            loaded = load_text(text, "fuzz.once")
            spent = time.process_time() - begin
            found = _places(loaded)
            if thorough and not found:
                render(loaded.diagnostics, loaded.sources)
                found = _lowering(loaded)
    except Hangs:
        return f"hangs: {_where()}"
    except RecursionError:
        return "RecursionError"
    except Exception:
        return _where()
    if spent > SECONDS * max(1.0, len(text) / 100_000):
        return f"{spent:.1f} s for {len(text)} characters"
    return found


def _where() -> str:
    """The end of a traceback: enough to tell one bug from another."""
    return "".join(traceback.format_exc().splitlines(True)[-5:])


def _places(loaded: Loaded) -> str:
    errors = [d for d in loaded.diagnostics if d.severity is Severity.ERROR]
    if (loaded.design is None) != bool(errors):
        return "a design and errors" if errors else "neither a design nor an error"
    for d in loaded.diagnostics:
        for label in (d.primary, *d.secondary):
            source = loaded.sources.get(label.span.path)
            if source is None:
                return f"{d.code}: a place in a file that was not read"
            span, lines = label.span, len(source.lines)
            if not (1 <= span.line <= lines and span.end_line == span.line):
                return f"{d.code}: line {span.line} to {span.end_line} of {lines}"
            if not 1 <= span.column <= span.end_column <= max(len(source.line(span.line)), 1) + 1:
                return (
                    f"{d.code}: columns {span.column} to {span.end_column} of"
                    f" {source.line(span.line)!r}"
                )
    return ""


def _lowering(loaded: Loaded) -> str:
    """A sound design can be lowered under each of its guarantees."""
    if loaded.design is None:
        return ""
    for semantics in loaded.design.semantics:
        begin = time.process_time()
        lower(loaded.design, semantics)
        spent = time.process_time() - begin
        if spent > FOR_LOWERING:
            return f"lowering takes {spent:.1f} s"
    return ""
