"""Ingest from end to end: what comes in is in the lake once, whatever the files, the workers and the order."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.lake import catalog
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline import ingest as pipeline
from wmiwarehouse.readers import reading
from wmiwarehouse.schema import EVENT_COLUMNS

Lab = Any
Lake = Any
NewLake = Callable[[str], Lake]

#: Everything but when and in which batch it was written.
_CONTENT = ", ".join(name for name in EVENT_COLUMNS if name not in ("batch_id", "ingested_at"))
_DIGEST = f"select count(*) as n, bit_xor(hash({_CONTENT})) as h, sum(hash({_CONTENT}) >> 20) as s from lake_events"


def put(path: Path, *lines: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


def test_everything_in_three_formats_is_there_once(lab: Lab, lake: Lake) -> None:
    folders = [lab.folder / name for name in ("evtx", "exported", "nxlog")]
    summary = lake.ingest(*folders, workers=2)
    assert summary.exit_code is ExitCode.DONE
    assert summary.records == sum(lab.truth.files.values()) == 3 * lab.truth.records
    assert summary.duplicates == 2 * lab.truth.records
    assert summary.hosts == len(lab.truth.hosts)
    assert lake.value("select count(*) from events where not is_duplicate") == lab.truth.records
    counts = lake.rows("select channel, event_id, count(*) as n from events where not is_duplicate group by all")
    assert {f"{row['channel']} {row['event_id']}": row["n"] for row in counts} == lab.truth.events
    sources = lake.rows("select * from lake_sources")
    assert {row["source_file"]: row["records"] for row in sources} == {
        str(lab.folder / name): count for name, count in lab.truth.files.items()
    }
    assert sum(row["duplicates"] for row in sources) == summary.duplicates
    assert {row["status"] for row in sources} == {"read"}
    assert lake.value("select count(*) from lake_problems") == 0


def test_one_and_two_workers_make_the_same_lake(lab: Lab, new_lake: NewLake) -> None:
    one, two = new_lake("one"), new_lake("two")
    one.ingest(lab.folder / "evtx", lab.folder / "nxlog", workers=1)
    two.ingest(lab.folder / "nxlog", lab.folder / "evtx", workers=2)
    assert one.rows(_DIGEST) == two.rows(_DIGEST)
    copies = "select * from lake_duplicates order by all"
    assert one.rows(copies) == two.rows(copies)
    # The identity of a record does not hang on the warehouse; that of two different records is never the same.
    assert one.value("select count(distinct event_uid) = count(*) from lake_events")
    assert one.value("select bool_and(regexp_full_match(event_uid, '[0-9a-f]{20}')) from lake_events")


def test_a_second_ingest_adds_nothing(lab: Lab, lake: Lake, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    shutil.copytree(lab.folder / "evtx" / "WS01", logs)
    (logs / "readme.txt").write_text("hello")
    (logs / "broken.evtx").write_bytes(b"ElfFile\0")
    first = lake.ingest(logs)
    before = lake.rows(_DIGEST)
    (batch,) = lake.warehouse.batches()
    second = lake.ingest(logs)
    assert (first.records > 0, second.records, len(second.known)) == (True, 0, len(list(logs.glob("*.evtx"))))
    assert [one.id for one in lake.warehouse.batches()] == [batch.id]
    # The same content elsewhere, or packed, is known, too.
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(logs / "Security.evtx", "other name")
    assert lake.ingest(packed).known == [f"{packed}!other name"]
    assert lake.rows(_DIGEST) == before


def test_a_log_that_grew_adds_its_new_records(lab: Lab, lake: Lake, tmp_path: Path) -> None:
    lines = (lab.folder / "nxlog" / "WS01.json").read_bytes().splitlines(keepends=True)[:400]
    log = tmp_path / "WS01.json"
    log.write_bytes(b"".join(lines[:300]))
    lake.ingest(log)
    log.write_bytes(b"".join(lines))
    summary = lake.ingest(log)
    assert (summary.records, summary.duplicates) == (400, 300)
    assert lake.value("select count(*) from events where not is_duplicate") == 400
    assert len(lake.warehouse.batches()) == 2


def test_one_content_under_two_names_counts_once(lab: Lab, lake: Lake, tmp_path: Path) -> None:
    content = (lab.folder / "evtx" / "WS01" / "System.evtx").read_bytes()
    for name in ("b.evtx", "a.evtx"):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "c.gz").write_bytes(gzip.compress(content))
    summary = lake.ingest(tmp_path / "b.evtx", tmp_path / "a.evtx", tmp_path / "c.gz", workers=2)
    count = lake.value("select count(*) from events where not is_duplicate")
    assert (summary.records, summary.duplicates) == (3 * count, 2 * count)
    kept = lake.rows("select distinct source_file from events where not is_duplicate")
    assert kept == [{"source_file": str(tmp_path / "a.evtx")}]


def test_members_of_archives(lab: Lab, lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / 'it\'s "q" ü\n.zip'
    folder = lab.folder / "evtx" / "WS02"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for log in sorted(folder.iterdir()):
            archive.write(log, f"../../{log.name}")
        archive.writestr("inner.json", (lab.folder / "nxlog" / "WS03.json").read_bytes())
    summary = lake.ingest(path, workers=2)
    wanted = {f"../../{log.name}": lab.truth.files[f"evtx/WS02/{log.name}"] for log in folder.iterdir()}
    wanted["inner.json"] = lab.truth.files["nxlog/WS03.json"]
    counts = lake.rows("select source_file, count(*) as n from lake_events group by all")
    assert {row["source_file"].partition("!")[2]: row["n"] for row in counts} == wanted
    shown = str(path).replace("\n", "\\x0a")  # what does not print is written as an escape
    assert all(row["source_file"].startswith(f"{shown}!") for row in counts)
    assert summary.problems == []
    hashes = lake.rows("select distinct file_sha256 from lake_sources")
    assert len(hashes) == 1
    assert lake.value("select count(distinct source_id) from lake_sources") == len(wanted)


def test_odd_names_of_files_and_of_the_warehouse(new_lake: NewLake, line: dict[str, Any], tmp_path: Path) -> None:
    names = ["it's", 'a "b"', "ü\u2028漢", "new\nline", "[x]*?", "100%", "$HOME;--", "a!b"]
    logs = tmp_path / "lo'gs [1]*"
    logs.mkdir()
    for number, name in enumerate(names, 1):
        put(logs / f"{name}.json", line | {"RecordNumber": number})
    lake = new_lake("ware'house [x]*? ü")
    assert lake.ingest(logs).records == len(names)
    assert lake.ingest(put(logs / "more", line | {"RecordNumber": 99})).records == 1
    found = {row["source_file"] for row in lake.rows("select source_file from events where not is_duplicate")}
    shown = {"new\nline": "new\\x0aline", "ü\u2028漢": "ü\\u2028漢"}  # what does not print is written as an escape
    assert found == {str(logs / f"{shown.get(name, name)}.json") for name in names} | {str(logs / "more")}
    catalog.write_database(lake.warehouse, Library.load())
    assert lake.warehouse.database.is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes")
def test_names_that_are_not_utf8(lake: Lake, line: dict[str, Any], tmp_path: Path) -> None:
    log = put(tmp_path / os.fsdecode(b"log-\xff.json"), line)
    assert lake.ingest(log).records == 1
    assert lake.value("select source_file from lake_events").endswith("log-\\xff.json")
    with zipfile.ZipFile(tmp_path / os.fsdecode(b"\xfe.zip"), "w") as archive:
        archive.writestr("x", json.dumps(line | {"RecordNumber": 2}))
    assert lake.ingest(tmp_path / os.fsdecode(b"\xfe.zip")).records == 1


def test_broken_lines_are_named_and_cost_themselves(lake: Lake, line: dict[str, Any], tmp_path: Path) -> None:
    good = [json.dumps(line | {"RecordNumber": number}) for number in range(1, 8)]
    bad = [
        '{"EventID": 4688, "Hostname": "WS',
        "[1,",
        "\x00\x00\x00",
        "}{",
        '"text"',
        "17",
        "null",
        "[]",
    ]
    mended = ['{"a": "\x01"}', '{"a": "\\ud800"}']  # no JSON, and yet read: only that is named
    lines = [good[0], bad[0], good[1], "", *bad[1:4], *mended, good[2], *bad[4:], *good[3:]]
    log = tmp_path / "log.json"
    log.write_text("\n".join(lines), encoding="utf-8")
    summary = lake.ingest(log)
    kept = lake.rows("select source_record, record_id from lake_events where record_id is not null order by 1")
    wanted = [{"source_record": lines.index(text) + 1, "record_id": number} for number, text in enumerate(good, 1)]
    assert kept == wanted
    assert summary.lost == len(bad)
    named = {position for _, position, _, _ in summary.problems}
    assert {f"line {lines.index(text) + 1}" for text in [*bad, *mended]} <= named
    assert lake.value("select count(*) from lake_events") == len(good) + len(mended)
    assert summary.exit_code is ExitCode.DAMAGED
    assert lake.value("select lost from lake_sources") == len(bad)
    assert lake.value("select sum(lost) from lake_problems") == len(bad)


def test_a_damaged_log_is_read_as_far_as_it_goes(lab: Lab, lake: Lake, tmp_path: Path) -> None:
    name = "evtx/WS01/Security.evtx"
    content = bytearray((lab.folder / name).read_bytes())
    log = tmp_path / "cut.evtx"
    log.write_bytes(content[:-70_000])
    summary = lake.ingest(log)
    assert summary.exit_code is ExitCode.DAMAGED
    assert 0 < summary.records < lab.truth.files[name]
    assert summary.records + summary.lost == lab.truth.files[name]
    assert (
        lake.value("select count(*) from lake_events where event_time is null or host is null or event_id is null") == 0
    )
    assert lake.value("select records + lost from lake_sources") == lab.truth.files[name]


def test_records_without_id_or_time_are_kept_and_named(lake: Lake, line: dict[str, Any], tmp_path: Path) -> None:
    log = put(tmp_path / "log", line, line | {"EventID": "none"}, line | {"EventTime": "yesterday", "RecordNumber": 2})
    summary = lake.ingest(log)
    assert summary.records == 3
    reasons = [reason for _, _, reason, _ in summary.problems]
    assert any("no event id" in reason for reason in reasons)
    assert any("no time" in reason for reason in reasons)


def test_known_content_is_hashed_and_not_looked_through(
    lake: Lake, line: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = put(tmp_path / "log", line)
    assert lake.ingest(log).records == 1
    surveyed: list[Any] = []
    survey = reading.survey

    def noted(*given: Any, **named: Any) -> Any:
        surveyed.append(given)
        return survey(*given, **named)

    monkeypatch.setattr(reading, "survey", noted)
    again = lake.ingest(log)
    assert (again.records, len(again.known), surveyed) == (0, 1, [])
    other = tmp_path / "other"  # as long, and of another content
    other.write_bytes(log.read_bytes().replace(b"Security", b"Securitx", 1))
    assert other.stat().st_size == log.stat().st_size
    assert lake.ingest(other).records == 1
    assert len(surveyed) == 1


def test_known_events_without_values_are_named(lake: Lake, tmp_path: Path) -> None:
    """An export that lost the values looks like a quiet host: analytics find nothing in it."""
    names = {"LogName": "Security", "ProviderName": "Microsoft-Windows-Security-Auditing", "MachineName": "ws01"}
    bare = names | {
        "Id": 4688,
        "TimeCreated": "2024-05-06T08:00:00Z",
        "Message": "Ein neuer Prozess.",
        "Properties": [],
    }
    other = bare | {"Id": 4907, "RecordId": 2}
    log = put(tmp_path / "log", bare | {"RecordId": 1}, other)
    summary = lake.ingest(log)
    assert summary.records == 2
    found = [(place, reason) for _, place, reason, _ in summary.problems if "none of its values" in reason]
    assert len(found) == 1
    assert found[0][1].startswith("1 record has a known event id and none of its values")


def test_files_that_are_no_logs_are_listed_once(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "notes.evtx").write_text("hello")
    (tmp_path / "empty").touch()
    summary = lake.ingest(tmp_path / "notes.evtx", tmp_path / "empty")
    assert summary.exit_code is ExitCode.DONE
    assert [Path(file).name for file, _ in summary.skipped] == ["notes.evtx", "empty"]
    assert lake.rows("select status, records from lake_sources") == [{"status": "skipped", "records": 0}] * 2
    lake.ingest(tmp_path / "notes.evtx")
    assert len(lake.warehouse.batches()) == 1


def test_what_cannot_be_ingested_at_all(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(WmiwhError, match="no such file") as missing:
        lake.ingest(tmp_path / "nowhere")
    assert missing.value.code is ExitCode.USAGE
    (tmp_path / "empty").mkdir()
    with pytest.raises(WmiwhError, match="no files") as none:
        lake.ingest(tmp_path / "empty")
    assert none.value.code is ExitCode.NO_DATA
    assert lake.warehouse.batches() == []


def test_small_groups_make_more_batches(lab: Lab, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_BATCH_BYTES", 1_500_000)
    summary = lake.ingest(lab.folder / "nxlog")
    assert len(lake.warehouse.batches()) > 1
    assert summary.records == lab.truth.records
    assert summary.formats["nxlog"].files == len([path for path in (lab.folder / "nxlog").rglob("*") if path.is_file()])
    assert summary.hosts == len(lab.truth.hosts)


def test_what_a_commit_leaves(lab: Lab, lake: Lake) -> None:
    lake.ingest(lab.folder / "evtx" / "DC01")
    (batch,) = lake.warehouse.batches()
    assert re.fullmatch(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{6}", batch.id)
    files = [path for path in batch.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"sources.parquet", "problems.parquet", "duplicates.parquet"}
    assert all(path.stat().st_mode & 0o222 == 0 for path in files)
    assert list(lake.warehouse.staging.iterdir()) == []
    assert {row["batch_id"] for row in lake.rows("select distinct batch_id from lake_events")} == {batch.id}


def test_progress_ends_at_the_total(lab: Lab, lake: Lake) -> None:
    seen: list[tuple[int, int, int, int, int]] = []
    lake.ingest(
        lab.folder / "nxlog" / "WS01.json", lab.folder / "evtx" / "WS01",
        on_progress=lambda p: seen.append((p.files_done, p.files, p.bytes_done, p.bytes, p.records)),
    )  # fmt: skip
    files_done, files, bytes_done, size, records = seen[-1]
    assert files_done == files
    assert 0.9 * size < bytes_done <= size
    assert records == lake.value("select count(*) from lake_events")
    assert [row[2] for row in seen] == sorted(row[2] for row in seen)


def test_a_users_own_format_and_source(lake: Lake, tmp_path: Path) -> None:
    from wmiwarehouse import assets

    own = tmp_path / "own"
    (own / "formats").mkdir(parents=True)
    nxlog = (assets.folder("ingest") / "formats" / "nxlog.sql").read_text(encoding="utf-8")
    _, _, projection = nxlog.partition("from records;")
    (own / "formats" / "mine.sql").write_text(
        '-- /// format\n-- name = "my-own format 1"\n-- reader = "json"\n-- keys = [["id"], ["at"]]\n-- ///\n'
        + re.sub(r"left join clock(.|\n)*", "", projection)
        .replace("clock.offset_seconds, clock.zone", "0, null")
        .replace("coalesce(clock.time_source, 'assumed')", "'logged'")
        .replace("$.EventID'", "$.id'")
        .replace("$.EventTime'", "$.at'"),
        encoding="utf-8",
    )
    (own / "events").mkdir()
    (own / "events" / "mine.sql").write_text(
        '-- /// event\n-- channel = "Mine"\n-- provider = "Me"\n-- event_ids = [5]\n-- ///\n'
        "select data ->> '$.What' as object_name from records\n",
        encoding="utf-8",
    )
    log = put(
        tmp_path / "log", {"id": 5, "at": "2024-01-02 03:04:05", "Channel": "mine", "SourceName": "Me", "What": "it"}
    )
    folders = (assets.folder("ingest"), own)
    assert lake.ingest(log, ingest_folders=folders).records == 1
    (row,) = lake.rows("select channel, event_id, object_name, format from lake_events")
    assert row == {"channel": "Mine", "event_id": 5, "object_name": "it", "format": "my-own format 1"}
    # Without the folder it is of no known format, and with it the two workers know it as well.
    assert Warehouse.create(tmp_path / "other").batches() == []


@pytest.mark.parametrize(
    ("select", "cause"),
    [
        ("select no_such_function(data ->> '$.X') as user_name from records", "no_such_function"),
        ("select data ->> '$.X' as nonsense from records", "unknown column 'nonsense'"),
        ("select try_cast(data ->> '$.X' as integer) as hashes from records", "explicit cast"),
    ],
)
def test_a_users_broken_file_is_named_before_anything_is_written(
    lake: Lake, line: dict[str, Any], tmp_path: Path, select: str, cause: str
) -> None:
    from wmiwarehouse import assets

    own = tmp_path / "own" / "events"
    own.mkdir(parents=True)
    head = '-- /// event\n-- channel = "Mine"\n-- provider = "Me"\n-- event_ids = [5]\n-- ///\n'
    (own / "mine.sql").write_text(f"{head}{select}\n", encoding="utf-8")
    with pytest.raises(WmiwhError, match=cause) as error:
        lake.ingest(put(tmp_path / "log", line), ingest_folders=(assets.folder("ingest"), own.parent))
    assert error.value.code is ExitCode.USAGE
    assert lake.warehouse.batches() == []
