"""Small results as plain Python rows; Arrow in between, because DuckDB's own rows need pytz for times."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from wmiwarehouse.errors import WmiwhError

if TYPE_CHECKING:
    import pyarrow as pa

_AT_ONCE = 8192

#: What every connection to the lake is set to. In a notebook, and in a process that was started with ``-c`` as workers
#: are, DuckDB draws the progress of a long statement on standard output, in the middle of what belongs there.
SETTINGS = "set timezone = 'UTC'; set enable_progress_bar = false"


def rows(connection: Any, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Run *sql* with named *parameters* and return every row as a dict."""
    found: list[dict[str, Any]] = fetch(connection, sql, parameters).to_pylist()
    return found


def unreadable(error: Exception | str) -> WmiwhError:
    """Return what to say where a file of the lake turns out to be damaged."""
    cause = " ".join(str(error).partition("LINE 1:")[0].split())[:300]
    return WmiwhError(f"the lake cannot be read: {cause}; see: wmiwh verify")


def fetch(connection: Any, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
    """Run *sql* with named *parameters* and return every row; for no more of them than fit into memory twice.

    A relation would copy the rows once less, and bind the query twice: of wide views that is most of the time.
    """
    result = connection.execute(sql, dict(parameters or {}))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)
        return result.to_arrow_table()


def columns_of(connection: Any, relation: str, schema: str = "main") -> dict[str, str]:
    """Return the columns of a table or view with their types, as they were bound when it was made."""
    query = """
        select column_name, data_type from duckdb_columns()
        where database_name = current_database() and schema_name = $schema and table_name = $relation
        order by column_index"""
    found = rows(connection, query, {"schema": schema, "relation": relation})
    return {row["column_name"]: row["data_type"] for row in found}


def held(relation: Any, most: int) -> pa.Table | pa.RecordBatchReader:
    """Return the rows of *relation*: up to *most* of them as a table, more than that as a reader that can be read once.

    While the reader is read, the connection of *relation* must not be asked anything else.
    """
    import pyarrow as pa

    reader: pa.RecordBatchReader = relation.to_arrow_reader(_AT_ONCE)
    batches = _batches(reader)
    first, count = [], 0
    for batch in batches:
        first.append(batch)
        count += batch.num_rows
        if count > most:
            return pa.RecordBatchReader.from_batches(reader.schema, chain(first, batches))
    return pa.Table.from_batches(first, reader.schema)


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Yield what *reader* reads; what DuckDB says through Arrow is raised as what DuckDB raises itself."""
    import duckdb
    import pyarrow as pa

    try:
        yield from reader
    except (pa.ArrowException, OSError) as error:
        text = str(error)
        if "INTERRUPT Error" in text:
            raise KeyboardInterrupt from None
        kind = duckdb.OutOfMemoryException if "Out of Memory Error" in text else duckdb.Error
        raise kind(text) from None
