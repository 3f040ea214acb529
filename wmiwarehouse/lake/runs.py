"""The record of named runs, ``runs/<name>.jsonl`` in the warehouse's folder, and the lock that keeps them apart.

A scheduled hunt has to know where the one before it stopped: not by the clock, since logs come late and while it runs,
but by what it had looked at. So each run records when the newest of that was ingested, and the next asks for what came
in later. Only a run that came to its end moves that mark. A record that is damaged is an error and never "no run yet",
which would hide or repeat findings.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from wmiwarehouse import __version__
from wmiwarehouse.errors import ExitCode, UsageError, WmiwhError
from wmiwarehouse.lake import clock, disk
from wmiwarehouse.lake.warehouse import Warehouse

FOLDER = "runs"
#: Hourly for six weeks; the last one that came to its end always stays.
MOST = 1000

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
#: Names that Windows keeps for devices, whatever the suffix.
_DEVICES = re.compile(r"con|prn|aux|nul|(?:com|lpt)[0-9]")
_LARGEST = 64 << 20
#: Codes of runs that came to their end: done, with hits, with damaged input.
_ENDED = (ExitCode.DONE, ExitCode.HITS, ExitCode.DAMAGED)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Ran(_Part):
    """One analytic of a run."""

    id: str
    version: int
    hits: int
    suppressed: int = 0


class Output(_Part):
    """A file that a run wrote; its hash tells whether it still is that file."""

    path: str
    sha256: str


class Record(_Part):
    """One run as it is recorded."""

    number: int
    name: str
    command: str
    asked: str = ""
    """What was asked for, to notice that two different hunts share a name."""
    started: datetime
    finished: datetime
    ingested_since: datetime | None = None
    """None: everything."""
    ingested_until: datetime | None = None
    """The newest of what was looked at."""
    analytics: tuple[Ran, ...] = ()
    outputs: tuple[Output, ...] = ()
    report: str | None = None
    """The report that the next one is compared with, in the folder of the name."""
    exit_code: int
    tool_version: str = __version__

    @property
    def has_ended(self) -> bool:
        """Whether it came to its end, so that the next run goes on where it stopped."""
        return self.exit_code in _ENDED

    @property
    def hits(self) -> int:
        """Hits of all its analytics."""
        return sum(one.hits for one in self.analytics)

    @property
    def suppressed(self) -> int:
        """Suppressed hits of all its analytics."""
        return sum(one.suppressed for one in self.analytics)


class Runs:
    """The runs of one name in one warehouse."""

    def __init__(self, warehouse: Warehouse, name: str) -> None:
        """*name* is checked: it becomes the name of a file, on Windows too."""
        check_name(name)
        self.name = name
        self._root = warehouse.root
        self._folder = warehouse.root / FOLDER
        self._path = self._folder / f"{name}.jsonl"

    @property
    def kept(self) -> Path:
        """The folder of what a run leaves for the next one of its name."""
        return self._folder / self.name

    def records(self) -> list[Record]:
        """Return the recorded runs, oldest first; raises :class:`WmiwhError` if they cannot be relied on."""
        try:
            if not self._path.exists():
                return []
            with self._path.open("rb") as stream:
                content = stream.read(_LARGEST + 1)
        except OSError as error:
            raise WmiwhError(f"{self._path}: cannot be read: {error.strerror or error}") from None
        if len(content) > _LARGEST:
            raise self._damaged(1, f"is larger than {_LARGEST >> 20} MB")
        if content and not content.endswith(b"\n"):
            raise self._damaged(content.count(b"\n") + 1, "ends in the middle of a line")
        found: list[Record] = []
        for number, line in enumerate(content.splitlines(), 1):
            record = self._record(number, line)
            # The first may be the last that came to its end, kept while others failed.
            if found[1:] and record.number != found[-1].number + 1:
                raise self._damaged(number, f"run {record.number} follows run {found[-1].number}")
            found.append(record)
        return found

    def last(self) -> Record | None:
        """Return the last run that came to its end, None if there is none."""
        return next((record for record in reversed(self.records()) if record.has_ended), None)

    def append(self, record: Record) -> None:
        """Add *record* with the next number; only while holding the lock. After a power cut it is there or not."""
        before = self.records()
        record = record.model_copy(update={"number": before[-1].number + 1 if before else 1, "name": self.name})
        kept = [*before, record][-MOST:]
        if not any(one.has_ended for one in kept):
            kept = [one for one in before if one.has_ended][-1:] + kept
        aside = self._path.with_suffix(".jsonl.new")
        try:
            self._folder.mkdir(exist_ok=True)
            aside.write_text("".join(f"{_line(one)}\n" for one in kept), encoding="utf-8", newline="\n")
            disk.replace(aside, self._path)
        except OSError as error:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            raise WmiwhError(f"{self._path} cannot be written: {error.strerror or error}") from None

    @contextmanager
    def running(self, command: str, *, wait: bool = False, on_wait: Any = None) -> Iterator[None]:
        """Keep others of this name out; another that runs ends it with exit 1, or is waited for (*on_wait* is told)."""
        from filelock import FileLock, Timeout

        lock = FileLock(self._folder / f"{self.name}.lock")
        holder = self._folder / f"{self.name}.running"
        try:
            self._folder.mkdir(exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            held = f"a run {self.name} is going on{_said(holder)}"
            if not wait:
                raise WmiwhError(f"{held}; wait for it with --wait, or use another name") from None
            if on_wait:
                on_wait(f"{held}; waiting for it")
            lock.acquire()
        except OSError as error:
            raise WmiwhError(f"{self._folder} cannot be written: {error.strerror or error}") from None
        try:
            with suppress(OSError):  # only what others are told
                who = {"pid": os.getpid(), "command": command, "started": clock.now().isoformat()}
                holder.write_text(json.dumps(who), encoding="utf-8")
            yield
        finally:
            with suppress(OSError):
                holder.unlink(missing_ok=True)
            lock.release()

    def _record(self, number: int, line: bytes) -> Record:
        try:
            found = json.loads(line)
            if not isinstance(found, dict) or found.pop("sha256", None) != _digest(found):
                raise ValueError("its hash does not fit")
            record = Record.model_validate(found)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise self._damaged(number, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        except (ValueError, RecursionError) as error:
            cause = "is no JSON" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else str(error)
            raise self._damaged(number, cause) from None
        if record.name != self.name:
            raise self._damaged(number, f"is of a run {record.name!r}")
        return record

    def _damaged(self, line: int, cause: str) -> WmiwhError:
        return WmiwhError(
            f"{self._path}, line {line}: {cause}. What the last run had seen is not known; "
            "move the file away, and the next run sees everything"
        )


def check_name(name: str) -> None:
    """Raise :class:`UsageError` unless *name* can be that of a run."""
    if not _NAME.fullmatch(name) or _DEVICES.fullmatch(name):
        raise UsageError(
            f"{name or 'an empty text'}: no name for a run; it is made of a-z, 0-9, - and _, up to 60 of them"
        )


def names(warehouse: Warehouse) -> list[str]:
    """Return the names of all recorded runs."""
    folder = warehouse.root / FOLDER
    found = [path.name.removesuffix(".jsonl") for path in folder.glob("*.jsonl")] if folder.is_dir() else []
    return sorted(name for name in found if _NAME.fullmatch(name))


def after(until: datetime) -> datetime:
    """Return the first moment that a run which had seen everything *until* then has not."""
    return until + timedelta(microseconds=1)


def _line(record: Record) -> str:
    content = record.model_dump(mode="json")
    return json.dumps(content | {"sha256": _digest(content)}, sort_keys=True)


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _said(holder: Path) -> str:
    """Say who holds a lock, as far as that is known."""
    try:
        who = json.loads(holder.read_bytes()[:4096])
        return f" since {who['started']} (process {int(who['pid'])}, {str(who['command'])[:40]})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
