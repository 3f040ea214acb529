"""The scenario: repeatable, consistent between hosts, and true to its own truth."""

from __future__ import annotations

import hashlib
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
from wmiwarehouse.lab.world import BY_KEY, host_label


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
    assert len(ANALYTICS) == 11
    for analytic in ANALYTICS:
        assert len(truth.rows(analytic, "attack")) >= 2, analytic
        assert len(truth.near_misses[analytic]) >= 2, analytic
        assert not truth.rows(analytic) & {hit.row for hit in truth.near_misses[analytic]}
    assert truth.rows("wmiprvse_children", "benign")


def base(path: str | None) -> str:
    return (path or "").rsplit("\\", 1)[-1].lower()


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
            f"playbook_src_{source}_image": wmic,
            f"playbook_src_{source}_command_line": blanks,
        }
        for analytic, hit in verdicts.items():
            if hit:
                found[analytic].add(row(event))
    return found


def test_labels_agree_with_plain_matching(truth: GroundTruth) -> None:
    found = found_by_text(truth.seed)
    for analytic in ANALYTICS:
        assert found[analytic] == truth.rows(analytic), analytic


def test_both_ends_of_an_act_agree(truth: GroundTruth) -> None:
    by_row = {row(event): event for event in events(truth.seed)}
    remote = [act for act in truth.acts if act.source and act.remote_command and act.source not in act.targets]
    assert len(remote) >= 15
    for act in remote:
        assert act.source is not None
        evidence: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for role, where in act.evidence:
            evidence[role, where.host].append(data(by_row[where]))
        outgoing = {
            (seen.get("SourceIp", seen.get("SourceAddress")), str(seen["SourcePort"]))
            for seen in evidence["connection", act.source]
        }
        for target in act.targets:
            logons = evidence["logon", target]
            assert {(logon["IpAddress"], logon["IpPort"]) for logon in logons} <= outgoing
            sessions = {logon["TargetLogonId"] for logon in logons}
            assert {logon["LogonType"] for logon in logons} == {3}
            assert {logon["TargetUserName"] for logon in logons} == {act.user.partition("\\")[2]}
            assert evidence["privileges", target]
            children = evidence["child", target]
            assert children
            for child in children:
                assert child.get("CommandLine") in (act.remote_command, None)
                assert child.get("LogonId", child.get("TargetLogonId")) in {*sessions, None}
        if act.user.endswith("adm-dora") and act.source == "ws02":
            assert evidence["explicit_credentials", act.source]


def test_ids_and_times_rise_without_holes() -> None:
    last: dict[tuple[str, str], tuple[int, int]] = {}
    logons: dict[str, set[int]] = defaultdict(set)
    for event in events():
        log = (event.host, event.kind.channel)
        if log in last:
            assert event.record_id == last[log][0] + 1
            assert event.ticks >= last[log][1]
        last[log] = (event.record_id, event.ticks)
        if event.kind.event_id == 4624 and (logon_id := data(event)["TargetLogonId"]) > 0x3E7:
            assert logon_id not in logons[event.host]
            logons[event.host].add(logon_id)


def test_noise_scales_and_acts_do_not(tmp_path: Path, truth: GroundTruth) -> None:
    target = 25_000_000
    big = generate(tmp_path, target_bytes=target)
    size = sum(path.stat().st_size for path in tmp_path.rglob("*.evtx"))
    assert abs(size - target) < target // 10
    assert big.records > 2 * truth.records
    assert [act.command_line for act in big.acts] == [act.command_line for act in truth.acts]
    assert {name: len(hits) for name, hits in big.hits.items()} == {
        name: len(hits) for name, hits in truth.hits.items()
    }


def test_acts_need_two_days(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two days"):
        generate(tmp_path, days=1)
    with pytest.raises(ValueError, match="no such format"):
        generate(tmp_path, formats=("csv",))
