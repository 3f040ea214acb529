"""Wazuh: names turned back into Windows' own, escapes that the manager left in, and the envelopes around an event."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.formats.conftest import Row

Read = Callable[..., list[Row]]
SYSTEM = {
    "providerName": "Microsoft-Windows-Sysmon",
    "eventID": "1",
    "version": "5",
    "level": "4",
    "keywords": "0x8000000000000000",
    "systemTime": "2024-05-06T12:00:00.123456700Z",
    "eventRecordID": "77",
    "processID": "4",
    "channel": "Microsoft-Windows-Sysmon/Operational",
    "computer": "WS01.acme.example",
    "message": '"Process Create:"',
}
WMI = {"providerName": "Microsoft-Windows-WMI-Activity", "channel": "Microsoft-Windows-WMI-Activity/Operational"}


def win(eventdata: Any = None, *, system: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"win": {"system": SYSTEM | (system or {}), "eventdata": eventdata} | more}


def test_envelopes(read: Read) -> None:
    event = win({"image": "C:\\Windows\\a.exe", "processId": "44"})
    alert = {"timestamp": "2024-05-06T12:00:09.000+0000", "agent": {"name": "other"}, "data": event}
    for row in read(alert, {"_id": "x", "_source": alert}, event):
        assert (row["format"], row["host"], row["record_id"], row["process_id"]) == ("wazuh", "ws01", 77, 44)
        assert str(row["event_time"]) == "2024-05-06 12:00:00.123456+00:00"


def test_names_are_windows_own(read: Read) -> None:
    (row,) = read(win({"image": "a.exe", "logonId": "0x3E7", "iD": "5", "processid": "6", "param1": "7"}))
    data = json.loads(row["event_data"])
    del data["#Message"]
    assert data == {"Image": "a.exe", "LogonId": "0x3E7", "ID": "5", "processid": "6", "param1": "7"}
    assert row["logon_id"] == "0x3e7"


_ESCAPES = [
    ("C:\\\\Win\\\\a.exe", '\\"C:\\\\a b.exe\\" /node:\\\\\\\\FS01', "C:\\Win\\a.exe", '"C:\\a b.exe" /node:\\\\FS01'),
    ("C:\\Windows\\a.exe", '"C:\\a b.exe" /node:\\\\FS01', "C:\\Windows\\a.exe", '"C:\\a b.exe" /node:\\\\FS01'),
    ("a.exe", '\\"quoted\\"', "a.exe", '"quoted"'),
    ("C:\\\\dir\\\\", 'x \\"C:\\\\dir\\\\\\"', "C:\\dir\\", 'x "C:\\dir\\"'),
]  # fmt: skip


def test_escapes_of_the_agents_json(read: Read) -> None:
    rows = read(*(win({"image": image, "commandLine": command}) for image, command, _, _ in _ESCAPES))
    assert [(row["process_path"], row["command_line"]) for row in rows] == [case[2:] for case in _ESCAPES]


def test_user_data_stands_beside_and_keeps_its_line_breaks(read: Read) -> None:
    message = (
        '"Namespace = root; Eventfilter = f; Consumer = c; PossibleCause = Binding EventFilter: \n\tQuery = "q";\n"'
    )
    bound = win(system=WMI | {"eventID": "5861", "message": message})
    del bound["win"]["eventdata"]
    bound["win"]["operation_ESStoConsumerBinding"] = {"eSS": "f", "cONSUMER": "c", "possibleCause": "Binding    Query"}
    (row,) = read(bound)
    data = json.loads(row["event_data"])
    assert (data["#UserData"], data["ESS"], data["CONSUMER"]) == ("Operation_ESStoConsumerBinding", "f", "c")
    assert (row["wmi_filter"], row["wmi_consumer"], row["wmi_query"]) == ("f", "c", "q")


def test_without_an_english_message_the_value_is_left(read: Read) -> None:
    bound = win(system=WMI | {"eventID": "5861", "message": None}, x={"possibleCause": "Binding"})
    (row,) = read(bound)
    assert row["wmi_result"] == "Binding"


def test_odd_data(read: Read) -> None:
    odd: tuple[Any, ...] = (None, {}, "text", [1], {"a": None}, {"": "x"}, {"a": {"b": 1}}, {"a": 1, "A": 2})
    rows = read(*map(win, odd))
    assert [row["record_id"] for row in rows] == [77] * len(odd)
    assert "text" in rows[2]["event_data"]
    for row in rows:
        json.loads(row["event_data"])


def test_odd_elements(read: Read) -> None:
    rows = read(win({"image": "a.exe"}, **{'we"ird': {"a": "1"}}), win({"image": "a.exe"}, other="text"))
    assert rows[0]["process_name"] == "a.exe"
    assert len(rows) == 2


def test_very_many_values(read: Read) -> None:
    (row,) = read(win({f"n{number}": "v" for number in range(100_000)}))
    assert len(json.loads(row["event_data"])) >= 100_000
