"""``[[suppress]]`` and ``[known]``: what they say is kept, and what is not certain is refused with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from wmiwarehouse.errors import UsageError
from wmiwarehouse.lake.settings import Settings

WHOLE = """
[[suppress]]
analytic = ["wmi_subscription", "wmiprvse_children"]
reason = "HP's inventory provider"
author = "jdoe"
expires = 2027-03-01
[suppress.where]
host = "CM01"
process_name = ["ccmexec.exe", "smsexec.exe"]
command_line = { starts_with = 'C:\\Program Files\\HP\\', contains = ["a", "b"] }
is_known_default = true
event_id = 5861
"""


def load(folder: Path, text: str) -> Settings:
    (folder / "wmiwh.toml").write_text(text, encoding="utf-8")
    return Settings.load(folder)


def test_what_a_suppression_says(tmp_path: Path) -> None:
    (one,) = load(tmp_path, WHOLE).suppressions
    assert one.analytics == ("wmi_subscription", "wmiprvse_children")
    assert (one.reason, one.author, one.expires, one.line) == ("HP's inventory provider", "jdoe", date(2027, 3, 1), 2)
    assert [(item.column, item.comparison, item.values, item.line) for item in one.where] == [
        ("host", "equals", ("CM01",), 8),
        ("process_name", "equals", ("ccmexec.exe", "smsexec.exe"), 9),
        ("command_line", "starts_with", ("C:\\Program Files\\HP\\",), 10),
        ("command_line", "contains", ("a", "b"), 10),
        ("is_known_default", "equals", ("true",), 11),
        ("event_id", "equals", ("5861",), 12),
    ]


def test_views_need_not_be_built_anew(tmp_path: Path) -> None:
    known = "[known]\nadministrators = ['CORP\\a']\nmanagement_hosts = [\"cm01\"]\n"
    found = load(tmp_path, known + WHOLE)
    assert found.fingerprint == Settings().fingerprint
    assert found != Settings()
    assert found.known.administrators == ("corp\\a",)


def test_an_id_stays_wherever_the_suppression_stands(tmp_path: Path) -> None:
    (one,) = load(tmp_path, WHOLE).suppressions
    (same,) = load(tmp_path, "# above\n\n" + WHOLE.replace("jdoe", "roe").replace("2027", "2028")).suppressions
    assert one.id == same.id
    (other,) = load(tmp_path, WHOLE.replace("CM01", "CM02")).suppressions
    assert other.id != one.id


BEGIN = '[[suppress]]\nanalytic = "*"\n'
END = 'reason = "r"\nauthor = "a"\nexpires = 2027-03-01\n'


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("[suppress]\nanalytic = 5\n", 1, "[[suppress]] with two brackets is wanted"),
        (BEGIN, 1, "has no where"),
        (BEGIN + 'where = { host = "a" }\n' + END.replace('reason = "r"\n', ""), 1, "has no reason"),
        (BEGIN + 'where = { host = "a" }\n' + END.replace('"r"', '" "'), 4, "is empty; say why"),
        (BEGIN + 'where = { host = "a" }\n' + END.replace('"a"', '""'), 5, "is empty; say who"),
        (BEGIN + 'where = { host = "a" }\n' + END.replace("2027-03-01", '""'), 6, "a date without quotes"),
        (BEGIN + 'where = { host = "a" }\n' + END.replace("2027-03-01", "2027-03-01T00:00:00"), 6, "a date without"),
        (BEGIN + "where = {}\n" + END, 3, "would hide every hit"),
        (BEGIN + 'where = { host = "" }\n' + END, 3, "an empty text would fit too much"),
        (BEGIN + 'where = { host = { contains = [" "] } }\n' + END, 3, "an empty text"),
        (BEGIN + "where = { host = [] }\n" + END, 3, "is empty"),
        (BEGIN + 'where = { host = { like = "a" } }\n' + END, 3, "no such comparison; known: equals, in"),
        (BEGIN + "where = { host = 1.5 }\n" + END, 3, "a text in quotes, a whole number"),
        (BEGIN + 'where = { "a b" = "x" }\n' + END, 3, "is no name of a column"),
        (BEGIN + 'where = { host = "a" }\nreasn = "x"\n' + END, 4, "did you mean reason?"),
        ('[[suppress]]\nanalytic = []\nwhere = { host = "a" }\n' + END, 2, "name an analytic"),
        ('[[suppress]]\nanalytic = ["*", "x"]\nwhere = { host = "a" }\n' + END, 2, "stands alone"),
        (BEGIN + 'where = { host = "a" }\nid = "known"\n' + END, 4, "counted under"),
        (BEGIN + 'where = { host = "a" }\n' + END + BEGIN + 'where = { host = "A" }\n' + END, 7, "of suppression 1"),
        ("[known]\nadministrators = ['CORP\\a']\n", 2, "hides nothing: a hit is known by both"),
        ('[known]\nmanagement_hosts = ["cm01"]\n', 2, "hides nothing: a hit is known by both"),
        ('[known]\nmanagement_hosts = ["cm01"]\nadministrators = ["adm"]\n', 3, "a bare name would also be"),
        (
            "[known]\nmanagement_hosts = [\"a b\"]\nadministrators = ['C\\a']\n",
            2,
            "neither a host's name nor an address",
        ),
        ("[known]\nadmins = []\n", 2, "no such setting; did you mean administrators?"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    with pytest.raises(UsageError) as error:
        load(tmp_path, text)
    message = str(error.value).removeprefix(str(tmp_path / "wmiwh.toml"))
    assert message.startswith(f", line {line}: "), message
    assert reason in message
    assert message.isprintable()
