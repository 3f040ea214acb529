"""Event ids and logon ids mean nothing by themselves: which log, which provider, which host.

12 is a boot for one provider and a registry key for another, and every host hands out process and logon ids of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlglot
from sqlglot import exp

from wmiwarehouse.content.library import Library

#: Relations with the records of every log.
_EVERY_LOG = {"events", "lake_events"}

#: Ids that each host gives out by itself.
_OF_ONE_HOST = ("logon_id", "process_id", "process_guid", "life_key", "record_id")

#: Columns that settle which host (or which very record, session, connection) a row belongs to.
_SETTLES = ("host", "dest", "computer", "_uid", "ip_key", "source", "target")

#: Records of one log by their event id, and all of another that has no ids.
_SCOPED = "((e.channel = 'S' and e.provider = 'P' and e.event_id = 1) or e.channel = 'T')"

#: Where an event id chooses rows.
_CHOOSING = (exp.Where, exp.Join, exp.Filter, exp.Qualify)


def unscoped_event_ids(sql: str) -> list[str]:
    """Tests of an event id in a choice of rows from all logs, without channel and provider in the same conjunction."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    return [
        f"{test.sql()}: no {column} beside it"
        for test in tree.find_all(exp.EQ, exp.In, exp.Between)
        for side in [test.this]
        if isinstance(side, exp.Column) and side.name == "event_id"
        if test.find_ancestor(*_CHOOSING, exp.Select, exp.Case).__class__ in _CHOOSING
        if _relation(side) in _EVERY_LOG and not _says_again(test)
        for column in ("channel", "provider")
        if not any(_pins(other, side.table, column) for other in _beside(test))
    ]


def _relation(column: exp.Column) -> str:
    """The name of the relation that a column is taken from, through its alias."""
    select = column.parent_select
    if select is None:
        return ""
    # Only the select's own relations: a subquery has its own.
    parts = [select.args.get("from_"), *(select.args.get("joins") or [])]
    for part in parts:
        if part is not None and part.alias_or_name == column.table:
            return str(part.this.name)
    return ""


def _beside(test: exp.Expr) -> Iterator[exp.Expr]:
    """What must hold together with *test*."""
    node: exp.Expr | None = test
    while node is not None and not isinstance(node, _CHOOSING):
        if isinstance(node.parent, exp.And):
            yield node.parent.right if node.parent.left is node else node.parent.left
        if isinstance(node.parent, exp.Not):
            return
        node = node.parent


def _says_again(test: exp.Expr) -> bool:
    """Whether *test* stands as ``(ids or no id)`` and repeats, for the scan, ids that something beside it demands."""
    demanded = {
        value
        for other in _beside(test)
        for one in other.find_all(exp.EQ, exp.In)
        if one.find_ancestor(exp.Not, exp.Case, *_CHOOSING).__class__ in _CHOOSING
        for value in _ids(one)
    }
    return isinstance(test.parent, exp.Or) and isinstance(test.parent.right, exp.Is) and _ids(test) <= demanded


def _ids(test: exp.Expr) -> set[str]:
    if not isinstance(test.this, exp.Column) or test.this.name != "event_id":
        return set()
    return {value.name for value in test.find_all(exp.Literal)}


def _pins(node: exp.Expr, table: str, column: str) -> bool:
    """Whether *node* can only hold for chosen values of the column."""
    match node:
        case exp.Paren():
            return _pins(node.this, table, column)
        case exp.And():
            return _pins(node.left, table, column) or _pins(node.right, table, column)
        case exp.Or():
            return _pins(node.left, table, column) and _pins(node.right, table, column)
        case exp.EQ() | exp.In() | exp.NullSafeEQ() | exp.RegexpLike() | exp.StartsWith():
            return any(one.table == table and one.name == column for one in node.find_all(exp.Column))
    return False


def joins_beyond_a_host(sql: str) -> list[str]:
    """Joins by an id that each host gives out by itself, with nothing that says which host."""
    found = []
    for join in sqlglot.parse_one(sql, dialect="duckdb").find_all(exp.Join):
        terms = [join.args.get("on"), join.parent_select.args.get("where") if join.parent_select else None]
        equal = [pair for term in terms if term is not None for pair in term.find_all(exp.EQ, exp.NullSafeEQ)]
        # What the join itself equates, for the fault; what the select's where adds may settle the host as well.
        own = {id(pair) for pair in terms[0].find_all(exp.EQ, exp.NullSafeEQ)} if terms[0] is not None else set()
        local = [pair for pair in equal if id(pair) in own and _both(pair, _OF_ONE_HOST)]
        if local and not any(_both(pair, _SETTLES) for pair in equal):
            found += [pair.sql() for pair in local]
        using = {str(name.name) for name in join.args.get("using") or []}
        if any(name.endswith(_OF_ONE_HOST) for name in using) and not any(name.endswith(_SETTLES) for name in using):
            found.append(f"using ({', '.join(sorted(using))})")
    return found


def _both(pair: exp.Expr, endings: tuple[str, ...]) -> bool:
    sides = [[column.name for column in side.find_all(exp.Column)] for side in (pair.this, pair.expression)]
    tables = {column.table for column in pair.find_all(exp.Column)}
    return len(tables) > 1 and all(any(name.endswith(endings) for name in names) for names in sides)


@pytest.mark.parametrize(
    ("condition", "faults"),
    [
        ("e.channel = 'Security' and e.provider = 'P' and e.event_id = 4688", 0),
        ("coalesce(e.provider, 'P') = 'P' and (e.channel = 'Security' and e.event_id in (1, 2))", 0),
        ("e.channel = 'S' and ((e.provider = 'P' and e.event_id = 1) or (e.provider = 'Q' and e.event_id = 2))", 0),
        ("(e.channel = 'S' or e.channel = 'T') and e.provider = 'P' and e.event_id between 1 and 5", 0),
        ("e.event_id = 4688", 2),
        ("e.channel = 'Security' and e.event_id = 4688", 1),
        ("e.provider = 'P' and e.event_id in (4688, 4689)", 1),
        ("(e.channel = 'S' and e.provider = 'P') or e.event_id = 1", 2),
        ("(e.channel = 'S' or e.host = 'h') and e.provider = 'P' and e.event_id = 1", 1),
        ("e.channel is not null and e.provider = 'P' and e.event_id = 1", 1),
        ("not (e.channel = 'S') and e.provider = 'P' and e.event_id = 1", 1),
        ("x.channel = 'S' and x.provider = 'P' and e.event_id = 1", 2),
        ("case when e.event_id = 1 then e.a end = 'b'", 0),
        (f"(e.event_id in (1) or e.event_id is null) and {_SCOPED}", 0),
        (f"(e.event_id in (1, 2) or e.event_id is null) and {_SCOPED}", 1),
        (f"(e.event_id in (1) or e.event_id is null) and not {_SCOPED}", 2),
        (f"e.event_id in (1) and {_SCOPED}", 1),
    ],
)
def test_the_lint_of_event_ids(condition: str, faults: int) -> None:
    assert len(unscoped_event_ids(f"select e.a from events as e where {condition}")) == faults
    assert len(unscoped_event_ids(f"select x.a from x inner join events as e on x.h = e.h and {condition}")) == faults
    # A model has chosen already; what it does within a select is a label.
    assert unscoped_event_ids(f"select e.a from process_event as e where {condition}") == []
    assert unscoped_event_ids(f"select case when {condition} then 1 end as b from events as e") == []


@pytest.mark.parametrize(
    ("join", "is_fine"),
    [
        ("inner join b on a.host = b.host and a.logon_id = b.logon_id", True),
        ("inner join b on a.target_host = b.host and a.logon_id = b.target_logon_id", True),
        ("inner join b on a.event_uid = b.event_uid", True),
        ("inner join b on a.source_ip_key = b.source_ip_key and a.source_port = b.source_port", True),
        ("inner join b on a.logon_id = b.logon_id where a.host = b.host", True),
        ("inner join b on a.host is not distinct from b.host and a.process_id = b.parent_process_id", True),
        ("inner join b on b.logon_id = '0x3e7' and a.name = b.name", True),
        ("inner join b on a.logon_id = b.logon_id", False),
        ("inner join b on a.logon_id = b.logon_id and a.event_time < b.event_time", False),
        ("left join b on a.process_guid = b.parent_process_guid", False),
        ("left join b on a.process_id = b.parent_process_id and a.host = 'x'", False),
        ("left join b on a.host <> b.host and a.logon_id = b.logon_id", False),
        ("inner join b on a.logon_id = coalesce(b.logon_id, b.subject_logon_id)", False),
        ("inner join b using (logon_id)", False),
        ("inner join b using (host, logon_id)", True),
    ],
)
def test_the_lint_of_joins(join: str, is_fine: bool) -> None:
    assert (joins_beyond_a_host(f"select a.x from a {join}") == []) is is_fine


def test_every_event_id_stands_beside_its_channel_and_provider(library: Library) -> None:
    found = [f"{item.path.name}: {fault}" for item in library.views for fault in unscoped_event_ids(item.sql)]
    assert not found, "\n".join(found)


def test_every_join_by_an_id_of_one_host_is_by_host(library: Library) -> None:
    found = [f"{item.path.name}: {fault}" for item in library.views for fault in joins_beyond_a_host(item.sql)]
    assert not found, "\n".join(found)


def test_models_state_all_views_that_they_read(library: Library) -> None:
    names = {item.name for item in library.models}
    for item in library.models:
        tree = sqlglot.parse_one(item.sql, dialect="duckdb")
        steps = {step.alias for step in tree.find_all(exp.CTE)}
        read = {table.name for table in tree.find_all(exp.Table)} - {item.name} - steps
        assert read & names == set(item.requires), item.path
