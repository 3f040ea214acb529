"""The report as a layer for the ATT&CK Navigator (layer format 4.5): what was hunted, and how much risk was found.

Whoever keeps a matrix of what a network has seen lays this over it. A technique stands under its own tactics, as
ATT&CK has them, and not where a document puts it: T1047 is Execution, though the XQL document lists it under Lateral
Movement too and the playbook files it under the number T1028.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from wmiwarehouse.output import cells, escape

if TYPE_CHECKING:
    from datetime import datetime

    from wmiwarehouse.report.model import Case, Report

#: The release of ATT&CK that the tactics below were taken from; the Navigator offers an upgrade to a newer one.
ATTACK: Final = "18"
_VERSIONS: Final = {"attack": ATTACK, "navigator": "5.2.0", "layer": "4.5"}

#: Tactics of the techniques that the analytics and their references name. A technique that is not here gets no
#: tactic, and the Navigator puts it where its own copy of ATT&CK has it.
TACTICS: Final[dict[str, tuple[str, ...]]] = {
    "T1047": ("execution",),
    "T1059.001": ("execution",),
    "T1070.001": ("defense-evasion",),
    "T1132": ("command-and-control",),
    "T1546.003": ("persistence", "privilege-escalation"),
    "T1562.002": ("defense-evasion",),
}
_TECHNIQUE: Final = re.compile(r"T\d{4}(\.\d{3})?")
_COLOURS: Final = ("#fff3d6", "#f6a04d", "#c0261f")
# The Navigator shows a comment in a tooltip: so many cases, and so many characters of a title.
_TOLD: Final = 20
_TITLE: Final = 200


def render(report: Report) -> str:
    """Return the layer as JSON text."""
    head = report.head
    name = escape.visible(head.title).strip() or "WMI hunt"
    layer = {
        "name": name,
        "versions": _VERSIONS,
        "domain": "enterprise-attack",
        "description": "\n".join(escape.visible(line) for line in (*report.summary, report.caution)),
        "filters": {"platforms": ["Windows"]},
        "sorting": 3,
        "layout": {"layout": "side", "showID": True, "showName": True, "expandedSubtechniques": "annotated"},
        "hideDisabled": False,
        "techniques": _techniques(report),
        "gradient": {"colors": list(_COLOURS), "minValue": 0, "maxValue": 100},
        "legendItems": [
            {"label": "highest risk score of a case: 0", "color": _COLOURS[0]},
            {"label": "50", "color": _COLOURS[1]},
            {"label": "100", "color": _COLOURS[2]},
        ],
        "selectTechniquesAcrossTactics": False,
        "selectSubtechniquesWithParent": False,
        "metadata": _pairs(
            ("created", _time(head.created)),
            ("executed", _time(head.executed)),
            ("time frame", " to ".join(filter(None, (_time(head.first_time), _time(head.last_time))))),
            ("environment", head.environment),
            ("hunter", head.hunter),
            ("records", f"{head.records:,}"),
            ("hosts", f"{head.hosts:,}"),
            ("made by", f"wmiwarehouse {head.tool_version}"),
        ),
        "links": [
            {"label": escape.visible(link.title), "url": link.url}
            for link in report.references
            if link.url and re.fullmatch(r"https?://[!-~]+", link.url)
        ],
    }
    return escape.json_text(json.dumps(layer, indent=2, ensure_ascii=False)) + "\n"


def _techniques(report: Report) -> list[dict[str, Any]]:
    """One entry for each technique and tactic: those of cases with a score, those only hunted without one."""
    hunted = {technique.id: technique.name for technique in report.head.techniques}
    found: dict[str, list[Case]] = {identifier: [] for identifier in hunted}
    for case in report.cases:
        for identifier in dict.fromkeys(case.techniques):
            found.setdefault(identifier, []).append(case)
    entries = []
    for identifier in sorted(filter(_TECHNIQUE.fullmatch, found)):
        entry = _entry(identifier, found[identifier], report.caution)
        entries += [
            {"techniqueID": identifier, "tactic": tactic} | entry for tactic in TACTICS.get(identifier, ())
        ] or [{"techniqueID": identifier} | entry]
    return entries


def _entry(identifier: str, cases: list[Case], caution: str) -> dict[str, Any]:
    link = {
        "label": f"ATT&CK {identifier}",
        "url": f"https://attack.mitre.org/techniques/{identifier.replace('.', '/')}/",
    }
    if not cases:
        # No score: a zero would be painted as if it were known that nothing happened.
        return {"comment": escape.visible(f"Hunted, no case. {caution}".strip()), "enabled": True, "links": [link]}
    told = [f"Case {case.number}: {_short(escape.visible(case.title))}" for case in cases[:_TOLD]]
    if len(cases) > _TOLD:
        told.append(f"and {len(cases) - _TOLD:,} more cases")
    times = [time for case in cases for time in (case.first, case.last) if time]
    hosts = sorted({host for case in cases for host in (case.source, case.target) if host})
    surest = max((case.confidence for case in cases if case.confidence is not None), default=None)
    return {
        "score": max(case.risk_score for case in cases),
        "comment": "\n".join(told),
        "enabled": True,
        "metadata": _pairs(
            ("cases", f"{len(cases):,}"),
            ("highest confidence", "" if surest is None else str(surest)),
            ("first", _time(min(times, default=None))),
            ("last", _time(max(times, default=None))),
            ("hosts", ", ".join(hosts[:_TOLD]) + (f" and {len(hosts) - _TOLD:,} more" if hosts[_TOLD:] else "")),
        ),
        "links": [link],
    }


def _short(title: str) -> str:
    return title if len(title) <= _TITLE else f"{title[:_TITLE]} ..."


def _pairs(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    # The Navigator refuses an item without a value.
    return [{"name": name, "value": escape.visible(value)} for name, value in pairs if value.strip()]


def _time(value: datetime | None) -> str:
    return "" if value is None else str(cells.plain(value))
