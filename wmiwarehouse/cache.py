"""Keeps what takes long to work out and depends on the program and its SQL alone: compiled statements, bound views.

An ingest of a handful of logs spent more time on those than on the logs. They lie in the user's cache folder, or where
``WMIWH_CACHE`` says (empty: nowhere); nothing of any log is in them. All may be removed at any time. A file is known by
the hash of all that it was made of, has the hash of its content before it, and is only taken from a folder that nobody
else can write to, because its SQL is run: whatever is wrong with it, it is worked out again.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

VARIABLE = "WMIWH_CACHE"

_DIGEST = hashlib.sha256().digest_size
#: Files that are kept, the newest: some versions of the views, and each format.
_MOST_FILES = 64
#: What is ours in a folder in which there may be other files.
_SUFFIX = ".wmiwh"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def fetch(made_of: str) -> bytes | None:
    """Return what was kept for *made_of*, None if there is nothing that can be used."""
    folder = _folder()
    if folder is None or not _is_ours(folder):
        return None
    try:
        content = (folder / _name(made_of)).read_bytes()
    except OSError:
        return None
    digest, content = content[:_DIGEST], content[_DIGEST:]
    return content if hashlib.sha256(content).digest() == digest else None


def keep(made_of: str, content: bytes) -> None:
    """Keep *content* for *made_of*, where that can be done; the oldest files make room."""
    folder = _folder()
    if folder is None:
        return
    with suppress(OSError):
        folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        if not _is_ours(folder):
            return
        handle, aside = tempfile.mkstemp(dir=folder, suffix=_SUFFIX)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(hashlib.sha256(content).digest())
                stream.write(content)
            Path(aside).replace(folder / _name(made_of))
        except OSError:
            Path(aside).unlink(missing_ok=True)
            raise
        ours = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in ours[_MOST_FILES:]:
            path.unlink()


def _folder() -> Path | None:
    said = os.environ.get(VARIABLE)
    if said is not None:
        return Path(said) if said else None
    import platformdirs

    return Path(platformdirs.user_cache_dir("wmiwarehouse", appauthor=False))


def _is_ours(folder: Path) -> bool:
    if os.name == "nt":  # the cache folder lies in the user's own profile
        return True
    try:
        found = folder.stat()
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_WRITE


def _name(made_of: str) -> str:
    return hashlib.sha256(f"{_program()}\0{made_of}".encode()).hexdigest() + _SUFFIX


@cache
def _program() -> str:
    """Return what tells this program from another: versions, and the state of each of its modules."""
    package = Path(__file__).parent
    states = ((path, path.stat()) for path in sorted(package.rglob("*.py")))
    modules = [f"{path.relative_to(package)} {state.st_size} {state.st_mtime_ns}" for path, state in states]
    return "\0".join([*(version(name) for name in ("duckdb", "sqlglot")), *modules])
