"""Loading: order, versions, names, and errors that say which file and field."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse import cache
from wmiwarehouse.content import heads
from wmiwarehouse.content.library import Library, UnknownAnalyticError
from wmiwarehouse.content.metadata import ContentError
from wmiwarehouse.frontmatter import Document

MODEL = '-- /// model\n-- name = "{name}"\n-- title = "t"\n-- requires = {requires}\n-- ///\nselect 1\n'


def model(folder: Path, name: str, *requires: str) -> Path:
    path = folder / "model" / f"{name}.sql"
    path.parent.mkdir(exist_ok=True)
    path.write_text(MODEL.format(name=name, requires=list(requires)))
    return path


@pytest.fixture
def copy(tmp_path: Path, library: Library) -> Path:
    return Path(shutil.copytree(library.folder, tmp_path / "sql"))


def test_models_come_after_what_they_require(library: Library) -> None:
    names = [item.name for item in library.models]
    assert names[0] == "events"
    for item in library.models:
        assert all(names.index(needed) < names.index(item.name) for needed in item.requires)


def test_every_version_is_there_and_the_newest_is_known(copy: Path) -> None:
    first = copy / "analytics" / "wmiprvse_children_v1.sql"
    text = first.read_text().replace("version = 1", "version = 10").replace("children_v1", "children_v10")
    (copy / "stacks").mkdir(exist_ok=True)
    (copy / "stacks" / "wmiprvse_children_v10.sql").write_text(text)
    (copy / "analytics" / "wmiprvse_children_v9.sql").write_text(
        text.replace("version = 10", "version = 9").replace("_v10", "_v9")
    )
    found = Library.load(copy)
    assert [item.version for item in found.versions("wmiprvse_children")] == [1, 9, 10]
    assert found.newest["wmiprvse_children"].view == "wmiprvse_children_v10"
    assert found.get("wmiprvse_children").version == 10
    assert found.get("wmiprvse_children_v9").version == 9


def test_an_analytic_has_its_sql_without_the_head(library: Library) -> None:
    item = library.get("car_2016_03_002")
    assert item.sql.startswith("create or replace view hunt.car_2016_03_002_v1 as")
    assert item.path.name == "car_2016_03_002_v1.sql"
    assert item.metadata.attack[0].technique == "T1047"


@pytest.mark.parametrize("name", ["xql_wmic", "XQL-wmic-remote-exec", "xql_wmic_remot_exec"])
def test_a_misspelt_name_gets_the_nearest(name: str, library: Library) -> None:
    with pytest.raises(UnknownAnalyticError, match="nearest: xql_wmic_remote_exec") as caught:
        library.get(name)
    assert caught.value.nearest[0] == "xql_wmic_remote_exec"


def test_a_name_like_no_other_gets_no_nearest(library: Library) -> None:
    with pytest.raises(UnknownAnalyticError, match=r'^no analytic "zzz"\. All: wmiwh list$'):
        library.get("zzz")


def test_models_that_build_on_each_other_are_refused(tmp_path: Path) -> None:
    model(tmp_path, "one", "two")
    model(tmp_path, "two", "one")
    with pytest.raises(ContentError, match="requires: views build on each other"):
        Library.load(tmp_path)


def test_a_model_that_is_not_there_is_refused(tmp_path: Path) -> None:
    model(tmp_path, "events")
    path = model(tmp_path, "logon", "event")
    with pytest.raises(ContentError, match="requires: no model view event; did you mean events") as caught:
        Library.load(tmp_path)
    assert str(path) in str(caught.value)


def test_file_and_name_must_agree(tmp_path: Path) -> None:
    model(tmp_path, "events").rename(tmp_path / "model" / "event.sql")
    with pytest.raises(ContentError, match=r"name: is events, but the file is event\.sql"):
        Library.load(tmp_path)


def test_one_version_in_two_folders_is_refused(copy: Path) -> None:
    (copy / "chains").mkdir(exist_ok=True)
    shutil.copy(copy / "analytics" / "car_2016_03_002_v1.sql", copy / "chains")
    with pytest.raises(ContentError, match="car_2016_03_002_v1 is also in"):
        Library.load(copy)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select 1\n", "no front matter"),
        ("-- /// model\n-- x = \n-- ///\n", "front matter"),
        ("\udcff", "is not UTF-8"),
    ],
)
def test_a_file_without_a_valid_head_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "model" / "events.sql"
    path.parent.mkdir()
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ContentError, match=message) as caught:
        Library.load(tmp_path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_loading_needs_no_heavy_library() -> None:
    code = (
        "import sys, wmiwarehouse.content.lock; from wmiwarehouse.content.library import Library;"
        "Library.load(); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"duckdb", "pyarrow", "sqlglot", "evtx"}


def test_what_was_checked_is_not_checked_again_until_it_changes(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    check = heads.checked

    def noting(document: Document, kind: str) -> Any:
        checked.append(document.path.name)
        return check(document, kind)

    monkeypatch.setattr(heads, "checked", noting)
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    first = Library.load(copy)
    assert len(checked) == len(first.views) + len(first.risk)
    checked.clear()
    assert Library.load(copy) == first
    assert checked == []
    changed = copy / "analytics" / "wmiprvse_children_v1.sql"
    changed.write_text(changed.read_text().replace('severity = "', 'severity = "x', 1))
    with pytest.raises(ContentError, match="severity: Input should be"):
        Library.load(copy)
    assert changed.name in checked


def test_a_command_that_reads_the_library_needs_no_pydantic_the_second_time(tmp_path: Path) -> None:
    code = (
        "import sys; from wmiwarehouse.content.library import Library; Library.load(); print('pydantic' in sys.modules)"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {cache.VARIABLE: str(tmp_path)},
        ).stdout.strip()
        for _ in range(2)
    ]
    assert said == ["True", "False"]
