"""Machines the engines are tried on: the reference problem, small hand-written designs with known
answers, and random ones.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from onceproof.machine.system import (
    Action,
    Broadcast,
    Cause,
    EventPattern,
    Guard,
    Level,
    Limit,
    Machine,
    Pattern,
    Property,
    Rule,
    RuleKind,
    Test,
    Update,
    Variable,
    put,
)

COUNTER = ("0", "1", "2")


def saturate(counter: str) -> Update:
    """The update that counts one more: 0, 1, 2 (which means two or more)."""
    return Update(counter, counter, (("0", "1"), ("1", "2"), ("2", "2")))


def where(**values: str) -> Guard:
    """A guard from ``variable="value"`` or ``variable="one|other"``."""
    return tuple(Test(name, frozenset(allowed.split("|"))) for name, allowed in values.items())


def step(cause: Cause, number: int, outcome: str = "", subject: str = "") -> Action:
    """The action of a hand-written rule: line and step carry the same number."""
    return Action(cause, "handler", "queue", subject, number, number, outcome)


def variables(level: Level, **domains: str) -> tuple[Variable, ...]:
    """Variables from ``name="initial other"``; ``name="a b / a b"`` lists several initial values
    after the slash.
    """
    found = []
    for name, text in domains.items():
        domain, _, initial = text.partition("/")
        values = tuple(domain.split())
        found.append(Variable(name, level, values, tuple(initial.split()) or values[:1]))
    return tuple(found)


def reference(safe: bool) -> Machine:
    """The reference problem of bench/reference.md.

    Full states if safe, for (events, workers): (1,1) 31, (2,2) 4,825, (3,2) 90,909, (3,3)
    1,235,931.
    """
    mail = (
        Update("mail", "mail", (("0", "1"), ("1", "1"), ("2", "2"))) if safe else saturate("mail")
    )
    worker = RuleKind.WORKER
    rules = (
        Rule(RuleKind.SPAWN, step(Cause.DELIVERY, 1), where(q="P"), (put("q", "I"),)),
        Rule(
            worker,
            step(Cause.HANDLER, 2, "duplicate", "proc"),
            where(pc="check", proc="1"),
            (put("pc", "ack"),),
        ),
        Rule(
            worker,
            step(Cause.HANDLER, 2, "new", "proc"),
            where(pc="check", proc="0"),
            (put("pc", "db"),),
        ),
        Rule(
            worker,
            step(Cause.HANDLER, 3, "done", "row"),
            where(pc="db"),
            (put("row", "1"), put("pc", "mail")),
        ),
        Rule(
            worker,
            step(Cause.HANDLER, 4, "done", "mail"),
            where(pc="mail"),
            (mail, put("pc", "rec")),
        ),
        Rule(
            worker,
            step(Cause.HANDLER, 5, "done", "proc"),
            where(pc="rec"),
            (put("proc", "1"), put("pc", "ack")),
        ),
        Rule(worker, step(Cause.HANDLER, 6, "done"), where(pc="ack"), (put("q", "A"),), ends=True),
        Rule(worker, Action(Cause.KILLED, "handler"), (), (), ends=True),
        Rule(
            RuleKind.EVENT, Action(Cause.REDELIVERY, queue="queue"), where(q="I"), (put("q", "P"),)
        ),
    )
    shared = variables(Level.EVENT, q="P I A", row="0 1", mail="0 1 2", proc="0 1")
    local = variables(Level.WORKER, pc="check db mail rec ack")
    return Machine("reference", "safe" if safe else "unsafe", shared + local, rules)


def no_dup() -> Property:
    """Of the reference problem: no message is mailed twice. REFUTED for unsafe (one worker, one
    crash), PROVED for safe.
    """
    return Property("NoDup", (Pattern(events=(EventPattern(where(mail="2")),)),))


def no_loss() -> Property:
    """Of the reference problem: no message is acknowledged without its mail. PROVED for both."""
    return Property("NoLoss", (Pattern(events=(EventPattern(where(q="A", mail="0")),)),))


def balance(dedup: bool) -> tuple[Machine, Property]:
    """Several events add to one balance of the component; the claim is that one event adds once,
    although two events may add 2.

    PROVED with ``dedup`` (the insert and the credit are one step), REFUTED without (one worker, one
    crash).
    """
    fresh = where(pc="credit", seen="no")
    again = where(pc="credit", seen="yes")
    rules: tuple[Rule, ...] = (
        Rule(RuleKind.SPAWN, step(Cause.DELIVERY, 1), where(acked="no")),
        Rule(
            RuleKind.WORKER,
            step(Cause.HANDLER, 2, "done", "balance"),
            fresh if dedup else where(pc="credit"),
            (saturate("balance"), saturate("credits"), put("seen", "yes"), put("pc", "ack")),
        ),
        Rule(
            RuleKind.WORKER,
            step(Cause.HANDLER, 3, "done"),
            where(pc="ack"),
            (put("acked", "yes"),),
            ends=True,
        ),
        Rule(RuleKind.WORKER, Action(Cause.KILLED, "handler"), (), (), ends=True),
    )
    if dedup:
        rules += (
            Rule(
                RuleKind.WORKER,
                step(Cause.HANDLER, 2, "duplicate", "balance"),
                again,
                (put("pc", "ack"),),
            ),
        )
    shared = variables(Level.COMPONENT, balance="0 1 2")
    shared += variables(Level.EVENT, acked="no yes", seen="no yes", credits="0 1 2")
    machine = Machine(
        "balance",
        "dedup" if dedup else "naive",
        shared + variables(Level.WORKER, pc="credit ack"),
        rules,
    )
    return machine, Property(
        "one credit per event", (Pattern(events=(EventPattern(where(credits="2")),)),)
    )


def versions(compared: bool) -> tuple[Machine, Property]:
    """Read, then write a row shared by the component's events; a write makes every other copy stale
    (a COMPONENT broadcast).

    PROVED if the write compares versions, else REFUTED without any fault (two workers).
    """
    stale = Broadcast(Level.COMPONENT, where(copy="fresh"), (put("copy", "stale"),))
    write = where(pc="write", copy="fresh")
    blind = where(pc="write", copy="stale")
    done = (put("pc", "ack"), put("copy", "none"))
    spoil = done if compared else (*done, put("row", "lost"))
    rules = (
        Rule(RuleKind.SPAWN, step(Cause.DELIVERY, 1), where(acked="no")),
        Rule(
            RuleKind.WORKER,
            step(Cause.HANDLER, 2),
            where(pc="read"),
            (put("pc", "write"), put("copy", "fresh")),
        ),
        Rule(RuleKind.WORKER, step(Cause.HANDLER, 3, "done", "row"), write, done, others=(stale,)),
        Rule(
            RuleKind.WORKER,
            step(Cause.HANDLER, 3, "stale", "row"),
            blind,
            spoil,
            others=() if compared else (stale,),
        ),
        Rule(
            RuleKind.WORKER,
            step(Cause.HANDLER, 4),
            where(pc="ack"),
            (put("acked", "yes"),),
            ends=True,
        ),
        Rule(RuleKind.WORKER, Action(Cause.KILLED, "handler"), (), (), ends=True),
    )
    shared = variables(Level.COMPONENT, row="good lost") + variables(Level.EVENT, acked="no yes")
    local = variables(Level.WORKER, pc="read write ack", copy="none fresh stale")
    machine = Machine("versions", "compared" if compared else "blind", shared + local, rules)
    return machine, Property("no lost update", (Pattern(component=where(row="lost")),))


def fenced() -> tuple[Machine, Property]:
    """A delivery removes every other worker of the event (an EVENT broadcast that removes).

    PROVED: never two workers on one event.
    """
    rules = (
        Rule(
            RuleKind.SPAWN,
            step(Cause.DELIVERY, 1),
            others=(Broadcast(Level.EVENT, (), (), removes=True),),
        ),
        Rule(
            RuleKind.WORKER,
            step(Cause.HANDLER, 2),
            where(pc="go"),
            (put("pc", "end"), put("worked", "yes")),
        ),
        Rule(RuleKind.WORKER, step(Cause.HANDLER, 3), where(pc="end"), (), ends=True),
    )
    shared = variables(Level.EVENT, worked="no yes")
    machine = Machine("fenced", "removal", shared + variables(Level.WORKER, pc="go end"), rules)
    return machine, Property(
        "one worker per event", (Pattern(events=(EventPattern((), ((), ())),)),)
    )


def single_flight(locked: bool) -> tuple[Machine, Property]:
    """A worker does its effect only while it is alone on its event, and records it in the next
    step; nobody crashes.

    ``locked``: a delivery needs the event to be without workers (``alone=()``): PROVED. Otherwise
    only the effect needs that no other worker is between effect and record: PROVED too, but two
    workers may be there together; see :func:`no_company`.
    """
    rules = (
        Rule(
            RuleKind.SPAWN,
            step(Cause.DELIVERY, 1),
            where(settled="no"),
            alone=() if locked else None,
        ),
        Rule(
            RuleKind.WORKER,
            step(Cause.HANDLER, 2, "done", "mail"),
            where(pc="send", sent="no"),
            (saturate("mail"), put("pc", "note")),
            alone=where(pc="note"),
        ),
        Rule(
            RuleKind.WORKER,
            step(Cause.HANDLER, 2, "duplicate", "mail"),
            where(pc="send", sent="yes"),
            ends=True,
        ),
        Rule(
            RuleKind.WORKER,
            step(Cause.HANDLER, 3),
            where(pc="note"),
            (put("sent", "yes"), put("settled", "yes")),
            ends=True,
        ),
    )
    shared = variables(Level.EVENT, settled="no yes", sent="no yes", mail="0 1 2")
    machine = Machine(
        "single flight",
        "locked" if locked else "open",
        shared + variables(Level.WORKER, pc="send note"),
        rules,
    )
    return machine, Property("one mail", (Pattern(events=(EventPattern(where(mail="2")),)),))


def no_company() -> Property:
    """Of :func:`single_flight`: never two workers on one event. PROVED if locked, REFUTED (two
    workers) if not.
    """
    return Property("no company", (Pattern(events=(EventPattern((), ((), ())),)),))


def orders(by_order: bool) -> tuple[Machine, Property]:
    """Two kinds of events and two kinds of orders, chosen at the start; each "pay" event ships the
    order of its component.

    Dedup by event id is REFUTED (two events, no fault), dedup by order id is PROVED.
    """
    key = "shipped" if by_order else "handled"
    ship = (saturate("shipments"), put(key, "yes"))
    rules = (
        Rule(RuleKind.SPAWN, step(Cause.DELIVERY, 1), where(kind="pay")),
        Rule(
            RuleKind.WORKER,
            step(Cause.HANDLER, 2, "done", "ship"),
            where(**{"pc": "ship", "sort": "goods", key: "no"}),
            ship,
            ends=True,
        ),
        Rule(
            RuleKind.WORKER,
            step(Cause.HANDLER, 2, "duplicate", "ship"),
            where(**{key: "yes"}),
            ends=True,
        ),
        Rule(
            RuleKind.COMPONENT,
            Action(Cause.START, subject="sort"),
            where(sort="service"),
            (put("sort", "closed"),),
        ),
    )
    shared = variables(
        Level.COMPONENT,
        sort="goods service closed / goods service",
        shipped="no yes",
        shipments="0 1 2",
    )
    shared += variables(Level.EVENT, kind="pay note / pay note", handled="no yes")
    machine = Machine(
        "orders",
        "by order" if by_order else "by event",
        shared + variables(Level.WORKER, pc="ship"),
        rules,
    )
    return machine, Property("one shipment", (Pattern(component=where(shipments="2")),))


def abandoned(limit: int | None) -> tuple[Machine, Property]:
    """An event begun, but neither done nor with a worker (``absent``): REFUTED, one crash.

    ``limit`` bounds the workers at "late" (for spawns).
    """
    rules = (
        Rule(
            RuleKind.SPAWN,
            step(Cause.DELIVERY, 1, "early"),
            where(state="new"),
            (put("state", "begun"),),
        ),
        Rule(
            RuleKind.SPAWN,
            step(Cause.DELIVERY, 1, "late"),
            where(state="begun"),
            (put("pc", "late"),),
        ),
        Rule(RuleKind.WORKER, step(Cause.HANDLER, 2), where(pc="early"), (put("pc", "late"),)),
        Rule(
            RuleKind.WORKER,
            step(Cause.HANDLER, 3),
            where(pc="late"),
            (put("state", "done"),),
            ends=True,
        ),
        Rule(RuleKind.WORKER, Action(Cause.KILLED, "handler"), (), (), ends=True),
    )
    shared = variables(Level.EVENT, state="new begun done")
    limits = () if limit is None else (Limit(where(pc="late"), limit),)
    machine = Machine(
        "abandoned",
        f"limit {limit}",
        shared + variables(Level.WORKER, pc="early late"),
        rules,
        limits,
    )
    return machine, Property(
        "never abandoned", (Pattern(events=(EventPattern(where(state="begun"), (), ()),)),)
    )


@dataclass
class Maker:
    """Draws the parts of a random machine; ``monotone`` leaves out what breaks the order of section
    1 of the theory.
    """

    dice: random.Random
    monotone: bool
    variables: list[Variable] = field(default_factory=list)

    def at(self, *levels: Level) -> list[Variable]:
        return [v for v in self.variables if v.level in levels]

    def declare(self) -> None:
        """Draw 0-2 component, 1-3 event and 1-2 worker variables; ``pc`` is the first of the
        workers'.
        """
        for level, letter, count in (
            (Level.COMPONENT, "c", self.dice.choice((0, 0, 1, 1, 2))),
            (Level.EVENT, "e", self.dice.choice((1, 1, 2, 2, 3))),
        ):
            for i in range(count):
                domain = (
                    COUNTER
                    if self.dice.random() < 0.35
                    else tuple("abc"[: self.dice.choice((2, 2, 3))])
                )
                several = domain != COUNTER and self.dice.random() < 0.2
                self.variables.append(
                    Variable(f"{letter}{i}", level, domain, domain[:2] if several else domain[:1])
                )
        points = tuple(f"p{i}" for i in range(self.dice.randint(2, 5)))
        self.variables.append(Variable("pc", Level.WORKER, points, points[:1]))
        if self.dice.random() < 0.4:
            self.variables.append(Variable("bit", Level.WORKER, ("a", "b"), ("a",)))

    def guard(self, pool: list[Variable], chance: float) -> Guard:
        """Tests over some of ``pool``, each with a proper non-empty subset of the domain."""
        tests = []
        for variable in pool:
            if self.dice.random() < chance:
                size = 1 if self.dice.random() < 0.75 else max(1, len(variable.domain) - 1)
                tests.append(
                    Test(variable.name, frozenset(self.dice.sample(variable.domain, size)))
                )
        return tuple(tests)

    def updates(
        self, targets: list[Variable], sources: list[Variable], guard: Guard
    ) -> tuple[Update, ...]:
        """Up to three updates of distinct targets: constants, counters, and tables no larger than
        the guard demands.
        """
        found = []
        for target in self.dice.sample(
            targets, min(len(targets), self.dice.choice((0, 1, 1, 2, 2, 3)))
        ):
            if target.domain == COUNTER and target in sources and self.dice.random() < 0.8:
                found.append(saturate(target.name))
            elif sources and self.dice.random() < 0.3:
                source = self.dice.choice(sources)
                allowed = next(
                    (t.allowed for t in guard if t.variable == source.name),
                    frozenset(source.domain),
                )
                table = tuple(
                    (v, self.dice.choice(target.domain)) for v in source.domain if v in allowed
                )
                found.append(Update(target.name, source.name, table))
            else:
                found.append(put(target.name, self.dice.choice(target.domain)))
        return tuple(found)

    def broadcasts(self, kind: RuleKind, number: int) -> tuple[Broadcast, ...]:
        """At most two broadcasts, told apart by ``pc`` so that no worker hears both."""
        if self.dice.random() > 0.25:
            return ()
        workers = self.at(Level.WORKER)
        points = list(workers[0].domain)
        self.dice.shuffle(points)
        cut = self.dice.randint(1, len(points) - 1)
        found = []
        for part in (points[:cut], points[cut:])[: self.dice.choice((1, 1, 2))]:
            guard = (Test("pc", frozenset(part)), *self.guard(workers[1:], 0.4))
            scope = (
                Level.COMPONENT
                if kind is RuleKind.COMPONENT
                else self.dice.choice((Level.EVENT, Level.COMPONENT))
            )
            removes = self.dice.random() < 0.3
            updates = () if removes else self.updates(workers, workers, guard)
            rest = (scope, number % 3) == (Level.COMPONENT, 0) and kind is not RuleKind.COMPONENT
            found.append(Broadcast(scope, guard, updates, removes, rest))
        return tuple(found)

    def rule(self, kind: RuleKind, number: int) -> Rule:
        """A rule of the given kind; its action is unlike every other rule's."""
        component, event, worker = (
            self.at(level) for level in (Level.COMPONENT, Level.EVENT, Level.WORKER)
        )
        shared = component if kind is RuleKind.COMPONENT else component + event
        ends = kind is RuleKind.WORKER and self.dice.random() < 0.3
        sources = shared + (worker if kind is RuleKind.WORKER else [])
        targets = shared + (
            worker if kind in (RuleKind.WORKER, RuleKind.SPAWN) and not ends else []
        )
        guard = self.guard(shared, 0.35)
        if kind is RuleKind.WORKER:
            guard += self.guard(worker[:1], 0.8) + self.guard(worker[1:], 0.4)
        alone: Guard | None = None
        if not self.monotone and kind is not RuleKind.COMPONENT and self.dice.random() < 0.15:
            alone = self.guard(worker, 0.5)
        action = Action(self.dice.choice(tuple(Cause)), step=number)
        return Rule(
            kind,
            action,
            guard,
            self.updates(targets, sources, guard),
            ends,
            alone,
            self.broadcasts(kind, number),
        )

    def rules(self) -> tuple[Rule, ...]:
        """Three to nine rules, one of them a spawn, at least half of the rest worker rules."""
        kinds = [RuleKind.SPAWN]
        others = [
            RuleKind.SPAWN,
            RuleKind.EVENT,
            RuleKind.WORKER,
            RuleKind.WORKER,
            RuleKind.WORKER,
            RuleKind.WORKER,
        ]
        if self.at(Level.COMPONENT):
            others.append(RuleKind.COMPONENT)
        kinds += [self.dice.choice(others) for _ in range(self.dice.randint(2, 8))]
        return tuple(self.rule(kind, number) for number, kind in enumerate(kinds))

    def pattern(self) -> Pattern:
        """One or two events with up to three workers between them."""
        left = self.dice.choice((0, 0, 1, 1, 2, 3))
        events = []
        for _ in range(self.dice.choice((1, 1, 2))):
            count = self.dice.randint(0, left)
            left -= count
            workers = tuple(self.guard(self.at(Level.WORKER), 0.7) for _ in range(count))
            absent = (
                None
                if self.monotone or self.dice.random() < 0.8
                else self.guard(self.at(Level.WORKER), 0.6)
            )
            events.append(EventPattern(self.guard(self.at(Level.EVENT), 0.8), workers, absent))
        return Pattern(self.guard(self.at(Level.COMPONENT), 0.4), tuple(events))

    def limits(self) -> tuple[Limit, ...]:
        """Now and then, a bound on the workers that satisfy some guard."""
        if self.monotone or self.dice.random() > 0.2:
            return ()
        return (Limit(self.guard(self.at(Level.WORKER), 0.5), self.dice.randint(1, 2)),)


def random_machine(seed: int, monotone: bool = False) -> tuple[Machine, Property]:
    """A small random machine with a random claim, the same for the same seed.

    ``monotone``: without ``alone``, ``absent`` and limits, so that backward coverability is exact.
    """
    maker = Maker(random.Random(seed), monotone)
    maker.declare()
    rules = maker.rules()
    claim = Property("random", tuple(maker.pattern() for _ in range(maker.dice.choice((1, 1, 2)))))
    machine = Machine(
        f"random {seed}",
        "monotone" if monotone else "any",
        tuple(maker.variables),
        rules,
        maker.limits(),
    )
    return machine, claim
