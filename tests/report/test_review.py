"""The design review: one record, and what the page and the Markdown make of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from onceproof.report.formats.html import to_html
from onceproof.report.formats.markdown import to_markdown
from onceproof.report.review import review_of
from onceproof.report.review.answer import Tone, answer, question, tone_of
from onceproof.verdict.check import check
from onceproof.verdict.result import Assurance, Result, Scope, Verdict
from onceproof.verdict.task import Options

from support.command_line import run
from support.repo import ROOT
from support.results import ALO, AMO, EO, HERE, cell, checked, design, every_verdict, troubles
from support.review import full

Golden = Callable[[Path, str], None]
VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Elements with their attributes, and whether every one is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1:] == ["p"] and tag != "p":
            self.open.pop()
        assert self.open.pop() == tag, tag


# ---------------------------------------------------------------- the answer


def said(*cells: object) -> str:
    """The answer to a design with these cells."""
    return answer(Result((design(*cells),)))  # type: ignore[arg-type]


DUP, LOSS = "no duplicate mail", "no loss of mail"


def test_a_design_that_is_proved() -> None:
    cells = (cell(DUP, ALO, Verdict.HOLDS), cell(LOSS, ALO, Verdict.HOLDS))
    assert (
        question(Result((design(*cells),)))
        == "Does mail happen at most once, and is it never lost, whatever crashes, arrives twice,"
        " expires or is replayed?"
    )
    assert (
        said(*cells)
        == "Yes: all 2 answers are proved for any number of events, keys, workers, deliveries,"
        " crashes and publisher retries."
    )
    assert tone_of(Result((design(*cells),))) is Tone.GOOD


def test_bounds_and_assumptions_are_part_of_the_answer() -> None:
    bounded = cell(DUP, ALO, Verdict.HOLDS, assurance=Assurance.EXHAUSTIVE, scope=Scope(1, 1, 2))
    assert said(bounded).startswith(
        "Yes, but only within bounds: the only claim is proved for up to 2 workers at once"
    )
    assert tone_of(Result((design(bounded),))) is Tone.LIMITED
    assumed = cell(DUP, ALO, Verdict.HOLDS, assumptions=("no worker is killed",))
    assert said(assumed).endswith(", assuming that no worker is killed.")


def test_what_breaks_is_named() -> None:
    broken = (
        cell(DUP, ALO, Verdict.REFUTED),
        cell(DUP, EO, Verdict.REFUTED),
        cell(LOSS, AMO, Verdict.REFUTED),
    )
    assert (
        said(*broken, cell(DUP, AMO, Verdict.HOLDS))
        == "No: mail can happen twice under at-least-once and exactly-once, and mail can be lost"
        " under at-most-once; 1 other answer is proved."
    )
    expected = cell(DUP, ALO, Verdict.REFUTED, Verdict.REFUTED)
    assert (
        said(expected)
        == "No: mail can happen twice under at-least-once, as the design itself expects."
    )


def test_what_is_open_is_never_a_yes() -> None:
    unknown, vacuous = cell(DUP, ALO, Verdict.UNKNOWN), cell(LOSS, ALO, Verdict.VACUOUS)
    assert (
        said(unknown, vacuous, cell(DUP, AMO, Verdict.HOLDS))
        == "Not shown: of 3 answers, 1 hold only because what they speak about never happens and 1"
        " could not be decided; 1 is proved."
    )
    assert answer(troubles()).startswith("There is no answer")
    assert not said().startswith("Yes")


# ---------------------------------------------------------------- the record


@pytest.mark.slow
def test_every_answer_leads_somewhere() -> None:
    for review in (full(), review_of(every_verdict()), full("outbox")):
        (found,) = review.designs
        ids = {p.id for p in (*found.refuted, *found.proofs, *found.opens)}
        targets = {a.target for row in found.rows for a in row.answers if a is not None}
        assert targets == ids


def test_the_situation_follows_the_story() -> None:
    (found,) = full().designs
    story = found.refuted[0]
    sent = [next(fact.value for fact, _ in m.facts if fact.kind == "effect") for m in story.moments]
    assert sent == [
        "not sent",
        "not sent",
        "sent once",
        "sent once",
        "sent once",
        "sent once",
        "sent twice",
    ]
    changed = [[fact.what for fact, new in m.facts if new] for m in story.moments]
    assert changed[2] == ["ready_email for event 1"]
    assert changed[1] == changed[3] == []
    assert [m.effect for m in story.moments] == [0, 0, 1, 0, 0, 0, 2]
    assert [m.fault for m in story.moments] == [False, False, False, True, False, False, False]


def test_a_certificate_hash_is_that_of_the_files(tmp_path: Path) -> None:
    path = ROOT / "examples/theory/provider_key.once"
    done = run(
        "check",
        path,
        "-q",
        "--no-second-opinion",
        "--claim",
        "duplicate",
        "--certificate",
        tmp_path,
    )
    assert done.returncode == 0
    result = check(path, Options(claims=("duplicate",), second_opinion=False, digests=True))
    (found,) = review_of(result).designs
    ((_, said_hash, folder),) = found.proofs[0].certificates
    files = sorted((tmp_path / folder).glob("*.smt2"))
    assert files
    assert hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest() == said_hash


def test_the_crash_map_is_a_table() -> None:
    table = full().designs[0].crashes
    assert table is not None
    assert table.columns == ("at-most-once", "at-least-once", "exactly-once")
    row = next(r for r in table.rows if r.text.startswith("after `send ready_email`"))
    assert [d.word for damages in row.damages for d in damages] == [
        "≈ harmless",
        "duplicates",
        "duplicates",
    ]
    assert table.fatal > 0


def test_what_to_change_is_shown_with_its_price() -> None:
    first = full().designs[0].remedies[0]
    assert (first.effect, first.under) == ("ready_email", "at-least-once and exactly-once")
    swapped, change = first.changes
    assert ("+", "effect ready_email per id via resend") in swapped.diff
    assert ("+", "  key id, kept for ever") in change.diff
    kinds = [kind for kind, _ in change.terms]
    assert kinds[:2] == ["verified", "on what ground"]
    assert "must be true outside the design" in kinds


def test_the_gist_stands_above_the_story() -> None:
    assert (
        full().designs[0].refuted[0].gist[0]
        == "`ready_email` was sent by worker 1 (line 12, step 3) and again by worker 2 (line 12,"
        " step 7)."
    )


def test_needed_lines_are_named() -> None:
    (table,) = full().designs[0].needs
    assert table.semantics == "at-least-once"
    assert any(row.breaks == ("no loss of ready_email",) for row in table.rows)
    assert {row.needed for row in table.rows} <= {"needed", "not needed", "not known"}


def test_conditions_and_unconfirmed_facts_are_never_a_bare_tick() -> None:
    conditional = cell(
        DUP,
        ALO,
        Verdict.HOLDS,
        conditions=("lease < timeout",),
        facts=("q keeps its messages (vendor page)",),
    )
    review = review_of(Result((design(conditional),)))
    assert review.answer.startswith(
        "Yes, if lease < timeout, relying on documented behavior that we have not tested: "
    )
    assert review.tone is Tone.LIMITED
    for text in (to_html(review).replace("&lt;", "<"), to_markdown(review).replace("\\", "")):
        assert "✓" not in text
        assert "lease < timeout" in text
        assert "q keeps its messages (vendor page)" in text


# ---------------------------------------------------------------- the page


def test_the_page_is_well_formed_and_alone() -> None:
    for review in (
        full(),
        review_of(every_verdict()),
        review_of(troubles()),
        review_of(Result(())),
    ):
        page = Page(to_html(review))
        ids = [a["id"] for _, a in page.found if "id" in a]
        assert len(ids) == len(set(ids))
        for tag, attributes in page.found:
            assert tag not in ("link", "img", "iframe", "base", "form")
            assert not {"src", "style", "onclick", "onload"} & set(attributes), tag
            if "href" in attributes and not (
                attributes.get("rel") and attributes["href"].startswith("https://")
            ):
                assert attributes["href"][1:] in ids
            for name in ("aria-labelledby",):
                assert set(attributes.get(name, "").split()) <= set(ids)
        assert "@import" not in to_html(review)
        assert "url(" not in to_html(review)


def test_the_policy_allows_this_script_and_style_only() -> None:
    text = to_html(full())
    for tag in ("style", "script"):
        body = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert body
        digest = base64.b64encode(hashlib.sha256(body[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in text
    assert "default-src 'none'" in text
    assert "eval(" not in text


def test_a_hostile_design_stays_text() -> None:
    title = '<script>alert(1)</script> & "quotes" \''
    made = design(
        cell("no loss of x", ALO, Verdict.UNKNOWN, reason="<img src=x onerror=alert(1)>"),
        title=title,
        path="a<b.once",
    )
    page = Page(to_html(review_of(Result((made,)), command="onceproof report '</script><b>'")))
    assert [t for t, _ in page.found].count("script") == 1
    assert not {"img", "b"} & {t for t, _ in page.found}
    markdown = to_markdown(review_of(Result((made,))))
    assert "\n# Design review: \\<script\\>" in f"\n{markdown}"


def test_page_and_markdown_say_the_same(golden: Golden) -> None:
    review = full()
    text = re.sub(r"<[^>]+>", "", to_html(review))
    markdown = to_markdown(review)
    for said_in_both in (
        review.answer,
        review.question,
        "duplicates ready_email",
        "a crash after",
        "This takes 1 worker at a time",
    ):
        assert said_in_both in re.sub(r"`", "", markdown)
        assert said_in_both in text
    golden(HERE / "formats" / "review.md.txt", markdown)
    golden(HERE / "formats" / "review.html", to_html(review))


def test_without_extras_their_sections_are_left_out() -> None:
    text = to_html(review_of(checked("worker_killed")))
    assert "Crash map" not in text
    assert "How many faults" not in text


# ---------------------------------------------------------------- the command


SEED = str(ROOT / "examples/article/invoice_email.once")


@pytest.mark.slow
def test_the_command_writes_both(tmp_path: Path) -> None:
    page, markdown = tmp_path / "r.html", tmp_path / "r.md"
    ask = (
        "report",
        SEED,
        "--semantics",
        "at-least-once",
        "--claim",
        "duplicate",
        "-o",
        page,
        "-o",
        markdown,
    )
    done = run(*ask)
    assert done.returncode == 0, done.stderr
    assert "No: ready_email can happen twice under at-least-once" in done.stdout
    first = page.read_bytes(), markdown.read_bytes()
    assert b"Crash map" in first[0]
    assert b"--semantics at-least-once --claim duplicate" in first[1]
    assert run(*ask).returncode == 0
    assert (page.read_bytes(), markdown.read_bytes()) == first


def test_mistakes(tmp_path: Path) -> None:
    done = run("report", SEED, "-o", tmp_path / "r.pdf")
    assert (done.returncode, ".html or .md" in done.stderr) == (2, True)
    assert run("report", SEED).returncode == 2
    assert run("report", SEED, "--claim", "zzz", "-o", tmp_path / "r.md").returncode == 2
    assert run("report", tmp_path / "none.once", "-o", tmp_path / "r.md").returncode == 2


def test_a_design_with_mistakes_is_reviewed_as_one(tmp_path: Path) -> None:
    broken = tmp_path / "broken.once"
    broken.write_text("queue orders off Order\n", encoding="utf-8")
    done = run("report", broken, "-o", tmp_path / "r.md")
    assert done.returncode == 2
    assert "There is no answer" in (tmp_path / "r.md").read_text(encoding="utf-8")


def test_json_is_not_touched() -> None:
    assert (
        json.loads(run("check", SEED, "--claim", "loss", "--format", "json").stdout)["schema"]
        == "onceproof/result/1"
    )
