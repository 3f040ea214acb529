"""The timeline is what Timesketch's importer takes: each line has its three fields, by time, and nothing is lost."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.report.sample import BIDI, ESCAPES, HOSTILE, empty, sample
from wmiwarehouse.report import timesketch
from wmiwarehouse.report.model import Report


def _lines(report: Report) -> list[dict[str, Any]]:
    text = "".join(timesketch.render(report))
    assert not text or text.endswith("\n")
    return [json.loads(line) for line in text.split("\n")[:-1]]  # as a file is read: at line feeds alone


def _first_case(report: Report, **update: Any) -> Report:
    return report.model_copy(update={"cases": (report.cases[0].model_copy(update=update), *report.cases[1:])})


def test_one_line_for_each_case_and_each_record_by_time() -> None:
    report = sample()
    lines = _lines(report)
    assert len(lines) == len(report.cases) + sum(len(case.evidence) for case in report.cases)
    assert [line["timestamp"] for line in lines] == sorted(line["timestamp"] for line in lines)
    for line in lines:
        assert all(isinstance(line[name], str) and line[name] for name in ("message", "datetime", "timestamp_desc"))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", line["datetime"])
        assert isinstance(line["timestamp"], int)
        assert round(datetime.fromisoformat(line["datetime"]).timestamp() * 1_000_000) == line["timestamp"]
        assert {"wmiwarehouse", f"case-{line['case_number']}"} <= set(line["tag"])
        assert not any("," in tag or " " in tag for tag in line["tag"])
    assert timesketch.left_out(report) == []


def test_a_case_tells_both_sides_and_its_evidence_where_it_is_from() -> None:
    lines = [line for line in _lines(sample(0)) if line["case_number"] == 1]
    (case,) = [line for line in lines if line["data_type"] == "wmiwarehouse:case"]
    assert case["message"].startswith("Case 1: WORKSTATION5 -> WORKSTATION6 as THESHIRE.LOCAL\\pgustavo")
    assert (case["source_ip"], case["confidence"], case["why"][0]) == ("172.18.39.5", 100, "exact tie 40")
    assert (case["timestamp_desc"], case["user"]) == ("Case start", "THESHIRE.LOCAL\\pgustavo")
    child = lines[-1]
    assert child["message"] == "Case 1, target: Sysmon 1 on WORKSTATION6: net.exe: net user /add backdoor ****"
    assert (child["host"], child["side"], child["source_record"]) == ("WORKSTATION6", "target", 414)
    assert (child["event_uid"], child["source_file"]) == (f"{414:020x}", "logs/empire_wmic_add_user_backdoor.json")


def test_a_field_has_one_type_in_every_line() -> None:
    kinds: dict[str, set[type]] = {}
    for line in _lines(sample(20)):
        for name, value in line.items():
            for one in value if isinstance(value, list) else [value]:
                kinds.setdefault(name, set()).add(type(one))
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}


@pytest.mark.parametrize("zone", [None, timezone(timedelta(hours=2))])
def test_times_are_utc(zone: timezone | None) -> None:
    report = _first_case(sample(0), first=datetime(1969, 12, 31, 23, 59, 59, 999_999, zone), evidence=())
    first = _lines(report)[0]
    expected = -1 if zone is None else -1 - 7_200_000_000
    assert first["timestamp"] == expected
    assert first["datetime"].endswith("23:59:59.999999+00:00" if zone is None else "21:59:59.999999+00:00")


def test_evidence_without_a_time_is_named_and_counted() -> None:
    report = sample(0)
    blank = report.cases[0].evidence[2].model_copy(update={"time": None})
    report = _first_case(report, evidence=(blank, *report.cases[0].evidence[3:]))
    lines = [line for line in _lines(report) if line["case_number"] == 1]
    assert len(lines) == 1 + 4
    (case,) = [line for line in lines if line["data_type"] == "wmiwarehouse:case"]
    assert case["evidence_without_time"] == [blank.event_uid]
    (note,) = timesketch.left_out(report)
    assert note.startswith("1 record of evidence without a time")


def test_a_case_without_a_start_stands_at_its_first_record_or_is_named_as_left_out() -> None:
    report = sample(0)
    evidence = report.cases[0].evidence
    case = next(line for line in _lines(_first_case(report, first=None)) if line["data_type"].endswith("case"))
    assert (case["timestamp_desc"], case["datetime"]) == (
        "First record of the case",
        evidence[0].time.isoformat(timespec="microseconds") if evidence[0].time else "",
    )
    blank = tuple(one.model_copy(update={"time": None}) for one in evidence)
    report = _first_case(report, first=None, evidence=blank, session=())
    assert {line["case_number"] for line in _lines(report)} == {2}
    assert timesketch.left_out(report) == ["without any time and so not in the timeline: case 1"]


def test_nothing_hostile_leaves_its_line() -> None:
    report = sample(len(HOSTILE))
    odd = report.cases[0].evidence[0].model_copy(update={"what": f"a\x00\u2028b\ud800{BIDI}", "host": "h\udfff"})
    report = _first_case(report, evidence=(odd,), title=f"{ESCAPES}\x00{BIDI}")
    text = "".join(timesketch.render(report))
    assert all(character == "\n" or character.isprintable() for character in text)
    text.encode()
    lines = _lines(report)
    assert all(line["message"].isprintable() for line in lines)
    json.dumps(lines, ensure_ascii=False).encode()  # as OpenSearch gets it: no lone surrogates
    (record,) = [line for line in lines if line.get("event_uid") == odd.event_uid and line["case_number"] == 1]
    assert record["what"] == f"a\x00\u2028b\\ud800{BIDI}"  # exact but for the half character
    assert record["host"] == "h\\udfff"


def test_nothing_found_is_an_empty_timeline() -> None:
    assert _lines(empty()) == []


def test_same_report_same_bytes() -> None:
    assert list(timesketch.render(sample(50))) == list(timesketch.render(sample(50)))
