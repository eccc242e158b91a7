"""Arguments and help of ``onceproof completion``."""

from __future__ import annotations

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the completion script of a shell: commands, options, files, claims of the design, names
    of models.

    \b
    Examples:
      onceproof completion bash > ~/.local/share/bash-completion/completions/onceproof
      onceproof completion zsh > "${fpath[1]}/_onceproof"
      onceproof completion fish > ~/.config/fish/completions/onceproof.fish
    """
    from onceproof.commands.completion import CompletionCommand

    return CompletionCommand(shell).run()
