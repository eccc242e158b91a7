"""What is written: all or nothing, over no design, and nowhere but where it was asked for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from onceproof.base.writing import replace_file
from onceproof.machine.delivery import Delivery
from onceproof.verdict.certificates import folder_of

from support.command_line import run
from support.process import SEED
from support.trap import SAFE, UNSAFE

MESSY = "event  Paid(id)\n"
TIDY = "event Paid(id)\n"


def test_fmt_keeps_mode_and_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.once", tmp_path / "link.once"
    real.write_text(MESSY, encoding="utf-8")
    real.chmod(0o640)
    link.symlink_to("real.once")
    assert run("fmt", link).returncode == 0
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == TIDY
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.once", "real.once"]


def test_repair_keeps_mode_link_and_line_ends(tmp_path: Path) -> None:
    real, link = tmp_path / "real.once", tmp_path / "link.once"
    text = SEED.read_text(encoding="utf-8").replace("  expect violated under at-most-once\n", "")
    real.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    real.chmod(0o600)
    link.symlink_to("real.once")
    done = run("repair", "--apply", link)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert "written:" in done.stdout
    assert link.is_symlink()
    after = real.read_bytes()
    assert after.startswith(b"\xef\xbb\xbf")
    assert after.count(b"\n") == after.count(b"\r\n") > 5
    assert real.stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.once"
    path.write_text(MESSY, encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    done = run("fmt", path)
    assert (done.returncode, path.read_text(encoding="utf-8")) == (74, MESSY)
    assert "no space left" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["a.once"]


def test_a_new_file_has_the_usual_mode(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        replace_file(tmp_path / "a", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_device_stays_one(tmp_path: Path) -> None:
    assert run("check", SEED, "--output", os.devnull).returncode == 0
    assert not Path(os.devnull).is_file()


# ---------------------------------------------------------------- inputs


@pytest.fixture
def designs(tmp_path: Path) -> Path:
    """A design with an import and a model of its own; a crash breaks its claim, so that there is a
    test to write.
    """
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.toml").write_text(
        'name = "mine"\ntitle = "M"\nkind = "queue"\nsummary = "s"\n[machine]\nlate_ack ='
        ' "refused"\n[sources.s]\nurl = "https://example.org"\nread = "all"\n[[facts]]\nid ='
        ' "f"\nbehaviour = "late ack"\ntext = "t"\nsource = "s"\nstatus = "documented"\n',
        encoding="utf-8",
    )
    (tmp_path / "parts.once").write_text("store seen per id\n", encoding="utf-8")
    text = 'import "parts.once"\n' + UNSAFE.replace("at-least-once", "via mine").replace(
        "  send", "  add id to seen\n  send"
    )
    (tmp_path / "a.once").write_text(text, encoding="utf-8")
    (tmp_path / "plain").write_text(UNSAFE, encoding="utf-8")
    os.link(tmp_path / "plain", tmp_path / "hard")
    (tmp_path / "soft").symlink_to("plain")
    (tmp_path / "hidden").symlink_to("a.once")
    return tmp_path


COMMANDS = {
    "check": ("check", "{in}", "--output", "{out}"),
    "report of a check": ("check", "{in}", "--report", "json={out}"),
    "graph": ("graph", "{in}", "--output", "{out}"),
    "export": ("export", "murphi", "{in}", "-o", "{out}"),
    "diff": ("diff", "{in}", "{in}", "--output", "{out}"),
    "testgen": ("testgen", "{in}", "-o", "{out}"),
    "harness": ("testgen", "{in}", "--harness", "{out}"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("plain", "plain"),
        ("plain", "hard"),
        ("plain", "soft"),
        ("a.once", "a.once"),
        ("a.once", "hidden"),
        ("a.once", "parts.once"),
        ("a.once", "models/mine.toml"),
        ("a.once", "models/../a.once"),
        ("a.once", "other.once"),
    ],
)
def test_an_output_never_overwrites_what_was_read(
    command: str, read: str, written: str, designs: Path
) -> None:
    before = {p: p.read_bytes() for p in designs.rglob("*") if p.is_file()}
    words = [
        w.replace("{in}", str(designs / read)).replace("{out}", str(designs / written))
        for w in COMMANDS[command]
    ]
    done = run(*words)
    assert done.returncode == 2, done.stdout
    assert {p: p.read_bytes() for p in designs.rglob("*") if p.is_file()} == before


def test_a_companion_never_overwrites_what_was_read(tmp_path: Path) -> None:
    """A TLA+ module comes with a configuration beside it."""
    path = tmp_path / "Design.cfg"
    path.write_text(SAFE, encoding="utf-8")
    done = run("export", "tla", path, "-o", tmp_path / "Design.tla")
    assert done.returncode == 2
    assert path.read_text(encoding="utf-8") == SAFE
    assert not (tmp_path / "Design.tla").exists()


def test_a_walk_is_not_saved_over_its_design(tmp_path: Path) -> None:
    path = tmp_path / "plain"
    path.write_text(SAFE, encoding="utf-8")
    (tmp_path / "script").write_text(
        f"1\nsave {path}\nsave {tmp_path / 'walk'}\n", encoding="utf-8"
    )
    assert run("step", path, "--script", tmp_path / "script").returncode == 2
    assert path.read_text(encoding="utf-8") == SAFE
    assert (tmp_path / "walk").exists()


# ---------------------------------------------------------------- certificates


def test_folders_of_two_claims_never_collide() -> None:
    claims = [
        "no duplicate mail",
        "no duplicate Mail",
        "no duplicate mail-",
        "no duplicate MAIL",
        "no-duplicate mail",
    ]
    claims += [f"never {'row.state is open and ' * 5}x{n}" for n in range(3)]
    folders = {
        str(folder_of("0" * 64, claim, Delivery.AT_LEAST_ONCE)).casefold() for claim in claims
    }
    assert len(folders) == len(claims)
    assert (
        str(folder_of("0" * 64, "no duplicate mail", Delivery.AT_LEAST_ONCE))
        == "000000000000/no-duplicate-mail--at-least-once"
    )


def test_certificates_do_not_follow_links(tmp_path: Path) -> None:
    path, elsewhere, proofs = tmp_path / "a.once", tmp_path / "elsewhere", tmp_path / "proofs"
    path.write_text(SAFE, encoding="utf-8")
    assert run("check", path, "--certificate", proofs).returncode == 0
    (folder,) = (p for p in proofs.iterdir())
    (inner,) = folder.iterdir()
    for place in (folder, inner):
        shutil.rmtree(elsewhere, ignore_errors=True)
        shutil.move(place, elsewhere)
        (elsewhere / "precious.smt2").write_text("mine", encoding="utf-8")
        place.symlink_to(elsewhere)
        before = {p: p.read_bytes() for p in elsewhere.rglob("*") if p.is_file()}
        done = run("check", path, "--certificate", proofs)
        assert (done.returncode, "is a link" in done.stderr) == (2, True)
        assert {p: p.read_bytes() for p in elsewhere.rglob("*") if p.is_file()} == before
        place.unlink()
        (elsewhere / "precious.smt2").unlink()
        shutil.move(elsewhere, place)
    victim = tmp_path / "victim"
    victim.write_text("mine", encoding="utf-8")
    (inner / "README.md").unlink()
    (inner / "README.md").symlink_to(victim)
    assert run("check", path, "--certificate", proofs).returncode == 0
    assert victim.read_text(encoding="utf-8") == "mine"
    assert not (inner / "README.md").is_symlink()


def test_a_certificate_of_another_kind_is_replaced(tmp_path: Path) -> None:
    """What is proved today may be refuted when what it imports has changed."""
    path, parts = tmp_path / "a.once", tmp_path / "parts.once"
    path.write_text(
        'import "parts.once"\n' + UNSAFE.replace("effect mail per id via http\n", ""),
        encoding="utf-8",
    )
    for text, code in (
        ("effect mail per id via http\n", 1),
        ("effect mail per id via http\n  key id, kept for ever\n", 0),
    ) * 2:
        parts.write_text(text, encoding="utf-8")
        assert run("check", path, "--certificate", tmp_path / "proofs").returncode == code
        assert run("verify", tmp_path / "proofs", path).returncode == code
