"""A file to a checked design: reads, follows imports, parses, resolves. The only module of the
language that touches the disk.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from onceproof.lang.design import Design
from onceproof.lang.diagnostics import Diagnostic, Severity
from onceproof.lang.errors import names as name_errors
from onceproof.lang.errors import syntax as errors
from onceproof.lang.errors.dedupe import settle
from onceproof.lang.resolve import resolve
from onceproof.lang.source import Source
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax import read as parse


class Loaded(Struct, frozen=True):
    """What came of a file: the design (None if it has errors), everything found, the source texts
    by path, the file's bytes' digest.
    """

    path: str
    design: Design | None
    diagnostics: tuple[Diagnostic, ...]
    sources: dict[str, Source]
    sha256: str = ""


def load(path: str | Path) -> Loaded:
    """Load a design from a file. Raises OSError if it cannot be read."""
    shown = str(path)
    data = Path(path).read_bytes()
    text = text_of(data, shown)
    if isinstance(text, Diagnostic):
        loaded = Loaded(shown, None, (text,), {shown: Source.of(shown, "")})
    else:
        loaded = load_text(text, shown)
    return replace(loaded, sha256=sha256(data).hexdigest())


def text_of(data: bytes, shown: str) -> str | Diagnostic:
    """The text of a file, or what is wrong with its bytes."""
    if b"\x00" in data:
        return errors.not_text(shown, data.index(b"\x00"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return errors.not_text(shown, error.start)


def load_text(text: str, path: str = "design.once") -> Loaded:
    """Load a design from a text; imports are looked up beside ``path``."""
    source = Source.of(path, text)
    sources = {path: source}
    tree, found = parse(source)
    items = list(tree.items)
    _imports(tree, Path(path).parent, (Path(path).resolve(),), (items, found, sources))
    design, more = resolve(source, items, tree.title)
    sources |= _own_models(design)
    if any(x.severity is Severity.ERROR for x in found):
        # Names are still checked, so that every mistake shows at once; warnings about half a design
        # would be noise.
        return Loaded(
            path,
            None,
            settle([*found, *(x for x in more if x.severity is Severity.ERROR)], sources),
            sources,
        )
    return Loaded(path, design, settle([*found, *more], sources), sources)


def _is_special(target: Path) -> bool:
    """A device or a pipe, which might never end."""
    try:
        return target.exists() and not (target.is_file() or target.is_dir())
    except OSError:
        return False


def _own_models(design: Design | None) -> dict[str, Source]:
    """The files of models that lie beside the design and that it names: they decide its answers,
    too.
    """
    if design is None:
        return {}
    uses = [q.model for q in design.queues.values()] + [s.model for s in design.stores.values()]
    uses += [x.model for x in design.locks.values()] + [e.model for e in design.effects.values()]
    files = sorted({use.own for use in uses if use and use.own})
    return {path: Source.of(path, Path(path).read_text(encoding="utf-8")) for path in files}


def _imports(
    tree: n.Tree,
    folder: Path,
    chain: tuple[Path, ...],
    into: tuple[list[n.Item], list[Diagnostic], dict[str, Source]],
) -> None:
    """Add the items of every imported file, each file once."""
    items, found, sources = into
    for line in [i for i in tree.items if isinstance(i, n.Import)]:
        target = folder / line.path
        if not line.path.isprintable():
            found.append(
                name_errors.import_failed(
                    ascii(line.path)[1:-1], line.span, "no file is called like that"
                )
            )
            continue
        if _is_special(target):
            found.append(name_errors.import_failed(line.path, line.span, "it is not a file"))
            continue
        if target.resolve() in chain:
            found.append(name_errors.import_circle(line.path, line.span))
            continue
        if any(target.resolve() == Path(known).resolve() for known in sources):
            continue
        try:
            text = text_of(target.read_bytes(), str(target))
        except OSError as error:
            reason = (
                "there is no such file"
                if isinstance(error, FileNotFoundError)
                else (error.strerror or "cannot be read").lower()
            )
            beside = (
                sorted(p.name for p in target.parent.glob("*.once"))
                if target.parent.is_dir()
                else []
            )
            found.append(name_errors.import_failed(line.path, line.span, reason, beside))
            continue
        if isinstance(text, Diagnostic):
            found.append(name_errors.import_failed(line.path, line.span, "it is not UTF-8 text"))
            continue
        source = Source.of(str(target), text)
        sources[str(target)] = source
        sub, more = parse(source)
        found.extend(more)
        items.extend(i for i in sub.items if not isinstance(i, n.ClaimDecl))
        _imports(sub, target.parent, (*chain, target.resolve()), into)
