"""Decides whether a piece of SQL is one SELECT over the warehouse's views and nothing else.

SQL is pasted from mails and chats, and DuckDB's own notion of a SELECT is no help: ``with x as (copy ... to ...)
select`` is one, it runs, and no setting of the connection keeps it from overwriting a file that may be read. So the
tree that DuckDB itself will run is walked: every kind of node, every relation and every function in it has to be on a
list of what is allowed. A second parser's tree is walked the same way. Its grammar is not DuckDB's, so that a node
that one of them hides (a comment read differently, a part left out of the tree) still meets the other.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from wmiwarehouse.errors import UsageError
from wmiwarehouse.hunting import second_reading
from wmiwarehouse.hunting.functions import TABLE_FUNCTIONS, is_computing
from wmiwarehouse.hunting.refusals import (
    MAX_DEPTH,
    MAX_WORDS,
    one_line,
    refuse,
    refuse_function,
    refuse_relation,
    too_deep,
)

if TYPE_CHECKING:
    import duckdb

_T = TypeVar("_T")

#: Bytes of a statement: room for a list of some 15,000 hashes.
MAX_SIZE = 1_000_000

#: Kinds of nodes in DuckDB's tree that are no expressions. SHOW_REF (describe, summarize), and every node that
#: writes, is none of them.
_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE"})
_REFS = frozenset({"BASE_TABLE", "EMPTY", "EXPRESSION_LIST", "JOIN", "PIVOT", "SUBQUERY", "TABLE_FUNCTION"})
_MODIFIERS = frozenset({"DISTINCT_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "ORDER_MODIFIER"})
_ORDERS = frozenset({"ASCENDING", "DESCENDING", "ORDER_DEFAULT"})
_KINDS = _NODES | _REFS | _MODIFIERS | _ORDERS
#: Classes of expressions in it.
_CLASSES_NAMES = """
BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION LAMBDA OPERATOR PARAMETER
POSITIONAL_REFERENCE STAR SUBQUERY TYPE WINDOW
"""
_CLASSES = frozenset(_CLASSES_NAMES.split())


@dataclass(frozen=True)
class Checked:
    """A statement that may run, and what it needs."""

    #: As DuckDB parsed it: what was checked and what runs are one and the same.
    statement: duckdb.Statement
    #: (schema, name) of each relation that it names, lower case.
    relations: frozenset[tuple[str, str]]
    #: Names of its parameters.
    parameters: frozenset[str]


def check(sql: str, connection: duckdb.DuckDBPyConnection, known: Mapping[str, Collection[str]]) -> Checked:
    """Return *sql* as a statement that may run; raises :class:`UsageError` (exit 2) that says what is wrong with it.

    *known* has the relations that may be read, by schema (``main``, ``hunt``). Nothing of *sql* is run here, and
    nothing that it names is looked up: *connection* only parses.
    """
    import duckdb

    _check_size(sql)
    _deeply(lambda: _check_brackets(sql))
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise UsageError(f"{one_line(error)}") from None
    if len(statements) != 1:
        refuse(f"{len(statements)} statements" if statements else "nothing")
    (statement,) = statements
    kind = _kind(statement)
    if kind == "MULTI":
        raise UsageError("pivot needs the values that become columns: pivot VIEW on COLUMN in ('a', 'b') ...")
    if kind != "SELECT":
        refuse(kind)
    text = _serialized(sql, connection)
    relations = _deeply(lambda: _relations(text, known))
    _deeply(lambda: second_reading.walk(sql, known))
    names = frozenset(map(str, statement.named_parameters))
    if not all(re.fullmatch(r"[A-Za-z_]\w*", name) for name in names):
        raise UsageError("parameters have names: $name in the SQL and -p name=value")
    return Checked(statement, frozenset(relations), names)


def _kind(statement: duckdb.Statement) -> str:
    try:
        return statement.type.name.replace("_", " ")
    except ValueError:  # DuckDB has kinds that its Python module does not know
        return statement.query.split(maxsplit=1)[0].upper()[:20]


def _check_size(sql: str) -> None:
    if len(sql.encode("utf-8", "surrogatepass")) > MAX_SIZE:
        raise UsageError(f"more than {MAX_SIZE:,} bytes; a long list of values can be narrowed, or asked in parts")
    if not sql.strip():
        refuse("nothing")
    odd = next((character for character in sql if character == "\0" or "\ud800" <= character <= "\udfff"), None)
    if odd:
        raise UsageError(f"has a character that is no text: U+{ord(odd):04X}")


def _check_brackets(sql: str) -> None:
    """Refuse what would keep the parsers busy for minutes: DuckDB's takes 18 s for 5,000 open brackets."""
    import sqlglot
    from sqlglot.errors import SqlglotError

    depth = 0
    try:
        tokens = sqlglot.tokenize(sql, dialect="duckdb")
    except SqlglotError:
        raise UsageError("cannot be read: a string, a name or a comment is not closed") from None
    if len(tokens) > MAX_WORDS:
        too_deep()
    for token in tokens:
        if token.token_type in (sqlglot.TokenType.L_PAREN, sqlglot.TokenType.L_BRACKET, sqlglot.TokenType.L_BRACE):
            depth += 1
        elif token.token_type in (sqlglot.TokenType.R_PAREN, sqlglot.TokenType.R_BRACKET, sqlglot.TokenType.R_BRACE):
            depth = max(depth - 1, 0)
        if depth > MAX_DEPTH:
            too_deep()


def _serialized(sql: str, connection: duckdb.DuckDBPyConnection) -> str:
    options = "skip_default := true, skip_null := true, skip_empty := true"
    ((text,),) = connection.execute(f"select json_serialize_sql($sql, {options})", {"sql": sql}).fetchall()
    return str(text)


def _deeply(work: Callable[[], _T]) -> _T:
    """Do *work* in a thread with room for :data:`MAX_DEPTH` levels, whatever stack the caller has left."""
    answer: list[_T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again by the caller's thread
            failed.append(error)

    before, limit = threading.stack_size(128 << 20), sys.getrecursionlimit()
    try:
        thread = threading.Thread(target=run, daemon=True)
        sys.setrecursionlimit(max(limit, 100 * MAX_DEPTH))
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(before)
    if failed and isinstance(failed[0], RecursionError):
        too_deep()
    if failed:
        raise failed[0]
    return answer[0]


def _relations(text: str, known: Mapping[str, Collection[str]]) -> set[tuple[str, str]]:
    """Check DuckDB's tree, serialized as *text*, and return the relations in it."""
    try:
        return _walk(json.loads(text), known)
    except (KeyError, TypeError, AttributeError, ValueError):
        raise UsageError("cannot be checked: DuckDB's tree has a shape that is not known here") from None


def _walk(tree: Any, known: Mapping[str, Collection[str]]) -> set[tuple[str, str]]:
    if tree.get("error", True) or len(tree.get("statements", ())) != 1:
        raise UsageError(f"cannot be checked: {one_line(str(tree.get('error_message', 'no tree')))}")
    relations: set[tuple[str, str]] = set()
    # What is still to be looked at, with the steps (WITH) that it sees and how deep it stands.
    waiting: list[tuple[Any, frozenset[str], int]] = [(tree["statements"][0]["node"], frozenset(), 0)]
    while waiting:
        item, steps, depth = waiting.pop()
        if depth > MAX_DEPTH:
            too_deep()
        if isinstance(item, list):
            waiting += [(part, steps, depth) for part in item]
        elif isinstance(item, dict):
            is_table_function = item.get("type") == "TABLE_FUNCTION" and "class" not in item
            _check_kind(item)
            if item.get("type") == "BASE_TABLE" and "class" not in item:
                relations |= _relation(item, steps, known)
            if is_table_function:
                _check_function(item["function"], TABLE_FUNCTIONS.__contains__)
                waiting += [(part, steps, depth + 1) for part in _without_name(item["function"])]
            elif "function_name" in item:
                _check_function(item, is_computing)
            waiting += _below(item, steps, depth + ("type" in item), skip="function" if is_table_function else "")
    return relations


def _below(
    item: dict[str, Any], steps: frozenset[str], depth: int, *, skip: str
) -> Iterator[tuple[Any, frozenset[str], int]]:
    """Yield the parts of *item*, each with the steps that it sees.

    A step sees those before it. Only the second half of a recursive one sees itself: anywhere else its own name is a
    relation outside, and could be a file.
    """
    for step in (item.get("cte_map") or {}).get("map", ()):
        yield step["value"], steps, depth
        steps |= {step["key"].lower()}
    for key, part in item.items():
        if key == "right" and item.get("type") == "RECURSIVE_CTE_NODE":
            yield part, steps | {str(item["cte_name"]).lower()}, depth
        elif key not in ("cte_map", skip):
            yield part, steps, depth


def _without_name(function: dict[str, Any]) -> Iterator[Any]:
    return (part for key, part in function.items() if key not in ("class", "type", "function_name", "qualified_name"))


def _check_kind(item: dict[str, Any]) -> None:
    if "class" in item:
        if item["class"] not in _CLASSES:
            refuse(_words(str(item["class"])))
    elif isinstance(item.get("type"), str) and item["type"] not in _KINDS:
        refuse(_words(item["type"]))
    if "at_clause" in item:
        refuse("AT")


def _words(kind: str) -> str:
    """``COPY_QUERY_NODE`` -> ``COPY``."""
    shown = {"SHOW_REF": "DESCRIBE, SHOW or SUMMARIZE"}
    return shown.get(kind) or re.sub(r"(_QUERY|_STATEMENT)?(_NODE|_REF)?$", "", kind).replace("_", " ")


def _path(item: dict[str, Any]) -> list[str]:
    return [str(part).lower() for part in (item.get("qualified_name") or {}).get("path", ())]


def _check_function(item: dict[str, Any], allowed: Callable[[str], bool]) -> None:
    name = str(item["function_name"]).lower()
    path = _path(item)
    if not allowed(name) or (path and path[-1] != name):
        refuse_function(name)


def _relation(
    item: dict[str, Any], steps: frozenset[str], known: Mapping[str, Collection[str]]
) -> set[tuple[str, str]]:
    path = _path(item) or [str(item.get("table_name", "")).lower()]
    if len(path) == 1 and path[0] in steps:
        return set()
    schema, name = path if len(path) == 2 else ("main", ".".join(path))
    if len(path) > 2 or name not in known.get(schema, ()) or item.get("catalog_name"):
        refuse_relation(".".join(path), known)
    return {(schema, name)}
