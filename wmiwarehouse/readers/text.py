"""Hands out the text of a stream in blocks, whatever its encoding, and keeps count of the lines."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from wmiwarehouse.readers.containers import DAMAGE
from wmiwarehouse.readers.model import Outcome, Problem

_BLOCK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def encoding_of(head: bytes) -> str:
    """Return the encoding of text that begins with *head*: by its mark, else by where its zero bytes are."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    sample = head[: min(len(head), 256) & ~1]
    for encoding, zeros, others in (("utf-16-le", sample[1::2], sample[::2]), ("utf-16-be", sample[::2], sample[1::2])):
        if len(sample) >= 4 and zeros.count(0) > len(zeros) * 0.9 and not others.count(0):
            return encoding
    return "utf-8"


def decoded(head: bytes, encoding: str) -> str:
    """Return *head*, which may end inside a character, as text without its mark."""
    return head.decode(encoding, "replace").removeprefix("\ufeff")


class Text:
    """The text of a stream that somebody takes from its front; bytes that are none are replaced, and named."""

    def __init__(self, stream: BinaryIO, encoding: str, outcome: Outcome, most: int | None = None) -> None:
        self._left = most
        """How many bytes may be read; what is behind them counts as not there."""
        self._stream, self._encoding, self._outcome = stream, encoding, outcome
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._broken: Exception | None = None
        self._is_new = True
        self.held = ""
        self.line = 1
        """Line of the first character that is held."""
        self.ended = False

    def more(self, wanted: int = 1) -> bool:
        """Hold a block more, or as many as make about *wanted* characters; False at the end."""
        pieces: list[str] = []
        if self._broken:
            raise self._broken
        while wanted > 0 and not self.ended:
            try:
                data = self._stream.read(_BLOCK if self._left is None else min(_BLOCK, self._left))
            except DAMAGE as error:
                if not pieces:
                    raise
                self._broken = error  # what came before it counts
                break
            self._left = None if self._left is None else self._left - len(data)
            self.ended = not data
            piece = self._decode(data)
            if self._is_new and piece:
                piece, self._is_new = piece.removeprefix("\ufeff"), False
            pieces.append(piece)
            wanted -= len(piece)
        if any(pieces):
            self.held += "".join(pieces)
            return True
        return False

    def drop(self, count: int) -> None:
        """Let go of the first *count* characters."""
        self.line += self.held.count("\n", 0, count)
        self.held = self.held[count:]

    def line_at(self, position: int) -> int:
        """Return the line of the character at *position* of what is held."""
        return self.line + self.held.count("\n", 0, position)

    def _decode(self, data: bytes) -> str:
        state = self._decoder.getstate()
        try:
            return self._decoder.decode(data, not data)
        except UnicodeDecodeError as error:
            line = self.line + self.held.count("\n") + bytes(error.object[: error.start]).count(b"\n")
            name = self._encoding.upper()
            self._outcome.problems.append(
                Problem(f"line {line}", f"not valid {name}: kept with the bad bytes replaced")
            )
            patient = codecs.getincrementaldecoder(self._encoding)("replace")
            patient.setstate(state)
            text = patient.decode(data, not data)
            self._decoder.setstate(patient.getstate())
            return text
