"""Checks a user's own ``formats/`` and ``events/`` before any worker meets them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.frontmatter import FrontMatterError
from wmiwarehouse.pipeline.buffer import Buffer
from wmiwarehouse.projection.compiler import IngestFileError, Projection
from wmiwarehouse.schema import EVENT_COLUMNS


def check(folders: Sequence[Path]) -> None:
    """Raise :class:`WmiwhError` (exit 2) for a folder in which there is nothing to apply."""
    for folder in folders:
        if not any((folder / name).is_dir() for name in ("formats", "events")):
            raise WmiwhError(
                f"{folder}: has neither formats/ nor events/, as a folder in the shape of ingest/", ExitCode.USAGE
            )


def compiled(folders: Sequence[Path]) -> Projection:
    """Return the projection; raises :class:`WmiwhError` (exit 2) for a file that no worker could use."""
    check(folders)
    try:
        projection = Projection(*folders)
        names = list(projection.formats) if folders else []  # the shipped files are known to compile
        queries = {name: [projection.select(name), projection.clock(name), projection.left_out(name)] for name in names}
    except (IngestFileError, FrontMatterError, OSError, UnicodeDecodeError) as error:
        raise WmiwhError(str(error), ExitCode.USAGE) from None
    if folders:
        _bind(projection, queries)
    return projection


def _bind(projection: Projection, queries: Mapping[str, Iterable[str | None]]) -> None:
    """Let DuckDB look at what a user's own files made, which only it can judge."""
    import duckdb

    empty = Buffer()
    with duckdb.connect() as connection:
        connection.execute(projection.functions)
        for name, table in (
            ("records", empty.record_table()),
            ("sources", empty.source_table()),
            ("clock", empty.clock_table()),
        ):
            connection.register(name, table)
        for name, statements in queries.items():
            try:
                for statement in filter(None, statements):
                    connection.execute(f"explain {statement}")
                select = connection.sql(projection.select(name))
                types = dict(zip(select.columns, map(str, select.types), strict=True))
                for column, kind in EVENT_COLUMNS.items():
                    if types[column] != kind.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"):
                        raise WmiwhError(
                            f"format {name!r}: column {column!r} comes out as {types[column]}, not {kind}",
                            ExitCode.USAGE,
                        )
            except duckdb.Error as error:
                where = ", ".join(map(str, projection.folders))
                text = f"format {name!r} with the files of {where}: {str(error).splitlines()[0]}"
                raise WmiwhError(text, ExitCode.USAGE) from None
