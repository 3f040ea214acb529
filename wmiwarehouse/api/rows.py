"""What an answer is to a program: rows as Arrow, DataFrame or dicts, and the lines of a summary."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.output import cells

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-not-found, import-untyped, unused-ignore]
    import pyarrow as pa


class Rows:
    """The rows of an answer, in memory; iterating yields a dict for each, ``len`` counts them."""

    def __init__(self, table: pa.Table, notes: Iterable[str] = ()) -> None:
        self._table = table.rename_columns(cells.names(table.schema))
        #: What has to be known beside the rows, as ``wmiwh`` says it on stderr: what "no rows" is worth, above all.
        self.notes: tuple[str, ...] = tuple(notes)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns; a second ``host`` is called ``host_2``."""
        return tuple(self._table.column_names)

    def arrow(self) -> pa.Table:
        """Return a ``pyarrow.Table``; times are ``timestamp[us, tz=UTC]``."""
        return self._table

    def pandas(self) -> pd.DataFrame:
        """Return a ``pandas.DataFrame``; raises :class:`WmiwhError` where pandas is not installed."""
        try:
            importlib.import_module("pandas")
        except ImportError as error:
            raise WmiwhError(f"a DataFrame needs pandas ({error}); install it: pip install pandas") from error
        return self._table.to_pandas()

    def rows(self) -> list[dict[str, Any]]:
        """Return a list of dicts; times are ``datetime`` in UTC, empty values ``None``, lists ``list``."""
        return list(self)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        try:
            for batch in cells.batches(self._table):
                yield from batch.to_pylist()
        except (ValueError, OverflowError) as error:
            raise WmiwhError(f"a time that Python's datetime cannot hold ({error}); use arrow()") from error

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __repr__(self) -> str:
        return f"<Rows: {len(self):,} of {', '.join(self.columns)}>"


@dataclass(frozen=True)
class Line:
    """One analytic in the summary of a hunt."""

    severity: str
    analytic: str
    hits: int
    hosts: int | None
    """None where a row is about several hosts, as in a stack."""
    first: datetime | None
    last: datetime | None
    data_seen_on: str
    """Hosts that have the records it needs, of all hosts with logs: ``4 of 7 (command line in 62 % of records)``."""
    side: str
    kind: str
    version: int
    suppressed: int = 0
    """Hits that the settings suppress; not among *hits*."""
