"""Lists what lies in a file: itself, or the members of an archive, to some depth, each as a place that can be opened.

A zip and a plain tar are read where they lie. What can only be read forward (a compressed tar), or must be searched
but lies inside something else (a zip in a zip), would have to be unpacked anew for each member; so of it what may be a
log is laid into a *spool*, a file beside the warehouse, which is removed with the batch.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from wmiwarehouse.readers import containers, tars, zips
from wmiwarehouse.readers.containers import DAMAGE, PackedError, Place, Step
from wmiwarehouse.readers.unpack import Spent

#: Archives inside archives inside an archive: collections of collections are that deep, bombs are deeper.
DEEPEST = 3
#: A triage collection has some ten thousand files; a list of more than this is there to exhaust somebody.
MOST_MEMBERS = 500_000
#: What must stay free where the spool is.
LEFT_FREE = 1 << 30

_HEAD = 1 << 16
_BLOCK = 1 << 20
_LOOK_EVERY = 64 << 20


@dataclass(frozen=True)
class Unread:
    """A member, or the rest of an archive, that is not read, and why."""

    place: Place
    reason: str
    damaged: bool = True


class _TooManyError(Exception):
    """The archive has more members than anybody will look at."""


class Archive:
    """What lies in the file at *path*.

    *may_be_log* judges by its first bytes whether something is worth laying into a spool, in the folder *spool*.
    """

    def __init__(self, path: Path, may_be_log: Callable[[bytes, str], bool], spool: Path | None = None) -> None:
        self._path, self._may_be_log = path, may_be_log
        self._spool = _Spool(spool)
        self._members = 0
        self._kept = 0

    def keep(self) -> None:
        """Say that the place that came last is a source: it must stay where it is."""
        self._kept += 1

    def places(self) -> Iterator[Place | Unread]:
        """Yield everything in the file; raises ``OSError`` if the file itself cannot be opened."""
        try:
            yield from self._inside(Place(self._path), 0)
        except _TooManyError:
            why = f"more than {MOST_MEMBERS:,} members: those behind are not read; unpack it first"
            yield Unread(Place(self._path), why)

    def _inside(self, place: Place, level: int) -> Iterator[Place | Unread]:
        try:
            with place.open() as stream:
                head = Spent(stream).read(tars.BLOCK)
        except DAMAGE as error:
            if not level:
                raise
            yield Unread(place, f"cannot be read: {_cause(error)}")
            return
        kind = containers.kind_of(head)
        if kind is None:
            name = containers.foreign(head)
            yield Unread(place, f"packed as {name}, which is not read: unpack it first") if name else place
        elif level == DEEPEST:
            yield Unread(place, f"an archive more than {DEEPEST} deep in others: unpack it first")
        else:
            read = {"zip": self._in_zip, "tar": self._in_tar}.get(kind)
            try:
                yield from read(place, level) if read else self._in_stream(place, Step(kind), level)  # type: ignore[arg-type]
            except DAMAGE as error:
                yield Unread(place, f"damaged {kind} archive: {_cause(error)}")

    def _in_stream(self, place: Place, step: Step, level: int) -> Iterator[Place | Unread]:
        packed = place.steps[-1].size if place.steps and place.steps[-1].size else self._path.stat().st_size
        inner = replace(place, steps=(*place.steps, step), most=place.most or containers.allowed(packed))
        try:
            with inner.open() as stream:
                is_tar = tars.is_tar(Spent(stream).read(tars.BLOCK))
        except DAMAGE as error:
            yield Unread(place, f"damaged {step.kind} archive: {_cause(error)}")
            return
        if is_tar:
            yield from self._in_tar(inner, level)
        else:
            yield from self._inside(inner, level + 1)

    # -- tar

    def _in_tar(self, place: Place, level: int) -> Iterator[Place | Unread]:
        names = Counter[str]()
        with place.open() as source:
            stream = Spent(source)
            for member in tars.members(stream):
                if not member.name:
                    yield Unread(place, f"damaged tar archive: {member.reason}")
                    continue
                child = replace(place, member=_join(place.member, self._counted(names, member.name)))
                if member.reason:
                    yield Unread(child, member.reason, member.is_damage)
                elif place.divisible:
                    child = replace(child, steps=(*place.steps, Step("part", member.start, member.size)))
                    yield from self._inside(child, level + 1)
                else:
                    yield from self._spooled(child, stream, member, level)

    def _spooled(self, child: Place, stream: Spent, member: tars.TarMember, level: int) -> Iterator[Place | Unread]:
        """Lay the member at which *stream* stands into the spool, and look what it is; keep it if it is a source."""
        kept, start, broken = self._kept, self._spool.size, None
        try:
            head = stream.read(min(member.size, _HEAD))
            self._spool.add(head)
            if self._may_be_log(head, member.name) or containers.kind_of(head):
                while data := stream.read(min(_BLOCK, member.start + member.size - stream.at)):
                    self._spool.add(data)
        except _NoRoomError as error:
            self._spool.cut(start)
            yield Unread(child, str(error))
            return
        except DAMAGE as error:
            broken = error  # what came before it counts
        if self._spool.size > start or not broken:
            yield from self._inside(self._laid(child, start), level + 1)
        if self._kept == kept:
            self._spool.cut(start)
        if broken:
            raise broken

    def _laid(self, place: Place, start: int) -> Place:
        """Return *place* as it lies in the spool from *start* on."""
        return replace(
            place, steps=(Step("part", start, self._spool.size - start),), spool=self._spool.path, most=place.most
        )

    # -- zip

    def _in_zip(self, place: Place, level: int) -> Iterator[Place | Unread]:
        if place.divisible:
            yield from self._members_of_zip(place, level)
            return
        kept, start = self._kept, self._spool.size
        try:
            with place.open() as stream:
                while data := stream.read(_BLOCK):
                    self._spool.add(data)
            yield from self._members_of_zip(self._laid(place, start), level)
        finally:
            if self._kept == kept:
                self._spool.cut(start)

    def _members_of_zip(self, place: Place, level: int) -> Iterator[Place | Unread]:
        with place.open() as stream:
            places = array("Q")
            for member in itertools.islice(zips.members(stream), MOST_MEMBERS + 1):
                places.extend((member.start, member.packed))
        overlapping = zips.overlapping(places)
        names = Counter[str]()
        with place.open() as stream:
            for member in zips.members(stream):
                name = self._counted(names, member.name)
                child = replace(place, member=_join(place.member, name))
                if member.start in overlapping:
                    yield Unread(child, "it lies inside another member, as in a zip bomb")
                elif member.is_encrypted:
                    yield Unread(child, "encrypted: unpack it first")
                elif not member.name.endswith("/"):
                    step = Step("zip", member.start, member.packed, member.method, member.crc)
                    most = place.most or containers.allowed(member.packed)
                    yield from self._inside(replace(child, steps=(*place.steps, step), most=most), level + 1)

    def _counted(self, names: Counter[str], name: str) -> str:
        """Return *name*, numbered where it stands more than once in its archive."""
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise _TooManyError
        names[name] += 1
        return f"{name}#{names[name]}" if names[name] > 1 else name


def _join(outer: str, name: str) -> str:
    return f"{outer}!{name}" if outer else name


def _cause(error: BaseException) -> str:
    """Return what happened in words; an ``OSError`` names the file, which stands there already."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


class _NoRoomError(PackedError):
    """The disk is too full to unpack anything more."""


class _Spool:
    """One file that grows, and that places point into; made when something is laid into it."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.path: Path | None = None
        self.size = 0
        self._looked = -_LOOK_EVERY

    def add(self, data: bytes) -> None:
        """Append *data*; raises :class:`PackedError` where the disk would become too full."""
        folder = self._folder or _own_folder()
        if self.path is None:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix="spool-", delete=False) as made:
                self.path = Path(made.name)
        if self.size - self._looked >= _LOOK_EVERY:
            free = shutil.disk_usage(folder).free
            if free < LEFT_FREE + _LOOK_EVERY:
                why = f"no room to unpack it beside the warehouse ({free >> 20:,} MiB free): unpack it elsewhere first"
                raise _NoRoomError(why)
            self._looked = self.size
        try:
            with self.path.open("ab") as stream:
                stream.write(data)
        except OSError as error:
            raise _NoRoomError(f"cannot be unpacked beside the warehouse: {error.strerror}") from None
        self.size += len(data)

    def cut(self, size: int) -> None:
        """Let go of everything from *size* on."""
        if self.path is not None and self.size > size:
            with self.path.open("r+b") as stream:
                stream.truncate(size)
            self.size = size
            self._looked = min(self._looked, size)


@cache
def _own_folder() -> Path:
    """Return a folder for callers that name none; it goes with the process."""
    folder = tempfile.TemporaryDirectory(prefix="wmiwh-")
    _kept_folders.append(folder)
    return Path(folder.name)


_kept_folders: list[tempfile.TemporaryDirectory[str]] = []
