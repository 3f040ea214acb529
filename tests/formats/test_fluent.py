"""Fluent Bit's and Fluentd's odd values: times, values by position, whose account is whose, what filters leave."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.formats.conftest import Exported, Row, warehouse_of
from tests.formats.quick import QuickReader

Read = Callable[..., list[Row]]
SYSMON = "Microsoft-Windows-Sysmon"
VALUES = [
    "-", "2024-05-06 09:01:01.402", "{1B2C3D4E-0001-6638-0A01-000000000900}", "7412",
    "C:\\Windows\\System32\\wbem\\WMIC.exe", "10.0.19041.1", "WMI Commandline Utility", "Windows", "Microsoft",
    "wmic.exe", "wmic /node:FS01 process call create notepad", "C:\\Users\\alice\\", "ACME\\alice",
    "{1B2C3D4E-0002-6638-A19F-0C0000000000}", "0xc9fa1", "2", "High", "SHA256=AB",
    "{1B2C3D4E-0003-6638-0901-000000000900}", "5120", "C:\\Windows\\System32\\cmd.exe", "cmd.exe /k", "ACME\\alice",
]  # fmt: skip
NAMES = [
    "RuleName", "UtcTime", "ProcessGuid", "ProcessId", "Image", "FileVersion", "Description", "Product", "Company",
    "OriginalFileName", "CommandLine", "CurrentDirectory", "User", "LogonGuid", "LogonId", "TerminalSessionId",
    "IntegrityLevel", "Hashes", "ParentProcessGuid", "ParentProcessId", "ParentImage", "ParentCommandLine",
    "ParentUser",
]  # fmt: skip
TEXT = "Process Create:\r\n" + "\r\n".join(f"{name}: {value}" for name, value in zip(NAMES, VALUES, strict=True))
BIT = {
    "date": 1714986062.5,
    "ProviderName": SYSMON,
    "ProviderGuid": "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}",
    "Qualifiers": "",
    "EventID": 1,
    "Version": 5,
    "Level": 4,
    "Task": 1,
    "Opcode": 0,
    "Keywords": "0x8000000000000000",
    "TimeCreated": "2024-05-06 05:01:01 -0400",
    "EventRecordID": 77,
    "ActivityID": "",
    "RelatedActivityID": "",
    "ProcessID": 3100,
    "ThreadID": 4200,
    "Channel": f"{SYSMON}/Operational",
    "Computer": "WS01.acme.example",
    "UserID": "NT AUTHORITY\\SYSTEM",
    "Message": TEXT,
    "StringInserts": VALUES,
}
_OTHERS = {"date", "ProviderGuid", "Qualifiers", "Message", "StringInserts"}
FLUENTD = {name: str(value) for name, value in BIT.items() if name not in _OTHERS} | {
    "ProviderGUID": "",
    "TimeCreated": "2024/05/06 09:01:01.402123400",
    "UserID": "S-1-5-18",
    "User": "NT AUTHORITY\\SYSTEM",
    "Description": TEXT,
    "EventData": [*VALUES[:14], "0x00000000000c9fa1", *VALUES[15:]],
}
SECURITY = BIT | {
    "ProviderName": "Microsoft-Windows-Security-Auditing",
    "Channel": "Security",
    "UserID": "",
    "EventID": 4634,
    "Version": 0,
    "Message": "An account was logged off.\r\n\r\nSubject:\r\n\tSecurity ID:\t\tS-1-5-21-1-2-3-1104\r\n"
    "\tAccount Name:\t\talice\r\n\tAccount Domain:\t\tACME\r\n\tLogon ID:\t\t0xD431\r\n\r\nLogon Type:\t\t\t3\r\n\r\n"
    "This event is generated when a logon session is destroyed.",
    "StringInserts": ["S-1-5-21-1-2-3-1104", "alice", "ACME", "0xd431", 3],
}


def without(record: Row, *names: str) -> Row:
    """The record without some of its fields."""
    return {name: value for name, value in record.items() if name not in names}


def assert_whole(row: Row) -> None:
    """The process is told whole."""
    assert row["format"] == "fluent"
    assert (row["user_domain"], row["user_name"], row["logon_id"]) == ("ACME", "alice", "0xc9fa1")
    assert (row["process_path"], row["command_line"]) == (VALUES[4], VALUES[10])
    assert (row["process_id"], row["parent_process_id"]) == (7412, 5120)
    assert row["process_guid"] == VALUES[2].strip("{}").lower()


@pytest.mark.parametrize("record", [BIT, FLUENTD], ids=["fluentbit", "fluentd"])
def test_values_get_their_names(read: Read, record: Row) -> None:
    (row,) = read(record)
    assert_whole(row)
    assert (row["host"], row["event_id"], row["version"], row["record_id"]) == ("ws01", 1, 5, 77)
    assert (row["execution_process_id"], row["execution_thread_id"], row["activity_id"]) == (3100, 4200, None)
    data = json.loads(row["event_data"])
    assert data["Message"] == TEXT
    assert data["#User"] == "NT AUTHORITY\\SYSTEM"
    assert data["Description"] == "WMI Commandline Utility"
    assert not data.keys() & {"StringInserts", "EventData", "ProviderName", "Channel", "UserID"}


def test_the_account_that_logged_is_not_the_events_user(read: Read) -> None:
    """Not even where nothing else tells; and a name is no SID."""
    rows = read(
        BIT,
        BIT | {"UserID": "S-1-5-18"},
        FLUENTD | {"EventData": [], "Description": "Etwas ist geschehen"},
        without(FLUENTD, "UserID") | {"EventData": ["x"]},
    )
    assert [row["user_name"] for row in rows] == ["alice", "alice", None, "alice"]
    assert [row["system_user_sid"] for row in rows] == [None, "S-1-5-18", "S-1-5-18", None]


@pytest.mark.parametrize(
    ("time", "moment"),
    [
        ("2024-05-06 05:01:01 -0400", datetime(2024, 5, 6, 9, 1, 1, tzinfo=UTC)),
        ("2024-05-06 14:31:01 +0530", datetime(2024, 5, 6, 9, 1, 1, tzinfo=UTC)),
        ("2024/05/06 09:01:01.402123400", datetime(2024, 5, 6, 9, 1, 1, 402123, UTC)),
        ("2024/05/06 09:01:01.2123400", datetime(2024, 5, 6, 9, 1, 1, 2123, UTC)),
        ("2024/05/06 09:01:01.0", datetime(2024, 5, 6, 9, 1, 1, 0, UTC)),
        ("2024-05-06T09:01:01.402123400Z", datetime(2024, 5, 6, 9, 1, 1, 402123, UTC)),
    ],
)
def test_times(read: Read, time: str, moment: datetime) -> None:
    (row,) = read(FLUENTD | {"TimeCreated": time})
    assert (row["event_time"], row["time_source"]) == (moment, "logged")


@pytest.mark.parametrize("time", ["2024-05-06 09:01:01", "2024/99/06 09:01:01.5", "yesterday", None, 5])
def test_times_that_are_none_or_without_a_zone(read: Read, time: Any) -> None:
    (row,) = read(BIT | {"TimeCreated": time})
    assert (row["event_time"] is None) == (time != "2024-05-06 09:01:01")
    assert row["time_source"] == ("logged" if time == "2024/99/06 09:01:01.5" else "assumed")


def test_the_qualifiers_in_an_event_id(read: Read) -> None:
    rows = read(
        FLUENTD | {"EventID": str(16384 << 16 | 7045), "ProviderName": "Service Control Manager", "Channel": "System"},
        FLUENTD | {"EventID": "99999999999"},
    )
    assert [row["event_id"] for row in rows] == [7045, None]


def test_fluentd_from_xml(read: Read) -> None:
    """It has the GUID, but neither User nor process; the activity stands where the related one should."""
    activity = "{1B2C3D4E-0000-0001-0203-040506070809}"
    xml = without(FLUENTD, "User", "ProcessID") | {
        "TimeCreated": "2024-05-06T09:01:01.402123400Z", "ProviderGUID": BIT["ProviderGuid"], "Qualifiers": "",
        "RelatedActivityID": activity,
    }  # fmt: skip
    (row,) = read(xml)
    assert_whole(row)
    assert (row["execution_process_id"], row["related_activity_id"]) == (None, None)
    assert row["activity_id"] == activity.strip("{}").lower()


@pytest.mark.parametrize("inserts", [VALUES, json.dumps(VALUES), None, [], "x", "[x", {}], ids=repr)
def test_string_inserts_of_any_kind(read: Read, inserts: Any) -> None:
    """As text, as some databases keep lists; where there are none the message tells."""
    (row,) = read(BIT | {"StringInserts": inserts})
    assert_whole(row)


def test_without_string_inserts(read: Read) -> None:
    rows = read(without(BIT, "StringInserts"), without(SECURITY, "StringInserts"))
    assert_whole(rows[0])
    assert (rows[1]["target_name"], rows[1]["target_logon_id"], rows[1]["logon_type"]) == ("alice", "0xd431", 3)


def test_other_languages_by_position(read: Read) -> None:
    german = "Ein Konto wurde abgemeldet.\r\n\r\nAntragsteller:\r\n\tKontoname:\t\talice"
    (row,) = read(SECURITY | {"Message": german})
    assert (row["target_name"], row["target_domain"], row["target_logon_id"]) == ("alice", "ACME", "0xd431")
    assert json.loads(row["event_data"])["Message"] == german


def test_a_map_of_names(read: Read) -> None:
    """Fluent Bit 5.1 with event_data_as_map."""
    named = dict(zip(NAMES, VALUES, strict=True))
    (row,) = read(without(BIT, "StringInserts") | {"EventData": named, "Message": ""})
    assert_whole(row)
    assert "EventData" not in json.loads(row["event_data"])


def test_names_that_a_filter_has_spread(read: Read) -> None:
    """Over fields of the same names as the plugin's own, of which it keeps none."""
    spread = FLUENTD | dict(zip(NAMES, VALUES, strict=True))
    whole, alone, unknown = read(
        spread, without(spread, "EventData") | {"User": "ACME\\alice"}, spread | {"Version": "1"}
    )
    assert_whole(whole)
    data = json.loads(whole["event_data"])
    assert (data["Description"], "Message" in data) == ("WMI Commandline Utility", False)
    # Nothing tells whose account is in User.
    assert (alone["process_path"], alone["user_name"], alone["logon_id"]) == (VALUES[4], None, "0xc9fa1")
    assert unknown["process_path"] == VALUES[4]


def test_what_is_added_is_kept(read: Read) -> None:
    (row,) = read(BIT | {"tag": "winevtlog.0", "env": {"site": "x"}})
    data = json.loads(row["event_data"])
    assert (data["tag"], data["env"], data["date"]) == ("winevtlog.0", {"site": "x"}, BIT["date"])


def test_a_description_that_was_parsed(read: Read) -> None:
    logoff = without(FLUENTD, "Description", "EventData") | {
        "ProviderName": SECURITY["ProviderName"], "Channel": "Security", "EventID": "4634", "UserID": "", "User": "",
        "DescriptionTitle": "An account was logged off.", "subject.security_id": "S-1-5-21-1-2-3-1104",
        "subject.account_name": "alice", "subject.account_domain": "ACME", "subject.logon_id": "0xD431",
        "logon_type": "3",
    }  # fmt: skip
    sysmon = without(FLUENTD, "Description", "EventData") | {"DescriptionTitle": TEXT}
    rows = read(logoff, sysmon)
    assert (rows[0]["target_name"], rows[0]["target_domain"], rows[0]["logon_type"]) == ("alice", "ACME", 3)
    assert (rows[0]["target_sid"], rows[0]["target_logon_id"]) == ("S-1-5-21-1-2-3-1104", "0xd431")
    assert_whole(rows[1])


def test_hexadecimal_zeros(read: Read) -> None:
    """Fluentd writes a zero of 32 bits without its prefix."""
    failed = ["S-1-0-0", "-", "-", "0x0000000000000000", "S-1-0-0", "bob", "ACME", "0xc000006d", "%%2313", "0", "3"]
    more = ["NtLmSsp ", "NTLM", "WS02", "-", "-", "0", "0x0000000000000000", "-", "10.0.0.7", "50122"]
    (row,) = read(FLUENTD | {
        "ProviderName": SECURITY["ProviderName"], "Channel": "Security", "EventID": "4625", "Version": "0",
        "EventData": failed + more,
    })  # fmt: skip
    data = json.loads(row["event_data"])
    assert (data["Status"], data["SubStatus"], data["SubjectLogonId"]) == ("0xc000006d", "0x0", "0x0")
    assert (row["target_name"], row["source_ip"]) == ("bob", "10.0.0.7")


def test_classic_powershell(read: Read) -> None:
    texts = [
        "Available",
        "None",
        "\tHostApplication=powershell.exe -c x\r\n\tEngineVersion=5.1\r\n\tUserId=ACME\\bob\r\n",
    ]
    classic = {"ProviderName": "PowerShell", "Channel": "Windows PowerShell", "Version": 0}
    rows = read(
        BIT | classic | {"EventID": 400, "StringInserts": texts},
        FLUENTD | classic | {"EventID": "400", "EventData": texts},
        without(BIT, "StringInserts") | classic | {"EventID": 400, "Message": "x\r\n\tUserId=ACME\\bob\r\n"},
    )
    assert [(row["user_domain"], row["user_name"]) for row in rows] == [("ACME", "bob")] * 3
    assert rows[0]["script_text"] == rows[1]["script_text"] == "\n".join(texts)


def test_unknown_events_keep_their_values(read: Read) -> None:
    unknown = {"ProviderName": "Somebody", "Channel": "Application", "EventID": 9}
    rows = read(BIT | unknown | {"StringInserts": ["a", 1]}, FLUENTD | unknown | {"EventData": ["a", "1"]})
    assert json.loads(rows[0]["event_data"])["StringInserts"] == ["a", 1]
    assert json.loads(rows[1]["event_data"])["EventData"] == ["a", "1"]
    assert [json.loads(row["event_data"])["Message"] for row in rows] == [TEXT, TEXT]


@pytest.mark.parametrize("at", ["log", "_source"])
@pytest.mark.parametrize("indent", [None, 2])
def test_inside_another_object(read: Read, at: str, indent: int | None) -> None:
    (row,) = read(text=json.dumps({"timestamp": "2024-05-06 09:01:02", at: without(BIT, "date")}, indent=indent))
    assert_whole(row)


def test_an_array(read: Read) -> None:
    rows = read(text=json.dumps([BIT, BIT | {"EventRecordID": 78}]))
    assert [row["record_id"] for row in rows] == [77, 78]


def test_a_tag_and_a_time_before_each_record(quick: QuickReader) -> None:
    """As file and stdout outputs write them: the records are read, what stands before them is named."""
    bit = "".join(f"winevtlog.0: [1714986062.5, {json.dumps(BIT | {'EventRecordID': n})}]\n" for n in range(3))
    fluentd = "".join(
        f"2024-05-06 05:01:02 -0400 winevt.raw: {json.dumps(FLUENTD | {'EventRecordID': n})}\n" for n in range(3)
    )
    for text in (bit, fluentd):
        rows = quick(text=text)
        assert [row["record_id"] for row in rows] == [0, 1, 2]
        for row in rows:
            assert_whole(row)


def test_records_without_their_values_are_named(tmp_path: Any) -> None:
    """An account alone does not make a process creation whole."""
    german = "Etwas wurde erstellt"
    records = [
        FLUENTD | {"EventData": ["x"], "Description": german},
        without(BIT, "StringInserts") | {"Message": german, "User": "ACME\\alice", "EventRecordID": 78},
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    found: Exported = warehouse_of(tmp_path / "w", [path])
    (problem,) = found.summary.problems
    assert "2 records have a known event id and none of its values" in str(problem)


@pytest.mark.parametrize(
    "odd",
    [
        {"StringInserts": [None] * 23}, {"StringInserts": [[1]] * 23}, {"StringInserts": [{"a": 1}] * 23},
        {"EventData": "{x", "StringInserts": None}, {"EventData": 5}, {"Message": {"a": 1}}, {"Message": None},
        {"Description": ["x"]}, {"User": 5}, {"UserID": None}, {"UserID": {"a": 1}}, {"Version": "x"},
        {"EventID": 2**70}, {"EventID": -1}, {"EventID": None}, {"ProviderName": None}, {"Channel": None},
    ],
    ids=repr,
)  # fmt: skip
def test_odd_values_break_nothing(read: Read, odd: Row) -> None:
    rows = read(BIT | odd, BIT)
    assert_whole(rows[1])
