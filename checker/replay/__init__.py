"""The independent interpreter: replays every story before it is shown, and is the toy checker of the tests."""

from checker.replay.claims import Judge, violated
from checker.replay.context import Context
from checker.replay.interpreter import Replay, ReplayError, choices, initial, replay
from checker.replay.state import State

__all__ = ["Context", "Judge", "Replay", "ReplayError", "State", "choices", "initial", "replay", "violated"]
