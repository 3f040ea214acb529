"""Command lines, accounts and addresses seen in real logs, with what must be said of each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

CASES = Path(__file__).parents[3] / "shared" / "corpus" / "cases.json"

Row = dict[str, Any]
Lake = Callable[[list[Row]], duckdb.DuckDBPyConnection]
Fetch = Callable[[duckdb.DuckDBPyConnection, str], list[Row]]

ANALYTICS = (
    "car_2016_03_002",
    "car_2016_03_002_splunk",
    "xql_wmic_remote_exec",
    "escu_remote_process_instantiation_via_wmi",
)


@pytest.fixture
def cases() -> dict[str, list[Row]]:
    if not CASES.is_file():
        pytest.skip("the shared cases (../shared/corpus/cases.json) are not on this computer")
    found: dict[str, list[Row]] = json.loads(CASES.read_text(encoding="utf-8"))
    return found


def test_command_lines(cases: dict[str, list[Row]], lake: Lake, fetch: Fetch) -> None:
    for case in cases["command_lines"]:
        given = {
            "is": "sysmon 1",
            "process_path": case["image"],
            "original_file_name": case["original_file_name"],
            "command_line": case["command_line"],
        }
        connection = lake([given])
        (row,) = fetch(connection, "process_creation")
        said = {name: row[name] for name in ("targets", "remote_command")}
        said |= {name: len(fetch(connection, f"hunt.{name}_v1")) for name in ANALYTICS}
        assert said == {name: case[name] for name in said}, case["command_line"]


def test_accounts(cases: dict[str, list[Row]], lake: Lake, fetch: Fetch) -> None:
    for case in cases["accounts"]:
        account = {"user_domain": case["domain"], "user_name": case["user"], "user_sid": case["sid"]}
        (row,) = fetch(lake([{"is": "sysmon 1", "host": case["host"], **account}]), "process_creation")
        assert row["user_class"] == case["user_class"], case


def test_addresses(cases: dict[str, list[Row]], lake: Lake, fetch: Fetch) -> None:
    for case in cases["ips"]:
        (row,) = fetch(lake([{"is": "4624", "source_ip": case["ip"]}]), "logon")
        assert row["source_scope"] == case["scope"], case
