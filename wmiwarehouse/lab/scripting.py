"""What PowerShell logs of a script that it runs."""

from __future__ import annotations

from typing import Any

from wmiwarehouse.lab import events as ev
from wmiwarehouse.lab.machine import Machine
from wmiwarehouse.lab.model import MS, guid_text
from wmiwarehouse.lab.staging import Part, label
from wmiwarehouse.lab.world import Process


def powershell(
    machine: Machine,
    at: int,
    process: Process,
    script: str,
    payload: str,
    *,
    part: Part | None = None,
    remote: bool = False,
) -> None:
    """One script: 400, 4104, 4103 and 800.

    ``remote`` says that it calls a WMI method on another host. Without a payload no cmdlet is run, and there is no
    4103 and no 800: a method of .NET or of a COM object leaves neither.
    """
    rng = machine.rng
    account = process.session.account
    host_id = guid_text(machine.ids.guid()).strip("{}")
    context = {
        "Host Name": "ConsoleHost", "Host Version": "5.1.19041.4291", "Host ID": host_id,
        "Host Application": process.command_line, "Engine Version": "5.1.19041.4291", "Pipeline ID": rng.randrange(99),
        "Command Name": script.split()[0], "Command Type": "Cmdlet", "Script Name": "",
        "Sequence Number": rng.randrange(16, 999), "User": account.user, "Connected User": "",
        "Shell ID": "Microsoft.PowerShell",
    }  # fmt: skip
    indented = "".join(f"        {name} = {value}\r\n" for name, value in context.items())
    details = "".join(f"\t{name.replace(' ', '')}={value}\r\n" for name, value in context.items())
    tags = () if part is None else label("powershell_remote_wmi", part, hit=remote)
    machine.emit(ev.CLASSIC_400, at, (("Available", "None", f"\tNewEngineState=Available\r\n{details}"), None), pid=0)
    script_block: tuple[Any, ...] = (1, 1, script, guid_text(machine.ids.guid()).strip("{}"), "")
    machine.emit(ev.POWERSHELL_4104, at + 20 * MS, script_block, pid=process.pid, user=account, tags=tags, part=part)
    if not payload:
        return
    machine.emit(
        ev.POWERSHELL_4103, at + 30 * MS, (indented, "", payload), pid=process.pid, user=account, tags=tags, part=part
    )
    pipeline = (script, f"\tDetailSequence=1\r\n{details}", payload)
    machine.emit(ev.CLASSIC_800, at + 31 * MS, (pipeline, None), pid=0, tags=tags, part=part)
