"""A LIMIT over a view ends, however long the steps of the view are: DuckDB 2.0.0 waits for ever over some."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.lake import catalog, relations
from wmiwarehouse.lake.views import create_views
from wmiwarehouse.lake.warehouse import Warehouse

#: More rows than the 60,000 from which on it waited.
_ROWS = 150_000


def fetched(connection: duckdb.DuckDBPyConnection, query: str, seconds: float) -> int:
    timer = threading.Timer(seconds, connection.interrupt)
    timer.start()
    try:
        connection.execute(f"create or replace temp table fetched as {query}")
        return len(connection.execute("select 1 from fetched").fetchall())
    finally:
        timer.cancel()


def test_duckdb_itself_waits() -> None:
    """Where this fails, ``ending`` and ``_CHOOSES`` in lake/views.py are no longer needed."""
    query = """
        with steps as materialized (select * from numbers), odd as (select i from steps where i % 2 = 1)
        select steps.i, odd.i as j from steps left join odd on steps.i = odd.i"""
    with duckdb.connect() as connection:
        connection.execute("create table numbers as select i from range(1000000) as r (i)")
        assert fetched(connection, f"{query} where (select count(*) from steps) >= 0 limit 10", 100) == 10
        with pytest.raises(duckdb.InterruptException):
            fetched(connection, f"{query} limit 10", 2)


@pytest.mark.parametrize(
    ("view", "events"),
    [
        ("logon_session", "channel = 'Security' and event_id = 4624 and logon_type = 3"),
        ("hunt.playbook_dst_4624_address_v1", "channel = 'Security' and event_id = 4624 and logon_type = 3"),
        ("hunt.wmiexec_output_v1", "event_uid in (select event_uid from hunt.wmiexec_output_v1)"),
        ("hunt.wmi_subscription_v1", "event_uid in (select event_uid from hunt.wmi_subscription_v1)"),
        ("hunt.xql_wmic_remote_exec_v1", "event_uid in (select event_uid from hunt.xql_wmic_remote_exec_v1)"),
    ],
)
def test_a_limit_over_many_rows_ends(warehouse: Path, view: str, events: str) -> None:
    library = Library.load()
    analytics = [item for item in library.newest.values() if view == f"hunt.{item.view}"]
    with catalog.connect() as connection:
        relations.lay(connection, relations.base_relations(Warehouse.open(warehouse).batches()))
        create_views(connection, library, analytics, [] if analytics else [view])
        connection.execute(f"create table few as select * from lake_events where {events}")
        few = fetched(connection, "select * from few", 100)
        connection.execute("drop view lake_events")
        connection.execute(
            f"""
            create table lake_events as
            select few.* replace (few.event_uid || '-' || copy as event_uid, few.host || '-' || copy as host)
            from few
            cross join range({_ROWS // few + 1}) as copies (copy)"""
        )
        found = connection.execute(f"select count(*) from {view}").fetchone()
        assert found
        assert found[0] > _ROWS // 2
        assert fetched(connection, f"select * from {view} limit 10", 100) == 10
