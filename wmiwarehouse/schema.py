"""The one vocabulary: every column of ``lake_events``, in order, with its DuckDB type.

The lake, the projection that fills it, the empty warehouse and the tests that make rows by hand all take their columns
from here. Names are Windows' own in snake case where they are clear and OSSEM's where not. Types are those that both
DuckDB and Spark read back unchanged from Parquet.
"""

from __future__ import annotations

_IDENTITY = {
    "event_uid": "VARCHAR",
    "event_time": "TIMESTAMPTZ",
    "time_source": "VARCHAR",
    "utc_time": "TIMESTAMPTZ",
    "host": "VARCHAR",
    "computer": "VARCHAR",
    "provider": "VARCHAR",
    "channel": "VARCHAR",
    "event_id": "INTEGER",
    "version": "INTEGER",
    "record_id": "BIGINT",
    "task": "VARCHAR",
    "level": "INTEGER",
    "opcode": "INTEGER",
    "keywords": "VARCHAR",
    "execution_process_id": "BIGINT",
    "execution_thread_id": "BIGINT",
    "activity_id": "VARCHAR",
    "related_activity_id": "VARCHAR",
    "system_user_sid": "VARCHAR",
    "event_data": "VARCHAR",
}

_PROVENANCE = {
    "source_id": "VARCHAR",
    "source_file": "VARCHAR",
    "source_record": "BIGINT",
    "format": "VARCHAR",
    "batch_id": "VARCHAR",
    "ingested_at": "TIMESTAMPTZ",
}

_WHO = {
    "user_name": "VARCHAR",
    "user_domain": "VARCHAR",
    "user_sid": "VARCHAR",
    "subject_name": "VARCHAR",
    "subject_domain": "VARCHAR",
    "subject_sid": "VARCHAR",
    "subject_logon_id": "VARCHAR",
    "target_name": "VARCHAR",
    "target_domain": "VARCHAR",
    "target_sid": "VARCHAR",
    "target_logon_id": "VARCHAR",
    "logon_id": "VARCHAR",
    "linked_logon_id": "VARCHAR",
    "logon_type": "INTEGER",
    "logon_process": "VARCHAR",
    "authentication_package": "VARCHAR",
    "workstation": "VARCHAR",
    "target_server": "VARCHAR",
    "target_info": "VARCHAR",
    "privileges": "VARCHAR",
    "outbound_user_name": "VARCHAR",
    "outbound_domain": "VARCHAR",
}

_PROCESS = {
    "process_path": "VARCHAR",
    "process_name": "VARCHAR",
    "process_id": "BIGINT",
    "process_guid": "VARCHAR",
    "command_line": "VARCHAR",
    "current_directory": "VARCHAR",
    "original_file_name": "VARCHAR",
    "hashes": "VARCHAR",
    "integrity_level": "VARCHAR",
    "parent_process_path": "VARCHAR",
    "parent_process_name": "VARCHAR",
    "parent_process_id": "BIGINT",
    "parent_process_guid": "VARCHAR",
    "parent_command_line": "VARCHAR",
    "parent_user": "VARCHAR",
}

_NETWORK = {
    "source_ip": "VARCHAR",
    "source_ip_key": "VARCHAR",
    "source_port": "INTEGER",
    "source_host": "VARCHAR",
    "destination_ip": "VARCHAR",
    "destination_ip_key": "VARCHAR",
    "destination_port": "INTEGER",
    "destination_host": "VARCHAR",
    "protocol": "VARCHAR",
    "is_initiated": "BOOLEAN",
}

_OBJECTS = {
    "registry_event_type": "VARCHAR",
    "registry_path": "VARCHAR",
    "registry_details": "VARCHAR",
    "object_name": "VARCHAR",
    "object_type": "VARCHAR",
    "share_name": "VARCHAR",
    "relative_target_name": "VARCHAR",
}

_WMI_AND_SCRIPTS = {
    "wmi_operation": "VARCHAR",
    "wmi_namespace": "VARCHAR",
    "wmi_query": "VARCHAR",
    "wmi_consumer": "VARCHAR",
    "wmi_filter": "VARCHAR",
    "wmi_client_machine": "VARCHAR",
    "wmi_result": "VARCHAR",
    "wmi_provider_path": "VARCHAR",
    "script_text": "VARCHAR",
}

#: Columns that ``ingest/formats`` gives for every record.
RECORD_COLUMNS = _IDENTITY | _PROVENANCE

#: Columns that ``ingest/events`` types out of the event's data; NULL where a log has none.
TYPED_COLUMNS = _WHO | _PROCESS | _NETWORK | _OBJECTS | _WMI_AND_SCRIPTS

#: Every column of the lake, in order.
EVENT_COLUMNS = RECORD_COLUMNS | TYPED_COLUMNS
