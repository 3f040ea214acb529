"""The report's own sentences: the summary that anybody reads first, answers to the document's questions, tasks.

Every sentence stands on a figure or a case; a question that the data does not answer is answered with what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wmiwarehouse.hunting.coverage import CAUTION
from wmiwarehouse.report.cases import Found
from wmiwarehouse.report.model import Case, DataNeed, HostCoverage, Note, ReadProblem, Source, Talk
from wmiwarehouse.report.needs import OTHER
from wmiwarehouse.report.records import cut
from wmiwarehouse.report.seen import moment

#: Movements that the summary tells one by one: it has at most six sentences.
_TOLD = 2
_NAMES = 8
_NETFLOW = "Netflow"


def summary(
    found: Found,
    needs: Sequence[DataNeed],
    hosts: int,
    *,
    filtered: bool,
    unknown: Iterable[str] = (),
    suppressed: str = "",
) -> tuple[str, ...]:
    """Return who moved from where to where, when, as whom, how sure; then what is *suppressed* and was not seen.

    *unknown* is said of what the filters name and no record has.
    """
    moves = [case for case in found.cases if case.kind == "lateral movement"]
    if found.movements:
        told = [_opening(found, moves), *(_movement(case) for case in moves[:_TOLD])]
        if found.movements > _TOLD:
            told.append(_further(found.movements - _TOLD, moves[_TOLD:]))
    else:
        beside = " beside what is suppressed" if suppressed else ""
        told = [f"No lateral movement with WMI was found in what was read{beside}."]
    if found.findings:
        told.append(
            f"{_count(found.findings, 'act')} on single hosts{' beside that' if found.movements else ''} "
            "put a host or a user at risk."
        )
    told += [f"{one[0].upper()}{one[1:]}." for one in unknown]
    told += [suppressed] if suppressed else []
    told.append(_not_seen(needs, hosts, filtered=filtered))
    return tuple(told)


def notes(
    needs: Sequence[DataNeed], talks: Sequence[Talk], found: Found, coverage: Sequence[HostCoverage]
) -> tuple[Note, ...]:
    """Return the document's five questions, answered where data can."""
    kinds: dict[str, list[DataNeed]] = {}
    for need in needs:
        if need.name != OTHER:
            kinds.setdefault(need.name, []).append(need)
    sets = [
        f"{name}: {', '.join(f'{one.log} on {one.hosts_seen:,} of {one.hosts:,} hosts' for one in listed)}"
        for name, listed in kinds.items()
    ]
    flows = [one for one in kinds.get(_NETFLOW, []) if one.hosts_seen]
    network = (
        f"{'; '.join(f'{one.log} {one.text}' for one in flows)}. {CAUTION}"
        if flows
        else f"No record of network connections was seen. {CAUTION} Logons over the network still name their source."
    )
    users = {user for talk in talks for user in talk.users if not user.startswith("and ")}
    return (
        Note(
            question="What data sets provide us a way to view lateral movement in general and communication between "
            "Windows hosts specifically?",
            answer=f"{'; '.join(sets)}.",
        ),
        Note(question="Can we see network communication between Windows hosts?", answer=network),
        Note(
            question="Are there actions taken on hosts that might indicate similar activities occurring on others?",
            answer=_similar(found.cases),
        ),
        Note(question="What systems are communicating with one another?", answer=_pairs(talks, coverage)),
        Note(
            question="What users are associated with those systems?",
            answer=f"{_listed(sorted(users, key=str.lower))}." if users else "None is named in what was read.",
        ),
    )


def follow_up(
    found: Found,
    missing: Mapping[str, Sequence[str]],
    coverage: Sequence[HostCoverage],
    problems: Sequence[ReadProblem],
    sources: Iterable[Source],
) -> tuple[str, ...]:
    """Return the tasks of the document, and those that the data asks for; *missing* has the hosts without a log."""
    tasks = ["Task: identify future instances of WMI lateral movement: run this hunt again and compare (--compare)."]
    moves = [case for case in found.cases if case.kind == "lateral movement"]
    encoded = [case.number for case in moves if any("encoded" in one for one in case.suspicion)]
    tasks.append(
        "Task: create detection logic for encoded PowerShell."
        + (f" It was seen in case {_listed(map(str, encoded))}: decode it." if encoded else "")
    )
    tasks.append(
        "Task: create detection logic for specific orders of action that might indicate lateral movement"
        + (f": {_order(moves[0])}" if moves and _order(moves[0]) else ".")
    )
    tasks.append("Task: hunt for PowerShell Empire activity.")
    for side in ("source", "target"):
        silent = sorted({getattr(case, side) for case in moves if case.side_without_logs == side} - {None})
        if silent:
            tasks.append(f"Task: get the logs of {_listed(silent)}: only the other side of a movement was seen.")
    tasks += _gaps(missing, coverage)
    cleared = [one.host for one in coverage if any("cleared" in doubt for doubt in one.doubts)]
    if cleared:
        tasks.append(f"Task: find out who cleared logs on {_listed(cleared)}, and why.")
    zones = [one.host for one in coverage if any("zone" in doubt and "worked out" not in doubt for doubt in one.doubts)]
    if zones:
        tasks.append(f"Task: confirm the time zone of {_listed(zones)}: the logs do not say it.")
    damaged = sorted(
        {one.file for one in problems if one.lost} | {one.file for one in sources if one.status == "failed"}
    )
    if damaged:
        tasks.append(f"Task: get {_count(len(damaged), 'file')} again that could not be read whole (see Custody).")
    return tuple(tasks)


def _opening(found: Found, moves: Sequence[Case]) -> str:
    high = sum(case.certainty == "high" for case in moves)
    half = sum(case.side_without_logs is not None for case in moves)
    parts = [f"{high:,} of them with high confidence" if high else "none of them with high confidence"]
    if half:
        parts.append(f"{half:,} seen from one side only")
    return f"{_count(found.movements, 'movement')} from host to host found, {', '.join(parts)}."


def _further(more: int, moves: Sequence[Case]) -> str:
    half = [
        f"{case.source or 'an unknown host'} -> {case.target or 'an unknown host'}"
        f"{f' as {case.user}' if case.user else ''} (no logs of the {case.side_without_logs})"
        for case in moves
        if case.side_without_logs
    ]
    told = f"; seen from one side only: {_listed(dict.fromkeys(half), 2)}" if half else ""
    return f"{_count(more, 'more movement')} below, each with its evidence{told}."


def _movement(case: Case) -> str:
    user = f" as {case.user}" if case.user else ""
    command = case.remote_command or case.target_command_line
    ran = f" and ran {cut(' '.join(command.split()), 100)}" if command else ""
    by = f" by {case.source_process}" if case.source_process else ""
    sure = f"confidence {case.confidence} of 100" if case.confidence is not None else "confidence unknown"
    half = f"; no logs of the {case.side_without_logs} were read" if case.side_without_logs else ""
    address = f" ({case.source_ip})" if case.source_ip and case.source_ip != case.source else ""
    return (
        f"{moment(case.first)}: {case.source or 'an unknown host'}{address} moved to {case.target or 'an unknown host'}"
        f"{user}{by}{ran} ({sure}{half})."
    )


def _not_seen(needs: Sequence[DataNeed], hosts: int, *, filtered: bool) -> str:
    gaps = [
        f"{one.log} on {one.hosts - one.hosts_seen:,} of {one.hosts:,} hosts"
        for one in {need.log: need for need in needs if need.name != OTHER}.values()
        if one.hosts_seen < one.hosts
    ]
    seen = f"Not seen: {'; '.join(gaps)}." if gaps else f"What the hunt needs was seen on all {hosts:,} hosts."
    return f"{seen} {CAUTION}{' The filters may hide hits.' if filtered else ''}"


def _similar(cases: Sequence[Case]) -> str:
    by_command: dict[str, set[str]] = {}
    for case in cases:
        for name in {case.target_process, case.source_process} - {None}:
            host = case.target if name == case.target_process and case.target else case.source
            if host:
                by_command.setdefault(str(name), set()).add(host)
    shared = sorted(
        ((name, hosts) for name, hosts in by_command.items() if len(hosts) > 1), key=lambda i: (-len(i[1]), i[0])
    )
    if not shared:
        return "No process of a case was seen in cases of two or more hosts."
    told = [f"{name} on {_listed(sorted(hosts))}" for name, hosts in shared[:_TOLD]]
    return f"The same process stands in cases of several hosts: {'; '.join(told)}."


def _pairs(talks: Sequence[Talk], coverage: Sequence[HostCoverage]) -> str:
    if not talks:
        return "No pair of hosts is named by a movement, a wmic call or a logon over the network."
    told = [f"{one.source} to {one.target} ({one.how}, {one.times:,})" for one in talks[:_NAMES]]
    more = f" and {len(talks) - _NAMES:,} more pairs" if len(talks) > _NAMES else ""
    silent = sum(not one.records for one in coverage)
    named = (
        f" {_count(silent, 'host')} without logs {'is' if silent == 1 else 'are'} named by others." if silent else ""
    )
    return f"{', '.join(told)}{more}.{named}"


def _order(case: Case) -> str:
    kinds = list(dict.fromkeys(f"{one.log} on {one.host}" for one in case.evidence))[:_NAMES]
    return f"case {case.number} shows {', '.join(kinds)}." if len(kinds) > 1 else ""


def _gaps(missing: Mapping[str, Sequence[str]], coverage: Sequence[HostCoverage]) -> list[str]:
    told = []
    for log, hosts in missing.items():
        name = log.replace("Sysmon ", "Sysmon Event ID ").replace("Security ", "Security Event ID ")
        if hosts:
            told.append(f"Visibility gap: no {name} logs on {_count(len(hosts), 'host')}: {_listed(hosts)}.")
    silent = [one.host for one in coverage if not one.records]
    if silent:
        told.append(f"Visibility gap: no logs at all of {_listed(silent)}, which others name.")
    return told


def _listed(names: Iterable[str], most: int = _NAMES) -> str:
    names = list(names)
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
