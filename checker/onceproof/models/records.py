"""What a model file says, as records: switches, options, facts with their sources. docs/models.md
shows all that ship.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from onceproof.base.durations import shorter

NONE = "none"
"""The value of an option that is switched off."""

COUNT_DIGITS = 12
"""Digits of a number or of a duration; Python itself refuses to read numbers of some thousand."""

DURATION = re.compile(rf"[0-9]{{1,{COUNT_DIGITS}}}(ms|s|min|h|d)")
COUNT = re.compile(rf"[0-9]{{1,{COUNT_DIGITS}}}")
STATUSES = ("documented", "derived", "unconfirmed", "confirmed by test")
"""How sure something is: the source says so; it follows from the source; nobody has read it; a test
has seen it.
"""
BEHAVIOURS = (
    "redelivery",
    "two workers",
    "late ack",
    "publisher dedup",
    "transaction boundary",
    "delivery limit",
    "ordering",
    "loss",
    "key",
    "isolation",
)
"""What a fact can be about."""
OPTION_KINDS = ("duration", "count", "switch", "choice", "text")
FOLDERS: Mapping[str, tuple[str, ...]] = {
    "brokers": ("queue", "log", "pubsub", "taskqueue", "workflow", "webhook", "publish"),
    "stores": ("store",),
    "locks": ("lock",),
    "providers": ("provider",),
}
"""Which kinds of models lie in which folder."""


class Switches(Struct, frozen=True):
    """What a broker with its options does, switch by switch (docs/semantics.md, "Brokers"). The
    defaults are those of a generic at-least-once queue.

    The rest are those of docs/semantics_world.md: ``ack_answer`` (``none``, ``true``, ``polite``,
    ``nothing``: what the protocol answers to an acknowledgement), ``durable_by`` (the option that
    decides whether what was confirmed can be lost; ``loses`` has ``confirmed`` where it is),
    ``unsynced_acks``, ``ordered`` (messages of one key are handled one after the other),
    ``failures`` (of a log: what becomes of the position where a handler fails), ``database`` (the
    product in whose databases the queue lives).

    ``lease``, ``dedup_window``, ``dedup_count`` and ``limit`` are pairs of the option that holds
    the value and its value (the name is empty for a number that is part of the model); None: there
    is none. ``dedup_count``: after so many other messages a copy is no longer recognised, however
    early it comes. ``covers``: options that say how many messages are fetched at once, with their
    values (``no limit``): the lease of the last one runs while the others are handled.
    """

    delivery: str = "at-least-once"
    ack: str = "handler"
    late_ack: str = "settles"
    loses_hold: tuple[str, ...] = ("lease",)
    lease: tuple[str, str] | None = None
    redelivers: bool = True
    publisher: str = "retries"
    dedup_window: tuple[str, str] | None = None
    dedup_count: tuple[str, str] | None = None
    broker_copies: bool = True
    replay: bool = True
    rewinds: bool = False
    loses: tuple[str, ...] = ()
    batch: str = "single"
    limit: tuple[str, str] | None = None
    limit_end: str = "dead-letter"
    boundary: tuple[str, ...] = ()
    leaky_transactions: bool = False
    ack_answer: str = "true"
    durable_by: str = ""
    unsynced_acks: bool = False
    ordered: bool = False
    failures: str = ""
    database: str = ""
    reads_aborted: bool = False
    covers: tuple[tuple[str, str], ...] = ()


WORDS: Mapping[str, tuple[str, ...]] = {
    "delivery": ("at-most-once", "at-least-once", "exactly-once"),
    "ack": ("handler", "delivery", "return", "failure", "kill", "any-time", "cumulative"),
    "late_ack": ("settles", "refused"),
    "publisher": ("retries", "once"),
    "batch": ("single", "all-or-nothing"),
    "limit_end": ("dead-letter", "drop", "stays"),
    "ack_answer": ("none", "true", "polite", "nothing"),
    "failures": ("stop", "seek", "pass"),
}
"""Switches that are one word."""
LISTS: Mapping[str, tuple[str, ...]] = {
    "loses_hold": ("lease", "disconnect", "rebalance", "shutdown"),
    "loses": ("retention", "publish", "confirmed"),
    "boundary": ("publish", "stores"),
}
"""Switches that are a list of words."""
FLAGS = (
    "redelivers",
    "broker_copies",
    "replay",
    "rewinds",
    "leaky_transactions",
    "unsynced_acks",
    "ordered",
    "reads_aborted",
)
"""Switches that are true or false."""
NAMED = ("lease", "dedup_window", "dedup_count", "limit")
"""Switches that name an option, or hold a value: a duration or, for ``COUNTED``, a number."""
COUNTED = ("dedup_count", "limit")
COVERS = "covers"
"""The switch that lists options that are counts; ``NAME+1``: besides the one that is handled."""
NO_LIMIT = "no limit"
SWITCHES = Switches.__struct_fields__

TRAIT_FLAGS = (
    "unique",
    "cache",
    "replicated",
    "synchronous",
    "waits_to_decide",
    "rechecks",
    "stale_reads",
    "repeats",
    "per_region",
    "owner_releases",
)
"""What a model of a store or lock can say: true or false."""
_LEVELS = ("read committed", "snapshot", "serializable, optimistic", "serializable, locking")
TRAIT_WORDS: Mapping[str, tuple[str, ...]] = {
    "isolation": (*_LEVELS, "single requests"),
    "serializable": (*_LEVELS, NONE),
    "snapshots": ("postgresql", "mysql", "mysql-checked"),
    "pooled": ("false", "true", "transaction"),
}
"""What a model of a store or lock can say in one word."""
TRAITS = (*TRAIT_FLAGS, *TRAIT_WORDS, "expires", "database")
"""All that a model of a store or lock can say. ``expires`` names an option; ``database``: the name
of the product, for models that live in one database.
"""
PROVIDER_FLAGS = ("stores_errors", "query_lags", "accepts")
"""What a model of a provider can say: true or false (docs/semantics.md, "Providers")."""
SCOPES = ("database",)
"""What an option can belong to other than what it is written at: at a store, an option of the
database holds for the store's whole unnamed database.
"""


class Source(Struct, frozen=True):
    """Where something was read."""

    name: str
    url: str
    read: str


class Option(Struct, frozen=True):
    """An option as the product names it.

    ``sets``: what a value changes, by value (``given``: any value but none that a design names;
    ``default``: the design does not name the option), each one or more tables. Under ``if`` a table
    names other options and the values they must have for it to count (``given``: any but none).
    ``scope``: ``database`` for an option of a store's model that belongs to the store's whole
    database.

    ``least`` and ``most``: the range of a duration or count, as the product accepts it. ``off``:
    ``none`` is a value, that is, the product can do without. ``not_modelled``: values that the
    machine does not do yet (``given``: any but the default); a design that names one is told.
    ``idle``: why no answer depends on the option; a design that names it is told.
    """

    name: str
    kind: str
    default: str
    meaning: str
    source: str
    status: str
    choices: tuple[str, ...] = ()
    sets: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    scope: str = ""
    least: str = ""
    most: str = ""
    off: bool = False
    not_modelled: tuple[str, ...] = ()
    idle: str = ""

    def problem(self, value: str) -> str:
        """What is wrong with a value, as the end of "it must be …"; empty if it fits."""
        if value == self.default or (value == NONE and (self.off or NONE in self.sets)):
            return ""
        match self.kind:
            case "duration":
                fits = DURATION.fullmatch(value)
                if not fits:
                    return "a duration, such as `30s`, `5min`, `24h` or `7d`" + self._never_off(
                        value
                    )
                return self._range(shorter(value, self.least), shorter(self.most, value))
            case "count":
                if not COUNT.fullmatch(value):
                    return "a whole number" + self._never_off(value)
                number = int(value)
                return self._range(
                    bool(self.least) and number < int(self.least),
                    bool(self.most) and number > int(self.most),
                )
            case "switch":
                return "" if value in ("true", "false") else "`true` or `false`"
            case "choice":
                return (
                    ""
                    if value in self.choices
                    else "one of " + ", ".join(f"`{c}`" for c in self.choices)
                )
            case _:
                return ""

    def _never_off(self, value: str) -> str:
        return " (the product has no way to switch it off)" if value == NONE else ""

    def _range(self, below: bool, above: bool) -> str:
        if not below and not above:
            return ""
        if self.least and self.most:
            return f"between {self.least} and {self.most}"
        return f"{self.least} or more" if self.least else f"{self.most} or less"

    def unmodelled(self, value: str) -> bool:
        """Whether a design that names this value asks for what the machine does not do yet."""
        if value in self.not_modelled:
            return True
        return "given" in self.not_modelled and value not in (self.default, NONE)


class Fact(Struct, frozen=True):
    """What is known about a behaviour, how surely, and which switches rest on it. ``test``: the
    pytest name that confirms it.

    ``breaks``: switches that the machine does not have by default, with which it would do what the
    fact says. A proof that does not survive them says ``condition``. ``unless``: an option; the
    fact counts only while a design does not name it. ``wants``: options and the values they must
    have for it to count.
    """

    id: str
    behaviour: str
    text: str
    source: str
    status: str
    switches: tuple[str, ...] = ()
    test: str = ""
    breaks: Mapping[str, Any] = field(default_factory=dict)
    condition: str = ""
    unless: str = ""
    wants: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_sure(self) -> bool:
        """Whether the source says so, or a test has shown it."""
        return self.status in ("documented", "confirmed by test")


class Model(Struct, frozen=True):
    """What all models have. ``path``: the file; ``is_own``: it is one of the design's own models
    and did not come with the tool. ``adapter``: what the drill reaches the product with; empty if
    there is nothing.
    """

    name: str
    title: str
    kind: str
    summary: str
    machine: Mapping[str, Any]
    options: Mapping[str, Option]
    facts: tuple[Fact, ...]
    sources: Mapping[str, Source]
    path: str = ""
    is_own: bool = False
    adapter: str = ""

    def value(self, option: str, given: Mapping[str, str]) -> str:
        """The value of an option: what was given, else its default."""
        return given.get(option, self.options[option].default)

    def chosen(self, given: Mapping[str, str]) -> dict[str, Any]:
        """The ``[machine]`` table with what the options change in it, in the order of the
        options.
        """
        machine = dict(self.machine)
        for option in self.options.values():
            value, named = self.value(option.name, given), option.name in given
            words: tuple[str, ...] = () if named else ("default",)
            words += (
                (value,) if value in option.sets else ("given",) if named and value != NONE else ()
            )
            for table in (table for word in words for table in option.sets.get(word, ())):
                if self._all(table.get("if", {}), given):
                    machine.update({k: v for k, v in table.items() if k != "if"})
        return machine

    def _all(self, wanted: Mapping[str, str], given: Mapping[str, str]) -> bool:
        """Whether options have the values that a table asks for."""
        values = ((self.value(option, given), word) for option, word in wanted.items())
        return all(value == word or (word == "given" and value != NONE) for value, word in values)

    def named(self, option: object, given: Mapping[str, str]) -> tuple[str, str] | None:
        """The pair of an option's name and value that a switch names; None if there is none or it
        is off.
        """
        if option in ("", NONE, None):
            return None
        if str(option) not in self.options:
            return ("", str(option))
        value = self.value(str(option), given)
        return None if value == NONE else (str(option), value)


class Broker(Model, frozen=True):
    """A broker, task queue, workflow engine or sender of webhooks."""

    def switches(self, options: Mapping[str, str]) -> Switches:
        """The switches under the given options; the others have their defaults. A lease whose
        option is off does not run out.
        """
        return self._made(self.chosen(options), options)

    def with_fact(self, fact: Fact, options: Mapping[str, str]) -> Switches:
        """The switches if the machine did what a fact says that it leaves out."""
        machine = self.chosen(options)
        merged = {
            switch: [*machine.get(switch, ()), *value] if switch in LISTS else value
            for switch, value in fact.breaks.items()
        }
        return self._made({**machine, **merged}, options)

    def left_out(self, options: Mapping[str, str]) -> tuple[Fact, ...]:
        """The facts with consequences that the machine leaves out under these options."""
        return tuple(
            fact
            for fact in self.facts
            if fact.breaks and fact.unless not in options and self._all(fact.wants, options)
        )

    def _fetched(self, option: str, given: Mapping[str, str]) -> tuple[str, str]:
        """How many messages an option lets a worker have at once; 0 and none: any number."""
        name, besides = option.removesuffix("+1"), option.endswith("+1")
        value = self.value(name, given)
        if value in (NONE, "0"):
            return (name, NO_LIMIT)
        return (f"{name} + 1", str(int(value) + 1)) if besides else (name, value)

    def _made(self, machine: Mapping[str, Any], options: Mapping[str, str]) -> Switches:
        named = {switch: self.named(machine.get(switch), options) for switch in NAMED}
        lists = {switch: tuple(value) for switch, value in machine.items() if switch in LISTS}
        if machine.get("lease") and named["lease"] is None:
            lists["loses_hold"] = tuple(w for w in lists.get("loses_hold", ()) if w != "lease")
        covers = tuple(self._fetched(option, options) for option in machine.get(COVERS, ()))
        return Switches(**{**machine, **named, **lists, COVERS: covers})


class Traits(Struct, frozen=True):
    """What a store, its database, or a lock does (docs/semantics_world.md). The defaults are those
    of a generic one.

    Of a store: ``unique``, ``cache``, ``expires`` (the option that holds the time to live, and its
    value; ``endless``: the model has such an option and it is off).

    Of its database: ``database`` (the product), ``isolation`` and ``serializable`` (the levels of
    ``atomic`` and ``atomic serializable``), ``snapshots``, ``waits_to_decide``, ``rechecks``,
    ``stale_reads``, ``repeats`` and ``per_region``, as the fields of ``lang.design.Database``;
    ``replicated``: it fails over; ``synchronous``: a replica has every commit, so it does not, even
    if the design says ``replicated``.

    Of a lock: ``expires``, ``endless``, ``database`` (the product whose sessions hold it),
    ``owner_releases``, ``pooled``, ``replicated``.
    """

    unique: bool = False
    cache: bool = False
    replicated: bool = False
    expires: tuple[str, str] | None = None
    endless: bool = False
    database: str = ""
    isolation: str = "read committed"
    serializable: str = "serializable, optimistic"
    snapshots: str = "postgresql"
    synchronous: bool = False
    waits_to_decide: bool = False
    rechecks: bool = False
    stale_reads: bool = False
    repeats: bool = False
    per_region: bool = False
    owner_releases: bool = False
    pooled: str = "false"


class Keeper(Model, frozen=True):
    """A store or a lock."""

    def traits(self, options: Mapping[str, str]) -> Traits:
        """Its traits under the given options."""
        machine = self.chosen(options)
        ends = self.named(machine.get("expires"), options)
        return Traits(**{**machine, "expires": ends, "endless": "expires" in machine and not ends})

    @property
    def levels(self) -> Mapping[str, str]:
        """The values of the option ``isolation``, each with what it makes of ``atomic``; empty if
        the product has no choice.
        """
        if "isolation" not in self.options:
            return {}
        option = self.options["isolation"]
        default = str(self.machine.get("isolation", Traits().isolation))
        return {
            value: next(
                (str(t["isolation"]) for t in option.sets.get(value, ()) if "isolation" in t),
                default,
            )
            for value in option.choices
        }


class Provider(Model, frozen=True):
    """A provider of external effects.

    ``keys``: how long it keeps idempotency keys: ``never`` (it ignores them), ``unknown`` (the
    design decides), ``for ever`` or a duration. ``status``, ``source`` (an address) and ``note``
    are about that. ``machine`` has the switches of ``PROVIDER_FLAGS``.
    """

    keys: str = "unknown"
    status: str = "unconfirmed"
    source: str = ""
    note: str = ""
    retention_option: str = ""

    def retention(self, given: Mapping[str, str]) -> str:
        """How long keys are kept under the given options."""
        return given.get(self.retention_option, self.keys)

    def says(self, switch: str, given: Mapping[str, str]) -> bool:
        """Whether one of ``PROVIDER_FLAGS`` is on under the given options."""
        return bool(self.chosen(given).get(switch))
