"""``onceproof check``: every claim of some designs, decided and reported."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from onceproof.base.paths import shown
from onceproof.cli.output import cannot_write, emit
from onceproof.cli.shared import (
    FORMATS,
    NO_CLAIM_SELECTED,
    PATHS,
    SOLVER,
    chosen,
    claims_option,
    format_option,
    output_option,
    semantics_option,
    timeout_option,
)

if TYPE_CHECKING:
    from onceproof.cli.printed import Answer
    from onceproof.lang.settings import Setting
    from onceproof.verdict.check import Means
    from onceproof.verdict.result import Result

FAIL_ON = ("conditional", "bounded", "unconfirmed")
"""Kinds of proofs that a pipeline may refuse (``verdict/exit_codes.py``)."""


@click.command("check")
@PATHS
@semantics_option("Check only under these delivery semantics.")
@click.option(
    "--workers",
    type=click.IntRange(1, 8),
    help="Look only at up to N workers at once (a bounded verdict).",
)
@click.option(
    "--events", type=click.IntRange(1, 8), help="Look only at up to M events (a bounded verdict)."
)
@claims_option()
@format_option(*FORMATS, help="How to print the result.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="KIND=PATH",
    help="Also write the result to a file, in the format KIND. Can be given several times.",
)
@output_option("--output", help="Write the result to a file instead (- for standard output).")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="When to use colour.",
)
@timeout_option(60.0)
@click.option(
    "--memory",
    type=click.IntRange(min=50),
    metavar="MB",
    help="Give up a claim when the process holds more.",
)
@click.option(
    "--max-states",
    type=click.IntRange(min=1),
    default=2_000_000,
    show_default=True,
    help="States per search.",
)
@SOLVER
@click.option(
    "--second-opinion/--no-second-opinion",
    default=False,
    show_default=True,
    help="Let Z3 find each refutation by itself, too.",
)
@click.option(
    "--certificate",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the certificates of all verdicts below DIR.",
)
@click.option(
    "--why", is_flag=True, help="Also say why proofs hold: the invariant in the design's words."
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=0),
    metavar="N",
    help="Check N designs, or claims of one design, at a time (0: one per processor).",
)
@click.option(
    "--cluster", metavar="ADDRESS", help="Check the designs on the Dask cluster of this scheduler."
)
@click.option(
    "--cache/--no-cache",
    default=True,
    show_default=True,
    help="Answer from the cache what has not changed.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME.via=MODEL",
    help="Check with another model behind a name. Several of these are a column each.",
)
@click.option(
    "--fail-on",
    "fail_on",
    multiple=True,
    type=click.Choice(FAIL_ON),
    help="Exit 3 where a proof is conditional, bounded, or relies on untested behavior.",
)
@click.option("--strict", is_flag=True, help="All of --fail-on.")
@click.option("--exit-zero", is_flag=True, help="Report only: exit 0 whatever the verdicts are.")
@click.option("-q", "--quiet", is_flag=True, help="Only the table and the summary.")
@click.option("-v", "--verbose", is_flag=True, help="Also sizes of searches and proofs.")
@click.pass_obj
def command(
    answer: Answer | None,
    paths: tuple[Path, ...],
    semantics: tuple[str, ...],
    workers: int | None,
    events: int | None,
    claims: tuple[str, ...],
    form: str,
    reports: tuple[str, ...],
    output: Path | None,
    color: str,
    timeout: float,
    memory: int | None,
    max_states: int,
    solver: str,
    second_opinion: bool,
    certificate: Path | None,
    why: bool,
    jobs: int | None,
    cluster: str | None,
    cache: bool,
    settings: tuple[str, ...],
    fail_on: tuple[str, ...],
    strict: bool,
    exit_zero: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Check designs: every claim under every delivery semantic.

    PATHS are design files (*.once) or folders, searched for designs.

    \b
    Exit codes: 0 as expected or proved, 1 violated, 2 usage or error in a design,
    3 inconclusive, 4 vacuous, 70 internal error, 130 interrupted.

    \b
    Examples:
      onceproof check invoice.once
      onceproof check designs/ --semantics at-least-once
      onceproof check invoice.once --workers 2 --events 2
      onceproof check invoice.once --format json --output result.json
      onceproof check designs/ --report sarif=result.sarif --report junit=result.xml
      onceproof check designs/ -j 4
      onceproof check invoice.once --set invoices.via=sqs.fifo --set invoices.via=kafka.consumer
      onceproof check designs/ --fail-on conditional --fail-on bounded
    """
    from msgspec.structs import replace

    from onceproof.base.paths import NoCluster, NoDesign
    from onceproof.cli.progress import ProgressLine
    from onceproof.lang.settings import BadSetting
    from onceproof.report.formats import format_named, write
    from onceproof.verdict.check import check
    from onceproof.verdict.exit_codes import Exit, of_result
    from onceproof.verdict.task import Options

    targets = [_target(text) for text in reports]
    if settings and certificate is not None:
        raise click.UsageError("--set and --certificate exclude each other")
    options = Options(
        workers=workers,
        events=events,
        semantics=chosen(semantics),
        claims=claims,
        seconds=timeout,
        states=max_states,
        second_opinion=second_opinion,
        every_solver=solver == "all",
        explain=why or verbose,
        megabytes=memory,
        digests=not settings
        and any(format_named(name).certificates for name in (form, *(t.form for t in targets))),
        settings=_settings(settings),
    )
    means = _means(cache and certificate is None, jobs, cluster)
    progress = ProgressLine(sys.stderr)
    try:
        result = check(paths, options, progress, means)
    except (NoDesign, NoCluster, BadSetting) as error:
        raise click.UsageError(str(error)) from error
    finally:
        progress.clear()
    if claims or semantics:
        _demand_verdicts(result)
    if certificate is not None:
        _write_certificates(result, certificate, solver, timeout)
    result = replace(
        result,
        command=("check", *map(shown, paths)),
        fail_on=FAIL_ON if strict else fail_on,
    )
    verbosity = 0 if quiet else 2 if verbose else 1
    read = [path for design in result.designs for path in design.sources]
    for target in targets:
        _write_report(target, result, verbosity, read)
    text = emit(output, lambda look: write(form, result, verbosity, look), color, read)
    code = of_result(result)
    if exit_zero and code not in (Exit.INTERNAL, Exit.INTERRUPTED, Exit.USAGE):
        code = Exit.HOLDS
    if answer is not None:
        answer.keep(result, options, text, int(code))
    return int(code)


def _settings(texts: tuple[str, ...]) -> tuple[Setting, ...]:
    """What ``--set`` says. Raises UsageError."""
    from onceproof.lang.settings import BadSetting, setting

    made = []
    for text in texts:
        try:
            made.append(setting(text))
        except BadSetting as error:
            raise click.UsageError(f"--set {text}: {error}") from error
    return tuple(dict.fromkeys(made))


def _means(use_cache: bool, jobs: int | None, cluster: str | None) -> Means:
    """How the designs are checked: from the cache or not, one by one or many at a time."""
    from onceproof.verdict.check import Means

    if jobs is not None and cluster is not None:
        raise click.UsageError("--jobs and --cluster exclude each other")
    if jobs == 0:
        from onceproof.base.parallel import processors

        jobs = processors()
    return Means(use_cache, jobs or 1, cluster)


def _demand_verdicts(result: Result) -> None:
    """A selection that selects nothing is a mistake, not a success."""
    if result.interrupted or not result.designs or any(d.cells for d in result.designs):
        return
    if not any(d.failures or not d.semantics for d in result.designs):
        raise click.UsageError(NO_CLAIM_SELECTED.format(designs="these designs"))


def _write_certificates(result: Result, directory: Path, solver: str, seconds: float) -> None:
    from onceproof.engines.smt.solver import Z3, Effort, installed
    from onceproof.lang.load import load
    from onceproof.verdict import certificates

    effort = Effort(seconds)
    solvers = installed(effort) if solver == "all" else (Z3(effort),)
    for design in result.designs:
        loaded = load(design.path)
        if loaded.design is not None and loaded.sha256 == design.sha256:
            try:
                certificates.write(loaded.design, design, directory, solvers)
            except (ValueError, OSError) as error:
                raise click.UsageError(f"cannot write certificates: {error}") from error


# ---------------------------------------------------------------- --report KIND=PATH


class _Target(NamedTuple):
    """A format and where it goes. ``folder``: one file per story goes there."""

    form: str
    path: Path
    folder: bool


def _target(text: str) -> _Target:
    """Read ``KIND=PATH``. A path without an ending, or one that is a folder, stands for a folder
    where the format allows one. Raises UsageError.
    """
    from onceproof.report.formats import format_named, formats

    form, sign, path = text.partition("=")
    try:
        files = format_named(form).files
    except KeyError:
        from difflib import get_close_matches

        known = sorted(formats())
        close = get_close_matches(form, known, 1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
        raise click.UsageError(f"--report {text}: there is no format {form!r}; {hint}") from None
    if not sign or not path:
        raise click.UsageError(
            f"--report {text}: write KIND=PATH, for example {form}=result.{form}"
        )
    place = Path(path)
    folder = files is not None and (os.path.isdir(place) or path.endswith("/") or not place.suffix)
    return _Target(form, place, folder)


def _write_report(target: _Target, result: Result, verbosity: int, read: list[str]) -> None:
    """Write one report. ``read``: files that must stay. Raises UsageError and Unwritten if the
    place cannot be written to.
    """
    from onceproof.base.writing import create_in
    from onceproof.report.formats import format_named

    form = format_named(target.form)
    if not target.folder or form.files is None:
        emit(target.path, lambda look: form.write(result, verbosity, look), inputs=read)
        return
    try:
        target.path.mkdir(parents=True, exist_ok=True)
        for name, text in form.files(result).items():
            create_in(target.path, name, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise cannot_write(target.path, error) from error
