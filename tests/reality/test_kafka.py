"""Kafka's C client (librdkafka) against the mock cluster that comes with it: a real client, an
imitated broker.

Only what the client does is tried here. README.md says what a mock cannot show.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from reality import servers
from reality.child import Child

pytestmark = [pytest.mark.slow, pytest.mark.service("kafka")]


@pytest.fixture
def cluster() -> tuple[Any, str]:
    """An idempotent producer that carries the cluster in its process, and the cluster's address."""
    from confluent_kafka import Producer

    producer = Producer({"test.mock.num.brokers": 1, "enable.idempotence": True, "log_level": 0})
    brokers = producer.list_topics(timeout=10).brokers.values()
    return producer, ",".join(f"{b.host}:{b.port}" for b in brokers)


def send(producer: Any, topic: str, *bodies: str) -> list[int]:
    """Produces into partition 0 and answers the offsets."""
    offsets: list[int] = []
    for body in bodies:
        producer.produce(
            topic,
            body,
            partition=0,
            on_delivery=lambda _, message: offsets.append(message.offset()),
        )
        producer.flush(10)
    return offsets


def committed(consumer: Any, topic: str) -> int:
    """The committed offset of partition 0 (-1001: none)."""
    from confluent_kafka import TopicPartition

    return int(consumer.committed([TopicPartition(topic, 0)], timeout=5)[0].offset)


@pytest.mark.confirms("kafka.producer/resend-is-a-new-record")
def test_resend_is_a_new_record(cluster: tuple[Any, str], name: str) -> None:
    producer, address = cluster
    assert send(producer, name, "invoice", "invoice") == [0, 1], (
        "the application's second call has new numbers"
    )
    consumer = servers.kafka(address, f"{name}_g")
    consumer.subscribe([name])
    got = consumer.consume(2, timeout=15)
    assert [m.value() for m in got] == [b"invoice", b"invoice"]
    consumer.close()


@pytest.mark.confirms("kafka.consumer/reread-after-crash")
def test_reread_after_crash(cluster: tuple[Any, str], name: str, children: list[Child]) -> None:
    producer, address = cluster
    send(producer, name, "one", "two", "three")
    children.append(
        Child("kafka", address, name)
    )  # commits the first, and is killed at work on the second
    assert children[0].said == "two"
    children[0].kill()
    consumer = servers.kafka(address, f"{name}_g")
    assert committed(consumer, name) == 1
    consumer.subscribe([name])
    got = [m.value() for m in consumer.consume(2, timeout=25)]
    assert got == [b"two", b"three"]
    consumer.close()


@pytest.mark.confirms("kafka.consumer/timer-commits-what-is-in-work")
def test_timer_commits_what_is_in_work(cluster: tuple[Any, str], name: str) -> None:
    producer, address = cluster
    send(producer, name, "invoice")
    consumer = servers.kafka(
        address, f"{name}_g", **{"enable.auto.commit": True, "auto.commit.interval.ms": 100}
    )
    consumer.subscribe([name])
    (message,) = consumer.consume(1, timeout=15)
    assert message.value() == b"invoice"
    time.sleep(1)  # at work, and not calling the client
    assert committed(consumer, name) == 1, "a crash now loses it"
    consumer.close()


@pytest.mark.confirms("kafka.consumer/offset-store-by-hand")
def test_offset_store_by_hand(cluster: tuple[Any, str], name: str) -> None:
    producer, address = cluster
    send(producer, name, "invoice")
    given = {
        "enable.auto.commit": True,
        "auto.commit.interval.ms": 100,
        "enable.auto.offset.store": False,
    }
    consumer = servers.kafka(address, f"{name}_g", **given)
    consumer.subscribe([name])
    (message,) = consumer.consume(1, timeout=15)
    time.sleep(1)
    assert committed(consumer, name) < 0
    consumer.store_offsets(message)
    time.sleep(1)
    assert committed(consumer, name) == 1
    consumer.close()
