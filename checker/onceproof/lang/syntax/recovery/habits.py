"""Habits from other languages: how people write a line at first, and what it reads like here.

A habit only proposes edits. It is offered where the line then fits (``line.py``), so a pattern may
be generous.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from msgspec import Struct

Edit = tuple[int, int, str]
Literals = Mapping[str, tuple[str, ...]]

_UNITS = {
    "ms": "ms",
    "millis": "ms",
    "milliseconds": "ms",
    "s": "s",
    "sec": "s",
    "secs": "s",
    "second": "s",
    "seconds": "s",
    "m": "min",
    "min": "min",
    "mins": "min",
    "minute": "min",
    "minutes": "min",
    "h": "h",
    "hr": "h",
    "hrs": "h",
    "hour": "h",
    "hours": "h",
    "d": "d",
    "day": "d",
    "days": "d",
}
_NUMBERS = {
    word: str(i)
    for i, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=1
    )
}


class Habit(Struct, frozen=True):
    """A pattern with what to write instead of each match, and the words for it."""

    pattern: re.Pattern[str]
    rewrite: Callable[[re.Match[str], Literals], str | None]
    headline: str
    label: str

    @property
    def explains_all(self) -> bool:
        """Whether the label says what to write, where the corrected line alone would say less."""
        return "`#`" in self.label or "on a line of its own" in self.label

    def edits(self, text: str, literals: Literals) -> tuple[Edit, ...]:
        """What the habit would change in a line; nothing if it does not occur."""
        edits = []
        for match in self.pattern.finditer(text):
            new = self.rewrite(match, literals)
            if new is not None and new != match[0]:
                edits.append((match.start(), match.end(), new))
        return tuple(edits)


def _to(template: str) -> Callable[[re.Match[str], Literals], str | None]:
    return lambda match, _: match.expand(template)


def _small(match: re.Match[str], literals: Literals) -> str | None:
    """``QUEUE`` to ``queue``, if that is a word of the language."""
    word = match[0].lower()
    return word if any(word in words for words in literals.values()) else None


def _parted(match: re.Match[str], literals: Literals) -> str | None:
    """``onFailure``, ``on_failure`` to ``on failure``; ``deadLetter`` to ``dead-letter``."""
    parts = [p.lower() for p in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", match[0])]
    known = {w for words in literals.values() for w in words}
    if len(parts) < 2:
        return None
    if "-".join(parts) in known:
        return "-".join(parts)
    return " ".join(parts) if all(p in known for p in parts) else None


def _duration(match: re.Match[str], _: Literals) -> str | None:
    unit, number = match[2].lower(), match[1]
    if unit in ("week", "weeks", "w"):
        return f"{int(number) * 7}d"
    return number + _UNITS[unit] if unit in _UNITS else None


def _bare(match: re.Match[str], _: Literals) -> str | None:
    if not re.match(r"(else +)?if\b|relay\b|claim +never\b", match.string):
        return None
    return re.sub(r"[()]", " ", match[0]).strip()


def _under(match: re.Match[str], _: Literals) -> str | None:
    """``at least once`` behind a claim or an expectation."""
    if not re.match(r"(claim|expect)\b.*\S ", match.string[: match.start()]):
        return None
    words = "-".join(re.findall(r"at|least|most|exactly|once", match[1]))
    return None if words == match[0] else f"under {words}"


def _unbracketed(match: re.Match[str], _: Literals) -> str | None:
    return None if match.string.startswith("event ") else f" {match[1]} "


def _bars(match: re.Match[str], _: Literals) -> str | None:
    return match[1] + " | ".join(w for w in re.findall(r"\w+", match[2]))


def _method(match: re.Match[str], _: Literals) -> str | None:
    """``processed.add(id)`` to ``add id to processed``, ``mail.send()`` to ``send mail``."""
    subject, verb, key = (
        match[1],
        {"remove": "delete", "save": "add", "put": "add"}.get(match[2], match[2]),
        match[3],
    )
    between = {"insert": "into", "add": "to", "delete": "from"}.get(verb)
    return f"{verb} {key} {between} {subject}" if between and key else f"{verb} {subject}"


def _underscored(match: re.Match[str], literals: Literals) -> str | None:
    return (
        None
        if any(match[0] in words for words in literals.values())
        else match[0].replace("-", "_")
    )


def _event(match: re.Match[str], _: Literals) -> str | None:
    fields = re.findall(r"[^\s,;]+", match[2])
    return f"{match[1]}({', '.join(fields)})" if fields else None


def _habit(
    pattern: str,
    rewrite: str | Callable[[re.Match[str], Literals], str | None],
    headline: str,
    label: str,
) -> Habit:
    return Habit(
        re.compile(pattern), _to(rewrite) if isinstance(rewrite, str) else rewrite, headline, label
    )


_SAID = {
    "at most": ("no duplicate", "at most once"),
    "at least": ("no loss of", "at least once"),
    "exactly": ("effectively once", "exactly once"),
}
"""What people say of an effect: the claim, and their words."""


def _claims(match: re.Match[str], _: Literals) -> str | None:
    words = re.sub(r"[ _-]+", " ", match["how"].lower()).removesuffix(" once")
    return f"claim {_SAID[words][0]} {match['name']}"


def _claimed(front: bool) -> Habit:
    """``claim at most once mail`` (``front``), ``claim mail happens at most once``."""
    how, name = (
        r"(?P<how>(?:at[ _-]most|at[ _-]least|exactly)[ _-]once)",
        r"(?!no |effectively )(?P<name>\w+)",
    )
    verb = r"(?:(?:is|are|happens?|was|gets?)(?: \w+)? )?"
    pattern = rf"^claim {how} {name}$" if front else rf"^claim {name} {verb}{how}$"
    return _habit(
        pattern,
        _claims,
        "`{old}` is written `{new}` here",
        "`no duplicate`: at most once; `no loss of`: at least once; `effectively once`: both",
    )


def _model_alone(match: re.Match[str], _: Literals) -> str | None:
    return f"{match[1]})" if match.string.startswith("queue ") else None


HABITS: tuple[Habit, ...] = (
    _claimed(front=True),
    _claimed(front=False),
    _habit(
        r"(\([^()]*?),? *\bthen (?:dead-letter(?: to \w+)?|drop|stays)\)",
        _model_alone,
        "what becomes of a message that is given up is not an option of the model",
        "write `delivery limit 5 then …` on a line of its own below the queue, indented",
    ),
    _habit(
        r"(?i)(?<=\w )on (?:conflict|duplicate)(?: key)?,? (?:do nothing|ignore|continue|skip)\b",
        "or continue",
        "in one line, this is written `or continue`",
        "write `or continue`",
    ),
    _habit(r"[“”„‟«»]", '"', 'quotes are straight: `"`', 'write `"`'),
    _habit(
        r"\b(?:under |in |with |for )?((?:at[ _-]?least|at[ _-]?most|exactly)[ _-]?once)\b",
        _under,
        "`{old}` is written `{new}` here",
        "write `{new}`",
    ),
    _habit(
        r"^claim not (?=duplicate|loss)", "claim no ", "this claim is written `no …`", "write `no`"
    ),
    _habit(
        r"\bdidn'?t happen(?:ed)?\b|\b(?:has |was )?not happen(?:ed)?\b|\bhasn'?t happened\b",
        "did not happen",
        "this is written `did not happen`",
        "write `did not happen`",
    ),
    _habit(
        r"(?i)^insert into (\w+)\s*(?:values)?\s*\(?\s*(\w+)\s*\)?",
        r"insert \2 into \1",
        "this is SQL",
        "write the key before `into`",
    ),
    _habit(
        r"(?i)^update (\w+) set (\w+) = (\w+)",
        r"set \1.\2 = \3",
        "this is SQL",
        "write `set STORE.COLUMN = VALUE`",
    ),
    _habit(
        r"(?i)^delete from (\w+) where (\w+) .*$",
        r"delete \2 from \1",
        "this is SQL",
        "write `delete KEY from STORE`",
    ),
    _habit(
        r"(?i)^(?:(?:begin|start|open|in|with) )?(?:a |the )?(?:database )?transaction$",
        "atomic",
        "a transaction is written `atomic`",
        "write `atomic`, and indent its lines below it",
    ),
    _habit(
        r"\bon (?:duplicate|conflict|failure|error)s? (stop|fail)\b",
        r"or \1",
        "in one line, this is written `or`",
        "write `or`",
    ),
    _habit(
        r"^(\w+)\.(\w+)\(\s*(\w*)\s*\)",
        _method,
        "a step begins with its verb",
        "write the verb first",
    ),
    _habit(
        r"(?:!|\bnot)\s*\(\s*(\w+) in (\w+)\s*\)",
        r"\1 not in \2",
        "this is written `not in`",
        "write the name first",
    ),
    _habit(
        r"(?:!|\bnot)\s*\(\s*(\w+(?:\.\w+)?) is (\w+)\s*\)",
        r"\1 is not \2",
        "this is written `is not`",
        "write the name first",
    ),
    _habit(
        r"\b(\w+) (?:contains|has|includes) (\w+)",
        r"\2 in \1",
        "this is written `in`",
        "write the key first",
    ),
    _habit(
        r"(?<=\w )(?:subscribes|subscribed|listens|listening|reads|consumes|bound|attached)"
        r" (?:to|on|from|for)\b",
        "on",
        "a consumer is `on` a queue",
        "write `on`",
    ),
    _habit(r"\s*:\s*$", "", "a line does not end with `:`", "remove it"),
    _habit(
        r"\s*\{\s*$",
        "",
        "blocks are made by indentation, not by braces",
        "remove the brace, and indent the lines that belong here",
    ),
    _habit(
        r"^\}\s*|\s*\{\s*$",
        "",
        "blocks are made by indentation, not by braces",
        "remove the braces",
    ),
    _habit(r"\s*;+\s*$", "", "a line does not end with `;`", "remove it"),
    _habit(r"\s*[,.]\s*$", "", "the line ends with a stray sign", "remove it"),
    _habit(r"\s*(//|--|/\*).*$", "", "a comment begins with `#`", "write `#` here"),
    _habit(r"\b(elif|elsif|elseif)\b", "else if", "`else if` is two words here", "write `else if`"),
    _habit(
        r"(?<=\s)not (\w+) in\b", r"\1 not in", "this is written `not in`", "write the name first"
    ),
    _habit(
        r"(?<=\s)(?:not |!\s*)(\w+(?:\.\w+)?) is\b",
        r"\1 is not",
        "this is written `is not`",
        "write the name first",
    ),
    _habit(
        r"(?<=\s)(?:not |!\s*)(\w+) happened\b",
        r"\1 did not happen",
        "this is written `did not happen`",
        "write the name first",
    ),
    _habit(
        r"(?<=\s)!\s*(\w+) in\b", r"\1 not in", "this is written `not in`", "write the name first"
    ),
    _habit(r"\s*(===?)\s*", " is ", "values are compared with `is`", "write `is`"),
    _habit(r"(?<=\s)=(?=\s)", "is", "values are compared with `is`", "write `is`"),
    _habit(r"\s*(!==?|<>)\s*", " is not ", "values are compared with `is not`", "write `is not`"),
    _habit(
        r"\bisn't\b|\bisnt\b|\bdoes not equal\b",
        "is not",
        "values are compared with `is not`",
        "write `is not`",
    ),
    _habit(r"\bequals\b|\bis equal to\b", "is", "values are compared with `is`", "write `is`"),
    _habit(r"\s*&&?\s*", " and ", "tests are joined with `and`", "write `and`"),
    _habit(r"\s*\|\|\s*", " or ", "tests are joined with `or`", "write `or`"),
    _habit(
        r"(?<=[\s(])\(.*\)|\(.*\)(?=\s)",
        _bare,
        "a condition takes no brackets",
        "remove them; `and` binds tighter than `or`",
    ),
    _habit(r"\(\s*\)", "", "a step takes no brackets", "remove them"),
    _habit(
        r"^(\w+)\s*\(\s*(.*?)\s*\)$",
        r"\1 \2",
        "a step takes no brackets",
        "write its words with spaces between them",
    ),
    _habit(r"\(([^()]*)\)", _unbracketed, "no brackets here", "remove them"),
    _habit(
        r"[\"'`]([A-Za-z_][\w.]*)[\"'`]", r"\1", "a name stands without quotes", "remove the quotes"
    ),
    _habit(
        r"(?<=\s)['`]?([\w./\-]+)['`]?$",
        r'"\1"',
        "a file's name stands in quotes",
        "put it in quotes",
    ),
    _habit(r"[$@%](?=\w)", "", "a name stands without a sign in front", "remove it"),
    _habit(r"(?<=\w)\s*(->|::|/)\s*(?=\w)", ".", "a column is written with `.`", "write `.`"),
    _habit(
        r"(?<=\w)\[(\w+)\]",
        r".\1",
        "a column is written with `.`",
        "write `.` and the column's name",
    ),
    _habit(r"\s*(:=|<-|=>)\s*", " = ", "a value is given with `=`", "write `=`"),
    _habit(
        r"^(\w+\.\w+)\s*(\+\+|\+=\s*1)$",
        r"increment \1",
        "counting up is written `increment`",
        "write `increment`",
    ),
    _habit(
        r"\b[A-Z][A-Z\-]*\b|\b[A-Z][a-z\-]+\b",
        _small,
        "keywords are written in lower case",
        "write it in lower case",
    ),
    _habit(
        r"\b[a-z]+(?:[A-Z][a-z]*)+\b|\b[a-zA-Z]+(?:_[a-zA-Z]+)+\b|\b(?:[A-Z][a-z]+){2,}\b",
        _parted,
        "`{old}` is written `{new}` here",
        "write `{new}`",
    ),
    _habit(
        r"\b(forever|always|infinitely|unlimited)\b",
        "for ever",
        "this is written `for ever`",
        "write `for ever`",
    ),
    _habit(
        r"\b(?:for )?(\d+)\s*([A-Za-z]+)\b",
        _duration,
        "a duration is a number and its unit, without a space",
        "units are `ms`, `s`, `min`, `h` and `d`",
    ),
    _habit(
        r"\b(one|two|three|four|five|six|seven|eight|nine|ten)\b",
        lambda m, _: _NUMBERS[m[1]],
        "numbers are written as digits",
        "write the number",
    ),
    _habit(r"(?<=\d)\s*x$", " times", "this is written `times`", "write `times`"),
    _habit(
        r"\bno (?:duplicates|duplicate|duplication|double|doubled|repeated) (?:of )?",
        "no duplicate ",
        "this claim is written `no duplicate EFFECT`",
        "write `no duplicate`",
    ),
    _habit(
        r"\bno (?:lost|loss|losses|missing|losing) (?:of )?",
        "no loss of ",
        "this claim is written `no loss of EFFECT`",
        "write `no loss of`",
    ),
    _habit(
        r"\bno (\w+) (?:is |are )?(?:lost|loss)\b",
        r"no loss of \1",
        "this claim is written `no loss of EFFECT`",
        "write `no loss of`",
    ),
    _habit(
        r"\bno (\w+) (?:is |are )?(?:duplicated?|twice)\b",
        r"no duplicate \1",
        "this claim is written `no duplicate EFFECT`",
        "write `no duplicate`",
    ),
    _habit(
        r"\bor (?:return|exit|quit|end)\b",
        "or stop",
        "a handler is left with `stop`",
        "write `or stop`",
    ),
    _habit(
        r"\bor (?:throw|raise|abort|die|panic)\b",
        "or fail",
        "a handler gives up with `fail`",
        "write `or fail`",
    ),
    _habit(
        r"^(event \w+)\s*[:({\[]?\s*([^)}\]]*?)[)}\]]?$",
        _event,
        "the fields of an event stand in round brackets",
        "write `event NAME(ID, FIELD)`",
    ),
    _habit(
        r"^(\w+\s*[:=]\s*)[\[({]?(.*[,/].*?)[\])}]?$",
        _bars,
        "values are separated with `|`",
        "write `|` between the values",
    ),
    _habit(r"\b[A-Za-z]\w*(?:-\w+)+", _underscored, "a name has no `-`", "write `_`"),
)
"""Tried in this order. The first one with which the line fits is used."""
