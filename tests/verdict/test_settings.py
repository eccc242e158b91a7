"""One design under several settings: a column each, the same answers as the design written so."""

from __future__ import annotations

import pytest
from onceproof.lang.load import Loaded, load_text
from onceproof.lang.settings import BadSetting, setting, with_setting
from onceproof.report.formats.text import render
from onceproof.verdict.check import check_loaded
from onceproof.verdict.exit_codes import Exit, of_result
from onceproof.verdict.result import ClaimResult, Result, Verdict
from onceproof.verdict.task import Options

DESIGN = """\
## Orders

event OrderPlaced(id)

queue orders of OrderPlaced via sqs.standard(VisibilityTimeout=30s) # at AWS
store processed per id, unique
effect payment per id via stripe
  key id

consumer pay on orders
  if id in processed
    ack
    stop
  send payment
  insert id into processed or continue
  ack

assume retries end within the key window
assume no refusals

claim no duplicate payment
claim no loss of payment
"""


def loaded() -> Loaded:
    made = load_text(DESIGN)
    assert made.design is not None, made.diagnostics
    return made


def cells(*texts: str) -> tuple[ClaimResult, ...]:
    options = Options(settings=tuple(map(setting, texts)))
    return check_loaded(loaded(), options)[0].cells


def test_only_the_declaration_changes() -> None:
    changed = with_setting(loaded(), setting("orders.via=rabbitmq.quorum(x-delivery-limit=20)"))
    lines = changed.sources[changed.path].lines
    assert (
        lines[4] == "queue orders of OrderPlaced via rabbitmq.quorum(x-delivery-limit=20) # at AWS"
    )
    assert lines[5:] == loaded().sources["design.once"].lines[5:]


def test_a_column_each_with_the_answers_of_the_design_written_so() -> None:
    both = cells("orders.via=sqs.fifo", "orders.via=exactly-once")
    assert [c.guarantee for c in both] == ["sqs.fifo"] * 2 + ["exactly-once"] * 2
    written = load_text(DESIGN.replace("via sqs.standard(VisibilityTimeout=30s)", "via sqs.fifo"))
    alone = check_loaded(written, Options())[0].cells
    assert [(c.claim, c.verdict, c.conditions) for c in alone] == [
        (c.claim, c.verdict, c.conditions) for c in both[:2]
    ]


def test_several_names_at_once_name_the_column() -> None:
    text = "orders.via=sqs.fifo,payment.via=adyen"
    (column,) = {c.guarantee for c in cells(text)}
    assert column == text
    retention = [c.conditions for c in cells(text) if c.kind == "no-duplicate"]
    assert retention != [c.conditions for c in cells("orders.via=sqs.fifo")[:1]]


def test_a_model_that_does_not_fit_is_a_mistake_that_names_the_setting() -> None:
    options = Options(settings=(setting("orders.via=lambda.sqs"),))
    result, _ = check_loaded(loaded(), options)
    assert {d.code for d in result.diagnostics} == {"N165"}
    assert "with orders.via=lambda.sqs" in result.diagnostics[0].primary.span.path
    assert of_result(Result((result,))) is Exit.USAGE


@pytest.mark.parametrize("text", ["orders=sqs.fifo", "orders.via=", "orders.takes=3s", ""])
def test_what_is_no_setting(text: str) -> None:
    with pytest.raises(BadSetting, match=r"write NAME\.via=MODEL"):
        setting(text)


def test_a_name_that_is_not_declared() -> None:
    with pytest.raises(BadSetting, match="it declares orders, processed, payment"):
        with_setting(loaded(), setting("inbox.via=sqs.fifo"))


# ---------------------------------------------------------------- kinds of proofs


def test_a_kind_of_proof_that_is_not_accepted() -> None:
    result = check_loaded(loaded(), Options())[0]
    assert [c.limits for c in result.cells] == [("conditional",), ()]
    assert of_result(Result((result,))) is Exit.HOLDS
    assert of_result(Result((result,), fail_on=("bounded", "unconfirmed"))) is Exit.HOLDS
    assert of_result(Result((result,), fail_on=("conditional",))) is Exit.INCONCLUSIVE


def test_conditions_are_in_the_cell_and_below_it_also_where_it_is_quiet() -> None:
    result = Result((check_loaded(loaded(), Options())[0],))
    text = "\n".join(x.plain for x in render(result, verbosity=0, width=100, unicode=True))
    assert "≈ proved if retries < 24h" in text
    assert "you must ensure: retries of an event < 24h (key of payment)" in text
    assert "assumed: all retries and redeliveries of an event end within the key window" in text


# ---------------------------------------------------------------- searches that are cut off


def test_a_search_that_is_cut_off_answers_for_less() -> None:
    cut = Options(workers=4, events=2, states=200)
    result = check_loaded(loaded(), cut)[0].cells[1]
    assert result.verdict is Verdict.HOLDS
    assert result.scope.workers is not None
    assert result.scope.workers < 4
    assert "with up to 4 workers and 2 events, the search stopped" in result.reason
    nothing = check_loaded(loaded(), Options(workers=4, events=2, states=2))[0].cells[1]
    assert nothing.verdict is Verdict.UNKNOWN


def test_a_design_without_queues_has_one_column() -> None:
    text = """event Booked(seat)

store bookings per seat
  state: open | sent
effect mail per seat via smtp

relay mailer when bookings.state is open
  send mail
  set bookings.state = sent

claim no duplicate mail
"""
    (cell,) = check_loaded(load_text(text), Options())[0].cells
    assert (cell.guarantee, cell.verdict) == ("relays alone", Verdict.REFUTED)
