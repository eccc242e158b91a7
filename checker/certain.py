"""Whether a claim is proved for any number, asked before something costlier is looked for."""

from __future__ import annotations

from dataclasses import replace

from checker import cover
from checker.design import Claim
from checker.judge import judge_question
from checker.lower import Lowered
from checker.machine import Machine, Property
from checker.options import Options
from checker.question import Question
from checker.result import Assurance, Cell, Scope, Verdict


def is_certain(cell: object) -> bool:
    """Whether a verdict is *proved*, with a certificate and for any number."""
    return (
        isinstance(cell, Cell)
        and cell.verdict is Verdict.HOLDS
        and cell.assurance is Assurance.CERTIFICATE
        and cell.scope == Scope()
    )


def certain(
    lowered: Lowered, claim: Claim, asked: tuple[Machine, Property], options: Options
) -> tuple[bool, cover.Safe | cover.Coverable | cover.GaveUp]:
    """Whether the claim (``asked``: its machine and property) is proved; and what the coverability engine said.

    Nothing is searched for if the engine finds no candidate of a proof.
    """
    answer = cover.prove(*asked, cover.Budget(seconds=options.seconds))
    if not isinstance(answer, cover.Safe):
        return False, answer
    plain = replace(options, workers=None, events=None, second_opinion=False, explain=False)
    return is_certain(judge_question(Question(lowered, claim, *asked, plain))), answer
