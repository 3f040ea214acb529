"""WMI and tampering events give the same columns from fields and from the message, if a collector keeps only that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Project = Callable[..., list[dict[str, Any]]]

WMI = ("Microsoft-Windows-WMI-Activity/Operational", "Microsoft-Windows-WMI-Activity")
SYSMON = ("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon")

BOB = "1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 114, 38, 102, 120, 110, 19, 249, 70, 173, 147, 12, 179, 80, 4, 0, 0"
ADMINISTRATORS = "1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0"


def evtx(log: tuple[str, str], event_id: int, data: dict[str, Any], root: str = "") -> dict[str, Any]:
    system = {"EventID": event_id, "Channel": log[0], "Provider": {"#attributes": {"Name": log[1]}}, "Computer": "WS01"}
    body: dict[str, Any] = {"UserData": {root: data}} if root else {"EventData": data}
    return {"Event": {"System": system} | body}


def nxlog(log: tuple[str, str], event_id: int, message: str, **fields: Any) -> dict[str, Any]:
    return {
        "EventID": event_id,
        "Channel": log[0],
        "SourceName": log[1],
        "Hostname": "WS01",
        "EventTime": "2024-05-06T08:00:00Z",
        "Message": message,
    } | fields


def both(project: Project, in_fields: dict[str, Any], in_message: dict[str, Any], *columns: str) -> tuple[Any, ...]:
    (one,), (other,) = project("evtx", [in_fields]), project("nxlog", [in_message])
    values = tuple(one[column] for column in columns)
    assert values == tuple(other[column] for column in columns)
    return values


def cause(creator: str, consumer: str, line_end: str = "\n") -> str:
    lines = [
        "Binding EventFilter: ",
        "instance of __EventFilter",
        "{",
        f"\tCreatorSID = {{{ADMINISTRATORS}}};",
        '\tName = "Upd";',
        '\tQuery = "SELECT * FROM X WHERE Name=\\"a\\"; \\nPerm. Consumer: \\n\\tCreatorSID = {1, 1};";',
        "};",
        "Perm. Consumer: ",
        "instance of CommandLineEventConsumer",
        "{",
        f"\tCreatorSID = {{{creator}}};",
        consumer,
        '\tName = "Upd";',
        "};",
        "",
    ]
    return line_end.join(lines)


def test_a_loaded_provider(project: Project) -> None:
    data = {
        "ProviderName": "CIMWin32",
        "Code": "0x0",
        "HostProcess": "wmiprvse.exe",
        "ProcessID": 3460,
        "ProviderPath": r"%systemroot%\system32\wbem\cimwin32.dll",
    }
    message = (
        "CIMWin32 provider started with result code 0x0. HostProcess = wmiprvse.exe; ProcessID = 3460; "
        r"ProviderPath = %systemroot%\system32\wbem\cimwin32.dll"
    )
    values = both(
        project,
        evtx(WMI, 5857, data, "Operation_StartedOperational"),
        nxlog(WMI, 5857, message),
        "object_name",
        "wmi_result",
        "process_id",
        "process_name",
        "wmi_provider_path",
    )
    assert values == ("CIMWin32", "0x0", 3460, "wmiprvse.exe", r"%systemroot%\system32\wbem\cimwin32.dll")


def test_a_permanent_filter_of_a_group(project: Project) -> None:
    query = "select * from MSFT_SCMEventLogEvent"
    data = {
        "NamespaceName": "//./root/cimv2",
        "Query": query,
        "User": "S-1-5-32-544",
        "processid": 780,
        "Provider": "SCM Event Provider",
        "queryid": 0,
        "PossibleCause": "Permanent",
    }
    message = (
        f"Namespace = //./root/cimv2; NotificationQuery = {query}; OwnerName = S-1-5-32-544; HostProcessID = 780;  "
        "Provider= SCM Event Provider, queryID = 0; PossibleCause = Permanent"
    )
    values = both(
        project,
        evtx(WMI, 5859, data, "Operation_EssStarted"),
        nxlog(WMI, 5859, message),
        "user_name",
        "user_domain",
        "user_sid",
        "process_id",
        "object_name",
        "wmi_namespace",
        "wmi_query",
        "wmi_result",
        "wmi_client_machine",
    )
    wanted = (None, None, "S-1-5-32-544", 780, "SCM Event Provider", "//./root/cimv2", query, "Permanent", None)
    assert values == wanted


def test_a_temporary_subscription(project: Project) -> None:
    query = "SELECT * FROM Win32_ProcessStartTrace WHERE ProcessName='a; b'"
    data = {
        "NamespaceName": r"root\cimv2",
        "Query": query,
        "User": r"ACME\bob",
        "Processid": 4242,
        "ClientMachine": "WS02",
        "PossibleCause": "Temporary",
    }
    message = (
        rf"Namespace = root\cimv2; NotificationQuery = {query}; UserName = ACME\bob; ClientProcessID = 4242, "
        "ClientMachine = WS02; PossibleCause = Temporary"
    )
    values = both(
        project,
        evtx(WMI, 5860, data, "Operation_TemporaryEssStarted"),
        nxlog(WMI, 5860, message),
        "user_name",
        "user_domain",
        "user_sid",
        "process_id",
        "wmi_query",
        "wmi_client_machine",
        "wmi_result",
    )
    assert values == ("bob", "ACME", None, 4242, query, "WS02", "Temporary")


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_binding_names_creator_query_and_what_runs(project: Project, line_end: str) -> None:
    run = '\tCommandLineTemplate = "cmd.exe /c \\"C:\\\\Temp\\\\a.bat\\"";'
    text = cause(BOB, run, line_end)
    data = {
        "Namespace": "//./root/subscription",
        "ESS": "Upd",
        "CONSUMER": 'CommandLineEventConsumer="Upd"',
        "PossibleCause": text,
    }
    message = (
        "Namespace = //./root/subscription; Eventfilter = Upd (refer to its activate eventid:5859); "
        f'Consumer = CommandLineEventConsumer="Upd"; PossibleCause = {text}'
    )
    values = both(
        project,
        evtx(WMI, 5861, data, "Operation_ESStoConsumerBinding"),
        nxlog(WMI, 5861, message),
        "user_sid",
        "wmi_filter",
        "wmi_consumer",
        "wmi_query",
        "script_text",
        "wmi_result",
    )
    assert values == (
        "S-1-5-21-2019960434-1190728558-3003945901-1104",
        "Upd",
        'CommandLineEventConsumer="Upd"',
        'SELECT * FROM X WHERE Name=\\"a\\"; \\nPerm. Consumer: \\n\\tCreatorSID = {1, 1};',
        'cmd.exe /c \\"C:\\\\Temp\\\\a.bat\\"',
        text,
    )


@pytest.mark.parametrize(
    ("creator", "sid"),
    [
        (ADMINISTRATORS, "S-1-5-32-544"),
        ("1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0", "S-1-5-18"),
        ("1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0", None),
        ("1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 256", None),
        ("1, 9223372036854775807, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0", None),
        ("1, , 2", None),
        ("1", None),
    ],
)
def test_a_creator_that_is_no_sid_costs_itself(project: Project, creator: str, sid: str | None) -> None:
    data = {"PossibleCause": cause(creator, '\tScriptText = "x";'), "CONSUMER": 'ActiveScriptEventConsumer="U"'}
    (row,) = project("evtx", [evtx(WMI, 5861, data, "Operation_ESStoConsumerBinding")])
    assert (row["user_sid"], row["script_text"]) == (sid, "x")


def test_a_program_and_its_command_line(project: Project) -> None:
    run = '\tCommandLineTemplate = "a.exe -x";\n\tExecutablePath = "C:\\\\b.exe";'
    data = {"PossibleCause": cause(BOB, run)}
    (row,) = project("evtx", [evtx(WMI, 5861, data, "Operation_ESStoConsumerBinding")])
    assert row["script_text"] == "C:\\\\b.exe a.exe -x"


def test_a_consumer_whose_fields_the_collector_lost(project: Project) -> None:
    script = ' "Function a\r\\nType: x\r\\nEnd"'
    fields = {
        "UtcTime": "2024-05-06 08:00:00.250",
        "Operation": "Created",
        "User": r"ACME\bob",
        "Name": ' "Upd"',
        "Type": "Script",
        "Destination": script,
    }
    message = (
        "WmiEventConsumer activity detected:\r\nRuleName: -\r\nEventType: WmiConsumerEvent\r\n"
        "UtcTime: 2024-05-06 08:00:00.250\r\nOperation: Created\r\nUser: ACME\\bob\r\n"
        f'Name:  "Upd"\r\nType: Script\r\nDestination: {script}'
    )
    values = both(
        project,
        evtx(SYSMON, 20, fields),
        nxlog(SYSMON, 20, message),
        "utc_time",
        "user_name",
        "user_domain",
        "wmi_operation",
        "wmi_consumer",
        "object_name",
        "script_text",
        "wmi_filter",
    )
    assert values[1:] == ("bob", "ACME", "Created", ' "Upd"', "Script", script, None)
    assert values[0] is not None


def test_an_audit_policy_that_was_changed(project: Project) -> None:
    fields = {
        "SubcategoryGuid": "{0CCE922B-69AE-11D9-BED3-505054503030}",
        "AuditPolicyChanges": "%%8448, %%8450",
    }
    log = ("Security", "Microsoft-Windows-Security-Auditing")
    names = ("object_name", "registry_details")
    values = both(project, evtx(log, 4719, fields), nxlog(log, 4719, "x", **fields), *names)
    assert values == ("0cce922b-69ae-11d9-bed3-505054503030", "%%8448, %%8450")


def test_which_log_was_cleared(project: Project) -> None:
    log = ("System", "Microsoft-Windows-Eventlog")
    data = {"SubjectUserName": "bob", "SubjectDomainName": "ACME", "Channel": "Windows PowerShell"}
    message = "The Windows PowerShell log file was cleared."
    (name,) = both(project, evtx(log, 104, data, "LogFileCleared"), nxlog(log, 104, message), "object_name")
    assert name == "Windows PowerShell"
    (row,) = project("nxlog", [nxlog(log, 104, "Die Protokolldatei wurde geleert.")])
    assert row["object_name"] is None


def test_the_configuration_of_sysmon(project: Project) -> None:
    fields = {"Configuration": r"C:\a.xml", "ConfigurationFileHash": "SHA256=AB"}
    values = both(
        project, evtx(SYSMON, 16, fields), nxlog(SYSMON, 16, "x", **fields), "object_name", "registry_details"
    )
    assert values == (r"C:\a.xml", "SHA256=AB")
