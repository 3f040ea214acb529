"""What came in since: any record that a row rests on makes it new, and nothing is passed over or told twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import UsageError
from wmiwarehouse.hunting.filters import Filters
from wmiwarehouse.hunting.hunt import Hunt, open_hunt
from wmiwarehouse.hunting.moments import ingested, moment
from wmiwarehouse.hunting.risk import risk_events
from wmiwarehouse.hunting.selection import select
from wmiwarehouse.hunting.stack import stack
from wmiwarehouse.lab import GroundTruth
from wmiwarehouse.lake import clock
from wmiwarehouse.lake.compact import compact
from wmiwarehouse.lake.known import newest_ingest
from wmiwarehouse.lake.query import rows
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.ingest import ingest

LIBRARY = Library.load()
FIRST, SECOND = "2024-05-08T02:00:00Z", "2024-05-09T02:00:00Z"
#: What came first; the targets of most movements came a night later.
EARLY = ("WS01", "WS02", "WS03", "DC01")


@pytest.fixture(scope="module")
def nights(staged: tuple[Path, GroundTruth], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a warehouse into which some hosts' logs came on one night and all others' on the next."""
    root = tmp_path_factory.mktemp("nights") / "w"
    hosts = sorted(path for path in (staged[0] / "evtx").iterdir() if path.is_dir())
    early = [path for path in hosts if path.name.split(".")[0] in EARLY]
    assert 0 < len(early) < len(hosts)
    with pytest.MonkeyPatch.context() as patch:
        for now, paths in ((FIRST, early), (SECOND, [path for path in hosts if path not in early])):
            patch.setenv(clock.VARIABLE, now)
            _ingest(root, *paths)
    return root


def _ingest(root: Path, *paths: Path, **options: Any) -> None:
    warehouse = Warehouse.create(root)
    with warehouse.writing():
        ingest(list(paths), warehouse, **options)


def _found(root: Path, name: str, since: str | None = None) -> list[dict[str, Any]]:
    with open_hunt(root, LIBRARY, Filters(ingested_since=since)) as hunting:
        table: list[dict[str, Any]] = hunting.run(select(LIBRARY, [name])[0]).to_pylist()
        return table


def _uids(row: dict[str, Any]) -> set[str]:
    """Every record that *row* names, found by its values and not by the rule that is tested."""
    texts = {value for name, value in row.items() if name.endswith("_uid") and value}
    for name in ("source_evidence", "target_evidence"):
        texts |= {record["event_uid"] for record in row.get(name) or ()}
    return texts


def _fresh(root: Path) -> set[str]:
    with open_hunt(root, LIBRARY) as hunting:
        query = "select event_uid from lake_events where ingested_at > $first"
        found = rows(hunting.connection(), query, {"first": datetime.fromisoformat(FIRST)})
    return {row["event_uid"] for row in found}


@pytest.mark.parametrize(
    "name", ["xql_wmic_remote_exec", "lateral_movement", "car_2014_12_001_session", "chain_wmic_to_child"]
)
def test_a_row_is_new_if_any_of_its_records_is(nights: Path, name: str) -> None:
    fresh, everything, new = _fresh(nights), _found(nights, name), _found(nights, name, SECOND)
    assert new == [row for row in everything if _uids(row) & fresh]
    assert 0 < len(new) < len(everything), "the case would show nothing"


def test_a_late_log_makes_an_old_movement_new(nights: Path) -> None:
    fresh = _fresh(nights)
    completed = [row for row in _found(nights, "lateral_movement", SECOND) if _uids(row) - fresh]
    assert any(row["source_evidence"] and row["target_evidence"] for row in completed)


def test_a_count_is_of_what_came_in(nights: Path) -> None:
    """The ESCU search counts records: those of both nights, each once."""
    name = "escu_remote_process_instantiation_via_wmi"
    counts = [
        sum(row["count"] for row in found)
        for found in (_found(nights, name), _found(nights, name, SECOND), _found(nights, name, FIRST))
    ]
    assert 0 < counts[1] < counts[0]
    assert counts[2] == counts[0], "the moment itself is included"
    with open_hunt(nights, LIBRARY, Filters(ingested_since=SECOND)) as hunting:
        of_events = stack(hunting, LIBRARY, ["channel"], of="events").rows
        assert of_events == rows(hunting.connection(), "select count(*) as n from ingested_since")[0]["n"]


def test_risk_is_of_what_came_in(nights: Path) -> None:
    fresh = _fresh(nights)
    with open_hunt(nights, LIBRARY, Filters(ingested_since=SECOND)) as hunting:
        new = risk_events(hunting, LIBRARY).to_pylist()
    with open_hunt(nights, LIBRARY) as hunting:
        everything = risk_events(hunting, LIBRARY).to_pylist()
    wanted = {row["finding_id"] for row in everything if set(row["event_uids"]) & fresh}
    acts = {row["act"] for row in everything if row["finding_id"] in wanted}
    counted = {row["finding_id"] for row in everything if not row["event_uids"] and row["act"] in acts}
    assert {row["finding_id"] for row in new} == wanted | counted
    assert wanted
    assert counted, "ESCU's counts name no records and go with the act"
    assert len(wanted | counted) < len({row["finding_id"] for row in everything})


def test_rows_that_name_no_record_are_refused() -> None:
    with pytest.raises(UsageError, match="--ingested-since: these rows"):
        Filters(ingested_since=FIRST).where(["host", "event_time"], None)
    with pytest.raises(UsageError, match="--ingested-since: is empty"):
        Filters(ingested_since=" ")


def test_what_is_read_again_is_new_and_what_is_compacted_or_a_copy_is_not(
    staged: tuple[Path, GroundTruth], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "w"
    source = staged[0] / "evtx" / "WS01"
    monkeypatch.setenv(clock.VARIABLE, FIRST)
    _ingest(root, source)
    before = _found(root, "xql_wmic_remote_exec")
    assert before
    _ingest(root, staged[0] / "nxlog" / "WS01.json")  # the same records in another format
    warehouse = Warehouse.open(root)
    newest = newest_ingest(warehouse.batches())
    assert newest == datetime.fromisoformat(FIRST) + timedelta(microseconds=1), "later, though the clock stands"
    assert _found(root, "xql_wmic_remote_exec") == before
    assert _found(root, "xql_wmic_remote_exec", newest.isoformat()) == [], "copies"
    with warehouse.writing():
        assert compact(warehouse)
    assert newest_ingest(warehouse.batches()) == newest
    assert _found(root, "xql_wmic_remote_exec", newest.isoformat()) == []
    monkeypatch.setenv(clock.VARIABLE, "2024-05-01T00:00:00Z")  # a clock that was put back
    _ingest(root, source, again=True)
    after = (newest + timedelta(microseconds=1)).isoformat()
    assert _uids_of(_found(root, "xql_wmic_remote_exec", after)) == _uids_of(before)


def _uids_of(found: list[dict[str, Any]]) -> set[str]:
    return set().union(*map(_uids, found))


def test_one_window_from_begin_to_end(nights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The window of a run is that of its begin, however long the run takes; each analytic has the same."""
    monkeypatch.setenv(clock.VARIABLE, SECOND)
    with open_hunt(nights, LIBRARY, Filters(since="-2d@d", ingested_since="1h")) as hunting:
        monkeypatch.setenv(clock.VARIABLE, "2030-01-01T00:00:00Z")
        assert hunting.filters.since == "2024-05-07T00:00:00+00:00"
        assert hunting.filters.ingested_since == "2024-05-09T01:00:00+00:00"


NOW = "2026-03-31T10:11:12.5Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-03-31T10:11:12.500Z"),
        ("-70m@m", "2026-03-31T09:01Z"),
        ("-10m@m", "2026-03-31T10:01Z"),
        ("@h", "2026-03-31T10:00Z"),
        ("-h", "2026-03-31T09:11:12.500Z"),
        ("-1d@d", "2026-03-30T00:00Z"),
        ("-1d@d+2h", "2026-03-30T02:00Z"),
        ("@w", "2026-03-29T00:00Z"),
        ("@w1", "2026-03-30T00:00Z"),
        ("@w3", "2026-03-25T00:00Z"),
        ("-1mon", "2026-02-28T10:11:12.500Z"),
        ("-1mon@mon", "2026-02-01T00:00Z"),
        ("@y-1d", "2025-12-31T00:00Z"),
        ("+30s@s", "2026-03-31T10:11:42Z"),
        ("-7d", "2026-03-24T10:11:12.500Z"),
    ],
)
def test_times_that_count_from_now(text: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, NOW)
    assert moment(text, None, "since") == datetime.fromisoformat(expected)


@pytest.mark.parametrize("text", ["@", "-@m", "--1d", "-1x", "-1d@x", "nowish", "-9999999d", "-999999y", "@w8"])
def test_no_time_that_counts_from_now(text: str) -> None:
    with pytest.raises(UsageError, match="--since"):
        moment(text, datetime.now(UTC), "since")


def test_a_span_of_ingest_counts_from_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, NOW)
    assert ingested("1d", "ingested-since") == ingested("-1d", "ingested-since")
    monkeypatch.setenv(clock.VARIABLE, "soon")
    with pytest.raises(UsageError, match="WMIWH_NOW=soon"):
        ingested("1d", "ingested-since")


def test_the_mark_is_of_what_was_looked_at(
    staged: tuple[Path, GroundTruth], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is committed while a hunt runs is not in its answer, and must not be behind its mark."""
    root = tmp_path / "w"
    monkeypatch.setenv(clock.VARIABLE, FIRST)
    _ingest(root, staged[0] / "evtx" / "WS01")

    def look(hunting: Hunt) -> list[Any]:
        found: list[Any] = hunting.run(select(LIBRARY, ["xql_wmic_remote_exec"])[0]).to_pylist()
        return found

    with open_hunt(root, LIBRARY) as hunting:
        monkeypatch.setenv(clock.VARIABLE, SECOND)
        _ingest(root, staged[0] / "evtx" / "WS02")
        seen, until = look(hunting), hunting.ingested_until()
    assert until == datetime.fromisoformat(FIRST)
    with open_hunt(root, LIBRARY, Filters(ingested_since=(until + timedelta(microseconds=1)).isoformat())) as hunting:
        late = look(hunting)
    with open_hunt(root, LIBRARY) as hunting:
        everything = look(hunting)
    assert late
    assert seen
    assert _uids_of(seen) | _uids_of(late) == _uids_of(everything)
    assert not _uids_of(seen) & _uids_of(late)
