"""What editors know of the words of the language is what the grammar says."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from onceproof import __version__
from onceproof.cli.group import COMMANDS
from onceproof.lang.highlight import OnceLexer
from onceproof.lang.load import load_text
from onceproof.lang.syntax.keywords import words
from onceproof.report.diagnostics import render
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Error, Keyword, Name, Token

from support.repo import ROOT, files, read

EDITORS = ROOT / "editors"
VSCODE = EDITORS / "vscode"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "tools/generate_editors.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = generator()


@pytest.mark.parametrize("name", GENERATE.FILES)
def test_files_are_what_the_grammar_makes(name: str, golden: Callable[[Path, str], None]) -> None:
    golden(EDITORS / name, GENERATE.FILES[name]())


def spelled_out() -> set[str]:
    """Every word in quotes of the grammar."""
    text = re.sub(r"^//.*$", "", read("grammar/once.lark"), flags=re.MULTILINE)
    return {w for w in re.findall(r'"([^"\\]+)"', text) if w[0].isalpha()}


def test_groups_are_the_words_of_the_grammar() -> None:
    groups = (words().declarations, words().steps, words().constants, words().others)
    assert sorted(w for group in groups for w in group) == sorted(spelled_out())
    assert set(words().declaring) <= set(words().declarations)
    assert {"per", "send", "into", "of"} <= {word for word, _ in words().naming}
    assert {"proved", "at-least-once"} <= set(words().constants)


def test_the_textmate_grammar_has_every_word() -> None:
    patterns = json.loads(
        (VSCODE / "syntaxes" / "once.tmLanguage.json").read_text(encoding="utf-8")
    )["patterns"]
    listed = [p["match"] for p in patterns if "name" in p and "(?:" in p["match"]]
    found = {
        w
        for match in listed
        for w in re.findall(r"[a-z][a-z-]*", match.split("(?:")[1].split(")")[0])
    }
    assert found == spelled_out()


# ---------------------------------------------------------------- Pygments


def tokens(text: str) -> list[tuple[object, str]]:
    return [(kind, value) for kind, value in OnceLexer().get_tokens(text) if value.strip()]


@pytest.mark.parametrize(
    "path", [p for p in files() if p.suffix == ".once" and p.parts[0] == "examples"], ids=str
)
def test_designs_are_lexed_whole(path: Path) -> None:
    found = list(OnceLexer().get_tokens(read(path)))
    assert "".join(value for _, value in found).strip() == read(path).strip()
    assert not {kind for kind, _ in found} & {Error, Token.Text}


def test_keywords_and_names() -> None:
    assert tokens("event Paid(id, key)")[:4] == [
        (Keyword.Declaration, "event"),
        (Name.Class, "Paid"),
        (Token.Punctuation, "("),
        (Name.Variable, "id"),
    ]
    assert (Name.Variable, "id") in tokens("store seen per id, unique")
    assert (Keyword.Reserved, "unique") in tokens("store seen per id, unique")
    assert (Keyword.Constant, "at-least-once") in tokens("queue q of Paid at-least-once")
    assert tokens("  set order.status = paid")[1:4] == [
        (Name.Variable, "order"),
        (Token.Punctuation, "."),
        (Name.Attribute, "status"),
    ]
    assert tokens("claim no duplicate mail")[-1] == (Name.Variable, "mail")
    assert tokens("## title")[0][0] is Token.Literal.String.Doc


@pytest.mark.parametrize("word", sorted(spelled_out()))
def test_every_word_is_a_keyword(word: str) -> None:
    (found,) = tokens(f"  {word}")
    assert found[0] in Keyword
    assert found[1] == word


def test_the_entry_point() -> None:
    """It is found by name in an installed package; in a checkout without one there is nothing to
    find.
    """
    declared = 'onceproof = "onceproof.lang.highlight:OnceLexer"'
    assert declared in read("pyproject.toml")
    try:
        found = get_lexer_by_name("once")
    except ValueError:
        pytest.skip(
            "onceproof is not installed in this environment: entry points are not registered"
        )
    assert isinstance(found, OnceLexer)
    assert isinstance(get_lexer_for_filename("a.once"), OnceLexer)


# ---------------------------------------------------------------- the VS Code extension


def manifest() -> dict[str, object]:
    found: dict[str, object] = json.loads((VSCODE / "package.json").read_text(encoding="utf-8"))
    return found


def test_the_manifest_names_files_that_exist() -> None:
    text = (VSCODE / "package.json").read_text(encoding="utf-8")
    paths = set(re.findall(r'"(\./[^"]+)"', text)) - {"./dist/extension.js"}
    assert paths
    assert all((VSCODE / path).is_file() for path in paths)
    assert manifest()["version"] == __version__


def test_every_command_is_registered_and_calls_one_that_exists() -> None:
    source = (VSCODE / "src" / "extension.js").read_text(encoding="utf-8")
    contributed = re.findall(
        r'"command": "(onceproof\.\w+)", "title"',
        (VSCODE / "package.json").read_text(encoding="utf-8"),
    )
    assert len(contributed) == 4
    assert set(contributed) == set(re.findall(r'registerCommand\("(onceproof\.\w+)"', source))
    assert {"lsp", "check", "report"} <= set(COMMANDS)


def test_the_problem_matcher_reads_what_is_printed() -> None:
    (matcher,) = manifest()["contributes"]["problemMatchers"]  # type: ignore[index]
    first, second = (re.compile(p["regexp"]) for p in matcher["pattern"])
    loaded = load_text("event Paid(id\n", "design.once")
    lines = render(loaded.diagnostics, loaded.sources).splitlines()
    index = next(i for i, line in enumerate(lines) if first.match(line))
    assert second.match(lines[index + 1])


@pytest.mark.slow
def test_the_package_holds_what_it_must(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    target = tmp_path / "onceproof.vsix"
    done = subprocess.run(
        [str(VSCODE / "package.sh"), str(target)], capture_output=True, text=True, check=False
    )
    if done.returncode and re.search(
        r"npm (ERR!|error).*(network|ENOTFOUND|ECONN|ETIMEDOUT|EAI_AGAIN)", done.stderr
    ):
        pytest.skip("the package registry cannot be reached")
    assert done.returncode == 0, done.stdout + done.stderr
    names = set(zipfile.ZipFile(target).namelist())
    assert {n.removeprefix("extension/") for n in names if n.startswith("extension/")} == {
        "package.json",
        "readme.md",
        "LICENSE.txt",
        "icon.png",
        "language-configuration.json",
        "dist/extension.js",
        "snippets/once.json",
        "syntaxes/once.tmLanguage.json",
        "syntaxes/markdown.tmLanguage.json",
    }
