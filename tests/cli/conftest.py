"""The command line, called in this process, and a warehouse with the lab's logs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from wmiwarehouse.cli.app import app
from wmiwarehouse.lab import GroundTruth, generate


@dataclass
class Said:
    code: int
    out: str
    err: str
    raw: bytes


def wmiwh(*arguments: Any) -> Said:
    result = CliRunner(env={"NO_COLOR": "1", "WMIWH_WAREHOUSE": ""}).invoke(
        app, [str(argument) for argument in arguments]
    )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr, result.stdout_bytes)


@dataclass
class Case:
    logs: Path
    warehouse: Path
    truth: GroundTruth


@pytest.fixture
def run() -> Callable[..., Said]:
    return wmiwh


@pytest.fixture(scope="session")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A warehouse with the lab's EVTX files in it; not to be changed."""
    folder = tmp_path_factory.mktemp("case")
    truth = generate(folder / "logs")
    said = wmiwh("ingest", folder / "logs" / "evtx", "-w", folder / "w")
    assert said.code == 0, said.err
    return Case(folder / "logs", folder / "w", truth)
