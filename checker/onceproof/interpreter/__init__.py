"""The independent interpreter: replays every story before it is shown, and is the toy checker of
the tests.
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
