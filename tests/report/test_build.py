"""The report of the lab's logs against what the hunt itself returns: nothing twice, nothing left out without a word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting import risk
from wmiwarehouse.hunting.coverage import CAUTION
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.lake.tables import read
from wmiwarehouse.report import handover
from wmiwarehouse.report.cases import points
from wmiwarehouse.report.model import Case, Report

Make = Callable[..., Report]


@pytest.fixture(scope="module")
def moves(lab: Path, library: Library) -> list[dict[str, Any]]:
    with open_hunt(lab, library) as hunting:
        found: list[dict[str, Any]] = hunting.run(library.get("lateral_movement")).to_pylist()
    return found


@pytest.fixture(scope="module")
def events(lab: Path, library: Library) -> list[dict[str, Any]]:
    with open_hunt(lab, library) as hunting:
        found: list[dict[str, Any]] = risk.risk_events(hunting, library).to_pylist()
    return found


def _moves(report: Report) -> list[Case]:
    return [case for case in report.cases if case.kind == "lateral movement"]


def _whole(report: Report) -> Case:
    """Return a movement with all that a case can have."""
    return next(case for case in _moves(report) if case.remote_command and case.session and case.source_command_line)


def test_each_movement_is_one_case(report: Report, moves: list[dict[str, Any]]) -> None:
    told = [(case.source, case.target, case.user, case.first, case.confidence) for case in _moves(report)]
    wanted = [
        (row["source"].upper(), row["target"].upper(), row["user"] or None, row["first"], row["confidence"])
        for row in moves
    ]
    assert sorted(told, key=str) == sorted(wanted, key=str)
    assert len(told) > 40


def test_each_act_is_one_case(report: Report, events: list[dict[str, Any]]) -> None:
    ids = [case.id for case in report.cases]
    assert len(set(ids)) == len(ids)
    assert set(ids) == {row["act"] for row in events if row["risk_score"] > 0}
    assert [case.number for case in report.cases] == list(range(1, len(ids) + 1))


def test_what_carries_no_risk_is_told(report: Report, events: list[dict[str, Any]]) -> None:
    quiet = {row["act"] for row in events} - {row["act"] for row in events if row["risk_score"] > 0}
    assert quiet
    assert any(line.startswith(f"{len(quiet):,} acts without risk") for line in report.left_out)


def test_movements_come_first_and_the_surest_before(report: Report) -> None:
    movements = _moves(report)
    assert list(report.cases[: len(movements)]) == movements
    sure = [case.confidence or 0 for case in movements]
    assert sure == sorted(sure, reverse=True)
    scores = [case.risk_score for case in report.cases[len(movements) :]]
    assert scores == sorted(scores, reverse=True)


def test_a_case_has_the_evidence_of_both_sides(report: Report) -> None:
    case = _whole(report)
    assert {one.side for one in case.evidence} == {"source", "target"}
    by_log = {(one.side, one.log): one.what for one in case.evidence}
    logon = by_log["target", "Security 4624"]
    assert "network logon (type 3) of" in logon
    assert case.source_ip is not None
    assert case.source_ip in logon
    started = next(
        what for (side, log), what in by_log.items() if side == "source" and log in ("Sysmon 1", "Security 4688")
    )
    assert "wmic.exe" in started
    assert "/node:" in started
    child = next(
        what for (side, log), what in by_log.items() if side == "target" and log in ("Sysmon 1", "Security 4688")
    )
    assert case.target_process is not None
    assert case.target_process in child.lower()
    assert all(one.event_uid and one.source_file and one.source_record for one in case.evidence)
    assert sum(one.points for one in case.why) >= (case.confidence or 0)


def test_a_session_lists_each_process_once(report: Report) -> None:
    for case in _moves(report):
        starts = [(one.process_id, one.process_name, one.host, one.time) for one in case.session]
        assert len(set(starts)) == len(starts)
    case = _whole(report)
    assert case.target_process in [one.process_name for one in case.session]
    assert case.commands[0].startswith(f"wmiwh session {case.target} 0x")


def test_the_response_is_the_documents_with_this_cases_names(report: Report, library: Library) -> None:
    case = _whole(report)
    prose = library.get("xql_wmic_remote_exec").metadata.response
    assert len(case.response) == len(prose)
    assert case.response[0].endswith(f": {case.source} and {case.target}")
    assert case.response[-1].endswith(f": {case.user}")
    assert all(step.startswith(text.rstrip(".")) for step, text in zip(case.response, prose, strict=True))


def test_a_half_edge_says_which_side_is_silent(report: Report) -> None:
    half = [case for case in _moves(report) if case.side_without_logs]
    assert half
    assert all({one.side for one in case.evidence} == {"source", "target"} - {case.side_without_logs} for case in half)
    assert any("only the other side of a movement was seen" in task for task in report.follow_up)
    assert any("no logs of the" in sentence for sentence in report.summary)


def test_the_summary_says_who_moved_and_what_was_not_seen(report: Report) -> None:
    assert 2 <= len(report.summary) <= 6
    first = _moves(report)[0]
    told = report.summary[1]
    for fact in (first.source, first.target, first.user, f"confidence {first.confidence} of 100", "2024-05-06T"):
        assert str(fact) in told
    assert CAUTION in report.summary[-1]
    assert "Not seen: " in report.summary[-1]
    assert "clean" not in " ".join(report.summary).lower().replace("cleanmgr", "")


def test_nothing_found_is_said_in_coverages_words(make: Make) -> None:
    quiet = make(since="2023-01-01", until="2023-01-02")
    assert not quiet.cases
    assert quiet.summary[0] == "No lateral movement with WMI was found in what was read."
    assert CAUTION in quiet.summary[-1]
    assert "The filters may hide hits." in quiet.summary[-1]
    assert all(
        query.hits == 0 and query.sentence.startswith("0 hits.")
        for query in quiet.queries
        if query.id != "data_coverage"
    )
    zero = [query for query in quiet.queries if not query.hits]
    assert len(zero) > 30
    assert all(CAUTION[:-1] in one.sentence or "Seen does not prove" in one.sentence for one in zero)
    assert quiet.head.since == "2023-01-01"


def test_every_analytic_stands_in_the_results_with_its_version(report: Report, library: Library) -> None:
    stacks = {one.id for one in report.stacks}
    assert {(one.id, one.version) for one in report.queries} | {
        (name, library.get(name).version) for name in stacks
    } == {(name, analytic.version) for name, analytic in library.newest.items()}
    assert all(not one.sentence for one in report.queries if one.hits)


def test_the_documents_four_kinds_of_data(report: Report) -> None:
    kinds = dict.fromkeys(need.name for need in report.needs)
    assert list(kinds)[:4] == [
        *("Authentication Logs", "Netflow", "Process Monitoring", "Process Command-Line Parameters"),
    ]
    by_log = {(need.name, need.log): need for need in report.needs}
    sysmon = by_log["Netflow", "Sysmon 3"]
    assert sysmon.verdict == "partly"
    assert 0 < sysmon.hosts_seen < sysmon.hosts
    assert by_log["Authentication Logs", "Security 4624"].verdict == "seen"
    assert any(task.startswith("Visibility gap: no Sysmon Event ID 3 logs on") for task in report.follow_up)


def test_the_documents_questions_and_tasks(report: Report) -> None:
    assert [note.question.split(" ", 1)[0] for note in report.notes] == ["What", "Can", "Are", "What", "What"]
    assert all(note.answer for note in report.notes)
    pairs, users = report.notes[3].answer, report.notes[4].answer
    assert "WS01 to FS01" in pairs or "lateral movement" in pairs
    assert "ACME\\alice" in users
    assert any("encoded PowerShell" in task and "seen in case" in task for task in report.follow_up)
    assert any("specific orders of action" in task for task in report.follow_up)


def test_who_talks_to_whom_has_the_movements(report: Report) -> None:
    told = {(talk.source, talk.target) for talk in report.talks if talk.how == "lateral movement"}
    assert told == {(case.source, case.target) for case in _moves(report)}
    assert {"network logon", "wmic named it"} <= {talk.how for talk in report.talks}


def test_custody_has_every_source(report: Report, lab: Path) -> None:
    listed = [row for batch in (lab / "lake").iterdir() for row in read(batch / "sources.parquet")]
    assert {(one.file, one.sha256, one.size, one.records) for one in report.sources} == {
        (row["source_file"], row["source_id"], row["size"], row["records"]) for row in listed
    }
    newest = max(row["ingested_at"] for row in listed).astimezone(UTC)
    midnight = newest.replace(hour=0, minute=0, second=0, microsecond=0)
    assert report.head.created == report.head.executed == midnight


def test_the_same_warehouse_gives_the_same_bytes(report: Report, make: Make) -> None:
    same = handover.dump(make()) == handover.dump(report)
    assert same  # not compared within the assert: the difference of two such texts takes minutes to draw


def test_what_is_not_shown_is_said_with_the_command_that_shows_it(report: Report, make: Make) -> None:
    small = make(cases=3, rows=1, where=" -w case42")
    total = len(report.cases)
    assert len(small.cases) == 3
    assert f"{total - 3:,} of {total:,} cases: wmiwh report --cases {total} -w case42" in small.left_out
    query = next(one for one in small.queries if one.id == "playbook_dst_4624_user")
    assert len(query.rows) == 1
    assert any(f"rows of {query.id}: wmiwh hunt {query.id} -w case42" in line for line in small.left_out)
    assert [case.id for case in small.cases] == [case.id for case in report.cases[:3]]


def test_filters_narrow_cases_and_are_told(report: Report, make: Make) -> None:
    host = _moves(report)[0].target
    narrowed = make(host=host)
    assert narrowed.head.host == host
    assert 0 < len(_moves(narrowed)) < len(_moves(report))
    assert all(host in (case.source, case.target) for case in _moves(narrowed))
    ids = [case.id for case in narrowed.cases]
    assert len(set(ids)) == len(ids)


def test_given_dates_and_words_are_used(make: Make) -> None:
    day = datetime(2026, 3, 9, tzinfo=UTC)
    made = make(created=day, executed=day + timedelta(days=1), hunter="A. Hunter", conclusion="Two hosts.", title="T")
    assert (made.head.created, made.head.executed) == (day, day + timedelta(days=1))
    assert (made.head.hunter, made.head.title, made.conclusion) == ("A. Hunter", "T", "Two hosts.")


def test_passwords_are_masked_unless_asked_for(report: Report, make: Make) -> None:
    shown = make(show_secrets=True)
    assert shown.head.secrets_shown
    assert not report.head.secrets_shown
    assert [case.id for case in shown.cases] == [case.id for case in report.cases]
    masked = handover.dump(report).decode()
    assert "/password:***" in masked or "***" in masked
    differs = handover.dump(shown).decode() != masked
    assert differs


def test_reasons_are_taken_apart() -> None:
    found = points("exact tie 40, remote command = child 30, port 135 5")
    assert [(one.reason, one.points) for one in found] == [
        ("exact tie", 40),
        ("remote command = child", 30),
        ("port 135", 5),
    ]
    assert points(None) == points("") == ()
