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
from functools import partial
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


def wait_for(happened: Callable[[], object], started: Any, seconds: float = 60) -> bool:
    """Wait until *happened* is true; False if the process *started* ends before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (started is None or started.process.poll() is None):
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
    return wait_for(lambda: not started.members(), None, 10)


def commits_of(root: Path) -> list[Path]:
    """Return what tells that an ingest into *root* is committing."""
    return list(root.glob(".staging/*/problems.parquet"))


@pytest.mark.parametrize("number", range(KILLS))
def test_what_a_killed_ingest_leaves_is_whole_and_the_next_completes_it(
    number: int, logs: Logs, commands: Commands, check: Check, hits: Hits, tmp_path: Path
) -> None:
    chance = random.Random(number)
    root, whom = tmp_path / "w", WHOM[number % 3]
    small = number // 3 % 2 == 1  # several commits in one ingest
    script = "small_batches.py" if small else ""
    started = commands.start("ingest", logs.folder, "-w", root, script=script)
    if number % 4 == 3:  # while it commits
        for _ in range(5):  # on a busy machine the moment may pass unseen: once more from the beginning
            if seen := wait_for(partial(commits_of, root), started):
                break
            started.wait()
            root = root.with_name(f"{root.name}w")
            started = commands.start("ingest", logs.folder, "-w", root, script=script)
        assert seen
        time.sleep(chance.random() * 0.03)
    else:
        time.sleep((number + chance.random()) / KILLS * logs.seconds * (1.5 if small else 1))
    kill(started, whom)
    code = started.wait()
    assert ended(started), started.members()
    # A worker that Python is only starting when its parent dies says so in Python's own words.
    assert "Traceback" not in started.said or (whom == "parent" and "spawn_main" in started.said), started.said

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


def test_workers_that_never_look_up_end_with_their_parent(logs: Logs, commands: Commands, tmp_path: Path) -> None:
    started = commands.start("ingest", logs.folder, "-w", tmp_path / "w", "--workers", 3, script="stuck_workers.py")
    assert wait_for(lambda: len(started.workers()) == 3 and started.said.count("stuck\n") == 3, started)
    started.process.kill()
    started.wait()
    assert ended(started), started.members()
    assert started.said == "stuck\n" * 3


def test_workers_that_wait_end_with_their_parent_though_another_keeps_its_pipes(
    logs: Logs, commands: Commands, tmp_path: Path
) -> None:
    started = commands.start("ingest", logs.folder, "-w", tmp_path / "w", "--workers", 3)
    assert wait_for(lambda: len(started.at_work()) == 3, started)
    stopped = started.at_work()[0]
    os.kill(stopped, signal.SIGSTOP)
    started.process.kill()
    started.wait()
    assert wait_for(lambda: set(started.workers()) <= {stopped}, None, 10)
    with suppress(ProcessLookupError):
        os.kill(stopped, signal.SIGCONT)
    assert ended(started), started.members()
    assert "Traceback" not in started.said


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


@pytest.mark.parametrize("after", [0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3])
def test_an_interrupt_while_workers_and_libraries_load_is_one_word(
    after: float, logs: Logs, commands: Commands, tmp_path: Path
) -> None:
    """Python would print where each worker was, and pydantic would call a sound file of SQL a broken one."""
    started = commands.start("ingest", logs.folder, "-w", tmp_path / "w")
    assert wait_for(lambda: bool(started.workers()), started)
    time.sleep(after)
    os.killpg(started.pid, signal.SIGINT)
    assert started.wait() == 130, started.said
    assert started.said == "wmiwh: interrupted\n"
    assert ended(started)
