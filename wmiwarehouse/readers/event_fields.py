"""Reads the XML that stands in a field of a record, as some exports carry an event or the UserData of one."""

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


def opened(records: Records, shape: Shape, outcome: Outcome) -> Records:
    """Yield *records*, with the data in place of the XML of an event's UserData in the field of *shape*."""
    *folders, last = shape.user_data_xml.split(".")
    named = f'"{last}"'
    for ordinal, text in each(records):
        if named not in text:
            yield ordinal, [text]
            continue
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError:
            yield ordinal, [text]  # named where it is projected
            continue
        holder = look(shape.place_in(document), ".".join(folders))
        xml = holder.get(last) if isinstance(holder, dict) else None
        if isinstance(xml, str) and xml.lstrip().startswith("<"):
            try:
                holder[last] = event_xml.event(f"<Event><UserData>{xml}</UserData></Event>")["Event"]["UserData"]
                text = orjson.dumps(document).decode()
            except (event_xml.EventXmlError, KeyError, TypeError) as error:
                cause = f"the XML in {shape.user_data_xml} is not read, the other fields are: {error}"
                outcome.problems.append(Problem(f"record {ordinal}", cause))
        yield ordinal, [text]
