"""``--strict``: the first problem ends the ingest, and the warehouse is byte for byte what it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.pipeline import ingest as pipeline

Lake = Any
Write = Callable[[str, bytes], Path]


def content(root: Path) -> dict[str, str]:
    """Every file and folder of a warehouse, with the hash of what is in it."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(root.rglob("*"))
    }


@pytest.fixture
def good(line: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(line | {"RecordNumber": n}).encode() + b"\n" for n in range(1, 6))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs"


def stopped(lake: Lake, folder: Path, **options: Any) -> str:
    before = content(lake.root)
    with pytest.raises(WmiwhError) as caught:
        lake.ingest(folder, strict=True, **options)
    assert caught.value.code == ExitCode.DAMAGED
    assert content(lake.root) == before
    return str(caught.value).replace(str(folder) + "/", "")


@pytest.fixture
def lake_with_a_batch(lake: Lake, good: bytes, tmp_path: Path) -> Lake:
    (tmp_path / "first.json").write_bytes(good)
    assert lake.ingest(tmp_path / "first.json").exit_code == 0
    return lake


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("b.json", lambda good: good + b'{"EventID": \n', "b.json: line 6: not valid JSON"),
        ("b.evtx", lambda good: b"ElfFile\0" + bytes(100), "b.evtx: header: the file ends after 108 bytes"),
        ("b.zip", lambda good: b"PK\x03\x04 no zip at all", "b.zip: "),
        ("b.json", lambda good: good.replace(b'"EventReceivedTime"', b'"x"'), "b.json: 5 records (ws01) have a local"),
        ("b.json", lambda good: good.replace(b"4688", b'"?"'), "b.json: record 1 ff.: 5 records have no event id"),
    ],
)
def test_the_first_problem_ends_it(
    lake_with_a_batch: Lake, folder: Path, good: bytes, name: str, make: Callable[[bytes], bytes], says: str
) -> None:
    (folder / "a.json").write_bytes(good.replace(b"WS01", b"WS02"))
    (folder / name).write_bytes(make(good))
    said = stopped(lake_with_a_batch, folder)
    assert said.startswith(says)
    assert said.endswith("; stopped (--strict), nothing was added")


def test_no_batch_of_several_stays(
    lake_with_a_batch: Lake, folder: Path, good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_BATCH_BYTES", 1)
    for name in ("a", "b", "c"):
        (folder / name).write_bytes(good.replace(b"WS01", name.encode()))
    (folder / "d").write_bytes(good + b"{]\n")
    assert "d: line 6: not valid JSON" in stopped(lake_with_a_batch, folder)


def test_what_was_read_before_stays_when_it_is_read_again(lake_with_a_batch: Lake, folder: Path, good: bytes) -> None:
    (folder / "a.json").write_bytes(good)  # the content of the first batch
    (folder / "b.json").write_bytes(b"{]" + good)
    stopped(lake_with_a_batch, folder, again=True)
    assert lake_with_a_batch.value("select count(*) from events") == 5


def test_files_that_are_no_logs_and_clocks_that_are_wrong_are_no_reason(lake: Lake, folder: Path, good: bytes) -> None:
    (folder / "readme.txt").write_text("hello")
    (folder / "a.json").write_bytes(good + good.replace(b"2024-05-06 08:00:00", b"2087-05-06 08:00:00"))
    assert lake.ingest(folder, strict=True).records == 10


def test_an_unknown_folder_entry_that_cannot_be_read_ends_it(lake_with_a_batch: Lake, folder: Path) -> None:
    (folder / "gone.evtx").symlink_to(folder / "nowhere")
    assert "gone.evtx: cannot be read: No such file" in stopped(lake_with_a_batch, folder)
