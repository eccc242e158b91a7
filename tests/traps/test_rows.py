"""Rows, versions, tokens and locks: what was true when it was looked at need not be true any
more.
"""

from __future__ import annotations

import pytest
from onceproof.machine.system import Cause

from support.trap import cell, cells, codes, open_question, proved, refuted

HEAD = """\
event Paid(id, account)
queue q of Paid at-least-once
"""

CLAIM = "claim no duplicate credit\n"

FENCED = """\
store row per id
lock lease per id in row, expires
effect credit per id in row
  checks token of lease
consumer c on q
  acquire lease or stop
  if credit happened
    ack
    stop
  do credit or stop
  ack
  release lease
"""


def test_fencing_without_an_atomic_done_check() -> None:
    """The token keeps old holders out. It does not say that the new one has nothing left to do."""
    check = "  if credit happened\n    ack\n    stop\n"
    acquire = "  acquire lease or stop\n"
    assert refuted(cell(HEAD + FENCED.replace(check, "") + CLAIM))
    before = FENCED.replace(acquire + check, check + acquire)
    assert before != FENCED
    assert refuted(cell(HEAD + before + CLAIM), workers=2)
    assert proved(cell(HEAD + FENCED + CLAIM))
    untold = FENCED.replace("  checks token of lease\n", "").replace(
        "do credit or stop", "do credit"
    )
    assert refuted(cell(HEAD + untold + CLAIM), Cause.LOCK_EXPIRED, workers=2)


def test_fencing_by_something_that_does_not_issue_the_tokens() -> None:
    """A resource that has not heard of the newest token yet lets an older one through: such a
    design is turned down.
    """
    assert codes(HEAD + FENCED.replace(" in row, expires", ", expires") + CLAIM) == {"N133"}


@pytest.mark.parametrize("trait", ["cache", "replicated", "expires"])
def test_fencing_in_a_row_that_can_be_lost(trait: str) -> None:
    """A row made anew starts its tokens again."""
    assert open_question(
        cell(HEAD + FENCED.replace("store row per id", f"store row per id, {trait}") + CLAIM), "row"
    )


def test_check_and_claim_fused_into_one_step() -> None:
    """To look and then to write are two steps, also on two lines of one transaction; to write on a
    condition is one.
    """
    job = "store job per id\n  state: open | taken\neffect credit per id in job\nconsumer c on q\n"
    apart = "  if job.state is open\n    set job.state = taken\n    do credit\n  ack\n"
    assert refuted(cell(HEAD + job + apart + "assume no crash\n" + CLAIM), workers=2)
    inside = (
        "  atomic\n    if job.state is open\n      set job.state = taken\n      do credit\n  ack\n"
    )
    assert refuted(cell(HEAD + job + inside + CLAIM), workers=2)
    fused = (
        "  atomic\n    update job.state from open to taken\n      on conflict\n        ack\n       "
        " stop\n    do credit\n  ack\n"
    )
    assert proved(cell(HEAD + job + fused + CLAIM))


def test_check_and_claim_fused_into_one_step_by_an_and() -> None:
    """Two tests of one condition are two looks: a state that never was can be seen."""
    text = """\
event Paid(id, account)
queue q of Paid at-least-once
store job per id
  left: yes | no
  right: no | yes
store torn per id
consumer c on q
  if job.left is yes and job.right is yes
    add id to torn
  ack
  stop
relay mover when job.left is yes
  atomic
    update job.left from yes to no or fail
    set job.right = yes
relay back when job.right is yes
  atomic
    update job.right from yes to no or fail
    set job.left = yes
"""
    assert proved(cell(text + "claim never job.left is yes and job.right is yes\n"))
    assert refuted(cell(text + "claim never id in torn\n"))


DEDUP = """\
store done per id, unique
store row per id
effect credit per id in row
consumer c on q
  atomic
    insert id into done
      on duplicate
        ack
        stop
    do credit
  ack
"""


def test_failover_that_loses_the_dedup_row() -> None:
    replicated = DEDUP.replace("unique", "unique, replicated")
    assert refuted(cell(HEAD + replicated + CLAIM), Cause.FAILOVER)
    assert proved(cell(HEAD + replicated + "assume no failover\n" + CLAIM), "no-failover")
    assert refuted(cell(HEAD + DEDUP.replace("unique", "unique, cache") + CLAIM), Cause.ROW_LOST)
    assert proved(cell(HEAD + DEDUP + CLAIM))


def test_failover_that_loses_the_dedup_row_which_is_the_effect_itself() -> None:
    """Asking a store that forgets whether the effect happened is no dedup either."""
    asked = """
effect credit per id in row
consumer c on q
  atomic serializable
    if credit happened
      ack
      stop
    do credit
  ack
"""
    assert open_question(cell(HEAD + "store row per id, replicated" + asked + CLAIM), "T2")
    assert proved(cell(HEAD + "store row per id" + asked + CLAIM))


def test_read_committed_without_a_unique_constraint() -> None:
    text = """\
store done per id
store row per id
effect credit per id in row
consumer c on q
  atomic
    if id in done
      ack
      stop
    insert id into done
    do credit
  ack
"""
    assert refuted(cell(HEAD + text + "assume no crash\n" + CLAIM), workers=2)
    assert proved(cell(HEAD + text.replace("atomic", "atomic serializable") + CLAIM))
    assert proved(cell(HEAD + DEDUP + CLAIM))
    assert "N127" in codes(HEAD + DEDUP.replace(", unique", "") + CLAIM)


BOOK = """\
store row per id
  state: open | booked
store ledger per id
effect credit per id in ledger
consumer c on q
  atomic
    update row.state from open to booked
      on conflict
        ack
        stop
    do credit
  ack
"""


def test_version_reset_by_delete_and_insert() -> None:
    """A row that is deleted and made again has its first version again."""
    claims = CLAIM + "claim no loss of credit\n"
    cleaned = "relay clean when row.state is booked\n  delete id from row\n"
    assert refuted(cell(HEAD + BOOK + cleaned + CLAIM), Cause.START)
    archived = "relay clean when row.state is booked\n  set row.state = archived\n"
    kept = BOOK.replace("open | booked", "open | booked | archived")
    assert all(proved(one) for one in cells(HEAD + kept + archived + claims))
    back = "relay clean when row.state is booked\n  set row.state = open\n"
    assert refuted(cell(HEAD + BOOK + back + CLAIM))


def test_version_reset_by_delete_and_insert_under_a_token() -> None:
    deleted = FENCED + "relay clean when credit happened\n  delete id from row\n"
    assert open_question(cell(HEAD + deleted + CLAIM), "deleted")


@pytest.mark.parametrize(
    "guard",
    [
        "count of row is 0",
        "any row.state is open",
        "row is empty",
        "sum(row.total) is 0",
        "row.state in row",
    ],
)
def test_a_scan_or_aggregate_in_a_guard_cannot_be_said(guard: str) -> None:
    naive = BOOK.replace("  atomic\n", f"  if {guard}\n    ack\n    stop\n  atomic\n")
    assert codes(HEAD + naive + CLAIM)


def test_a_scan_or_aggregate_in_a_guard_becomes_a_row_of_its_own() -> None:
    """What the scan was for (may this account be charged again?) is a column of the account, and
    events compete for it.
    """
    text = """\
store account per account
  used: no | yes
effect bonus per account in account
consumer c on q
"""
    claim = "claim no duplicate bonus\n"
    looked = (
        text + "  if account.used is no\n    set account.used = yes\n    do bonus\n  ack\n" + claim
    )
    assert refuted(cell(HEAD + looked + "assume no crash\n"), workers=2)
    written = (
        text
        + "  atomic\n    update account.used from no to yes\n      on conflict\n        ack\n      "
        "  stop\n    do bonus\n  ack\n" + claim
    )
    assert proved(cell(HEAD + written))


@pytest.mark.parametrize(
    "guard",
    ["id < row.last", "row.last < id", "id > 5", "id is row.last", "id >= last", "id <= account"],
)
def test_ids_compared_with_less_than_cannot_be_said(guard: str) -> None:
    """Ids can be found again, and nothing else: an order among them would make events unlike each
    other.
    """
    assert codes(
        HEAD + BOOK.replace("  atomic\n", f"  if {guard}\n    ack\n    stop\n  atomic\n") + CLAIM
    )


def test_ids_compared_with_less_than_become_a_row_per_id() -> None:
    """ "Everything up to the last id is done" is a guess; "this id is done" is a row."""
    last = """\
store account per account
  last: none | some
effect credit per id in account2
store account2 per id
consumer c on q
  if account.last is some
    ack
    stop
  atomic
    set account.last = some
    do credit
  ack
"""
    results = cells(HEAD + last + CLAIM + "claim no loss of credit\n")
    assert [refuted(one) for one in results] == [True, True]
    assert all(proved(one) for one in cells(HEAD + DEDUP + CLAIM + "claim no loss of credit\n"))
