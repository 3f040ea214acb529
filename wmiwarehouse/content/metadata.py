"""The facts that stand at the head of each SQL file, checked strictly.

A hunter decides by these facts whether to believe a hit, and coverage, risk and scheduling are worked out from them. So
a misspelt key or a wrong word is an error that names file and field, never a silent default.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from wmiwarehouse.errors import WmiwhError


class ContentError(WmiwhError):
    """A file in ``sql/`` that cannot be used; the text is one line with file, field and cause."""


class Part:
    """What the head of a file is made of; how pydantic is to read it, which is not needed to use it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "str_strip_whitespace": True}


@dataclass(frozen=True)
class _Limits:
    """Of a text, a number or a list, in the words of pydantic."""

    limits: tuple[tuple[str, int | str], ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return {**handler(source), **dict(self.limits)}


def _within(**limits: int | str) -> _Limits:
    return _Limits(tuple(limits.items()))


@dataclass(frozen=True)
class _Passes:
    """A value that *check* returns; it raises ValueError for one that is wrong."""

    check: Callable[[str], str]

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.check, handler(source))


def _one_line(text: str) -> str:
    if "\n" in text:
        raise ValueError("has a line break; one line is wanted")
    return text


def _cron(text: str) -> str:
    if len(text.split()) != 5:
        raise ValueError("is no cron line: five fields are wanted")
    return text


_Item = TypeVar("_Item")
Some = Annotated[tuple[_Item, ...], _within(min_length=1)]
Line = Annotated[str, _within(min_length=1), _Passes(_one_line)]
Identifier = Annotated[str, _within(pattern=r"^[a-z][a-z0-9_]*$")]
Percent = Annotated[int, _within(ge=0, le=100)]

Kind = Literal["detection", "context", "stack", "session", "chain"]
Side = Literal["source", "destination", "both"]
Severity = Literal["informational", "low", "medium", "high", "critical"]
Rate = Literal["low", "medium", "high", "unknown"]
#: Where ``--since --until --host --user`` apply: to the view's own rows, or to ``events`` beneath its aggregation.
Filters = Literal["rows", "events"]

DocumentId = Literal[
    "thp-t1028-wmic-remote",
    "car-2016-03-002",
    "huntquery-windows-wmic-remoteexec",
    "escu-remote-process-instantiation-via-wmi",
    "hunt-report-wmi-lateral-movement",
]


@dataclass(frozen=True, kw_only=True)
class Requirement(Part):
    """One log source that feeds an analytic, and the columns without which it cannot hit."""

    channel: Line
    event_id: int | None = None
    columns: Some[Identifier]


@dataclass(frozen=True, kw_only=True)
class Implements(Part):
    """Which row or query of which document an analytic is."""

    document: DocumentId
    item: Line
    dialect: Line | None = None
    note: Line | None = None


@dataclass(frozen=True, kw_only=True)
class Technique(Part):
    """An ATT&CK technique as the documents map it."""

    technique: Annotated[str, _within(pattern=r"^T\d{4}(\.\d{3})?$")]
    name: Line
    tactics: tuple[Annotated[str, _within(pattern=r"^TA\d{4} [A-Z]")], ...]
    coverage: Literal["low", "moderate", "high"] | None = None
    subtechnique: Line | None = None


@dataclass(frozen=True, kw_only=True)
class Countermeasure(Part):
    """A D3FEND countermeasure."""

    id: Annotated[str, _within(pattern=r"^D3-[A-Z]+$")]
    name: Line
    url: Line | None = None


@dataclass(frozen=True, kw_only=True)
class DataSource(Part):
    """A log source as a document names it, beside ATT&CK's words for it."""

    name: Line
    platform: Line | None = None
    sourcetype: Line | None = None
    source: Line | None = None
    provider: Line | None = None
    event_name: Line | None = None
    attack_data_source: Line | None = None
    attack_data_component: Line | None = None


@dataclass(frozen=True, kw_only=True)
class DataModelReference(Part):
    """Object, action and field of CAR's data model."""

    object: Line
    action: Line
    field: Line


@dataclass(frozen=True, kw_only=True)
class Macro(Part):
    """A named fragment of a document's query and where it stands here."""

    name: Line
    value: Line
    note: Line | None = None


@dataclass(frozen=True, kw_only=True)
class RiskObject(Part):
    """A column whose values risk is counted for; without a score of its own it counts the analytic's."""

    field: Identifier
    type: Literal["system", "user", "process", "other"]
    score: Percent | None = None


@dataclass(frozen=True, kw_only=True)
class Schedule(Part):
    """How often and over which stretch a document runs its query by default."""

    cron: Annotated[str, _Passes(_cron)]
    earliest: Line
    latest: Line
    window: Line | None = None
    enabled: bool = True


@dataclass(frozen=True, kw_only=True)
class Reference(Part):
    """Where a statement comes from."""

    title: Line
    url: Annotated[str, _within(pattern=r"^https?://\S+$")] | None = None


@dataclass(frozen=True, kw_only=True)
class Simulation(Part):
    """A published way to make the activity happen in a test network."""

    title: Line
    author: Line | None = None
    url: Annotated[str, _within(pattern=r"^https?://\S+$")] | None = None


@dataclass(frozen=True, kw_only=True)
class TestReport(Part):
    """A test that a document reports for its own query."""

    type: Line
    status: Line
    dataset: Line | None = None
    source: Line | None = None
    sourcetype: Line | None = None


@dataclass(frozen=True, kw_only=True)
class Release(Part):
    """One entry of a version history: a document's or this file's."""

    version: Line
    date: dt.date | None = None
    impact: Line | None = None
    notes: Line
    of: Literal["document", "view"] = "document"


@dataclass(frozen=True, kw_only=True)
class ModelMetadata(Part):
    """Head of a file in ``sql/model``."""

    name: Identifier
    title: Line
    requires: tuple[Identifier, ...] = ()
    whole: bool = False
    """Filters that narrow ``events`` do not reach this view: it looks things up beyond the range that is asked for."""
    kept: bool = False
    """A hunt that reads this view several times works it out once: costly, and small beside the lake."""
    remembered: bool = False
    """Of a large lake it is worked out once and kept on disk until the lake changes: very costly, and small."""
    shared: bool = False
    """Remembered too, by a hunt for many analytics. One alone looks through the lake sooner than it works this out."""
    notes: tuple[Line, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AnalyticMetadata(Part):
    """Head of a file with an analytic: every field that the documents have, empty where theirs has none."""

    id: Identifier
    version: Annotated[int, _within(ge=1)]
    title: Line
    description: Annotated[str, _within(min_length=1)]
    kind: Kind
    side: Side
    filters: Filters = "rows"
    order_by: Some[Line]
    key: tuple[Identifier, ...] = ()
    """Columns that tell its rows apart, for a view whose rows have no ``event_uid``."""
    severity: Severity
    implements: tuple[Implements, ...] = ()
    requires: Some[Requirement]

    risk_score: Percent | None = None
    impact: Percent | None = None
    confidence: Percent | None = None
    confidence_field: Identifier | None = None
    """Column with a row's own confidence: it takes the place of the head's in the score of that row."""
    message: Line | None = None
    risk_objects: tuple[RiskObject, ...] = ()

    attack: tuple[Technique, ...] = ()
    d3fend: tuple[Countermeasure, ...] = ()
    kill_chain: tuple[Line, ...] = ()
    nist: tuple[Line, ...] = ()
    cis: tuple[Line, ...] = ()
    threat_actors: tuple[Line, ...] = ()
    story: tuple[Line, ...] = ()

    hypothesis: Line | None = None
    simulation: tuple[Simulation, ...] = ()
    implementation: tuple[Line, ...] = ()
    considerations: tuple[Line, ...] = ()
    false_positives: tuple[Line, ...] = ()
    false_positive_rate: Rate = "unknown"
    permissions: tuple[Line, ...] = ()
    artifacts: tuple[Line, ...] = ()
    response: tuple[Line, ...] = ()

    platforms: tuple[Line, ...] = ()
    subtypes: tuple[Line, ...] = ()
    information_domain: Line | None = None
    analytic_type: Line | None = None
    contributors: tuple[Line, ...] = ()
    created: dt.date | None = None
    modified: dt.date | None = None
    document_version: Line | None = None

    schedule: Schedule | None = None
    macros: tuple[Macro, ...] = ()
    creates_notable: bool | None = None
    creates_risk_event: bool | None = None
    notable_fields: tuple[Identifier, ...] = ()
    data_sources: tuple[DataSource, ...] = ()
    data_model_references: tuple[DataModelReference, ...] = ()
    tested_on: tuple[TestReport, ...] = ()
    references: tuple[Reference, ...] = ()
    version_history: tuple[Release, ...] = ()
    notes: tuple[Line, ...] = ()

    @property
    def view(self) -> str:
        """Name of the view of this version in schema ``hunt``."""
        return f"{self.id}_v{self.version}"

    def __post_init__(self) -> None:
        """Refuse a score that does not follow from impact and confidence."""
        if self.impact is not None and self.confidence is not None:
            expected = self.impact * self.confidence // 100
            if self.risk_score != expected:
                raise ValueError(f"risk_score is {self.risk_score}, but impact x confidence / 100 is {expected}")
        if self.confidence_field and self.impact is None:
            raise ValueError("confidence_field needs an impact")


@dataclass(frozen=True, kw_only=True)
class RiskMetadata(Part):
    """Head of a file in ``sql/risk``: what is made of the findings of all detections and chains."""

    id: Identifier
    version: Annotated[int, _within(ge=1)]
    title: Line
    description: Annotated[str, _within(min_length=1)]
    order_by: Some[Line]
    requires: tuple[Identifier, ...] = ()
    """Risk views (with their versions) that have to be there first."""
    version_history: Some[Release]
    notes: tuple[Line, ...] = ()

    @property
    def view(self) -> str:
        """Name of the view of this version in schema ``hunt``."""
        return f"{self.id}_v{self.version}"


def plain(value: Any, *, sparse: bool = False) -> Any:
    """Return a head, or a part of one, as JSON has it: dates as text; without what nobody gave if *sparse*."""
    if isinstance(value, Part):
        parts = {name: plain(part, sparse=sparse) for name, part in vars(value).items()}
        return {name: part for name, part in parts.items() if part is not None} if sparse else parts
    if isinstance(value, tuple):
        return [plain(item, sparse=sparse) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value
