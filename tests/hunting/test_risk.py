"""Risk over the lab's logs: an act counts once, filters choose findings, and every way to ask gives the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting import adhoc
from wmiwarehouse.hunting.filters import Filters
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.hunting.risk import move_act, narrowed, risk_by_object, risk_events

Row = dict[str, Any]
LIBRARY = Library.load()

#: The first staged act: at 09:30:13 alice has wmic on WS01 run whoami on FS01, in Sysmon and Security of both hosts.
FIRST = Filters(since="2024-05-06T09:30:00Z", until="2024-05-06T09:31:00Z")


Risk = Callable[..., tuple[list[Row], list[Row]]]


@pytest.fixture(scope="module")
def risk(warehouse: Path) -> Risk:
    """Returns a function that gives events and sums under filters; everything is worked out once for all of them."""
    with open_hunt(warehouse, LIBRARY) as hunting:
        everything = risk_events(hunting, LIBRARY)

    def narrow(filters: Filters | None = None) -> tuple[list[Row], list[Row]]:
        with open_hunt(warehouse, LIBRARY, filters) as hunting:
            events = narrowed(hunting, LIBRARY, everything) if filters else everything
            return events.to_pylist(), risk_by_object(hunting, LIBRARY, events).to_pylist()

    return narrow


def _sums(objects: list[Row]) -> dict[str, tuple[int, int]]:
    return {row["risk_object"]: (row["risk_score"], row["acts"]) for row in objects}


def test_one_act_counts_once_however_many_analytics_see_it(risk: Risk) -> None:
    events, objects = risk(FIRST)
    # 90 x confidence 100 / 100 of lateral_movement; 85 of xql_wmic_remote_exec and ten more are below it.
    assert _sums(objects) == {"ws01": (90, 1), "fs01": (90, 1), r"acme\alice": (90, 1)}
    (act,) = {row["act"] for row in events if row["risk_score"]}
    of_source = {row["analytic"] for row in events if row["risk_object"] == "ws01" and row["act"] == act}
    assert {"xql_wmic_remote_exec", "car_2016_03_002", "wmic_remote_broad", "lateral_movement"} < of_source
    assert "escu_remote_process_instantiation_via_wmi" in of_source
    assert len(of_source) >= 12
    counting = [(row["risk_object"], row["analytic"]) for row in events if row["counts"] and row["act"] == act]
    assert sorted(counting) == [(name, "lateral_movement") for name in (r"acme\alice", "fs01", "ws01")]
    assert all(row["risk_score"] == 0 for row in events if row["act"] != act)


def test_filters_narrow_the_sums(risk: Risk) -> None:
    cut = Filters(since=FIRST.since, until="2024-05-06T09:30:13.9Z")
    _, objects = risk(cut)
    # Before the logon on FS01 there is wmic itself, 85 as the XQL document scores it, and what begins with it:
    # chain_wmic_to_child, 80 x 90 / 100, is all that names FS01 so far.
    assert _sums(objects) == {"ws01": (85, 1), "fs01": (72, 1), r"acme\alice": (85, 1)}
    day = ("2024-05-06T09:00:00Z", "2024-05-06T10:00:00Z")
    _, everything = risk(Filters(*day))
    _, of_host = risk(Filters(*day, host="APP01.acme.example"))
    # At 09:48 one wmic names WS02, WS03 and APP01: three movements, and one of them is to APP01.
    assert _sums(everything)["ws01"] == (360, 4)
    assert _sums(of_host)["app01"] == (90, 1)
    assert _sums(of_host)["ws01"][0] == 90
    assert not {"fs01", "ws02", "ws03"} & _sums(of_host).keys()
    _, of_user = risk(Filters(*day, user=r"ACME.EXAMPLE\Alice"))
    assert _sums(of_user)[r"acme\alice"] == _sums(everything)[r"acme\alice"] == (360, 4)
    assert all(row["risk_object_type"] == "host" for row in of_user if row["risk_object"] != r"acme\alice")
    _, of_nobody = risk(Filters(*day, user="nobody"))
    assert of_nobody == []
    _, of_both = risk(Filters(*day, host="app01", user="alice"))
    assert _sums(of_both) == {"ws01": (90, 1), "app01": (90, 1), r"acme\alice": (90, 1)}


def test_every_way_to_ask_gives_the_same(warehouse: Path, risk: Risk) -> None:
    events, objects = risk()
    for name, order, wanted in (
        ("risk_events", LIBRARY.risk_view("risk_events").metadata.order_by, events),
        ("risk_by_object", LIBRARY.risk_view("risk_by_object").metadata.order_by, objects),
    ):
        query = f"select * from hunt.{name} order by {', '.join(order)}"
        with adhoc.answer(warehouse, LIBRARY, query) as rows:
            assert rows.read_all().to_pylist() == wanted
    # What a filter that leaves everything says must be what the views say: both settle what counts.
    assert risk(Filters(since="2000-01-01")) == (events, objects)


def test_the_database_has_the_views(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse / "warehouse.duckdb"), read_only=True) as connection:
        listed = "select table_name from information_schema.tables where table_name like 'risk%' order by 1"
        names = [name for (name,) in connection.sql(listed).fetchall()]
        assert names == ["risk_by_object", "risk_by_object_v1", "risk_events", "risk_events_v1"]
        assert connection.sql("select max(risk_score) >= 90 from hunt.risk_by_object").fetchall() == [(True,)]


def test_a_movement_is_found_by_its_act(warehouse: Path, risk: Risk) -> None:
    with open_hunt(warehouse, LIBRARY) as hunting:
        moves = hunting.run(LIBRARY.get("lateral_movement")).to_pylist()
    events, _ = risk()
    acts = {row["act"] for row in events if row["analytic"] == "lateral_movement"}
    assert {move_act(row["source"], row["target"], row["user"], row["first"]) for row in moves} == acts
    assert len(moves) == len(acts) > 10


def test_no_system_account_is_a_risk_object(risk: Risk) -> None:
    events, _ = risk()
    users = {row["risk_object"] for row in events if row["risk_object_type"] == "user"}
    assert not [name for name in users if name.endswith("$") or name.startswith(("nt ", "nt-"))]
    assert users
    assert not {"", "-", "unknown", None} & {row["risk_object"] for row in events}


def test_copies_add_nothing(both_formats: Path) -> None:
    with open_hunt(both_formats, LIBRARY, FIRST) as hunting:
        objects = risk_by_object(hunting, LIBRARY).to_pylist()
    assert _sums(objects) == {"ws01": (90, 1), "fs01": (90, 1), r"acme\alice": (90, 1)}


@pytest.mark.parametrize("name", ["risk_event", "risk_events_v9"])
def test_an_unknown_risk_view_is_named(name: str) -> None:
    from wmiwarehouse.content.library import UnknownAnalyticError

    with pytest.raises(UnknownAnalyticError, match=name):
        LIBRARY.risk_view(name)
