"""A whole drill: the columns of a design, each with its products, its stories or its random runs.
Cleans up whatever happens.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from msgspec import Struct
from msgspec.structs import replace

from onceproof.drill import journal
from onceproof.drill.campaign import Order, campaign
from onceproof.drill.plan import Choice, NotDrillable, Plan, plan
from onceproof.drill.stage import Stage
from onceproof.drill.story import StoryRun, of_kind, play, play_elsewhere
from onceproof.drill.words import ColumnRun, Drill
from onceproof.interpreter import replay
from onceproof.interpreter.trace import Trace
from onceproof.lang.design import Design
from onceproof.lang.load import Loaded
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause
from onceproof.verdict.decide import judge
from onceproof.verdict.exit_codes import Exit, worst
from onceproof.verdict.result import ClaimResult, Verdict
from onceproof.verdict.task import Options


class Wish(Struct, frozen=True):
    """What is drilled. ``runs``: random runs (0: stories); ``original``: the design whose stories
    are replayed on this one.
    """

    choice: Choice
    semantics: tuple[Delivery, ...] = ()
    claims: tuple[str, ...] = ()
    seconds: float = 60.0
    runs: int = 0
    seed: int = 1
    original: Loaded | None = None


Progress = Callable[[str], None]


def drill(loaded: Loaded, wish: Wish, progress: Progress | None = None) -> Drill:
    """Drill a design. Raises ``Unavailable`` if a product that is needed cannot be used.

    ``loaded`` must have a design. What earlier drills have left behind is removed first, what this
    one makes afterwards.
    """
    assert loaded.design is not None
    design = loaded.design
    removed, remaining = journal.clean_up(dict(wish.choice.addresses))
    chosen = [s for s in design.semantics if not wish.semantics or s in wish.semantics]
    with _ending_signals():
        columns = tuple(_column(loaded, design, semantics, wish, progress) for semantics in chosen)
    return Drill(loaded.path, design.title, columns, tuple(removed), tuple(remaining))


@contextmanager
def _ending_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end a drill as Ctrl-C does: with its clean-up."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = {s: signal.signal(s, stop) for s in (signal.SIGTERM, signal.SIGHUP)}
    except ValueError:  # not the main thread: whoever called has its own way
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _stage(design: Design, semantics: Delivery, choice: Choice, limit: int = 0) -> Iterator[Stage]:
    """An open stage with a run of its own. Raises ``NotDrillable`` or ``Unavailable``."""
    _planned(design, semantics, choice)
    run = journal.begin()
    stage = Stage(
        replace(plan(design, semantics, choice, str(run.folder), run.namespace), limit=limit), run
    )
    try:
        stage.open()
        yield stage
    finally:
        stage.close()
        run.over()  # not reached if a server could not be cleaned: the next drill tries again


def _column(
    loaded: Loaded, design: Design, semantics: Delivery, wish: Wish, progress: Progress | None
) -> ColumnRun:
    try:
        _planned(design, semantics, wish.choice)
    except NotDrillable as error:
        return ColumnRun(semantics, obstacle=str(error))
    if wish.runs:
        return _random(loaded, design, semantics, wish, progress)
    return _stories(loaded, design, semantics, wish, progress)


def _planned(design: Design, semantics: Delivery, choice: Choice) -> Plan:
    return plan(design, semantics, choice, "", "")


def _cells(
    design: Design, semantics: Delivery, wish: Wish, claims: tuple[str, ...]
) -> list[ClaimResult]:
    options = Options(
        semantics=(semantics,),
        claims=claims,
        seconds=wish.seconds,
        second_opinion=False,
        lengths=False,
    )
    return [c for c in judge(design, options) if isinstance(c, ClaimResult)]


def _stories(
    loaded: Loaded, design: Design, semantics: Delivery, wish: Wish, progress: Progress | None
) -> ColumnRun:
    source = wish.original if wish.original is not None else loaded
    assert source.design is not None
    if progress is not None:
        progress(f"checking {source.path}, {semantics.value}")
    refuted = [
        c
        for c in _cells(source.design, semantics, wish, wish.claims)
        if c.verdict is Verdict.REFUTED and c.trace is not None
    ]
    runs: list[StoryRun] = []
    products: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()
    limits = {id(c): _limit(c.trace) for c in refuted if c.trace is not None}
    for limit in sorted(set(limits.values())) or [0]:
        with _stage(design, semantics, wish.choice, limit) as stage:
            products, cannot = stage.versions, _cannot(stage)
            for cell in (c for c in refuted if limits[id(c)] == limit):
                if progress is not None:
                    progress(f"{semantics.value}: {cell.claim}")
                runs.append(_story(stage, loaded, source, cell))
    return ColumnRun(semantics, products, cannot, stories=tuple(runs))


def _story(stage: Stage, loaded: Loaded, source: Loaded, cell: ClaimResult) -> StoryRun:
    assert source.design is not None
    assert cell.trace is not None
    replayed = replay(source.design, cell.trace)
    claim = source.design.claim_at(cell.claim, cell.line)
    if source is loaded:
        return play(stage, claim, replayed, loaded.sources)
    own = next(of_kind(stage.plan.design, claim, cell.semantics), None)
    if own is None:
        raise NotDrillable(f"the design has no claim like `{claim.text}`")
    return play_elsewhere(stage, own, replayed, source.design)


def _limit(trace: Trace | None) -> int:
    """Deliveries after which the queue gives a message up, so that the story's own place is met; 0:
    as the design says.
    """
    steps = trace.steps if trace is not None else ()
    given_up = next((i for i, s in enumerate(steps) if s.cause is Cause.DEAD_LETTERED), None)
    if given_up is None:
        return 0
    end = steps[given_up]
    return sum(
        s.cause is Cause.DELIVERY and (s.event, s.process) == (end.event, end.process)
        for s in steps[:given_up]
    )


def _cannot(stage: Stage) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            limitation for server in stage.servers.values() for limitation in server.cannot
        )
    )


def _random(
    loaded: Loaded, design: Design, semantics: Delivery, wish: Wish, progress: Progress | None
) -> ColumnRun:
    if progress is not None:
        progress(f"checking {design.path}, {semantics.value}")
    cells = _cells(design, semantics, wish, ())
    proved = frozenset(c.claim for c in cells if c.verdict is Verdict.HOLDS)

    def report_run(number: int) -> None:
        if progress is not None:
            progress(f"{semantics.value}: run {number + 1} of {wish.runs}")

    with _stage(design, semantics, wish.choice) as stage:
        done = campaign(stage, Order(wish.runs, wish.seed, proved, loaded.sources), report_run)
        return ColumnRun(
            semantics, stage.versions, _cannot(stage), campaign=done, proved=len(proved)
        )


# ---------------------------------------------------------------- exit codes


def exit_code(done: Drill, wish: Wish) -> Exit:
    """As ``check``: 0 as expected, 1 really violated though nobody expects it, 3 not shown, 70 the
    model or a proof is wrong.
    """
    codes = [Exit.HOLDS]
    for column in done.columns:
        if column.obstacle:
            codes.append(Exit.INCONCLUSIVE)
        for run in column.stories:
            codes.append(_of_story(run, wish.original is not None))
        if column.campaign is not None and column.campaign.oddity is not None:
            codes.append(Exit.INTERNAL)
    return worst(codes)


def _of_story(run: StoryRun, elsewhere: bool) -> Exit:
    if run.result == "reproduced":
        return Exit.HOLDS if run.expected else Exit.VIOLATED
    return Exit.HOLDS if elsewhere else Exit.INCONCLUSIVE
