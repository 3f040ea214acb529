"""Times without a zone: what the user says goes before what the records tell, and what nobody tells is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.pipeline.clock import Zone

Lake = Any
Put = Callable[..., Path]

SYSMON = {
    "SourceName": "Microsoft-Windows-Sysmon",
    "Channel": "Microsoft-Windows-Sysmon/Operational",
    "EventID": 5,
    "UtcTime": "2024-05-06 12:00:00.250",
}


@pytest.fixture
def put(tmp_path: Path, line: dict[str, Any]) -> Put:
    """Writes lines of NXLog, each given by what is special about it; None takes a field away."""

    def write(*lines: dict[str, Any], name: str = "log.json") -> Path:
        path = tmp_path / name
        records = [line | {"RecordNumber": number} | one for number, one in enumerate(lines, 1)]
        texts = [json.dumps({k: v for k, v in record.items() if v is not None}) for record in records]
        path.write_text("\n".join(texts), encoding="utf-8")
        return path

    return write


BARE = {"EventReceivedTime": None, "@timestamp": None}


def times(lake: Lake) -> list[tuple[str, str]]:
    found = lake.rows("select event_time, time_source from events order by record_id")
    return [(str(row["event_time"])[:16], row["time_source"]) for row in found]


@pytest.mark.parametrize(
    ("zone", "summer", "winter"),
    [
        ("Europe/Berlin", "2024-05-06 06:00", "2024-01-06 07:00"),
        ("america/new_york", "2024-05-06 12:00", "2024-01-06 13:00"),
        ("+05:45", "2024-05-06 02:15", "2024-01-06 02:15"),
        ("-0400", "2024-05-06 12:00", "2024-01-06 12:00"),
        ("UTC", "2024-05-06 08:00", "2024-01-06 08:00"),
    ],
)
def test_a_forced_zone(lake: Lake, put: Put, zone: str, summer: str, winter: str) -> None:
    log = put(BARE, BARE | {"EventTime": "2024-01-06 08:00:00"}, BARE | {"Hostname": None})
    summary = lake.ingest(log, assume_tz=zone)
    assert [why.partition(":")[0] for _, _, why, _ in summary.problems] == ["1 record has no host"]
    assert times(lake) == [(summer, "forced_zone"), (winter, "forced_zone"), (summer, "forced_zone")]


def test_a_forced_zone_goes_before_evidence_and_leaves_times_with_a_zone(lake: Lake, put: Put) -> None:
    """A Sysmon event in such an export has its own time in UTC; a zone that is written needs none said."""
    log = put({}, SYSMON, {"EventTime": "2024-05-06T08:00:00+02:00"})
    lake.ingest(log, assume_tz="Asia/Tokyo")
    assert times(lake) == [
        ("2024-05-05 23:00", "forced_zone"),
        ("2024-05-06 12:00", "utc_time"),
        ("2024-05-06 06:00", "logged"),
    ]


def test_sysmons_own_time_may_have_been_given_a_zone(lake: Lake, put: Put) -> None:
    """Some configurations rewrite it as they do EventTime: what it says is the host's offset, too."""
    sysmon = SYSMON | BARE | {"EventTime": "2024-05-06T08:00:00", "UtcTime": "2024-05-06T08:00:00-04:00"}
    assert lake.ingest(put(sysmon, BARE | {"EventTime": "2024-05-06 09:30:00"})).exit_code == 0
    assert times(lake) == [("2024-05-06 12:00", "utc_time"), ("2024-05-06 13:30", "inferred_offset")]


def test_the_collectors_clock_may_name_its_offset(lake: Lake, put: Put) -> None:
    assert lake.ingest(put(BARE | {"EventReceivedTime": "2024-05-06T08:00:02-04:00"})).exit_code == 0
    assert times(lake) == [("2024-05-06 12:00", "inferred_offset")]


def test_a_collector_that_writes_utc_says_nothing_about_the_host(lake: Lake, put: Put) -> None:
    lake.ingest(put({"EventReceivedTime": "2024-05-06T12:00:02Z"}))
    assert times(lake) == [("2024-05-06 08:00", "assumed")]


@pytest.mark.parametrize("time", ["1714996800", 1714996800, 1714996800000, "1714996800000000"])
def test_a_time_as_a_number_is_utc(lake: Lake, put: Put, time: Any) -> None:
    assert lake.ingest(put({"EventTime": time}), assume_tz="Asia/Tokyo").exit_code == 0
    assert times(lake) == [("2024-05-06 12:00", "logged")]


def test_an_assumed_zone_is_named_and_a_second_look_corrects_it(lake: Lake, put: Put) -> None:
    log = put(BARE, BARE | {"Hostname": "WS02"}, {"Hostname": "WS03"})
    summary = lake.ingest(log)
    assert summary.exit_code == ExitCode.DAMAGED
    (problem,) = summary.problems
    assert problem[2:] == (
        "2 records (ws01, ws02) have a local time and nothing that tells its zone: taken as UTC."
        " To name it: wmiwh ingest --again --assume-tz ZONE FILE",
        0,
    )
    assert times(lake)[0] == ("2024-05-06 08:00", "assumed")
    again = lake.ingest(log, again=True, assume_tz="Europe/Berlin")
    assert (again.exit_code, again.again) == (0, 1)
    assert times(lake) == [("2024-05-06 06:00", "forced_zone")] * 3
    assert lake.rows("select * from lake_problems") == []


def test_many_hosts_without_a_zone_are_counted_and_some_named(lake: Lake, put: Put) -> None:
    lake.ingest(put(*(BARE | {"Hostname": f"WS{number:02}"} for number in range(9))))
    (problem,) = lake.rows("select reason from lake_problems")
    assert "9 records (ws00, ws01, ws02, ws03, ws04 and 4 more hosts) have" in problem["reason"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Berlin", "did you mean Europe/Berlin?"),
        ("Europe/Berln", "did you mean Europe/Berlin?"),
        ("BST", "such as Europe/Berlin"),
        ("+25:00", "such as +02:00"),
        ("-04:60", "such as +02:00"),
        ("", "such as +02:00"),
        ("'; drop table x; --", "such as +02:00"),
    ],
)
def test_a_zone_that_is_none(lake: Lake, put: Put, text: str, meant: str) -> None:
    with pytest.raises(WmiwhError, match="is no time zone") as caught:
        lake.ingest(put({}), assume_tz=text)
    assert caught.value.code == ExitCode.USAGE
    assert meant in str(caught.value)


def test_offsets_of_any_spelling() -> None:
    assert {Zone.of(text) for text in ("+2", "+02", "+02:00", "+0200", "UTC+2", "gmt+02:00")} == {Zone(None, 7200)}


@pytest.mark.parametrize("time", ["0001-01-01 00:00:00", "9999-12-31 23:59:59", "290000-01-01 00:00:00", "infinity"])
def test_no_time_stops_a_forced_zone(lake: Lake, put: Put, time: str) -> None:
    assert lake.ingest(put({}, {"EventTime": time}), assume_tz="Europe/Berlin").records == 2
    assert times(lake)[0] == ("2024-05-06 06:00", "forced_zone")


def test_an_hour_that_is_there_twice_or_never(lake: Lake, put: Put) -> None:
    lake.ingest(
        put({"EventTime": "2024-10-27 02:30:00"}, {"EventTime": "2024-03-31 02:30:00"}), assume_tz="Europe/Berlin"
    )
    assert [time for time, _ in times(lake)] == ["2024-10-27 01:30", "2024-03-31 01:30"]


# -- times that cannot be


def test_odd_times_are_kept_and_named_once(lake: Lake, put: Put) -> None:
    """A wrong clock is no damage: the records are whole."""
    log = put(
        {},
        {"EventTime": "1601-01-01 00:00:00"},
        {"EventTime": "1989-12-31 12:00:00"},
        {"EventTime": "2087-05-06 08:00:00"},
    )
    summary = lake.ingest(log)
    assert summary.exit_code == ExitCode.DONE
    assert [(where, why, lost) for _, where, why, lost in summary.problems] == [
        ("record 2 ff.", "2 records are from before 1990 (1601-01-01 to 1989-12-31): kept as logged", 0),
        ("record 4", "1 record is later than this ingest (2087-05-06): kept as logged", 0),
    ]
    assert lake.value("select count(*) from events") == 4


def test_the_newest_event_is_not_one_of_the_future(lake: Lake, put: Put) -> None:
    """`--since 7d` counts back from the newest event: one clock that is wrong must not empty every answer."""
    from wmiwarehouse.content.library import Library
    from wmiwarehouse.hunting.filters import Filters
    from wmiwarehouse.hunting.hunt import open_hunt

    lake.ingest(put({}, {"EventTime": "2087-05-06 08:00:00"}))
    with open_hunt(lake.root, Library.load(), Filters(since="7d")) as hunt:
        assert hunt.newest() == datetime(2024, 5, 6, 12, tzinfo=UTC)


def test_records_that_no_analytic_can_see_are_named(lake: Lake, put: Put) -> None:
    log = put(
        {},
        {"EventID": "x", "Channel": None, "Hostname": None},
        {"EventID": "y"},
        {"EventTime": "never"},
        {"Hostname": None},
    )
    summary = lake.ingest(log)
    assert {why.partition(":")[0] for _, _, why, _ in summary.problems} == {
        "1 record has neither channel nor event id",
        "1 record has no event id",
        "1 record has no time",
        "1 record has no host",
    }
    assert lake.value("select count(*) from events") == 5


@pytest.mark.parametrize(
    "record",
    [
        {
            "result": {
                "_time": "2024-05-06 08:00:00",
                "sourcetype": "WinEventLog",
                "EventCode": "1",
                "RecordNumber": "1",
            }
        },
        {"TimeCreated": "2024-05-06T08:00:00", "ProviderName": "P", "LogName": "L", "Id": 1, "Properties": []},
        {"_time": "2024-05-06 08:00:00", "action_process_image_name": "cmd.exe", "agent_hostname": "ws01"},
    ],
    ids=["splunk", "get_winevent", "cortex_xdr"],
)
def test_a_forced_zone_reaches_formats_that_seldom_need_one(lake: Lake, tmp_path: Path, record: dict[str, Any]) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    lake.ingest(path, assume_tz="Europe/Berlin")
    assert times(lake) == [("2024-05-06 06:00", "forced_zone")]


_RAW = "{} AM\nLogName={}\nSourceName={}\nEventCode={}\nComputerName=WS01.acme.example\nRecordNumber={}\nMessage={}\n"
_SECURITY = ("Security", "Microsoft Windows security auditing.", 4689)
_SYSMON = ("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon", 5)


@pytest.mark.parametrize(
    ("utc_time", "zone", "expected"),
    [
        ("2024-05-06 12:00:00.250", None, [("2024-05-06 12:00", "inferred_offset"), ("2024-05-06 12:00", "utc_time")]),
        (None, None, [("2024-05-06 08:00", "assumed"), ("2024-05-06 08:00", "assumed")]),
        (None, "Europe/Berlin", [("2024-05-06 06:00", "forced_zone"), ("2024-05-06 06:00", "forced_zone")]),
    ],
)
def test_raw_text_has_the_offset_that_sysmon_tells(
    lake: Lake, tmp_path: Path, utc_time: str | None, zone: str | None, expected: list[tuple[str, str]]
) -> None:
    path = tmp_path / "raw.txt"
    ended = "Process terminated:\nRuleName: -\n" + (f"UtcTime: {utc_time}\n" if utc_time else "") + "ProcessId: 4"
    path.write_text(
        _RAW.format("05/06/2024 08:00:00", *_SECURITY, 1, "A process has exited.")
        + _RAW.format("05/06/2024 08:00:00", *_SYSMON, 2, ended),
        encoding="utf-8",
    )
    summary = lake.ingest(path, assume_tz=zone)
    assert times(lake) == expected
    assert bool(summary.problems) == (expected[0][1] == "assumed")
    assert lake.value("select count(*) from events where host = 'ws01'") == 2


def test_raw_text_without_a_time_or_a_computer_counts_once(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "raw.txt"
    texts = [_RAW.format(f"{month}/06/2024 08:00:00", *_SECURITY, month, "x") for month in ("05", "13", "06")]
    texts[2] = texts[2].replace("ComputerName=WS01.acme.example\n", "")
    path.write_text("".join(texts), encoding="utf-8")
    summary = lake.ingest(path)
    assert summary.records == 3
    assert [str(time)[:7] for time, _ in times(lake)] == ["2024-05", "2024-06", "None"]
    assert any("has no time" in why for _, _, why, _ in summary.problems)
