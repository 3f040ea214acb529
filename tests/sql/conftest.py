"""A small warehouse of a few processes and logons, and files that no question may touch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting import adhoc
from wmiwarehouse.lake import catalog
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.ingest import ingest


@dataclass(frozen=True)
class Place:
    """A warehouse, and beside it a folder with a file that holds a secret."""

    warehouse: Path
    outside: Path
    secret: str = "the-secret-of-a-file-outside"

    @property
    def lake(self) -> Path:
        """A Parquet file with events."""
        return next(file for batch in Warehouse.open(self.warehouse).batches() for file in batch.event_files)

    def fill(self, sql: str) -> str:
        """Put the paths into a statement of ``hostile.toml``."""
        paths = {
            "new": self.outside / "new.csv",
            "secret": self.outside / "secret.csv",
            "folder": self.outside,
            "lake": self.lake,
        }
        for name, path in paths.items():
            sql = sql.replace(f"{{{name}}}", str(path))
        return sql

    def hashes(self) -> dict[str, str]:
        """Every file of the warehouse and of the folder beside it."""
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
            for root in (self.warehouse, self.outside)
            for path in sorted(root.rglob("*"))
        }


def _logs(folder: Path) -> Path:
    def record(number: int, event_id: int, **data: object) -> str:
        common = {
            "EventTime": f"2024-05-06 01:{number:02}:03",
            "@timestamp": f"2024-05-06T01:{number:02}:03.000Z",
            "EventReceivedTime": f"2024-05-06 01:{number:02}:03",
            "Hostname": f"WS0{number % 3}.corp.example",
            "EventID": event_id,
            "SourceName": "Microsoft-Windows-Security-Auditing",
            "Channel": "Security",
            "RecordNumber": 100 + number,
        }
        return json.dumps(common | data)

    def process(number: int, parent: str, path: str, line: str) -> str:
        who = {"SubjectUserName": "jdoe", "SubjectDomainName": "CORP", "SubjectLogonId": "0x3e4"}
        ids = {"NewProcessId": hex(1000 + number), "ProcessId": hex(number), "TargetLogonId": "0x64"}
        return record(number, 4688, NewProcessName=path, ParentProcessName=parent, CommandLine=line, **who, **ids)

    def logon(number: int, user: str) -> str:
        who = {"TargetUserName": user, "TargetDomainName": "CORP", "TargetLogonId": "0x64"}
        return record(number, 4624, LogonType=3, IpAddress="10.0.0.1", **who)

    provider, system = r"C:\Windows\System32\wbem\WmiPrvSE.exe", r"C:\Windows\System32"
    lines = [
        logon(1, "jdoe"),
        logon(2, "adm"),
        process(3, provider, rf"{system}\cmd.exe", "cmd /c whoami"),
        process(4, rf"{system}\cmd.exe", rf"{system}\wbem\WMIC.exe", 'wmic /node:WS01 process call create "calc.exe"'),
        process(5, provider, rf"{system}\notepad.exe", "notepad"),
    ]
    (folder / "a.json").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "a.json"


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("asked")
    outside = folder / "outside"
    outside.mkdir()
    place = Place(folder / "w", outside)
    (outside / "secret.csv").write_text(f"x\n{place.secret}\n", encoding="utf-8")
    warehouse = Warehouse.create(folder / "w")
    with warehouse.writing():
        ingest([_logs(folder)], warehouse)
        catalog.refresh_database(warehouse, Library.load())
    return place


@pytest.fixture(scope="session")
def library() -> Library:
    return Library.load()


@pytest.fixture
def ask(place: Place, library: Library) -> Any:
    def rows(sql: str, parameters: dict[str, str] | None = None, **options: Any) -> list[dict[str, Any]]:
        with adhoc.answer(place.warehouse, library, sql, parameters, **options) as reader:
            found: list[dict[str, Any]] = reader.read_all().to_pylist()
            return found

    return rows
