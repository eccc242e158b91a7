"""Places of designs and places of the protocol: lines and columns from 1 in code points, or from 0
in what the client counts.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from pathlib import Path

from lsprotocol import types
from msgspec import Struct
from pygls import uris
from pygls.workspace import PositionCodec

from onceproof.lang.source import Source, Span


def path_of(uri: str) -> str:
    """The file behind a URI; for a text that has no file yet, a name in the current folder."""
    path = uris.to_fs_path(uri) or "untitled.once"
    return path if "\0" not in path else "untitled.once"


def uri_of(path: str) -> str:
    """The URI of a file."""
    return uris.from_fs_path(os.path.realpath(path)) or Path(path).resolve().as_uri()


class Places(Struct, frozen=True):
    """Conversions for one text and one client."""

    source: Source
    codec: PositionCodec

    def range_of(self, span: Span) -> types.Range:
        """The client's range of a place."""
        start = self._position(span.line, span.column)
        end = self._position(max(span.end_line, span.line), span.end_column)
        return types.Range(
            start, end if (end.line, end.character) >= (start.line, start.character) else start
        )

    def _position(self, line: int, column: int) -> types.Position:
        text = self.source.line(line)[: column - 1]
        return types.Position(max(line - 1, 0), self.codec.client_num_units(text))

    def place_of(self, position: types.Position) -> tuple[int, int]:
        """The line (from 1) and the column (from 0) of the client's position; beyond the text it is
        the end of the text.
        """
        if position.line >= len(self.source.lines):
            last = max(len(self.source.lines), 1)
            return last, len(self.source.line(last))
        text = self.source.line(position.line + 1)
        units = 0
        for column, char in enumerate(text):
            if units >= position.character:
                return position.line + 1, column
            units += self.codec.client_num_units(char)
        return position.line + 1, len(text)

    def whole(self) -> types.Range:
        """All of the text."""
        last = len(self.source.lines)
        return self.range_of(Span(1, 1, last, len(self.source.line(last)) + 1))

    def line(self, number: int) -> types.Range:
        """What stands in a line, without indentation and comment."""
        return self.range_of(Span.at_line(self.source.line(number), number))


def changes(old: str, new: str, places: Places) -> Iterator[types.TextEdit]:
    """The edits that make one text of another, line by line: what stays is not touched."""
    before, after = old.splitlines(), new.splitlines()
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            continue
        lines = after[k:m]
        if j < len(before):
            span = Span(i + 1, 1, j + 1, 1)
            text = "".join(f"{line}\n" for line in lines)
        elif i:  # up to the end of the text, from the end of the line before
            span = Span(i, len(before[i - 1]) + 1, j, len(before[j - 1]) + 1)
            text = "".join(f"\n{line}" for line in lines)
        else:
            yield types.TextEdit(places.whole(), new)
            return
        yield types.TextEdit(places.range_of(span), text)
