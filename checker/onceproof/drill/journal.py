"""What runs have made, written down before it is made: a run that was killed is cleaned up after by
the next one.

One file per run in the user's cache folder (or the system's folder for temporary files): the
process that wrote it, the folder it uses and the namespace on each server. A file whose process is
gone names what is left over.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from onceproof.base import store
from onceproof.drill.adapters import Address, Settings, Unavailable, server

PREFIX = "onceproof_drill_"


class Run(Struct, frozen=True):
    """One run: its folder, its namespace, its entry in the journal."""

    folder: Path
    namespace: str
    entry: Path

    def uses(self, product: str, settings: Settings) -> None:
        """Write down that a product will be used, before anything is made there."""
        data = json.loads(self.entry.read_text(encoding="utf-8"))
        a = settings.address
        channels = [(c.name, c.groups) for c in settings.channels]
        data["products"][product] = {
            "address": (a.host, a.port, a.user, "", a.database),
            "channels": channels,
        }
        _write(self.entry, data)

    def over(self) -> None:
        """Nothing is left on any server: the folder and the entry go."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.entry.unlink(missing_ok=True)


def _home() -> Path:
    """Where entries are kept."""
    for place in (store.folder(), os.path.join(tempfile.gettempdir(), f"onceproof-{os.getuid()}")):
        if place is None:
            continue
        home = Path(place) / "drill"
        with contextlib.suppress(OSError):
            home.mkdir(parents=True, exist_ok=True, mode=0o700)
            if os.access(home, os.W_OK):
                return home
    raise Unavailable("there is no folder that the drill may write to")


def begin() -> Run:
    """A new run. Raises ``Unavailable`` if nothing can be written."""
    name = PREFIX + uuid.uuid4().hex[:12]
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    run = Run(folder, name, _home() / f"{name}.json")
    _write(
        run.entry,
        {"pid": os.getpid(), "born": _born(os.getpid()), "folder": str(folder), "products": {}},
    )
    return run


def _write(path: Path, data: object) -> None:
    beside = path.with_suffix(".new")
    beside.touch(mode=0o600)
    beside.write_text(json.dumps(data), encoding="utf-8")
    beside.replace(path)


def _born(pid: int) -> str:
    """When a process began, as the kernel counts; empty where nobody knows. A number alone may be a
    later process.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _lives(pid: int, born: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not born or _born(pid) == born


def leftovers() -> Iterator[tuple[Path, dict[str, object]]]:
    """The entries of runs whose process is gone."""
    for entry in sorted(_home().glob(f"{PREFIX}*.json")):
        try:
            data = json.loads(entry.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if not _lives(data["pid"], data["born"]):
            yield entry, data


def clean_up(addresses: Mapping[str, Address]) -> tuple[list[str], list[str]]:
    """Remove what killed runs have left: what was removed, and what could not be, in words.
    Passwords are those of today's ``addresses``: none is written down.
    """
    from onceproof.drill.adapters import Channel

    removed, remaining = [], []
    for entry, data in leftovers():
        products = data["products"]
        assert isinstance(products, dict)
        failed = False
        for product, known in products.items():
            channels = tuple(Channel(name, tuple(groups)) for name, groups in known["channels"])
            host, port, user, _, database = known["address"]
            password = addresses[product].password if product in addresses else ""
            address = Address(host, port, user, password, database)
            settings = Settings(str(data["folder"]), entry.stem, address, 1.0, (), channels)
            try:
                server(product, settings).remove()
                removed.append(f"{entry.stem} on {product}")
            except Unavailable as error:
                failed = True
                remaining.append(f"{entry.stem} on {product}: {error}")
        if not failed:
            shutil.rmtree(str(data["folder"]), ignore_errors=True)
            entry.unlink(missing_ok=True)
    return removed, remaining
