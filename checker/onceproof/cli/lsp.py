"""Arguments and help of ``onceproof lsp``."""

from __future__ import annotations

import click


@click.command("lsp")
def command() -> int:
    """Start the language server; an editor speaks to it over standard input and output.

    Needs the extra `lsp`: pip install 'onceproof[lsp]'.

    \b
    Example (what an editor is told to start):
      onceproof lsp
    """
    from onceproof.commands.lsp import LspCommand

    return LspCommand().run()
