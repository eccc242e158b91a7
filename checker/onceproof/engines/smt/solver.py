"""Solvers that read SMT-LIB 2 text: Z3 in this process, cvc5 where it is installed.

Both get exactly the text that goes into certificate files. Only the answers ``sat`` and ``unsat``
are answers; whatever else a solver says is UNKNOWN, and an error message is an exception. The
modules z3 and cvc5 have no types and are slow to import, so they are imported here, inside
functions, and nowhere else.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from importlib.util import find_spec
from queue import SimpleQueue
from typing import Any, NoReturn, Protocol

from msgspec import Struct, field

THREADS = sys.platform != "emscripten"
"""Threads can be started. In a browser they cannot: there Z3 has no limit of time, which it keeps
with a thread, and whoever has waited enough ends the worker that the page runs in.
"""

STEPS_PER_SECOND = 1_500_000
"""Z3's own steps that stand for a second where there are no threads."""

CHECK = "(check-sat)"
"""The command that may take long."""

PATIENCE = 0.5
"""Seconds of one wait for the solver. Where a wait cannot be interrupted (Windows), Ctrl-C is seen
after so long.
"""


class Status(Enum):
    """What a solver says about assertions."""

    SAT = "sat"
    UNSAT = "unsat"
    UNKNOWN = "unknown"


class Reply(Struct, frozen=True):
    """A solver's answer; ``values`` are those asked for (bit vectors as numbers, Booleans as 0 and
    1), by name, if SAT.
    """

    status: Status
    values: dict[str, int] = field(default_factory=dict)
    reason: str = ""


class Effort(Struct, frozen=True):
    """When to give up one check: after so many seconds, or after so many of the solver's own steps
    (0: no such limit).

    Steps are the same on every machine; seconds are the safety net. ``megabytes``: what the solver
    may hold (None: no limit).
    """

    seconds: float = 60.0
    steps: int = 0
    megabytes: int | None = None


MANY = 50_000_000
"""Steps of Z3 for one question about all obligations of a proof."""


class SolverError(Exception):
    """A solver refused the text it was given: a bug of the encoding or of the solver, never an
    answer.
    """


class Session(Protocol):
    """A solver with some assertions."""

    def load(self, text: str) -> None:
        """Forget everything, then read commands."""

    def add(self, text: str) -> None:
        """Read more commands, for good."""

    def check(self, text: str = "", names: Sequence[str] = (), steps: int = 0) -> Reply:
        """Read commands, decide, note the values of the named symbols if SAT, and forget these
        commands again.

        ``steps``: a tighter limit than the solver's own, for this check (0: none).
        """


class Solver(Protocol):
    """A way to open sessions."""

    @property
    def name(self) -> str:
        """The name used in reports."""

    def available(self) -> bool:
        """It is installed."""

    @property
    def steps_for_many(self) -> int:
        """Steps within which it is asked about many obligations at once; 0: it is asked about each
        by itself.
        """

    def session(self) -> Session:
        """A new session, independent of all others."""


class _Session(Struct):
    """A session over ``run``, which hands commands to the solver and returns what it prints.

    ``tighter``: the command that sets a limit of steps, with a place for it.
    """

    run: Callable[[str], str]
    before: str = ""
    after: str = ""
    tighter: str = ""

    def load(self, text: str) -> None:
        self.add(f"(reset)\n{text}")

    def add(self, text: str) -> None:
        printed = self.run(text).strip()
        if printed:
            raise SolverError(printed)

    def check(self, text: str = "", names: Sequence[str] = (), steps: int = 0) -> Reply:
        limits = self.before + (self.tighter.format(steps) if steps else "")
        self.add(f"(push 1)\n{text}")
        try:
            reply = self._checked(names, limits)
        except Exception:
            self._forget()
            raise
        # interrupted: the session is of no use any more, but Z3 keeps the limits for the whole
        # process
        except BaseException:
            with suppress(SolverError):
                self._forget()
            raise
        self._forget()
        return reply

    def _checked(self, names: Sequence[str], limits: str) -> Reply:
        try:
            reply = _status(self.run(f"{limits}{CHECK}"))
        except SolverError as error:
            if "out of memory" not in str(error):
                raise
            return Reply(Status.UNKNOWN, reason="the solver ran out of the memory it may have")
        if reply.status is Status.SAT and names:
            symbols = " ".join(f"|{name}|" for name in names)
            return Reply(Status.SAT, _values(self.run(f"(get-value ({symbols}))"), names))
        return reply

    def _forget(self) -> None:
        """Take back what the last check was asked with."""
        self.run(f"(pop 1){self.after}")


def _status(printed: str) -> Reply:
    """The answer to one ``check-sat``; only the exact words count."""
    answer = printed.strip()
    if answer in (Status.SAT.value, Status.UNSAT.value):
        return Reply(Status(answer))
    if answer.split(" ")[0] == Status.UNKNOWN.value:
        return Reply(Status.UNKNOWN, reason="the solver gave up within its limits")
    raise SolverError(answer)


def _values(printed: str, names: Sequence[str]) -> dict[str, int]:
    """The numbers in an answer to ``get-value``, by name."""
    values: dict[str, int] = {}
    for name, plain, value in re.findall(
        r"\((?:\|([^|]*)\||([^\s()|]+))\s+(#b[01]+|#x[0-9a-f]+|true|false)\)", printed
    ):
        if value in ("true", "false"):
            values[name or plain] = int(value == "true")
        else:
            values[name or plain] = int(value[2:], 2 if value[1] == "b" else 16)
    if set(names) - set(values):
        raise SolverError(f"no value for {sorted(set(names) - set(values))}")
    return values


class Z3(Struct, frozen=True):
    """Z3 in this process, with fixed seeds."""

    effort: Effort = Effort()

    @property
    def name(self) -> str:
        """The name used in reports."""
        return "z3"

    def available(self) -> bool:
        """It is installed."""
        return find_spec("z3") is not None

    @property
    def steps_for_many(self) -> int:
        """As many as it takes for the largest proofs known, several times over; never more than it
        may spend on one.
        """
        return min(self.effort.steps or MANY, MANY)

    def session(self) -> Session:
        """A new session, independent of all others."""
        run = _z3()
        run(
            "(set-option :random-seed 0)(set-option :sat.random_seed 0)(set-option"
            " :smt.random_seed 0)"
        )
        return _Session(
            run, _z3_limits(self.effort), _z3_limits(Effort(0, 0)), "(set-option :rlimit {})"
        )


def _z3() -> Callable[[str], str]:
    """A new Z3 context, as a function from commands to what Z3 prints."""
    import z3

    z3.set_param(
        "ctrl_c", False
    )  # Z3's own handler would make an interrupt an `unknown`, and nobody else would hear of it
    context = z3.Context()

    def run(text: str) -> str:
        try:
            return str(z3.Z3_eval_smtlib2_string(context.ref(), text))
        except z3.Z3Exception as error:
            raise SolverError(f"z3: {error}") from error

    return _Interruptible(run, context.interrupt).run


class _Interruptible:
    """Runs commands in a thread of its own, so that Ctrl-C and the limits of time reach the main
    thread at once.

    Whatever breaks off the wait (an exception that a signal handler raised) is raised here once the
    solver has stopped, and what the solver said is dropped. Other threads get no signals and call
    the solver themselves. The thread is started with the session and not with the command: an
    interrupt that comes while a thread starts would leave it unclear whether it runs.
    """

    def __init__(self, run: Callable[[str], str], stop: Callable[[], None]) -> None:
        self._run = run
        self._stop = stop
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._in_main = THREADS and threading.current_thread() is threading.main_thread()
        if self._in_main:
            threading.Thread(
                target=_work, args=(self._run, self._tasks), name="solver", daemon=True
            ).start()

    def run(self, text: str) -> str:
        """Hand over commands; what the solver prints. Raises SolverError, and whatever interrupted
        it.
        """
        if (
            not self._in_main
            or threading.current_thread() is not threading.main_thread()
            or not text.endswith(CHECK)
        ):
            return self._run(text)
        task = _Task(text)
        try:
            self._tasks.put(task)
            while not task.done.wait(PATIENCE):
                continue
        except BaseException as error:
            self._abandon(task, error)
        if task.error is not None:
            raise task.error
        return task.printed

    def _abandon(self, task: _Task, reason: BaseException) -> NoReturn:
        """Stop the solver, wait until it has stopped, and raise the reason; Ctrl-C goes before any
        other.
        """
        while True:
            try:
                while not task.done.is_set():
                    self._stop()  # again and again: it has no effect before the solver has begun
                    task.done.wait(0.02)
                break
            except BaseException as error:
                reason = error if isinstance(error, KeyboardInterrupt) else reason
        raise reason

    def __del__(self) -> None:
        self._tasks.put(None)


class _Task:
    """Commands for the solver's thread, and what came of them once ``done`` is set."""

    __slots__ = ("done", "error", "printed", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.printed = ""
        self.error: Exception | None = None
        self.done = threading.Event()


def _work(run: Callable[[str], str], tasks: SimpleQueue[_Task | None]) -> None:
    """What the solver's thread does until there are no more tasks."""
    while (task := tasks.get()) is not None:
        try:
            task.printed = run(task.text)
        except Exception as error:
            task.error = error
        finally:
            task.done.set()


def _z3_limits(effort: Effort) -> str:
    """Z3 keeps these options for the whole process: every check sets them and takes them back."""
    timed = effort.seconds and THREADS
    timeout = max(1, round(effort.seconds * 1000)) if timed else 2**32 - 1
    memory = effort.megabytes or 0
    steps = effort.steps
    if not THREADS:
        steps = min(steps or 2**32 - 1, round(effort.seconds * STEPS_PER_SECOND))
    return (
        f"(set-option :rlimit {steps})(set-option :timeout {timeout})(set-option"
        f" :memory_max_size {memory})"
    )


class Cvc5(Struct, frozen=True):
    """cvc5 in this process, with fixed seeds."""

    effort: Effort = Effort()

    @property
    def name(self) -> str:
        """The name used in reports."""
        return "cvc5"

    def available(self) -> bool:
        """It is installed."""
        return find_spec("cvc5") is not None

    @property
    def steps_for_many(self) -> int:
        """Its limits are those of a whole session: it is asked about each obligation by itself."""
        return 0

    def session(self) -> Session:
        """A new session, independent of all others."""
        return _Session(_Cvc5(self.effort).run)


class _Cvc5(Struct):
    """The state of a cvc5 session; ``(reset)`` makes new objects, because the options of a used one
    are frozen.
    """

    effort: Effort
    parts: tuple[Any, Any, Any] | None = None

    def run(self, text: str) -> str:
        import cvc5

        if text.startswith("(reset)") or self.parts is None:
            self.parts = self._fresh()
            text = text.removeprefix("(reset)")
        solver, symbols, parser = self.parts
        printed = []
        try:
            parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "text")
            while not (command := parser.nextCommand()).isNull():
                printed.append(str(command.invoke(solver, symbols)))
        except RuntimeError as error:
            raise SolverError(f"cvc5: {error}") from error
        return "".join(printed)

    def _fresh(self) -> tuple[Any, Any, Any]:
        import cvc5

        manager = cvc5.TermManager()
        solver = cvc5.Solver(manager)
        options = {
            "incremental": "true",
            "produce-models": "true",
            "seed": "1",
            "sat-random-seed": "1",
        }
        if self.effort.seconds:
            options["tlimit-per"] = str(max(1, round(self.effort.seconds * 1000)))
        if self.effort.steps:
            options["rlimit-per"] = str(self.effort.steps)
        for option, value in options.items():
            solver.setOption(option, value)
        symbols = cvc5.SymbolManager(manager)
        return solver, symbols, cvc5.InputParser(solver, symbols)


def installed(effort: Effort) -> tuple[Solver, ...]:
    """Every solver that is installed, Z3 first."""
    every: tuple[Solver, ...] = (Z3(effort), Cvc5(effort))
    return tuple(solver for solver in every if solver.available())
