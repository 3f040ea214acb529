"""What a report says, whatever it is printed as: the one model between the warehouse and the renderers.

All texts are as logged (with passwords masked unless they were asked for): each renderer escapes them for its own
format. Times are UTC. The JSON form of :class:`Report` is the hand-over format; its schema is docs/report.schema.json.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

#: Raised when the meaning of a field changes.
SCHEMA_VERSION = 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Link(_Part):
    """A reference: ``url`` is None where the source has none."""

    title: str
    url: str | None = None


class Technique(_Part):
    """An ATT&CK technique and the tactics under which the documents put it (``TA0002 Execution``)."""

    id: str
    name: str
    tactics: tuple[str, ...]


class Head(_Part):
    """The report's table of particulars."""

    title: str
    created: datetime
    executed: datetime
    first_time: datetime | None
    """Of the records looked at."""
    last_time: datetime | None
    since: str | None
    """Filters as they were given."""
    until: str | None
    host: str | None
    user: str | None
    ingested_since: str | None = None
    """Only what rests on a record that came in since then."""
    environment: str
    hunter: str
    techniques: tuple[Technique, ...]
    hypothesis: tuple[str, ...]
    records: int
    hosts: int
    tool_version: str
    secrets_shown: bool


class DataNeed(_Part):
    """A kind of data that the hunt needs, against what was found of it."""

    name: str
    """In the documents' words: ``Process Command-Line Parameters``."""
    log: str
    """``Sysmon 1``, ``Security 4688`` ..."""
    hosts_seen: int
    hosts: int
    records: int
    first_time: datetime | None
    last_time: datetime | None
    verdict: Literal["seen", "partly", "not seen"]
    text: str
    """In coverage's honest words."""


class Query(_Part):
    """One line of the results table, zero rows among them."""

    id: str
    version: int
    title: str
    kind: str
    severity: str
    hits: int
    hosts: int | None
    first_time: datetime | None
    last_time: datetime | None
    seen: str
    """``4 of 7 hosts (command line in 62 % of records)``."""
    sentence: str
    """What a zero means, in coverage's words."""
    documents: tuple[str, ...]
    """``hunt-report-wmi-lateral-movement: WMI Parent Command-Line``."""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    """Some of its rows as text, for what is not in a case: bounded by ``--rows``; ``hits`` says how many there are."""
    suppressed: int = 0
    """Hits that the settings expect: they are not among ``hits``, and in no case."""


class Evidence(_Part):
    """One record that a case rests on."""

    side: Literal["source", "target", "host"]
    time: datetime | None
    host: str
    log: str
    what: str
    """What it tells in a few words: process and command line, address and port, account."""
    event_uid: str
    source_file: str
    source_record: int


class Process(_Part):
    """A process of the session in which a case's command ran."""

    time: datetime | None
    host: str
    process_name: str
    process_id: int | None
    command_line: str
    parent_process_name: str


class Points(_Part):
    """One reason of a confidence: ``exact tie`` 40."""

    reason: str
    points: int


class Case(_Part):
    """One act: a lateral movement with both its sides, or what analytics found on one host and no movement explains.

    ``id`` is made of what happened and not of when it was found: the same act has the same id in the next report.
    """

    id: str
    number: int
    kind: Literal["lateral movement", "finding"]
    title: str
    """``WORKSTATION5 -> WORKSTATION6 as THESHIRE.LOCAL\\pgustavo: net user /add backdoor``."""
    severity: str
    first: datetime | None
    last: datetime | None
    source: str | None
    """Host or address; hosts in upper case, as Windows shows them."""
    target: str | None
    user: str | None
    vehicle: str | None
    confidence: int | None
    certainty: str | None
    why: tuple[Points, ...]
    side_without_logs: str | None
    suspicion: tuple[str, ...]
    source_ip: str | None
    source_via: str | None
    source_process: str | None
    source_command_line: str | None
    remote_command: str | None
    target_process: str | None
    target_command_line: str | None
    logon_ids: tuple[str, ...]
    clock_skew_seconds: float | None
    session: tuple[Process, ...]
    evidence: tuple[Evidence, ...]
    analytics: tuple[str, ...]
    """Ids of every analytic that hit within this act."""
    messages: tuple[str, ...]
    """Their risk messages, each once."""
    risk_score: int
    techniques: tuple[str, ...]
    response: tuple[str, ...]
    """Steps of the documents, filled with this case's names."""
    commands: tuple[str, ...]
    """Commands that look closer: ``wmiwh session WORKSTATION6 0x551686``."""


class StackTable(_Part):
    """A stack count: rare first."""

    id: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total_rows: int


class RiskObject(_Part):
    """Risk of a host or a user: the highest score of each act, added up."""

    object: str
    type: str
    risk_score: int
    acts: int
    analytics: int
    techniques: tuple[str, ...]
    first_time: datetime | None
    last_time: datetime | None
    message: str


class Talk(_Part):
    """Which systems talk to each other, and which users go with them."""

    source: str
    target: str
    users: tuple[str, ...]
    how: str
    """``lateral movement``, ``network logon``, ``wmic named it`` ..."""
    times: int
    first_time: datetime | None
    last_time: datetime | None


class HostCoverage(_Part):
    """What was seen of one host; ``logs`` is empty for a host that only others name."""

    host: str
    records: int
    first_time: datetime | None
    last_time: datetime | None
    logs: tuple[str, ...]
    doubts: tuple[str, ...]
    """Clears, holes in the record ids, logs that end before an act ..."""


class Note(_Part):
    """One of the document's questions and what the data answers."""

    question: str
    answer: str


class Source(_Part):
    """One file that was read, for custody."""

    file: str
    sha256: str | None
    size: int | None
    format: str | None
    records: int
    first_time: datetime | None
    last_time: datetime | None
    status: str
    reason: str | None
    ingested_at: datetime


class ReadProblem(_Part):
    """What could not be read, or was read in spite of damage."""

    file: str
    position: str
    reason: str
    lost: int


class Batch(_Part):
    """A batch of the lake with the SHA-256 of its ``batch.json``, which lists those of all its files."""

    id: str
    sha256: str


class Suppression(_Part):
    """What the settings say of expected hits, and what it hides."""

    id: str
    status: Literal["applied", "unused", "expired"]
    hits: int
    """A hit that two suppressions hide counts for both."""
    first_time: datetime | None
    last_time: datetime | None
    analytics: tuple[str, ...]
    """What it hides of each: ``wmi_subscription 12``; where it hides nothing, those that it names."""
    where: str
    """Its conditions in words."""
    reason: str
    author: str
    expires: str
    """The first day on which it hides nothing any more; empty for none."""


class Change(_Part):
    """One difference to the report that this one was compared with."""

    what: Literal["new", "gone", "changed"]
    kind: Literal["filter", "case", "query", "risk", "source"]
    name: str
    before: str
    after: str


class Report(_Part):
    """A whole report."""

    schema_version: int = SCHEMA_VERSION
    head: Head
    summary: tuple[str, ...]
    """What anybody reads first: who moved from where to where, when, as whom, how sure; and what was not seen."""
    needs: tuple[DataNeed, ...]
    queries: tuple[Query, ...]
    cases: tuple[Case, ...]
    stacks: tuple[StackTable, ...]
    risk: tuple[RiskObject, ...]
    talks: tuple[Talk, ...]
    coverage: tuple[HostCoverage, ...]
    caution: str
    notes: tuple[Note, ...]
    follow_up: tuple[str, ...]
    conclusion: str | None
    """The hunter's own words (``--conclusion``), or None: a report never concludes by itself."""
    references: tuple[Link, ...]
    sources: tuple[Source, ...]
    problems: tuple[ReadProblem, ...]
    batches: tuple[Batch, ...] = ()
    """The batches of the lake that was read, for custody: the same digests, the same lake."""
    left_out: tuple[str, ...] = ()
    """What is not shown here, each with the command that shows it."""
    suppressed: tuple[Suppression, ...] = ()
    """What is hidden by the settings, and by which of them."""
    changes: tuple[Change, ...] = ()
    compared_with: str | None = None
