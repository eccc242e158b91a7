"""From the crash map to tests for one's own handler: ``points`` says which, ``skeleton`` writes them.

The tests run on ``checker/testing.py``, which knows nothing of designs.
"""

from checker.testgen.points import Point, points
from checker.testgen.skeleton import harness_text, module_text

__all__ = ["Point", "harness_text", "module_text", "points"]
