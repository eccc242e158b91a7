"""Models behind ``via``: their names, options and values checked; what they make of a queue, store,
lock or effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from onceproof import models
from onceproof.base.durations import milliseconds
from onceproof.lang import design as d
from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.errors import brokers, names, world
from onceproof.lang.errors import models as errors
from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n
from onceproof.machine.delivery import Delivery
from onceproof.models.records import COUNT

_KINDS: Mapping[str, str] = {
    "queue": "broker",
    "store": "store",
    "database": "store",
    "lock": "lock",
    "effect": "provider",
}
"""What kind of model stands behind which declaration."""

_LOSSES = {
    "disconnect": "consumer may lose its connection",
    "rebalance": "partitions may move",
    "shutdown": "shutdown gives messages back",
}
_LINES = {
    "late-ack": "late ack",
    "limit": "delivery limit",
    "dedup": "drops copies",
    "rewinds": "commit may go back",
    "expires": "messages may expire",
    "unconfirmed": "publishes unconfirmed",
    "batches": "batches return together",
    "leaks": "aborted messages may appear",
    "keeps": "keeps copies",
    "log": "commits positions",
    "keyed": "keyed by",
}
"""How the options of a queue begin, by their stable names."""


def _folders(beside: Path) -> dict[str, Mapping[str, models.Model]]:
    return {
        "broker": models.brokers(beside),
        "store": models.stores(beside),
        "lock": models.locks(beside),
        "provider": models.providers(beside),
    }


def chosen(
    ref: n.ModelRef | None, declares: str, diagnostics: list[Diagnostic]
) -> d.ModelUse | None:
    """The model named behind ``via`` with its options, checked; None if there is none, or if
    something is wrong with it.
    """
    if ref is None:
        return None
    beside = Path(ref.span.path).parent
    wanted, folders = _KINDS[declares], _folders(beside)
    model = folders[wanted].get(ref.name)
    if model is None:
        other = next((kind for kind, known in folders.items() if ref.name in known), None)
        if problem := models.own_problem(ref.name, beside):
            diagnostics.append(errors.broken_model(ref.name, ref.span, problem))
        elif other:
            diagnostics.append(errors.wrong_kind(ref.name, ref.span, other, declares))
        else:
            diagnostics.append(names.unknown_model(ref.name, ref.span, folders[wanted]))
        return None
    given: dict[str, str] = {}
    first: dict[str, Span] = {}
    for argument in ref.arguments:
        name, value = argument.name.text, argument.value.text
        if name in given:
            diagnostics.append(names.twice(name, argument.name.span, first[name]))
        elif name == "isolation" and declares in ("store", "database"):
            levels = model.options[name].choices if name in model.options else ()
            if value not in levels:
                diagnostics.append(world.no_level(value, argument.value.span, ref.name, levels))
        elif name not in model.options:
            diagnostics.append(
                errors.unknown_option(name, argument.name.span, ref.name, model.options)
                if model.options
                else names.no_options(ref.name, argument.name.span)
            )
        elif problem := model.options[name].problem(value):
            diagnostics.append(errors.wrong_value(name, value, argument.value.span, problem))
        elif model.options[name].idle:
            why = model.options[name].idle
            diagnostics.append(errors.option_without_meaning(name, argument.name.span, why))
        elif model.options[name].unmodelled(value):
            diagnostics.append(world.not_modelled(f"`{name}={value}`", argument.value.span))
        given.setdefault(name, value)
        first.setdefault(name, argument.name.span)
    title = model.title if isinstance(model, models.Model) else model.summary
    own = str(beside / "models" / model.path) if model.is_own else ""
    return d.ModelUse(
        ref.name,
        title,
        tuple((k, x) for k, x in given.items() if k in model.options),
        str(beside),
        own,
    )


def traits(use: d.ModelUse | None, declares: str) -> models.Traits:
    """What a store's or lock's model says about it."""
    if use is None:
        return models.Traits()
    model = (models.stores if declares == "store" else models.locks)(Path(use.beside))[use.name]
    return model.traits(sound(model, use))


def model_of(use: d.ModelUse, declares: str) -> models.Model:
    """The model behind a ``via`` that was checked."""
    return _folders(Path(use.beside))[_KINDS[declares]][use.name]


def sound(model: models.Model, use: d.ModelUse) -> dict[str, str]:
    """The given options whose values fit (the others were reported)."""
    return {k: x for k, x in use.options if not model.options[k].problem(x)}


def provides(use: d.ModelUse | None, switch: str) -> bool:
    """Whether a provider's model says so, under the options given."""
    if use is None:
        return False
    model = models.providers(Path(use.beside))[use.name]
    return model.says(switch, sound(model, use))


def key_retention(use: d.ModelUse | None) -> str | None:
    """How long a provider remembers keys, under the options given; ``unknown`` without a model."""
    return (
        models.providers(Path(use.beside))[use.name].retention(dict(use.options))
        if use
        else "unknown"
    )


def switched(queue: d.Queue, s: models.Switches, model: models.Broker) -> d.Queue:
    """The queue with the switches of its model."""
    given = dict(queue.model.options) if queue.model else {}
    limit = (int(s.limit[1]), s.limit_end) if s.limit and COUNT.fullmatch(s.limit[1]) else None
    return d.changed(
        queue,
        semantics=Delivery(s.delivery),
        late_ack=s.late_ack,
        limit=limit,
        publishing=queue.publishing or (None if s.publisher == "retries" else s.publisher),
        ack={"handler": "manual"}.get(s.ack, s.ack),
        loses_hold=s.loses_hold,
        lease=s.lease,
        redelivers=s.redelivers,
        copies=s.broker_copies,
        replay=s.replay,
        dedup=s.dedup_window,
        dedup_count=s.dedup_count,
        rewinds=s.rewinds,
        expires="retention" in s.loses,
        unconfirmed="publish" in s.loses,
        batches=s.batch == "all-or-nothing",
        boundary=s.boundary,
        leaks=s.leaky_transactions,
        reads_aborted=s.reads_aborted,
        keeps=s.publisher == "retries" and s.dedup_window is None,
        covers=s.covers,
        log=model.kind == "log",
        failures=s.failures or None,
        ordered=s.ordered or model.kind == "log",
        ack_answer=d.AckAnswer(s.ack_answer),
        loses_confirmed="confirmed" in s.loses,
        durable_by="" if s.durable_by in given else s.durable_by,
        unsynced_acks=s.unsynced_acks,
    )


def with_fact(queue: d.Queue, model: models.Broker, fact: models.Fact) -> d.Queue:
    """The queue if the machine did what a fact says that it leaves out; what lines of the design
    say stays.
    """
    options = dict(queue.model.options) if queue.model else {}
    bare = d.changed(queue, publishing=None)
    before = switched(bare, model.switches(options), model)
    after = switched(bare, model.with_fact(fact, options), model)
    fields = [f for f in d.Queue.__struct_fields__ if getattr(before, f) != getattr(after, f)]
    return d.changed(queue, **{f: getattr(after, f) for f in fields})


class QueueMaker:
    """Makes checked queues. ``diagnostics`` takes what is wrong."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics

    def queue(
        self, decl: n.QueueDecl, publishing: str | None, replays: bool, is_root: bool
    ) -> d.Queue:
        """The queue of a declaration: its model, then the lines below it. ``is_root``: no step
        publishes to it.
        """
        use = chosen(decl.model, "queue", self.diagnostics)
        made = d.Queue(
            decl.name.text,
            decl.event.text,
            decl.semantics,
            None,
            None,
            publishing,
            replays,
            is_root or decl.also_fed,
            decl.name.span,
            use,
            also_fed=decl.also_fed and not is_root,
        )
        if decl.also_fed and is_root:
            why = "no step publishes to it: it is fed from outside already"
            self.diagnostics.append(
                world.changes_nothing("also fed from outside", decl.span, why, "leave it out")
            )
        if use:
            made = self._from_model(made, use)
        self._twice(decl)
        for option in decl.options:
            made = self._with(made, option)
        if not made.redelivers:
            made = d.changed(made, loses_hold=())
            self._always_read_again(made, decl)
        return made

    def _from_model(self, queue: d.Queue, use: d.ModelUse) -> d.Queue:
        model = models.brokers(Path(use.beside))[use.name]
        return switched(queue, model.switches(sound(model, use)), model)

    def _twice(self, decl: n.QueueDecl) -> None:
        seen: dict[tuple[str, str], Span] = {}
        for option in decl.options:
            key = (option.kind, option.value if option.kind == "loses" else "")
            if key in seen:
                words = _LOSSES.get(option.value) or _LINES.get(
                    option.kind, option.kind.replace("-", " ")
                )
                self.diagnostics.append(names.twice(words, option.span, seen[key]))
            seen.setdefault(key, option.span)

    def _with(self, queue: d.Queue, option: n.QueueOption) -> d.Queue:
        match option.kind, option.value:
            case "late-ack", how:
                if how == "settles" and queue.semantics is Delivery.EXACTLY_ONCE:
                    why = "under exactly-once, only the worker that holds a message settles it"
                    fix = "leave the line out, or say `at-least-once`"
                    self.diagnostics.append(
                        world.changes_nothing("late ack settles", option.span, why, fix)
                    )
                return d.changed(queue, late_ack=how, late_ack_said=True)
            case "limit", text:
                number, end = text.split(" ")
                if int(number) < 1:
                    self.diagnostics.append(names.bad_count("delivery limit", option.span))
                to = option.queue.text if option.queue else None
                return d.changed(queue, limit=(int(number), end), limit_to=to)
            case "log", _:
                if queue.log and queue.model is not None:
                    self._idle("commits positions", option, f"`{queue.model.name}` is a log")
                moves = tuple(dict.fromkeys([*queue.loses_hold, "rebalance"]))
                return d.changed(
                    queue, log=True, loses_hold=moves if queue.model is None else queue.loses_hold
                )
            case "keyed", _:
                return self._keyed(queue, option)
            case "batch" | "prefetch" as what, number:
                if int(number) < 1:
                    self.diagnostics.append(names.bad_count(what, option.span))
                fetched = queue.fetched or 0
                known = bool(queue.covers) and 0 < int(number) <= fetched
                return queue if known else d.changed(queue, covers=((what, number),))
            case "loses", cause:
                return d.changed(queue, loses_hold=tuple(dict.fromkeys([*queue.loses_hold, cause])))
            case "lease", length:
                if not queue.redelivers:
                    self._idle("lease", option, "it never redelivers")
                return d.changed(
                    queue,
                    lease=("lease", length),
                    loses_hold=tuple(dict.fromkeys(["lease", *queue.loses_hold])),
                )
            case "dedup", length:
                return d.changed(queue, dedup=("the window for copies", length))
            case "never-redelivers", _:
                return d.changed(queue, redelivers=False)
            case "never-copies", _:
                return d.changed(queue, copies=False)
            case flag, _:
                return d.changed(queue, **{flag: True})

    def _always_read_again(self, queue: d.Queue, decl: n.QueueDecl) -> None:
        """Nothing keeps a log from being read from the committed position."""
        for option in decl.options:
            if queue.log and option.kind == "never-redelivers":
                why = "a log is read again from its committed position"
                self.diagnostics.append(
                    world.changes_nothing("never redelivers", option.span, why, "leave it out")
                )

    def _keyed(self, queue: d.Queue, option: n.QueueOption) -> d.Queue:
        assert option.field is not None
        if not queue.ordered and queue.model is not None:
            self.diagnostics.append(
                brokers.no_order(queue.model.name, option.field.text, option.span)
            )
        return d.changed(queue, lane=option.field.text)

    def _idle(self, what: str, option: n.QueueOption, why: str) -> None:
        self.diagnostics.append(errors.option_without_meaning(what, option.span, why))


def in_time(process: d.Process, queue: d.Queue, takes: Span, diagnostics: list[Diagnostic]) -> bool:
    """Whether the known bound of a handler run is shorter than the lease, for all the messages that
    the lease covers; a warning if the two say nothing or too little.
    """
    if process.takes is None:
        return False
    if queue.lease is None:
        if "lease" in queue.loses_hold:
            diagnostics.append(errors.no_lease(process.name, takes, queue.span))
        return False
    one, lease = milliseconds(process.takes), milliseconds(queue.lease[1])
    if one and lease and queue.fetched and one * queue.fetched < lease:
        return True
    several = [f"{option} ({count})" for option, count in queue.covers if count != "1"]
    work = " × ".join([*several, process.takes])
    diagnostics.append(errors.longer_than_lease(process.name, work, takes, queue.lease, queue.span))
    return False
