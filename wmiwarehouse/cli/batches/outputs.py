"""The files that a batch writes: never over anybody else's, and in the end no more of them than are wanted.

A name with a date or a time is never used twice, or the evening's run would replace what the morning's had found. A
name without is that of the newest, and only a file that a run of this batch wrote makes room for it. What is removed
(``keep``) is what runs of this name recorded, and still is the file that they wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from wmiwarehouse.lake.manifest import sha256
from wmiwarehouse.lake.runs import Output, Record
from wmiwarehouse.output.streams import OutputError

_MOST_OF_A_NAME = 1000
_DATED = ("{date}", "{time}")


class Outputs:
    """What one run writes."""

    def __init__(self, before: Iterable[Record]) -> None:
        """*before* are the runs of this name so far."""
        self._owned = {output.path: output.sha256 for record in before for output in record.outputs}
        self.written: list[Path] = []

    def place(self, path: Path, template: str) -> Path:
        """Return where what *template* names as *path* goes, its folder made; raises :class:`OutputError`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if any(one in template for one in _DATED):
            for number in range(1, _MOST_OF_A_NAME):
                found = path if number == 1 else path.with_name(_numbered(path.name, number))
                if not found.exists() and not found.is_symlink() and str(found) not in self._owned:
                    return found
            raise OutputError(f"{path} and {_MOST_OF_A_NAME - 2} more of the name exist")
        if path.exists() and path not in self.written and not self._is_own(path):
            raise OutputError(f"{path} exists, and is not as a run of this batch left it; move it away")
        return path

    def add(self, path: Path) -> None:
        """Note that *path* was written."""
        self.written.append(path)

    def recorded(self) -> tuple[Output, ...]:
        """Return what was written, as it is recorded."""
        return tuple(Output(path=str(path), sha256=sha256(path)) for path in self.written if path.is_file())

    def _is_own(self, path: Path) -> bool:
        return path.is_file() and not path.is_symlink() and self._owned.get(str(path)) == sha256(path)


def prune(records: list[Record], keep: int) -> list[Path]:
    """Remove the outputs of all runs but the last *keep* that wrote any; return what was removed."""
    wrote = [record for record in records if record.outputs]
    newer = {output.path for record in wrote[-keep:] for output in record.outputs}
    removed = []
    for record in wrote[:-keep]:
        for output in record.outputs:
            path = Path(output.path)
            if output.path in newer or path.is_symlink() or not path.is_file():
                continue
            with suppress(OSError):  # open elsewhere, or not to be read: it goes another time
                if sha256(path) == output.sha256:
                    path.unlink()
                    removed.append(path)
                    path.parent.rmdir()  # if that was the last of its day's folder
    return removed


def _numbered(name: str, number: int) -> str:
    """``night.html`` as ``night-2.html``, also where the suffix has two parts (``.navigator.json``)."""
    stem, dot, rest = name.partition(".")
    return f"{stem}-{number}{dot}{rest}"
