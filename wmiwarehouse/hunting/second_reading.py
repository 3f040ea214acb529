"""Reads ad-hoc SQL with a parser that is not DuckDB's, so that what one of the two hides meets the other.

Coarse on purpose: which step is seen where, and which function gives rows, is judged in DuckDB's own tree.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping

from wmiwarehouse.errors import UsageError
from wmiwarehouse.hunting.functions import SCALAR_FUNCTIONS, TABLE_FUNCTIONS
from wmiwarehouse.hunting.refusals import one_line, refuse, refuse_function, refuse_relation

#: Nodes of sqlglot's tree that are no functions.
_NODES_NAMES = """
Add Alias Aliases All Any AtTimeZone Between BitString BitwiseAnd BitwiseLeftShift BitwiseNot BitwiseOr
BitwiseRightShift BitwiseXor Boolean Bracket ByteString CTE Column ColumnDef Comprehension Cube DPipe DataType
DataTypeParam Distinct Div Dot EQ Escape Except Filter From GT GTE Glob Group GroupingSets Having HavingMax HexString
ILike Identifier IgnoreNulls In IntDiv Intersect Interval Is JSONKeyValue JSONPath JSONPathKey JSONPathRecursive
JSONPathRoot JSONPathSlice JSONPathSubscript JSONPathWildcard Join Kwarg LT LTE Lambda Lateral Like Limit LimitOptions
Literal Mod Mul NEQ Neg Not Null NullSafeEQ NullSafeNEQ Offset Order Ordered Parameter Paren Pivot Placeholder
PositionalColumn PropertyEQ Qualify RawString RegexpILike RespectNulls Rollup Select SimilarTo Slice Star Sub Subquery
Table TableAlias TableSample Tuple Union UnpivotColumns Values Var Where Window WindowSpec With WithinGroup
"""
_NODES = frozenset(_NODES_NAMES.split())
#: Its functions that have another name there than in DuckDB, or that are syntax and no function in DuckDB.
_FUNCTIONS_NAMES = """
And Array ArrayMax ArrayMin ArrayOverlaps BitwiseAndAgg BitwiseOrAgg BitwiseXorAgg Case Cast Coalesce Collate Columns
CosineDistance CurrentTime CurrentTimestamp CurrentVersion DateBin DateFromParts EuclideanDistance Exists Explode
Extract Grouping JSONArray JSONExtractScalar JSONObject JarowinklerSimilarity Localtime Localtimestamp Or Pad
ParseJSON PercentileCont PercentileDisc RegexpLike RegexpSplit SHA2 StrPosition StrToTime Struct TimeFromParts
TimeToStr TimeToUnix TimestampFromParts TimestampTrunc ToMap Transform Try TryCast UnixToTime
"""
_FUNCTIONS = frozenset(_FUNCTIONS_NAMES.split())


def walk(sql: str, known: Mapping[str, Collection[str]]) -> None:
    """Check *sql* as the other parser reads it, coarsely: scopes and functions are DuckDB's tree's to judge."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    logging.getLogger("sqlglot").addHandler(logging.NullHandler())  # its remarks are not for the hunter
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect="duckdb") if tree and not isinstance(tree, exp.Semicolon)]
    except SqlglotError as error:
        raise UsageError(f"cannot be checked: {one_line(str(error).partition('.')[0])}") from None
    if len(trees) != 1:
        refuse(f"{len(trees)} statements")
    steps = {step.alias.lower() for step in trees[0].find_all(exp.CTE)}
    for node in trees[0].walk():
        kind = type(node).__name__
        if isinstance(node, exp.Anonymous):
            if node.name.lower() not in SCALAR_FUNCTIONS | TABLE_FUNCTIONS:
                refuse_function(node.name.lower())
        elif isinstance(node, exp.Func):
            names = {name.lower() for name in type(node).sql_names()}
            if kind not in _FUNCTIONS and not names & (SCALAR_FUNCTIONS | TABLE_FUNCTIONS):
                refuse_function(min(names))
        elif kind not in _NODES:
            refuse(kind.upper())
        if isinstance(node, exp.CTE) and not re.fullmatch(r"\w+", node.alias):
            refuse_relation(node.alias, known)
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            name, schema = node.name.lower(), node.db.lower()
            is_step = not schema and name in steps
            if node.catalog or not (is_step or name in known.get(schema or "main", ())):
                refuse_relation(".".join(part.name for part in node.parts), known)
