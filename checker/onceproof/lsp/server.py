"""The server itself: what the client asks, answered with the rest of this package. Starts with
``onceproof lsp``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol

from onceproof.base.version import VERSION
from onceproof.lang.format import formatted
from onceproof.lsp.cards import card, lens
from onceproof.lsp.completion import Proposal, proposals
from onceproof.lsp.findings import findings, marks, suggestions
from onceproof.lsp.names import Occurrence, at, definitions
from onceproof.lsp.places import Places, changes, path_of, uri_of
from onceproof.lsp.project import Analysis, analysed, importers
from onceproof.lsp.renaming import Refused, can_be_renamed, references, renamed
from onceproof.lsp.symbols import outline
from onceproof.lsp.verdicts import Background, EditorResult, repair, reviewed, verdicts
from onceproof.verdict.result import Verdict

CHECK = "onceproof.check"
REVIEW = "onceproof.review"
"""The command that checks a design again: takes its URI."""
PAUSE = 0.15
"""Seconds without typing before mistakes are shown."""
PATIENCE = 0.6
"""Seconds without typing before a check begins."""
MOST_SECONDS = 3600.0
"""For each claim and guarantee, whatever a client wishes."""
ITEMS = {
    "word": types.CompletionItemKind.Keyword,
    "model": types.CompletionItemKind.Module,
    "option": types.CompletionItemKind.Property,
    "choice": types.CompletionItemKind.EnumMember,
    "value": types.CompletionItemKind.EnumMember,
    "field": types.CompletionItemKind.Field,
    "column": types.CompletionItemKind.Field,
    "effect": types.CompletionItemKind.Function,
    "store": types.CompletionItemKind.Struct,
    "queue": types.CompletionItemKind.Interface,
    "event": types.CompletionItemKind.Event,
    "local": types.CompletionItemKind.Variable,
}


class Document:
    """What is known about one open design."""

    def __init__(self) -> None:
        self.results: list[EditorResult] = []
        self.results_for = ""
        """The text that the verdicts are about."""
        self.work: asyncio.Task[None] | None = None
        self.is_busy = False


class Protocol(LanguageServerProtocol):
    """The protocol, with an answer to requests that are none: a position that is no number, or
    below zero.
    """

    def structure_message(self, data: dict[str, Any]) -> Any:
        """What a message says. Raises JsonRpcException, after the client was told."""
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "method" in data and isinstance(data.get("id"), int | str):
                self._send_response(data["id"], error=error.to_response_error())
            raise


class Server(LanguageServer):
    """The language server. ``when``: check after a ``change``, on ``save`` or ``never``;
    ``seconds``: per claim and guarantee.
    """

    def __init__(self) -> None:
        kind = types.TextDocumentSyncKind.Full
        super().__init__("onceproof", VERSION, text_document_sync_kind=kind, protocol_cls=Protocol)
        self.open: dict[str, Document] = {}
        self.background = Background()
        self.when = "change"
        self.seconds = 30.0

    # -- texts

    def analysis(self, uri: str) -> Analysis:
        """The design as it stands in the editor. Raises JsonRpcInvalidParams for one that is not
        open: no file is read for it.
        """
        if uri not in self.workspace.text_documents:
            raise JsonRpcInvalidParams("this design is not open")
        return analysed(
            self.workspace.get_text_document(uri).source.removeprefix("\ufeff"), path_of(uri)
        )

    def places(self, analysis: Analysis, path: str | None = None) -> Places:
        """The conversions for a file of a design."""
        source = analysis.loaded.sources.get(path or analysis.path, analysis.source)
        return Places(source, self.workspace.position_codec)

    def results(self, uri: str) -> list[EditorResult]:
        """The verdicts on the text as it stands; none while they are about another text."""
        document = self.open.get(uri)
        if document is None or uri not in self.workspace.text_documents:
            return []
        return (
            document.results
            if document.results_for == self.workspace.get_text_document(uri).source
            else []
        )

    def name_at(self, uri: str, position: types.Position) -> tuple[Analysis, Occurrence | None]:
        """The name at a position."""
        analysis = self.analysis(uri)
        line, column = self.places(analysis).place_of(position)
        return analysis, at(analysis.names, analysis.path, line, column + 1)

    def location(self, analysis: Analysis, uri: str, occurrence: Occurrence) -> types.Location:
        """Where a name stands."""
        path = occurrence.span.path
        return types.Location(
            uri if path == analysis.path else uri_of(path),
            self.places(analysis, path).range_of(occurrence.span),
        )

    # -- work

    def changed(self, uri: str, pause: float, check: bool) -> None:
        """Show the mistakes of a text soon, and check it if wished; what was begun for an older
        text is ended.
        """
        document = self.open.setdefault(uri, Document())
        if document.work is not None:
            document.work.cancel()
        document.work = asyncio.get_running_loop().create_task(
            self._work(uri, document, pause, check)
        )

    async def _work(self, uri: str, document: Document, pause: float, check: bool) -> None:
        await asyncio.sleep(pause)
        self.publish(uri)
        if not check or self.analysis(uri).loaded.design is None:
            return
        await asyncio.sleep(PATIENCE if pause else 0)
        text = self.workspace.get_text_document(uri).source
        document.results, document.results_for, document.is_busy = [], text, True
        self.refresh()
        try:
            async for result in self.background.run(
                verdicts, text.removeprefix("\ufeff"), path_of(uri), self.seconds
            ):
                document.results.append(result)
                self.refresh()
        finally:
            document.is_busy = False
        self.publish(uri)
        self.refresh()

    def publish(self, uri: str) -> None:
        """Send the mistakes and the fatal points of a design."""
        analysis = self.analysis(uri)
        places = self.places(analysis)
        diagnostics = [f.shown for f in findings(analysis, places)] + marks(
            self.results(uri), analysis.path, uri, places
        )
        version = self.workspace.get_text_document(uri).version
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri, diagnostics, version)
        )

    def refresh(self) -> None:
        """Let the client ask for the lenses again."""
        workspace = self.client_capabilities.workspace
        if workspace and workspace.code_lens and workspace.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None)

    def lenses(self, uri: str) -> Iterator[types.CodeLens]:
        """A line above each claim with its verdicts."""
        analysis, results, document = self.analysis(uri), self.results(uri), self.open.get(uri)
        places = self.places(analysis)
        for claim in analysis.loaded.design.claims if analysis.loaded.design else ():
            of_claim = [t for t in results if t.line == claim.span.line]
            title = lens(of_claim) or ("checking …" if document and document.is_busy else "check")
            yield types.CodeLens(
                places.line(claim.span.line), types.Command(title, CHECK, arguments=[uri])
            )


server = Server()


@server.feature(types.INITIALIZE)
def initialize(ls: Server, params: types.InitializeParams) -> None:
    """Take the client's wishes: ``check`` (change, save or never) and ``timeout`` (seconds per
    claim and guarantee).
    """
    wishes = params.initialization_options
    if isinstance(wishes, dict):
        ls.when = str(wishes.get("check", ls.when))
        seconds = wishes.get("timeout")
        ls.seconds = (
            min(max(float(seconds), 1.0), MOST_SECONDS)
            if isinstance(seconds, int | float)
            else ls.seconds
        )


@server.feature(types.TEXT_DOCUMENT_DID_OPEN)
async def did_open(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
    """A design was opened."""
    ls.changed(params.text_document.uri, 0, ls.when != "never")


@server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
async def did_change(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
    """A design was changed."""
    ls.changed(params.text_document.uri, PAUSE, ls.when == "change")


@server.feature(types.TEXT_DOCUMENT_DID_SAVE)
async def did_save(ls: Server, params: types.DidSaveTextDocumentParams) -> None:
    """A design was saved: designs that import it may read otherwise now."""
    analysed.cache_clear()
    for uri in list(ls.open):
        if uri != params.text_document.uri or ls.when == "save":
            ls.changed(uri, 0, ls.when != "never")


@server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
def did_close(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
    """A design was closed: end its work, take its diagnostics away."""
    document = ls.open.pop(params.text_document.uri, None)
    if document is not None and document.work is not None:
        document.work.cancel()
    ls.text_document_publish_diagnostics(
        types.PublishDiagnosticsParams(params.text_document.uri, [])
    )


@server.feature(types.SHUTDOWN)
def shutdown(ls: Server, params: None) -> None:
    """End all work."""
    for document in ls.open.values():
        if document.work is not None:
            document.work.cancel()
    ls.background.close()


@server.command(CHECK)
async def check(ls: Server, uri: str) -> None:
    """Check a design now."""
    if uri in ls.workspace.text_documents:
        ls.changed(uri, 0, True)


@server.command(REVIEW)
async def review(ls: Server, uri: str) -> str | None:
    """The review of a design as it stands in the editor, as a page of HTML; None if it has
    mistakes.
    """
    analysis = ls.analysis(uri)
    if analysis.loaded.design is None:
        return None
    async for page in ls.background.run(reviewed, analysis.source.text, analysis.path, ls.seconds):
        return str(page)
    return None


# ---------------------------------------------------------------- questions


@server.feature(types.TEXT_DOCUMENT_CODE_LENS)
def code_lens(ls: Server, params: types.CodeLensParams) -> list[types.CodeLens]:
    """The verdicts above the claims."""
    return list(ls.lenses(params.text_document.uri))


@server.feature(types.TEXT_DOCUMENT_HOVER)
def hover(ls: Server, params: types.HoverParams) -> types.Hover | None:
    """The card of what is under the pointer."""
    analysis = ls.analysis(params.text_document.uri)
    line, column = ls.places(analysis).place_of(params.position)
    text = card(analysis, line, column, ls.results(params.text_document.uri))
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text)) if text else None


@server.feature(
    types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[" ", ".", "(", "="])
)
def completion(ls: Server, params: types.CompletionParams) -> types.CompletionList:
    """What can stand at the cursor."""
    analysis = ls.analysis(params.text_document.uri)
    places = ls.places(analysis)
    line, column = places.place_of(params.position)
    items = [
        _item(p, i, params.position, places)
        for i, p in enumerate(proposals(analysis, line, column))
    ]
    return types.CompletionList(is_incomplete=False, items=items)


def _item(
    proposal: Proposal, index: int, position: types.Position, places: Places
) -> types.CompletionItem:
    line = places.source.line(position.line + 1)
    start = types.Position(position.line, places.codec.client_num_units(line[: proposal.start]))
    return types.CompletionItem(
        proposal.label,
        kind=ITEMS.get(proposal.kind, types.CompletionItemKind.Reference),
        detail=proposal.detail or None,
        documentation=(
            types.MarkupContent(types.MarkupKind.Markdown, proposal.about)
            if proposal.about
            else None
        ),
        sort_text=f"{proposal.kind in ('word', 'model')}{index:04}",
        insert_text_format=(
            types.InsertTextFormat.Snippet if proposal.snippet else types.InsertTextFormat.PlainText
        ),
        text_edit=types.TextEdit(types.Range(start, position), proposal.snippet or proposal.label),
    )


@server.feature(types.TEXT_DOCUMENT_DEFINITION)
def definition(ls: Server, params: types.DefinitionParams) -> list[types.Location]:
    """Where a name is declared."""
    analysis, occurrence = ls.name_at(params.text_document.uri, params.position)
    where = definitions(analysis.names, occurrence.symbol) if occurrence else []
    return [ls.location(analysis, params.text_document.uri, o) for o in where]


@server.feature(types.TEXT_DOCUMENT_REFERENCES)
def all_references(ls: Server, params: types.ReferenceParams) -> list[types.Location]:
    """Every place of a name."""
    analysis, occurrence = ls.name_at(params.text_document.uri, params.position)
    places = references(analysis.names, occurrence.symbol) if occurrence else []
    wanted = [o for o in places if params.context.include_declaration or not o.declares]
    return [ls.location(analysis, params.text_document.uri, o) for o in wanted]


@server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
def prepare_rename(ls: Server, params: types.PrepareRenameParams) -> types.Range | None:
    """The name that would be renamed; None where there is none to rename."""
    analysis, occurrence = ls.name_at(params.text_document.uri, params.position)
    return (
        ls.places(analysis).range_of(occurrence.span)
        if occurrence and can_be_renamed(occurrence.symbol)
        else None
    )


@server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
def rename(ls: Server, params: types.RenameParams) -> types.WorkspaceEdit:
    """Rename a name wherever it stands, in the designs that import it, too."""
    uri = params.text_document.uri
    analysis, occurrence = ls.name_at(uri, params.position)
    if occurrence is None or not can_be_renamed(occurrence.symbol):
        raise JsonRpcInvalidParams("there is no name here that could be renamed")
    others = [a for root in _folders(ls) for a in importers(analysis.path, root)]
    try:
        places = renamed([analysis, *others], occurrence.symbol, params.new_name)
    except Refused as error:
        raise JsonRpcInvalidParams(str(error)) from error
    sources = {path: (a, path) for a in [*others, analysis] for path in a.loaded.sources}
    changes = {}
    for path, spans in places.items():
        convert = ls.places(*sources[path])
        key = uri if path == analysis.path else uri_of(path)
        changes[key] = [types.TextEdit(convert.range_of(s), params.new_name) for s in spans]
    return types.WorkspaceEdit(changes=changes)


def _folders(ls: Server) -> list[str]:
    return sorted({path_of(uri) for uri in ls.workspace.folders})


@server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
def document_symbols(ls: Server, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
    """The outline."""
    analysis = ls.analysis(params.text_document.uri)
    return outline(analysis, ls.places(analysis))


@server.feature(types.TEXT_DOCUMENT_FORMATTING)
def formatting(ls: Server, params: types.DocumentFormattingParams) -> list[types.TextEdit]:
    """The one style; nothing for a text with mistakes."""
    analysis = ls.analysis(params.text_document.uri)
    done = formatted(analysis.source)
    if done.text is None or done.text == analysis.source.text:
        return []
    return [types.TextEdit(ls.places(analysis).whole(), done.text)]


# ---------------------------------------------------------------- actions


@server.feature(
    types.TEXT_DOCUMENT_CODE_ACTION,
    types.CodeActionOptions([types.CodeActionKind.QuickFix], resolve_provider=True),
)
def code_actions(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    """What can be done about the mistakes and the refuted claims of a range."""
    uri = params.text_document.uri
    analysis = ls.analysis(uri)
    actions = list(suggestions(findings(analysis, ls.places(analysis)), uri, params.range))
    first, last = params.range.start.line + 1, params.range.end.line + 1
    for result in ls.results(uri):
        touched = {result.line} | (
            {result.fatal[1]} if result.fatal and result.fatal[0] in ("", analysis.path) else set()
        )
        if result.verdict is Verdict.REFUTED and any(first <= line <= last for line in touched):
            title = (
                f"Repair: make `{result.claim}` hold under {result.semantics} (the cheapest change"
                " that is proved to help)"
            )
            data = {
                "uri": uri,
                "claim": result.claim,
                "line": result.line,
                "semantics": result.semantics,
            }
            actions.append(types.CodeAction(title, kind=types.CodeActionKind.QuickFix, data=data))
    return actions


@server.feature(types.CODE_ACTION_RESOLVE)
async def resolve_action(ls: Server, action: types.CodeAction) -> types.CodeAction:
    """Search a repair when it was chosen; a message if there is none."""
    wanted = action.data
    if not isinstance(wanted, dict):
        return action
    uri, claim, semantics = (str(wanted[key]) for key in ("uri", "claim", "semantics"))
    line = int(wanted["line"])
    analysis = ls.analysis(uri)
    async for text in ls.background.run(
        repair, analysis.source.text, analysis.path, claim, line, semantics, ls.seconds
    ):
        edits = list(changes(analysis.source.text, text, ls.places(analysis)))
        action.edit = types.WorkspaceEdit(changes={uri: edits})
        return action
    ls.window_show_message(
        types.ShowMessageParams(
            types.MessageType.Info,
            f"no repair was found for `{claim}` under {semantics}: see `onceproof repair -v`",
        )
    )
    return action
