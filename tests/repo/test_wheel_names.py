"""The distribution owns one import name, and the folder of sources is not another."""

from __future__ import annotations

import tomllib

from support.repo import PACKAGE, SOURCES, read


def test_the_wheel_holds_one_package() -> None:
    wheel = tomllib.loads(read("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["checker/onceproof"]
    assert {name.split("/")[0] for name in wheel["force-include"].values()} == {"onceproof"}


def test_the_folder_of_sources_is_no_package() -> None:
    assert not (SOURCES / "__init__.py").exists()
    assert [p.name for p in SOURCES.iterdir() if p.name != "__pycache__"] == [PACKAGE.name]
