"""The wheel is whole: code, SQL, licence and entry point, and it finds its own SQL wherever it lies."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("folder", ["sql", "ingest"])
def test_has_the_declarative_files(wheel: Path, checkout: Path, folder: str) -> None:
    prefix = f"wmiwarehouse/_assets/{folder}/"
    inside = {name.removeprefix(prefix) for name in zipfile.ZipFile(wheel).namelist() if name.startswith(prefix)}
    there = {path.relative_to(checkout / folder).as_posix() for path in (checkout / folder).rglob("*.sql")}
    assert there
    assert there <= inside


def test_has_the_package_and_nothing_else(wheel: Path, checkout: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    modules = {path.relative_to(checkout).as_posix() for path in (checkout / "wmiwarehouse").rglob("*.py")}
    assert modules <= set(names)
    assert "wmiwarehouse/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"wmiwarehouse"}


def test_has_licence_and_entry_point(wheel: Path, checkout: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (info,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
    for name in ("LICENSE", "NOTICE"):
        assert archive.read(f"{info}/licenses/{name}") == (checkout / name).read_bytes()
    assert "wmiwh = wmiwarehouse.__main__:main" in archive.read(f"{info}/entry_points.txt").decode()
    assert "License-Expression: Apache-2.0" in archive.read(f"{info}/METADATA").decode()


def test_finds_its_own_sql(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "from wmiwarehouse import assets; print(assets.folder('sql')); print(assets.folder('ingest'))"
    setup = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"
    done = subprocess.run([sys.executable, "-I", "-c", setup], capture_output=True, text=True, cwd="/", check=True)
    assert done.stdout.splitlines() == [str(tmp_path / "wmiwarehouse" / "_assets" / name) for name in ("sql", "ingest")]
