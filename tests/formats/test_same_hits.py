"""The same events as EVTX and in each export format: the same records, the same hits, and just the declared losses."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.formats.conftest import Carries, Exported, declared, identities
from tests.formats.quick import QuickReader
from wmiwarehouse.lab.exports import WRITERS
from wmiwarehouse.lake import catalog
from wmiwarehouse.lake.query import rows
from wmiwarehouse.schema import EVENT_COLUMNS

_DECLARED = declared()
_WHOLE = [carries for carries in _DECLARED.values() if not carries.analytics]
_PROVENANCE = {"event_uid", "source_id", "source_file", "source_record", "format", "batch_id", "ingested_at"}
_COMPARED = [column for column in EVENT_COLUMNS if column not in _PROVENANCE | {"event_data"}]
# An export keeps the order of a log, so the n-th record of a computer's channel is the n-th in all of them.
_NUMBERED = """
    select *, row_number() over (partition by computer, channel order by source_record) as nth
    from read_parquet({files})"""


def _name(carries: Carries) -> str:
    return carries.name


def test_every_writer_is_declared() -> None:
    assert set(_DECLARED) == set(WRITERS)


@pytest.mark.parametrize("carries", _DECLARED.values(), ids=_name)
def test_every_record_is_read(carries: Carries, exported: Callable[[str], Exported]) -> None:
    summary = exported(carries.name).summary
    assert (summary.failed, summary.skipped, summary.problems) == ([], [], [])
    assert set(summary.formats) == {carries.format}
    if not carries.analytics:
        assert summary.formats[carries.format].records == exported("evtx").summary.formats["evtx"].records


def _pairs(carries: Carries, exported: Callable[[str], Exported], query: str) -> list[dict[str, Any]]:
    """Rows of *query* over ``pairs``: a record of the format and the same one of what it is held against."""
    connection = catalog.connect(threads=2)
    try:
        for table, name in (("ours", carries.name), ("theirs", carries.like or "evtx")):
            connection.execute(f"create view {table} as {_NUMBERED.format(files=exported(name).files)}")
        return rows(connection, query)
    finally:
        connection.close()


@pytest.mark.parametrize("carries", _WHOLE, ids=_name)
def test_columns_are_the_same(carries: Carries, exported: Callable[[str], Exported]) -> None:
    # Nothing and an empty text are the same.
    pairs = ((name, f"nullif(o.{name}::text, '')", f"nullif(t.{name}::text, '')") for name in _COMPARED)
    counts = ", ".join(f"count(*) filter ({ours} is distinct from {theirs}) as {name}" for name, ours, theirs in pairs)
    query = f"select {counts}, count(*) as records from theirs t join ours o using (computer, channel, nth)"
    (differ,) = _pairs(carries, exported, query)
    assert differ.pop("records") == exported("evtx").summary.formats["evtx"].records
    assert {name for name, count in differ.items() if count} == set(carries.columns)


@pytest.mark.parametrize("carries", _WHOLE, ids=_name)
def test_data_is_there_under_its_own_names(carries: Carries, exported: Callable[[str], Exported]) -> None:
    query = """
        select t.channel, t.event_id, t.event_data as theirs, o.event_data as ours
        from theirs t join ours o using (computer, channel, nth)"""
    missing: Counter[tuple[str, int, str]] = Counter()
    for row in _pairs(carries, exported, query):
        ours = json.loads(row["ours"])
        for name, value in json.loads(row["theirs"]).items():
            if value not in (None, "", {"#text": ""}) and not name.startswith("#") and ours.get(name) is None:
                missing[row["channel"], row["event_id"], name] += 1
    assert bool(missing) == bool(carries.data), missing.most_common(20)


@pytest.mark.parametrize("carries", [carries for carries in _WHOLE if not carries.like], ids=_name)
def test_hits_are_the_same(carries: Carries, exported: Callable[[str], Exported]) -> None:
    expected, found = exported("evtx").hits, exported(carries.name).hits
    differ = {
        analytic
        for analytic, their_rows in expected.items()
        if identities(found[analytic], carries.columns) != identities(their_rows, carries.columns)
    }
    assert differ == set(carries.hits)


@pytest.mark.parametrize("carries", [carries for carries in _DECLARED.values() if carries.analytics], ids=_name)
def test_process_creations_are_found(carries: Carries, exported: Callable[[str], Exported]) -> None:
    """An EDR knows a process once, Windows up to twice (Sysmon 1 and 4688): held against each other as sets."""

    def processes(analytic: str, name: str) -> set[tuple[Any, ...]]:
        return {
            (
                row.get("host") or row.get("dest"),
                (row.get("event_time") or row["first_time"]).replace(microsecond=0),
                row["process_name"],
                row.get("command_line") or row.get("process"),
            )
            for row in exported(name).hits[analytic]
        }

    for analytic in carries.analytics:
        expected = processes(analytic, "evtx")
        assert expected
        assert processes(analytic, carries.name) == expected, analytic
    others = {name for name, found in exported(carries.name).hits.items() if found} - set(carries.analytics)
    assert others == set(carries.hits)


@pytest.mark.parametrize("name", ["fluent", "get_winevent", "splunk", "splunk_classic", "wazuh", "winlogbeat_module"])
def test_a_full_part_fits_into_the_memory_of_a_worker(name: str, logs: Path, tmp_path: Path) -> None:
    """Where it does not, it is written in halves after it was tried in vain: nothing is lost but time."""
    reader = QuickReader(tmp_path, _DECLARED[name].format)
    with contextlib.closing(reader):
        assert reader.full_part(sorted((logs / name).iterdir())) > 5_000
