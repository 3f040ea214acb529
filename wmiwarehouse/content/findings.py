"""Puts the hits of all detections and chains into one shape, made from their heads.

Each analytic has columns of its own: a process on one host, or two hosts and what went between them. Risk needs them
alike: when, where, which process, whose records, how grave, in which words. All of that stands in the heads, so the
relation ``finding`` is written from them, and a new analytic counts as soon as its file is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from wmiwarehouse.content.metadata import AnalyticMetadata, ContentError, RiskObject, plain

if TYPE_CHECKING:
    from wmiwarehouse.content.library import Analytic

#: Kinds whose hits count for risk; context, stacks and sessions are true of every working day.
KINDS = ("detection", "chain")

_BEGINS = ("event_time", "first_time", "first", "start_time", "start")
_ENDS = ("last_time", "last", "last_logon", "child_time", "end_time", "end")
_TIMES = (*_BEGINS, *_ENDS)
_HOSTS = ("host", "dest", "source_host", "target_host")
#: The logon session on ``host`` in which it happened.
_SESSIONS = ("logon_id", "creator_logon_id")
#: Columns with lists, which a message joins with commas.
_LISTS = ("targets", "logon_ids")
#: What is known of an account beside its name, where the name stands in ``user_name``.
_ACCOUNT = {"account_class": "user_class", "account_sid": "user_sid"}
#: Types of risk objects in the heads, as ``risk_object_type`` has them; the others are no hosts and no users.
_OBJECTS = {"system": "host", "user": "user"}

#: Parsing is slow, and asked for by each view of risk: path -> query, its columns.
_PARSED: dict[Path, tuple[str, list[str]]] = {}

_VIEW = re.compile(r"create or replace view \S+ as\s")


def counted(analytics: Iterable[Analytic]) -> list[Analytic]:
    """Return those of *analytics* whose hits count for risk."""
    return [item for item in analytics if item.metadata.kind in KINDS]


def facts(analytics: Iterable[Analytic]) -> list[str]:
    """Return what of the heads goes into the relation: where it changes, views over it have to be made anew."""
    wanted = ("severity", "key", "risk_score", "impact", "confidence_field", "message", "risk_objects", "attack")
    heads = (plain(item.metadata) for item in counted(analytics))
    return [json.dumps({name: head[name] for name in wanted}) for head in heads]


def with_findings(statement: str, analytics: Iterable[Analytic], tables: Collection[str] = ()) -> str:
    """Return the view *statement* with ``finding``, the hits of *analytics*, as a step of its own.

    Analytics whose views are in *tables* are read from there.
    """
    found = _VIEW.search(statement)
    if found is None:
        raise ContentError("a file in sql/risk has no 'create or replace view NAME as'")
    body = statement[found.end() :].strip().rstrip(";")
    union = "\nunion all\n".join(_branch(item, item.view in tables) for item in counted(analytics))
    return f"{found[0].strip()}\nwith finding as (\n{union}\n)\nselect * from (\n{body}\n) as answer\n"


def columns_of(item: Analytic) -> tuple[str, ...]:
    """Return the columns of the rows of *item*, as its file has them."""
    return tuple(_columns(item))


def identity(item: Analytic) -> str:
    """Return the SQL of ``finding_id`` over rows of *item* that are called ``found``."""
    return _id(item.metadata, _columns(item), item)


def _branch(item: Analytic, is_table: bool) -> str:
    """One analytic in the common shape; its own query stands inside, so that shared models are worked out once."""
    head, columns = item.metadata, _columns(item)
    begin = _first(_BEGINS, columns, item, "a time")
    host = _first(_HOSTS, columns, item, "a host")
    side = "source_" if host == "source_host" else ""
    objects = [one for one in head.risk_objects if one.type in _OBJECTS]
    user = next((one.field for one in objects if one.type == "user"), "user_name" if "user_name" in columns else None)
    hosts = [f"found.{name}" for name in _HOSTS if name in columns]
    picked = {
        "finding_id": _id(head, columns, item),
        "analytic": _text(head.id),
        "version": str(head.version),
        "kind": _text(head.kind),
        "severity": _text(head.severity),
        "event_time": f'found."{begin}"',
        "last_time": _last(begin, columns),
        "host": f"coalesce({', '.join(hosts)})" if hosts[1:] else hosts[0],
        "user_name": f"found.{user}" if user else "cast(null as varchar)",
        "user_domain": _domain(user, columns),
        "process_id": _known(f"{side}process_id", "bigint", columns),
        "process_name": _known(f"{side}process_name", "varchar", columns),
        "parent_process_id": _known(f"{side}parent_process_id", "bigint", columns),
        "logon_id": _known(next((name for name in _SESSIONS if name in columns and not side), ""), "varchar", columns),
        # Of an act between two hosts: the sessions on the second one in which its work was done.
        "session_host": _known("target_host" if "logon_ids" in columns else "", "varchar", columns),
        "session_ids": _known("logon_ids" if "target_host" in columns else "", "varchar[]", columns),
        "event_uids": _uids(columns),
        "message": _message(head.message or head.title),
        "objects": _objects(head, objects, columns),
        "techniques": _texts({one.technique for one in head.attack}),
        "tactics": _texts({tactic for one in head.attack for tactic in one.tactics}),
    }
    listed = ",\n    ".join(f"{sql} as {name}" for name, sql in picked.items())
    body = f"select * from hunt.{item.view}" if is_table else item.sql[_start(item) :].strip().rstrip(";")
    return f"select\n    {listed}\nfrom (\n{body}\n) as found"


def _start(item: Analytic) -> int:
    found = _VIEW.search(item.sql)
    if found is None:
        raise ContentError(f"{item.path}: has no 'create or replace view NAME as'")
    return found.end()


def _columns(item: Analytic) -> list[str]:
    """Return the columns of the view: every file ends in ``select * from final``."""
    if item.path not in _PARSED or _PARSED[item.path][0] != item.sql:
        _PARSED[item.path] = item.sql, _parsed_columns(item)
    return _PARSED[item.path][1]


def _parsed_columns(item: Analytic) -> list[str]:
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(item.sql, dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        raise ContentError(f"{item.path}: is no valid SQL: {str(error).splitlines()[0]}") from None
    final = [step for step in tree.find_all(exp.CTE) if step.alias == "final"]
    if not final:
        raise ContentError(f"{item.path}: has no step final")
    return list(final[-1].this.named_selects)


def _first(names: Iterable[str], columns: Collection[str], item: Analytic, what: str) -> str:
    found = next((name for name in names if name in columns), None)
    if found is None:
        raise ContentError(f"{item.path}: has no column with {what}, so its hits cannot count for risk")
    return found


def _last(begin: str, columns: Collection[str]) -> str:
    ends = [name for name in _ENDS if name in columns]
    return f'coalesce(greatest(found."{begin}", found."{ends[0]}"), found."{begin}")' if ends else f'found."{begin}"'


def _id(head: AnalyticMetadata, columns: Collection[str], item: Analytic) -> str:
    """A text that stays the same as long as the finding does."""
    if "event_uid" in columns:
        return f"{_text(f'{head.id}:')} || found.event_uid"
    if not head.key:
        raise ContentError(f"{item.path}: key: is missing; the rows have no event_uid")
    parts = [_instant(name) if name in _TIMES else f"lower(cast(found.{name} as varchar))" for name in head.key]
    return f"{_text(f'{head.id}:')} || {digest(parts)}"


def digest(parts: Iterable[str]) -> str:
    """Return the SQL of a short hash over the texts *parts*."""
    listed = ", ".join(f"coalesce({part}, '')" for part in parts)
    return f"substr(sha256(concat_ws('|', {listed})), 1, 20)"


def _instant(column: str) -> str:
    epoch = "cast('1970-01-01T00:00:00Z' as timestamptz)"
    return f"cast(date_diff('microsecond', {epoch}, found.\"{column}\") as varchar)"


def _domain(name: str | None, columns: Collection[str]) -> str:
    column = (name or "").replace("_name", "_domain")
    return f"found.{column}" if column != name and column in columns else "cast(null as varchar)"


def _known(column: str, kind: str, columns: Collection[str]) -> str:
    return f"found.{column}" if column in columns else f"cast(null as {kind})"


def _uids(columns: Collection[str]) -> str:
    """The records that the finding is made of."""
    if "event_uid" in columns:
        return "[found.event_uid]"
    sides = [
        f"coalesce(list_transform(found.{name}, lambda record: record.event_uid), cast([] as varchar[]))"
        for name in ("source_evidence", "target_evidence")
        if name in columns
    ]
    return f"list_concat({', '.join(sides)})" if sides else "cast([] as varchar[])"


def _message(template: str) -> str:
    """The template with its ``$column`` filled by SQL; what is not known is a dash."""
    parts = []
    for text, column in re.findall(r"([^$]+)|\$(\w+)", template):
        if text:
            parts.append(_text(text))
        else:
            value = f"array_to_string(found.{column}, ', ')" if column in _LISTS else f"cast(found.{column} as varchar)"
            parts.append(f"coalesce(nullif({value}, ''), '-')")
    return " || ".join(parts)


def _objects(head: AnalyticMetadata, objects: Iterable[RiskObject], columns: Collection[str]) -> str:
    """A list of what risk is counted for, as logged: which of it is an account of the system is seen later."""
    listed = []
    for one in objects:
        known = _ACCOUNT if one.field == "user_name" else {}
        about = {"type": _text(_OBJECTS[one.type]), "name": f"cast(found.{one.field} as varchar)"}
        about["domain"] = _domain(one.field, columns) if one.type == "user" else "cast(null as varchar)"
        for name in _ACCOUNT:
            column = known.get(name)
            about[name] = f"found.{column}" if column in columns else "cast(null as varchar)"
        about["score"] = f"cast({_score(head, one)} as integer)"
        listed.append("{" + ", ".join(f"'{name}': {sql}" for name, sql in about.items()) + "}")
    return f"[{', '.join(listed)}]"


def _score(head: AnalyticMetadata, one: RiskObject) -> str:
    """The documented score of the object or the analytic, or the impact times what the row itself is sure of."""
    if one.score is not None:
        return str(one.score)
    if head.confidence_field:
        return f"coalesce({head.impact} * found.{head.confidence_field} // 100, {head.risk_score or 0})"
    return str(head.risk_score or 0)


def _texts(values: Iterable[str]) -> str:
    return f"cast([{', '.join(map(_text, sorted(values)))}] as varchar[])"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
