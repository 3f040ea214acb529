"""Logs in whatever they are packed and written: each record reaches the lake once, and what does not is named."""

from __future__ import annotations

import gzip
import io
import json
import os
import socket
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.errors import ExitCode
from wmiwarehouse.lake.forget import AmbiguousSourceError, find_source
from wmiwarehouse.lake.verify import verify
from wmiwarehouse.pipeline.summary import Summary
from wmiwarehouse.projection.compiler import FORMAT_COLUMNS, Projection
from wmiwarehouse.readers import containers
from wmiwarehouse.schema import EVENT_COLUMNS

Lake = Any
Lab = Any
Members = dict[str, bytes]


def zipped(members: Members) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def tgz(members: Members) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def call(name: str, data: bytes) -> Path:
        path = tmp_path / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path

    return call


@pytest.fixture
def record(line: dict[str, Any]) -> Callable[..., bytes]:
    return lambda number, **more: json.dumps(line | {"RecordNumber": number} | more).encode() + b"\n"


def said(summary: Summary, *words: str) -> bool:
    return any(all(word in f"{position} {reason}" for word in words) for _, position, reason, _ in summary.problems)


def test_archives_of_archives_of_a_real_scenario(lake: Lake, lab: Lab, put: Any, new_lake: Any) -> None:
    logs = {str(path.relative_to(lab.folder)): path for path in sorted(lab.folder.rglob("*.evtx"))}
    logs = dict(list(logs.items())[:6])
    plain = new_lake("plain")
    plain.ingest(*logs.values())
    names = list(logs)
    data = {name: path.read_bytes() for name, path in logs.items()}
    first, second, third = ({name: data[name] for name in names[at::3]} for at in range(3))
    case = {"a/hosts.tgz": tgz(first), "b.zip": zipped(second), "notes.txt": b"x"} | third
    summary = lake.ingest(put("case.zip", zipped(case)))
    query = "select computer, channel, record_id, event_data from events order by all"
    assert lake.rows(query) == plain.rows(query)
    assert summary.problems == []
    files = {row["source_file"] for row in lake.rows("select distinct source_file from events")}
    assert len(files) == len(logs)
    assert all("case.zip!" in name for name in files)
    assert list(lake.warehouse.staging.iterdir()) == []
    assert not list(lake.root.rglob("spool*"))
    found = verify(lake.warehouse, originals=True)
    assert (found.findings, found.originals) == ([], 1)


def test_the_same_log_in_several_archives_is_read_and_counted_once(lake: Lake, put: Any, record: Any) -> None:
    log = record(1) + record(2)
    summary = lake.ingest(
        put("a.zip", zipped({"x": log})), put("b.tgz", tgz({"y": log})), put("c.gz", gzip.compress(log))
    )
    assert (summary.records, summary.duplicates) == (6, 4)
    assert len(lake.ingest(put("d.json", log)).known) == 1


def test_a_bomb_is_a_problem_and_no_outage(lake: Lake, put: Any, record: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "ALWAYS_ALLOWED", 1 << 20)
    monkeypatch.setattr(containers, "MOST_EXPANSION", 20)
    put("bomb.gz", gzip.compress(record(1) + b" " * (30 << 20)))
    put("bomb.tgz", tgz({"log": record(2), "bomb": record(3) + b"\n" * (30 << 20)}))
    summary = lake.ingest(put("good.json", record(4)).parent)
    assert {1, 2, 4} <= {row["record_id"] for row in lake.rows("select record_id from events")}
    assert summary.exit_code is ExitCode.DAMAGED
    assert said(summary, "grows to more than 20 times") or any("grows" in reason for _, reason in summary.failed)


def test_an_archive_whose_members_grow_too_much_together(
    lake: Lake, put: Any, record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "ALWAYS_ALLOWED_IN_ALL", 1_000_000)
    monkeypatch.setattr(containers, "MOST_EXPANSION", 20)
    members = {str(number): record(number, Text="x" * 400_000) for number in range(6)}
    summary = lake.ingest(put("many.zip", zipped(members)))
    assert summary.records == 3
    assert [reason for _, reason in summary.failed] == [
        "its archive grows to more than 20 times its size: unpack it first"
    ] * 3


def test_arrays_pretty_objects_and_utf16(lake: Lake, put: Any, record: Any) -> None:
    records = [json.loads(record(number)) for number in range(1, 4)]
    put("array.json", json.dumps(records).encode())
    later = [[r | {"RecordNumber": r["RecordNumber"] + more} for r in records] for more in (10, 20)]
    put("pretty.json", "\n".join(json.dumps(r, indent=2) for r in later[0]).encode())
    put("wide.json", json.dumps(later[1]).encode("utf-16"))
    summary = lake.ingest(put("x.txt", b"no log").parent)
    assert {row["record_id"] for row in lake.rows("select record_id from events")} == {1, 2, 3, 11, 12, 13, 21, 22, 23}
    assert summary.problems == []


def test_a_record_of_20_megabytes(lake: Lake, put: Any, record: Any) -> None:
    text = 'C:\\Windows\\"é\n' * 1_500_000
    pretty = json.dumps(json.loads(record(2, Big=text)), indent=1).encode() + b"\n" + record(3)
    summary = lake.ingest(put("line.json", record(1, Big=text)), put("pretty.json", pretty))
    assert summary.problems == []
    sizes = lake.rows("select record_id, length(event_data ->> '$.Big') as size from events order by 1")
    assert [tuple(row.values()) for row in sizes] == [(1, len(text)), (2, len(text)), (3, None)]


def test_what_a_strict_parser_refuses_is_mended_and_named(lake: Lake, put: Any, record: Any) -> None:
    plain = record(1, Text="AB").decode()
    log = (
        plain.replace("AB", "\\ud800 \\ud83d\\ude00 \\\\ud800")
        + plain.replace("AB", "tab\there").replace('"RecordNumber": 1', '"RecordNumber": 2')
        + '{"EventID": }\n'
        + plain.replace('"RecordNumber": 1', '"RecordNumber": 4')
    )
    summary = lake.ingest(put("log.json", log.encode()))
    rows = lake.rows("select record_id, event_data ->> '$.Text' as text from events order by 1")
    assert [tuple(row.values()) for row in rows] == [(1, "\ufffd \U0001f600 \\ud800"), (2, "tab\there"), (4, "AB")]
    assert said(summary, "line 1", "lone surrogate", "is read")
    assert said(summary, "line 2", "control characters", "is read")
    assert said(summary, "line 3", "not valid JSON")
    assert summary.lost == 1
    array = "[" + ",".join(log.replace('{"EventID": }\n', "").strip().split("\n")) + "]"
    lake.ingest(put("array.json", array.encode()))
    assert lake.value("select count(*) from events where is_duplicate") == 3


def test_the_xml_in_a_field_and_what_a_format_leaves_out(lake: Lake, put: Any, tmp_path: Path) -> None:
    columns = (tmp_path / "own" / "formats").resolve()
    columns.mkdir(parents=True)
    items = {
        "computer": "record ->> '$.\"#Event\".System.Computer'", "channel": "record ->> '$.\"#Event\".System.Channel'",
        "event_id": "try_cast(record ->> '$.\"#Event\".System.EventID' as integer)",
        "event_data": "record ->> '$.\"#Event\".EventData'",
    }  # fmt: skip
    nothing = {column: f"cast(null as {EVENT_COLUMNS[column]})" for column in FORMAT_COLUMNS}
    select = ", ".join(f"{sql} as {column}" for column, sql in (nothing | items).items())
    head = 'name = "own"\nreader = "json"\nkeys = [["own_xml"]]\nat = ["row", ""]\nevent_xml = "own_xml"'
    lines = "".join(f"-- {line}\n" for line in head.splitlines())
    where = "where (record ->> '$.preview') is distinct from 'true'"
    (columns / "own.sql").write_text(f"-- /// format\n{lines}-- ///\nselect {select} from records {where}\n")
    system = "<System><EventID>7</EventID><Channel>C</Channel><Computer>H</Computer></System>"
    xml = f"<Event>{system}<EventData>{{}}</EventData></Event>"
    twice = "<Data Name='A'>1</Data><Data Name='A'>2</Data>"
    rows = [
        {"row": {"own_xml": xml.format(twice)}},
        {"own_xml": '<?xml version="1.0"?>\n' + xml.format("<Data Name='A'>3</Data>")},
        {"own_xml": "<Event>broken"},
        {"row": {"own_xml": "no XML at all", "preview": True}},
        {"row": {"own_xml": "", "preview": True}},
    ]
    log = put("log.json", "".join(json.dumps(row) + "\n" for row in rows).encode())
    summary = lake.ingest(log, ingest_folders=[*_shipped(), columns.parent])
    found = lake.rows("select event_id, event_data from events order by source_record")
    assert [(row["event_id"], row["event_data"] and json.loads(row["event_data"])) for row in found] == [
        (7, {"A": ["1", "2"]}), (7, {"A": "3"}), (None, None),
    ]  # fmt: skip
    assert said(summary, "record 3", "the XML in own_xml is not read, the other fields are")
    assert said(summary, "2 records left out: no event by the rule of format own")


def _shipped() -> list[Path]:
    return list(Projection().folders)


@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows")
def test_names_that_play_tricks_are_listed_and_found_again(lake: Lake, put: Any, record: Any) -> None:
    names = ["a\nb.json", "a\\x0ab.json", os.fsdecode(b"\xff.json"), "'quote\".json", "\u202etxt.json"]
    paths = [put(name, record(number)) for number, name in enumerate(names)]
    lake.ingest(*paths)
    listed = [row["source_file"] for row in lake.rows("select source_file from lake_sources")]
    assert len(set(listed)) == len(names)
    assert all(text.isprintable() for text in listed)
    assert verify(lake.warehouse, originals=True).originals == len(names)
    for path in [path for path in paths if "\\" not in path.name]:
        assert len(find_source(lake.warehouse, str(path))) == 1
    with pytest.raises(AmbiguousSourceError, match="a SHA-256 tells them apart"):
        find_source(lake.warehouse, str(paths[1]))  # the name of one, and what stands in the list for another


@pytest.mark.skipif(os.name == "nt", reason="no such files on Windows")
def test_what_is_no_file_is_named(lake: Lake, put: Any, record: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put("log.json", record(1)).parent
    os.mkfifo(folder / "fifo")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        (folder / "loop").symlink_to(folder / "loop")
        (folder / "up").symlink_to(folder)
        (folder / "gone").symlink_to(folder / "nowhere")
        (folder / "null").symlink_to("/dev/null")
        summary = lake.ingest(folder)
    assert summary.records == 1
    reasons = {Path(name).name: reason for name, reason in [*summary.skipped, *summary.failed]}
    assert reasons["fifo"] == reasons["socket"] == reasons["null"] == "not a regular file"
    assert reasons["up"] == "a link to a folder, not followed"
    assert "cannot be read" in reasons["loop"]
    assert "cannot be read" in reasons["gone"]
