"""The process from which workers and the provider are forked: it has loaded the design, so that a
worker begins in milliseconds.

``python -m onceproof.drill.nursery CONFIGURATION`` reads requests from its standard input, one JSON
object a line. Every child speaks to the director over a socket of its own. When the director is
gone, whatever the reason, the input ends, and the whole group of processes with it: nothing
survives a drill.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from onceproof.drill import adapters
from onceproof.drill.adapters import Address, Trouble
from onceproof.drill.plan import Choice, Plan, plan
from onceproof.drill.provider import serve
from onceproof.drill.worker import Failed, Sessions, Walker
from onceproof.interpreter.trace import EventOf
from onceproof.lang.load import load
from onceproof.machine.delivery import Delivery

DIE_WITH_PARENT = 1
"""``PR_SET_PDEATHSIG`` of Linux."""

DIRECTOR = "director"
"""The socket of the director, in the folder of the run, which is the working folder here."""


def main(path: str) -> None:
    """Serve requests until the input ends."""
    data = json.loads(Path(path).read_text(encoding="utf-8"))
    loaded = load(data["design"])
    assert loaded.design is not None
    made = replace(
        plan(
            loaded.design,
            Delivery(data["semantics"]),
            choice_of(data["choice"]),
            data["folder"],
            data["namespace"],
        ),
        limit=data["limit"],
    )
    signal.signal(
        signal.SIGCHLD, signal.SIG_IGN
    )  # the kernel collects dead children: there are no zombies
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _preload(made)
    with socket.socket(socket.AF_UNIX) as hello:
        hello.connect(DIRECTOR)
        hello.sendall(b'{"nursery": true}\n')
    for line in sys.stdin:
        request = json.loads(line)
        if os.fork() == 0:
            _child(made, request)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(os.getpgid(0), signal.SIGKILL)


def choice_of(data: Any) -> Choice:
    """The user's choice, as the director has written it."""
    return Choice(
        data["queue"],
        data["database"],
        data["lease"],
        tuple((p, Address(*a)) for p, a in data["addresses"]),
    )


def choice_data(choice: Choice) -> dict[str, Any]:
    """The user's choice for the file that ``choice_of`` reads."""
    places = [(p, (a.host, a.port, a.user, a.password, a.database)) for p, a in choice.addresses]
    return {
        "queue": choice.queue,
        "database": choice.database,
        "lease": choice.lease,
        "addresses": places,
    }


def _preload(made: Plan) -> None:
    import http.client  # noqa: F401  every worker asks the provider
    import importlib

    for product in made.products:
        importlib.import_module(f"{adapters.__name__}.{product}")


def _child(made: Plan, request: Any) -> None:
    """A worker or the provider. Never returns."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
        os.close(0)
        line = Line(request["id"])
        if request["role"] == "provider":
            serve(lambda port: line.say(port=port))
        else:
            _work(made, line, request)
        code = 0
    except BaseException as error:  # the director shows it: a bug of ours
        with contextlib.suppress(Exception):
            import traceback

            line.say(bug="".join(traceback.format_exception(error)))
    finally:
        os._exit(code)


class Line:
    """The child's end of the conversation with the director."""

    def __init__(self, number: int) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(DIRECTOR)
        self.file = self.socket.makefile("r", encoding="utf-8")
        self.say(id=number, pid=os.getpid())

    def say(self, **data: Any) -> None:
        """Send one object."""
        self.socket.sendall(json.dumps(data).encode() + b"\n")

    def wait(self) -> None:
        """Go on when the director says so; if it is gone, so is this process."""
        if not self.file.readline():
            os._exit(1)


def _work(made: Plan, line: Line, request: Any) -> None:
    events = tuple(EventOf(c, t, tuple(map(tuple, p))) for c, t, p in request["events"])
    process = next(p for p in made.design.processes if p.name == request["process"])
    sessions = Sessions(made, request["links"])
    walker = Walker(made, process, sessions, events, request["provider"], request["id"])
    try:
        sessions.open(process)
        if process.queue is not None:
            began = walker.receive(request["wanted"], request["seconds"])
        else:
            began = walker.poll(request["wanted"])
    except Trouble as error:
        line.say(got=None, why=str(error))
        return
    is_redelivered = walker.message.again if walker.message is not None else False
    line.say(
        got=walker.event if began else None, again=is_redelivered, sessions=sessions.identities
    )
    if not began:
        sessions.close()
        return
    end = "ended"
    steps = walker.run()
    try:
        while True:
            pause = next(steps)
            _report(line, walker, at=[pause.span.line, pause.part, pause.kind, pause.span.path])
            line.wait()
    except StopIteration:
        pass
    except Failed:
        end = "failed"
    sessions.close()
    _report(line, walker, end=end)


def _report(line: Line, walker: Walker, **where: Any) -> None:
    outcome, detail = walker.outcome
    line.say(outcome=outcome, detail=detail, sections=walker.sections, **where)


if __name__ == "__main__":
    main(sys.argv[1])
