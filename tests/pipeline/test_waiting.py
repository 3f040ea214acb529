"""Workers that are started before there is work: taken first, and gone when nobody takes them."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.pipeline import pool
from wmiwarehouse.pipeline.pool import Pool, Waiting

Lab = Any
Lake = Any


def say_who(connection: Connection, name: str) -> None:
    connection.send(pool.READY)
    while True:
        connection.send((connection.recv(), name, os.getpid()))


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setattr(say_who, "__module__", Path(__file__).stem)
    monkeypatch.setitem(sys.modules, Path(__file__).stem, sys.modules[__name__])


def children() -> set[int | None]:
    return {child.pid for child in multiprocessing.active_children()}


def answers(workers: Pool, tasks: list[str]) -> list[Any]:
    found: list[Any] = []
    left = list(tasks)
    ends = time.monotonic() + 60
    while len(found) < len(tasks):
        assert time.monotonic() < ends
        while left and (connection := workers.idle()):
            workers.give(connection, left.pop(0))
        found += workers.answers(0.1)
    return found


def test_those_that_wait_are_taken_first_and_more_are_started() -> None:
    with Waiting() as waiting:
        waiting.start(1)
        (first,) = children()
        workers = Pool(2, say_who, lambda name: (name,), waiting)
        found = answers(workers, list("abcdefgh"))
        assert sorted(task for task, _, _ in found) == list("abcdefgh")
        at_work = {name: process for _, name, process in found}
        assert at_work["part-0"] == first
        assert set(at_work.values()) <= children()
        workers.end()
        assert children() == set()


@pytest.mark.parametrize(("tasks", "taken"), [("sssssssssss", 8), ("LLLL", 2), ("sLLL", 2), ("ssssssLs", 7)])
def test_a_worker_has_many_small_tasks_before_it_and_few_large_ones(tasks: str, taken: int) -> None:
    workers = Pool(1, say_who, lambda name: (name,), is_small=lambda task: task == "s")
    given = 0
    while given < len(tasks) and (connection := workers.idle()):  # nobody asks for an answer meanwhile
        workers.give(connection, tasks[given])
        given += 1
    assert given == taken
    workers.end()


def test_those_that_nobody_takes_are_gone_with_the_block() -> None:
    with Waiting() as waiting:
        waiting.start(2)
        waiting.start(2)
        assert len(children()) == 2
        waiting.start(64)
        assert len(children()) == Waiting.MOST
    assert children() == set()


def test_one_that_was_killed_while_it_waited_is_not_taken() -> None:
    with Waiting() as waiting:
        waiting.start(2)
        for child in multiprocessing.active_children():
            child.kill()
            child.join()
        workers = Pool(2, say_who, lambda name: (name,), waiting)
        assert len(answers(workers, ["a", "b"])) == 2
        workers.end()


def test_what_was_ended_is_not_handed_out() -> None:
    waiting = Waiting()
    waiting.start(2)
    waiting.end()
    assert children() == set()
    with waiting:
        waiting.start(1)
        assert len(children()) == 1
    assert children() == set()


def test_an_ingest_leaves_none(lab: Lab, lake: Lake, tmp_path: Path) -> None:
    one = lab.folder / "evtx" / "WS02" / "System.evtx"
    lake.ingest(one, workers=2)
    assert children() == set()
    assert lake.ingest(one, workers=2).known
    assert children() == set()
    with pytest.raises(WmiwhError):
        lake.ingest(tmp_path / "none", workers=2)
    assert children() == set()


def test_none_are_started_for_what_is_known(
    lab: Lab, lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = shutil.copytree(lab.folder / "evtx" / "WS02", tmp_path / "WS02")
    (folder / "notes.txt").write_text("no event log, as there is one in every folder")
    assert lake.ingest(folder, workers=2).skipped
    started = []
    monkeypatch.setattr(pool, "_start", lambda: started.append(1))
    assert lake.ingest(folder, workers=2).known
    assert started == []
