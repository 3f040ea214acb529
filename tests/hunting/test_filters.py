"""Filters: half-open times, spans back from the newest event, hosts and users, and what they must not break."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import UsageError
from wmiwarehouse.hunting.filters import Filters, moment
from wmiwarehouse.hunting.hunt import open_hunt, select

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
    parts = [_rows(warehouse, name, host=host.upper() + ".any.suffix") for host in hosts]
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
    for row in _rows(warehouse, name):
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
