"""A fixed set of worker processes with a pipe each.

Not ``concurrent.futures``: its pool is lost as a whole when one process dies, and it cannot say which task killed it.
Here the parent knows what each worker is at, so a file that kills a worker costs that file.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

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
    """*size* processes that run ``target(connection, *arguments(name))`` and answer each task in order."""

    def __init__(self, size: int, target: Callable[..., None], arguments: Callable[[str], tuple[Any, ...]]) -> None:
        context = multiprocessing.get_context("spawn")
        self._at: dict[Connection, list[Any]] = {}
        self._processes: dict[Connection, Any] = {}
        for number in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(target=target, args=(theirs, *arguments(f"part-{number}")), daemon=True)
            process.start()
            theirs.close()
            self._at[ours] = [READY]
            self._processes[ours] = process

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
        connection = min(self._at, key=lambda c: len(self._at[c]))
        return connection if len(self._at[connection]) < _AHEAD + (self._at[connection][:1] == [READY]) else None

    def give(self, connection: Connection, task: Any) -> None:
        """Send *task*; raises :class:`WorkerDied`."""
        try:
            connection.send(task)
        except OSError:
            raise self._died(connection) from None
        self._at[connection].append(task)

    def answers(self, timeout: float) -> Iterator[Any]:
        """Yield the answers that are there within *timeout* seconds; raises :class:`WorkerDied`."""
        for ready in wait(self.connections, timeout):
            assert isinstance(ready, Connection)
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

    def close(self) -> None:
        """Let the workers end by themselves."""
        for connection, process in self._processes.items():
            try:
                connection.send(None)
            except OSError:
                continue
            process.join(30)

    def kill(self) -> None:
        """End the workers at once."""
        for connection, process in self._processes.items():
            process.kill()
            process.join(5)
            connection.close()
