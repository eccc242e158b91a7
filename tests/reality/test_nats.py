"""NATS core and JetStream, tried on a server. Leases are a second or less."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from reality import servers
from reality.child import Child

pytestmark = [pytest.mark.slow, pytest.mark.service("nats")]

ACK_WAIT = 0.8
"""Seconds."""


class Bench:
    """A stream with one durable pull consumer, on two connections: two workers of one group."""

    def __init__(self, name: str, connections: tuple[Any, Any]) -> None:
        self.name = name
        self.first, self.second = (c.jetstream() for c in connections)
        self.connections = connections

    async def consumer(self, window: float = 2, **config: Any) -> None:
        """Makes stream and consumer."""
        from nats.js.api import AckPolicy, ConsumerConfig

        await self.first.add_stream(name=self.name, subjects=[self.name], duplicate_window=window)
        given = {"ack_wait": ACK_WAIT, "ack_policy": AckPolicy.EXPLICIT, **config}
        await self.first.add_consumer(self.name, ConsumerConfig(durable_name="d", **given))

    async def get(self, worker: Any, wait: float = 2, most: int = 1) -> list[Any]:
        """What a worker gets."""
        subscription = await worker.pull_subscribe_bind("d", self.name)
        try:
            found: list[Any] = await subscription.fetch(most, timeout=wait)
        except TimeoutError:
            found = []
        finally:
            await subscription.unsubscribe()
        return found

    async def state(self) -> tuple[int, int]:
        """How many messages are out, and up to which one everything is settled."""
        info = await self.first.consumer_info(self.name, "d")
        return info.num_ack_pending, info.ack_floor.stream_seq

    async def stored(self) -> int:
        """How many messages the stream holds."""
        return int((await self.first.stream_info(self.name)).state.messages)


def on(name: str, test: Callable[[Bench], Awaitable[None]]) -> None:
    """Runs a test against a bench of its own, and clears it away."""

    async def run() -> None:
        from nats.js.errors import NotFoundError

        connections = (await servers.nats(), await servers.nats())
        bench = Bench(name, connections)
        try:
            await test(bench)
        finally:
            with contextlib.suppress(NotFoundError):
                await bench.first.delete_stream(name)
            for connection in connections:
                await connection.close()

    asyncio.run(asyncio.wait_for(run(), 30))


# ---------------------------------------------------------------- core


@pytest.mark.confirms("nats.core/core-stores-nothing")
def test_core_stores_nothing(name: str) -> None:
    async def run(bench: Bench) -> None:
        publisher, subscriber = bench.connections
        await publisher.publish(name, b"early")
        await publisher.flush()
        subscription = await subscriber.subscribe(name)
        await subscriber.flush()
        await publisher.publish(name, b"late")
        assert (await subscription.next_msg(timeout=2)).data == b"late"
        with pytest.raises(TimeoutError):
            await subscription.next_msg(timeout=0.3)

    on(name, run)


@pytest.mark.confirms("nats.core/core-killed-subscriber")
def test_core_killed_subscriber(name: str, children: list[Child]) -> None:
    children.append(Child("nats_core", name, "workers"))

    async def run(bench: Bench) -> None:
        publisher, other = bench.connections
        await publisher.publish(name, b"invoice")
        await publisher.flush()
        assert children[0].process.stdout is not None
        assert children[0].process.stdout.readline().strip() == "invoice"
        subscription = await other.subscribe(name, queue="workers")
        await other.flush()
        children[0].kill()
        with pytest.raises(TimeoutError):
            await subscription.next_msg(timeout=1)
        await publisher.publish(name, b"next")
        assert (await subscription.next_msg(timeout=2)).data == b"next"

    on(name, run)


@pytest.mark.confirms("nats.core/core-queue-group")
def test_core_queue_group(name: str) -> None:
    async def run(bench: Bench) -> None:
        members = [await c.subscribe(name, queue="workers") for c in bench.connections]
        alone = await bench.connections[0].subscribe(name)
        for connection in bench.connections:
            await connection.flush()
        for _ in range(20):
            await bench.connections[1].publish(name, b"invoice")
        await bench.connections[1].flush()
        await asyncio.sleep(0.3)
        assert sum(m.pending_msgs for m in members) == 20
        assert alone.pending_msgs == 20, "who is in no group gets all of them"

    on(name, run)


# ---------------------------------------------------------------- JetStream: redelivery


@pytest.mark.confirms("nats.jetstream/killed-consumer-after-ack-wait")
def test_killed_consumer_after_ack_wait(name: str, children: list[Child]) -> None:
    async def run(bench: Bench) -> None:
        await bench.consumer(ack_wait=2)
        await bench.first.publish(name, b"invoice")
        children.append(Child("nats_pull", name, "d"))
        assert children[0].said == "invoice"
        begun = time.monotonic()
        children[0].kill()
        assert await bench.get(bench.second, 1) == [], "the server does not look at the connection"
        (again,) = await bench.get(bench.second, 4)
        assert again.metadata.num_delivered == 2
        assert time.monotonic() - begun > 1

    on(name, run)


@pytest.mark.confirms("nats.jetstream/nak-comes-at-once")
def test_nak_comes_at_once(name: str) -> None:
    async def run(bench: Bench) -> None:
        await bench.consumer(ack_wait=30)
        await bench.first.publish(name, b"invoice")
        for _ in range(3):
            (message,) = await bench.get(bench.first, 1)
            await message.nak()
        (message,) = await bench.get(bench.first, 1)
        await message.nak(delay=1)
        assert await bench.get(bench.first, 0.5) == [], "unless it names a delay"
        assert len(await bench.get(bench.first, 2)) == 1

    on(name, run)


@pytest.mark.confirms("nats.jetstream/two-workers-after-ack-wait")
def test_two_workers_after_ack_wait(name: str) -> None:
    async def run(bench: Bench) -> None:
        await bench.consumer()
        await bench.first.publish(name, b"invoice")
        (held,) = await bench.get(bench.first)
        assert await bench.get(bench.second, ACK_WAIT / 4) == []
        (again,) = await bench.get(bench.second)
        assert (held.metadata.num_delivered, again.metadata.num_delivered) == (1, 2)
        assert bench.connections[0].is_connected, "the first worker lives"

    on(name, run)


@pytest.mark.confirms("nats.jetstream/in-progress-starts-ack-wait-again")
def test_in_progress_starts_ack_wait_again(name: str) -> None:
    async def run(bench: Bench) -> None:
        await bench.consumer()
        await bench.first.publish(name, b"invoice")
        (held,) = await bench.get(bench.first)
        for _ in range(4):
            assert await bench.get(bench.second, ACK_WAIT / 2) == []
            await held.in_progress()
        assert len(await bench.get(bench.second)) == 1, "without it, the other one gets it"

    on(name, run)


# ---------------------------------------------------------------- JetStream: acknowledgements


@pytest.mark.confirms("nats.jetstream/late-ack-settles")
def test_late_ack_settles(name: str) -> None:
    async def run(bench: Bench) -> None:
        await bench.consumer()
        await bench.first.publish(name, b"invoice")
        (held,) = await bench.get(bench.first)
        (again,) = await bench.get(bench.second)
        assert again.metadata.num_delivered == 2
        await held.ack_sync(timeout=2)
        assert await bench.state() == (0, 1), "settled, although the second worker has it"
        assert await bench.get(bench.first, ACK_WAIT * 1.5) == [], "nor does it come again"

    on(name, run)


@pytest.mark.confirms("nats.jetstream/anyone-may-ack")
def test_anyone_may_ack(name: str) -> None:
    async def run(bench: Bench) -> None:
        await bench.consumer(ack_wait=30)
        await bench.first.publish(name, b"invoice")
        (held,) = await bench.get(bench.first)
        assert (await bench.state())[0] == 1
        await bench.connections[1].request(held.reply, b"+ACK", timeout=2)
        assert await bench.state() == (0, 1)

    on(name, run)


@pytest.mark.confirms("nats.jetstream/ack-all-covers-earlier")
def test_ack_all_covers_earlier(name: str) -> None:
    async def run(bench: Bench) -> None:
        from nats.js.api import AckPolicy

        await bench.consumer(ack_wait=30, ack_policy=AckPolicy.ALL)
        for body in (b"one", b"two", b"three"):
            await bench.first.publish(name, body)
        got = await bench.get(bench.first, most=3)
        assert [m.data for m in got] == [b"one", b"two", b"three"]
        await got[1].ack_sync(timeout=2)
        assert await bench.state() == (
            1,
            2,
        ), "the first is settled, too, though nobody has finished it"

    on(name, run)


@pytest.mark.confirms("nats.jetstream/ack-none-settles-on-delivery")
def test_ack_none_settles_on_delivery(name: str) -> None:
    async def run(bench: Bench) -> None:
        from nats.js.api import AckPolicy

        await bench.consumer(ack_wait=None, ack_policy=AckPolicy.NONE)
        await bench.first.publish(name, b"invoice")
        assert len(await bench.get(bench.first)) == 1
        assert (await bench.state())[0] == 0
        assert await bench.get(bench.second, ACK_WAIT * 1.5) == []

    on(name, run)


# ---------------------------------------------------------------- JetStream: publisher and limit


@pytest.mark.confirms("nats.jetstream/msg-id-inside-the-window")
def test_msg_id_inside_the_window(name: str) -> None:
    async def run(bench: Bench) -> None:
        await bench.consumer(window=30)
        answers = [
            await bench.first.publish(name, body, headers={"Nats-Msg-Id": "1"})
            for body in (b"invoice", b"other words")
        ]
        assert [bool(a.duplicate) for a in answers] == [False, True]
        (message,) = await bench.get(bench.first)
        await message.ack_sync(timeout=2)
        assert (
            await bench.first.publish(name, b"invoice", headers={"Nats-Msg-Id": "1"})
        ).duplicate, "settled or not"
        assert await bench.stored() == 1

    on(name, run)


@pytest.mark.confirms("nats.jetstream/msg-id-after-the-window")
def test_msg_id_after_the_window(name: str) -> None:
    async def run(bench: Bench) -> None:
        await bench.consumer(window=0.5)
        await bench.first.publish(name, b"invoice", headers={"Nats-Msg-Id": "1"})
        await asyncio.sleep(1.5)
        assert not (
            await bench.first.publish(name, b"invoice", headers={"Nats-Msg-Id": "1"})
        ).duplicate
        assert await bench.stored() == 2
        for _ in range(2):  # without the header nothing is compared
            assert not (await bench.first.publish(name, b"invoice")).duplicate
        assert await bench.stored() == 4

    on(name, run)


@pytest.mark.confirms("nats.jetstream/max-deliver-stays")
def test_max_deliver_stays(name: str) -> None:
    async def run(bench: Bench) -> None:
        await bench.consumer(max_deliver=2)
        await bench.first.publish(name, b"poison")
        assert [len(await bench.get(bench.first)) for _ in range(2)] == [1, 1]
        assert await bench.get(bench.first, ACK_WAIT * 2) == [], "not given out any more"
        assert await bench.stored() == 1, "and still in the stream"

    on(name, run)
