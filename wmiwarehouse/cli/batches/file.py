"""The file of a batch (``hunts.toml``), read and checked strictly before anything is done.

It is run at night and unattended, so a misspelt key, an unknown analytic or a name that two outputs share is refused
with its line at once. Paths are relative to the file, wherever the scheduler starts.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wmiwarehouse.cli.options import Severity
from wmiwarehouse.cli.scheduling import LAST_RUN
from wmiwarehouse.content.library import Analytic, Library
from wmiwarehouse.errors import UsageError
from wmiwarehouse.hunting.filters import Filters
from wmiwarehouse.hunting.moments import ingested, moment
from wmiwarehouse.hunting.selection import Selection, select
from wmiwarehouse.lake import clock, runs, toml_file
from wmiwarehouse.lake.setting_errors import WrongError, dotted, first_cause, short
from wmiwarehouse.lake.toml_lines import line_of
from wmiwarehouse.output import formats
from wmiwarehouse.pipeline.clock import Zone
from wmiwarehouse.report.files import SUFFIXES, Format

EVERYTHING = "everything"
#: What the name of an output may have in braces; ``id`` only for hunts: each analytic with hits has its own file.
PLACES = ("name", "date", "time", "id")

_PLACE = re.compile(r"\{([^{}]*)\}")
_NAVIGATOR = ".navigator.json"
_ADDRESS = re.compile(r"[^\s<>,;:\"()\\@\x00-\x1f\x7f]+@[A-Za-z0-9.-]+|[A-Za-z0-9._-]+")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Window(_Table):
    since: str | None = None
    until: str | None = None
    ingested_since: str | None = None
    host: str | None = None
    user: str | None = None


class BatchTable(_Table):
    """``[batch]``."""

    name: str | None = None
    warehouse: str = "warehouse"
    ingested_since: str = LAST_RUN
    fail_on: str | None = None
    keep: int | None = Field(default=None, ge=1, le=runs.MOST)


class IngestTable(_Table):
    """``[ingest]``."""

    paths: list[str] = Field(min_length=1)
    again: bool = False
    assume_tz: str | None = None
    ingest_dir: list[str] = []
    workers: int = Field(default=2, ge=1, le=64)


class HuntTable(_Window):
    """``[[hunt]]``."""

    ids: list[str] = []
    technique: list[str] = []
    side: str | None = None
    kind: list[str] = []
    min_severity: str | None = None
    outputs: list[str] = []


class ReportTable(_Window):
    """``[report]``."""

    outputs: list[str] = Field(min_length=1)
    compare: str | None = None
    title: str | None = None
    environment: str = ""
    hunter: str = ""
    conclusion: str | None = None
    rows: int = Field(default=20, ge=0, le=10_000)
    cases: int = Field(default=1000, ge=1, le=100_000)
    show_secrets: bool = False


class MailTable(_Table):
    """``[mail]``."""

    output: str
    subject: str | None = None
    sender: str | None = Field(default=None, alias="from")
    to: list[str] = []


class _File(_Table):
    batch: BatchTable = BatchTable()
    ingest: IngestTable | None = None
    hunt: list[HuntTable] = []
    report: ReportTable | None = None
    mail: MailTable | None = None


_TABLES: Mapping[str, type[BaseModel]] = {
    "": _File,
    "batch": BatchTable,
    "ingest": IngestTable,
    "hunt": HuntTable,
    "report": ReportTable,
    "mail": MailTable,
}


@dataclass(frozen=True)
class BatchFile:
    """A batch as its file describes it, checked."""

    path: Path
    name: str
    batch: BatchTable
    ingest: IngestTable | None
    hunts: tuple[HuntTable, ...]
    report: ReportTable | None
    mail: MailTable | None

    @classmethod
    def load(cls, path: Path, library: Library) -> BatchFile:
        """Read the file *path*; raises :class:`UsageError` with the line of what is wrong."""
        text, found = toml_file.read(path)
        try:
            return cls._of(path, found, library)
        except WrongError as error:
            raise UsageError(f"{path}, line {line_of(text, error.path)}: {error.reason}") from None

    @classmethod
    def _of(cls, path: Path, found: Any, library: Library) -> BatchFile:
        file = _checked(found)
        name = file.batch.name if file.batch.name is not None else path.stem.lower()
        made = cls(path.resolve(), name, file.batch, file.ingest, tuple(file.hunt), file.report, file.mail)
        for place, check in made._checks(library):
            try:
                check()
            except UsageError as error:
                raise WrongError(place, f"{dotted(place)}: {error}") from None
        return made

    @property
    def warehouse(self) -> Path:
        """The warehouse's folder."""
        return self.at(self.batch.warehouse)

    @property
    def fail_on(self) -> Severity | None:
        """From which severity on hits end the batch with 4."""
        return Severity(self.batch.fail_on) if self.batch.fail_on else None

    def at(self, text: str) -> Path:
        """Return the path that *text* in the file means."""
        return self.path.parent / text

    def filters(self, part: HuntTable | ReportTable, since_last: str | None) -> Filters:
        """Return the filters of *part*; *since_last* is what ``last-run`` stands for, None before the first run."""
        given = self.since(part)
        since = None if given == EVERYTHING else since_last if given == LAST_RUN else given
        return Filters(part.since, part.until, part.host, part.user, ingested_since=since)

    def since(self, part: HuntTable | ReportTable) -> str:
        """Return what *part* says, or else the batch says, of the time of ingest."""
        if part.ingested_since is not None:
            return part.ingested_since
        # What is compared has to be about the same logs and more, or all that is old would be gone.
        return EVERYTHING if isinstance(part, ReportTable) and part.compare else self.batch.ingested_since

    @staticmethod
    def analytics(library: Library, part: HuntTable) -> list[Analytic]:
        """Return the analytics that *part* is about."""
        wanted = Selection(tuple(part.technique), part.side, tuple(part.kind), part.min_severity)
        return wanted.narrow(select(library, part.ids))

    def outputs(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Yield where each output stands in the file, and its name with the places to fill."""
        for number, part in enumerate(self.hunts):
            yield from ((("hunt", number, "outputs", i), one) for i, one in enumerate(part.outputs))
        if self.report:
            yield from ((("report", "outputs", i), one) for i, one in enumerate(self.report.outputs))
        if self.mail:
            yield ("mail", "output"), self.mail.output

    def filled(self, template: str, started: datetime, analytic: str = "") -> Path:
        """Return the path of the output *template* for a run that *started* then."""
        values = {"name": self.name, "date": f"{started:%Y-%m-%d}", "time": f"{started:%H%M%S}", "id": analytic}
        return self.at(_PLACE.sub(lambda found: values[found[1]], template))

    def _checks(self, library: Library) -> Iterator[tuple[tuple[str | int, ...], Callable[[], object]]]:
        batch = self.batch
        yield ("batch", "name"), lambda: runs.check_name(self.name)
        yield ("batch", "fail_on"), lambda: _severity(batch.fail_on)
        yield ("batch", "ingested_since"), lambda: _since(batch.ingested_since)
        if self.ingest and self.ingest.assume_tz is not None:
            zone = self.ingest.assume_tz
            yield ("ingest", "assume_tz"), lambda: Zone.of(zone)
        if not (self.ingest or self.hunts or self.report):
            yield ("batch",), lambda: _refuse("there is nothing to do: no [ingest], no [[hunt]], no [report]")
        for number, part in enumerate(self.hunts):
            yield from _window_checks(("hunt", number), part)
            yield ("hunt", number), partial(self.analytics, library, part)
        if report := self.report:
            yield from _window_checks(("report",), report)
            if report.compare and self.since(report) != EVERYTHING:
                why = (
                    f'with compare the report has to be of everything: ingested_since = "{EVERYTHING}", or leave it out'
                )
                yield ("report", "ingested_since"), lambda: _refuse(why)
        if mail := self.mail:
            for i, one in enumerate(filter(None, (mail.sender, *mail.to))):
                is_sender = bool(mail.sender) and i == 0
                place: tuple[str | int, ...] = ("mail", "from") if is_sender else ("mail", "to", i - bool(mail.sender))
                yield place, partial(_address, one)
        seen: set[str] = set()
        for where, template in self.outputs():
            yield where, partial(_output, where[0], template)
            yield where, partial(_once, template, seen)


def format_of(template: str) -> Format:
    """Return the format of a report's output by its suffix."""
    if template.lower().endswith(_NAVIGATOR):
        return Format.NAVIGATOR
    found = SUFFIXES.get(Path(template).suffix.lower())
    if found is None:
        raise UsageError(f"{template}: the suffix names no format; use {', '.join((*SUFFIXES, _NAVIGATOR))}")
    return found


def _window_checks(
    place: tuple[str | int, ...], part: _Window
) -> Iterator[tuple[tuple[str | int, ...], Callable[[], object]]]:
    for name in ("since", "until"):
        if (text := getattr(part, name)) is not None:
            # Which event is the newest is known later; here only that it is a time.
            yield (*place, name), partial(moment, text, clock.now(), name)
    if (since := part.ingested_since) is not None:
        yield (*place, "ingested_since"), lambda: _since(since)
    yield place, lambda: Filters(part.since, part.until, part.host, part.user)


def _checked(found: Any) -> _File:
    try:
        return _File.model_validate(found)
    except ValidationError as error:
        first = first_cause(error)
        place = first["loc"]
        if first["type"] != "extra_forbidden":
            raise WrongError(place, f"{dotted(place)}: {_cause(first)}") from None
        table = _TABLES[str(place[0]) if len(place) > 1 else ""]
        known = [field.alias or name for name, field in table.model_fields.items()]
        near = difflib.get_close_matches(str(place[-1]), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        raise WrongError(place, f"{dotted(place)}: no such key; {hint}") from None


def _cause(first: Any) -> str:
    words = {
        "string_type": "a text in quotes",
        "list_type": "a list",
        "bool_type": "true or false",
        "int_type": "a number",
        "model_type": "a table",
    }
    if first["type"] == "missing":
        return "is missing"
    if first["type"] in words:
        return f"{words[first['type']]} is wanted, found {short(first['input'])}"
    return f"{first['msg'][:1].lower()}{first['msg'][1:]}, found {short(first['input'])}"


def _severity(text: str | None) -> None:
    if text is not None and text not in [*Severity]:
        raise UsageError(f"{short(text)} is none of {', '.join(Severity)}")


def _since(text: str) -> None:
    if not text.strip():
        raise UsageError(f'is empty; wanted is "{LAST_RUN}", "{EVERYTHING}" or a time')
    if text not in (LAST_RUN, EVERYTHING):
        ingested(text, "ingested-since")


def _output(kind: str | int, template: str) -> None:
    places = PLACES if kind == "hunt" else PLACES[:-1]
    for name in _PLACE.findall(template):
        if name not in places:
            raise UsageError(f"{{{name}}} is none of {', '.join(f'{{{one}}}' for one in places)}")
    rest = _PLACE.sub("x", template)
    if "{" in rest or "}" in rest or "\0" in rest:
        raise UsageError(f"{short(template)}: no name of a file: a brace without its other half")
    if not Path(rest).suffix:
        raise UsageError(f"{short(template)}: names no file with a suffix")
    if kind == "hunt":
        formats.format_of(Path(rest))
    elif kind == "report":
        format_of(rest)


def _once(template: str, seen: set[str]) -> None:
    key = template.lower()
    if key in seen:
        raise UsageError(f"{short(template)} is the name of another output too")
    seen.add(key)


def _address(text: str) -> None:
    if not text.isascii() or not _ADDRESS.fullmatch(text):
        raise UsageError(f"{short(text)} is no mail address such as soc@corp.example")


def _refuse(reason: str) -> None:
    raise UsageError(reason)
