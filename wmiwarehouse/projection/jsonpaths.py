"""Turns arrow expressions over JSON text into fields of one ``json_transform``.

The files in ``ingest/`` are written as anybody would write them: ``data ->> '$.NewProcessName'``. Run like that, DuckDB
parses the text once per arrow, which was measured eleven times slower than parsing it once into a struct. So the arrows
on one column are collected into the structure that ``json_transform`` fills, and each arrow becomes a field access.

A ``try_cast`` right around an arrow moves into the structure (``json_transform`` gives NULL for what does not fit, as
``try_cast`` does). The function forms ``json_extract`` and ``json_extract_string`` are left alone: they say that a
value is wanted seldom and should be parsed only then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from sqlglot import exp


class PathError(ValueError):
    """A JSON path that is not a plain chain of names."""


@dataclass
class Structure:
    """The fields wanted from one JSON column: a path to its DuckDB type, and the struct column that will hold them."""

    column: str
    struct: str
    leaves: dict[tuple[str, ...], str] = field(default_factory=dict)

    def want(self, path: tuple[str, ...], kind: str) -> None:
        """Ask for *path* as *kind*; two different types of one path make it text, cast where it is used.

        DuckDB's structs know no case, JSON does: of ``ProcessId`` and ``ProcessID`` the first becomes a field and the
        other stays an arrow, which is followed only in records that have the name.
        """
        if path in self.leaves:
            self.leaves[path] = kind if self.leaves[path] == kind else "VARCHAR"
        elif not any(_folded(path) == _folded(other) for other in self.leaves):
            self.leaves[path] = kind

    def spec(self) -> str:
        """Return the structure as ``json_transform`` wants it: nested JSON of names and types."""
        tree: dict[str, object] = {}
        for path, kind in self.leaves.items():
            node = tree
            for name in path[:-1]:
                child = node.setdefault(name, {})
                if not isinstance(child, dict):
                    raise PathError(f"{'.'.join(path)} is wanted both as a value and as an object")
                node = child
            if isinstance(node.get(path[-1]), dict):
                raise PathError(f"{'.'.join(path)} is wanted both as a value and as an object")
            node[path[-1]] = kind
        return json.dumps(tree)

    def transform(self, text: str = "") -> str:
        """Return the SQL that parses the column, or *text* in its place, into the struct."""
        return "json_transform({}, '{}')".format(text or self.column, self.spec().replace("'", "''"))


def _folded(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.lower() for name in path)


def _arrow(node: exp.Expr, column: str) -> tuple[tuple[str, ...], str] | None:
    """Return path and type if *node* is an arrow over *column*; the function forms lack sqlglot's arrow mark."""
    if not isinstance(node, (exp.JSONExtract, exp.JSONExtractScalar)) or "only_json_types" not in node.args:
        return None
    if not (isinstance(node.this, exp.Column) and node.this.name == column):
        return None
    keys = node.expression.expressions[1:] if isinstance(node.expression, exp.JSONPath) else []
    if not keys or not all(isinstance(key, exp.JSONPathKey) and isinstance(key.this, str) for key in keys):
        raise PathError(f"JSON path in {node.sql('duckdb')}: expected '$.name.name'")
    return tuple(key.this for key in keys), "VARCHAR" if isinstance(node, exp.JSONExtractScalar) else "JSON"


def collect(tree: exp.Expression, structure: Structure) -> None:
    """Add every arrow over the structure's column that stands in *tree*."""
    for node in tree.walk():
        found = _arrow(node, structure.column)
        if found:
            path, kind = found
            cast = node.parent
            if isinstance(cast, exp.TryCast) and kind == "VARCHAR":
                kind = cast.to.sql("duckdb")
            structure.want(path, kind)


def rewrite(tree: exp.Expression, structure: Structure, overrides: dict[str, str] | None = None) -> exp.Expression:
    """Return *tree* with each arrow replaced by a field of the struct, or by the column in *overrides* for its path."""

    def swap(node: exp.Expression) -> exp.Expression:
        inner = node.this if isinstance(node, exp.TryCast) else node
        found = _arrow(inner, structure.column)
        if not found:
            return node
        path, _ = found
        override = (overrides or {}).get(".".join(path))
        if not override and path not in structure.leaves:
            return node
        access = (
            exp.column(override)
            if override
            else exp.Dot.build([exp.column(structure.struct), *(exp.to_identifier(name, quoted=True) for name in path)])
        )
        if isinstance(node, exp.TryCast) and (override or structure.leaves[path] != node.to.sql("duckdb")):
            return exp.TryCast(this=access, to=node.to)
        return access

    return tree.transform(swap)
