"""The proxy, the provider and the journal, each by itself."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from onceproof.drill import journal
from onceproof.drill.adapters import LOOPBACK, Address, Settings
from onceproof.drill.provider import Book, Handler, NoAnswer, Server, request
from onceproof.drill.proxy import Proxy


class Echo:
    """A server that answers each request with its bytes; ``got`` has what arrived."""

    def __init__(self) -> None:
        self.listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self.listener.getsockname()[1]
        self.got = b""
        self.arrived = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        while data := connection.recv(100):
            self.got += data
            self.arrived.set()
            connection.sendall(data)


@pytest.fixture
def road() -> Iterator[tuple[Echo, Proxy, socket.socket]]:
    """A server, a proxy before it, and a client."""
    echo = Echo()
    proxy = Proxy(LOOPBACK, echo.port)
    client = socket.create_connection((LOOPBACK, proxy.port))
    client.settimeout(5)
    client.sendall(b"a")
    assert client.recv(10) == b"a"
    echo.arrived.clear()
    yield echo, proxy, client
    client.close()
    proxy.close()
    echo.listener.close()


Road = tuple[Echo, Proxy, socket.socket]


def _ended(client: socket.socket) -> bool:
    try:
        return client.recv(10) == b""
    except ConnectionError:
        return True


def test_cut_before_the_request_arrives(road: Road) -> None:
    echo, proxy, client = road
    proxy.arm("before")
    client.sendall(b"b")
    assert _ended(client)
    assert echo.got == b"a"


def test_cut_after_the_request_has_arrived(road: Road) -> None:
    echo, proxy, client = road
    proxy.arm("after")
    client.sendall(b"b")
    assert _ended(client)
    assert echo.arrived.wait(5)
    assert echo.got == b"ab"


def test_a_held_request_arrives_after_its_sender_is_gone(road: Road) -> None:
    echo, proxy, client = road
    proxy.arm("hold")
    client.sendall(b"b")
    assert proxy.held.wait(5)
    client.close()
    assert echo.got == b"a"
    proxy.release()
    assert echo.arrived.wait(5)
    assert echo.got == b"ab"


def test_a_discarded_request_never_arrives(road: Road) -> None:
    echo, proxy, client = road
    proxy.arm("hold")
    client.sendall(b"b")
    assert proxy.held.wait(5)
    proxy.discard()
    assert _ended(client)
    assert not echo.arrived.wait(0.2)


# ---------------------------------------------------------------- the provider


@pytest.fixture
def provider() -> Iterator[int]:
    """A provider in a thread of this process; its port."""
    server = Server((LOOPBACK, 0), type("Bound", (Handler,), {"book": Book()}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def _charge(port: int, worker: int = 1, key: str | None = None) -> int:
    return request(
        port, "POST", "/effects/charge", {"for": "event-1", "key": key, "worker": worker}
    )[0]


def _done(port: int) -> object:
    return request(port, "GET", "/director/done")[1]


def test_without_a_key_each_call_counts(provider: int) -> None:
    assert [_charge(provider), _charge(provider)] == [201, 201]
    assert _done(provider) == [["charge", "event-1", 2]]


def test_a_key_counts_once_until_it_is_forgotten(provider: int) -> None:
    assert [_charge(provider, key="k"), _charge(provider, key="k")] == [201, 201]
    assert _done(provider) == [["charge", "event-1", 1]]
    request(provider, "POST", "/director/forget", {"effect": "charge", "key": "k"})
    _charge(provider, key="k")
    assert _done(provider) == [["charge", "event-1", 2]]


def test_refused_and_silent(provider: int) -> None:
    request(provider, "POST", "/director/order", {"worker": 1, "then": "refuse"})
    assert _charge(provider) == 503
    assert _done(provider) == []
    request(provider, "POST", "/director/order", {"worker": 1, "then": "silent"})
    with pytest.raises(NoAnswer):
        _charge(provider)
    assert _done(provider) == [["charge", "event-1", 1]]


@pytest.mark.parametrize(("then", "count"), [("drop", 0), ("do", 1)])
def test_a_held_call_is_done_or_dropped_as_the_director_says(
    provider: int, then: str, count: int
) -> None:
    request(provider, "POST", "/director/order", {"worker": 7, "then": "hold"})
    said: list[object] = []

    def call() -> None:
        try:
            said.append(_charge(provider, 7))
        except NoAnswer:
            said.append("no answer")

    caller = threading.Thread(target=call)
    caller.start()
    while request(provider, "GET", "/director/held")[1] != [7]:
        pass
    request(provider, "POST", "/director/resolve", {"worker": 7, "then": then})
    caller.join(5)
    assert said == [201 if then == "do" else "no answer"]
    assert _done(provider) == ([["charge", "event-1", 1]] if count else [])


def test_asking_whether_it_happened(provider: int) -> None:
    assert request(provider, "GET", "/effects/charge?for=event-1")[1] == {"happened": 0}
    _charge(provider)
    assert request(provider, "GET", "/effects/charge?for=event-1")[1] == {"happened": 1}


# ---------------------------------------------------------------- the journal


def test_a_run_of_a_dead_process_is_left_over_and_one_of_a_living_is_not(home: Path) -> None:
    run = journal.begin()
    assert not list(journal.leftovers())
    data = json.loads(run.entry.read_text(encoding="utf-8"))
    run.entry.write_text(
        json.dumps({**data, "born": "0"}), encoding="utf-8"
    )  # the number belongs to a later process
    assert [entry for entry, _ in journal.leftovers()] == [run.entry]
    assert journal.clean_up({}) == ([], [])
    assert not run.folder.exists()


def test_the_journal_holds_no_password(home: Path) -> None:
    run = journal.begin()
    run.uses(
        "redis",
        Settings(str(run.folder), run.namespace, Address(LOOPBACK, 6379, "", "secret", "0"), 1.0),
    )
    assert "secret" not in run.entry.read_text(encoding="utf-8")
    assert os.stat(run.entry).st_mode & 0o077 == 0
    run.over()
