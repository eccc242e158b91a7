"""Answers kept between runs: bytes under a key, in the user's cache folder. Nothing here knows what
the bytes mean.

A key is a digest of everything that decides the answer; ``fingerprint`` is the part of it that
stands for this tool, by content: its own sources, its grammar and models, Python, and the versions
of all installed packages. So nothing stale is ever found, and no clean-up is needed for
correctness. An entry carries a checksum over its key and its bytes, and is written beside its place
and then moved there: readers see all of it or none, and whatever is damaged counts as not there.
Whoever can write into the folder can forge answers, as with any installed program; a folder that
others may write to is not used.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from hashlib import blake2b

MAGIC = b"onceproof cache 2\n"
MOST_ENTRIES = 4_000
"""Entries kept per version of the tool; the oldest half goes when there are more."""
MOST_VERSIONS = 6
"""Versions of the tool whose entries are kept."""
NAME = "ONCEPROOF_CACHE"
"""The folder to use; empty: none at all."""


def folder() -> str | None:
    """Where entries are kept: ``ONCEPROOF_CACHE``, or the place that the platform has for such
    things; None if nowhere.
    """
    given = os.environ.get(NAME)
    if given is not None:
        return given or None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser(r"~\AppData\Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "onceproof") if os.path.isabs(base) else None


def digest(parts: Iterable[str | bytes]) -> str:
    """A digest of the parts and of where one ends and the next begins."""
    hasher = blake2b(digest_size=32)
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        hasher.update(b"%d:" % len(data))
        hasher.update(data)
    return hasher.hexdigest()


@cache
def fingerprint() -> str:
    """Everything about this installation that can change an answer, as a digest of contents."""
    return digest(_installation())


def _installation() -> Iterator[str | bytes]:
    yield from (sys.version, sys.platform)
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    beside = os.path.dirname(os.path.dirname(package))
    roots = [
        package,
        *(
            os.path.join(beside, name)
            for name in ("grammar", "models")
            if not os.path.isdir(os.path.join(package, "data"))
        ),
    ]
    for root in roots:
        for path in sorted(_files(root)):
            yield path[len(beside) :]
            with open(path, "rb") as file:
                yield file.read()
    yield from installed()


def installed() -> Iterator[str]:
    """Every installed package with its version, as the folders of the path name them."""
    for entry in sys.path:
        try:
            names = os.listdir(entry or ".")
        except OSError:
            continue
        yield from sorted(name for name in names if name.endswith((".dist-info", ".egg-info")))


def _files(root: str) -> Iterator[str]:
    """The files below a folder that are not made by Python or an editor."""
    try:
        entries = list(os.scandir(root))
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith((".", "__pycache__")):
            continue
        if entry.is_dir():
            yield from _files(entry.path)
        elif not entry.name.endswith((".pyc", "~")):
            yield entry.path


class Store:
    """The entries of this version of the tool."""

    __slots__ = ("version", "where")

    def __init__(self, base: str, version: str) -> None:
        self.version = version
        self.where = os.path.join(base, version[:24])

    def get(self, kind: str, key: str) -> bytes | None:
        """The bytes kept under a key; None if there are none that can be trusted."""
        try:
            data = _bytes_of(os.path.join(self.where, f"{kind}-{key}"))
        except OSError:
            return None
        start = len(MAGIC) + 64
        if not data.startswith(MAGIC) or data[len(MAGIC) : start].decode(
            "ascii", "replace"
        ) != self._seal(kind, key, data[start:]):
            return None
        return data[start:]

    def put(self, kind: str, key: str, data: bytes) -> None:
        """Keep the bytes under a key. What cannot be written is not kept: that is no mistake of the
        user's.

        After an interrupt nothing is kept: what was computed may be a part of the answer.
        """
        from onceproof.base.interrupts import seen

        if seen():
            return
        beside = os.path.join(self.where, f".{kind}-{key}.{os.getpid()}.{id(data)}")
        try:
            self._room()
            with open(beside, "xb") as file:
                file.write(MAGIC + self._seal(kind, key, data).encode() + data)
            os.replace(beside, os.path.join(self.where, f"{kind}-{key}"))
        except OSError:
            _forget(beside)

    def _seal(self, kind: str, key: str, data: bytes) -> str:
        return digest((self.version, kind, key, data))

    def _room(self) -> None:
        """Make the folder, and take old entries away if there are many."""
        if not os.path.isdir(self.where):
            os.makedirs(self.where, mode=0o700, exist_ok=True)
            base = os.path.dirname(self.where)
            for old in _oldest([e.path for e in os.scandir(base) if e.is_dir()], MOST_VERSIONS):
                for name in os.listdir(old):
                    _forget(os.path.join(old, name))
                os.rmdir(old)
        for old in _oldest([e.path for e in os.scandir(self.where)], MOST_ENTRIES):
            _forget(old)


def _oldest(paths: list[str], most: int) -> list[str]:
    """If there are more than ``most``: those to give up, so that half of them remain."""
    if len(paths) <= most:
        return []
    return sorted(paths, key=os.path.getmtime)[: len(paths) - most // 2]


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return


def store(version: Callable[[], str] = fingerprint) -> Store | None:
    """The store of this user and this version of the tool; None if there is no folder that only
    this user can write to.

    ``version``: a digest of everything that decides what is kept there.
    """
    base = folder()
    if base is None or not _private(base):
        return None
    try:
        return Store(base, version())
    except OSError:
        return None


def _private(base: str) -> bool:
    """The folder is ours alone, or not there yet and can be made."""
    try:
        os.makedirs(base, mode=0o700, exist_ok=True)
        about = os.stat(base)
    except OSError:
        return False
    return sys.platform == "win32" or (about.st_uid == os.getuid() and not about.st_mode & 0o022)


def content(path: str) -> str | None:
    """A digest of a file's bytes; None if it cannot be read."""
    try:
        return digest((_bytes_of(path),))
    except OSError:
        return None


def _bytes_of(path: str) -> bytes:
    """The bytes of a regular file; a pipe or a device would never end. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{path} is no file")
        return file.read()


class Answers:
    """Answers to questions about files. What is kept is found only while all files that were read
    are as they were then.

    Two entries for each answer: under the question the list of files, under the question with their
    contents the answer.
    """

    __slots__ = ("_kind", "_store")

    def __init__(self, store: Store, kind: str) -> None:
        self._store = store
        self._kind = kind

    def known(self, question: Iterable[str]) -> bytes | None:
        """The answer given before, if there was one and no file has changed."""
        key = digest(question)
        listed = self._store.get(f"{self._kind}-files", key)
        if listed is None:
            return None
        answer_key = self._key(key, listed.decode("utf-8", "surrogatepass").split("\0"))
        return None if answer_key is None else self._store.get(self._kind, answer_key)

    def keep(self, question: Iterable[str], files: Iterable[str], answer: bytes) -> None:
        """Keep an answer for which these files were read."""
        paths = sorted(set(files))
        key = digest(question)
        answer_key = self._key(key, paths)
        if answer_key is not None:
            self._store.put(
                f"{self._kind}-files", key, "\0".join(paths).encode("utf-8", "surrogatepass")
            )
            self._store.put(self._kind, answer_key, answer)

    def _key(self, question: str, paths: list[str]) -> str | None:
        contents = [content(path) for path in paths]
        if None in contents:
            return None
        return digest(
            [
                question,
                *(
                    part
                    for pair in zip(paths, contents, strict=True)
                    for part in pair
                    if part is not None
                ),
            ]
        )
