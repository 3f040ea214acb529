"""Compiles ``ingest/formats`` and ``ingest/events`` into one ``COPY`` statement per format.

The statement has the shape that was measured fastest: the record's System part is parsed first, the event's data stays
JSON text; the narrow rows are sorted by channel, event id and time; only then are the typed columns taken out of the
data, and only for the (channel, event id) pairs that some file in ``ingest/events`` knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlglot import exp, parse, parse_one
from sqlglot.errors import ParseError

from wmiwarehouse import assets, frontmatter
from wmiwarehouse.projection.jsonpaths import PathError, Structure, collect, rewrite
from wmiwarehouse.schema import EVENT_COLUMNS, TYPED_COLUMNS

#: What every file in ``ingest/formats`` has to give, beside ``"data.<Field>"`` columns that mend a field of the data.
FORMAT_COLUMNS = (
    "computer", "provider", "channel", "event_id", "version", "record_id", "task", "level", "opcode", "keywords",
    "event_time", "time_source", "execution_process_id", "execution_thread_id", "activity_id", "related_activity_id",
    "system_user_sid", "event_data",
)  # fmt: skip

#: What a file in ``ingest/events`` may give.
EVENT_TARGETS = {"utc_time": EVENT_COLUMNS["utc_time"]} | TYPED_COLUMNS

_MEND = "data."


class IngestFileError(ValueError):
    """A file in ``ingest/`` that cannot be used; the text names file and cause."""


@dataclass(frozen=True)
class Format:
    """One export format: how its records are read, recognised and projected."""

    document: frontmatter.Document
    projection: exp.Select
    clock: exp.Select | None

    @property
    def name(self) -> str:
        """The word that stands in the column ``format``."""
        return str(self.document.head["name"])

    @property
    def reader(self) -> str:
        """Which reader decodes the bytes: ``evtx`` or ``json``."""
        return str(self.document.head["reader"])

    @property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        """Groups of keys; a JSON record is of this format if it has one key of each group."""
        return tuple(tuple(group) for group in self.document.head.get("keys", []))


@dataclass(frozen=True)
class EventSource:
    """One log source: channel, provider, event ids, and the columns that its data gives."""

    document: frontmatter.Document
    columns: dict[str, exp.Expression]

    @property
    def condition(self) -> str:
        """SQL over the narrow rows; exports without a provider are taken by channel and id."""
        head = self.document.head
        provider = _text(head["provider"])
        ids = ", ".join(str(int(event_id)) for event_id in head.get("event_ids", []))
        of_ids = f" and event_id in ({ids})" if ids else ""
        return f"channel = {_text(head['channel'])}{of_ids} and coalesce(provider, {provider}) = {provider}"


def _text(value: Any) -> str:
    return exp.Literal.string(str(value)).sql("duckdb")


def _selects(document: frontmatter.Document) -> list[exp.Select]:
    try:
        statements = parse(document.body, dialect="duckdb")
    except ParseError as error:
        raise IngestFileError(f"{document.path}: {str(error).splitlines()[0]}") from None
    selects = [statement for statement in statements if isinstance(statement, exp.Select)]
    if len(selects) != len([s for s in statements if s is not None]) or not selects:
        raise IngestFileError(f"{document.path}: expected plain select statements")
    return selects


def _columns(select: exp.Select, allowed: tuple[str, ...] | dict[str, str], path: Path) -> dict[str, exp.Expression]:
    columns: dict[str, exp.Expression] = {}
    for item in select.expressions:
        name = item.alias_or_name
        if name not in allowed and not name.startswith(_MEND):
            raise IngestFileError(f"{path}: unknown column {name!r}")
        if name in columns:
            raise IngestFileError(f"{path}: column {name!r} stands twice")
        columns[name] = item.this if isinstance(item, exp.Alias) else item
    return columns


def _load_format(path: Path) -> Format:
    document = frontmatter.read(path)
    *clock, projection = _selects(document)
    missing = [name for name in FORMAT_COLUMNS if name not in _columns(projection, FORMAT_COLUMNS, path)]
    if missing:
        raise IngestFileError(f"{path}: column {missing[0]!r} is missing")
    if len(clock) > 1 or not {"name", "reader"} <= document.head.keys():
        raise IngestFileError(f"{path}: needs name and reader, and at most one select before the projection")
    return Format(document, projection, clock[0] if clock else None)


def _load_event(path: Path) -> EventSource:
    document = frontmatter.read(path)
    selects = _selects(document)
    if len(selects) != 1 or not {"channel", "provider"} <= document.head.keys():
        raise IngestFileError(f"{path}: needs channel and provider, and one select")
    if "event_ids" in document.head and not document.head["event_ids"]:
        raise IngestFileError(f"{path}: event_ids is empty; leave it out for a source of all other events")
    return EventSource(document, _columns(selects[0], EVENT_TARGETS, path))


class Projection:
    """All of ``ingest/``, ready to be compiled.

    *folders* are read in order; a later one (a user's own) adds formats and sources, or replaces one of the same file
    name. Raises :class:`IngestFileError` or :class:`~wmiwarehouse.frontmatter.FrontMatterError` for a file that cannot
    be used.
    """

    def __init__(self, *folders: Path) -> None:
        self.folders = folders or (assets.folder("ingest"),)
        self.formats = {fmt.name: fmt for fmt in map(_load_format, self._files("formats"))}
        events = [_load_event(path) for path in self._files("events")]
        #: Sources without event ids are for the rest of their channel: whatever names ids comes first.
        self.events = sorted(events, key=lambda event: "event_ids" not in event.document.head)

    def _files(self, kind: str) -> list[Path]:
        found = {path.name: path for folder in self.folders for path in sorted((folder / kind).glob("*.sql"))}
        return [found[name] for name in sorted(found)]

    @cached_property
    def functions(self) -> str:
        """SQL that defines the functions which the files share; run once per connection."""
        return "\n".join(
            (folder / "functions.sql").read_text(encoding="utf-8")
            for folder in self.folders
            if (folder / "functions.sql").is_file()
        )

    def select(self, name: str) -> str:
        """Return the projection of format *name*: ``records``, ``sources`` and ``clock`` in, rows of the lake out."""
        fmt = self.formats[name]
        record, data = Structure("record", "r"), Structure("event_data", "d")
        narrow = _columns(fmt.projection, FORMAT_COLUMNS, fmt.document.path)
        mended = {
            column.removeprefix(_MEND): f"mend_{i}" for i, column in enumerate(narrow) if column.startswith(_MEND)
        }
        try:
            for tree in [*narrow.values(), *_joins(fmt.projection)]:
                collect(tree, record)
            record.spec()
        except PathError as error:
            raise IngestFileError(f"{fmt.document.path}: {error}") from None
        trees = self._collected(data)
        typed = {target: self._typed(target, trees, mended, data) for target in EVENT_TARGETS}
        items = [
            f"{rewrite(tree, record).sql('duckdb')} as {mended.get(column.removeprefix(_MEND), column)}"
            for column, tree in narrow.items()
        ]
        joins = " ".join(rewrite(join, record).sql("duckdb") for join in _joins(fmt.projection))
        typed["event_data"] = "cast(event_data as varchar) as event_data"  # not JSON, which other readers don't know
        finals = [typed.get(column) or column for column in EVENT_COLUMNS]
        return f"""
with parsed as (select *, {record.transform()} as r from records),
narrow as (select records.source_no, records.source_record, {", ".join(items)} from parsed as records {joins}),
spelled as (
    select * replace ({self._channel()} as channel, {_SANE} as event_time), host_name(computer) as host from narrow
),
sorted as (select * from spelled order by channel, event_id, event_time),
known as (select *, {self._kind()} as kind from sorted),
typed as (select *, case when kind > 0 then {data.transform()} end as d from known),
final as (select *, {_UID} as event_uid from typed join sources using (source_no))
select {", ".join(finals)} from final"""

    def clock(self, name: str) -> str | None:
        """Return the first pass of format *name*, counted per finding: what its records tell of their host's clock."""
        fmt = self.formats[name]
        if fmt.clock is None:
            return None
        record = Structure("record", "r")
        try:
            collect(fmt.clock, record)
            record.spec()
        except PathError as error:
            raise IngestFileError(f"{fmt.document.path}: {error}") from None
        select = rewrite(fmt.clock, record).sql("duckdb")
        return f"""
with parsed as (select *, {record.transform()} as r from records),
evidence as ({select.replace("FROM records", "FROM parsed AS records")})
select host, if(local_date between {_FIRST} and {_LAST}, local_date, null) as local_date,
    evidence, offset_seconds, count(*) as records
from evidence group by all"""

    def _kind(self) -> str:
        whens = " ".join(f"when {event.condition} then {i}" for i, event in enumerate(self.events, 1))
        return f"case {whens} else 0 end"

    def _channel(self) -> str:
        names = sorted({str(event.document.head["channel"]) for event in self.events})
        whens = " ".join(f"when {_text(name.lower())} then {_text(name)}" for name in names)
        return f"case lower(channel) {whens} else channel end"

    def _collected(self, data: Structure) -> list[dict[str, exp.Expression]]:
        """Return the columns of each source over ``event_data``; what they all look at goes into *data*."""
        trees = []
        for event in self.events:
            trees.append({target: tree.transform(_data_column) for target, tree in event.columns.items()})
            try:
                for tree in trees[-1].values():
                    collect(tree, data)
                data.spec()
            except PathError as error:
                raise IngestFileError(f"{event.document.path}: {error}") from None
        return trees

    def _typed(
        self, target: str, trees: list[dict[str, exp.Expression]], mended: dict[str, str], data: Structure
    ) -> str:
        """One typed column: a CASE over the sources that give it; sources with the same expression share a branch.

        A column that all its sources spell the same needs no CASE, which is most of them and much of the time: of a
        source that does not name it, it is then taken too where the data has it.
        """
        branches: dict[str, list[int]] = {}
        for number, columns in enumerate(trees, 1):
            if target in columns:
                branches.setdefault(columns[target].sql("duckdb"), []).append(number)
        if not branches:
            return f"cast(null as {EVENT_TARGETS[target]}) as {target}"
        if len(branches) == 1:
            tree = rewrite(_parse_expression(next(iter(branches))), data, mended)
            return f"{tree.sql('duckdb')} as {target}"
        whens = []
        for sql, numbers in branches.items():
            tree = rewrite(_parse_expression(sql), data, mended)
            whens.append(f"when kind in ({', '.join(map(str, numbers))}) then {tree.sql('duckdb')}")
        return f"case {' '.join(whens)} end as {target}"


# Times beyond these cannot be carried by the tools that read the lake; such a record is kept without a time and named.
_FIRST, _LAST = "date '0002-01-01'", "date '9998-12-31'"
_SANE = f"if(event_time between {_FIRST} and {_LAST}, event_time, null)"

_UID = "left(sha256(uid_key || cast(source_record as varchar)), 20)"


def _joins(select: exp.Select) -> list[exp.Expression]:
    return list(select.args.get("joins") or [])


def _data_column(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Column) and node.name == "data":
        return exp.column("event_data")
    return node


def _parse_expression(sql: str) -> exp.Expression:
    expression: exp.Expression = parse_one(f"select {sql}", dialect="duckdb").expressions[0]
    return expression
