"""Consumers in processes of their own, so that they can be killed for good: a real process, a real
SIGKILL.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from support.repo import ROOT


class Child:
    """``holders.py`` with one of its holders: the constructor returns when the holder says that it
    has the message.
    """

    def __init__(self, holder: str, *arguments: str) -> None:
        command = (sys.executable, "-m", "reality.holders", holder, *arguments)
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'checker'}:{ROOT / 'tests'}"}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline().strip()
        assert self.said, f"{holder} ended without a message"

    def kill(self) -> None:
        """SIGKILL: no handler runs, no connection is closed in order."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
