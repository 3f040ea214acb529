"""Names with dots become objects: of flat documents, of what a search gives as fields, and of nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wmiwarehouse.pipeline.surveyor import shapes
from wmiwarehouse.projection.compiler import Projection
from wmiwarehouse.readers import dotted
from wmiwarehouse.readers.dotted import nested

SHAPES = shapes(Projection())
WINLOG = {"channel": "Security", "event_id": "4688", "event_data": {"CommandLine": "a.b"}}
FLAT = {
    "@timestamp": "t",
    "winlog.channel": "Security",
    "winlog.event_id": "4688",
    "winlog.event_data.CommandLine": "a.b",
}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (FLAT, {"@timestamp": "t", "winlog": WINLOG}),
        ({"_source": FLAT}, {"_source": {"@timestamp": "t", "winlog": WINLOG}}),
        (
            {"fields": {name: [value] for name, value in FLAT.items()}},
            {"_source": {"@timestamp": "t", "winlog": WINLOG}},
        ),
        ({"a.b": 1, "a.b.text": 2, "a.b.c.d": 3}, {"a": {"b": 1}}),
        ({"a.b.text": 2, "a.b": 1}, {"a": {"b": 1}}),
        ({"a": {"x": 1}, "a.b": 2}, {"a": {"x": 1, "b": 2}}),
        ({"a": 1, "a.b": 2}, {"a": 1}),
        ({"a.b": [1, 2], "c.d": [{"e": 1}], "f.g": []}, {"a": {"b": [1, 2]}, "c": {"d": [{"e": 1}]}, "f": {"g": []}}),
    ],
)
def test_what_becomes_of_a_document(document: Any, expected: Any) -> None:
    assert nested(document) == expected


@pytest.mark.parametrize("document", [{"winlog": WINLOG}, {"x": ["a.b"], "y": {"z": "c.d"}}, ["a.b"], "a.b", None, 1])
def test_what_stays(document: Any) -> None:
    assert nested(document) is document


def test_a_name_of_nothing_but_dots_is_no_deeper_than_others() -> None:
    json.dumps(nested({"." * 100_000: 1}))


@pytest.mark.parametrize("as_bytes", [False, True])
def test_only_records_with_such_names_are_touched(as_bytes: bool) -> None:
    shape = SHAPES.of(FLAT)
    assert shape is not None
    assert (shape.name, SHAPES.of({"fields": {name: [value] for name, value in FLAT.items()}})) == ("winlogbeat", shape)
    texts: list[Any] = [json.dumps(FLAT), '{"winlog":  {"channel": "x"}}', '{"winlog.channel": broken']
    texts = [text.encode() for text in texts] if as_bytes else texts
    ((first, found),) = dotted.opened(iter([(7, texts)]), shape)
    assert (first, found[1:]) == (7, texts[1:])
    assert json.loads(found[0])["winlog"] == WINLOG
    assert type(found[0]) is type(texts[0])
