"""The known verdicts of design/theory.md section 5, found again by the toy checker at small
bounds.
"""

from __future__ import annotations

import pytest

from support.walk import CALM, EXACTLY, LEAST, MOST, handler, reached

EVENT = "event E(id, order)\nqueue q of E\n"
FIRST = """
if id in seen
  ack
  stop
set book.state = paid
send mail
add id to seen
ack
"""
STORES = "store seen per id, unique\nstore book per id\n  state: new | paid\n"
MAIL = "effect mail per id via http\n"
CREDIT = "effect credit per id in book\n"
DUP, LOSS = "no duplicate mail", "no loss of mail"


def first(effect: str = MAIL, assume: tuple[str, ...] = (), body: str = FIRST) -> str:
    return handler(body, EVENT + STORES + effect, assume, (DUP, LOSS))


def test_the_first_handler_under_each_semantics() -> None:
    assert reached(first(), MOST, pool=1) == {LOSS}
    assert reached(first(), LEAST, pool=1) == {DUP}
    assert reached(first(), EXACTLY, pool=1) == {DUP}


def test_a_provider_key_kept_for_ever() -> None:
    assert reached(first(MAIL + "  key id kept for ever\n")) == set()


def test_a_provider_key_that_expires() -> None:
    assert reached(first(MAIL + "  key id kept 24h\n"), pool=1) == {DUP}


def test_a_provider_key_with_the_attempt_number() -> None:
    assert reached(first(MAIL + "  key attempt kept for ever\n"), pool=1) == {DUP}


def test_a_key_window_needs_the_assumption_and_no_replay() -> None:
    effect = MAIL + "  key id kept 24h\n"
    window = "retries end within the key window"
    assert reached(first(effect, (window, "no replay"))) == set()
    naive = FIRST.replace("if id in seen\n  ack\n  stop\n", "").replace("add id to seen\n", "")
    assert reached(first(effect, (window,), naive)) == {DUP}
    assert reached(first(effect, (window, "no replay"), naive)) == set()


def test_without_a_crash_the_lease_needs_two_workers() -> None:
    assert reached(first(assume=CALM), pool=1) == set()
    assert reached(first(assume=CALM), pool=2) == {DUP}


ACK_FIRST = "ack\nsend mail\n"


def test_ack_first_and_redelivery_only_after_a_crash() -> None:
    calm = (
        "no replay",
        "no publisher retries",
        "no broker copies",
        "no lost acks",
        "handler finishes within the lease",
    )
    assert reached(first(assume=calm, body=ACK_FIRST)) == {LOSS}


def test_ack_first_is_not_at_most_once_if_the_lease_may_run_out() -> None:
    assert reached(first(assume=CALM, body=ACK_FIRST), pool=2) == {DUP}


def test_ack_first_with_a_checked_ack() -> None:
    assert reached(first(assume=CALM, body="ack or stop\nsend mail\n")) == set()
    assert reached(
        first(
            assume=tuple(a for a in CALM if a != "no publisher retries"),
            body="ack or stop\nsend mail\n",
        )
    ) == {DUP}


TRANSACTION = """
atomic
  insert id into seen
    on duplicate
      ack
      stop
  do credit
send mail
ack
"""


def test_a_transaction_before_the_mail() -> None:
    claims = ("no duplicate credit", "no loss of credit", DUP, LOSS)
    assert reached(handler(TRANSACTION, EVENT + STORES + MAIL + CREDIT, (), claims)) == {LOSS}


@pytest.mark.parametrize(
    ("word", "pool", "verdict"),
    [
        ("atomic", 1, set()),
        ("atomic", 2, {"no duplicate credit"}),
        ("atomic serializable", 2, set()),
    ],
)
def test_without_the_constraint_read_committed_needs_two_workers(
    word: str, pool: int, verdict: set[str]
) -> None:
    body = f"{word}\n  if id in seen\n    ack\n    stop\n  insert id into seen\n  do credit\nack\n"
    text = handler(
        body,
        EVENT + STORES.replace(", unique", "") + CREDIT,
        ("no lost acks",),
        ("no duplicate credit",),
    )
    assert reached(text, pool=pool) == verdict


def test_the_mail_before_a_transaction() -> None:
    body = (
        "send mail\natomic\n  insert id into seen\n    on duplicate\n      ack\n      stop\n  do"
        " credit\nack\n"
    )
    claims = ("no duplicate credit", DUP)
    assert reached(handler(body, EVENT + STORES + MAIL + CREDIT, (), claims), pool=1) == {DUP}


def test_the_mail_inside_a_transaction_is_not_undone() -> None:
    body = (
        "atomic\n  insert id into seen\n    on duplicate\n      ack\n      stop\n  send mail\nack\n"
    )
    assert DUP in reached(handler(body, EVENT + STORES + MAIL, (), (DUP,)), pool=1)


def test_a_broker_transaction_covers_what_is_inside() -> None:
    head = EVENT + MAIL + "store output per id, inside q\n"
    claims = ("no duplicate output", "no loss of output", DUP)
    assert reached(
        handler("insert id into output\nsend mail\nack\n", head, (), claims), EXACTLY
    ) == {DUP}


def test_messages_published_in_a_broker_transaction_appear_once() -> None:
    text = f"""{EVENT}queue further of E
store done per id, inside further
consumer h on q
  publish to further
  ack
consumer f on further
  insert id into done
  ack
claim no duplicate done
claim no loss of done
"""
    assert reached(text, EXACTLY) == set()
    assert reached(text, LEAST, pool=1) == {"no duplicate done"}


LEASED = """
acquire lease or stop
if id in seen
  ack
  stop
atomic
  do credit
  add id to seen
release lease
ack
"""


@pytest.mark.parametrize(
    ("lock", "trait", "verdict"),
    [
        ("lock lease per id, expires", "", {"no duplicate credit"}),
        ("lock lease per id in book, expires", "  checks token of lease\n", set()),
    ],
)
def test_a_lease_and_a_fencing_token_checked_in_the_same_row(
    lock: str, trait: str, verdict: set[str]
) -> None:
    head = f"{EVENT}store seen per id\nstore book per id\n{lock}\n{CREDIT}{trait}"
    assert reached(handler(LEASED, head, ("no lost acks",), ("no duplicate credit",))) == verdict


@pytest.mark.parametrize(
    ("assume", "verdict"),
    [
        (("no lost connections",), {"no duplicate credit"}),
        (("no lost connections", "no crash"), set()),
        (("no crash",), {"no duplicate credit"}),
    ],
)
def test_a_session_lock_is_free_while_its_dead_holders_commit_is_under_way(
    assume: tuple[str, ...], verdict: set[str]
) -> None:
    head = f"{EVENT}store seen per id\nstore book per id\nlock lease per id\n{CREDIT}"
    assert (
        reached(handler(LEASED, head, ("no lost acks", *assume), ("no duplicate credit",)))
        == verdict
    )


@pytest.mark.parametrize(("key", "verdict"), [("id", {"no duplicate credit"}), ("order", set())])
def test_dedup_by_the_wrong_key_needs_two_events(key: str, verdict: set[str]) -> None:
    head = (
        f"{EVENT}store seen per {key}, unique\nstore book per order\neffect credit per order in"
        " book\n"
    )
    body = TRANSACTION.replace("insert id", f"insert {key}").replace("send mail\n", "")
    text = handler(body, head, (), ("no duplicate credit",))
    assert reached(text, pool=1, events=1) == set()
    assert reached(text, pool=1, events=2) == verdict


@pytest.mark.parametrize(
    ("write", "verdict"),
    [
        ("set book.state = paid", {"no duplicate credit"}),
        ("update book.state from new to paid or stop", set()),
    ],
)
def test_a_version_read_but_not_compared(write: str, verdict: set[str]) -> None:
    body = f"let seen = book.state\nif seen is new\n  atomic\n    {write}\n    do credit\nack\n"
    head = EVENT + "store book per id\n  state: new | paid\n" + CREDIT
    assert reached(handler(body, head, (), ("no duplicate credit",))) == verdict


@pytest.mark.parametrize(("dedup", "verdict"), [(False, {DUP}), (True, set())])
def test_an_outbox_and_its_consumer(dedup: bool, verdict: set[str]) -> None:
    check = (
        "    insert id into seen\n      on duplicate\n        ack\n        stop\n" if dedup else ""
    )
    mail = MAIL.replace("via http", "in seen")
    text = f"""{EVENT}queue mails of E
store seen per id, unique
store outbox per id
  state: none | pending | sent
store book per id, unique
{mail}
consumer h on q
  atomic
    insert id into book
      on duplicate
        ack
        stop
    set outbox.state = pending
  ack
relay r when outbox.state is pending
  publish to mails
  set outbox.state = sent
consumer m on mails
  atomic
{check}    do mail
  ack
claim no duplicate mail
claim no loss of mail
"""
    assert reached(text, LEAST, pool=1) == verdict


def test_a_bug_that_needs_exactly_three_workers() -> None:
    body = """
add id to book
update book.one from free to taken
  on conflict
    update book.two from free to taken
      on conflict
        send mail
        send mail
        stop
    set book.two = free
    stop
set book.one = free
"""
    head = EVENT + "store book per id\n  one: free | taken\n  two: free | taken\n" + MAIL
    text = handler(body, head, CALM, (DUP,), trait=", acks on return")
    assert reached(text, pool=2) == set()
    assert reached(text, pool=3) == {DUP}


def test_two_groups_with_one_effect() -> None:
    body = (
        "  atomic\n    insert id into {0}\n      on duplicate\n        ack\n        stop\n    do"
        " credit\n  ack\n"
    )
    text = f"{EVENT}store one per id, unique\nstore two per id, unique\nstore book per id\n{CREDIT}"
    text += (
        "consumer a on q\n"
        + body.format("one")
        + "consumer b on q\n"
        + body.format("two")
        + "claim no duplicate credit\n"
    )
    assert reached(text, pool=1) == {"no duplicate credit"}


@pytest.mark.parametrize(
    ("trait", "verdict"),
    [("", set()), (", replicated", set()), (", cache", {"no duplicate credit"})],
)
def test_a_dedup_row_that_is_lost(trait: str, verdict: set[str]) -> None:
    """A failover takes the effect back with the row, since both live in one database."""
    head = EVENT + f"store seen per id, unique{trait}\nstore book per id\n" + CREDIT
    text = handler(TRANSACTION.replace("send mail\n", ""), head, (), ("no duplicate credit",))
    assert reached(text, pool=1) == verdict


def test_a_request_that_outlives_its_sender() -> None:
    """Within its lease, checked in every way, and yet twice: the first request arrives after the
    second worker has looked, whether its sender died or gave up waiting.
    """
    body = "if mail happened\n  ack\n  stop\nsend mail\nack\n"
    head = EVENT + MAIL + "  can be queried\n"
    within = (
        "handler finishes within the lease",
        "no replay",
        "no publisher retries",
        "no broker copies",
        "no lost acks",
    )
    assert reached(handler(body, head, within, (DUP,)), pool=2) == {DUP}
    assert reached(handler(body, head, (*within, "no crash"), (DUP,)), pool=2) == {DUP}
    assert reached(handler(body, head, (*within, "no lost answers"), (DUP,)), pool=2) == {DUP}
    calm = (*within, "no crash", "no lost answers")
    assert reached(handler(body, head, calm, (DUP,)), pool=2) == set()
