"""The small library that generated crash tests use: run your worker in a process of its own, kill
it at a step, run it again.

Tests written by ``onceproof testgen`` need a ``harness`` fixture that offers what ``Harness``
lists. Your code stays as it is: the child process wraps the function behind a step and sends itself
a SIGKILL right after (or right before) it.

``__main__``: the program that runs in the child: ``python -m onceproof.testing MODULE:FUNCTION
[--kill after|before MODULE:FUNCTION]``.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct

Event = Mapping[str, str]
"""A message as the design declares it: every field with a value."""

SECONDS = 60.0
"""How long a worker may take before the test gives up on it."""


class Kill(Struct, frozen=True):
    """A place between two steps of a handler, named as the design writes them (without comments).
    ``""``: there is none.
    """

    after: str = ""
    before: str = ""

    def __str__(self) -> str:
        words = [f"after `{self.after}`"] if self.after else []
        words += [f"before `{self.before}`"] if self.before else []
        return " and ".join(words)


class Harness(Protocol):
    """What a test needs to know of your application.

    ``steps`` maps a step of the design to the function of yours that does it, as
    ``package.module:Class.method``. Only the steps next to a kill point are needed. ``worker`` is
    the function that handles messages until none is left and returns. ``environment`` is added to
    the environment of the worker's process.
    """

    steps: Mapping[str, str]
    worker: str
    environment: Mapping[str, str]

    def publish(self, event: Event) -> None:
        """Put the event into the queue, once."""

    def redelivered(self, event: Event) -> None:
        """Return when the broker is ready to deliver the event again after its worker died; fail if
        it never is.
        """

    def count(self, effect: str, event: Event) -> int:
        """How often the effect has happened for the event, seen from outside: mails in the mailbox,
        rows in the ledger.
        """


def crash(harness: Harness, event: Event, kill: Kill, times: int = 1) -> None:
    """The story of a generated test: publish, a worker that is killed at this place, redelivery, a
    worker that finishes.

    ``times``: how many workers are killed, one after the other. Raises AssertionError if the place
    is never reached, or if the last worker fails.
    """
    harness.publish(event)
    for _ in range(times):
        run_until_killed(harness, kill)
        harness.redelivered(event)
    run(harness)


def run(harness: Harness) -> None:
    """Run the worker until it returns. Raises AssertionError if it fails."""
    done = _child(harness, [])
    assert done.returncode == 0, (
        f"the worker failed with {done.returncode}:\n{done.stdout}{done.stderr}"
    )


def run_until_killed(harness: Harness, kill: Kill) -> None:
    """Run the worker and kill it. Raises AssertionError if it does not come to that place."""
    done = _child(harness, ["--kill", *_place(harness, kill)])
    reached = done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
    assert reached, (
        f"the worker was not killed {kill}: it ended with"
        f" {done.returncode}\n{done.stdout}{done.stderr}"
    )


def _place(harness: Harness, kill: Kill) -> tuple[str, str]:
    """``after`` or ``before``, and the function: whichever of the two neighbours the harness
    knows.
    """
    for when, step in (("after", kill.after), ("before", kill.before)):
        if step and harness.steps.get(step):
            return when, harness.steps[step]
    raise AssertionError(
        f"harness.steps knows neither `{kill.after}` nor `{kill.before}`: say which function of"
        " yours does one of them"
    )


def _child(harness: Harness, more: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "onceproof.testing", harness.worker, *more]
    path = os.pathsep.join(p for p in sys.path if p)
    environment = {**os.environ, "PYTHONPATH": path, **harness.environment}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )


# ---------------------------------------------------------------- inside the child process


def resolved(where: str) -> tuple[Any, str]:
    """What holds the function ``package.module:Class.method``, and its name there. Raises
    AttributeError or ImportError.
    """
    module, _, path = where.partition(":")
    *outer, name = path.split(".")
    holder: Any = importlib.import_module(module)
    for part in outer:
        holder = getattr(holder, part)
    getattr(holder, name)
    return holder, name


def arm(when: str, where: str) -> None:
    """Make this process kill itself ``after`` or ``before`` the function, the first time it is
    called.
    """
    holder, name = resolved(where)
    function: Callable[..., Any] = getattr(holder, name)

    @functools.wraps(function)
    def armed(*given: Any, **named: Any) -> Any:
        if when == "after":
            function(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(holder, name, armed)


def main(arguments: list[str]) -> None:
    """Run a worker, armed if asked for."""
    target, *rest = arguments
    if rest:
        _, when, where = rest
        arm(when, where)
    holder, name = resolved(target)
    getattr(holder, name)()
