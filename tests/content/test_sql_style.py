"""What keeps the views honest, beside sqlfluff in ``make lint``: the shape of a file, NULL-safe negations."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from wmiwarehouse.content.library import Library

#: Never NULL, whatever their columns are.
_SAFE = (exp.Is, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Count, exp.ConcatWs)

#: NULL at times, even where none of their columns is.
_UNSAFE = (exp.Null, exp.Nullif, exp.TryCast, exp.Bracket, exp.Lag, exp.Lead, exp.Subquery)


def unsafe_negations(sql: str) -> list[str]:
    """Negations over what may be NULL: they drop every row without it, and nobody notices."""
    found = []
    for node in sqlglot.parse_one(sql, dialect="duckdb").walk():
        match node:
            case exp.Not():
                parts = [node.this]
            case exp.Like() | exp.ILike() if node.args.get("negate"):
                parts = [node.this]
            case exp.NEQ():
                parts = [node.this, node.expression]
            # "= false" is a negation in disguise; "is false" says that it wants what is known.
            case exp.EQ() if _is_false(node.expression):
                parts = [node.this]
            case exp.EQ() if _is_false(node.this):
                parts = [node.expression]
            case exp.Join() if node.args.get("kind") == "ANTI":
                parts = [node.args["on"]] if node.args.get("on") else []
            case _:
                continue
        if any(_may_be_null(part) for part in parts):
            found.append(node.sql(dialect="duckdb"))
    return found


def _is_false(node: exp.Expression | None) -> bool:
    return isinstance(node, exp.Boolean) and not node.this


def _may_be_null(node: exp.Expression) -> bool:
    if isinstance(node, _SAFE):
        return False
    if isinstance(node, (exp.Column, *_UNSAFE)):
        return True
    if isinstance(node, exp.Coalesce):
        return all(_may_be_null(part) for part in [node.this, *node.expressions])
    if isinstance(node, exp.Case) and node.args.get("default") is None:
        return True
    return any(_may_be_null(child) for child in node.iter_expressions())


@pytest.mark.parametrize(
    ("condition", "is_safe"),
    [
        ("not (a.x like 'b%')", False),
        ("a.x not like 'b%'", False),
        ("a.x not in ('b')", False),
        ("a.x not in (select b.x from b)", False),
        ("coalesce(a.x, '') not in (select b.x from b)", False),
        ("coalesce(a.x, '') not in ('b', null)", False),
        ("coalesce(a.x, '') not in ('b')", True),
        ("a.x not between 1 and 2", False),
        ("a.x <> 'b'", False),
        ("a.x != 'b'", False),
        ("not contains(lower(a.x), 'b')", False),
        ("not starts_with(a.x, 'b')", False),
        ("not starts_with(coalesce(a.x, ''), 'b')", True),
        ("not regexp_matches(a.x, 'b')", False),
        ("not regexp_matches(coalesce(a.x, ''), 'b')", True),
        ("a.x !~ 'b'", False),
        ("not a.x", False),
        ("a.x = false", False),
        ("false = a.x", False),
        ("a.x is false", True),
        ("a.x is not false", True),
        ("coalesce(a.x, false) = false", True),
        ("coalesce(a.x, '') <> 'b'", True),
        ("coalesce(a.x, '') <> a.y", False),
        ("coalesce(a.x, a.y) <> 'b'", False),
        ("coalesce(a.x, a.y, '') <> 'b'", True),
        ("nullif(coalesce(a.x, ''), 'c') <> 'b'", False),
        ("try_cast('c' as bigint) <> 1", False),
        ("case when a.x = 'c' then 'd' end <> 'b'", False),
        ("not contains(lower(coalesce(a.x, '')), 'b')", True),
        ("(a.x like 'b%') is not true", True),
        ("a.x is not null", True),
        ("a.x is distinct from 'b'", True),
        ("a.x is not distinct from a.y", True),
        ("not exists (select 1 from b where b.x = a.x)", False),
    ],
)
def test_the_lint_of_negations(condition: str, is_safe: bool) -> None:
    assert (unsafe_negations(f"select a.x from a where {condition}") == []) is is_safe
    assert (unsafe_negations(f"select case when {condition} then 1 end as y from a") == []) is is_safe


@pytest.mark.parametrize(
    ("join", "is_safe"),
    [
        ("left join b on a.x = b.x where b.x is null", True),
        ("left join b on a.x <> b.x", False),
        ("anti join b on a.x = b.x", False),
        ("anti join b on a.x is not distinct from b.x", True),
    ],
)
def test_the_lint_of_negations_in_joins(join: str, is_safe: bool) -> None:
    assert (unsafe_negations(f"select a.x from a {join}") == []) is is_safe


def test_every_negation_is_null_safe(library: Library) -> None:
    texts = [(item.path, item.sql) for item in library.views] + [(item.path, item.text) for item in library.risk]
    found = [f"{path.name}: {negation}" for path, sql in texts for negation in unsafe_negations(sql)]
    assert not found, "\n".join(found)


def faults_of_shape(sql: str, name: str) -> list[str]:
    """What is not as in every other file: one view of that name, ``final`` last, no other star."""
    trees = [tree for tree in sqlglot.parse(sql, dialect="duckdb") if tree is not None]
    if len(trees) != 1 or not isinstance(trees[0], exp.Create) or trees[0].kind != "VIEW":
        return ["is not one view"]
    (tree,) = trees
    stars = [star for star in tree.find_all(exp.Star, exp.Columns) if not isinstance(star.parent, exp.Count)]
    said = {
        "makes no view of its file's name": tree.this.sql() == name,
        "is not created or replaced": bool(tree.args.get("replace")),
        "does not end in select * from final": sql.rstrip().endswith("\nselect * from final"),
        "has a further star": len(stars) == 1,
        "has a subquery where a step belongs": not list(tree.find_all(exp.Subquery)),
    }
    return [fault for fault, is_fine in said.items() if not is_fine]


@pytest.mark.parametrize(
    ("sql", "faults"),
    [
        ("create or replace view a as\nwith final as (select b.c from b)\n\nselect * from final\n", 0),
        ("create or replace view a as\nwith final as (select count(*) as c from b)\n\nselect * from final\n", 0),
        ("create view a as\nwith final as (select b.c from b)\n\nselect * from final\n", 1),
        ("create or replace view x as\nwith final as (select b.c from b)\n\nselect * from final\n", 1),
        ("create or replace view a as\nwith final as (select b.* from b)\n\nselect * from final\n", 1),
        ("create or replace view a as\nwith final as (select columns('b') from b)\n\nselect * from final\n", 1),
        (
            "create or replace view a as\nwith final as (select c.d from (select 1 as d) as c)\n\nselect * from final",
            1,
        ),
        ("create or replace view a as\nwith final as (select b.c from b)\n\nselect final.c from final\n", 2),
        ("create or replace table a as\nwith final as (select b.c from b)\n\nselect * from final\n", 1),
        ("create or replace view a as\nwith final as (select 1)\n\nselect 1;\nselect * from final\n", 1),
    ],
)
def test_the_lint_of_shapes(sql: str, faults: int) -> None:
    assert len(faults_of_shape(sql, "a")) == faults


def test_every_file_is_one_view_that_ends_in_select_from_final(library: Library) -> None:
    for item in library.views:
        schema = "" if item in library.models else "hunt."
        assert faults_of_shape(item.sql, f"{schema}{item.path.stem}") == [], item.path
    for risk in library.risk:
        assert faults_of_shape(risk.text, f"hunt.{risk.path.stem}") == [], risk.path
