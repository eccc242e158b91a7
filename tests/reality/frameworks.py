"""Workers of task queues in processes of their own: one program per framework (``work.py``, and
``work.js`` for those of Node), told by the environment what to run on.

Every run of a task leaves a word in the list ``NAME:runs`` in Redis, so that it is counted although
its process is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reality import servers
from support.repo import ROOT

NODE = ROOT / "tests" / "reality" / "node"
MODULES = Path(os.environ.get("REALITY_NODE_MODULES", NODE / "node_modules"))
"""Where the frameworks of Node are: ``npm install`` in ``tests/reality/node``."""


def environment(name: str, **settings: Any) -> dict[str, str]:
    """What a worker and a sender are told."""
    return {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'checker'}:{ROOT / 'tests'}",
        "NODE_PATH": str(MODULES),
        "REALITY_NAME": name,
        "REALITY_SETTINGS": json.dumps(settings),
    }


class Worker:
    """A worker with everything that it has started; ``command``: without the interpreter for
    Python.
    """

    def __init__(self, command: tuple[str, ...], told: dict[str, str]) -> None:
        node = command[0] == "node"
        line = command if node else (sys.executable, "-P", *command)
        self.process = subprocess.Popen(
            line,
            cwd=ROOT,
            env=told,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self) -> None:
        """SIGKILL to the worker and its children: nothing is given back in order."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, number: int = signal.SIGTERM) -> None:
        """A signal to the parent alone."""
        self.process.send_signal(number)

    def ports(self) -> list[int]:
        """The local ports of its connections."""
        group = [
            entry
            for entry in os.listdir("/proc")
            if entry.isdecimal() and _group_of(entry) == self.process.pid
        ]
        inodes = {link for pid in group for link in _sockets(pid)}
        lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
        rows = [line.split() for line in lines]
        return [int(row[1].split(":")[1], 16) for row in rows if row[9] in inodes]


def _group_of(pid: str) -> int:
    try:
        return os.getpgid(int(pid))
    except ProcessLookupError:
        return 0


def _sockets(pid: str) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            target = os.readlink(entry)
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found


class Counter:
    """The runs of a test's tasks."""

    def __init__(self, name: str) -> None:
        self.client = servers.redis()
        self.key = f"{name}:runs"

    def runs(self) -> list[str]:
        """A word for each run that has begun, and ``done`` for each that has ended."""
        return list(self.client.lrange(self.key, 0, -1))

    def begun(self) -> int:
        """How many runs have begun."""
        return sum(run != "done" for run in self.runs())

    def wait(self, count: int, seconds: float = 20) -> int:
        """How many runs have begun when there are ``count``, or the time is over."""
        until(lambda: self.begun() >= count, seconds)
        return self.begun()


def until(condition: Callable[[], Any], seconds: float = 20) -> bool:
    """Whether something became true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return bool(condition())
