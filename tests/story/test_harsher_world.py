"""The words for databases, locks and providers that fail: runs made by hand, told step by step."""

from __future__ import annotations

import pytest
from onceproof.interpreter import Replay
from onceproof.story.environment import Teller
from onceproof.story.names import Names

from support.walk import CALM, Walk, handler

HEAD = """event E(id, order)
queue q of E
database d via postgresql
store seen per id in d, unique
store book per id in d
  state: new | paid | sent
effect mail per id via http
  key id, kept for ever
  keeps errors
  can be queried
lock m per id in d
lock pool per id via postgresql.advisory(pooled=true)
lock lease per id via redis.lock(ttl=none)
"""
RUDE = tuple(a for a in CALM if a in ("no replay", "no publisher retries", "no broker copies"))
CALL = "call mail\n  on refused\n    call mail\nack"


@pytest.mark.parametrize(
    ("body", "steps", "said"),
    [
        (
            "set book.state = paid\nack",
            ["database-failed set book.state = paid -> failed"],
            "worker 1 tries `set book.state = paid` (line 19); it fails, and nothing is written;"
            " the handler is over",
        ),
        (
            "atomic\n  add id to seen\n  set book.state = paid\nack",
            ["database-answer-lost add id to seen -> answer lost"],
            "worker 1 tries the commit of lines 20 to 21; it is done, but the answer is lost:"
            " worker 1 cannot tell; the handler is over",
        ),
        (
            "acquire m\nsend mail\nadd id to seen\nack",
            ["acquire m", "connection-lost d"],
            "network cuts the session of worker 1 with d: `m` is free, while worker 1"
            " goes on and does not know",
        ),
        (
            "acquire pool or stop\nif id in seen\n  ack\nelse\n  fail",
            ["acquire pool or stop", "if id in seen -> no", "connection-lost pool"],
            "lock `pool` for event 1 is free: the pool closes the connection that still had it",
        ),
        (
            "acquire lease\nwait\nack",
            ["acquire lease", "failover lease"],
            "lock `lease` for event 1 is forgotten in a failover while worker 1, which holds it, is"
            " still running",
        ),
        (
            CALL,
            ["effect-refused call mail -> refused, stored"],
            "worker 1 tries to call `mail`; the provider refuses, and keeps that answer under the"
            " key",
        ),
        (
            CALL,
            ["effect-refused call mail -> refused, stored", "call mail -> refused again"],
            "worker 1 tries to call `mail`; the provider knows the key, and refuses again, as it"
            " has stored; the handler fails",
        ),
        (
            CALL,
            ["answer-lost call mail -> request lost"],
            "worker 1 tries to call `mail`; the request is lost on the way, and nothing happens:"
            " worker 1 gets no answer, and cannot tell; the handler fails",
        ),
        (
            CALL,
            ["answer-lost call mail -> still on its way", "late-effect mail -> done"],
            "network the request for `mail` of event 1, which was still on its way, arrives now",
        ),
        (
            "if mail happened\n  wait\nack",
            ["effect-refused if mail happened -> refused"],
            "worker 1 asks the provider whether `mail` happened; it refuses to say; the handler"
            " fails",
        ),
    ],
)
def test_a_step_is_told(body: str, steps: list[str], said: str) -> None:
    w = Walk(handler(body, HEAD, RUDE))
    states = [w.state]
    for label in ("delivery h", *steps):
        states.append(w.go(label).state)
    teller = Teller(w.ctx, Names(w.design, {}))
    run = Replay(w.trace, tuple(w.steps), tuple(states))
    told = [teller.tell(step, run.states[i], run.states[i + 1]) for i, step in enumerate(run.steps)]
    assert f"{told[-1].who} {told[-1].text}" == said
