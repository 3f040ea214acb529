"""Rows of Azure Monitor's tables: WindowsEvent with the data as an object, Event with the data's XML in an element."""

from __future__ import annotations

import re
from typing import Any

from wmiwarehouse.lab.evtx_plan import EVENT_NAMESPACE
from wmiwarehouse.lab.exports.base import LinesWriter, as_text, iso
from wmiwarehouse.lab.exports.event_xml import LEVELS, data_xml, event_xml
from wmiwarehouse.lab.exports.messages import message
from wmiwarehouse.lab.model import Body, LabEvent

_AGENT = "00000000-0000-0000-0000-000000000001"


class WindowsEventWriter(LinesWriter):
    """Writes the table WindowsEvent; what has no names in its data comes as the event's XML."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        kind = event.kind
        is_named = kind.body is Body.EVENT_DATA
        return {
            **_row(event, "WindowsEvent"),
            "Channel": kind.channel,
            "Provider": kind.provider.name,
            "EventRecordId": str(event.record_id),
            "Version": kind.version,
            "Task": kind.task,
            "Opcode": str(kind.opcode),
            "Keywords": hex(kind.keywords),
            "SystemProcessId": event.process_id,
            "SystemThreadId": event.thread_id,
            "SystemUserId": event.user_sid or "N/A",
            "EventData": as_text(event) if is_named else None,
            "RawEventData": None if is_named else event_xml(event),
        }


class AgentEventWriter(LinesWriter):
    """Writes the table Event."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        kind, time = event.kind, iso(event.ticks)
        data = re.sub(r"^<(EventData|UserData)", f'<\\1 xmlns="{EVENT_NAMESPACE}"', data_xml(event))
        item = f'<DataItem type="System.XmlData" time="{time}" sourceHealthServiceId="{_AGENT}">{data}</DataItem>'
        return {
            **_row(event, "Event"),
            "SourceSystem": "OpsManager",
            "EventLog": kind.channel,
            "Source": kind.provider.name,
            "EventCategory": kind.task,
            "UserName": "N/A",
            "EventData": item,
            "ParameterXml": "",
            "RenderedDescription": message(event),
            "Message": "",
        }


def _row(event: LabEvent, table: str) -> dict[str, Any]:
    kind = event.kind
    return {
        "TenantId": "00000000-0000-0000-0000-000000000002",
        "TimeGenerated": iso(event.ticks),
        "Computer": event.host,
        "EventID": kind.event_id,
        "EventLevel": kind.level,
        "EventLevelName": LEVELS[kind.level],
        "Type": table,
    }
