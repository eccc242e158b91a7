"""What blocks notice of each other, and how locks end, in the machine: designs of
docs/semantics_world.md next to their safe twins, decided by the machine alone.
"""

from __future__ import annotations

import pytest

from support.by_machine import holds

TOUCH = """
event Pay(id, account)
queue pays of Pay at-least-once
store account per id via {product}
  kind: normal | vip
  mutex: free | touched
store processed per id via {product}
store ledger per id via {product}
effect booking per id in ledger
consumer bank on pays
  atomic
{lines}
    if id in processed
      stop
    add id to processed
    do booking
  ack
claim no duplicate booking
"""
READ = ("    let kind = account.kind", "    set account.mutex = touched")

CHECK = """
event Pay(id)
queue pays of Pay at-least-once
store done per id via {product}
store ledger per id via {product}
effect booking per id in ledger
consumer bank on pays
  {block}
    if id in done
      stop
    add id to done
    do booking
  ack
claim no duplicate booking
"""

LOCK = """
event Pay(id)
queue pays of Pay at-least-once
store done per id via postgresql
lock mutex per id via {lock}
effect charge per id via http
consumer c on pays
  acquire mutex
  if id in done
    stop
  call charge
  add id to done
  release mutex
  ack
assume no crash
assume no database failures
assume no refusals
assume no lost answers
{assumed}
claim no duplicate charge
"""

FORGOTTEN = """
event Pay(id{key})
queue pays of Pay at-least-once
lock mutex per {per} via {lock}
store ledger per id
effect booking per id in ledger
consumer c on pays
  acquire mutex
  do booking
  ack
  release mutex
claim no loss of booking
"""

KEEPS = """
event Order(id)
queue orders of Order at-least-once
store order per id
  status: open | declined
effect charge per id via http
  key id, kept 24h
  keeps errors
consumer pay on orders
  call charge
    on refused
      set order.status = declined
      ack
      stop
    on no answer
      fail
  ack
claim no loss of charge{unless}
"""


@pytest.mark.parametrize(
    ("product", "lines", "safe"),
    [
        ("mysql", READ, False),
        ("mysql", READ[::-1], True),
        ("mysql(isolation=read-committed)", READ, True),
        ("mysql(innodb_snapshot_isolation=on)", READ, True),
        ("postgresql", READ, True),
    ],
)
def test_a_snapshot_hides_what_was_done_while_the_block_waited(
    product: str, lines: tuple[str, str], safe: bool
) -> None:
    assert holds(TOUCH.format(product=product, lines="\n".join(lines))) is safe


@pytest.mark.parametrize(
    ("product", "block", "safe"),
    [
        ("postgresql", "atomic", False),
        ("postgresql(isolation=repeatable-read)", "atomic", True),
        ("postgresql", "atomic serializable", True),
        ("mysql", "atomic", False),
        ("mysql", "atomic serializable", True),
        ("dynamodb", "atomic", False),
    ],
)
def test_a_check_before_a_write(product: str, block: str, safe: bool) -> None:
    assert holds(CHECK.format(product=product, block=block)) is safe


@pytest.mark.parametrize(
    ("lock", "assumed", "safe"),
    [
        ("postgresql.advisory", "", False),
        ("postgresql.advisory", "assume no lost connections", True),
        ("redis.lock(ttl=none)", "", False),
        ("redis.lock(ttl=none)", "assume no failover", True),
    ],
)
def test_a_lock_is_lost_while_its_holder_goes_on(lock: str, assumed: str, safe: bool) -> None:
    assert holds(LOCK.format(lock=lock, assumed=assumed)) is safe


@pytest.mark.parametrize(
    ("key", "per", "lock", "safe"),
    [
        ("", "id", "redis.lock(ttl=none)", False),
        (", order", "order", "redis.lock(ttl=none)", False),
        ("", "id", "redis.lock(ttl=30s)", True),
        ("", "id", "postgresql.advisory", True),
        ("", "id", "postgresql.advisory(pooled=true)", True),
    ],
)
def test_a_lock_that_nobody_releases(key: str, per: str, lock: str, safe: bool) -> None:
    assert holds(FORGOTTEN.format(key=key, per=per, lock=lock)) is safe


@pytest.mark.parametrize(
    ("unless", "safe"), [("", False), (" unless order.status is declined", True)]
)
def test_a_stored_error(unless: str, safe: bool) -> None:
    assert holds(KEEPS.format(unless=unless)) is safe
