"""Repairs: what is offered was proved, nothing else got worse, and each kind of edit is offered
where it is the right one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from onceproof.cli.main import main
from onceproof.lang.load import Loaded, load, load_text
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
from onceproof.models import providers
from onceproof.repair import Goal, Repairs, catalogue, goals_of, repaired, repairs
from onceproof.repair.edits.key import MAIL
from onceproof.repair.plan import claim_for
from onceproof.repair.verify import Verifier, session_of
from onceproof.verdict.check import check_loaded
from onceproof.verdict.decide import judge_claim
from onceproof.verdict.exit_codes import Exit
from onceproof.verdict.result import ClaimResult, Verdict
from onceproof.verdict.task import Options

from support.repo import ROOT, read

HERE = Path(__file__).parent

MOST, LEAST, EXACTLY = Delivery
PLAIN = Options(second_opinion=False)


def _goals(loaded: Loaded) -> tuple[tuple[Goal, ...], tuple[ClaimResult, ...]]:
    assert loaded.design is not None, loaded.diagnostics
    cells = check_loaded(loaded, PLAIN)[0].cells
    asked = tuple(
        (c, s) for c in loaded.design.claims for s in c.semantics or loaded.design.semantics
    )
    return goals_of(loaded.design, cells, asked), cells


def _found(
    loaded: Loaded, effect: str, semantics: Delivery = LEAST, *, keep_provider: bool = False
) -> Repairs:
    goals, cells = _goals(loaded)
    goal = next(g for g in goals if g.name == effect and g.semantics is semantics)
    return repairs(loaded, goal, PLAIN, keep_provider, cells)


FIRST = {
    "article/invoice_email": ("ready_email", ("mail-provider",)),
    "article/mistake_early_ack": ("confirmation", ("ack-later", "provider-with-keys")),
    "article/mistake_replay_forgotten": ("stock.taken", ("row-window",)),
    "article/three_resources": ("shipment", ("provider-key",)),
    "article/without_dedup_record": ("booking", ("unique-insert",)),
    "article/without_late_ack": ("booking", ("ack-later",)),
    "article/without_stable_id": ("booking", ("business-key",)),
    "theory/atomic_dedup": ("receipt", ("provider-with-keys", "outbox")),
    "theory/dedup_without_unique": ("account.balance", ("unique-insert",)),
    "theory/lease": ("credit", ("fencing-token",)),
    "theory/provider_key_expires": ("ready_email", ("key-window",)),
    "theory/version_not_compared": ("credit", ("dedup-record",)),
}
"""The first repair of an effect under at-least-once, by design."""


@pytest.mark.slow
@pytest.mark.parametrize("name", FIRST)
def test_first_repair(name: str) -> None:
    effect, edits = FIRST[name]
    loaded = load(ROOT / "examples" / f"{name}.once")
    found = _found(loaded, effect)
    assert found.complete
    assert found.repairs[0].edits == edits
    for repair in found.repairs:
        _demand_better(loaded, repair.text, effect, LEAST)


def _demand_better(loaded: Loaded, text: str, effect: str, semantics: Delivery) -> None:
    """The whole judge, second opinion included, on the text as it would be written."""
    goals, before = _goals(loaded)
    goal = next(g for g in goals if g.name == effect and g.semantics is semantics)
    changed = load_text(text, loaded.path)
    assert changed.design is not None
    assert len(changed.diagnostics) <= len(loaded.diagnostics)
    claims = [claim_for(kind, goal) for kind in ("no-duplicate", "no-loss", "recoverable")]
    design = replace(changed.design, claims=(*changed.design.claims, *claims))
    for claim in claims:
        cell = judge_claim(lower(design, semantics), claim, Options())
        assert isinstance(cell, ClaimResult)
        assert cell.verdict is Verdict.HOLDS, (claim.text, cell.reason)
    after = check_loaded(changed, Options())[0].cells
    old = {(i, s): c for s in Delivery for i, c in enumerate(c for c in before if c.semantics is s)}
    new = {(i, s): c for s in Delivery for i, c in enumerate(c for c in after if c.semantics is s)}
    assert old.keys() == new.keys()
    for key, cell in new.items():
        assert cell.verdict is Verdict.HOLDS or old[key].verdict is cell.verdict
        assert cell.as_expected or not old[key].as_expected


@pytest.mark.slow
def test_a_key_is_no_repair_where_the_provider_keeps_errors_under_it() -> None:
    """The key ends the duplicates, but a first answer that is an error and gets lost is given to
    every retry of the day: the charge is lost instead. What gives the other claim up is no offer.
    """
    loaded = load(ROOT / "examples/article/mistake_only_the_database.once")
    found = _found(loaded, "charge")
    assert found.complete
    assert found.repairs == ()
    text = read("examples/article/mistake_only_the_database.once")
    text = text.replace("via stripe", "via stripe\n  key id")
    text += "\nassume retries end within the key window\n"
    with_key = load_text(text, loaded.path)
    cells = {c.claim: c.verdict for c in check_loaded(with_key, PLAIN)[0].cells}
    assert cells["no duplicate charge"] is Verdict.HOLDS
    assert cells["no loss of charge"] is Verdict.REFUTED


# ---------------------------------------------------------------- the three


def test_the_first_handler_is_repaired_by_a_key_at_the_provider() -> None:
    loaded = load(ROOT / "examples/article/invoice_email.once")
    found = _found(loaded, "ready_email")
    resend, repair = found.repairs
    assert resend.edits == ("mail-provider",)
    assert "+effect ready_email per id via resend" in resend.diff
    assert "-effect ready_email per id via smtp" in repair.diff
    assert "+  key id, kept for ever" in repair.diff
    assert any("no handler has both no duplicate and no loss" in s for s in found.impossible)
    _demand_better(loaded, repair.text, "ready_email", LEAST)


def test_without_another_provider_none_exists_and_the_reason_is_said() -> None:
    found = _found(
        load(ROOT / "examples/article/invoice_email.once"), "ready_email", keep_provider=True
    )
    assert found.complete
    assert found.repairs == ()
    assert any("leaves no trace" in s for s in found.impossible)


DATABASE = """## Look, credit, remember

event PaymentReceived(id, account)
queue payments of PaymentReceived at-least-once
store processed per id      # who was credited
store account   per account
effect credit per id in account

consumer bank on payments
  if id in processed        # look
    ack
    stop
  do credit                 # twice, if the worker dies here
  add id to processed
  ack

claim no duplicate credit
  expect violated
claim no loss of credit
"""

REPAIRED = """## Look, credit, remember

event PaymentReceived(id, account)
queue payments of PaymentReceived at-least-once
store processed per id, unique  # who was credited
store account   per account
effect credit per id in account

consumer bank on payments
  atomic
    insert id into processed
      on duplicate
        ack
        stop
    do credit               # twice, if the worker dies here
  ack

claim no duplicate credit
claim no loss of credit
"""


def test_a_database_effect_is_repaired_by_one_transaction() -> None:
    found = _found(load_text(DATABASE), "credit")
    assert found.repairs[0].text == REPAIRED
    _demand_better(load_text(DATABASE), REPAIRED, "credit", LEAST)


def test_at_most_once_loses_messages_nobody_saw() -> None:
    found = _found(load(ROOT / "examples/article/invoice_email.once"), "ready_email", MOST)
    assert found.repairs == ()
    assert "vanish from `invoices`" in found.impossible[0]


# ---------------------------------------------------------------- what is written


STUCK = """event Paid(id)
queue q of Paid at-least-once
store done per id
effect mail per id via http
  key id, kept for ever
consumer c on q
  if id in done
    stop
  send mail
  add id to done
  ack
claim no duplicate mail
"""


def test_a_change_after_which_messages_are_never_settled_is_no_repair() -> None:
    """A worker that dies before its `ack` leaves a message that everybody gives up again."""
    settling = STUCK.replace("    stop\n", "    ack\n    stop\n")
    original, stuck, good = (
        load_text(text).design
        for text in (settling.replace("  key id, kept for ever\n", ""), STUCK, settling)
    )
    assert original is not None
    assert stuck is not None
    assert good is not None
    (target,) = original.claims[0].targets
    verifier = Verifier(original, Goal(target, LEAST), session_of(PLAIN))
    assert verifier.checked(good) is not None
    assert verifier.checked(stuck) is None
    # where they could not be settled before, a repair need not change that
    as_stuck = load_text(STUCK.replace("  key id, kept for ever\n", "")).design
    assert as_stuck is not None
    verifier = Verifier(as_stuck, Goal(target, LEAST), session_of(PLAIN))
    assert verifier.checked(stuck) is not None


def test_line_ends_and_marks_stay(tmp_path: Path) -> None:
    path = tmp_path / "design.once"
    path.write_bytes(b"\xef\xbb\xbf" + DATABASE.replace("\n", "\r\n").encode())
    assert main(["repair", str(path), "--apply"]) == Exit.HOLDS
    assert path.read_bytes() == b"\xef\xbb\xbf" + REPAIRED.replace("\n", "\r\n").encode()
    assert [p.name for p in tmp_path.iterdir()] == ["design.once"]


def test_wider_indentation_is_kept() -> None:
    def wide(text: str) -> str:
        return re.sub(r"^( +)", lambda m: m[1] * 2, text, flags=re.MULTILINE)

    found = _found(load_text(wide(DATABASE)), "credit")
    assert re.sub(" +#", " #", found.repairs[0].text) == re.sub(" +#", " #", wide(REPAIRED))


def test_nothing_is_written_where_nothing_helps(tmp_path: Path) -> None:
    path = tmp_path / "design.once"
    text = (ROOT / "examples/article/invoice_email.once").read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    words = ["repair", str(path), "--semantics", "at-least-once", "--keep-provider", "--apply"]
    assert main(words) == Exit.VIOLATED
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.slow
def test_several_effects_are_repaired_one_after_the_other() -> None:
    loaded = load(ROOT / "examples/article/without_stable_id.once")
    text, made, left = repaired(loaded, _goals(loaded)[0], PLAIN)
    assert [r.edits for _, r in made] == [("provider-key",), ("business-key",)]
    assert left == ()
    cells = check_loaded(load_text(text), PLAIN)[0].cells
    assert {c.verdict for c in cells} == {Verdict.HOLDS}
    assert all(c.as_expected for c in cells)


@pytest.mark.slow
def test_time_is_a_limit() -> None:
    loaded = load(ROOT / "examples/article/three_resources.once")
    goals, cells = _goals(loaded)
    found = repairs(loaded, goals[0], replace(PLAIN, seconds=0.001), cells=cells)
    assert not found.complete
    assert "0.001 s" in found.reason


def test_edits_have_names_of_their_own() -> None:
    names = [e.name for e in catalogue()]
    assert len(set(names)) == len(names)
    assert {edit for _, edits in FIRST.values() for edit in edits} <= set(names)


# ---------------------------------------------------------------- what is printed


@pytest.mark.slow
def test_the_answer_for_the_first_handler(
    capsys: pytest.CaptureFixture[str],
    golden: Callable[[Path, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    # There is none under at-most-once.
    assert main(["repair", "examples/article/invoice_email.once"]) == Exit.VIOLATED
    golden(HERE / "first.text", capsys.readouterr().out)


def test_what_is_printed(
    capsys: pytest.CaptureFixture[str],
    golden: Callable[[Path, str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "design.once").write_text(DATABASE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for form in ("text", "diff"):
        assert main(["repair", "design.once", "--format", form]) == Exit.HOLDS
        golden(HERE / f"database.{form}", capsys.readouterr().out)


def test_json_has_everything_but_the_time(
    capsys: pytest.CaptureFixture[str],
    golden: Callable[[Path, str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "design.once").write_text(DATABASE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["repair", "design.once", "--format", "json"]) == Exit.HOLDS
    golden(
        HERE / "database.json",
        re.sub(r'"seconds": [\d.]+', '"seconds": 0', capsys.readouterr().out),
    )


def test_nothing_to_repair(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "design.once"
    path.write_text(REPAIRED, encoding="utf-8")
    assert main(["repair", str(path)]) == Exit.HOLDS
    assert capsys.readouterr().out == "nothing to repair: no claim is refuted\n"


# ---------------------------------------------------------------- brokers, mail, one claim

TASK = """event ReportAsked(id)

queue tasks of ReportAsked via celery
store done per id, unique
effect report per id in done

consumer reports on tasks
  atomic
    insert id into done or stop
    do report

claim no duplicate report
claim no loss of report
"""


def test_a_broker_is_configured_so_that_it_loses_nothing() -> None:
    loaded = load_text(TASK)
    (repair,) = _found(loaded, "report").repairs
    assert repair.edits == ("broker-option",)
    assert "acks_late=true, task_reject_on_worker_lost=true" in repair.diff
    assert "`tasks` really runs with acks_late=true" in repair.outside[0]
    _demand_better(loaded, repair.text, "report", LEAST)


@pytest.mark.parametrize("provider", MAIL)
def test_every_mail_provider_can_be_swapped(provider: str) -> None:
    key = "" if providers()[provider].keys == "never" else "\n  key id"
    text = f"""event O(id)

queue orders of O at-least-once
effect mail per id via {provider}{key}

consumer mailer on orders
  send mail
  ack

assume no replay

claim no duplicate mail
"""
    found = _found(load_text(text), "mail")
    named = [r for r in found.repairs if "mail-provider" in r.edits]
    assert named, found
    assert "effect mail per id via resend" in named[0].text


EARLY = """event O(id)

queue orders of O at-least-once
effect mail per id via smtp

consumer mailer on orders
  ack
  send mail

claim no duplicate mail
  expect violated
claim no loss of mail
"""


def test_one_claim_alone_may_be_repaired() -> None:
    """No handler has both with a mail server; not to lose the mail is possible."""
    loaded = load_text(EARLY)
    assert loaded.design is not None
    cells = check_loaded(loaded, PLAIN)[0].cells
    claim = next(c for c in loaded.design.claims if c.kind == "no-loss")
    (both,) = goals_of(loaded.design, cells, ((claim, LEAST),))
    (alone,) = goals_of(loaded.design, cells, ((claim, LEAST),), alone=True)
    none = repairs(loaded, both, PLAIN, True, cells)
    assert none.repairs == ()
    assert ("no duplicate mail is still refuted") in {why for _, why in none.refused}
    first = repairs(loaded, alone, PLAIN, True, cells).repairs[0]
    assert first.edits == ("ack-later",)


def test_why_nothing_was_found_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "early.once"
    path.write_text(EARLY, encoding="utf-8")
    assert main(["repair", str(path), "--claim", "no loss", "--keep-provider"]) == Exit.VIOLATED
    assert "no duplicate mail is still refuted" in capsys.readouterr().out
    arguments = ["repair", str(path), "--claim", "no loss", "--one-claim", "--keep-provider"]
    assert main(arguments) == Exit.HOLDS
