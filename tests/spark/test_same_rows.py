"""What the views return on Spark is what they return on DuckDB, row by row.

The rules of ``test_portability`` know what a syntax tree can tell. That two engines agree on NULLs, on rounding and on
empty lists, only both can: ``make spark`` installs PySpark and runs this (ten minutes, and Java); without it, it is
skipped. Each engine works all models out itself, from the same Parquet.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from tests.content import conftest as content
from wmiwarehouse.content.library import BASE_RELATIONS, Library

sql = pytest.importorskip("pyspark.sql")

#: So many cases share the hosts of the given rows, 20 days apart; the next ones have hosts of their own.
CASES_OF_A_HOST = 150


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    session = (
        sql.SparkSession.builder.master("local[*]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.memory", "6g")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        .getOrCreate()
    )
    yield session
    session.stop()


def given_rows(library: Library, _: Path) -> duckdb.DuckDBPyConnection:
    """Every row that a view is tested with: what must hit, and what nearly does."""
    connection = content.empty_lake(library)
    files = sorted(Path(content.__file__).parent.glob("*.toml"))
    for number, case in enumerate(case for path in files for case in content.cases_in(path)):
        group, place = divmod(number, CASES_OF_A_HOST)
        for position, given in enumerate(case["given"]):
            row = content.complete(given, position)
            row["event_uid"] = f"{number:05}{row['event_uid']}"
            row["source_file"] = f"{number}{row['source_file']}"
            row["host"] = row["host"] and f"{row['host']}{f'-{group}' if group else ''}"
            for name in ("event_time", "utc_time"):
                if isinstance(row.get(name), datetime):
                    row[name] += timedelta(days=20 * place)
            content.add(connection, row, is_copy=bool(given.get("copy")))
    return connection


def demo(_: Library, folder: Path) -> duckdb.DuckDBPyConnection:
    """The logs of an invented attack, ingested."""
    subprocess.run([sys.executable, "-m", "wmiwarehouse", "demo", folder / "demo"], check=True, capture_output=True)
    return duckdb.connect(folder / "demo" / "warehouse" / "warehouse.duckdb", read_only=True)


@pytest.mark.parametrize("lake", [given_rows, demo])
def test_every_view_has_the_same_rows_on_spark(lake: Any, spark: Any, tmp_path: Path) -> None:
    library = Library.load()
    connection = lake(library, tmp_path)
    connection.execute("set timezone = 'UTC'")
    for relation in BASE_RELATIONS:
        file = tmp_path / f"{relation}.parquet"
        connection.execute(f"copy (select * from {relation}) to '{file}'")
        spark.read.parquet(str(file)).createOrReplaceTempView(relation)

    analytics = {item.view for item in library.analytics}
    models = {item.name: item.sql for item in library.models}
    statements = models | {item.view: item.sql for item in library.analytics}
    statements |= {item.view: item.reading(analytics) for item in library.risk}
    faults = []
    for name, statement in statements.items():
        query = sqlglot.parse_one(statement, read="duckdb").expression
        for table in query.find_all(exp.Table):
            table.set("db", None)
        here, there = tmp_path / f"{name}.here.parquet", tmp_path / f"{name}.spark"
        schema = "main" if name in models else "hunt"
        ((count,),) = connection.execute(f"copy (select * from {schema}.{name}) to '{here}'").fetchall()
        if not count and lake is given_rows:  # each view is tested with a row that must hit
            faults.append(f"{name}: no row to compare")
        spark.sql(query.sql(dialect="spark")).coalesce(1).write.parquet(str(there))
        spark.read.parquet(str(there)).createOrReplaceTempView(name)
        faults += [f"{name}: {fault}" for fault in differences(f"'{here}'", f"'{there}/*.parquet'")]
    assert not faults, "\n".join(faults)


def differences(here: str, there: str) -> Iterator[str]:
    """Say which columns of the two Parquet files differ and in how many rows."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        names, others = (
            [column for column, *_ in connection.execute(f"describe select * from {file}").fetchall()]
            for file in (here, there)
        )
        if names != others:
            yield f"columns {names} here, {others} there"
            return

        def rows_missing(columns: list[str]) -> int:
            texts = ", ".join(f'cast("{column}" as varchar)' for column in columns)
            pairs = [(here, there), (there, here)]
            counts = [
                connection.execute(
                    f"select count(*) from (select {texts} from {one} except all select {texts} from {other})"
                ).fetchall()[0][0]
                for one, other in pairs
            ]
            return int(max(counts))

        if missing := rows_missing(names):
            columns = [name for name in names if rows_missing([name])]
            yield f"{missing} rows differ in {', '.join(columns) or 'their combination'}"
