"""A small lake in memory: a test gives only the columns that matter, everything else is NULL."""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.lake.catalog import connect
from wmiwarehouse.lake.query import rows
from wmiwarehouse.lake.relations import settings_relations
from wmiwarehouse.lake.settings import Settings
from wmiwarehouse.lake.views import Views
from wmiwarehouse.schema import EVENT_COLUMNS

#: How TOML, which has no NULL, writes one.
NULL = "<null>"

SECURITY = ("Security", "Microsoft-Windows-Security-Auditing")
SYSMON = ("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon")
WMI_ACTIVITY = ("Microsoft-Windows-WMI-Activity/Operational", "Microsoft-Windows-WMI-Activity")
POWERSHELL = ("Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell")
CLASSIC_POWERSHELL = ("Windows PowerShell", "PowerShell")

#: Security's event ids that tests use.
_SECURITY_IDS = (4608, 4624, 4625, 4634, 4648, 4672, 4673, 4674, 4688, 4689, 4720, 4769, 5140, 5145, 5156, 5157)

#: ``is = "4688"`` in a given row stands for channel, provider and event id.
KINDS: dict[str, tuple[str, str, int]] = {
    "sysmon 1": (*SYSMON, 1),
    "sysmon 3": (*SYSMON, 3),
    "sysmon 12": (*SYSMON, 12),
    "sysmon 13": (*SYSMON, 13),
    "sysmon 14": (*SYSMON, 14),
    "6005": ("System", "EventLog", 6005),
    "kernel 12": ("System", "Microsoft-Windows-Kernel-General", 12),
    "4103": (*POWERSHELL, 4103),
    "4104": (*POWERSHELL, 4104),
    "400": (*CLASSIC_POWERSHELL, 400),
    "800": (*CLASSIC_POWERSHELL, 800),
    "wininit 12": ("System", "Microsoft-Windows-Wininit", 12),
    "kernel 13": ("System", "Microsoft-Windows-Kernel-General", 13),
    "1100": ("Security", "Microsoft-Windows-Eventlog", 1100),
    "1102": ("Security", "Microsoft-Windows-Eventlog", 1102),
    "104": ("System", "Microsoft-Windows-Eventlog", 104),
} | {str(number): (*SECURITY, number) for number in _SECURITY_IDS}
KINDS |= {f"sysmon {number}": (*SYSMON, number) for number in (4, 16, 19, 20, 21)}
KINDS |= {f"wmi {number}": (*WMI_ACTIVITY, number) for number in range(5857, 5862)}
KINDS |= {str(number): (*SECURITY, number) for number in (4647, 4719)}

#: What two invented analytics need: the given and expected rows on coverage must not follow each new analytic.
REQUIREMENTS = (
    f"('by_process', 1, '{SYSMON[0]}', 1, 'process_name')",
    f"('by_process', 1, '{SYSMON[0]}', 1, 'command_line')",
    "('by_process', 2, 'Security', 4688, 'command_line')",
    "('by_process', 3, 'cortex/xdr_data', null, 'command_line')",
    "('by_credentials', 1, 'Security', 4648, 'target_name')",
    "('data_coverage', 1, 'Security', null, 'channel')",
)

Row = dict[str, Any]
Connection = duckdb.DuckDBPyConnection
Lake = Callable[..., Connection]


def complete(given: Mapping[str, Any], number: int) -> Row:
    """What the ingest would have stored for *given*."""
    row: Row = {
        "event_uid": f"row{number}",
        "event_time": datetime(2026, 3, 1, 12, 0, number, tzinfo=UTC),
        "host": "ws01",
        "source_id": "sha",
        "source_file": "/logs/a.evtx",
        "source_record": number,
    }
    if "is" in given:
        row |= dict(zip(("channel", "provider", "event_id"), KINDS[given["is"]], strict=True))
    row |= {name: None if value == NULL else value for name, value in given.items() if name not in ("is", "copy")}
    for path, name in (("process_path", "process_name"), ("parent_process_path", "parent_process_name")):
        if row.get(path) and name not in given:
            row[name] = row[path].replace("/", "\\").rsplit("\\", 1)[-1].lower() or None
    if row["host"] and "computer" not in given:
        row["computer"] = f"{row['host'].upper()}.corp.example"
    for side in ("source", "destination"):
        row |= _address(row, f"{side}_ip")
    unknown = set(row) - set(EVENT_COLUMNS)
    assert not unknown, f"no columns of the lake: {unknown}"
    return row


def _address(row: Row, column: str) -> Row:
    """Canonical text and key of an address; what is none stays as logged and has no key."""
    try:
        address = ipaddress.ip_address(str(row[column]).partition("%")[0])
    except (KeyError, ValueError):
        return {}
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if isinstance(address, ipaddress.IPv4Address):
        return {column: str(address), f"{column}_key": f"{'0' * 20}ffff{int(address):08x}"}
    return {column: str(address), f"{column}_key": f"{int(address):032x}"}


@pytest.fixture(scope="session")
def library() -> Library:
    return Library.load()


def empty_lake(library: Library) -> Connection:
    """Every view over a lake in memory that has no event yet."""
    connection = connect(threads=1)
    columns = ", ".join(f"{name} {kind}" for name, kind in EVENT_COLUMNS.items())
    connection.execute(f"create table lake_events ({columns})")
    connection.execute(
        "create view lake_hosts as select computer, host, count(*) as records, "
        "min(event_time) as first_time, max(event_time) as last_time from lake_events group by computer, host"
    )
    connection.execute("create table lake_duplicates (source_id varchar, source_file varchar, source_record bigint)")
    connection.execute(
        "create table analytic_requirement as select analytic, requirement, channel, event_id, column_name "
        f"from (values {', '.join(REQUIREMENTS)}) as t (analytic, requirement, channel, event_id, column_name)"
    )
    for statement in settings_relations(Settings()):
        connection.execute(statement)
    connection.execute("create schema hunt")
    views = Views(library)

    def make_others() -> None:
        for sql in [*(item.sql for item in library.analytics), *(item.sql for item in library.risk)]:
            connection.execute(views.statement(sql))

    views.make(connection, views.models, make_others)
    return connection


@pytest.fixture(scope="session")
def _catalog(library: Library) -> Iterator[Connection]:
    with empty_lake(library) as connection:
        yield connection


def add(connection: Connection, row: Row, *, is_copy: bool) -> None:
    """Put *row* into the lake."""
    marks = ", ".join("?" * len(row))
    connection.execute(f"insert into lake_events ({', '.join(row)}) values ({marks})", list(row.values()))
    if is_copy:
        keys = [row[name] for name in ("source_id", "source_file", "source_record")]
        connection.execute("insert into lake_duplicates values (?, ?, ?)", keys)


@pytest.fixture
def lake(_catalog: Connection) -> Lake:
    """Returns a function that fills the lake with the given rows and returns the connection with all views."""

    def fill(given: Sequence[Row], settings: Mapping[str, Any] | None = None) -> Connection:
        _catalog.execute("delete from lake_events")
        _catalog.execute("delete from lake_duplicates")
        for statement in settings_relations(Settings.of(settings or {})):
            _catalog.execute(statement)
        for number, one in enumerate(given):
            add(_catalog, complete(one, number), is_copy=bool(one.get("copy")))
        return _catalog

    return fill


def rows_of(connection: Connection, relation: str) -> list[Row]:
    """Every row of *relation* (a name or a select)."""
    query = relation if relation.startswith("select") else f"select * from {relation}"
    return rows(connection, query)


@pytest.fixture
def fetch() -> Callable[[Connection, str], list[Row]]:
    return rows_of


def cases_in(path: Path) -> list[Row]:
    """The ``[[case]]`` tables of a given/expect file."""
    cases: list[Row] = tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    return cases


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each case in each ``<id>.toml`` beside this file."""
    if {"subject", "case"} <= set(metafunc.fixturenames):
        found = [(path.stem, case) for path in sorted(Path(__file__).parent.glob("*.toml")) for case in cases_in(path)]
        metafunc.parametrize(("subject", "case"), found, ids=[f"{stem}: {case['name']}" for stem, case in found])
