"""Turns what was typed into values without pydantic, where that is as good: to import it takes a tenth of a second.

typer hands every option of a command to pydantic, given or not. Most are not given, and nearly all others are texts,
paths and names from a list, or defaults that have their type already. All else, and whatever typer may refuse, goes
typer's own way.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_origin

import typer
from typer.core import TyperCommand
from typer.models import OptionInfo

#: What changes how typer reads a value.
_SAYINGS = ("parser", "exists", "file_okay", "dir_okay", "writable", "resolve_path", "allow_dash", "path_type")
_UNSAID = OptionInfo()
_NOT_OURS = object()


class Command(TyperCommand):
    """A command whose options need pydantic only for what cannot be read here."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options and arguments, that for the help too."""
        return spared(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse an option that takes one value and is given two: the last alone would answer for both."""
        given = args[: args.index("--")] if "--" in args else args
        for param in self.get_params(ctx):
            names = [name for name in getattr(param, "opts", ()) if name.startswith("-")]
            if names and not (param.multiple or getattr(param, "is_flag", False) or getattr(param, "count", False)):
                times = sum(arg in names or arg.partition("=")[0] in names for arg in given)
                if times > 1:
                    raise typer.BadParameter(f"given {times} times, takes one value", ctx=ctx, param=param)
        return super().parse_args(ctx, args)


def spared(params: list[Any]) -> list[Any]:
    """Return *params*, which read their values here where they can; other versions of typer are left alone."""
    for param in params:
        typers = getattr(param, "get_runtime_param", None)
        if typers and hasattr(param, "type_descriptor") and not isinstance(getattr(typers, "__self__", None), _Values):
            param.get_runtime_param = _Values(typers).get
    return params


class _Values:
    """Stands where typer keeps what reads the values of one option or argument, which *typers* makes."""

    def __init__(self, typers: Callable[[], Any]) -> None:
        self._typers = typers

    def get(self) -> _Values:
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return what *value* stands for; raises what typer raises for one that stands for nothing."""
        read = _read(value, param)
        return self._typers().coerce(value, param=param, ctx=ctx) if read is _NOT_OURS else read


def _read(value: Any, param: Any) -> Any:
    if value is None:
        return () if param.multiple or param.nargs == -1 else None
    info, kind = param.type_descriptor.parameter_info, param.type_descriptor.annotation
    if any(getattr(info, name, None) != getattr(_UNSAID, name, None) for name in _SAYINGS):
        return _NOT_OURS
    if get_origin(kind) is not list:
        return _one(value, kind, info)
    items = value if isinstance(value, (list, tuple)) else [_NOT_OURS]
    values = [_one(item, get_args(kind)[0], info) for item in items]
    return _NOT_OURS if any(item is _NOT_OURS for item in values) else values


def _one(value: Any, kind: Any, info: Any) -> Any:
    if type(value) is kind:
        return value
    if kind is Path and isinstance(value, str):
        is_fine = not info.readable or os.access(value, os.R_OK) or not os.path.lexists(value)
        return Path(value) if is_fine else _NOT_OURS
    if isinstance(kind, type) and issubclass(kind, StrEnum) and value in list(kind):
        return kind(value)
    if kind is float and type(value) is int:  # a default
        return float(value)
    return _NOT_OURS
