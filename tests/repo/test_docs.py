"""The pages say what the tool does: designs in them load and get the answers they state,
transcripts are what is printed.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from onceproof.lang.errors.shapes import SHAPES
from onceproof.lang.source import Source
from onceproof.lang.syntax.parser import parse
from onceproof.verdict.check import check
from onceproof.verdict.exit_codes import Exit, of_result

from support.repo import ROOT, Block, blocks, pages, read, tool

LANGUAGE = Path("docs/language.md")
FIRST = "examples/article/invoice_email.once"
EVERY = [b for page in pages() for b in blocks(page)]
KINDS = {"", "console", "once", "once-part", "python", "toml", "json", "yaml", "py", "ts", "java"}


def test_every_block_says_what_it_is() -> None:
    for block in EVERY:
        assert block.kind in KINDS, f"{block}: {block.kind}"


# ---------------------------------------------------------------- designs

COMPLETE = [b for b in EVERY if b.kind == "once"]
PARTS = [b for b in EVERY if b.kind == "once-part"]


@pytest.mark.parametrize("block", COMPLETE, ids=str)
def test_designs_get_the_answers_they_state(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "design.once"
    path.write_text(block.text, encoding="utf-8")
    result = check(path)
    (design,) = result.designs
    assert design.cells
    wrong = [
        (c.claim, c.semantics.value, c.verdict.value, c.reason)
        for c in design.cells
        if not c.as_expected
    ]
    assert not wrong
    assert of_result(result) is Exit.HOLDS


HANDLERS = [b for b in EVERY if b.kind in ("py", "ts", "java")]


@pytest.mark.parametrize("block", HANDLERS, ids=str)
def test_handlers_carry_a_design_that_is_proved(block: Block, tmp_path: Path) -> None:
    path = tmp_path / f"handler.{block.kind}"
    path.write_text(block.text, encoding="utf-8")
    result = check(path)
    (design,) = result.designs
    assert design.diagnostics == ()
    assert [(c.claim, c.verdict.value, bool(c.conditions)) for c in design.cells] == [
        ("no duplicate payment", "holds", True),
        ("no loss of payment", "holds", block.kind == "ts"),  # min.insync.replicas is not named
    ]


@pytest.mark.parametrize("block", PARTS, ids=str)
def test_pieces_can_be_read(block: Block) -> None:
    inside = "consumer c on q\n" + "".join(f"  {line}\n" for line in block.text.splitlines())
    _, outer = parse(Source.of("piece", block.text))
    _, inner = parse(Source.of("piece", inside))
    assert not outer or not inner, [d.headline for d in outer]


# ---------------------------------------------------------------- words


def _keywords() -> set[str]:
    """Every word that the grammar spells out."""
    text = re.sub(r"^//.*$", "", read("grammar/once.lark"), flags=re.MULTILINE)
    return {w for w in re.findall(r'"([^"\\]+)"', text) if w[0].isalpha()}


def test_every_word_of_the_grammar_is_explained() -> None:
    code = re.findall(r"`([^`\n]+)`", read(LANGUAGE)) + [
        b.text for b in blocks(LANGUAGE) if b.kind.startswith("once")
    ]
    said = {word for text in code for word in re.findall(r"[A-Za-z][A-Za-z-]*", text)}
    assert _keywords() <= said, sorted(_keywords() - said)


def test_the_list_of_words_is_that_of_the_grammar() -> None:
    _, _, after = read(LANGUAGE).partition("\n## Words\n")
    listed = re.findall(r"`([^`\n]+)`", after)
    assert set(listed) == _keywords()
    assert len(listed) == len(set(listed))


def test_every_step_and_declaration_has_a_piece() -> None:
    """A line that begins with each word that can begin one."""
    lines = [
        line.strip()
        for b in (*PARTS, *COMPLETE)
        if b.page == LANGUAGE
        for line in b.text.splitlines()
    ]
    begun = {line.split(" ")[0] for line in lines if line}
    assert set(SHAPES) <= begun, sorted(set(SHAPES) - begun)


# ---------------------------------------------------------------- transcripts


@dataclass(slots=True)
class Command:
    """A command of a transcript: its words, what is printed, and the exit code (0 if nothing is
    said).
    """

    block: Block
    words: list[str]
    printed: str = ""
    code: int = 0

    def __str__(self) -> str:
        return f"{self.block} {' '.join(self.words)}"


def _commands(block: Block) -> Iterator[Command]:
    """The commands of a ``console`` block. ``$ echo $?`` below a command says what its exit code
    is.
    """
    command: Command | None = None
    asked = False
    for line in block.text.splitlines():
        if line == "$ echo $?":
            asked = True
        elif line.startswith("$ "):
            if command is not None:
                yield command
            command, asked = Command(block, shlex.split(line[2:], comments=True)), False
        elif command is not None and asked:
            command.code = int(line)
        elif command is not None:
            command.printed += line + "\n"
    if command is not None:
        yield command


def _is_ours(command: Command) -> bool:
    """``onceproof …``, or ``./dev`` with a command of the tool."""
    return command.words[0] == "onceproof" or (
        command.words[0] == "./dev" and command.words[1] not in ("test", "test-all", "lint")
    )


OURS = [c for b in EVERY if b.kind == "console" for c in _commands(b) if _is_ours(c)]


def _matches(shown: str, printed: str) -> bool:
    """``...`` on a line of its own stands for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line) + "\n"
        for line in shown.splitlines()
    )
    return re.fullmatch(pattern, printed) is not None


@pytest.mark.slow
def test_transcripts_run_as_they_stand(tmp_path: Path) -> None:
    """Page by page and in order, since a command may use a file that an earlier one has written."""
    for page in dict.fromkeys(c.block.page for c in OURS):
        place = tmp_path / str(page).replace("/", "-")
        shutil.copytree(ROOT / "examples", place / "examples")
        for command in (c for c in OURS if c.block.page == page):
            assert not {"|", ">", "&&", ";"} & set(command.words), (
                f"{command}: only plain commands can be run"
            )
            done = tool(*command.words[1:], cwd=place)
            assert done.returncode == command.code, f"{command}\n{done.stdout}{done.stderr}"
            assert not command.printed or _matches(command.printed, done.stdout), (
                f"{command} prints\n{done.stdout}"
            )


def test_the_tutorial_shows_the_tutorial_designs() -> None:
    steps = sorted((ROOT / "examples/tutorial").glob("*.once"))
    assert [b.text for b in blocks("docs/tutorial.md") if b.kind == "once"] == [
        read(p) for p in steps
    ]


PROGRAMS = list(dict.fromkeys(b.page for b in EVERY if b.kind == "python"))


@pytest.mark.parametrize("page", PROGRAMS, ids=str)
def test_python_blocks_run(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page are one program, run in the repository's root."""
    monkeypatch.chdir(ROOT)
    known: dict[str, object] = {}
    for block in (b for b in EVERY if b.page == page and b.kind == "python"):
        exec(compile(block.text, str(block), "exec"), known)


def test_the_readme_shows_the_first_design() -> None:
    assert next(b.text for b in blocks("README.md") if b.kind == "once") == read(FIRST)


def test_the_readme_shows_the_whole_answer(golden: Callable[[Path, str], None]) -> None:
    """``pytest --update`` pastes what is printed now."""
    call = f"$ ./dev check {FIRST}\n"
    console = [b for b in blocks("README.md") if b.kind == "console"]
    shown = [
        b
        for b in console
        if b.text.startswith(call) and not b.text.removeprefix(call).startswith("$ ")
    ]
    assert len(shown) == 1
    done = tool("check", FIRST)
    assert done.returncode == 0
    golden(ROOT / "README.md", read("README.md").replace(shown[0].text, call + done.stdout))
