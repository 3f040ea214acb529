"""What keeps the views portable and honest: NULL-safe negations, Spark's dialect, sqlfluff."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from wmiwarehouse.content.library import Library

ROOT = Path(__file__).parents[2]

#: What never is NULL, whatever its columns are.
_SAFE = (exp.Coalesce, exp.Is, exp.NullSafeEQ, exp.NullSafeNEQ)


def unsafe_negations(sql: str) -> list[str]:
    """Negations over a column that may be NULL: they drop every row without it, and nobody notices."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    found = []
    for node in tree.find_all(exp.Not, exp.NEQ):
        parts = [node.this, node.expression] if isinstance(node, exp.NEQ) else [node.this]
        if any(_may_be_null(part) for part in parts):
            found.append(node.sql(dialect="duckdb"))
    return found


def _may_be_null(node: exp.Expression) -> bool:
    if isinstance(node, _SAFE):
        return False
    if isinstance(node, exp.Column):
        return True
    return any(_may_be_null(child) for child in node.iter_expressions())


@pytest.mark.parametrize(
    ("condition", "is_safe"),
    [
        ("not (a.x like 'b%')", False),
        ("a.x not in ('b')", False),
        ("a.x <> 'b'", False),
        ("not contains(lower(a.x), 'b')", False),
        ("not a.x", False),
        ("coalesce(a.x, '') <> 'b'", True),
        ("coalesce(a.x, '') <> a.y", False),
        ("not contains(lower(coalesce(a.x, '')), 'b')", True),
        ("(a.x like 'b%') is not true", True),
        ("a.x is not null", True),
        ("a.x is distinct from 'b'", True),
        ("a.x is not distinct from a.y", True),
        ("not exists (select 1 from b where b.x = a.x)", False),
    ],
)
def test_the_lint_itself(condition: str, is_safe: bool) -> None:
    assert (unsafe_negations(f"select a.x from a where {condition}") == []) is is_safe


def test_every_negation_is_null_safe(library: Library) -> None:
    for item in library.views:
        assert unsafe_negations(item.sql) == [], item.path


def test_every_file_is_one_view_that_ends_in_select_from_final(library: Library) -> None:
    for item in library.views:
        (tree,) = sqlglot.parse(item.sql, dialect="duckdb")
        assert isinstance(tree, exp.Create), item.path
        schema = "" if item in library.models else "hunt."
        assert tree.this.sql() == f"{schema}{item.path.stem}", item.path
        assert item.sql.rstrip().endswith("select * from final"), item.path
        stars = [star for star in tree.find_all(exp.Star) if not isinstance(star.parent, exp.Count)]
        assert len(stars) == 1, item.path
        assert not list(tree.find_all(exp.Like, exp.ILike, exp.Anonymous, exp.Order)), item.path


def test_every_view_has_a_form_for_spark(library: Library) -> None:
    for item in library.views:
        sqlglot.transpile(item.sql, read="duckdb", write="spark", unsupported_level=ErrorLevel.RAISE)


def test_models_state_all_views_that_they_read(library: Library) -> None:
    names = {item.name for item in library.models}
    for item in library.models:
        tree = sqlglot.parse_one(item.sql, dialect="duckdb")
        assert {table.name for table in tree.find_all(exp.Table)} & names - {item.name} == set(item.requires)


def test_sqlfluff_has_nothing_to_say() -> None:
    command = [sys.executable, "-m", "sqlfluff", "lint", "--disable-progress-bar", "sql"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
