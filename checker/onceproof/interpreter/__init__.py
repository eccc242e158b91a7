"""The second reading of a design, written from docs/semantics.md alone. It validates every
counterexample, follows the drill, and steps through a design by hand.

``interpreter``: every possible next step, and the replay of a trace.
``workers``: what a worker can do next, line by line; ``steps``: the record of a step.
``deaths``: workers that are killed, and their last requests.
``runs``: what takes no step of its own, and runs of collected lines.
``rows``: rows, effects and tests: what is read and written, and when.
``isolation``: row locks and snapshots; ``cycles``: blocks of a whole run that have no order.
``sessions``: locks, and the sessions that hold them.
``waiting``: workers that wait for each other, and whom a database fails then.
``lagging``: reads that may show what was before; ``failover``: databases that go back.
``modelled``: what both readings do not do yet.
``choosing``: steps in which more than one thing is open.
``providers``: requests for external effects.
``logs``: queues that commit positions.
``order``: events of one key in one worker's hands at a time.
``relays``: relays that see less than the rows.
``broker``: the broker and the rest of the world.
``claims``: what a claim forbids, judged on one state.
``unaided``: what a configuration as a whole can still do by itself.
``state``: the state of a running design as plain values.
``context``: a design under one guarantee, with questions asked again and again.
``trace``: a run in the design's terms.
``trace_json``: traces as JSON files.
``oracle``: breadth-first search through the interpreter, for tests.
"""

from onceproof.interpreter.claims import Judge, followed, violated
from onceproof.interpreter.context import Context
from onceproof.interpreter.interpreter import (
    Replay,
    ReplayError,
    Unordered,
    choices,
    initial,
    replay,
)
from onceproof.interpreter.state import State

__all__ = [
    "Context",
    "Judge",
    "Replay",
    "ReplayError",
    "State",
    "Unordered",
    "choices",
    "followed",
    "initial",
    "replay",
    "violated",
]
