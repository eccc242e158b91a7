"""Checks designs: from paths to one ``Result``. The main entry point of the library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from onceproof.base import store as cache
from onceproof.base.memo import remembering
from onceproof.base.paths import NoDesign, designs
from onceproof.explain.narrative import narrate
from onceproof.lang.errors import syntax as errors
from onceproof.lang.load import Loaded, designs_in, load
from onceproof.story.outline import outline_of
from onceproof.verdict.decide import judge, undecided
from onceproof.verdict.result import ClaimResult, DesignResult, Disagreement, Result
from onceproof.verdict.task import Options, Progress

if TYPE_CHECKING:
    from onceproof.verdict.cache import ResultCache

__all__ = ["LIBRARY", "Means", "NoDesign", "check", "check_each", "check_loaded", "designs"]

LIBRARY = frozenset({"N120", "N121", "N125"})
"""Diagnostics of a library: a file with declarations but no handler or claim."""


class Means(Struct, frozen=True):
    """How many designs are checked: ``jobs`` at a time, or on the Dask scheduler at ``cluster``;
    ``use_cache``: whether results are kept between runs.

    None of it changes a result.
    """

    use_cache: bool = False
    jobs: int = 1
    cluster: str | None = None


def check(
    paths: Sequence[str | Path] | str | Path,
    options: Options | None = None,
    progress: Progress | None = None,
    means: Means | None = None,
) -> Result:
    """Check every design behind the paths.

    Mistakes in a design are diagnostics in its result. Ctrl-C ends the check; the result then holds
    what was decided so far. Raises ``NoDesign`` if a path leads to no design, ``NoCluster`` if
    there is no cluster.
    """
    wanted = [paths] if isinstance(paths, str | Path) else list(paths)
    files = [(d, inside) for path, inside in designs(wanted) for d in designs_in(path)]
    run = _Run(options or Options(), progress, means or Means(), len(files))
    results: dict[int, DesignResult] = {}
    interrupted = False
    try:
        for number, result, broken_off in run.results(files):
            results[number] = result
            interrupted = interrupted or broken_off
            if interrupted:
                break
    except KeyboardInterrupt:
        interrupted = True
    return Result(tuple(results[number] for number in sorted(results)), interrupted=interrupted)


def check_each(
    paths: Sequence[str | Path],
    options: Options,
    progress: Progress | None = None,
    until: float | None = None,
) -> Iterator[tuple[Loaded, DesignResult, bool]]:
    """Check every design behind the paths in turn, for whoever goes on with the loaded designs; the
    flag says whether Ctrl-C ended it. ``until``: see ``judge``. Raises ``NoDesign`` if a path leads
    to no design.
    """
    for path, in_folder in designs(list(paths)):
        loaded = loaded_from(path)
        if not (in_folder and is_library(loaded)):
            yield loaded, *check_loaded(loaded, options, progress, until)


class _Run:
    """The designs of one run, as they are finished: what is kept first, then in order, or in the
    order of many processes.
    """

    def __init__(
        self, options: Options, progress: Progress | None, means: Means, total: int
    ) -> None:
        self.options, self.progress, self.means, self.total = options, progress, means, total
        store = cache.store() if means.use_cache else None
        self.result_cache: ResultCache | None = None
        if store:
            from onceproof.verdict.cache import ResultCache

            self.result_cache = ResultCache(store, options)

    def results(
        self, files: Sequence[tuple[Path, bool]]
    ) -> Iterator[tuple[int, DesignResult, bool]]:
        """Each result with its number, and whether Ctrl-C ended it."""
        waiting: list[tuple[int, Path, Loaded]] = []
        several = self.means.jobs > 1 or self.means.cluster is not None
        for number, (path, in_folder) in enumerate(files):
            known = self.result_cache.known(path) if self.result_cache else None
            if isinstance(known, DesignResult):
                yield number, known, False
            elif known is None or not in_folder:
                loaded = loaded_from(path)
                if in_folder and is_library(loaded):
                    if self.result_cache:
                        self.result_cache.keep_library(path, loaded.sources)
                elif several:
                    waiting.append((number, path, loaded))
                else:
                    result, broken_off = check_loaded(loaded, self.options, self.progress)
                    self._keep(path, result, broken_off)
                    yield number, result, broken_off
        if waiting:
            yield from self._several(waiting)

    def _several(
        self, waiting: list[tuple[int, Path, Loaded]]
    ) -> Iterator[tuple[int, DesignResult, bool]]:
        from onceproof.base import parallel

        tasks = [(loaded, self.options) for _, _, loaded in waiting]
        if self.means.cluster is not None:
            done = parallel.over_cluster(_task, tasks, self.means.cluster, cache.fingerprint())
        else:
            done = parallel.over_processes(_task, tasks, self.means.jobs)
        for count, (index, made) in enumerate(done, start=1):
            number, path, loaded = waiting[index]
            result = (
                made if isinstance(made, DesignResult) else _lost(loaded, self.options, made.value)
            )
            self._keep(path, result, False)
            if self.progress:
                self.progress(f"{self.total - len(waiting) + count} of {self.total} designs", 0, 0)
            yield number, result, False

    def _keep(self, path: Path, result: DesignResult, broken_off: bool) -> None:
        if self.result_cache and not broken_off:
            self.result_cache.keep(path, result)


def _task(task: tuple[Loaded, Options]) -> DesignResult:
    """Check a design in another process."""
    return check_loaded(*task)[0]


def _lost(loaded: Loaded, options: Options, reason: str) -> DesignResult:
    """Nothing is known of a design whose process was killed."""
    return _result(loaded, undecided(loaded.design, options, reason) if loaded.design else ())


@remembering()
def check_loaded(
    loaded: Loaded,
    options: Options,
    progress: Progress | None = None,
    until: float | None = None,
) -> tuple[DesignResult, bool]:
    """Check one loaded design; the flag says whether Ctrl-C ended it. ``until``: see ``judge``."""
    cells: list[ClaimResult] = []
    failures: list[Disagreement] = []
    interrupted = False
    if loaded.design is not None:
        try:
            for verdict in judge(loaded.design, options, progress, until):
                if isinstance(verdict, ClaimResult):
                    cells.append(narrated(loaded, verdict, options.explain))
                else:
                    failures.append(verdict)
        except KeyboardInterrupt:
            interrupted = True
    result = _result(loaded, cells, failures)
    if options.digests and loaded.design is not None and not interrupted:
        from onceproof.verdict.certificates import digests

        certificates = tuple(digests(loaded.design, loaded.sha256, cells))
        result = replace(result, certificates=certificates)
    return result, interrupted


def _result(
    loaded: Loaded, cells: Iterable[ClaimResult], failures: Iterable[Disagreement] = ()
) -> DesignResult:
    design = loaded.design
    return DesignResult(
        loaded.path,
        loaded.sha256,
        design.title if design else "",
        loaded.diagnostics,
        tuple(cells),
        design.semantics if design else (),
        loaded.sources,
        tuple(failures),
        design.models if design else (),
        outline_of(design) if design else None,
    )


def narrated(loaded: Loaded, result: ClaimResult, explain: bool = False) -> ClaimResult:
    """The result with its narrative, if the claim is refuted. ``explain``: also say why it
    breaks.
    """
    refutation = result.refutation
    if refutation is None or loaded.design is None:
        return result
    claim = loaded.design.claim_at(result.claim, result.line)
    narrative = narrate(loaded.design, claim, refutation.run, loaded.sources)
    blame = narrative.causes if explain else ()
    return replace(result, outcome=replace(refutation, narrative=narrative, blame=blame))


def loaded_from(path: Path) -> Loaded:
    """A loaded design; a file that cannot be read is a diagnostic."""
    try:
        return load(path)
    except OSError as error:
        broken = errors.unreadable(str(path), (error.strerror or "cannot be read").lower())
        return Loaded(str(path), None, (broken,), {}, sha256(b"").hexdigest())


def is_library(loaded: Loaded) -> bool:
    """Whether a file only declares things for others to import."""
    return (
        loaded.design is None
        and {d.code for d in loaded.diagnostics} <= LIBRARY
        and bool(loaded.diagnostics)
    )
