"""Opens what is to be read: a plain file, a gzip file, or one member of a zip, always as a stream.

Archives are never unpacked to disk, so names such as ``../../x`` inside one are only ever text.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
EMPTY_ZIP_MAGIC = b"PK\x05\x06"

#: What a damaged or foreign archive raises while it is opened or read.
DAMAGE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError)

#: An archive member may be this many times larger than its packed form; real logs stay below 60.
MOST_EXPANSION = 500
_ALWAYS_ALLOWED = 64 << 20


@dataclass(frozen=True)
class Place:
    """Where a source lies: a file, and the member within it if the file is an archive."""

    path: Path
    container: str = ""
    """Empty for a plain file, else ``gzip`` or ``zip``."""
    member: str = ""
    number: int = 0
    """Position of the member in its archive, where a name may stand twice."""

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
        if not self.container:
            stream = self.path.open("rb")
            stream.seek(offset)
            return stream
        packed = _Packed(self)
        while offset and (skipped := packed.read(min(offset, 1 << 20))):
            offset -= len(skipped)
        return packed


class _Packed(io.RawIOBase, BinaryIO):
    """What is in a gzip file or in a member of a zip; refuses to grow without bound.

    It hands out what it has before it raises: of an archive that breaks off, everything before the break can be read.
    """

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._archive: zipfile.ZipFile | None = None
        if place.container == "gzip":
            packed = place.path.stat().st_size
            self._stream: Any = gzip.open(place.path, "rb")  # noqa: SIM115 - closed with this object
        else:
            self._archive = zipfile.ZipFile(place.path)
            info = self._archive.infolist()[place.number]
            packed = info.compress_size
            try:
                self._stream = self._archive.open(info)
            except BaseException:
                self._archive.close()
                raise
        self._left = max(packed * MOST_EXPANSION, _ALWAYS_ALLOWED)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not self._left and self._stream.read1(1):
            raise zipfile.BadZipFile(f"grows to more than {MOST_EXPANSION} times its packed size")
        data: bytes = self._stream.read1(min(size if size >= 0 else 1 << 20, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            if self._archive:
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
        names = Counter[str]()
        for number, info in enumerate(members):
            names[info.filename] += 1
            again = names[info.filename]
            place = Place(path, "zip", f"{info.filename}#{again}" if again > 1 else info.filename, number)
            if info.flag_bits & 1:
                yield place, "encrypted"
            elif not info.is_dir():
                yield place
    else:
        yield Place(path)
