"""The review in a real browser: it opens alone, steps, prints, fits a phone, works by keyboard, and
says what things are.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from onceproof.report.formats.html import to_html

from support.review import full

pytestmark = [pytest.mark.slow, pytest.mark.browser]
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)


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


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The review of a design with two stories."""
    path = tmp_path_factory.mktemp("review") / "review.html"
    path.write_text(to_html(full()), encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Any, place: Path) -> Iterator[Any]:
    """The page, opened; whatever it complains about or asks the network for is an error."""
    yield from opened(browser, place, width=1280)


def opened(browser: Any, place: Path, width: int, **more: Any) -> Iterator[Any]:
    """A page of some width."""
    made = browser.new_page(viewport={"width": width, "height": 800}, **more)
    trouble: list[str] = []
    made.on(
        "console",
        lambda m: trouble.append(f"{m.type}: {m.text}") if m.type in ("error", "warning") else None,
    )
    made.on("pageerror", lambda e: trouble.append(str(e)))
    made.on("request", lambda r: trouble.append(r.url) if not r.url.startswith("file:") else None)
    made.goto(place.as_uri())
    yield made
    assert trouble == []
    made.close()


def shown(page: Any) -> str:
    """The situation that is visible in the first story."""
    return str(page.locator(".story").first.locator(".facts:visible").inner_text())


def test_it_steps_through_a_story(page: Any) -> None:
    story = page.locator(".story").first
    assert "sent twice" in shown(page)
    go = {name: story.locator(f"[data-go={name}]") for name in ("first", "back", "next", "all")}
    go["first"].click()
    assert "Before the first step" in shown(page)
    assert go["back"].is_disabled()
    for _ in range(3):
        go["next"].click()
    assert "After step 3" in shown(page)
    assert "sent once" in shown(page)
    assert story.locator("li[aria-current=step]").inner_text().startswith("worker 1")
    assert story.locator(".design .lit").inner_text().strip().startswith("12")
    assert (
        story.locator("output")
        .inner_text()
        .startswith("Step 3 of 7: worker 1 line 12 sends ready_email")
    )
    assert story.locator(".diagram .row.later").count() == 4
    go["back"].click()
    assert "After step 2" in shown(page)
    go["all"].click()
    assert story.locator(".later").count() == 0


def test_the_keyboard_is_enough(page: Any) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.go") == "next":
            break
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert "After step 3" in shown(page)
    page.keyboard.press("ArrowLeft")
    assert "After step 2" in shown(page)
    page.keyboard.press("Home")
    assert "Before the first step" in shown(page)
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    assert "After step 7" in shown(page)
    assert page.evaluate("document.activeElement.tagName") == "BUTTON"


def test_a_click_on_a_verdict_opens_its_story(page: Any) -> None:
    page.locator(".verdicts a").nth(1).click()
    assert page.evaluate("location.hash") == "#d1-story-1"
    assert page.locator("#d1-story-1 .part").is_visible()


def test_without_scripts_everything_is_there(browser: Any, place: Path) -> None:
    for made in opened(browser, place, 1280, java_script_enabled=False):
        assert "sent twice" in shown(made)
        assert made.locator(".controls").first.is_hidden()
        assert made.locator(".story").first.locator(".steps li").count() == 7


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_sticks_out_on_a_small_screen(browser: Any, place: Path, width: int) -> None:
    for made in opened(browser, place, width):
        assert made.evaluate("document.documentElement.scrollWidth") <= width


def test_it_prints(page: Any, tmp_path: Path) -> None:
    page.pdf(path=str(tmp_path / "review.pdf"), format="A4")
    data = (tmp_path / "review.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", data)) <= 4


def test_a_link_into_a_folded_part_opens_it(page: Any) -> None:
    folded = page.locator("details.fold .story").first
    assert not folded.is_visible()
    name = folded.get_attribute("id")
    page.evaluate(f"location.hash = '#{name}-step-2'")
    page.wait_for_function(f"document.getElementById('{name}').closest('details').open")
    assert page.locator(f"#{name}-step-2").is_visible()


def test_the_first_screen_has_the_answer_the_parts_and_the_change(page: Any) -> None:
    for part in (".verdict .answer", ".verdicts", ".parts", ".remedy .diff"):
        box = page.locator(part).first.bounding_box()
        assert box is not None
        assert box["y"] < 1000, part


CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = (c) => {
    const [r, g, b] = c
      .slice(0, 3)
      .map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const c = parse(getComputedStyle(at).backgroundColor);
      if (c.length < 4 || c[3] > 0.99) return c;
    }
    return [255, 255, 255];
  };
  const bad = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || e.closest("svg, script, style, [hidden], :disabled") || !e.offsetParent) continue;
    const shades = [light(parse(getComputedStyle(e).color)), light(ground(e))];
    const [a, b] = shades.sort((x, y) => y - x);
    const text = e.textContent.trim().slice(0, 40);
    if ((a + 0.05) / (b + 0.05) < 4.5) bad.push(`${e.className} ${text}`);
  }
  return bad;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_by_day_and_by_night(browser: Any, place: Path, scheme: str) -> None:
    for made in opened(browser, place, 1280, color_scheme=scheme):
        assert made.evaluate(CONTRAST) == []
        paper = made.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") is (scheme == "light")


def test_everything_has_a_name_and_an_order(page: Any) -> None:
    """What the usual checkers ask first: one main, one h1, headings without jumps, names for
    regions, buttons and tables.
    """
    assert page.locator("main").count() == 1
    assert page.locator("html[lang]").count() == 1
    levels = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map((h) => Number(h.tagName[1]))"
    )
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    named = "e.ariaLabel || e.getAttribute('aria-labelledby')"
    unnamed = (
        "[...document.querySelectorAll('[role=region],[role=group],[role=img],nav')].filter((e) =>"
        f" !({named})).length"
    )
    assert page.evaluate(unnamed) == 0
    assert (
        page.evaluate(
            "[...document.querySelectorAll('button,a')].filter((e) => !e.textContent.trim()).length"
        )
        == 0
    )
    assert page.evaluate("[...document.querySelectorAll('th')].filter((e) => !e.scope).length") == 0
    scrolling = (
        "[...document.querySelectorAll('.scroll,.picture,pre.design')].filter((e) => e.tabIndex !=="
        " 0).length"
    )
    assert page.evaluate(scrolling) == 0
