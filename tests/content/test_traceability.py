"""Nothing that the five documents say is lost: docs/traceability.toml has every item, and each is where it says.

Both directions: what an entry names must exist and say what the document says, and what an analytic claims to implement
must be an entry. Run as a script it writes docs/traceability.md, the same table for readers.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import duckdb
import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.content.metadata import AnalyticMetadata, DocumentId, plain

DOCS = Path(__file__).parents[2] / "docs"

Entry = dict[str, Any]
Heads = Mapping[str, dict[str, Any]]

#: Analytics that the documents ask for, by their own words or by what they lead to.
WANTED = [
    "playbook_src_4688_image",
    "playbook_src_sysmon1_image",
    "playbook_src_4688_command_line",
    "playbook_src_sysmon1_command_line",
    "playbook_src_4674_winsock2",
    "playbook_src_sysmon12_tcpip",
    "playbook_src_4648_explicit_credentials",
    "playbook_src_sysmon3_dcom_135",
    "playbook_dst_4672_user",
    "playbook_dst_4624_user",
    "playbook_dst_4624_address",
    "playbook_dst_sysmon1_parent_image",
    "playbook_dst_sysmon1_parent_command_line",
    "playbook_dst_sysmon1_user",
    "playbook_process_not_local_user",
    "stack_dst_process_by_user",
    "stack_wmiprvse_children",
    "stack_src_process_to_135",
    "stack_explicit_credentials",
    "car_2016_03_002",
    "car_2016_03_002_splunk",
    "car_2016_03_002_logpoint",
    "car_2016_03_002_eql",
    "car_2014_12_001",
    "car_2014_12_001_session",
    "xql_wmic_remote_exec",
    "escu_remote_process_instantiation_via_wmi",
    "report_data_inventory",
    "report_wmi_process_execution",
    "report_wmi_network_connection",
    "report_remote_execution",
    "report_logon_id_events",
    "report_wmi_parent_command_line",
    "chain_wmic_to_child",
    "chain_connection_to_logon",
    "chain_explicit_credentials_to_logon",
    "lateral_movement",
    "wmi_child_origin",
    "wmiprvse_children",
    "explicit_credentials_rpcss",
    "wmiexec_output",
    "powershell_remote_wmi",
    "wmic_remote_broad",
    "wmi_activity",
    "wmi_subscription",
    "evidence_tampering",
    "data_coverage",
]

#: Those of them that are not written yet. One that is there must leave this list.
PENDING: set[str] = set()

KEYS = {"at", "type", "what", "how", "by", "item", "facts", "filled", "counts", "mentions", "columns", "note"}
HOWS = ("view", "metadata", "command", "later", "not")


def documents() -> dict[str, dict[str, Any]]:
    """The table, with groups in ``by`` spelt out."""
    table = tomllib.loads((DOCS / "traceability.toml").read_text(encoding="utf-8"))

    def members(names: list[str]) -> Iterator[str]:
        for name in names:
            yield from members(table["groups"][name[1:]]) if name.startswith("@") else [name]

    for document in table["documents"].values():
        for entry in document["items"]:
            entry["by"] = list(members(entry["by"]))
    found: dict[str, dict[str, Any]] = table["documents"]
    return found


def has(found: Any, wanted: Any) -> bool:
    """Whether *wanted* stands in *found*: one table of a list must have all its keys, a list wants all its members."""
    if isinstance(wanted, list):
        return all(has(found, one) for one in wanted)
    if isinstance(wanted, dict):
        several = next((key for key, value in wanted.items() if isinstance(value, list)), None)
        if several is not None:
            return all(has(found, {**wanted, several: one}) for one in wanted[several])
    if isinstance(found, list):
        return any(has(one, wanted) for one in found)
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(has(found.get(key), value) for key, value in wanted.items())
    return type(found) is type(wanted) and bool(found == wanted)


def mistakes(entry: Entry, document: str, heads: Heads, commands: set[str], columns: Heads) -> list[str]:
    """What an entry says that is not so."""
    wrong = [f"no key {key}" for key in entry.keys() - KEYS]
    if entry["how"] not in HOWS:
        return [*wrong, f"how: {entry['how']}"]
    if entry["how"] in ("later", "not"):
        wrong += ["no reason"] if not entry.get("note") else []
        return wrong + [f"{name} is there already" for name in entry["by"] if name in {*heads, *commands}]
    if not entry["by"]:
        wrong.append("names nothing")
    if entry["how"] == "command":
        return wrong + [f"no command {name}" for name in entry["by"] if name not in commands]
    for name in entry["by"]:
        if name in heads:
            wrong += [f"{name}: {text}" for text in _unlike(entry, document, heads[name], columns[name])]
        elif name not in PENDING:
            wrong.append(f"no analytic {name}")
    return wrong


def _unlike(entry: Entry, document: str, head: dict[str, Any], columns: dict[str, Any]) -> Iterator[str]:
    if not has(head["implements"], {"document": document}):
        yield "does not implement the document"
    if entry["how"] == "view" and not has(head["implements"], {"document": document, "item": entry["item"]}):
        yield f"does not implement {entry['item']!r}"
    if entry["how"] == "metadata" and not entry.keys() & {"facts", "filled", "counts", "mentions"}:
        yield "names no field"
    for field, wanted in entry.get("facts", {}).items():
        if not has(head[field], wanted):
            yield f"{field} is not {wanted!r}"
    for field in entry.get("filled", []):
        if not head[field]:
            yield f"{field} is empty"
    for field, count in entry.get("counts", {}).items():
        if len(head[field]) < count:
            yield f"{field} has fewer than {count}"
    for field, words in entry.get("mentions", {}).items():
        if words not in json.dumps(head[field], ensure_ascii=False):
            yield f"{field} does not mention {words!r}"
    for column in entry.get("columns", []):
        if column not in columns:
            yield f"has no column {column}"


def head_of(metadata: AnalyticMetadata) -> dict[str, Any]:
    """A head as plain values, dates as text."""
    found: dict[str, Any] = plain(metadata)
    return found


def markdown() -> str:
    """The table for readers."""
    text = "# Traceability\n\nEvery item of the five documents and where it stands; made from `traceability.toml`.\n"
    for name, document in documents().items():
        text += f"\n## {name}\n{document['title']}\n\n| lines | type | item | how | where | note |\n"
        text += "|---|---|---|---|---|---|\n"
        for entry in document["items"]:
            fields = {**entry.get("facts", {}), **entry.get("counts", {}), **entry.get("mentions", {})}
            names = sorted({*fields, *entry.get("filled", [])}) if entry["how"] == "metadata" else []
            by = entry["by"] if len(entry["by"]) <= 4 else [*entry["by"][:2], f"{len(entry['by']) - 2} more"]
            where = ", ".join(by) + (f": {', '.join(names)}" if names else "")
            cells = [entry["at"], entry["type"], entry["what"], entry["how"], where, entry.get("note", "")]
            text += f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"
    return text


@pytest.fixture
def heads(library: Library) -> Heads:
    return {name: head_of(item.metadata) for name, item in library.newest.items()}


@pytest.fixture
def commands() -> set[str]:
    from wmiwarehouse.cli.app import COMMANDS

    return set(COMMANDS)


@pytest.fixture
def columns(library: Library, lake: Callable[[list[Any]], duckdb.DuckDBPyConnection]) -> Heads:
    connection = lake([])
    return {
        name: dict.fromkeys(connection.sql(f"select * from hunt.{item.view} limit 0").columns)
        for name, item in library.newest.items()
    }


@pytest.mark.parametrize("document", get_args(DocumentId))
def test_every_item_is_where_the_table_says(document: str, heads: Heads, commands: set[str], columns: Heads) -> None:
    entries = documents()[document]["items"]
    assert len(entries) >= 20
    found = [
        f"{document}:{entry['at']} {entry['what']}: {wrong}"
        for entry in entries
        for wrong in mistakes(entry, document, heads, commands, columns)
    ]
    assert not found, "\n".join(found)


def test_the_table_has_these_documents_and_lines_that_they_have() -> None:
    assert set(documents()) == set(get_args(DocumentId))
    for name, document in documents().items():
        for entry in document["items"]:
            assert re.fullmatch(r"\d+(-\d+)?(, \d+(-\d+)?)*", entry["at"]), (name, entry["what"])
            assert all(0 < int(line) <= document["lines"] for line in re.findall(r"\d+", entry["at"])), entry["what"]
            assert all(entry[key] for key in ("type", "what")), (name, entry["at"])


def test_what_an_analytic_implements_is_in_the_table(library: Library) -> None:
    table = {
        (document, entry["item"], name)
        for document, one in documents().items()
        for entry in one["items"]
        if entry["how"] == "view"
        for name in entry["by"]
    }
    claims = {(one.document, one.item, item.id) for item in library.analytics for one in item.metadata.implements}
    assert sorted(claims - table) == [], "heads implement what docs/traceability.toml does not have"


def test_every_wanted_analytic_is_there_or_pending(library: Library) -> None:
    assert set(WANTED) >= PENDING
    assert set(WANTED) - PENDING <= set(library.ids), "missing"
    assert not PENDING & set(library.ids), "written, and so no longer pending"
    assert set(library.ids) <= set(WANTED), "not in the list of what is wanted"


HEAD = head_of(Library.load().get("car_2016_03_002").metadata)
GOOD: Entry = {"at": "1", "type": "t", "what": "w", "how": "view", "by": ["x"], "item": "Pseudocode"}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, []),
        ({"columns": ["host"], "counts": {"attack": 1}, "mentions": {"requires": "4688"}}, []),
        ({"facts": {"attack": {"technique": "T1047", "coverage": "low"}, "created": "2016-03-28"}}, []),
        ({"facts": {"requires": {"event_id": [1, 4688]}, "subtypes": ["Process"]}}, []),
        ({"facts": {"attack": {"technique": "T1047", "coverage": "high"}}}, ["x: attack is not"]),
        ({"facts": {"requires": {"event_id": [1, 4624]}}}, ["x: requires is not"]),
        ({"facts": {"requires": {"channel": "Security", "event_id": 1}}}, ["x: requires is not"]),
        ({"facts": {"version": True}}, ["x: version is not"]),
        ({"filled": ["schedule"]}, ["x: schedule is empty"]),
        ({"counts": {"response": 9}}, ["x: response has fewer"]),
        ({"mentions": {"notes": "zzz"}}, ["x: notes does not mention"]),
        ({"columns": ["zzz"]}, ["x: has no column zzz"]),
        ({"item": "Other"}, ["x: does not implement 'Other'"]),
        ({"by": ["y"]}, ["no analytic y"]),
        ({"by": ["lateral_movement"]}, ["no analytic"] if "lateral_movement" not in PENDING else []),
        ({"by": []}, ["names nothing"]),
        ({"how": "metadata"}, ["x: names no field"]),
        ({"how": "maybe"}, ["how: maybe"]),
        ({"how": "not", "by": []}, ["no reason"]),
        ({"how": "later", "by": ["hunt"], "note": "n"}, ["hunt is there already"]),
        ({"how": "command", "by": ["hunt", "zzz"]}, ["no command zzz"]),
        ({"typo": 1}, ["no key typo"]),
    ],
)
def test_the_check_itself(changes: Entry, wrong: list[str]) -> None:
    found = mistakes(GOOD | changes, "car-2016-03-002", {"x": HEAD}, {"hunt"}, {"x": {"host": None}})
    assert len(found) == len(wrong), found
    assert all(text.startswith(start) for text, start in zip(found, wrong, strict=True)), found


def test_a_head_that_claims_no_document_is_found() -> None:
    found = mistakes(GOOD | {"how": "metadata", "filled": ["title"]}, "other", {"x": HEAD}, set(), {"x": {}})
    assert found == ["x: does not implement the document"]


def test_the_readable_table_is_up_to_date() -> None:
    assert (DOCS / "traceability.md").read_text(encoding="utf-8") == markdown(), f"run: python {Path(__file__).name}"


if __name__ == "__main__":
    (DOCS / "traceability.md").write_text(markdown(), encoding="utf-8")
