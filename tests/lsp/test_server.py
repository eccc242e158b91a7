"""The language server through a real client, over standard input and output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_lsp
from lsprotocol import types as t
from onceproof.lang.source import Source
from onceproof.lsp.places import Places, changes
from pygls.exceptions import JsonRpcException
from pygls.workspace import PositionCodec
from pytest_lsp import ClientServerConfig, LanguageClient

from support.repo import ROOT

DESIGN = """\
## A first design

event Paid(id, order)   # 𝒜 two units wide

## Rows of what was done.
store done per id
queue paid of Paid at-least-once
effect mail per id via smtp

consumer c on paid
  if id in done
    ack
    stop
  send mail
  add id to done
  ack

claim no duplicate mail
claim no loss of mail
"""
SECONDS = 60


@pytest_lsp.fixture(
    config=ClientServerConfig(
        server_command=[sys.executable, "-m", "onceproof", "lsp"],
        server_env={"PYTHONPATH": str(ROOT / "checker")},
    )
)
async def client(lsp_client: LanguageClient, tmp_path: Path) -> AsyncIterator[None]:
    capabilities = t.ClientCapabilities(
        workspace=t.WorkspaceClientCapabilities(
            code_lens=t.CodeLensWorkspaceClientCapabilities(refresh_support=True)
        )
    )

    @lsp_client.feature(t.WORKSPACE_CODE_LENS_REFRESH)
    def refreshed(*_: object) -> None:
        return None

    folder = t.WorkspaceFolder(tmp_path.as_uri(), "designs")
    await lsp_client.initialize_session(
        t.InitializeParams(
            capabilities=capabilities,
            workspace_folders=[folder],
            initialization_options={"timeout": 20},
        )
    )
    yield
    await lsp_client.shutdown_session()


class Opened:
    """One open design."""

    def __init__(self, client: LanguageClient, path: Path) -> None:
        self.client = client
        self.path = path
        self.uri = path.as_uri()
        self.version = 0
        self.text = ""

    @property
    def me(self) -> t.TextDocumentIdentifier:
        return t.TextDocumentIdentifier(self.uri)

    async def has(self, text: str) -> list[t.Diagnostic]:
        """Open with, or change to, this text; the diagnostics of it."""
        self.text = text
        self.version += 1
        self.client.diagnostics.pop(self.uri, None)
        if self.version == 1:
            self.path.write_text(text, encoding="utf-8")
            item = t.TextDocumentItem(self.uri, "once", 1, text)
            self.client.text_document_did_open(t.DidOpenTextDocumentParams(item))
        else:
            change = t.TextDocumentContentChangeWholeDocument(text)
            identifier = t.VersionedTextDocumentIdentifier(self.version, self.uri)
            self.client.text_document_did_change(
                t.DidChangeTextDocumentParams(identifier, [change])
            )
        return await self.until(lambda shown: True)

    async def until(self, enough: Callable[[list[t.Diagnostic]], bool]) -> list[t.Diagnostic]:
        """Wait for diagnostics that are enough."""
        async with asyncio.timeout(SECONDS):
            while True:
                shown = self.client.diagnostics.get(self.uri)
                if shown is not None and enough(list(shown)):
                    return list(shown)
                await asyncio.sleep(0.02)

    def at(self, word: str, skip: int = 0, inside: int = 1) -> dict[str, Any]:
        """The position inside a word of the text, as the client counts."""
        index = -1
        for _ in range(skip + 1):
            index = self.text.index(word, index + 1)
        before = self.text[: index + inside]
        column = len(before.rsplit("\n", 1)[-1].encode("utf-16-le")) // 2
        return {"text_document": self.me, "position": t.Position(before.count("\n"), column)}

    async def lenses(self) -> list[str]:
        """The titles of the lenses, once every claim has its verdict."""
        async with asyncio.timeout(SECONDS):
            while True:
                found = (
                    await self.client.text_document_code_lens_async(t.CodeLensParams(self.me)) or []
                )
                titles = [lens.command.title for lens in found if lens.command]
                if titles and not {"check", "checking …"} & set(titles):
                    return titles
                await asyncio.sleep(0.1)


@pytest.fixture
def opened(client: LanguageClient, tmp_path: Path) -> Opened:
    return Opened(client, tmp_path / "design.once")


def texts(places: list[t.Location] | None, text: str) -> list[str]:
    """What stands at places, with the line (from 1)."""
    lines = text.split("\n")
    return [
        f"{start.line + 1}:{lines[start.line][start.character : end.character]}"
        for start, end in ((p.range.start, p.range.end) for p in places or [])
    ]


def applied(text: str, edits: list[t.TextEdit]) -> str:
    """The text with edits made, the last ones first; the places are in ASCII lines."""
    lines = text.split("\n")

    def offset(position: t.Position) -> int:
        return sum(len(line) + 1 for line in lines[: position.line]) + position.character

    for edit in sorted(edits, key=lambda e: offset(e.range.start), reverse=True):
        start, end = offset(edit.range.start), offset(edit.range.end)
        text = text[:start] + edit.new_text + text[end:]
    return text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\nb\nc\n", "a\nx\nc\n"),
        ("a\nb\nc\n", "a\nb\nnew\nc\nend\n"),
        ("a\nb\nc\n", "a\n"),
        ("a\n", "a\nb\n"),
        ("", "a\n"),
        ("a\nb", "b"),
    ],
)
def test_a_change_is_a_few_edits(old: str, new: str) -> None:
    places = Places(Source.of("x", old), PositionCodec())
    assert applied(old, list(changes(old, new, places))) == new


@pytest.mark.slow
async def test_the_review_beside_the_text(opened: Opened) -> None:
    await opened.has(DESIGN)
    command = t.ExecuteCommandParams("onceproof.review", [opened.uri])
    page = await opened.client.workspace_execute_command_async(command)
    assert '<svg class="diagram' in str(page)
    assert "mail for event 1 was sent twice" in str(page)
    await opened.has("event Paid(id\n")
    assert await opened.client.workspace_execute_command_async(command) is None


async def test_mistakes_while_typing(opened: Opened) -> None:
    bad = DESIGN.replace("send mail", "send mial").replace("add id to done", "ad id to done")
    shown = await opened.has(bad)
    assert [(d.code, d.range.start.line + 1, d.range.start.character) for d in shown] == [
        ("N101", 14, 7),
        ("S001", 15, 2),
    ]
    assert shown[0].severity is t.DiagnosticSeverity.Error
    assert shown[0].message.startswith("there is no effect `mial`")
    context = t.CodeActionContext(shown)
    found = await opened.client.text_document_code_action_async(
        t.CodeActionParams(opened.me, shown[0].range, context)
    )
    (fix,) = [a for a in found or [] if isinstance(a, t.CodeAction)]
    assert (fix.title, fix.is_preferred) == ("Replace by `mail`", True)
    assert fix.edit
    assert fix.edit.changes
    (edit,) = fix.edit.changes[opened.uri]
    assert (edit.new_text, edit.range) == ("mail", shown[0].range)
    assert await opened.has(DESIGN) == []


async def test_columns_are_counted_as_the_client_counts(opened: Opened) -> None:
    (shown,) = await opened.has(
        DESIGN.replace("event Paid(id, order)   # 𝒜 two units wide", 'import "𝒜.once" x')
    )
    assert (shown.range.start.line, shown.range.start.character, shown.range.end.character) == (
        2,
        17,
        18,
    )


@pytest.mark.slow
async def test_verdicts_story_and_the_fatal_point(opened: Opened) -> None:
    await opened.has(DESIGN)
    assert await opened.lenses() == ["✗ REFUTED: at-least-once", "✓ proved: at-least-once"]
    error, mark = await opened.until(lambda shown: any(d.code == "fatal" for d in shown))
    assert (error.code, error.severity) == ("refuted", t.DiagnosticSeverity.Error)
    assert DESIGN.split("\n")[error.range.start.line] == "claim no duplicate mail"
    assert error.message == "REFUTED under at-least-once: mail for event 1 was sent twice."
    assert error.related_information
    (place,) = error.related_information
    assert place.location == t.Location(opened.uri, mark.range)
    assert (mark.range.start.line + 1, mark.severity) == (15, t.DiagnosticSeverity.Information)
    assert "is killed after `send mail` (line 14)" in mark.message
    hover = await opened.client.text_document_hover_async(
        t.HoverParams(**opened.at("no duplicate"))
    )
    assert hover
    assert isinstance(hover.contents, t.MarkupContent)
    assert "mail for event 1 was sent twice" in hover.contents.value
    assert "! 4  worker 1  is killed after" in hover.contents.value
    action = t.CodeActionParams(opened.me, mark.range, t.CodeActionContext([mark]))
    (offered,) = await opened.client.text_document_code_action_async(action) or []
    assert isinstance(offered, t.CodeAction)
    done = await opened.client.code_action_resolve_async(offered)
    assert done.edit
    assert done.edit.changes
    edits = done.edit.changes[opened.uri]
    assert all(isinstance(e, t.TextEdit) for e in edits)
    assert sum(e.new_text.count("\n") for e in edits) <= 4, "only the lines that change"
    await opened.has(applied(DESIGN, [e for e in edits if isinstance(e, t.TextEdit)]))
    assert (await opened.lenses())[0].startswith("≈ proved if retries < 24h")


async def test_a_check_of_an_old_text_is_ended(opened: Opened) -> None:
    await opened.has(DESIGN)
    await opened.has(DESIGN.replace("claim no loss of mail\n", ""))
    assert await opened.lenses() == ["✗ REFUTED: at-least-once"]
    await opened.has("event Paid(id\n")
    assert not await opened.client.text_document_code_lens_async(t.CodeLensParams(opened.me))


async def test_names(opened: Opened) -> None:
    await opened.has(DESIGN)
    where = await opened.client.text_document_definition_async(
        t.DefinitionParams(**opened.at("done", 2))
    )
    assert isinstance(where, list)
    assert texts([x for x in where if isinstance(x, t.Location)], DESIGN) == ["6:done"]
    every = t.ReferenceParams(context=t.ReferenceContext(True), **opened.at("done per"))
    assert texts(list(await opened.client.text_document_references_async(every) or []), DESIGN) == [
        "6:done",
        "11:done",
        "15:done",
    ]
    hover = await opened.client.text_document_hover_async(t.HoverParams(**opened.at("done", 3)))
    assert hover
    assert isinstance(hover.contents, t.MarkupContent)
    assert (
        hover.contents.value
        == "**store** `done`\n\nRows of what was done.\n\n```once\nstore done per id\n```"
    )
    symbols = (
        await opened.client.text_document_document_symbol_async(t.DocumentSymbolParams(opened.me))
        or []
    )
    names = [
        "Paid",
        "done",
        "paid",
        "mail",
        "c",
        "claim no duplicate mail",
        "claim no loss of mail",
    ]
    assert [s.name for s in symbols] == names


async def test_renaming_is_checked(opened: Opened, tmp_path: Path) -> None:
    other = tmp_path / "other.once"
    other.write_text('import "design.once"\nclaim no duplicate mail\n', encoding="utf-8")
    await opened.has(DESIGN)
    target = opened.at("mail", 1)
    edit = await opened.client.text_document_rename_async(
        t.RenameParams(new_name="letter", **target)
    )
    assert edit
    assert edit.changes
    assert {uri: len(edits) for uri, edits in edit.changes.items()} == {
        opened.uri: 4,
        other.as_uri(): 1,
    }
    for name, said in (
        ("ack", "is a word of the language"),
        ("done", "there is already a store"),
        ("a b", "cannot be a name"),
    ):
        with pytest.raises(JsonRpcException, match=said):
            await opened.client.text_document_rename_async(t.RenameParams(new_name=name, **target))
    keyword = t.PrepareRenameParams(**opened.at("claim"))
    assert await opened.client.text_document_prepare_rename_async(keyword) is None


async def test_completion_and_formatting(opened: Opened) -> None:
    await opened.has(DESIGN.replace("  send mail\n", "  send m\n"))
    found = await opened.client.text_document_completion_async(
        t.CompletionParams(**opened.at("send m", 0, 6))
    )
    assert isinstance(found, t.CompletionList)
    assert [i.label for i in found.items] == ["mail"]
    assert isinstance(found.items[0].text_edit, t.TextEdit)
    assert found.items[0].text_edit.range.start.character == 7
    await opened.has(
        DESIGN.replace("  send mail", "      send   mail").replace("per id", "per  id")
    )
    options = t.FormattingOptions(4, True)
    assert not await opened.client.text_document_formatting_async(
        t.DocumentFormattingParams(opened.me, options)
    )
    await opened.has(DESIGN.replace("send mail", "send   mail"))
    (edit,) = (
        await opened.client.text_document_formatting_async(
            t.DocumentFormattingParams(opened.me, options)
        )
        or []
    )
    assert "\n  send mail\n" in edit.new_text
