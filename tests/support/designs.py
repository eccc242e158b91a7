"""Small random designs: valid texts that use every construct of the language now and then. The same
seed gives the same text.

Handlers have few steps, so that a search with one event and two workers stays small. Used to
compare the two readings of a design (lowering and interpreter) and to check laws that must hold of
any design.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

EXTERNAL_TRAITS = (
    "",
    "",
    "",
    "key id kept for ever",
    "key id kept 24h",
    "key order kept for ever",
    "key attempt kept for ever",
)
STORE_TRAITS = ("", "", "", "", "", "cache", "replicated", "expires")
ASSUMPTIONS = (
    "no crash",
    "no replay",
    "no publisher retries",
    "no broker copies",
    "no lost answers",
    "no lost acks",
    "no refusals",
    "no failover",
    "handler finishes within the lease",
    "retries end within the key window",
    "crash only after send mail",
)


@dataclass(slots=True)
class _Scope:
    """What the generator knows of the handler it is writing."""

    budget: int
    is_relay: bool = False
    atomic: bool = False
    serializable: bool = False
    acks: str = "manual"
    locals: list[str] = field(default_factory=list)
    acquired: bool = False
    sections: int = 0


@dataclass(slots=True)
class _Maker:
    rng: random.Random
    payload: bool
    keyed: bool
    unique: bool
    second: str
    """A second consumer: ``group`` (same queue), ``publish`` (its own queue), ``relay`` (fed by
    one), ``type`` (other events).
    """
    lock: bool
    token: bool
    boxed: bool
    performed: set[str] = field(default_factory=set)

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pick(self, *options: str) -> str:
        return self.rng.choice(options)

    # -- steps

    def block(self, s: _Scope, depth: int, least: int = 1) -> list[str]:
        """Some steps, without a ``stop`` or ``fail`` of their own at the end."""
        lines: list[str] = []
        count = self.rng.randint(least, least + 1)
        while count > 0 and s.budget > 0:
            lines += self.step(s, depth)
            count -= 1
        return lines or self.simple(s)

    def step(self, s: _Scope, depth: int) -> list[str]:
        s.budget -= 1
        roll = self.rng.random()
        if depth < 3 and roll < 0.16:
            return self.branch(s, depth)
        if depth < 3 and not s.atomic and roll < 0.27:
            return self.transaction(s, depth)
        if depth < 2 and roll < 0.31 and not s.sections:
            s.sections += 1
            self.performed.add("section")
            return ["section critical", *_indent(self.block(s, depth + 1))]
        if roll < 0.47:
            return self.send(s, depth)
        if roll < 0.66:
            return self.guarded(s, depth)
        return self.simple(s)

    def simple(self, s: _Scope) -> list[str]:
        """A step without a block."""
        options = ["add", "set", "increment", "delete", "credit", "let", "wait", "credit", "set"]
        if not s.is_relay and s.acks == "manual":
            options += ["ack", "ack", "nack"]
        if s.is_relay or self.second == "publish":
            options += ["publish", "publish"] if self.second in ("publish", "relay") else []
        if self.lock:
            options += ["acquire", "release"]
        if self.boxed and not s.is_relay:
            options.append("boxed")
        return [self.one(self.rng.choice(options), s)]

    def one(self, kind: str, s: _Scope) -> str:
        key = "order" if self.keyed else "id"
        match kind:
            case "add" | "delete":
                self.performed.add("seen")
                return (
                    f"{'add' if kind == 'add' else 'delete'} {key}"
                    f" {'to' if kind == 'add' else 'from'} seen"
                )
            case "set":
                return f"set book.state = {self.pick('open', 'paid', 'sent')}"
            case "increment":
                self.performed.add("book.total")
                return "increment book.total"
            case "credit":
                self.performed.add("credit")
                return "do credit" + (self.pick("", " or stop", " or fail") if self.token else "")
            case "let":
                name = self.pick("known", "mode")
                s.locals.append(name)
                return (
                    f"let {name} ="
                    f" {f'{key} in seen' if name == 'known' else self.pick('book.state', 'paid')}"
                )
            case "publish":
                self.performed.add("publish")
                return "publish to further"
            case "ack":
                return "ack" + self.pick("", "", " or stop", " or fail")
            case "acquire":
                return "acquire lease" + self.pick("", " or stop", " or fail", " or continue")
            case "release":
                return "release lease"
            case "boxed":
                self.performed.add("output")
                return self.pick(
                    "add id to output", "insert id into output", "insert id into output"
                )
            case _:
                return kind

    def branch(self, s: _Scope, depth: int) -> list[str]:
        lines = [f"if {self.condition(s)}", *_indent(self.ending(self.block(s, depth + 1), s))]
        if self.chance(0.35) and s.budget > 0:
            lines += ["else", *_indent(self.ending(self.block(s, depth + 1), s))]
        return lines

    def ending(self, lines: list[str], s: _Scope) -> list[str]:
        """Sometimes end a block by leaving the handler."""
        if not self.chance(0.4):
            return lines
        if s.acks == "manual" and not s.is_relay and self.chance(0.6):
            lines = [*lines, "ack"]
        return [*lines, self.pick("stop", "stop", "stop", "fail")]

    def condition(self, s: _Scope, local: bool = True) -> str:
        tests = [self.test(s, local)]
        while self.chance(0.25) and len(tests) < 3:
            tests += [self.pick("and", "or"), self.test(s, local)]
        return " ".join(tests)

    def test(self, s: _Scope, local: bool) -> str:
        key = "order" if self.keyed else "id"
        options = [
            f"{key} in seen",
            f"{key} not in seen",
            "book.state is paid",
            "book.state is not open",
            "credit happened",
        ]
        if self.payload:
            options += ["kind is card", "kind is not card"]
        if local and "known" in s.locals:
            options += ["known is no", "known is yes", "known is no"]
        if local and "mode" in s.locals:
            options += ["mode is paid", "mode is not paid"]
        return self.pick(*options)

    def transaction(self, s: _Scope, depth: int) -> list[str]:
        s.atomic, s.serializable = True, self.chance(0.3)
        body = (
            self.ending(self.block(s, depth + 1, 2), s)
            if self.chance(0.2)
            else self.block(s, depth + 1, 2)
        )
        word = "atomic serializable" if s.serializable else "atomic"
        s.atomic = s.serializable = False
        return [word, *_indent(body)]

    def send(self, s: _Scope, depth: int) -> list[str]:
        self.performed.add("mail")
        lines = ["send mail"]
        clause = self.rng.randrange(5)
        if clause in (0, 1):
            lines[0] += self.pick(" or stop", " or fail")
        if clause in (1, 2):
            lines.append("  retry 1 times")
        if clause in (2, 3):
            lines += ["  on failure", *_indent(_indent(self.ending(self.block(s, 3), s)))]
        return lines

    def guarded(self, s: _Scope, depth: int) -> list[str]:
        """An insert or a conditional update."""
        insert = self.chance(0.55)
        first = (
            f"insert {'order' if self.keyed else 'id'} into seen"
            if insert
            else f"update book.state from {self.pick('open paid', 'paid sent')}"
        )
        if insert:
            self.performed.add("seen")
        else:
            first = " to ".join(first.rsplit(" ", 1))
        if insert and not self.unique:
            return [first]
        clause = self.rng.randrange(3)
        if clause == 0:
            return [first]
        if clause == 1:
            return [first + self.pick(" or stop", " or fail", " or continue")]
        return [
            first,
            f"  on {'duplicate' if insert else 'conflict'}",
            *_indent(_indent(self.ending(self.block(s, 3), s))),
        ]

    # -- the whole

    def consumer(self, name: str, queue: str, budget: int) -> list[str]:
        acks = self.pick("manual", "manual", "manual", "delivery", "return")
        s = _Scope(budget, acks=acks)
        head = f"consumer {name} on {queue}"
        head += f", workers {self.rng.randint(1, 2)}" if self.chance(0.15) else ""
        head += f", acks on {acks}" if acks != "manual" else ""
        boxed, self.boxed = self.boxed, self.boxed and queue == "orders"
        payload, self.payload = self.payload, self.payload and queue != "cancels"
        body = (
            [f"acquire lease{self.pick('', ' or stop', ' or stop')}"]
            if self.lock and self.chance(0.8)
            else []
        )
        body += self.block(s, 0, 3)
        while s.budget > 0 and len(body) < 4:
            body += self.step(s, 0)
        self.boxed, self.payload = boxed, payload
        if self.chance(0.08):
            body.insert(self.rng.randrange(len(body) + 1), "crash here")
            body = _mended(body)
        return [
            head,
            *_indent([*body, *(["ack"] if acks == "manual" and self.chance(0.75) else [])]),
        ]

    def relay(self, budget: int) -> list[str]:
        condition = self.condition(_Scope(0, is_relay=True), local=False)
        head = f"relay forwarder when {condition}" + self.pick("", ", workers 1")
        return [
            head,
            *_indent(["publish to further", *self.block(_Scope(budget, is_relay=True), 1)]),
        ]

    def claims(self) -> list[str]:
        key = "order" if self.keyed else "id"
        targets = [
            t for t in ("mail", "credit", "seen", "book.total", "output") if t in self.performed
        ]
        lines = [f"claim no duplicate {t}" for t in targets] + [
            f"claim no loss of {t}" for t in targets
        ]
        lines += [f"claim effectively once {t}" for t in targets[:1]]
        lines += [f"claim no loss of {t} unless book.state is sent" for t in targets[:1]]
        if len(targets) > 1:
            one, two = self.rng.sample(targets, 2)
            lines += [f"claim {one} and {two} together", f"claim {two} before {one}"]
        if "section" in self.performed:
            lines.append("claim at most one worker in critical")
        what = self.pick(f"{key} in seen", "book.state is paid", "credit happened")
        lines.append(f"claim never {what} and book.state is {self.pick('sent', 'open')}")
        return lines


def _indent(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _mended(body: list[str]) -> list[str]:
    """``crash here`` moved out of the way of a block it would tear from its head."""
    at = body.index("crash here")
    rest = [line for line in body if line != "crash here"]
    while at < len(rest) and (rest[at].startswith(" ") or rest[at] == "else"):
        at += 1
    return [*rest[:at], "crash here", *rest[at:]]


TO_COME = ("retries", " at-most-once")
"""A publisher and its queue's guarantee that no reading has yet."""


def random_design(seed: int) -> str:
    """A small valid design."""
    rng = random.Random(seed)
    second = rng.choice(("", "", "", "", "group", "publish", "relay", "type"))
    m = _Maker(
        rng,
        payload=rng.random() < 0.3,
        keyed=rng.random() < 0.3,
        unique=rng.random() < 0.6,
        second=second,
        lock=rng.random() < 0.2,
        token=False,
        boxed=rng.random() < 0.2,
    )
    m.token = m.lock and m.chance(0.6)
    handlers = m.consumer("handler", "orders", rng.randint(4, 7 if not second else 5))
    if second in ("publish", "relay"):
        handlers += ["", *m.consumer("follower", "further", 3)]
        handlers = (
            handlers
            if second == "relay" or "publish" in m.performed
            else [handlers[0], "  publish to further", *handlers[1:]]
        )
    elif second == "group":
        handlers += ["", *m.consumer("other", "orders", 3)]
    elif second == "type":
        handlers += ["", *m.consumer("canceller", "cancels", 3)]
    if second == "relay":
        handlers += ["", *m.relay(1)]
    whole = ("claim recoverable", "claim eventually settled", "claim failure-transparent")[seed % 3]
    declared = _declarations(m)
    if any(line.startswith("store") and ", cache" in line for line in declared):
        # a cache has no serializable transactions (N155)
        handlers = [line.replace("atomic serializable", "atomic") for line in handlers]
    declared = _in_two_databases(declared, seed)
    lines = [*declared, "", *handlers, "", *m.claims(), whole, ""]
    return "\n".join(line for line in lines if not _taken_back(line, lines))


def _in_two_databases(declared: list[str], seed: int) -> list[str]:
    """Sometimes the books are kept elsewhere than the marks. By a generator of its own, so that the
    other designs keep their texts.
    """
    product = random.Random(f"databases {seed}").choice(("", "", "postgresql", "mysql"))
    return [
        f"{line} via {product}" if product and line.startswith("store book") else line
        for line in declared
    ]


def _taken_back(line: str, lines: list[str]) -> bool:
    """Lines that an assumption of the same design contradicts."""
    words = line.strip()
    crash = words == "crash here" or words.startswith("assume crash only")
    return (crash and "assume no crash" in lines) or (
        words.startswith("operator replays") and "assume no replay" in lines
    )


def _declarations(m: _Maker) -> list[str]:
    key = "order" if m.keyed else "id"
    lines = [
        f"event Placed(id, order{', kind: card | cash' if m.payload else ''})",
        "",
        "queue orders of Placed" + (semantics := _semantics(m)),
    ]
    lines += _queue_options(m, semantics)
    if m.second in ("publish", "relay"):
        lines.append("queue further of Placed")
    if m.second == "type":
        lines += ["event Cancelled(id, order)", "queue cancels of Cancelled" + _semantics(m)]
    if m.chance(0.3):
        how = m.pick("publishes once", "retries", "retries with a new id")
        # a publisher that retries under at-most-once is not modelled yet
        lines += [f"publisher of orders {how}"] if (how, semantics) != TO_COME else []
    lines += ["operator replays orders"] if m.chance(0.1) else []
    traits = [t for t in ("unique" if m.unique else "", m.pick(*STORE_TRAITS)) if t]
    lines.append("".join([f"store seen per {key}", *(f", {t}" for t in traits)]))
    lines += [f"store book per {m.pick('id', 'id', 'order')}", "  state: open | paid | sent"]
    lines += ["store output per id, inside orders"] if m.boxed else []
    lines.append(f"effect mail per {m.pick('id', 'id', 'order')} via http")
    trait = m.pick(*EXTERNAL_TRAITS)
    lines += [f"  {trait}"] if trait else []
    lines.append(f"effect credit per {m.pick('id', 'id', 'order')} in book")
    lines += ["  checks token of lease"] if m.token else []
    place = " in book" if m.token else ""
    lines += (
        [f"lock lease per {m.pick('id', 'order')}{place}{m.pick('', ', expires')}"]
        if m.lock
        else []
    )
    for assumption in sorted(m.rng.sample(ASSUMPTIONS, m.rng.choice((0, 0, 0, 1, 2, 4)))):
        if assumption != "crash only after send mail" or "mail" in m.performed:
            lines.append(f"assume {assumption}")
    return lines


def _semantics(m: _Maker) -> str:
    return f" {m.pick('at-most-once', 'at-least-once', 'exactly-once')}" if m.chance(0.15) else ""


def _queue_options(m: _Maker, semantics: str) -> list[str]:
    lines: list[str] = []
    if m.chance(0.2):
        late = m.pick("settles", "refused")
        if "exactly-once" in semantics:  # where a late acknowledgement never settles
            late = "refused"
        lines.append(f"  late ack {late}")
    if m.chance(0.1):
        lines.append(f"  delivery limit 3{m.pick('', ' then dead-letter', ' then drop')}")
    return lines
