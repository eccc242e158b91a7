"""Hand-written delivery protocols with known verdicts (theory, section 5), for the unbounded
engine.

The broker of all of them: ``q`` is P (to be delivered), I (delivered) or A (settled). ``LEASE``
lets it deliver again at any time before it is settled, ``CRASH`` lets a worker disappear anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace
from onceproof.machine.system import (
    Action,
    Broadcast,
    Cause,
    EventPattern,
    Guard,
    Level,
    Machine,
    Pattern,
    Property,
    Rule,
    RuleKind,
    Update,
    put,
)

from support.machines import no_dup, orders, reference, saturate, step, variables, versions, where

DELIVER = Rule(RuleKind.SPAWN, step(Cause.DELIVERY, 0), where(q="P"), (put("q", "I"),))
LEASE = Rule(RuleKind.EVENT, Action(Cause.LEASE_EXPIRED), where(q="I"), (put("q", "P"),))
CRASH = Rule(RuleKind.WORKER, Action(Cause.KILLED), (), (), ends=True)
REPLAY = Rule(RuleKind.EVENT, Action(Cause.PUBLISHER_RETRY), where(q="A"), (put("q", "P"),))


@dataclass(frozen=True)
class Known:
    """A protocol, a claim, and the answer: ``refuted`` is (workers, events), the fewest, or
    ``None`` for proved.

    Not ``exact``: the engine cannot see that the worker which ``absent`` excludes need not be
    there.
    """

    machine: Machine
    claim: Property
    refuted: tuple[int, int] | None
    exact: bool = True


def line(number: int, guard: Guard, *updates: Update, ends: bool = False) -> Rule:
    """A line of the handler."""
    return Rule(RuleKind.WORKER, step(Cause.HANDLER, number), guard, updates, ends)


def go(point: str) -> Update:
    return put("pc", point)


def handler(
    name: str, points: str, event: dict[str, str], *rules: Rule, local: dict[str, str] | None = None
) -> Machine:
    """A machine without component variables; ``points`` are the values of ``pc``."""
    declared = variables(Level.EVENT, q="P I A", **event) + variables(
        Level.WORKER, pc=points, **(local or {})
    )
    return Machine(name, "", declared, rules)


def twice(counter: str) -> Property:
    return Property(
        f"no duplicate {counter}", (Pattern(events=(EventPattern(where(**{counter: "2"})),)),)
    )


def lost(counter: str) -> Property:
    """Settled, without the effect, and nobody left to do it."""
    return Property(
        f"no loss of {counter}",
        (Pattern(events=(EventPattern(where(q="A", **{counter: "0"}), (), ()),)),),
    )


def lease_double_run() -> Machine:
    """The first handler, without crashes."""
    rules = tuple(rule for rule in reference(False).rules if rule.action.cause is not Cause.KILLED)
    return replace(reference(False), name="lease double run", rules=rules)


ACK = line(9, where(pc="ack"), put("q", "A"), ends=True)


def ack_first(redelivery: str) -> Machine:
    """Acknowledge, then mail. ``redelivery``: after a "crash" before the ack only, or when a
    "lease" runs out.
    """
    early = Rule(
        RuleKind.WORKER, Action(Cause.KILLED), where(pc="ack"), (put("q", "P"),), ends=True
    )
    late = replace(CRASH, guard=where(pc="mail"))
    faults = (early, late) if redelivery == "crash" else (LEASE, CRASH)
    ack = line(1, where(pc="ack"), put("q", "A"), go("mail"))
    mail = line(2, where(pc="mail"), saturate("mail"), ends=True)
    return handler(
        f"ack first, {redelivery}", "ack mail", {"mail": "0 1 2"}, DELIVER, *faults, ack, mail
    )


def ack_checked(copies: bool, told: bool = True) -> Machine:
    """The ack succeeds only for the current delivery; ``told``: older workers become stale when the
    lease runs out.
    """
    stale = (Broadcast(Level.EVENT, where(own="yes"), (put("own", "no"),)),) if told else ()
    rules = (
        replace(DELIVER, updates=(put("q", "I"), put("own", "yes"))),
        replace(LEASE, others=stale),
        CRASH,
        line(1, where(pc="ack", own="yes"), put("q", "A"), go("mail")),
        line(2, where(pc="ack", own="no"), ends=True),
        line(3, where(pc="mail"), saturate("mail"), ends=True),
        *((REPLAY,) if copies else ()),
    )
    return handler(
        f"ack checked {copies} {told}",
        "ack mail",
        {"mail": "0 1 2"},
        *rules,
        local={"own": "no yes"},
    )


def dedup_then_mail(unique: bool) -> Machine:
    """``atomic {insert unique dedup; credit}; email; ack``; without the constraint the look-up is a
    step of its own.
    """
    put_row = (put("row", "yes"), saturate("credit"), go("mail"))
    again = line(2, where(pc="read", row="yes"), go("ack"))
    fresh: tuple[Rule, ...] = (line(2, where(pc="read", row="no"), *put_row),)
    if not unique:
        fresh = (
            line(2, where(pc="read", row="no"), go("write")),
            line(3, where(pc="write"), *put_row),
        )
    mail = line(4, where(pc="mail"), saturate("mail"), go("ack"))
    event = {"row": "no yes", "credit": "0 1 2", "mail": "0 1 2"}
    return handler(
        f"dedup {unique}",
        "read write mail ack",
        event,
        DELIVER,
        LEASE,
        CRASH,
        *fresh,
        again,
        mail,
        ACK,
    )


def mail_then_dedup() -> Machine:
    """``email; atomic {insert unique dedup; credit}; ack``."""
    rules = (
        line(1, where(pc="mail"), saturate("mail"), go("tx")),
        line(2, where(pc="tx", row="no"), put("row", "yes"), saturate("credit"), go("ack")),
        line(2, where(pc="tx", row="yes"), go("ack")),
    )
    event = {"row": "no yes", "credit": "0 1 2", "mail": "0 1 2"}
    return handler("mail, then dedup", "mail tx ack", event, DELIVER, LEASE, CRASH, *rules, ACK)


def expiring_key(expiry: str) -> Machine:
    """The provider remembers a key; it forgets at "any" time, when "settled", when also "idle";
    "replay": that and replays.
    """
    guard = where(key="yes") if expiry == "any" else where(key="yes", q="A")
    alone = () if expiry in ("idle", "replay") else None
    forget = Rule(
        RuleKind.EVENT, Action(Cause.KEY_EXPIRED), guard, (put("key", "no"),), alone=alone
    )
    rules = (
        line(1, where(pc="mail", key="no"), put("key", "yes"), saturate("mail"), go("ack")),
        line(1, where(pc="mail", key="yes"), go("ack")),
        ACK,
        *((REPLAY,) if expiry == "replay" else ()),
    )
    return handler(
        f"key, {expiry}",
        "mail ack",
        {"key": "no yes", "mail": "0 1 2"},
        DELIVER,
        LEASE,
        CRASH,
        forget,
        *rules,
    )


def lease(fenced: bool, told: bool = True) -> Machine:
    """Take the lease, look, write. ``fenced``: the write checks the token; ``told``: taking the
    lease makes older tokens stale.
    """
    stale = (Broadcast(Level.EVENT, where(token="new"), (put("token", "old"),)),) if told else ()
    take = replace(
        line(
            1, where(pc="take", lock="free"), put("lock", "held"), put("token", "new"), go("look")
        ),
        others=stale,
    )
    write = line(
        3,
        where(pc="write", **({"token": "new"} if fenced else {})),
        put("done", "yes"),
        saturate("mail"),
        go("ack"),
    )
    rules = (
        take,
        Rule(
            RuleKind.EVENT, Action(Cause.LOCK_EXPIRED), where(lock="held"), (put("lock", "free"),)
        ),
        line(2, where(pc="look", done="no"), go("write")),
        line(2, where(pc="look", done="yes"), go("ack")),
        write,
        *((line(4, where(pc="write", token="old"), ends=True),) if fenced else ()),
    )
    event = {"lock": "free held", "done": "no yes", "mail": "0 1 2"}
    local = {"token": "none new old"}
    return handler(
        f"lease {fenced} {told}",
        "take look write ack",
        event,
        DELIVER,
        LEASE,
        CRASH,
        *rules,
        ACK,
        local=local,
    )


def outbox(dedup: bool) -> Machine:
    """A relay publishes the outbox row and marks it later; the consumer does the effect, once per
    event id if it has ``dedup``.
    """
    relay = Rule(RuleKind.SPAWN, Action(Cause.START), where(row="new"), (go("publish"),))
    consume = Rule(
        RuleKind.SPAWN, step(Cause.DELIVERY, 3), where(q="P"), (put("q", "I"), go("work"))
    )
    rules = (
        relay,
        line(1, where(pc="publish"), put("q", "P"), go("mark")),
        line(2, where(pc="mark"), put("row", "sent"), ends=True),
        consume,
        LEASE,
        CRASH,
        line(
            4,
            where(pc="work", **({"seen": "no"} if dedup else {})),
            saturate("mail"),
            put("seen", "yes"),
            go("ack"),
        ),
        *((line(4, where(pc="work", seen="yes"), go("ack")),) if dedup else ()),
        ACK,
    )
    declared = variables(Level.EVENT, q="none P I A", row="new sent", seen="no yes", mail="0 1 2")
    return Machine(
        f"outbox {dedup}", "", declared + variables(Level.WORKER, pc="publish mark work ack"), rules
    )


def crowd(size: int) -> tuple[Machine, Property]:
    """Workers enter and leave a room and are counted; the claim is that it never holds ``size``: it
    needs that many workers.
    """
    up = Update("inside", "inside", tuple((str(n), str(n + 1)) for n in range(size)))
    down = Update("inside", "inside", tuple((str(n + 1), str(n)) for n in range(size)))
    room = tuple(str(n) for n in range(size + 1))
    rules = (
        Rule(RuleKind.SPAWN, step(Cause.DELIVERY, 0)),
        line(1, where(pc="out", inside="|".join(room[:-1])), up, go("in")),
        line(2, where(pc="in", inside="|".join(room[1:])), down, go("out")),
    )
    declared = variables(Level.EVENT, inside=" ".join(room)) + variables(Level.WORKER, pc="out in")
    full = Property("never full", (Pattern(events=(EventPattern(where(inside=room[-1])),)),))
    return Machine(f"crowd {size}", "", declared, rules), full


def chain(size: int) -> tuple[Machine, Property]:
    """Each of ``size`` workers must wait at its own post until the next one has come: it needs all
    of them at once.

    Leaving a post resets everything, so nobody can do two posts of one attempt.
    """
    posts = [f"p{i}" for i in range(size)]
    reset = (put("stage", "0"),)
    rules = [Rule(RuleKind.SPAWN, step(Cause.DELIVERY, 0))]
    for i, post in enumerate(posts):
        rules.append(
            line(i + 1, where(pc="free", stage=str(i)), put("stage", str(i + 1)), go(post))
        )
        rules.append(line(20 + i, where(pc=post), *reset, ends=True))
    rules.append(replace(CRASH, updates=reset))
    declared = variables(Level.EVENT, stage=" ".join(str(i) for i in range(size + 1)))
    declared += variables(Level.WORKER, pc=" ".join(["free", *posts]))
    full = Property("never all", (Pattern(events=(EventPattern(where(stage=str(size))),)),))
    return Machine(f"chain {size}", "", declared, tuple(rules)), full


def exclusive() -> tuple[Machine, Property]:
    """A lock in the component row, shared by all its events: never two workers inside, neither at
    one event nor at two.
    """
    rules = (
        Rule(RuleKind.SPAWN, step(Cause.DELIVERY, 0)),
        line(1, where(pc="wait", lock="free"), put("lock", "held"), go("in")),
        line(2, where(pc="in"), put("lock", "free"), ends=True),
        replace(CRASH, guard=where(pc="wait")),
    )
    declared = variables(Level.COMPONENT, lock="free held") + variables(Level.EVENT, e="x")
    inside = where(pc="in")
    bad = (
        Pattern(events=(EventPattern((), (inside, inside)),)),
        Pattern(events=(EventPattern((), (inside,)),) * 2),
    )
    return Machine(
        "exclusive", "", declared + variables(Level.WORKER, pc="wait in"), rules
    ), Property("one inside", bad)


def takeover(scope: Level) -> tuple[Machine, Property]:
    """Whoever enters throws the others out, in the same event or in all events of the component;
    nobody is inside with another.
    """
    out = Broadcast(scope, where(pc="in"), (go("out"),))
    rules = (
        Rule(RuleKind.SPAWN, step(Cause.DELIVERY, 0)),
        replace(line(1, where(pc="out"), go("in")), others=(out,)),
        line(2, where(pc="in"), ends=True),
    )
    _, claim = exclusive()
    declared = variables(Level.EVENT, e="x") + variables(Level.WORKER, pc="out in")
    return Machine(f"takeover {scope.value}", "", declared, rules), claim


def known() -> tuple[Known, ...]:
    """All of them."""
    return (
        Known(reference(False), no_dup(), (1, 1)),
        Known(reference(True), no_dup(), None),
        Known(lease_double_run(), no_dup(), (2, 1)),
        Known(ack_first("crash"), twice("mail"), None),
        Known(ack_first("crash"), lost("mail"), (1, 1), exact=False),
        Known(ack_first("lease"), twice("mail"), (2, 1)),
        Known(ack_checked(copies=False), twice("mail"), None),
        Known(ack_checked(copies=False, told=False), twice("mail"), (2, 1)),
        Known(ack_checked(copies=True), twice("mail"), (1, 1)),
        Known(dedup_then_mail(unique=True), twice("credit"), None),
        Known(dedup_then_mail(unique=True), twice("mail"), None),
        Known(dedup_then_mail(unique=True), lost("mail"), (1, 1)),
        Known(dedup_then_mail(unique=False), twice("credit"), (2, 1)),
        Known(mail_then_dedup(), twice("credit"), None),
        Known(mail_then_dedup(), twice("mail"), (1, 1)),
        Known(expiring_key("any"), twice("mail"), (1, 1)),
        Known(expiring_key("settled"), twice("mail"), (2, 1)),
        Known(expiring_key("idle"), twice("mail"), None),
        Known(expiring_key("replay"), twice("mail"), (1, 1)),
        Known(lease(fenced=False), twice("mail"), (2, 1)),
        Known(lease(fenced=True), twice("mail"), None),
        Known(lease(fenced=True, told=False), twice("mail"), (2, 1)),
        Known(outbox(dedup=False), twice("mail"), (1, 1)),
        Known(outbox(dedup=True), twice("mail"), None),
        Known(*orders(by_order=False), (1, 2)),
        Known(*orders(by_order=True), None),
        Known(*versions(compared=False), (2, 1)),
        Known(*versions(compared=True), None),
        Known(*exclusive(), None),
        Known(*takeover(Level.COMPONENT), None),
        Known(*takeover(Level.EVENT), (2, 2)),
        Known(*crowd(3), (3, 1)),
        Known(*crowd(4), (4, 1)),
        Known(*chain(3), (3, 1)),
        Known(*chain(4), (4, 1)),
    )
