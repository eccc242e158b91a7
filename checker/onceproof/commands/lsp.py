"""``onceproof lsp``: the language server."""

from __future__ import annotations

import click
from msgspec import Struct

from onceproof.verdict.exit_codes import Exit


class LspCommand(Struct, frozen=True):
    """``onceproof lsp``."""

    def run(self) -> int:
        """Serve until the client says exit; returns the exit code."""
        try:
            import pygls  # noqa: F401
        except ImportError as error:
            raise click.UsageError(
                "the language server needs the extra `lsp`: pip install 'onceproof[lsp]'"
            ) from error
        from onceproof.lsp.server import server

        server.start_io()
        return int(Exit.HOLDS)
