"""Redis, tried on a server: streams with consumer groups, lists, publish and subscribe, SET NX as a
marker and as a lock.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from reality import servers
from reality.child import Child

pytestmark = [pytest.mark.slow, pytest.mark.service("redis")]

RELEASE = (
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return"
    " 0 end"
)
"""Deletes a lock only if the token is one's own."""


@pytest.fixture
def redis(name: str) -> Iterator[Any]:
    """A client; what a test leaves under its name is removed."""
    client = servers.redis()
    yield client
    client.delete(*[name, *client.scan_iter(f"{name}*")])
    client.close()


@pytest.fixture
def stream(redis: Any, name: str) -> str:
    """A stream with the group ``g``."""
    redis.xgroup_create(name, "g", mkstream=True)
    return name


def read(redis: Any, stream: str, consumer: str, start: str = ">", **more: Any) -> list[str]:
    """The ids that a consumer gets."""
    answer = redis.xreadgroup("g", consumer, {stream: start}, **more)
    return [entry for _, entries in answer for entry, _ in entries]


def claim(redis: Any, stream: str, consumer: str, idle: int, **more: Any) -> list[str]:
    """The ids that a consumer claims from whoever holds them for ``idle`` milliseconds."""
    answer = redis.xautoclaim(stream, "g", consumer, idle, **more)
    return answer if more.get("justid") else [entry for entry, _ in answer[1]]


def pending(redis: Any, stream: str) -> list[tuple[str, int]]:
    """Who holds entries, and how often each was delivered."""
    return [
        (p["consumer"], p["times_delivered"])
        for p in redis.xpending_range(stream, "g", "-", "+", 10)
    ]


@pytest.mark.confirms("redis.streams/pending-stays-with-the-dead")
def test_pending_stays_with_the_dead(redis: Any, stream: str, children: list[Child]) -> None:
    entry = redis.xadd(stream, {"invoice": "1"})
    children.append(Child("redis_stream", stream, "g", "first", "ack"))
    assert children[0].said == entry
    children[0].kill()
    assert read(redis, stream, "second", block=1500) == []
    assert pending(redis, stream) == [("first", 1)]


@pytest.mark.confirms("redis.streams/own-history")
def test_own_history(redis: Any, stream: str, children: list[Child]) -> None:
    entry = redis.xadd(stream, {"invoice": "1"})
    children.append(Child("redis_stream", stream, "g", "first", "ack"))
    children[0].kill()
    assert read(redis, stream, "second", "0") == []
    assert read(redis, stream, "first", "0") == [entry]


@pytest.mark.confirms("redis.streams/claim-takes-from-the-living")
def test_claim_takes_from_the_living(redis: Any, stream: str, children: list[Child]) -> None:
    entry = redis.xadd(stream, {"invoice": "1"})
    children.append(Child("redis_stream", stream, "g", "first", "ack"))
    assert claim(redis, stream, "second", 60_000) == []
    time.sleep(0.3)
    assert claim(redis, stream, "second", 200) == [entry]
    assert children[0].process.poll() is None, "the first one still works"
    assert pending(redis, stream) == [("second", 2)]


@pytest.mark.confirms("redis.streams/second-claim-loses")
def test_second_claim_loses(redis: Any, stream: str) -> None:
    entry = redis.xadd(stream, {"invoice": "1"})
    read(redis, stream, "first")
    time.sleep(0.3)
    assert [claim(redis, stream, who, 250) for who in ("second", "third")] == [[entry], []]
    time.sleep(0.3)
    assert claim(redis, stream, "third", 250) == [entry], "later it may"


@pytest.mark.confirms("redis.streams/anyone-may-xack")
def test_anyone_may_xack(redis: Any, stream: str) -> None:
    entry = redis.xadd(stream, {"invoice": "1"})
    read(redis, stream, "first")
    assert claim(redis, stream, "second", 0) == [entry]
    stranger = (
        servers.redis()
    )  # not a consumer of the group at all; XACK has no place for a consumer's name
    assert stranger.xack(stream, "g", entry) == 1
    assert pending(redis, stream) == []
    assert claim(redis, stream, "third", 0) == [], (
        "nobody gets it again, although the second one holds it"
    )
    stranger.close()


@pytest.mark.confirms("redis.streams/xack-tells-once")
def test_xack_tells_once(redis: Any, stream: str) -> None:
    entry = redis.xadd(stream, {"invoice": "1"})
    read(redis, stream, "first")
    assert [redis.xack(stream, "g", entry) for _ in range(2)] == [1, 0]


@pytest.mark.confirms("redis.streams/noack-keeps-no-pending")
def test_noack_keeps_no_pending(redis: Any, stream: str, children: list[Child]) -> None:
    redis.xadd(stream, {"invoice": "1"})
    children.append(Child("redis_stream", stream, "g", "first", "noack"))
    children[0].kill()
    assert pending(redis, stream) == []
    assert (read(redis, stream, "first", "0"), claim(redis, stream, "second", 0)) == ([], [])


@pytest.mark.confirms("redis.streams/trimmed-entries-vanish")
def test_trimmed_entries_vanish(redis: Any, stream: str) -> None:
    entries = [redis.xadd(stream, {"invoice": str(n)}) for n in range(2)]
    assert read(redis, stream, "first", count=1) == entries[:1]
    redis.xtrim(stream, maxlen=1, approximate=False)
    assert claim(redis, stream, "second", 0) == []
    assert pending(redis, stream) == [], "the claim has taken it off the list, too"
    assert read(redis, stream, "second") == entries[1:], "what was not trimmed is still there"


@pytest.mark.confirms("redis.streams/no-dedup-without-idmp")
def test_no_dedup_without_idmp(redis: Any, stream: str) -> None:
    entries = [redis.xadd(stream, {"invoice": "1"}) for _ in range(2)]
    assert read(redis, stream, "first") == entries


@pytest.mark.confirms("redis.streams/delivery-counter")
def test_delivery_counter(redis: Any, stream: str) -> None:
    redis.xadd(stream, {"invoice": "1"})
    read(redis, stream, "c")
    for _ in range(50):
        assert claim(redis, stream, "c", 0)
    assert pending(redis, stream) == [("c", 51)], "no limit"
    claim(redis, stream, "c", 0, justid=True)
    assert pending(redis, stream) == [("c", 51)], "JUSTID does not count"


# ---------------------------------------------------------------- lists, publish and subscribe


@pytest.mark.confirms("redis.list/popped-is-gone")
def test_popped_is_gone(redis: Any, name: str, children: list[Child]) -> None:
    redis.lpush(name, "invoice")
    children.append(Child("redis_list", name, "-"))
    assert children[0].said == "invoice"
    children[0].kill()
    assert redis.exists(name) == 0


@pytest.mark.confirms("redis.list/moved-entry-stays")
def test_moved_entry_stays(redis: Any, name: str, children: list[Child]) -> None:
    redis.lpush(name, "invoice")
    children.append(Child("redis_list", name, f"{name}:work"))
    children[0].kill()
    assert redis.brpop([name], 1) is None, "nothing brings it back"
    assert redis.lrange(f"{name}:work", 0, -1) == ["invoice"]


@pytest.mark.confirms("redis.list/anyone-may-lrem")
def test_anyone_may_lrem(redis: Any, name: str, children: list[Child]) -> None:
    redis.lpush(name, "invoice")
    children.append(Child("redis_list", name, f"{name}:work"))
    assert [redis.lrem(f"{name}:work", 1, "invoice") for _ in range(2)] == [1, 0]
    assert children[0].process.poll() is None, "its worker still works"


@pytest.mark.confirms("redis.pubsub/pubsub-stores-nothing")
def test_pubsub_stores_nothing(redis: Any, name: str) -> None:
    assert redis.publish(name, "early") == 0
    subscriber = redis.pubsub(ignore_subscribe_messages=True)
    subscriber.subscribe(name)
    assert subscriber.get_message(timeout=1) is None
    assert redis.publish(name, "late") == 1
    assert subscriber.get_message(timeout=2)["data"] == "late"
    subscriber.close()


# ---------------------------------------------------------------- markers and locks


@pytest.mark.confirms("redis/set-nx-has-one-winner")
def test_set_nx_has_one_winner(redis: Any, name: str) -> None:
    def take(who: int) -> bool:
        return bool(servers.redis().set(name, who, nx=True, ex=60))

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(take, range(8))) == [False] * 7 + [True]


@pytest.mark.confirms("redis/set-nx-ends-by-ttl")
def test_set_nx_ends_by_ttl(redis: Any, name: str) -> None:
    assert redis.set(name, "first", nx=True, px=300)
    assert not redis.set(name, "second", nx=True, px=300)
    time.sleep(0.4)  # the first one still works
    assert redis.set(name, "second", nx=True, px=300)


@pytest.mark.confirms("redis.lock/lock-ends-under-its-holder")
def test_lock_ends_under_its_holder(redis: Any, name: str) -> None:
    first, second = redis.lock(name, timeout=0.3), servers.redis().lock(name, timeout=0.3)
    assert first.acquire(blocking=False)
    assert not second.acquire(blocking=False)
    time.sleep(0.4)
    assert second.acquire(blocking=False)
    assert not first.owned()


@pytest.mark.confirms("redis.lock/plain-del-frees-anothers-lock")
def test_plain_del_frees_anothers_lock(redis: Any, name: str) -> None:
    redis.set(name, "first", nx=True, px=200)
    time.sleep(0.3)
    assert redis.set(name, "second", nx=True, px=60_000)
    assert redis.eval(RELEASE, 1, name, "first") == 0, "the first one's token does not fit"
    assert redis.get(name) == "second"
    assert redis.delete(name) == 1, "but DEL asks nothing"
    assert redis.set(name, "third", nx=True, px=60_000), "and now two hold it"


@pytest.mark.confirms("redis/no-time-to-live")
def test_no_time_to_live(redis: Any, name: str) -> None:
    holder = servers.redis()
    assert holder.set(name, "first", nx=True)
    assert holder.ttl(name) == -1
    holder.close()
    assert redis.set(name, "second", nx=True) is None, "its holder is gone, and the key is there"


@pytest.mark.confirms("redis/own-retry")
def test_own_retry(redis: Any, name: str) -> None:
    assert redis.set(name, "me", nx=True)
    assert redis.set(name, "me", nx=True) is None, "as if somebody else had it"


@pytest.mark.confirms("redis/watch")
def test_watch(redis: Any, name: str) -> None:
    from redis import WatchError

    with redis.pipeline() as block:
        block.watch(name)
        assert block.get(name) is None
        servers.redis().set(name, "another")
        block.multi()
        block.set(name, "mine")
        with pytest.raises(WatchError):
            block.execute()
    assert redis.get(name) == "another"


@pytest.mark.confirms("redis/block-locks-nothing")
def test_block_locks_nothing(redis: Any, name: str) -> None:
    """Without WATCH the block is written over whatever happened since it looked."""
    assert redis.get(name) is None
    block = redis.pipeline(transaction=True)
    block.set(name, "mine")
    servers.redis().set(name, "another")
    block.execute()
    assert redis.get(name) == "mine"


@pytest.mark.confirms("redis/exec-rolls-nothing-back")
def test_exec_rolls_nothing_back(redis: Any, name: str) -> None:
    from redis import ResponseError

    block = redis.pipeline(transaction=True)
    block.set(name, "text")
    block.lpush(name, "no list")
    block.set(f"{name}.after", "done")
    with pytest.raises(ResponseError):
        block.execute()
    assert redis.mget(name, f"{name}.after") == ["text", "done"]
