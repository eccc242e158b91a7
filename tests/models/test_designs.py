"""Every model can be named in a design, with every option that changes something, and becomes a
machine.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.models import Model, brokers, locks, providers, stores

from support.pairs import values, written

DESIGN = """\
event Paid(id, order)
queue payments of Paid {queue}
store seen per id, unique
store rows per id {store}
lock lease per order {lock}
effect charge per id {effect}
consumer ledger on payments
  acquire lease
  if id in seen
    ack
    stop
  add id to rows
  send charge
  insert id into seen or stop
  release lease
  ack
claim no duplicate charge
claim no loss of charge
"""
SHELVES = {"queue": brokers(), "store": stores(), "lock": locks(), "effect": providers()}


def _uses(model: Model) -> list[str]:
    """The model alone, and with each option value that changes something."""
    uses = [model.name]
    for option in model.options.values():
        for value in (v for v in option.sets if v != "default"):
            shown = values(option)[0] if value == "given" else value
            uses.append(written(model.name, {option.name: shown}))
    return uses


@pytest.mark.parametrize("word", list(SHELVES))
def test_every_model_becomes_a_machine(word: str, tmp_path: Path) -> None:
    for name in SHELVES[word]:
        for use in _uses(SHELVES[word][name]):
            text = DESIGN.format(**{w: f"via {use}" if w == word else "" for w in SHELVES})
            if SHELVES[word][name].machine.get("ack_answer") == "nothing":
                text = text.replace("    ack\n", "").replace("  ack\n", "")
            loaded = load_text(text, str(tmp_path / "ledger.once"))
            if use != name and {d.code for d in loaded.diagnostics} == {"N173"}:
                continue  # an option that the machine does not do yet is refused
            assert loaded.design is not None, (use, [d.headline for d in loaded.diagnostics])
            for semantics in loaded.design.semantics if use == name else ():
                assert lower(loaded.design, semantics).machine.rules
