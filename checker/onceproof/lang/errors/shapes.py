"""How each line of the language is written, and what to do with the words of other languages: the
texts behind ``help``.
"""

from __future__ import annotations

from onceproof.lang.assumptions import SPELLINGS
from onceproof.lang.errors.suggest import listing

SHAPES: dict[str, tuple[str, ...]] = {
    "import": ('import "FILE.once"',),
    "event": ("event NAME(ID)", "event NAME(ID, KEY, FIELD: VALUE | VALUE)"),
    "queue": (
        "queue NAME of EVENT",
        "queue NAME of EVENT at-least-once",
        "queue NAME of EVENT via MODEL",
        "queue NAME of EVENT, also fed from outside",
    ),
    "publisher": (
        "publisher of QUEUE publishes once",
        "publisher of QUEUE retries",
        "publisher of QUEUE retries with a new id",
    ),
    "operator": ("operator replays QUEUE",),
    "database": ("database NAME", "database NAME via MODEL", "database NAME, replicated"),
    "store": (
        "store NAME per KEY",
        "store NAME per KEY, unique",
        "store NAME per KEY in DATABASE",
    ),
    "effect": (
        "effect NAME per KEY",
        "effect NAME per KEY via PROVIDER",
        "effect NAME per KEY in STORE",
    ),
    "lock": (
        "lock NAME per KEY",
        "lock NAME per KEY, expires",
        "lock NAME per KEY, until released",
    ),
    "consumer": (
        "consumer NAME on QUEUE",
        "consumer NAME on QUEUE, workers 1",
        "consumer NAME on QUEUE, acks on return",
    ),
    "relay": ("relay NAME when KEY in STORE", "relay NAME when STORE.COLUMN is VALUE"),
    "fragment": ("fragment NAME",),
    "assume": (
        "assume no crash",
        "assume handler finishes within the lease",
        "assume crash only after send EFFECT",
    ),
    "claim": (
        "claim no duplicate EFFECT",
        "claim no loss of EFFECT",
        "claim no loss of EFFECT unless CONDITION",
        "claim EFFECT before EFFECT",
        "claim EFFECT and EFFECT together",
        "claim effectively once EFFECT",
        "claim at most one worker in SECTION",
        "claim at most one worker in SECTION per KEY",
        "claim no deadlock",
        "claim at rest never CONDITION",
        "claim never CONDITION",
        "claim failure-transparent",
        "claim recoverable",
        "claim eventually settled",
    ),
    "expect": ("expect violated under at-least-once", "expect proved"),
    "if": ("if KEY in STORE", "if STORE.COLUMN is VALUE", "if FIELD is VALUE"),
    "else": ("else", "else if KEY in STORE"),
    "ack": ("ack", "ack or stop"),
    "nack": ("nack",),
    "seek": ("seek back",),
    "stop": ("stop",),
    "fail": ("fail",),
    "wait": ("wait", "wait 5min"),
    "set": ("set STORE.COLUMN = VALUE",),
    "add": ("add KEY to STORE",),
    "insert": ("insert KEY into STORE", "insert KEY into STORE or stop"),
    "update": (
        "update STORE.COLUMN from VALUE to VALUE",
        "update STORE.COLUMN from VALUE to VALUE or stop",
    ),
    "increment": ("increment STORE.COLUMN",),
    "delete": ("delete KEY from STORE", "delete KEY from STORE or stop"),
    "let": ("let NAME = KEY in STORE", "let NAME = STORE.COLUMN", "let NAME = VALUE"),
    "send": ("send EFFECT", "send EFFECT or stop"),
    "call": ("call EFFECT", "call EFFECT or stop"),
    "do": ("do EFFECT",),
    "publish": ("publish to QUEUE", "publish to QUEUE with a new id"),
    "atomic": ("atomic", "atomic serializable"),
    "acquire": ("acquire LOCK", "acquire LOCK or stop"),
    "release": ("release LOCK",),
    "renew": ("renew or stop", "renew LOCK or stop"),
    "section": ("section NAME",),
    "crash": ("crash here",),
    "use": ("use FRAGMENT",),
    "on": (
        "on failure",
        "on duplicate",
        "on conflict",
        "on missing",
        "on refused",
        "on no answer",
    ),
    "retry": ("retry 3 times",),
    "key": (
        "key FIELD",
        "key FIELD, kept 24h",
        "key FIELD, kept for ever",
        "key STORE.COLUMN, kept 24h",
    ),
    "can": ("can be queried",),
    "checks": ("checks token of LOCK",),
    "late": ("late ack settles", "late ack refused"),
    "delivery": (
        "delivery limit 5",
        "delivery limit 5 then dead-letter",
        "delivery limit 5 then dead-letter to QUEUE",
    ),
    "lease": ("lease 30s",),
    "partitions": ("partitions may move",),
    "shutdown": ("shutdown gives messages back",),
    "never": ("never redelivers", "never copies"),
    "keeps": ("keeps copies", "keeps errors"),
    "drops": ("drops copies within 5min",),
    "commit": ("commit may go back",),
    "commits": ("commits positions",),
    "keyed": ("keyed by FIELD",),
    "batch": ("batch 100",),
    "prefetch": ("prefetch 10",),
    "messages": ("messages may expire",),
    "publishes": ("publishes unconfirmed",),
    "batches": ("batches return together",),
    "aborted": ("aborted messages may appear",),
}
"""How a line that starts with the word is written. Words in capitals stand for names."""

CONCEPTS: dict[str, str] = {
    "try": (
        "write what happens on failure below the step that can fail: `on failure`, indented, and"
        " its steps"
    ),
    "except": (
        "write what happens on failure below the step that can fail: `on failure`, indented, and"
        " its steps"
    ),
    "catch": (
        "write what happens on failure below the step that can fail: `on failure`, indented, and"
        " its steps"
    ),
    "finally": (
        "there is no `finally`: write the step at every end of the handler, or `acks on return`"
        " behind the consumer's queue"
    ),
    "for": (
        "a handler runs once per message; a repeated call is written `retry 3 times` below it,"
        " indented"
    ),
    "foreach": (
        "a handler runs once per message; a repeated call is written `retry 3 times` below it,"
        " indented"
    ),
    "while": (
        "a handler runs once per message; a repeated call is written `retry 3 times` below it,"
        " indented"
    ),
    "loop": (
        "a handler runs once per message; a repeated call is written `retry 3 times` below it,"
        " indented"
    ),
    "def": (
        "a handler is written `consumer NAME on QUEUE`; steps that are used twice are a `fragment"
        " NAME`"
    ),
    "function": (
        "a handler is written `consumer NAME on QUEUE`; steps that are used twice are a `fragment"
        " NAME`"
    ),
    "func": (
        "a handler is written `consumer NAME on QUEUE`; steps that are used twice are a `fragment"
        " NAME`"
    ),
    "fn": (
        "a handler is written `consumer NAME on QUEUE`; steps that are used twice are a `fragment"
        " NAME`"
    ),
    "async": (
        "a handler is written `consumer NAME on QUEUE`; steps that are used twice are a `fragment"
        " NAME`"
    ),
    "not": "keep whether there is a row with `let NAME = KEY in STORE`, and test `if NAME is no`",
    "pass": "a block needs at least one step: leave out the line above, too",
    "log": "leave out what does not matter for delivery, such as logging",
    "print": "leave out what does not matter for delivery, such as logging",
    "switch": "write `if` … `else if` … `else`",
    "match": "write `if` … `else if` … `else`",
    "case": "write `if` … `else if` … `else`",
    "model": "nothing needs a header: begin with `event`, `queue` and `consumer`",
    "design": "nothing needs a header: begin with `event`, `queue` and `consumer`",
    "transaction": "the lines of a transaction stand below `atomic`, indented",
    "rollback": "`fail` leaves the handler; what stands below `atomic` is then not written",
    "commit": (
        "what stands below `atomic` is written at the end of that block; a message is settled with"
        " `ack`"
    ),
    "select": "a row is read with `if id in STORE` or `let NAME = STORE.COLUMN`",
    "table": "a table is a `store`: `store NAME per KEY`",
    "schema": "tables are kept in a `database`: `database NAME via postgresql`",
    "unique": "a word of a store stands behind its key: `store NAME per KEY, unique`",
    "cache": "a word of a store stands behind its key: `store NAME per KEY, cache`",
    "replicated": "a word of a store stands behind its key: `store NAME per KEY, replicated`",
    "workers": "this stands behind the queue's name: `consumer NAME on QUEUE, workers 1`",
    "acks": "this stands behind the queue's name: `consumer NAME on QUEUE, acks on return`",
}
"""What somebody who writes this word is looking for."""


EFFECTIVELY_ONCE = (
    "write `claim effectively once EFFECT`: it is `no duplicate EFFECT` and `no loss of EFFECT`"
)
CLAIM_PROSE: frozenset[str] = frozenset(
    {
        "once",
        "exactly",
        "exactly-once",
        "eventually",
        "always",
        "duplicated",
        "twice",
        "lost",
        "unique",
        "idempotent",
        "only",
    }
)
"""Words of a claim in one's own words."""

BELOW: tuple[tuple[str, str], ...] = (
    (
        "KEY",
        (
            "below an effect, write `key FIELD, kept 24h`, `keeps errors`, `can be queried` or"
            " `checks token of LOCK`"
        ),
    ),
    (
        "LATE",
        (
            "below a queue, write `delivery limit 5 then dead-letter`, `late ack refused`, `lease"
            " 30s` or another of its options"
        ),
    ),
    ("EXPECT", "below a claim, write `expect violated under at-least-once`"),
    (
        "RETRY",
        (
            "below this step, write `retry 3 times` or `on failure`, `on duplicate` or `on"
            " conflict` with its steps"
        ),
    ),
    ("NAME", "below a store, write a column: `NAME: VALUE | VALUE`"),
)
"""What can stand in a block that holds no steps, by a terminal that begins one of its lines."""


def shape_below(accepted: frozenset[str]) -> str | None:
    """What can stand in a block, from what its lines can begin with."""
    return next((text for terminal, text in BELOW if terminal in accepted), None)


def shape_of(first: str) -> str | None:
    """How a line that starts with this word is written, as a sentence."""
    if first == "assume":
        return "known: " + ", ".join(f"`{a}`" for a in SPELLINGS)
    shapes = SHAPES.get(first)
    if not shapes:
        return None
    return "write " + listing(shapes, most=8)
