"""The processes and products of a drill: workers that stand still until they are told, and every
fault that can be done to them.

One thing happens at a time. What the director does is done to real processes and real connections;
where a product has no means for a fault, the method says so by its result, and nothing is imitated.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from onceproof.drill import nursery
from onceproof.drill.adapters import (
    Channel,
    Contents,
    DatabaseServer,
    QueueServer,
    Server,
    Trouble,
    server,
)
from onceproof.drill.journal import Run
from onceproof.drill.plan import Plan, key_of
from onceproof.drill.provider import request
from onceproof.drill.proxy import Proxy
from onceproof.interpreter.context import Context
from onceproof.interpreter.trace import EventOf

PATIENCE = 0.35
"""Seconds without an answer after which a step counts as waiting, where the product does not
tell.
"""
LIMIT = 15.0
"""Seconds after which a step that its product does not call waiting is given up."""


class Broken(Exception):
    """Something that is a bug of the drill: a worker raised what it should not, or the nursery is
    gone.
    """


class Report(Struct, frozen=True):
    """What a worker says when it stands still. ``at``: line, part, kind of pause, and file;
    ``end``: ``ended``, ``failed`` or ``""``.
    """

    at: tuple[int, int, str, str] | None
    end: str
    outcome: str
    detail: str
    sections: tuple[str, ...]

    @property
    def place(self) -> tuple[int, int] | str:
        """Where the worker stands: line and part, or how it ended."""
        return self.end if self.at is None else self.at[:2]


class Actor:
    """A worker's process as the director knows it. ``state``: ``paused``, ``busy``, ``ended``,
    ``failed`` or ``killed``.
    """

    def __init__(self, number: int, process: str, event: int) -> None:
        self.number = number
        self.process = process
        self.event = event
        self.pid = 0
        self.state = "busy"
        self.report: Report | None = None
        self.again = False
        self.holds = False
        self.frozen = False
        self.sessions: dict[str, str] = {}
        self.links: dict[str, Proxy] = {}
        self.cuts: set[str] = set()
        self.socket: socket.socket | None = None
        self.buffer = b""

    @property
    def is_alive(self) -> bool:
        """Whether the process is there and has not come to its end."""
        return self.state in ("paused", "busy")

    @property
    def line(self) -> int:
        """The line it stands before; 0 if it is over."""
        return (
            self.report.at[0]
            if self.report is not None and self.report.at is not None and self.is_alive
            else 0
        )

    @property
    def is_mid(self) -> bool:
        """Whether it stands in the middle of a step, between two statements of a transaction."""
        return (
            self.report is not None
            and self.report.at is not None
            and self.is_alive
            and self.report.at[2] == "statement"
        )

    @property
    def path(self) -> str:
        """The file of that line."""
        return (
            self.report.at[3]
            if self.report is not None and self.report.at is not None and self.is_alive
            else ""
        )

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections it is in."""
        return self.report.sections if self.report is not None and self.is_alive else ()


class Observed(Struct, frozen=True):
    """What can be seen from outside: rows with their columns, and how often each effect or
    increment happened, all by spot.

    ``increments``: per column, key and event, those that the event's own workers made.
    """

    rows: Mapping[tuple[str, str], tuple[int, Mapping[str, str]]]
    effects: Mapping[tuple[str, str], int]
    increments: Mapping[tuple[str, str, int], int]


class Stage:
    """One design with its products, for any number of runs, one after the other."""

    def __init__(self, plan: Plan, run: Run) -> None:
        self.plan = plan
        self.run = run
        self.context = Context.of(plan.design, plan.semantics)
        self.servers: dict[str, Server] = {}
        self.events: tuple[EventOf, ...] = ()
        self.actors: list[Actor] = []
        self.provider = 0
        self._nursery: subprocess.Popen[bytes] | None = None
        self._listener: socket.socket | None = None
        self._count = 0

    # -- setting up and clearing away

    def open(self) -> None:
        """Make everything that the design needs. Raises ``Unavailable`` if a product cannot be
        used.
        """
        for product in self.plan.products:
            settings = self.plan.settings(product)
            made = server(product, settings)
            made.version()
            self.run.uses(product, settings)
            self.servers[product] = made
            if isinstance(made, DatabaseServer) and product in self.plan.databases:
                made.make()
            if isinstance(made, QueueServer) and product in self.plan.queues.values():
                made.make_queues()
        self._start_nursery()
        provider = self._fork(role="provider")
        data = self._next(provider, LIMIT)
        assert data is not None
        self.provider = int(data["port"])

    @property
    def versions(self) -> tuple[str, ...]:
        """The products with their versions."""
        return tuple(s.version() for s in self.servers.values())

    def _start_nursery(self) -> None:
        folder = Path(self.run.folder)
        self._listener = socket.socket(socket.AF_UNIX)
        # A socket's path may have some 100 characters, a folder for temporary files more. So both
        # ends name it relative to the run's folder.
        with contextlib.chdir(folder):
            self._listener.bind(nursery.DIRECTOR)
        self._listener.listen(16)
        design = Path(self.plan.design.path)
        data = {
            "design": str(design.resolve()),
            "semantics": self.plan.semantics.value,
            "choice": nursery.choice_data(self.plan.choice),
            "folder": str(folder),
            "namespace": self.plan.namespace,
            "limit": self.plan.limit,
        }
        configuration = folder / "drill.json"
        configuration.touch(mode=0o600)
        configuration.write_text(json.dumps(data), encoding="utf-8")
        path = os.pathsep.join(os.path.abspath(p) for p in sys.path if p)
        environment = {**os.environ, "PYTHONPATH": path}
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", nursery.__name__, str(configuration)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            cwd=folder,
            env=environment,
        )
        self._accepted(None)

    def _accepted(self, actor: Actor | None) -> None:
        """The next child that says hello; the nursery itself is the first."""
        assert self._listener is not None
        assert self._nursery is not None
        ready, _, _ = select.select([self._listener], [], [], LIMIT * 2)
        if not ready:
            raise Broken(f"no process answers (the nursery's exit code: {self._nursery.poll()})")
        connection, _ = self._listener.accept()
        if actor is None:
            connection.recv(64)
            connection.close()
            return
        actor.socket = connection
        data = self._next(actor, LIMIT)
        assert data is not None
        actor.pid = int(data["pid"])

    def _fork(self, **request: Any) -> Actor:
        assert self._nursery is not None
        assert self._nursery.stdin is not None
        actor = Actor(self._count, request.get("process", ""), -1)
        self._count += 1
        actor.links = request.pop("proxies", {})
        data = {**request, "id": actor.number, "links": {p: x.port for p, x in actor.links.items()}}
        self._nursery.stdin.write(json.dumps(data).encode() + b"\n")
        self._nursery.stdin.flush()
        self._accepted(actor)
        return actor

    def close(self) -> None:
        """End every process and remove everything from the servers. Raises ``Unavailable`` if a
        server is gone meanwhile.
        """
        try:
            self._end_processes()
        finally:
            for made in self.servers.values():
                made.remove()
                made.close()
            self.servers.clear()

    def _end_processes(self) -> None:
        for actor in self.actors:
            self._dismiss(actor)
        self.actors.clear()
        if self._nursery is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._nursery.pid, signal.SIGKILL)
            self._nursery.wait()
            if self._nursery.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    self._nursery.stdin.close()
            self._nursery = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def start(
        self, events: tuple[EventOf, ...], order: tuple[tuple[str, int], ...] | None = None
    ) -> None:
        """Begin a run: nothing is in any store, and the messages of root queues are there.

        ``order``: in which order they are put in, as queue and event; None: as they are declared.
        """
        for actor in self.actors:
            self._dismiss(actor)
        self.actors = []
        self.events = events
        request(self.provider, "POST", "/director/clear", {})
        for product, made in self.servers.items():
            if isinstance(made, DatabaseServer) and product in self.plan.databases:
                made.clear()
            if isinstance(made, QueueServer) and product in self.plan.queues.values():
                made.clear_queues()
            if product in self.plan.locks.values():
                made.clear_locks()  # type: ignore[attr-defined]
        roots = [
            (q.name, number)
            for number, event in enumerate(events)
            for q in self.plan.design.queues.values()
            if q.is_root and q.event == event.type
        ]
        for queue, number in sorted(roots, key=order.index) if order is not None else roots:
            self.publish(queue, number)

    def _dismiss(self, actor: Actor) -> None:
        """The actor's process ends, with its connections, whatever it is in the middle of."""
        for proxy in actor.links.values():
            proxy.discard()
        if actor.is_alive:
            self._sigkill(actor)
        for proxy in actor.links.values():
            proxy.close()
        actor.links = {}
        if actor.socket is not None:
            actor.socket.close()
            actor.socket = None

    @staticmethod
    def _sigkill(actor: Actor) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(actor.pid, signal.SIGKILL)
        actor.state = "killed"

    # -- the conversation with a worker

    def _next(self, actor: Actor, seconds: float) -> dict[str, Any] | None:
        """The worker's next words; None if it says nothing for so long. Raises ``Broken`` if it is
        gone without being killed.
        """
        assert actor.socket is not None
        end = time.monotonic() + seconds
        while b"\n" not in actor.buffer:
            ready, _, _ = select.select([actor.socket], [], [], max(end - time.monotonic(), 0))
            if not ready:
                return None
            try:
                more = actor.socket.recv(65536)
            except ConnectionError:
                more = b""
            if not more:
                raise Broken(f"worker {actor.number} is gone")
            actor.buffer += more
        line, _, actor.buffer = actor.buffer.partition(b"\n")
        data: dict[str, Any] = json.loads(line)
        if "bug" in data:
            raise Broken(f"worker {actor.number}:\n{data['bug']}")
        return data

    def begin(
        self, process: str, wanted: int | None, seconds: float = 0.0
    ) -> tuple[Actor | None, str]:
        """Start a worker: a consumer that asks for a message (``wanted``: of one event), or a relay
        that looks at one event.

        The actor at its first step, or None and why there is nothing for it to do.
        """
        proxies = {
            product: Proxy(made.settings.address.host, made.settings.address.port)
            for product, made in self.servers.items()
            if made.network
        }
        actor = self._fork(
            role="worker",
            process=process,
            wanted=wanted,
            seconds=seconds,
            provider=self.provider,
            proxies=proxies,
            events=[(e.component, e.type, e.payload) for e in self.events],
        )
        data = self._next(actor, seconds + LIMIT)
        if data is None or data["got"] is None:
            why = "no answer" if data is None else data.get("why") or "there is nothing to do"
            self._dismiss(actor)
            return None, why
        actor.event, actor.again, actor.sessions = (
            int(data["got"]),
            bool(data["again"]),
            dict(data["sessions"]),
        )
        declared = self.context.processes[process]
        actor.holds = declared.queue is not None and not self._is_settled_at_delivery(process)
        self.actors.append(actor)
        self._listen(actor, LIMIT)
        if actor.state == "busy":
            raise Broken(f"worker {actor.number} does not come to its first step")
        return actor, ""

    def _is_settled_at_delivery(self, process: str) -> bool:
        queue = self.context.processes[process].queue
        return queue is not None and process in self.channel(queue).at_delivery

    def channel(self, queue: str) -> Channel:
        """How a broker keeps a queue."""
        return next(c for c in self.queue_server(queue).settings.channels if c.name == queue)

    def _listen(self, actor: Actor, seconds: float) -> bool:
        """Take the worker's next report, if it comes in time."""
        data = self._next(actor, seconds)
        if data is None:
            return False
        at = tuple(data["at"]) if data.get("at") else None
        actor.report = Report(
            at, data.get("end", ""), data["outcome"], data["detail"], tuple(data["sections"])
        )
        actor.state = "paused" if at else data["end"]
        if not actor.is_alive:
            actor.holds = False
            for proxy in actor.links.values():
                proxy.close()
        return True

    def send(self, actor: Actor) -> None:
        """Let a worker make its next request, and do not wait for what comes of it."""
        assert actor.socket is not None
        actor.state = "busy"
        actor.socket.sendall(b"\n")

    def go(self, actor: Actor, fine: bool = False) -> bool:
        """Let a worker take its next step; False if it waits for another one. ``fine``: only its
        next statement.
        """
        self.send(actor)
        return self.await_step(actor, fine)

    def await_step(self, actor: Actor, fine: bool = False, limit: float = LIMIT) -> bool:
        """Whether a worker's step comes to its end; False if it waits for another one."""
        end = time.monotonic() + limit
        while True:
            patience = min(PATIENCE, max(end - time.monotonic(), 0))
            if self._listen(actor, patience):
                if (
                    fine
                    or actor.report is None
                    or actor.report.at is None
                    or actor.report.at[2] == "step"
                ):
                    return True
                self.send(actor)
                end = time.monotonic() + limit
                continue
            is_waiting = self._waits(actor)
            if is_waiting is True or (is_waiting is None) or time.monotonic() >= end:
                return False

    def _waits(self, actor: Actor) -> bool | None:
        """Whether a server says that the actor waits; None if none can tell."""
        answers = [
            self.servers[p].is_waiting(identity)
            for p, identity in actor.sessions.items()
            if p in self.servers
        ]
        known = [a for a in answers if a is not None]
        if any(known):
            return True
        locks = any(p not in actor.sessions for p in self.plan.locks.values())
        return False if known and not locks else None

    def poll(self, actor: Actor) -> bool:
        """Whether a worker that waited has gone on meanwhile."""
        return actor.state == "busy" and self.await_step(actor, limit=0.0)

    # -- faults

    def kill(self, actor: Actor) -> None:
        """SIGKILL between two steps: its connections end as the kernel ends them."""
        self._sigkill(actor)
        actor.holds = False
        self._dismiss(actor)

    def launch(self, actor: Actor) -> bool:
        """Let a worker send its next request and hold it back on the way, then SIGKILL the worker.
        False if nothing was sent.
        """
        self.order(actor, "hold")
        for proxy in actor.links.values():
            proxy.arm("hold")
        self.send(actor)
        end = time.monotonic() + 2.0
        is_held = False
        while not is_held and time.monotonic() < end:
            is_held = any(
                p.held.is_set() for p in actor.links.values()
            ) or self._is_held_by_provider(actor)
            if not is_held and self._listen(actor, 0.02):
                break
        if not is_held:
            for proxy in actor.links.values():
                proxy.release()
            return False
        self._sigkill(actor)
        actor.holds = False
        return True

    def _is_held_by_provider(self, actor: Actor) -> bool:
        return actor.number in request(self.provider, "GET", "/director/held")[1]

    def land(self, actor: Actor, arrives: bool) -> None:
        """What was held back on the way arrives after all, or never does."""
        then = "do" if arrives else "drop"
        request(self.provider, "POST", "/director/resolve", {"worker": actor.number, "then": then})
        for proxy in actor.links.values():
            if arrives:
                proxy.release()
            else:
                proxy.discard()
        time.sleep(0.15)  # the server works on it; nobody is there to be told
        self._dismiss(actor)

    def freeze(self, actor: Actor) -> None:
        """SIGSTOP."""
        os.kill(actor.pid, signal.SIGSTOP)
        actor.frozen = True

    def thaw(self, actor: Actor) -> None:
        """SIGCONT."""
        os.kill(actor.pid, signal.SIGCONT)
        actor.frozen = False

    def order(self, actor: Actor, then: str) -> None:
        """How the provider treats the worker's next request: ``refuse``, ``silent``, ``hold``."""
        request(self.provider, "POST", "/director/order", {"worker": actor.number, "then": then})

    def forget(self, effect: str, key: str) -> None:
        """The provider's window for a key is over."""
        request(self.provider, "POST", "/director/forget", {"effect": effect, "key": key})

    def cut(self, actor: Actor, product: str) -> bool:
        """End a worker's connection to a product; False if there is none that could be cut."""
        proxy = actor.links.get(product)
        if proxy is None:
            return False
        proxy.cut()
        actor.cuts.add(product)
        return True

    def arm(self, actor: Actor, product: str, mode: str) -> bool:
        """Cut the connection around the worker's next request (``before`` or ``after`` it arrives);
        False if that cannot be.
        """
        proxy = actor.links.get(product)
        if proxy is None:
            return False
        proxy.arm(mode)
        if mode:
            actor.cuts.add(product)
        return True

    def queue_product(self, process: str) -> str:
        """The broker of a consumer; empty for a relay."""
        queue = self.context.processes[process].queue
        return self.plan.queues[queue] if queue is not None else ""

    def queue_server(self, queue: str) -> QueueServer:
        """The director's side of a queue."""
        made = self.servers[self.plan.queues[queue]]
        assert isinstance(made, QueueServer)
        return made

    def publish(self, queue: str, event: int, replayed: bool = False) -> None:
        """Put a message in from outside: a publisher, or an operator."""
        self.queue_server(queue).publish(queue, event, replayed)

    def lease(self) -> float:
        """Seconds until a lease is over."""
        return self.plan.choice.lease

    # -- what there is

    def observe(self) -> Observed:
        """What everybody can see now."""
        rows: dict[tuple[str, str], tuple[int, Mapping[str, str]]] = {}
        effects: dict[tuple[str, str], int] = {}
        increments: dict[tuple[str, str, int], int] = {}
        for product in self.plan.databases:
            made = self.servers[product]
            assert isinstance(made, DatabaseServer)
            contents = self._contents(made)
            rows |= contents.rows
            for (name, key, event), count in contents.ledger.items():
                if "." in name:
                    increments[name, key, event] = count
                effects[name, key] = effects.get((name, key), 0) + count
        for effect, owner, count in request(self.provider, "GET", "/director/done")[1]:
            effects[effect, owner] = effects.get((effect, owner), 0) + count
        return Observed(rows, effects, increments)

    @staticmethod
    def _contents(made: DatabaseServer) -> Contents:
        for _ in range(20):
            try:
                return made.contents()
            except Trouble:
                time.sleep(0.05)
        return made.contents()

    def owner(self, effect: str, event: int) -> str:
        """The key under which an effect is counted for an event."""
        declared = self.plan.design.effects[effect]
        return key_of(
            self.plan.design, declared.level, declared.key, event, self.events[event].component
        )

    def row_key(self, store: str, event: int) -> str:
        """The key of an event's row in a store."""
        declared = self.plan.design.stores[store]
        return key_of(
            self.plan.design, declared.level, declared.key, event, self.events[event].component
        )

    @property
    def living(self) -> Iterator[Actor]:
        """The workers that are at work."""
        return (a for a in self.actors if a.is_alive)
