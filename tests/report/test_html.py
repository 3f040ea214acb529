"""The page as text: complete, the same every time, harmless whatever it shows, and small enough to open."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import count
from typing import Literal, get_origin

import pytest
from pydantic import BaseModel

from tests.report.sample import BIDI, BREAKOUT, ESCAPES, FORMULA, HOSTILE, LONG, SCRIPT, empty, retold, sample
from wmiwarehouse.report.html import render, shown
from wmiwarehouse.report.model import Report


class _Outline(HTMLParser):
    """The tags and attributes of a page, in order, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str]] = []
        self._pieces: list[str] = []
        self.raw: dict[str, str] = {}
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(name, value or "") for name, value in attrs]
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", ()))
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style"):
            self.raw[self._inside] = self.raw.get(self._inside, "") + data
        else:
            self._pieces.append(data)

    @property
    def text(self) -> str:
        return "".join(self._pieces)


def test_policy_names_exactly_the_inlined_style_and_script() -> None:
    outline = _Outline(render(sample()))
    policy = next(value for name, value in outline.attributes if name == "content" and "default-src" in value)
    for tag in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(outline.raw[tag].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "form-action 'none'" in policy
    assert "unsafe" not in policy


def test_nothing_is_inline_or_loaded() -> None:
    outline = _Outline(render(sample(40, 20)))
    names = {name for name, _ in outline.attributes}
    assert "style" not in names
    assert not [name for name in names if name.startswith("on")]
    assert "src" not in names
    assert "url(" not in outline.raw["style"]
    assert "@import" not in outline.raw["style"]
    for word in ("fetch(", "XMLHttpRequest", "innerHTML", "eval(", "localStorage", "import("):
        assert word not in outline.raw["script"]


def _structure(outline: _Outline) -> list[tuple[str, tuple[str, ...]]]:
    """The elements but for the timeline's ticks, whose number depends on how wide the hosts' names are."""
    return [one for one in outline.tags if one[0].lstrip("/") not in ("line", "text")]


@pytest.mark.parametrize("text", [*HOSTILE, '"><b x="', "' onfocus=alert(1) x='", "\ud800", "javascript:alert(1)"])
def test_no_text_adds_an_element(text: str) -> None:
    hostile = _Outline(render(retold(sample(8, 8), lambda _: text)))
    harmless = _Outline(render(retold(sample(8, 8), lambda _: "harmless")))
    assert _structure(hostile) == _structure(harmless)
    assert hostile.raw == harmless.raw
    targets = [value for name, value in hostile.attributes if name == "href"]
    assert all(target.startswith(("#", "data:,")) for target in targets)


def test_nothing_hides_in_the_text() -> None:
    page = render(sample())
    assert not [c for c in page if c != "\n" and not c.isprintable()]
    text = _Outline(page).text
    assert "invoice\\u202egpj.exe" in text
    assert "cmd\\x1b[2J\\x1b]0;owned\\x07 /c whoami\\r\\n" in text
    for raw in (SCRIPT, BREAKOUT, FORMULA, LONG):
        assert raw in text
    for raw in (ESCAPES, BIDI):
        assert raw not in page


def _missing(value: object, text: str, path: str = "") -> set[str]:
    """The fields whose text is not in *text*."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return set().union(
            *(
                _missing(part, text, f"{path}.{name}".lstrip("."))
                for name, part in value
                if get_origin(fields[name].annotation) is not Literal
            )
        )
    if isinstance(value, tuple):
        return set().union(*(_missing(part, text, path) for part in value))
    return {path} if isinstance(value, str) and value not in text else set()


def test_every_text_of_the_report_is_on_the_page() -> None:
    numbers = count()
    report = retold(sample(1), lambda _: f"q{next(numbers)}z")
    text = _Outline(render(report)).text
    assert _missing(report.model_copy(update={"cases": report.cases[:2]}), text) == {
        "queries.seen",  # the one where there are hits, the other where there are none
        "queries.sentence",
        "cases.title",  # what the case says anyway
        "cases.evidence.host",  # stands above its side
        "cases.session.host",
    }
    assert _missing(report.cases[2], text) == {"evidence.host"}


def test_zero_rows_have_their_words_and_their_version() -> None:
    text = _Outline(render(sample())).text
    assert "report_wmi_network_connection v1" in text
    assert "0 hits. The data this needs was seen on 4 of 7 hosts, not seen on 3." in text


def test_the_first_screen_says_who_moved_where_when_as_whom_and_how_sure() -> None:
    page = render(sample())
    first = _Outline(page[page.index("<header") : page.index("</header>")]).text
    said = re.sub(r"\s+", " ", first)
    for word in ("WORKSTATION5", "WORKSTATION6", "2020-09-14 12:06:02Z", "THESHIRE.LOCAL\\pgustavo", "100 (high)"):
        assert word in said
    assert "net user /add backdoor ****" in said
    assert "no logs of the source" in said
    assert "Not seen: logs of 10.23.123.11; network connections (Sysmon 3) on 3 of 7 hosts." in said


def test_nothing_found_is_a_page_too() -> None:
    text = _Outline(render(empty())).text
    assert "No movement between hosts was found." in text
    assert "Left to the hunter." in text


def test_conclusion_keeps_its_lines() -> None:
    report = sample().model_copy(update={"conclusion": "One <b>host</b>.\r\nAnd two.\n\nNext paragraph."})
    page = render(report)
    assert "<p>One &lt;b&gt;host&lt;/b&gt;.<br>And two.</p><p>Next paragraph.</p>" in page
    assert "Left to the hunter." not in page


def test_only_web_addresses_are_links() -> None:
    page = render(sample())
    assert 'href="https://attack.mitre.org/techniques/T1047"' in page
    assert 'href="javascript' not in page
    assert "<code>javascript:window.hacked = 3</code>" in page


def test_the_same_report_is_the_same_bytes() -> None:
    program = (
        "import hashlib; from tests.report.sample import sample; from wmiwarehouse.report.html import render; "
        "print(hashlib.sha256(render(sample(30, 30)).encode()).hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(said) == 1


def _size(report: Report) -> int:
    return len(render(report).encode())


def test_a_thousand_findings_stay_below_two_megabytes() -> None:
    assert _size(sample(1000)) < 2_000_000
    assert _size(sample(0, 1000)) < 2_000_000
    assert _size(sample(500, 500)) < 2_000_000


def test_much_evidence_leaves_room_for_all_cases() -> None:
    report = sample(900, 100)
    cases = tuple(
        case.model_copy(update={"evidence": case.evidence * 3}) if case.kind == "lateral movement" else case
        for case in report.cases
    )
    page = render(report.model_copy(update={"cases": cases}))
    assert len(page.encode()) < 2_000_000
    text = _Outline(page).text
    assert re.search(r"The [1-9]\d surest follow with their evidence", text)
    for number in (1, 100, 101, 1000):
        assert f'id="case-{number}"' in page


def test_long_texts_are_cut_and_say_so() -> None:
    report = retold(sample(1000), lambda text: text if len(text) < 15 else text + "A" * 5000)
    page = render(report.model_copy(update={"queries": (), "stacks": (), "risk": (), "sources": ()}))
    assert len(page.encode()) < 2_000_000
    assert "characters: see the JSON form" in page


def test_what_is_cut_says_how_much() -> None:
    assert shown("a" * 100 + "b" * 100, 20) == "a" * 10 + " [… 180 characters: see the JSON form …] " + "b" * 10
    assert shown("\x1b" * 10, 20) == "\\x1b" * 10


def test_what_is_left_out_is_counted() -> None:
    text = _Outline(render(sample(2100, 150))).text
    assert "100 more findings are in the JSON form" in text
    assert "The 10 surest follow with their evidence" in text
    assert "All 150 movements and 2,100 further findings" in re.sub(r"\s+", " ", text)


def test_every_link_inside_the_page_has_a_target() -> None:
    for report in (sample(40, 20), sample(2100, 150), empty()):
        outline = _Outline(render(report))
        ids = [value for name, value in outline.attributes if name == "id"]
        assert len(ids) == len(set(ids))
        targets = {value[1:] for name, value in outline.attributes if name == "href" and value.startswith("#")}
        assert targets <= set(ids)
