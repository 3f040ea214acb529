"""Splunk's odd values: previews, lists of equal labels, fields without the text, XML and classic text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.formats.quick import QuickReader

Row = dict[str, Any]
TIME = datetime(2024, 5, 6, 9, 1, 1, 402000, UTC)
XML = (
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
    "<Provider Name='Microsoft-Windows-Security-Auditing' Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}'/>"
    "<EventID>4634</EventID><Version>0</Version><Level>0</Level><Task>12545</Task><Opcode>0</Opcode>"
    "<Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime='2024-05-06T09:01:01.4021234Z'/>"
    "<EventRecordID>77</EventRecordID><Correlation/><Execution ProcessID='608' ThreadID='700'/>"
    "<Channel>Security</Channel><Computer>WS01.acme.example</Computer><Security/></System><EventData>"
    "<Data Name='TargetUserSid'>S-1-5-18</Data><Data Name='TargetUserName'>alice &amp; bob</Data>"
    "<Data Name='TargetDomainName'>ACME</Data><Data Name='TargetLogonId'>0x1234</Data><Data Name='LogonType'>3</Data>"
    "</EventData></Event>"
)
LOGON = (
    "An account was successfully logged on.\n\nSubject:\n\tSecurity ID:\t\tNULL SID\n\tAccount Name:\t\t-\n"
    "\tAccount Domain:\t\t-\n\tLogon ID:\t\t0x0\n\nLogon Information:\n\tLogon Type:\t\t3\n\tElevated Token:\t\tYes\n\n"
    "Impersonation Level:\t\tImpersonation\n\nNew Logon:\n\tSecurity ID:\t\tACME\\alice\n\tAccount Name:\t\talice\n"
    "\tAccount Domain:\t\tACME\n\tLogon ID:\t\t0x1234\n\tLinked Logon ID:\t\t0x0\n\tNetwork Account Name:\t-\n\n"
    "Process Information:\n\tProcess ID:\t\t0x0\n\tProcess Name:\t\t-\n\nNetwork Information:\n"
    "\tWorkstation Name:\tWS02\n\tSource Network Address:\t10.20.0.12\n\tSource Port:\t\t50122\n\n"
    "Detailed Authentication Information:\n\tLogon Process:\t\tKerberos\n\tAuthentication Package:\tKerberos\n\n"
    "This event is generated when a logon session is created."
)
HEADER = (
    "05/06/2024 09:01:01 AM\nLogName=Security\nSourceName=Microsoft Windows security auditing.\nEventCode=4624\n"
    "EventType=0\nType=Information\nComputerName=WS01.acme.example\nTaskCategory=Logon\nOpCode=Info\nRecordNumber=77\n"
    "Keywords=Audit Success\nMessage="
)
BASE = {
    "_time": "2024-05-06T09:01:01.402+00:00",
    "host": "WS01",
    "source": "WinEventLog:Security",
    "sourcetype": "WinEventLog",
}
CLASSIC = BASE | {"_raw": HEADER + LOGON}


def result(fields: Row, *, preview: bool = False) -> Row:
    """A line of an export."""
    return {"preview": preview, "offset": 0, "result": fields}


def test_xml_wins(quick: QuickReader) -> None:
    (row,) = quick(result(BASE | {"_raw": XML, "EventCode": "1", "TargetUserName": "mallory", "Message": "x"}))
    assert (row["channel"], row["event_id"], row["record_id"], row["version"]) == ("Security", 4634, 77, 0)
    assert (row["target_name"], row["target_logon_id"], row["logon_type"]) == ("alice & bob", "0x1234", 3)
    assert row["event_time"] == datetime(2024, 5, 6, 9, 1, 1, 402123, UTC)
    assert (row["keywords"], row["execution_process_id"]) == ("0x8020000000000000", 608)
    assert json.loads(row["event_data"])["TargetUserName"] == "alice & bob"


def test_xml_that_is_none_is_named_and_the_fields_are_read(quick: QuickReader) -> None:
    (row,) = quick(result(BASE | {"_raw": XML[:-9], "EventCode": "4634", "LogName": "Security"}))
    assert (row["event_id"], row["event_time"]) == (4634, TIME)
    assert [problem.startswith("the XML in _raw is not read") for problem in quick.problems] == [True]


def test_the_sections_of_the_text_decide(quick: QuickReader) -> None:
    """The fields are in the wrong order on purpose."""
    (row,) = quick(result(CLASSIC | {"Account_Name": ["alice", "-"], "Logon_ID": ["0x1234", "0x0"]}))
    assert (row["provider"], row["event_id"], row["record_id"]) == ("Microsoft-Windows-Security-Auditing", 4624, 77)
    assert (row["host"], row["computer"]) == ("ws01", "WS01.acme.example")
    assert (row["subject_name"], row["target_name"], row["target_logon_id"]) == ("-", "alice", "0x1234")
    assert (row["logon_type"], row["source_ip"], row["source_port"]) == (3, "10.20.0.12", 50122)
    assert (row["workstation"], row["event_time"], row["time_source"]) == ("WS02", TIME, "logged")


@pytest.mark.parametrize("raw", [True, False])
def test_message_with_and_without_the_whole_text(quick: QuickReader, raw: bool) -> None:
    header = dict(line.split("=", 1) for line in HEADER.split("\n")[1:-1])
    fields = BASE | header | {"Message": LOGON} | ({"_raw": HEADER + LOGON} if raw else {})
    (row,) = quick(result(fields))
    assert (row["target_name"], row["target_logon_id"]) == ("alice", "0x1234")
    assert "EventType" not in json.loads(row["event_data"])


def test_fields_alone(quick: QuickReader) -> None:
    """First the subject's, then the new logon's: as the text has them."""
    fields = BASE | {
        "EventCode": 4624, "ComputerName": "WS01", "LogName": "Security", "Account_Name": ["WS01$", "alice"],
        "Account_Domain": ["CORP", "ACME"], "Logon_ID": ["0x3e7", "0x1234"], "Logon_Type": "3",
        "Source_Network_Address": "10.20.0.12",
    }  # fmt: skip
    (row,) = quick(result(fields))
    assert (row["subject_name"], row["subject_domain"], row["subject_logon_id"]) == ("WS01$", "CORP", "0x3e7")
    assert (row["target_name"], row["target_domain"], row["target_logon_id"]) == ("alice", "ACME", "0x1234")
    assert (row["logon_type"], row["source_ip"]) == (3, "10.20.0.12")


def test_fields_of_a_process(quick: QuickReader) -> None:
    fields = BASE | {
        "EventCode": "4688", "ComputerName": "WS01", "Account_Name": "alice", "Logon_ID": "0x1234",
        "New_Process_Name": "C:\\Windows\\System32\\wbem\\WMIC.exe", "New_Process_ID": "0x1e4",
        "Creator_Process_ID": "0x11f0", "Process_Command_Line": "wmic /node:fs01 process call create calc",
    }  # fmt: skip
    (row,) = quick(fields)
    assert (row["channel"], row["process_name"], row["process_id"]) == ("Security", "wmic.exe", 0x1E4)
    assert (row["parent_process_id"], row["subject_name"], row["target_name"]) == (0x11F0, "alice", None)
    assert row["command_line"] == fields["Process_Command_Line"]


def test_sysmon_as_text(quick: QuickReader) -> None:
    """Splunk's own User and EventType are not Sysmon's."""
    text = (
        "Registry value set:\nRuleName: -\nEventType: SetValue\nUtcTime: 2024-05-06 09:01:01.402\nProcessId: 7412\n"
        "Image: C:\\Windows\\regedit.exe\nTargetObject: HKLM\\X\nDetails: DWORD (0x00000001)"
    )
    header = (
        HEADER.replace("LogName=Security", "LogName=Microsoft-Windows-Sysmon/Operational")
        .replace("Microsoft Windows security auditing.", "Microsoft-Windows-Sysmon").replace("4624", "13")
    )  # fmt: skip
    fields = {
        "EventCode": "13", "EventType": "4", "User": "NOT_TRANSLATED", "Type": "Information",
        "LogName": "Microsoft-Windows-Sysmon/Operational", "SourceName": "Microsoft-Windows-Sysmon",
    }  # fmt: skip
    whole, bare = quick(result(BASE | fields | {"_raw": header + text}), result(BASE | {"_raw": header + text}))
    for row in (whole, bare):
        assert (row["registry_event_type"], row["registry_path"]) == ("SetValue", "HKLM\\X")
        assert (row["process_name"], row["user_name"]) == ("regedit.exe", None)


def test_sysmon_by_its_own_names(quick: QuickReader) -> None:
    fields = {
        "_time": "1714986061.402", "source": "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational", "EventCode": "1",
        "sourcetype": "xmlwineventlog", "Computer": "WS01", "Image": "C:\\Windows\\cmd.exe", "CommandLine": "cmd /c x",
        "ParentImage": "C:\\Windows\\explorer.exe", "User": "ACME\\alice", "ProcessId": "12",
    }  # fmt: skip
    (row,) = quick(result(fields))
    assert (row["channel"], row["event_time"]) == ("Microsoft-Windows-Sysmon/Operational", TIME)
    assert (row["process_name"], row["user_name"], row["process_id"]) == ("cmd.exe", "alice", 12)


@pytest.mark.parametrize(
    ("time", "moment", "source"),
    [
        ("1714986061.402", TIME, "logged"),
        (1714986061.402, TIME, "logged"),
        ("1714986061", TIME.replace(microsecond=0), "logged"),
        ("2024-05-06 09:01:01.402 UTC", TIME, "logged"),
        ("2024-05-06T05:01:01.402-0400", TIME, "logged"),
    ],
)
def test_times(quick: QuickReader, time: Any, moment: datetime, source: str) -> None:
    (row,) = quick(result(CLASSIC | {"_time": time}))
    assert (row["event_time"], row["time_source"]) == (moment, source)


def test_without_splunks_own_time_there_is_that_of_the_text(quick: QuickReader) -> None:
    (row,) = quick(result(CLASSIC | {"_time": None}))
    assert (row["event_time"], row["time_source"]) == (TIME.replace(microsecond=0), "assumed")


@pytest.mark.parametrize("time", ["", "now", "99999999999999999999", [1]])
def test_times_that_are_none(quick: QuickReader, time: Any) -> None:
    (row,) = quick(result(CLASSIC | {"_time": time}))
    assert (row["event_time"], row["event_id"]) == (None, 4624)


def test_previews_and_the_last_line_are_left_out(quick: QuickReader) -> None:
    preview = result(CLASSIC, preview=True)
    (row,) = quick(preview, preview, result(CLASSIC), {"preview": False, "lastrow": True})
    assert row["target_name"] == "alice"
    assert (quick.left_out, quick.problems) == (3, [])


def test_the_answer_of_the_api(quick: QuickReader) -> None:
    document = {
        "preview": False,
        "init_offset": 0,
        "messages": [],
        "fields": [{"name": "_raw"}],
        "results": [CLASSIC, CLASSIC],
    }
    assert len(quick(text=json.dumps(document))) == 2


def test_bare_rows(quick: QuickReader) -> None:
    (row,) = quick(CLASSIC)
    assert row["target_name"] == "alice"


def test_a_text_in_another_language_is_kept(quick: QuickReader) -> None:
    raw = HEADER + "Ein Konto wurde angemeldet.\n\nAntragsteller:\n\tKontoname:\tanna"
    (row,) = quick(result(BASE | {"_raw": raw}))
    assert (row["event_id"], row["target_name"]) == (4624, None)
    assert "anna" in row["event_data"]


@pytest.mark.parametrize(
    "odd",
    [
        {"_raw": None}, {"_raw": ["a", "b"]}, {"_raw": HEADER}, {"_raw": "<Event/>"}, {"EventCode": ["4624", "4688"]},
        {"_raw": HEADER + "\tLogon ID:" * 5000}, {"_raw": HEADER + "Subject:\n" * 5000}, {"LogName": {"a": 1}},
        {"Account_Name": {"a": 1}, "_raw": None, "EventCode": 4624}, {"Message": ["x"]},
    ],
    ids=lambda odd: repr(odd)[:40],
)  # fmt: skip
def test_odd_values_break_nothing(quick: QuickReader, odd: Row) -> None:
    rows = quick(result(CLASSIC | odd), result(CLASSIC))
    assert rows[-1]["target_name"] == "alice"
