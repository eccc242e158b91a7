"""What several commands share: options, and loading a design.

Only click is imported here: the modules of this folder are read for ``onceproof --help``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from onceproof.base.paths import STANDARD_INPUT, file_of, shown
from onceproof.cli.output import say

if TYPE_CHECKING:
    from onceproof.lang.design import Claim, Design
    from onceproof.lang.load import Loaded
    from onceproof.machine.delivery import Delivery

SEMANTICS = ("at-most-once", "at-least-once", "exactly-once")
_FORMAT_FILES = os.listdir(Path(__file__).parents[1] / "report" / "formats")
_OTHER_FORMATS = {name.removesuffix(".py") for name in _FORMAT_FILES if name[0] not in "_."}
FORMATS = ("text", *sorted(_OTHER_FORMATS - {"text"}))
"""The formats of ``checker/onceproof/report/formats/``, known without loading them."""
NO_CLAIM_SELECTED = "no claim of {designs} matches --claim and --semantics"

F = TypeVar("F", bound=Callable[..., Any] | click.Command)

# ---------------------------------------------------------------- options

PATHS = click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
PATH = click.argument("path", type=click.Path(path_type=Path))


def semantics_option(help: str = "Only under these delivery semantics.") -> Callable[[F], F]:
    """``--semantics``, any number of times."""
    return click.option("--semantics", multiple=True, type=click.Choice(SEMANTICS), help=help)


ONE_SEMANTICS = click.option(
    "--semantics",
    type=click.Choice(SEMANTICS),
    default="at-least-once",
    show_default=True,
    help="The delivery semantics.",
)
USUAL_SEMANTICS = click.option(
    "--semantics",
    type=click.Choice(SEMANTICS),
    help="The delivery semantics (at-least-once, if the design has it).",
)


def timeout_option(
    seconds: float, help: str = "Seconds per claim and semantics."
) -> Callable[[F], F]:
    """``--timeout`` with its default in seconds."""
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=seconds,
        show_default=True,
        help=help,
    )


class Duration(click.ParamType[float]):
    """A length of time as designs write it (``30s``, ``2min``), in seconds."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it. Raises BadParameter."""
        from onceproof.base.durations import milliseconds

        if isinstance(value, float):
            return value
        length = milliseconds(str(value))
        if not length:
            self.fail(f"{value!r} is no length of time; write 30s, 2min or 1h", param, ctx)
        return length / 1000


def format_option(*formats: str, help: str = "How to print the answer.") -> Callable[[F], F]:
    """``--format``; the first format is the default."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help=help,
    )


def number_option(name: str, default: int, help: str) -> Callable[[F], F]:
    """A number from 1 to 8: workers, events or keys."""
    return click.option(
        name, type=click.IntRange(1, 8), default=default, show_default=True, help=help
    )


def output_option(*names: str, help: str) -> Callable[[F], F]:
    """``--output`` (and ``-o``, where it is named): one file."""
    return click.option(*names, type=click.Path(dir_okay=False, path_type=Path), help=help)


SOLVER = click.option(
    "--solver",
    type=click.Choice(["z3", "all"]),
    default="z3",
    show_default=True,
    help="Who checks proofs.",
)


def complete_claim(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The claims of the designs named so far on the command line. Mistakes in them are not this
    function's to report.
    """
    from onceproof.lang.load import load

    named = context.params.get("paths") or (context.params.get("path"),)
    # An option without its value leaves the arguments before it unread.
    given = [*filter(None, named), *context.args]
    texts: list[str] = []
    for path in given:
        if not os.path.isfile(path):
            continue
        try:
            design = load(path).design
        except OSError:
            continue
        texts += [c.text for c in design.claims] if design is not None else []
    return [CompletionItem(t) for t in dict.fromkeys(texts) if t.startswith(incomplete)]


def claims_option(help: str = "Only claims that contain TEXT.") -> Callable[[F], F]:
    """``--claim``, any number of times."""
    return click.option(
        "--claim",
        "claims",
        multiple=True,
        metavar="TEXT",
        help=help,
        shell_complete=complete_claim,
    )


# ---------------------------------------------------------------- designs


def load_design(path: Path) -> Loaded:
    """Load one design; its mistakes are shown. Raises UsageError if there is no such file."""
    from onceproof.lang.load import load

    if str(path) != STANDARD_INPUT and not os.path.isfile(file_of(path)):
        raise click.UsageError(f"there is no file {shown(path)}")
    try:
        loaded = load(path)
    except OSError as error:
        reason = (error.strerror or "failed").lower()
        raise click.UsageError(f"cannot read {shown(path)}: {reason}") from error
    if loaded.design is None:
        from onceproof.report.diagnostics import render

        say(render(loaded.diagnostics, loaded.sources), err=True)
    return loaded


def chosen(names: tuple[str, ...]) -> tuple[Delivery, ...]:
    """The semantics of these names, in the usual order; none means all."""
    from onceproof.machine.delivery import Delivery

    return tuple(s for s in Delivery if s.value in names)


def usual(design: Design, name: str | None) -> Delivery:
    """The semantics of this name; without one at-least-once, if the design has it."""
    from onceproof.machine.delivery import Delivery

    if name is not None:
        return Delivery(name)
    least = Delivery.AT_LEAST_ONCE
    return least if least in design.semantics else design.semantics[0]


def demand_selected(
    design: Design, claims: tuple[str, ...], semantics: tuple[str, ...]
) -> list[tuple[Claim, Delivery]]:
    """The selected claims, each under the selected semantics. Raises UsageError if the selection
    selects nothing.
    """
    from onceproof.verdict.task import Options, selected

    pairs = list(selected(design, Options(semantics=chosen(semantics), claims=claims)))
    if not pairs:
        raise click.UsageError(NO_CLAIM_SELECTED.format(designs="this design"))
    return pairs
