"""MQTT, tried on Mosquitto: QoS 0, 1 and 2, sessions that are kept and sessions that are not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from reality.child import Child
from reality.mqtt import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, Client

pytestmark = [pytest.mark.slow, pytest.mark.service("mosquitto")]

Connect = Callable[..., Client]


@pytest.fixture
def connect(name: str) -> Iterator[Connect]:
    """Connects clients by a short identity; their sessions are forgotten at the end."""
    used: set[str] = set()

    def client(who: str, clean: bool = False) -> Client:
        used.add(f"{name}_{who}")
        return Client(f"{name}_{who}", clean)

    yield client
    for identity in sorted(used):
        Client(identity, clean=True).vanish()


def away(connect: Connect, topic: str, qos: int) -> None:
    """A subscriber whose session is kept goes away."""
    subscriber = connect("sub")
    subscriber.subscribe(topic, qos)
    subscriber.vanish()
    time.sleep(0.1)


def sent(connect: Connect, topic: str, qos: int, number: int = 7) -> None:
    """A publisher sends one message and completes the exchange."""
    publisher = connect("pub", clean=True)
    publisher.publish(topic, b"invoice", qos, number)
    if qos == 1:
        assert publisher.wait(PUBACK).number == number
    if qos == 2:
        publisher.wait(PUBREC)
        publisher.answer(PUBREL, number)
        publisher.wait(PUBCOMP)
    publisher.vanish()


@pytest.mark.confirms("mqtt.qos0/qos0-is-not-stored")
def test_qos0_is_not_stored(connect: Connect, name: str) -> None:
    away(connect, name, 0)
    sent(connect, name, 0)
    back = connect("sub")
    assert back.session_present, "the subscription is still there"
    assert back.read(0.5) is None, "the message is not"
    sent(connect, name, 0)
    assert back.wait(PUBLISH).body == b"invoice"


@pytest.mark.confirms("mqtt.qos0/qos-is-the-lower-one")
@pytest.mark.parametrize(("published", "subscribed"), [(0, 1), (1, 0), (2, 1), (1, 2)])
def test_qos_is_the_lower_one(connect: Connect, name: str, published: int, subscribed: int) -> None:
    subscriber = connect("sub")
    subscriber.subscribe(name, subscribed)
    sent(connect, name, published)
    assert subscriber.wait(PUBLISH).qos == min(published, subscribed)


# ---------------------------------------------------------------- QoS 1


@pytest.mark.confirms("mqtt.qos1/qos1-killed-subscriber")
def test_qos1_killed_subscriber(connect: Connect, name: str, children: list[Child]) -> None:
    children.append(Child("mosquitto", f"{name}_sub", name, "1", "keep"))
    sent(connect, name, 1)
    assert children[0].process.stdout is not None
    assert children[0].process.stdout.readline().strip() == "invoice"
    children[0].kill()
    back = connect("sub")
    again = back.wait(PUBLISH)
    assert (again.body, again.dup) == (b"invoice", True)
    back.answer(PUBACK, again.number)
    time.sleep(0.2)
    assert connect("sub").read(0.5) is None, "acknowledged, it does not come again"


@pytest.mark.confirms("mqtt.qos1/qos1-not-again-while-connected")
def test_qos1_not_again_while_connected(connect: Connect, name: str) -> None:
    subscriber = connect("sub")
    subscriber.subscribe(name, 1)
    sent(connect, name, 1)
    subscriber.wait(PUBLISH)
    assert subscriber.read(3) is None


@pytest.mark.confirms("mqtt.qos1/clean-session-loses")
def test_clean_session_loses(connect: Connect, name: str) -> None:
    subscriber = connect("sub", clean=True)
    subscriber.subscribe(name, 1)
    sent(connect, name, 1)
    subscriber.wait(PUBLISH)  # and does not acknowledge it
    subscriber.vanish()
    time.sleep(0.1)
    back = connect("sub")
    assert not back.session_present
    assert back.read(0.5) is None


@pytest.mark.confirms("mqtt.qos1/qos1-publisher-repeats")
def test_qos1_publisher_repeats(connect: Connect, name: str) -> None:
    subscriber, publisher = connect("sub"), connect("pub")
    subscriber.subscribe(name, 1)
    publisher.publish(name, b"invoice", 1, 7)
    publisher.vanish()  # before it has read the acknowledgement
    publisher = connect("pub")
    publisher.publish(name, b"invoice", 1, 7, dup=True)
    publisher.wait(PUBACK)
    got = [subscriber.wait(PUBLISH) for _ in range(2)]
    assert [p.body for p in got] == [b"invoice"] * 2
    assert got[0].number != got[1].number, "two messages as far as the broker knows"


@pytest.mark.confirms("mqtt.qos1/takeover-two-workers")
def test_takeover_two_workers(connect: Connect, name: str, children: list[Child]) -> None:
    children.append(Child("mosquitto", f"{name}_sub", name, "1", "keep"))
    sent(connect, name, 1)
    assert children[0].process.stdout is not None
    assert children[0].process.stdout.readline().strip() == "invoice"
    second = connect("sub")
    assert second.wait(PUBLISH).body == b"invoice"
    assert children[0].process.poll() is None, "the first one still works on it"


# ---------------------------------------------------------------- QoS 2


@pytest.mark.confirms("mqtt.qos2/qos2-hop-drops-repeats")
def test_qos2_hop_drops_repeats(connect: Connect, name: str) -> None:
    subscriber, publisher = connect("sub"), connect("pub")
    subscriber.subscribe(name, 2)
    publisher.publish(name, b"invoice", 2, 7)
    publisher.wait(PUBREC)
    publisher.vanish()  # it remembers that 7 is under way, but not that it was received
    publisher = connect("pub")
    publisher.publish(name, b"invoice", 2, 7, dup=True)
    publisher.wait(PUBREC)
    publisher.answer(PUBREL, 7)
    publisher.wait(PUBCOMP)
    assert subscriber.wait(PUBLISH).body == b"invoice"
    assert subscriber.read(0.5) is None, "once"


@pytest.mark.confirms("mqtt.qos2/qos2-before-the-release")
def test_qos2_before_the_release(connect: Connect, name: str) -> None:
    subscriber = connect("sub")
    subscriber.subscribe(name, 2)
    sent(connect, name, 2)
    subscriber.wait(PUBLISH)
    subscriber.vanish()  # before PUBREC
    again = connect("sub").wait(PUBLISH)
    assert (again.body, again.dup) == (b"invoice", True)


@pytest.mark.confirms("mqtt.qos2/qos2-after-the-receipt")
def test_qos2_after_the_receipt(connect: Connect, name: str, children: list[Child]) -> None:
    children.append(Child("mosquitto", f"{name}_sub", name, "2", "keep"))
    sent(connect, name, 2)
    assert children[0].process.stdout is not None
    assert children[0].process.stdout.readline().strip() == "invoice", (
        "the library hands it over when it is released"
    )
    children[0].kill()
    back = connect("sub")
    assert back.session_present
    release = back.wait(PUBREL)
    back.answer(PUBCOMP, release.number)
    assert back.read(0.5) is None, "the message itself does not come again"


@pytest.mark.confirms("mqtt.qos2/qos2-new-packet-is-new")
def test_qos2_new_packet_is_new(connect: Connect, name: str) -> None:
    subscriber = connect("sub")
    subscriber.subscribe(name, 2)
    for number in (7, 8):
        sent(connect, name, 2, number)
    got = [subscriber.wait(PUBLISH) for _ in range(2)]
    assert [p.body for p in got] == [b"invoice"] * 2
    assert got[0].number != got[1].number
