"""``wmiwh tune`` and what suppressions do to ``hunt``, ``risk``, ``report`` and the exit code: counted, never lost."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.hunting.suggest import toml_text

Run = Callable[..., Any]

END = 'reason = "expected"\nauthor = "jdoe"\nexpires = 2999-01-01\n'
WMIC = "xql_wmic_remote_exec"


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One wmic that starts a process elsewhere, thrice from a management host and once from another."""
    folder = tmp_path_factory.mktemp("logs")
    lines = []
    for number, host in enumerate(("CM01", "CM01", "CM01", "WS02"), 1):
        time = f"2024-05-06 01:{number:02}:00"
        fields: dict[str, Any] = {"EventTime": time, "@timestamp": f"{time.replace(' ', 'T')}.000Z"}
        fields |= {"EventReceivedTime": time, "Hostname": host, "EventID": 4688, "Channel": "Security"}
        fields |= {"SourceName": "Microsoft-Windows-Security-Auditing", "RecordNumber": number}
        fields |= {"SubjectUserName": "adm", "SubjectDomainName": "CORP", "SubjectLogonId": "0x123"}
        fields |= {"NewProcessName": "C:\\Windows\\System32\\wbem\\WMIC.exe", "NewProcessId": f"0x{number * 16:x}"}
        fields["CommandLine"] = f"wmic /node:\"SRV{number}\u202e\" process call create 'it''s {number}'"
        lines.append(json.dumps(fields))
    (folder / "a.json").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def once(logs: Path) -> Path:
    from typer.testing import CliRunner

    from wmiwarehouse.cli.app import app

    said = CliRunner().invoke(app, ["ingest", str(logs / "a.json"), "-w", str(logs / "w")])
    assert said.exit_code in (0, 5), said.output
    return logs / "w"


@pytest.fixture
def own(once: Path) -> Iterator[Path]:
    """The same warehouse for each test; a copy would have to build its views anew."""
    yield once
    (once / "wmiwh.toml").unlink(missing_ok=True)


def _tune(warehouse: Path, *parts: str, end: str = END) -> None:
    texts = [f"[[suppress]]\n{part}\n{end}" for part in parts]
    (warehouse / "wmiwh.toml").write_text("\n".join(texts), encoding="utf-8")


def _hits(run: Run, warehouse: Path, *more: Any) -> tuple[int, dict[str, Any]]:
    said = run("hunt", WMIC, "lateral_movement", "-w", warehouse, "-f", "json", *more)
    return said.code, {row["analytic"]: (row["hits"], row["suppressed"]) for row in json.loads(said.out)}


def test_added_and_removed_it_changes_hits_risk_and_exit_code_at_once(run: Run, own: Path) -> None:
    fail = ("--fail-on", "high")
    code, before = _hits(run, own, *fail)
    assert (code, before[WMIC]) == (4, (4, 0))
    risk = {row["risk_object"]: row["risk_score"] for row in json.loads(run("risk", "-w", own, "-f", "json").out)}
    assert risk["cm01"] > 0

    _tune(own, f'analytic = "{WMIC}"\nwhere = {{ host = "CM01" }}')
    code, tuned = _hits(run, own, *fail)
    assert (code, tuned[WMIC]) == (4, (1, 3))

    _tune(
        own,
        'id = "all"\nanalytic = "*"\nwhere = { user_name = "ADM" }',
        'analytic = "*"\nwhere = { source_user_name = "adm" }',
        'analytic = "lateral_movement"\nwhere = { user = "corp\\\\adm" }',
        'analytic = "escu_remote_process_instantiation_via_wmi"\nwhere = { process_name = "wmic.exe" }',
    )
    code, tuned = _hits(run, own, *fail)
    assert (code, tuned) == (0, {WMIC: (0, 4), "lateral_movement": (0, before["lateral_movement"][0])})
    said = run("risk", "-w", own)
    assert (said.code, said.out) == (0, "")
    assert "findings suppressed by " in said.err
    assert "at risk beside what is suppressed" in said.err
    single = run("hunt", WMIC, "-w", own)
    assert single.out == ""
    assert f"0 hits are left of {WMIC}:" in single.err
    assert f"4 hits suppressed by 1 suppression (all): wmiwh hunt {WMIC} --suppressed" in single.err
    # Views show everything.
    assert json.loads(run("sql", f"select count(*) as n from hunt.{WMIC}", "-w", own, "-f", "json").out) == [{"n": 4}]

    (own / "wmiwh.toml").unlink()
    assert _hits(run, own, *fail) == (4, before)
    again = {row["risk_object"]: row["risk_score"] for row in json.loads(run("risk", "-w", own, "-f", "json").out)}
    assert again == risk


def test_what_is_suppressed_can_be_shown(run: Run, own: Path) -> None:
    _tune(own, f'id = "cm"\nanalytic = "{WMIC}"\nwhere = {{ host = "cm01" }}')
    rows = json.loads(run("hunt", WMIC, "--suppressed", "-w", own, "-f", "json").out)
    assert [(row["suppressed_by"], row["reason"], row["host"]) for row in rows] == [("cm", "expected", "cm01")] * 3
    (line,) = json.loads(run("hunt", "--suppressed", "-w", own, "-f", "json").out)
    assert (line["suppressed_by"], line["analytic"], line["hits"], line["author"]) == ("cm", WMIC, 3, "jdoe")
    findings = json.loads(run("risk", "--suppressed", "-w", own, "-f", "json").out)
    assert {row["analytic"] for row in findings} == {WMIC}
    whole = run("hunt", "-w", own)
    assert "3 hits suppressed by 1 suppression (cm): wmiwh hunt --suppressed" in whole.err
    (own / "wmiwh.toml").unlink()
    assert "no suppression is in force" in run("hunt", "--suppressed", "-w", own).err


def test_a_report_says_what_it_left_out(run: Run, own: Path) -> None:
    over = '\n[[suppress]]\nid = "over"\nanalytic = "*"\nwhere = { host = "ws02" }\n' + END.replace("2999", "2001")
    _tune(own, f'id = "cm"\nanalytic = "{WMIC}"\nwhere = {{ host = "cm01" }}', end=END + over)
    made = run("report", "-w", own, "-f", "json")
    report = json.loads(made.out)
    (query,) = [one for one in report["queries"] if one["id"] == WMIC]
    assert (query["hits"], query["suppressed"]) == (1, 3)
    told = {one["id"]: one for one in report["suppressed"]}
    assert (told["cm"]["status"], told["cm"]["hits"], told["cm"]["analytics"]) == ("applied", 3, [f"{WMIC} 3"])
    assert (told["cm"]["reason"], told["cm"]["author"], told["cm"]["expires"]) == ("expected", "jdoe", "2999-01-01")
    assert (told["over"]["status"], told["over"]["hits"]) == ("expired", 0)
    assert any("3 hits are suppressed by 1 suppression" in sentence for sentence in report["summary"])
    assert "1 suppression has expired and hides nothing any more: over (2001-01-01)" in made.err
    for form in ("markdown", "html"):
        out = run("report", "-w", own, "-f", form).out
        assert "3 suppressed" in out
        assert "expected" in out


def test_an_expired_one_says_so_everywhere(run: Run, own: Path) -> None:
    _tune(own, f'id = "old"\nanalytic = "{WMIC}"\nwhere = {{ host = "cm01" }}', end=END.replace("2999", "2020"))
    for command in (["hunt"], ["hunt", WMIC], ["risk"], ["tune", WMIC], ["tune", "--test"]):
        said = run(*command, "-w", own)
        assert said.code == 0
        assert said.err.count("1 suppression has expired and hides nothing any more: old (2020-01-01)") == 1, command
    assert _hits(run, own)[1][WMIC] == (4, 0)


def test_a_bad_file_is_refused_by_every_command(run: Run, own: Path) -> None:
    _tune(own, f'analytic = "{WMIC}"\nwhere = {{ hots = "cm01" }}')
    for command in (["hunt"], ["risk"], ["report"], ["tune", WMIC], ["tune", "--test"]):
        said = run(*command, "-w", own)
        assert said.code == 2
        assert (
            f"{own / 'wmiwh.toml'}, line 3: suppress[0].where.hots: {WMIC} has no such column; nearest: host"
            in said.err
        )


def test_tune_proposes_what_is_refused_until_it_is_filled_in(run: Run, own: Path) -> None:
    said = run("tune", WMIC, "-w", own)
    assert said.code == 0, said.err
    assert "\u202e" not in said.out
    assert "4 hits of" in said.err
    block = said.out[said.out.index("[[suppress]]") :]
    (proposed,) = tomllib.loads(block)["suppress"]
    assert proposed["where"]["host"] == "cm01"
    assert proposed["where"]["command_line"] == {"starts_with": 'wmic /node:"SRV'}
    assert "this would hide 3 hits" in said.err
    assert "what it hides is part of 3 lateral movements" in said.err
    path = own / "wmiwh.toml"
    for empty, filled in (
        ('reason = ""', 'reason = "r"'),
        ('author = ""', 'author = "a"'),
        ('expires = ""', "expires = 2999-01-01"),
    ):
        path.write_text(block, encoding="utf-8")
        refused = run("hunt", "-w", own)
        assert refused.code == 2
        assert f"suppress[0].{empty.partition(' ')[0]}: " in refused.err
        block = block.replace(empty, filled)
    path.write_text(block, encoding="utf-8")
    assert _hits(run, own)[1][WMIC] == (1, 3)


def test_tune_in_other_formats_keeps_stdout_for_rows(run: Run, own: Path) -> None:
    said = run("tune", WMIC, "-w", own, "-f", "json", "--top", "1")
    rows = json.loads(said.out)
    assert {row["column"]: (row["value"], row["hits"], row["share"]) for row in rows}["host"] == ("cm01", 3, 0.75)
    assert "[[suppress]]" in said.err


def test_tune_test_is_loud_and_names_what_hides_nothing(run: Run, own: Path, tmp_path: Path) -> None:
    candidate = tmp_path / "candidate.toml"
    _tune(
        tmp_path,
        'id = "moves"\nanalytic = "lateral_movement"\nwhere = { source_host = "cm01" }',
        f'id = "grave"\nanalytic = "{WMIC}"\nwhere = {{ host = "cm01" }}',
        f'id = "idle"\nanalytic = "{WMIC}"\nwhere = {{ host = "nowhere" }}',
    )
    (tmp_path / "wmiwh.toml").rename(candidate)
    said = run("tune", "--test", candidate, "-w", own, "-f", "json")
    assert said.code == 0, said.err
    rows = {row["suppressed_by"]: row for row in json.loads(said.out)}
    assert (rows["grave"]["hits"], rows["grave"]["movements"]) == (3, 3)
    assert "warning: moves: hides 3 lateral movements" in said.err
    assert f"warning: grave: hides hits of high severity: {WMIC} 3" in said.err
    assert "idle: hides nothing in this warehouse" in said.err
    # Nothing of it is in force.
    assert _hits(run, own)[1][WMIC] == (4, 0)


def test_what_tune_refuses(run: Run, own: Path) -> None:
    assert run("tune", "-w", own).code == 2
    assert run("tune", "xql_wmic", "-w", own).code == 2
    assert "does not exist: no suppression to test" in run("tune", "--test", "-w", own).err
    assert run("tune", "--test", own / "none.toml", "-w", own).code == 2


def test_the_example_is_accepted(run: Run, own: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "wmiwh.toml"
    said = run("tune", "--test", example, "-w", own)
    assert said.code == 0, said.err


@pytest.mark.parametrize("text", ["a'b\"c\\d", "\x1b[31m\u202e\x00\n", "C:\\x", "\U000e0100", "", "'''", "é\\"])
def test_values_are_pasted_as_they_are(text: str) -> None:
    written = toml_text(text)
    assert tomllib.loads(f"a = {written}") == {"a": text}
    assert written.isprintable()
