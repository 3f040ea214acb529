"""Compiles ``ingest/formats`` and ``ingest/events`` into one ``COPY`` statement per format.

The statement has the shape that was measured fastest: the record's System part is parsed first, the event's data stays
JSON text; the narrow rows are sorted by channel, event id and time; only then are the typed columns taken out of the
data, and only for the (channel, event id) pairs that some file in ``ingest/events`` knows.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wmiwarehouse import assets, cache
from wmiwarehouse.projection.files import (
    EVENT_TARGETS,
    FORMAT_COLUMNS,
    MEND,
    Format,
    IngestFileError,
    columns_of,
    load_event,
    load_format,
    one_of,
    text_of,
)
from wmiwarehouse.projection.steps import STEP, StepError, chain, named, turns
from wmiwarehouse.schema import EVENT_COLUMNS

if TYPE_CHECKING:  # sqlglot takes longer to import than an ingest that finds nothing new takes in all
    from sqlglot import exp

    from wmiwarehouse.projection.jsonpaths import Structure

__all__ = ["FORMAT_COLUMNS", "IngestFileError", "Projection", "Statements"]


#: What the files share, in the order in which it is defined.
_SHARED = ("functions.sql", "messages.sql", "property_names.sql")


@dataclass(frozen=True)
class Statements:
    """The compiled SQL of one format, as the workers get it: to compile it once in each took longer than to run it."""

    select: str
    clock: str | None
    left_out: str | None


class Projection:
    """All of ``ingest/``, ready to be compiled.

    *folders* are read in order; a later one (a user's own) adds formats and sources, or replaces one of the same file
    name. Raises :class:`IngestFileError` or :class:`~wmiwarehouse.frontmatter.FrontMatterError` for a file that cannot
    be used. The shipped files, which are known to be right, are parsed as they are needed.
    """

    def __init__(self, *folders: Path) -> None:
        self.folders = folders or (assets.folder("ingest"),)
        self.formats = {fmt.name: fmt for fmt in map(load_format, self._files("formats"))}
        self._statements: dict[str, Statements] = {}
        events = [load_event(path) for path in self._files("events")]
        #: Sources without event ids are for the rest of their channel: whatever names ids comes first.
        self.events = sorted(events, key=lambda event: "event_ids" not in event.document.head)
        if folders:
            for fmt in self.formats.values():
                _ = self._model(fmt).projection, fmt.clock
            for event in self.events:
                _ = event.columns

    def _files(self, kind: str) -> list[Path]:
        found = {path.name: path for folder in self.folders for path in sorted((folder / kind).glob("*.sql"))}
        return [found[name] for name in sorted(found)]

    def rank(self, fmt: Format) -> int:
        """Return in which of the folders *fmt* lies: a user's own come later."""
        return next((i for i, folder in enumerate(self.folders) if fmt.document.path.parent.parent == folder), 0)

    @cached_property
    def functions(self) -> str:
        """SQL that defines the functions and lists which the files share; run once per connection."""
        paths = (folder / name for folder in self.folders for name in _SHARED)
        return "\n".join(path.read_text(encoding="utf-8") for path in paths if path.is_file())

    @property
    def is_bare(self) -> str:
        """SQL over rows of the lake: a record that has the id of a known event and none of its values."""
        return " or ".join(f"({event.is_bare})" for event in self.events if event.is_bare) or "false"

    def statements(self, name: str) -> Statements:
        """Return all SQL of format *name*; compiled once, by whichever run of the program needs it first."""
        if name not in self._statements:
            made_of = "\0".join([f"statements of {name}", *self._texts()])
            found = cache.fetch(made_of)
            if found is None:
                statements = Statements(self.select(name), self.clock(name), self.left_out(name))
                cache.keep(made_of, json.dumps(asdict(statements)).encode())
            else:
                statements = Statements(**json.loads(found))
            self._statements[name] = statements
        return self._statements[name]

    def _texts(self) -> list[str]:
        """Return all that the statements are made of."""
        documents = [fmt.document for fmt in self.formats.values()] + [event.document for event in self.events]
        return [self.functions, *(f"{document.head}\0{document.body}" for document in documents)]

    def select(self, name: str) -> str:
        """Return the projection of format *name*: ``records``, ``sources`` and ``clock`` in, rows of the lake out."""
        from wmiwarehouse.projection.jsonpaths import Structure

        narrow, mended = self._narrow(self.formats[name])
        data = Structure("event_data", "d")
        trees = self._collected(data)
        names = dict.fromkeys(name for columns in trees for name in columns)
        typed = {name: self._typed(name, trees, mended, data) for name in names}
        try:
            steps, last, done = chain("named", "typed", typed, turns(trees, EVENT_TARGETS))
        except StepError as error:
            raise IngestFileError(f"{self.folders[-1] / 'events'}: {error}") from None
        final = {name: f"cast(null as {kind})" for name, kind in EVENT_TARGETS.items()} | typed
        final["event_data"] = "cast(event_data as varchar)"  # not JSON, which other readers don't know
        final |= {name: name for name in done}
        return f"""
{narrow},
spelled as (
    select * replace ({self._channel()} as channel, {_SANE} as event_time), host_name(computer) as host from narrow
),
sorted as (select * from spelled order by channel, event_id, event_time),
known as (select *, {self._kind()} as kind from sorted),
typed as (select *, {data.transform("if(kind > 0, event_data, null)")} as d from known),
{steps}final as (select *, {_UID} as event_uid from {last} join sources using (source_no))
select {", ".join(f"{final.get(name, name)} as {name}" for name in EVENT_COLUMNS)} from final"""

    def _narrow(self, fmt: Format) -> tuple[str, dict[str, str]]:
        """Return the SQL up to ``narrow``, which has what every record has, and its columns that mend a field."""
        before, last, columns, rest = self._stepped(fmt)
        mended = {name.removeprefix(MEND): f"mend_{i}" for i, name in enumerate(columns) if name.startswith(MEND)}
        selected = [
            f"{sql} as {mended.get(name.removeprefix(MEND), name)}"
            for name, sql in columns.items()
            if not name.startswith(STEP)
        ]
        joined = " ".join(clause.sql("duckdb") for clause in rest)
        listed = ", ".join(["records.source_no", "records.source_record", *selected])
        return f"{before}narrow as (select {listed} from {last} as records {joined})", mended

    def _stepped(self, fmt: Format) -> tuple[str, str, dict[str, str], list[exp.Expression]]:
        """Return the SQL of the parsed records with the format's steps, which open their select.

        Then the name of the last relation in it, the SQL of the columns over that, and the joins and the where.
        """
        from wmiwarehouse.projection.jsonpaths import PathError, Structure, collect, rewrite

        model = self._model(fmt)
        projection = model.projection
        assert projection is not None  # noqa: S101 - the model of a format has one
        record = Structure("record", "r")
        columns = columns_of(projection, FORMAT_COLUMNS, model.document.path)
        clauses = _rest(projection)
        try:
            for tree in [*columns.values(), *clauses]:
                collect(tree, record)
            record.spec()
            groups = turns([columns], rest=clauses)
        except (PathError, StepError) as error:
            raise IngestFileError(f"{model.document.path}: {error}") from None
        items = {name: rewrite(tree, record).sql("duckdb") for name, tree in columns.items()}
        steps, last, done = chain("step", "parsed", items, groups)
        before = f"with parsed as (select *, {record.transform()} as r from {_located(fmt)}),\n{steps}"
        items |= {name: name for name in done}
        return before, last, items, [rewrite(clause, record) for clause in clauses]

    def clock(self, name: str) -> str | None:
        """Return the first pass of format *name*, counted per finding: what its records tell of their host's clock."""
        from wmiwarehouse.projection.jsonpaths import PathError, Structure, collect, rewrite

        fmt = self.formats[name]
        first = fmt.clock or self._model(fmt).clock
        if first is None:
            return None
        record = Structure("record", "r")
        try:
            collect(first, record)
            record.spec()
        except PathError as error:
            raise IngestFileError(f"{fmt.document.path}: {error}") from None
        select = rewrite(first, record).sql("duckdb")
        return f"""
with parsed as (select *, {record.transform()} as r from {_located(fmt)}),
evidence as ({select.replace("FROM records", "FROM parsed AS records")})
select host, if(local_date between {_FIRST} and {_LAST}, local_date, null) as local_date,
    evidence, offset_seconds, count(*) as records
from evidence group by all"""

    def has_clock(self, name: str) -> bool:
        """Whether format *name* has a first pass."""
        return self.statements(name).clock is not None

    def left_out(self, name: str) -> str | None:
        """Return the query that counts, by source, the records that format *name* leaves out; None if it keeps all."""
        fmt = self.formats[name]
        projection = self._model(fmt).projection
        where = projection.args.get("where") if projection else None
        if where is None or projection is None:
            return None
        before, last, _, (*joins, condition) = self._stepped(fmt)
        joined = " ".join(join.sql("duckdb") for join in joins)
        counted = "select records.source_no, cast(count(*) as integer) as records"
        left_out = f"where ({condition.this.sql('duckdb')}) is not true group by all"
        if _is_about_text(condition) and all(join.args.get("side") == "LEFT" for join in joins):
            return f"{counted} from {_located(fmt)} {left_out}"  # no need to parse what is in the records
        return f"""
{before}located as (select * from {last})
{counted} from located as records {joined} {left_out}"""

    def _model(self, fmt: Format) -> Format:
        """Return the format that *fmt* is projected as."""
        if fmt.like is None:
            return fmt
        model = self.formats.get(fmt.like)
        if model is None or model.like is not None:
            others = [name for name, other in self.formats.items() if other.like is None]
            near = difflib.get_close_matches(fmt.like, others, 1)
            meant = f", did you mean {near[0]!r}?" if near else f": there are {', '.join(sorted(others))}"
            raise IngestFileError(f"{fmt.document.path}: no format {fmt.like!r} with a select of its own{meant}")
        return model

    def _kind(self) -> str:
        whens = " ".join(f"when {event.condition} then {i}" for i, event in enumerate(self.events, 1))
        return f"case {whens} else 0 end"

    def _channel(self) -> str:
        names = sorted({str(event.document.head["channel"]) for event in self.events})
        whens = " ".join(f"when {text_of(name.lower())} then {text_of(name)}" for name in names)
        return f"case lower(channel) {whens} else channel end"

    def _collected(self, data: Structure) -> list[dict[str, exp.Expression]]:
        """Return the columns of each source over ``event_data``; what they all look at goes into *data*."""
        from wmiwarehouse.projection.jsonpaths import PathError, collect

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

    def _typed(self, name: str, trees: list[dict[str, exp.Expression]], mended: dict[str, str], data: Structure) -> str:
        """One column: a CASE over the sources that give it; sources with the same expression share a branch.

        A column that all its sources spell the same needs no CASE, which is most of them and much of the time: of a
        source that does not name it, it is then taken too where the data has it. But not where that would parse the
        record once more, or follow from a column that the other source has for another end.
        """
        from sqlglot import exp

        from wmiwarehouse.projection.jsonpaths import rewrite

        branches: dict[str, list[int]] = {}
        is_for_all = not name.startswith(STEP)
        for number, columns in enumerate(trees, 1):
            if name in columns:
                needs = named(columns[name], columns)
                tree = rewrite(columns[name], data, mended)
                parses = tree.find(exp.JSONExtract, exp.JSONExtractScalar) is not None
                is_for_all &= not parses and all(name in others for others in trees if needs & others.keys())
                branches.setdefault(tree.sql("duckdb", comments=False), []).append(number)
        if is_for_all and len(branches) == 1:
            return next(iter(branches))
        whens = (f"when {one_of('kind', kinds)} then {then}" for then, kinds in branches.items())
        return f"case {' '.join(whens)} end"


# Times beyond these cannot be carried by the tools that read the lake; such a record is kept without a time and named.
_FIRST, _LAST = "date '0002-01-01'", "date '9998-12-31'"
_SANE = f"if(event_time between {_FIRST} and {_LAST}, event_time, null)"

_UID = "left(sha256(uid_key || cast(source_record as varchar)), 20)"


def _rest(select: exp.Select) -> list[exp.Expression]:
    """Return what follows the table of a projection."""
    where = select.args.get("where")
    return [*(select.args.get("joins") or []), *([where] if where else [])]


def _is_about_text(condition: exp.Expression) -> bool:
    """Whether *condition* looks at the text of a record alone, and not at what was made of it."""
    from sqlglot import exp

    return all(column.name in ("record", "document") for column in condition.find_all(exp.Column))


def _located(fmt: Format) -> str:
    """Return the relation of the records of *fmt*, each taken out of the ``document`` that it lies in."""
    if fmt.at == ("",):
        return "(select *, record as document from records) as records"
    # One look for all keys at all paths: each json_extract of its own would parse the document again.
    paths: dict[str, int] = {}
    whens = []
    for at in fmt.at:
        groups = []
        for group in fmt.keys:
            numbers = [paths.setdefault(_json_path(f"{at}.{key}" if at else key), len(paths) + 1) for key in group]
            groups.append("(" + " or ".join(f"found[{number}] is not null" for number in numbers) + ")")
        for key in fmt.not_keys:
            number = paths.setdefault(_json_path(f"{at}.{key}" if at else key), len(paths) + 1)
            groups.append(f"found[{number}] is null")
        inner = f"cast(json_extract(record, {text_of(_json_path(at))}) as varchar)" if at else "record"
        whens.append(f"when {' and '.join(groups)} then {inner}")
    found = f"json_extract(record, [{', '.join(map(text_of, paths))}])"
    record = f"list_transform([{found}], lambda found: case {' '.join(whens)} else record end)[1]"
    return f"(select * replace ({record} as record), record as document from records) as records"


def _json_path(path: str) -> str:
    return "$" + "".join(f'."{name}"' for name in path.split("."))


def _data_column(node: exp.Expression) -> exp.Expression:
    from sqlglot import exp

    if isinstance(node, exp.Column) and node.name == "data":
        return exp.column("event_data")
    return node
