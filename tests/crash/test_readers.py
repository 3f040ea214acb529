"""Readers that look at the warehouse all the time while it is written: no half source, no copy, no missing row."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.lake import catalog, relations
from wmiwarehouse.lake.compact import compact
from wmiwarehouse.lake.query import rows
from wmiwarehouse.lake.rest import purge
from wmiwarehouse.lake.warehouse import Warehouse

Logs = Any
Commands = Any
Check = Callable[[Path], set[str]]

POLLS = 1_000
_THREADS, _SHELLS = 8, 2

_QUERY = """
    select
        s.source_file, s.records as promised, coalesce(e.records, 0) as found, coalesce(d.copies, 0) as copies
    from (select source_id, source_file, records from lake_sources where status = 'read') as s
    full join (select source_id, count(*) as records from lake_events group by all) as e on e.source_id = s.source_id
    full join (select source_id, count(*) as copies from lake_duplicates group by all) as d
        on d.source_id = s.source_id
"""


def shell() -> str | None:
    beside = Path(sys.executable).with_name("duckdb")
    return str(beside) if beside.is_file() else shutil.which("duckdb")


@dataclass
class Watch:
    """What the readers have seen together."""

    logs: Logs
    root: Path
    done: frozenset[str] = frozenset()
    """Files whose ingest has ended: nobody may miss them from then on."""
    polls: int = 0
    shell_polls: int = 0
    wrong: list[str] = field(default_factory=list)
    states: set[int] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def judge(self, found: list[dict[str, Any]], expected: frozenset[str], *, by_shell: bool) -> frozenset[str]:
        """Compare an answer with the truth; *expected* are the files that must be in it. Returns those that are."""
        wrong = []
        for row in found:
            records = self.logs.records.get(row["source_file"])
            if not row["promised"] == row["found"] == records or row["copies"]:
                wrong.append(f"{row} and not {records} records")
        seen = [row["source_file"] for row in found]
        if len(seen) != len(set(seen)):
            wrong.append("a source is there twice")
        if missing := expected - set(seen):
            wrong.append(f"{len(missing)} sources are gone: {sorted(missing)[:3]}")
        with self.lock:
            self.polls += 1
            self.shell_polls += by_shell
            self.wrong += wrong
            self.states.add(len(seen))
        return frozenset(seen)

    def watch(self, ask: Callable[[], list[dict[str, Any]] | None], *, by_shell: bool) -> None:
        """Ask again and again; what a reader has seen once it must see for ever."""
        seen: frozenset[str] = frozenset()
        while not self.over.is_set():
            expected = seen | (frozenset() if by_shell else self.done)
            try:
                found = ask()
            except Exception as error:  # noqa: BLE001 - told by the test, whatever it is
                with self.lock:
                    self.wrong.append(f"{type(error).__name__}: {error}")
                return
            if found is not None:
                seen = self.judge(found, expected, by_shell=by_shell)

    def ask_lake(self) -> list[dict[str, Any]]:
        warehouse = Warehouse.open(self.root)
        with catalog.connect(threads=1) as connection:
            for statement in relations.base_relations(warehouse.batches()):
                connection.execute(statement)
            return rows(connection, _QUERY)

    def ask_shell(self) -> list[dict[str, Any]] | None:
        program = shell()
        database = self.root / "warehouse.duckdb"
        if program is None or not database.exists():
            time.sleep(0.05)
            return None
        command = [program, "-readonly", "-json", str(database), "-c", _QUERY]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or done.stderr:
            raise RuntimeError(done.stderr or f"exit {done.returncode}")
        return list(json.loads(done.stdout)) if done.stdout.strip() else []


@pytest.fixture
def watch(logs: Logs, tmp_path: Path) -> Iterator[Watch]:
    made = Watch(logs, Warehouse.create(tmp_path / "w").root)
    threads = [
        threading.Thread(target=made.watch, args=(ask,), kwargs={"by_shell": by_shell}, daemon=True)
        for ask, by_shell in [(made.ask_lake, False)] * _THREADS + [(made.ask_shell, True)] * _SHELLS
    ]
    for thread in threads:
        thread.start()
    yield made
    made.over.set()
    for thread in threads:
        thread.join(60)


def _compact(root: Path) -> int:
    """Merge the batches as ``wmiwh compact`` does; return how many."""
    warehouse = Warehouse.open(root)
    with warehouse.writing():
        found = compact(warehouse)
        purge(warehouse)
        catalog.refresh_database(warehouse, Library.load())
    return found.batches if found else 0


def test_ten_readers_see_no_wrong_answer_while_ingests_and_compactions_run(
    watch: Watch, logs: Logs, commands: Commands, check: Check
) -> None:
    hosts = sorted(path for path in logs.folder.iterdir() if path.is_dir())
    merged = 0
    for number in range(0, len(hosts), 5):
        some = hosts[number : number + 5]
        code, said = commands.run("ingest", *some, "-w", watch.root, script="small_batches.py")
        assert code == 0, said
        watch.done |= check(watch.root)
        merged += _compact(watch.root)
    deadline = time.monotonic() + 600
    while watch.polls < POLLS and time.monotonic() < deadline and not watch.wrong:
        time.sleep(0.1)
    watch.over.set()
    assert watch.wrong == []
    assert watch.polls >= POLLS
    assert check(watch.root) == set(logs.records) == watch.done
    assert merged > 3
    assert len(watch.states) > 3  # some looked between any two commits
    if shell():
        assert watch.shell_polls > 20


@pytest.mark.skipif(shell() is None, reason="no duckdb shell")
def test_a_shell_that_stays_open_neither_blocks_nor_breaks_an_ingest(
    logs: Logs, commands: Commands, check: Check, tmp_path: Path
) -> None:
    root = tmp_path / "w"
    code, said = commands.run("ingest", logs.folder / "WS01", "-w", root)
    assert code == 0, said
    program = shell()
    assert program
    opened = subprocess.Popen(
        [program, "-readonly", "-csv", "-noheader", str(root / "warehouse.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert opened.stdin
    assert opened.stdout

    def ask() -> int:
        assert opened.stdin
        assert opened.stdout
        opened.stdin.write("select count(*) from lake_events;\n")
        opened.stdin.flush()
        return int(opened.stdout.readline())

    try:
        before = ask()
        assert before > 0
        code, said = commands.run("ingest", logs.folder, "-w", root)
        assert (code, "warning" in said) == (0, False), said
        assert ask() == before  # one state of the warehouse, as long as it is open
        done = subprocess.run(
            [program, "-readonly", "-csv", "-noheader", str(root / "warehouse.duckdb"), "-c", "from lake_events"],
            capture_output=True,
            check=True,
        )
        assert done.stdout.count(b"\n") >= sum(logs.records.values())
    finally:
        opened.stdin.close()
        opened.wait(30)
        opened.stdout.close()
    assert check(root) == set(logs.records)


def test_a_database_that_another_tool_holds_stays_and_the_ingest_is_done(
    logs: Logs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], check: Check
) -> None:
    """What Windows answers where a file is open that is to be replaced."""
    from wmiwarehouse.cli.ingest import run

    warehouse = Warehouse.create(tmp_path / "w")
    run([logs.folder / "WS01"], warehouse)
    old = warehouse.database.read_bytes()
    plain = Path.replace

    def replace(path: Path, target: Path) -> Path:
        if Path(target) == warehouse.database:
            raise PermissionError(13, "Permission denied", str(target))
        return plain(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace)
        assert run([logs.folder], warehouse).records
    assert (
        f"wmiwh: warning: {warehouse.database} cannot be written: Permission denied; it stays as it was. "
        "Other tools do not see the new records; the next hunt builds it again\n"
    ) in capsys.readouterr().err
    assert check(warehouse.root) == set(logs.records)
    assert warehouse.database.read_bytes() == old
    assert [path.name for path in warehouse.root.iterdir() if ".new" in path.name] == []
    run([logs.folder], warehouse)
    assert warehouse.database.read_bytes() != old
