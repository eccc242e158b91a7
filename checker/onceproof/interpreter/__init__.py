"""The second reading of a design, written from docs/semantics.md alone. It validates every
counterexample, follows the drill, and steps through a design by hand.

``interpreter``: every possible next step, and the replay of a trace.
``workers``: what a worker can do next, line by line.
``broker``: the broker and the rest of the world.
``rows``: rows, effects and tests: what is read and written, and when.
``claims``: what a claim forbids, judged on one state.
``unaided``: what a configuration as a whole can still do by itself.
``state``: the state of a running design as plain values.
``context``: a design under one guarantee, with questions asked again and again.
``trace``: a run in the design's terms.
``trace_json``: traces as JSON files.
``oracle``: breadth-first search through the interpreter, for tests.
"""

from onceproof.interpreter.claims import Judge, violated
from onceproof.interpreter.context import Context
from onceproof.interpreter.interpreter import Replay, ReplayError, choices, initial, replay
from onceproof.interpreter.state import State

__all__ = [
    "Context",
    "Judge",
    "Replay",
    "ReplayError",
    "State",
    "choices",
    "initial",
    "replay",
    "violated",
]
