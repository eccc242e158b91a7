"""Small random designs of the harsher world (docs/semantics_world.md): databases with their levels,
steps that fail and their clauses, blocks, kinds of locks and their sessions, providers that keep
errors, reads that are late, failovers.

A design has one or two handlers of a few steps, so that everything it can do is compared in little
time. The same seed gives the same text, as long as the language refuses the same lines: what the
two readings do not model yet (``NOT_MODELLED``) is left out, and comes by itself when it is.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from onceproof.lang.load import load_text
from onceproof.lang.resolve.unmodelled import NOT_MODELLED

THEMES: dict[str, tuple[str, ...]] = {
    "plain": (),
    "failures": ("write clause", "atomic clause"),
    "databases": ("database",),
    "levels": ("option isolation",),
    "snapshots": ("option isolation",),
    "serializable": ("option isolation",),
    "requests": ("option WATCH",),
    "locks": ("until released", "owner releases", "lock in a database"),
    "pools": ("option pooled",),
    "providers": ("keeps errors", "on refused", "on no answer"),
    "stale": ("option reads",),
    "failover": ("option synchronous_standby_names",),
    "regions": ("option global-table",),
}
"""By theme, what it cannot do without."""

PRODUCTS = ("", "", " via postgresql", " via mysql", " via dynamodb", " via redis")
LEVELS = (
    " via postgresql(isolation=repeatable-read)",
    " via postgresql(isolation=serializable)",
    " via postgresql",
    " via mysql",
    " via mysql(isolation=read-committed)",
    " via mysql(isolation=serializable)",
    " via mysql(innodb_snapshot_isolation=on)",
    " via oracle(isolation=serializable)",
    " via sqlserver",
    " via cockroachdb",
)
SNAPSHOTS = (
    " via postgresql(isolation=repeatable-read)",
    " via mysql",
    " via mysql(innodb_snapshot_isolation=on)",
)
SERIALIZABLE = (
    " via postgresql(isolation=serializable)",
    " via mysql(isolation=serializable)",
    " via cockroachdb",
    "",
)
REQUESTS = (" via redis", " via redis(WATCH=true)", " via dynamodb", " via dynamodb(reads=strong)")
STALE = (" via dynamodb", " via postgresql(reads=replica)", " via mysql(reads=replica)")
FAILOVER = (
    " via postgresql(synchronous_commit=off)",
    " via mysql(innodb_flush_log_at_trx_commit=0)",
    " via redis",
)
NAMED = (
    "database main",
    "database main, isolation snapshot",
    "database main, isolation serializable",
    "database main, replicated",
    "database main via postgresql",
    "database main via mysql",
    "database main via postgresql(isolation=repeatable-read)",
    "database main via dynamodb(reads=strong)",
)
LOCKS = (
    "lock m per {key}",
    "lock m per {key}, until released",
    "lock m per {key}, until released, owner releases",
    "lock m per {key}, expires",
    "lock m per {key}, expires, owner releases",
    "lock m per {key} in book",
    "lock m per {key} in book, expires",
    "lock m per {key} via postgresql.advisory",
    "lock m per {key} via mysql.get_lock",
    "lock m per {key} via redis.lock",
    "lock m per {key} via redis.lock(ttl=none)",
    "lock m per {key} via redis.lock(ttl=30s, release=compare)",
)
POOLS = (
    "lock m per {key} via postgresql.advisory(pooled=true)",
    "lock m per {key} via postgresql.advisory(pooled=transaction)",
    "lock m per {key} via mysql.get_lock(pooled=true)",
)
KEYS = (
    "",
    "key id, kept for ever",
    "key id, kept 24h",
    "key book.state, kept for ever",
    "key book.state, kept 24h",
)
CALM = ("no replay", "no publisher retries", "no broker copies")
ASSUMPTIONS = (
    "no crash",
    "no lost answers",
    "no lost acks",
    "no refusals",
    "no database failures",
    "no database failures",
    "no lost connections",
    "no failover",
    "handler finishes within the lease",
    "retries end within the key window",
    "work ends within the lock",
)


@dataclass(slots=True)
class Maker:
    """Makes one design of a theme."""

    rng: random.Random
    theme: str
    key: str = "id"
    """What ``seen`` and the lock are kept per."""
    lock: str = ""
    unique: bool = True
    in_block: bool = False
    acquired: bool = False
    single_requests: bool = False
    lets: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pick(self, *options: str) -> str:
        return self.rng.choice(options)

    # -- steps

    def failing(self, lines: list[str], conditional: str = "") -> list[str]:
        """Perhaps with clauses for failures, and for the outcome that its condition has."""
        if conditional and self.chance(0.6):
            if self.chance(0.5):
                lines[0] += self.pick(" or stop", " or fail", " or continue")
            else:
                lines += [f"  on {conditional}", *indented(indented(self.ending()))]
        if self.in_block or "write clause" in NOT_MODELLED:
            return lines
        weight = 0.5 if self.theme == "failures" else 0.1
        if not conditional and self.chance(weight / 2):
            lines[0] += self.pick(" or stop", " or fail", " or continue")
        elif self.chance(weight):
            lines += ["  on failure", *indented(indented(self.ending()))]
        if self.chance(weight / 2):
            lines.append(f"  retry {self.rng.randint(1, 2)} times")
        return lines

    def ending(self) -> list[str]:
        return self.rng.choice((["stop"], ["ack", "stop"], ["nack", "stop"], ["fail"], ["wait"]))

    def write(self) -> list[str]:
        kind = self.pick("insert", "insert", "update", "update", "set", "add", "do", "do", "delete")
        if kind == "insert":
            self.used.add("seen")
            return self.failing(
                [f"insert {self.key} into seen"], "duplicate" if self.unique else ""
            )
        if kind == "update":
            first = self.pick("open to paid", "paid to sent", "paid to open")
            return self.failing([f"update book.state from {first}"], "conflict")
        if kind == "delete":
            self.used.add("seen")
            return self.failing([f"delete {self.key} from seen"], self.pick("", "missing"))
        if kind == "do":
            self.used.add("credit")
            return self.failing(["do credit"])
        line = {
            "set": f"set book.state = {self.pick('open', 'paid', 'paid', 'sent')}",
            "add": self.pick("add id to book", "add id to book", f"add {self.key} to seen"),
        }[kind]
        return self.failing([line])

    def question(self) -> str:
        options = [
            f"{self.key} in seen",
            f"{self.key} not in seen",
            "book.state is paid",
            "book.state is not paid",
            "credit did not happen",
            "id in book",
        ]
        if "known" in self.lets:
            options += ["known is yes", "known is no"] * 2
        if "mode" in self.lets:
            options += ["mode is paid", "mode is not paid"] * 2
        return self.pick(*options)

    def read(self) -> list[str]:
        if self.chance(0.4):
            name = self.pick("known", "mode")
            self.lets.append(name)
            return [
                f"let known = {self.key} in seen" if name == "known" else "let mode = book.state"
            ]
        then = self.ending() if self.chance(0.6) else self.write()
        if self.in_block and then[-1] == "wait":
            then = ["stop"]
        return [f"if {self.question()}", *indented(then)]

    def outside(self) -> list[str]:
        if self.chance(0.4):
            return ["wait"]
        self.used.add("mail")
        lines = ["call mail"]
        if "on refused" not in NOT_MODELLED and self.chance(0.5):
            for outcome in ("refused", "no answer"):
                if self.chance(0.5):
                    lines += [f"  on {outcome}", *indented(indented(self.ending()))]
        elif self.chance(0.3):
            lines[0] += self.pick(" or stop", " or continue", " or fail")
        return lines

    def block(self) -> list[str]:
        self.in_block = True
        serializable = self.chance(0.5 if self.theme == "serializable" else 0.1)
        serializable = serializable and not self.single_requests
        body: list[str] = []
        if self.lock and self.chance(0.3):
            body.append("acquire m")
            self.acquired = True
        for _ in range(self.rng.randint(2, 3)):
            roll = self.rng.random()
            if roll < 0.4:
                body += self.read()
            elif roll < 0.88:
                body += self.write()
            else:
                body += self.outside()
        self.in_block = False
        lines = [f"atomic{' serializable' * serializable}", *indented(body)]
        if "atomic clause" in NOT_MODELLED:
            return lines
        if self.chance(0.1):
            lines[0] += self.pick(" or stop", " or fail", " or continue")
        elif self.chance(0.3):
            lines += ["on failure", *indented(self.ending())]
        if self.chance(0.15):
            lines.append("retry 2 times")
        return lines

    def body(self, steps: int, *, rival: bool) -> list[str]:
        self.lets, self.acquired = [], False
        lines: list[str] = []
        if self.lock and self.chance(0.8):
            lines.append(f"acquire m{self.pick('', ' or stop', ' or fail')}")
            self.acquired = True
        blocks = 0.25 if self.theme in ("stale", "failover", "providers", "regions") else 0.6
        if self.chance(0.5):
            lines.append("add id to book")
        done = 0
        while done < steps:
            roll = self.rng.random()
            if roll < blocks and not any(x.startswith("atomic") for x in lines):
                lines += self.block()
                done += 2
            elif roll < 0.75:
                lines += self.write()
                done += 1
            elif roll < 0.88 or rival:
                lines += self.read()
                done += 1
            else:
                lines += self.outside()
                done += 1
        if self.theme == "providers" and not any("call mail" in x for x in lines):
            lines += ["call mail"]
            self.used.add("mail")
        if self.acquired and self.chance(0.6):
            lines.append("release m")
        return lines

    def consumer(self, name: str, queue: str, steps: int, *, rival: bool = False) -> list[str]:
        acks = self.pick("", "", "", "return", "return or failure", "delivery")
        head = f"consumer {name} on {queue}" + (f", acks on {acks}" if acks else "")
        body = self.body(steps, rival=rival)
        if acks:
            body = [x for x in body if x.strip() not in ("ack", "nack")] or ["wait"]
        elif self.chance(0.85):
            body.append("ack")
        return [head, *indented(body)]

    # -- declarations

    def places(self) -> tuple[list[str], str, str]:
        """Databases, and where ``seen`` and ``book`` are kept."""
        kinds = {
            "levels": LEVELS,
            "snapshots": SNAPSHOTS,
            "serializable": SERIALIZABLE,
            "requests": REQUESTS,
            "stale": STALE,
            "failover": FAILOVER,
            "regions": (" via dynamodb(global-table=MREC)", " via dynamodb(global-table=MRSC)"),
        }.get(self.theme, PRODUCTS)
        if self.theme == "databases":
            other = self.pick(*PRODUCTS, " in main", " in main")
            return [self.pick(*NAMED)], " in main", other
        first = self.pick(*kinds)
        # one unnamed database has one value of an option: the second store names none
        second = first.split("(")[0] if self.chance(0.75) else self.pick(*PRODUCTS)
        if self.chance(0.5):
            first, second = second, first
        return [], first, second

    def text(self) -> str:
        self.key = "order" if self.chance(0.2) else "id"
        self.unique = self.chance(0.7)
        if self.theme in ("locks", "pools"):
            self.lock = self.pick(*(LOCKS if self.theme == "locks" else POOLS))
        databases, seen, book = self.places()
        kept = " ".join((seen, book, *databases))
        self.single_requests = "redis" in kept or "dynamodb" in kept
        replicated = ", replicated" if self.theme == "failover" and self.chance(0.3) else ""
        trait = ", unique" if self.unique else ""
        declared = [
            "event E(id, order)",
            "queue q of E at-least-once",
            *databases,
            f"store seen per {self.key}{seen}{trait}{replicated}",
            f"store book per id{book}",
            "  state: open | paid | sent",
            "effect credit per id in book",
            "effect mail per id via http",
        ]
        if self.theme == "providers":
            option = self.pick(*KEYS)
            declared += [f"  {option}"] if option else []
            keeps = option and "for ever" not in option and self.chance(0.6)
            declared += ["  keeps errors"] if keeps else []
        elif self.chance(0.2):
            declared += ["  key id, kept for ever"]
        if self.lock:
            declared.append(self.lock.format(key=self.pick("id", self.key)))
        handlers = self.consumer("h", "q", self.rng.randint(2, 4))
        if self.chance(0.35):
            queue = self.pick("q", "p")
            declared[2:2] = ["queue p of E at-least-once"] * (queue == "p")
            if queue == "p":
                handlers.insert(1, "  publish to p")
            handlers += self.consumer("g", queue, 1, rival=True)
        assumed = {a for a in CALM if self.chance(0.8)}
        assumed |= {
            a
            for a in self.rng.sample(ASSUMPTIONS, self.rng.choice((0, 1, 2, 3)))
            if a.replace(" ", "-") not in NOT_MODELLED
        }
        lines = [*declared, *handlers, *(f"assume {a}" for a in sorted(assumed))]
        lines += [f"claim no duplicate {t}" for t in sorted(self.used)]
        lines += [f"claim no loss of {t}" for t in sorted(self.used)]
        lines.append(f"claim never book.state is {self.pick('sent', 'paid')} and id not in book")
        return "\n".join([*lines, ""])


def indented(lines: list[str]) -> list[str]:
    """The lines of a block."""
    return [f"  {line}" for line in lines]


def themes() -> list[str]:
    """The themes that both readings model."""
    return [t for t, needs in THEMES.items() if not any(n in NOT_MODELLED for n in needs)]


def one_of(theme: str, seed: int, attempt: int) -> str:
    """A text of a theme; perhaps with lines that the language refuses."""
    return Maker(random.Random(f"world {theme} {seed} {attempt}"), theme).text()


def world_design(seed: int) -> str:
    """A small valid design; one that the language refuses is made anew."""
    possible = themes()
    theme = possible[seed % len(possible)]
    for attempt in range(200):
        text = one_of(theme, seed, attempt)
        if load_text(text).design is not None:
            return text
    raise AssertionError(f"no valid design of theme {theme} for seed {seed}")
