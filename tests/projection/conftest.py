"""A connection that projects records as a worker does, and one that has the shared functions."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wmiwarehouse.pipeline.buffer import Buffer, Source
from wmiwarehouse.pipeline.clock import Finding, decide
from wmiwarehouse.projection.compiler import Projection
from wmiwarehouse.readers.containers import Place

Project = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def projection() -> Projection:
    return Projection()


@pytest.fixture(scope="session")
def sql(projection: Projection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the functions of ``ingest/functions.sql``."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("set timezone = 'UTC'")
    connection.execute(projection.functions)
    yield connection
    connection.close()


_numbers = itertools.count()


def run(
    sql: duckdb.DuckDBPyConnection, projection: Projection, fmt: str, records: Sequence[dict[str, Any] | str]
) -> list[dict[str, Any]]:
    buffer = Buffer()
    source = Source(0, Place(Path("/logs/x")), fmt, "json", "sha", "key:", "batch", datetime(2024, 1, 1, tzinfo=UTC))
    for number, record in enumerate(records, 1):
        text = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False)
        buffer.take(source, number, [text])
    number = next(_numbers)
    names = {"records": buffer.record_table(), "sources": buffer.source_table()}
    for name, table in names.items():
        sql.register(name, table)
    clock = projection.clock(fmt)
    if clock:
        found = sql.sql(clock).to_arrow_table().to_pylist()
        buffer.offsets[0] = tuple(decide([Finding(**row) for row in found]))
    sql.register("clock", buffer.clock_table())
    sql.execute(f"create or replace temp table out_{number} as {projection.select(fmt)}")
    rows: list[dict[str, Any]] = sql.sql(f"from out_{number} order by source_record").to_arrow_table().to_pylist()
    sql.execute(f"drop table out_{number}")
    return rows


@pytest.fixture
def project(sql: duckdb.DuckDBPyConnection, projection: Projection) -> Project:
    """Returns the lake's rows of records of a format, in their order."""

    def call(
        fmt: str, records: Sequence[dict[str, Any] | str], using: Projection | None = None
    ) -> list[dict[str, Any]]:
        return run(sql, using or projection, fmt, records)

    return call
