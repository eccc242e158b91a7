"""The playground in headless Chromium, built as for the site: it loads, checks, steps, shares, is
used offline, survives a broken design and one that takes too long, and asks no other origin.
"""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from onceproof import check
from onceproof.drill.adapters import LOOPBACK

from support.repo import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.browser]
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
ARTICLE = ROOT / "examples" / "article" / "invoice_email.once"
SECONDS = 180_000
"""Milliseconds that a step may take on a machine with other work."""
COLUMNS = "abcdef"
HARD = (
    "event E(id)\nqueue q of E at-least-once\nstore row per id\n"
    + "".join(f"  {column}: x | y | z\n" for column in COLUMNS)
    + "effect mail per id via http\n  key id, kept for ever\n"
    + "".join(
        f"consumer c{n} on q\n"
        + "".join(
            f"  if row.{column} is x\n    set row.{column} = y\n  else if row.{column} is y\n"
            f"    set row.{column} = z\n"
            for column in COLUMNS
        )
        + "  if row.d is z\n    send mail\n  ack\n"
        for n in range(3)
    )
    + "".join(f"claim never row.{column} is z and row.a is x\n" for column in COLUMNS[1:])
    + "claim no loss of mail\nclaim recoverable\n"
)
"""A design that takes a browser long."""


class _Files(http.server.SimpleHTTPRequestHandler):
    """A folder over HTTP, without a word."""

    extensions_map: ClassVar = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The playground, built from the packages."""
    if shutil.which("npm") is None:
        pytest.skip("needs npm")
    target = tmp_path_factory.mktemp("playground") / "playground"
    command = (sys.executable, str(ROOT / "tools/playground/build.py"), str(target))
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    return target


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as found:
        opened = found.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Site(http.server.ThreadingHTTPServer):
    """The built folder on a free port of this machine."""

    def __init__(self, folder: Path) -> None:
        super().__init__((LOOPBACK, 0), functools.partial(_Files, directory=str(folder)))
        self.address = f"http://{LOOPBACK}:{self.server_address[1]}/"
        threading.Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def site(built: Path) -> Iterator[Site]:
    """The playground on a server of its own."""
    served = Site(built)
    yield served
    served.shutdown()


@pytest.fixture(scope="module")
def page(browser: Any, site: Site) -> Iterator[Any]:
    """The loaded page. A complaint of it, or a request to another origin, is an error."""
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    made = context.new_page()
    trouble: list[str] = []
    made.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
    made.on("pageerror", lambda e: trouble.append(str(e)))
    own = (site.address, "data:", "blob:", "about:")
    context.on("request", lambda r: None if r.url.startswith(own) else trouble.append(r.url))
    made.goto(f"{site.address}index.html")
    _ready(made)
    yield made
    context.close()
    assert trouble == []


def _ready(page: Any) -> None:
    page.wait_for_selector("body[data-engine=ready]", timeout=SECONDS)
    page.wait_for_selector("#check:not([disabled])", timeout=SECONDS)


def _write(page: Any, design: str) -> None:
    page.click(".cm-content")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(design)


def _checked(page: Any) -> list[dict[str, Any]]:
    page.click("#check")
    page.wait_for_selector("body[data-state=answered]", timeout=SECONDS)
    cells = page.evaluate("JSON.parse(document.body.dataset.cells)")
    page.evaluate("document.body.dataset.state = 'new'")
    return list(cells)


def test_the_answers_are_those_of_the_command_line(page: Any) -> None:
    """Also: Z3 has checked the proofs, in the browser."""
    page.select_option("#designs", "article/invoice_email")
    outside = [
        (c.claim, c.semantics.value, c.verdict.value, tuple(c.checked_by))
        for d in check(ARTICLE).designs
        for c in d.cells
    ]
    inside = [
        (c["claim"], c["semantics"], c["verdict"], tuple(c["checkedBy"])) for c in _checked(page)
    ]
    assert inside == outside
    assert ("no loss of ready_email", "at-least-once", "holds", ("z3",)) in inside


def test_the_story_can_be_stepped_through(page: Any) -> None:
    frame = page.frame_locator("#answer")
    assert "can happen twice" in frame.locator("body").inner_text()
    steps = frame.locator("[data-step]")
    assert steps.count() > 3
    shown = frame.locator("body").inner_html()
    frame.locator("button:has-text('Next'), button[aria-label*=ext]").first.click()
    assert frame.locator("body").inner_html() != shown


def test_a_mistake_is_marked_while_one_types(page: Any) -> None:
    _write(page, "event Pay(id)\nqueue pays of Pay\nconsumer c on pays\n  akc\n")
    page.wait_for_selector("body[data-mistakes='1']", timeout=SECONDS)
    page.hover(".cm-lintRange-error")
    page.wait_for_selector(".cm-tooltip-lint", timeout=SECONDS)
    assert "did you mean `ack`?" in page.inner_text(".cm-tooltip-lint")


def test_a_broken_design_is_answered_with_its_mistakes(page: Any) -> None:
    _write(page, "event Pay(id)\nqueue pays off Pay\n")
    assert _checked(page) == []
    assert "mistake" in page.frame_locator("#answer").locator("body").inner_text()


def test_a_check_that_takes_too_long_is_stopped_and_a_spare_takes_over(page: Any) -> None:
    _write(page, HARD)
    page.wait_for_selector("body[data-mistakes='0']", timeout=SECONDS)
    page.click("#check")
    page.wait_for_selector("body[data-state=checking]", timeout=SECONDS)
    page.click("#stop")
    page.wait_for_selector("body[data-state=stopped]", timeout=SECONDS)
    _ready(page)
    page.select_option("#designs", "article/invoice_email")
    assert len(_checked(page)) == 6


def test_a_link_holds_the_design(page: Any, browser: Any, site: Site) -> None:
    design = "event Pay(id, größe)\nqueue pays of Pay at-least-once\n# naïve → ✓\n"
    _write(page, design)
    page.click("#share")
    page.wait_for_url("**#design=*", timeout=SECONDS)
    other = browser.new_page()
    other.goto(page.url)
    other.wait_for_selector(".cm-content", timeout=SECONDS)
    other.wait_for_selector("text=naïve", timeout=SECONDS)
    assert other.inner_text(".cm-content").split("\n")[0] == "event Pay(id, größe)"
    other.close()


def test_the_report_can_be_downloaded(page: Any) -> None:
    page.select_option("#designs", "article/invoice_email")
    _checked(page)
    with page.expect_download() as download:
        page.click("#download")
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>") or text.startswith("<!DOCTYPE html>")
    assert "ready_email" in text


def test_it_works_without_a_network_once_it_was_loaded(browser: Any, site: Site) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site.address}index.html")
    _ready(page)
    page.reload()  # the worker of the page's cache is in charge from here on
    _ready(page)
    context.set_offline(True)
    page.reload()
    _ready(page)
    assert len(_checked(page)) == 6
    context.close()


def test_on_a_phone_nothing_scrolls_sideways(browser: Any, site: Site) -> None:
    page = browser.new_page(viewport={"width": 380, "height": 800})
    page.goto(f"{site.address}index.html")
    page.wait_for_selector(".cm-content")
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(wide)
    page.close()


def test_every_design_that_is_offered_is_one(built: Path) -> None:
    designs = json.loads((built / "designs.json").read_text(encoding="utf-8"))["designs"]
    assert len({d["name"] for d in designs}) == len(designs) > 30
    assert designs[0]["text"]
