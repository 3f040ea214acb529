"""What two endpoint sensors record of the scenario: its process creations, once each.

A host with Sysmon has every new process in two of its logs; a sensor sees it once. Sysmon's record is the richer one,
so 4688 counts only where there is no Sysmon.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wmiwarehouse.lab.events import SYSMON
from wmiwarehouse.lab.exports.base import LinesWriter, Writer, as_json, as_text, compact
from wmiwarehouse.lab.model import TICKS_PER_SECOND, LabEvent, to_datetime
from wmiwarehouse.lab.nxlog import NxlogSettings
from wmiwarehouse.lab.shapes import SECURITY
from wmiwarehouse.lab.world import HOSTS, Sysmon

_SHARED = {name for name, hosts in Counter(spec.name for spec in HOSTS).items() if hosts > 1}
_WITH_SYSMON = {spec.fqdn for spec in HOSTS if spec.sysmon is not Sysmon.NONE}
_MS_OFFSET = 11_644_473_600_000
_LABELS = {"S-1-16-16384": "System", "S-1-16-12288": "High", "S-1-16-8192": "Medium", "S-1-16-4096": "Low"}
_RIDS = {"System": "16384", "High": "12288", "Medium": "8192", "Low": "4096"}


@dataclass(frozen=True, slots=True)
class NewProcess:
    """A process creation as a sensor could see it; empty texts where the log that it is taken from does not tell."""

    path: str
    pid: int
    command_line: str
    parent_path: str
    parent_pid: int
    parent_command_line: str
    domain: str
    user: str
    sid: str
    logon_id: int
    integrity: str
    hashes: dict[str, str]
    own_id: str
    parent_id: str


class Sensor:
    """One host's sensor: it knows which program every running process is, which an old 4688 does not say."""

    def __init__(self) -> None:
        self._programs: dict[int, str] = {}

    def new_process(self, event: LabEvent) -> NewProcess | None:
        """Return the process that *event* tells of, None if it is another kind of event or told by Sysmon too."""
        log = event.kind.channel, event.kind.event_id
        if log == (SYSMON, 1):
            return _of_sysmon(event)
        if log != (SECURITY, 4688) or event.host in _WITH_SYSMON:
            return None
        process = _of_security(event)
        process = replace(process, parent_path=process.parent_path or self._programs.get(process.parent_pid, ""))
        self._programs[process.pid] = process.path
        return process


def _of_sysmon(event: LabEvent) -> NewProcess:
    text, value = as_text(event), as_json(event)
    domain, _, user = text["User"].rpartition("\\")
    pairs = (item.partition("=") for item in text["Hashes"].split(",") if item)
    return NewProcess(
        text["Image"], value["ProcessId"], text["CommandLine"], text["ParentImage"], value["ParentProcessId"],
        text["ParentCommandLine"], domain, user, "", int(text["LogonId"], 16), text["IntegrityLevel"],
        {name: digest.lower() for name, _, digest in pairs}, text["ProcessGuid"], text["ParentProcessGuid"],
    )  # fmt: skip


def _of_security(event: LabEvent) -> NewProcess:
    text = as_text(event)
    side = "Target" if text.get("TargetUserName", "-") not in ("", "-") else "Subject"
    pid, parent = int(text["NewProcessId"], 16), int(text["ProcessId"], 16)
    return NewProcess(
        text["NewProcessName"], pid, text.get("CommandLine", ""), text.get("ParentProcessName", ""), parent, "",
        text[f"{side}DomainName"], text[f"{side}UserName"], text[f"{side}UserSid"], int(text[f"{side}LogonId"], 16),
        _LABELS.get(text.get("MandatoryLabel", ""), ""), {}, f"{event.host}/{pid}/{event.ticks}",
        f"{event.host}/{parent}",
    )  # fmt: skip


def _number(text: str) -> str:
    return str(int(hashlib.sha256(text.encode()).hexdigest()[:10], 16))


def computer_name(host: str) -> str:
    """What the sensor calls its host: the short name, where that is one host's only."""
    short = host.partition(".")[0]
    return host if short in _SHARED else short


def agent_id(host: str) -> str:
    """The id of a host's sensor."""
    return hashlib.sha256(host.encode()).hexdigest()[:32]


def _milliseconds(ticks: int) -> int:
    return ticks // (TICKS_PER_SECOND // 1000) - _MS_OFFSET


class CrowdStrikeWriter(LinesWriter):
    """Writes Falcon Data Replicator's lines: every value a text, and other kinds of events between."""

    def __init__(self, path: Path, settings: NxlogSettings) -> None:
        super().__init__(path, settings)
        self._sensor = Sensor()

    def texts(self, event: LabEvent) -> Iterator[str]:
        """Yield the process; before the first one the sensor's own sign of life."""
        for line in super().texts(event):
            first = compact(_sensor(event, "SensorHeartbeat", 0) | {"SensorStateBitMap": "0"}) + "\n"
            yield line if self.records else first + line

    def row(self, event: LabEvent) -> dict[str, Any] | None:
        """Return the process creation."""
        process = self._sensor.new_process(event)
        if process is None:
            return None
        folder, _, name = process.path.partition(":\\")[2].rpartition("\\")
        image = f"\\Device\\HarddiskVolume2\\{folder}\\{name}" if name else process.path
        row = _sensor(event, "ProcessRollup2", self.records) | {
            "ImageFileName": image,
            "ParentBaseFileName": process.parent_path.rpartition("\\")[2],
            "ProcessStartTime": f"{_milliseconds(event.ticks) / 1000:.3f}",
            "RawProcessId": str(process.pid),
            "TargetProcessId": _number(process.own_id),
            "ParentProcessId": _number(process.parent_id),
            "AuthenticationId": str(process.logon_id),
            "UserName": process.user,
            "LogonDomain": process.domain,
            "UserSid": process.sid,
            "CommandLine": process.command_line,
            "IntegrityLevel": _RIDS.get(process.integrity, ""),
            "SHA256HashData": process.hashes.get("SHA256", ""),
            "MD5HashData": process.hashes.get("MD5", ""),
        }
        return {name: text for name, text in row.items() if text}


def _sensor(event: LabEvent, name: str, number: int) -> dict[str, str]:
    moment = _milliseconds(event.ticks)
    return {
        "event_simpleName": name,
        "name": f"{name}V1",
        "event_platform": "Win",
        "aid": agent_id(event.host),
        "cid": "0" * 31 + "1",
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "ComputerName": computer_name(event.host),
        "timestamp": str(moment + 40),
        "ContextTimeStamp": f"{moment / 1000:.3f}",
    }


class CortexLinesWriter(LinesWriter):
    """Writes the rows of ``dataset = xdr_data``, one a line, times in milliseconds since 1970."""

    def __init__(self, path: Path, settings: NxlogSettings) -> None:
        super().__init__(path, settings)
        self._sensor = Sensor()

    def row(self, event: LabEvent) -> dict[str, Any] | None:
        """Return the process creation."""
        return cortex_row(event, self._sensor.new_process(event), _milliseconds(event.ticks))


class CortexArrayWriter(Writer):
    """Writes the same rows as an array with times as text, as the console saves them."""

    before = "["
    between = ",\n"
    after = "]\n"

    def __init__(self, path: Path, settings: NxlogSettings) -> None:
        super().__init__(path, settings)
        self._sensor = Sensor()

    def texts(self, event: LabEvent) -> Iterator[str]:
        """Yield the object."""
        process = self._sensor.new_process(event)
        row = cortex_row(event, process, f"{to_datetime(event.ticks):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC")
        if row is not None:
            yield compact(row)


def cortex_row(event: LabEvent, process: NewProcess | None, time: int | str) -> dict[str, Any] | None:
    """A process start, None if the event is none."""
    if process is None:
        return None
    return {
        "_time": time,
        "_product": "XDR agent",
        "_vendor": "PANW",
        "agent_hostname": computer_name(event.host),
        "agent_id": agent_id(event.host),
        "agent_os_type": "AGENT_OS_WINDOWS",
        "event_id": hashlib.sha256(process.own_id.encode()).hexdigest()[:24],
        "event_type": "PROCESS",
        "event_sub_type": "PROCESS_START",
        "action_process_image_name": process.path.rpartition("\\")[2],
        "action_process_image_path": process.path,
        "action_process_image_command_line": process.command_line or None,
        "action_process_image_sha256": process.hashes.get("SHA256"),
        "action_process_image_md5": process.hashes.get("MD5"),
        "action_process_os_pid": process.pid,
        "action_process_instance_id": process.own_id,
        "action_process_username": f"{process.domain}\\{process.user}",
        "action_process_user_sid": process.sid or None,
        "actor_process_image_name": process.parent_path.rpartition("\\")[2] or None,
        "actor_process_image_path": process.parent_path or None,
        "actor_process_command_line": process.parent_command_line or None,
        "actor_process_os_pid": process.parent_pid,
        "actor_process_instance_id": process.parent_id,
    }
