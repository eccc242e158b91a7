"""The exit door: runs the command line and turns whatever happens into an exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

import click

from checker.cli import PROGRAM, cli
from checker.exits import Exit


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (click's own handling would turn Ctrl-C into 1)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = cli.main(args=given, prog_name=PROGRAM, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return int(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return int(Exit.INTERRUPTED)
    except BrokenPipeError:
        # The reader went away (``| head``): nothing more to say, and Python must not complain at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.HOLDS)
    except Exception as error:
        from checker.report.bug import crash_report

        click.echo(crash_report(error, given), err=True)
        return int(Exit.INTERNAL)
    return code if isinstance(code, int) else int(Exit.HOLDS)


def entry() -> None:
    """The console script."""
    gc.set_threshold(100_000, 50, 50)  # a short run makes many small tuples and no rings
    sys.exit(main())
