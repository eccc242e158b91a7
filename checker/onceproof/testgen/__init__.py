"""From the crash map to tests for one's own handler. They run on ``onceproof.testing``, which knows
nothing of designs.

``points``: which gaps between two steps are worth a test.
``skeleton``: the text of the tests and of their harness.
"""

from onceproof.testgen.points import Point, points
from onceproof.testgen.skeleton import harness_text, module_text

__all__ = ["Point", "harness_text", "module_text", "points"]
