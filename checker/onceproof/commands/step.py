"""``onceproof step``: walk through a design by hand. ``Session`` answers one line at a time;
``StepCommand`` reads them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from msgspec import Struct, field

from onceproof.commands.shared import design_of
from onceproof.interpreter import ReplayError
from onceproof.interpreter.trace_json import SCHEMA, of_data, to_data
from onceproof.lang.load import Loaded
from onceproof.machine.delivery import Delivery
from onceproof.report.stepper_text import history_text, offers_text, situation_text, taken_text
from onceproof.report.terminal import Paint
from onceproof.story.stepper import Offer, Walk, kinds
from onceproof.verdict.exit_codes import Exit

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


class Session(Struct):
    """One walk and the answers to what is typed. ``misses``: how many lines were not understood."""

    loaded: Loaded
    walk: Walk
    workers: int
    look: Paint
    misses: int = 0
    over: bool = False
    _offers: tuple[Offer, ...] = field(default=())

    def greet(self) -> str:
        """What is shown before anything is typed."""
        title = self.walk.design.title or self.loaded.path
        count = len(self.walk.events)
        head = (
            f"{title}\n{self.walk.semantics.value}, {count} event{'s' if count > 1 else ''}; `help`"
            " lists the commands"
        )
        return f"{head}\n{self._choices()}"

    def answer(self, line: str) -> str:
        """What is shown after a line; the walk moves on."""
        words = line.split()
        if not words or words[0].startswith("#"):
            return ""
        known: dict[str, Callable[[str], str]] = {
            "back": self._back,
            "undo": self._back,
            "state": lambda _: situation_text(self.walk, self.look),
            "history": lambda _: history_text(self.walk),
            "all": lambda _: self._choices(every=True),
            "again": lambda _: self._choices(),
            "help": lambda _: HELP,
            "story": self._story,
            "save": self._save,
            "load": self._load,
            "quit": self._quit,
            "exit": self._quit,
        }
        rest = line.strip().removeprefix(words[0]).strip()
        if words[0] in known:
            return known[words[0]](rest)
        return self._take(line.strip())

    def _choices(self, every: bool = False) -> str:
        self._offers = self.walk.offers(self.workers)
        return offers_text(self.walk, self._offers, self.look, every)

    def _moved(self, walk: Walk) -> str:
        self.walk = walk
        shown = taken_text(walk, self.look)
        return (shown + "\n" if shown else "") + self._choices()

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
        if len(fitting) == 1:
            return self._moved(self.walk.take(fitting[0]))
        if not fitting:
            return self._miss(
                f"no step has `{text}` in its sentence; `again` shows the steps, `help` the"
                " commands"
            )
        return self._miss(
            f"`{text}` fits {len(fitting)} steps:\n"
            + "\n".join(f"      {o.words}" for o in fitting)
        )

    def _back(self, rest: str) -> str:
        if rest and not rest.isdecimal():
            return self._miss("`back` takes a number of steps")
        if not self.walk.steps:
            return self._miss("this is the start")
        return self._moved(self.walk.back(int(rest or 1)))

    def _quit(self, _: str) -> str:
        self.over = True
        return ""

    # -- stories and files

    def _story(self, rest: str) -> str:
        from onceproof.verdict.decide import judge
        from onceproof.verdict.result import Cell
        from onceproof.verdict.task import Options

        words = rest.split()
        steps = int(words.pop()) if words and words[-1].isdecimal() else None
        wanted = " ".join(words)
        options = Options(
            semantics=(self.walk.semantics,),
            claims=(wanted,) if wanted else (),
            second_opinion=False,
        )
        cells = [c for c in judge(self.walk.design, options) if isinstance(c, Cell)]
        broken = [c for c in cells if c.trace is not None]
        if not broken:
            said = (
                "; ".join(f"{c.claim}: {c.verdict.value}" for c in cells)
                or f"no claim has `{wanted}` in its text"
            )
            return self._miss(f"no story: {said}")
        assert broken[0].trace is not None
        walk = Walk.along(self.walk.design, broken[0].trace, self.loaded.sources)
        return self._moved(walk if steps is None else walk.back(max(len(walk.steps) - steps, 0)))

    def _save(self, rest: str) -> str:
        if not rest:
            return self._miss("`save` takes a file")
        about = {
            "schema": SCHEMA,
            "design": self.loaded.sha256,
            "semantics": self.walk.semantics.value,
        }
        text = (
            json.dumps({**about, **to_data(self.walk.trace)}, indent=1, ensure_ascii=False) + "\n"
        )
        try:
            Path(rest).write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            return self._miss(f"cannot write {rest}: {(error.strerror or 'failed').lower()}")
        return f"{len(self.walk.steps)} steps written to {rest}"

    def _load(self, rest: str) -> str:
        if not rest:
            return self._miss("`load` takes a file")
        try:
            data = json.loads(Path(rest).read_text(encoding="utf-8"))
            walk = Walk.along(
                self.walk.design, of_data(data, Delivery(data["semantics"])), self.loaded.sources
            )
        except OSError as error:
            return self._miss(f"cannot read {rest}: {(error.strerror or 'failed').lower()}")
        except (ValueError, KeyError, TypeError) as error:
            return self._miss(f"{rest} is not a saved walk: {error}")
        except ReplayError as error:
            return self._miss(f"this design does not allow the walk of {rest}: {error}")
        return self._moved(walk)


class StepCommand(Struct, frozen=True):
    """``onceproof step``, with its options as the command line names them."""

    path: Path
    semantics: str | None
    events: int
    workers: int
    kind: int
    story: str | None
    script: Path | None

    def run(self) -> int:
        """Walk until the input ends; returns the exit code (2 if a line of a script was not
        understood).
        """
        loaded = design_of(self.path)
        if loaded.design is None:
            return int(Exit.USAGE)
        design = loaded.design
        chosen = Delivery(self.semantics) if self.semantics else self._usual(design.semantics)
        count = len(kinds(design, self.events))
        if self.kind > count:
            raise click.UsageError(f"--kind: there are {count} choices of types and payloads")
        walk = Walk.start(design, chosen, loaded.sources, self.events, self.kind - 1)
        session = Session(loaded, walk, self.workers, Paint.for_stream(sys.stdout, "never"))
        click.echo(session.greet())
        if self.story is not None:
            click.echo(session.answer(f"story {self.story}"))
        by_hand = self.script is None and sys.stdin.isatty()
        for line in self._lines(by_hand):
            answer = session.answer(line)
            if not by_hand:
                click.echo(f"> {line.strip()}")
            if answer:
                click.echo(answer)
            if session.over:
                break
        return int(Exit.USAGE if session.misses and not by_hand else Exit.HOLDS)

    @staticmethod
    def _usual(columns: tuple[Delivery, ...]) -> Delivery:
        return Delivery.AT_LEAST_ONCE if Delivery.AT_LEAST_ONCE in columns else columns[0]

    def _lines(self, by_hand: bool) -> Iterable[str]:
        if by_hand:
            return iter(_prompt, None)
        if self.script is None or str(self.script) == "-":
            return sys.stdin
        try:
            return self.script.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise click.UsageError(f"cannot read {self.script}: {error}") from error


def _prompt() -> str | None:
    """A line from the keyboard; None at its end."""
    click.echo("> ", nl=False)
    line = sys.stdin.readline()
    return line if line else None
