"""Enough of MQTT 3.1.1 to say exactly what a client sends and what it does not send; a client
library would send more.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from reality import servers

CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK = 2, 3, 4, 5, 6, 7, 9


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet from the broker. ``number``: its packet id (0: none)."""

    kind: int
    number: int = 0
    body: bytes = b""
    dup: bool = False
    qos: int = 0


class Client:
    """One connection. It acknowledges nothing by itself."""

    def __init__(self, identity: str, clean: bool = False) -> None:
        self.socket: socket.socket = servers.mosquitto()
        self.buffer = b""
        self._send(
            0x10,
            b"\x00\x04MQTT\x04"
            + bytes([2 if clean else 0])
            + struct.pack("!H", 30)
            + _text(identity),
        )
        self.session_present = self.wait(CONNACK).number >> 8 == 1

    def _send(self, first: int, rest: bytes) -> None:
        assert len(rest) < 128
        self.socket.sendall(bytes([first, len(rest)]) + rest)

    def subscribe(self, topic: str, qos: int) -> None:
        """Subscribes and waits until the broker has said so."""
        self._send(0x82, struct.pack("!H", 1) + _text(topic) + bytes([qos]))
        self.wait(SUBACK)

    def publish(
        self, topic: str, body: bytes, qos: int = 0, number: int = 0, dup: bool = False
    ) -> None:
        """Sends a publish and waits for nothing."""
        self._send(
            0x30 | qos << 1 | dup << 3,
            _text(topic) + (struct.pack("!H", number) if qos else b"") + body,
        )

    def answer(self, kind: int, number: int) -> None:
        """Sends one of the acknowledgements."""
        self._send(kind << 4 | (2 if kind == PUBREL else 0), struct.pack("!H", number))

    def read(self, seconds: float = 3) -> Packet | None:
        """The next packet; None if there is none for so long."""
        self.socket.settimeout(seconds)
        try:
            first, length = self._take(2)
            rest = self._take(length)
        except (TimeoutError, ConnectionError):
            return None
        kind, qos = first >> 4, first >> 1 & 3
        if kind != PUBLISH:
            return Packet(kind, struct.unpack("!H", rest[:2])[0])
        rest = rest[2 + struct.unpack("!H", rest[:2])[0] :]
        number = struct.unpack("!H", rest[:2])[0] if qos else 0
        return Packet(kind, number, rest[2:] if qos else rest, bool(first & 8), qos)

    def _take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            more = self.socket.recv(4096)
            if not more:
                raise ConnectionError
            self.buffer += more
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def wait(self, kind: int) -> Packet:
        """The next packet, which must be of that kind."""
        packet = self.read()
        assert packet is not None, f"no packet where {kind} was expected"
        assert packet.kind == kind, packet
        return packet

    def vanish(self) -> None:
        """The connection is gone without a goodbye, as if the process had been killed."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def _text(text: str) -> bytes:
    return struct.pack("!H", len(text)) + text.encode()
