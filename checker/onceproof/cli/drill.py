"""``onceproof drill``: a design run for real, with faults at the model's own places."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.output import say
from onceproof.cli.shared import (
    PATH,
    claims_option,
    format_option,
    load_design,
    semantics_option,
)

PRODUCTS = ("sqlite", "postgresql", "rabbitmq", "redis")


@click.command("drill")
@PATH
@click.option(
    "--story", is_flag=True, help="Replay the counterexample of every violated claim (the default)."
)
@click.option(
    "--story-of",
    type=click.Path(path_type=Path),
    metavar="ORIGINAL",
    help="Replay the schedules of another design's stories on this one.",
)
@click.option(
    "--random",
    "runs",
    type=click.IntRange(min=1),
    metavar="N",
    help="N runs with random schedules and faults, followed by the interpreter.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Where the random choices begin."
)
@click.option(
    "--queue",
    type=click.Choice(PRODUCTS),
    default="sqlite",
    show_default=True,
    help="What carries queues that name no product.",
)
@click.option(
    "--database",
    type=click.Choice(("sqlite", "postgresql", "redis")),
    default="sqlite",
    show_default=True,
    help="What carries stores and locks that name no product.",
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    metavar="PRODUCT=HOST[:PORT]",
    help="A server that is not on this machine's loopback. Can be given several times.",
)
@click.option(
    "--lease",
    type=click.FloatRange(0.2, 60.0),
    metavar="SECONDS",
    help="Every lease and time to live in the drill (1 for stories, 0.4 for random runs).",
)
@semantics_option("Drill only under these delivery semantics.")
@claims_option()
@format_option("text", "json", help="How to print the result.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds for checking a claim.",
)
@click.option("--exit-zero", is_flag=True, help="Report only: exit 0 whatever was seen.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Every step, also of stories that were reproduced."
)
def command(
    path: Path,
    story: bool,
    story_of: Path | None,
    runs: int | None,
    seed: int,
    queue: str,
    database: str,
    hosts: tuple[str, ...],
    lease: float | None,
    semantics: tuple[str, ...],
    claims: tuple[str, ...],
    form: str,
    timeout: float,
    exit_zero: bool,
    verbose: bool,
) -> int:
    """Run a design for real: its lines as real requests, in real processes, with faults injected at
    the model's own places.

    Without further options everything runs on SQLite, in files of its own, and no server is needed.
    Servers are used only on this machine, and only in a database, queues or keys that the drill
    makes and removes.

    \b
    Exit codes: 0 as expected, 1 really violated although nobody expects it, 2 usage, or a server
    that does not answer, 3 not shown with these products, 70 the model does not allow what
    happened, 130 interrupted.

    \b
    Examples:
      onceproof drill invoice.once
      onceproof drill invoice.once --queue rabbitmq --database postgresql
      onceproof drill repaired.once --story-of invoice.once
      onceproof drill invoice.once --random 200 --seed 7
    """
    import json
    import os
    import sys

    from onceproof.cli.progress import ProgressLine
    from onceproof.drill.adapters import Unavailable
    from onceproof.drill.plan import Choice, NotDrillable, addresses
    from onceproof.drill.session import Wish, drill, exit_code
    from onceproof.drill.words import to_data, to_text
    from onceproof.machine.delivery import Delivery
    from onceproof.verdict.exit_codes import Exit

    if os.name != "posix":
        raise click.UsageError(
            "the drill kills and stops processes as POSIX systems do; there is nothing for this"
            " system yet"
        )
    if runs is not None and (story or story_of is not None):
        raise click.UsageError("--random and --story exclude each other")
    loaded = load_design(path)
    original = load_design(story_of) if story_of is not None else None
    if loaded.design is None or (original is not None and original.design is None):
        return int(Exit.USAGE)
    chosen = tuple(s for s in Delivery if s.value in semantics)
    progress = ProgressLine(sys.stderr)
    try:
        choice = Choice(queue, database, lease or (0.4 if runs else 1.0), addresses(_hosts(hosts)))
        wish = Wish(choice, chosen, claims, timeout, runs or 0, seed, original)
        done = drill(loaded, wish, lambda what: progress(what, 0, 0))
    except (Unavailable, NotDrillable) as error:
        raise click.UsageError(str(error)) from error
    finally:
        progress.clear()
    if form == "json":
        say(json.dumps(to_data(done), indent=1, ensure_ascii=False))
    else:
        say(to_text(done, verbose), nl=False)
    return int(Exit.HOLDS if exit_zero else exit_code(done, wish))


def _hosts(given: tuple[str, ...]) -> dict[str, str]:
    hosts = {}
    for text in given:
        product, _, host = text.partition("=")
        if product not in PRODUCTS[1:] or not host:
            raise click.UsageError(
                f"--host {text}: write PRODUCT=HOST or PRODUCT=HOST:PORT with one of"
                f" {', '.join(PRODUCTS[1:])}"
            )
        hosts[product] = host
    return hosts
