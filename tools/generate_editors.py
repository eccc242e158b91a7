"""Writes what editors need to know of the words of the language, from the grammar.

    python tools/generate_editors.py

tests/repo/test_editors.py compares the files with what this makes; with ``--update`` it writes
them, too.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from onceproof.lang.errors.shapes import SHAPES
from onceproof.lang.highlight import NAME, named_by
from onceproof.lang.syntax.keywords import words

HERE = Path(__file__).resolve().parent.parent / "editors"
BEFORE, AFTER = r"(?<![\w.\-])", r"(?![\w\-])"
NOTE = "Made by tools/generate_editors.py from grammar/once.lark: do not edit."


def alternatives(choices: tuple[str, ...]) -> str:
    """The words in a pattern, longer ones first."""
    return "|".join(sorted(choices, key=lambda w: (-len(w), w)))


def textmate() -> str:
    """The TextMate grammar."""
    groups = {
        "keyword.declaration.once": words().declarations,
        "constant.language.once": words().constants,
        "keyword.control.once": words().steps,
        "keyword.other.once": words().others,
    }
    named = [
        {
            "match": f"({word})\\s+({name})",
            "captures": {
                "1": {"name": "keyword.control.once"},
                "2": {"name": "variable.other.once"},
            },
        }
        for word, name in named_by()
    ]
    patterns: list[dict[str, object]] = [
        {"include": "#plain"},
        {
            "match": f"^({alternatives(words().declaring)}){AFTER}\\s+({NAME})",
            "captures": {
                "1": {"name": "keyword.declaration.once"},
                "2": {"name": "entity.name.type.once"},
            },
        },
        *named,
        {
            "match": f"({NAME})\\.({NAME})",
            "captures": {
                "1": {"name": "variable.other.once"},
                "2": {"name": "variable.other.property.once"},
            },
        },
        {"match": f"\\.({NAME})", "captures": {"1": {"name": "variable.other.property.once"}}},
        *(
            {"name": name, "match": f"{BEFORE}(?:{alternatives(group)}){AFTER}"}
            for name, group in groups.items()
        ),
        {
            "begin": "\\(",
            "end": "\\)|$",
            "patterns": [
                {"include": "#plain"},
                {"name": "variable.parameter.once", "match": "[A-Za-z_][\\w\\-]*"},
            ],
        },
        {"name": "variable.other.once", "match": NAME},
    ]
    plain = [
        {"name": "comment.block.documentation.once", "match": "##.*$"},
        {"name": "comment.line.number-sign.once", "match": "#.*$"},
        {"name": "string.quoted.double.once", "match": '"[^"]*"'},
        {"name": "constant.numeric.once", "match": "\\b\\d+(?:ms|s|min|h|d)?\\b"},
        {"name": "keyword.operator.once", "match": "[=|]"},
    ]
    grammar = {
        "comment": NOTE,
        "name": "Onceproof",
        "scopeName": "source.once",
        "fileTypes": ["once"],
        "patterns": patterns,
        "repository": {"plain": {"patterns": plain}},
    }
    return json.dumps(grammar, indent=2) + "\n"


def snippets() -> str:
    """VS Code snippets: how each line is written, with its names to be filled in."""
    found: dict[str, object] = {}
    for word, shapes in SHAPES.items():
        for shape in (s for s in shapes if re.search(r"\b[A-Z]{2,}\b", s)):
            found[shape] = {"prefix": word, "body": [filled(shape)], "description": shape}
    return json.dumps(found, indent=2) + "\n"


def filled(shape: str) -> str:
    """A line with holes for its names."""
    count = 0

    def hole(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"${{{count}:{match[0].lower()}}}"

    return re.sub(r"\b[A-Z]{2,}\b", hole, shape)


def vim() -> str:
    """The Vim syntax file. Of two matches that begin together the later one counts, so names come
    last.
    """

    def match(group: str, choices: tuple[str, ...]) -> str:
        alternation = "|".join(sorted(choices, key=lambda w: (-len(w), w)))
        return rf"syntax match {group} /\v[[:alnum:]_.-]@1<!%({alternation})[[:alnum:]_-]@!/"

    plain = tuple(word for word, instead in words().naming if not instead)
    lines = [
        f'" {NOTE}',
        'if exists("b:current_syntax")',
        "  finish",
        "endif",
        "",
        match("onceOther", words().others),
        match("onceStep", words().steps),
        match("onceConstant", words().constants),
        match("onceDeclaration", words().declarations),
        rf"syntax match onceName /\v%([[:alnum:]_.-]@1<!%({alternatives(plain)})\s+)@<=\h\w*/",
        rf"syntax match onceDeclared /\v%(^%({alternatives(words().declaring)})\s+)@<=\h\w*/",
        r"syntax match onceName /\v\h\w*\.\h\w*/",
        (
            r"syntax region onceFields matchgroup=Delimiter start=/(/ end=/)\|$/"
            r" contains=onceNumber,onceString,onceComment"
        ),
        r"syntax match onceNumber /\v<\d+%(ms|s|min|h|d)?>/",
        r'syntax region onceString start=/"/ end=/"/ oneline',
        "syntax match onceComment /#.*$/ contains=@Spell",
        "",
        "highlight default link onceDeclaration Structure",
        "highlight default link onceStep Statement",
        "highlight default link onceConstant Constant",
        "highlight default link onceOther Keyword",
        "highlight default link onceDeclared Type",
        "highlight default link onceName Identifier",
        "highlight default link onceFields Identifier",
        "highlight default link onceNumber Number",
        "highlight default link onceString String",
        "highlight default link onceComment Comment",
        "",
        'let b:current_syntax = "once"',
    ]
    return "\n".join(lines) + "\n"


def emacs() -> str:
    """The words for the Emacs mode."""
    groups = {
        "declarations": words().declarations,
        "steps": words().steps,
        "constants": words().constants,
        "others": words().others,
        "declaring": words().declaring,
        "naming": tuple(word for word, instead in words().naming if not instead),
    }
    lines = [
        ";;; once-words.el --- The words of the Onceproof language -*- lexical-binding: t; -*-",
        "",
        ";;; Commentary:",
        f";; {NOTE}",
        "",
        ";;; Code:",
        "",
    ]
    for name, group in groups.items():
        listed = "\n    ".join(f'"{word}"' for word in group)
        lines += [
            f"(defconst once-words-{name}",
            f"  '({listed})",
            f'  "Words of the language: {name}.")',
            "",
        ]
    return "\n".join([*lines, "(provide 'once-words)", ";;; once-words.el ends here"]) + "\n"


FILES = {
    "vscode/syntaxes/once.tmLanguage.json": textmate,
    "vscode/snippets/once.json": snippets,
    "vim/syntax/once.vim": vim,
    "emacs/once-words.el": emacs,
}
"""What is made, by its path in this folder."""


def main() -> None:
    """Write every file."""
    for name, make in FILES.items():
        (HERE / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
