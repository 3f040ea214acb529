"""Adds to a record the event whose XML stands in one of its fields, as some exports carry it."""

from __future__ import annotations

import orjson

from wmiwarehouse.readers import event_xml
from wmiwarehouse.readers.model import Outcome, Problem, Records, each
from wmiwarehouse.readers.shapes import Shape, look

NAME = "#Event"


def added(records: Records, shape: Shape, outcome: Outcome) -> Records:
    """Yield *records*, with the event as ``#Event`` beside the field of *shape* that has its XML."""
    for ordinal, text in each(records):
        if "<Event" not in text and "\\u003c" not in text.lower():
            yield ordinal, [text]
            continue
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError:
            yield ordinal, [text]  # named where it is projected
            continue
        record = shape.place_in(document)
        xml = look(record, shape.event_xml)
        if isinstance(record, dict) and isinstance(xml, str) and (start := event_xml.START.search(xml)):
            try:
                record[NAME] = event_xml.event(xml[start.start() :].rstrip())["Event"]
                text = orjson.dumps(document).decode()
            except (event_xml.EventXmlError, TypeError) as error:
                cause = f"the XML in {shape.event_xml} is not read, the other fields are: {error}"
                outcome.problems.append(Problem(f"record {ordinal}", cause))
        yield ordinal, [text]
