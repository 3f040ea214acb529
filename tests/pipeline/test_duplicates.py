"""Copies across files and formats: each event counts once, and nothing that only looks like a copy is hidden."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.lab import generate

Lake = Any

UNIQUE = "select count(*) from events where not is_duplicate"
WMIC = {
    "SourceName": "Microsoft-Windows-Sysmon",
    "Channel": "Microsoft-Windows-Sysmon/Operational",
    "EventID": 1,
    "UtcTime": "2024-05-06 12:00:00.250",
    "Image": r"C:\Windows\System32\wbem\WMIC.exe",
}


def put(path: Path, *lines: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def formats(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The scenario in formats with all that an identity needs, and how many events it has."""
    folder = tmp_path_factory.mktemp("formats")
    names = ("evtx", "nxlog", "evtx_json", "evtxecmd", "event_xml", "winlogbeat", "get_winevent_7")
    return folder, generate(folder, formats=names).records


@pytest.mark.parametrize(
    "names",
    [("evtx", "nxlog", "evtx_json"), ("winlogbeat", "evtxecmd", "get_winevent_7", "evtx"), ("event_xml", "nxlog")],
    ids="+".join,
)
def test_formats_together_count_once(lake: Lake, formats: tuple[Path, int], names: tuple[str, ...]) -> None:
    folder, records = formats
    summary = lake.ingest(*(folder / name for name in names), workers=2)
    assert (summary.records, summary.duplicates) == (len(names) * records, (len(names) - 1) * records)
    assert lake.value(UNIQUE) == records


def test_formats_one_after_the_other_count_once(lake: Lake, formats: tuple[Path, int]) -> None:
    """The first that was committed stays the one that counts, unless a later one says more."""
    folder, records = formats
    kept = "select format, count(*) as n from events where not is_duplicate group by all order by n desc, format"
    lake.ingest(folder / "evtx")
    before = lake.rows(kept)
    assert before == [{"format": "evtx", "n": records}]
    for name in ("nxlog", "winlogbeat"):
        lake.ingest(folder / name)
        assert lake.rows(kept) == before
    assert lake.value(UNIQUE) == records


def _without_what_ran(value: Any) -> Any:
    if isinstance(value, dict):
        dropped = ("CommandLine", "ParentCommandLine", "ScriptBlockText", "message", "command_line", "args")
        return {name: _without_what_ran(one) for name, one in value.items() if name not in dropped}
    return value


@pytest.mark.parametrize(
    "order", [("poor", "evtx"), ("evtx", "poor"), ("nxlog", "poor", "evtx"), ("poor", "evtx", "nxlog")]
)
def test_what_an_exporter_left_out_hides_nothing(
    order: tuple[str, ...], lake: Lake, formats: tuple[Path, int], tmp_path: Path
) -> None:
    """Pipelines leave out command lines to save room. Whatever came first, each event counts as its fullest source."""
    folder, records = formats
    poor = tmp_path / "poor"
    for file in (folder / "winlogbeat").rglob("*.json"):
        target = poor / file.relative_to(folder / "winlogbeat")
        target.parent.mkdir(parents=True, exist_ok=True)
        lines = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
        target.write_text("".join(json.dumps(_without_what_ran(line)) + "\n" for line in lines), encoding="utf-8")
    for name in order:
        lake.ingest(poor if name == "poor" else folder / name)
    told = "select count(command_line) as lines, count(script_text) as scripts from {} where not is_duplicate"
    whole = "(select *, false as is_duplicate from lake_events where format = 'evtx')"
    assert lake.rows(told.format("events")) == lake.rows(told.format(whole))
    assert lake.value(UNIQUE) == records
    count = "select cast(sum(duplicates) as bigint) from lake_sources"
    assert lake.value(count) == (len(order) - 1) * records


def test_shadow_copies_are_older_beginnings_of_the_same_log(lake: Lake, lab: Any, tmp_path: Path) -> None:
    """As a triage tool collects them: the log, and what two shadow copies had of it."""
    log = lab.folder / "evtx" / "WS01" / "Security.evtx"
    whole = log.read_bytes()
    chunks = (len(whole) - 4096) // 65_536
    for number in (1, chunks - 1):
        folder = tmp_path / "triage" / f"VSS{number}"
        folder.mkdir(parents=True)
        header = bytearray(whole[:4096])
        header[42:44] = number.to_bytes(2, "little")
        header[120:124] = (1).to_bytes(4, "little")  # copied while it was in use
        (folder / log.name).write_bytes(bytes(header) + whole[4096 : 4096 + number * 65_536])
    shutil.copy(log, tmp_path / "triage" / log.name)
    summary = lake.ingest(tmp_path / "triage")
    records = lab.truth.files[str(log.relative_to(lab.folder))]
    assert summary.failed == []
    assert summary.duplicates == summary.records - records > 0
    assert lake.value(UNIQUE) == records


def test_an_event_of_the_host_and_the_same_one_forwarded(lake: Lake, line: dict[str, Any], tmp_path: Path) -> None:
    """A collector's log keeps the channel, the number and the computer that the event had where it came from."""
    sent = {"Channel": "Security", "Hostname": "WS01", "EventTime": "2024-05-06 08:00:03"}
    local, forwarded = put(tmp_path / "local", line), put(tmp_path / "collector", line | sent)
    assert lake.ingest(local, forwarded).duplicates == 1


def test_a_zone_that_is_corrected_makes_copies_known(lake: Lake, line: dict[str, Any], tmp_path: Path) -> None:
    """Hours apart they are two events, until somebody says which zone one of them was in."""
    bare = {key: value for key, value in line.items() if key not in ("EventReceivedTime", "@timestamp")}
    put(tmp_path / "known", line)
    late = put(tmp_path / "zoneless", bare | {"Message": "another export"})
    assert lake.ingest(tmp_path / "known", late).duplicates == 0
    lake.ingest(late, again=True, assume_tz="America/New_York")
    assert lake.value(UNIQUE) == 1


@pytest.mark.parametrize(
    "change",
    [{"CommandLine": "wmic /node:dc01 process call create calc"}, {"EventID": 5}, {"Hostname": "WS02"}],
    ids=["another command", "another event", "another host"],
)
def test_an_id_that_somebody_wrote_hides_nothing(
    lake: Lake, line: dict[str, Any], tmp_path: Path, change: dict[str, Any]
) -> None:
    first = line | WMIC | {"CommandLine": "wmic os get name"}
    put(tmp_path / "a", first)
    put(tmp_path / "b", first | change)
    assert lake.ingest(tmp_path / "a", tmp_path / "b").duplicates == 0


@pytest.mark.parametrize(("moved", "copies"), [("08:00:10", 1), ("08:00:11", 0), ("07:59:50", 1), ("07:59:49", 0)])
def test_times_that_an_export_moved(lake: Lake, line: dict[str, Any], tmp_path: Path, moved: str, copies: int) -> None:
    put(tmp_path / "a", line)
    put(tmp_path / "b", line | {"EventTime": f"2024-05-06 {moved}", "Message": "moved"})
    assert lake.ingest(tmp_path / "a", tmp_path / "b").duplicates == copies


def test_repeats_without_an_id_are_kept_within_a_file_and_known_across_files(
    lake: Lake, line: dict[str, Any], tmp_path: Path
) -> None:
    bare = {key: value for key, value in line.items() if key != "RecordNumber"}
    put(tmp_path / "a", bare, bare, bare)
    put(tmp_path / "b", bare, bare, bare | {"Message": "and another"})
    summary = lake.ingest(tmp_path / "a", tmp_path / "b")
    assert (summary.records, summary.duplicates) == (6, 2)


def test_a_cleared_log_begins_again_with_the_same_numbers(lake: Lake, line: dict[str, Any], tmp_path: Path) -> None:
    before = [line | {"RecordNumber": number} for number in (1, 2, 3)]
    after = [line | {"RecordNumber": number, "EventTime": "2024-05-06 09:00:00"} for number in (1, 2)]
    assert lake.ingest(put(tmp_path / "a", *before, *after)).duplicates == 0
