"""Databases, failing steps, locks and providers that do not fit: N151 to N173
(docs/semantics_world.md, "Messages").
"""

from __future__ import annotations

from collections.abc import Iterable

from onceproof.lang.diagnostics import Diagnostic, Label
from onceproof.lang.errors.message import message
from onceproof.lang.errors.suggest import close_to, did_you_mean, listing
from onceproof.lang.source import Span

# ---------------------------------------------------------------- databases


def two_values(
    option: str, values: tuple[str, str], span: Span, first: Span, database: str
) -> Diagnostic:
    """Two stores give two values of one option of the database that they share."""
    return message(
        "N151",
        f"one {database} database cannot have two values of `{option}`",
        Label(span, f"`{values[1]}` here"),
        (Label(first, f"`{values[0]}` here"),),
        help=f"name two databases: `database A via {database}({option}={values[0]})`,"
        f" `database B via {database}({option}={values[1]})`; keep each store `in` one of them",
    )


def others_go_back(store: str, span: Span, others: Iterable[str], database: str) -> Diagnostic:
    """A database fails over as a whole."""
    others = list(others)
    names = listing(others, last="and")
    every = listing([store, *others], last="and")
    return message(
        "N152",
        f"a failover takes {names} back, too",
        Label(span, f"{every} share {database}"),
        help="write `replicated` behind the `database`, or keep this store in a database of its"
        " own",
        warn=True,
    )


def in_and_via(database: str, span: Span, model: str, via: Span) -> Diagnostic:
    """A store whose line says both the database and the product."""
    return message(
        "N153",
        f"`in {database}` says which database; `{database}` says which product",
        Label(via, f"remove `via {model}`"),
        (Label(span, "the database"),),
    )


def no_level(level: str, span: Span, product: str, levels: Iterable[str]) -> Diagnostic:
    """An isolation level that the product does not have."""
    known = list(levels)
    near = close_to(level, known)
    has = (
        f"it has {listing(known, last='and')}"
        if known
        else "it has one level, and no option for it"
    )
    return message(
        "N154", f"{product} has no isolation level `{level}`", Label(span, has), near=near
    )


def no_serializable(database: str, span: Span, declared: Span) -> Diagnostic:
    """A serializable block on a database whose requests stand alone."""
    return message(
        "N155",
        f"{database} has no serializable transactions",
        Label(span, "each read in this block is a request of its own"),
        (Label(declared, "the store is declared here"),),
        help="write `atomic`; put a condition into the write: `insert … or stop`, `update … from …"
        " to …`",
    )


def two_databases(span: Span, parts: Iterable[tuple[str, str]]) -> Diagnostic:
    """A block that no transaction spans. ``parts``: what it writes, and in which database, in the
    order of their commits.
    """
    written = list(parts)
    names = [f"`{name}` ({database})" for name, database in written]
    return message(
        "N156",
        f"this block writes to {listing(names, quote=False, last='and')}",
        Label(
            span, f"no transaction spans them: one commits after the other, `{written[0][0]}` first"
        ),
        help="keep what must appear together in one database; let a relay do the rest",
        warn=True,
    )


# ---------------------------------------------------------------- failing steps


def clause_inside(what: str, span: Span, block: Span) -> Diagnostic:
    """A clause for a failed statement inside its transaction."""
    return message(
        "N157",
        f"`{what}` cannot stand below a line inside `atomic`",
        Label(span, "a failed statement fails its whole transaction"),
        (Label(block, "the transaction"),),
        help=f"write `{what}` below the block, at the indentation of `atomic`",
        notes=("PostgreSQL refuses every further statement of it.",),
    )


def clause_collected(what: str, span: Span, store: str, queue: str) -> Diagnostic:
    """A clause below a line that is part of the acknowledgement."""
    return message(
        "N158",
        f"`{what}` never runs here",
        Label(span, "this line takes no step of its own"),
        help=f"what is written to `{store}` appears with the acknowledgement of `{queue}`; write"
        " `ack or …`, or leave this out",
    )


def nothing_makes(store: str, span: Span, declared: Span, effects: Iterable[str]) -> Diagnostic:
    """A test of a row that no line makes."""
    suggestion = did_you_mean(f"{e} happened" for e in effects)
    return message(
        "N159",
        f"nothing makes a row of `{store}`: this test is never true",
        Label(span, "no `insert`, `add`, `set` or `increment` names it"),
        (Label(declared, "declared here"),),
        help=suggestion or f"make the row: `add KEY to {store}`",
        warn=True,
    )


# ---------------------------------------------------------------- locks and providers


def two_ends(lock: str, span: Span) -> Diagnostic:
    """A lock that ends by time and does not."""
    return message(
        "N160",
        f"`{lock}` cannot both expire and be held until it is released",
        Label(span, "`expires` and `until released`"),
        help="write `expires 30s` if the lock has a time to live, `until released` if it has none",
    )


def release_inside(lock: str, span: Span, acquired: Span) -> Diagnostic:
    """A transaction lock that is released before its transaction ends."""
    return message(
        "N161",
        f"`release {lock}` does nothing here",
        Label(span, "a transaction lock ends with its transaction"),
        (Label(acquired, "acquired inside the block"),),
        help="leave it out",
        warn=True,
    )


def database_step(outcome: str, span: Span, effect: str, store: str) -> Diagnostic:
    """A provider's outcome below an effect that is a write."""
    return message(
        "N162",
        f"`{effect}` is a write in `{store}`: `on {outcome}` does not fit it",
        Label(span, "a database step fails or not"),
        help="write `on failure`",
    )


# ---------------------------------------------------------------- what changes nothing


def changes_nothing(what: str, span: Span, why: str, fix: str | None = None) -> Diagnostic:
    """A line or option that says something, and does nothing."""
    return message("N172", f"`{what}` changes nothing here", Label(span, why), help=fix)


def not_modelled(what: str, span: Span) -> Diagnostic:
    """A construct that is read and checked, but not yet part of the machine."""
    return message(
        "N173",
        f"{what} is not modelled yet",
        Label(span, "an answer would leave this out"),
        help="remove it, or wait for a release whose notes name it",
    )
