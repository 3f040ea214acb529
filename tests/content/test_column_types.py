"""Every column must have a type that DuckDB and Spark both read back from Parquet: HUGEINT, for one, becomes DOUBLE."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.lake.query import columns_of

#: What both engines read back from Parquet.
_SCALARS = {"TIMESTAMP WITH TIME ZONE", "BIGINT", "INTEGER", "DOUBLE", "BOOLEAN", "VARCHAR", "DATE"}


def is_read_by_both(kind: str) -> bool:
    """Whether DuckDB and Spark both read a column of this type back from Parquet."""
    if kind in _SCALARS:
        return True
    if kind.endswith("[]"):
        return is_read_by_both(kind[:-2])
    outer = re.fullmatch(r"(STRUCT|MAP)\((.*)\)", kind)
    if outer is None:
        return False
    parts = _members(outer[2])
    return all(
        is_read_by_both(part.strip() if outer[1] == "MAP" else part.rpartition('"')[2].strip()) for part in parts
    )


def _members(inner: str) -> list[str]:
    """``a BIGINT, b STRUCT(c DATE)`` at its outermost commas, every name in quotes."""
    parts, depth = [""], 0
    for sign in inner:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [re.sub(r"^\s*(\w+) (?=[A-Z]+)(?!WITH\b)", r'"\1" ', part) for part in parts]


@pytest.mark.parametrize(
    ("kind", "is_fine"),
    [
        ("VARCHAR", True),
        ("TIMESTAMP WITH TIME ZONE", True),
        ("VARCHAR[]", True),
        ("STRUCT(a VARCHAR, b BIGINT[])[]", True),
        ('STRUCT("a b" TIMESTAMP WITH TIME ZONE, c STRUCT(d DATE))', True),
        ("STRUCT(at TIMESTAMP WITH TIME ZONE)", True),
        ("MAP(VARCHAR, INTEGER)", True),
        ("MAP(VARCHAR, HUGEINT)", False),
        ("STRUCT(a VARCHAR, b HUGEINT)[]", False),
        ("STRUCT(a STRUCT(b UUID))", False),
        ("HUGEINT", False),
        ("UBIGINT", False),
        ("TIMESTAMP", False),
        ("TIMESTAMP_NS", False),
        ("INTERVAL", False),
        ("TIME", False),
        ("UUID", False),
        ("DECIMAL(18,3)", False),
        ('"NULL"', False),
        ("VARCHAR[3]", False),
    ],
)
def test_the_lint_of_types(kind: str, is_fine: bool) -> None:
    assert is_read_by_both(kind) is is_fine


def test_every_column_has_a_type_that_both_engines_read(
    library: Library, lake: Callable[[list[dict[str, Any]]], duckdb.DuckDBPyConnection]
) -> None:
    connection = lake([])
    names = [("main", item.name) for item in library.models]
    names += [("hunt", item.view) for item in library.analytics] + [("hunt", item.view) for item in library.risk]
    found = [
        f"{name}.{column}: {kind}"
        for schema, name in names
        for column, kind in columns_of(connection, name, schema).items()
        if not is_read_by_both(kind)
    ]
    assert not found, "\n".join(found)
