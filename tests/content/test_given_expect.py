"""Runs the given/expect files: rows that a view must return, and near misses that it must not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wmiwarehouse.content.library import Library

HERE = Path(__file__).parent
NULL = "<null>"

Row = dict[str, Any]
Connection = duckdb.DuckDBPyConnection


def fits(expected: Row, found: Row) -> bool:
    return all(name in found and same(value, found[name]) for name, value in expected.items())


def same(expected: Any, found: Any) -> bool:
    if expected == NULL:
        return found is None
    if isinstance(expected, datetime):
        return isinstance(found, datetime) and expected == found
    return bool(expected == found)


def test_view_returns_what_is_expected(
    subject: str,
    case: Row,
    library: Library,
    lake: Callable[..., Connection],
    fetch: Callable[[Connection, str], list[Row]],
) -> None:
    views = {item.id: item.view for item in library.in_hunt if library.is_newest(item)}
    relation = f"hunt.{views[subject]}" if subject in views else subject
    found = fetch(lake(case["given"], settings=case.get("settings")), relation)
    left = list(found)
    for expected in case.get("expect", []):
        match = next((row for row in left if fits(expected, row)), None)
        assert match is not None, f"no row fits {expected}; rows: {found}"
        left.remove(match)
    if not case.get("others_allowed"):
        assert not left, f"rows that were not expected: {left}"


def test_every_view_has_a_given_expect_file(library: Library) -> None:
    wanted = {*library.ids, *(model.name for model in library.models), *(item.id for item in library.risk)}
    assert {path.stem for path in HERE.glob("*.toml")} == wanted


def test_every_analytic_is_tested_with_hits_and_near_misses(library: Library) -> None:
    import tomllib

    for name in library.ids:
        cases = tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))["case"]
        given = sum(len(case["given"]) for case in cases)
        hits = sum(len(case.get("expect", [])) for case in cases)
        assert hits >= 2, name
        assert given - hits >= 2, name


@pytest.mark.parametrize("column", ["source_file", "source_record"])
def test_a_copy_is_known_by_its_whole_key(
    column: str, lake: Callable[[list[Row]], Connection], fetch: Callable[[Connection, str], list[Row]]
) -> None:
    connection = lake([{"is": "sysmon 1"}])
    key = {"source_id": "sha", "source_file": "/logs/a.evtx", "source_record": 0}
    key[column] = 7 if column == "source_record" else "/logs/b.evtx"
    connection.execute("insert into lake_duplicates values (?, ?, ?)", list(key.values()))
    assert [row["is_duplicate"] for row in fetch(connection, "events")] == [False]
