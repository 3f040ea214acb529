"""The nightly example as it stands, over three nights and a quiet one: what is new each night, and nothing twice.

The clock is moved; the logs are those of two days, of which one workstation's first day comes in two days late and a
server's come in twice.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.examples.nights import LATE, deliver

ROOT = Path(__file__).parents[2]
DATES = ("2024-05-07", "2024-05-08", "2024-05-09", "2024-05-10")
EXIT_CODES = [4, 4, 4, 0]


@dataclass
class Night:
    """What one night's run left."""

    code: int
    err: str
    mail: str
    report: dict[str, Any]
    summary: list[dict[str, str]]
    hits: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def count(self, analytic: str) -> int:
        return next(int(line["hits"]) for line in self.summary if line["analytic"] == analytic)

    @property
    def stats(self) -> dict[str, Any]:
        found = json.loads(self.err.splitlines()[-1])
        assert isinstance(found, dict)
        return found


@dataclass
class Site:
    folder: Path
    nights: list[Night]


def run(folder: Path, date: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "WMIWH_WAREHOUSE"}
    environment |= {"WMIWH_NOW": f"{date}T02:17:00Z", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "wmiwarehouse", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=600, check=False,
    )  # fmt: skip


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def what_is_left(folder: Path, date: str, said: subprocess.CompletedProcess[str]) -> Night:
    out = folder / "out" / date
    hits = {path.stem.removeprefix("hits-"): rows(path) for path in out.glob("hits-*.csv")}
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    mail = (out / "mail.txt").read_text(encoding="utf-8")
    assert (out / "report.html").stat().st_size > 0
    return Night(said.returncode, said.stderr, mail, report, rows(out / "summary.csv"), hits)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    made, folder = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "examples" / "hunts.toml", folder)
    (folder / "drop").mkdir()
    nights, dropped = [], [*deliver(made), None]
    for date, logs in zip(DATES, dropped, strict=True):
        if logs:
            shutil.move(logs, folder / "drop" / logs.name)
        said = run(folder, date, "batch", "hunts.toml", "--log-file", "wmiwh.jsonl", "--stats")
        assert said.returncode in (0, 4), said.stderr
        nights.append(what_is_left(folder, date, said))
    return Site(folder, nights)


@pytest.fixture(scope="module")
def everything(site: Site) -> dict[str, int]:
    """The hits of each analytic without any window: what the nights have to add up to."""
    said = run(site.folder, DATES[-1], "hunt", "--kind", "detection,chain", "-w", "warehouse", "-f", "json")
    assert said.returncode == 0, said.stderr
    return {line["analytic"]: line["hits"] for line in json.loads(said.stdout)}


def all_rows(site: Site, analytic: str) -> list[dict[str, Any]]:
    said = run(site.folder, DATES[-1], "hunt", analytic, "-w", "warehouse", "-f", "json")
    found = json.loads(said.stdout)
    assert isinstance(found, list)
    return found


def test_how_each_night_ends(site: Site) -> None:
    assert [night.code for night in site.nights] == EXIT_CODES
    assert all("Traceback" not in night.err for night in site.nights)


def test_every_night_has_something_new_but_the_last(site: Site, everything: dict[str, int]) -> None:
    for analytic in ("lateral_movement", "wmic_remote_broad", "wmiprvse_children"):
        counts = [night.count(analytic) for night in site.nights]
        assert all(counts[:3]), analytic
        assert counts[3] == 0, analytic
        assert [len(night.hits.get(analytic, [])) for night in site.nights] == counts
    assert not site.nights[3].report["cases"]
    assert all(int(line["hits"]) == 0 for line in site.nights[3].summary)
    assert {line["analytic"] for line in site.nights[3].summary} == everything.keys(), "a zero is a line too"


def test_single_records_are_shown_once_and_all(site: Site) -> None:
    for analytic in ("wmic_remote_broad", "wmiprvse_children"):
        shown = Counter(row["event_uid"] for night in site.nights for row in night.hits.get(analytic, []))
        assert set(shown.values()) == {1}, analytic
        assert shown.keys() == {row["event_uid"] for row in all_rows(site, analytic)}, analytic


def test_nothing_is_left_out(site: Site, everything: dict[str, int]) -> None:
    """What a night shows may be completed later and shown again, but whatever there is was shown."""
    short = {
        analytic: (sum(night.count(analytic) for night in site.nights), hits)
        for analytic, hits in everything.items()
        if sum(night.count(analytic) for night in site.nights) < hits
    }
    assert short == {}
    assert sum(everything.values()) > 500


def test_no_case_stands_in_two_reports(site: Site) -> None:
    shown = Counter(case["id"] for night in site.nights for case in night.report["cases"])
    assert len(shown) > 100
    assert {case: times for case, times in shown.items() if times > 1} == {}


def test_a_movement_is_shown_again_only_with_more_evidence(site: Site) -> None:
    seen: dict[tuple[str, ...], str] = {}
    for night in site.nights:
        for row in night.hits.get("lateral_movement", []):
            act = (row["first"], row["source"], row["target"], row["user"])
            evidence = row["source_evidence"] + row["target_evidence"]
            assert evidence != seen.get(act), act
            seen[act] = evidence


def test_late_logs_are_the_third_nights_news(site: Site) -> None:
    """All that the night shows rests on the late host, though its times are of the first day."""
    third = site.nights[2].hits
    for analytic in ("wmic_remote_broad", "wmiprvse_children"):
        assert {row["host"] for row in third[analytic]} == {LATE.lower()}
        assert {row["event_time"][:10] for row in third[analytic]} == {"2024-05-06"}
    assert all(LATE.lower() in (row["source"], row["target"]) for row in third["lateral_movement"])
    assert any(LATE.lower() == row["source"] for row in third["lateral_movement"])


def test_what_was_read_once_is_not_read_again(site: Site) -> None:
    stats = [night.stats for night in site.nights]
    assert [one["records_added"] > 0 for one in stats] == [True, True, True, False]
    assert stats[1]["duplicates"] > 100, "the server's first day comes with its second"
    assert [one["files_known"] for one in stats] == [0, *(one["files"] for one in stats[:3])]


def test_the_operators_log(site: Site) -> None:
    lines = [json.loads(line) for line in (site.folder / "wmiwh.jsonl").read_text(encoding="ascii").splitlines()]
    finished = [line for line in lines if line["event"] == "finished"]
    assert [line["exit_code"] for line in finished] == EXIT_CODES
    assert [line["level"] for line in finished] == ["warning", "warning", "warning", "info"]
    assert len({line["run"] for line in lines}) == 4
    for night, line in zip(site.nights, finished, strict=True):
        assert line["hits"] == sum(int(one["hits"]) for one in night.summary), "what two parts found counts once"
        assert line["cases"] == len(night.report["cases"])
    text = (site.folder / "wmiwh.jsonl").read_text(encoding="ascii").lower()
    assert not [word for word in ("ws01", "fs01", "alice", "wmic.exe", ".evtx", "acme", "drop") if word in text]


def test_the_runs_are_recorded(site: Site) -> None:
    said = run(site.folder, DATES[-1], "runs", "nightly", "-w", "warehouse", "-f", "json")
    assert said.returncode == 0, said.stderr
    assert [line["exit_code"] for line in json.loads(said.stdout)] in (EXIT_CODES, EXIT_CODES[::-1])


def test_a_mail_can_be_sent(site: Site) -> None:
    for night in site.nights:
        head, _, body = night.mail.partition("\n\n")
        assert re.search(r"(?m)^Subject: wmiwh nightly: [\x20-\x7e]+$", head)
        assert f"exit code {night.code}" in head
        assert all(re.match(r"[A-Z][A-Za-z-]+: ", line) for line in head.splitlines())
        assert not re.search(r"[^\S \n]|[\x00-\x09\x0b-\x1f\x7f]", body)
        assert max(map(len, night.mail.splitlines())) < 998, "what a line of a mail may have"


@pytest.mark.skipif(os.name != "posix", reason="the mail names files")
@pytest.mark.parametrize("number", [3, 4])
def test_the_mail_reads_well(site: Site, snapshot: SnapshotAssertion, number: int) -> None:
    """Read the difference before it is accepted."""
    assert site.nights[number - 1].mail.replace(str(site.folder.resolve()), "/srv/wmiwh") == snapshot
