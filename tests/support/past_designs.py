"""Small random designs about rows as they were: databases whose reads are late, that fail over, or
whose conditions are looked at in one region; with blocks that stay open over a call, locks and
tokens kept in their rows, relays, and rows that several events share (docs/semantics.md, "Stale
reads", "Failover that goes back", "Unique keys per region").
"""

from __future__ import annotations

import random

from onceproof.lang.load import load_text

from support.world_designs import Maker, indented

THEMES = ("stale", "failover", "regions", "both")
BOTH = (
    "database main via postgresql(synchronous_commit=off, reads=replica)",
    "database main via dynamodb, replicated",
    "database main via dynamodb(global-table=MREC), replicated",
    "database main via mysql(isolation=read-committed, reads=replica), replicated",
)
FAILING = (
    "database main, replicated",
    "database main, isolation snapshot, replicated",
    "database main, isolation serializable, replicated",
    "database main via postgresql(synchronous_commit=off)",
    "database main via mysql(innodb_flush_log_at_trx_commit=2)",
    "database main via mysql(isolation=serializable), replicated",
)
STALE = (
    "database main via dynamodb",
    "database main via postgresql(reads=replica)",
    "database main via mysql(reads=replica)",
    "database main via mysql(isolation=read-committed, reads=replica)",
)
REGIONS = ("database main via dynamodb(global-table=MREC)",)
LOCKS = ("lock m per id in book, expires", "lock m per order in book, expires")
ASSUMED = (
    "no crash",
    "no failover",
    "no database failures",
    "no lost connections",
    "no lost answers",
    "handler finishes within the lease",
    "work ends within the lock",
)


class _Past(Maker):
    def text(self) -> str:
        kinds = {"stale": STALE, "failover": FAILING, "regions": REGIONS, "both": BOTH}
        self.key = self.pick("id", "id", "order")
        self.unique = self.chance(0.7)
        database = self.pick(*kinds[self.theme])
        self.single_requests = "dynamodb" in database
        self.lock = self.pick(*LOCKS) if self.chance(0.35) else ""
        checked = bool(self.lock) and self.chance(0.7)
        where = self.pick(" in main", " in main", " via postgresql", "")
        declared = [
            "event E(id, order)",
            "queue q of E at-least-once",
            database,
            f"store seen per {self.key} in main{', unique' * self.unique}",
            f"store book per id{where if not self.lock else ' in main'}",
            "  state: open | paid | sent",
            *([self.lock] if self.lock else []),
            "effect credit per id in book",
            *(["  checks token of m"] if checked else []),
            "effect mail per id via http",
            *(["  key id, kept for ever"] if self.chance(0.2) else []),
        ]
        handlers = self.consumer("h", "q", self.rng.randint(2, 4))
        if self.chance(0.3):
            asked = self.pick("and", "or").join([f"{self.question()} ", f" {self.question()}"])
            known = [x for x in ("known", "mode") if x in asked]
            condition = "book.state is paid" if known else asked
            self.lets = []
            rest = self.pick("set book.state = sent", "send mail", f"insert {self.key} into seen")
            self.used |= {"mail"} if rest == "send mail" else set()
            handlers += [f"relay r when {condition}, workers 1", *indented([rest])]
        elif self.chance(0.3):
            handlers += self.consumer("g", "q", 1, rival=True)
        assumed = {"no replay", "no publisher retries", "no broker copies"}
        assumed |= set(self.rng.sample(ASSUMED, self.rng.choice((0, 1, 1, 2))))
        lines = [*declared, *handlers, *(f"assume {a}" for a in sorted(assumed))]
        lines += [f"claim no duplicate {t}" for t in sorted(self.used)]
        lines += [f"claim no loss of {t}" for t in sorted(self.used)]
        lines.append(f"claim never book.state is {self.pick('sent', 'paid')} and id not in book")
        return "\n".join([*lines, ""])


def past_design(seed: int) -> str:
    """A small valid design; one that the language refuses is made anew."""
    theme = THEMES[seed % len(THEMES)]
    for attempt in range(200):
        text = _Past(random.Random(f"past {theme} {seed} {attempt}"), theme).text()
        if load_text(text).design is not None:
            return text
    raise AssertionError(f"no valid design of theme {theme} for seed {seed}")
