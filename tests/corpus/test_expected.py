"""The real logs of the shared corpus: everything that ``expected.json`` lists for the views that exist must come out.

The corpus is read in place and never copied; where it is absent the tests are skipped and say so.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting.hunt import Hunt, open_hunt
from wmiwarehouse.hunting.selection import select
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.ingest import Summary, ingest

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"
pytestmark = pytest.mark.skipif(not (CORPUS / "expected.json").is_file(), reason=f"no corpus at {CORPUS}")


def _expected() -> dict[str, Any]:
    path = CORPUS / "expected.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"records": 0, "views": {}}


LIBRARY = Library.load()
#: ``<id>`` and ``<id>#iocs`` of the views that exist: both are columns of the view itself.
VIEWS = [name for name in _expected()["views"] if name.removesuffix("#iocs") in LIBRARY.newest]
#: Chains whose acts are given as pairs of records.
CHAINS = ("chain_wmic_to_child", "chain_explicit_credentials_to_logon", "chain_connection_to_logon")
RECORD = ("host", "channel", "event_id", "record_id")
EVIDENCE = ("source_evidence", "target_evidence")


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, Summary]:
    warehouse = Warehouse.create(tmp_path_factory.mktemp("corpus") / "warehouse")
    with warehouse.writing():
        summary = ingest([CORPUS / "evtx", CORPUS / "json"], warehouse)
    return warehouse, summary


@pytest.fixture(scope="module")
def hunting(ingested: tuple[Warehouse, Summary]) -> Iterator[Hunt]:
    with open_hunt(ingested[0].root, LIBRARY) as hunt:
        yield hunt


def _plain(value: Any, column: str) -> Any:
    """Return *value* as the corpus' README says values are compared."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, list):
        return tuple(_plain(item, column) for item in value)
    if value is None:
        return ""
    return value.lower() if isinstance(value, str) and not value.endswith("Z") else value


def _bag(rows: list[list[Any]], columns: list[str]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(_plain(value, column) for value, column in zip(row, columns, strict=True)) for row in rows)


def _record(values: list[Any]) -> tuple[Any, ...]:
    return tuple(_plain(value, column) for value, column in zip(values, RECORD, strict=True))


def test_every_record_is_read(ingested: tuple[Warehouse, Summary]) -> None:
    summary = ingested[1]
    assert summary.records == _expected()["records"]
    assert summary.duplicates == 98
    assert (summary.lost, summary.problems, summary.failed) == (0, [], [])


@pytest.mark.parametrize("name", VIEWS)
def test_view_returns_exactly_the_expected_rows(hunting: Hunt, name: str) -> None:
    wanted = _expected()["views"][name]
    (analytic,) = select(LIBRARY, [name.removesuffix("#iocs")])
    found = hunting.run(analytic).select(wanted["columns"]).to_pylist()
    rows = [list(row.values()) for row in found]
    assert _bag(rows, wanted["columns"]) == _bag(wanted["rows"], wanted["columns"])


def test_everything_expected_is_compared() -> None:
    """A key that no test here reads would be a promise that nobody keeps."""
    read = {*VIEWS, "report_data_inventory#all_hosts", "report_remote_execution#processes"}
    read |= {f"{chain}#record_pairs" for chain in CHAINS}
    assert read == _expected()["views"].keys()


def test_sessions_hold_exactly_the_expected_processes(hunting: Hunt) -> None:
    wanted = _expected()["views"]["report_remote_execution#processes"]
    (analytic,) = select(LIBRARY, ["report_remote_execution"])
    found = [
        [session["logon_id"], *(process[name] for name in ("host", "channel", "event_id", "record_id"))]
        for session in hunting.run(analytic).to_pylist()
        for process in session["processes"]
    ]
    assert _bag(found, wanted["columns"]) == _bag(wanted["rows"], wanted["columns"])


@pytest.mark.parametrize("name", CHAINS)
def test_acts_hold_exactly_the_expected_record_pairs(hunting: Hunt, name: str) -> None:
    """Both records of a pair stand in the evidence of one row, and no row has a record that is in no pair."""
    pairs = {(_record(row[:4]), _record(row[4:])) for row in _expected()["views"][f"{name}#record_pairs"]["rows"]}
    (analytic,) = select(LIBRARY, [name])
    acts = [
        tuple({_record([one[column] for column in RECORD]) for one in row[side]} for side in EVIDENCE)
        for row in hunting.run(analytic).to_pylist()
    ]
    for source, target in pairs:
        assert sum(source in sources and target in targets for sources, targets in acts) == 1
    for sources, targets in acts:
        assert sources == {source for source, target in pairs if target in targets}
        assert targets == {target for source, target in pairs if source in sources}


def test_lateral_movement_has_each_act_once_and_nothing_else(hunting: Hunt) -> None:
    (analytic,) = select(LIBRARY, ["lateral_movement"])
    found = {
        (str(row["first"])[:16], row["source"], row["target"], row["user"].lower(), row["vehicle"], row["confidence"])
        for row in hunting.run(analytic).to_pylist()
    }
    who = ("workstation5", "workstation6", r"theshire.local\pgustavo")
    assert found == {
        ("2020-08-06 07:56", *who, "wmiprvse", 85),
        ("2020-09-02 01:43", *who, "other", 60),
        ("2020-09-14 12:06", *who, "wmiprvse", 100),
        ("2020-09-21 04:14", *who, "wmiprvse", 100),
        ("2021-04-26 08:25", "10.23.123.11", "srvdefender01", r"offsec\admmig", "wmiprvse", 30),
    }


def test_inventory_counts_every_record(hunting: Hunt) -> None:
    """The times of first and last events prove the zone rule on real exports."""
    (analytic,) = select(LIBRARY, ["report_data_inventory"])
    summed: dict[tuple[Any, ...], list[Any]] = {}
    for row in hunting.run(analytic).to_pylist():
        total = summed.setdefault((row["channel"], row["event_id"]), [0, row["first"], row["last"]])
        total[:] = [total[0] + row["events"], min(total[1], row["first"]), max(total[2], row["last"])]
    wanted = _expected()["views"]["report_data_inventory#all_hosts"]
    found = [[*key, *total] for key, total in summed.items()]
    assert _bag(found, wanted["columns"]) == _bag(wanted["rows"], wanted["columns"])


def test_second_ingest_adds_nothing(ingested: tuple[Warehouse, Summary]) -> None:
    warehouse, first = ingested
    before = [batch.id for batch in warehouse.batches()]
    with warehouse.writing():
        second = ingest([CORPUS / "evtx", CORPUS / "json"], warehouse)
    assert second.records == 0
    assert len(second.known) == sum(count.files for count in first.formats.values())
    assert [batch.id for batch in warehouse.batches()] == before
