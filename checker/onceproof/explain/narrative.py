"""A validated counterexample with everything that reports show of it, made once.

Text, diagrams, traces and reviews are all written from this record; none of them loads the design
or follows the run again.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from onceproof.interpreter import Replay
from onceproof.interpreter.claims import Judge
from onceproof.interpreter.context import Context
from onceproof.lang.design import Claim, Design
from onceproof.lang.source import Source
from onceproof.story import Story, StoryStep, tell
from onceproof.story.scene import Situation, situations


class Narrative(Struct, frozen=True):
    """A refutation for people. ``replay``: the run, as the interpreter follows it; ``story``: its
    steps in words; ``situations``: everything shared, at the start and after each step;
    ``causes``: why it breaks, in sentences (empty for claims other than no duplicate and no loss).
    ``broken``: the kind of the claim, or of the half of *effectively once*, that it breaks.
    """

    story: Story
    situations: tuple[Situation, ...]
    causes: tuple[str, ...]
    broken: str

    @property
    def scenes(self) -> tuple[tuple[StoryStep, Situation], ...]:
        """The steps worth a sentence, each with the situation after it."""
        steps, numbers = self.story.narrated, self.story.narrated_numbers
        return tuple(
            (step, self.situations[number]) for step, number in zip(steps, numbers, strict=True)
        )


def narrate(design: Design, claim: Claim, run: Replay, sources: Mapping[str, Source]) -> Narrative:
    """The narrative of a run that violates ``claim`` at its end. ``sources``: the texts of the
    design and of what it imports, by path.
    """
    from onceproof.explain.violation import blame

    cause = blame(design, claim, run, sources)
    return Narrative(
        tell(design, claim, run, sources),
        situations(design, run, sources),
        cause.sentences if cause is not None else (),
        Judge(Context.of(design, run.trace.semantics)).half(claim, run.states[-1]).kind,
    )
