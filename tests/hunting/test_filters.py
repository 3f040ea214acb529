"""Filters: half-open times, spans back from the newest event, hosts and users, and what they must not break."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import UsageError
from wmiwarehouse.hunting import unknown
from wmiwarehouse.hunting.filters import Filters, moment
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.hunting.selection import select
from wmiwarehouse.lake import catalog
from wmiwarehouse.lake.query import rows

LIBRARY = Library.load()
NEWEST = datetime(2026, 3, 4, 12, tzinfo=UTC)


def _rows(warehouse: Path, name: str, **filters: str) -> list[dict[str, Any]]:
    with open_hunt(warehouse, LIBRARY, Filters(**filters)) as hunting:
        found: list[dict[str, Any]] = hunting.run(select(LIBRARY, [name])[0]).to_pylist()
        return found


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()


def test_since_is_included_and_until_is_not(warehouse: Path) -> None:
    everything = _rows(warehouse, "xql_wmic_remote_exec")
    times = sorted(row["event_time"] for row in everything)
    middle = times[len(times) // 2]
    earlier = _rows(warehouse, "xql_wmic_remote_exec", until=_iso(middle))
    later = _rows(warehouse, "xql_wmic_remote_exec", since=_iso(middle))
    assert all(row["event_time"] < middle for row in earlier)
    assert any(row["event_time"] == middle for row in later)
    assert len(earlier) + len(later) == len(everything)


@pytest.mark.parametrize(
    "name", ["xql_wmic_remote_exec", "wmiprvse_children", "escu_remote_process_instantiation_via_wmi"]
)
def test_host_and_user_split_the_rows(warehouse: Path, name: str) -> None:
    everything = _rows(warehouse, name)
    column = "host" if "host" in everything[0] else "dest"
    hosts = {row[column] for row in everything}
    assert len(hosts) > 1
    # Computers that share a short name stand there with their whole names, and answer to nothing else.
    parts = [_rows(warehouse, name, host=host.upper() + ("" if "." in host else ".any.suffix")) for host in hosts]
    assert sum(map(len, parts)) == len(everything)
    assert _rows(warehouse, name, host="nosuchhost") == []
    assert _rows(warehouse, name, user="nosuchuser") == []


def test_user_may_have_a_domain(warehouse: Path) -> None:
    everything = _rows(warehouse, "car_2016_03_002")
    one = next(row for row in everything if row["user_domain"])
    named = _rows(warehouse, "car_2016_03_002", user=one["user_name"].upper())
    in_domain = _rows(warehouse, "car_2016_03_002", user=f"{one['user_domain']}\\{one['user_name']}")
    assert in_domain
    assert in_domain == [row for row in named if row["user_domain"].lower() == one["user_domain"].lower()]
    assert _rows(warehouse, "car_2016_03_002", user=f"OTHER\\{one['user_name']}") == []


def test_a_filter_beneath_an_aggregation_does_not_take_the_parents_away(warehouse: Path) -> None:
    """Many parents started before the range that is asked for; they are still named."""
    name = "escu_remote_process_instantiation_via_wmi"
    everything = _rows(warehouse, name)
    for row in everything[:: max(len(everything) // 8, 1)]:  # each opens the warehouse anew
        only = _rows(
            warehouse, name, since=_iso(row["first_time"]), until=_iso(row["last_time"] + timedelta(microseconds=1))
        )
        same = [other for other in only if other["process_id"] == row["process_id"] and other["dest"] == row["dest"]]
        assert [other["parent_process_name"] for other in same] == [row["parent_process_name"]]


def test_values_stay_values(warehouse: Path) -> None:
    for text in ("x' or 1=1 --", "$user_name", "%", "a\\b\\c", "\x00"):
        assert _rows(warehouse, "escu_remote_process_instantiation_via_wmi", host=text) == []
        assert _rows(warehouse, "car_2016_03_002", host=text, user=text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-04T10:00:00Z", datetime(2026, 3, 4, 10, tzinfo=UTC)),
        ("2026-03-04T10:00:00+02:00", datetime(2026, 3, 4, 8, tzinfo=UTC)),
        ("2026-03-04", datetime(2026, 3, 4, tzinfo=UTC)),
        ("7d", NEWEST - timedelta(days=7)),
        ("90m", NEWEST - timedelta(minutes=90)),
    ],
)
def test_moments(text: str, expected: datetime) -> None:
    assert moment(text, NEWEST, "since") == expected


@pytest.mark.parametrize("text", ["yesterday", "7 parsecs", "", "2026-13-01", "9999999999d", "999999w"])
def test_no_moment(text: str) -> None:
    with pytest.raises(UsageError, match="--since"):
        moment(text, NEWEST, "since")


def test_a_filter_without_its_column_is_refused() -> None:
    with pytest.raises(UsageError, match="--user"):
        Filters(user="x").where(["host", "event_time"], NEWEST)


# What lasts: a view of sessions and one of edges, as the analytics of these kinds return them.
SESSIONS = """
    select * from (values
        ('before', 'ws01', 'CORP\\jdoe', timestamptz '2026-03-04 09:00Z', timestamptz '2026-03-04 09:30Z'),
        ('reaches in', 'ws01', 'CORP.EXAMPLE\\jdoe', timestamptz '2026-03-04 09:30Z', timestamptz '2026-03-04 10:00Z'),
        ('open', 'ws02', 'OTHER\\jdoe', timestamptz '2026-03-04 08:00Z', null),
        ('inside', 'ws02', 'WS02\\admin', timestamptz '2026-03-04 10:10Z', timestamptz '2026-03-04 10:20Z'),
        ('begins at the end', 'ws02', 'adm', timestamptz '2026-03-04 11:00Z', timestamptz '2026-03-04 11:20Z')
    ) as t (name, host, "user", start, "end")"""
EDGES = """
    select * from (values
        ('before', 'ws01', 'fs01', timestamptz '2026-03-04 09:00Z', timestamptz '2026-03-04 09:30Z'),
        ('reaches in', 'ws02', 'ws01', timestamptz '2026-03-04 09:30Z', timestamptz '2026-03-04 10:30Z'),
        ('one side', null, 'ws01', timestamptz '2026-03-04 10:30Z', null)
    ) as t (name, source_host, target_host, first, last)"""
CHAINS = """
    select * from (values
        ('child inside', 'ws01', timestamptz '2026-03-04 09:59Z', timestamptz '2026-03-04 10:01Z'),
        ('no child', 'ws01', timestamptz '2026-03-04 09:59Z', null),
        ('child earlier: skew', 'ws01', timestamptz '2026-03-04 11:00Z', timestamptz '2026-03-04 10:59:59Z')
    ) as t (name, host, event_time, child_time)"""
SINCE, UNTIL = "2026-03-04T10:00Z", "2026-03-04T11:00Z"


def _kept(view: str, newest: datetime = NEWEST, **filters: str) -> list[str]:
    connection = catalog.connect()
    try:
        columns = connection.sql(view).columns
        where, values = Filters(**filters).where(columns, newest, lasting=True)
        return [row["name"] for row in rows(connection, f"select name from ({view}) where {where}", values)]
    finally:
        connection.close()


def test_what_lasts_is_kept_whole_if_any_of_it_is_in_the_range() -> None:
    assert _kept(SESSIONS, since=SINCE, until=UNTIL) == ["reaches in", "open", "inside"]
    assert _kept(SESSIONS, since="2026-03-04T10:00:00.000001Z", until=UNTIL) == ["open", "inside"]
    assert _kept(SESSIONS, until=SINCE) == ["before", "reaches in", "open"]
    assert _kept(EDGES, since=SINCE, until=UNTIL) == ["reaches in", "one side"]
    assert _kept(EDGES, until=SINCE) == ["before", "reaches in"]
    assert _kept(CHAINS, since=SINCE, until=UNTIL) == ["child inside", "child earlier: skew"]


def test_an_open_session_lasts_as_long_as_the_logs() -> None:
    after = _iso(NEWEST + timedelta(seconds=1))
    assert _kept(SESSIONS, since=after) == []
    assert _kept(SESSIONS, since=_iso(NEWEST)) == ["open"]
    assert _kept(SESSIONS, since="1h", newest=NEWEST) == ["open", "begins at the end"]


def test_rows_of_single_events_keep_their_own_time(warehouse: Path) -> None:
    connection = catalog.connect()
    try:
        where, values = Filters(since=SINCE).where(connection.sql(CHAINS).columns, NEWEST)
        found = rows(connection, f"select name from ({CHAINS}) where {where}", values)
    finally:
        connection.close()
    assert [row["name"] for row in found] == ["child earlier: skew"]


def test_host_matches_either_side() -> None:
    assert _kept(EDGES, host="WS01.corp.example") == ["before", "reaches in", "one side"]
    assert _kept(EDGES, host="fs01") == ["before"]


def test_an_end_without_logs_is_a_side_too(warehouse: Path) -> None:
    """All that is known of it stands in the records of the other end: a movement must not vanish for that."""
    everything = _rows(warehouse, "lateral_movement")
    halves = [row for row in everything if not (row["source_host"] and row["target_host"])]
    assert halves
    for row in halves:
        for name in filter(None, (row["source"], row["target"], row["source_ip"])):
            assert row in _rows(warehouse, "lateral_movement", host=name.upper())
    assert all(
        name in (row["source"], row["source_ip"])
        for name in {row["source_ip"] for row in halves if row["source_ip"]}
        for row in _rows(warehouse, "lateral_movement", host=name)
    )


@pytest.mark.parametrize(("since", "until"), [("2024-05-07", "2024-05-06"), ("2024-05-07", "2024-05-07"), ("1d", "2d")])
def test_a_range_in_which_nothing_can_lie_is_refused(warehouse: Path, since: str, until: str) -> None:
    with pytest.raises(UsageError, match="ends before it begins"):
        _rows(warehouse, "car_2016_03_002", since=since, until=until)


@pytest.mark.parametrize(
    ("user", "names"),
    [
        ("JDOE", ["before", "reaches in", "open"]),
        ("corp\\jdoe", ["before", "reaches in"]),
        ("Corp.Example\\jdoe", ["before", "reaches in"]),
        ("CORP.OTHER\\jdoe", ["before"]),
        ("OTHER\\jdoe", ["open"]),
        ("ORP\\jdoe", []),
        ("doe", []),
        ("adm", ["begins at the end"]),
        ("X\\adm", []),
    ],
)
def test_user_as_one_text(user: str, names: list[str]) -> None:
    assert _kept(SESSIONS, user=user) == names


def test_a_domain_is_known_by_its_first_label() -> None:
    view = """
        select * from (values
            ('short', 'x', 'THESHIRE'), ('long', 'x', 'theshire.local'), ('other', 'x', 'theshire.test'))
        as t (name, user_name, user_domain)"""
    assert _kept(view, user="TheShire\\x") == ["short", "long", "other"]
    assert _kept(view, user="THESHIRE.LOCAL\\x") == ["short", "long"]
    assert _kept(view, user="SHIRE\\x") == []
    with pytest.raises(UsageError, match="names no user"):
        _kept(view, user="THESHIRE\\")


@pytest.mark.parametrize(
    ("user", "names"),
    [
        ("jdoe", ["plain", "upn", "short upn", "other upn", "domain beside"]),
        ("CORP\\jdoe", ["plain", "upn", "short upn", "domain beside"]),
        ("jdoe@corp.example", ["plain", "upn", "short upn", "domain beside"]),
        ("jdoe@other.example", ["other upn"]),
        ("jdo", []),
    ],
)
def test_a_user_may_be_logged_with_the_domain_behind_it(user: str, names: list[str]) -> None:
    columns = """
        select * from (values
            ('plain', 'jdoe', 'CORP'), ('upn', 'JDoe@CORP.EXAMPLE', ''), ('short upn', 'jdoe@corp', null),
            ('other upn', 'jdoe@other.example', null), ('domain beside', 'jdoe@alias.example', 'CORP'),
            ('longer', 'jdoe2@corp', 'CORP'))
        as t (name, user_name, user_domain)"""
    assert _kept(columns, user=user) == names
    text = r"""
        select * from (values
            ('plain', 'CORP\jdoe'), ('upn', 'JDoe@CORP.EXAMPLE'), ('short upn', 'jdoe@corp'),
            ('other upn', 'jdoe@other.example'), ('domain beside', 'CORP\jdoe@alias.example'),
            ('longer', 'jdoe2@corp'))
        as t (name, explicit_user)"""
    assert _kept(text, user=user) == names


@pytest.mark.parametrize("column", ["source_user_name", "explicit_user", "causality_user", "share_user"])
def test_a_user_is_sought_in_whatever_names_one(column: str) -> None:
    view = f"select * from (values ('his', 'jdoe'), ('none', null), ('other', 'x')) as t (name, {column})"
    assert _kept(view, user="JDOE") == ["his"]


def test_credentials_are_counted_for_the_user_they_are_of(warehouse: Path) -> None:
    everything = _rows(warehouse, "stack_explicit_credentials")
    users = {row["target_account"].rpartition("\\")[2] for row in everything}
    givers = {row["subject_account"].rpartition("\\")[2] for row in everything}
    assert users - givers
    for user in sorted(users - givers)[:3]:
        of_user = [row for row in everything if row["target_account"].endswith(f"\\{user}")]
        assert _rows(warehouse, "stack_explicit_credentials", user=user) == of_user


def test_a_movement_is_also_of_the_user_who_gave_anothers_password(warehouse: Path) -> None:
    given = [row for row in _rows(warehouse, "chain_wmic_to_child") if row["explicit_user"]]
    pairs = {(row["source_user_name"].lower(), row["explicit_user"].lower().rpartition("\\")[2]) for row in given}
    assert pairs
    for giver, owner in pairs:
        moved = {row["user"].lower().rpartition("\\")[2] for row in _rows(warehouse, "lateral_movement", user=giver)}
        assert owner in moved, (giver, moved)
    everything = _rows(warehouse, "lateral_movement")
    others = [row for row in everything if row["user"] and row["user"].lower().endswith("\\alice")]
    assert others
    assert [row for row in _rows(warehouse, "lateral_movement", user="alice") if row in others] == others
    assert len(_rows(warehouse, "lateral_movement", user="alice")) < len(everything)


def test_an_account_given_to_wmic_is_found_beneath_a_count(warehouse: Path) -> None:
    name = "escu_remote_process_instantiation_via_wmi"  # its filters choose events
    given = [row for row in _rows(warehouse, name) if re.search(r"(?i)/user:", row["process"])]
    told = [re.search(r'(?i)/user:"?(?:[^\s"\\]*\\)?([\w-]+)', row["process"]) for row in given]
    owners = {match[1] for match in told if match}
    assert owners
    for owner in owners:
        of_owner = [row for row in given if re.search(rf'(?i)[:"\\]{owner}\b', row["process"])]
        found = _rows(warehouse, name, user=owner)
        assert [row for row in found if row in of_owner] == of_owner


def test_a_user_that_no_record_names(warehouse: Path) -> None:
    def about(user: str) -> list[str]:
        with open_hunt(warehouse, LIBRARY, Filters(user=user)) as hunting:
            return unknown.doubts(hunting)

    one = next(row for row in _rows(warehouse, "car_2016_03_002") if row["user_domain"])
    name, domain = one["user_name"], one["user_domain"]
    for known in (name, name.upper(), f"{domain}\\{name}", f"{name}@{domain}"):
        assert about(known) == [], known
    assert "no record in this warehouse names a user mallory" in about("mallory")[0]
    assert f"some name {name} of another domain" in about(f"NOWHERE\\{name}")[0]


def test_a_domain_where_a_column_is_empty_in_all_of_a_single_file(tmp_path: Path) -> None:
    """DuckDB 2.0 fails on split_part(...) = constant there; logons without a subject are such a file."""
    path = str(tmp_path / "one.parquet").replace("'", "''")
    connection = catalog.connect()
    try:
        connection.execute(f"""
            copy (
                select
                    cast(null as varchar) as subject_name, cast(null as varchar) as subject_domain,
                    cast(null as varchar) as "user", n as user_name, d as user_domain
                from (values ('JDoe', 'CORP'), ('jdoe', 'corp.example'), ('jdoe', 'CORPUS'), ('a', 'CORP')) as t (n, d)
            ) to '{path}' (format parquet)""")
        columns = ["subject_name", "subject_domain", "user", "user_name", "user_domain"]
        where, values = Filters(user="corp\\jdoe").where(columns, None)
        found = rows(connection, f"select user_domain from read_parquet('{path}') where {where}", values)
    finally:
        connection.close()
    assert [row["user_domain"] for row in found] == ["CORP", "corp.example"]
