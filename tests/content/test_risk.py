"""Scores of all heads, and how findings are put together to acts: hits, and what looks like one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from wmiwarehouse.content.findings import counted, facts, with_findings
from wmiwarehouse.content.library import Library
from wmiwarehouse.content.metadata import ContentError

Row = dict[str, Any]
Acts = Callable[..., list[Row]]

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

#: From and to which score an analytic of a severity may go; documents' own numbers stand above it.
BANDS = {"informational": (0, 5), "low": (0, 25), "medium": (20, 50), "high": (45, 95), "critical": (80, 100)}


def test_every_detection_and_chain_has_a_sober_score(library: Library) -> None:
    for item in counted(library.newest.values()):
        head = item.metadata
        assert head.risk_score is not None, item.path
        least, most = BANDS[head.severity]
        assert least <= head.risk_score <= most, item.path
        if head.false_positive_rate == "high":
            assert head.risk_score <= 10, item.path
        if head.risk_score != 85:  # the one document that gives a score alone
            assert head.impact is not None, item.path
            assert head.confidence is not None, item.path


def test_nothing_else_has_one(library: Library) -> None:
    others = set(library.newest) - {item.id for item in counted(library.newest.values())}
    assert [name for name in others if library.newest[name].metadata.risk_score is not None] == []


def test_the_documents_scores_stand(library: Library) -> None:
    scores = {item.id: item.metadata.risk_score for item in counted(library.newest.values())}
    assert (scores["escu_remote_process_instantiation_via_wmi"], scores["xql_wmic_remote_exec"]) == (49, 85)


def test_a_risk_view_comes_after_what_it_is_made_of(library: Library) -> None:
    assert [item.view for item in library.risk] == ["risk_events_v1", "risk_by_object_v1"]


def test_a_new_head_changes_what_the_views_are_made_from(library: Library) -> None:
    item = library.get("xql_wmic_remote_exec")
    other = type(item)(replace(item.metadata, message="another"), item.sql, item.path)
    assert facts([item]) != facts([other])
    assert facts([library.get("playbook_dst_4624_user")]) == []


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("a.host, a.event_uid", "has no column with a time"),
        ("a.event_time, a.event_uid", "has no column with a host"),
        ("a.event_time, a.host", "key: is missing"),
    ],
)
def test_a_view_that_cannot_count_is_refused_with_its_name(columns: str, message: str, library: Library) -> None:
    item = library.get("wmiprvse_children")
    sql = f"create or replace view hunt.x_v1 as\nwith final as (select {columns} from a)\n\nselect * from final\n"
    with pytest.raises(ContentError, match=message) as caught:
        with_findings("create or replace view hunt.r as select 1", [type(item)(item.metadata, sql, item.path)])
    assert item.path.name in str(caught.value)


@pytest.fixture(scope="module")
def database(library: Library) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("set timezone = 'UTC'")
    connection.execute("create schema hunt")
    connection.execute(
        """create table finding (
            finding_id varchar, analytic varchar, version integer, kind varchar, severity varchar,
            event_time timestamptz, last_time timestamptz, host varchar, user_name varchar, user_domain varchar,
            process_id bigint, process_name varchar, parent_process_id bigint, logon_id varchar, session_host varchar,
            session_ids varchar[], event_uids varchar[], message varchar,
            objects struct(type varchar, name varchar, domain varchar, account_class varchar, account_sid varchar,
                score integer)[],
            techniques varchar[], tactics varchar[])"""
    )
    for item in library.risk:
        connection.execute(item.text)
    yield connection
    connection.close()


@pytest.fixture
def acts(database: duckdb.DuckDBPyConnection) -> Acts:
    """Returns a function that makes findings of the given facts and returns the risk events, sorted."""

    def run(*given: Row) -> list[Row]:
        database.execute("delete from finding")
        for number, one in enumerate(given):
            time = NOON + timedelta(seconds=one.get("at", 0))
            analytic = one.get("analytic", "some_analytic")
            score = one.get("score", 10)
            objects = one.get("objects", [("host", one.get("host", "ws01"))])
            row: Row = {
                "finding_id": f"{analytic}:{one.get('id', f'row{number}')}",
                "analytic": analytic,
                "version": 1,
                "kind": "detection",
                "severity": "low",
                "event_time": time,
                "last_time": time + timedelta(seconds=one.get("lasts", 0)),
                "host": one.get("host", "ws01"),
                "user_name": one.get("user", "jdoe"),
                "user_domain": one.get("domain", "CORP"),
                "process_id": one.get("pid"),
                "process_name": one.get("process"),
                "parent_process_id": one.get("parent"),
                "logon_id": one.get("logon"),
                "session_host": one.get("session_host"),
                "session_ids": one.get("sessions"),
                "event_uids": one.get("uids", [f"uid{number}"]),
                "message": f"message {number}",
                "objects": [_object(thing, score) for thing in objects],
                "techniques": one.get("techniques", ["T1047"]),
                "tactics": ["TA0002 Execution"],
            }
            marks = ", ".join("?" * len(row))
            database.execute(f"insert into finding ({', '.join(row)}) values ({marks})", list(row.values()))
        query = "select * from hunt.risk_events_v1 order by event_time, finding_id, risk_object_type, risk_object"
        found: list[Row] = database.sql(query).to_arrow_table().to_pylist()
        return found

    return run


def _object(thing: tuple[str, ...] | Row, score: int) -> Row:
    empty: Row = dict.fromkeys(("type", "name", "domain", "account_class", "account_sid")) | {"score": score}
    if isinstance(thing, dict):
        return empty | thing
    return empty | dict(zip(("type", "name", "domain", "account_class", "account_sid"), thing, strict=False))


def _groups(found: list[Row]) -> list[list[int]]:
    """The findings of each act, by their numbers."""
    groups: dict[str, set[int]] = {}
    for row in found:
        groups.setdefault(row["act"], set()).add(int(row["message"].split()[1]))
    return sorted(sorted(group) for group in groups.values())


def test_one_process_is_one_act_whoever_tells_of_it(acts: Acts) -> None:
    wmic = {"pid": 4, "process": "WMIC.exe"}
    found = acts(
        wmic | {"analytic": "a", "score": 52},
        wmic | {"analytic": "b", "score": 85, "at": 0.3, "process": "wmic.exe", "user": "-"},
        wmic | {"analytic": "c", "score": 85, "at": 1},
    )
    assert _groups(found) == [[0, 1, 2]]
    assert [row["counts"] for row in found] == [False, True, False]


@pytest.mark.parametrize(
    ("other", "apart"),
    [
        ({"at": 120}, False),
        ({"at": 120.000001}, True),
        ({"at": 121}, True),
        ({"host": "ws02"}, True),
        ({"pid": 8}, True),
        ({"process": "cmd.exe", "at": 5}, True),  # the process id was given out again
        ({"pid": None}, True),
    ],
)
def test_near_misses_of_one_process(other: Row, apart: bool, acts: Acts) -> None:
    one = {"pid": 4, "process": "wmic.exe"}
    assert (_groups(acts(one, one | other)) == [[0], [1]]) is apart


@pytest.mark.parametrize(
    ("other", "apart"),
    [
        ({}, False),
        ({"at": 120}, False),
        ({"at": 121}, True),
        ({"at": -1}, True),  # no child starts before its parent
        ({"host": "ws02"}, True),
        ({"parent": 8}, True),
        ({"analytic": "another"}, True),  # what a child of WMI does next is an act of its own
    ],
)
def test_a_shell_is_of_the_act_of_the_wmic_that_it_starts(other: Row, apart: bool, acts: Acts) -> None:
    shell = {"pid": 4, "process": "cmd.exe", "analytic": "wmic"}
    wmic = {"pid": 12, "process": "wmic.exe", "parent": 4, "at": 1, "analytic": "wmic"} | other
    assert (_groups(acts(shell, wmic)) == [[0], [1]]) is apart


@pytest.mark.parametrize(
    ("other", "apart"),
    [
        ({}, False),
        ({"at": 121}, False),
        ({"at": 122}, True),
        ({"at": -121}, True),
        ({"host": "srv02"}, True),
        ({"logon": "0x2"}, True),
        ({"logon": None}, True),
    ],
)
def test_what_is_done_in_the_session_of_a_movement_is_its_act(other: Row, apart: bool, acts: Acts) -> None:
    move = {"analytic": "lateral_movement", "session_host": "srv01", "sessions": ["0x1", "0x9"], "lasts": 1}
    found = acts(move, {"host": "srv01", "logon": "0x1", "at": 5} | other)
    assert (_groups(found) == [[0], [1]]) is apart


def test_a_chain_of_short_gaps_is_one_act(acts: Acts) -> None:
    one = {"pid": 4, "process": "wmic.exe"}
    found = acts(*(one | {"at": 100 * n} for n in range(4)), one | {"at": 421})
    assert _groups(found) == [[0, 1, 2, 3], [4]]
    assert [row["counts"] for row in found] == [True, False, False, False, True]


@pytest.mark.parametrize("pid", [None, 0])
def test_without_a_process_it_is_the_user_of_the_host(pid: int | None, acts: Acts) -> None:
    found = acts(
        {"pid": pid},
        {"pid": pid, "at": 60, "domain": "corp.example", "user": "JDOE"},
        {"pid": pid, "at": 61, "user": "adm"},
        {"pid": pid, "at": 61, "host": "ws02"},
        {"pid": pid, "at": 181, "user": "jdoe"},
        {"pid": pid, "at": 62, "user": None, "domain": None},
        {"pid": pid, "at": 63, "user": None, "domain": None},
    )
    assert _groups(found) == [[0, 1], [2], [3], [4], [5, 6]]


MOVE = {
    "analytic": "lateral_movement",
    "objects": [("host", "ws01"), ("host", "srv02"), ("user", r"CORP.EXAMPLE\adm")],
    "score": 90,
}


def test_the_evidence_of_a_movement_is_its_act(acts: Acts) -> None:
    found = acts(
        MOVE | {"id": "m", "uids": ["call", "twin", "child", "credentials"]},
        {"uids": ["call"], "pid": 4, "process": "wmic.exe", "score": 85},
        {"uids": ["twin"], "pid": 4, "process": "wmic.exe", "at": 1},
        {"uids": [], "pid": 4, "process": "wmic.exe", "at": 121, "score": 49},  # ESCU names no records
        {"uids": [], "pid": 4, "process": "wmic.exe", "at": 122, "score": 49},
        {"uids": ["child"], "host": "srv02", "pid": 12, "process": "cmd.exe", "score": 36},
        {"uids": ["other"], "host": "srv02", "pid": 16, "process": "cmd.exe"},
    )
    assert _groups(found) == [[0, 1, 2, 3, 5], [4], [6]]
    assert {row["act"] for row in found if row["message"] in ("message 0", "message 5")} == {"move:m"}
    scored = {(row["risk_object"], row["act"]): row["risk_score"] for row in found if row["counts"]}
    assert (scored["ws01", "move:m"], scored["srv02", "move:m"]) == (90, 90)


def test_a_record_of_two_movements_goes_to_the_nearer_then_to_the_surer(acts: Acts) -> None:
    found = acts(
        MOVE | {"id": "far", "uids": ["call"], "at": -30, "lasts": 10},
        MOVE | {"id": "near", "uids": ["call"], "at": -5, "lasts": 10, "score": 30},
        MOVE | {"id": "sure", "uids": ["call"], "at": 3, "score": 60},
        {"uids": ["call"], "pid": 4},
    )
    acts_of = {row["message"]: row["act"] for row in found}
    assert [acts_of[f"message {n}"] for n in range(4)] == ["move:far", "move:near", "move:sure", "move:near"]
    found = acts(
        MOVE | {"id": "b", "uids": ["call"], "score": 60},
        MOVE | {"id": "a", "uids": ["call"], "score": 50},
        {"uids": ["call"], "pid": 4},
    )
    assert next(row["act"] for row in found if row["message"] == "message 2") == "move:b"


def test_most_of_its_records_decide_before_the_time(acts: Acts) -> None:
    found = acts(
        MOVE | {"id": "other", "uids": ["call", "child1"]},
        MOVE | {"id": "own", "uids": ["call", "child2"], "at": 4},
        {"uids": ["call", "child2"], "pid": 4},  # one wmic with two targets, tied to its child on the second
    )
    assert next(row["act"] for row in found if row["message"] == "message 2") == "move:own"


def test_a_process_between_two_movements_goes_to_the_nearer(acts: Acts) -> None:
    service = {"pid": 9, "process": "svchost.exe"}
    found = acts(
        MOVE | {"id": "one", "uids": ["x"]},
        MOVE | {"id": "two", "uids": ["y"], "at": 200},
        service | {"uids": ["x"]},
        service | {"uids": ["y"], "at": 200},
        service | {"at": 90},
        service | {"at": 110},
    )
    acts_of = {row["message"]: row["act"] for row in found}
    assert (acts_of["message 4"], acts_of["message 5"]) == ("move:one", "move:two")


def test_only_the_highest_score_of_an_act_counts_for_each_object(acts: Acts) -> None:
    same = {"pid": 4, "process": "wmic.exe"}
    host, user = ("host", "ws01"), ("user", "jdoe", "CORP", "domain")
    found = acts(
        same | {"score": 85, "objects": [host]},
        same | {"score": 49, "objects": [host, user]},
        same | {"score": 49, "objects": [host, user, user]},
    )
    assert [row["counts"] for row in found if row["risk_object_type"] == "host"] == [True, False, False]
    users = [row for row in found if row["risk_object_type"] == "user"]
    assert [(row["risk_object"], row["risk_score"], row["counts"]) for row in users] == [
        (r"corp\jdoe", 49, True),
        (r"corp\jdoe", 49, False),
    ]


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (("host", "WS01"), "ws01"),
        (("host", "10.0.0.99"), "10.0.0.99"),
        (("host", "fe80::1"), "fe80::1"),
        (("host", "unknown"), None),
        (("host", "-"), None),
        (("host", ""), None),
        (("host", None), None),
        (("user", "JDoe", "CORP.EXAMPLE", "domain"), r"corp\jdoe"),
        (("user", "CORP.example\\JDoe"), r"corp\jdoe"),
        (("user", "jdoe@corp.example", "", "domain"), r"corp\jdoe"),
        (("user", "jdoe", None, "domain"), "jdoe"),
        (("user", "adm", ".", "local"), r"ws01\adm"),
        (("user", "adm", "WS01", "local"), r"ws01\adm"),
        (("user", "WS01$", "CORP", None), None),
        (("user", "WS01$@CORP.EXAMPLE", "CORP", None), None),
        (("user", "x", "CORP", "machine"), None),
        (("user", "x", "CORP", "self"), None),
        (("user", "SYSTEM", "NT AUTHORITY", "system"), None),
        (("user", "SYSTEM", "NT AUTHORITY"), None),
        (("user", "LOCAL SERVICE", "AUTORITE NT"), None),
        (("user", "Netzwerkdienst", "NT-AUTORITÄT"), None),
        (("user", "dwm-1", "Window Manager"), None),
        (("user", "SYSTEM", None, None, "S-1-5-18"), None),
        (("user", "DefaultAppPool", None, None, "S-1-5-82-1-2"), None),
        (("user", "jdoe", "CORP", None, "S-1-5-21-1-2-3-1104"), r"corp\jdoe"),
        (("user", "jdoe", "NT-CORP"), r"nt-corp\jdoe"),
        (("user", "", "CORP"), None),
        (("user", "-", "-"), None),
        (("user", None, "CORP"), None),
        (("user", "x", "CORP", "none"), None),
    ],
)
def test_what_is_at_risk(thing: tuple[str, ...], name: str | None, acts: Acts) -> None:
    assert [row["risk_object"] for row in acts({"objects": [thing]})] == ([] if name is None else [name])


def test_a_name_without_a_domain_gets_the_only_one_of_its_act(acts: Acts) -> None:
    same = {"pid": 4}
    bare, full = ("user", "jdoe", None, "domain"), ("user", "jdoe", "CORP", "domain")
    found = acts(same | {"objects": [bare]}, same | {"objects": [full]}, {"pid": 8, "objects": [bare]})
    assert [row["risk_object"] for row in found] == [r"corp\jdoe", r"corp\jdoe", "jdoe"]
    found = acts(
        same | {"objects": [bare]},
        same | {"objects": [full]},
        same | {"objects": [("user", "jdoe", "OTHER", "domain")]},
    )
    assert [row["risk_object"] for row in found] == ["jdoe", r"corp\jdoe", r"other\jdoe"]


def test_rows_of_one_record_are_one_finding(acts: Acts) -> None:
    assert len(acts({"id": "same"}, {"id": "same"}, {"id": "same", "analytic": "another"})) == 2


def test_the_same_findings_have_the_same_acts_in_any_order(acts: Acts) -> None:
    given = [
        MOVE | {"id": "m", "uids": ["a"]},
        {"id": "x", "uids": ["a"], "pid": 4},
        {"id": "y", "uids": ["b"], "pid": 8, "at": 1},
        {"id": "z", "uids": ["c"], "at": 2},
    ]
    one, other = (
        {(row["finding_id"], row["act"], row["counts"]) for row in acts(*order)} for order in (given, given[::-1])
    )
    assert one == other


def test_sums_by_object(acts: Acts, database: duckdb.DuckDBPyConnection) -> None:
    acts(
        {"pid": 4, "score": 85, "analytic": "a", "techniques": ["T1047", "T1021.006"]},
        {"pid": 4, "score": 49, "analytic": "b", "at": 1},
        {"pid": 8, "score": 36, "analytic": "a", "at": 50, "lasts": 60},
        {"pid": 12, "score": 0, "analytic": "noise", "at": 500},
        {"pid": 12, "score": 0, "host": "quiet"},
    )
    (row,) = database.sql("select * from hunt.risk_by_object_v1").to_arrow_table().to_pylist()
    assert row == {
        "risk_object": "ws01",
        "risk_object_type": "host",
        "risk_score": 121,
        "acts": 2,
        "analytics": 2,
        "techniques": ["T1021.006", "T1047"],
        "first_time": NOON,
        "last_time": NOON + timedelta(seconds=110),
        "message": "message 0",
    }
