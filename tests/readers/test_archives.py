"""Archives in archives: every log in them once, nothing outside the spool, and what cannot be read is named."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from wmiwarehouse.pipeline.surveyor import shapes
from wmiwarehouse.projection.compiler import Projection
from wmiwarehouse.readers import archives, containers, reading, zips
from wmiwarehouse.readers.containers import Place, unescaped
from wmiwarehouse.readers.evtx_values import ValueCheck
from wmiwarehouse.readers.model import Outcome, each
from wmiwarehouse.readers.recognise import Candidate, Skipped, recognise

SHAPES = shapes(Projection())
LINE = json.dumps({"EventTime": "2024-05-06 01:02:03", "Hostname": "WS01", "EventID": 1}).encode() + b"\n"


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def tarred(members: dict[str, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def zstd(data: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(data, asbytes=True)
    return packed


def records_of(one: Candidate) -> int:
    with one.place.open() as stream:
        survey = reading.survey(stream, one.layout, divisible=one.place.divisible)
    count, outcome = 0, Outcome()
    for part in survey.slices:
        with one.place.open(part.start) as stream:
            count += sum(1 for _ in each(reading.read(stream, part, outcome, one.layout, ValueCheck())))
    assert survey.problems + outcome.problems == []
    return count


@pytest.fixture
def look(tmp_path: Path) -> Callable[[bytes], dict[str, Any]]:
    """Returns what is in a file of some bytes: member to the count of its records, or to why it is not read."""

    def call(data: bytes) -> dict[str, Any]:
        path = tmp_path / "file"
        path.write_bytes(data)
        found: dict[str, Any] = {}
        for one in recognise(path, SHAPES, tmp_path / "spool"):
            name = one.place.member
            assert name not in found
            found[name] = one.reason if isinstance(one, Skipped) else records_of(one)
        return found

    return call


@pytest.fixture
def members(log: Any) -> dict[str, bytes]:
    return {
        "a/Security.evtx": bytes(log.data),
        "../../x.json": LINE * 3,
        "/etc/y.json": LINE,
        "long/" * 60 + "z": LINE,
        "readme.txt": b"hello\n",
        "empty": b"",
        "security.log": b"version https://git-lfs.github.com/spec/v1\noid sha256:51b50514a959\nsize 7323827\n",
    }


def wanted(log: Any, prefix: str = "") -> dict[str, Any]:
    no_log = "not an event log: neither EVTX nor JSON nor event XML"
    found = {
        "a/Security.evtx": len(log.texts), "../../x.json": 3, "/etc/y.json": 1, "long/" * 60 + "z": 1,
        "readme.txt": no_log, "empty": "empty",
        "security.log": "only a pointer to the file, which Git LFS keeps elsewhere: git lfs pull",
    }  # fmt: skip
    return {prefix + name: what for name, what in found.items()}


@pytest.mark.parametrize(
    "pack",
    [
        zipped,
        lambda m: zipped(m, zipfile.ZIP_STORED),
        lambda m: zipped(m, zipfile.ZIP_BZIP2),
        lambda m: zipped(m, zipfile.ZIP_LZMA),
        tarred,
        lambda m: tarred(m, tarfile.PAX_FORMAT),
        lambda m: gzip.compress(tarred(m)),
        lambda m: gzip.compress(tarred(m, tarfile.PAX_FORMAT)),
        lambda m: zstd(tarred(m)),
    ],
    ids=["zip", "stored", "bzip2", "lzma", "tar", "pax", "tar.gz", "pax.gz", "tar.zst"],
)
def test_every_member_once(look: Any, log: Any, members: dict[str, bytes], pack: Any, tmp_path: Path) -> None:
    assert look(pack(members)) == wanted(log)
    assert {path.name for path in tmp_path.iterdir()} <= {"file", "spool", "three.evtx"}


@pytest.mark.parametrize(
    "outer",
    [zipped, tarred, lambda m: gzip.compress(tarred(m)), lambda m: gzip.compress(zipped(m))],
    ids=["zip", "tar", "tar.gz", "zip.gz"],
)
def test_archives_in_archives(look: Any, log: Any, members: dict[str, bytes], outer: Any) -> None:
    inner = {
        "in.zip": zipped(members),
        "in.tgz": gzip.compress(tarred(members)),
        "in.tar": tarred(members),
        "x.json.gz": gzip.compress(LINE) + gzip.compress(LINE),
        "s.evtx.zst": zstd(bytes(log.data)),
    }
    expected = {"x.json.gz": 2, "s.evtx.zst": len(log.texts)}
    for name in ("in.zip", "in.tgz", "in.tar"):
        expected |= wanted(log, f"{name}!")
    assert look(outer(inner)) == expected


@pytest.mark.parametrize(
    ("data", "records"),
    [
        (gzip.compress(LINE) + gzip.compress(LINE * 2) + bytes(100), 3),
        (zstd(LINE) + zstd(LINE * 2), 3),
        (gzip.compress(gzip.compress(LINE)), 1),
        (gzip.compress(b"") + gzip.compress(LINE), 1),
    ],
    ids=["gzip members", "zstd frames", "gzip twice", "empty first"],
)
def test_packed_streams(look: Any, data: bytes, records: int) -> None:
    assert look(data) == {"": records}


def test_what_lies_too_deep(look: Any) -> None:
    data = zipped({"log": LINE})
    for number in range(5):
        data = zipped({f"{number}.zip": data})
    assert look(data) == {"4.zip!3.zip!2.zip": "an archive more than 3 deep in others: unpack it first"}


@pytest.mark.parametrize("magic", [b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07\x01", b"\xfd7zXZ\0", b"BZh9"])
def test_archives_that_are_not_read_are_named(look: Any, magic: bytes) -> None:
    assert "which is not read: unpack it first" in look(magic + b"x" * 600)[""]
    assert "which is not read: unpack it first" in look(zipped({"in": magic + b"x" * 600}))["in"]


def test_links_devices_and_pipes_in_a_tar(look: Any) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for number, kind in enumerate(
            (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
        ):
            info = tarfile.TarInfo(str(number))
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        info = tarfile.TarInfo("log")
        info.size = len(LINE)
        archive.addfile(info, io.BytesIO(LINE))
    found = look(stream.getvalue())
    assert found.pop("log") == 1
    assert [reason.split(",")[0] for reason in found.values()] == [
        "a link inside an archive", "a hard link inside an archive", "a device inside an archive",
        "a device inside an archive", "a pipe inside an archive",
    ]  # fmt: skip


# -- damage


def test_a_damaged_header_costs_its_member_of_a_tar(look: Any) -> None:
    data = bytearray(tarred({"a": LINE, "b": LINE, "c": LINE}))
    data[1024 + 10] ^= 0xFF
    found = look(bytes(data))
    assert (found["a"], found["c"]) == (1, 1)
    assert found[""] == "damaged tar archive: from byte 1,024 on members are not read, up to the next whole one"


def test_a_zeroed_header_is_not_taken_for_the_end_of_a_tar(look: Any) -> None:
    data = bytearray(tarred({"a": LINE, "b": LINE, "c": LINE}))
    data[1024:1536] = bytes(512)
    found = look(bytes(data))
    assert (found["a"], found["c"]) == (1, 1)
    assert "from byte 1,024 on" in found[""]


def test_a_tar_that_is_cut_off(look: Any) -> None:
    data = tarred({"a": LINE, "b": LINE * 100})
    found = look(data[:2000])
    assert found["a"] == 1
    assert "cut off at byte" in found[""]
    assert look(tarred({"a": LINE}) + tarred({"b": LINE})) == {"a": 1, "b": 1}


def test_a_compressed_tar_that_is_cut_off_gives_what_it_has(tmp_path: Path, log: Any) -> None:
    lines = b"".join(LINE[:-2] + b', "n": %d}\n' % (n * 7919 % 9973) for n in range(20_000))
    data = gzip.compress(tarred({"a.evtx": bytes(log.data), "b.json": lines}))[:-2000]
    path = tmp_path / "file"
    path.write_bytes(data)
    first, second, why = recognise(path, SHAPES)
    assert isinstance(first, Candidate)
    assert records_of(first) == len(log.texts)
    assert isinstance(second, Candidate)
    with second.place.open() as stream:
        assert stream.read(1 << 24).count(b"\n") > 15_000
    assert isinstance(why, Skipped)
    assert (why.reason, why.damaged) == ("damaged gzip archive: the gzip stream is cut off", True)


@pytest.mark.parametrize("cut", [1, 30, 60, 200])
def test_a_zip_without_its_list(look: Any, cut: int) -> None:
    (reason,) = look(zipped({"a": LINE, "b": LINE})[:-cut]).values()
    assert reason.startswith("damaged zip archive: the list of its members")
    assert "zip -FF" in reason


def test_a_zip_whose_list_is_damaged_in_the_middle_gives_what_is_before_it(look: Any) -> None:
    data = bytearray(zipped({"a": LINE, "b": LINE, "c": LINE}))
    at = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    data[at] ^= 0xFF
    found = look(bytes(data))
    assert "damaged at 2 of 3" in found[""]


def test_something_before_a_zip_in_a_tar_or_behind_one(look: Any) -> None:
    """A comment, bytes behind: the list is found all the same."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", LINE)
        archive.comment = b"PK\x05\x06 no end " * 100
    assert look(stream.getvalue()) == {"a": 1}
    assert look(stream.getvalue() + b"behind") == {"a": 1}


def test_a_zip64(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, archive.open("big", "w", force_zip64=True) as member:
        member.write(LINE)
    plain = bytearray(stream.getvalue())
    assert [m.name for m in zips.members(io.BytesIO(bytes(plain)))] == ["big"]
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w", zipfile.ZIP_STORED) as archive:
        for number in range(65_600):
            archive.writestr(zipfile.ZipInfo(str(number)), b"")
    names = [member.name for member in zips.members(many)]
    assert names == [str(number) for number in range(65_600)]


# -- limits


def test_members_that_overlap(look: Any) -> None:
    """A bomb of the kind that needs no nesting: many entries of the list share one body."""
    data = bytearray(zipped({"a": LINE * 50, "b": LINE}))
    first = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", first + 1)
    struct.pack_into("<L", data, second + 42, struct.unpack_from("<L", data, first + 42)[0])
    data[second + 16 : second + 28] = data[first + 16 : first + 28]
    found = look(bytes(data))
    assert all("inside another member, as in a zip bomb" in str(reason) for reason in found.values())


def test_a_member_of_zeros_is_looked_at_and_no_more(look: Any) -> None:
    found = look(zipped({"zeros": bytes(100_000_000), "log": LINE}))
    assert found == {"zeros": "not an event log: neither EVTX nor JSON nor event XML", "log": 1}


def test_a_compressed_tar_that_grows_without_bound(look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "ALWAYS_ALLOWED", 100_000)
    monkeypatch.setattr(containers, "MOST_EXPANSION", 20)
    found = look(gzip.compress(tarred({"log": LINE, "bomb": LINE * 100_000})))
    assert found["log"] == 1
    assert "grows to more than 20 times its packed size" in found[""]


def test_an_archive_with_too_many_members(look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
    for pack in (zipped, tarred, lambda m: gzip.compress(tarred(m))):
        found = look(pack({str(number): LINE for number in range(5)}))
        assert [found[str(number)] for number in range(3)] == [1, 1, 1]
        assert "more than 3 members" in found[""]


def test_a_disk_without_room(look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=5 << 20))
    found = look(gzip.compress(tarred({"log": LINE})))
    assert found == {"log": "no room to unpack it beside the warehouse (5 MiB free): unpack it elsewhere first"}


def test_only_what_may_be_a_log_stays_in_the_spool(look: Any, tmp_path: Path, log: Any) -> None:
    noise = {str(number): os.urandom(300_000) for number in range(5)}
    look(gzip.compress(tarred(noise | {"log": LINE, "text": b"hello " * 100_000, "s.evtx": bytes(log.data)})))
    assert sum(path.stat().st_size for path in (tmp_path / "spool").iterdir()) == len(LINE) + len(log.data)


def test_a_tar_header_that_promises_a_name_of_gigabytes(look: Any) -> None:
    info = tarfile.TarInfo("@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    found = look(tarred({"log": LINE})[:1024] + info.tobuf(tarfile.GNU_FORMAT) + bytes(100_000))
    assert found["log"] == 1
    assert "a name of 8,589,934,592 bytes" in found[""]


# -- names


def test_names_are_listed_so_that_no_two_look_alike() -> None:
    pieces = ["\\", "\n", "x", "0a", "\x85", "\udc85", "u0085", "\u202e", "\0", '"']
    seen: dict[str, str] = {}
    for chosen in itertools.product(pieces, repeat=4):
        name = "".join(chosen)
        text = Place(Path("a"), name).text.partition("!")[2]
        assert text.isprintable()
        assert seen.setdefault(text, name) == name
        assert unescaped(text) == name
    assert len(seen) > 5_000


def test_hostile_names_in_archives(look: Any, tmp_path: Path) -> None:
    names = ["a\nb", 'quo"te', "bell\x07", "C:\\x86\\log", "\u202egpj.exe", "sp ace ", "semi;colon", "!", "a!b"]
    for pack in (zipped, tarred, lambda m: tarred(m, tarfile.PAX_FORMAT)):
        assert look(pack(dict.fromkeys(names, LINE))) == dict.fromkeys(names, 1)
        texts = [one.place.text for one in recognise(tmp_path / "file", SHAPES)]
        assert len(set(texts)) == len(names)
        assert all(text.isprintable() for text in texts)


def test_names_that_are_no_text(look: Any) -> None:
    data = zipped({"caf\u00e9": LINE}).replace("caf\u00e9".encode(), b"caf\xff\xfe")
    assert look(data) == {"caf\udcff\udcfe": 1}
    assert look(tarred({os.fsdecode(b"caf\xff"): LINE})) == {"caf\udcff": 1}
