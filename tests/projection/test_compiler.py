"""The compiler: every shipped file compiles, mistakes name file and cause, a user's own folder adds and replaces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse import assets
from wmiwarehouse.projection.compiler import FORMAT_COLUMNS, IngestFileError, Projection
from wmiwarehouse.projection.jsonpaths import PathError, Structure
from wmiwarehouse.schema import EVENT_COLUMNS

Project = Callable[..., list[dict[str, Any]]]
SHIPPED = Projection()
#: An event id of the Security log that no source names: for the source that takes the rest.
OTHER = 4798


def write_event(
    folder: Path, select: str, name: str = "own.sql", head: str = 'channel = "Mine"\nprovider = "Me"\nevent_ids = [5]'
) -> Path:
    (folder / "events").mkdir(parents=True, exist_ok=True)
    lines = "".join(f"-- {line}\n" for line in head.splitlines())
    path = folder / "events" / name
    path.write_text(f"-- /// event\n{lines}-- ///\n{select}\n", encoding="utf-8")
    return path


def write_format(
    folder: Path, changes: dict[str, str] | None = None, name: str = "own", tail: str = "", more: str = ""
) -> Path:
    columns = dict.fromkeys(FORMAT_COLUMNS, "null")
    columns |= {
        "channel": "record ->> '$.c'",
        "event_id": "try_cast(record ->> '$.id' as integer)",
        "event_data": "record",
    }
    columns |= {"provider": "record ->> '$.p'", "computer": "record ->> '$.h'"} | (changes or {})
    items = ", ".join(f'{sql} as "{column}"' for column, sql in columns.items() if sql)
    (folder / "formats").mkdir(parents=True, exist_ok=True)
    path = folder / "formats" / f"{name}.sql"
    head = f'-- /// format\n-- name = "{name}"\n-- reader = "json"\n-- keys = [["id"]]\n-- ///\n'
    path.write_text(f"{head}{more}select {items} from records {tail}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", sorted(SHIPPED.formats))
def test_every_format_gives_every_column_in_its_type(sql: Any, project: Project, name: str) -> None:
    (row,) = project(name, ["{}"])
    assert list(row) == list(EVENT_COLUMNS)
    types = {column: str(kind) for column, kind in zip(row, sql.sql(SHIPPED.select(name)).types, strict=True)}
    wanted = {column: kind.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE") for column, kind in EVENT_COLUMNS.items()}
    assert types == wanted


@pytest.mark.parametrize("event", SHIPPED.events, ids=lambda event: event.document.path.stem)
def test_every_source_is_reached_in_every_format(project: Project, event: Any) -> None:
    """A record of each of its ids with every field it looks at has its typed columns filled."""
    head = event.document.head
    assert event.columns
    for event_id in head.get("event_ids", [OTHER]):
        flat = {
            "EventID": event_id,
            "Channel": head["channel"].upper(),
            "SourceName": head["provider"],
            "Hostname": "H",
            "EventTime": "2024-01-01 00:00:00",
        }
        system = {
            "EventID": event_id,
            "Channel": head["channel"].lower(),
            "Provider": {"#attributes": {"Name": head["provider"]}},
        }
        for row in (*project("nxlog", [flat]), *project("evtx", [{"Event": {"System": system, "EventData": {}}}])):
            assert row["channel"] == head["channel"]
            assert row["event_id"] == event_id


def test_no_two_sources_claim_one_event() -> None:
    claims = [
        (e.document.head["channel"], e.document.head["provider"], i)
        for e in SHIPPED.events
        for i in e.document.head.get("event_ids", [None])
    ]
    assert len(claims) == len(set(claims))


def test_a_source_without_ids_takes_what_no_other_names(project: Project) -> None:
    def record(event_id: int) -> dict[str, Any]:
        system = {"EventID": event_id, "Channel": "Security"}
        system["Provider"] = {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}}
        return {"Event": {"System": system, "EventData": {"SubjectUserName": "anna", "TargetUserName": "bert"}}}

    other, audited = project("evtx", [record(OTHER), record(4688)])
    assert (other["subject_name"], other["target_name"]) == ("anna", "bert")
    assert audited["channel"] == "Security"


@pytest.mark.parametrize(
    ("ids", "why"),
    [
        ("[]", "event_ids is empty; leave it out for a source of all other"),
        ('["x"]', r"event_ids is a list of numbers, not \['x'\]"),
        ("[1.5]", "event_ids is a list of numbers"),
        ("4688", "event_ids is a list of numbers, not 4688"),
        ("[true]", "event_ids is a list of numbers"),
    ],
)
def test_a_list_of_ids_that_is_none_is_refused(ids: str, why: str, tmp_path: Path) -> None:
    head = f'channel = "Mine"\nprovider = "Me"\nevent_ids = {ids}'
    write_event(tmp_path, "select data ->> '$.X' as user_name from records", head=head)
    with pytest.raises(IngestFileError, match=rf"own\.sql: {why}"):
        Projection(tmp_path)


@pytest.mark.parametrize("names", ['"user_name"', '["nobody"]', '["1 = 1 or user_name"]', "[1]"])
def test_what_each_record_has_are_known_columns(tmp_path: Path, names: str) -> None:
    head = f'channel = "Mine"\nprovider = "Me"\nevent_ids = [7]\nat_least_one = {names}'
    write_event(tmp_path, "select data ->> '$.X' as user_name from records", head=head)
    with pytest.raises(IngestFileError, match=r"own\.sql: at_least_one has to be a list of columns"):
        Projection(tmp_path)


def test_a_source_of_ones_own_says_what_its_records_have(tmp_path: Path) -> None:
    head = 'channel = "Mine"\nprovider = "Me"\nevent_ids = [7]\nat_least_one = ["user_name", "process_path"]'
    write_event(tmp_path, "select data ->> '$.X' as user_name from records", head=head)
    condition = "channel = 'Mine' and (event_id in (7)) and coalesce(provider, 'Me') = 'Me'"
    assert Projection(tmp_path).is_bare == f"({condition} and user_name is null and process_path is null)"


@pytest.mark.parametrize(
    ("select", "cause"),
    [
        ("select data ->> '$.X' as no_such_column from records", "unknown column 'no_such_column'"),
        ("select data ->> '$.X' from records", "unknown column"),
        ("select data ->> '$.X' as user_name, data ->> '$.Y' as user_name from records", "'user_name' stands twice"),
        ("select data ->> '$.X' as user_name from records; select 1", "one select"),
        ("copy records to 'x'", "plain select"),
        ("select data ->> as user_name", "own.sql"),
        ("", "plain select"),
        ("select upper(_user) as user_name from records", "no column '_user' in this select"),
        ("select user_domain as user_name, user_name as user_domain from records", "name each other in a circle"),
        ("select data ->> '$.X' as _User, upper(_user) as user_name from records", "'_User' has to be in lower case"),
        ("select base_name(process_path) as process_name from records", "no column 'process_path' in this select"),
    ],
)
def test_mistakes_in_a_source_name_the_file(tmp_path: Path, select: str, cause: str) -> None:
    path = write_event(tmp_path, select)
    with pytest.raises(IngestFileError, match="own") as error:
        Projection(assets.folder("ingest"), tmp_path).select("evtx")
    assert str(path) in str(error.value)
    assert cause in str(error.value)


def test_columns_may_name_each_other(tmp_path: Path, project: Project) -> None:
    """Whatever their order; what only others need is no column of the lake."""
    select = (
        "select lower(user_domain) as user_name, upper(_user) as user_domain, _other || '!' as user_sid, "
        "data ->> '$.X' as _user, _user || '?' as _other from records"
    )
    write_event(tmp_path, select)
    write_event(
        tmp_path,
        "select data ->> '$.Y' as _user, _user as user_name from records",
        "second.sql",
        'channel = "Mine"\nprovider = "Me"\nevent_ids = [6]',
    )
    write_format(tmp_path, {"_h": "record ->> '$.h'", "computer": "lower(_h)", "task": "_h"})
    first, second = project(
        "own", [{"c": "Mine", "id": n, "h": "H", "X": "x", "Y": "y"} for n in (5, 6)], Projection(tmp_path)
    )
    assert [first[name] for name in ("user_name", "user_domain", "user_sid")] == ["x", "X", "x?!"]
    assert [second[name] for name in ("user_name", "user_domain", "user_sid")] == ["y", None, None]
    assert (first["computer"], first["task"], first["host"]) == ("h", "H", "h")
    assert list(first) == list(EVENT_COLUMNS)


def test_a_step_of_a_format_is_not_seen_in_the_sources(tmp_path: Path, project: Project) -> None:
    write_event(tmp_path, "select data ->> '$.X' as _user, upper(_user) as user_name from records")
    write_format(tmp_path, {"_user": "'of the format'", "task": "record ->> '$.h'", "keywords": "task || '!'"})
    (row,) = project("own", [{"c": "Mine", "id": 5, "h": "H", "X": "x"}], Projection(tmp_path))
    assert (row["user_name"], row["task"], row["keywords"]) == ("X", "H", "H!")


def test_steps_in_joins_and_conditions(tmp_path: Path, sql: Any, project: Project) -> None:
    write_event(tmp_path, "select data ->> '$.X' as user_name from records")
    tail = "left join clock on clock.host = _h where _wanted = 'yes'"
    write_format(tmp_path, {"_h": "host_name(record ->> '$.h')", "_wanted": "record ->> '$.w'"}, tail=tail)
    own = Projection(tmp_path)
    rows = project("own", [{"c": "Mine", "id": 5, "h": "H", "w": w} for w in ("yes", "no", "yes", None)], own)
    assert len(rows) == 2
    query = own.left_out("own")
    assert query
    assert sql.execute(query).fetchall() == [(0, 2)]


def test_a_condition_that_names_no_step_is_refused(tmp_path: Path) -> None:
    write_event(tmp_path, "select data ->> '$.X' as user_name from records")
    path = write_format(tmp_path, tail="where _wanted = 'yes'")
    with pytest.raises(IngestFileError, match="no column '_wanted' in this select") as error:
        Projection(tmp_path).select("own")
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        '{"c": "Mine", "id": 5, "h": "H", "Xy": "one", "XY": "two"}',
        r'{"c": "Mine", "id": 5, "h": "H", "Xy": "one", "\u0058Y": "two"}',
    ],
)
def test_names_that_differ_in_case_only_are_two(tmp_path: Path, project: Project, text: str) -> None:
    write_event(tmp_path, "select data ->> '$.Xy' as user_name, data ->> '$.XY' as user_domain from records")
    write_format(tmp_path)
    (row,) = project("own", [text], Projection(tmp_path))
    assert (row["user_name"], row["user_domain"]) == ("one", "two")


@pytest.mark.parametrize("path", ["$", "$[0]", "$.a[*]", "$.*", "$.a.b[1]"])
def test_a_path_that_is_no_chain_of_names_names_the_file_that_has_it(tmp_path: Path, path: str) -> None:
    written = write_event(tmp_path, f"select data ->> '{path}' as user_name from records")
    with pytest.raises(IngestFileError, match="JSON path") as error:
        Projection(assets.folder("ingest"), tmp_path).select("evtx")
    assert str(written) in str(error.value)


@pytest.mark.parametrize(
    ("head", "cause"), [('channel = "Mine"', "needs channel"), ('provider = "x"\nevent_ids = [1]', "needs channel")]
)
def test_a_head_that_lacks_something(tmp_path: Path, head: str, cause: str) -> None:
    write_event(tmp_path, "select data ->> '$.X' as user_name from records", head=head)
    with pytest.raises(IngestFileError, match=cause):
        Projection(assets.folder("ingest"), tmp_path)


@pytest.mark.parametrize(
    ("changes", "more", "cause"),
    [
        ({"record_id": ""}, "", "column 'record_id' is missing"),
        ({"user_name": "1"}, "", "unknown column 'user_name'"),
        ({}, "select 1; select 2;", "at most one select"),
        ({"task": "record ->> '$[1]'"}, "", "JSON path"),
    ],
)
def test_mistakes_in_a_format_name_the_file(tmp_path: Path, changes: dict[str, str], more: str, cause: str) -> None:
    path = write_format(tmp_path, changes, more=more)
    with pytest.raises(IngestFileError, match=cause) as error:
        Projection(assets.folder("ingest"), tmp_path).select("own")
    assert str(path) in str(error.value)


def test_a_folder_adds_and_replaces(tmp_path: Path, project: Project) -> None:
    write_format(tmp_path)
    write_event(tmp_path, "select data ->> '$.What' as object_name from records")
    write_event(
        tmp_path, "select 'mine' as user_name from records", "security_logon.sql",
        head='channel = "Security"\nprovider = "Microsoft-Windows-Security-Auditing"\nevent_ids = [4624]',
    )  # fmt: skip
    own = Projection(assets.folder("ingest"), tmp_path)
    assert set(own.formats) == {*SHIPPED.formats, "own"}
    assert len(own.events) == len(SHIPPED.events) + 1
    rows = project(
        "own",
        [
            {"id": 5, "c": "MINE", "p": "Me", "What": "x"},
            {"id": 5, "c": "Mine", "What": "no provider"},
            {"id": 5, "c": "Mine", "p": "Other", "What": "x"},
            {"id": 4624, "c": "security", "p": "Microsoft-Windows-Security-Auditing"},
        ],
        own,
    )
    assert [row["object_name"] for row in rows] == ["x", "no provider", None, None]
    assert [row["channel"] for row in rows] == ["Mine", "Mine", "Mine", "Security"]
    assert rows[3]["user_name"] == "mine"


def test_a_format_mends_fields_for_all_sources(tmp_path: Path, project: Project) -> None:
    write_format(tmp_path, {"data.ProcessId": "record ->> '$.lost'", "data.LogonType": "record ->> '$.type'"})
    own = Projection(assets.folder("ingest"), tmp_path)
    common = {"id": 4624, "c": "Security", "p": "Microsoft-Windows-Security-Auditing"}
    (row,) = project("own", [common | {"lost": "0x10", "ProcessId": "0x99", "type": "3", "TargetUserName": "eve"}], own)
    assert (row["process_id"], row["logon_type"], row["target_name"]) == (16, 3, "eve")


def test_names_that_differ_in_case_only_do_not_collide(tmp_path: Path, project: Project) -> None:
    """DuckDB's structs know no case, JSON does."""
    write_event(
        tmp_path,
        "select data ->> '$.Name' as user_name, data ->> '$.NAME' as user_domain, "
        "try_cast(data ->> '$.name' as integer) as logon_type, "
        "try_cast(data ->> '$.Number' as integer) as source_port, data ->> '$.Number' as object_name from records",
    )
    own = Projection(assets.folder("ingest"), tmp_path)
    data = {"Name": "a", "NAME": "b", "name": "3", "Number": "007"}
    (row,) = project("evtx", [{"Event": {"System": {"EventID": 5, "Channel": "Mine"}, "EventData": data}}], own)
    assert [row[c] for c in ("user_name", "user_domain", "logon_type", "source_port", "object_name")] == [
        "a",
        "b",
        3,
        7,
        "007",
    ]


def test_a_name_that_is_wanted_as_value_and_as_object() -> None:
    structure = Structure("record", "r")
    structure.want(("a",), "VARCHAR")
    structure.want(("a", "b"), "VARCHAR")
    with pytest.raises(PathError, match=r"a\.b"):
        structure.spec()


def test_names_with_quotes_stay_names(tmp_path: Path, project: Project) -> None:
    write_event(
        tmp_path, """select data ->> '$."it''s"' as user_name, data ->> '$."a.b"' as user_domain from records"""
    )
    own = Projection(assets.folder("ingest"), tmp_path)
    (row,) = project(
        "evtx", [{"Event": {"System": {"EventID": 5, "Channel": "Mine"}, "EventData": {"it's": "x", "a.b": "y"}}}], own
    )
    assert (row["user_name"], row["user_domain"]) == ("x", "y")
