"""What a warehouse asks of its disk: that what is visible survives a power cut, and why it cannot be written."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from wmiwarehouse.errors import WmiwhError

_READ_ONLY = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
#: What file systems say that cannot flush a folder, or whose folder may be entered and not listed.
_NO_FLUSH = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM)
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)
_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)
#: How DuckDB says that it had no room for what does not fit into memory; its words are about a setting.
_NO_SPILL = "failed to offload data block"


def publish(staged: Path, target: Path) -> None:
    """Make *staged*, a folder with everything in it, visible as *target* in one step that a power cut cannot halve.

    Its files become read-only before, not after: a process that is killed in between leaves none that can be changed.
    Only files: an ordinary user cannot rename a folder that is read-only.
    """
    for path in sorted(staged.rglob("*")):
        # One that is read-only already is a link to a file of another batch, which was flushed with that.
        if path.is_file() and path.stat().st_mode & stat.S_IWUSR:
            with path.open("r+b") as stream:
                path.chmod(_READ_ONLY)
                os.fsync(stream.fileno())
    for path in [*(path for path in staged.rglob("*") if path.is_dir()), staged]:
        sync_folder(path)
    staged.rename(target)
    sync_folder(target.parent)


def replace(aside: Path, target: Path) -> None:
    """Put the finished file *aside* in the place of *target*: after a power cut there is the one or the other."""
    with aside.open("r+b") as stream:
        os.fsync(stream.fileno())
    aside.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Force the names in *folder* onto the disk, where that can be done."""
    if os.name == "nt":
        return  # Windows has no handle for a folder to flush
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NO_FLUSH:
            raise


def remove(folder: Path) -> None:
    """Remove *folder* with all that is in it, as far as possible; what stays goes with the next ingest."""
    if os.name == "nt":  # where a read-only file cannot be removed
        for path in folder.rglob("*"):
            with suppress(OSError):
                path.chmod(stat.S_IREAD | stat.S_IWRITE)
    shutil.rmtree(folder, ignore_errors=True)


def failures() -> tuple[type[Exception], ...]:
    """Return what writing fails with. To ``except`` it costs nothing until something failed."""
    import duckdb

    return OSError, duckdb.Error


def why(error: Exception) -> str | None:
    """Return in plain words why the disk would not take something; None if *error* is about something else."""
    text = str(error)
    if _NO_SPILL in text:
        return f"{os.strerror(errno.ENOSPC)} for what does not fit into memory"
    code = error.errno if isinstance(error, OSError) else None
    return next((os.strerror(one) for one in (*_FULL, *_REFUSED) if one == code or os.strerror(one) in text), None)


def cannot_write(root: Path, reason: str) -> WmiwhError:
    """Return the error of an ingest into the warehouse at *root* that *reason* ended."""
    full = any(os.strerror(code) in reason for code in _FULL)
    way_out = f". Free some space, then run it again: wmiwh ingest PATH... -w {shlex.quote(str(root))}" if full else ""
    return WmiwhError(f"{root} cannot be written: {reason}; nothing of this batch was committed{way_out}")
