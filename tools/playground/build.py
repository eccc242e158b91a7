"""Builds the playground: a page that runs the whole tool in a browser.

    python tools/playground/build.py build/site/playground

It takes Pyodide and the editor from npm, the packages that the tool needs from PyPI (Z3 and msgspec
in their builds for Pyodide), and this checkout. Nothing of them is committed, and the page loads
nothing from elsewhere. Needs npm, pip and the network.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from onceproof import __version__
from onceproof.lang.syntax.keywords import words
from onceproof.report.formats.html import script_hash

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

PYODIDE = "314.0.7"
"""Comes with Python 3.14; the wheels below are built for it."""
PLATFORM, PYTHON = "pyemscripten_2026_0_wasm32", "3.14"
EDITOR = {
    "codemirror": "6.0.2",
    "@codemirror/commands": "6.8.1",
    "@codemirror/language": "6.11.3",
    "@codemirror/lint": "6.8.5",
    "@codemirror/view": "6.38.1",
    "@lezer/highlight": "1.2.1",
    "esbuild": "0.25.9",
}
COMPILED = ("z3-solver==5.3.3.0", "msgspec")
"""Packages with code of their own, which have builds for the platform."""
PLAIN = ("click", "jinja2", "lark", "networkx")
WITHOUT_CODE = "markupsafe"
"""Works without the code that makes it faster, and has no build for the platform."""
PYODIDE_FILES = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "pyodide-lock.json",
)
LEFT_OUT = re.compile(
    r"(\.dist-info/|/include/|\.so\.5|_speedups|/tests?/|__pycache__|\.pyi$|^bin/|\.h$"
    r"|onceproof/(drill|lsp)/)"
)
"""What is in the wheels, and no page needs."""
FOLDERS = {
    "article": "The article's handler",
    "tutorial": "Tutorial",
    "patterns": "Patterns",
}
"""The examples that the page offers, by folder."""


def main(arguments: list[str]) -> int:
    """Build into the folder that is named."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    target = Path(arguments[0])
    with tempfile.TemporaryDirectory() as folder:
        build(target, Path(folder))
    size = sum(f.stat().st_size for f in target.rglob("*") if f.is_file())
    print(f"{target}: {size / 1e6:.1f} MB")
    return 0


def build(target: Path, work: Path) -> None:
    """Build into ``target``; ``work`` is a folder for what is loaded."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    _editor(target, work)
    _packages(target, work)
    (target / "designs.json").write_text(
        json.dumps({"designs": list(_designs()), "words": _words()}), encoding="utf-8"
    )
    shutil.copy(HERE / "style.css", target / "style.css")
    page = (HERE / "index.html").read_text(encoding="utf-8")
    (target / "index.html").write_text(
        page.replace("REVIEW_SCRIPT", script_hash(), 1), encoding="utf-8"
    )
    digest = hashlib.sha256()
    for file in sorted(f for f in target.rglob("*") if f.is_file()):
        digest.update(file.read_bytes())
    offline = (HERE / "offline.js").read_text(encoding="utf-8")
    version = f"{__version__}-{digest.hexdigest()[:12]}"
    (target / "offline.js").write_text(offline.replace("VERSION", version, 1), encoding="utf-8")


def _editor(target: Path, work: Path) -> None:
    """Pyodide and the page's own scripts, with the editor's packages in them."""
    wanted = [f"{name}@{version}" for name, version in {**EDITOR, "pyodide": PYODIDE}.items()]
    _run("npm", "install", "--prefix", work, "--no-audit", "--no-fund", "--silent", *wanted)
    for name in ("app.js", "worker.js"):
        shutil.copy(HERE / name, work / name)
    esbuild = work / "node_modules" / ".bin" / "esbuild"
    common = ("--bundle", "--format=esm", "--minify", "--target=es2022")
    _run(esbuild, work / "app.js", *common, f"--outfile={target / 'app.js'}")
    keep = "--external:./pyodide/pyodide.mjs"
    _run(esbuild, work / "worker.js", *common, keep, f"--outfile={target / 'worker.js'}")
    (target / "pyodide").mkdir()
    for name in PYODIDE_FILES:
        shutil.copy(work / "node_modules" / "pyodide" / name, target / "pyodide" / name)


def _packages(target: Path, work: Path) -> None:
    """All that Python needs, in one archive."""
    wheels = work / "wheels"
    download = ("download", "--quiet", "--no-deps", "--dest", wheels)
    of_platform = ("--only-binary=:all:", "--platform", PLATFORM, "--python-version", PYTHON)
    _run(sys.executable, "-m", "pip", *download, *of_platform, *COMPILED, *PLAIN)
    _run(sys.executable, "-m", "pip", *download, WITHOUT_CODE)
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", wheels, ROOT)
    with zipfile.ZipFile(target / "packages.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for wheel in sorted(wheels.glob("*.whl")):
            with zipfile.ZipFile(wheel) as source:
                for name in sorted(source.namelist()):
                    if not LEFT_OUT.search(name) and not name.endswith("/"):
                        archive.writestr(zipfile.ZipInfo(name), source.read(name), 8, 9)
        archive.write(HERE / "bridge.py", "bridge.py")


def _designs() -> Iterator[dict[str, str]]:
    """The examples that stand alone: each with its folder, its name and its first line as title."""
    for folder, group in FOLDERS.items():
        for path in sorted((ROOT / "examples" / folder).glob("*.once")):
            text = path.read_text(encoding="utf-8")
            if not re.search(r"^import ", text, re.MULTILINE):
                title = text.splitlines()[0].lstrip("# ").strip() or path.stem
                yield {
                    "group": group,
                    "name": f"{folder}/{path.stem}",
                    "title": title if len(title) <= 90 else f"{title[:88]} …",
                    "text": text,
                }


def _words() -> dict[str, list[str]]:
    """The words that the editor colours."""
    known = words()
    return {
        "declarations": sorted(known.declarations),
        "steps": sorted({*known.steps, *known.others}),
        "constants": sorted(known.constants),
    }


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
