"""Ways to damage bytes at random, each telling which bytes it touched."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Damaged:
    """What became of a file's bytes; *touched* are the ranges of the original that are not there as they were."""

    data: bytearray
    what: str
    touched: list[tuple[int, int]] = field(default_factory=list)
    keeps_places: bool = True
    """Whether what is untouched still stands where it stood."""
    is_cut: bool = False

    def spares(self, start: int, end: int) -> bool:
        """Whether the bytes from *start* to *end* are as they were."""
        return all(end <= first or last <= start for first, last in self.touched)


def flipped(data: bytes, chance: random.Random) -> Damaged:
    """One bit, or a few near each other."""
    out, touched = bytearray(data), []
    at = chance.randrange(len(data))
    for _ in range(chance.choice((1, 1, 2, 8))):
        position = min(len(data) - 1, at + chance.randrange(300))
        out[position] ^= 1 << chance.randrange(8)
        touched.append((position, position + 1))
    return Damaged(out, f"bits flipped at {sorted(touched)[0][0]}", touched)


def overwritten(data: bytes, chance: random.Random) -> Damaged:
    """A run of random bytes."""
    start, end = _range(data, chance, 200)
    return Damaged(
        bytearray(data[:start] + chance.randbytes(end - start) + data[end:]), f"noise at {start}", [(start, end)]
    )


def zeroed(data: bytes, chance: random.Random) -> Damaged:
    """A block of zeros, often of a disk's block size."""
    start, end = _range(data, chance, chance.choice((8, 512, 4096, 20_000)))
    return Damaged(bytearray(data[:start] + bytes(end - start) + data[end:]), f"zeros at {start}", [(start, end)])


def copied(data: bytes, chance: random.Random) -> Damaged:
    """A block that stands in another's place."""
    start, end = _range(data, chance, chance.choice((64, 512, 4096, 65_536)))
    source = chance.randrange(len(data) - (end - start) + 1)
    block = data[source : source + end - start]
    return Damaged(bytearray(data[:start] + block + data[end:]), f"{source} copied to {start}", [(start, end)])


def cut(data: bytes, chance: random.Random) -> Damaged:
    """The end is missing."""
    length = chance.randrange(len(data))
    return Damaged(bytearray(data[:length]), f"cut at {length}", [(length, len(data))], is_cut=True)


def removed(data: bytes, chance: random.Random) -> Damaged:
    """A block is missing in the middle, and what follows has moved up."""
    start, end = _range(data, chance, chance.choice((1, 64, 4096)))
    return Damaged(bytearray(data[:start] + data[end:]), f"{start} to {end} removed", [(start, end)], False)


def spliced(data: bytes, other: bytes, chance: random.Random) -> Damaged:
    """The beginning of one file and the end of another."""
    at = chance.randrange(len(data))
    start = chance.randrange(len(other)) if chance.random() < 0.5 else min(at, len(other))
    return Damaged(bytearray(data[:at] + other[start:]), f"spliced at {at}", [(at, len(data))], is_cut=True)


IN_PLACE: tuple[Callable[[bytes, random.Random], Damaged], ...] = (flipped, overwritten, zeroed, copied)
ALL = (*IN_PLACE, cut, removed)


def _range(data: bytes, chance: random.Random, most: int) -> tuple[int, int]:
    start = chance.randrange(len(data))
    return start, min(len(data), start + chance.randint(1, most))
