"""The layer keeps to the Navigator's format, puts each technique where ATT&CK has it, and claims nothing of a zero."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from tests.report.sample import BIDI, ESCAPES, HOSTILE, empty, sample
from wmiwarehouse.content.library import Library
from wmiwarehouse.report import navigator
from wmiwarehouse.report.model import Link, Report, Technique

TEXT = {"type": "string", "minLength": 1}
COLOUR = {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}
DIVIDER = {
    "type": "object",
    "properties": {"divider": {"type": "boolean"}},
    "required": ["divider"],
    "additionalProperties": False,
}


def _thing(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    properties = required | (optional or {})
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


METADATA = {"type": "array", "items": {"anyOf": [_thing({"name": TEXT, "value": TEXT}), DIVIDER]}}
LINKS = {
    "type": "array",
    "items": {"anyOf": [_thing({"label": TEXT, "url": {"type": "string", "pattern": "^https?://"}}), DIVIDER]},
}
TACTICS = [
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "defense-evasion",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
]
#: The rules of layer format 4.5, as its specification's tables have them.
LAYER = _thing(
    {"name": TEXT, "domain": {"enum": ["enterprise-attack", "mobile-attack", "ics-attack"]}},
    {
        "versions": _thing(
            {"navigator": {"type": "string", "pattern": r"^(4\.9|5)\."}, "layer": {"const": "4.5"}},
            {"attack": {"type": "string", "pattern": "^[0-9]+$"}},
        ),
        "description": {"type": "string"},
        "customDataURL": {"type": "string"},
        "filters": _thing({}, {"platforms": {"type": "array", "items": {"enum": ["Windows", "Linux", "macOS"]}}}),
        "sorting": {"enum": [0, 1, 2, 3]},
        "layout": _thing(
            {},
            {
                "layout": {"enum": ["side", "flat", "mini"]},
                "showID": {"type": "boolean"},
                "showName": {"type": "boolean"},
                "showAggregateScores": {"type": "boolean"},
                "countUnscored": {"type": "boolean"},
                "aggregateFunction": {"enum": ["average", "min", "max", "sum"]},
                "expandedSubtechniques": {"enum": ["none", "all", "annotated"]},
            },
        ),
        "hideDisabled": {"type": "boolean"},
        "techniques": {
            "type": "array",
            "items": _thing(
                {"techniqueID": {"type": "string", "pattern": r"^T[0-9]{4}(\.[0-9]{3})?$"}},
                {
                    "tactic": {"enum": TACTICS},
                    "comment": {"type": "string"},
                    "enabled": {"type": "boolean"},
                    "score": {"type": "number"},
                    "color": COLOUR,
                    "metadata": METADATA,
                    "links": LINKS,
                    "showSubtechniques": {"type": "boolean"},
                },
            ),
        },
        "gradient": _thing(
            {
                "colors": {"type": "array", "items": COLOUR, "minItems": 2},
                "minValue": {"type": "number"},
                "maxValue": {"type": "number"},
            }
        ),
        "legendItems": {"type": "array", "items": _thing({"label": TEXT, "color": COLOUR})},
        "showTacticRowBackground": {"type": "boolean"},
        "tacticRowBackground": COLOUR,
        "selectTechniquesAcrossTactics": {"type": "boolean"},
        "selectSubtechniquesWithParent": {"type": "boolean"},
        "selectVisibleTechniques": {"type": "boolean"},
        "metadata": METADATA,
        "links": LINKS,
    },
)


def _layer(report: Report) -> dict[str, Any]:
    layer = json.loads(navigator.render(report))
    jsonschema.validate(layer, LAYER)
    assert layer["gradient"]["minValue"] < layer["gradient"]["maxValue"]
    return dict(layer)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def test_t1047_is_execution_alone_whatever_a_document_says() -> None:
    report = sample()
    assert any("TA0008 Lateral Movement" in technique.tactics for technique in report.head.techniques)
    (entry,) = _layer(report)["techniques"]
    assert (entry["techniqueID"], entry["tactic"], entry["score"]) == ("T1047", "execution", 85)
    assert entry["comment"].startswith("Case 1: WORKSTATION5 -> WORKSTATION6 as THESHIRE.LOCAL\\pgustavo")
    assert {"name": "cases", "value": "8"} in entry["metadata"]


def test_every_technique_of_the_analytics_has_its_tactics() -> None:
    library = Library.load()
    named = {one.technique for analytic in library.analytics for one in analytic.metadata.attack}
    assert named
    assert named <= set(navigator.TACTICS)
    assert {tactic for tactics in navigator.TACTICS.values() for tactic in tactics} <= set(TACTICS)


def test_a_technique_of_two_tactics_stands_under_both_and_an_unknown_one_where_the_navigator_knows() -> None:
    report = sample(1)
    mine = report.cases[0].model_copy(update={"techniques": ("T1546.003", "T9999", "T1546.003", "</script>")})
    layer = _layer(report.model_copy(update={"cases": (mine,)}))
    placed = [(one["techniqueID"], one.get("tactic")) for one in layer["techniques"]]
    assert placed == [
        ("T1047", "execution"),
        ("T1546.003", "persistence"),
        ("T1546.003", "privilege-escalation"),
        ("T9999", None),
    ]
    assert {"name": "cases", "value": "1"} in layer["techniques"][1]["metadata"]


def test_hunted_without_a_case_has_no_score_and_says_why_that_proves_nothing() -> None:
    (entry,) = _layer(empty())["techniques"]
    assert "score" not in entry
    assert "Hunted, no case. Not seen can mean not audited" in entry["comment"]


def test_nothing_hostile_is_invisible_or_a_link() -> None:
    report = sample(len(HOSTILE))
    head = report.head.model_copy(update={"title": BIDI, "hunter": ESCAPES, "environment": " "})
    odd = Link(title=ESCAPES, url="https://a.example/\x1b[2J")
    report = report.model_copy(update={"head": head, "references": (*report.references, odd)})
    raw = navigator.render(report)
    assert not set(raw) & set("\x00\x07\x1b\r\x7f\u202e\u200b\u2066\u2069\ud800")
    layer = _layer(report)
    assert all(character.isprintable() or character == "\n" for text in _texts(layer) for character in text)
    assert layer["name"] == "invoice\\u202egpj.exe \\u200b\\u2066hidden\\u2069"
    assert [link["url"] for link in layer["links"]] == ["https://attack.mitre.org/techniques/T1047"]
    assert "environment" not in [pair.get("name") for pair in layer["metadata"]]


def test_a_thousand_findings_stay_a_tooltip() -> None:
    (entry,) = _layer(sample(1000))["techniques"]
    assert entry["comment"].count("\n") == 20
    assert entry["comment"].endswith("and 982 more cases")
    assert len(entry["comment"]) < 6000


def test_same_report_same_bytes() -> None:
    assert navigator.render(sample()) == navigator.render(sample())


@pytest.mark.parametrize("missing", ["score", "tactic"])
def test_the_schema_can_fail(missing: str) -> None:
    layer = _layer(sample())
    layer["techniques"][0][missing] = "lateral movement"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(layer, LAYER)


def test_a_hunt_for_more_techniques_shows_each() -> None:
    report = sample(0)
    more = Technique(id="T1059.001", name="PowerShell", tactics=())
    head = report.head.model_copy(update={"techniques": (*report.head.techniques, more)})
    entries = _layer(report.model_copy(update={"head": head}))["techniques"]
    assert [(one["techniqueID"], "score" in one) for one in entries] == [("T1047", True), ("T1059.001", False)]
    assert entries[1]["links"][0]["url"] == "https://attack.mitre.org/techniques/T1059/001/"
