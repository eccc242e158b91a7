"""Reality tests: what the models say is tried on servers. See README.md in this folder for ports
and accounts.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import cache

import pytest

from reality import servers
from reality.child import Child


@cache
def _answers(name: str) -> str:
    """Empty if the service answers; else why it cannot be used."""
    try:
        servers.listens(name)
        servers.PROBES[name]()
    except ImportError as error:
        return f"{name}: its client is not installed ({error.name})"
    except Exception as error:  # whatever a client raises when nobody is there
        return f"{name}: no answer on port {servers.PORTS[name]} ({type(error).__name__})"
    return ""


@pytest.fixture(autouse=True)
def _service(request: pytest.FixtureRequest) -> None:
    """Skips a test whose server does not answer, with the reason; the summary counts them."""
    for mark in request.node.iter_markers("service"):
        for name in mark.args:
            if why := _answers(name):
                pytest.skip(f"service {why}")


@pytest.fixture
def name() -> str:
    """A name that no other run uses."""
    return f"once_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def children() -> Iterator[list[Child]]:
    """Child processes of a test; those that still run are killed at its end."""
    started: list[Child] = []
    yield started
    for child in started:
        child.kill()
