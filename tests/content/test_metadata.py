"""The heads of the files: strict, and an error names file and field in one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.content.metadata import AnalyticMetadata, ContentError, parse_analytic, parse_model
from wmiwarehouse.frontmatter import Document
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
    return parse_analytic(Document(PATH, "analytic", head, "select 1\n"))


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
        parse_model(Document(PATH, "analytic", GOOD, ""))


def test_every_analytic_names_its_document_and_technique(library: Library) -> None:
    for item in library.analytics:
        assert item.metadata.implements, item.path
        assert {technique.technique for technique in item.metadata.attack} == {"T1047"}, item.path
        assert item.metadata.references, item.path
        assert item.metadata.version_history, item.path


def test_what_a_head_names_exists(
    library: Library, lake: Callable[[list[dict[str, Any]]], duckdb.DuckDBPyConnection]
) -> None:
    connection = lake([])
    model = set(connection.sql("select * from events limit 0").columns)
    for item in library.analytics:
        head = item.metadata
        columns = set(connection.sql(f"select * from hunt.{item.view} limit 0").columns)
        for needed in head.requires:
            assert set(needed.columns) <= set(EVENT_COLUMNS), item.path
        assert {thing.field for thing in head.risk_objects} <= columns, item.path
        assert set(head.notable_fields) <= columns, item.path
        assert {term.split()[0] for term in head.order_by} <= columns, item.path
        assert set(re.findall(r"\$(\w+)", head.message or "")) <= columns, item.path
        connection.sql(f"select * from hunt.{item.view} order by {', '.join(head.order_by)}").fetchall()
        if head.filters == "rows":
            shared = ["event_time", "host", "event_uid"]
            evidence = ["channel", "event_id", "record_id", "source_file", "source_record"]
            ordered = connection.sql(f"select * from hunt.{item.view} limit 0").columns
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
