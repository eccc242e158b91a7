"""From the crash map to tests for one's own handler: ``points`` says which, ``skeleton`` writes
them.

The tests run on ``checker/onceproof/testing/__init__.py``, which knows nothing of designs.
"""

from onceproof.testgen.points import Point, points
from onceproof.testgen.skeleton import harness_text, module_text

__all__ = ["Point", "harness_text", "module_text", "points"]
