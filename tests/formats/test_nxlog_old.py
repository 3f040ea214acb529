"""NXLog of older versions: whose process ProcessID names, and times with nothing but Sysmon to tell the zone."""

from __future__ import annotations

from collections.abc import Callable

from tests.formats.conftest import Row

Read = Callable[..., list[Row]]
LINE = {
    "EventTime": "2024-05-06 08:00:00",
    "Hostname": "WS01.acme.example",
    "Severity": "INFO",
    "EventID": 5857,
    "SourceName": "Microsoft-Windows-WMI-Activity",
    "Channel": "Microsoft-Windows-WMI-Activity/Operational",
    "RecordNumber": 12,
    "ProcessID": 1480,
    "ThreadID": 2000,
    "Message": "CIMWin32 provider started with result code 0x0. HostProcess = wmiprvse.exe; ProcessID = 3344; "
    "ProviderPath = %systemroot%\\system32\\wbem\\cimwin32.dll",
    "EventReceivedTime": "2024-05-06 08:00:01",
}


def test_process_id_is_the_log_sources(read: Read) -> None:
    (row,) = read(LINE)
    assert (row["execution_process_id"], row["process_id"], row["format"]) == (1480, 3344, "nxlog")
    assert row["time_source"] == "assumed"


def test_without_a_message_nothing_is_guessed(read: Read) -> None:
    (row,) = read(LINE | {"Message": None})
    assert (row["execution_process_id"], row["process_id"]) == (1480, None)


def test_later_versions_name_both(read: Read) -> None:
    later = LINE | {"ExecutionProcessID": 1480, "ProcessID": 3344, "Message": None}
    (row,) = read(later)
    assert (row["execution_process_id"], row["process_id"]) == (1480, 3344)


def test_sysmon_tells_the_zone_of_all_the_hosts_records(read: Read) -> None:
    sysmon = LINE | {
        "SourceName": "Microsoft-Windows-Sysmon",
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "EventID": 5,
        "UtcTime": "2024-05-06 12:00:00.250",
    }
    rows = read(sysmon, LINE)
    assert [(str(row["event_time"]), row["time_source"]) for row in rows] == [
        ("2024-05-06 12:00:00.250000+00:00", "utc_time"),
        ("2024-05-06 12:00:00+00:00", "inferred_offset"),
    ]
