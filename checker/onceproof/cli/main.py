"""The exit door: runs the command line and turns whatever happens into an exit code."""

from __future__ import annotations

import os
import sys

from onceproof.cli.printed import Answer

TYPE_CHECKING = False  # the shortest way out needs no other module

if TYPE_CHECKING:
    from collections.abc import Sequence


INTERRUPTED = 130
"""``Exit.INTERRUPTED``, known without loading it: Ctrl-C may come while the first modules are
read.
"""


def main(arguments: Sequence[str] | None = None, answer: Answer | None = None) -> int:
    """Run the command line; returns the exit code (click's own handling would turn Ctrl-C into 1).

    ``answer``: where a command may keep what it printed.
    """
    from onceproof.base import interrupts

    try:
        with interrupts.watched():
            code = _run(list(sys.argv[1:] if arguments is None else arguments), answer)
            return INTERRUPTED if interrupts.seen() else code
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(given: list[str], answer: Answer | None) -> int:
    """Run the command line. Raises KeyboardInterrupt."""
    import click

    from onceproof.base import interrupts
    from onceproof.cli.group import PROGRAM, cli

    try:
        code = cli.main(args=given, prog_name=PROGRAM, standalone_mode=False, obj=answer)
    except click.ClickException as error:
        error.show()
        return int(error.exit_code)
    except click.Abort as error:
        raise KeyboardInterrupt from error
    except BrokenPipeError:
        return _nobody_reads()
    except Exception as error:
        interrupts.demand()  # an error that an interrupt caused is no bug
        from onceproof.report.bug import crash_report
        from onceproof.verdict.exit_codes import Exit

        click.echo(crash_report(error, given), err=True)
        return int(Exit.INTERNAL)
    return code if isinstance(code, int) else 0


def _nobody_reads() -> int:
    """The reader went away (``| head``): nothing more to say, and Python must not complain at exit
    either.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _answered(answer: Answer) -> int | None:
    """Print what is known to be the answer, and return its exit code; None if it is not known."""
    known = answer.known()
    if known is None:
        return None
    code, text = known
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        return _nobody_reads()
    return code


def entry() -> None:
    """The console script."""
    try:
        code = _code()
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def _code() -> int:
    answer = Answer(sys.argv[1:])
    code = _answered(answer)
    if code is not None:
        return code
    import gc

    gc.set_threshold(100_000, 50, 50)  # a short run makes many small tuples and no rings
    code = main(answer=answer)
    from onceproof.base.interrupts import ignore_at_exit

    ignore_at_exit()
    return code
