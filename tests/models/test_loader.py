"""Model files: what they say becomes switches, and what is not understood is an error with the file
and the key.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from onceproof.models import brokers, read

GOOD = """\
name = "mine"
title = "My broker"
kind = "queue"
summary = "a broker"
[machine]
loses_hold = ["lease"]
lease = "patience"
[options.patience]
kind = "duration"
default = "30s"
meaning = "how long"
source = "s"
status = "documented"
[options.acks_late]
kind = "switch"
default = false
meaning = "when"
source = "s"
status = "documented"
[options.acks_late.set.true]
ack = "return"
[options.acks_late.set.default]
ack = "delivery"
[sources.s]
url = "https://example.org"
read = "all of it"
"""


def _read(tmp_path: Path, text: str):  # type: ignore[no-untyped-def]
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return read(path)


def test_options_change_switches(tmp_path: Path) -> None:
    model = _read(tmp_path, GOOD)
    assert model.switches({}).ack == "delivery"
    assert model.switches({"acks_late": "true"}).ack == "return"
    assert model.switches({"patience": "5min"}).lease == ("patience", "5min")
    off = model.switches({"patience": "none"})  # a lease that is off does not run out
    assert (off.lease, off.loses_hold) == (None, ())


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            'lease = "patience"',
            'lease = "pateince"',
            "mine.toml: machine.lease: there is no option pateince",
        ),
        (
            'loses_hold = ["lease"]',
            'loses_hold = ["leese"]',
            "mine.toml: machine.loses_hold: must be a list of lease",
        ),
        (
            "[machine]",
            "[machine]\nfast = true",
            "mine.toml: machine.fast: unknown; known are delivery",
        ),
        (
            'ack = "return"',
            'ack = "late"',
            "mine.toml: options.acks_late.set.true.ack: must be one of handler",
        ),
        (
            'default = "30s"',
            'default = "soon"',
            "mine.toml: options.patience.default: must be a duration",
        ),
        (
            "[sources.s]",
            "[sources.t]",
            (
                "mine.toml: sources.t: nothing cites it\nmine.toml: options.patience.source: there"
                " is no source s"
            ),
        ),
        ('title = "My broker"\n', "", "mine.toml: title: missing"),
        (
            'lease = "patience"',
            'lease = "patience"\ncovers = ["patience"]',
            "mine.toml: machine.covers: there is no option patience that is a count",
        ),
        (
            'default = "30s"',
            'default = "30s"\nleast = 5',
            "mine.toml: options.patience.least: must be a duration",
        ),
        (
            "default = false",
            "default = false\nmost = 5",
            "mine.toml: options.acks_late.most: only a duration or a count has a range",
        ),
    ],
)
def test_mistakes_in_a_file_are_errors(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"^mine") as error:
        _read(tmp_path, GOOD.replace(old, new))
    assert str(error.value).startswith(says)


def test_the_models_that_ship_are_read() -> None:
    assert brokers()["sqs.standard"].switches({}).lease == ("VisibilityTimeout", "30s")
    assert brokers()["sqs.standard"].switches({"maxReceiveCount": "5"}).limit == (
        "maxReceiveCount",
        "5",
    )
    assert (
        brokers()["rabbitmq.quorum"].switches({"dead-letter-exchange": "x"}).limit_end
        == "dead-letter"
    )


FETCHED = """\
[options.fetched]
kind = "count"
default = 10
least = 1
most = 2000
meaning = "how many at once"
source = "s"
status = "documented"
[options.sync]
kind = "choice"
choices = ["always", "later"]
default = "later"
meaning = "when it is written to disk"
source = "s"
status = "documented"
not_modelled = ["always"]
[options.sync.set.later]
loses = ["publish"]
[[facts]]
id = "late-sync"
behaviour = "loss"
text = "What was confirmed can be lost."
source = "s"
status = "documented"
unless = "sync"
condition = "nothing that was confirmed is lost: sync"
breaks = { loses = ["retention"] }
[sources.s]
"""


def _fetched(tmp_path: Path):  # type: ignore[no-untyped-def]
    text = GOOD.replace("[sources.s]\n", FETCHED).replace(
        'lease = "patience"', 'lease = "patience"\ncovers = ["fetched"]'
    )
    return _read(tmp_path, text)


def test_a_lease_covers_what_is_fetched_at_once(tmp_path: Path) -> None:
    model = _fetched(tmp_path)
    assert model.switches({}).covers == (("fetched", "10"),)
    assert model.switches({"fetched": "3"}).covers == (("fetched", "3"),)


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("fetched", "10", ""),
        ("fetched", "2001", "between 1 and 2000"),
        ("fetched", "none", "a whole number (the product has no way to switch it off)"),
        (
            "patience",
            "none",
            "a duration, such as `30s`, `5min`, `24h` or `7d` (the product has no",
        ),
        ("sync", "always", ""),
    ],
)
def test_a_value_is_one_that_the_product_accepts(
    tmp_path: Path, option: str, value: str, problem: str
) -> None:
    found = _fetched(tmp_path).options[option].problem(value)
    assert found.startswith(problem)
    assert bool(found) is bool(problem)


def test_a_value_that_the_machine_does_not_do_is_known(tmp_path: Path) -> None:
    option = _fetched(tmp_path).options["sync"]
    assert option.unmodelled("always")
    assert not option.unmodelled("later")


def test_a_fact_that_is_left_out_counts_while_its_option_is_silent(tmp_path: Path) -> None:
    model = _fetched(tmp_path)
    (fact,) = model.left_out({})
    assert model.left_out({"sync": "always"}) == ()
    assert model.with_fact(fact, {}).loses == ("publish", "retention")
