"""Makes cases of what was found: each lateral movement is one with the evidence of both sides, each other act one more.

An act is seen by many analytics and stands here once; which findings are one act is worked out with the risk.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from wmiwarehouse.content.library import Library
from wmiwarehouse.content.metadata import AnalyticMetadata
from wmiwarehouse.hunting.risk import move_act
from wmiwarehouse.hunting.selection import SEVERITIES
from wmiwarehouse.report import records, sessions
from wmiwarehouse.report.model import Case, Evidence, Points
from wmiwarehouse.report.options import ReportOptions
from wmiwarehouse.report.responses import steps

Row = Mapping[str, Any]

MOVEMENT = "lateral_movement"
#: The document whose response steps stand for its analytic.
_RESPONSE = "xql_wmic_remote_exec"
#: So many movements are told at length; a thousand of them must still be a page that opens.
_AT_LENGTH = 20
_LONG, _SHORT, _SHORTEST = 4096, 600, 240
#: Records, messages and steps of a finding: its commands show the rest.
_EVIDENCE, _MESSAGES, _STEPS = 4, 3, 100
_MOVEMENT_EVIDENCE = 60
_NOBODY = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Found:
    """The cases that are shown, in order, and how many of each kind there are."""

    cases: tuple[Case, ...]
    movements: int
    findings: int


class _Act:
    """The findings of one act, the highest score first."""

    def __init__(self, events: Iterable[Row], library: Library) -> None:
        self.events = sorted(events, key=lambda row: (-row["risk_score"], row["analytic"], row["message"] or ""))
        heads: list[AnalyticMetadata] = [
            library.newest[row["analytic"]].metadata for row in self.events if row["analytic"] in library.newest
        ]
        self.heads = list({head.id: head for head in heads}.values())
        self.analytics = tuple(sorted({row["analytic"] for row in self.events}))
        self.messages = tuple(dict.fromkeys(row["message"] for row in self.events if row["message"]))
        self.techniques = tuple(sorted({one for row in self.events for one in row["techniques"] or ()}))
        self.score = max((row["risk_score"] for row in self.events), default=0)
        self.severity = max((row["severity"] for row in self.events), key=SEVERITIES.index, default="informational")
        self.first = min((row["event_time"] for row in self.events if row["event_time"]), default=None)
        lasts = [row["last_time"] or row["event_time"] for row in self.events]
        self.last = max((time for time in lasts if time), default=None)
        self.uids = tuple(dict.fromkeys(uid for row in self.events for uid in row["event_uids"] or ()))
        self.host = next((row["host"] for row in self.events if row["host"]), None)
        self.user = next((row["user"] for row in self.events if row["user"]), None)


def build(
    connection: Any, library: Library, moves: Sequence[Row], events: Sequence[Row], options: ReportOptions
) -> Found:
    """Return the cases of the lateral movements *moves* and of the risk *events*."""
    acts: dict[str, list[Row]] = defaultdict(list)
    for event in events:
        acts[event["act"]].append(event)
    chosen = sorted(moves, key=lambda row: (-row["confidence"], _when(row["first"]), row["source"], row["target"]))
    ids = [move_act(row["source"] or "", row["target"] or "", row["user"], row["first"]) for row in chosen]
    rest = [(name, _Act(found, library)) for name, found in acts.items() if name not in set(ids)]
    rest.sort(key=lambda item: (-item[1].score, _when(item[1].first), item[0]))
    shown = chosen[: options.cases]
    others = rest[: max(options.cases - len(shown), 0)]
    found = records.look_up(
        connection,
        [uid for row in shown for uid in _uids(row)] + [uid for _, act in others for uid in act.uids[:_EVIDENCE]],
    )
    ran = sessions.look_up(connection, shown, _uids)
    cases = [
        _movement(number, name, row, _Act(acts.get(name, ()), library), found, ran[number - 1], library, options)
        for number, (name, row) in enumerate(zip(ids, shown, strict=False), 1)
    ]
    cases += [_finding(len(shown) + n, name, act, found, options) for n, (name, act) in enumerate(others, 1)]
    return Found(tuple(cases), len(chosen), len(rest))


def _movement(
    number: int,
    name: str,
    row: Row,
    act: _Act,
    found: Mapping[str, Row],
    ran: sessions.Ran,
    library: Library,
    options: ReportOptions,
) -> Case:
    longest = _LONG if number <= _AT_LENGTH else _SHORT
    source, target = records.host_name(row["source"]), records.host_name(row["target"])
    command = row["remote_command"] or row["child_command_line"]
    head = library.newest[MOVEMENT].metadata
    response = library.newest[_RESPONSE].metadata.response if _RESPONSE in library.newest else head.response
    user = row["user"] or None
    return Case(
        id=name,
        number=number,
        kind="lateral movement",
        title=f"{source or 'unknown'} -> {target or 'unknown'} as {user or 'an unknown user'}"
        + (f": {records.cut(_one_line(command), 200)}" if command else ""),
        severity=max((head.severity, act.severity), key=SEVERITIES.index) if act.events else head.severity,
        first=row["first"],
        last=row["last"],
        source=source,
        target=target,
        user=user,
        vehicle=row["vehicle"],
        confidence=row["confidence"],
        certainty=row["certainty"],
        why=points(row["why"]),
        side_without_logs=row["side_without_logs"],
        suspicion=tuple(filter(None, (row["suspicion"] or "").split(", "))),
        source_ip=row["source_ip"],
        source_via=row["source_via"],
        source_process=row["source_process_name"],
        source_command_line=_cut(row["source_command_line"], longest),
        remote_command=_cut(row["remote_command"], longest),
        target_process=row["child_process_name"],
        target_command_line=_cut(row["child_command_line"], longest),
        logon_ids=tuple(sorted(row["logon_ids"] or (), key=lambda text: (len(text), text))),
        clock_skew_seconds=row["clock_skew_seconds"],
        session=tuple(ran.processes),
        evidence=_both_sides(row, found, longest=_SHORT if number <= _AT_LENGTH else _SHORTEST),
        analytics=act.analytics or (MOVEMENT,),
        messages=tuple(records.cut(_one_line(text), _SHORT) for text in act.messages[:10]),
        risk_score=act.score or (head.risk_score or 0),
        techniques=act.techniques or tuple(sorted({tag.technique for tag in head.attack})),
        response=steps(response, source, target, user, command),
        commands=_closer(row, ran, options.where),
    )


def _finding(number: int, name: str, act: _Act, found: Mapping[str, Row], options: ReportOptions) -> Case:
    host = records.host_name(act.host)
    shown = [found[uid] for uid in act.uids[:_EVIDENCE] if uid in found]
    process = next((one for one in shown if one["command_line"]), None) or next(
        (one for one in shown if one["process_name"]), None
    )
    command = (process["command_line"] or process["process_path"]) if process else None
    title = act.messages[0] if act.messages else act.analytics[0]
    grave = SEVERITIES.index(act.severity) >= SEVERITIES.index("high") and number <= _STEPS
    response = next((head.response for head in act.heads if head.response), ()) if grave else ()
    return Case(
        id=name,
        number=number,
        kind="finding",
        title=records.cut(_one_line(f"{host or 'unknown host'}: {title}"), _SHORTEST),
        severity=act.severity,
        first=act.first,
        last=act.last,
        source=host,
        target=None,
        user=act.user,
        vehicle=None,
        confidence=None,
        certainty=None,
        why=(),
        side_without_logs=None,
        suspicion=(),
        source_ip=None,
        source_via=None,
        source_process=process["process_name"] if process else None,
        source_command_line=_cut(command, _SHORTEST),
        remote_command=None,
        target_process=None,
        target_command_line=None,
        logon_ids=(),
        clock_skew_seconds=None,
        session=(),
        evidence=tuple(_evidence(one, "host", _SHORTEST) for one in _by_time(shown)),
        analytics=act.analytics,
        messages=tuple(records.cut(_one_line(text), _SHORTEST) for text in act.messages[:_MESSAGES]),
        risk_score=act.score,
        techniques=act.techniques,
        response=steps(response, host, None, act.user, command),
        commands=_of_finding(act, shown, options.where),
    )


def points(why: str | None) -> tuple[Points, ...]:
    """Return the reasons of a confidence (``exact tie 40, port 135 5``) one by one."""
    parts = [part.strip().rpartition(" ") for part in (why or "").split(",") if part.strip()]
    return tuple(Points(reason=reason, points=int(number)) for reason, _, number in parts if number.isdecimal())


def _both_sides(row: Row, found: Mapping[str, Row], longest: int) -> tuple[Evidence, ...]:
    told = []
    for side in ("source", "target"):
        sides = [found[one["event_uid"]] for one in row[f"{side}_evidence"] or () if one["event_uid"] in found]
        told += [_evidence(one, side, longest) for one in _by_time(sides)]
    return tuple(told[:_MOVEMENT_EVIDENCE])


def _evidence(record: Row, side: Any, longest: int) -> Evidence:
    made = records.evidence(record, side)
    return made.model_copy(update={"what": records.cut(made.what, longest)}) if len(made.what) > longest else made


def _closer(row: Row, ran: sessions.Ran, where: str) -> tuple[str, ...]:
    """Return the commands that look closer: sessions in which something ran first, then one record of each side."""
    host = records.host_name(row["target_host"])
    ids = sorted(row["logon_ids"] or (), key=lambda text: (text not in ran.logon_ids, len(text), text))[:3]
    commands = [f"wmiwh session {shlex.quote(host)} {logon_id}{where}" for logon_id in ids if host]
    if ran.more:
        commands[:1] = [f"{commands[0]}  # {ran.more:,} more processes ran in it"] if commands else []
    total = len(_uids(row))
    for side in ("source", "target"):
        listed = row[f"{side}_evidence"] or ()
        if listed:
            last = max(listed, key=lambda one: (_when(one["event_time"]), one["event_uid"]))
            commands.append(f"wmiwh event {last['event_uid']}{where}")
    if total > _MOVEMENT_EVIDENCE:
        commands.append(f"wmiwh hunt {MOVEMENT} -f json{where}  # all {total:,} records of evidence")
    return tuple(commands)


def _of_finding(act: _Act, shown: Sequence[Row], where: str) -> tuple[str, ...]:
    more = f"  # 1 of {len(act.uids):,} records" if len(act.uids) > len(shown) else ""
    return tuple(f"wmiwh event {one['event_uid']}{where}{more}" for one in shown[:1])


def _uids(row: Row) -> list[str]:
    return [one["event_uid"] for side in ("source", "target") for one in row[f"{side}_evidence"] or ()]


def _by_time(listed: Iterable[Row]) -> list[Row]:
    return sorted(listed, key=lambda one: (_when(one["event_time"]), one["event_uid"]))


def _when(time: datetime | None) -> datetime:
    return time or _NOBODY


def _cut(text: str | None, longest: int) -> str | None:
    return None if text is None else records.cut(text, longest)


def _one_line(text: str) -> str:
    return " ".join(text.split())
