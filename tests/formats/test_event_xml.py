"""Event Viewer's XML: what stands around the events, two values of one name, line ends, rendered words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.formats.quick import QuickReader

Row = dict[str, Any]
DATA = (
    "<EventData><Data Name='SubjectUserName'>alice &amp; bob</Data><Data Name='LogonGuid'>{1}</Data>"
    "<Data Name='LogonGuid'>{2}</Data><Data Name='Empty'/></EventData>"
)


def event(record_id: int = 1, body: str = DATA, more: str = "") -> str:
    """An event of the Security log that no source names."""
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        "<Provider Name='Microsoft-Windows-Security-Auditing' Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}'/>"
        "<EventID Qualifiers='16384'>4798</EventID><Version>1</Version><Level>0</Level><Task>13824</Task>"
        "<Opcode>0</Opcode><Keywords>0x8020000000000000</Keywords>"
        "<TimeCreated SystemTime='2024-05-06T09:01:01.402123400Z'/>"
        f"<EventRecordID>{record_id}</EventRecordID><Correlation ActivityID='{{AA}}'/>"
        "<Execution ProcessID='608' ThreadID='700'/><Channel>Security</Channel><Computer>WS01.acme.example</Computer>"
        f"<Security UserID='S-1-5-18'/></System>{body}{more}</Event>"
    )


def test_an_event(quick: QuickReader) -> None:
    (row,) = quick(text=event())
    assert (row["format"], row["channel"], row["event_id"], row["record_id"]) == ("event_xml", "Security", 4798, 1)
    assert row["event_time"] == datetime(2024, 5, 6, 9, 1, 1, 402123, UTC)
    assert (row["host"], row["version"], row["execution_process_id"]) == ("ws01", 1, 608)
    assert (row["system_user_sid"], row["activity_id"], row["subject_name"]) == ("S-1-5-18", "aa", "alice & bob")
    data = json.loads(row["event_data"])
    assert data["LogonGuid"] == ["{1}", "{2}"]
    assert data["Empty"] == ""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    ("before", "between", "after"),
    [
        ("", "", ""),
        ("", "\r\n", "\r\n"),
        ("<Events>", "", "</Events>"),
        ('<?xml version="1.0" encoding="utf-8" standalone="yes"?>\r\n<Events>', "\r\n", "</Events>"),
        ("<?xml version='1.0'?>\n<!-- saved -->\n<Events>\n", "\n<!-- -->\n", "\n</Events>\n"),
    ],
)
def test_what_stands_around(quick: QuickReader, before: str, between: str, after: str, encoding: str) -> None:
    text = before + between.join(event(number) for number in (1, 2, 3)) + after
    rows = quick(text=text.encode(encoding))
    assert [row["record_id"] for row in rows] == [1, 2, 3]


def test_values_as_they_were_logged(quick: QuickReader) -> None:
    body = (
        "<EventData><Data Name='SubjectUserName'>a\r\nb\u2028c</Data>"
        "<Data Name='X'>&lt;Event&gt; &lt;/Event&gt; in text</Data><Data Name='Y'> </Data></EventData>"
    )
    (row,) = quick(text=event(body=body))
    data = json.loads(row["event_data"])
    assert row["subject_name"] == "a\r\nb\u2028c"
    assert data["X"] == "<Event> </Event> in text"
    assert data["Y"] == " "


def test_unnamed_values_and_user_data(quick: QuickReader) -> None:
    unnamed = "<EventData><Data>one</Data><Data>two</Data><Binary>00FF</Binary></EventData>"
    user = "<UserData><LogFileCleared xmlns='x'><SubjectUserName>carol</SubjectUserName></LogFileCleared></UserData>"
    rows = quick(text=event(1, unnamed) + event(2, user) + event(3, ""))
    assert json.loads(rows[0]["event_data"])["Data"] == {"#text": ["one", "two"]}
    assert json.loads(rows[1]["event_data"])["#UserData"] == "LogFileCleared"
    assert rows[1]["subject_name"] == "carol"
    assert rows[2]["record_id"] == 3


def test_rendered_words_are_kept(quick: QuickReader) -> None:
    words = "<RenderingInfo Culture='en-US'><Message>A user's groups.</Message><Task>Users</Task></RenderingInfo>"
    (row,) = quick(text=event(more=words))
    assert row["subject_name"] == "alice & bob"
    assert json.loads(row["event_data"])["#RenderingInfo"]["Message"] == "A user's groups."


def test_one_that_is_damaged_costs_itself(quick: QuickReader) -> None:
    rows = quick(text=event(1) + event(2).replace("</Channel>", "</Canal>") + event(3))
    assert [row["record_id"] for row in rows] == [1, 3]
    assert len(quick.problems) == 1


def test_a_file_that_was_cut(quick: QuickReader) -> None:
    rows = quick(text="<Events>" + event(1) + event(2)[:300])
    assert [row["record_id"] for row in rows] == [1]
    assert len(quick.problems) == 1
