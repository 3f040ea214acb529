"""A batch: three nights with late logs, and what its file, its outputs and its mail must not do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.cli.batches import mail, runner
from wmiwarehouse.cli.batches.outputs import Outputs
from wmiwarehouse.errors import ExitCode
from wmiwarehouse.lake import clock
from wmiwarehouse.lake.runs import Record

Run = Callable[..., Any]
FILE = """
[batch]
name = "nightly"
fail_on = "high"
keep = 2

[ingest]
paths = ["drop"]

[[hunt]]
ids = ["xql_wmic_remote_exec", "lateral_movement"]
outputs = ["out/{date}-{id}.json", "out/{date}.csv"]

[report]
outputs = ["out/{name}-{date}.json", "out/latest.md"]
compare = "last"

[mail]
output = "out/mail.txt"
from = "wmiwh@corp.example"
to = ["soc@corp.example"]
"""
NIGHTS = (("2024-05-08", ("WS01", "WS02")), ("2024-05-09", ("WS03",)), ("2024-05-10", ("FS01",)), ("2024-05-11", ()))


def _rows(folder: Path, date: str, name: str) -> list[dict[str, Any]]:
    path = folder / "out" / f"{date}-{name}.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return found


def _mail(path: Path) -> Any:
    return message_from_bytes(path.read_bytes(), policy=policy.default)


def test_three_nights(case: Any, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New logs on the second night, late ones of the first on the third, none on the fourth."""
    file = tmp_path / "hunts.toml"
    file.write_text(FILE, encoding="utf-8")
    (tmp_path / "drop").mkdir()
    movements: dict[str, list[dict[str, Any]]] = {}
    calls: dict[str, list[dict[str, Any]]] = {}
    known: set[str] = set()
    for date, hosts in NIGHTS:
        monkeypatch.setenv(clock.VARIABLE, f"{date}T02:00:00Z")
        for host in hosts:
            shutil.copytree(case.logs / "evtx" / host, tmp_path / "drop" / host)
        said = run("batch", file)
        assert said.code == (4 if hosts else 0), said.err
        calls[date] = _rows(tmp_path, date, "xql_wmic_remote_exec")
        movements[date] = _rows(tmp_path, date, "lateral_movement")
        report = json.loads((tmp_path / "out" / f"nightly-{date}.json").read_text(encoding="utf-8"))
        cases = {one["id"]: one["title"] for one in report["cases"]}
        new = [one["name"] for one in report["changes"] if (one["what"], one["kind"]) == ("new", "case")]
        if known:
            assert new == [title for name, title in cases.items() if name not in known]
            assert bool(new) == bool(hosts)
        text = _mail(tmp_path / "out" / "mail.txt")
        assert text["to"] == "soc@corp.example"
        assert text["subject"].startswith("wmiwh nightly: ")
        assert text["subject"].endswith(f"exit code {said.code}")
        assert "no new hits of 2 analytics" in text.get_content() or hosts
        known = set(cases)

    uids = [{row["event_uid"] for row in found} for found in calls.values()]
    assert all(uids[:3])
    assert not uids[3]
    everything = json.loads(run("hunt", "xql_wmic_remote_exec", "-w", tmp_path / "warehouse", "-f", "json").out)
    assert sum(map(len, uids)) == len(set().union(*uids)) == len(everything), "each once, and none left out"

    # Told again only if the late log added a record: the target's side of what the first night had from one side.
    def evidence(row: Mapping[str, Any]) -> set[str]:
        sides = (*(row["source_evidence"] or ()), *(row["target_evidence"] or ()))
        return {record["event_uid"] for record in sides}

    before = set().union(*(evidence(row) for date in list(movements)[:2] for row in movements[date]))
    third = movements["2024-05-10"]
    assert any(evidence(row) & before for row in third), "a movement of before is complete now"
    assert all(evidence(row) - before for row in third)
    kept = {path.name[:10] for path in (tmp_path / "out").glob("2024-*")}
    assert kept == {"2024-05-10", "2024-05-11"}, "keep = 2"
    assert (tmp_path / "out" / "latest.md").exists()
    listed = json.loads(run("runs", "nightly", "-w", tmp_path / "warehouse", "-f", "json").out)
    assert [one["exit_code"] for one in listed] == [0, 4, 4, 4]


def test_a_dry_run_does_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "hunts.toml").write_text(FILE, encoding="utf-8")
    said = run("batch", tmp_path / "hunts.toml", "--dry-run")
    assert (said.code, said.err) == (2, f"wmiwh: {tmp_path / 'drop'}: no such file or folder\n"), "as the run would end"
    assert "ingest     " in said.out
    assert "xql_wmic_remote_exec, lateral_movement; what came in since the last run" in said.out
    assert [path.name for path in tmp_path.iterdir()] == ["hunts.toml"]
    (tmp_path / "drop").mkdir()
    assert run("batch", tmp_path / "hunts.toml", "--dry-run").code == 0


def test_a_dated_name_is_not_used_twice_even_if_keep_removed_the_file(tmp_path: Path) -> None:
    path = tmp_path / "night-2024-05-06.txt"
    path.write_text("first", encoding="utf-8")
    first = Outputs([])
    first.add(path)
    noon = datetime(2024, 5, 6, 12, tzinfo=UTC)
    record = Record(
        number=1, name="night", command="batch", started=noon, finished=noon, outputs=first.recorded(), exit_code=0
    )
    assert Outputs([record]).place(path, "night-{date}.txt").name == "night-2024-05-06-2.txt"
    path.unlink()
    assert Outputs([record]).place(path, "night-{date}.txt").name == "night-2024-05-06-2.txt"
    assert Outputs([]).place(path, "night-{date}.txt") == path


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("fail_on", "fail_one", 4, "batch.fail_one: no such key; did you mean fail_on?"),
        ('"high"', '"grave"', 4, 'batch.fail_on: "grave" is none of'),
        ("keep = 2", "keep = 0", 5, "batch.keep: "),
        ('["drop"]', '"drop"', 8, "ingest.paths: a list is wanted"),
        ("lateral_movement", "lateral_move", 10, "hunt[0]: no analytic"),
        ("{id}", "{analytic}", 12, "hunt[0].outputs[0]: {analytic} is none of"),
        ("{date}.csv", "{date}.xyz", 12, "hunt[0].outputs[1]: "),
        ("latest.md", "latest.csv", 15, "report.outputs[1]: "),
        ("latest.md", "{id}.md", 15, "report.outputs[1]: {id} is none of"),
        ('compare = "last"', 'compare = "last"\ningested_since = "last-run"', 17, "with compare the report has to be"),
        ('"soc@corp.example"', r'"a@b.c\nBcc: x@y.z"', 21, "mail.to[0]: "),
        ("mail.txt", "latest.md", 19, "mail.output: "),
        ('name = "nightly"', 'name = "../x"', 3, "batch.name: ../x: no name for a run"),
        ("[ingest]", "[ingest", 7, "is no TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(
    run: Run, tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    assert old in FILE
    path = tmp_path / "hunts.toml"
    path.write_text(FILE.replace(old, new), encoding="utf-8")
    said = run("batch", path)
    assert said.code == 2
    assert f"hunts.toml, line {line}: " in said.err
    assert reason in said.err
    assert [one.name for one in tmp_path.iterdir()] == ["hunts.toml"]


def test_a_part_that_fails_does_not_keep_the_others_from_being_done(case: Any, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "part.toml"
    path.write_text(
        f"""
[batch]
warehouse = '{tmp_path / "w"}'
fail_on = "low"
[ingest]
paths = ["nowhere"]
[[hunt]]
ids = ["xql_wmic_remote_exec"]
outputs = ["hits.csv", "more.csv"]
[mail]
output = "mail.txt"
""",
        encoding="utf-8",
    )
    shutil.copytree(case.warehouse, tmp_path / "w", ignore=shutil.ignore_patterns("runs"))
    assert run("batch", path).code == 2, "no such path goes before hits"
    assert (tmp_path / "hits.csv").exists()
    text = _mail(tmp_path / "mail.txt").get_content()
    assert "nowhere: no such file or folder" in " ".join(text.split())
    (tmp_path / "nowhere").mkdir()
    assert run("batch", path).code == 4, "the failed run moved nothing, and an empty folder is a quiet night"
    assert run("batch", path).code == 0
    (tmp_path / "hits.csv").write_text("mine")
    said = run("batch", path)
    assert said.code == 2
    assert "hits.csv exists, and is not as a run of this batch left it" in said.err
    assert (tmp_path / "hits.csv").read_text() == "mine"


def test_the_worst_code_is_that_of_the_batch() -> None:
    assert set(runner.WORST) == set(ExitCode)
    assert runner.worst([ExitCode.DONE, ExitCode.DAMAGED, ExitCode.HITS]) == ExitCode.HITS
    assert runner.worst([ExitCode.HITS, ExitCode.FAILED, ExitCode.USAGE]) == ExitCode.FAILED
    assert runner.worst([]) == ExitCode.DONE


def test_a_mail_is_harmless(tmp_path: Path) -> None:
    hostile = (
        "\r\n.\r\nFrom: x\nhttp://evil.example \\\\evil\\share www.evil.example a@evil.example \x1b[2J\u202e"
        + "x" * 9999
    )
    news = mail.News("nightly", datetime(2026, 3, 4, tzinfo=UTC), "everything", gravest="high")
    news.cases, news.cases_in = [("high", hostile)] * 60, "new"
    news.problems, news.files, news.ingest, news.changed = [hostile], [hostile], [hostile], [hostile]
    path = tmp_path / "mail.txt"
    text = mail.text(news, ExitCode.HITS, subject="Ü " + hostile, sender=None, to=())
    path.write_text(text, encoding="utf-8")
    found = _mail(path)
    assert sorted(map(str.lower, found.keys())) == [
        *("auto-submitted", "content-transfer-encoding", "content-type", "mime-version", "subject")
    ]
    assert found["subject"].isascii()
    body = found.get_content()
    assert "... and 10 more" in body
    assert not [mark for mark in ("://", "www.", "\x1b", "\u202e", "a@evil", " \\\\evil") if mark in body]
    assert all(len(line.encode()) < 998 and not line.startswith((".", "From ")) for line in body.splitlines())


def test_what_two_hunts_of_a_batch_look_for_counts_once(case: Any, run: Run, tmp_path: Path) -> None:
    shutil.copytree(case.warehouse, tmp_path / "warehouse", ignore=shutil.ignore_patterns("runs"))
    parts = '[[hunt]]\nids = ["xql_wmic_remote_exec", "wmi_activity"]\n[[hunt]]\nids = ["xql_wmic_remote_exec"]\n'
    (tmp_path / "hunts.toml").write_text(f'[batch]\nname = "twice"\n{parts}', encoding="utf-8")
    assert run("batch", tmp_path / "hunts.toml").code == 0
    (recorded,) = json.loads(run("runs", "twice", "-w", tmp_path / "warehouse", "-f", "json").out)
    expected = [len(_found(run, tmp_path, name)) for name in ("xql_wmic_remote_exec", "wmi_activity")]
    assert (recorded["analytics"], recorded["hits"]) == (2, sum(expected))


def _found(run: Run, folder: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(run("hunt", name, "-w", folder / "warehouse", "-f", "json").out)
    return rows
