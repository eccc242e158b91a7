"""MkDocs hooks: pages that lie outside docs/ join the site, and links between the two kinds are
mended.

``docs/*.md`` link to ``../examples/README.md``, ``../ARCHITECTURE.md`` and to sources, so that they
work as plain files. In the site, the pages lie under ``repository/``, designs are shown as
highlighted pages, and a link to any other file becomes plain text.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
BELOW = "repository/"
LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^```", re.MULTILINE)


def _outside() -> dict[str, str]:
    """Every page from outside docs/, by its path in the repository, as Markdown."""
    found = {name: (ROOT / name).read_text(encoding="utf-8") for name in OUTSIDE}
    for path in sorted((ROOT / "examples").rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        if path.suffix == ".md":
            found[name] = path.read_text(encoding="utf-8")
        elif path.suffix == ".once":
            found[name + ".md"] = (
                f"# {path.name}\n\n`{name}`\n\n```once\n{path.read_text(encoding='utf-8')}```\n"
            )
    return found


def on_files(files: Files, config: Any) -> Files:
    """Add the pages from outside, generated."""
    for name, text in _outside().items():
        files.append(File.generated(config, BELOW + name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Mend the links of a page; code blocks are left alone."""
    here = page.file.src_uri
    own = here.removeprefix(BELOW) if here.startswith(BELOW) else f"docs/{here}"
    parts = re.split(r"(^```.*?^```[ \t]*$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(
        p if FENCE.match(p) else LINK.sub(lambda m: _mended(m, own, here, files), p) for p in parts
    )


def _mended(link: re.Match[str], own: str, here: str, files: Files) -> str:
    """A link as the site needs it: to a page of the site, or its text alone."""
    target, _, anchor = link["target"].partition("#")
    if "://" in target or not target or target.startswith("mailto:"):
        return link[0]
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(own), target))
    for candidate in _candidates(wanted):
        if files.get_file_from_path(candidate) is not None:
            way = posixpath.relpath(candidate, posixpath.dirname(here) or ".")
            return f"{link['image']}[{link['text']}]({way}{'#' + anchor if anchor else ''})"
    return link["text"] if not link["image"] else ""


def _candidates(wanted: str) -> list[str]:
    """Where a file of the repository can be in the site."""
    inside = wanted.removeprefix("docs/") if wanted.startswith("docs/") else None
    outside = [BELOW + wanted, BELOW + wanted + ".md", BELOW + wanted + "/README.md"]
    return [*([inside] if inside else []), *outside]
