"""Ends a statement at its deadline, and at Ctrl-C.

DuckDB lends its work to Python's main thread and looks for a Ctrl-C only between two pieces of it. A cross join can be
one endless piece, and Python's own handler waits for the main thread. So a thread waits beside it, for the time and for
the byte that Python's C code writes to a socket the moment a signal comes (``signal.set_wakeup_fd``).
"""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

#: Seconds between two interrupts; one that comes just before a statement begins is lost.
_AGAIN = 0.1


@contextmanager
def ended(connection: Any, seconds: float) -> Iterator[threading.Event]:
    """Interrupt *connection* after *seconds* or at Ctrl-C, and again until the block is left.

    The event that is given says that the time was up.
    """
    ears, mouth = socket.socketpair()
    too_late = threading.Event()
    with ears, mouth, _signals_to(mouth):
        done = threading.Event()
        watcher = threading.Thread(target=_watch, args=(connection, seconds, ears, too_late, done), daemon=True)
        watcher.start()
        try:
            yield too_late
        finally:
            done.set()
            with suppress(BlockingIOError):  # full of signals: the watcher is awake anyway
                mouth.send(b"\0")
            watcher.join()


def _watch(
    connection: Any, seconds: float, ears: socket.socket, too_late: threading.Event, done: threading.Event
) -> None:
    import duckdb

    end = time.monotonic() + seconds
    while not done.is_set():
        try:
            ears.settimeout(min(max(end - time.monotonic(), 0.001), threading.TIMEOUT_MAX))
            if signal.SIGINT in ears.recv(1):
                break
        except TimeoutError:
            too_late.set()
            break
    while not done.wait(_AGAIN):
        with suppress(duckdb.Error):
            connection.interrupt()


@contextmanager
def _signals_to(mouth: socket.socket) -> Iterator[None]:
    """Have the number of each signal written to *mouth*, unless somebody else is told already or may be."""
    mouth.setblocking(False)
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
    if before != -1:
        signal.set_wakeup_fd(before)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
