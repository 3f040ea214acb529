"""The words beside a count of zero: what was looked at and what was not, never more than logs can say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.content.metadata import Requirement
from wmiwarehouse.hunting.coverage import Clear, Coverage, Doubts, Seen, gaps
from wmiwarehouse.hunting.filters import Filters
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.hunting.selection import select
from wmiwarehouse.lab import GroundTruth
from wmiwarehouse.lake import catalog, relations
from wmiwarehouse.lake.query import rows
from wmiwarehouse.lake.views import create_views
from wmiwarehouse.lake.warehouse import Warehouse

FROM, TO = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 9, 12, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def connection(warehouse: Path) -> Iterator[Any]:
    library = Library.load()
    connection = catalog.connect()
    for statement in relations.base_relations(Warehouse.open(warehouse).batches()):
        connection.execute(statement)
    create_views(connection, library, [library.get("data_coverage")])
    yield connection
    connection.close()


def _covered(warehouse: Path, **filters: str) -> list[dict[str, Any]]:
    library = Library.load()
    with open_hunt(warehouse, library, Filters(**filters)) as hunting:
        found: list[dict[str, Any]] = hunting.run(library.get("data_coverage")).to_pylist()
        return found


def test_hosts_that_carry_the_records_are_counted(warehouse: Path, staged: tuple[Path, GroundTruth]) -> None:
    library = Library.load()
    hosts = len(staged[1].hosts)
    with open_hunt(warehouse, library) as hunting:
        from_both = hunting.seen(select(library, ["car_2016_03_002"])[0])
        from_sysmon = hunting.seen(select(library, ["car_2016_03_002_splunk"])[0])
    assert (from_both.hosts, from_both.all_hosts) == (hosts, hosts)
    assert 0 < from_sysmon.hosts < hosts
    assert from_both.column == "command_line"
    assert from_both.share is not None
    assert 0 < from_both.share < 1


def test_a_zero_speaks_of_what_the_filters_left(warehouse: Path) -> None:
    library = Library.load()
    needs_sysmon = select(library, ["car_2016_03_002_splunk"])[0]
    with open_hunt(warehouse, library) as hunting:
        everywhere = hunting.seen(needs_sysmon)
        query = "select distinct host from event_census where channel = 'Microsoft-Windows-Sysmon/Operational'"
        with_sysmon = {row["host"] for row in hunting._ask("event_census", query)}
        without = sorted(set(hunting.hosts.known) - with_sysmon)[0]
        newest = hunting.newest()
    assert newest is not None

    def seen(**filters: str) -> tuple[str, str]:
        with open_hunt(warehouse, library, Filters(**filters)) as hunting:
            found = hunting.seen(needs_sysmon)
            return found.text, found.sentence

    assert [seen(host=host)[0] for host in (min(with_sysmon), without)] == ["1 of 1", "0 of 1"]
    late = seen(since=(newest + timedelta(days=1)).isoformat())
    assert late[0] == f"0 of {everywhere.all_hosts}"
    assert f"any of {everywhere.all_hosts} hosts in the range that was asked for" in late[1]
    assert seen(until="1990-01-01")[0] == late[0]
    assert seen(since="1990-01-01")[0] == everywhere.text
    assert seen(host="nosuchhost")[0] == "0 of 0"
    assert "No logs of that host are here" in seen(host="nosuchhost")[1]


def test_a_source_that_nobody_logged_is_seen_nowhere(connection: Any) -> None:
    seen = Coverage(lambda _, query: rows(connection, query), Library.load().analytics).seen(
        [Requirement(channel="No/Such", event_id=1, columns=("host",))]
    )
    assert seen.hosts == 0
    assert "not seen on any of" in seen.sentence


def test_the_view_and_the_words_have_the_same_numbers(connection: Any) -> None:
    coverage = Coverage(lambda _, query: rows(connection, query), Library.load().analytics)
    found = rows(connection, "select analytic, host, status, records, first_time, last_time from hunt.data_coverage")
    for analytic in Library.load().newest.values():
        if analytic.id == "data_coverage":
            continue
        of_it = [row for row in found if row["analytic"] == analytic.id]
        seen = coverage.seen(analytic.metadata.requires)
        here = [row for row in of_it if row["status"] in ("seen", "partly")]
        assert seen.hosts == len(here), analytic.id
        assert seen.all_hosts == len([row for row in of_it if row["status"] != "no logs"]), analytic.id
        assert seen.first_time == min((row["first_time"] for row in here), default=None), analytic.id
        assert seen.last_time == max((row["last_time"] for row in here), default=None), analytic.id
        named = len({row["host"] for row in of_it if row["status"] == "no logs"})
        assert seen.doubts().named_only <= named, analytic.id


def test_whatever_an_analytic_needs_is_counted(connection: Any) -> None:
    counted = set(connection.sql("select * from event_census limit 0").columns)
    needed = {row["column_name"] for row in rows(connection, "select column_name from analytic_requirement")}
    assert {f"with_{column}" for column in needed} <= counted
    uncounted = rows(connection, "select column_name from column_census where carrying is null")
    assert uncounted == []


def test_requirements_are_those_of_the_newest_versions(connection: Any) -> None:
    found = rows(connection, "select * from analytic_requirement")
    expected = {
        (analytic.id, number, need.channel, need.event_id, column)
        for analytic in Library.load().newest.values()
        for number, need in enumerate(analytic.metadata.requires, 1)
        for column in need.columns
    }
    assert {tuple(row.values()) for row in found} == expected


def test_without_analytics_the_requirements_are_empty(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    connection = catalog.connect()
    try:
        connection.execute(relations.analytic_requirement(Library.load(tmp_path)))
        assert rows(connection, "select * from analytic_requirement") == []
        assert connection.sql("select * from analytic_requirement").columns[-1] == "column_name"
    finally:
        connection.close()


def test_a_filter_neither_invents_hosts_nor_loses_silent_ones(warehouse: Path) -> None:
    everything = _covered(warehouse)
    with_logs = {row["host"] for row in everything if row["status"] != "no logs"}
    without = {row["host"] for row in everything if row["status"] == "no logs"}
    one = min(with_logs)
    of_one = _covered(warehouse, host=one)
    assert {row["host"] for row in of_one if row["status"] != "no logs"} == {one}
    assert {row["host"] for row in of_one if row["status"] == "no logs"} <= without
    last = max(row["last_time"] for row in everything if row["last_time"])
    early = _covered(warehouse, until=last.isoformat())
    assert {row["host"] for row in early if row["status"] != "no logs"} == with_logs
    assert {row["host"] for row in early if row["status"] == "no logs"} <= without


def test_a_host_outside_the_range_stays_and_says_so(warehouse: Path) -> None:
    """Only the records of two hosts are left: the others are not seen, and none of them is without logs."""
    library = Library.load()
    connection = catalog.connect()
    try:
        for statement in relations.base_relations(Warehouse.open(warehouse).batches()):
            connection.execute(statement)
        hosts = sorted(row["host"] for row in rows(connection, "select distinct host from lake_events"))
        create_views(connection, library, [library.get("data_coverage")], None, f"host in {tuple(hosts[:2])}")
        found = rows(connection, "select host, status, records, inferred from hunt.data_coverage")
    finally:
        connection.close()
    left = [row for row in found if row["host"] in hosts[2:]]
    assert {row["host"] for row in left} == set(hosts[2:])
    assert {(row["status"], row["records"]) for row in left} == {("not seen", 0)}
    assert all("no record in the range" in row["inferred"] for row in left)


@pytest.mark.parametrize(
    ("lost", "failed", "words"),
    [
        (0, 0, ""),
        (1, 0, "at least 1 record is known to be lost"),
        (
            1259,
            2,
            "at least 1,259 records are known to be lost and 2 event logs were not read",
        ),
        (0, 1, "1 event log was not read"),
    ],
)
def test_what_is_known_to_be_missing_is_told(lost: int, failed: int, words: str) -> None:
    connection = catalog.connect()
    try:
        listed = f"values ({lost}, 'read'), (0, 'skipped')" + ", (null, 'failed')" * failed
        connection.execute(f"create table lake_sources as select * from ({listed}) as t (lost, status)")
        told = gaps(lambda query: rows(connection, query))
    finally:
        connection.close()
    assert told == words
    if words:
        sentence = Seen(0, 7, doubts=lambda: Doubts(gaps=told)).sentence
        assert sentence.endswith(f"{told[0].upper()}{told[1:]}.")


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Seen(4, 7, "command_line", 0.62), "seen on 4 of 7 hosts (command line in 62 % of records), not seen on 3."),
        (Seen(4, 7), "did not happen; seen does not prove that all was logged."),
        (Seen(4, 7, first_time=FROM, last_time=TO), "lie between 2026-03-01T00:00:00Z and 2026-03-09T12:30:00Z."),
        (Seen(7, 7, "command_line", 1.0), "seen on 7 of 7 hosts. Seen does not prove that all was logged."),
        (Seen(0, 7), "was not seen on any of 7 hosts. Not seen can mean"),
        (Seen(0, 1), "was not seen on any of 1 host."),
        (
            Seen(7, 7, unseen=("Security 4624", "Sysmon 3")),
            "seen on 7 of 7 hosts. Not seen on any of them: Security 4624, Sysmon 3. Not seen can mean",
        ),
        (Seen(7, 7, "command_line", 0.999), "in 99 % of records"),
        (Seen(7, 7, "command_line", 0.001), "in under 1 % of records"),
        (Seen(4, 7, doubts=lambda: Doubts(2)), "not seen on 3, 2 more hosts are only named by others."),
        (Seen(7, 7, doubts=lambda: Doubts(1)), "on 7 of 7 hosts, 1 more host is only named by others."),
        (
            Seen(7, 7, doubts=lambda: Doubts(0, (Clear("fs01", "Security", TO),), 3, 2)),
            "was logged. The Security log was cleared on fs01 at 2026-03-09T12:30:00Z."
            " 3 record numbers are missing inside the logs of 2 hosts.",
        ),
        (
            Seen(0, 7, doubts=lambda: Doubts(holes=1, hosts_with_holes=1)),
            "1 record number is missing inside the logs of",
        ),
        (
            Seen(7, 7, doubts=lambda: Doubts(0, (Clear("a", "System", None),) * 5)),
            "cleared on a. 2 more logs were cleared.",
        ),
    ],
)
def test_words(seen: Seen, words: str) -> None:
    assert words in seen.sentence
    assert "clean" not in seen.sentence
    assert "could not" not in seen.sentence


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        (Seen(4, 7, "command_line", 0.62), "4 of 7, 62 %"),
        (Seen(4, 7, "command_line", 0.0), "4 of 7, 0 %"),
        (Seen(4, 7, "command_line", 1.0), "4 of 7"),
    ],
)
def test_short_words(seen: Seen, text: str) -> None:
    assert seen.short == text
