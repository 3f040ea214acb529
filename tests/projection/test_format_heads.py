"""The heads of formats: what they say reaches the projection, and what they misspell is refused with its file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.pipeline.own_files import compiled
from wmiwarehouse.pipeline.surveyor import shapes
from wmiwarehouse.projection.compiler import FORMAT_COLUMNS, IngestFileError, Projection

Project = Callable[..., list[dict[str, Any]]]


def write(folder: Path, head: str, tail: str = "", name: str = "own", select: bool = True) -> Path:
    columns = dict.fromkeys(FORMAT_COLUMNS, "null") | {"channel": "record ->> '$.c'", "event_data": "record"}
    columns["event_id"] = "try_cast(record ->> '$.a.id' as integer)"
    items = ", ".join(f'{sql} as "{column}"' for column, sql in columns.items())
    lines = "".join(f"-- {line}\n" for line in head.splitlines())
    (folder / "formats").mkdir(parents=True, exist_ok=True)
    path = folder / "formats" / f"{name}.sql"
    body = f"select {items} from records {tail}\n" if select else "-- nothing of its own\n"
    path.write_text(f"-- /// format\n{lines}-- ///\n{body}", encoding="utf-8")
    return path


HEAD = 'name = "own"\nreader = "json"\nkeys = [["a.id"]]\n'


def using(folder: Path) -> Projection:
    return Projection(Projection().folders[0], folder)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ('name = "own"\nreader = "json"\n', "keys is missing"),
        ('name = "own"\nreader = "csv"\nkeys = [["a"]]', "reader 'csv' is none of evtx, json, text, xml"),
        ('reader = "json"\nkeys = [["a"]]', "name is missing"),
        (HEAD + 'not_key = ["x"]', "unknown word 'not_key' in the head, did you mean 'not_keys'?"),
        (HEAD + 'quite_other = "x"', "unknown word 'quite_other' in the head"),
        (HEAD + 'not_keys = "x"', "not_keys has to be a list of texts"),
        (HEAD + "at = 3", "at has to be a text or list of texts"),
        (HEAD + "each = []", "each has to be a text or list of texts"),
        (HEAD + 'event_xml = ["x"]', "event_xml has to be a text"),
        (HEAD + "data_xml = 1", "data_xml has to be a text"),
        ('name = "own"\nreader = "json"\nkeys = ["a"]', "keys has to be a list of lists of texts"),
        ('name = "own"\nreader = "json"\nkeys = [[]]', "keys has to be a list of lists of texts"),
        (HEAD + 'at = "a..b"', "'a..b' is no path of names"),
        (HEAD + "each = 'a\"b'", "is no path of names"),
        ('name = "own"\nreader = "xml"\neach = "x"', "each is for reader json only"),
        ('name = "own"\nreader = "evtx"\nkeys = [["x"]]', "keys is for reader json only"),
        (HEAD + 'like = "evtx"', "has no select of its own but a first pass"),
        ('name = "own"\nreader = "text"\n', "begins is missing"),
        ('name = "own"\nreader = "text"\nbegins = "["', "begins is no regular expression"),
        ('name = "own"\nreader = "text"\nbegins = "^x*"', "begins would be met by an empty text"),
        (HEAD + 'begins = "^x"', "begins and once are for reader text only"),
    ],
)
def test_a_head_that_cannot_be_used(tmp_path: Path, head: str, words: str) -> None:
    path = write(tmp_path, head)
    with pytest.raises(IngestFileError) as error:
        using(tmp_path)
    assert words in str(error.value)
    assert str(path) in str(error.value)
    with pytest.raises(WmiwhError) as refused:
        compiled([*Projection().folders, tmp_path])
    assert refused.value.code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("tail", "words"),
    [("limit 3", "limit"), ("group by all", "group"), ("order by all", "order"), ("qualify true", "qualify")],
)
def test_a_select_may_not_count_or_sort(tmp_path: Path, tail: str, words: str) -> None:
    write(tmp_path, HEAD, tail)
    with pytest.raises(IngestFileError, match=f"{words} cannot be used here"):
        using(tmp_path)


def test_the_shipped_formats_are_told_apart() -> None:
    projection = Projection()
    assert {"evtx", "nxlog", "event_xml"} <= projection.formats.keys()
    assert shapes(projection).of({"EventID": 1, "EventTime": "x", "Hostname": "h"}).name == "nxlog"  # type: ignore[union-attr]


# -- like


def test_a_format_like_another(tmp_path: Path, project: Project) -> None:
    write(tmp_path, 'name = "mine"\nreader = "json"\nkeys = [["Event.X"]]\nlike = "evtx"', select=False)
    event = {
        "Event": {"System": {"EventID": 4688, "Channel": "Security"}, "EventData": {"NewProcessName": "c:\\a.exe"}}
    }
    (row,) = project("mine", [event], using(tmp_path))
    (same,) = project("evtx", [event])
    assert row["format"] == "mine"
    assert row | {"format": "evtx"} == same


@pytest.mark.parametrize(
    ("like", "words"), [("evxt", "did you mean 'evtx'?"), ("event_xml", "with a select of its own")]
)
def test_a_format_like_none(tmp_path: Path, like: str, words: str) -> None:
    write(tmp_path, f'name = "mine"\nreader = "xml"\nlike = "{like}"', select=False)
    with pytest.raises(IngestFileError) as error:
        using(tmp_path)
    assert words in str(error.value)


def test_a_first_pass_is_shared_too(tmp_path: Path) -> None:
    write(tmp_path, 'name = "mine"\nreader = "json"\nkeys = [["x"]]\nlike = "nxlog"', select=False)
    projection = using(tmp_path)
    assert projection.has_clock("mine")
    assert projection.clock("mine") == projection.clock("nxlog")
    assert not projection.has_clock("evtx")


# -- at


def test_where_the_record_lies(tmp_path: Path, project: Project) -> None:
    write(tmp_path, HEAD + 'not_keys = ["other"]\nat = ["", "_source", "b.c"]')
    record = {"a": {"id": 7}, "c": "C"}
    documents = [
        record,
        {"_source": record, "_id": "x"},
        {"b": {"c": record}},
        {"a": {"id": 7}, "other": 1, "c": "outer", "_source": record},
        {"c": "no record"},
        {"a": {"id": None}, "c": "null is there", "_source": record},
    ]
    rows = project("own", documents, using(tmp_path))
    assert [row["channel"] for row in rows] == ["C", "C", "C", "C", "no record", "null is there"]
    assert [row["event_id"] for row in rows] == [7, 7, 7, 7, None, None]
    assert [json.loads(row["event_data"]) for row in rows[:4]] == [record] * 4


def test_a_first_pass_looks_where_the_record_lies(tmp_path: Path, project: Project) -> None:
    head = 'name = "mine"\nreader = "json"\nkeys = [["EventTime"]]\nat = ["", "in"]\nlike = "nxlog"'
    write(tmp_path, head, select=False)
    record = {
        "EventTime": "2024-05-06 08:00:00", "Hostname": "h", "EventID": 1, "SourceName": "Microsoft-Windows-Sysmon",
    }  # fmt: skip
    sysmon = record | {"UtcTime": "2024-05-06 06:00:00.000"}
    other = record | {"SourceName": "x"}
    rows = project("mine", [{"in": sysmon}, {"in": other}], using(tmp_path))
    assert [row["event_time"].hour for row in rows] == [6, 6]
    assert rows[1]["time_source"] == "inferred_offset"


# -- where


def test_what_a_where_leaves_out_is_counted(tmp_path: Path, project: Project, sql: duckdb.DuckDBPyConnection) -> None:
    write(tmp_path, HEAD, "where (record ->> '$.preview') is distinct from 'true'")
    projection = using(tmp_path)
    records = [{"a": {"id": 1}}, {"a": {"id": 2}, "preview": True}, {"a": {"id": 3}, "preview": False}]
    assert [row["event_id"] for row in project("own", records, projection)] == [1, 3]
    statement = projection.left_out("own")
    assert statement
    assert sql.sql(statement).fetchall() == [(0, 1)]
    assert projection.left_out("nxlog") is None


def test_a_where_about_the_text_alone_parses_nothing_else(
    tmp_path: Path, project: Project, sql: duckdb.DuckDBPyConnection
) -> None:
    join = "left join clock on clock.source_no = records.source_no"
    write(tmp_path, HEAD, f"{join} where json_extract_string(record, '$.preview') is distinct from 'true'")
    projection = using(tmp_path)
    records = [{"a": {"id": 1}}, {"a": {"id": 2}, "preview": True}, {"a": {"id": 3}, "preview": False}]
    assert [row["event_id"] for row in project("own", records, projection)] == [1, 3]
    statement = projection.left_out("own")
    assert statement
    assert "json_transform" not in statement
    assert sql.sql(statement).fetchall() == [(0, 1)]
