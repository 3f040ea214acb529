"""What an ingest tells its caller: how far it is, and what it did."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from wmiwarehouse.errors import ExitCode


@dataclass
class Progress:
    """What a progress display shows; handed to the callback as it grows."""

    files: int = 0
    files_done: int = 0
    bytes: int = 0
    bytes_done: int = 0
    records: int = 0
    seconds: float = 0.0


@dataclass
class FormatCount:
    """Totals of one format."""

    files: int = 0
    records: int = 0
    duplicates: int = 0
    problems: int = 0


@dataclass
class Summary:
    """What an ingest did."""

    formats: dict[str, FormatCount] = field(default_factory=lambda: defaultdict(FormatCount))
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """(file, reason) of what is no event log."""
    failed: list[tuple[str, str]] = field(default_factory=list)
    """(file, reason) of event logs that could not be read at all."""
    known: list[str] = field(default_factory=list)
    """Files whose content the warehouse has already."""
    displaced: int = 0
    """Records of earlier ingests that count no longer: these have the same events, and more of them."""
    again: int = 0
    """Contents that were there already and were read anew."""
    problems: list[tuple[str, str, str, int]] = field(default_factory=list)
    """(file, position, reason, records lost)"""
    remarks: int = 0
    """How many of the problems are no damage, such as a clock that was wrong."""
    hosts: int = 0
    first_time: datetime | None = None
    last_time: datetime | None = None
    seconds: float = 0.0
    files: int = 0

    @property
    def records(self) -> int:
        """Records added to the lake, copies among them."""
        return sum(count.records for count in self.formats.values())

    @property
    def duplicates(self) -> int:
        """How many of them are copies of others."""
        return sum(count.duplicates for count in self.formats.values())

    @property
    def lost(self) -> int:
        """Records that are known to be lost."""
        return sum(lost for *_, lost in self.problems)

    @property
    def exit_code(self) -> ExitCode:
        """The contract's exit code for this ingest."""
        return ExitCode.DAMAGED if len(self.problems) > self.remarks or self.failed else ExitCode.DONE
