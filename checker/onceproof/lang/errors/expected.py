"""What the grammar would take next, in the reader's words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

MOST = 8
_KINDS = {
    "NAME": "a name",
    "MODEL": "a provider's name",
    "INT": "a number",
    "STRING": "a text in quotes",
    "OPTION": "an option's name",
    "VALUE": "a value",
    "DURATION": "a duration such as `24h`",
    "_NL": "the end of the line",
    "$END": "the end of the file",
}
_SHOWN = {"VERDICT": ("proved", "violated", "vacuous", "unknown")}
_FAMILIES: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({"EVENT", "QUEUE", "STORE", "EFFECT", "CONSUMER", "CLAIM"}),
        "a declaration such as `event`, `queue`, `store`, `effect`, `consumer` or `claim`",
    ),
    (
        frozenset({"IF", "SET", "INSERT", "ACK", "STOP", "PUBLISH"}),
        "a step such as `if`, `send`, `insert`, `set`, `ack` or `stop`",
    ),
    (
        frozenset({"NO", "NEVER", "AT", "NAME"}),
        (
            "`no duplicate`, `no loss of`, `never`, `at most one worker in`, `failure-transparent`,"
            " or an effect's name"
        ),
    ),
    (frozenset({"NO", "HANDLER", "RETRIES", "CRASH"}), "one of the assumptions"),
)
_FAMILY_EXTRAS = frozenset(
    {
        "DATABASE",
        "IMPORT",
        "ASSUME",
        "FRAGMENT",
        "LOCK",
        "OPERATOR",
        "PUBLISHER",
        "RELAY",
        "ACQUIRE",
        "ADD",
        "ATOMIC",
        "CRASH",
        "DELETE",
        "DO",
        "FAIL",
        "INCREMENT",
        "LET",
        "NACK",
        "RELEASE",
        "RENEW",
        "SECTION",
        "SEEK",
        "UPDATE",
        "USE",
        "WAIT",
    }
)


def in_words(accepted: Iterable[str], literals: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The accepted terminals as words: families of lines first, then fixed words, signs, and kinds
    of words.
    """
    left = set(accepted) - {"_ERROR", "_INDENT", "_DEDENT", "COMMENT"}
    phrases: list[str] = []
    for family, phrase in _FAMILIES:
        if family <= left:
            phrases.append(phrase)
            left -= family | _FAMILY_EXTRAS
    if phrases:
        left -= {"_NL", "$END", *(t for t in left if "failure-transparent" in literals.get(t, ()))}
    fixed = [w for t in sorted(left) if t not in _KINDS for w in _SHOWN.get(t, literals.get(t, ()))]
    words = sorted(w for w in fixed if w[0].isalpha())
    signs = sorted(w for w in fixed if not w[0].isalpha())
    return [
        *phrases,
        *(f"`{w}`" for w in [*words, *signs]),
        *(_KINDS[t] for t in _KINDS if t in left),
    ]


def sentence(expected: list[str]) -> str:
    """``expected `of` or `on```; the rest is counted beyond eight."""
    if not expected:
        return "nothing may follow here"
    if len(expected) > MOST:
        return "expected " + ", ".join(expected[:MOST]) + f" … ({len(expected) - MOST} more)"
    if len(expected) == 1:
        return f"expected {expected[0]}"
    comma = "," if " or " in expected[-2] else ""
    return "expected " + ", ".join(expected[:-1]) + f"{comma} or " + expected[-1]
