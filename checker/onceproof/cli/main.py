"""The exit door: runs the command line and turns whatever happens into an exit code."""

from __future__ import annotations

import os
import sys

from onceproof.cli.printed import Answer

TYPE_CHECKING = False  # the shortest way out needs no other module

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click


USAGE = 2
"""``Exit.USAGE``, known without loading it."""

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
            try:
                code = _run(list(sys.argv[1:] if arguments is None else arguments), answer)
            except OSError as error:
                # of standard error: there was something to say about a mistake
                code = _unwritten(error)
            return INTERRUPTED if interrupts.seen() else code
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(given: list[str], answer: Answer | None) -> int:
    """Run the command line. Raises KeyboardInterrupt."""
    import click

    from onceproof.base import interrupts
    from onceproof.base.allowance import TooLarge
    from onceproof.base.paths import shown
    from onceproof.cli.group import PROGRAM, cli
    from onceproof.cli.output import say

    try:
        code = cli.main(args=given, prog_name=PROGRAM, standalone_mode=False, obj=answer)
    except click.ClickException as error:
        say(_usage_text(error, given), err=True, nl=False)
        return int(error.exit_code)
    except click.Abort as error:
        raise KeyboardInterrupt from error
    except SystemExit as ended:
        # click completes words so; it also ends with 1 where nobody reads a pipe
        return _unwritten(None) if ended.code else 0
    except OSError as error:
        if error.filename is None and error.errno in _unfinished():
            return _unwritten(error)
        return _crash(error, given)
    except TooLarge as error:
        say(f"error: {shown(error.path)}: {error}", err=True)
        return USAGE
    except Exception as error:
        interrupts.demand()  # an error that an interrupt caused is no bug
        return _crash(error, given)
    return code if isinstance(code, int) else 0


def _usage_text(error: click.ClickException, given: list[str]) -> str:
    """What click shows of a mistake, with the usage line. A word of the command line stays in one
    line.
    """
    import io

    from onceproof.base.paths import shown

    message = error.message
    for word in (part for words in given for part in (words, words.partition("=")[2])):
        if not word.isprintable():
            message = message.replace(word, shown(word))
    error.__dict__["message"] = message  # click calls it final
    stream = io.StringIO()
    error.show(stream)
    return stream.getvalue()


def _crash(error: Exception, given: list[str]) -> int:
    from onceproof.cli.output import say
    from onceproof.report.bug import crash_report
    from onceproof.verdict.exit_codes import Exit

    say(crash_report(error, given), err=True)
    return int(Exit.INTERNAL)


# ---------------------------------------------------------------- what cannot be written


UNWRITTEN = 74
"""``Exit.OUTPUT``, known without loading it."""


def _unfinished() -> tuple[int, ...]:
    """The errors of a stream that does not take what is written to it."""
    import errno

    return (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EBADF)


def _unwritten(error: OSError | None) -> int:
    """The answer did not arrive: said where there is somebody to say it to, and Python must not
    complain at exit either.
    """
    import errno

    try:
        if error is not None and error.errno != errno.EPIPE:
            sys.stderr.write(
                f"onceproof: cannot write the answer: {(error.strerror or 'failed').lower()}\n"
            )
            sys.stderr.flush()
    except (OSError, ValueError):
        pass  # nobody reads that either
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(null, stream.fileno())
    return UNWRITTEN


def _prepare_streams() -> None:
    """Streams that are closed refuse what is written to them, and no character is too odd for a
    stream.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            handle = os.open(os.devnull, os.O_RDONLY if name == "stdout" else os.O_WRONLY)
            setattr(sys, name, os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace"))
        elif stream.errors != "backslashreplace" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


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
    except OSError as error:
        return _unwritten(error)
    return code


def entry() -> None:
    """The console script."""
    _prepare_streams()
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
