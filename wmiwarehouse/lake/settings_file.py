"""The tables of ``wmiwh.toml`` and their types: which words there are, and what kind of value each takes.

Apart from the settings themselves because pydantic, which checks them, takes long to import, and most warehouses have
no such file.
"""

from __future__ import annotations

import difflib
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from wmiwarehouse.lake.setting_errors import WrongError, dotted, first_cause, short


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Network(_Table):
    internal: list[str] = []
    domains: list[str] = []


class _Accounts(_Table):
    local: list[str] = []


class _Hosts(_Table):
    aliases: dict[str, list[str]] = {}


class GivenKnown(_Table):
    """``[known]``, as it stands in the file."""

    administrators: list[str] = []
    management_hosts: list[str] = []
    reason: Any = None
    author: Any = None
    expires: Any = None


class File(_Table):
    """The whole file."""

    network: _Network = _Network()
    accounts: _Accounts = _Accounts()
    hosts: _Hosts = _Hosts()
    known: GivenKnown = GivenKnown()
    suppress: list[Any] = []


def checked(found: Any) -> File:
    """Return what *found*, as parsed, holds; raises :class:`WrongError` for what no settings can be."""
    try:
        return File.model_validate(found)
    except ValidationError as error:
        first = first_cause(error)
        place = [step for step in first["loc"] if step != "[key]"]
        where = dotted(place)
        if first["type"] == "extra_forbidden":
            tables: dict[str, type[BaseModel]] = {
                "": File,
                "network": _Network,
                "accounts": _Accounts,
                "hosts": _Hosts,
                "known": GivenKnown,
            }
            known = tables[dotted(place[:-1])]
            near = difflib.get_close_matches(str(place[-1]), known.model_fields, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known.model_fields)}"
            raise WrongError(place, f"{where}: no such setting; {hint}") from None
        if place == ["suppress"]:
            raise WrongError(place, "suppress: [[suppress]] with two brackets is wanted") from None
        kinds = {"string_type": "a text in quotes", "list_type": "a list", "dict_type": "a table"}
        wanted = kinds.get(first["type"], "a table")
        raise WrongError(place, f"{where}: {wanted} is wanted, found {short(first['input'])}") from None
