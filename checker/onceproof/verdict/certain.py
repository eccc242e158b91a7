"""Whether a claim is proved for any number, asked before something costlier is looked for."""

from __future__ import annotations

from msgspec.structs import replace

from onceproof.engines import coverability
from onceproof.lang.design import Claim
from onceproof.lower import Lowered
from onceproof.machine.system import Machine, Property
from onceproof.verdict.decide import judge_task
from onceproof.verdict.result import Assurance, Cell, Scope, Verdict
from onceproof.verdict.task import Options, Task


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
) -> tuple[bool, coverability.Safe | coverability.Coverable | coverability.GaveUp]:
    """Whether the claim (``asked``: its machine and property) is proved; and what the coverability
    engine said.

    Nothing is searched for if the engine finds no candidate of a proof.
    """
    answer = coverability.prove(*asked, coverability.Budget(seconds=options.seconds))
    if not isinstance(answer, coverability.Safe):
        return False, answer
    plain = replace(options, workers=None, events=None, second_opinion=False, explain=False)
    return is_certain(judge_task(Task(lowered, claim, *asked, plain))), answer
