"""What runs on DuckDB must run on Spark with the same rows: what a syntax tree can tell of that.

Each rule stands for a difference that was seen: a boundary that is counted, an order that is dropped, a type that one
of the two cannot read. ``sqlglot`` itself refuses none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from wmiwarehouse.content.library import Library

Tree = exp.Expr

#: Not to be used at all, and what to use or why.
_NEVER: dict[type[Tree], str] = {
    exp.TimeToUnix: "epoch: date_diff('microsecond', a, b)",
    exp.UnixToTime: "epoch: date_diff('microsecond', a, b)",
    exp.DateBin: "time_bucket has no twin",
    exp.TimeToStr: "formats differ",
    exp.First: "no order: arg_min with a tie-break, or row_number",
    exp.Last: "no order: arg_max with a tie-break, or row_number",
    exp.AnyValue: "no order: arg_min with a tie-break",
    exp.Mode: "no order among equals",
    exp.Median: "quantile: percent_rank or cume_dist",
    exp.PercentileCont: "quantile: percent_rank or cume_dist",
    exp.PercentileDisc: "quantile: percent_rank or cume_dist",
    exp.ApproxQuantile: "approximate",
    exp.ApproxDistinct: "approximate",
    exp.Slice: "list slices differ",
    exp.Like: "backslashes differ: contains, starts_with, ends_with",
    exp.ILike: "backslashes differ: contains, starts_with, ends_with",
    exp.SimilarTo: "use regexp_matches",
    exp.Glob: "use regexp_matches",
    exp.Limit: "which rows is left to the engine",
    exp.TableSample: "which rows is left to the engine",
    exp.Pivot: "columns that depend on data",
    exp.Placeholder: "parameters stand in plain select files only",
    exp.Parameter: "parameters stand in plain select files only",
    exp.CurrentTimestamp: "rows would depend on the clock",
    exp.CurrentDate: "rows would depend on the clock",
    exp.Rand: "rows would depend on chance",
    exp.Uuid: "rows would depend on chance",
    exp.Anonymous: "no function that both engines are known to have",
}

#: Types to cast to.
_CASTS = {
    exp.DType.BIGINT,
    exp.DType.INT,
    exp.DType.DOUBLE,
    exp.DType.BOOLEAN,
    exp.DType.VARCHAR,
    exp.DType.TEXT,
    exp.DType.DATE,
    exp.DType.TIMESTAMPTZ,
    exp.DType.LIST,
    exp.DType.ARRAY,
    exp.DType.STRUCT,
}

#: Whole-row functions that give another row when equals change places.
_ORDERED = (exp.RowNumber, exp.FirstValue, exp.LastValue, exp.NthValue, exp.Lag, exp.Lead)

#: Beyond what RE2 and Java's patterns have in common: look-around, atomic groups, back references, POSIX classes.
_ODD_PATTERN = re.compile(r"\(\?(?:[=!>]|<[=!])|\\[1-9QEzZG]|\[\[:|[+*?}]\+")


def unportable(sql: str) -> list[str]:
    """Each rule that *sql* breaks, with the place."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    return [f"{node.sql(dialect='duckdb')[:120]}: {why}" for node in tree.walk() for why in _faults(node)]


def _faults(node: Tree) -> Iterator[str]:
    for kind, why in _NEVER.items():
        if type(node) is kind:
            yield why
    match node:
        case exp.DateDiff() if node.text("unit").upper() != "MICROSECOND":
            yield "counts boundaries: only a difference in microseconds is exact"
        case exp.Create() if node.kind != "VIEW":
            yield "no macros, no tables"
        case exp.Join() if node.args.get("method") in ("ASOF", "POSITIONAL"):
            yield "no asof and positional joins: row_number"
        case exp.Distinct() if node.args.get("on"):
            yield "distinct on: row_number"
        case exp.Group() if node.args.get("all"):
            yield "group by all: name the columns"
        case exp.Order() if not isinstance(node.parent, exp.Window | exp.GroupConcat | exp.ArrayAgg | exp.WithinGroup):
            yield "the driver orders rows"
        case exp.ArgMin() | exp.ArgMax() if not _has_tie_break(node):
            yield "without a tie-break: arg_min(x, struct_pack(t := event_time, u := event_uid))"
        case exp.ArgMin() | exp.ArgMax() if not isinstance(node.this, exp.Struct | exp.Coalesce) and not _is_case(node):
            yield "NULL counts on Spark alone: arg_min(x, case when x is not null then {..} end), or a struct"
        case exp.ArrayAgg() if isinstance(node.this, exp.Order):
            yield "the order within list() is dropped: string_agg, or list_sort"
        case exp.ArrayAgg() if not isinstance(node.find_ancestor(exp.ArraySort, exp.Select), exp.ArraySort):
            yield "a list without order: list_sort(list(..))"
        case exp.Filter() if isinstance(node.this, exp.ArrayAgg) and not node.find_ancestor(
            exp.ArrayToString, exp.Case
        ):
            yield "of none it is NULL here and empty there: case when count(..) > 0 then list_sort(list(..)) end"
        case exp.ArrayToString() if node.this.find(exp.ArrayAgg) and not isinstance(node.parent, exp.Nullif):
            yield "of none it is NULL here and '' there: nullif(array_to_string(..), '')"
        case exp.GroupConcat() if not isinstance(node.this, exp.Order):
            yield "string_agg without an order"
        case exp.Window() if isinstance(node.this, _ORDERED) and not _is_settled(node):
            yield "no tie-break: order by t, event_uid"
        case exp.Sum() if not _is_cast_sum(node):
            yield "HUGEINT: cast(sum(..) as bigint)"
        case exp.Div() if not _is_double(node.this):
            yield "cast(x as double) / y"
        case exp.Cast() if node.to.this not in _CASTS:
            yield f"no type {node.to.sql()} in both"
        case exp.Cast() if node.to.this in (exp.DType.BIGINT, exp.DType.INT) and _is_fraction(node.this):
            yield "rounded here, cut there: cast(round(..) as bigint)"
        case exp.In() if len(node.expressions) > 5:
            yield "a list of six values or more: join a relation or use a pattern"
        case exp.Extract() if node.this.name.upper() == "EPOCH":
            yield "epoch: date_diff('microsecond', a, b)"
        case exp.RegexpLike() | exp.RegexpExtract() | exp.RegexpExtractAll() | exp.RegexpReplace():
            if any(_ODD_PATTERN.search(text.this) for text in node.expression.find_all(exp.Literal)):
                yield "a pattern that only one engine has"
        case exp.Select():
            own = [one for one in node.find_all(exp.GroupConcat) if one.parent_select is node]
            if sum(bool(one.find(exp.Distinct)) for one in own) > 1:
                yield "two string_agg(distinct ..) in one select crash Spark"


def _is_settled(window: exp.Window) -> bool:
    """Whether equals in the window's order cannot give another result."""
    order = window.args.get("order")
    terms = [term.this for term in order.expressions] if order else []
    if len(terms) > 1 or (terms and re.search(r"_(uid|number)$", terms[0].name)):
        return True
    if window.this.this is not None:
        return window.this.this in terms
    # Rows that are the same in all that is selected may change places.
    select = window.parent_select
    keys = [*terms, *(window.args.get("partition_by") or [])]
    others = [column.unalias() for column in select.expressions if not column.find(exp.Window)] if select else [None]
    return bool(terms) and all(column in keys for column in others)


def _has_tie_break(node: Tree) -> bool:
    order = node.expression.args["ifs"][0].args["true"] if _is_case(node) else node.expression
    return isinstance(order, exp.Struct) and len(order.expressions) >= 2


def _is_case(node: Tree) -> bool:
    return isinstance(node.expression, exp.Case)


def _is_fraction(node: Tree) -> bool:
    return isinstance(node, exp.Avg | exp.Div) or (not isinstance(node, exp.Round) and _is_double(node))


def _is_cast_sum(node: Tree) -> bool:
    parent = node.parent
    while isinstance(parent, exp.Window | exp.Filter | exp.Paren | exp.Coalesce):
        parent = parent.parent
    return isinstance(parent, exp.Cast) or _is_double(node.this)


def _is_double(node: Tree) -> bool:
    """Whether a cast or a decimal point makes it one: columns bear no type in a tree."""
    if isinstance(node, exp.Cast):
        return bool(node.to.this == exp.DType.DOUBLE)
    if isinstance(node, exp.Literal):
        return not node.is_string and "." in node.this
    return any(_is_double(child) for child in node.iter_expressions())


@pytest.mark.parametrize(
    "expression",
    """
    date_diff('day', a.b, a.c) ;; datediff('day', a.b, a.c) ;; date_sub('day', a.b, a.c) ;; epoch(a.b)
    epoch_ms(a.b) ;; epoch_us(a.b) ;; extract(epoch from a.b) ;; date_part('epoch', a.b)
    time_bucket(interval '1' day, a.b) ;; strftime(a.b, '%Y-%m-%dT%H') ;; first(a.b) ;; last(a.b) ;; any_value(a.b)
    arbitrary(a.b) ;; mode(a.b) ;; median(a.b) ;; arg_min(a.b, a.c) ;; max_by(a.b, a.c)
    arg_max(a.b, struct_pack(t := a.c)) ;; list(a.b order by a.c) ;; list(a.b) ;; array_agg(a.b order by a.c)
    arg_min(a.b, {'t': a.event_time, 'u': a.event_uid}) ;; arg_min(a.b, case when a.b is not null then a.c end)
    list_sort(list(a.b) filter (where a.c)) ;; array_to_string(list_sort(list(distinct a.b)), ',')
    cast(avg(a.b) as bigint) ;; cast(cast(a.b as double) / a.c as integer) ;; cast(1.5 * a.b as bigint)
    list(distinct a.b) ;; string_agg(a.b, ',') ;; sum(a.b) ;; sum(a.b) over (partition by a.c)
    cast(a.b as hugeint) ;; cast(a.b as uuid) ;; cast(a.b as time) ;; cast(a.b as ubigint) ;; a.b::interval
    a.b / a.c ;; quantile_cont(a.b, 0.5) ;; quantile_disc(a.b, 0.5) ;; approx_quantile(a.b, 0.5)
    approx_count_distinct(a.b) ;; a.b[1:2] ;; list_slice(a.b, 1, 2) ;; now() ;; current_timestamp ;; today()
    random() ;; uuid() ;; $name ;; a.b like 'x%' ;; a.b ilike 'x' ;; a.b not like 'x' ;; a.b similar to 'x'
    a.b glob 'x' ;; a.b in (1, 2, 3, 4, 5, 6) ;; regexp_matches(a.b, 'x(?=y)') ;; regexp_matches(a.b, '(?<!x)y')
    regexp_matches(a.b, '(x)\\1') ;; regexp_extract(a.b, '[[:alpha:]]') ;; regexp_matches(a.b, 'x++')
    regexp_matches(a.b, 'x' || '(?!y)') ;; a.d, row_number() over (partition by a.b order by a.c)
    lag(a.b) over (order by a.c) ;; row_number() over ()
    """.replace("\n", ";;").split(";;"),
)
def test_the_lint_refuses(expression: str) -> None:
    if expression.strip():
        assert unportable(f"select {expression.strip()} as x from a"), expression


@pytest.mark.parametrize(
    "sql",
    [
        "create macro f(x) as x + 1",
        "create or replace table a as select 1 as b",
        "select a.b from a asof join c on a.b >= c.b",
        "select a.b from a positional join c",
        "select distinct on (a.b) a.b from a",
        "select a.b, count(*) as c from a group by all",
        "select a.b from a order by a.b, a.c",
        "select a.b from a limit 1",
        "select a.b from a using sample 10",
        "select string_agg(distinct b, ',' order by b) as b, string_agg(distinct c, ',' order by c) as c from a",
    ],
)
def test_the_lint_refuses_statements(sql: str) -> None:
    assert unportable(sql)


@pytest.mark.parametrize(
    "expression",
    [
        "arg_min(a.b, case when a.b is not null then struct_pack(t := a.event_time, u := a.event_uid) end)",
        "arg_min(coalesce(a.b, ''), struct_pack(t := a.event_time, u := a.event_uid))",
        "arg_max({'b': a.b}, {'t': a.event_time, 'u': a.event_uid})",
        "row_number() over (partition by a.host order by a.event_time, a.event_uid)",
        "string_agg(a.b, ' > ' order by a.event_time, a.event_uid)",
        "string_agg(distinct a.b, ',' order by a.b)",
        "nullif(array_to_string(list_sort(list(distinct a.b)), ','), '')",
        "case when count(a.b) > 0 then list_sort(list(a.b) filter (where a.b is not null)) end",
        "cast(round(avg(a.b)) as bigint)",
        "cast(sum(a.b) as bigint)",
        "cast(coalesce(sum(a.b) filter (where a.c), 0) as bigint)",
        "cast(sum(a.b) over (partition by a.c) as bigint)",
        "sum(cast(a.b as double))",
        "cast(a.b as double) / a.c",
        "100.0 * a.b / a.c",
        "percent_rank() over (order by a.b)",
        "count(*) over (partition by a.b)",
        "date_diff('microsecond', a.b, a.c)",
        "a.b // a.c",
        "row_number() over (partition by a.b order by a.c)",
        "lag(a.c) over (partition by a.b order by a.c)",
        "lead(a.b) over (partition by a.host order by a.session_number)",
        "a.b ->> '$.k'",
        "a.b['k']",
        "a.b in (1, 2, 3, 4, 5)",
        r"regexp_matches(lower(a.b), '(?i)\\(x|y)\b[^\s]+?$')",
        "a.b <= a.c + interval '120' second",
        "cast(a.b as varchar)",
        "cast(null as varchar[])",
    ],
)
def test_the_lint_accepts(expression: str) -> None:
    assert unportable(f"create or replace view v as select {expression} as x from a") == []


def test_every_view_is_portable(library: Library) -> None:
    found = [f"{item.path.name}: {fault}" for item in library.views for fault in unportable(item.sql)]
    # With what is put into it: the findings of every analytic in one shape.
    found += [f"{item.path.name}: {fault}" for item in library.risk for fault in unportable(item.sql)]
    assert not found, "\n".join(found)


def test_no_view_measures_a_list_as_a_text(library: Library) -> None:
    """``len`` is DuckDB's alone; the parser makes it ``length``, which on Spark takes no list."""
    for item in (*library.views, *library.risk):
        assert not re.search(r"\blen\s*\(", item.sql, re.IGNORECASE), item.path


def test_every_view_has_a_form_for_spark(library: Library) -> None:
    """Views of risk read the analytics' views there: sqlglot puts all steps of a statement side by side."""
    analytics = {item.view for item in library.analytics}
    statements = [*(item.sql for item in library.views), *(item.reading(analytics) for item in library.risk)]
    for sql in statements:
        (text,) = sqlglot.transpile(sql, read="duckdb", write="spark", unsupported_level=ErrorLevel.RAISE)
        query = sqlglot.parse_one(text, read="spark").expression
        steps = [step.alias for step in query.ctes]
        assert len(set(steps)) == len(steps), text
