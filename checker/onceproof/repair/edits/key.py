"""An idempotency key for an external effect: the same in every attempt, so that the provider
recognises a repetition.
"""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.lang.syntax import ast as n
from onceproof.models import providers
from onceproof.repair.plan import Edit, Proposal, Site
from onceproof.repair.sheet import Change, inserted, replaced

MAIL = ("brevo", "mailgun", "microsoft.graph", "sendgrid", "ses", "smtp")
"""Models of mail providers that keep no keys, or for minutes only."""
MAIL_KEEPER = "resend"
"""The model of a mail provider that keeps keys."""
WINDOW = "retries end within the key window"
KEEPER = "http"
"""The model of a provider about which the design may say that it keeps keys."""


def _key(site: Site) -> Iterator[Proposal]:
    """Where the provider may keep keys: send one."""
    decl = _declared(site)
    if decl is None:
        return
    retention = (
        providers()[decl.model.name].keys
        if decl.model and decl.model.name in providers()
        else "unknown"
    )
    if retention == "never":
        return
    field = site.key()
    window = ", kept for ever" if retention in ("unknown", n.FOR_EVER) else ""
    sends = f"send {decl.name.text} under the idempotency key `{field}`, the same in every attempt"
    text = site.sheet.changed([_line(site, decl, field, window)])
    known = site.design.effects[decl.name.text].provider
    who = f"`{known}`" if known and known != KEEPER else "the provider"
    if window:
        outside = (
            (
                f"{who} recognises the key `{field}` of a request it has carried out, for as long"
                " as it can come again"
            ),
        )
        leaves = (f"repetitions after {who} has forgotten the key",)
    else:
        outside = (f"{who} keeps keys for {retention} (its documentation says so)",)
        leaves = (f"repetitions more than {retention} later",)
    yield Proposal(text, sends, ("the key goes with every request",), outside, leaves)


def _switch(site: Site) -> Iterator[Proposal]:
    """Where the provider keeps no keys: another provider."""
    decl = _declared(site)
    if (
        decl is None
        or decl.model is None
        or decl.model.name not in providers()
        or providers()[decl.model.name].keys != "never"
    ):
        return
    field, old = site.key(), decl.model.name
    changes = [
        replaced(decl.span.line, site.sheet.within(decl.model.span, KEEPER)),
        _line(site, decl, field, ", kept for ever"),
    ]
    yield Proposal(
        site.sheet.changed(changes),
        f"send {decl.name.text} through a provider that takes an idempotency key, and give it"
        f" `{field}`",
        (f"another provider than {old}", "the key goes with every request"),
        (
            (
                f"there is a provider for {decl.name.text} with an API that recognises the key"
                f" `{field}` of a request it has carried out, for as long as it can come again"
            ),
        ),
        ("repetitions after that provider has forgotten the key",),
    )


def _mail(site: Site) -> Iterator[Proposal]:
    """A mail provider that keeps no keys, or hardly: one that keeps them for a day."""
    decl = site.item(n.EffectDecl, site.goal.target.name.text) if site.is_external() else None
    if not isinstance(decl, n.EffectDecl) or decl.model is None or decl.model.name not in MAIL:
        return
    field, old, model = site.key(), decl.model.name, providers()[MAIL_KEEPER]
    changes = [
        replaced(decl.span.line, site.sheet.within(decl.model.span, MAIL_KEEPER)),
        _line(site, decl, field, ""),
    ]
    claims = [i.span.line for i in site.tree.items if isinstance(i, n.ClaimDecl)]
    if claims and not site.design.assumes("within-key-window"):
        changes.append(inserted(min(claims), f"assume {WINDOW}", ""))
    yield Proposal(
        site.sheet.changed(changes),
        f"send {decl.name.text} through {model.title}, under the idempotency key `{field}`",
        (f"another provider than {old}", "the key goes with every request"),
        (
            f"{model.title} keeps keys for {model.keys} ({model.status})",
            f"an event is retried, or redelivered, for less than {model.keys}",
        ),
        (f"repetitions more than {model.keys} later",),
    )


def _declared(site: Site) -> n.EffectDecl | None:
    """The external effect, if its provider is not yet given a key that is the same in every
    attempt.
    """
    item = site.item(n.EffectDecl, site.goal.target.name.text) if site.is_external() else None
    if not isinstance(item, n.EffectDecl) or (
        item.idempotency and item.idempotency.field.text == site.key()
    ):
        return None
    return item


def _line(site: Site, decl: n.EffectDecl, field: str, window: str) -> Change:
    """The option line with the key: in place of the present one, or new."""
    if decl.idempotency is not None:
        span = decl.idempotency.field.span
        return replaced(span.line, site.sheet.within(span, field))
    return inserted(decl.span.line + 1, f"{site.sheet.unit}key {field}{window}")


EDITS = (
    Edit("provider-key", "give the provider an idempotency key from the event", 2, _key),
    Edit(
        "provider-with-keys",
        "use a provider that keeps idempotency keys",
        3,
        _switch,
        switches=True,
    ),
    Edit(
        "mail-provider",
        "use a mail provider that keeps idempotency keys",
        3,
        _mail,
        switches=True,
    ),
)
