"""``onceproof lsp``: the language server."""

from __future__ import annotations

from importlib.util import find_spec

import click


@click.command("lsp")
def command() -> int:
    """Start the language server; an editor speaks to it over standard input and output.

    Needs the extra `lsp`: pip install '.[lsp]' in the checkout of onceproof.

    \b
    Example (what an editor is told to start):
      onceproof lsp
    """
    if find_spec("pygls") is None:
        from onceproof.base.extras import how_to_get

        raise click.UsageError(f"no language server here; {how_to_get('lsp')}")
    from onceproof.lsp.server import server

    server.start_io()
    return 0
