"""The summary of a hunt: a table for what can alarm, lines below it for what is true of every working day."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from wmiwarehouse.cli.app import app
from wmiwarehouse.content.library import Library
from wmiwarehouse.demo import score
from wmiwarehouse.lab import GroundTruth


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "D"
    result = CliRunner().invoke(app, ["demo", str(folder)])
    assert result.exit_code == 0, result.output
    return folder


def test_demo_leaves_logs_and_warehouse_and_finds_what_was_staged(demo: Path) -> None:
    truth = GroundTruth.from_json((demo / "logs" / "truth.json").read_text(encoding="utf-8"))
    assert all((s.missed, s.unexpected) == (0, 0) for s in score(demo / "warehouse", truth))
    assert CliRunner().invoke(app, ["demo", str(demo)]).exit_code == 2


@pytest.mark.parametrize("width", [80, 120, 200])
def test_every_analytic_is_named_once_and_every_line_fits(
    demo: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    result = CliRunner().invoke(app, ["hunt", "-w", str(demo / "warehouse")])
    assert result.exit_code == 0
    words = result.stdout.split()
    assert [words.count(name) for name in Library.load().ids] == [1] * len(Library.load().ids)
    assert max(map(len, result.stdout.splitlines())) <= width


def test_only_detections_decide_the_exit_code(demo: Path) -> None:
    def code(*arguments: str) -> int:
        return (
            CliRunner().invoke(app, ["hunt", *arguments, "--fail-on", "low", "-w", str(demo / "warehouse")]).exit_code
        )

    context = [a.id for a in Library.load().newest.values() if a.metadata.kind in ("context", "stack")]
    assert len(context) > 1
    assert code(*context) == 0
    assert code(*context, "xql_wmic_remote_exec") == 4
    assert code("xql_wmic_remote_exec") == 4
    assert code("xql_wmic_remote_exec", "--host", "nosuchhost") == 0
