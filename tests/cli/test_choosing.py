"""``wmiwh hunt`` with the flags that choose analytics: what they leave, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from wmiwarehouse.content.library import Analytic, Library
from wmiwarehouse.errors import UsageError
from wmiwarehouse.hunting.selection import SEVERITIES, Selection, listed

LIBRARY = Library.load()
ALL = list(LIBRARY.newest.values())
Run = Callable[..., Any]


def _kept(selection: Selection, analytics: list[Analytic] = ALL) -> list[str]:
    return [analytic.id for analytic in selection.narrow(analytics)]


def _tagged(*techniques: str) -> Analytic:
    metadata = ALL[0].metadata
    tags = [replace(metadata.attack[0], technique=technique) for technique in techniques]
    return Analytic(replace(metadata, attack=tuple(tags)), "", ALL[0].path)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("T1021", True),
        ("t1021.006", True),
        ("T1021.00", False),
        ("T102", False),
        ("T1021.003", False),
        ("T1047", False),
    ],
)
def test_a_technique_means_its_sub_techniques(wanted: str, found: bool) -> None:
    tagged = [_tagged("T1021.006"), _tagged("T1112")]
    if found:
        assert Selection((wanted,)).narrow(tagged) == tagged[:1]
    else:
        with pytest.raises(UsageError, match=r"technique T1021\.006, T1112;"):
            Selection((wanted,)).narrow(tagged)


def test_several_techniques_are_alternatives() -> None:
    tagged = [_tagged("T1021.006"), _tagged("T1112"), _tagged("T1047")]
    assert Selection(("T1047", "T1112")).narrow(tagged) == tagged[1:]


def test_an_analytic_of_both_sides_is_of_either() -> None:
    sides = {analytic.id: analytic.metadata.side for analytic in ALL}
    assert {"source", "destination", "both"} == set(sides.values())
    assert {sides[name] for name in _kept(Selection(side="source"))} == {"source", "both"}
    assert {sides[name] for name in _kept(Selection(side="destination"))} == {"destination", "both"}
    assert {sides[name] for name in _kept(Selection(side="both"))} == {"both"}


@pytest.mark.parametrize("least", SEVERITIES[:4])
def test_a_severity_means_the_graver_ones_too(least: str) -> None:
    kept = {LIBRARY.newest[name].metadata.severity for name in _kept(Selection(min_severity=least))}
    there = {analytic.metadata.severity for analytic in ALL}
    assert kept == there & set(SEVERITIES[SEVERITIES.index(least) :])


def test_kinds_are_alternatives_and_flags_combine() -> None:
    selection = Selection(side="source", kinds=("detection", "stack"), min_severity="low")
    expected = [
        a.id
        for a in ALL
        if a.metadata.side in ("source", "both")
        and a.metadata.kind in ("detection", "stack")
        and a.metadata.severity != "informational"
    ]
    assert _kept(selection) == expected
    assert expected


@pytest.mark.parametrize(
    "selection", [{"side": "left"}, {"kinds": ("detection", "detections")}, {"min_severity": "severe"}]
)
def test_values_that_do_not_exist_are_refused_with_those_that_do(selection: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="is none of "):
        Selection(**selection)


def test_lists_with_commas() -> None:
    assert listed(["stack, chain", "stack"]) == ("stack", "chain")
    assert listed(None) == ()
    for given in ([""], ["stack,,chain"], ["stack,"]):
        with pytest.raises(UsageError):
            listed(given)


def test_hunt_runs_what_is_left(run: Run, case: Any) -> None:
    said = run("hunt", "-w", case.warehouse, "--side", "source", "--min-severity", "high", "-f", "json")
    rows = json.loads(said.out)
    assert said.code == 0
    assert {row["analytic"] for row in rows} == set(_kept(Selection(side="source", min_severity="high")))
    stacks = run("hunt", "-w", case.warehouse, "--kind", "stack", "-f", "json", "--host", "nobody")
    assert {row["kind"] for row in json.loads(stacks.out)} == {"stack"}
    assert {row["hits"] for row in json.loads(stacks.out)} == {0}


def test_hunt_prints_rows_only_for_one_that_was_named(run: Run, case: Any) -> None:
    named = run("hunt", "wmiprvse_children", "-w", case.warehouse, "--kind", "detection", "-f", "json")
    assert "event_uid" in json.loads(named.out)[0]
    left = run(
        "hunt", "wmiprvse_children", "stack_wmiprvse_children", "-w", case.warehouse, "--kind", "stack", "-f", "json"
    )
    assert [row["analytic"] for row in json.loads(left.out)] == ["stack_wmiprvse_children"]


def test_nothing_left_is_refused(run: Run, case: Any) -> None:
    said = run("hunt", "wmiprvse_children", "-w", case.warehouse, "--side", "source")
    assert (said.code, said.out) == (2, "")
    assert "side destination" in said.err
    said = run("hunt", "-w", case.warehouse, "--technique", "T9999")
    assert (said.code, said.out) == (2, "")
    assert "T1047" in said.err
    assert run("hunt", "-w", case.warehouse, "--kind", "nonsense").code == 2
    assert run("hunt", "-w", case.warehouse, "--side", "left").code == 2
