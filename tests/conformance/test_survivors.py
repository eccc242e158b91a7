"""Designs that notice a lowering that was broken on purpose (tools/mutate.py) and that nothing else
noticed. Each names what was broken.
"""

from __future__ import annotations

import pytest

from support.agreement import the_readings_agree

DESIGNS = {
    "a message about an event reaches its consumer, whatever other events there are": """\
event Paid(id)
event Shipped(id)
event Note(id)
queue paid of Paid at-least-once
queue shipped of Shipped at-least-once
queue notes of Note at-least-once
effect mail per id via http
consumer a on paid
  publish to notes
  ack
consumer b on shipped
  publish to notes
  ack
consumer c on notes
  send mail
  ack
claim no loss of mail
""",
    "a message that is given up is dropped where the queue says so": """\
event Paid(id)
queue paid of Paid at-least-once
  delivery limit 2 then drop
effect mail per id via http
consumer a on paid
  send mail
  ack
claim no loss of mail
""",
    "a delivery limit means nothing where no message comes again": """\
event Paid(id)
queue paid of Paid at-most-once
  delivery limit 2 then drop
effect mail per id via http
consumer a on paid
  send mail
  ack
claim no loss of mail
""",
    "a serializable block reads and writes in one step": """\
event Paid(id)
queue paid of Paid at-least-once
store bill per id
  state: open | done
effect mail per id via http
consumer a on paid
  atomic serializable
    let now = bill.state
    set bill.state = done
  if now is open
    send mail
  ack
claim no duplicate mail
""",
    "a lock is renewed by whoever holds it": """\
event Paid(id)
queue paid of Paid at-least-once
lock lease per id, expires
effect mail per id via http
consumer a on paid
  acquire lease or stop
  renew lease or fail
  send mail
  release lease
  ack
claim no duplicate mail
""",
    "a conditional write waits for a locked row where the database does so": """\
event Placed(id)
queue orders of Placed at-least-once
queue copies of Placed at-least-once
store book per id via mysql
  state: paid | open
effect mail per id via http
effect note per id via http
consumer c on orders
  atomic
    set book.state = open
    publish to copies
    send mail
  ack
consumer d on copies
  atomic
    update book.state from open to paid
      on conflict
        send note
        ack
        stop
  ack
claim no duplicate note
assume no crash
""",
}


@pytest.mark.parametrize("name", DESIGNS)
def test_it_is_noticed(name: str) -> None:
    the_readings_agree(DESIGNS[name])
