"""What is new, gone and changed since an earlier report: filters, cases, queries, risk, sources.

A case has the same id in both as long as it is the same act, so a report of more logs shows what these added. Filters
come first: under others an act is new or gone that nothing happened to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from wmiwarehouse.report.model import Case, Change, Head, Query, Report, RiskObject, Source

_Kind = Literal["filter", "case", "query", "risk", "source"]
_What = Literal["new", "gone", "changed"]
#: ``key``, how it is named, and the facts of which a change is one.
_Item = tuple[str, str, str]


def compare(old: Report, new: Report, name: str) -> Report:
    """Return *new* with its differences to *old*, a report called *name*."""
    changes = [
        *_differences("filter", _filters(old.head), _filters(new.head)),
        *_differences("case", map(_case, old.cases), map(_case, new.cases)),
        *_differences("query", map(_query, old.queries), map(_query, new.queries)),
        *_differences("risk", map(_risk, old.risk), map(_risk, new.risk)),
        *_differences("source", map(_source, old.sources), map(_source, new.sources)),
    ]
    return new.model_copy(update={"changes": tuple(changes), "compared_with": name})


def _differences(kind: _Kind, old: Iterable[_Item], new: Iterable[_Item]) -> list[Change]:
    before = {key: (name, facts) for key, name, facts in old}
    after = {key: (name, facts) for key, name, facts in new}
    changes = [_change("new", kind, after[key][0], "", after[key][1]) for key in after if key not in before]
    changes += [_change("gone", kind, before[key][0], before[key][1], "") for key in before if key not in after]
    changes += [
        _change("changed", kind, after[key][0], before[key][1], after[key][1])
        for key in after
        if key in before and before[key][1] != after[key][1]
    ]
    return changes


def _change(what: _What, kind: _Kind, name: str, before: str, after: str) -> Change:
    return Change(what=what, kind=kind, name=name, before=before, after=after)


def _filters(head: Head) -> list[_Item]:
    given = {name: getattr(head, name) for name in ("since", "until", "host", "user", "ingested_since")}
    return [(name, name.replace("_", " "), value) for name, value in given.items() if value]


def _case(case: Case) -> _Item:
    facts = [f"{case.severity}, risk {case.risk_score}"]
    if case.confidence is not None:
        facts.append(f"confidence {case.confidence}")
    if case.side_without_logs:
        facts.append(f"no logs of the {case.side_without_logs}")
    facts.append(f"{len(case.evidence):,} records, {len(case.analytics):,} analytics")
    facts += list(case.suspicion)
    return case.id, case.title, ", ".join(facts)


def _query(query: Query) -> _Item:
    hits = f"{query.hits:,} hit{'' if query.hits == 1 else 's'}"
    hidden = f", {query.suppressed:,} suppressed" if query.suppressed else ""
    return query.id, query.id, f"{hits}{hidden}, version {query.version}, data seen on {query.seen}"


def _risk(risk: RiskObject) -> _Item:
    acts = f"{risk.acts:,} act{'' if risk.acts == 1 else 's'}"
    return f"{risk.type} {risk.object}", f"{risk.type} {risk.object}", f"risk {risk.risk_score:,}, {acts}"


def _source(source: Source) -> _Item:
    key = source.sha256 or source.file
    return key, source.file, f"{source.status}, {source.records:,} records"
