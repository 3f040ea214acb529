"""A report made by hand, for tests of what renders it: both kinds of case, zero rows, a half edge and hostile texts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_origin

from pydantic import BaseModel

from wmiwarehouse.report.model import (
    Batch,
    Case,
    Change,
    DataNeed,
    Evidence,
    Head,
    HostCoverage,
    Link,
    Note,
    Points,
    Process,
    Query,
    ReadProblem,
    Report,
    RiskObject,
    Source,
    StackTable,
    Talk,
    Technique,
)

#: What must stay text in every format. ``window.hacked`` is what a script that ran would leave behind.
SCRIPT = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
BREAKOUT = "</style></script></details></section><h1>owned</h1> {{ 7 * 7 }} {% raw %}"
FORMULA = "=cmd|' /C calc'!A0"
ESCAPES = "cmd\x1b[2J\x1b]0;owned\x07 /c whoami\r\n"
BIDI = "invoice\u202egpj.exe \u200b\u2066hidden\u2069"
LONG = "powershell.exe -nop -w hidden -enc " + "SQBFAFgAKABOAGUAdwAtAE8AYgBqAGUAYwB0ACkA" * 25
HOSTILE = (SCRIPT, BREAKOUT, FORMULA, ESCAPES, BIDI, LONG)

CAUTION = "Not seen can mean not audited, filtered, rolled over, not collected or did not happen."
RESPONSE = (
    "Isolate both hosts, WORKSTATION5 and WORKSTATION6, to contain what runs on them.",
    "Analyze the command: net user /add backdoor ****.",
    "Investigate the source WORKSTATION5: how was the account gained, what started wmic.exe?",
    "Investigate the destination WORKSTATION6: what followed the remote process?",
    "Reset the credentials of THESHIRE.LOCAL\\pgustavo and look at their other uses.",
)
WMIC = '"C:\\windows\\System32\\Wbem\\WMIC.exe" /node:WORKSTATION6 process call create "net user /add backdoor ****"'
START = datetime(2020, 9, 14, 12, 6, 1, tzinfo=UTC)


def _at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def _evidence(side: str, seconds: float, host: str, log: str, what: str, number: int) -> Evidence:
    return Evidence.model_validate(
        {
            "side": side,
            "time": _at(seconds),
            "host": host,
            "log": log,
            "what": what,
            "event_uid": f"{number:020x}",
            "source_file": "logs/empire_wmic_add_user_backdoor.json",
            "source_record": number,
        }
    )


def _movement(number: int = 1) -> Case:
    return Case(
        id="move:5f1e0c7a91b2",
        number=number,
        kind="lateral movement",
        title="WORKSTATION5 -> WORKSTATION6 as THESHIRE.LOCAL\\pgustavo: net user /add backdoor ****",
        severity="high",
        first=_at(1),
        last=_at(1.316),
        source="WORKSTATION5",
        target="WORKSTATION6",
        user="THESHIRE.LOCAL\\pgustavo",
        vehicle="wmiprvse",
        confidence=100,
        certainty="high",
        why=(
            Points(reason="exact tie", points=40),
            Points(reason="remote command = child", points=30),
            Points(reason="child in session", points=25),
            Points(reason="tool names host", points=15),
            Points(reason="address resolves to source", points=10),
            Points(reason="4672 of the session", points=5),
            Points(reason="port 135", points=5),
        ),
        side_without_logs=None,
        suspicion=("rare command",),
        source_ip="172.18.39.5",
        source_via="command",
        source_process="wmic.exe",
        source_command_line=WMIC,
        remote_command="net user /add backdoor ****",
        target_process="net.exe",
        target_command_line="net user /add backdoor ****",
        logon_ids=("0x551603", "0x551686"),
        clock_skew_seconds=0.499,
        session=(
            Process(
                time=_at(1.316),
                host="WORKSTATION6",
                process_name="net.exe",
                process_id=4312,
                command_line="net user /add backdoor ****",
                parent_process_name="wmiprvse.exe",
            ),
            Process(
                time=_at(1.402),
                host="WORKSTATION6",
                process_name="net1.exe",
                process_id=None,
                command_line="C:\\Windows\\system32\\net1 user /add backdoor ****",
                parent_process_name="net.exe",
            ),
        ),
        evidence=(
            _evidence("source", 0, "WORKSTATION5", "Security 4688", f"wmic.exe: {WMIC}", 634),
            _evidence("source", 0.826, "WORKSTATION5", "Sysmon 1", f"wmic.exe: {WMIC}", 165),
            _evidence("source", 1.031, "WORKSTATION5", "Sysmon 3", "172.18.39.5:49921 to 172.18.39.6:135", 800),
            _evidence("source", 1.035, "WORKSTATION5", "Sysmon 3", "172.18.39.5:49922 to 172.18.39.6:49667", 801),
            _evidence("target", 1, "WORKSTATION6", "Security 4624", "network logon from 172.18.39.5:49922", 640),
            _evidence("target", 1, "WORKSTATION6", "Security 4672", "THESHIRE\\pgustavo, 0x551686", 638),
            _evidence("target", 1.316, "WORKSTATION6", "Sysmon 1", "net.exe: net user /add backdoor ****", 414),
        ),
        analytics=("chain_wmic_to_child", "lateral_movement", "xql_wmic_remote_exec"),
        messages=("wmic.exe on WORKSTATION5 started a process on WORKSTATION6",),
        risk_score=85,
        techniques=("T1047",),
        response=RESPONSE,
        commands=("wmiwh session WORKSTATION6 0x551686", "wmiwh event 0000000000000000019e"),
    )


def _half_edge() -> Case:
    return _movement().model_copy(
        update={
            "id": "move:77aa01b2c3d4",
            "number": 2,
            "title": "10.23.123.11 -> SRVDEFENDER01 as OFFSEC\\admmig",
            "severity": "medium",
            "first": datetime(2021, 4, 26, 8, 25, 37, 258117, tzinfo=UTC),
            "last": datetime(2021, 4, 26, 8, 25, 38, 435240, tzinfo=UTC),
            "source": "10.23.123.11",
            "target": "SRVDEFENDER01",
            "user": "OFFSEC\\admmig",
            "confidence": 30,
            "certainty": "low",
            "why": (Points(reason="child in session", points=25), Points(reason="4672 of the session", points=5)),
            "side_without_logs": "source",
            "suspicion": ("script child",),
            "source_ip": "10.23.123.11",
            "source_via": "logged",
            "source_process": None,
            "source_command_line": None,
            "remote_command": None,
            "target_process": "cmd.exe",
            "target_command_line": "cmd.exe /Q /c cd  1> \\\\127.0.0.1\\ADMIN$\\__1619425227.894209 2>&1",
            "logon_ids": ("0x4da32af",),
            "clock_skew_seconds": None,
            "session": (),
            "evidence": (
                _evidence("target", 0, "SRVDEFENDER01", "Security 4624", "network logon from 10.23.123.11", 20),
                _evidence("target", 1, "SRVDEFENDER01", "Security 4688", "cmd.exe: cmd.exe /Q /c cd ...", 22),
            ),
            "risk_score": 49,
        }
    )


def _like(number: int) -> Case:
    """Return one more movement: from host to host, an hour after the other."""
    time = START + timedelta(hours=number)
    return _movement(number).model_copy(
        update={
            "id": f"move:{number:012x}",
            "title": f"WS{number % 9:02d} -> WS{number * 5 % 11:02d} as ACME\\alice",
            "source": f"WS{number % 9:02d}",
            "target": f"SRV{number * 5 % 11:02d}",
            "first": time,
            "last": time + timedelta(milliseconds=242),
            "confidence": (100, 60, 85, 15)[number % 4],
            "certainty": ("high", "medium", "high", "low")[number % 4],
            "side_without_logs": None if number % 4 != 3 else "target",
        }
    )


def _finding(number: int, text: str, day: int = 0) -> Case:
    time = START + timedelta(days=day, minutes=number)
    return _movement().model_copy(
        update={
            "id": f"act:{number:012x}",
            "number": number,
            "kind": "finding",
            "title": f"WS{number % 7:02d}: {text}",
            "severity": ("medium", "low", "informational", "critical")[number % 4],
            "first": time,
            "last": time,
            "source": f"WS{number % 7:02d}",
            "target": None,
            "user": "acme\\alice" if number % 3 else None,
            "vehicle": None,
            "confidence": None,
            "certainty": None,
            "why": (),
            "suspicion": (),
            "source_ip": None,
            "source_via": None,
            "source_process": "cmd.exe",
            "source_command_line": text,
            "remote_command": None,
            "target_process": None,
            "target_command_line": None,
            "logon_ids": (),
            "clock_skew_seconds": None,
            "session": (),
            "evidence": (_evidence("host", number, f"WS{number % 7:02d}", "Sysmon 1", f"cmd.exe: {text}", number),),
            "analytics": ("wmic_remote_broad",),
            "messages": (f"ran {text}",),
            "risk_score": 20,
            "response": (),
            "commands": (f"wmiwh event {number:020x}",),
        }
    )


def _head() -> Head:
    return Head(
        title="WMI lateral movement hunt",
        created=datetime(2026, 3, 9, 8, 0, tzinfo=UTC),
        executed=datetime(2026, 3, 9, 8, 0, tzinfo=UTC),
        first_time=datetime(2020, 8, 6, 7, 50, tzinfo=UTC),
        last_time=datetime(2021, 4, 26, 9, 0, tzinfo=UTC),
        since=None,
        until="2022-01-01",
        host=None,
        user=None,
        environment="The Shire (laboratory)",
        hunter="Hunter",
        techniques=(
            Technique(
                id="T1047",
                name="Windows Management Instrumentation",
                tactics=("TA0002 Execution", "TA0008 Lateral Movement"),
            ),
        ),
        hypothesis=(
            "Adversaries will look to move laterally to other systems using Windows Management Instrumentation.",
        ),
        records=12_419,
        hosts=7,
        tool_version="0.5.0",
        secrets_shown=False,
    )


def _need(name: str, log: str, hosts: int, verdict: str) -> DataNeed:
    return DataNeed.model_validate(
        {
            "name": name,
            "log": log,
            "hosts_seen": hosts,
            "hosts": 7,
            "records": hosts * 211,
            "first_time": _at(0) if hosts else None,
            "last_time": _at(9000) if hosts else None,
            "verdict": verdict,
            "text": f"seen on {hosts} of 7 hosts" if hosts else f"not seen on any of 7 hosts. {CAUTION}",
        }
    )


def _query(name: str, title: str, hits: int, kind: str = "detection", rows: int = 0) -> Query:
    return Query(
        id=name,
        version=1,
        title=title,
        kind=kind,
        severity="high" if kind == "detection" else "informational",
        hits=hits,
        hosts=2 if hits else 0,
        first_time=_at(0) if hits else None,
        last_time=_at(600) if hits else None,
        seen="4 of 7 hosts (command line in 62 % of records)",
        sentence=f"0 hits. The data this needs was seen on 4 of 7 hosts, not seen on 3. {CAUTION}" if not hits else "",
        documents=(f"hunt-report-wmi-lateral-movement: {title}",),
        columns=("event_time", "host", "command_line") if rows else (),
        rows=tuple((f"2020-09-14T12:{i // 60 % 60:02d}:{i % 60:02d}Z", "ws01", "gpupdate /force") for i in range(rows)),
    )


def sample(findings: int = 6, movements: int = 2) -> Report:
    """Return a report of *findings* findings, the first six with the hostile texts, and two movements or more."""
    texts = [HOSTILE[i] if i < len(HOSTILE) else f"wmic /node:WS{i:04d} process list" for i in range(findings)]
    moves = [_movement(), _half_edge(), *(_like(i + 3) for i in range(movements - 2))]
    cases = (*moves, *(_finding(i + 1 + len(moves), text, i % 9) for i, text in enumerate(texts)))
    return Report(
        head=_head(),
        summary=(
            "2 movements between hosts were found, 1 of them with high confidence.",
            "WORKSTATION5 started net.exe on WORKSTATION6 as THESHIRE.LOCAL\\pgustavo on 2020-09-14 12:06:02Z.",
            "Not seen: logs of 10.23.123.11; network connections (Sysmon 3) on 3 of 7 hosts.",
        ),
        needs=(
            _need("Authentication Logs", "Security 4624", 7, "seen"),
            _need("Netflow", "Sysmon 3", 4, "partly"),
            _need("Process Monitoring", "Sysmon 1", 6, "partly"),
            _need("Process Command-Line Parameters", "Security 4688", 0, "not seen"),
        ),
        queries=(
            _query("report_wmi_process_execution", "WMI Process Execution - Destination Host", 11),
            _query("report_wmi_network_connection", "WMI Network Connection - Destination Host", 0),
            _query("report_remote_execution", "Remote Execution via WMI - Destination Host", 2, rows=2),
            _query("playbook_dst_4624_user", "4624 whose account is a domain user", 51_204, "context"),
        ),
        cases=cases,
        stacks=(
            StackTable(
                id="stack_wmiprvse_children",
                title="Children of WmiPrvSE",
                columns=("process_name", "user", "events", "hosts", "last_seen"),
                rows=(
                    ("net.exe", "theshire\\pgustavo", "1", "1", "2020-09-14T12:06:02.316Z"),
                    (SCRIPT, BIDI, "12", "3", "2020-09-14T12:07:00Z"),
                    ("cmd.exe", "offsec\\admmig", "2", "1", "2021-04-26T08:25:38Z"),
                ),
                total_rows=31,
            ),
        ),
        risk=(
            _risk("workstation6", "host", 134, 3),
            _risk("theshire\\pgustavo", "user", 85, 1),
            _risk(SCRIPT, "user", 20, 1),
        ),
        talks=(
            Talk(
                source="WORKSTATION5",
                target="WORKSTATION6",
                users=("THESHIRE.LOCAL\\pgustavo",),
                how="lateral movement",
                times=1,
                first_time=_at(1),
                last_time=_at(1.316),
            ),
        ),
        coverage=(
            HostCoverage(
                host="WORKSTATION5",
                records=5120,
                first_time=_at(-3600),
                last_time=_at(3600),
                logs=("Security", "Sysmon"),
                doubts=(),
            ),
            HostCoverage(
                host="WORKSTATION6",
                records=4410,
                first_time=_at(-3600),
                last_time=_at(3600),
                logs=("Security",),
                doubts=("The Security log was cleared at 2020-09-14T12:30:00Z.",),
            ),
            HostCoverage(host="10.23.123.11", records=0, first_time=None, last_time=None, logs=(), doubts=()),
        ),
        caution=f"{CAUTION} Seen does not prove that all was logged.",
        notes=(
            Note(question="What systems are communicating with one another?", answer="WORKSTATION5 to WORKSTATION6."),
            Note(question="What users are associated with those systems?", answer="THESHIRE.LOCAL\\pgustavo."),
        ),
        follow_up=(
            "Create detection logic for encoded PowerShell.",
            "Create detection logic for specific orders of action that might indicate lateral movement.",
            "Visibility gap: no Sysmon 3 on 3 of 7 hosts.",
        ),
        conclusion=None,
        references=(
            Link(title="ATT&CK T1047", url="https://attack.mitre.org/techniques/T1047"),
            Link(title="A book", url=None),
            Link(title="no link at all", url="javascript:window.hacked = 3"),
        ),
        sources=(_source("logs/empire_wmic_add_user_backdoor.json"), _source(f"logs/{BIDI}.evtx", "damaged")),
        problems=(
            ReadProblem(file="logs/a.evtx", position="chunk 1 of 17", reason="ends early (truncated file?)", lost=1210),
        ),
        batches=(Batch(id="20260309T080000Z-0001", sha256="a" * 64),),
        left_out=("12 rows of wmi_child_origin: wmiwh hunt wmi_child_origin",),
        changes=(
            Change(what="new", kind="case", name="10.23.123.11 -> SRVDEFENDER01", before="", after="confidence 30"),
            Change(what="changed", kind="query", name="report_remote_execution", before="1 hit", after="2 hits"),
            Change(what="gone", kind="source", name=SCRIPT, before="seen", after=""),
        ),
        compared_with="last-week.json",
    )


def _risk(name: str, kind: str, score: int, acts: int) -> RiskObject:
    return RiskObject(
        object=name,
        type=kind,
        risk_score=score,
        acts=acts,
        analytics=acts * 2,
        techniques=("T1047",),
        first_time=_at(0),
        last_time=_at(600),
        message=f"wmic.exe named {name}",
    )


def _source(name: str, status: str = "read") -> Source:
    return Source(
        file=name,
        sha256="5db4cb3cd99f19690c45e1a0e6b8b8f8a3fe335ca87eeab2337987c7a9aca72d",
        size=1_234_567,
        format="ndjson",
        records=4410,
        first_time=_at(-3600),
        last_time=_at(3600),
        status=status,
        reason=None if status == "read" else "0 of about 1,210 records read: chunk 1 of 17 ends early",
        ingested_at=datetime(2026, 3, 9, 8, 0, tzinfo=UTC),
    )


def retold(report: Report, tell: Callable[[str], str]) -> Report:
    """Return *report* with every free text of it as *tell* says it: for texts in places where no sample has them."""
    return Report.model_validate(_retold(report, tell))


def _retold(value: Any, tell: Callable[[str], str]) -> Any:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return {
            name: part if get_origin(fields[name].annotation) is Literal else _retold(part, tell)
            for name, part in value
        }
    if isinstance(value, tuple):
        return tuple(_retold(part, tell) for part in value)
    return tell(value) if isinstance(value, str) else value


def empty() -> Report:
    """Return the report of a hunt that found nothing, which must not look broken."""
    whole = sample(0)
    bare = {
        "cases",
        "stacks",
        "risk",
        "talks",
        "notes",
        "follow_up",
        "references",
        "problems",
        "changes",
        "coverage",
        "left_out",
        "batches",
    }
    words = ("No movement between hosts was found.", f"1 of 7 hosts has the network connections. {CAUTION}")
    return whole.model_copy(update={**dict.fromkeys(bare, ()), "summary": words, "compared_with": None})
