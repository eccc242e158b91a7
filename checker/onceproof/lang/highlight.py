"""A Pygments lexer for designs, found through its entry point: by Sphinx, MkDocs, rich and
``pygmentize``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pygments.lexer import RegexLexer
from pygments.lexer import bygroups as _bygroups
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Text,
    Whitespace,
)

from onceproof.lang.syntax.keywords import words

bygroups: Any = _bygroups  # its stubs have no types
NAME = r"[A-Za-z_]\w*"
BEFORE, AFTER = r"(?<![\w.\-])", r"(?![\w\-])"
"""What must not stand beside a keyword: `at` is none in `at-least-once`."""


def any_of(choices: tuple[str, ...]) -> str:
    """A pattern for one of some words, as a whole word."""
    return f"{BEFORE}(?:{'|'.join(sorted(choices, key=lambda w: (-len(w), w)))}){AFTER}"


def named_by() -> list[tuple[str, str]]:
    """Patterns for a word and the name that follows it: (word, name)."""
    groups: dict[tuple[str, ...], tuple[str, ...]] = {}
    for word, instead in words().naming:
        groups[instead] = (*groups.get(instead, ()), word)
    return [
        (any_of(keywords), (f"(?!(?:{'|'.join(instead)}){AFTER})" if instead else "") + NAME)
        for instead, keywords in groups.items()
    ]


class OnceLexer(RegexLexer):
    """Highlights designs. The keywords are those of the grammar; a name that is spelled like one is
    a name where only names fit.
    """

    name = "Onceproof"
    aliases: ClassVar[list[str]] = ["once", "once-part", "onceproof"]
    filenames: ClassVar[list[str]] = ["*.once"]
    mimetypes: ClassVar[list[str]] = ["text/x-onceproof"]
    tokens: ClassVar[dict[str, list[Any]]] = {
        "root": [
            (r"##[^\n]*", String.Doc),
            (r"#[^\n]*", Comment.Single),
            (r'"[^"\n]*"', String.Double),
            (r"\s+", Whitespace),
            (
                rf"(?m)^({any_of(words().declaring)})([ \t]+)({NAME})",
                bygroups(Keyword.Declaration, Whitespace, Name.Class),
            ),
            *(
                (f"({word})([ \t]+)({name})", bygroups(Keyword, Whitespace, Name.Variable))
                for word, name in named_by()
            ),
            (rf"({NAME})(\.)({NAME})", bygroups(Name.Variable, Punctuation, Name.Attribute)),
            (rf"(\.)({NAME})", bygroups(Punctuation, Name.Attribute)),
            (any_of(words().declarations), Keyword.Declaration),
            (any_of(words().constants), Keyword.Constant),
            (any_of(words().steps), Keyword),
            (r"\(", Punctuation, "names"),
            (any_of(words().others), Keyword.Reserved),
            (r"\d+(?:ms|s|min|h|d)?\b", Number.Integer),
            (r"[=|]", Operator),
            (r"[(),:.]", Punctuation),
            (NAME, Name),
            (r".", Text),
        ],
        "names": [
            (r"\)", Punctuation, "#pop"),
            (r"\n", Whitespace, "#pop"),
            (r"[ \t]+", Whitespace),
            (r'"[^"\n]*"', String.Double),
            (r"#[^\n]*", Comment.Single),
            (r"\d+(?:ms|s|min|h|d)?\b", Number.Integer),
            (r"[=|]", Operator),
            (r"[(,:.]", Punctuation),
            (r"[A-Za-z_][\w\-]*", Name.Variable),
            (r".", Text),
        ],
    }
