"""What the program tells its caller when it ends: the exit codes, and the errors that carry one.

Scripts and schedulers rely on these numbers, so they stand in one place that every layer may import. An error that a
user can cause is a :class:`WmiwhError`; any other exception is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended; part of the command line's contract."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NO_DATA = 3
    HITS = 4
    DAMAGED = 5
    INTERRUPTED = 130


class WmiwhError(Exception):
    """A failure to report in one line: *message* says what is wrong and, where there is one, the way out."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class UsageError(WmiwhError):
    """The caller asked for something that cannot be: a wrong option, id, path or setting (exit 2)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ExitCode.USAGE)


class NoDataError(WmiwhError):
    """There is no warehouse, or nothing in it that was asked for (exit 3)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ExitCode.NO_DATA)
