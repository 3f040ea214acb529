"""The folder of a warehouse: what lies where, which batches it has, and who may write to it.

``lake/<batch>/`` holds what one ingest committed; ``.staging/`` what is being written, outside ``lake/`` so that no
glob ever sees it; ``warehouse.duckdb`` the same views for other tools; ``warehouse.json`` marks the folder as ours and
says for which place and which batches that file was built; ``wmiwh.toml`` is the owner's and only ever read.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.lake import disk
from wmiwarehouse.lake.manifest import Listing, Manifest, list_lake
from wmiwarehouse.lake.settings import FILE_NAME

_MARK = "warehouse.json"
_LAYOUT = 1
#: What may lie in a folder before it becomes a warehouse: a lock that was waited for, settings written in advance.
_BEFORE = (".lock", FILE_NAME)


@dataclass(frozen=True)
class Batch:
    """One committed batch; its files are never changed."""

    folder: Path
    manifest: Manifest | None = field(default=None, compare=False, repr=False)
    """What it says of its files, for one that was found in a lake; batches of an older version have none."""

    @classmethod
    def among(cls, listing: Listing) -> list[Batch]:
        """Return the batches in *listing*, oldest first; those that another one replaces are left out."""
        return [
            cls(folder, listing.manifests.get(folder.name))
            for folder in listing.visible()
            if (folder / "sources.parquet").is_file()
        ]

    @property
    def id(self) -> str:
        """Name of the folder: UTC time of the ingest and a random tail."""
        return self.folder.name

    @property
    def event_files(self) -> list[Path]:
        """The Parquet parts with the events, in name order; what somebody put there later is none of them."""
        found = sorted((self.folder / "events").glob("*.parquet"))
        return [path for path in found if self.manifest is None or f"events/{path.name}" in self.manifest.files]

    def table(self, name: str) -> Path:
        """Path of a table of :mod:`wmiwarehouse.lake.tables`; older batches lack ``hosts``, most ``forgotten``."""
        return self.folder / f"{name}.parquet"

    def is_empty(self, name: str) -> bool:
        """Whether its table *name* is known to have no row."""
        listed = self.manifest.files.get(self.table(name).name) if self.manifest else None
        return listed is not None and not listed.rows


class Warehouse:
    """A warehouse folder; see the module's text for what is in it."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    @classmethod
    def open(cls, root: Path) -> Warehouse:
        """Open an existing warehouse; raises :class:`WmiwhError` (exit 3) if there is none."""
        if not root.exists():
            raise WmiwhError(f"no warehouse at {root}; make one: wmiwh ingest PATH... -w {root}", ExitCode.NO_DATA)
        try:
            marked = stat.S_ISREG((root / _MARK).stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            marked = False
        except OSError as error:
            raise WmiwhError(f"{root} cannot be read: {error.strerror or error}") from None
        if not marked:
            raise WmiwhError(
                f"{root} is not a warehouse (it has no {_MARK}); make one: wmiwh ingest PATH... -w DIR",
                ExitCode.NO_DATA,
            )
        return cls(root)

    @classmethod
    def create(cls, root: Path) -> Warehouse:
        """Open the warehouse at *root*, or make one there if the folder is new or empty (else exit 2)."""
        warehouse = cls(root)
        try:
            str(warehouse.root).encode()
        except UnicodeEncodeError:
            raise WmiwhError(
                f"{warehouse.root} is no UTF-8, which DuckDB needs; name another: -w DIR", ExitCode.USAGE
            ) from None
        try:
            if root.exists() and not root.is_dir():
                raise WmiwhError(f"{root} is a file, not a folder; name another: -w DIR", ExitCode.USAGE)
            if not warehouse._mark.is_file():
                theirs = root.exists() and any(entry.name not in _BEFORE for entry in root.iterdir())
                if theirs and not warehouse._mark.is_file():  # which another ingest may have made meanwhile
                    raise WmiwhError(
                        f"{root} is not empty and not a warehouse; nothing was written. Name a new folder: -w DIR",
                        ExitCode.USAGE,
                    )
                root.mkdir(parents=True, exist_ok=True)
                # Not put aside and renamed: two that make the warehouse at once hold no lock yet, and one that is
                # killed here must leave nothing that the next would take for somebody else's.
                with suppress(FileExistsError), warehouse._mark.open("x", encoding="utf-8") as stream:
                    stream.write(_mark_text({}))
            if not (warehouse.lake.is_dir() and warehouse.staging.is_dir()):
                for folder in (warehouse.lake, warehouse.staging):
                    folder.mkdir(exist_ok=True)
                for folder in (warehouse.root, warehouse.root.parent):
                    disk.sync_folder(folder)
        except OSError as error:
            raise WmiwhError(f"{root} cannot be written: {error.strerror or error}", ExitCode.FAILED) from None
        return warehouse

    @property
    def lake(self) -> Path:
        """Folder of the committed batches."""
        return self.root / "lake"

    @property
    def staging(self) -> Path:
        """Folder of what is being written."""
        return self.root / ".staging"

    @property
    def database(self) -> Path:
        """The DuckDB file with the views, for other tools."""
        return self.root / "warehouse.duckdb"

    @property
    def _mark(self) -> Path:
        return self.root / _MARK

    def batches(self) -> list[Batch]:
        """Return the committed batches, oldest first; those that another one replaces are left out."""
        return Batch.among(list_lake(self.lake))

    def read_mark(self) -> dict[str, Any]:
        """Return what ``warehouse.duckdb`` was last built for."""
        try:
            found = json.loads(self._mark.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write_mark(self, built: dict[str, Any]) -> None:
        """Record what ``warehouse.duckdb`` was built for; only while holding the lock."""
        aside = self._mark.with_suffix(".json.new")
        aside.write_text(_mark_text(built), encoding="utf-8")
        disk.replace(aside, self._mark)

    @contextmanager
    def writing(self, *, wait: bool = True, on_wait: Any = None) -> Iterator[None]:
        """Hold the warehouse's lock; *on_wait* is called once if another holds it, exit 1 if not *wait*."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.root / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if not wait:
                raise WmiwhError(
                    f"another ingest is writing to {self.root}; wait for it, or leave out --no-wait"
                ) from None
            if on_wait:
                on_wait()
            lock.acquire()
        except OSError as error:
            raise WmiwhError(f"{self.root} cannot be written: {error.strerror or error}") from None
        try:
            yield
        finally:
            lock.release()

    def clear_staging(self) -> None:
        """Remove what an interrupted ingest left; only while holding the lock."""
        for leftover in self.staging.iterdir():
            if leftover.is_dir() and not leftover.is_symlink():
                disk.remove(leftover)
            else:
                leftover.unlink(missing_ok=True)


def _mark_text(built: dict[str, Any]) -> str:
    return json.dumps({"layout": _LAYOUT, **built}, indent=1) + "\n"
