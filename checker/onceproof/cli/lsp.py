"""``onceproof lsp``: the language server."""

from __future__ import annotations

from importlib.util import find_spec

import click


@click.command("lsp")
def command() -> int:
    """Start the language server; an editor speaks to it over standard input and output.

    Needs the extra `lsp`: pip install 'onceproof[lsp]'.

    \b
    Example (what an editor is told to start):
      onceproof lsp
    """
    if find_spec("pygls") is None:
        raise click.UsageError(
            "the language server needs the extra `lsp`: pip install 'onceproof[lsp]'"
        )
    from onceproof.lsp.server import server

    server.start_io()
    return 0
