"""The provider behind external effects: a small HTTP server that keeps idempotency keys, counts
what was done, and behaves as told.

``POST /effects/NAME`` with ``{"for", "key", "worker"}`` performs an effect once per key; ``GET
/effects/NAME?for=…`` asks whether it happened. The director speaks to ``/director/…``: how the next
request of a worker is treated (``refuse``, ``silent``: done, but the connection ends without an
answer, ``hold``: nothing happens until it is resolved with ``do`` or ``drop``), forget a key, what
was done.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from onceproof.drill.adapters import LOOPBACK


class Book:
    """What was done, which keys are known, and what the director wants. Guarded by ``lock``."""

    def __init__(self) -> None:
        self.lock = threading.Condition()
        self.done: Counter[tuple[str, str]] = Counter()
        self.keys: set[tuple[str, str]] = set()
        self.orders: dict[int, str] = {}
        self.held: dict[int, str] = {}

    def perform(self, effect: str, owner: str, key: str | None) -> None:
        """Do it, unless its key is known. Called with the lock held."""
        if key is not None:
            if (effect, key) in self.keys:
                return
            self.keys.add((effect, key))
        self.done[effect, owner] += 1


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    book: Book
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")

    def _answer(self, status: int, data: object) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        with self.book.lock:
            if parts.path == "/director/done":
                self._answer(200, [[e, o, n] for (e, o), n in sorted(self.book.done.items())])
                return
            if parts.path == "/director/held":
                self._answer(200, sorted(self.book.held))
                return
            owner = parse_qs(parts.query).get("for", [""])[0]
            self._answer(200, {"happened": self.book.done[parts.path.rpartition("/")[2], owner]})

    def do_POST(self) -> None:
        path, data, book = urlsplit(self.path).path, self._body(), self.book
        if path.startswith("/director/"):
            with book.lock:
                self._direct(path.rpartition("/")[2], data)
                book.lock.notify_all()
            self._answer(200, {})
            return
        effect, worker = path.rpartition("/")[2], int(data["worker"])
        with book.lock:
            order = book.orders.pop(worker, "")
            if order == "refuse":
                self._answer(503, {"error": "refused"})
                return
            if order == "hold":
                book.held[worker] = ""
                book.lock.notify_all()
                book.lock.wait_for(lambda: book.held[worker] != "")
                if book.held.pop(worker) == "drop":
                    self.close_connection = True
                    return
            book.perform(effect, data["for"], data["key"])
        if order == "silent":
            self.close_connection = True
            return
        self._answer(201, {"status": "done"})

    def _direct(self, what: str, data: Any) -> None:
        book = self.book
        match what:
            case "order":
                book.orders[data["worker"]] = data["then"]
            case "resolve":
                if data["worker"] in book.held:
                    book.held[data["worker"]] = data["then"]
            case "forget":
                book.keys.discard((data["effect"], data["key"]))
            case "clear":
                book.done.clear()
                book.keys.clear()
                book.orders.clear()
                for worker in book.held:
                    book.held[worker] = "drop"


class Server(ThreadingHTTPServer):
    """The provider on a loopback port of its own."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is gone in the middle of a request is what the drill is about."""


def serve(announce: Any) -> None:
    """Serve until the process is killed; ``announce`` is called with the port."""
    book = Book()
    handler = type("BoundHandler", (Handler,), {"book": book})
    server = Server((LOOPBACK, 0), handler)
    announce(server.server_port)
    server.serve_forever()


# ---------------------------------------------------------------- who asks


class NoAnswer(Exception):
    """The connection ended without an answer."""


def request(
    port: int, method: str, path: str, data: object = None, seconds: float = 30.0
) -> tuple[int, Any]:
    """One request. Raises ``NoAnswer``."""
    import http.client

    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=seconds)
    try:
        body = json.dumps(data).encode() if data is not None else None
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(str(error) or type(error).__name__) from error
    finally:
        connection.close()
