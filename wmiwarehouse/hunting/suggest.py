"""Looks at the hits of an analytic for what is common to them, and words a suppression of the commonest.

It proposes and decides nothing: reason, author and end are left empty, and a file with such a suppression is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wmiwarehouse.content.findings import counted, identity
from wmiwarehouse.content.library import Analytic, Library
from wmiwarehouse.hunting import hidden
from wmiwarehouse.lake.query import fetch, rows

if TYPE_CHECKING:
    import pyarrow as pa

    from wmiwarehouse.hunting.hunt import Hunt
    from wmiwarehouse.hunting.tuning import Tuning

#: Columns that tell who, from where and by which program; a suppression is worded from them, the narrowest first.
_KEYS = (
    *("source", "source_host", "host", "dest", "target", "target_host", "source_ip", "creator_source_ip"),
    *("user", "user_domain", "user_name", "source_user_domain", "source_user_name", "subject_domain", "subject_name"),
    *("target_domain", "target_name", "target_server", "explicit_user", "targets"),
    *("source_process_name", "parent_process_name", "process_name", "child_process_name", "process_path"),
    *("operation_kind", "wmi_consumer", "consumer_type", "wmi_filter", "is_known_default", "wmi_providers"),
    *("origin", "cmdlet", "vehicle", "tampering_kind", "registry_path", "object_name", "output_share"),
    *("destination_host", "destination_ip", "destination_port", "logon_type", "workstation"),
)
#: Columns with a command, in each of which numbers differ that mean nothing.
_COMMANDS = ("command_line", "process", "source_command_line", "child_command_line", "remote_command")
#: A combination is common if so great a part of the hits has it.
_COMMON = 10
#: So much of a command's beginning tells one program from another.
_LEAST_PREFIX = 10
_MOST_COMMANDS = 5000
_SHAPE = 200


@dataclass(frozen=True)
class Suggestion:
    """A suppression of what is common to many hits."""

    tables: dict[str, Any]
    """As a file would have it, with a reason, an author and an end that are none."""
    text: str
    """To be pasted; a file with it is refused until the empty places are filled."""


def values(hunting: Hunt, analytic: Analytic, most: int) -> pa.Table:
    """Return the commonest values of each useful column among the hits that are left, *most* of each."""
    import pyarrow as pa

    connection = hunting.connection()
    found: list[dict[str, Any]] = []
    with _Hits(hunting, analytic) as hits:
        host = hidden.first_of(("host", "dest", "target_host", "source_host"), hits.columns)
        for column in hits.useful:
            value = f'"{column}"'
            source = "hits"
            if hits.types[column].endswith("[]"):
                source = f"(select * exclude ({value}), unnest({value}) as {value} from hits)"
            text = f"cast({value} as varchar)"
            shown = _shape(text) if column in _COMMANDS else text
            of_hosts = f"count(distinct {host})" if host else "null"
            query = f"""
                select {shown} as value, count(*) as hits, {of_hosts} as hosts
                from {source} where {value} is not null
                group by all order by hits desc, value limit {most:d}"""
            found += [
                {"column": column, **row, "share": round(row["hits"] / hits.total, 4)}
                for row in rows(connection, query)
            ]
    columns = {"column": pa.string(), "value": pa.string(), "hits": pa.int64(), "share": pa.float64()}
    columns["hosts"] = pa.int64()
    return pa.table({name: pa.array([row[name] for row in found], kind) for name, kind in columns.items()})


def suggestion(hunting: Hunt, analytic: Analytic) -> Suggestion | None:
    """Return a suppression of the narrowest combination of values that many hits have in common, if there is one."""
    connection = hunting.connection()
    with _Hits(hunting, analytic) as hits:
        keys = [column for column in hits.useful if column in _KEYS]
        if not hits.total or not keys:
            return None
        enough = max(min(2, hits.total), -(-hits.total // _COMMON))
        while True:
            listed = ", ".join(f'"{key}"' for key in keys)
            query = (
                f"select {listed}, count(*) as so_many from hits group by all order by so_many desc, {listed} limit 1"
            )
            best = rows(connection, query)[0]
            if best.pop("so_many") >= enough or len(keys) == 1:
                break
            distinct = ", ".join(f'count(distinct "{key}") as "{key}"' for key in keys)
            spread = rows(connection, f"select {distinct} from hits")[0]
            widest = max(reversed(keys), key=lambda key: spread[key])
            # A domain without its name says little.
            gone = {widest, widest.replace("_name", "_domain")}
            keys = [key for key in keys if key not in gone] or [widest]
        where: dict[str, Any] = {key: value for key, value in best.items() if value not in (None, "", "-", [])}
        if not where:
            return None
        same = " and ".join(f'"{key}" is not distinct from ${key}' for key in best)
        for column in (column for column in hits.useful if column in _COMMANDS):
            query = f'select distinct "{column}" as command from hits where {same} limit {_MOST_COMMANDS + 1}'
            commands = [row["command"] for row in rows(connection, query, best)]
            if (condition := _begins(commands)) is not None:
                where[column] = condition
    return Suggestion({"suppress": [{"analytic": analytic.id, "where": where}]}, _text(analytic, where))


def tried(hunting: Hunt, library: Library, tuning: Tuning) -> list[hidden.Hidden]:
    """Return what each rule of *tuning* would hide of each analytic, with the lateral movements that it is part of."""
    scoring = counted(library.newest.values())
    analytics = [analytic for analytic in library.newest.values() if tuning.about(analytic)]
    if not analytics:
        return []
    hunting.prepare([*analytics, *scoring])
    acts: dict[str, tuple[str, str]] = {}
    if wanted := [analytic for analytic in analytics if analytic in scoring]:
        view = library.risk_view("risk_events")
        connection = hunting.connection(view)
        query = f"select distinct finding_id, act from hunt.{view.view} where starts_with(act, 'move:')"
        found = fetch(connection, query)
        # Where filters stand beneath the rows, these are on a connection of their own.
        for one in {id(each): each for each in (connection, *(hunting.query(item)[0] for item in wanted))}.values():
            one.register("act_of_movement", found)
        acts = {analytic.id: (identity(analytic), "act_of_movement") for analytic in wanted}
    return [one for analytic in analytics for one in hidden.by_rule(hunting, analytic, tuning, acts.get(analytic.id))]


class _Hits:
    """The hits of an analytic that are left, as the relation ``hits`` while the block runs."""

    def __init__(self, hunting: Hunt, analytic: Analytic) -> None:
        self._connection = hunting.connection()
        self._table = hunting.run(analytic)
        self.total = self._table.num_rows
        self.columns: list[str] = list(self._table.column_names)

    def __enter__(self) -> _Hits:
        self._connection.register("hits", self._table)
        shown = self._connection.sql("select * from hits limit 0")
        self.types = dict(zip(shown.columns, map(str, shown.types), strict=True))
        filled = ", ".join(f'count("{column}") as "{column}"' for column in self._known())
        there = rows(self._connection, f"select {filled} from hits")[0] if filled else {}
        self.useful = [column for column in self._known() if there[column]]
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.unregister("hits")

    def _known(self) -> list[str]:
        return [
            column for column in (*_KEYS, *_COMMANDS) if column in self.types and "STRUCT" not in self.types[column]
        ]


def _shape(text: str) -> str:
    """The SQL of a command without what differs each time: ids and numbers."""
    guid = r"\{?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?"
    for pattern, kept in ((guid, "<guid>"), (r"\b[0-9a-fA-F]{16,}\b", "<hex>"), (r"[0-9]+", "#")):
        text = f"regexp_replace({text}, '{pattern}', '{kept}', 'g')"
    return f"left({text}, {_SHAPE})"


def _begins(commands: Sequence[str | None]) -> str | dict[str, str] | None:
    """Return the condition that all *commands* fit: they are the same, or begin alike far enough to mean something."""
    if not commands or len(commands) > _MOST_COMMANDS or any(not command for command in commands):
        return None
    texts = [command for command in commands if command]
    # Only as far as lower case leaves the places of letters alone.
    alike = [text.lower() if text.isascii() else text for text in texts]
    low, high = min(alike), max(alike)
    if low == high:
        return texts[0]
    length = next((place for place, (one, other) in enumerate(zip(low, high, strict=False)) if one != other), len(low))
    if len(low[:length].strip()) < _LEAST_PREFIX:
        return None
    return {"starts_with": texts[0][:length]}


def _text(analytic: Analytic, where: Mapping[str, Any]) -> str:
    lines = [
        "[[suppress]]",
        f'analytic = "{analytic.id}"',
        'reason = ""    # why these hits are expected',
        'author = ""    # who vouches for it',
        'expires = ""   # the first day on which it hides nothing any more, without quotes: 2027-03-01',
        "[suppress.where]",
        *(f"{column} = {_toml(value)}" for column, value in where.items()),
    ]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{name} = {_toml(item)}' for name, item in value.items())} }}"
    if isinstance(value, Iterable) and not isinstance(value, str):
        return f"[{', '.join(map(_toml, value))}]"
    return toml_text(str(value))


def toml_text(text: str) -> str:
    """Return *text* as TOML that has it exactly, and in which nothing hides or acts on a terminal."""
    if "'" not in text and "\\" in text and _is_plain(text):
        return f"'{text}'"
    return '"' + "".join(_toml_character(one) for one in text) + '"'


def _is_plain(text: str) -> bool:
    from wmiwarehouse.output.escape import visible

    return visible(text) == text


def _toml_character(one: str) -> str:
    if one in '"\\':
        return f"\\{one}"
    if _is_plain(one):
        return one
    return f"\\u{ord(one):04x}" if ord(one) < 0x10000 else f"\\U{ord(one):08x}"
