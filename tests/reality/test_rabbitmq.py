"""RabbitMQ, tried on a server: classic queues, quorum queues and streams."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reality import servers
from reality.child import Child

pytestmark = [pytest.mark.slow, pytest.mark.service("rabbitmq")]

Connect = Callable[[], Any]
BOTH = ("rabbitmq.classic", "rabbitmq.quorum")


def both(fact: str) -> pytest.MarkDecorator:
    """A fact of both kinds of queues."""
    return pytest.mark.confirms(*(f"{model}/{fact}" for model in BOTH))


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Opens channels, each on a connection of its own, and closes what is still open at the end."""
    opened: list[Any] = []

    def channel() -> Any:
        opened.append(servers.rabbitmq())
        return opened[-1].channel()

    yield channel
    for connection in opened:
        if connection.is_open:
            connection.close()


@pytest.fixture
def make(name: str) -> Iterator[Callable[..., str]]:
    """Makes durable queues, ``make("classic", dead=..., x_delivery_limit=2)``, and deletes them at
    the end.
    """
    made: list[str] = []
    connection = servers.rabbitmq()
    channel = connection.channel()

    def queue(kind: str, dead: str = "", **arguments: Any) -> str:
        given = {"x-queue-type": kind, **{k.replace("_", "-"): v for k, v in arguments.items()}}
        given |= {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead} if dead else {}
        made.append(f"{name}_{len(made)}")
        channel.queue_declare(made[-1], durable=True, arguments=given)
        return made[-1]

    yield queue
    for each in made:
        channel.queue_delete(each)
    connection.close()


@pytest.fixture(params=["classic", "quorum"])
def queue(request: pytest.FixtureRequest, make: Callable[..., str]) -> str:
    """A durable queue of one kind."""
    return make(request.param)


def publish(channel: Any, queue: str, *bodies: str, **properties: Any) -> None:
    """Publishes with confirms."""
    import pika

    channel.confirm_delivery()
    for body in bodies:
        channel.basic_publish(
            "",
            queue,
            body.encode(),
            pika.BasicProperties(delivery_mode=2, **properties),
            mandatory=True,
        )


def get(channel: Any, queue: str, seconds: float = 5) -> Any:
    """The next message (method, properties, body); None if there is none for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = channel.basic_get(queue)
        if found[0] is not None:
            return found
        time.sleep(0.05)
    return None


@both("killed-consumer")
def test_killed_consumer(queue: str, connect: Connect, children: list[Child]) -> None:
    channel = connect()
    publish(channel, queue, "invoice")
    children.append(Child("rabbitmq", queue, "manual"))
    assert children[0].said == "invoice"
    assert get(channel, queue, 1) is None, "while the consumer lives, nobody else gets it"
    children[0].kill()
    method, _, body = get(channel, queue)
    assert (body, method.redelivered) == (b"invoice", True)


@both("auto-ack-loses")
def test_auto_ack_loses(queue: str, connect: Connect, children: list[Child]) -> None:
    channel = connect()
    publish(channel, queue, "one", "two", "three")
    children.append(Child("rabbitmq", queue, "auto"))
    children[0].kill()
    assert get(channel, queue, 1) is None, (
        "all three are gone, although only the first reached the handler"
    )


@both("lost-connection-two-workers")
def test_lost_connection_two_workers(queue: str, connect: Connect) -> None:
    publisher, first, second = connect(), connect(), connect()
    publish(publisher, queue, "invoice")
    assert get(first, queue)[2] == b"invoice"
    assert get(second, queue, 0.5) is None
    # the worker behind it is this test, and it still has the message in its hands
    first.connection.close()
    method, _, body = get(second, queue)
    assert (body, method.redelivered) == (b"invoice", True)


@both("closed-channel-returns-all")
def test_closed_channel_returns_all(queue: str, connect: Connect) -> None:
    publisher, first, second = connect(), connect(), connect()
    publish(publisher, queue, "one", "two")
    assert [get(first, queue)[2] for _ in range(2)] == [b"one", b"two"]
    first.close()
    assert [get(second, queue)[2] for _ in range(2)] == [b"one", b"two"]


@both("nack-requeues-at-once")
def test_nack_requeues_at_once(queue: str, connect: Connect) -> None:
    channel = connect()
    publish(channel, queue, "poison")
    for _ in range(3):
        channel.basic_nack(get(channel, queue, 1)[0].delivery_tag, requeue=True)
    assert get(channel, queue, 1)[0].redelivered


@both("ack-needs-its-channel")
def test_ack_needs_its_channel(queue: str, connect: Connect) -> None:
    from pika.exceptions import ChannelClosedByBroker

    publisher, holder, other = connect(), connect(), connect()
    publish(publisher, queue, "one", "two")
    tag = get(holder, queue)[0].delivery_tag
    other.basic_ack(tag)
    with pytest.raises(ChannelClosedByBroker, match="406"):
        other.queue_declare(queue, passive=True)
    holder.basic_ack(tag)  # the holder still may
    second = get(holder, queue)
    assert second[2] == b"two", "the refused acknowledgement settled nothing"
    holder.basic_ack(tag)  # but not twice
    with pytest.raises(ChannelClosedByBroker, match="406"):
        holder.queue_declare(queue, passive=True)
    assert get(publisher, queue)[2] == b"two", "what the closed channel held comes again"
    assert get(publisher, queue, 0.5) is None, "and what it had settled does not"


@both("multiple-ack-covers-lower-tags")
def test_multiple_ack_covers_lower_tags(queue: str, connect: Connect) -> None:
    publisher, worker = connect(), connect()
    publish(publisher, queue, "one", "two", "three")
    tags = [get(worker, queue)[0].delivery_tag for _ in range(3)]
    worker.basic_ack(tags[1], multiple=True)
    worker.close()
    assert get(publisher, queue)[2] == b"three"
    assert get(publisher, queue, 0.5) is None


@both("no-publisher-dedup")
def test_no_publisher_dedup(queue: str, connect: Connect) -> None:
    channel = connect()
    publish(channel, queue, "invoice", "invoice", message_id="invoice-1")
    got = [get(channel, queue) for _ in range(2)]
    assert [(m.redelivered, p.message_id) for m, p, _ in got] == [(False, "invoice-1")] * 2


@both("unroutable-is-confirmed")
def test_unroutable_is_confirmed(queue: str, connect: Connect) -> None:
    from pika.exceptions import UnroutableError

    channel = connect()
    channel.confirm_delivery()
    channel.basic_publish(
        "", f"{queue}_nowhere", b"invoice", mandatory=False
    )  # would raise if it were refused
    with pytest.raises(UnroutableError):
        channel.basic_publish("", f"{queue}_nowhere", b"invoice", mandatory=True)


# ---------------------------------------------------------------- limits


@pytest.mark.confirms("rabbitmq.quorum/delivery-limit-dead-letters")
@pytest.mark.parametrize("has_exchange", [True, False])
def test_delivery_limit_dead_letters(
    make: Callable[..., str], connect: Connect, has_exchange: bool
) -> None:
    dead = make("classic")
    queue, publisher = make("quorum", dead if has_exchange else "", x_delivery_limit=2), connect()
    publish(publisher, queue, "poison")
    for _ in range(3):  # a lost connection counts, in every version
        channel = connect()
        assert get(channel, queue)[2] == b"poison"
        channel.connection.close()
    assert get(publisher, queue, 1) is None
    found = get(publisher, dead, 3 if has_exchange else 0.5)
    assert (found[2] if found else None) == (b"poison" if has_exchange else None)


@pytest.mark.confirms("rabbitmq.classic/no-delivery-limit")
def test_no_delivery_limit(make: Callable[..., str], connect: Connect) -> None:
    dead = make("classic")
    queue, channel = make("classic", dead), connect()
    publish(channel, queue, "poison")
    for _ in range(30):
        channel.basic_nack(get(channel, queue, 1)[0].delivery_tag, requeue=True)
    assert get(channel, queue, 1)[2] == b"poison"
    assert get(channel, dead, 0.3) is None


@pytest.mark.confirms("rabbitmq.classic/reject-dead-letters")
@pytest.mark.parametrize("has_exchange", [True, False])
def test_reject_dead_letters(
    make: Callable[..., str], connect: Connect, has_exchange: bool
) -> None:
    dead = make("classic")
    queue, channel = make("classic", dead if has_exchange else ""), connect()
    publish(channel, queue, "poison")
    channel.basic_reject(get(channel, queue)[0].delivery_tag, requeue=False)
    found = get(channel, dead, 3 if has_exchange else 0.5)
    assert (found[2] if found else None) == (b"poison" if has_exchange else None)
    assert get(channel, queue, 0.3) is None


# ---------------------------------------------------------------- streams


@pytest.mark.confirms("rabbitmq.stream/stream-is-read-again")
def test_stream_is_read_again(make: Callable[..., str], connect: Connect) -> None:
    stream = make("stream")
    publish(connect(), stream, "one", "two")
    for start, expected in (("first", [b"one", b"two"]), (0, [b"one", b"two"]), (1, [b"two"])):
        channel, bodies = connect(), []
        channel.basic_qos(prefetch_count=10)
        for method, _, body in channel.consume(
            stream, arguments={"x-stream-offset": start}, inactivity_timeout=1
        ):
            if method is None:
                break
            bodies.append(body)
            channel.basic_ack(method.delivery_tag)
        assert bodies == expected, f"from {start}"
        channel.connection.close()
