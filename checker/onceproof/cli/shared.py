"""What several commands take."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

SEMANTICS = ("at-most-once", "at-least-once", "exactly-once")
FORMATS = (
    "text",
    "markdown",
    "html",
    "json",
    "sarif",
    "junit",
    "github",
    "gitlab",
    "itf",
    "mermaid",
    "msc",
)
"""The formats of ``checker/onceproof/report/``, known without loading them."""
PATHS = click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))


def complete_claim(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The claims of the designs named so far on the command line. Mistakes in them are not this
    function's to report.
    """
    from onceproof.lang.load import load

    named = context.params.get("paths") or (context.params.get("path"),)
    given = [
        *filter(None, named),
        *context.args,
    ]  # an option without its value leaves the arguments before it unread
    texts: list[str] = []
    for path in given:
        if not Path(path).is_file():
            continue
        try:
            design = load(path).design
        except OSError:
            continue
        texts += [c.text for c in design.claims] if design is not None else []
    return [CompletionItem(t) for t in dict.fromkeys(texts) if t.startswith(incomplete)]


CLAIMS = click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="TEXT",
    help="Only claims that contain TEXT.",
    shell_complete=complete_claim,
)
