"""``onceproof completion``: click's own completion scripts, and what is completed from designs."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class
from msgspec import Struct

from onceproof.verdict.exit_codes import Exit


class CompletionCommand(Struct, frozen=True):
    """``onceproof completion``."""

    shell: str

    def run(self) -> int:
        """Print the script; returns the exit code."""
        complete = get_completion_class(self.shell)
        assert complete is not None
        root = click.get_current_context().find_root()
        click.echo(
            complete(
                root.command, {}, root.info_name or "onceproof", "_ONCEPROOF_COMPLETE"
            ).source()
        )
        return int(Exit.HOLDS)
