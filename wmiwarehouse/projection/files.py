"""Loads the files of ``ingest/formats`` and ``ingest/events`` and refuses those that no compiler could use.

A misspelt word in a head would otherwise do nothing without a word, so heads are checked as strictly as the SQL.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wmiwarehouse import frontmatter
from wmiwarehouse.projection.steps import STEP, StepError, turns
from wmiwarehouse.schema import EVENT_COLUMNS, TYPED_COLUMNS

if TYPE_CHECKING:
    from sqlglot import exp

#: What every file in ``ingest/formats`` has to give, beside ``"data.<Field>"`` columns that mend a field of the data.
FORMAT_COLUMNS = (
    "computer", "provider", "channel", "event_id", "version", "record_id", "task", "level", "opcode", "keywords",
    "event_time", "time_source", "execution_process_id", "execution_thread_id", "activity_id", "related_activity_id",
    "system_user_sid", "event_data",
)  # fmt: skip

#: What a file in ``ingest/events`` may give.
EVENT_TARGETS = {"utc_time": EVENT_COLUMNS["utc_time"]} | TYPED_COLUMNS

#: Columns of a projection that start like this mend a field of the event's data.
MEND = "data."

_LONGEST_LIST = 4

#: What a projection may have beside its columns.
_CLAUSES = ("kind", "expressions", "from", "joins", "where")


class IngestFileError(ValueError):
    """A file in ``ingest/`` that cannot be used; the text names file and cause."""


@dataclass(frozen=True)
class Format:
    """One export format: how its records are read, recognised and projected.

    Its SQL is parsed when it is asked for: an ingest needs the heads of all formats and the SQL of one or two.
    """

    document: frontmatter.Document

    @property
    def projection(self) -> exp.Select | None:
        """None where it is projected as another format."""
        return self._selects[0]

    @property
    def clock(self) -> exp.Select | None:
        """The first pass, if there is one."""
        return self._selects[1]

    @cached_property
    def _selects(self) -> tuple[exp.Select | None, exp.Select | None]:
        return _format_selects(self.document)

    @property
    def name(self) -> str:
        """The word that stands in the column ``format``."""
        return str(self.document.head["name"])

    @property
    def reader(self) -> str:
        """Which reader decodes the bytes: ``evtx``, ``json``, ``text`` or ``xml``."""
        return str(self.document.head["reader"])

    @property
    def like(self) -> str | None:
        """The format as which its records are projected, if that is another one."""
        return self.document.head.get("like")

    @property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        """Groups of keys; a JSON record is of this format if it has one key of each group. Dots lead into objects."""
        return tuple(tuple(group) for group in self.document.head.get("keys", []))

    @property
    def not_keys(self) -> tuple[str, ...]:
        """Keys that a record of this format has not."""
        return tuple(self.document.head.get("not_keys", []))

    @property
    def at(self) -> tuple[str, ...]:
        """Where in a JSON document the record may lie; the first path counts at which the keys are met."""
        return _several(self.document.head.get("at", ""))

    @property
    def each(self) -> tuple[str, ...]:
        """Where in a JSON document a list of records may lie."""
        return _several(self.document.head.get("each", []))

    @property
    def event_xml(self) -> str:
        """The field of a record that may hold the event's XML; empty for none."""
        return str(self.document.head.get("event_xml", ""))

    @property
    def dotted(self) -> bool:
        """Whether a record's names may have dots in place of objects."""
        return bool(self.document.head.get("dotted", False))

    @property
    def begins(self) -> str:
        """The pattern of what begins a record in text; ``^`` is the beginning of a line."""
        return str(self.document.head.get("begins", ""))

    @property
    def once(self) -> str:
        """What stands once in such a record; empty where nothing is known to."""
        return str(self.document.head.get("once", ""))

    @property
    def data_xml(self) -> str:
        """The field of a record that may hold an event's data as XML; empty for none."""
        return str(self.document.head.get("data_xml", ""))


def _several(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@dataclass(frozen=True)
class EventSource:
    """One log source: channel, provider, event ids, and the columns that its data gives."""

    document: frontmatter.Document

    @cached_property
    def columns(self) -> dict[str, exp.Expression]:
        """The columns by name, parsed when they are asked for."""
        selects = _selects(self.document)
        if len(selects) != 1:
            raise IngestFileError(f"{self.document.path}: needs channel and provider, and one select")
        return columns_of(selects[0], EVENT_TARGETS, self.document.path, among=EVENT_TARGETS)

    @property
    def condition(self) -> str:
        """SQL over the narrow rows; exports without a provider are taken by channel and id."""
        head = self.document.head
        provider = text_of(head["provider"])
        ids = [int(event_id) for event_id in head.get("event_ids", [])]
        of_ids = f" and ({one_of('event_id', ids)})" if ids else ""
        return f"channel = {text_of(head['channel'])}{of_ids} and coalesce(provider, {provider}) = {provider}"

    @property
    def is_bare(self) -> str | None:
        """SQL over rows of the lake: a record of this source without any of what each of them has, if that is known."""
        columns = self.document.head.get("at_least_one")
        return f"{self.condition} and {' and '.join(f'{name} is null' for name in columns)}" if columns else None


def one_of(column: str, numbers: Sequence[int]) -> str:
    """Return the condition that *column* is one of *numbers*.

    Of a longer list DuckDB makes a join, through which all columns of the row have to go.
    """
    parts = (numbers[i : i + _LONGEST_LIST] for i in range(0, len(numbers), _LONGEST_LIST))
    return " or ".join(f"{column} in ({', '.join(map(str, part))})" for part in parts)


def text_of(value: Any) -> str:
    """Return *value* as an SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"


def _selects(document: frontmatter.Document) -> list[exp.Select]:
    from sqlglot import exp, parse
    from sqlglot.errors import ParseError

    try:
        statements = parse(document.body, dialect="duckdb")
    except ParseError as error:
        raise IngestFileError(f"{document.path}: {str(error).splitlines()[0]}") from None
    selects = [statement for statement in statements if isinstance(statement, exp.Select)]
    if len(selects) != len([s for s in statements if s is not None]) or not selects:
        raise IngestFileError(f"{document.path}: expected plain select statements")
    return selects


def columns_of(
    select: exp.Select, allowed: Collection[str], path: Path, among: Iterable[str] = ()
) -> dict[str, exp.Expression]:
    """Return the columns of *select* by name; *allowed* are those that there may be beside steps.

    Columns may name steps, and the columns *among*.
    """
    from sqlglot import exp

    columns: dict[str, exp.Expression] = {}
    for item in select.expressions:
        name = item.alias_or_name
        if name.startswith(STEP) and name != name.lower():  # DuckDB's names know no case
            raise IngestFileError(f"{path}: column {name!r} has to be in lower case")
        if name not in allowed and not name.startswith((MEND, STEP)):
            raise IngestFileError(f"{path}: unknown column {name!r}")
        if name in columns:
            raise IngestFileError(f"{path}: column {name!r} stands twice")
        columns[name] = item.this if isinstance(item, exp.Alias) else item
    try:
        turns([columns], among)
    except StepError as error:
        raise IngestFileError(f"{path}: {error}") from None
    return columns


#: What the first pass of a format tells.
_CLOCK_COLUMNS = ("host", "local_date", "evidence", "offset_seconds")

#: What the head of a format may say, and as what.
_HEAD = {
    "name": "text", "title": "text", "reader": "text", "carries": "text", "like": "text", "event_xml": "text",
    "data_xml": "text", "dotted": "yes or no", "begins": "text", "once": "text",
    "docs": "list of texts", "not_keys": "list of texts", "at": "text or list of texts",
    "each": "text or list of texts", "keys": "list of lists of texts",
}  # fmt: skip
_READERS = ("evtx", "json", "text", "xml")
_JSON_ONLY = ("keys", "not_keys", "at", "each", "dotted", "event_xml", "data_xml")


def _is(value: object, kind: str) -> bool:
    if kind.startswith("text or "):
        return _is(value, "text") or _is(value, kind.removeprefix("text or "))
    if kind == "text":
        return isinstance(value, str)
    if kind == "yes or no":
        return isinstance(value, bool)
    # A list without anything in it would be met by every record, or by none.
    inner = {"list of texts": "text", "list of lists of texts": "list of texts"}[kind]
    return isinstance(value, list) and bool(value) and all(_is(item, inner) for item in value)


def _check_head(document: frontmatter.Document) -> None:
    """Refuse a head that says something unknown, or in another shape than is understood."""
    head, path = document.head, document.path
    for name, value in head.items():
        if name not in _HEAD:
            near = difflib.get_close_matches(name, _HEAD, 1)
            meant = f", did you mean {near[0]!r}?" if near else ""
            raise IngestFileError(f"{path}: unknown word {name!r} in the head{meant}")
        if not _is(value, _HEAD[name]):
            raise IngestFileError(f"{path}: {name} has to be a {_HEAD[name]}")
    for name in ("name", "reader"):
        if not head.get(name):
            raise IngestFileError(f"{path}: {name} is missing in the head")
    if head["reader"] not in _READERS:
        raise IngestFileError(f"{path}: reader {head['reader']!r} is none of {', '.join(_READERS)}")
    wrong = next((name for name in _JSON_ONLY if name in head and head["reader"] != "json"), None)
    if wrong:
        raise IngestFileError(f"{path}: {wrong} is for reader json only")
    for reader, name in (("json", "keys"), ("text", "begins")):
        if head["reader"] == reader and not head.get(name):
            raise IngestFileError(f"{path}: {name} is missing in the head: nothing would be of this format")
    if {"begins", "once"} & head.keys():
        _check_begins(path, head)
    paths = [*_several(head.get("at", "")), *_several(head.get("each", [])), *head.get("not_keys", [])]
    for text in [*paths, *(key for group in head.get("keys", []) for key in group)]:
        if (text and not all(text.split("."))) or set(text) & {'"', "\\"}:
            raise IngestFileError(f"{path}: {text!r} is no path of names with dots between them")


def _check_begins(path: Path, head: dict[str, Any]) -> None:
    if head["reader"] != "text":
        raise IngestFileError(f"{path}: begins and once are for reader text only")
    try:
        found = re.compile(head["begins"], re.MULTILINE).match("")
    except re.error as error:
        raise IngestFileError(f"{path}: begins is no regular expression: {error}") from None
    if found:
        raise IngestFileError(f"{path}: begins would be met by an empty text")


def load_format(path: Path) -> Format:
    """Read a file of ``formats/``."""
    document = frontmatter.read(path)
    _check_head(document)
    return Format(document)


def _format_selects(document: frontmatter.Document) -> tuple[exp.Select | None, exp.Select | None]:
    """Return the projection and the first pass of a format."""
    path = document.path
    if "like" in document.head:
        return None, _own_clock(document)
    *clock, projection = _selects(document)
    missing = [name for name in FORMAT_COLUMNS if name not in columns_of(projection, FORMAT_COLUMNS, path)]
    if missing:
        raise IngestFileError(f"{path}: column {missing[0]!r} is missing")
    extra = next((name for name, part in projection.args.items() if part and name.rstrip("_") not in _CLAUSES), None)
    if extra:
        raise IngestFileError(f"{path}: {extra} cannot be used here: columns, from records, joins and where")
    if len(clock) > 1:
        raise IngestFileError(f"{path}: at most one select before the projection")
    return projection, clock[0] if clock else None


def _own_clock(document: frontmatter.Document) -> exp.Select | None:
    """Return the first pass of a format that is like another in all else."""
    if not any(line.strip() and not line.startswith("--") for line in document.body.split("\n")):
        return None
    *others, clock = _selects(document)
    missing = [name for name in _CLOCK_COLUMNS if name not in clock.named_selects]
    if others or missing:
        raise IngestFileError(
            f"{document.path}: a format that is like another has no select of its own but a first pass"
        )
    return clock


def load_event(path: Path) -> EventSource:
    """Read a file of ``events/``."""
    document = frontmatter.read(path)
    if not {"channel", "provider"} <= document.head.keys():
        raise IngestFileError(f"{path}: needs channel and provider, and one select")
    ids = document.head.get("event_ids", [0])
    if not isinstance(ids, list) or not all(type(one) is int for one in ids):
        raise IngestFileError(f"{path}: event_ids is a list of numbers, not {ids!r}")
    if not ids:
        raise IngestFileError(f"{path}: event_ids is empty; leave it out for a source of all other events")
    names = document.head.get("at_least_one", [])
    if not isinstance(names, list) or not EVENT_TARGETS.keys() >= set(map(str, names)):
        raise IngestFileError(f"{path}: at_least_one has to be a list of columns that a source may give")
    return EventSource(document)
