"""Files that somebody writes to, replaces or removes while they are read, and what is no file at all in a folder."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.pipeline import surveyor
from wmiwarehouse.pipeline.surveyor import Surveyor

Lake = Any
Change = Callable[[Path], object]


def text(line: dict[str, Any], *numbers: int) -> bytes:
    return b"".join(json.dumps(line | {"RecordNumber": number}).encode() + b"\n" for number in numbers)


@pytest.fixture
def log(tmp_path: Path, line: dict[str, Any]) -> Path:
    (tmp_path / "logs").mkdir()
    path = tmp_path / "logs" / "log.json"
    path.write_bytes(text(line, 1, 2, 3))
    (tmp_path / "logs" / "other.json").write_bytes(text(line | {"Hostname": "WS02"}, 1, 2))
    return path


@pytest.fixture
def after_survey(monkeypatch: pytest.MonkeyPatch, log: Path) -> Callable[[Change, int], None]:
    """Does something to the log right after it was surveyed, as often as is said."""

    def arrange(change: Change, times: int) -> None:
        survey = Surveyor._survey
        left = iter(range(times))

        def survey_and_change(self: Surveyor, found: Any) -> Any:
            answer = survey(self, found)
            if found.place.path == log and next(left, None) is not None:
                change(log)
            return answer

        monkeypatch.setattr(surveyor.Surveyor, "_survey", survey_and_change)

    return arrange


def sources(lake: Lake) -> dict[str, dict[str, Any]]:
    found = lake.rows("select source_file, source_id, status, records, reason from lake_sources")
    return {Path(row.pop("source_file")).name: row for row in found}


def test_what_is_appended_is_for_the_next_ingest(
    lake: Lake, log: Path, line: dict[str, Any], after_survey: Callable[[Change, int], None]
) -> None:
    first = log.read_bytes()
    after_survey(lambda path: path.write_bytes(first + text(line, 4)), 1)
    summary = lake.ingest(log.parent)
    assert (summary.records, summary.exit_code) == (5, 0)
    ((_, where, why, lost),) = summary.problems
    assert (where, lost) == ("", 0)
    assert why == (f"grew while it was read: read up to byte {len(first):,}; what came later is for the next ingest")
    assert sources(lake)["log.json"]["source_id"] == hashlib.sha256(first).hexdigest()
    again = lake.ingest(log.parent)
    assert (again.records, again.duplicates) == (4, 3)
    assert lake.value("select count(*) from events where not is_duplicate") == 6


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(path.read_bytes().replace(b"4688", b"4689")),
        lambda path: path.write_bytes(path.read_bytes()[:-30]),
        lambda path: path.write_bytes(b""),
        lambda path: (path.with_suffix(".new").write_bytes(b"{}"), path.with_suffix(".new").replace(path)),
    ],
    ids=["overwritten", "cut", "emptied", "replaced"],
)
def test_what_changes_once_is_read_as_it_is_then(
    lake: Lake, log: Path, after_survey: Callable[[Change, int], None], change: Change
) -> None:
    """Never under the hash of other bytes."""
    after_survey(change, 1)
    lake.ingest(log.parent)
    found = sources(lake)
    assert found["other.json"]["records"] == 2
    now = hashlib.sha256(log.read_bytes()).hexdigest()
    assert found["log.json"]["source_id"] in (now, None)
    assert lake.value("select count(*) from lake_events where event_id = 4689") in (0, 3)


def test_what_does_not_stop_changing_is_named_and_costs_itself(
    lake: Lake, log: Path, after_survey: Callable[[Change, int], None]
) -> None:
    after_survey(lambda path: path.write_bytes(b" " + path.read_bytes()), 99)
    summary = lake.ingest(log.parent)
    assert summary.records == 2
    ((file, reason),) = summary.failed
    assert Path(file) == log
    assert reason.startswith("changed while it was read, more than once: copy it first")
    assert sources(lake)["log.json"] == {"source_id": None, "status": "failed", "records": 0, "reason": reason}
    assert summary.exit_code == 5


def test_what_disappears_is_named_and_costs_itself(
    lake: Lake, log: Path, after_survey: Callable[[Change, int], None]
) -> None:
    content = log.read_bytes()
    after_survey(lambda path: path.unlink(), 1)
    summary = lake.ingest(log.parent)
    assert (summary.records, summary.exit_code) == (2, 5)
    assert [(Path(file).name, why) for file, why in summary.failed] == [
        ("log.json", "cannot be read: No such file or directory")
    ]
    log.write_bytes(content)  # and it is not taken for read when it is there again
    assert lake.ingest(log.parent).records == 3


def test_a_member_of_an_archive_that_changes(
    lake: Lake, log: Path, line: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import zipfile

    archive = tmp_path / "logs.zip"

    def write(event_id: int) -> None:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for name in ("a", "b"):
                packed.writestr(name, text(line | {"EventID": event_id, "Hostname": name}, 1, 2))

    write(1)
    survey, left = Surveyor._survey, iter(range(1))

    def survey_and_change(self: Surveyor, found: Any) -> Any:
        answer = survey(self, found)
        if next(left, None) is not None:
            write(2)
        return answer

    monkeypatch.setattr(surveyor.Surveyor, "_survey", survey_and_change)
    lake.ingest(archive)
    assert lake.rows("select event_id, count(*) as n from lake_events group by all") == [{"event_id": 2, "n": 4}]


@pytest.fixture
def oddities(tmp_path: Path, line: dict[str, Any]) -> Iterator[Path]:
    folder = tmp_path / "odd"
    (folder / "deeper").mkdir(parents=True)
    (folder / "log.json").write_bytes(text(line, 1))
    os.mkfifo(folder / "pipe.evtx")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "deeper" / "up").symlink_to("..", target_is_directory=True)
    (folder / "itself").symlink_to(folder / "itself")
    (folder / "dangling.evtx").symlink_to(folder / "nowhere")
    (folder / "null").symlink_to("/dev/null")
    (folder / "zero.json").symlink_to("/dev/zero")
    short = Path(os.path.relpath(folder / "socket"))
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(folder)
        try:
            listening.bind(short.name)
        finally:
            os.chdir(here)
        yield folder


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has none of these")
def test_what_is_no_file_is_named_and_everything_else_is_read(lake: Lake, oddities: Path) -> None:
    summary = lake.ingest(oddities)
    assert summary.records == 1
    said = {Path(file).name: reason for file, reason in summary.skipped + summary.failed}
    assert said.keys() == {"pipe.evtx", "loop", "up", "itself", "dangling.evtx", "null", "zero.json", "socket"}
    for name in ("pipe.evtx", "null", "zero.json", "socket"):
        assert "regular file" in said[name]
    for name in ("loop", "up"):
        assert "link to a folder" in said[name]
    assert "No such file" in said["dangling.evtx"]
    assert "cannot be read" in said["itself"]
