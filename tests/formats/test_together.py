"""EVTX and the same events in the export formats, in one warehouse: every hit once, but for the declared formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.formats.conftest import Carries, Exported, declared, identities, warehouse_of

_DECLARED = declared()


@pytest.fixture(scope="module")
def together(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Return one warehouse of the EVTX, then of every format whose records are known again."""
    known = [logs / name for name, carries in sorted(_DECLARED.items()) if carries.record_ids]
    return warehouse_of(tmp_path_factory.mktemp("together") / "w", [logs / "evtx"], known, assume_tz="-04:00")


def _name(carries: Carries) -> str:
    return carries.name


@pytest.mark.parametrize("carries", [one for one in _DECLARED.values() if one.record_ids], ids=_name)
def test_every_record_is_known_as_a_copy(carries: Carries, together: Exported, logs: Path) -> None:
    query = f"""
        select count(*) as records, count(d.source_record) as copies
        from lake as l left join copies as d using (source_id, source_file, source_record)
        where starts_with(l.source_file, '{logs / carries.name}/')"""
    (counted,) = together.rows(query)
    assert counted["records"] == counted["copies"] > 0


def test_every_hit_once(together: Exported, exported: Callable[[str], Exported]) -> None:
    expected, found = exported("evtx").hits, together.hits
    for analytic, rows in expected.items():
        if analytic != "report_data_inventory":  # counts what was collected, copies and all
            assert identities(found[analytic]) == identities(rows), analytic


@pytest.mark.parametrize("carries", [one for one in _DECLARED.values() if not one.record_ids], ids=_name)
def test_declared_formats_count_again(carries: Carries, logs: Path, tmp_path: Path) -> None:
    """Beside the EVTX nothing of them is known; read twice, they are known by their content."""
    both = warehouse_of(tmp_path / "w", [logs / "evtx"], [logs / carries.name], assume_tz=carries.assume_tz)
    assert both.summary.duplicates == 0
