"""What a batch says of its own files: ``batch.json``, written last of all before the batch becomes visible.

It lists every other file of the batch with SHA-256, size and rows, and the batches that this one replaces. One file
and not two, so that there is nothing that could be lost or swapped between them; it carries a hash of itself. The list
finds damage, lost and added files; somebody who rewrites the list too is not found by it (keep the line that
``wmiwh verify`` prints somewhere else for that).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.lake import tables

NAME = "batch.json"
_LAYOUT = 1
_CHUNK = 1 << 20


class ManifestError(WmiwhError):
    """A ``batch.json`` that cannot be relied on."""


@dataclass(frozen=True)
class LakeFile:
    """A file as it was committed."""

    sha256: str
    size: int
    rows: int


@dataclass(frozen=True)
class Manifest:
    """The content of ``batch.json``; paths are relative to the batch, with slashes."""

    committed_at: datetime
    files: Mapping[str, LakeFile]
    replaces: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: Path, replaces: Iterable[str] = (), known: Mapping[str, LakeFile] | None = None) -> Manifest:
        """List *folder*; files in *known* were linked from a batch that has their hash already.

        Those keep the hash that they were committed with: a bit that changed since must not become the truth.
        """
        files = dict(known or {})
        for name, path in _files(folder):
            if name not in files:
                files[name] = LakeFile(sha256(path), path.stat().st_size, _rows(path))
        return cls(datetime.now(UTC), files, tuple(sorted(set(replaces))))

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """Return the manifest of the batch in *folder*, None for one of an older version, which has none."""
        path = folder / NAME
        try:
            text = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            if tables.is_listed(folder / "sources.parquet"):
                raise ManifestError(f"batch {folder.name} has lost its {NAME}") from None
            return None
        except OSError as error:
            raise ManifestError(f"{path} cannot be read: {error.strerror or error}") from None
        try:
            found = json.loads(text)
            if found.pop("sha256") != _digest(found):
                raise ValueError("its own hash does not fit")
            files = {name: LakeFile(**facts) for name, facts in found["files"].items()}
            return cls(datetime.fromisoformat(found["committed_at"]), files, tuple(found["replaces"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ManifestError(f"{NAME} of batch {folder.name} was changed: {error}") from None

    def write(self, folder: Path) -> None:
        """Write it as the last file of the batch in *folder*."""
        content = self._content
        text = json.dumps(content | {"sha256": _digest(content)}, indent=1, sort_keys=True) + "\n"
        (folder / NAME).write_text(text, encoding="utf-8", newline="\n")

    @property
    def digest(self) -> str:
        """The hash that stands for the batch and all its files."""
        return _digest(self._content)

    @cached_property
    def _content(self) -> dict[str, Any]:
        return {
            "layout": _LAYOUT,
            "committed_at": self.committed_at.isoformat(),
            "replaces": list(self.replaces),
            "files": {name: asdict(file) for name, file in sorted(self.files.items())},
        }

    def differences(self, folder: Path, on_bytes: Callable[[int], None] = lambda _: None) -> Iterator[tuple[str, ...]]:
        """Yield (finding, file, detail) for every file of the batch in *folder* that is not as it was committed."""
        found = dict(_files(folder))
        by_hash = {file.sha256: name for name, file in self.files.items()}
        for name, listed in sorted(self.files.items()):
            if name not in found:
                yield "missing", name, f"{listed.size:,} bytes, {listed.rows:,} rows"
                continue
            try:
                size, digest = found[name].stat().st_size, sha256(found[name], on_bytes)
            except OSError as error:
                yield "unreadable", name, str(error.strerror or error)
                continue
            if digest != listed.sha256:
                if digest in by_hash:
                    why = f"has the content of {by_hash[digest]}"
                elif size != listed.size:
                    why = f"{size:,} bytes, not {listed.size:,}"
                else:
                    why = f"SHA-256 {digest}, not {listed.sha256}"
                yield "changed", name, why
        for name in sorted(found.keys() - self.files.keys()):
            yield "unknown", name, "was not committed with this batch"


@dataclass(frozen=True)
class Listing:
    """The entries of the lake's folder as they were at one moment."""

    entries: tuple[Path, ...] = ()
    manifests: Mapping[str, Manifest] = field(default_factory=dict)
    broken: Mapping[str, ManifestError] = field(default_factory=dict)

    @cached_property
    def replaced(self) -> frozenset[str]:
        """Ids of the batches that another replaces, whether their folders are still there or not."""
        return frozenset(one for manifest in self.manifests.values() for one in manifest.replaces)

    def visible(self) -> list[Path]:
        """Return the entries that are not replaced; raises :class:`ManifestError` where that cannot be told."""
        for name, error in self.broken.items():
            if name not in self.replaced:
                raise ManifestError(f"{error}; see: wmiwh verify")
        return [entry for entry in self.entries if entry.name not in self.replaced]


def list_lake(lake: Path) -> Listing:
    """Look through *lake*; what is committed or removed meanwhile is seen whole or not at all."""
    while True:
        entries = _entries(lake)
        manifests, broken = {}, {}
        for entry in entries:
            try:
                if (manifest := Manifest.read(entry)) is not None:
                    manifests[entry.name] = manifest
            except ManifestError as error:
                broken[entry.name] = error
        # A folder is not read in one step: one batch may have come and another gone while it was.
        if _entries(lake) == entries:
            return Listing(entries, manifests, broken)


def sha256(path: Path, on_bytes: Callable[[int], None] = lambda _: None) -> str:
    """Return the SHA-256 of *path*; *on_bytes* is told how much was read."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            on_bytes(len(chunk))
    return digest.hexdigest()


def _entries(lake: Path) -> tuple[Path, ...]:
    return tuple(sorted(lake.iterdir())) if lake.is_dir() else ()


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name != NAME and (path.is_symlink() or not path.is_dir()):
            yield name, path


def _rows(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows) if path.suffix == ".parquet" else 0


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
