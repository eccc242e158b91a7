"""The shortest way: a ``check`` that was asked before, word for word, of files that are as they
were, is answered from the cache.

Nothing but this module, ``onceproof.base.store`` and ``onceproof.base.project`` is imported for it.
What is kept is the text that was printed and the exit code, under everything that decides them: the
tool, the command line, the working folder, the files and their projects, and the place that is
printed to.
"""

from __future__ import annotations

import os
import sys

from onceproof.base import store as cache
from onceproof.base.project import project_of

TYPE_CHECKING = False

if TYPE_CHECKING:
    from onceproof.verdict.result import Result
    from onceproof.verdict.task import Options

FRESH = (
    "--no-cache",
    "--certificate",
    "--output",
    "--report",
    "--cluster",
    "--format",
    "-h",
    "--help",
)
"""Options whose command is always run (for ``--format`` see ``_plain``): they write files, or ask
for a fresh answer.
"""

LOOK = (
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "TERM",
    "COLUMNS",
    "LINES",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "PYTHONIOENCODING",
    "PYTHONUTF8",
)
"""What in the environment may change how a text is printed."""

KEPT = {0, 1, 3, 4}
"""Exit codes of answers that are kept: no mistake of the user's, no bug of ours, nothing broken
off.
"""


class Answer:
    """One command line, whose answer may be known or is to be kept."""

    def __init__(self, given: list[str]) -> None:
        self.question: tuple[str, ...] = ()
        self.folders: list[str] = []
        store = cache.store() if _may_be_kept(given) else None
        self._answers = cache.Answers(store, "printed") if store else None
        if store:
            self.folders = _designs_in(given)
            where = _projects([*given[1:], *self.folders])
            self.question = ("check", *given, "", os.getcwd(), *where, *_look(), *self.folders)

    def known(self) -> tuple[int, bytes] | None:
        """The exit code and what was printed; None if this is not known."""
        data = self._answers.known(self.question) if self._answers else None
        if data is None:
            return None
        code, _, text = data.partition(b"\n")
        return int(code), text

    def keep(self, result: Result, options: Options, text: str, code: int) -> None:
        """Keep what was printed, if it would be the same the next time."""
        from onceproof.verdict.cache import lasting, unchanged

        if self._answers is None or result.interrupted or code not in KEPT or not result.designs:
            return
        if all(lasting(d, options) and unchanged(d.sources) for d in result.designs):
            files = [path for d in result.designs for path in d.sources]
            data = text.encode(sys.stdout.encoding or "utf-8", sys.stdout.errors or "strict")
            self._answers.keep(self.question, [*files, *self.folders], b"%d\n" % code + data)


def _projects(words: list[str]) -> list[str]:
    """The folders out of which the designs among these import nothing: a new ``.git`` between them
    makes other designs of them.
    """
    folders = {os.path.dirname(os.path.join(w, "") if os.path.isdir(w) else w) for w in words}
    return sorted({project_of(os.path.join(folder, "")) for folder in folders})


def _may_be_kept(given: list[str]) -> bool:
    """A plain ``check``, with nothing set in the environment but where the cache is."""
    if given[:1] != ["check"] or any(
        n.startswith("ONCEPROOF_") and n != cache.NAME for n in os.environ
    ):
        return False
    return not any(_fresh(given, i) for i in range(1, len(given)))


def _fresh(given: list[str], i: int) -> bool:
    """The word is an option because of which the command is run."""
    name, _, value = given[i].partition("=")
    if name == "--format":
        return (value or "".join(given[i + 1 : i + 2])) not in ("text", "json")
    return name in FRESH


def _look() -> list[str]:
    """The place that is printed to."""
    terminal = sys.stdout.isatty()
    try:
        width = str(os.get_terminal_size(sys.stdout.fileno())) if terminal else ""
    except (OSError, ValueError):
        width = "?"
    return [
        str(terminal),
        width,
        str(sys.stdout.encoding),
        str(sys.stdout.errors),
        *(os.environ.get(name, "\0") for name in LOOK),
    ]


def _designs_in(given: list[str]) -> list[str]:
    """The designs in the folders that are named; a design that comes or goes makes another
    question.
    """
    folders = [word for word in given[1:] if os.path.isdir(word)]
    if not folders:
        return []
    from onceproof.base.paths import NoDesign, designs

    try:
        return [str(path) for path, _ in designs(folders)]
    except NoDesign:
        return []
