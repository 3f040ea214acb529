"""Ctrl-C in a loop that looks for it itself.

Python raises KeyboardInterrupt wherever the main thread is; where that is a callback of Python's own, as while a module
is imported, it is printed as ignored and lost, and the work goes on.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def noted() -> Iterator[Callable[[], None]]:
    """Note a Ctrl-C in the block; what is given, called often, raises it. A second one is raised where it comes."""
    came = threading.Event()

    def heard(*_: Any) -> None:
        if came.is_set():
            raise KeyboardInterrupt
        came.set()

    def look() -> None:
        if came.is_set():
            raise KeyboardInterrupt

    is_ours = threading.current_thread() is threading.main_thread()
    if not is_ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield look  # somebody else decides what an interrupt means
        return
    signal.signal(signal.SIGINT, heard)
    try:
        yield look
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
