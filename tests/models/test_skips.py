"""Reality tests without their server are skipped, counted and explained."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from support.repo import ROOT


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_said() -> None:
    test = "tests/reality/test_redis.py::test_xack_tells_once"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "checker"), "REALITY_REDIS_PORT": "1"}
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", test)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert (
        "reality tests skipped: 1: 1 (redis: no answer on port 1 (ConnectionRefusedError))"
        in done.stdout
    )
