"""Nothing is left behind: no process, no folder, no entry of the journal, nothing on a server;
whatever ends the drill.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import onceproof
import pytest
from onceproof.drill import journal

from support.drill import ARTICLE

SERVERS = [
    pytest.param("sqlite", "sqlite", id="sqlite"),
    pytest.param(
        "rabbitmq",
        "postgresql",
        id="rabbitmq-postgresql",
        marks=[
            pytest.mark.slow,
            pytest.mark.service("rabbitmq"),
            pytest.mark.service("postgresql"),
        ],
    ),
    pytest.param(
        "redis", "redis", id="redis", marks=[pytest.mark.slow, pytest.mark.service("redis")]
    ),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder and a folder for temporary files of the test's own."""
    monkeypatch.setenv("ONCEPROOF_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    return tmp_path


def _start(queue: str, database: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        onceproof.__name__,
        "drill",
        str(ARTICLE / "invoice_email.once"),
        "--random",
        "100000",
    ]
    command += ["--semantics", "at-least-once", "--queue", queue, "--database", database]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _entry(place: Path) -> tuple[Path, dict[str, Any]]:
    """The entry of the running drill, once its nursery has workers."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for path in (place / "cache" / "drill").glob("*.json"):
            data = json.loads(path.read_text(encoding="utf-8"))
            if len(_processes(data["folder"])) > 1:
                return path, data
        time.sleep(0.05)
    raise AssertionError("the drill did not begin")


def _processes(folder: str) -> list[int]:
    """The nursery of a run and its children: all carry the run's folder in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if folder.encode() in words:
                found.append(int(entry.name))
    return found


def _wait_until_gone(folder: str) -> None:
    end = time.monotonic() + 20
    while left := _processes(folder):
        assert time.monotonic() < end, f"processes {left} are still there"
        time.sleep(0.05)


def _there(name: str, queue: str, database: str) -> list[str]:
    """What of a run's namespace is on the servers."""
    found = []
    if database == "postgresql":
        from reality import servers

        with servers.postgresql(autocommit=True) as connection:
            found += [
                r[0]
                for r in connection.execute(
                    "select datname from pg_database where datname = %s", (name,)
                ).fetchall()
            ]
    if "redis" in (queue, database):
        from reality import servers

        found += list(servers.redis().scan_iter(f"{name}*"))
    if queue == "rabbitmq":
        import pika.exceptions

        from reality import servers

        connection = servers.rabbitmq()
        try:
            connection.channel().queue_declare(f"{name}.invoices.notifier", passive=True)
            found.append("queue")
        except pika.exceptions.ChannelClosedByBroker:
            pass
        connection.close()
    return found


def _nothing_is_left(place: Path, name: str, queue: str, database: str) -> None:
    assert not list((place / "cache" / "drill").glob("*"))
    assert not [p for p in (place / "tmp").iterdir() if p.name.startswith(journal.PREFIX)]
    assert _there(name, queue, database) == []


@pytest.mark.parametrize(("queue", "database"), SERVERS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_drill_cleans_up(
    place: Path, queue: str, database: str, number: signal.Signals
) -> None:
    drill = _start(queue, database)
    entry, data = _entry(place)
    drill.send_signal(number)
    _, error = drill.communicate(timeout=60)
    assert drill.returncode == 130, error
    _wait_until_gone(data["folder"])
    _nothing_is_left(place, entry.stem, queue, database)


@pytest.mark.parametrize(("queue", "database"), SERVERS)
def test_the_next_drill_cleans_up_after_a_killed_one(
    place: Path, queue: str, database: str
) -> None:
    drill = _start(queue, database)
    entry, data = _entry(place)
    drill.kill()
    drill.communicate(timeout=60)
    _wait_until_gone(data["folder"])
    assert entry.exists()
    command = [
        sys.executable,
        "-m",
        onceproof.__name__,
        "drill",
        str(ARTICLE / "invoice_email.once"),
        "--semantics",
        "at-least-once",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert f"removed what an earlier drill had left: {entry.stem}" in done.stdout
    _nothing_is_left(place, entry.stem, queue, database)


def test_a_killed_worker_leaves_no_zombie(home: Path) -> None:
    from onceproof.interpreter.trace import EventOf

    from support.drill import loaded, stage

    with stage(loaded(ARTICLE / "invoice_email.once")) as on:
        on.start((EventOf(0, "InvoiceCreated", ()),))
        worker, _ = on.begin("notifier", 0, 1.0)
        assert worker is not None
        on.kill(worker)
        end = time.monotonic() + 10
        while os.path.exists(f"/proc/{worker.pid}"):
            assert time.monotonic() < end, "the kernel still has the dead worker"
            time.sleep(0.02)
