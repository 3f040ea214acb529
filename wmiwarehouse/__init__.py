"""wmiwarehouse: an offline hunting warehouse for WMI lateral movement in Windows event logs.

>>> import wmiwarehouse
>>> warehouse = wmiwarehouse.open("case42")  # doctest: +SKIP

The names below are loaded when they are first used: ``wmiwh --help`` imports this package too and must stay quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wmiwarehouse.api import Analytic, Line, Progress, Rows, Summary, Warehouse, open  # noqa: A004
    from wmiwarehouse.errors import ExitCode, NoDataError, UsageError, WmiwhError

__version__ = "0.1.0"

_ERRORS = ("ExitCode", "NoDataError", "UsageError", "WmiwhError")
__all__ = [
    "Analytic",
    "ExitCode",
    "Line",
    "NoDataError",
    "Progress",
    "Rows",
    "Summary",
    "UsageError",
    "Warehouse",
    "WmiwhError",
    "__version__",
    "open",
]


if not TYPE_CHECKING:  # a type checker would take any misspelt name for one that is there

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib

        return getattr(importlib.import_module(f"{__name__}.{'errors' if name in _ERRORS else 'api'}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
