"""One class for each way in which a caller can be wrong, whichever layer found it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from wmiwarehouse.errors import ExitCode, NoDataError, UsageError, WmiwhError

_P = ParamSpec("_P")
_T = TypeVar("_T")


def known_errors(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Raise what a caller can cause as the class that its exit code stands for, whichever layer found it."""

    @functools.wraps(function)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return function(*args, **kwargs)
        except (UsageError, NoDataError):
            raise
        except WmiwhError as error:
            kind = {ExitCode.USAGE: UsageError, ExitCode.NO_DATA: NoDataError}.get(error.code)
            if kind is None:
                raise
            raise kind(error.message) from error
        except OSError as error:
            raise WmiwhError(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}") from error

    return run
