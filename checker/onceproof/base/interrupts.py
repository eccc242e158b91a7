"""Ctrl-C, remembered.

Python raises KeyboardInterrupt wherever the main thread happens to be. Some places lose it: it is
printed and dropped in a destructor, and a library may turn it into another error or into an answer.
So the command line remembers that there was one (``watched``), and whoever is about to use, keep or
print a result asks (``demand``, ``seen``). What was computed after an interrupt counts as nothing.
"""

from __future__ import annotations

import atexit
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_interrupted = threading.Event()


@contextmanager
def watched() -> Iterator[None]:
    """Remember interrupts in the block, and none from before. A process that ignores Ctrl-C goes on
    ignoring it.
    """
    _interrupted.clear()
    catches_ctrl_c = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if catches_ctrl_c:
        signal.signal(signal.SIGINT, _remember)
    try:
        yield
    finally:
        if catches_ctrl_c:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def ignore_at_exit() -> None:
    """Ctrl-C while Python itself ends changes nothing: the answer is out."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


def _remember(number: int, frame: FrameType | None) -> None:
    _interrupted.set()
    raise KeyboardInterrupt


def seen() -> bool:
    """Whether there was an interrupt."""
    return _interrupted.is_set()


def demand() -> None:
    """Raise KeyboardInterrupt if there was one that got lost on the way."""
    if _interrupted.is_set():
        raise KeyboardInterrupt


def forget() -> None:
    """The interrupt was what the user is expected to end this command with."""
    _interrupted.clear()
