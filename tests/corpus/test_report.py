"""The report of the real corpus: one case for each act, with the names that are known of it, and what was not seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.ingest import ingest
from wmiwarehouse.report import handover, markdown
from wmiwarehouse.report.build import build
from wmiwarehouse.report.model import Case, Report

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"
pytestmark = pytest.mark.skipif(not (CORPUS / "expected.json").is_file(), reason=f"no corpus at {CORPUS}")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    warehouse = Warehouse.create(tmp_path_factory.mktemp("corpus") / "warehouse")
    with warehouse.writing():
        ingest([CORPUS / "evtx", CORPUS / "json"], warehouse)
    library = Library.load()
    with open_hunt(warehouse.root, library) as hunting:
        first = build(hunting, library)
    with open_hunt(warehouse.root, library) as hunting:
        same = handover.dump(build(hunting, library)) == handover.dump(first)
    assert same, "two reports of one warehouse differ"
    return first


@pytest.fixture(scope="module")
def wmic(report: Report) -> Case:
    (found,) = [case for case in report.cases if case.kind == "lateral movement" and case.source_process == "wmic.exe"]
    return found


def test_five_movements_and_each_act_once(report: Report) -> None:
    moves = [case for case in report.cases if case.kind == "lateral movement"]
    assert [(case.source, case.target) for case in moves].count(("WORKSTATION5", "WORKSTATION6")) == 4
    assert len(moves) == 5
    assert len({case.id for case in report.cases}) == len(report.cases)
    uids = [one.event_uid for case in moves for one in case.evidence]
    assert len(set(uids)) == len(uids), "no record is evidence of two movements"


def test_the_known_act_with_both_its_sides(wmic: Case) -> None:
    assert (wmic.source, wmic.target, wmic.source_ip) == ("WORKSTATION5", "WORKSTATION6", "172.18.39.5")
    assert wmic.user == "THESHIRE.LOCAL\\pgustavo"
    assert (wmic.source_process, wmic.target_process, wmic.confidence) == ("wmic.exe", "net.exe", 100)
    assert wmic.remote_command == "net user /add backdoor ***"
    assert [one.process_name for one in wmic.session] == ["net.exe", "conhost.exe", "net1.exe"]
    assert {one.log for one in wmic.evidence if one.side == "source"} == {"Security 4688", "Sysmon 1", "Sysmon 3"}
    assert {"Security 4624", "Security 4672", "Sysmon 1"} <= {one.log for one in wmic.evidence if one.side == "target"}
    assert len(wmic.analytics) >= 8
    assert wmic.risk_score == 90


def test_its_summary_names_them(report: Report) -> None:
    told = " ".join(report.summary)
    for fact in ("WORKSTATION5", "WORKSTATION6", "pgustavo", "172.18.39.5", "wmic.exe", "net user /add backdoor ***"):
        assert fact in told
    assert "2020-09-14T12:06:02Z" in told
    assert "Not seen: " in told


def test_the_half_edge_is_said_as_such(report: Report) -> None:
    (half,) = [case for case in report.cases if case.side_without_logs]
    assert (half.source, half.target, half.side_without_logs) == ("10.23.123.11", "SRVDEFENDER01", "source")
    assert any("get the logs of 10.23.123.11" in task for task in report.follow_up)


def test_no_password_is_left(report: Report) -> None:
    for text in (handover.dump(report).decode(), markdown.render(report)):
        assert "paw0rd1" not in text
