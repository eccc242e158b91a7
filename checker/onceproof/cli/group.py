"""Which commands there are, each imported when it is asked for."""

from __future__ import annotations

import importlib

import click

from onceproof.base.version import VERSION

PROGRAM = "onceproof"
COMMANDS = (
    "new",
    "check",
    "watch",
    "report",
    "parse",
    "fmt",
    "assumptions",
    "faults",
    "needs",
    "repair",
    "diff",
    "verify",
    "graph",
    "export",
    "step",
    "testgen",
    "drill",
    "completion",
    "explain",
    "models",
    "lsp",
)
"""Every command, in the order of the help; ``checker/onceproof/cli/<name>.py`` defines its
``command``.
"""


class OnDemand(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        if cmd_name not in COMMANDS:
            for name in COMMANDS:  # click suggests from those it knows
                self.commands.setdefault(name, click.Command(name))
            return None
        command: click.Command = importlib.import_module(f"onceproof.cli.{cmd_name}").command
        return command


@click.group(
    cls=OnDemand,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "ONCEPROOF"},
)
@click.version_option(VERSION, "--version", prog_name=PROGRAM, message="%(prog)s %(version)s")
def cli() -> None:
    """Proves that no business effect of a message handler happens twice or is lost, or tells the
    shortest story of how it does.

    \b
    Example:
      onceproof check examples/article/invoice_email.once
    """
