"""Opens what is to be read: a plain file, a gzip file, or one member of a zip, always as a stream.

Archives are never unpacked to disk, so names such as ``../../x`` inside one are only ever text.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
EMPTY_ZIP_MAGIC = b"PK\x05\x06"

#: What a damaged or foreign archive raises while it is opened or read.
DAMAGE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError)

#: An archive member may be this many times larger than its packed form; real logs stay below 60.
MOST_EXPANSION = 500


@dataclass(frozen=True)
class Place:
    """Where a source lies: a file, and the member within it if the file is an archive."""

    path: Path
    container: str = ""
    """Empty for a plain file, else ``gzip`` or ``zip``."""
    member: str = ""

    @property
    def text(self) -> str:
        """What stands in ``source_file``: the absolute path, then ``!member``; bytes that are not UTF-8 as escapes."""
        name = f"{self.path}!{self.member}" if self.member else str(self.path)
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

    @property
    def divisible(self) -> bool:
        """Whether parts of it can be read on their own."""
        return not self.container

    def open(self, offset: int = 0) -> BinaryIO:
        """Open the bytes of the source from *offset* on; raises one of :data:`DAMAGE`."""
        if self.container == "gzip":
            stream = cast(BinaryIO, gzip.open(self.path, "rb"))
        elif self.container == "zip":
            stream = _Member(self.path, self.member)
        else:
            stream = self.path.open("rb")
        if offset and self.container == "zip":
            stream.read(offset)
        elif offset:
            stream.seek(offset)
        return stream


class _Member(io.RawIOBase, BinaryIO):  # type: ignore[misc] # typeshed gives RawIOBase and BinaryIO different read()
    """A member of a zip that closes its archive with itself and refuses to grow without bound."""

    def __init__(self, path: Path, member: str) -> None:
        super().__init__()
        self._archive = zipfile.ZipFile(path)
        info = self._archive.getinfo(member)
        self._left = max(info.compress_size * MOST_EXPANSION, 64 << 20)
        self._stream = self._archive.open(info)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise zipfile.BadZipFile(f"grows to more than {MOST_EXPANSION} times its packed size")
        return data

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._archive.close()
        super().close()


def places(path: Path) -> Iterator[Place | tuple[Place, str]]:
    """Yield every source in *path*; a member that cannot be opened comes with the reason."""
    with path.open("rb") as stream:
        magic = stream.read(4)
    if magic.startswith(GZIP_MAGIC):
        yield Place(path, "gzip")
    elif magic in (ZIP_MAGIC, EMPTY_ZIP_MAGIC):
        try:
            with zipfile.ZipFile(path) as archive:
                members = archive.infolist()
        except DAMAGE as error:
            yield Place(path), f"zip archive cannot be opened: {error}"
            return
        for info in members:
            place = Place(path, "zip", info.filename)
            if info.flag_bits & 1:
                yield place, "encrypted"
            elif not info.is_dir():
                yield place
    else:
        yield Place(path)
