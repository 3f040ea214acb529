"""A fixed set of worker processes with a pipe each.

Not ``concurrent.futures``: its pool is lost as a whole when one process dies, and it cannot say which task killed it.
Here the parent knows what each worker is at, so a file that kills a worker costs that file.
"""

from __future__ import annotations

import multiprocessing
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection, wait
from typing import Any, cast

#: How many tasks a worker has before it: enough not to wait for the parent, and few enough that none is left with much
#: to do when the others are done.
_AHEAD, _SMALL_AHEAD = 2, 8

#: What a worker sends first, when it can take tasks.
READY = "ready"

#: What a process loads while it waits.
_LOADED_AHEAD = ("duckdb", "pyarrow", "wmiwarehouse.pipeline.worker", "wmiwarehouse.pipeline.part_writer")


class WorkerDied(Exception):  # noqa: N818 - an event, not a mistake of the caller
    """A worker process ended on its own; :attr:`task` is what it was at."""

    def __init__(self, task: Any, exit_code: int | None) -> None:
        at = "before it could start" if task == READY else "at its work"
        super().__init__(f"a worker process ended {at} (exit {exit_code})")
        self.task = task
        self.exit_code = exit_code


class Waiting:
    """Processes that wait for a :class:`Pool`, started before it is known what there is to do.

    A worker takes 0.2 to 0.4 s to load Python and the libraries, while the parent loads its own and looks
    through the first file. What no pool takes is ended with the ``with`` block.
    """

    #: More are started when there is work for them.
    MOST = 2

    def __init__(self) -> None:
        self._ready: list[tuple[Connection, Any]] = []

    def start(self, number: int) -> None:
        """Have *number* processes wait, or the most."""
        while len(self._ready) < min(number, self.MOST):
            self._ready.append(_start())

    def __enter__(self) -> Waiting:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End those that wait."""
        while self._ready:
            _end(*self._ready.pop())

    def take(self) -> tuple[Connection, Any]:
        """Return the pipe to a process, and the process: one that waits and is alive, or else a new one."""
        while self._ready:
            connection, process = self._ready.pop()
            if process.is_alive():
                return connection, process
            _end(connection, process)
        return _start()


class Pool:
    """Up to *size* processes that run ``target(connection, *arguments(name))`` and answer each task in order.

    A process is taken when those that are there have something to do: one small file needs one.
    """

    def __init__(
        self,
        size: int,
        target: Callable[..., None],
        arguments: Callable[[str], tuple[Any, ...]],
        waiting: Waiting | None = None,
        is_small: Callable[[Any], bool] = lambda task: False,
    ) -> None:
        """*is_small* says of a task that it takes no longer than to hand over another one."""
        self._size, self._target, self._arguments, self._is_small = size, target, arguments, is_small
        self._waiting = waiting or Waiting()
        self._at: dict[Connection, list[Any]] = {}
        self._processes: dict[Connection, Any] = {}
        self._outbox: dict[Connection, queue.SimpleQueue[Any]] = {}

    def _add(self) -> Connection:
        ours, process = self._waiting.take()
        self._outbox[ours] = queue.SimpleQueue()
        self._outbox[ours].put((self._target, self._arguments(f"part-{len(self._at)}")))
        self._at[ours] = [READY]
        self._processes[ours] = process
        threading.Thread(target=_send_all, args=(ours, self._outbox[ours]), daemon=True).start()
        return ours

    @property
    def connections(self) -> list[Connection]:
        """The pipes, for :meth:`give`."""
        return list(self._at)

    @property
    def busy(self) -> int:
        """How many tasks are given and not answered."""
        return sum(map(len, self._at.values()))

    def idle(self) -> Connection | None:
        """Return the worker with the shortest queue that may take another task; one waits while one is done."""
        if len(self._at) < self._size and all(self._at.values()):
            return self._add()
        connection = min(self._at, key=lambda c: len(self._at[c]))
        tasks = [task for task in self._at[connection] if task != READY]
        return connection if len(tasks) < (_SMALL_AHEAD if all(map(self._is_small, tasks)) else _AHEAD) else None

    def give(self, connection: Connection, task: Any) -> None:
        """Hand *task* to a worker; that it has died meanwhile is told by :meth:`answers`."""
        self._at[connection].append(task)
        self._outbox[connection].put(task)

    def answers(self, timeout: float) -> Iterator[Any]:
        """Yield the answers that are there within *timeout* seconds; raises :class:`WorkerDied`."""
        for ready in cast("list[Connection]", wait(self.connections, timeout)):
            try:
                answer = ready.recv()
            except (EOFError, OSError):
                raise self._died(ready) from None
            self._at[ready].pop(0)
            if answer != READY:
                yield answer

    def _died(self, connection: Connection) -> WorkerDied:
        process = self._processes[connection]
        process.join(5)
        tasks = self._at[connection]
        return WorkerDied(tasks[0] if tasks else None, process.exitcode)

    def end(self) -> None:
        """End the workers at once. What they answered for is on the disk: to let each take itself down took 0.2 s."""
        for process in self._processes.values():
            process.kill()
        for connection, process in self._processes.items():
            self._outbox[connection].put(None)
            _end(connection, process)


def _start() -> tuple[Connection, Any]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs,), daemon=True)
    with _interrupts_held():
        process.start()
    theirs.close()
    return ours, process


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Keep Ctrl-C from a process that is started here: one that came while Python starts it would print a traceback.

    The parent gets it after the block, if it has no other thread that hears it. Windows knows no such thing.
    """
    if sys.platform == "win32":
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # which lets interrupts through again when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(connection: Connection, process: Any) -> None:
    process.kill()
    process.join(5)
    connection.close()


def _work(connection: Connection) -> None:
    """Entry of a process: load what every worker needs, and be what the parent says, if it ever does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    for module in _LOADED_AHEAD:
        import_module(module)
    with suppress(EOFError, ConnectionError):  # the parent needed none, or is gone
        target, arguments = connection.recv()
        target(connection, *arguments)


def _send_all(connection: Connection, outbox: queue.SimpleQueue[Any]) -> None:
    """Send what is put into *outbox* until None comes: were the parent itself to wait for a worker that waits for the
    parent to take an answer, neither would ever go on."""
    while (task := outbox.get()) is not None:
        try:
            connection.send(task)
        except OSError:
            return
