"""The session rule against a plain statement of it, on logons, logoffs, boots and processes made up at random.

The given/expect files show the rule's cases one by one; this shows that they do not disturb each other, and that no
order of records, no reuse of an id and no equal id on another host attributes a process to a session of somebody else.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Row = dict[str, Any]
Lake = Callable[[list[Row]], duckdb.DuckDBPyConnection]
Fetch = Callable[[duckdb.DuckDBPyConnection, str], list[Row]]

HOSTS = ("ws01", "ws02", "srv01")
IDS = ("0x551", "0x552", "0xabc")
SYSTEM = ("0x0", "0x3e2", "0x3e4", "0x3e5", "0x3e7")
START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KINDS = ("4624", "4624", "4634", "4647", "6005", "kernel 12", "sysmon 1", "sysmon 1", "4688", "4688 by subject")


@dataclass(frozen=True)
class Mark:
    """One record: what it is, where, when, about which logon id. *number* is its place in its host's log."""

    number: int
    kind: str
    host: str
    time: datetime
    logon_id: str
    logon_type: int

    @property
    def uid(self) -> str:
        return f"mark{self.number:03}"

    @property
    def is_boot(self) -> bool:
        return self.kind in ("6005", "kernel 12")

    @property
    def is_process(self) -> bool:
        return self.kind in ("sysmon 1", "4688", "4688 by subject")

    def row(self) -> Row:
        row: Row = {
            "is": self.kind.split()[0] if self.kind.startswith("4688") else self.kind,
            "event_uid": self.uid,
            "host": self.host,
            "event_time": self.time,
            "record_id": self.number,
        }
        if self.kind == "sysmon 1":
            row["logon_id"] = self.logon_id
        elif self.kind == "4688":
            row |= {"target_name": "u", "target_logon_id": self.logon_id, "subject_logon_id": "0x3e4"}
        elif self.kind == "4688 by subject":
            row |= {"target_logon_id": "0x0", "subject_logon_id": self.logon_id}
        elif not self.is_boot:
            row["target_logon_id"] = self.logon_id
        if self.kind == "4624":
            row["logon_type"] = self.logon_type
        return row


def boots(marks: list[Mark], host: str) -> list[datetime]:
    """When *host* was started: records at most 120 seconds apart are one boot, but for the second of a kind."""
    first: dict[tuple[int, int], datetime] = {}
    seconds: dict[str, set[datetime]] = {}
    burst, before = 0, None
    for mark in sorted((mark for mark in marks if mark.is_boot and mark.host == host), key=lambda mark: mark.time):
        if before is None or mark.time - before > 120 * SECOND:
            burst, seconds = burst + 1, {}
        before = mark.time
        seconds.setdefault(mark.kind, set()).add(mark.time.replace(microsecond=0))
        first.setdefault((burst, len(seconds[mark.kind])), mark.time)
    return sorted(first.values())


def session_of(process: Mark, marks: list[Mark]) -> Mark | None:
    """The session rule, read aloud."""
    if process.logon_id in SYSTEM:
        return None
    same = sorted(
        (mark for mark in marks if (mark.host, mark.logon_id) == (process.host, process.logon_id) and not mark.is_boot),
        key=lambda mark: (mark.time, mark.number),
    )
    logons = [mark for mark in same if mark.kind == "4624"]
    session = next((mark for mark in reversed(logons) if mark.time <= process.time), None)
    if session is None:
        return None
    # Its own logoffs are those after it, before the id is given again, before the host is started again.
    place = logons.index(session)
    following = logons[place + 1] if place + 1 < len(logons) else None
    boot = min((time for time in boots(marks, process.host) if time > session.time), default=None)
    own = [
        mark
        for mark in same
        if (session.time, session.number) < (mark.time, mark.number)
        and (following is None or (mark.time, mark.number) < (following.time, following.number))
    ]
    logoffs = [mark.time for mark in own if mark.kind == "4634" and (boot is None or mark.time <= boot)]
    ends = logoffs or [mark.time for mark in own if mark.kind == "4647"]
    ends = [min(ends)] if ends else []
    ends += [boot] if boot is not None else []
    if not ends:
        return session
    end = min(ends)
    covered = process.time < end + SECOND if end.microsecond == 0 else process.time <= end
    return session if covered else None


def marks_by(seed: int, count: int = 60) -> list[Mark]:
    """*count* records of three hosts within ten minutes; of each host's clock all times are cut to seconds, or few."""
    dice = random.Random(seed)
    cut = {host: dice.choice((0.1, 0.5, 1.0)) for host in HOSTS}
    span = dice.choice((20, 120, 600))
    marks = []
    for number in range(count):
        host = dice.choice(HOSTS)
        time = START + timedelta(microseconds=dice.randrange(span * 1_000_000))
        if dice.random() < cut[host]:
            time = time.replace(microsecond=0)
        kind = dice.choice(KINDS)
        if kind in ("6005", "kernel 12") and dice.random() < 0.5:
            kind = "4624"
        logon_id = dice.choice(SYSTEM) if dice.random() < 0.1 else dice.choice(IDS)
        marks.append(Mark(number, kind, host, time, logon_id, dice.choice((2, 3, 3, 5, 10))))
    return marks


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 32))
def test_each_process_is_in_the_session_that_the_rule_says(seed: int, lake: Lake, fetch: Fetch) -> None:
    marks = marks_by(seed)
    rows = [mark.row() for mark in marks]
    random.Random(seed + 1).shuffle(rows)
    found = fetch(lake(rows), "session_process")
    processes = [mark for mark in marks if mark.is_process]
    sessions = {mark.uid: session_of(mark, marks) for mark in processes}
    wanted = {uid: (session.uid, session.logon_type) for uid, session in sessions.items() if session is not None}
    assert {row["event_uid"]: (row["session_uid"], row["logon_type"]) for row in found} == wanted
    assert len(found) == len(wanted), "a process in two sessions"
    by_uid = {mark.uid: mark for mark in marks}
    for row in found:
        session = by_uid[row["session_uid"]]
        assert (session.host, session.logon_id) == (row["host"], row["logon_id"])
        assert session.logon_id not in SYSTEM
        assert session.time <= row["event_time"]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_records_does_not_matter(seed: int, lake: Lake, fetch: Fetch) -> None:
    rows = [mark.row() for mark in marks_by(seed)]
    answers = []
    for shuffle in range(3):
        random.Random(shuffle).shuffle(rows)
        connection = lake(rows)
        found = [fetch(connection, view) for view in ("session_process", "logon_session")]
        for one in found:
            for row in one:
                del row["source_record"]  # the order itself
        answers.append([sorted(one, key=lambda row: str(row["event_uid"])) for one in found])
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0], "nothing was attributed: the test says nothing"


@pytest.mark.parametrize("seed", range(5))
def test_network_sessions_with_processes_are_the_report(seed: int, lake: Lake, fetch: Fetch) -> None:
    marks = marks_by(seed)
    connection = lake([mark.row() for mark in marks])
    sessions = [session_of(mark, marks) for mark in marks if mark.is_process]
    wanted: dict[str, int] = {}
    for session in sessions:
        if session is not None and session.logon_type == 3:
            wanted[session.uid] = wanted.get(session.uid, 0) + 1
    found = fetch(connection, "hunt.report_remote_execution_v1")
    assert {row["event_uid"]: row["process_count"] for row in found} == wanted
    assert wanted, "no session: the test says nothing"
    for row in found:
        assert [one["event_time"] for one in row["processes"]] == sorted(one["event_time"] for one in row["processes"])
        assert {one["host"] for one in row["processes"]} == {row["host"]}


def test_the_rule_as_read_aloud_knows_its_cases() -> None:
    """The oracle itself: wrong in the same way as the view, it would prove nothing."""

    def at(number: int, kind: str, seconds: float, logon_type: int = 3, host: str = "ws01", own: str = "0x551") -> Mark:
        return Mark(number, kind, host, START + timedelta(seconds=seconds), own, logon_type)

    logon, off, cut_off = at(0, "4624", 0), at(1, "4634", 10.5), at(1, "4634", 10)
    process = at(9, "sysmon 1", 10.3)
    assert session_of(process, [logon, off]) == logon
    assert session_of(process, [logon, cut_off]) == logon
    assert session_of(at(9, "sysmon 1", 11), [logon, cut_off]) is None
    assert session_of(at(9, "sysmon 1", 10.6), [logon, off]) is None
    assert session_of(process, [logon, at(1, "4647", 5.5)]) is None
    assert session_of(process, [logon, at(1, "4647", 5.5), off]) == logon
    assert session_of(process, [logon, at(1, "6005", 5.5)]) is None
    assert session_of(process, [logon, at(1, "6005", 5.5, host="ws02")]) == logon
    again = at(1, "4624", 10.3, logon_type=2)
    assert session_of(process, [logon, again]) == again
    assert session_of(process, [at(0, "4624", 0, host="ws02")]) is None
    assert session_of(at(9, "4688", 5, own="0x3e7"), [at(0, "4624", 0, own="0x3e7")]) is None
