"""What a user reads about damage, word for word: ``words.txt`` beside this file, to be read as a page.

``WMIWH_GOLDEN=1`` before pytest writes it anew; read the difference before it is committed.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.golden import damaged_files
from tests.readers.conftest import Log, write_log
from tests.readers.test_evtx_damage import CASES
from wmiwarehouse.cli.app import app

PAGE = Path(__file__).with_name("words.txt")
RENEW = os.environ.get("WMIWH_GOLDEN") == "1"

_EXPLAINED = """\
What `wmiwh ingest` and `wmiwh sources --problems` say about damage. Each file is named by what is wrong with it;
"(n lost)" is the column `lost`. Durations, the machine's paths and words of the operating system are made equal.
"""


def wmiwh(*arguments: Any) -> tuple[int, str, str]:
    runner = CliRunner(env={"NO_COLOR": "1", "COLUMNS": "120"})
    result = runner.invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def plain(text: str, folder: Path) -> str:
    """Take out what differs from run to run."""
    text = text.replace(str(folder.resolve()) + os.sep, "").replace(str(folder) + os.sep, "")
    text = re.sub(r"\d+(\.\d)? (m \d+ )?s$", "T s", text, flags=re.MULTILINE)
    return re.sub(r" +$", "", text, flags=re.MULTILINE)


def problems(folder: Path, warehouse: Path) -> Iterator[str]:
    """Every source of the warehouse with what is said about it."""
    _, out, _ = wmiwh("sources", "--problems", "-f", "json", "-w", warehouse)
    said: dict[str, list[str]] = {}
    for row in json.loads(out):
        where = f"{row['position']}: " if row["position"] else ""
        lost = "" if row["lost"] is None else f" ({row['lost']} lost)"
        said.setdefault(plain(row["source_file"], folder), []).append(f"{where}{row['reason']}{lost}")
    _, out, _ = wmiwh("sources", "-f", "json", "-w", warehouse)
    for row in sorted(json.loads(out), key=lambda row: row["source_file"]):
        file = plain(row["source_file"], folder)
        count = f"{row['records']} records" if row["status"] == "read" else row["status"]
        yield f"{file}  [{count}]"
        reasons = said.get(file, [row["reason"]] if row["status"] == "skipped" else ["nothing to say"])
        yield from (f"    {plain(reason, folder)}" for reason in reasons)


def evtx_table(folder: Path, pristine: Log) -> None:
    for number, case in enumerate(CASES):
        log = Log(bytearray(pristine.data), pristine.texts, pristine.spans)
        case.do(log)
        (folder / f"{number:02} {case.name}.evtx").write_bytes(bytes(log.data))
    chunk = pristine.data[4096 : 4096 + 65_536]
    (folder / "98 a chunk that stands twice.evtx").write_bytes(bytes(pristine.data[:4096] + chunk + chunk))


def session(title: str, folder: Path, warehouse: Path) -> Iterator[str]:
    yield f"\n== {title}\n"
    code, out, err = wmiwh("ingest", folder, "-w", warehouse)
    yield f"$ wmiwh ingest {folder.name} -w {warehouse.name}"
    yield plain(out + err, folder.parent).rstrip()
    yield f"(exit {code})\n"
    yield f"$ wmiwh sources --problems -w {warehouse.name}"
    yield from problems(folder.parent, warehouse)


@pytest.mark.skipif(sys.platform == "win32", reason="the words of the operating system differ")
def test_words(tmp_path: Path) -> None:
    pristine = write_log(tmp_path / "log.evtx", 120)
    pristine = write_log(tmp_path / "log.evtx", len(pristine.records_of(1)) * 2 + 31)
    page = [_EXPLAINED]
    makers: dict[str, tuple[str, Callable[[Path], Any]]] = {
        "evtx": ("Damage in EVTX", lambda folder: evtx_table(folder, pristine)),
        "texts": ("JSON, XML, and what is no event log", damaged_files.texts),
        "archives": ("Archives", damaged_files.archives),
        "folder": ("What is no file", damaged_files.oddities),
    }
    for name, (title, make) in makers.items():
        folder = tmp_path / name
        folder.mkdir()
        close = make(folder)
        page += session(title, folder, tmp_path / f"{name}.wh")
        if callable(close):
            close()
    page += strict(tmp_path)
    text = io.StringIO()
    text.writelines(f"{line}\n" for line in page)
    if RENEW:
        PAGE.write_text(text.getvalue(), encoding="utf-8")
    assert text.getvalue() == PAGE.read_text(encoding="utf-8")


def strict(tmp_path: Path) -> Iterator[str]:
    yield "\n== Words of options\n"
    for options in (
        ["--strict", tmp_path / "texts" / "a line that is no JSON"],
        ["--strict", next((tmp_path / "evtx").glob("* cut by one byte.evtx"))],
        ["--strict", tmp_path / "archives" / "not a zip.zip"],
        ["--assume-tz", "Berlin", tmp_path / "texts" / "no zone"],
        ["--assume-tz", "BST", tmp_path / "texts" / "no zone"],
        ["--again", "--assume-tz", "Europe/Berlin", tmp_path / "texts" / "no zone"],
    ):
        shown = " ".join(str(o).replace(str(tmp_path) + os.sep, "") for o in options)
        warehouse = "strict.wh" if "--strict" in options else "texts.wh"
        code, out, err = wmiwh("ingest", *options, "-w", tmp_path / warehouse)
        yield f"$ wmiwh ingest {shown}\n{plain(out + err, tmp_path).rstrip()}\n(exit {code})\n"
