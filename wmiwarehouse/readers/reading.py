"""Surveys and reads a source with the reader that its layout asks for."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from wmiwarehouse.readers import documents, dotted, event_fields, evtx, jsonlines, text_records, xml
from wmiwarehouse.readers.evtx_values import ValueCheck
from wmiwarehouse.readers.model import Content, Outcome, Records, Slice, Survey
from wmiwarehouse.readers.shapes import Layout

_BLOCK = 1 << 20


def survey(stream: BinaryIO, layout: Layout, *, divisible: bool) -> Survey:
    """Hash *stream* and find the slices of it that can be read on their own."""
    if layout.kind == "evtx":
        return evtx.survey(stream, divisible=divisible)
    if layout.kind == "lines":
        return jsonlines.survey(stream, divisible=divisible)
    digest, content, size = hashlib.sha256(), Content(stream), 0
    while block := content.read(_BLOCK):
        digest.update(block)
        size += len(block)
    return Survey(digest.hexdigest(), size, [Slice(0, size)] if size else [], content.problems)


def read(stream: BinaryIO, part: Slice, outcome: Outcome, layout: Layout, values: ValueCheck) -> Records:
    """Return the records of *part* of *stream*, which stands at the part's first byte."""
    if layout.kind == "evtx":
        if not part.start:
            raise ValueError("an EVTX slice starts behind the header")
        return evtx.read(stream, part, outcome, values)
    if layout.kind == "xml":
        return xml.read(stream, part, outcome, layout)
    if layout.kind == "text":
        return text_records.read(stream, part, outcome, layout)
    records = (
        jsonlines.read(stream, part, outcome)
        if layout.kind == "lines"
        else documents.read(stream, part, outcome, layout)
    )
    if layout.shape.dotted:
        records = dotted.opened(records, layout.shape)
    if layout.shape.event_xml:
        records = event_fields.added(records, layout.shape, outcome)
    return event_fields.opened(records, layout.shape, outcome) if layout.shape.data_xml else records
