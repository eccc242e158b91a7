"""The first screen of a review: the parts of the design with the fatal place, what must be ensured,
the link into a playground.
"""

from __future__ import annotations

import base64
import zlib
from xml.etree import ElementTree

from onceproof.lang.load import load_text
from onceproof.report.design_picture import design_picture
from onceproof.report.formats.html import playground_link, to_html
from onceproof.report.review import Review, review_of
from onceproof.story.outline import Flow, outline_of
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import Result
from onceproof.verdict.task import Options

DESIGN = """\
## Take the payment, tell the <customer>

event OrderPlaced(id)

queue orders of OrderPlaced at-least-once
queue paid of OrderPlaced at-least-once
store processed per id, unique
lock mutex per id
effect payment per id via stripe
  key id
effect mail per id via smtp

consumer checkout on orders
  acquire mutex or fail
  if id in processed
    ack
    stop
  call payment
  publish to paid
  insert id into processed or continue
  release mutex
  ack

consumer mailer on paid
  send mail
  ack

assume retries end within the key window

claim no duplicate payment
claim no duplicate mail
"""


def review() -> Review:
    loaded = load_text(DESIGN)
    assert loaded.design is not None, loaded.diagnostics
    return review_of(Result((check_loaded(loaded, Options())[0],)))


def test_the_flows_of_a_design() -> None:
    design = load_text(DESIGN).design
    assert design is not None
    assert outline_of(design).flows == (
        Flow("delivers", "orders", "checkout"),
        Flow("locks", "checkout", "mutex"),
        Flow("reads", "checkout", "processed"),
        Flow("does", "checkout", "payment"),
        Flow("publishes", "checkout", "paid"),
        Flow("writes", "checkout", "processed"),
        Flow("delivers", "paid", "mailer"),
        Flow("does", "mailer", "mail"),
    )


def test_the_handler_that_a_crash_breaks_is_marked() -> None:
    (design,) = review().designs
    assert dict(design.fatal) == {"mailer": 26}
    assert design.parts is not None
    text = design_picture(design.parts, dict(design.fatal), design.title, "d1", {})
    root = ElementTree.fromstring(text)
    said = [x.text for x in root.iter("text") if "fatal" in x.get("class", "")]
    assert said == ["✗ killed before line 26"]
    assert "Take the payment, tell the <customer>" in (root.findtext("title") or "")


def test_what_must_be_ensured_is_on_the_first_screen() -> None:
    (design,) = review().designs
    assert design.promises == (
        "you must ensure: retries of an event < 24h (key of payment)",
        "assumed: all retries and redeliveries of an event end within the key window",
    )
    page = to_html(review())
    assert page.index("What you must ensure") < page.index('class="story"')


def test_the_link_holds_the_design() -> None:
    link = playground_link(DESIGN.split("\n"), "https://example.org/play/")
    address, _, packed = link.partition("#design=")
    assert address == "https://example.org/play/"
    data = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
    assert zlib.decompress(data, -zlib.MAX_WBITS).decode() == DESIGN


def test_the_link_is_there_only_with_an_address() -> None:
    assert "Open in the playground" not in to_html(review())
    assert "Open in the playground" not in to_html(review(), "javascript:alert(1)")
    assert 'href="https://example.org/play/#design=' in to_html(
        review(), "https://example.org/play/"
    )
