"""Checks for the editor, in a process of their own: typing stays quick, and a check of an old text
is simply ended.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

from msgspec import Struct

from onceproof.lang.load import load_text
from onceproof.story import Story
from onceproof.verdict.result import ClaimResult, Disagreement, Verdict
from onceproof.verdict.task import Options

STORY_WIDTH = 88

PROCESSES = 2
"""Checks at a time. A client may open hundreds of designs at once."""


class EditorResult(Struct, frozen=True):
    """One verdict for the editor. ``line``: the claim's. ``word``: proved, REFUTED, … with what
    limits it; ``story``: as text.

    ``fatal``: where the story's first fault happens (file, line, what happens); None without a
    story or a place.
    """

    claim: str
    line: int
    semantics: str
    verdict: Verdict
    mark: str
    word: str
    as_expected: bool
    reason: str = ""
    headline: str = ""
    story: tuple[str, ...] = ()
    needs: str = ""
    fatal: tuple[str, int, str] | None = None


def verdicts(text: str, path: str, seconds: float) -> Iterator[EditorResult]:
    """Every verdict of a design, one after the other; nothing for a design with mistakes."""
    from onceproof.verdict.check import narrated
    from onceproof.verdict.decide import judge

    loaded = load_text(text, path)
    if loaded.design is None:
        return
    for result in judge(loaded.design, Options(seconds=seconds, second_opinion=False)):
        if isinstance(result, Disagreement):
            reason = f"engines contradict each other: {result.what}"
            yield EditorResult(
                result.claim,
                result.line,
                result.semantics.value,
                Verdict.UNKNOWN,
                "?",
                "internal error",
                False,
                reason,
            )
            continue
        yield _editor_result(narrated(loaded, result))


def _editor_result(cell: ClaimResult) -> EditorResult:
    from onceproof.report.story_text import StoryLines
    from onceproof.report.words import WORDS, mark, note

    story = cell.narrative.story if cell.narrative else None
    lines = (
        tuple(line.plain for line in StoryLines(STORY_WIDTH, True, 0).lines(story)) if story else ()
    )
    word = f"{WORDS[cell.verdict]} {note(cell)}".rstrip()
    return EditorResult(
        cell.claim,
        cell.line,
        cell.semantics.value,
        cell.verdict,
        mark(cell),
        word,
        cell.as_expected,
        cell.reason,
        story.headline if story else "",
        lines,
        story.needs.words if story else "",
        _fatal(story),
    )


def _fatal(story: Story | None) -> tuple[str, int, str] | None:
    """The first fault of a story that has a line; a worker's death before any other."""
    faults = [s for s in story.narrated if s.fault and s.line] if story else []
    chosen = next((s for s in faults if s.fault == "worker-killed"), faults[0] if faults else None)
    return (
        (
            chosen.path or (story.path if story else ""),
            chosen.line,
            f"{chosen.who} {chosen.text}".strip(),
        )
        if chosen
        else None
    )


def repair(
    text: str, path: str, claim: str, line: int, semantics: str, seconds: float
) -> Iterator[str]:
    """The text with the cheapest repair that makes a refuted claim hold (by its text and
    line); nothing if none was found.
    """
    from onceproof.machine.delivery import Delivery
    from onceproof.repair import goals_of, repairs
    from onceproof.verdict.check import check_loaded

    loaded = load_text(text, path)
    under = Delivery(semantics)
    if loaded.design is None:
        return
    options = Options(seconds=seconds, second_opinion=False)
    result, _ = check_loaded(loaded, options)
    asked = ((loaded.design.claim_at(claim, line), under),)
    for goal in goals_of(loaded.design, result.cells, asked):
        repaired = repairs(loaded, goal, options, False, result.cells).repairs
        if repaired:
            yield repaired[0].text
            return


def reviewed(text: str, path: str, seconds: float) -> Iterator[str]:
    """The review of a design with its stories, as a page of HTML."""
    from onceproof.report.formats import write
    from onceproof.report.terminal import Paint
    from onceproof.verdict.check import check_loaded
    from onceproof.verdict.result import Result

    options = Options(seconds=seconds, second_opinion=False, explain=True)
    result, _ = check_loaded(load_text(text, path), options)
    yield write("html", Result((result,)), 1, Paint(STORY_WIDTH, False, True))


# ---------------------------------------------------------------- in another process


class Background:
    """Runs a generator function in a process and hands on what it yields. Ending the iteration ends
    the process.

    At most ``PROCESSES`` run at a time; the others wait, and whoever is ended while waiting never
    begins.
    """

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(PROCESSES)
        self._context = multiprocessing.get_context("spawn")
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="onceproof-check")

    async def run(
        self, function: Callable[..., Iterator[Any]], *arguments: object
    ) -> AsyncIterator[Any]:
        """What the function yields. Raises RuntimeError with the traceback if it fails there."""
        async with self._room:
            async for item in self._run(function, arguments):
                yield item

    async def _run(
        self, function: Callable[..., Iterator[Any]], arguments: tuple[object, ...]
    ) -> AsyncIterator[Any]:
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_work, args=(sender, function, arguments), daemon=True
        )
        process.start()
        sender.close()
        try:
            while True:
                kind, value = await asyncio.get_running_loop().run_in_executor(
                    self._threads, _received, receiver
                )
                if kind == "item":
                    yield value
                elif kind == "failed":
                    raise RuntimeError(value)
                else:
                    return
        finally:
            process.kill()

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _received(connection: Connection) -> tuple[str, Any]:
    try:
        kind, value = connection.recv()
    except (EOFError, OSError):
        return ("done", None)
    return (str(kind), value)


def _work(
    connection: Connection, function: Callable[..., Iterator[Any]], arguments: tuple[object, ...]
) -> None:
    """The other process: run and send."""
    import signal
    import traceback

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's business
    try:
        for item in function(*arguments):
            connection.send(("item", item))
        connection.send(("done", None))
    except BrokenPipeError:
        return
    except Exception:
        connection.send(("failed", traceback.format_exc()))
