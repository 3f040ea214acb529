"""``verify``, ``compact``, ``forget`` and ``ingest --again``: what they print and how they end."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from wmiwarehouse.cli.app import app
from wmiwarehouse.lake import rest
from wmiwarehouse.lake.warehouse import Warehouse

Run = Callable[..., Any]


def _line(number: int, **more: Any) -> str:
    line = {
        "EventTime": "2024-05-06 01:02:03",
        "@timestamp": "2024-05-06T01:02:03.000Z",
        "EventReceivedTime": "2024-05-06 01:02:03",
        "Hostname": "WS01.corp.example",
        "EventID": 4688,
        "SourceName": "Microsoft-Windows-Security-Auditing",
        "Channel": "Security",
        "RecordNumber": number,
        "NewProcessName": "C:\\Windows\\System32\\wbem\\WMIC.exe",
    }
    return json.dumps(line | more) + "\n"


_LOGS = {"one.json": _line(1) + _line(2), "two.json": _line(1) + _line(3)}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two logs, each in a batch of its own; the first record of both is the same."""
    folder = tmp_path_factory.mktemp("upkeep")
    (folder / "logs").mkdir()
    for name, text in _LOGS.items():
        (folder / "logs" / name).write_text(text)
        said = CliRunner().invoke(app, ["ingest", str(folder / "logs" / name), "-w", str(folder / "w")])
        assert said.exit_code == 0, said.output
    return folder


@pytest.fixture
def logs(base: Path) -> Iterator[Path]:
    yield base / "logs"
    for name, text in _LOGS.items():
        (base / "logs" / name).write_text(text)


@pytest.fixture
def warehouse(base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(base / "w", tmp_path / "w"))


def _rows(run: Run, *arguments: Any) -> Any:
    said = run(*arguments, "-f", "json")
    return json.loads(said.out)


def _damage(warehouse: Path) -> str:
    victim = Warehouse.open(warehouse).batches()[0].event_files[0]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 4
    victim.chmod(0o644)
    victim.write_bytes(content)
    return f"events/{victim.name}"


def test_a_sound_warehouse(run: Run, warehouse: Path) -> None:
    said = run("verify", "-w", warehouse)
    assert (said.code, said.out) == (0, "")
    assert "2 batches, 10 files, 4 records; digest " in said.err
    assert "2 original files unchanged" in run("verify", "--sources", "-w", warehouse).err


def test_damage(run: Run, warehouse: Path, tmp_path: Path) -> None:
    name = _damage(warehouse)
    said = run("verify", "-w", warehouse, "-f", "csv")
    assert said.code == 5
    (found,) = csv.DictReader(io.StringIO(said.out))
    assert (found["finding"], found["file"]) == ("changed", name)
    assert "damaged: 1 finding." in said.err
    assert run("verify", "-w", warehouse, "-o", tmp_path / "f.json").code == 5
    assert json.loads((tmp_path / "f.json").read_text())[0]["file"] == name
    assert run("verify", "--repair", "-w", warehouse).code == 5
    assert run("verify", "-w", warehouse).code == 5
    for command in (["compact"], ["forget", "one.json", "--yes"]):
        said = run(*command, "-w", warehouse)
        assert said.code in (1, 2)
        assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("lost", ["events", "sources"])
def test_an_ingest_into_what_has_lost_files_says_so_and_goes_on(
    run: Run, warehouse: Path, tmp_path: Path, lost: str
) -> None:
    """What comes now is kept, but nobody should find out by a hunt that was refused a week later."""
    batch = Warehouse.open(warehouse).batches()[0]
    (batch.event_files[0] if lost == "events" else batch.table("sources")).unlink()
    (tmp_path / "new.json").write_text(_line(9))
    said = run("ingest", tmp_path / "new.json", "-w", warehouse)
    assert said.code == 0
    assert f"warning: batch {batch.id} of {warehouse}" in said.err
    assert "1 record of 1 host added" in said.err
    assert run("hunt", "car_2016_03_002", "-w", warehouse).code == 1


@pytest.mark.parametrize("fmt", ["table", "csv", "json", "ndjson", "markdown"])
def test_findings_in_every_format(run: Run, warehouse: Path, fmt: str) -> None:
    (warehouse / "lake" / "more.txt").write_text("x")
    said = run("verify", "-w", warehouse, "-f", fmt)
    assert said.code == 5
    assert "more.txt" in said.out


def test_originals(run: Run, warehouse: Path, logs: Path) -> None:
    (logs / "one.json").write_text("changed")
    (logs / "two.json").unlink()
    found = _rows(run, "verify", "--sources", "-w", warehouse)
    assert {(row["finding"], Path(row["file"]).name) for row in found} == {
        ("source changed", "one.json"),
        ("source missing", "two.json"),
    }
    assert run("verify", "-w", warehouse).code == 0
    assert run("verify", "--sources", "-w", warehouse).code == 5


def test_left_over(run: Run, warehouse: Path) -> None:
    (warehouse / ".staging" / "dead" / "events").mkdir(parents=True)
    said = run("verify", "-w", warehouse)
    assert said.code == 0
    assert ".staging/dead" in said.out
    assert "remove: wmiwh verify --repair" in said.err
    assert "1 of 1 left over removed" in run("verify", "--repair", "-w", warehouse).err
    assert run("verify", "-w", warehouse).out == ""


def test_staging_of_a_running_ingest_is_not_left_over(run: Run, warehouse: Path) -> None:
    with Warehouse.open(warehouse).writing():
        (warehouse / ".staging" / "busy").mkdir()
        said = run("verify", "-w", warehouse)
    assert (said.code, said.out) == (0, "")
    assert "was not looked for" in said.err


def test_compact(run: Run, warehouse: Path) -> None:
    before = run("hunt", "playbook_src_4688_image", "-w", warehouse, "-f", "csv").out
    said = run("compact", "-w", warehouse)
    assert (said.code, said.out) == (0, "")
    assert "2 batches with 4 records are one now: 2 event files are 1" in said.err
    assert "stay 1h" in said.err
    assert run("hunt", "playbook_src_4688_image", "-w", warehouse, "-f", "csv").out == before
    said = run("verify", "-w", warehouse, "-f", "json")
    assert (said.code, {row["finding"] for row in json.loads(said.out)}) == (0, {"replaced"})
    run("verify", "--repair", "-w", warehouse)
    assert len(list((warehouse / "lake").iterdir())) == 3
    said = run("compact", "-w", warehouse, "--grace", "0")
    assert (said.code, "nothing to do" in said.err) == (0, True)
    assert len(list((warehouse / "lake").iterdir())) == 1
    assert run("hunt", "playbook_src_4688_image", "-w", warehouse, "-f", "csv").out == before


def test_the_next_ingest_removes_what_was_replaced_long_ago(
    run: Run, warehouse: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("compact", "-w", warehouse).code == 0
    run("ingest", logs, "-w", warehouse)
    assert len(list((warehouse / "lake").iterdir())) == 3
    genuine = rest.purge
    monkeypatch.setattr(rest, "purge", lambda opened: genuine(opened, rest.GRACE * 0))
    run("ingest", logs, "-w", warehouse)
    assert len(list((warehouse / "lake").iterdir())) == 1


@pytest.mark.parametrize("text", ["soon", "5", "-1", "1w", ""])
def test_a_wrong_grace(run: Run, warehouse: Path, text: str) -> None:
    for command in (["compact"], ["verify", "--repair"], ["forget", "x"]):
        said = run(*command, f"--grace={text}", "-w", warehouse)
        assert (said.code, said.err.count("\n")) == (2, 1)


def test_forget(run: Run, warehouse: Path, logs: Path) -> None:
    said = run("forget", logs / "one.json", "-w", warehouse)
    assert said.code == 2
    assert "2 records would be removed; say so with --yes" in said.err
    assert len(_rows(run, "sources", "-w", warehouse)) == 2
    said = run("forget", logs / "one.json", "--yes", "-w", warehouse)
    assert (said.code, said.out) == (0, "")
    assert "2 records of 1 source forgotten" in said.err
    assert "1 records of other sources, copies of them until now, are seen again" in said.err
    (left,) = _rows(run, "sources", "-w", warehouse)
    assert (Path(left["source_file"]).name, left["duplicates"]) == ("two.json", 0)
    (log,) = _rows(run, "forget", "--log", "-w", warehouse)
    assert (Path(log["source_file"]).name, log["records"]) == ("one.json", 2)
    assert run("forget", logs / "one.json", "--yes", "-w", warehouse).code == 2
    said = run("ingest", logs, "-w", warehouse)
    assert "2 records of 1 host added (1 of them copies)" in said.err
    assert len(_rows(run, "forget", "--log", "-w", warehouse)) == 1


def test_the_last_source(run: Run, warehouse: Path, logs: Path) -> None:
    for name in ("one.json", "two.json"):
        assert run("forget", logs / name, "--yes", "--grace", "0", "-w", warehouse).code == 0
    assert run("verify", "-w", warehouse).code == 0
    assert run("hunt", "-w", warehouse).code == 3
    assert run("compact", "-w", warehouse).code == 0


def test_which_source_to_forget(run: Run, warehouse: Path) -> None:
    said = run("forget", "-w", warehouse)
    assert (said.code, "name a source" in said.err) == (2, True)
    said = run("forget", "abcdef01", "-w", warehouse)
    assert (said.code, "no such source" in said.err) == (2, True)
    assert "nothing was ever forgotten" in run("forget", "--log", "-w", warehouse).err


def test_candidates_are_listed(run: Run, warehouse: Path, logs: Path) -> None:
    (logs / "one.json").write_text(_line(5))
    run("ingest", logs, "-w", warehouse)
    said = run("forget", logs / "one.json", "--yes", "-w", warehouse)
    assert said.code == 2
    assert "2 contents were read from it" in said.err
    assert said.err.count(" records  ") == 2


def test_again(run: Run, warehouse: Path, logs: Path) -> None:
    before = run("hunt", "playbook_src_4688_image", "-w", warehouse, "-f", "csv").out
    old = {row["batch_id"] for row in _rows(run, "sources", "-w", warehouse)}
    said = run("ingest", logs, "-w", warehouse)
    assert "2 sources already in the warehouse" in said.err
    said = run("ingest", "--again", logs, "-w", warehouse, "-f", "json")
    assert said.code == 0
    assert "2 sources read again, in place of what was read before" in said.err
    assert json.loads(said.out)[0]["records"] == 4
    found = _rows(run, "sources", "-w", warehouse)
    assert len(found) == 2
    assert not {row["batch_id"] for row in found} & old
    assert run("hunt", "playbook_src_4688_image", "-w", warehouse, "-f", "csv").out == before
    assert run("verify", "-w", warehouse).code == 0


def test_again_with_files_of_ones_own(run: Run, warehouse: Path, logs: Path, tmp_path: Path) -> None:
    """What it is for: records are read as the files in ingest/ say now."""
    (tmp_path / "own" / "events").mkdir(parents=True)
    source = Path(__file__).parents[2] / "ingest" / "formats" / "nxlog.sql"
    (tmp_path / "own" / "formats").mkdir()
    text = source.read_text(encoding="utf-8")
    assert 'name = "nxlog"' in text
    (tmp_path / "own" / "formats" / "nxlog.sql").write_text(
        text.replace('name = "nxlog"', 'name = "mine"'), encoding="utf-8"
    )
    run("ingest", "--again", logs / "one.json", "--ingest-dir", tmp_path / "own", "-w", warehouse)
    found = {Path(row["source_file"]).name: row["format"] for row in _rows(run, "sources", "-w", warehouse)}
    assert found == {"one.json": "mine", "two.json": "nxlog"}


@pytest.mark.parametrize("command", ["verify", "compact", "forget"])
def test_help_has_examples_and_a_missing_warehouse_is_3(run: Run, tmp_path: Path, command: str) -> None:
    said = run(command, "--help")
    assert said.code == 0
    assert f"wmiwh {command}" in said.out.split("Examples:")[1]
    assert "Exit:" in said.out
    assert run(command, *(["x"] if command == "forget" else []), "-w", tmp_path / "nowhere").code == 3
