"""A fixed set of worker processes with a pipe each.

Not ``concurrent.futures``: its pool is lost as a whole when one process dies, and it cannot say which task killed it.
Here the parent knows what each worker is at, so a file that kills a worker costs that file.
"""

from __future__ import annotations

import multiprocessing
import queue
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, cast

_AHEAD = 2

#: What a worker sends first, when it can take tasks.
READY = "ready"


class WorkerDied(Exception):  # noqa: N818 - an event, not a mistake of the caller
    """A worker process ended on its own; :attr:`task` is what it was at."""

    def __init__(self, task: Any, exit_code: int | None) -> None:
        at = "before it could start" if task == READY else "at its work"
        super().__init__(f"a worker process ended {at} (exit {exit_code})")
        self.task = task
        self.exit_code = exit_code


class Pool:
    """Up to *size* processes that run ``target(connection, *arguments(name))`` and answer each task in order.

    A process is started when those that are there have something to do: one small file needs one.
    """

    def __init__(self, size: int, target: Callable[..., None], arguments: Callable[[str], tuple[Any, ...]]) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._size, self._target, self._arguments = size, target, arguments
        self._at: dict[Connection, list[Any]] = {}
        self._processes: dict[Connection, Any] = {}
        self._outbox: dict[Connection, queue.SimpleQueue[Any]] = {}

    def _start(self) -> Connection:
        ours, theirs = self._context.Pipe()
        arguments = (theirs, *self._arguments(f"part-{len(self._at)}"))
        process = self._context.Process(target=self._target, args=arguments, daemon=True)
        process.start()
        theirs.close()
        self._at[ours] = [READY]
        self._processes[ours] = process
        self._outbox[ours] = queue.SimpleQueue()
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
            return self._start()
        connection = min(self._at, key=lambda c: len(self._at[c]))
        return connection if len(self._at[connection]) < _AHEAD + (self._at[connection][:1] == [READY]) else None

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
            process.join(5)
            self._outbox[connection].put(None)
            connection.close()


def _send_all(connection: Connection, outbox: queue.SimpleQueue[Any]) -> None:
    """Send what is put into *outbox* until None comes: were the parent itself to wait for a worker that waits for the
    parent to take an answer, neither would ever go on."""
    while (task := outbox.get()) is not None:
        try:
            connection.send(task)
        except OSError:
            return
