"""What a report is asked to be: its particulars, its filters as they were given, and how much of it is shown.

Apart from the builder, so that a command or a test can say what it wants without loading anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wmiwarehouse.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from wmiwarehouse.report.model import Batch

TITLE = "WMI - Lateral Movement Hunt"
#: A conclusion is a page or two of a person's words; what is larger is another file.
_LONGEST = 1 << 20


@dataclass(frozen=True)
class ReportOptions:
    """All that a report needs beside the hunt; both dates are the newest ingest's day if not given."""

    title: str = TITLE
    created: datetime | None = None
    executed: datetime | None = None
    environment: str = ""
    hunter: str = ""
    conclusion: str | None = None
    show_secrets: bool = False
    rows: int = 20
    """Of each query that is told in rows, and of each stack."""
    cases: int = 1000
    since: str | None = None
    until: str | None = None
    host: str | None = None
    user: str | None = None
    ingested_since: str | None = None
    where: str = ""
    """`` -w DIR`` for the commands that the report suggests; nothing where DIR is the default."""
    batches: tuple[Batch, ...] = ()
    """Of the lake that is read, for custody."""

    @property
    def filters(self) -> str:
        """The filters as they are typed, each after a blank."""
        given = {"since": self.since, "until": self.until, "host": self.host, "user": self.user}
        given["ingested-since"] = self.ingested_since
        return "".join(f" --{name} {_quoted(value)}" for name, value in given.items() if value)


def day(text: str | None, option: str) -> datetime | None:
    """Return the time that *text* (``2026-03-09``, or with a time) stands for; *option* names it in the error."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"--{option} {text}: no date such as 2026-03-09 or 2026-03-09T10:00:00Z") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def conclusion(path: Path | None) -> str | None:
    """Return the hunter's own words from the file *path*; raises :class:`UsageError` for what is no text."""
    if path is None:
        return None
    if not path.is_file():
        raise UsageError(f"--conclusion {path}: is no file")
    with path.open("rb") as file:
        raw = file.read(_LONGEST + 1)
    if len(raw) > _LONGEST:
        raise UsageError(f"--conclusion {path}: is larger than {_LONGEST >> 20} MB")
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").strip()
    except UnicodeDecodeError as error:
        raise UsageError(f"--conclusion {path}: is no UTF-8 text ({error.reason} at byte {error.start})") from None
    if not text:
        raise UsageError(f"--conclusion {path}: is empty")
    return text


def _quoted(value: str) -> str:
    import shlex

    return shlex.quote(value)
