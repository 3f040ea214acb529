"""A released version stays what it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from wmiwarehouse.content import lock
from wmiwarehouse.content.library import Library
from wmiwarehouse.content.metadata import ContentError

NAME = "car_2016_03_002_v1"


@pytest.fixture
def copy(tmp_path: Path, library: Library) -> Path:
    return Path(shutil.copytree(library.folder, tmp_path / "sql"))


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "analytics" / f"{NAME}.sql"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_every_version_is_locked_as_it_is(library: Library) -> None:
    difference = lock.compare(library)
    assert difference.errors() == []
    assert difference.new == {}, "new versions: python -m wmiwarehouse.content.lock --write"


def test_a_changed_view_with_its_old_version_fails(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (copy / lock.LOCK_NAME).read_text()
    edit(copy, "process.process_name = 'wmic.exe'", "process.process_name = 'wmic.com'")
    for arguments in ([], ["--write"]):
        assert lock.main(["--folder", str(copy), *arguments]) == 1
        assert f"{NAME}: the query changed, its version did not" in capsys.readouterr().err
    assert (copy / lock.LOCK_NAME).read_text() == before


def test_layout_comments_and_metadata_may_change(copy: Path) -> None:
    edit(copy, "    from process_creation as process\n", "    from\n        process_creation AS process -- a note\n")
    edit(copy, 'severity = "high"', 'severity = "low"')
    assert lock.main(["--folder", str(copy)]) == 0


def test_a_new_version_is_added_and_the_old_line_stays(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (copy / "analytics" / f"{NAME}.sql").read_text()
    text = text.replace("version = 1\n", "version = 2\n").replace(NAME, "car_2016_03_002_v2").replace("/node:", "/node")
    (copy / "analytics" / "car_2016_03_002_v2.sql").write_text(text)
    assert lock.main(["--folder", str(copy)]) == 1
    assert "car_2016_03_002_v2: is new; lock it with --write" in capsys.readouterr().err
    before = lock.read(copy / lock.LOCK_NAME)
    assert lock.main(["--folder", str(copy), "--write"]) == 0
    after = lock.read(copy / lock.LOCK_NAME)
    assert set(after) - set(before) == {"car_2016_03_002_v2"}
    assert {name: after[name] for name in before} == before
    assert lock.main(["--folder", str(copy)]) == 0


def test_a_deleted_version_is_missed(copy: Path) -> None:
    (copy / "analytics" / f"{NAME}.sql").unlink()
    assert lock.compare(Library.load(copy)).gone == (NAME,)


@pytest.mark.parametrize(
    ("body", "message"), [("create or replace view (", "is no valid SQL"), ("select 1; select 2", "one statement")]
)
def test_a_file_that_is_no_view_is_refused(body: str, message: str, copy: Path) -> None:
    path = copy / "analytics" / f"{NAME}.sql"
    head, _, _ = path.read_text().partition("create or replace")
    path.write_text(head + body)
    with pytest.raises(ContentError, match=message):
        lock.compare(Library.load(copy))
