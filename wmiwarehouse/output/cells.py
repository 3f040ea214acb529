"""Turns Arrow batches into plain Python values, once, so that every writer prints the same instant in the same way.

Times become UTC text with microseconds and a Z; times without a zone are taken for UTC, which is what every view of
the warehouse returns. What is left is what JSON knows: text, numbers, booleans, lists and dicts.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

from wmiwarehouse.errors import WmiwhError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    Rows: TypeAlias = "pa.Table | pa.RecordBatchReader | Counted"

_BATCH = 8192
_FEW = 1000
_EPOCH = datetime(1970, 1, 1)
_TIME_LENGTH = len("2026-03-04 10:11:02.310000")


class Kind(Enum):
    """What a column holds, as far as its printing goes."""

    NUMBER = "number"
    TIME = "time"
    TEXT = "text"


class Counted:
    """Rows on their way out, counted as they pass; they can be read once."""

    def __init__(self, rows: pa.Table | pa.RecordBatchReader) -> None:
        self.schema = rows.schema
        self.count = 0
        self._source = rows.to_batches() if hasattr(rows, "to_batches") else rows

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._source:
            self.count += batch.num_rows
            yield batch


def names(schema: pa.Schema) -> list[str]:
    """Return the column names of *schema*, each once: a second ``host`` becomes ``host_2``."""
    result: list[str] = []
    for name in schema.names:
        unique, count = name, 1
        while unique in result:
            count += 1
            unique = f"{name}_{count}"
        result.append(unique)
    return result


def kinds(schema: pa.Schema) -> list[Kind]:
    """Return what each column of *schema* holds."""
    import pyarrow.types as t

    def kind(data_type: pa.DataType) -> Kind:
        if t.is_timestamp(data_type):
            return Kind.TIME
        is_number = t.is_integer(data_type) or t.is_floating(data_type) or t.is_decimal(data_type)
        return Kind.NUMBER if is_number else Kind.TEXT

    return [kind(field.type) for field in schema]


def batches(rows: Rows) -> Iterator[pa.RecordBatch]:
    """Yield *rows* in batches small enough to turn into Python objects one at a time."""
    for batch in rows if isinstance(rows, Counted) else Counted(rows):
        for start in range(0, batch.num_rows, _BATCH):
            yield batch.slice(start, _BATCH)


def columns(batch: pa.RecordBatch) -> list[list[Any]]:
    """Return the values of *batch*, one list per column."""
    return [_values(array) for array in batch.columns]


def records(rows: Rows) -> Iterator[tuple[Any, ...]]:
    """Yield *rows* one by one."""
    for batch in batches(rows):
        if batch.num_columns:
            yield from zip(*columns(batch), strict=True)


def _values(array: pa.Array) -> list[Any]:
    import pyarrow as pa
    import pyarrow.types as t

    kind = array.type
    if t.is_string(kind) or t.is_large_string(kind) or t.is_integer(kind) or t.is_boolean(kind) or t.is_floating(kind):
        return list(array.to_pylist())
    if t.is_timestamp(kind):
        if len(array) <= _FEW and kind.unit == "us" and (few := _instants(array)) is not None:
            return few
        texts = array.cast(pa.timestamp("us"), safe=False).cast(pa.string()).to_pylist()
        return [None if text is None else _instant(text) for text in texts]
    if t.is_date32(kind):
        return list(array.cast(pa.string()).to_pylist())
    try:
        return [plain(value) for value in array.to_pylist()]
    except (ValueError, OverflowError) as error:  # a time in a list or struct that Python's types cannot hold
        raise WmiwhError(f"a value of type {kind} cannot be written ({error}); cast it to text in the query") from error


def _instants(array: pa.Array) -> list[str | None] | None:
    """Return the times of *array* as text, None if Python cannot hold one of them.

    What casts them in Arrow takes a twentieth of a second to import: for a screenful of rows that is too long.
    """
    import pyarrow as pa

    counts = array.view(pa.int64()).to_pylist()
    try:
        moments = [None if count is None else _EPOCH + timedelta(microseconds=count) for count in counts]
    except OverflowError:
        return None
    return [None if moment is None else f"{moment.isoformat(timespec='microseconds')}Z" for moment in moments]


def _instant(text: str) -> str:
    return f"{text[:10]}T{text[11:]}Z" if len(text) == _TIME_LENGTH else text


def plain(value: Any) -> Any:
    """Return *value* in the types that JSON knows."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            zoned = value.astimezone(UTC) if value.tzinfo else value
            return f"{zoned.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
        case date() | time():
            return value.isoformat()
        case Decimal():
            return _number(value)
        case bytes():
            return value.hex()
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case [tuple(), *_] if isinstance(value, list):  # how pyarrow hands out a map
            return {str(key): plain(item) for key, item in value}
        case list():
            return [plain(item) for item in value]
        case (int(months), int(days), int(nanoseconds)):  # how pyarrow hands out an interval
            return _duration(months, days, nanoseconds)
        case _:
            return str(value)


def _duration(months: int, days: int, nanoseconds: int) -> str:
    """Return an interval as DuckDB's own shell writes it: ``1 month 2 days 00:07:23.759``."""
    parts = [f"{n} {unit}{'' if abs(n) == 1 else 's'}" for n, unit in ((months, "month"), (days, "day")) if n]
    seconds, rest = divmod(abs(nanoseconds) // 1000, 1_000_000)
    if nanoseconds or not parts:
        minutes, second = divmod(seconds, 60)
        fraction = f".{rest:06}".rstrip("0").rstrip(".")
        sign = "-" if nanoseconds < 0 else ""
        parts.append(f"{sign}{minutes // 60:02}:{minutes % 60:02}:{second:02}{fraction}")
    return " ".join(parts)


def _number(value: Decimal) -> int | float | str:
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value():
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else str(value)


def json_dumps(value: Any) -> str:
    """Return *value* as JSON text that is always valid: NaN and infinities become null, whatever their depth."""
    import orjson

    try:
        return orjson.dumps(value).decode()
    except TypeError:  # integers beyond 64 bits, lone surrogates
        import json

        return json.dumps(_finite(value), separators=(",", ":"))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value


def exact(value: Any) -> str:
    """Return *value* as text for a machine: lists as JSON, nothing for NULL."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list() | dict():
            return json_dumps(value)
        case _:
            return str(value)


def readable(value: Any, kind: Kind = Kind.TEXT) -> str:
    """Return *value* as text for a person: times to the millisecond, lists as ``a, b``, nothing for NULL."""
    if kind is Kind.TIME and isinstance(value, str) and value.endswith("Z"):
        return f"{value[:-4]}Z"
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return ", ".join("null" if item is None else exact(item) for item in value)
    return exact(value)


def log_name(channel: str | None, event_id: int | None) -> str:
    """Return channel and event id in few words: ``Sysmon 1``."""
    name = (channel or "").removeprefix("Microsoft-Windows-").removesuffix("/Operational")
    return f"{name or 'log without name'} {'' if event_id is None else event_id}".strip()
