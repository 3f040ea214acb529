"""A warehouse from Python: what the commands of ``wmiwh`` do, with the same names, for notebooks and other programs.

>>> import wmiwarehouse
>>> with wmiwarehouse.open("case42") as warehouse:  # doctest: +SKIP
...     acts = warehouse.hunt("lateral_movement", since="7d").rows()

Rows come as Arrow, as a DataFrame or as dicts; times are UTC. Whatever a caller can do wrong is raised as a
:class:`~wmiwarehouse.errors.WmiwhError`; nothing is ever printed. See docs/python.md.
"""

from __future__ import annotations

from pathlib import Path

from wmiwarehouse.api.arguments import PathLike
from wmiwarehouse.api.errors import known_errors
from wmiwarehouse.api.rows import Line, Rows
from wmiwarehouse.api.warehouse import Warehouse
from wmiwarehouse.content.library import Analytic
from wmiwarehouse.lake.warehouse import Warehouse as _Folder
from wmiwarehouse.pipeline.summary import Progress, Summary

__all__ = ["Analytic", "Line", "Progress", "Rows", "Summary", "Warehouse", "open"]


@known_errors
def open(path: PathLike, *, create: bool = False) -> Warehouse:  # noqa: A001 - wmiwarehouse.open, as in gzip.open
    """Open the warehouse in the folder *path*; with *create* make one there if the folder is new or empty.

    Raises :class:`NoDataError` if there is none, with *create* :class:`UsageError` if something else lies there.
    """
    return Warehouse(_Folder.create(Path(path)) if create else _Folder.open(Path(path)))
