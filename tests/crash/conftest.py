"""Real ingests as processes of their own, to be killed, starved and watched, and what must hold of a warehouse then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.hunting.selection import select
from wmiwarehouse.lab import generate
from wmiwarehouse.lake import catalog, relations
from wmiwarehouse.lake.query import rows
from wmiwarehouse.lake.views import create_views
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.lake.whole import check_whole

_ANALYTICS = ("wmiprvse_children", "stack_wmiprvse_children", "car_2014_12_001_session")
_HERE = Path(__file__).parent


@dataclass
class Process:
    """A run of the command in a process group of its own; what it says goes to a file, so that no pipe can block it."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait(self, timeout: float = 120) -> int:
        return self.process.wait(timeout)

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def kill_all(self) -> None:
        if sys.platform == "win32":
            self.process.kill()
        else:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def members(self) -> dict[int, str]:
        """Return the living processes of the group and their command lines."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    state, _, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
                    if int(group) == self.pid and state not in "ZX":
                        found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
        return found

    def workers(self) -> list[int]:
        return sorted(pid for pid, line in self.members().items() if "spawn_main" in line)

    def at_work(self) -> list[int]:
        """Return the workers that Python has started to the end: they have all they need from their parent."""
        found = []
        for pid in self.workers():
            with suppress(OSError):
                if "duckdb" in Path(f"/proc/{pid}/maps").read_text():
                    found.append(pid)
        return found


@dataclass
class Commands:
    """Starts ``wmiwh`` and ends what is left of it."""

    folder: Path
    started: list[Process] = field(default_factory=list)

    def start(self, *arguments: object, script: str = "", prefix: Sequence[str] = ()) -> Process:
        """Start ``wmiwh`` with *arguments*; *script* of this folder is a changed one, *prefix* a command to run it."""
        log = self.folder / f"said-{len(self.started)}.txt"
        program = [str(_HERE / script)] if script else ["-m", "wmiwarehouse"]
        environment = {k: v for k, v in os.environ.items() if k != "WMIWH_WAREHOUSE"} | {"NO_COLOR": "1"}
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [*prefix, sys.executable, *program, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                env=environment,
            )
        self.started.append(Process(process, log))
        return self.started[-1]

    def run(self, *arguments: object, **options: Any) -> tuple[int, str]:
        started = self.start(*arguments, **options)
        return started.wait(), started.said


@dataclass
class Logs:
    """The lab's EVTX files and what an ingest that nothing disturbed makes of them."""

    folder: Path
    warehouse: Path
    records: dict[str, int]
    """Source file -> its records."""
    hits: dict[str, Counter[str]]
    seconds: float
    """How long the undisturbed ingest took."""


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Logs:
    folder = tmp_path_factory.mktemp("logs")
    truth = generate(folder)
    root = folder / "warehouse"
    started = time.monotonic()
    code, said = Commands(folder).run("ingest", folder / "evtx", "-w", root)
    seconds = time.monotonic() - started
    assert code == 0, said
    records = {str(folder / name): count for name, count in truth.files.items()}
    assert _check(root, records) == set(records)
    return Logs(folder / "evtx", root, records, _hits(root), seconds)


@pytest.fixture
def check(logs: Logs) -> Callable[[Path], set[str]]:
    """Check that of the lab's logs only whole ones are visible, each once, and return their files."""
    return lambda root: _check(root, logs.records)


@pytest.fixture
def hits() -> Callable[[Path], dict[str, Counter[str]]]:
    """Return the rows of some analytics in a warehouse."""
    return _hits


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    made = Commands(tmp_path)
    yield made
    for process in made.started:
        process.kill_all()


@pytest.fixture(scope="session")
def mount_disk() -> Callable[[Path, str], AbstractContextManager[None]]:
    """Mount a disk in memory, with options of its own, on a folder."""
    return _mounted


@contextmanager
def _mounted(folder: Path, options: str) -> Iterator[None]:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a disk needs Linux and root")
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = f"this machine lets root mount no disk: {done.stderr.strip()}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _check(root: Path, expected: dict[str, int]) -> set[str]:
    if not (root / "lake").exists():
        return set()
    warehouse = Warehouse.open(root)
    check_whole(warehouse)
    with catalog.connect(threads=1) as connection:
        for statement in relations.base_relations(warehouse.batches()):
            connection.execute(statement)
        create_views(connection, Library.load(), ())
        sources = rows(connection, "select source_file, records from lake_sources where status = 'read'")
        events = rows(connection, "select source_file, count(*) as records from lake_events group by all")
        (once,) = rows(
            connection,
            """select count(*) = count(distinct event_uid) as uids, count(*) filter (where is_duplicate) as copies
            from events""",
        )
    assert len({row["source_file"] for row in sources}) == len(sources)
    listed = {row["source_file"]: row["records"] for row in sources}
    assert listed == {name: expected[name] for name in listed}
    assert {row["source_file"]: row["records"] for row in events} == listed
    assert once == {"uids": True, "copies": 0}
    return set(listed)


def _hits(root: Path) -> dict[str, Counter[str]]:
    library = Library.load()
    with open_hunt(root, library) as hunt:
        return {one.id: Counter(map(repr, hunt.run(one).to_pylist())) for one in select(library, _ANALYTICS)}
