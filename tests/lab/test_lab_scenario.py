"""The scenario: repeatable, consistent between hosts, and true to its own truth."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.lab import ANALYTICS, GroundTruth, Row, generate
from wmiwarehouse.lab.events import SYSMON
from wmiwarehouse.lab.model import LabEvent
from wmiwarehouse.lab.scenario import Scenario
from wmiwarehouse.lab.staging import CONTEXT_ANALYTICS
from wmiwarehouse.lab.world import host_label


def events(seed: int = 1) -> Iterator[LabEvent]:
    return Scenario(seed, 2).events(None, lambda: 0)


def data(event: LabEvent) -> dict[str, Any]:
    return {field.name: value for field, value in zip(event.kind.fields, event.values, strict=True)}


def row(event: LabEvent) -> Row:
    return Row(host_label(event.host), event.kind.channel, event.kind.event_id, event.record_id)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> GroundTruth:
    return generate(tmp_path_factory.mktemp("lab"))


def test_one_seed_gives_one_set_of_bytes(tmp_path: Path) -> None:
    formats = ("evtx", "exported", "nxlog")
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        generate(tmp_path / name, seed=seed, formats=formats)
    first, again, other = (digests(tmp_path / name) for name in ("first", "again", "other"))
    assert first == again
    assert first.keys() == other.keys()
    assert not set(first.values()) & set(other.values())


def test_truth_survives_json(truth: GroundTruth) -> None:
    assert GroundTruth.from_json(truth.to_json()) == truth


def test_every_analytic_has_hits_and_near_misses(truth: GroundTruth) -> None:
    for analytic in ANALYTICS:
        assert len(truth.rows(analytic, "attack")) >= 2, analytic
        assert truth.near_misses[analytic] or analytic == "wmi_activity", analytic
        assert not truth.rows(analytic) & {hit.row for hit in truth.near_misses[analytic]}
        assert truth.rows(analytic, "benign") or analytic == "wmiexec_output", analytic
        assert len(truth.hits[analytic]) == len(truth.rows(analytic)), analytic


def test_the_context_of_a_day_is_labelled_so(truth: GroundTruth) -> None:
    with_context = {analytic for analytic in ANALYTICS if truth.rows(analytic, "context")}
    assert with_context == CONTEXT_ANALYTICS - {"playbook_dst_4672_user"}  # nobody but the staged has privileges


def base(path: str | None) -> str:
    return (path or "").rsplit("\\", 1)[-1].lower()


def of_domain(name: str, domain: str) -> bool:
    return domain in ("ACME", "LAB") and not name.endswith("$")


def by_event(fields: dict[str, Any], channel: str, event_id: int) -> Iterator[str]:
    """The analytics that one event hits all by itself, processes aside."""
    match channel, event_id:
        case "Security", 4624:
            if of_domain(fields["TargetUserName"], fields["TargetDomainName"]):
                yield "playbook_dst_4624_user"
            if fields["IpAddress"] not in ("-", "127.0.0.1"):
                yield "playbook_dst_4624_address"
        case "Security", 4648:
            if fields["SubjectUserName"] != fields["TargetUserName"]:
                yield "playbook_src_4648_explicit_credentials"
            if fields["TargetInfo"].startswith("RPCSS/"):
                yield "explicit_credentials_rpcss"
        case "Security", 4672:
            if of_domain(fields["SubjectUserName"], fields["SubjectDomainName"]):
                yield "playbook_dst_4672_user"
        case "Security", 4674:
            if base(fields["ProcessName"]) == "wmic.exe":
                yield "playbook_src_4674_winsock2"
        case _, 12 if channel == SYSMON:
            if base(fields["Image"]) == "wmic.exe" and "Tcpip" in fields["TargetObject"]:
                yield "playbook_src_sysmon12_tcpip"
        case _, 3 if channel == SYSMON:
            if fields["DestinationPort"] == 135:
                yield "playbook_src_sysmon3_dcom_135"
            if fields["User"] == "NT AUTHORITY\\NETWORK SERVICE":
                yield "report_wmi_network_connection"
        case _, 5857 | 5858 | 5859 | 5860 | 5861 | 19 | 20 | 21:
            yield "wmi_activity"
            if event_id not in (5857, 5858, 5860):
                yield "wmi_subscription"


def found_by_text(seed: int) -> dict[str, set[Row]]:
    """What plain matching finds: a second opinion on the labels."""
    found: dict[str, set[Row]] = defaultdict(set)
    images: dict[tuple[str, int], str] = {}
    for event in events(seed):
        fields, channel, event_id = data(event), event.kind.channel, event.kind.event_id
        if channel == "Security" and event_id == 4689:
            del images[event.host, fields["ProcessId"]]
        if event_id == 4608:
            images = {key: image for key, image in images.items() if key[0] != event.host}
        for analytic in by_event(fields, channel, event_id):
            found[analytic].add(row(event))
        sysmon = channel == SYSMON and event_id == 1
        if not sysmon and (channel, event_id) != ("Security", 4688):
            continue
        if sysmon:
            image, parent = fields["Image"], fields["ParentImage"]
        else:
            image = fields["NewProcessName"]
            parent = fields.get("ParentProcessName") or images.get((event.host, fields["ProcessId"]))
            assert (event.host, fields["NewProcessId"]) not in images
            images[event.host, fields["NewProcessId"]] = image
        line = (fields.get("CommandLine") or "").lower()
        wmic = base(image) == "wmic.exe"
        renamed = (fields.get("OriginalFileName") or "").lower() == "wmic.exe"
        blanks = " process call create " in line and " /node:" in line
        words = all(word in line for word in ("/node:", "process", "call", "create"))
        windows = re.fullmatch(r"c:\\windows\\.*\\wmic\.exe", image.lower()) is not None
        source = "sysmon1" if sysmon else "4688"
        verdicts = {
            "car_2016_03_002": wmic and blanks,
            "car_2016_03_002_eql": wmic and blanks,
            "car_2016_03_002_splunk": sysmon and windows and blanks,
            "car_2016_03_002_logpoint": sysmon and windows and blanks,
            "xql_wmic_remote_exec": wmic and words,
            "escu_remote_process_instantiation_via_wmi": (wmic or renamed) and words,
            "wmiprvse_children": base(parent) == "wmiprvse.exe",
            "wmi_child_origin": base(parent) == "wmiprvse.exe",
            "wmiexec_output": " 1> \\\\127.0.0.1\\" in line,
            f"playbook_src_{source}_image": wmic,
            f"playbook_src_{source}_command_line": blanks,
        }
        if sysmon:
            parent_line = fields["ParentCommandLine"].lower()
            verdicts |= {
                "playbook_dst_sysmon1_parent_image": base(parent) == "wmiprvse.exe",
                "playbook_dst_sysmon1_parent_command_line": parent_line.endswith("wmiprvse.exe -secured -embedding"),
                "report_wmi_parent_command_line": parent_line
                == "c:\\windows\\system32\\wbem\\wmiprvse.exe -secured -embedding",
                "report_wmi_process_execution": base(image) == "wmiprvse.exe" and "-secured" in line,
                "playbook_dst_sysmon1_user": of_domain(*reversed(fields["User"].split("\\"))),
            }
        for analytic, hit in verdicts.items():
            if hit:
                found[analytic].add(row(event))
    return found


def test_labels_agree_with_plain_matching(truth: GroundTruth) -> None:
    found = found_by_text(truth.seed)
    assert len(found) >= 24
    for analytic, rows in found.items():
        assert rows == truth.rows(analytic), analytic


def address(text: str) -> str:
    """An address however it was written."""
    plain = ipaddress.ip_address(text.partition("%")[0])
    return str(getattr(plain, "ipv4_mapped", None) or plain)


def test_both_ends_of_a_tie_agree(truth: GroundTruth) -> None:
    by_row = {row(event): event for event in events(truth.seed)}
    staged = [tie for tie in truth.ties if "act" in tie.about]
    assert len(staged) >= 35
    assert len(truth.ties) > 5 * len(staged)
    for tie in truth.ties:
        (opened,) = (by_row[where] for where in tie.rows("connection"))
        seen = data(opened)
        source = (address(str(seen.get("SourceIp", seen.get("SourceAddress")))), str(seen["SourcePort"]))
        logons = [data(by_row[where]) for where in tie.rows("logon")]
        assert {(address(logon["IpAddress"]), logon["IpPort"]) for logon in logons} == {source}
        assert {logon["LogonType"] for logon in logons} == {3}
        names = {f"{logon['TargetDomainName']}\\{logon['TargetUserName']}" for logon in logons}
        assert names == {tie.about["user"]}
        assert {host_label(opened.host)} | {where.host for where in tie.rows("logon")} == {
            tie.about["source"], tie.about["target"],
        }  # fmt: skip


def test_sessions_hold_what_bears_their_logon_id(truth: GroundTruth) -> None:
    by_row = {row(event): event for event in events(truth.seed)}
    assert len(truth.sessions) >= 35
    for session in truth.sessions:
        logon_id = int(session.about["logon_id"], 16)
        (logon,) = (by_row[where] for where in session.rows("logon"))
        assert data(logon)["TargetLogonId"] == logon_id
        for where in session.rows("process"):
            event = by_row[where]
            process = data(event)
            own = process.get("LogonId") or process.get("TargetLogonId") or process.get("SubjectLogonId")
            assert own == logon_id
            assert (where.host, event.ticks > logon.ticks) == (session.about["host"], True)


def test_commands_run_as_they_were_typed(truth: GroundTruth) -> None:
    by_row = {row(event): event for event in events(truth.seed)}
    assert len(truth.commands) >= 30
    for command in truth.commands:
        for role, where in command.records:
            line = data(by_row[where]).get("CommandLine")
            if role == "source":
                assert line
                assert command.about["command"] in line.replace('\\"', '"')
            else:
                assert line in (command.about["command"], None)


def test_ids_and_times_rise_without_holes() -> None:
    last: dict[tuple[str, str], tuple[int, int]] = {}
    logons: dict[str, set[int]] = defaultdict(set)
    for event in events():
        log = (event.host, event.kind.channel)
        if log in last:
            assert event.record_id == last[log][0] + 1
            assert event.ticks >= last[log][1]
        last[log] = (event.record_id, event.ticks)
        if event.kind.event_id == 4608:
            logons[event.host].clear()
        if event.kind.event_id == 4624 and (logon_id := data(event)["TargetLogonId"]) > 0x3E7:
            assert logon_id not in logons[event.host]
            logons[event.host].add(logon_id)


def test_noise_scales_and_acts_do_not(tmp_path: Path, truth: GroundTruth) -> None:
    target = 25_000_000
    big = generate(tmp_path, target_bytes=target)
    files = list(tmp_path.rglob("*.evtx"))
    size = sum(path.stat().st_size for path in files) - len(files) * 32768  # a last chunk is half empty
    assert abs(size - target) < target // 10
    assert big.records > 2 * truth.records
    assert [act.command_line for act in big.acts] == [act.command_line for act in truth.acts]
    for analytic in truth.hits:
        assert len(big.rows(analytic, "attack")) == len(truth.rows(analytic, "attack"))
    for section in ("sessions", "edges", "commands", "credentials"):
        assert len(getattr(big, section)) == len(getattr(truth, section))
    assert len(big.ties) > len(truth.ties)


def test_acts_need_two_days(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two days"):
        generate(tmp_path, days=1)
    with pytest.raises(ValueError, match="no such format"):
        generate(tmp_path, formats=("csv",))
