"""The facts that stand at the head of each SQL file, checked strictly.

A hunter decides by these facts whether to believe a hit, and coverage, risk and scheduling are worked out from them. So
a misspelt key or a wrong word is an error that names file and field, never a silent default.
"""

from __future__ import annotations

import datetime as dt
import difflib
import json
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.frontmatter import Document


class ContentError(WmiwhError):
    """A file in ``sql/`` that cannot be used; the text is one line with file, field and cause."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def _one_line(text: str) -> str:
    if "\n" in text:
        raise ValueError("has a line break; one line is wanted")
    return text


def _cron(text: str) -> str:
    if len(text.split()) != 5:
        raise ValueError("is no cron line: five fields are wanted")
    return text


Line = Annotated[str, Field(min_length=1), AfterValidator(_one_line)]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Percent = Annotated[int, Field(ge=0, le=100)]

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


class Requirement(_Strict):
    """One log source that feeds an analytic, and the columns without which it cannot hit."""

    channel: Line
    event_id: int | None = None
    columns: tuple[Identifier, ...] = Field(min_length=1)


class Implements(_Strict):
    """Which row or query of which document an analytic is."""

    document: DocumentId
    item: Line
    dialect: Line | None = None
    note: Line | None = None


class Technique(_Strict):
    """An ATT&CK technique as the documents map it."""

    technique: Annotated[str, Field(pattern=r"^T\d{4}(\.\d{3})?$")]
    name: Line
    tactics: tuple[Annotated[str, Field(pattern=r"^TA\d{4} [A-Z]")], ...]
    coverage: Literal["low", "moderate", "high"] | None = None
    subtechnique: Line | None = None


class Countermeasure(_Strict):
    """A D3FEND countermeasure."""

    id: Annotated[str, Field(pattern=r"^D3-[A-Z]+$")]
    name: Line
    url: Line | None = None


class DataSource(_Strict):
    """A log source as a document names it, beside ATT&CK's words for it."""

    name: Line
    platform: Line | None = None
    sourcetype: Line | None = None
    source: Line | None = None
    provider: Line | None = None
    event_name: Line | None = None
    attack_data_source: Line | None = None
    attack_data_component: Line | None = None


class DataModelReference(_Strict):
    """Object, action and field of CAR's data model."""

    object: Line
    action: Line
    field: Line


class Macro(_Strict):
    """A named fragment of a document's query and where it stands here."""

    name: Line
    value: Line
    note: Line | None = None


class RiskObject(_Strict):
    """A column whose values risk is counted for; without a score of its own it counts the analytic's."""

    field: Identifier
    type: Literal["system", "user", "process", "other"]
    score: Percent | None = None


class Schedule(_Strict):
    """How often and over which stretch a document runs its query by default."""

    cron: Annotated[str, AfterValidator(_cron)]
    earliest: Line
    latest: Line
    window: Line | None = None
    enabled: bool = True


class Reference(_Strict):
    """Where a statement comes from."""

    title: Line
    url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None


class Simulation(_Strict):
    """A published way to make the activity happen in a test network."""

    title: Line
    author: Line | None = None
    url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None


class TestReport(_Strict):
    """A test that a document reports for its own query."""

    type: Line
    status: Line
    dataset: Line | None = None
    source: Line | None = None
    sourcetype: Line | None = None


class Release(_Strict):
    """One entry of a version history: a document's or this file's."""

    version: Line
    date: dt.date | None = None
    impact: Line | None = None
    notes: Line
    of: Literal["document", "view"] = "document"


class ModelMetadata(_Strict):
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


class AnalyticMetadata(_Strict):
    """Head of a file with an analytic: every field that the documents have, empty where theirs has none."""

    id: Identifier
    version: Annotated[int, Field(ge=1)]
    title: Line
    description: Annotated[str, Field(min_length=1)]
    kind: Kind
    side: Side
    filters: Filters = "rows"
    order_by: tuple[Line, ...] = Field(min_length=1)
    key: tuple[Identifier, ...] = ()
    """Columns that tell its rows apart, for a view whose rows have no ``event_uid``."""
    severity: Severity
    implements: tuple[Implements, ...] = ()
    requires: tuple[Requirement, ...] = Field(min_length=1)

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

    @model_validator(mode="after")
    def _risk_adds_up(self) -> AnalyticMetadata:
        if self.impact is not None and self.confidence is not None:
            expected = self.impact * self.confidence // 100
            if self.risk_score != expected:
                raise ValueError(f"risk_score is {self.risk_score}, but impact x confidence / 100 is {expected}")
        if self.confidence_field and self.impact is None:
            raise ValueError("confidence_field needs an impact")
        return self


class RiskMetadata(_Strict):
    """Head of a file in ``sql/risk``: what is made of the findings of all detections and chains."""

    id: Identifier
    version: Annotated[int, Field(ge=1)]
    title: Line
    description: Annotated[str, Field(min_length=1)]
    order_by: tuple[Line, ...] = Field(min_length=1)
    requires: tuple[Identifier, ...] = ()
    """Risk views (with their versions) that have to be there first."""
    version_history: tuple[Release, ...] = Field(min_length=1)
    notes: tuple[Line, ...] = ()

    @property
    def view(self) -> str:
        """Name of the view of this version in schema ``hunt``."""
        return f"{self.id}_v{self.version}"


def parse_model(document: Document) -> ModelMetadata:
    """Check the head of a file in ``sql/model``; raises :class:`ContentError`."""
    return _parse(document, "model", ModelMetadata)


def parse_analytic(document: Document) -> AnalyticMetadata:
    """Check the head of a file with an analytic; raises :class:`ContentError`."""
    return _parse(document, "analytic", AnalyticMetadata)


def parse_risk(document: Document) -> RiskMetadata:
    """Check the head of a file in ``sql/risk``; raises :class:`ContentError`."""
    return _parse(document, "risk", RiskMetadata)


_Head = TypeVar("_Head", bound=BaseModel)


def _parse(document: Document, kind: str, model: type[_Head]) -> _Head:
    if document.kind != kind:
        raise ContentError(f"{document.path}: expected '-- /// {kind}', found '-- /// {document.kind}'")
    try:
        # By way of JSON: there strict mode still reads lists as tuples and text as dates, but no text as a number.
        return model.model_validate_json(json.dumps(document.head, default=str), strict=True)
    except ValidationError as error:
        raise ContentError(f"{document.path}: {_one_cause(error, model)}") from None


def _one_cause(error: ValidationError, model: type[BaseModel]) -> str:
    """One error in one line, with the field as it is written in TOML, and how many more there are."""
    causes = error.errors(include_url=False)
    # A misspelt key explains the missing one that it leaves behind.
    first = next((cause for cause in causes if cause["type"] == "extra_forbidden"), causes[0])
    field = _dotted(first["loc"])
    match first["type"]:
        case "extra_forbidden":
            near = difflib.get_close_matches(str(first["loc"][-1]), _fields(model), n=1)
            text = f"{field}: no such field" + (f"; did you mean {near[0]}?" if near else "")
        case "missing":
            text = f"{field}: is missing"
        case "value_error":
            cause = str(first["ctx"]["error"])
            text = f"{field}: {cause}" if field else cause
        case _:
            text = f"{field}: {first['msg']}, found {first['input']!r}"
    return text + (f" (and {len(causes) - 1} more)" if len(causes) > 1 else "")


def _dotted(location: tuple[int | str, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).lstrip(".")


def _fields(model: type[BaseModel]) -> list[str]:
    """Every field name of *model* and of the tables inside it: a hint may as well be about an inner key."""
    names = list(model.model_fields)
    for part in _Strict.__subclasses__() if model is AnalyticMetadata else ():
        names += [name for name in part.model_fields if name not in names]
    return names
