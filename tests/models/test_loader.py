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
    off = model.switches({"patience": "none"})
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
