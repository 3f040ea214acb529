"""Reads the XML that stands in a field of a record, as some exports carry an event or the data of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from wmiwarehouse.readers import event_xml
from wmiwarehouse.readers.model import Outcome, Problem, Records, each
from wmiwarehouse.readers.shapes import Shape, look

NAME = "#Event"


def added(records: Records, shape: Shape, outcome: Outcome) -> Records:
    """Yield *records*, with the event as ``#Event`` beside the field of *shape* that has its XML."""

    def may_have_xml(text: str) -> bool:
        return "<Event" in text or "\\u003c" in text.lower()

    def add(record: Any) -> bool:
        xml = look(record, shape.event_xml)
        start = event_xml.START.search(xml) if isinstance(record, dict) and isinstance(xml, str) else None
        if start:
            record[NAME] = event_xml.event(xml[start.start() :].rstrip())["Event"]
        return bool(start)

    return _changed(records, shape, shape.event_xml, may_have_xml, add, outcome)


def opened(records: Records, shape: Shape, outcome: Outcome) -> Records:
    """Yield *records*, with an event's data in place of its XML in the field of *shape*."""
    folder, _, last = shape.data_xml.rpartition(".")

    def open_in(record: Any) -> bool:
        holder = look(record, folder)
        xml = holder.get(last) if isinstance(holder, dict) else None
        is_xml = isinstance(xml, str) and xml.lstrip().startswith("<")
        if is_xml:
            holder[last] = event_xml.event(f"<Event><UserData>{xml}</UserData></Event>")["Event"]["UserData"]
        return is_xml

    return _changed(records, shape, shape.data_xml, lambda text: f'"{last}"' in text, open_in, outcome)


def _changed(
    records: Records,
    shape: Shape,
    field: str,
    may_have_xml: Callable[[str], bool],
    change: Callable[[Any], bool],
    outcome: Outcome,
) -> Records:
    """Yield *records* after *change*, which says whether it did any; XML in *field* that cannot be read is named."""
    for ordinal, text in each(records):
        if may_have_xml(text):
            try:
                document = orjson.loads(text)
                if change(shape.place_in(document)):
                    text = orjson.dumps(document).decode()
            except orjson.JSONDecodeError:
                pass  # named where it is projected
            except (event_xml.EventXmlError, KeyError, TypeError) as error:
                cause = f"the XML in {field} is not read, the other fields are: {error}"
                outcome.problems.append(Problem(f"record {ordinal}", cause))
        yield ordinal, [text]
