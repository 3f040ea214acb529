"""Get-WinEvent's odd values: names by position, depths, times of two PowerShells, .NET's objects as values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import pytest

from tests.formats.quick import QuickReader
from wmiwarehouse.lab.events import KINDS
from wmiwarehouse.lab.model import Body
from wmiwarehouse.projection.compiler import Projection

Row = dict[str, Any]
CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "evtx"
AUDITING = "Microsoft-Windows-Security-Auditing"
SYSMON = "Microsoft-Windows-Sysmon"
NAMESPACE = "{http://schemas.microsoft.com/win/2004/08/events/event}"
SID = {"BinaryLength": 28, "AccountDomainSid": "S-1-5-21-1-2-3", "Value": "S-1-5-21-1-2-3-1104"}


def event(event_id: int, values: list[Any], version: int = 0, provider: str = AUDITING, **more: Any) -> Row:
    """An event as ConvertTo-Json writes it."""
    return {
        "Id": event_id,
        "Version": version,
        "Level": 0,
        "Keywords": -9214364837600034816,
        "RecordId": 77,
        "ProviderName": provider,
        "LogName": "Security" if provider == AUDITING else f"{provider}/Operational",
        "MachineName": "WS01.acme.example",
        "UserId": None,
        "TimeCreated": "/Date(1714986061402)/",
        "Properties": [{"Value": value} for value in values],
        "Message": None,
    } | more


LOGOFF = event(4634, [SID, "alice", "ACME", 54321, 3])


@pytest.fixture(scope="module")
def names() -> Iterator[Callable[[str, int, int, int], list[str] | None]]:
    """Returns the names for provider, event id, version and number of values."""
    connection = duckdb.connect()
    connection.execute(Projection().functions)

    def look(provider: str, event_id: int, version: int, properties: int) -> list[str] | None:
        found = connection.execute(
            "select names_of(versions, cast(? as integer)) from property_names"
            " where provider = ? and event_id = ? and properties = ?",
            [version, provider, event_id, properties],
        ).fetchone()
        return found[0] if found else None

    yield look
    connection.close()


def test_values_get_their_names(quick: QuickReader) -> None:
    (row,) = quick(LOGOFF)
    assert (row["host"], row["channel"], row["event_id"], row["record_id"]) == ("ws01", "Security", 4634, 77)
    assert (row["target_sid"], row["target_name"], row["target_domain"]) == (SID["Value"], "alice", "ACME")
    assert (row["target_logon_id"], row["logon_type"]) == ("0xd431", 3)
    assert row["keywords"] == "0x8020000000000000"
    data = json.loads(row["event_data"])
    assert data["TargetUserSid"] == SID["Value"]
    assert data["TargetLogonId"] == "0xd431"
    assert "Properties" not in data


@pytest.mark.parametrize(
    ("time", "moment"),
    [
        ("/Date(1714986061402)/", datetime(2024, 5, 6, 9, 1, 1, 402000, UTC)),
        ("/Date(1714986061402-0400)/", datetime(2024, 5, 6, 9, 1, 1, 402000, UTC)),
        ({"value": "/Date(1714986061402)/", "DateTime": "Monday"}, datetime(2024, 5, 6, 9, 1, 1, 402000, UTC)),
        ("2024-05-06T05:01:01.4021234-04:00", datetime(2024, 5, 6, 9, 1, 1, 402123, UTC)),
        ("2024-05-06T09:01:01Z", datetime(2024, 5, 6, 9, 1, 1, 0, UTC)),
        ("/Date(-86400000)/", datetime(1969, 12, 31, tzinfo=UTC)),
    ],
)
def test_times(quick: QuickReader, time: Any, moment: datetime) -> None:
    (row,) = quick(LOGOFF | {"TimeCreated": time})
    assert (row["event_time"], row["time_source"]) == (moment, "logged")


def test_escaped_slashes(quick: QuickReader) -> None:
    """Windows PowerShell escapes them."""
    (row,) = quick(text=json.dumps(LOGOFF).replace("/Date", "\\/Date").replace(")/", ")\\/"))
    assert row["event_time"] == datetime(2024, 5, 6, 9, 1, 1, 402000, UTC)


@pytest.mark.parametrize("time", ["/Date(99999999999999999)/", "/Date()/", "yesterday", None, 5])
def test_times_that_are_none(quick: QuickReader, time: Any) -> None:
    (row,) = quick(LOGOFF | {"TimeCreated": time})
    assert row["event_time"] is None


def test_users(quick: QuickReader) -> None:
    rows = quick(LOGOFF | {"UserId": SID}, LOGOFF | {"UserId": "S-1-5-18"}, LOGOFF)
    assert [row["system_user_sid"] for row in rows] == [SID["Value"], "S-1-5-18", None]


def test_a_later_version_with_as_many_values_is_read_as_the_nearest_before(quick: QuickReader) -> None:
    later, other = quick(LOGOFF | {"Version": 9}, event(4634, [SID, "alice", "ACME", 54321, 3, "new"], 9))
    assert later["target_name"] == "alice"
    assert other["target_name"] is None
    assert json.loads(other["event_data"])["Properties"][1] == {"Value": "alice"}


def test_an_earlier_version_than_is_known_is_not_guessed(quick: QuickReader) -> None:
    values = [SID, "alice", "ACME", 54321, "5156", *range(12)]
    (row,) = quick(event(4656, values, 0))
    assert json.loads(row["event_data"])["Properties"][0] == {"Value": SID}


def test_unknown_events_keep_their_values(quick: QuickReader) -> None:
    (row,) = quick(event(9999, ["a", None, 5, SID], provider="Somebody", Message="Hello"))
    data = json.loads(row["event_data"])
    assert data == {"Properties": [{"Value": v} for v in ("a", None, 5, SID)], "Message": "Hello"}


def test_numbers_that_windows_shows_in_hexadecimal(quick: QuickReader) -> None:
    values = ["{1}", "WS01", "ACME\\alice", 700, "Unknown", "Start IWbemServices::ExecQuery", -2147217392, "Unknown"]
    (row,) = quick(event(5858, values, provider="Microsoft-Windows-WMI-Activity"))
    assert row["wmi_result"] == "0x80041010"


def test_classic_events_have_a_list(quick: QuickReader) -> None:
    texts = [
        "Available",
        "None",
        "\tHostApplication=powershell.exe -c x\r\n\tEngineVersion=5.1\r\n\tUserId=ACME\\bob\r\n",
    ]
    (row,) = quick(event(400, texts, provider="PowerShell", LogName="Windows PowerShell", Version=None))
    assert (row["user_domain"], row["user_name"]) == ("ACME", "bob")
    assert row["command_line"] == "powershell.exe -c x"


CREATED = (
    "A new process has been created.\r\n\r\nCreator Subject:\r\n\tSecurity ID:\t\tS-1-5-18\r\n"
    "\tAccount Name:\t\tWS01$\r\n\tAccount Domain:\t\tACME\r\n\tLogon ID:\t\t0x3E7\r\n\r\nTarget Subject:\r\n"
    "\tSecurity ID:\t\tS-1-0-0\r\n"
    "\tAccount Name:\t\talice\r\n\tAccount Domain:\t\tACME\r\n\tLogon ID:\t\t0x1234\r\n\r\nProcess Information:\r\n"
    "\tNew Process ID:\t\t0x1e4\r\n\tNew Process Name:\tC:\\Windows\\System32\\cmd.exe\r\n"
    "\tToken Elevation Type:\t%%1936\r\n\tMandatory Label:\t\tS-1-16-8192\r\n\tCreator Process ID:\t0x11f0\r\n"
    "\tCreator Process Name:\tC:\\Windows\\explorer.exe\r\n\tProcess Command Line:\t{}\r\n\r\n"
    "Token Elevation Type indicates the type of token that was assigned."
)


@pytest.mark.parametrize(
    "properties",
    [
        ["System.Diagnostics.Eventing.Reader.EventProperty"] * 15,
        "System.Diagnostics.Eventing.Reader.EventProperty System.Diagnostics.Eventing.Reader.EventProperty",
        None,
    ],
    ids=["list", "one text", "none"],
)
@pytest.mark.parametrize(
    "command", ['cmd /c "echo a"', "cmd /c a\r\n\tCreator Process Name:\tC:\\x.exe\r\n\tNew Process Name:\ty.exe", ""]
)
def test_values_that_are_not_there_come_from_the_message(quick: QuickReader, properties: Any, command: str) -> None:
    (row,) = quick(event(4688, [], 2) | {"Properties": properties, "Message": CREATED.format(command)})
    assert (row["process_name"], row["parent_process_path"]) == ("cmd.exe", "C:\\Windows\\explorer.exe")
    assert (row["process_id"], row["parent_process_id"]) == (0x1E4, 0x11F0)
    assert (row["subject_name"], row["target_name"], row["target_logon_id"]) == ("WS01$", "alice", "0x1234")
    assert row["command_line"] == command.replace("\r\n", "\n")


def test_sysmons_message_names_its_fields(quick: QuickReader) -> None:
    text = (
        "Process Create:\r\nRuleName: -\r\nUtcTime: 2024-05-06 09:01:01.402\r\nProcessId: 7412\r\n"
        "Image: C:\\Windows\\System32\\wbem\\WMIC.exe\r\nCommandLine: wmic /node:x process call create y\r\n"
        "User: ACME\\alice\r\nLogonId: 0x3E7\r\nParentImage: C:\\a: b\\cmd.exe"
    )
    shallow = event(1, [], 5, SYSMON) | {"Properties": ["System.Diagnostics.Eventing.Reader.EventProperty"] * 22}
    (row,) = quick(shallow | {"Message": text})
    assert (row["process_name"], row["process_id"], row["user_name"]) == ("wmic.exe", 7412, "alice")
    assert (row["logon_id"], row["parent_process_path"]) == ("0x3e7", "C:\\a: b\\cmd.exe")


def test_a_message_in_another_language_is_kept(quick: QuickReader) -> None:
    (row,) = quick(
        LOGOFF
        | {"Properties": ["..."], "Message": "Ein Konto wurde abgemeldet.\r\n\r\nAntragsteller:\r\n\tKontoname:\tanna"}
    )
    assert row["target_name"] is None
    assert "anna" in row["event_data"]


@pytest.mark.parametrize("container", ["array", "one", "wrapped"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_containers(quick: QuickReader, container: str, encoding: str) -> None:
    document: Any = {
        "array": [LOGOFF, LOGOFF | {"RecordId": 78}],
        "one": LOGOFF,
        "wrapped": {"value": [LOGOFF], "Count": 1},
    }
    rows = quick(text=json.dumps(document[container], indent=4).encode(encoding))
    assert [row["record_id"] for row in rows] == ([77, 78] if container == "array" else [77])


@pytest.mark.parametrize(
    "odd",
    [
        {"Properties": {}}, {"Properties": [None]}, {"Properties": [[1]]},
        {"Properties": [{"Value": {"Value": {}}}] * 5},
        {"Version": "x"}, {"Id": 2**40}, {"Message": {"a": 1}}, {"Properties": [{"value": 1}] * 5}, {"LogName": None},
        {"Properties": [{"Value": {"value": 4660}}] * 5}, {"Message": 5, "Properties": 7},
    ],
    ids=repr,
)  # fmt: skip
def test_odd_values_break_nothing(quick: QuickReader, odd: Row) -> None:
    rows = quick(LOGOFF | odd, LOGOFF)
    assert rows[1]["target_name"] == "alice"


@pytest.mark.parametrize(
    "kind", [k for k in KINDS if k.body is not Body.CLASSIC and k.fields], ids=lambda kind: kind.name
)
def test_names_of_the_labs_kinds(names: Callable[..., list[str] | None], kind: Any) -> None:
    found = names(kind.provider.name, kind.event_id, kind.version, len(kind.fields))
    typed = {
        event_id for source in Projection().events for event_id in source.document.head.get("event_ids", [])
        if source.document.head["channel"] == kind.channel
    }  # fmt: skip
    assert found == [field.name for field in kind.fields] or (found is None and kind.event_id not in typed)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real logs is not there")
def test_names_of_real_logs(names: Callable[..., list[str] | None]) -> None:
    """Every kind of the corpus that is in the list has just the names that its own records have."""
    listed = Counter[bool]()
    for key in sorted(_kinds_of_corpus()):
        provider, event_id, version, *own = key
        found = names(str(provider), int(event_id), int(version), len(own))
        assert found in (own, None), key
        listed[found is not None] += provider in (AUDITING, SYSMON)
    assert listed[True] > 70
    assert listed[False] == 0


def _kinds_of_corpus() -> set[tuple[Any, ...]]:
    from evtx import PyEvtxParser

    found = set()
    for path in CORPUS.rglob("*.evtx"):
        records: Any = iter(PyEvtxParser(str(path)).records())
        while True:
            try:
                text = next(records, None)
            except RuntimeError:
                continue
            if text is None:
                break
            try:
                root = ElementTree.fromstring(text["data"])
            except ElementTree.ParseError:
                continue
            system, data = root.find(f"{NAMESPACE}System"), root.find(f"{NAMESPACE}EventData")
            if system is None or data is None or not len(data) or any("Name" not in child.attrib for child in data):
                continue
            provider = system.find(f"{NAMESPACE}Provider")
            version = system.findtext(f"{NAMESPACE}Version") or "0"
            found.add(
                (
                    provider.get("Name") if provider is not None else "",
                    int(system.findtext(f"{NAMESPACE}EventID") or 0), int(version),
                    *(child.get("Name") for child in data),
                )
            )  # fmt: skip
    return found
