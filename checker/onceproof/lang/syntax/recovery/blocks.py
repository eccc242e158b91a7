"""Reads the lines of a design in their blocks; moves, mends or replaces those that do not fit.

Invariant: ``done`` holds lines the grammar has taken, ``stack`` is its state after them,
``levels`` the indentation of the open blocks. Everything that is put into ``done`` fits, so the
text made of it parses.
"""

from __future__ import annotations

import re

from onceproof.lang.diagnostics import Diagnostic, Label
from onceproof.lang.errors import syntax as errors
from onceproof.lang.errors.shapes import shape_below
from onceproof.lang.errors.suggest import close_to
from onceproof.lang.syntax.indentation import PLACEHOLDER, STEP_WIDTH, Line
from onceproof.lang.syntax.interactive import Stack, grammar
from onceproof.lang.syntax.lark_parser import DEDENT, INDENT, LINE_END
from onceproof.lang.syntax.recovery.line import Fit, LineRepair, words_of

MAX_ERRORS = 100
_ODD_NAMES = words_of(
    "of on per to from into in is or and via when under not no never if else queue event store "
    "consumer claim assume expect import let set expires unique replicated kept retries "
    "publishes replays before together duplicate loss did"
)
"""Words that nobody means as names, even where the grammar takes them."""
_LEFTOVER = frozenset(
    {"", "end", "endif", "fi", "done", "pass", "begin", "end transaction", "commit transaction"}
)
_DECLARED = re.compile(
    r"(?:event|queue|store|effect|lock|consumer|relay|fragment)\s+([A-Za-z_]\w*)"
)
_PLACES = {
    "item": "a declaration stands at the start of a line, outside every block",
    "step": "a step stands inside a `consumer`, `relay` or `fragment`",
    "else": "there is no `if` right above it, at the same depth",
    "clause": "it belongs below a step that can fail, indented",
    "queue": "it belongs below a `queue`, indented",
    "store": "it belongs below a `store`, indented",
    "effect": "it belongs below an `effect`, indented",
    "claim": "it belongs below a `claim`, indented",
}


class Blocks:
    """One pass over the lines of a file. The first ``sound`` lines are whole declarations without a
    mistake.
    """

    def __init__(self, path: str, lines: list[Line], sound: int = 0) -> None:
        self.path = path
        self.lines = lines
        self.grammar = grammar()
        self.known = frozenset(m[1] for line in lines if (m := _DECLARED.match(line.text)))
        self.first_words = {line.number: line.text.split()[0] for line in lines}
        self.mistakes: list[Diagnostic] = []
        self.done: list[Line] = lines[:sound]
        self.stack: Stack = self.grammar.after_lines(("assume no crash",) if sound else ())
        self.levels = [0]
        self.index = sound
        self.broken: dict[int, bool] = {}
        """Per indentation: whether the last line there was given up."""
        self.outer: list[tuple[int, Stack]] = []
        """What was left on the way to this line: (indentation, state) of every block that it
        closed, outermost first.
        """

    def mend(self) -> tuple[list[Line], list[Diagnostic]]:
        """The lines as they parse, and every mistake."""
        while self.index < len(self.lines) or self._needs_block():
            if len(self.mistakes) >= MAX_ERRORS and self.lines[self.index :]:
                self._cut()
            if self.index == len(self.lines):
                self._missing_block()
            self._enter()
            # A line that is right elsewhere is moved before anyone tries to correct it: a small
            # change that makes it fit here would only hide that it is in the wrong place.
            line = self.lines[self.index]
            if not self._fits_here(line) and not self._move(line):
                self._mend_line(line)
        return self.done, self.mistakes

    def _cut(self) -> None:
        """Leave out the rest of the file."""
        line = self.lines[self.index]
        self.mistakes = [
            *self.mistakes[:MAX_ERRORS],
            errors.too_many(line.whole(self.path), MAX_ERRORS),
        ]
        self.lines[self.index :] = [self._placeholder(line, line.indent)]

    def _first_word(self, line: Line) -> str:
        """The word a line began with in the source."""
        return self.first_words.get(line.number, "")

    # -- reading

    def _after(self, stack: Stack, text: str) -> Stack | None:
        """The state after a whole line; None if it does not fit."""
        reading = self.grammar.read(stack, text)
        return None if reading.stop is not None else self.grammar.feed(reading.stack, LINE_END)

    def _takes(self, stack: Stack, text: str) -> bool:
        """Whether a whole line fits."""
        return self._after(stack, text) is not None

    def _fits(self, text: str, stack: Stack | None = None) -> Fit:
        """How a text fits as the current line, with the line below it."""
        if not text.strip():
            return Fit(0, False, True)
        reading = self.grammar.read(stack or self.stack, text)
        after = None if reading.stop is not None else self.grammar.feed(reading.stack, LINE_END)
        odd = any(
            p.terminal == "NAME" and text[p.start : p.end] in _ODD_NAMES for p in reading.pieces
        )
        if after is None:
            return Fit(len(text) if reading.stop is None else reading.stop, False, odd)
        child = self._child()
        if child is None:
            return Fit(None, self.grammar.accepts(after) != {INDENT}, odd)
        inside = self.grammar.feed(after, INDENT)
        return Fit(
            None,
            inside is not None
            and (self._takes(inside, child.text) or self._place_of(child) is None),
            odd,
        )

    def _child(self) -> Line | None:
        """The first line of the block below the current line."""
        below = self.lines[self.index + 1] if self.index + 1 < len(self.lines) else None
        return below if below and below.indent > self.lines[self.index].indent else None

    def _place_of(self, line: Line) -> str | None:
        """The kind of place in which a line would be sound."""
        return next(
            (
                place
                for place, stack in self.grammar.contexts.items()
                if self._takes(stack, line.text)
            ),
            None,
        )

    def _block_end(self, index: int) -> int:
        """The index behind the block of the line at ``index``."""
        end = index + 1
        while end < len(self.lines) and self.lines[end].indent > self.lines[index].indent:
            end += 1
        return end

    # -- going on

    def _fits_here(self, line: Line) -> bool:
        after = self._after(self.stack, line.text)
        if after is None:
            return False
        self._accept(line, after, broken=line.text == PLACEHOLDER)
        return True

    def _accept(self, line: Line, after: Stack | None, *, broken: bool = False) -> None:
        """Take a line; ``after``: the state behind it."""
        assert after is not None
        self.stack = after
        self.broken = {
            indent: was for indent, was in self.broken.items() if indent < line.indent
        } | {line.indent: broken}
        self.done.append(line)
        self.index += 1

    def _give_up(self, line: Line) -> None:
        """Put the placeholder. What stands below is kept if it can be steps; else it would only
        repeat the mistake.
        """
        child = self._child()
        after = self._after(self.stack, PLACEHOLDER)
        assert after is not None
        if child is not None:
            keeps = self.grammar.feed(after, INDENT) and self._place_of(child) in (
                "step",
                "else",
                "clause",
                None,
            )
            if not keeps:
                del self.lines[self.index + 1 : self._block_end(self.index)]
        self._accept(self._placeholder(line, line.indent), after, broken=True)

    @staticmethod
    def _placeholder(line: Line, indent: int) -> Line:
        """The placeholder in the place of a line."""
        return Line(
            line.number,
            indent,
            PLACEHOLDER,
            line.start,
            (line.column(0) - 1, line.column(len(line.text)) - 1),
        )

    def _needs_block(self) -> bool:
        return self.grammar.accepts(self.stack) == {INDENT}

    def _enter(self) -> None:
        """Open or close blocks, as the indentation of the next line says."""
        self.outer = []
        if self.lines[self.index].indent <= self.levels[-1] and self._needs_block():
            self._missing_block()
        line = self.lines[self.index]
        if line.indent > self.levels[-1]:
            inside = self.grammar.feed(self.stack, INDENT)
            if inside is None:
                self._unexpected_indent(line)
            else:
                self.stack = inside
                self.levels.append(line.indent)
        while line.indent < self.levels[-1]:
            self.outer.insert(0, (self.levels.pop(), self.stack))
            after = self.grammar.feed(self.stack, DEDENT)
            assert after is not None
            self.stack = after
        line.indent = self.levels[-1]

    def _unexpected_indent(self, line: Line) -> None:
        shift = line.indent - self.levels[-1]
        above = self.done[-1].whole(self.path) if self.done else None
        if not (self.broken.get(self.levels[-1]) or self._misfit(line)):
            self.mistakes.append(errors.unexpected_indent(line.whole(self.path), above))
        least = line.indent
        for other in self.lines[self.index :]:
            if other.indent < least:
                break
            other.indent -= shift

    def _misfit(self, line: Line) -> bool:
        """Whether a line is wrong in itself here, so that its indentation is not worth a remark."""
        return not self._takes(self.stack, line.text) and self._place_of(line) is not None

    def _missing_block(self) -> None:
        """A header without a block: take the lines behind it if they can only be meant as its
        block, else put a placeholder.
        """
        header = self.done[-1]
        inside = self.grammar.feed(self.stack, INDENT)
        assert inside is not None
        line = self.lines[self.index] if self.index < len(self.lines) else None
        if (
            line is not None
            and header.indent == 0 == line.indent
            and self._takes(inside, line.text)
        ):
            if self._place_of(line) != "item":
                self._indent_run(header, inside)
                return
        if not any(d.primary.span.line == header.number for d in self.mistakes):
            self.mistakes.append(
                errors.missing_block(self._first_word(header), header.whole(self.path))
            )
        self.lines.insert(self.index, self._placeholder(header, header.indent + STEP_WIDTH))

    def _indent_run(self, header: Line, inside: Stack, width: int = 0) -> None:
        """Indent this line and those after it that belong to ``header``; one remark for all."""
        base = self.lines[self.index].indent
        first, count = self.lines[self.index], 0
        shift = (width or header.indent + STEP_WIDTH) - base
        for line in self.lines[self.index :]:
            if line.indent < base or (line.indent == base and not self._belongs(line, inside)):
                break
            line.indent += shift
            count += 1
        self.mistakes.append(
            errors.not_indented(
                self._first_word(first), first.whole(self.path), header.whole(self.path), count
            )
        )

    def _belongs(self, line: Line, inside: Stack) -> bool:
        """Whether an unindented line belongs to the block above: it fits there, or is no line of
        the outer level either.
        """
        if self._takes(inside, line.text):
            return True
        outer = self.grammar.contexts["item"] if self.levels[-1] == 0 else self.stack
        starts = self.grammar.words(outer)
        first = self._first_word(line)
        return not self._takes(outer, line.text) and not close_to(first, starts)

    # -- lines in the wrong place

    def _move(self, line: Line) -> bool:
        """Put a line that is sound elsewhere where it belongs; False if it is sound nowhere."""
        place = self._place_of(line)
        if place is None or (
            place == "store" and not {"QUEUE", "SET"} & self.grammar.accepts(self.stack)
        ):
            return False
        parent = self.levels[-2] if len(self.levels) > 1 else -1
        # What belongs to a line that was given up is given up with it: one mistake, one message.
        if (place == "else" and self.broken.get(line.indent)) or (
            place == "clause" and self.broken.get(parent)
        ):
            self._give_up(line)
            return True
        return self._move_in(line) or self._move_out(line, place) or self._misplaced(line, place)

    def _move_in(self, line: Line) -> bool:
        """The line was meant to be deeper: below the line above, or in a block that it seems to
        close.
        """
        if self._options():
            return False
        if self.outer:
            indent, stack = self.outer[0]
            header = next(x for x in reversed(self.done) if x.indent < indent)
        else:
            below = self.grammar.feed(self.stack, INDENT)
            if below is None or not self.done or self.broken.get(line.indent):
                return False
            header, stack, indent = self.done[-1], below, line.indent + STEP_WIDTH
        if not self._takes(stack, line.text):
            return False
        self._indent_run(header, stack, indent)
        # The block that the line had seemed to close goes on.
        if self.outer:
            self.levels = [x for x in self.levels if x < indent] + [indent]
            self.stack = stack
        return True

    def _move_out(self, line: Line, place: str) -> bool:
        """The line was meant to be less deep: an ``else``, or a step below a step's clauses."""
        stack: Stack | None = self.stack
        for level in reversed(self.levels[:-1]):
            stack = self.grammar.feed(stack, DEDENT) if stack else None
            if stack is None or not level:
                return False
            if self._takes(stack, line.text):
                break
        else:
            return False
        word = self._first_word(line)
        header = next((x for x in reversed(self.done) if x.indent == level), line)
        other = Label(header.whole(self.path), "align it with this line")
        label = "it is indented too deep" if place == "else" else "no step can stand at this depth"
        help = None if place == "else" else shape_below(self.grammar.accepts(self.stack))
        self.mistakes.append(errors.misplaced(word, line.whole(self.path), label, help, other))
        # The lines behind it move along, as far as they do not fit where they stand.
        end = self._block_end(self.index)
        shift = line.indent - level
        while end < len(self.lines) and self.lines[end].indent == line.indent:
            if self._takes(self.stack, self.lines[end].text):
                break
            end = self._block_end(end)
        for other_line in self.lines[self.index : end]:
            other_line.indent -= shift
        return True

    def _misplaced(self, line: Line, place: str) -> bool:
        """Report a line that is sound elsewhere. A declaration goes to the end of the file, so that
        its name is known.
        """
        # Neighbors with the same mistake are reported together.
        end = self._block_end(self.index)
        run = end
        while (
            run < len(self.lines)
            and self.lines[run].indent == line.indent
            and self._same_place(self.lines[run], place)
        ):
            run = self._block_end(run)
        header = next((x for x in reversed(self.done) if x.indent < line.indent), None)
        inside = header and (place == "item" or self._options())
        word = self._first_word(header) if header else ""
        label = (
            Label(header.whole(self.path), f"inside this `{word}`") if header and inside else None
        )
        words, help = (
            _PLACES[place].replace(
                "it belongs", "it and the lines after it belong" if run > end else "it belongs"
            ),
            None,
        )
        if place == "step" and inside:
            words, help = (
                f"no step can stand below a `{word}`",
                shape_below(self.grammar.accepts(self.stack)),
            )
        elif place == "step":
            help = "write `consumer NAME on QUEUE` above it, and indent the steps"
        self.mistakes.append(
            errors.misplaced(self._first_word(line), line.whole(self.path), words, help, label)
        )
        # Anything else than a declaration has no place of its own to go to, and is left out.
        moved, shift = self.lines[self.index : run], line.indent
        del self.lines[self.index : run]
        if place == "item":
            for other in moved:
                other.indent -= shift
            self.lines.extend(moved)
        if place != "item" or self._block_is_empty(shift, self.index):
            self.lines.insert(self.index, self._placeholder(line, shift))
        return True

    def _same_place(self, line: Line, place: str) -> bool:
        return not self._takes(self.stack, line.text) and self._takes(
            self.grammar.contexts[place], line.text
        )

    def _block_is_empty(self, indent: int, index: int) -> bool:
        """Whether the current block would stay without a line if it went on at ``index``."""
        following = self.lines[index] if index < len(self.lines) else None
        return DEDENT not in self.grammar.accepts(self.stack) and (
            following is None or following.indent < indent
        )

    def _options(self) -> bool:
        """Whether the current block holds no steps."""
        return len(self.levels) > 1 and "SET" not in self.grammar.accepts(self.stack)

    # -- lines that are wrong in themselves

    def _mend_line(self, line: Line) -> None:
        if (
            line.text.strip("{}; ") in _LEFTOVER or line.text.startswith(("//", "--", "/*"))
        ) and self._drop(line):
            return
        repair = LineRepair(self.path, self.known, self.stack, self._fits)
        sound, mistakes = repair.mend(line)
        self.mistakes += mistakes
        if sound:
            self._accept(line, self._after(self.stack, line.text))
        else:
            self._give_up(line)

    def _drop(self, line: Line) -> bool:
        """A line that holds only another language's comment or end of a block."""
        if self._block_is_empty(line.indent, self.index + 1) or self._child():
            return False
        comment = line.text.startswith(("//", "--", "/*"))
        headline = (
            "a comment begins with `#`" if comment else "blocks are made by indentation alone"
        )
        label = "write `#` here" if comment else f"remove `{line.text}`"
        self.mistakes.append(errors.foreign(headline, line.whole(self.path), label, None))
        del self.lines[self.index]
        return True
