"""A TCP road between one worker and one server: what passes, what is held back, and where it is
cut, is the director's to say.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from onceproof.drill.adapters import LOOPBACK

CHUNK = 65536
SILENCE = 0.2
"""Seconds after which a request counts as one that the server does not answer."""


class Proxy:
    """Listens on a loopback port of its own and passes bytes on to ``target``.

    ``arm("before")``: the next request is swallowed and the connection ends. ``arm("after")``: the
    next request arrives, its answer does not, and the connection ends. ``arm("hold")``: requests
    wait here until ``release``. ``arm("")``: everything passes.
    """

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self.listener.getsockname()[1]
        self.mode = ""
        self.held = threading.Event()
        self._gate = threading.Event()
        self._gate.set()
        self._lock = threading.Lock()
        self._links: list[_Link] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.target, timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = _Link(self, client, server)
            with self._lock:
                self._links.append(link)
            link.start()

    def arm(self, mode: str) -> None:
        """What happens to the next request: ``before``, ``after``, ``hold``, or nothing
        (``""``).
        """
        self.held.clear()
        if mode == "hold":
            self._gate.clear()
        self.mode = mode

    def release(self) -> None:
        """Let through what was held back."""
        self.mode = ""
        self._gate.set()

    def discard(self) -> None:
        """Drop what was held back, and end the connections."""
        self.cut()
        self._gate.set()

    def cut(self) -> None:
        """End every connection now, towards both sides."""
        for link in self._taken():
            link.cut()

    def _taken(self) -> Iterator[_Link]:
        with self._lock:
            yield from list(self._links)

    def close(self) -> None:
        """End everything."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()
        self._gate.set()


class _Link:
    """One connection: two threads that pass bytes on."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy = proxy
        self.client = client
        self.server = server
        self.is_cut = False
        self.muted = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._requests, daemon=True).start()
        threading.Thread(target=self._answers, daemon=True).start()

    def _requests(self) -> None:
        with contextlib.suppress(OSError):
            while data := self.client.recv(CHUNK):
                mode = self.proxy.mode
                if mode == "hold":
                    self.proxy.held.set()
                    self.proxy._gate.wait()
                    if self.is_cut:
                        break
                elif mode == "before":
                    self.proxy.mode = ""
                    self.cut()
                    break
                elif mode == "after":
                    self.proxy.mode = ""
                    self.muted.set()
                    self.server.sendall(data)
                    threading.Timer(SILENCE, self.cut).start()
                    continue
                self.server.sendall(data)
        self._end(self.server)

    def _answers(self) -> None:
        with contextlib.suppress(OSError):
            while data := self.server.recv(CHUNK):
                if self.muted.is_set():
                    self.cut()
                    break
                self.client.sendall(data)
        self._end(self.client)

    @staticmethod
    def _end(side: socket.socket) -> None:
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
        side.close()

    def cut(self) -> None:
        self.is_cut = True
        self._end(self.client)
        self._end(self.server)
