"""What is taken out of PowerShell's records: account, host process and script stand in free text there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

Project = Callable[[str, Sequence[dict[str, Any]]], list[dict[str, Any]]]

CONTEXT = (
    "        Severity = Informational\r\n        Host Application = powershell.exe -c\r\nGet-Date\r\n"
    "        Engine Version = 5.1\r\n        Script Name = C:\\Scripts\\a.ps1\r\n        Sequence Number = 20\r\n"
    "        User = ACME\\bob\r\n        Connected User = ACME\\eve\r\n"
)
DETAILS = (
    "\tDetailSequence=1\r\n\r\n\tUserId=ACME\\nick\r\n\tHostApplication=powershell.exe -c\r\nGet-Date\r\n"
    "\tEngineVersion=5.1\r\n\tScriptName=C:\\Scripts\\a.ps1\r\n\tCommandLine=Get-Date"
)
COLUMNS = ("user_name", "user_domain", "command_line", "object_name")
SID = "S-1-5-21-1-2-3-1104"


def record(channel: str, provider: str, event_id: int, data: dict[str, Any]) -> dict[str, Any]:
    system = {"EventID": event_id, "Channel": channel, "Computer": "WS01", "Security": {"#attributes": {"UserID": SID}}}
    return {"Event": {"System": system | {"Provider": {"#attributes": {"Name": provider}}}, "EventData": data}}


def operational(event_id: int, **data: Any) -> dict[str, Any]:
    return record("Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell", event_id, data)


def classic(event_id: int, data: Any) -> dict[str, Any]:
    return record("Windows PowerShell", "PowerShell", event_id, {"Data": data})


def test_the_context_of_a_command(project: Project) -> None:
    command, block, foreign = project(
        "evtx",
        [
            operational(4103, ContextInfo=CONTEXT, Payload="CommandInvocation(Get-Date)"),
            operational(4104, ScriptBlockText="Get-Date", Path="", MessageNumber=1),
            operational(4103, ContextInfo=CONTEXT.replace("User =", "Benutzer ="), Payload="x"),
        ],
    )
    assert [command[name] for name in COLUMNS] == [
        "bob",
        "ACME",
        "powershell.exe -c\r\nGet-Date",
        "C:\\Scripts\\a.ps1",
    ]
    assert (command["script_text"], block["script_text"]) == ("CommandInvocation(Get-Date)", "Get-Date")
    assert [block[name] for name in COLUMNS] == [None] * 4
    assert (command["user_sid"], block["user_sid"]) == (SID, SID)
    assert foreign["user_name"] is None


@pytest.mark.parametrize(
    "data",
    [
        {"#text": ['Write-Host "a\\n"', DETAILS, "CommandInvocation(Get-Date)"]},
        f'Write-Host "a\\n"\n{DETAILS}\nCommandInvocation(Get-Date)',
    ],
    ids=["a list of strings", "one text"],
)
def test_the_details_of_a_pipeline(project: Project, data: Any) -> None:
    (row,) = project("evtx", [classic(800, data)])
    assert [row[name] for name in COLUMNS] == ["nick", "ACME", "powershell.exe -c\r\nGet-Date", "C:\\Scripts\\a.ps1"]
    assert row["script_text"] == f'Write-Host "a\\n"\n{DETAILS}\nCommandInvocation(Get-Date)'


def test_details_without_an_account_or_of_another_shape(project: Project) -> None:
    rows = project("evtx", [classic(400, {"#text": ["Available", "None"]}), classic(800, 7), classic(800, None)])
    assert [row["script_text"] for row in rows] == ["Available\nNone", "7", None]
    assert all(row[name] is None for row in rows for name in COLUMNS)
