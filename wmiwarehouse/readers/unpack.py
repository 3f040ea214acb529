"""Streams over what is packed: gzip, zstd, a part of a file, and a bound on how much may come out.

Each hands out what it has before it raises: of an archive that breaks off, everything before the break can be read.
"""

from __future__ import annotations

import io
import zlib
from typing import Any, BinaryIO

_BLOCK = 1 << 16


class PackedError(ValueError):
    """Something packed that is damaged, or that the limits do not allow; the text says what, and the way out."""


class _Stream(io.RawIOBase, BinaryIO):
    """A stream over another one, which it closes."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


class Part(_Stream):
    """*size* bytes of a file from *start* on."""

    def __init__(self, source: BinaryIO, start: int, size: int) -> None:
        super().__init__(source)
        self._start, self._size, self._at = start, size, 0

    def seekable(self) -> bool:
        """Say that it is."""
        return True

    def tell(self) -> int:
        """Return the position in this part."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position in this part."""
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence])
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return up to *size* bytes, nothing at the end."""
        left = max(0, self._size - self._at)
        self._source.seek(self._start + self._at)
        data = self._source.read(left if size < 0 else min(size, left))
        self._at += len(data)
        return data


class Gzip(_Stream):
    """The content of a gzip stream of any number of members.

    Python's own looks through the name in a header byte by byte, however long somebody made it.
    """

    def __init__(self, source: BinaryIO) -> None:
        super().__init__(source)
        self._inflate = zlib.decompressobj(wbits=31)
        self._packed = b""

    def read(self, size: int = -1) -> bytes:
        """Return up to *size* bytes, nothing at the end."""
        wanted = _BLOCK if size < 0 else size
        while wanted and (not self._inflate.eof or self._next_member()):
            is_end = not self._packed and not (packed := self._source.read(_BLOCK))
            if not self._packed and not is_end:
                self._packed = packed
            try:
                data = self._inflate.decompress(self._packed, wanted)
            except zlib.error as error:
                raise PackedError(f"damaged gzip: {error}") from None
            self._packed = self._inflate.unconsumed_tail
            if data:
                return data
            if is_end:
                raise EOFError("the gzip stream is cut off")
        return b""

    def _next_member(self) -> bool:
        """Begin the next member, if there is one; zeros behind the last are padding."""
        rest = self._inflate.unused_data.lstrip(b"\0")
        while not rest and (more := self._source.read(_BLOCK)):
            rest = more.lstrip(b"\0")
        if not rest:
            return False
        self._inflate, self._packed = zlib.decompressobj(wbits=31), rest
        return True


class Zstd(_Stream):
    """The content of a zstd stream of any number of frames."""

    def __init__(self, source: BinaryIO) -> None:
        import pyarrow as pa

        super().__init__(source)
        self._plain: Any = pa.CompressedInputStream(pa.PythonFile(source, mode="r"), "zstd")

    def read(self, size: int = -1) -> bytes:
        """Return up to *size* bytes, nothing at the end."""
        # In small pieces, because the piece that the damage is in is lost as a whole.
        data: bytes = self._plain.read(_BLOCK if size < 0 else min(size, _BLOCK))
        return data


class Bounded(_Stream):
    """Raises where *source* gives more than *most* bytes."""

    def __init__(self, source: BinaryIO, most: int, why: str) -> None:
        super().__init__(source)
        self._left, self._why = most, why

    def read(self, size: int = -1) -> bytes:
        """Return up to *size* bytes, nothing at the end."""
        if not self._left:
            if self._source.read(1):
                raise PackedError(self._why)
            return b""
        data = self._source.read(min(size if size >= 0 else _BLOCK, self._left))
        self._left -= len(data)
        return data


class Spent:
    """Counts how much was read from a stream that can only go forward, and goes forward in it."""

    def __init__(self, source: BinaryIO) -> None:
        self._source, self.at = source, 0
        self._broken: Exception | None = None

    def read(self, size: int) -> bytes:
        """Read *size* bytes unless the stream ends first, or breaks off: then what was read before it comes first."""
        pieces: list[bytes] = []
        if self._broken:
            raise self._broken
        while size:
            try:
                data = self._source.read(min(size, 1 << 20))
            except Exception as error:  # whatever it is, it is raised, now or with the next call
                if not pieces:
                    raise
                self._broken = error
                break
            if not data:
                break
            pieces.append(data)
            size -= len(data)
            self.at += len(data)
        return b"".join(pieces)

    def skip_to(self, position: int) -> bool:
        """Go forward to *position*; False if the stream ends before."""
        if self._source.seekable():
            self._source.seek(position - self.at, io.SEEK_CUR)
            self.at = position
        while self.at < position:
            if not self.read(min(position - self.at, 1 << 20)):
                return False
        return True
