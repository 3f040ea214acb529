"""The JSON form of a report: what other programs read, and what the next report is compared with.

Its schema is docs/report.schema.json. The same report gives the same bytes, and nothing in it acts on a terminal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wmiwarehouse.errors import UsageError
from wmiwarehouse.output import escape
from wmiwarehouse.report.model import SCHEMA_VERSION, Report

#: A report is bounded; what is larger was not made here.
_LARGEST = 256 << 20


def dump(report: Report) -> bytes:
    """Return *report* as JSON text in UTF-8."""
    text = json.dumps(report.model_dump(mode="json"), ensure_ascii=False, indent=1)
    return (escape.json_text(text) + "\n").encode("utf-8", "backslashreplace")


def load(path: Path) -> Report:
    """Return the report in the file *path*; raises :class:`UsageError` with one line that says why it is none."""
    from pydantic import ValidationError

    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path}: is no report of wmiwh: larger than {_LARGEST >> 20} MB")
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path}: is no JSON; a report is written by: wmiwh report -o report.json") from None
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version is None:
        raise UsageError(f"{path}: is no report of wmiwh; one is written by: wmiwh report -o report.json")
    if version != SCHEMA_VERSION:
        raise UsageError(f"{path}: has schema version {version}, and this wmiwh reads {SCHEMA_VERSION}")
    try:
        return Report.model_validate(data)
    except (ValidationError, RecursionError) as error:
        raise UsageError(f"{path}: is no report of wmiwh: {_cause(error)}") from None


def schema() -> str:
    """Return the JSON schema of a report, as docs/report.schema.json has it."""
    made: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Report.model_json_schema(mode="serialization"),
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _cause(error: Exception) -> str:
    errors = getattr(error, "errors", None)
    if errors is None:
        return "nested too deep"
    first = errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
