"""One function over many tasks: in this process, over processes of this machine, or over a Dask
cluster. It knows no design.

Results come as they are finished, each with the number of its task. A task whose process dies is
tried once more by itself; if that kills its process, too, it is ``Lost``. Ctrl-C ends all
processes.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from enum import Enum
from typing import Any, TypeVar

from onceproof.base.extras import how_to_get
from onceproof.base.paths import NoCluster

Task = TypeVar("Task")
Made = TypeVar("Made")


class Gone(Enum):
    """In place of a result."""

    LOST = "the process that worked on it was killed"


def _quiet() -> None:
    """Ctrl-C is for the parent, which ends its processes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def over_processes(
    function: Callable[[Task], Made], tasks: Sequence[Task], jobs: int
) -> Iterator[tuple[int, Made | Gone]]:
    """Every task, ``jobs`` at a time. ``function`` and the tasks can be sent to another process."""
    lost_tasks: list[int] = []
    for number, made in _pool(function, list(enumerate(tasks)), jobs):
        if made is Gone.LOST:
            lost_tasks.append(number)
        else:
            yield number, made
    for number in sorted(
        lost_tasks
    ):  # somebody's process died, and everybody else's with it: each gets one of its own
        yield from _pool(function, [(number, tasks[number])], 1)


def _pool(
    function: Callable[[Task], Made], tasks: list[tuple[int, Task]], jobs: int
) -> Iterator[tuple[int, Made | Gone]]:
    method = "fork" if sys.platform.startswith("linux") else "spawn"
    pool = ProcessPoolExecutor(min(jobs, len(tasks)), multiprocessing.get_context(method), _quiet)
    try:
        numbers: dict[Future[Made], int] = {
            pool.submit(function, task): number for number, task in tasks
        }
        left = set(numbers)
        while left:
            done, left = wait(left, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda f: numbers[f]):
                try:
                    yield numbers[future], future.result()
                except BrokenProcessPool:
                    yield numbers[future], Gone.LOST
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def over_cluster(
    function: Callable[[Task], Made], tasks: Sequence[Task], address: str, version: str
) -> Iterator[tuple[int, Made | Gone]]:
    """Every task on the workers of a Dask scheduler; what a lost worker had is done again by
    another.

    ``version`` is that of this tool: workers with another one are refused. Raises NoCluster.
    """
    try:
        import distributed
    except ImportError:
        raise NoCluster(
            f"no cluster without the package distributed; {how_to_get('cluster')}"
        ) from None
    try:
        dask: Any = distributed
        client: Any = dask.Client(address, timeout="10s", set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise NoCluster(
            f"there is no scheduler at {address} ({error or type(error).__name__})"
        ) from None
    with client:
        versions = client.run(_version)
        if not versions:
            raise NoCluster(
                f"the scheduler at {address} has no workers (start some with: dask worker"
                f" {address})"
            )
        others = {
            where: remote_version
            for where, remote_version in versions.items()
            if remote_version != version
        }
        if others:
            raise NoCluster(
                "these workers run another version of onceproof or of its packages:"
                f" {', '.join(sorted(others))}"
            )
        numbers = {
            client.submit(function, task, pure=False, retries=2): number
            for number, task in enumerate(tasks)
        }
        for future in dask.as_completed(list(numbers), loop=client.loop):
            yield numbers[future], _fetched(future)


def _fetched(future: Any) -> Any:
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        return Gone.LOST


def _version() -> str:
    from onceproof.base.store import fingerprint

    return fingerprint()


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
