"""The hunter's questions run as they are written: in the real shell, and one by one through ``wmiwh sql``."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting import adhoc
from wmiwarehouse.lab import generate
from wmiwarehouse.lake import catalog
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.ingest import ingest

PAGE = (Path(__file__).parents[2] / "examples" / "hunter-questions.sql").read_text(encoding="utf-8")
QUESTIONS = [part.strip() for part in re.split(r"(?m)^(?=-- \d+\. )", PAGE) if re.match(r"-- \d+\. ", part)]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("questions")
    generate(folder, formats=("evtx",))
    warehouse = Warehouse.create(folder / "w")
    with warehouse.writing():
        ingest([folder / "evtx"], warehouse)
        catalog.refresh_database(warehouse, Library.load())
    return folder / "w"


def _says_what_nothing_means(question: str) -> bool:
    return "No rows: " in question.splitlines()[0]


def test_there_are_ten_each_with_its_words() -> None:
    assert [int(re.findall(r"\d+", question)[0]) for question in QUESTIONS] == list(range(1, 11))
    assert PAGE.count(";") == len(QUESTIONS)
    for question in QUESTIONS:
        assert "?" in question.splitlines()[0]
        assert not question.splitlines()[1].startswith("--")


def test_in_the_shell(warehouse: Path, tmp_path: Path) -> None:
    shell = Path(sys.executable).parent / "duckdb"
    before = {path: path.read_bytes() for path in warehouse.rglob("*") if path.is_file()}
    for question in QUESTIONS:
        command = [str(shell), "-no-init", "-readonly", "-json", "-bail", "-cmd", "set timezone = 'UTC'"]
        said = subprocess.run(
            [*command, str(warehouse / "warehouse.duckdb")],
            input=question,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert (said.returncode, said.stderr) == (0, ""), question
        rows = json.loads(said.stdout or "[]") if said.stdout.strip() != "[{]" else []
        assert rows or _says_what_nothing_means(question), question
    assert {path: path.read_bytes() for path in warehouse.rglob("*") if path.is_file()} == before


def test_as_a_page(warehouse: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "wmiwarehouse", "shell", "-w", str(warehouse), "--", "-no-init", "-bail"]
    said = subprocess.run(command, input=PAGE, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")
    assert "remote_command" in said.stdout


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.splitlines()[0][:40])
def test_through_the_guard(warehouse: Path, question: str) -> None:
    with adhoc.answer(warehouse, Library.load(), question) as reader:
        rows: list[dict[str, Any]] = reader.read_all().to_pylist()
    assert rows or _says_what_nothing_means(question)
