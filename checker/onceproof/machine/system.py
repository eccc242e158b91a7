"""The machine: finite-domain guarded commands at three levels, the one representation every engine
reads.

A *configuration* is one component row and any number of events, each with its row and any number of
workers::

    component row  ->  one per business key            (a balance, an order)
      event row    ->  one per event id                (broker status, dedup record, effect counter)
        worker     ->  one delivery in progress        (program counter ``pc`` and locals; gone when
        it ends or dies)

A machine with no component variable still has one (empty) component row: all its events live side
by side in it. Configurations of several business keys are several such components; nothing is
shared between them.

This module holds data only. What a rule *does* is written down here in words and implemented
independently by the search (``explore``), the coverability engine (``cover``) and the solver
encoding (``smt``); they are compared with each other.

Semantics of one step. Exactly one rule fires, for one choice of its acting worker / event /
component:

* All guards and all update sources read the configuration *before* the step.
* ``WORKER``: one worker ``w`` of event ``e`` of component ``c`` satisfies the guard (tests over
  variables of w, e and c). Updates are applied; if ``ends``, the worker disappears.
* ``SPAWN``: an event satisfies the guard (tests over e and c); a new worker appears on it, its
  variables at their initial value, then overwritten by the rule's updates of worker variables
  (these may not read worker variables).
* ``EVENT``: an event row changes by itself (tests and updates over e and c).
* ``COMPONENT``: a component row changes by itself (tests and updates over c only).
* ``alone``: the rule is enabled only if no *other* worker of the same event satisfies this guard
  (tests over worker variables). ``()`` means: no other worker at all. ``None`` means no such
  condition.
* ``others``: each broadcast changes every *other* worker in its scope (the same event, the whole
  component, or the rest of the component without that event) that satisfies its guard (tests over
  that worker's own variables); it may remove it. Neither the actor nor a newly spawned worker is
  touched. At most one broadcast of a rule matches
  any worker, and none writes ``PLACE``: a worker that is moved by others would be at a place that
  its own steps never lead to.
* ``approximate``: the rule (or bad pattern) is wider than the truth; the name is that of
  docs/semantics_world.md, "Wider rules". Proofs use all rules; a story that uses such a rule counts
  only if it replays (``onceproof.machine.approximation``).

The shape follows Abdulla, Cerans, Jonsson, Tsay, "General decidability theorems for infinite-state
systems" (LICS 1996).
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

PLACE = "worker at"
"""The variable that says where a worker is."""


class Level(Enum):
    """Where a variable lives."""

    COMPONENT = "component"
    EVENT = "event"
    WORKER = "worker"


class RuleKind(Enum):
    """Who acts."""

    WORKER = "worker"
    SPAWN = "spawn"
    EVENT = "event"
    COMPONENT = "component"


class Cause(Enum):
    """Why a step happens. ``value`` is the stable name used in JSON; faults have a place and a
    cause, never one edge for everything.
    """

    HANDLER = "handler"  # the handler runs one of its lines
    DELIVERY = "delivery"  # the broker hands the message to a worker
    REDELIVERY = (
        "redelivery"  # a message nobody settled becomes available again (the broker's duty)
    )
    START = "start"  # a relay, scheduler or other actor starts by itself
    KILLED = "worker-killed"
    LEASE_EXPIRED = "lease-expired"
    ACK_LOST = "ack-lost"
    ANSWER_LOST = "answer-lost"
    REFUSED = "effect-refused"
    PUBLISHER_RETRY = "publisher-retry"
    REPLAY = "operator-replay"
    BROKER_COPY = "broker-copy"
    VANISHED = "message-vanished"
    KEY_EXPIRED = "key-expired"
    ROW_LOST = "row-lost"
    FAILOVER = "failover"
    LATE_EFFECT = "late-effect"  # a request that was under way when its sender died takes effect
    DEAD_LETTERED = "dead-lettered"
    LOCK_EXPIRED = "lock-expired"
    # a message somebody is at work on is acknowledged by itself, as a later one was, or by a timer
    AUTO_ACKED = "acked-by-itself"
    LATER_COMMIT = "later-commit"  # the commit of a later record covers one that was passed over
    OVERTAKEN = "overtaken"  # a row with a later number is read before one with an earlier one
    # of a living worker, to the broker, to a database or to a lock service
    CONNECTION_LOST = "connection-lost"
    FENCED = "consumer-fenced"  # its partition moved to somebody else
    REQUEUED = "requeued"  # a shutdown gave back what a worker is on
    REWOUND = "rewound"  # a lower position was committed
    RESTARTED = "restarted"  # a process goes back to the committed position
    BROKER_LOST = "broker-lost"  # the broker loses what it has confirmed
    BROKER_RESTARTED = "broker-restarted"  # the broker forgets acknowledgements
    BATCH_RETURNED = "batch-returned"  # another record of the batch failed
    ABORTED_APPEARED = "aborted-appeared"  # a message of an aborted transaction is seen after all
    DATABASE_FAILED = "database-failed"  # a step on a database or lock service does nothing
    DATABASE_ANSWER_LOST = "database-answer-lost"  # it is done, and the worker cannot tell

    @property
    def is_fault(self) -> bool:
        """True for what the environment does to the design; False for normal operation."""
        return self not in (
            Cause.HANDLER,
            Cause.DELIVERY,
            Cause.REDELIVERY,
            Cause.START,
            Cause.AUTO_ACKED,
            Cause.LATER_COMMIT,
            Cause.OVERTAKEN,
        )


class Variable(Struct, frozen=True, cache_hash=True):
    """A finite-domain variable. ``initial`` are the values it may start with (worker variables:
    exactly one).
    """

    name: str
    level: Level
    domain: tuple[str, ...]
    initial: tuple[str, ...]


class Test(Struct, frozen=True):
    """``variable`` has one of the ``allowed`` values."""

    variable: str
    allowed: frozenset[str]

    __test__ = False  # not a pytest class


Guard = tuple[Test, ...]
"""A conjunction of tests. The empty guard is true. No variable occurs twice."""


class Update(Struct, frozen=True):
    """``target`` becomes ``table[source]``; with ``source is None`` it becomes ``table[0][1]`` (a
    constant).

    ``table`` pairs every value of the source's domain that the rule's guard allows with the new
    value.
    """

    target: str
    source: str | None
    table: tuple[tuple[str, str], ...]

    @property
    def constant(self) -> str | None:
        """The value written, if it does not depend on anything."""
        return self.table[0][1] if self.source is None else None


def put(target: str, value: str) -> Update:
    """The update that writes a constant."""
    return Update(target, None, (("", value),))


class Broadcast(Struct, frozen=True):
    """A function applied to every other worker in ``scope`` (EVENT or COMPONENT) that satisfies
    ``guard``. ``rest``: of the component, those that are not on the actor's event.
    """

    scope: Level
    guard: Guard
    updates: tuple[Update, ...]
    removes: bool = False
    rest: bool = False

    def reaches(self, near: bool) -> bool:
        """Whether it is for a worker of the component; ``near``: of the actor's event."""
        return near if self.scope is Level.EVENT else not (self.rest and near)


class Action(Struct, frozen=True):
    """What a rule means to a reader: enough to find the design's line and to replay the step on the
    design itself.

    Two rules with an equal action and different guards are cases of one visible step: in every
    configuration and for every actor at most one of them is enabled.
    """

    cause: Cause
    process: str = ""  # consumer / relay that acts, "" for the environment
    queue: str = ""  # queue concerned
    subject: str = ""  # effect, store or lock concerned
    line: int = 0  # 1-based line of the step in the design, 0 for none
    step: int = -1  # index of the program point (unique per process), -1 for none
    # distinguishes outcomes of one step: "done", "answer lost", "yes", "no", "duplicate", ...
    outcome: str = ""


class Rule(Struct, frozen=True, cache_hash=True):
    """One guarded command; see the module docstring for its meaning.

    Slicing, abstraction and the memory of a run look rules up by value, some of them thousands of
    times: the hash is computed once.
    """

    kind: RuleKind
    action: Action
    guard: Guard = ()
    updates: tuple[Update, ...] = ()
    ends: bool = False
    alone: Guard | None = None
    others: tuple[Broadcast, ...] = ()
    approximate: str = ""


class Limit(Struct, frozen=True):
    """At most ``count`` workers satisfying ``guard`` are alive at once, over all events and
    components; a spawn beyond it is disabled.
    """

    guard: Guard
    count: int


class Machine(Struct, frozen=True, cache_hash=True):
    """A lowered design under one choice of delivery semantics.

    Every initial configuration has the component rows and event rows made of initial values (each
    event and component chooses its own) and no worker. Any number of events and components exist
    from the start; one that no rule has touched is one that has not happened yet.
    """

    name: str
    semantics: str
    variables: tuple[Variable, ...]
    rules: tuple[Rule, ...]
    limits: tuple[Limit, ...] = ()

    def __post_init__(self) -> None:
        for rule in self.rules:
            if any(u.target == PLACE for b in rule.others for u in b.updates):
                raise ValueError(f"a broadcast writes the place of a worker: {rule.action}")

    def level(self, level: Level) -> tuple[Variable, ...]:
        """The variables of one level, in declaration order."""
        return tuple(v for v in self.variables if v.level is level)


class EventPattern(Struct, frozen=True):
    """An event whose row satisfies ``guard`` and that has distinct workers satisfying ``workers``,
    one each.

    ``absent``: no worker of this event satisfies that guard (``()``: it has no worker at all;
    ``None``: no condition).
    """

    guard: Guard = ()
    workers: tuple[Guard, ...] = ()
    absent: Guard | None = None


class Pattern(Struct, frozen=True):
    """A set of bad configurations: the component row satisfies ``component`` and distinct events
    match ``events``.
    """

    component: Guard = ()
    events: tuple[EventPattern, ...] = ()
    approximate: str = ""


class Property(Struct, frozen=True, cache_hash=True):
    """A safety claim about a machine: no reachable configuration contains any of the ``bad``
    patterns.
    """

    name: str
    bad: tuple[Pattern, ...]


class Move(Struct, frozen=True):
    """One step of a run: ``rule`` (index into ``machine.rules``) fired by event ``event`` and, for
    worker rules, its worker ``worker``.

    ``component``, ``event`` and ``worker`` are identities, numbered from 0. A spawn carries the
    identity of the new worker, which is the lowest number not in use by a living worker of the
    whole configuration. COMPONENT rules have ``event = -1``; rules without a worker ``worker =
    -1``.
    """

    rule: int
    component: int
    event: int
    worker: int


class Run(Struct, frozen=True):
    """A concrete run from an initial configuration: the events' and components' initial rows and
    the moves.

    ``rows[c]`` is the component's initial row as (name, value) pairs, ``events[c][e]`` the initial
    row of event ``e`` in component ``c``.
    """

    rows: tuple[tuple[tuple[str, str], ...], ...]
    events: tuple[tuple[tuple[tuple[str, str], ...], ...], ...]
    moves: tuple[Move, ...]
