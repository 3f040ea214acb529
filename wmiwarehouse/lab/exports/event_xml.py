"""Events as XML, the way ``wevtutil qe /f:xml`` and Event Viewer's "Save as XML" write them."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import ClassVar

from wmiwarehouse.lab.binxml import ValueType
from wmiwarehouse.lab.evtx_plan import EVENT_NAMESPACE
from wmiwarehouse.lab.exports.base import AUDIT_FAILURE, AUDIT_SUCCESS, Writer, as_text, iso
from wmiwarehouse.lab.exports.messages import message
from wmiwarehouse.lab.model import Body, LabEvent, guid_text

LEVELS = {0: "Information", 1: "Critical", 2: "Error", 3: "Warning", 4: "Information", 5: "Verbose"}


class EventXmlWriter(Writer):
    """Writes what ``wevtutil`` prints: one event behind the other, nothing around them."""

    suffix = ".xml"
    quote: ClassVar[str] = "'"
    rendered: ClassVar[bool] = False

    def texts(self, event: LabEvent) -> Iterator[str]:
        """Yield the event and the end of its line."""
        yield event_xml(event, self.quote, rendered=self.rendered) + "\r\n"


class SavedXmlWriter(EventXmlWriter):
    """Writes what Event Viewer saves: a document, with the event's words in the reader's language."""

    before = '\ufeff<?xml version="1.0" encoding="utf-8" standalone="yes"?>\r\n<Events>'
    after = "</Events>"
    rendered = True
    quote = '"'


class RedirectedXmlWriter(EventXmlWriter):
    """Writes what PowerShell's ``wevtutil qe /f:xml /e:Events > file`` leaves: UTF-16."""

    encoding = "utf-16-le"
    before = "\ufeff<Events>\r\n"
    after = "</Events>\r\n"


def event_xml(event: LabEvent, quote: str = "'", *, rendered: bool = False) -> str:
    """One event on one line, as far as its values have no line ends."""
    words = _rendering(event, quote) if rendered else ""
    return (
        f"<Event xmlns={quote}{EVENT_NAMESPACE}{quote}>{_system(event, quote)}{data_xml(event, quote)}{words}</Event>"
    )


def data_xml(event: LabEvent, quote: str = "'") -> str:
    """An event's EventData or UserData."""
    is_user_data = event.kind.body is Body.USER_DATA
    return f"<UserData>{user_data_xml(event, quote)}</UserData>" if is_user_data else _event_data(event, quote)


def _text(text: str) -> str:
    return escape(text, quote=False)


def _element(name: str, text: str, attributes: str = "") -> str:
    return f"<{name}{attributes}>{_text(text)}</{name}>" if text else f"<{name}{attributes}/>"


def _attributes(quote: str, **values: str | None) -> str:
    return "".join(f" {name}={quote}{escape(text)}{quote}" for name, text in values.items() if text)


def _system(event: LabEvent, quote: str) -> str:
    kind = event.kind
    guid = kind.provider.guid and f"{{{kind.provider.guid.strip('{}').lower()}}}"
    qualifiers = None if kind.qualifiers is None else str(kind.qualifiers)
    activity = guid_text(event.activity_id) if event.activity_id else None
    items = (
        _element(
            "Provider",
            "",
            _attributes(quote, Name=kind.provider.name, Guid=guid, EventSourceName=kind.provider.source_name),
        ),
        _element("EventID", str(kind.event_id), _attributes(quote, Qualifiers=qualifiers)),
        _element("Version", str(kind.version)),
        _element("Level", str(kind.level)),
        _element("Task", str(kind.task)),
        _element("Opcode", str(kind.opcode)),
        _element("Keywords", hex(kind.keywords)),
        _element("TimeCreated", "", _attributes(quote, SystemTime=iso(event.ticks))),
        _element("EventRecordID", str(event.record_id)),
        _element("Correlation", "", _attributes(quote, ActivityID=activity)),
        _element("Execution", "", _attributes(quote, ProcessID=str(event.process_id), ThreadID=str(event.thread_id))),
        _element("Channel", kind.channel),
        _element("Computer", event.host),
        _element("Security", "", _attributes(quote, UserID=event.user_sid)),
    )
    return f"<System>{''.join(items)}</System>"


def _event_data(event: LabEvent, quote: str) -> str:
    if event.kind.body is Body.CLASSIC:
        items = [f"<Data>{_text(text)}</Data>" for text in event.values[0] or ("",)]
        binary = as_text(event).get("Binary", "")
        return f"<EventData>{''.join(items)}{_element('Binary', binary)}</EventData>"
    texts = as_text(event)
    items = [
        _element(field.name, texts[field.name])
        if field.type is ValueType.BINARY
        else _element("Data", texts[field.name], _attributes(quote, Name=field.name))
        for field in event.kind.fields
    ]
    return f"<EventData>{''.join(items)}</EventData>" if items else "<EventData/>"


def user_data_xml(event: LabEvent, quote: str = "'") -> str:
    """What stands in an event's UserData."""
    root, namespace = event.kind.root
    items = "".join(_element(name, text) for name, text in as_text(event).items())
    return f"<{root} xmlns={quote}{namespace}{quote}>{items}</{root}>"


def _rendering(event: LabEvent, quote: str) -> str:
    kind = event.kind
    keywords = [
        word
        for bit, word in ((AUDIT_SUCCESS, "Audit Success"), (AUDIT_FAILURE, "Audit Failure"))
        if kind.keywords & bit
    ]
    items = (
        _element("Message", message(event)),
        _element("Level", LEVELS[kind.level]),
        _element("Task", kind.category),
        _element("Opcode", "Info"),
        _element("Channel", kind.channel),
        _element("Provider", kind.provider.name),
        f"<Keywords>{''.join(_element('Keyword', word) for word in keywords)}</Keywords>",
    )
    return f"<RenderingInfo{_attributes(quote, Culture='en-US')}>{''.join(items)}</RenderingInfo>"
