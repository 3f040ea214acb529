"""Two ingests at once: one after the other, each whole, whichever comes first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from wmiwarehouse.lake.warehouse import Warehouse

Logs = Any
Commands = Any
Check = Callable[[Path], set[str]]
Hits = Callable[[Path], dict[str, Any]]

_WAITS = "another ingest is writing; waiting for it\n"


def test_of_different_folders(logs: Logs, commands: Commands, check: Check, hits: Hits, tmp_path: Path) -> None:
    root = tmp_path / "w"
    hosts = sorted(path for path in logs.folder.iterdir() if path.is_dir())
    halves = hosts[::2], hosts[1::2]
    both = [commands.start("ingest", *half, "-w", root) for half in halves]  # neither finds a warehouse there
    for one in both:
        assert one.wait() == 0, one.said
    assert check(root) == set(logs.records)
    assert len(Warehouse.open(root).batches()) == 2
    assert hits(root) == logs.hits


def test_of_the_same_folder(logs: Logs, commands: Commands, check: Check, tmp_path: Path) -> None:
    root = tmp_path / "w"
    with Warehouse.create(root).writing():
        both = [commands.start("ingest", logs.folder, "-w", root) for _ in range(2)]
        deadline = time.monotonic() + 60
        while not all(one.said == _WAITS for one in both):
            assert time.monotonic() < deadline, [one.said for one in both]
            time.sleep(0.05)
        while any(one.workers() for one in both):  # an hour of waiting holds no more than it has to
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert check(root) == set()
    for one in both:
        assert one.wait() == 0, one.said
    added = sorted(one.said.count("already in the warehouse with the same content: nothing to do") for one in both)
    assert added == [0, 1]
    assert check(root) == set(logs.records)
    assert len(Warehouse.open(root).batches()) == 1


def test_one_that_will_not_wait(logs: Logs, commands: Commands, check: Check, tmp_path: Path) -> None:
    root = tmp_path / "w"
    first = commands.start("ingest", logs.folder, "-w", root)
    while not list(root.glob(".staging/*")):
        assert first.process.poll() is None, first.said
        time.sleep(0.005)
    code, said = commands.run("ingest", logs.folder, "-w", root, "--no-wait")
    assert first.wait() == 0
    # On a machine under load the first may be through before the second has started.
    if code:
        assert code == 1
        assert said == f"wmiwh: another ingest is writing to {root}; wait for it, or leave out --no-wait\n"
    assert check(root) == set(logs.records)
    with Warehouse.open(root).writing():
        code, said = commands.run("ingest", logs.folder, "-w", root, "--no-wait")
    assert code == 1
    assert said == f"wmiwh: another ingest is writing to {root}; wait for it, or leave out --no-wait\n"


def test_the_lock_of_a_killed_ingest_is_free(logs: Logs, commands: Commands, check: Check, tmp_path: Path) -> None:
    root = tmp_path / "w"
    first = commands.start("ingest", logs.folder, "-w", root)
    while not list(root.glob(".staging/*/events")):
        assert first.process.poll() is None, first.said
        time.sleep(0.005)
    waiting = commands.start("ingest", logs.folder, "-w", root)
    while waiting.said != _WAITS:
        assert first.process.poll() is None, first.said
        time.sleep(0.005)
    first.process.kill()  # and not its workers
    assert waiting.wait() == 0, waiting.said
    assert check(root) == set(logs.records)


def test_many_make_the_same_new_warehouse(tmp_path: Path) -> None:
    for attempt in range(20):
        root = tmp_path / f"w{attempt}"
        barrier = threading.Barrier(8)

        def create(root: Path = root, barrier: threading.Barrier = barrier) -> Warehouse:
            barrier.wait()
            return Warehouse.create(root)

        with ThreadPoolExecutor(8) as pool:
            made = [pool.submit(create) for _ in range(8)]
        assert {one.result().root for one in made} == {root}
        assert Warehouse.open(root).batches() == []


def test_a_folder_in_which_a_creation_was_killed_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "warehouse.json").touch()  # the mark is there first, and may be empty
    assert Warehouse.create(tmp_path / "w").batches() == []
