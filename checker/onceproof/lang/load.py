"""A file to a checked design: reads, follows imports, parses, resolves. The only module of the
language that touches the disk.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from onceproof.base import untrusted
from onceproof.base.paths import (
    ENDING,
    MARKDOWN,
    STANDARD_INPUT,
    designs,
    file_of,
    is_design,
)
from onceproof.base.project import project_of
from onceproof.lang import carriers
from onceproof.lang.design import Design
from onceproof.lang.diagnostics import Diagnostic, Severity
from onceproof.lang.errors import names as name_errors
from onceproof.lang.errors import syntax as errors
from onceproof.lang.errors.dedupe import settle
from onceproof.lang.resolve import resolve
from onceproof.lang.source import MAX_BYTES, Source, Span
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.parser import parse
from onceproof.models import own_text


class Loaded(Struct, frozen=True):
    """What came of a file: the design (None if it has errors), everything found, the source texts
    by path, the file's bytes' digest.
    """

    path: str
    design: Design | None
    diagnostics: tuple[Diagnostic, ...]
    sources: dict[str, Source]
    sha256: str = ""


MOST_IMPORTS = 200
"""Files that a design may import, directly or not."""

DEEPEST_IMPORT = 30
"""Files that may import one another in a row."""


def load(path: str | Path) -> Loaded:
    """Load a design from a file; ``-`` is standard input, ``page.md#2`` the second design of a
    Markdown page. Raises OSError if it cannot be read.
    """
    name = str(path)
    try:
        data = _standard_input() if name == STANDARD_INPUT else bytes_of(file_of(name))
    except untrusted.Refused as error:
        return Loaded(
            name, None, (errors.unreadable(name, str(error)),), {}, sha256(b"").hexdigest()
        )
    if len(data) > MAX_BYTES:
        text: str | Diagnostic = errors.too_large(name, len(data), MAX_BYTES)
    else:
        text = text_of(data, name)
    if isinstance(text, Diagnostic):
        loaded = Loaded(name, None, (text,), {name: Source.of(name, "")})
    else:
        loaded = load_file_text(text, name)
    return replace(loaded, sha256=sha256(data).hexdigest())


def bytes_of(path: str) -> bytes:
    """A design's bytes. A link in a stranger's folder must not make us print another kind of file.
    Raises OSError and Refused.
    """
    if os.path.islink(path) and not is_design(os.path.realpath(path)):
        raise untrusted.Refused(f"it is a link to a file that does not end in {ENDING}")
    return untrusted.read(path, MAX_BYTES)


def designs_in(path: str | Path) -> list[Path]:
    """The paths of the designs that a file holds: of a Markdown page with several one each
    (``page.md#2``), else the path itself.
    """
    itself = [Path(path)]
    if str(path) != file_of(path) or Path(path).suffix.lower() not in MARKDOWN:
        return itself
    try:
        text = text_of(bytes_of(str(path)), str(path))
    except (OSError, untrusted.Refused):
        return itself  # loading it says why
    if isinstance(text, Diagnostic):
        return itself
    count = len(carriers.blocks(Source.of(str(path), text).lines))
    return [Path(f"{path}#{n}") for n in range(1, count + 1)] if count > 1 else itself


def designs_behind(paths: Sequence[str | Path]) -> list[tuple[Path, bool]]:
    """The designs behind the paths, each with whether it was found in a folder. Raises
    ``NoDesign`` for what is not there.
    """
    return [(design, inside) for path, inside in designs(paths) for design in designs_in(path)]


@cache
def _standard_input() -> bytes:
    """What standard input holds; it can be read once only."""
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def text_of(data: bytes, name: str) -> str | Diagnostic:
    """The text of a file, or what is wrong with its bytes."""
    if b"\x00" in data:
        return errors.not_text(name, data.index(b"\x00"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return errors.not_text(name, error.start)
    return errors.carriage_returns(name) if "\r" in text and "\n" not in text else text


def load_file_text(text: str, path: str) -> Loaded:
    """Load the design that the text of a file is, or carries."""
    source = carriers.source_of(path, text)
    missing = _without_design(source)
    if missing is not None:
        return Loaded(path, None, (missing,), {path: source})
    return load_source(source)


def load_text(text: str, path: str = "design.once") -> Loaded:
    """Load a design from its own text; imports are looked up beside ``path``."""
    return load_source(Source.of(path, text))


def load_source(source: Source) -> Loaded:
    """Load a design from a source whose lines are those of the design."""
    path = source.path
    tree, diagnostics = parse(source)
    imports = _Imports(source, diagnostics)
    imports.follow(tree)
    items = [*tree.items, *imports.items]
    design, more = resolve(source, items, tree.title)
    sources = imports.sources | _own_models(design)
    if any(x.severity is Severity.ERROR for x in diagnostics):
        # Names are still checked, so that every mistake shows at once; warnings about half a design
        # would be noise.
        return Loaded(
            path,
            None,
            settle([*diagnostics, *(x for x in more if x.severity is Severity.ERROR)], sources),
            sources,
        )
    return Loaded(path, design, settle([*diagnostics, *more], sources), sources)


def _without_design(source: Source) -> Diagnostic | None:
    """What to say of a file of another kind that carries no design."""
    if source.shifts:
        return None
    kind = Path(file_of(source.path)).suffix.lower()
    if kind in MARKDOWN:
        return errors.no_block(source.path)
    if carriers.ASYNCAPI.search(source.text):
        return errors.asyncapi(source.path)
    if carriers.CODE.fullmatch(kind):
        return errors.no_comment(source.path)
    fence = next((i for i, line in enumerate(source.lines, 1) if line.startswith("```")), 0)
    if fence:
        return errors.markdown(Span.at_line(source.line(fence), fence, source.path))
    return None


def _own_models(design: Design | None) -> dict[str, Source]:
    """The files of models that lie beside the design and that it names: they decide its answers,
    too.
    """
    if design is None:
        return {}
    uses = [q.model for q in design.queues.values()] + [s.model for s in design.stores.values()]
    uses += [x.model for x in design.locks.values()] + [e.model for e in design.effects.values()]
    files = {(use.own, use.beside) for use in uses if use and use.own}
    return {
        path: Source.of(path, own_text(Path(path), Path(beside))) for path, beside in sorted(files)
    }


class _Imports:
    """Follows the imports of a design: every file once, and only designs in the folder of the
    project that the first one belongs to.

    ``items`` are what the files declare, ``sources`` their texts by path; mistakes are added to
    ``diagnostics``.
    """

    def __init__(self, source: Source, diagnostics: list[Diagnostic]) -> None:
        self.root = Path(project_of(file_of(source.path)))
        self.items: list[n.Item] = []
        self.sources = {source.path: source}
        self.diagnostics = diagnostics
        self._read = {os.path.realpath(source.path)}

    def follow(self, tree: n.Tree, chain: tuple[str, ...] = ()) -> None:
        """Add what the imports of a tree declare. ``chain``: the files whose imports are being
        followed.
        """
        chain = (*chain, os.path.realpath(tree.path))
        for line in (i for i in tree.items if isinstance(i, n.Import)):
            target = Path(tree.path).parent / line.path
            place = _real_folder(tree.path) / line.path
            try:
                real = self._place(line.path, place)
                if real in chain:
                    self.diagnostics.append(name_errors.import_circle(line.path, line.span))
                elif real not in self._read:
                    self._add(target, real, chain)
            except untrusted.Refused as error:
                near = self._beside(place) if str(error) == untrusted.MISSING else []
                printable = line.path if line.path.isprintable() else ascii(line.path)[1:-1]
                self.diagnostics.append(
                    name_errors.import_failed(printable, line.span, str(error), near)
                )

    def _place(self, written: str, place: Path) -> str:
        """Where the imported file is. Raises Refused."""
        if not written.isprintable():
            raise untrusted.Refused("no file is called like that")
        if not is_design(written):
            raise untrusted.Refused(f"the name of a design ends in {ENDING}")
        real = str(untrusted.place_in(self.root, place, untrusted.OUTSIDE_PROJECT))
        if not is_design(real):
            raise untrusted.Refused(f"it is a link to a file that does not end in {ENDING}")
        return real

    def _add(self, target: Path, real: str, chain: tuple[str, ...]) -> None:
        """Read a file and follow its imports. Raises Refused."""
        if len(self.sources) > MOST_IMPORTS:
            raise untrusted.Refused(f"a design imports at most {MOST_IMPORTS} files")
        if len(chain) > DEEPEST_IMPORT:
            raise untrusted.Refused(f"imports go at most {DEEPEST_IMPORT} files deep")
        data = untrusted.read_in(self.root, real, MAX_BYTES)
        if len(data) > MAX_BYTES:
            raise untrusted.Refused(f"it has more than {MAX_BYTES:,} bytes")
        text = text_of(data, str(target))
        if isinstance(text, Diagnostic):
            raise untrusted.Refused("it is not UTF-8 text")
        source = Source.of(str(target), text)
        self.sources[str(target)] = source
        self._read.add(real)
        tree, more = parse(source)
        self.diagnostics.extend(more)
        self.items.extend(i for i in tree.items if not isinstance(i, n.ClaimDecl))
        self.follow(tree, chain)

    def _beside(self, place: Path) -> list[str]:
        """The designs in the folder of a file that is not there."""
        try:
            folder = untrusted.place_in(self.root, place.parent)
            return sorted(p.name for p in folder.iterdir() if is_design(p))
        except (untrusted.Refused, OSError):
            return []


def _real_folder(path: str) -> Path:
    """The folder that a file is in; links on the way to it are followed."""
    return Path(os.path.realpath(Path(path).parent))
