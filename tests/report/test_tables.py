"""The tables hold all of the report, and no spreadsheet runs, hides or distorts what an attacker wrote."""

from __future__ import annotations

import csv
import re
import sys
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.report.sample import BIDI, ESCAPES, FORMULA, HOSTILE, LONG, SCRIPT, empty, sample
from wmiwarehouse.errors import ExitCode, UsageError, WmiwhError
from wmiwarehouse.output import escape
from wmiwarehouse.report import tables
from wmiwarehouse.report.model import Report, StackTable

NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def _sheets(path: Path) -> dict[str, list[list[tuple[str, str]]]]:
    """Return each sheet's rows as pairs of type and text."""
    with zipfile.ZipFile(path) as book:
        names = [
            one.get("name", "") for one in ElementTree.fromstring(book.read("xl/workbook.xml")).iter(_tag("sheet"))
        ]
        result = {}
        for number, name in enumerate(names, 1):
            root = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
            result[name] = [
                [(cell.get("t", "n"), "".join(cell.itertext())) for cell in row.iter(_tag("c"))]
                for row in root.iter(_tag("row"))
            ]
            assert not list(root.iter(_tag("f"))), "a formula"
            assert not list(root.iter(_tag("hyperlink"))), "a link"
        return result


def _tag(name: str) -> str:
    return f"{{{NS['m']}}}{name}"


def _with_texts(*texts: str) -> Report:
    """Return a report with *texts* where an attacker may write."""
    report = sample(1)
    record = report.cases[0].evidence[0]
    evidence = tuple(record.model_copy(update={"what": one, "source_record": i}) for i, one in enumerate(texts))
    return report.model_copy(update={"cases": (report.cases[0].model_copy(update={"evidence": evidence}),)})


def test_csv_has_every_part_of_the_report(tmp_path: Path) -> None:
    report = sample()
    paths = tables.write_csv(report, tmp_path / "out")
    found = {path.stem: _csv(path) for path in paths}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in paths)
    assert len(found["cases"]) == len(report.cases) == 8
    assert len(found["evidence"]) == sum(len(case.evidence) for case in report.cases)
    assert [row["hits"] for row in found["queries"]] == ["11", "0", "2", "51204"]
    assert found["queries"][1]["sentence"].startswith("0 hits. The data this needs was seen on 4 of 7 hosts")
    assert len(found["query_rows"]) == 2 * 3
    assert len(found["sources"]) == 2
    assert len(found["stack_wmiprvse_children"]) == 3
    for name, parts in {
        "risk": report.risk,
        "talks": report.talks,
        "needs": report.needs,
        "coverage": report.coverage,
        "notes": report.notes,
        "problems": report.problems,
        "references": report.references,
        "changes": report.changes,
    }.items():
        assert len(found[name]) == len(parts), name
    first = found["cases"][0]
    assert (first["source"], first["target"], first["source_ip"]) == ("WORKSTATION5", "WORKSTATION6", "172.18.39.5")
    assert (first["first"], first["confidence"]) == ("2020-09-14T12:06:02.000000Z", "100")
    assert first["why"].startswith("exact tie 40; remote command = child 30")
    assert found["evidence"][0]["case_id"] == first["id"]
    particulars = [(row["field"], row["value"]) for row in found["report"]]
    assert ("techniques", "T1047 Windows Management Instrumentation TA0002 Execution; TA0008 Lateral Movement") in (
        particulars
    )
    assert ("secrets_shown", "no") in particulars
    assert ("summary", report.summary[0]) in particulars


def test_every_field_of_the_model_is_in_a_table() -> None:
    report = sample()
    columns = {table.name: {column.name for column in table.columns} for table in tables.tables(report)}
    assert columns["cases"] == set(type(report.cases[0]).model_fields) - {"evidence", "session"}
    assert columns["session"] > set(type(report.cases[0].session[0]).model_fields)
    assert columns["queries"] == set(type(report.queries[0]).model_fields) - {"columns", "rows"}
    ended = report.model_copy(update={"conclusion": "It was\nan exercise.", "left_out": ("3 cases: wmiwh hunt",)})
    particulars = [row for table in tables.tables(ended) if table.name == "report" for row in table.rows]
    assert {name for name, _ in particulars} | set(columns) | {"head", "stacks"} >= set(type(report).model_fields)
    assert {name for name, _ in particulars} >= set(type(report.head).model_fields)
    assert [value for name, value in particulars if name == "conclusion"] == ["It was", "an exercise."]


def test_nothing_found_is_tables_without_rows(tmp_path: Path) -> None:
    paths = tables.write_csv(empty(), tmp_path / "out")
    assert _csv(tmp_path / "out" / "cases.csv") == []
    assert (tmp_path / "out" / "cases.csv").read_text(encoding="utf-8-sig").startswith("id,number,kind")
    assert tmp_path / "out" / "changes.csv" not in paths
    tables.write_xlsx(empty(), tmp_path / "out.xlsx")
    assert len(_sheets(tmp_path / "out.xlsx")["cases"]) == 1


TEXTS = (
    *HOSTILE,
    "+1",
    "-1+cmd",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\uff1d1+1",
    "a\nb",
    "a\x00b",
    "\ud800half",
    'quoted "text", with comma',
    "'=already marked",
    "_x000D_",
    "<r><t>owned</t></r>",
    "</t></is></c><c><f>1+1</f></c>",
    "https://evil.example/x",
    "file://evil/share",
)


def test_csv_is_safe_for_spreadsheets(tmp_path: Path) -> None:
    tables.write_csv(_with_texts(*TEXTS), tmp_path / "out")
    path = tmp_path / "out" / "evidence.csv"
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert all(character == "\n" or character.isprintable() for character in raw.decode("utf-8-sig"))
    shown = [row["what"] for row in _csv(path)]
    assert len(shown) == len(TEXTS)
    assert len(raw.splitlines()) == 1 + len(TEXTS)  # one line a record for tools that know no quotes
    assert not [text for text in shown if text[:1] in "=+-@\uff1d\t\r"]
    assert shown[TEXTS.index(FORMULA)] == f"'{FORMULA}"
    assert shown[TEXTS.index(SCRIPT)] == SCRIPT
    assert shown[TEXTS.index(ESCAPES)] == "cmd\\x1b[2J\\x1b]0;owned\\x07 /c whoami\\r\\n"
    assert shown[TEXTS.index(BIDI)] == "invoice\\u202egpj.exe \\u200b\\u2066hidden\\u2069"
    assert shown[TEXTS.index(LONG)] == LONG
    assert shown[TEXTS.index("a\x00b")] == "a\\x00b"


@pytest.mark.parametrize("text", ["x;=cmd|'/C calc'!A0", 'x; "=1+1"', "x;@SUM(A1)", "x;\u3000-1"])
def test_csv_is_safe_where_a_semicolon_splits(tmp_path: Path, text: str) -> None:
    tables.write_csv(_with_texts(text, "a; b;c"), tmp_path / "out")
    path = tmp_path / "out" / "evidence.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell.strip(" \"'\u3000") for row in csv.reader(file, delimiter=";") for cell in row]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@")]
    assert _csv(path)[1]["what"] == "a; b;c"


def test_csv_overwrites_only_when_asked(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    tables.write_csv(sample(0), folder)
    (folder / "mine.txt").write_text("kept")
    with pytest.raises(UsageError, match=r"report.csv, cases.csv, evidence.csv \.\.\. exist; --force"):
        tables.write_csv(sample(0), folder)
    tables.write_csv(sample(3), folder, force=True)
    assert len(_csv(folder / "cases.csv")) == 5
    assert (folder / "mine.txt").read_text() == "kept"
    with pytest.raises(UsageError, match="is a file"):
        tables.write_csv(sample(0), folder / "mine.txt")
    with pytest.raises(UsageError, match="does not exist"):
        tables.write_csv(sample(0), tmp_path / "no" / "where")


def test_a_stack_that_was_loaded_cannot_name_a_file_elsewhere(tmp_path: Path) -> None:
    names = ("../../evil", "stack/../../evil", "cases", "CASES", "", "con", "x" * 300)
    stacks = tuple(StackTable(id=name, title="", columns=("a", "b"), rows=(("=1",),), total_rows=1) for name in names)
    report = sample(0).model_copy(update={"stacks": stacks})
    paths = tables.write_csv(report, tmp_path / "out")
    assert {path.parent for path in paths} == {tmp_path / "out"}
    assert len({path.name.lower() for path in paths}) == len(paths)
    assert _csv(tmp_path / "out" / "stack_evil.csv") == [{"a": "'=1", "b": ""}]
    tables.write_xlsx(report, tmp_path / "out.xlsx")
    assert all(0 < len(name) <= 31 for name in _sheets(tmp_path / "out.xlsx"))


def test_workbook_has_the_same_tables_as_text(tmp_path: Path) -> None:
    report = sample()
    path = tmp_path / "report.xlsx"
    tables.write_xlsx(report, path)
    sheets = _sheets(path)
    assert list(sheets) == [table.name for table in tables.tables(report)]
    for table in tables.tables(report):
        assert len(sheets[table.name]) == 1 + len(table.rows), table.name
    header, first, *_ = sheets["cases"]
    names = [text for _, text in header]
    assert first[names.index("first")] == ("inlineStr", "2020-09-14T12:06:02.000000Z")
    assert first[names.index("number")] == ("n", "1")
    with zipfile.ZipFile(path) as book:
        assert book.testzip() is None
        inside = book.namelist()
        sheet = book.read("xl/worksheets/sheet2.xml").decode()
    assert not [name for name in inside if re.search(r"vba|macro|external|rels/sheet|\.bin", name, re.IGNORECASE)]
    assert 'state="frozen"' in sheet
    assert "<autoFilter" in sheet


def test_workbook_runs_nothing_and_shows_everything(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    tables.write_xlsx(_with_texts(*TEXTS), path)
    rows = _sheets(path)["evidence"]
    place = [text for _, text in rows[0]].index("what")
    cells = [row[place] for row in rows[1:]]
    assert {kind for kind, _ in cells} == {"inlineStr"}
    shown = [text for _, text in cells]
    assert shown[TEXTS.index(FORMULA)] == FORMULA
    assert shown[TEXTS.index(SCRIPT)] == SCRIPT
    assert shown[TEXTS.index(BIDI)] == "invoice\\u202egpj.exe \\u200b\\u2066hidden\\u2069"
    assert shown[TEXTS.index("_x000D_")] == "_x005F_x000D_"  # how a workbook writes these characters as themselves
    assert shown[TEXTS.index("<r><t>owned</t></r>")].strip() == "<r><t>owned</t></r>"
    assert shown[TEXTS.index("\ud800half")] == "\\ud800half"
    assert all(text.isprintable() for text in shown)


def test_a_cell_that_looks_like_a_formula_stays_text_when_it_is_edited(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    tables.write_xlsx(_with_texts(FORMULA, "plain"), path)
    with zipfile.ZipFile(path) as book:
        styles = ElementTree.fromstring(book.read("xl/styles.xml"))
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet3.xml"))
    marked = [number for number, one in enumerate(styles.find("m:cellXfs", NS) or []) if one.get("quotePrefix") == "1"]
    found = {
        "".join(cell.itertext()): int(cell.get("s", "0")) in marked
        for cell in sheet.iter(_tag("c"))
        if cell.get("t") == "inlineStr"
    }
    assert found[FORMULA] is True
    assert found["plain"] is False


def test_a_cell_too_long_for_a_spreadsheet_says_that_it_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    texts = ("a" * 32_767, "b" * 32_768, "\U0001f600" * 20_000, "=" * 40_000)
    tables.write_xlsx(_with_texts(*texts), path)
    rows = _sheets(path)["evidence"]
    place = [text for _, text in rows[0]].index("what")
    shown = [row[place][1] for row in rows[1:]]
    assert shown[0] == texts[0]
    assert all(len(text.encode("utf-16-le")) <= 2 * 32_767 for text in shown)
    assert shown[1].endswith("[cut: 32,768 characters, all in the CSV and JSON forms]")
    assert shown[2].startswith("\U0001f600" * 16_000)
    assert shown[2].endswith("[cut: 20,000 characters, all in the CSV and JSON forms]")
    assert len(shown[3]) == 32_767


def test_more_rows_than_a_sheet_has_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.xlsx"
    report = sample(17)
    monkeypatch.setattr(tables, "ROWS", 20)
    tables.write_xlsx(report, path)
    assert len(report.cases) == 19
    assert len(_sheets(path)["cases"]) == 20  # header and all
    monkeypatch.setattr(tables, "ROWS", 10)
    tables.write_xlsx(report, path)
    rows = _sheets(path)["cases"]
    assert len(rows) == 10
    assert rows[-1] == [("inlineStr", "11 more rows do not fit a sheet: see the CSV files")]


def test_same_report_same_bytes(tmp_path: Path) -> None:
    a, b = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    tables.write_xlsx(sample(), a)
    tables.write_xlsx(sample(), b)
    assert a.read_bytes() == b.read_bytes()
    with zipfile.ZipFile(a) as book:
        assert b"2026-03-09T08:00:00Z" in book.read("docProps/core.xml")
        assert {info.date_time[0] for info in book.infolist()} == {1980}
    for name in ("x", "y"):
        tables.write_csv(sample(), tmp_path / name)
    assert all(path.read_bytes() == (tmp_path / "y" / path.name).read_bytes() for path in (tmp_path / "x").iterdir())


def test_without_the_extra_the_message_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(UsageError, match=r"pip install 'wmiwarehouse\[xlsx\]'") as caught:
        tables.write_xlsx(sample(0), tmp_path / "report.xlsx")
    assert caught.value.code is ExitCode.USAGE


def test_a_workbook_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WmiwhError, match="nothing was written") as caught:
        tables.write_xlsx(sample(0), tmp_path / "no" / "where.xlsx")
    assert "\n" not in caught.value.message


def test_hostile_titles_stay_in_the_workbooks_properties(tmp_path: Path) -> None:
    report = sample(0)
    changes: dict[str, Any] = {"title": f"<r>{BIDI}</r>", "hunter": f"{SCRIPT}\x00" * 50}
    report = report.model_copy(update={"head": report.head.model_copy(update=changes)})
    tables.write_xlsx(report, tmp_path / "report.xlsx")
    with zipfile.ZipFile(tmp_path / "report.xlsx") as book:
        core = ElementTree.fromstring(book.read("docProps/core.xml"))
    assert "invoice\\u202egpj.exe" in "".join(core.itertext())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(st.characters(codec=None)), min_size=5, max_size=20))
def test_any_text_comes_back_as_it_is_shown(tmp_path: Path, texts: list[str]) -> None:
    report = _with_texts(*texts)
    tables.write_csv(report, tmp_path / "out", force=True)
    tables.write_xlsx(report, tmp_path / "out.xlsx")
    shown = [escape.visible(text) for text in texts]
    rows = _csv(tmp_path / "out" / "evidence.csv")
    plain = [row["what"].replace("\\x3b", ";").replace("\\xff1b", "\uff1b") for row in rows]
    assert plain == [escape.spreadsheet(text) for text in shown]
    cells = _sheets(tmp_path / "out.xlsx")["evidence"]
    place = [text for _, text in cells[0]].index("what")
    kept = [re.sub("_x005F(?=_x[0-9A-Fa-f]{4}_)", "", row[place][1]) for row in cells[1:]]
    assert [text.rstrip() for text in kept] == [text.rstrip() for text in shown]
