"""The table of faults has a row for everything that can go wrong, and the words of each fit in."""

from __future__ import annotations

from onceproof.machine.faults import FAULTS
from onceproof.machine.system import Cause
from onceproof.models.records import SWITCHES

FIELDS = dict.fromkeys(("queue", "subject", "line", "gap", "of", "retention"), "?")


def test_every_fault_has_a_row_and_nothing_else() -> None:
    assert set(FAULTS) == {cause for cause in Cause if cause.is_fault}


def test_the_words_of_a_fault_are_its_own() -> None:
    """Two faults that read alike could not be told apart in a story or a cut set."""
    for words in (
        [kind.singular for kind in FAULTS.values()],
        [kind.plural for kind in FAULTS.values()],
        [kind.phrase.format(**FIELDS) for kind in FAULTS.values()],
    ):
        assert len(set(words)) == len(FAULTS)


def test_a_fault_names_switches_of_the_broker_models() -> None:
    named = {switch for kind in FAULTS.values() for switch in kind.switches}
    assert {"loses_hold", "broker_copies"} <= named
    assert named <= set(SWITCHES)
