"""One line per effect: whether it happens effectively once."""

from __future__ import annotations

import pytest
from onceproof.lang.load import load_text
from onceproof.report.effectively_once import effect_lines
from onceproof.verdict.check import check_loaded
from onceproof.verdict.task import Options

DESIGN = """\
event Placed(id)
queue orders of Placed {guarantee}
store processed per id
effect mail per id via smtp
effect charge per id via http
  key id, kept {kept}
consumer mailer on orders
  if id in processed
    ack
    stop
  send mail
  call charge
  add id to processed
  ack
{claims}
"""


def lines(claims: str, guarantee: str = "", kept: str = "for ever") -> tuple[str, ...]:
    """The lines for a design with these claims (separated by semicolons)."""
    text = "".join(f"claim {claim.strip()}\n" for claim in claims.split(";"))
    loaded = load_text(DESIGN.format(guarantee=guarantee, kept=kept, claims=text), "orders.once")
    assert loaded.design is not None, loaded.diagnostics
    return effect_lines(check_loaded(loaded, Options())[0])


@pytest.mark.parametrize(
    ("claims", "guarantee", "expected"),
    [
        (
            "effectively once mail",
            "",
            "mail: effectively once? No: it can be sent twice under at-least-once and"
            " exactly-once, and it can be lost under at-most-once.",
        ),
        (
            "no duplicate mail; no loss of mail",
            "",
            "mail: effectively once? No: it can be sent twice under at-least-once and"
            " exactly-once, and it can be lost under at-most-once.",
        ),
        (
            "effectively once charge",
            "",
            "charge: effectively once? No: it can be lost under at-most-once; it does under"
            " at-least-once and exactly-once.",
        ),
        ("effectively once charge", "at-least-once", "charge: effectively once? Yes."),
        (
            "no duplicate charge",
            "at-least-once",
            "charge: effectively once? Half: it cannot happen twice; whether it can be lost is not"
            " asked (`claim effectively once`).",
        ),
        (
            "no loss of mail",
            "at-least-once",
            "mail: effectively once? Half: it is not lost; whether it can be sent twice is not"
            " asked (`claim effectively once`).",
        ),
    ],
)
def test_the_line_of_an_effect(claims: str, guarantee: str, expected: str) -> None:
    assert lines(claims, guarantee) == (expected,)


def test_effects_that_no_claim_is_about_have_no_line() -> None:
    assert lines("never id in processed and charge did not happen", "at-least-once") == ()


def test_what_a_yes_rests_on_is_said() -> None:
    assumed = "effectively once charge\nassume retries end within the key window\nassume no replay"
    assert lines(assumed, "at-least-once", "24h") == (
        "charge: effectively once? Yes, under the design's assumptions, if retries of an event <"
        " 24h (key of charge).",
    )
