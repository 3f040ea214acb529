"""The JSON form there and back, its published schema, and what is new, gone and changed between two reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.report.sample import HOSTILE, empty, sample
from wmiwarehouse.errors import ExitCode, UsageError
from wmiwarehouse.report import handover
from wmiwarehouse.report.compare import compare
from wmiwarehouse.report.model import SCHEMA_VERSION, Report

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"


def _changes(old: Report, new: Report) -> set[tuple[str, str, str]]:
    return {(one.what, one.kind, one.name) for one in compare(old, new, "old.json").changes}


@pytest.mark.parametrize("report", [sample(), sample(300), empty()], ids=["sample", "many", "empty"])
def test_json_comes_back_as_it_was(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(handover.dump(report))
    same = handover.load(path) == report
    assert same


def test_json_shows_a_terminal_nothing_that_acts() -> None:
    text = handover.dump(sample()).decode()
    assert not set(text) & {"\x1b", "\x07", "\u202e", "\u2066", "\u200b", "\x7f"}
    titles = " ".join(case["title"] for case in json.loads(text)["cases"])
    assert all(hostile in titles for hostile in HOSTILE), "exact after decoding"


def test_the_published_schema_is_current() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == handover.schema(), "write it anew from handover.schema()"


def test_a_report_fits_the_published_schema() -> None:
    schema: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(handover.dump(sample())))


def test_the_same_report_has_no_changes() -> None:
    made = compare(sample(), sample(), "old.json")
    assert made.changes == ()
    assert made.compared_with == "old.json"


def test_new_gone_and_changed_cases() -> None:
    old = sample(2)
    first, half, *rest = old.cases
    surer = half.model_copy(update={"confidence": 75, "side_without_logs": None})
    new = old.model_copy(update={"cases": (surer, *rest, sample(3).cases[-1])})
    found = {(one.what, one.name): one for one in compare(old, new, "x").changes if one.kind == "case"}
    assert set(found) == {("gone", first.title), ("changed", half.title), ("new", sample(3).cases[-1].title)}
    changed = found["changed", half.title]
    assert "confidence 30, no logs of the source" in changed.before
    assert "confidence 75" in changed.after
    assert "no logs" not in changed.after


def test_a_case_that_only_moved_down_is_no_change() -> None:
    old = sample(3)
    new = old.model_copy(update={"cases": tuple(c.model_copy(update={"number": c.number + 5}) for c in old.cases)})
    assert _changes(old, new) == set()


def test_queries_risk_and_sources_change_too() -> None:
    old = sample(0)
    query, risk, source = old.queries[1], old.risk[0], old.sources[0]
    new = old.model_copy(
        update={
            "queries": (query.model_copy(update={"hits": 4}), *(one for one in old.queries if one is not query)),
            "risk": old.risk[1:],
            "sources": (source.model_copy(update={"sha256": "ab" * 32, "file": "new.evtx"}),),
        }
    )
    assert {
        ("changed", "query", query.id),
        ("gone", "risk", f"{risk.type} {risk.object}"),
        ("new", "source", "new.evtx"),
    } <= _changes(old, new)


def test_other_filters_are_told_before_what_they_change() -> None:
    old, new = (
        one.model_copy(update={"head": one.head.model_copy(update=given)})
        for one, given in (
            (sample(3), {"host": "ws01", "user": None, "since": "2026-01-01"}),
            (sample(2), {"host": None, "user": "alice", "since": "2026-01-01"}),
        )
    )
    first, second, *rest = compare(old, new, "old.json").changes
    assert [(one.what, one.name, one.before, one.after) for one in (first, second)] == [
        ("new", "user", "", "alice"),
        ("gone", "host", "ws01", ""),
    ]
    assert {one.kind for one in rest} == {"case"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no JSON"),
        (b"\xff\xfe{", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"[]", "is no report of wmiwh"),
        (b"{}", "is no report of wmiwh"),
        (b'{"schema_version": 99}', f"has schema version 99, and this wmiwh reads {SCHEMA_VERSION}"),
        (b'{"schema_version": 1, "head": 3}', "is no report of wmiwh: head"),
    ],
    ids=["empty", "binary", "deep", "list", "bare", "version", "wrong"],
)
def test_what_is_no_report_is_one_clear_line(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_bytes(content)
    with pytest.raises(UsageError) as error:
        handover.load(path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert error.value.code == ExitCode.USAGE


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"old\.json: No such file"):
        handover.load(tmp_path / "old.json")
