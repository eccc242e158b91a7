"""Names are found where they stand, and renaming is refused where it would change what a design
says.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from onceproof.lang.source import Source
from onceproof.lang.syntax.interactive import grammar
from onceproof.lang.syntax.parser import parse
from onceproof.lsp.cards import card
from onceproof.lsp.names import Symbol, at, definitions, occurrences
from onceproof.lsp.project import analysed, importers
from onceproof.lsp.reference import about
from onceproof.lsp.renaming import Refused, can_be_renamed, renamed, replaced

from support.repo import files, read

VALID = analysed(read("tests/designs/valid/valid.once"), "valid.once")


@pytest.mark.parametrize(
    "path", [p for p in files() if p.suffix == ".once" and p.parts[0] == "examples"], ids=str
)
def test_every_name_of_the_examples_has_a_kind(path: Path) -> None:
    source = Source.of(str(path), read(path))
    tree, _ = parse(source)
    imports = any(line.startswith("import") for line in source.lines)
    for found in occurrences(tree.items):
        line = source.line(found.span.line)
        assert line[found.span.column - 1 : found.span.end_column - 1] == found.symbol.name
        assert found.symbol.kind != "name"
        assert found.symbol.kind != "target" or imports


def test_places() -> None:
    source = VALID.source
    line = next(
        i
        for i, text in enumerate(source.lines, 1)
        if "update ledger.status from open to paid" in text
    )
    kinds = [
        at(VALID.names, "valid.once", line, source.line(line).index(word) + 2)
        for word in ("ledger", "status", "open")
    ]
    assert [o.symbol for o in kinds if o] == [
        Symbol("store", "ledger"),
        Symbol("column", "status", "ledger"),
        Symbol("value", "open", "ledger.status"),
    ]
    where = definitions(VALID.names, Symbol("column", "status", "ledger"))
    assert [source.line(o.span.line).strip() for o in where] == ["status: open | paid | sent"]


@pytest.mark.parametrize(
    "symbol", sorted({o.symbol for o in VALID.names if o.declares}, key=str), ids=str
)
def test_renaming_and_back(symbol: Symbol) -> None:
    places = renamed([VALID], symbol, "brand_new")
    text = replaced(VALID.source, places["valid.once"], "brand_new")
    other = analysed(text, "valid.once")
    assert other.loaded.diagnostics == () or [d.code for d in other.loaded.diagnostics] == [
        d.code for d in VALID.loaded.diagnostics
    ]
    if symbol.name == "before":  # a word that stands between names; the design has it on purpose
        return
    again = next(o.symbol for o in other.names if o.symbol.name == "brand_new")
    assert (
        replaced(other.source, renamed([other], again, symbol.name)["valid.once"], symbol.name)
        == VALID.source.text
    )


@pytest.mark.parametrize(
    ("symbol", "new", "said"),
    [
        (Symbol("store", "ledger"), "receipt", "there is already a effect `receipt`"),
        (Symbol("field", "order"), "id", "there is already a field `id`"),
        (Symbol("field", "kind"), "known", "there is already a local `known`"),
        (Symbol("column", "status", "ledger"), "attempts", "there is already a column `attempts`"),
        (Symbol("queue", "payments"), "of", "a word of the language"),
        (Symbol("queue", "payments"), "9", "cannot be a name"),
    ],
)
def test_refused(symbol: Symbol, new: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        renamed([VALID], symbol, new)


def test_values_are_not_the_design_s_own() -> None:
    assert not can_be_renamed(Symbol("value", "open", "ledger.status"))


def test_importers(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    shared, user, other = (
        tmp_path / "below" / "shared.once",
        tmp_path / "user.once",
        tmp_path / "other.once",
    )
    shared.write_text("store seen per id\n", encoding="utf-8")
    user.write_text('import "below/shared.once"\nfragment f\n  add id to seen\n', encoding="utf-8")
    other.write_text("store seen per id\n", encoding="utf-8")
    main = analysed("# not saved yet\n" + shared.read_text(encoding="utf-8"), str(shared))
    found = importers(str(shared), str(tmp_path))
    assert [a.path for a in found] == [str(user)]
    places = renamed([main, *found], Symbol("store", "seen"), "done")
    assert {path: [s.line for s in spans] for path, spans in places.items()} == {
        str(shared): [2],
        str(user): [3],
    }


def test_the_reference_says_something_about_every_first_word() -> None:
    for word in grammar().words(grammar().start) | grammar().words(grammar().contexts["step"]):
        assert len(about(word, word)) > 30, word
    assert about("settles", "late ack settles").startswith("`late ack settles`: an acknowledgement")
    assert about("unique", "store s per id, unique").startswith("`unique`: a second `insert`")
    assert about("nonsense", "nonsense") == ""


def test_cards() -> None:
    line = next(i for i, text in enumerate(VALID.source.lines, 1) if "via smtp" in text)
    column = VALID.source.line(line).index("smtp")
    assert "rfc-editor.org" in card(VALID, line, column, ())
    assert card(VALID, line, 1, ()).startswith("```once\neffect NAME per KEY")
    assert card(VALID, 1, 5, ()) == ""
