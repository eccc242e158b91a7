"""Arguments and help of ``onceproof explain``."""

from __future__ import annotations

import click


@click.command("explain")
@click.argument("code", required=False)
def command(code: str | None) -> int:
    """Explain the code of a message about a mistake in a design: what it is, why it is one, and
    what to write instead.

    Without CODE: every code with its title.

    \b
    Example:
      onceproof explain N101
    """
    from onceproof.commands.explain import ExplainCommand

    return ExplainCommand(code).run()
