"""Records that a stranger wrote: none of them may stop an ingest or hide another."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import ExitCode
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.hunting.selection import select

Lake = Any
WMIC = {
    "NewProcessName": "C:\\Windows\\System32\\wbem\\WMIC.exe",
    "CommandLine": "wmic /node:srv process call create calc.exe",
}


def _log(path: Path, *lines: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def _hits(lake: Lake) -> int:
    library = Library.load()
    with open_hunt(lake.root, library) as hunting:
        return len(hunting.run(select(library, ["xql_wmic_remote_exec"])[0]).to_pylist())


@pytest.mark.parametrize(
    "time",
    ["9999-12-31 23:59:59", "10000-01-01 00:00:00", "infinity", "-infinity", "0001-01-01 00:00:00", "epoch", "x"],
)
def test_no_time_stops_an_ingest(lake: Lake, line: dict[str, Any], tmp_path: Path, time: str) -> None:
    evil = line | {"EventTime": time, "RecordNumber": 2}
    sysmon = evil | {"SourceName": "Microsoft-Windows-Sysmon", "UtcTime": time, "RecordNumber": 3, "EventID": 1}
    log = _log(tmp_path / "log.json", line | WMIC, evil, sysmon)
    summary = lake.ingest(log)
    assert (summary.records, summary.failed, _hits(lake)) == (3, [], 1)
    assert time == "epoch" or any("no time" in reason for _, _, reason, _ in summary.problems)


def test_two_members_of_one_name_and_content_are_copies_of_each_other(
    lake: Lake, line: dict[str, Any], tmp_path: Path
) -> None:
    text = json.dumps(line | WMIC) + "\n"
    with zipfile.ZipFile(tmp_path / "logs.zip", "w") as archive:
        archive.writestr("a.json", text)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.json", text)
    summary = lake.ingest(tmp_path / "logs.zip")
    assert (summary.records, summary.duplicates, _hits(lake)) == (2, 1, 1)


@pytest.mark.parametrize("number", [0, 1])
def test_a_record_id_does_not_hide_another_command(
    lake: Lake, line: dict[str, Any], tmp_path: Path, number: int
) -> None:
    other = {"NewProcessName": "C:\\Windows\\notepad.exe", "CommandLine": "notepad.exe"}
    same_id = {"RecordNumber": number}
    lake.ingest(_log(tmp_path / "log.json", line | other | same_id, line | WMIC | same_id))
    assert _hits(lake) == 1


def test_what_was_not_read_is_never_called_nothing_lost(lake: Lake, line: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "log.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + json.dumps(line).encode())
    summary = lake.ingest(tmp_path / "log.7z")
    assert summary.exit_code is ExitCode.DAMAGED
    assert len(summary.failed) == 1
