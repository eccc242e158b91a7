"""A client of the language server that sends what makes no sense: it is answered, and the server
goes on.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls", reason="needs the extra lsp")

from lsprotocol import types
from onceproof.lsp import server as lsp
from onceproof.lsp.verdicts import PROCESSES, Background
from pygls.exceptions import JsonRpcInvalidParams
from pygls.workspace import Workspace

from support.background import slow
from support.process import SEED
from support.repo import ROOT

POSITIONS: list[Any] = [
    {"line": -1, "character": 0},
    {"line": 0, "character": -1},
    {"line": "a", "character": 0},
    {"line": 2**40, "character": 0},
    {"line": None, "character": None},
    {"line": 1.5, "character": 0},
    {"line": 2**31 - 1, "character": 2**31 - 1},
    {},
    [],
    None,
]
METHODS = ("hover", "completion", "definition", "references", "rename", "prepareRename")


def answers(messages: list[dict[str, Any]], last: int) -> dict[int, Any]:
    """What a server says to requests, by id, until it has answered the last one."""
    process = subprocess.Popen(
        [sys.executable, "-m", "onceproof", "lsp"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for message in messages:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    process.stdin.flush()
    found: dict[int, Any] = {}
    while last not in found:
        size = 0
        while header := process.stdout.readline().strip():
            size = (
                int(header.split(b":")[1]) if header.lower().startswith(b"content-length") else size
            )
        message = json.loads(process.stdout.read(size))
        if "id" in message and "method" not in message:
            found[message["id"]] = message
    process.kill()
    process.communicate()
    return found


def test_every_request_is_answered() -> None:
    document = {"uri": "file:///designs/a.once"}
    messages: list[dict[str, Any]] = [
        {
            "id": 1,
            "method": "initialize",
            "params": {"processId": None, "rootUri": None, "capabilities": {}},
        },
        {"method": "initialized", "params": {}},
        {
            "method": "textDocument/didOpen",
            "params": {
                "textDocument": {**document, "languageId": "once", "version": 1, "text": "event"}
            },
        },
    ]
    number = 10
    for method in METHODS:
        for position in POSITIONS:
            more = {"newName": "x", "context": {"includeDeclaration": True}}
            params = {"textDocument": document, "position": position, **more}
            messages.append({"id": number, "method": f"textDocument/{method}", "params": params})
            number += 1
    messages.append(
        {
            "id": number,
            "method": "textDocument/hover",
            "params": {"textDocument": document, "position": POSITIONS[6]},
        }
    )
    found = answers(messages, number)
    assert sorted(found) == [1, *range(10, number + 1)]
    assert "result" in found[number]


@pytest.fixture
def server() -> lsp.Server:
    """A server with some open texts."""
    made = lsp.Server()
    folder = [types.WorkspaceFolder("file:///nowhere", "nowhere")]
    made.protocol._workspace = Workspace(
        None, types.TextDocumentSyncKind.Full, folder, types.PositionEncodingKind.Utf16
    )
    texts = {
        SEED.as_uri(): SEED.read_text(encoding="utf-8"),
        "untitled:1": "event E(",
        "http://x/y": "\ufeff\n",
        "file:///%00.once": "\0",
    }
    for uri, text in texts.items():
        made.workspace.put_text_document(types.TextDocumentItem(uri, "once", 1, text))
    return made


def requests(chosen: random.Random, uri: str) -> Iterator[tuple[Any, Any]]:
    """One of each kind."""
    numbers = (0, 1, 2, 5, 20, 60, 2**31 - 1, chosen.randint(0, 80), chosen.randint(0, 80))
    position, other = (
        types.Position(chosen.choice(numbers), chosen.choice(numbers)) for _ in range(2)
    )
    document = types.TextDocumentIdentifier(uri)
    name = chosen.choice(("x", "", "a b", "\n", "event", "é"))
    yield lsp.hover, types.HoverParams(document, position)
    yield lsp.completion, types.CompletionParams(document, position)
    yield lsp.definition, types.DefinitionParams(document, position)
    yield (
        lsp.all_references,
        types.ReferenceParams(types.ReferenceContext(True), document, position),
    )
    yield lsp.prepare_rename, types.PrepareRenameParams(document, position)
    yield lsp.rename, types.RenameParams(document, position, name)
    yield lsp.document_symbols, types.DocumentSymbolParams(document)
    yield lsp.formatting, types.DocumentFormattingParams(document, types.FormattingOptions(2, True))
    yield (
        lsp.code_actions,
        types.CodeActionParams(document, types.Range(position, other), types.CodeActionContext([])),
    )
    yield lsp.code_lens, types.CodeLensParams(document)


def ask(server: lsp.Server, count: int, seed: int) -> None:
    """Ask so often; the only error is one that says that there is nothing to answer."""
    chosen = random.Random(seed)
    uris = [*server.workspace.text_documents, "", "file:///nonexistent/x.once", "file:///dev/zero"]
    for _ in range(count):
        for function, params in requests(chosen, chosen.choice(uris)):
            try:
                function(server, params)
            except JsonRpcInvalidParams:
                continue


def test_odd_positions_and_designs_that_are_not_open(server: lsp.Server) -> None:
    ask(server, 300, 1)


@pytest.mark.nightly
def test_many_odd_positions(server: lsp.Server) -> None:
    ask(server, 10_000, 2)


async def test_background_work_is_bounded_and_what_is_outdated_never_begins(tmp_path: Path) -> None:
    background = Background()

    async def work(name: str) -> None:
        async for _ in background.run(slow, name, str(tmp_path)):
            pass

    tasks = [asyncio.create_task(work(str(n))) for n in range(12)]
    await asyncio.sleep(0)
    for task in tasks[PROCESSES:-1]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [*(str(n) for n in range(PROCESSES)), "11"]
    )
    background.close()
