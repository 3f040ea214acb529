"""Loads ``sql/``: model views in the order they build on each other, analytics with their versions.

Nothing here runs SQL or parses it, so that ``wmiwh list`` and ``wmiwh show`` answer at once and without a warehouse.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

from wmiwarehouse import assets
from wmiwarehouse.content import heads
from wmiwarehouse.content.findings import with_findings
from wmiwarehouse.content.metadata import AnalyticMetadata, ContentError, ModelMetadata, RiskMetadata
from wmiwarehouse.errors import UsageError

#: Folders beneath ``sql/`` that hold analytics; the folder is for people, the kind stands in the metadata.
ANALYTIC_FOLDERS = ("analytics", "stacks", "sessions", "chains")

#: Relations that the catalog gives before the first view.
BASE_RELATIONS = (
    "lake_events",
    "lake_duplicates",
    "lake_hosts",
    "settings",
    "host_alias",
    "host_alias_address",
    "analytic_requirement",
)


class UnknownAnalyticError(UsageError):
    """No analytic of that name; :attr:`nearest` has the names that look like it."""

    def __init__(self, name: str, nearest: tuple[str, ...]) -> None:
        hint = f"; nearest: {', '.join(nearest)}" if nearest else ""
        super().__init__(f'no analytic "{name}"{hint}. All: wmiwh list')
        self.name = name
        self.nearest = nearest


@dataclass(frozen=True)
class Model:
    """A model view: one ``create or replace view <name>`` in schema ``main``."""

    metadata: ModelMetadata
    sql: str
    path: Path

    @property
    def name(self) -> str:
        """Name of the view."""
        return self.metadata.name

    @property
    def requires(self) -> tuple[str, ...]:
        """Names of the model views that have to be there first."""
        return self.metadata.requires


@dataclass(frozen=True)
class Analytic:
    """One version of an analytic: one ``create or replace view hunt.<id>_v<N>``."""

    metadata: AnalyticMetadata
    sql: str
    path: Path

    @property
    def id(self) -> str:
        """The id without the version, as it is typed after ``wmiwh hunt``."""
        return self.metadata.id

    @property
    def version(self) -> int:
        """The version of the query, from 1."""
        return self.metadata.version

    @property
    def view(self) -> str:
        """Name of the view in schema ``hunt``: ``<id>_v<N>``."""
        return self.metadata.view


@dataclass(frozen=True)
class RiskView:
    """One version of what is made of all findings: one ``create or replace view hunt.<id>_v<N>``."""

    metadata: RiskMetadata
    #: As the file has it; ``finding`` in it stands for the hits of :attr:`analytics`.
    text: str
    path: Path
    #: The newest version of each analytic.
    analytics: tuple[Analytic, ...] = field(repr=False)

    @property
    def id(self) -> str:
        """The id without the version."""
        return self.metadata.id

    @property
    def version(self) -> int:
        """The version of the query, from 1."""
        return self.metadata.version

    @property
    def view(self) -> str:
        """Name of the view in schema ``hunt``: ``<id>_v<N>``."""
        return self.metadata.view

    @cached_property
    def sql(self) -> str:
        """The statement that makes the view; written when it is asked for, since every analytic is parsed for it."""
        return self.reading(())

    def reading(self, tables: Collection[str]) -> str:
        """Return that statement where the analytics whose views are in *tables* were worked out already."""
        return with_findings(self.text, self.analytics, tables) if "from finding" in self.text else self.text


@dataclass(frozen=True)
class Library:
    """All content of one ``sql/`` folder."""

    folder: Path
    #: Model views, each after those that it requires.
    models: tuple[Model, ...]
    #: Every version of every analytic, by id and version.
    analytics: tuple[Analytic, ...]
    #: The newest version of each analytic, by id.
    newest: Mapping[str, Analytic] = field(repr=False)
    #: Every version of every risk view, each after those that it requires.
    risk: tuple[RiskView, ...] = ()

    @classmethod
    def load(cls, folder: Path | None = None) -> Library:
        """Read *folder* (default: the installed ``sql/``); raises :class:`ContentError` with file and field."""
        root = folder if folder is not None else assets.folder("sql")
        models = [
            Model(head, sql, _named(path, "name", head.name))
            for path, head, sql in heads.read(sorted((root / "model").glob("*.sql")), "model")
        ]
        paths = sorted(path for name in ANALYTIC_FOLDERS for path in (root / name).glob("*.sql"))
        found = [
            Analytic(head, sql, _named(path, "id", head.view)) for path, head, sql in heads.read(paths, "analytic")
        ]
        analytics = tuple(sorted(found, key=lambda item: (item.id, item.version)))
        _refuse_twins(analytics)
        newest = {item.id: item for item in analytics}
        risk = [
            RiskView(head, sql, _named(path, "id", head.view), tuple(newest.values()))
            for path, head, sql in heads.read(sorted((root / "risk").glob("*.sql")), "risk")
        ]
        return cls(root, _ordered(models), analytics, newest, _ordered_risk(risk))

    @property
    def ids(self) -> tuple[str, ...]:
        """Every analytic's id, sorted."""
        return tuple(self.newest)

    @property
    def views(self) -> tuple[Model | Analytic, ...]:
        """Everything to create, in an order in which each statement finds what it reads."""
        return (*self.models, *self.analytics)

    @property
    def in_hunt(self) -> tuple[Analytic | RiskView, ...]:
        """Every version of what stands in schema ``hunt``, each after what it is made of."""
        return (*self.analytics, *self.risk)

    def is_newest(self, item: Analytic | RiskView) -> bool:
        """Whether ``hunt.<id>`` stands for *item*."""
        if isinstance(item, Analytic):
            return self.newest[item.id] == item
        return item.version == max(other.version for other in self.risk if other.id == item.id)

    def risk_view(self, name: str) -> RiskView:
        """Return the risk view ``<id>`` (newest) or ``<id>_v<N>``; raises :class:`UnknownAnalyticError`."""
        for item in self.risk:
            if name == item.view or (name == item.id and self.is_newest(item)):
                return item
        raise UnknownAnalyticError(name, tuple(item.id for item in self.risk))

    def versions(self, name: str) -> tuple[Analytic, ...]:
        """Every version of the analytic *name*, oldest first."""
        return tuple(item for item in self.analytics if item.id == name)

    def get(self, name: str) -> Analytic:
        """Return the analytic ``<id>`` (newest) or ``<id>_v<N>``; raises :class:`UnknownAnalyticError`."""
        if name in self.newest:
            return self.newest[name]
        for item in self.analytics:
            if item.view == name:
                return item
        raise UnknownAnalyticError(name, self.nearest(name))

    def nearest(self, name: str, count: int = 3) -> tuple[str, ...]:
        """Ids that look like *name*, best first: for the message about a misspelt one."""
        wanted = name.lower().replace("-", "_")
        close = difflib.get_close_matches(wanted, self.ids, n=count, cutoff=0.6)
        inside = [known for known in self.ids if wanted and wanted in known]
        return tuple(dict.fromkeys([*inside, *close]))[:count]


def _named(path: Path, field: str, name: str) -> Path:
    """Return *path*, whose name has to be *name*, which *field* in its head says."""
    if path.stem == name:
        return path
    said = name if field == "name" else f"{name}.sql"
    raise ContentError(f"{path}: {field}: {'is' if field == 'name' else 'says'} {said}, but the file is {path.name}")


def _ordered_risk(views: Iterable[RiskView]) -> tuple[RiskView, ...]:
    by_name = {item.view: item for item in views}
    for item in by_name.values():
        if missing := set(item.metadata.requires) - by_name.keys():
            raise ContentError(f"{item.path}: requires: no risk view {min(missing)}")
    try:
        order = TopologicalSorter({name: item.metadata.requires for name, item in by_name.items()}).static_order()
        return tuple(by_name[name] for name in order)
    except CycleError as error:
        raise ContentError(f"{by_name[error.args[1][0]].path}: requires: views build on each other") from None


def _ordered(models: Iterable[Model]) -> tuple[Model, ...]:
    by_name = {model.name: model for model in models}
    for model in by_name.values():
        for name in model.requires:
            if name not in by_name:
                near = difflib.get_close_matches(name, by_name, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise ContentError(f"{model.path}: requires: no model view {name}{hint}")
    try:
        order = TopologicalSorter({name: model.requires for name, model in by_name.items()}).static_order()
        return tuple(by_name[name] for name in order)
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise ContentError(f"{by_name[error.args[1][0]].path}: requires: views build on each other: {circle}") from None


def _refuse_twins(analytics: tuple[Analytic, ...]) -> None:
    for first, second in pairwise(analytics):
        if first.view == second.view:
            raise ContentError(f"{second.path}: id: {first.view} is also in {first.path}")
