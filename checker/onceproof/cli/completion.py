"""``onceproof completion``: click's own completion scripts, and what is completed from designs."""

from __future__ import annotations

import click

from onceproof.cli.output import say


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> int:
    """Print the completion script of a shell: commands, options, files, claims of the design, names
    of models.

    \b
    Examples:
      onceproof completion bash > ~/.local/share/bash-completion/completions/onceproof
      onceproof completion zsh > "${fpath[1]}/_onceproof"
      onceproof completion fish > ~/.config/fish/completions/onceproof.fish
    """
    from click.shell_completion import get_completion_class

    complete = get_completion_class(shell)
    assert complete is not None
    root = context.find_root()
    name = root.info_name or "onceproof"
    say(complete(root.command, {}, name, "_ONCEPROOF_COMPLETE").source())
    return 0
