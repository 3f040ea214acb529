"""The heads of the files: strict, and an error names file and field in one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wmiwarehouse.content.heads import checked
from wmiwarehouse.content.library import Library
from wmiwarehouse.content.metadata import AnalyticMetadata, ContentError
from wmiwarehouse.frontmatter import Document
from wmiwarehouse.lake.query import columns_of
from wmiwarehouse.schema import EVENT_COLUMNS

PATH = Path("sql/analytics/x_v1.sql")

GOOD: dict[str, Any] = {
    "id": "x",
    "version": 1,
    "title": "t",
    "description": "d",
    "kind": "detection",
    "side": "source",
    "order_by": ["event_time"],
    "severity": "high",
    "requires": [{"channel": "Security", "event_id": 4688, "columns": ["process_name"]}],
}


def parse(**changes: Any) -> AnalyticMetadata:
    head = {name: value for name, value in (GOOD | changes).items() if value is not None}
    found: AnalyticMetadata = checked(Document(PATH, "analytic", head, "select 1\n"), "analytic")
    return found


def test_a_minimal_head_is_enough() -> None:
    assert parse().view == "x_v1"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"severty": "high"}, "severty: no such field; did you mean severity?"),
        ({"severity": "hihg"}, "severity: Input should be 'informational', 'low', 'medium', 'high' or 'critical'"),
        ({"severity": None}, "severity: is missing"),
        ({"version": "1"}, "version: Input should be a valid integer, found '1'"),
        ({"version": 0}, "version: Input should be greater than or equal to 1"),
        ({"id": "X-1"}, "id: String should match pattern"),
        ({"risk_score": 101}, "risk_score: Input should be less than or equal to 100"),
        ({"risk_score": 50, "impact": 70, "confidence": 70}, "risk_score is 50, but impact x confidence / 100 is 49"),
        ({"title": "a\nb"}, "title: has a line break; one line is wanted"),
        ({"requires": []}, "requires: "),
        ({"requires": [{"channel": "Security", "columns": []}]}, "requires[0].columns: "),
        (
            {"requires": [{"chanel": "Security", "columns": ["a"]}]},
            "requires[0].chanel: no such field; did you mean channel?",
        ),
        ({"implements": [{"document": "car", "item": "x"}]}, "implements[0].document: Input should be"),
        ({"attack": [{"technique": "1047", "name": "n", "tactics": []}]}, "attack[0].technique: "),
        ({"schedule": {"cron": "* *", "earliest": "-1h", "latest": "now"}}, "schedule.cron: is no cron line"),
        ({"references": [{"title": "t", "url": "ftp://x"}]}, "references[0].url: "),
        ({"created": "yesterday"}, "created: "),
        ({"notable_fields": "user"}, "notable_fields: "),
    ],
)
def test_a_bad_field_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ContentError) as caught:
        parse(**changes)
    text = str(caught.value)
    assert text.startswith(f"{PATH}: {message}"), text
    assert "\n" not in text


def test_a_head_of_another_kind_is_refused() -> None:
    with pytest.raises(ContentError, match="expected '-- /// model', found '-- /// analytic'"):
        checked(Document(PATH, "analytic", GOOD, ""), "model")


#: Fields without which nobody can judge a hit, for every analytic and beyond that by kind.
WANTED = ("implements", "requires", "references", "version_history", "attack", "hypothesis", "platforms")
WANTED_OF_KIND = {
    "detection": ("message", "risk_objects", "response", "false_positives", "artifacts", "considerations"),
    "chain": ("message", "risk_objects", "response", "false_positives", "artifacts", "considerations"),
    "session": ("artifacts", "considerations"),
    "stack": ("false_positives", "artifacts", "considerations"),
    "context": ("considerations",),
}


def gaps(head: AnalyticMetadata) -> list[str]:
    """Fields that an analytic of this kind leaves empty, and what does not fit together."""
    found = [name for name in (*WANTED, *WANTED_OF_KIND[head.kind]) if not getattr(head, name)]
    if head.kind in ("context", "stack") and head.severity != "informational":
        found.append(f"severity: {head.kind} never alarms")
    if head.kind == "stack" and (head.filters != "events" or not head.order_by[0].startswith("events")):
        found.append("a stack filters events and has the rarest first")
    if not any(one.of == "view" and one.version == str(head.version) for one in head.version_history):
        found.append("version_history: has no entry of this view's version")
    links = [one.url for one in head.references if one.url]
    found += [f"references: {link} twice" for link in {link for link in links if links.count(link) > 1}]
    return found


def complete(**changes: Any) -> AnalyticMetadata:
    texts = {name: ["x"] for name in ("response", "false_positives", "artifacts", "considerations", "platforms")}
    return parse(
        **texts
        | {
            "implements": [{"document": "car-2016-03-002", "item": "Pseudocode"}],
            "references": [{"title": "t", "url": "https://example.org/"}],
            "version_history": [{"version": "1", "of": "view", "notes": "n"}],
            "attack": [{"technique": "T1047", "name": "n", "tactics": ["TA0002 Execution"]}],
            "risk_objects": [{"field": "host", "type": "system"}],
            "message": "m",
            "hypothesis": "h",
        }
        | changes,
    )


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"message": None}, ["message"]),
        ({"risk_objects": [], "hypothesis": None}, ["hypothesis", "risk_objects"]),
        ({"kind": "chain", "message": None}, ["message"]),
        ({"kind": "context", "severity": "informational", "message": None}, []),
        ({"kind": "context"}, ["severity: context never alarms"]),
        ({"kind": "session", "message": None, "artifacts": []}, ["artifacts"]),
        ({"kind": "stack", "severity": "informational"}, ["a stack filters events and has the rarest first"]),
        ({"kind": "stack", "severity": "informational", "filters": "events", "order_by": ["events", "host"]}, []),
        ({"version": 2}, ["version_history: has no entry of this view's version"]),
        (
            {"references": [{"title": name, "url": "https://example.org/"} for name in ("a", "b")]},
            ["references: https://example.org/ twice"],
        ),
    ],
)
def test_the_check_for_gaps(changes: dict[str, Any], found: list[str]) -> None:
    assert gaps(complete(**changes)) == found


def test_no_head_has_gaps(library: Library) -> None:
    found = [f"{item.path.name}: {gap}" for item in library.analytics for gap in gaps(item.metadata)]
    assert not found, "\n".join(found)


def test_every_analytic_is_about_wmi_or_what_goes_with_it(library: Library) -> None:
    beside = {"evidence_tampering": {"T1070.001", "T1562.002"}, "wmi_subscription": {"T1546.003"}}
    for item in library.analytics:
        techniques = {technique.technique for technique in item.metadata.attack}
        assert techniques == beside[item.id] if item.id in beside else "T1047" in techniques, item.path


def test_what_a_head_names_exists(
    library: Library, lake: Callable[[list[dict[str, Any]]], duckdb.DuckDBPyConnection]
) -> None:
    connection = lake([])
    model = set(columns_of(connection, "events"))
    for item in library.analytics:
        head = item.metadata
        ordered = list(columns_of(connection, item.view, "hunt"))
        columns = set(ordered)
        for needed in head.requires:
            assert set(needed.columns) <= set(EVENT_COLUMNS), item.path
        assert {thing.field for thing in head.risk_objects} <= columns, item.path
        assert set(head.notable_fields) <= columns, item.path
        assert {*head.key, *filter(None, [head.confidence_field])} <= columns, item.path
        assert {term.split()[0] for term in head.order_by} <= columns, item.path
        assert set(re.findall(r"\$(\w+)", head.message or "")) <= columns, item.path
        connection.execute(f"select * from hunt.{item.view} order by {', '.join(head.order_by)}").fetchall()
        if head.kind == "chain":
            assert {"source_host", "target_host", "source_evidence", "target_evidence"} <= columns, item.path
        elif head.filters == "rows":
            shared = ["event_time", "host", "event_uid"]
            evidence = ["channel", "event_id", "record_id", "source_file", "source_record"]
            assert ordered[:3] == shared, item.path
            assert ordered[-5:] == evidence, item.path
            assert columns & model, item.path


def test_the_documents_numbers(library: Library) -> None:
    xql = library.get("xql_wmic_remote_exec").metadata
    assert (xql.severity, xql.risk_score, xql.false_positive_rate) == ("high", 85, "medium")
    escu = library.get("escu_remote_process_instantiation_via_wmi").metadata
    assert (escu.impact, escu.confidence, escu.risk_score, len(escu.threat_actors)) == (70, 70, 49, 34)
    assert escu.schedule is not None
    assert escu.schedule.cron == "0 * * * *"
    car = library.get("car_2016_03_002").metadata
    assert (car.attack[0].coverage, car.d3fend[0].id, str(car.created)) == ("low", "D3-PSA", "2016-03-28")


def test_the_risk_message_of_the_view_is_that_of_its_head(
    library: Library, lake: Callable[[list[dict[str, Any]]], duckdb.DuckDBPyConnection]
) -> None:
    head = library.get("escu_remote_process_instantiation_via_wmi").metadata
    given = {"is": "4688", "process_path": "wmic.exe", "command_line": "wmic /node:a process call create b"}
    query = f"select dest, process, risk_message, risk_score from hunt.{head.view}"
    dest, process, message, score = lake([given]).sql(query).fetchall()[0]
    assert message == (head.message or "").replace("$dest", dest).replace("$process", process)
    assert score == head.risk_score
