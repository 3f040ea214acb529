"""What a record tells in a few words, from its typed columns: evidence has to be readable without the log beside it.

Which log fills which column is written in ``ingest/``; here it only counts which columns a record has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from wmiwarehouse.lake.query import rows
from wmiwarehouse.output.cells import log_name
from wmiwarehouse.output.ends import LOGON_TYPES, account, end
from wmiwarehouse.report.model import Evidence

#: A script or an encoded command goes on for pages; ``wmiwh event`` has it whole.
LONGEST = 600

_COLUMNS = """
    event_uid, event_time, host, channel, event_id, source_file, source_record, process_name, process_path, process_id,
    command_line, parent_process_name, user_name, user_domain, subject_name, subject_domain, target_name, target_domain,
    target_server, target_info, privileges, logon_id, logon_type, authentication_package, workstation, source_ip,
    source_port, destination_ip, destination_port, protocol, registry_event_type, registry_path, registry_details,
    object_name, share_name, relative_target_name, wmi_operation, wmi_query, wmi_consumer, wmi_filter,
    wmi_client_machine, script_text, task"""


def look_up(connection: Any, uids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the records with the ids *uids*, all in one look."""
    import pyarrow as pa

    wanted = pa.table({"wanted_uid": pa.array(sorted(set(uids)), pa.string())})
    if not wanted.num_rows:
        return {}
    connection.register("wanted_records", wanted)
    try:
        # The same file under two names has the same ids; that which is no copy comes last and stays.
        query = (
            f"select {_COLUMNS} from events inner join wanted_records on event_uid = wanted_uid "
            "order by is_duplicate desc, source_file desc, source_record"
        )
        return {row["event_uid"]: row for row in rows(connection, query)}
    finally:
        connection.unregister("wanted_records")


def evidence(record: Mapping[str, Any], side: Literal["source", "target", "host"]) -> Evidence:
    """Return *record* as evidence of *side*."""
    return Evidence(
        side=side,
        time=record["event_time"],
        host=host_name(record["host"]) or "",
        log=log_name(record["channel"], record["event_id"]),
        what=what(record),
        event_uid=record["event_uid"],
        source_file=record["source_file"] or "",
        source_record=record["source_record"] or 0,
    )


def host_name(host: str | None) -> str | None:
    """Return *host* in upper case, as Windows shows names; an address has no case to speak of."""
    return host if host is None or ":" in host else host.upper()


def cut(text: str, longest: int = LONGEST) -> str:
    """Return the beginning of *text* and how much of it is not shown."""
    return text if len(text) <= longest else f"{text[:longest]} ... ({len(text) - longest:,} more characters)"


def what(record: Mapping[str, Any]) -> str:
    """Return what *record* tells."""
    return cut(next((text for text in (tell(record) for tell in _TELLING) if text), record["task"] or ""))


def _connection(record: Mapping[str, Any]) -> str:
    if not record["destination_ip"]:
        return ""
    process = f"{record['process_name']}: " if record["process_name"] else ""
    ends = [
        end(record["source_ip"], record["source_port"]),
        end(record["destination_ip"], record["destination_port"]),
    ]
    return f"{process}{' to '.join(filter(None, ends))} {record['protocol'] or ''}".rstrip()


def _registry(record: Mapping[str, Any]) -> str:
    if not record["registry_path"]:
        return ""
    value = f" = {record['registry_details']}" if record["registry_details"] else ""
    return f"{_by(record)}{record['registry_event_type'] or 'registry'} {record['registry_path']}{value}"


def _explicit_credentials(record: Mapping[str, Any]) -> str:
    if not record["target_server"]:
        return ""
    subject = account(record["subject_name"], record["subject_domain"]) or "somebody"
    target = account(record["target_name"], record["target_domain"]) or account(
        record["user_name"], record["user_domain"]
    )
    info = f" ({record['target_info']})" if record["target_info"] else ""
    return f"{_by(record)}{subject} used the credentials of {target or 'another'} for {record['target_server']}{info}"


def _logon(record: Mapping[str, Any]) -> str:
    if record["logon_type"] is None:
        return ""
    kind = f"{LOGON_TYPES.get(record['logon_type'], '')} logon (type {record['logon_type']})".strip()
    origin = end(record["source_ip"], record["source_port"])
    station = f" ({record['workstation']})" if record["workstation"] not in (None, "", "-") else ""
    parts = [
        kind,
        f"of {_user(record)}" if _user(record) else "",
        f"from {origin}{station}" if origin else station.strip(),
        f"by {record['authentication_package']}" if record["authentication_package"] else "",
    ]
    return " ".join(filter(None, parts)) + _session(record)


def _share(record: Mapping[str, Any]) -> str:
    if not record["share_name"]:
        return ""
    name = "\\".join(filter(None, (record["share_name"], record["relative_target_name"])))
    origin = end(record["source_ip"], record["source_port"])
    user = _user(record)
    return f"share {name}{f' from {origin}' if origin else ''}{f' as {user}' if user else ''}"


def _wmi(record: Mapping[str, Any]) -> str:
    names = ("wmi_operation", "wmi_query", "wmi_filter", "wmi_consumer", "wmi_client_machine")
    return " · ".join(f"{name[4:].replace('_', ' ')} {record[name]}" for name in names if record[name])


def _script(record: Mapping[str, Any]) -> str:
    return f"script: {' '.join(record['script_text'][: 2 * LONGEST].split())}" if record["script_text"] else ""


def _object(record: Mapping[str, Any]) -> str:
    return f"{_by(record)}{record['object_name']}" if record["object_name"] else ""


def _privileges(record: Mapping[str, Any]) -> str:
    if not record["privileges"]:
        return ""
    return f"special privileges of {_user(record) or 'an account'}{_session(record)}"


def _process(record: Mapping[str, Any]) -> str:
    ran = record["command_line"] or record["process_path"] or record["process_name"]
    if not ran:
        return ""
    parent = f"{record['parent_process_name']} started " if record["parent_process_name"] else ""
    number = f" (pid {record['process_id']})" if record["process_id"] is not None else ""
    user = _user(record)
    return f"{parent}{record['process_name'] or 'a process'}{number}{f' as {user}' if user else ''}: {ran}"


def _account(record: Mapping[str, Any]) -> str:
    return f"{_user(record)}{_session(record)}"


_TELLING = (
    *(_connection, _registry, _explicit_credentials, _logon, _share, _script, _wmi, _object, _privileges),
    *(_process, _account),
)


def _by(record: Mapping[str, Any]) -> str:
    return f"{record['process_name']}: " if record["process_name"] else ""


def _user(record: Mapping[str, Any]) -> str:
    return account(record["user_name"], record["user_domain"])


def _session(record: Mapping[str, Any]) -> str:
    return f", session {record['logon_id']}" if record["logon_id"] else ""
