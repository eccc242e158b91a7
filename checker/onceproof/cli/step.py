"""``onceproof step``: walk through a design by hand. ``Session`` answers one line at a time; the
command reads them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onceproof.base.paths import shown
from onceproof.cli.output import demand_no_input, say, write_file
from onceproof.cli.shared import PATH, USUAL_SEMANTICS, load_design, number_option, usual

if TYPE_CHECKING:
    from onceproof.lang.load import Loaded
    from onceproof.report.terminal import Paint
    from onceproof.story.stepper import Offer, Walk

HELP = """\
  NUMBER or WORDS   take that step (words: any part of its sentence that fits one step only)
  back [N]          go back N steps
  state             what is no longer as at the beginning
  history           the steps so far
  all               show every fault
  story CLAIM [N]   go to the end, or after step N, of the story that breaks the claim
  save FILE         write the walk as a trace
  load FILE         walk along a saved trace
  again             show the choices again
  help              this text
  quit              stop"""


@click.command("step")
@PATH
@USUAL_SEMANTICS
@number_option("--events", 1, "Events of one business key.")
@number_option("--workers", 2, "Workers at once.")
@click.option(
    "--kind",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Which types and payloads, if there are several.",
)
@click.option(
    "--story", metavar="CLAIM", help="Begin at the end of the story that breaks this claim."
)
@click.option(
    "--script",
    type=click.Path(path_type=Path),
    help="Read the lines from a file (- for standard input).",
)
def command(
    path: Path,
    semantics: str | None,
    events: int,
    workers: int,
    kind: int,
    story: str | None,
    script: Path | None,
) -> int:
    """Walk through a design by hand: what can happen now, and what can go wrong; take a step, look
    at the rows, go back.

    Reads lines from the keyboard, a pipe or a script. `help` lists what can be typed.

    \b
    Examples:
      onceproof step invoice.once
      onceproof step invoice.once --story "no duplicate"
      printf 'delivers\\nfinds\\nstate\\n' | onceproof step invoice.once
    """
    from onceproof.report.terminal import Paint
    from onceproof.story.stepper import Walk, kinds
    from onceproof.verdict.exit_codes import Exit

    loaded = load_design(path)
    if loaded.design is None:
        return int(Exit.USAGE)
    under = usual(loaded.design, semantics)
    choices = len(kinds(loaded.design, events))
    if kind > choices:
        raise click.UsageError(f"--kind: there are {choices} choices of types and payloads")
    walk = Walk.start(loaded.design, under, loaded.sources, events, kind - 1)
    session = Session(loaded, walk, workers, Paint.for_stream(sys.stdout, "never"))
    say(session.greet())
    if story is not None:
        say(session.answer(f"story {story}"))
    by_hand = script is None and sys.stdin.isatty()
    for line in _typed_lines() if by_hand else _script_lines(script):
        answer = session.answer(line)
        if not by_hand:
            say(f"> {line.strip()}")
        if answer:
            say(answer)
        if session.over:
            break
    return int(Exit.USAGE if session.misses and not by_hand else Exit.HOLDS)


def _typed_lines() -> Iterable[str]:
    """Lines from the keyboard, each after a prompt."""
    while True:
        say("> ", nl=False)
        line = sys.stdin.readline()
        if not line:
            return
        yield line


def _script_lines(script: Path | None) -> Iterable[str]:
    """Lines of a file, or of standard input. Raises UsageError if the file cannot be read."""
    if script is None or str(script) == "-":
        return sys.stdin
    try:
        return script.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"cannot read {shown(script)}: {error}") from error


class Session:
    """One walk and the answers to what is typed. ``misses``: how many lines were not understood;
    ``over``: the last line ended the session.
    """

    def __init__(self, loaded: Loaded, walk: Walk, workers: int, look: Paint) -> None:
        self.loaded = loaded
        self.walk = walk
        self.workers = workers
        self.look = look
        self.misses = 0
        self.over = False
        self._offers: tuple[Offer, ...] = ()

    def greet(self) -> str:
        """What is shown before anything is typed."""
        from onceproof.report.words import counted

        title = self.walk.design.title or shown(self.loaded.path)
        events = counted(len(self.walk.events), "event")
        return (
            f"{title}\n{self.walk.semantics.value}, {events}; `help` lists the commands\n"
            f"{self._choices()}"
        )

    def answer(self, line: str) -> str:
        """What is shown after a line; the walk moves on."""
        from onceproof.report.stepper_text import history_text, situation_text

        text = line.strip()
        if not text or text.startswith("#"):
            return ""
        verb = text.split()[0]
        rest = text.removeprefix(verb).strip()
        match verb:
            case "back" | "undo":
                return self._back(rest)
            case "state":
                return situation_text(self.walk, self.look)
            case "history":
                return history_text(self.walk)
            case "all":
                return self._choices(every=True)
            case "again":
                return self._choices()
            case "help":
                return HELP
            case "story":
                return self._story(rest)
            case "save":
                return self._save(rest)
            case "load":
                return self._load(rest)
            case "quit" | "exit":
                self.over = True
                return ""
        return self._take(text)

    def _choices(self, every: bool = False) -> str:
        from onceproof.report.stepper_text import offers_text

        self._offers = self.walk.offers(self.workers)
        return offers_text(self._offers, self.look, every)

    def _moved(self, walk: Walk) -> str:
        from onceproof.report.stepper_text import taken_text

        self.walk = walk
        steps_so_far = taken_text(walk, self.look)
        return (steps_so_far + "\n" if steps_so_far else "") + self._choices()

    def _miss(self, text: str) -> str:
        self.misses += 1
        return text

    def _take(self, text: str) -> str:
        offers = self._offers
        if text.isdecimal():
            if not 1 <= int(text) <= len(offers):
                return self._miss(f"there is no step {text}; there are {len(offers)}")
            return self._moved(self.walk.take(offers[int(text) - 1]))
        fitting = [o for o in offers if text.lower() in o.words.lower()]
        match fitting:
            case [offer]:
                return self._moved(self.walk.take(offer))
            case []:
                return self._miss(
                    f"no step has `{text}` in its sentence; `again` shows the steps, `help` the"
                    " commands"
                )
        sentences = "\n".join(f"      {o.words}" for o in fitting)
        return self._miss(f"`{text}` fits {len(fitting)} steps:\n{sentences}")

    def _back(self, rest: str) -> str:
        if rest and not rest.isdecimal():
            return self._miss("`back` takes a number of steps")
        if not self.walk.steps:
            return self._miss("this is the start")
        return self._moved(self.walk.back(int(rest or 1)))

    # -- stories and files

    def _story(self, rest: str) -> str:
        from onceproof.story.stepper import Walk
        from onceproof.verdict.decide import judge
        from onceproof.verdict.result import ClaimResult
        from onceproof.verdict.task import Options

        words = rest.split()
        steps = int(words.pop()) if words and words[-1].isdecimal() else None
        claim = " ".join(words)
        options = Options(
            semantics=(self.walk.semantics,),
            claims=(claim,) if claim else (),
            second_opinion=False,
        )
        cells = [c for c in judge(self.walk.design, options) if isinstance(c, ClaimResult)]
        trace = next((c.trace for c in cells if c.trace is not None), None)
        if trace is None:
            verdicts = "; ".join(f"{c.claim}: {c.verdict.value}" for c in cells)
            return self._miss(f"no story: {verdicts or f'no claim has `{claim}` in its text'}")
        walk = Walk.along(self.walk.design, trace, self.loaded.sources)
        return self._moved(walk if steps is None else walk.back(max(len(walk.steps) - steps, 0)))

    def _save(self, rest: str) -> str:
        from onceproof.interpreter.trace_json import SCHEMA, to_data

        if not rest:
            return self._miss("`save` takes a file")
        data = {
            "schema": SCHEMA,
            "design": self.loaded.sha256,
            "semantics": self.walk.semantics.value,
            **to_data(self.walk.trace),
        }
        text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
        try:
            demand_no_input(Path(rest), self.loaded.sources)
            write_file(Path(rest), text)
        except click.ClickException as error:
            return self._miss(error.message)
        return f"{len(self.walk.steps)} steps written to {shown(rest)}"

    def _load(self, rest: str) -> str:
        from onceproof.base.untrusted import Refused, read
        from onceproof.interpreter import ReplayError
        from onceproof.interpreter.trace_json import of_data
        from onceproof.lang.source import MAX_BYTES
        from onceproof.machine.delivery import Delivery
        from onceproof.story.stepper import Walk

        if not rest:
            return self._miss("`load` takes a file")
        try:
            data = json.loads(read(rest, MAX_BYTES).decode("utf-8"))
            trace = of_data(data, Delivery(data["semantics"]))
            walk = Walk.along(self.walk.design, trace, self.loaded.sources)
        except OSError as error:
            return self._miss(f"cannot read {shown(rest)}: {(error.strerror or 'failed').lower()}")
        except (ValueError, KeyError, TypeError, RecursionError, Refused) as error:
            return self._miss(f"{shown(rest)} is not a saved walk: {error}")
        except ReplayError as error:
            return self._miss(f"this design does not allow the walk of {shown(rest)}: {error}")
        return self._moved(walk)
