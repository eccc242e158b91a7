"""A file to a checked design: reads, follows imports, parses, resolves. The only module of the language that touches the disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from checker.design import Design
from checker.diagnostics import Diagnostic, Severity
from checker.errors import names as name_errors
from checker.errors import syntax as errors
from checker.resolve import resolve
from checker.source import Source
from checker.syntax import nodes as n
from checker.syntax import parse


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of a file: the design (None if it has errors), everything found, the source texts by path, the file's bytes' digest."""

    path: str
    design: Design | None
    diagnostics: tuple[Diagnostic, ...]
    sources: dict[str, Source]
    sha256: str = ""


def load(path: str | Path) -> Loaded:
    """Load a design from a file. Raises OSError if it cannot be read."""
    data = Path(path).read_bytes()
    return replace(_decoded(data, str(path)), sha256=hashlib.sha256(data).hexdigest())


def _decoded(data: bytes, shown: str) -> Loaded:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Loaded(shown, None, (errors.not_text(shown, error.start),), {shown: Source.of(shown, "")})
    if "\x00" in text:
        return Loaded(shown, None, (errors.not_text(shown, text.index("\x00")),), {shown: Source.of(shown, "")})
    return load_text(text, shown)


def load_text(text: str, path: str = "design.once") -> Loaded:
    """Load a design from a text; imports are looked up beside ``path``."""
    source = Source.of(path, text)
    sources = {path: source}
    tree, found = parse(source)
    items = list(tree.items)
    _imports(tree, Path(path).parent, (Path(path).resolve(),), (items, found, sources))
    if any(x.severity is Severity.ERROR for x in found):
        # Names are still checked, so that every mistake shows at once; what a broken line may have declared is not complained about.
        _, more = resolve(source, items, tree.title)
        broken = any(isinstance(i, n.BrokenItem) for i in items)
        found += [x for x in more if x.severity is Severity.ERROR and not (broken and x.code in ("N101", "N104", "N108", "N120"))]
        return Loaded(path, None, tuple(sorted(_unique(found), key=lambda x: x.sort_key)), sources)
    design, more = resolve(source, items, tree.title)
    return Loaded(path, design, tuple(sorted([*found, *more], key=lambda x: x.sort_key)), sources)


def _unique(found: list[Diagnostic]) -> list[Diagnostic]:
    return list(dict.fromkeys(found))


def _imports(
    tree: n.Tree, folder: Path, chain: tuple[Path, ...], into: tuple[list[n.Item], list[Diagnostic], dict[str, Source]]
) -> None:
    """Add the items of every imported file, each file once."""
    items, found, sources = into
    for line in [i for i in tree.items if isinstance(i, n.Import)]:
        target = folder / line.path
        if target.resolve() in chain:
            found.append(name_errors.import_circle(line.path, line.span))
            continue
        if str(target) in sources:
            continue
        try:
            text = target.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else (error.strerror or "cannot be read").lower()
            found.append(name_errors.import_failed(line.path, line.span, reason))
            continue
        source = Source.of(str(target), text)
        sources[str(target)] = source
        sub, more = parse(source)
        found.extend(more)
        items.extend(i for i in sub.items if not isinstance(i, n.ClaimDecl))
        _imports(sub, target.parent, (*chain, target.resolve()), into)
