"""``kill -9`` at any moment: of all processes, of the parent alone, of a worker alone.

``WMIWH_KILLS=50`` kills fifty times; by default it is a few, spread over the run and the commit just the same.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

Logs = Any
Commands = Any
Check = Callable[[Path], set[str]]
Hits = Callable[[Path], dict[str, Any]]

KILLS = int(os.environ.get("WMIWH_KILLS", "9"))
WHOM = ("group", "parent", "worker")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for the workers in /proc")


def wait_for(happened: Callable[[], object], started: Any) -> bool:
    """Wait until *happened* is true; False if the process ends before."""
    while started.process.poll() is None:
        if happened():
            return True
        time.sleep(0.001)
    return False


def kill(started: Any, whom: str) -> None:
    """Send the signal, if there is still somebody who can get it."""
    if whom == "group":
        started.kill_all()
    elif whom == "parent":
        started.process.kill()
    elif wait_for(started.workers, started):
        with suppress(ProcessLookupError):
            os.kill(random.Random(started.pid).choice(started.workers() or [started.pid]), signal.SIGKILL)


def ended(started: Any) -> bool:
    """Whether no process of the run is left within some seconds, though none was told that the parent has gone."""
    for _ in range(100):
        if not started.members():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("number", range(KILLS))
def test_what_a_killed_ingest_leaves_is_whole_and_the_next_completes_it(
    number: int, logs: Logs, commands: Commands, check: Check, hits: Hits, tmp_path: Path
) -> None:
    chance = random.Random(number)
    root, whom = tmp_path / "w", WHOM[number % 3]
    small = number // 3 % 2 == 1  # several commits in one ingest
    started = commands.start("ingest", logs.folder, "-w", root, small_batches=small)
    if number % 5 == 4:  # while it commits
        assert wait_for(lambda: list(root.glob(".staging/*/problems.parquet")), started)
        time.sleep(chance.random() * 0.03)
    else:
        time.sleep((number + chance.random()) / KILLS * logs.seconds * (1.5 if small else 1))
    kill(started, whom)
    code = started.wait()
    assert ended(started), started.members()
    assert "Traceback" not in started.said

    visible = check(root)
    if whom == "worker":
        assert code in (0, 5), started.said
        assert (code == 5) == ("a worker ended with -9 while reading it" in started.said)
        assert len(visible) >= len(logs.records) - 1
    hunted, said = commands.run("hunt", "wmiprvse_children", "-f", "csv", "-w", root)
    assert hunted == (0 if visible else 3), said
    assert "Traceback" not in said

    code, said = commands.run("ingest", logs.folder, "-w", root)
    assert code == 0, said
    assert check(root) == set(logs.records)
    assert hits(root) == logs.hits
    assert list((root / ".staging").iterdir()) == []
    assert sorted(path.name for path in root.iterdir() if "new" in path.name) == []


def test_workers_that_are_busy_end_with_their_parent(logs: Logs, commands: Commands, tmp_path: Path) -> None:
    started = commands.start("ingest", logs.folder, "-w", tmp_path / "w", "--workers", 3)
    assert wait_for(lambda: len(started.workers()) == 3, started)
    workers = started.workers()
    os.kill(workers[0], signal.SIGSTOP)  # one that cannot react keeps the others' pipes open, if it has them
    started.process.kill()
    started.wait()
    for _ in range(100):
        if set(started.workers()) <= {workers[0]}:
            break
        time.sleep(0.1)
    assert set(started.workers()) <= {workers[0]}
    with suppress(ProcessLookupError):
        os.kill(workers[0], signal.SIGCONT)
    assert ended(started)


def test_an_interrupt_leaves_nothing_behind(logs: Logs, commands: Commands, check: Check, tmp_path: Path) -> None:
    root = tmp_path / "w"
    started = commands.start("ingest", logs.folder, "-w", root)
    assert wait_for(lambda: list(root.glob(".staging/*/events")), started)
    os.killpg(started.pid, signal.SIGINT)
    assert started.wait() == 130, started.said
    assert "Traceback" not in started.said
    assert ended(started)
    assert check(root) == set()
    assert list((root / ".staging").iterdir()) == []
