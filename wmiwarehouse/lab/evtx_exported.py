"""EVTX as Event Viewer can leave it when somebody saves a filtered log: no templates, every value as text."""

from __future__ import annotations

from wmiwarehouse.lab.binxml import Element, compile_inline
from wmiwarehouse.lab.evtx_plan import EVENT_NAMESPACE, body_element
from wmiwarehouse.lab.evtx_writer import EvtxWriter
from wmiwarehouse.lab.model import TICKS_PER_SECOND, Body, LabEvent, to_datetime, value_text


class ExportedEvtxWriter(EvtxWriter):
    """Writes records that are complete by themselves."""

    def payload(self, event: LabEvent, at: int) -> bytes:
        """The whole event as text, names and all."""
        kind = event.kind
        if kind.body is Body.CLASSIC:
            body = Element("EventData", (), tuple(Element("Data", (), (text,)) for text in event.values[0]))
        else:
            body = body_element(
                kind,
                [
                    (text,) if (text := value_text(field.type, value)) else ()
                    for field, value in zip(kind.fields, event.values, strict=True)
                ],
            )
        if kind.body is Body.USER_DATA:
            body = Element("UserData", (), (body,))
        root = Element("Event", (("xmlns", EVENT_NAMESPACE),), (self._exported_system(event), body))
        return compile_inline(root).at(at)

    def _exported_system(self, event: LabEvent) -> Element:
        kind = event.kind
        seconds = f"{to_datetime(event.ticks):%Y-%m-%dT%H:%M:%S}"
        provider = {"Name": kind.provider.name, "Guid": kind.provider.guid and f"{{{kind.provider.guid.strip('{}')}}}"}
        qualifiers = () if kind.qualifiers is None else (("Qualifiers", str(kind.qualifiers)),)
        user = (("UserID", event.user_sid),) if event.user_sid else ()
        return Element(
            "System",
            (),
            (
                Element("Provider", tuple((name, text) for name, text in provider.items() if text)),
                Element("EventID", qualifiers, (str(kind.event_id),)),
                Element("Version", (), (str(kind.version),)),
                Element("Level", (), (str(kind.level),)),
                Element("Task", (), (str(kind.task),)),
                Element("Opcode", (), (str(kind.opcode),)),
                Element("Keywords", (), (hex(kind.keywords),)),
                Element("TimeCreated", (("SystemTime", f"{seconds}.{event.ticks % TICKS_PER_SECOND:07d}Z"),)),
                Element("EventRecordID", (), (str(event.record_id),)),
                Element("Correlation"),
                Element("Execution", (("ProcessID", str(event.process_id)), ("ThreadID", str(event.thread_id)))),
                Element("Channel", (), (kind.channel,)),
                Element("Computer", (), (self._computer,)),
                Element("Security", user),
            ),
        )
