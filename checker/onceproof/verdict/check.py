"""Checks designs: from paths to one ``Result``. The main entry point of the library."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from onceproof.base import store as cache
from onceproof.base.durations import seconds_words
from onceproof.base.memo import remembering
from onceproof.base.memory import beyond
from onceproof.base.paths import NoDesign
from onceproof.explain.narrative import narrate
from onceproof.lang.errors import syntax as errors
from onceproof.lang.load import Loaded, designs_behind, load
from onceproof.lang.settings import columns_of, with_setting
from onceproof.story.outline import outline_of
from onceproof.verdict import task as limits
from onceproof.verdict.decide import judge, undecided
from onceproof.verdict.result import ClaimResult, DesignResult, Disagreement, Result
from onceproof.verdict.task import Options, Progress, selected

if TYPE_CHECKING:
    from onceproof.verdict.cache import ResultCache

__all__ = ["LIBRARY", "Means", "NoDesign", "check", "check_each", "check_loaded"]

LIBRARY = frozenset({"N120", "N121", "N125"})
"""Diagnostics of a library: a file with declarations but no handler or claim."""


class Means(Struct, frozen=True):
    """How many designs are checked: ``jobs`` at a time (of fewer designs, so many claims), or on
    the Dask scheduler at ``cluster``; ``use_cache``: whether results are kept between runs.

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
    files = designs_behind(wanted)
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
    for path, in_folder in designs_behind(paths):
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
                loaded = self._loaded(path)
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

    def _loaded(self, path: Path) -> Loaded:
        """A loaded design; one that takes more than a claim may is a diagnostic."""
        try:
            with limits.limited(self.options.seconds):
                loaded = loaded_from(path)
        except limits.OutOfTime:
            return _unread(
                path, f"reading it takes more than {seconds_words(self.options.seconds)}"
            )
        if loaded.design is not None:
            for chosen in self.options.settings:
                with_setting(loaded, chosen)  # a name that is not there is the caller's mistake
        if beyond(self.options.megabytes):
            return _unread(path, f"reading it takes more than {self.options.megabytes} MB")
        return loaded

    def _several(
        self, waiting: list[tuple[int, Path, Loaded]]
    ) -> Iterator[tuple[int, DesignResult, bool]]:
        from onceproof.base import parallel

        few = len(waiting) < self.means.jobs and not self.options.settings
        if self.means.cluster is None and few:
            for number, path, loaded in waiting:
                result, broken_off = self._claim_by_claim(loaded)
                self._keep(path, result, broken_off)
                yield number, result, broken_off
            return
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

    def _claim_by_claim(self, loaded: Loaded) -> tuple[DesignResult, bool]:
        """One design over many processes, each with some of its claims: the result is that of one
        process.
        """
        from onceproof.base import parallel

        options = replace(self.options, digests=False)
        shares = _shares(loaded, options, self.means.jobs)
        if len(shares) < 2:
            return check_loaded(loaded, self.options, self.progress)
        parts: dict[int, DesignResult] = {}
        interrupted = False
        try:
            tasks = [(loaded, options, share) for share in shares]
            for index, made in parallel.over_processes(_share, tasks, self.means.jobs):
                parts[index] = (
                    made
                    if isinstance(made, DesignResult)
                    else _lost(loaded, options, made.value, shares[index])
                )
                if self.progress:
                    self.progress(f"{len(parts)} of {len(shares)} claims", 0, 0)
        except KeyboardInterrupt:
            interrupted = True
        made_parts = [parts[index] for index in sorted(parts)]
        cells = [cell for part in made_parts for cell in part.cells]
        failures = [failure for part in made_parts for failure in part.failures]
        return _finished(loaded, self.options, cells, failures, interrupted), interrupted

    def _keep(self, path: Path, result: DesignResult, broken_off: bool) -> None:
        if self.result_cache and not broken_off:
            self.result_cache.keep(path, result)


def _task(task: tuple[Loaded, Options]) -> DesignResult:
    """Check a design in another process."""
    return check_loaded(*task)[0]


def _share(task: tuple[Loaded, Options, tuple[int, ...]]) -> DesignResult:
    """Check some claims of a design in another process."""
    loaded, options, turns = task
    return check_loaded(loaded, options, turns=turns)[0]


def _shares(loaded: Loaded, options: Options, jobs: int) -> list[tuple[int, ...]]:
    """The selected claims of a design by their numbers, in shares for processes: each claim with
    all its semantics, which have much in common; with fewer claims than processes one by one.
    """
    if loaded.design is None:
        return []
    lines: dict[int, list[int]] = {}
    for number, (claim, _) in enumerate(selected(loaded.design, options)):
        lines.setdefault(claim.span.line, []).append(number)
    if len(lines) >= jobs:
        return [tuple(numbers) for numbers in lines.values()]
    return [(number,) for numbers in lines.values() for number in numbers]


def _lost(
    loaded: Loaded, options: Options, reason: str, turns: Collection[int] | None = None
) -> DesignResult:
    """Nothing is known of a design, or of some of its claims, whose process was killed."""
    if loaded.design is None:
        return _result(loaded, ())
    every = enumerate(undecided(loaded.design, options, reason))
    return _result(loaded, [cell for n, cell in every if turns is None or n in turns])


@remembering()
def check_loaded(
    loaded: Loaded,
    options: Options,
    progress: Progress | None = None,
    until: float | None = None,
    turns: Collection[int] | None = None,
) -> tuple[DesignResult, bool]:
    """Check one loaded design; the flag says whether Ctrl-C ended it. ``until`` and ``turns``: see
    ``judge``.
    """
    if options.settings and loaded.design is not None:
        return _under_settings(loaded, options, progress, until)
    cells: list[ClaimResult] = []
    failures: list[Disagreement] = []
    interrupted = False
    if loaded.design is not None:
        try:
            for verdict in judge(loaded.design, options, progress, until, turns):
                if isinstance(verdict, ClaimResult):
                    cells.append(narrated(loaded, verdict, options.explain))
                else:
                    failures.append(verdict)
        except KeyboardInterrupt:
            interrupted = True
    return _finished(loaded, options, cells, failures, interrupted), interrupted


def _under_settings(
    loaded: Loaded, options: Options, progress: Progress | None, until: float | None
) -> tuple[DesignResult, bool]:
    """One design under several settings: the columns of each beside each other. A setting that does
    not fit the design gives its mistakes.
    """
    plain = replace(options, settings=())
    made = _result(loaded, ())
    interrupted = False
    models: list[str] = []
    names = columns_of(options.settings)
    for chosen, name in zip(options.settings, names, strict=True):
        varied = with_setting(loaded, chosen)
        part, interrupted = check_loaded(varied, plain, progress, until)
        several = len({c.guarantee for c in part.cells}) > 1
        cells = [
            replace(c, under=f"{name}, {c.guarantee}" if several else name) for c in part.cells
        ]
        models += part.models
        known = {(d.code, d.headline) for d in made.diagnostics}
        made = replace(
            made,
            cells=(*made.cells, *cells),
            failures=(*made.failures, *part.failures),
            models=tuple(dict.fromkeys(models)),
            semantics=tuple(dict.fromkeys((*made.semantics, *part.semantics))),
            diagnostics=(
                *made.diagnostics,
                *(d for d in part.diagnostics if (d.code, d.headline) not in known),
            ),
            sources={**part.sources, **made.sources},
        )
        if interrupted:
            break
    return made, interrupted


def _finished(
    loaded: Loaded,
    options: Options,
    cells: list[ClaimResult],
    failures: list[Disagreement],
    interrupted: bool,
) -> DesignResult:
    """The result of a design, with the digests of its certificates if they are asked for."""
    result = _result(loaded, cells, failures)
    if options.digests and loaded.design is not None and not interrupted:
        from onceproof.verdict.certificates import digests

        certificates = tuple(digests(loaded.design, loaded.sha256, cells))
        result = replace(result, certificates=certificates)
    return result


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
        return _unread(path, (error.strerror or "cannot be read").lower())


def _unread(path: Path, reason: str) -> Loaded:
    broken = errors.unreadable(str(path), reason)
    return Loaded(str(path), None, (broken,), {}, sha256(b"").hexdigest())


def is_library(loaded: Loaded) -> bool:
    """Whether a file only declares things for others to import."""
    return (
        loaded.design is None
        and {d.code for d in loaded.diagnostics} <= LIBRARY
        and bool(loaded.diagnostics)
    )
