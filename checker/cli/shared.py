"""What several commands take."""

from __future__ import annotations

from pathlib import Path

import click

SEMANTICS = ("at-most-once", "at-least-once", "exactly-once")
PATHS = click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
