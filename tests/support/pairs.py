"""Two designs for every option of every model, whose answers differ: what the option does.

``tests/models/pairs.toml`` keeps one pair per option: the options that both designs name, the two
values (empty: the design does not name it), the setting, and both answers. From the folder
``tests``, ``python -m support.pairs`` looks for pairs that are missing and writes the file.
"""

from __future__ import annotations

import itertools
import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from onceproof.lang.load import Loaded, load_text
from onceproof.models import Broker, Keeper, Model, Option, Provider, kinds
from onceproof.verdict.check import check_loaded, narrated
from onceproof.verdict.result import ClaimResult, Verdict
from onceproof.verdict.task import Options

from support.repo import ROOT

FILE = ROOT / "tests" / "models" / "pairs.toml"

FAULTS = {
    "crashes": "no crash",
    "replays": "no replay",
    "copies of the broker": "no broker copies",
    "publisher retries": "no publisher retries",
    "lost connections": "no lost connections",
    "rebalances": "no rebalance",
    "shutdowns": "no shutdown",
    "rewinds": "no rewinds",
    "expired messages": "no expired messages",
    "failures of the batch": "no batch failures",
    "refusals": "no refusals",
    "lost answers": "no lost answers",
    "lost acknowledgements": "no lost acks",
    "leases": "handler finishes within the lease",
}
"""What can be switched off, and how."""

MAIL = """event E(id, order)
queue q of E via {use}
effect mail per id via smtp
consumer c on q{takes}
  section s
    send mail
{ack}{claim}
"""
MOVE = """event E(id, order)
queue q of E via {use}
queue out of E exactly-once
effect mail per id via smtp
consumer c on q{takes}
  publish to out
{ack}consumer d on out, acks on delivery
  send mail or stop
{claim}
"""
READ = """event E(id, order)
queue first of E exactly-once
queue q of E via {use}
effect mail per id via smtp
consumer c on first
  publish to q
  ack
consumer d on q, acks on delivery
  send mail or stop
{claim}
"""
INSIDE = """event E(id, order)
queue q of E via {use}
store ledger per id, inside q
effect booking per id in ledger
consumer c on q
  do booking
{ack}{claim}
"""
MARKER = """event E(id, order)
queue q of E at-least-once
store seen per id via {use}
effect mail per id via smtp
consumer c on q
  insert id into seen
    on duplicate
      ack
      stop
  send mail or stop
  ack
claim no duplicate mail
claim no loss of mail
"""
LOOK = """event E(id, order)
queue q of E at-least-once
store seen per id via {use}
effect mail per id via smtp
consumer c on q
  atomic
    if id in seen
      stop
    add id to seen
  send mail or stop
  ack
claim no duplicate mail
claim no loss of mail
"""
SKEW = """event E(id, order)
queue q of E at-least-once
store seen per id via {use}
store ledger per id via {use}
effect booking per id in ledger
consumer c on q
  atomic
    if id in seen
      stop
    add id to seen
    do booking
  ack
claim no duplicate booking
"""
TOUCH = """event E(id, order)
queue q of E at-least-once
store account per id via {use}
  kind: normal | vip
  mutex: free | touched
store seen per id via {use}
store ledger per id via {use}
effect booking per id in ledger
consumer c on q
  atomic
    let kind = account.kind
    set account.mutex = touched
    if id in seen
      stop
    add id to seen
    do booking
  ack
claim no duplicate booking
"""
WATCHED = """event E(id, order)
queue q of E at-least-once
store account per id via {use}
  kind: normal | vip
store seen per id via {use}, unique
store ledger per id via {use}
effect booking per id in ledger
consumer c on q
  atomic
    insert id into seen or stop
    let kind = account.kind
    do booking
  ack
claim no duplicate booking
"""
LOCK = """event E(id, order)
queue q of E at-least-once
lock l per id via {use}
store seen per id
effect mail per id via smtp
consumer c on q
  acquire l
  section s
    if id not in seen
      send mail or stop
      add id to seen
  release l
  ack
assume work ends within the lock
claim no duplicate mail
claim at most one worker in s
"""
ONE = """event E(id, order)
queue q of E at-least-once
store seen per id via {use}
effect mail per id via smtp
consumer c on q, workers 1
  if id in seen
    ack
    stop
  add id to seen
  send mail or stop
  ack
claim no duplicate mail
"""
FREE = """event E(id, order)
queue q of E at-least-once
lock l per id via {use}
effect mail per id via smtp
consumer c on q
  acquire l
  section s
    send mail or stop
  release l
  ack
claim at most one worker in s
"""
LEFT = """event E(id, order)
queue q of E at-least-once
lock l per id via {use}
effect mail per id via smtp
consumer c on q, acks on return
  acquire l or stop
  send mail
  release l
claim no loss of mail
"""
KEY = """event E(id, order)
queue q of E at-least-once
effect charge per id via {use}
  key id
consumer c on q
  send charge
  ack
claim no duplicate charge
claim no loss of charge
"""
QUERY = """event E(id, order)
queue q of E at-least-once
effect charge per id via {use}
  can be queried
consumer c on q, workers 1
  if charge happened
    ack
    stop
  send charge
  ack
claim no duplicate charge
"""


DUPLICATE, LOSS = "claim no duplicate mail", "claim no loss of mail"
ALONE = "claim at most one worker in s"
WINDOW = "assume publisher retries end within the dedup window"


class Setting(Struct, frozen=True):
    """A design with a gap for the model: its text and claim, the faults that can happen (None:
    all), how long a handler takes at most, and an assumption. ``shows``: the switches whose
    difference it shows.
    """

    text: str
    faults: tuple[str, ...] | None = None
    takes: str = ""
    ack: bool = True
    claim: str = ""
    assumed: str = ""
    shows: tuple[str, ...] = ()

    def design(self, use: str) -> str:
        """The design with a model and its options."""
        takes = f", takes up to {self.takes}" if self.takes else ""
        ack = "  ack\n" if self.ack else ""
        text = self.text.format(use=use, takes=takes, ack=ack, claim=self.claim)
        text += f"{self.assumed}\n" if self.assumed else ""
        if self.faults is None:
            return text
        calm = (line for fault, line in FAULTS.items() if fault not in self.faults)
        return text + "".join(f"assume {line}\n" for line in calm)


_ONE_FAULT: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("crashes", LOSS, ("ack", "redelivers", "limit", "limit_end", "loses", "left out")),
    ("crashes", DUPLICATE, ("ack", "delivery", "late_ack", "redelivers")),
    ("refusals", LOSS, ("ack", "limit", "limit_end", "redelivers")),
    ("expired messages", LOSS, ("loses",)),
    ("publisher retries", DUPLICATE, ("publisher", "dedup_window")),
    ("copies of the broker", DUPLICATE, ("broker_copies",)),
    ("replays", DUPLICATE, ("replay",)),
    ("rewinds", DUPLICATE, ("rewinds",)),
    ("failures of the batch", DUPLICATE, ("batch",)),
    ("lost connections", ALONE, ("loses_hold",)),
    ("rebalances", ALONE, ("loses_hold",)),
    ("shutdowns", ALONE, ("loses_hold",)),
)
"""A fault alone, a claim, and the switches whose difference shows there."""


def _settings() -> Iterator[tuple[str, Setting]]:
    for ack in (False, True):
        end = " with `ack` at its end" if ack else ""
        for fault, claim, shows in _ONE_FAULT:
            mail = Setting(MAIL, (fault,), "", ack, claim, "", shows)
            yield f"a mail{end}; only {fault}; {claim[6:]}", mail
        for takes in ("20s", "1s", "2min", "40min", "3h", "20h"):
            alone = Setting(
                MAIL, ("leases",), takes, ack, ALONE, "", ("lease", "covers", "loses_hold")
            )
            yield f"a mail that takes {takes}{end}; only leases; {ALONE[6:]}", alone
        for claim in (ALONE, DUPLICATE):
            leases = Setting(
                MAIL, ("leases",), "", ack, claim, "", ("lease", "loses_hold", "late_ack", "limit")
            )
            yield f"a mail{end}; only leases; {claim[6:]}", leases
        nothing = Setting(MAIL, (), "", ack, DUPLICATE, "", ("ack",))
        yield f"a mail{end}; nothing fails; {DUPLICATE[6:]}", nothing
        calm = ("publisher retries",)
        window = Setting(MAIL, calm, "", ack, DUPLICATE, WINDOW, ("dedup_window", "dedup_count"))
        yield f"a mail{end}; publisher retries within the window; {DUPLICATE[6:]}", window
        shows = ("delivery", "boundary", "leaky_transactions", "reads_aborted")
        crash = ("crashes",)
        moved = Setting(MOVE, crash, "", ack, DUPLICATE, "", shows)
        yield f"a publish{end}; only crashes; {DUPLICATE[6:]}", moved
        yield (
            f"a publish{end}; only refusals; {LOSS[6:]}",
            replace(moved, faults=("refusals",), claim=LOSS),
        )
        read = Setting(READ, crash, "", ack, DUPLICATE, "", ("reads_aborted",))
        yield f"a reader of a transaction{end}; {DUPLICATE[6:]}", read
        inside = Setting(INSIDE, crash, "", ack, "claim no duplicate booking", "", shows)
        yield f"a write inside the broker{end}; only crashes; no duplicate booking", inside
        yield (
            f"a write inside the broker{end}; only crashes; no loss of booking",
            replace(inside, claim="claim no loss of booking", shows=("limit", "boundary")),
        )


BROKERS = dict(_settings())
STORES = {
    "a marker before a mail": Setting(MARKER),
    "a marker before a mail, only crashes": Setting(MARKER, ("crashes",)),
    "a look, then a marker, in one block": Setting(LOOK, ()),
    "a look, then a marker and a booking, in one block": Setting(SKEW, ("leases",)),
    "a marker, then a read and a booking, in one block; no failover": Setting(
        WATCHED, ("leases",), assumed="assume no failover"
    ),
    "a read, a write that locks, then a look, in one block": Setting(TOUCH, ("leases",)),
    "a look, then a marker; one worker and replays": Setting(ONE, ("replays",)),
    "a look, then a marker; retries within the window": Setting(
        ONE, ("publisher retries",), assumed="assume retries end within the key window"
    ),
    "a marker before a mail, in a replicated store": Setting(
        MARKER.replace("{use}", "{use}, replicated"), shows=("synchronous",)
    ),
    "a look, then a marker, in a replicated store; one worker and replays": Setting(
        ONE.replace("{use}", "{use}, replicated"), ("replays",), shows=("synchronous",)
    ),
}
LOCKS = {
    "work under a lock": Setting(LOCK, ()),
    "work under a lock, all faults": Setting(LOCK),
    "work under a lock, only crashes and leases; no failover": Setting(
        LOCK, ("crashes", "leases"), assumed="assume no failover"
    ),
    "work under a lock that may end": Setting(FREE),
    "a lock that a failed handler leaves": Setting(LEFT, ("refusals",)),
}
PROVIDERS = {
    "a charge with a key": Setting(KEY),
    "a question before a charge": Setting(QUERY, ("crashes",)),
    "a question before a charge, only lost acknowledgements": Setting(
        QUERY, ("lost acknowledgements",)
    ),
}
SETTINGS = {**BROKERS, **STORES, **LOCKS, **PROVIDERS}
"""Every setting by its name."""


class Pair(Struct, frozen=True):
    """Two designs that differ in one option. ``both``: what else they name. ``first`` and
    ``second``: values of the option; empty: it is not named. ``answers``: those of the two.
    """

    model: str
    option: str
    setting: str
    both: Mapping[str, str]
    first: str
    second: str
    answers: tuple[str, str]

    def uses(self) -> tuple[str, str]:
        """Both sides, as a design writes them."""
        return (self.use(self.first), self.use(self.second))

    def use(self, value: str) -> str:
        """One side: ``sqs.standard(VisibilityTimeout=30s)``."""
        return written(self.model, {**self.both, **({self.option: value} if value else {})})

    def asked(self) -> tuple[str, str]:
        """What both designs answer now."""
        first, second = self.uses()
        setting = SETTINGS[self.setting]
        return answer(setting.design(first)), answer(setting.design(second))


def written(model: str, options: Mapping[str, str]) -> str:
    """A model with options, as a design writes it."""
    if not options:
        return model
    return f"{model}({', '.join(f'{name}={_quoted(value)}' for name, value in options.items())})"


def _quoted(value: str) -> str:
    plain = value.replace("_", "").replace("-", "")
    return value if plain.isalnum() and not value.startswith("-") else f'"{value}"'


def answer(text: str) -> str:
    """Verdict, conditions and story of each claim in a few words; what is refused, by its code."""
    loaded = load_text(text)
    if loaded.design is None:
        codes = sorted({d.code for d in loaded.diagnostics if d.code.startswith("N")})
        return "refused: " + ", ".join(codes or ["syntax"])
    result, _ = check_loaded(loaded, Options(second_opinion=False))
    said: list[str] = [f"{cell.claim}: {_short(loaded, cell)}" for cell in result.cells]
    return "; ".join(said)


def _headline(loaded: Loaded, cell: ClaimResult) -> str:
    refutation = narrated(loaded, cell).refutation
    assert refutation is not None
    assert refutation.narrative is not None
    return refutation.narrative.story.headline


def _short(loaded: Loaded, cell: ClaimResult) -> str:
    match cell.verdict:
        case Verdict.HOLDS:
            return "proved" + "".join(f", if {c}" for c in cell.conditions)
        case Verdict.REFUTED if cell.trace is not None:
            steps = [s for s in cell.trace.steps if s.cause.value != "handler"]
            words = [" ".join(filter(None, (s.cause.value, s.outcome))) for s in steps]
            return f"refuted ({', '.join(dict.fromkeys(words))}; {_headline(loaded, cell)})"
        case other:
            return other.value


def pairs() -> tuple[Pair, ...]:
    """The pairs that are kept."""
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))["pair"] if FILE.exists() else []
    return tuple(Pair(**{**row, "answers": tuple(row["answers"])}) for row in rows)


def speaks(option: Option) -> bool:
    """Whether an option needs a pair: it neither says why it does nothing nor is refused."""
    return not option.idle and not option.not_modelled


def missing(kept: Iterable[Pair]) -> list[tuple[Model, Option]]:
    """Options without a pair."""
    known = {(p.model, p.option) for p in kept}
    every = (m for shelf in kinds().values() for m in shelf.values())
    return [
        (m, o)
        for m in every
        for o in m.options.values()
        if speaks(o) and (m.name, o.name) not in known
    ]


# ---------------------------------------------------------------- looking for pairs

AT_DELIVERY = ("loses", "publisher", "dedup_window", "dedup_count", "broker_copies", "replay")
MOST_TRIED = 400
"""Pairs of designs that are asked for one option."""


def values(option: Option) -> list[str]:
    """Values worth trying."""
    match option.kind:
        case "switch":
            return ["true", "false"]
        case "choice":
            return list(option.choices)
        case "count":
            tried = ["1", "0", "2", "5", "100", "none", option.least, option.most]
        case "duration":
            tried = ["1h", "1s", "30s", "3h", "none", option.least, option.most]
        case _:
            tried = ["x", "always", "none"]
    return [v for v in dict.fromkeys(tried) if v and not option.problem(v)]


def contexts(model: Model, option: Option) -> Iterator[dict[str, str]]:
    """What else to name: nothing, what the model's tables ask for (one table, or two), or one more
    option.
    """
    yield {}
    others = [o for o in model.options.values() if o.name != option.name]
    asked = [
        {k: v for k, v in context.items() if k != option.name}
        for each in model.options.values()
        for value, tables in each.sets.items()
        for table in tables
        for context in [_named(model, each, value, table.get("if", {}))]
    ]
    yield from (context for context in asked if context)
    for one, two in itertools.combinations(asked, 2):
        if not {k for k in one if k in two and one[k] != two[k]}:
            yield {**one, **two}
    for other in others:
        for value in values(other):
            yield {other.name: value}


def _named(model: Model, option: Option, value: str, wanted: Mapping[str, str]) -> dict[str, str]:
    """The options with which a table of an option counts."""
    context = {} if value == "default" else {option.name: value}
    return {
        name: next(v for v in values(model.options[name]) if v != "none")
        if word == "given"
        else word
        for name, word in {**wanted, **context}.items()
    }


def _idle_at_delivery(one: Mapping[str, object], two: Mapping[str, object]) -> bool:
    """Whether what is settled at delivery cannot show a difference."""
    return one.get("ack") == two.get("ack") == "delivery"


def _said(model: Model, given: Mapping[str, str]) -> dict[str, object]:
    """What a model says under options, by the names of its switches."""
    match model:
        case Broker():
            known = model.switches(given)
            said: dict[str, object] = {f: getattr(known, f) for f in known.__struct_fields__}
            return {**said, "left out": tuple(f.id for f in model.left_out(given))}
        case Keeper():
            traits = model.traits(given)
            return {f: getattr(traits, f) for f in traits.__struct_fields__}
        case Provider():
            return {"kept": model.retention(given), **model.chosen(given)}
        case _:
            return {}


def _open(said: list[str]) -> bool:
    """Whether the two answers say too little: an undecided one counts beside a story only."""
    undecided = ["unknown" in x for x in said]
    return all(undecided) or (any(undecided) and not any("refuted" in x for x in said))


def find(model: Model, option: Option) -> Pair | None:
    """The first pair of designs whose answers differ."""
    settings = {"store": STORES, "lock": LOCKS, "provider": PROVIDERS}.get(model.kind, BROKERS)
    tried = 0
    for both in contexts(model, option):
        for first, second in itertools.combinations(["", *values(option)], 2):
            given = [{**both, **({option.name: v} if v else {})} for v in (first, second)]
            one, two = (_said(model, each) for each in given)
            differ = {name for name in {*one, *two} if one.get(name) != two.get(name)}
            for name, setting in settings.items():
                if not differ or (setting.shows and not differ & set(setting.shows)):
                    continue
                by_hand = {"handler"} & {one.get("ack"), two.get("ack")}
                if settings is BROKERS and setting.ack and not by_hand:
                    continue
                if settings is BROKERS and not setting.ack and by_hand and "ack" not in differ:
                    continue
                if _idle_at_delivery(one, two) and not differ & set(AT_DELIVERY):
                    continue
                tried += 1
                if tried > MOST_TRIED:
                    return None
                said = [answer(setting.design(written(model.name, g))) for g in given]
                refused = [x.startswith("refused") for x in said]
                bad = (refused[0] and "N146" not in said[0]) or (
                    refused[1] and "N173" not in said[1]
                )
                if said[0] != said[1] and not bad and not _open(said):
                    pair = (said[0], said[1])
                    return Pair(model.name, option.name, name, both, first, second, pair)
    return None


def _row(pair: Pair) -> str:
    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    both = ", ".join(f"{text(k)} = {text(v)}" for k, v in pair.both.items())
    return "\n".join(
        [
            "[[pair]]",
            f"model = {text(pair.model)}",
            f"option = {text(pair.option)}",
            f"setting = {text(pair.setting)}",
            f"both = {{ {both} }}" if both else "both = {}",
            f"first = {text(pair.first)}",
            f"second = {text(pair.second)}",
            f"answers = [\n  {text(pair.answers[0])},\n  {text(pair.answers[1])},\n]",
        ]
    )


def write(kept: Iterable[Pair], path: Path = FILE) -> None:
    """The file, in the order of models and options."""
    rows = sorted(kept, key=lambda p: (p.model, p.option))
    head = "# Two designs for every option, whose answers differ (tests/support/pairs.py).\n\n"
    path.write_text(head + "\n\n".join(map(_row, rows)) + "\n", encoding="utf-8")


def main(wanted: list[str]) -> int:
    """Look for what is missing (of some models, or of all), and say what was not found."""
    every = [m for shelf in kinds().values() for m in shelf.values()]
    known = {(m.name, o.name) for m in every for o in m.options.values() if speaks(o)}
    kept = [p for p in pairs() if (p.model, p.option) in known and p.setting in SETTINGS]
    lost = 0
    for model, option in missing(kept):
        if wanted and model.name not in wanted:
            continue
        found = find(model, option)
        if found is None:
            lost += 1
            sys.stdout.write(f"no pair: {model.name} {option.name}\n")
        else:
            kept.append(found)
            write(kept)
    write(kept)
    sys.stdout.write(f"{len(kept)} pairs, {lost} options without one\n")
    return lost


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
