"""Small results as plain Python rows; Arrow in between, because DuckDB's own rows need pytz for times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def rows(connection: Any, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Run *sql* with named *parameters* and return every row as a dict."""
    found: list[dict[str, Any]] = connection.sql(sql, params=dict(parameters or {})).to_arrow_table().to_pylist()
    return found
