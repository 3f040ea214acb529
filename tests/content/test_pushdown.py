"""A filter on a view must reach the Parquet scan: it decides between milliseconds and minutes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.lake.catalog import connect
from wmiwarehouse.lake.relations import analytic_requirement, base_relations
from wmiwarehouse.lake.views import Views

Row = dict[str, Any]


@pytest.fixture
def on_parquet(
    tmp_path: Path, library: Library, lake: Callable[[list[Row]], duckdb.DuckDBPyConnection]
) -> duckdb.DuckDBPyConnection:
    """The catalog over a Parquet file, as the product has it."""
    rows: list[Row] = [
        {"is": kind, "host": host, "process_path": path}
        for kind in ("4688", "sysmon 1")
        for host, path in (("ws01", "wmic.exe"), ("ws02", "a.exe"))
    ]
    rows += [{"is": kind, "destination_port": port} for kind in ("5156", "sysmon 3") for port in (135, 445)]
    path = tmp_path / "events.parquet"
    lake(rows).execute(f"copy lake_events to '{path}' (format parquet)")
    connection = connect(threads=1)
    for statement in base_relations([]):
        connection.execute(statement)
    connection.execute(f"create or replace view lake_events as select * from read_parquet('{path}')")
    connection.execute(analytic_requirement(library))
    Views(library).make(connection, ("events", "process_creation", "network_connection"))
    return connection


def nodes(plan: Any) -> Iterator[Row]:
    for node in plan:
        yield node
        yield from nodes(node["children"])


def scans(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    """The filters of each Parquet scan in the plan of *query*."""
    text = connection.sql(f"explain (format json) {query}").fetchall()[0][1]
    found = [node for node in nodes(json.loads(text)) if "PARQUET" in node["name"].upper()]
    assert found
    return [str(node["extra_info"].get("Filters", "")) for node in found]


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("process_name = 'wmic.exe'", "process_name"),
        ("event_id = 4688", "event_id"),
        ("channel = 'Security'", "channel"),
        ("event_time >= '2026-03-01T12:00:01Z'", "event_time"),
        ("host = 'ws01'", "host"),
    ],
)
def test_filters_on_events_reach_the_scan(condition: str, wanted: str, on_parquet: duckdb.DuckDBPyConnection) -> None:
    (filters,) = scans(on_parquet, f"select * from events where {condition}")
    assert wanted in filters


@pytest.mark.parametrize("condition", ["process_name = 'wmic.exe'", "event_time >= '2026-03-01T12:00:01Z'"])
def test_a_selective_hunt_looks_up_the_parents_of_its_own_rows_only(
    condition: str, on_parquet: duckdb.DuckDBPyConnection
) -> None:
    column = condition.split()[0]
    found = scans(on_parquet, f"select * from process_creation where {condition}")
    # The rows themselves and the children to look up; only the marks are read whole.
    assert sum(column in filters for filters in found) >= 2, found


def test_a_filter_on_connections_reaches_each_of_its_scans(on_parquet: duckdb.DuckDBPyConnection) -> None:
    found = scans(on_parquet, "select * from network_connection where destination_port = 135")
    assert len(found) >= 3
    assert all("destination_port" in filters for filters in found), found


def test_connections_of_one_log_do_not_read_the_other(on_parquet: duckdb.DuckDBPyConnection) -> None:
    query = "select * from network_connection where channel = 'Microsoft-Windows-Sysmon/Operational' and event_id = 3"
    assert len(scans(on_parquet, query)) == 1


def test_derived_columns_cost_nothing_where_they_are_not_asked_for(on_parquet: duckdb.DuckDBPyConnection) -> None:
    text = on_parquet.sql("explain select process_name from events where event_id = 1").fetchall()[0][1]
    assert "regexp" not in text
