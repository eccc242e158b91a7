"""Bug reports filled in by the tool itself: for exceptions, and for engines that contradict each
other.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from onceproof.base.paths import shown
from onceproof.base.version import VERSION
from onceproof.verdict.result import DesignResult, Disagreement

_PARTS = ("lark", "z3-solver", "cvc5", "networkx", "click", "rich")


def _versions() -> list[str]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    lines = [
        f"onceproof {VERSION}, Python {platform.python_version()}, {platform.system()}"
        f" {platform.machine()}"
    ]
    for part in _PARTS:
        try:
            lines.append(f"{part} {version(part)}")
        except PackageNotFoundError:
            lines.append(f"{part} not installed")
    return lines


def _report(what: str, body: Sequence[str]) -> str:
    rule = "-" * 72
    text = [
        rule,
        f"This is a bug in onceproof: {what}",
        "Please report it with everything between these lines.",
        "",
        *body,
        "",
        *_versions(),
        rule,
    ]
    return "\n".join(text)


def crash_report(error: Exception, arguments: Sequence[str]) -> str:
    """For an exception nobody expected."""
    import traceback

    trace = "".join(traceback.format_exception(error)).rstrip().splitlines()
    return _report(
        f"{type(error).__name__}",
        [f"command: onceproof {shown(shlex.join(arguments))}", "", *trace],
    )


def disagreement_report(design: DesignResult, failure: Disagreement) -> str:
    """For two engines that contradict each other. No verdict was given."""
    source = design.sources.get(design.path)
    body = [
        f"design:    {shown(failure.design)} (sha256 {design.sha256})",
        f"claim:     {failure.claim}",
        f"semantics: {failure.semantics.value}",
        f"what:      {failure.what}",
        *(f"           {detail}" for detail in failure.details),
        "",
        "the design:",
        *(f"    {line}" for line in (source.lines if source else ())),
    ]
    return _report("two of its engines contradict each other, so it gives no verdict", body)
