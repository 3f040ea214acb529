"""The words beside a count of zero: what was looked at and what was not, never more than logs can say."""

from __future__ import annotations

from pathlib import Path

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.content.metadata import Requirement
from wmiwarehouse.hunting.coverage import Coverage, Seen
from wmiwarehouse.hunting.hunt import open_hunt, select
from wmiwarehouse.lab import GroundTruth
from wmiwarehouse.lake import catalog
from wmiwarehouse.lake.warehouse import Warehouse


def test_hosts_that_carry_the_records_are_counted(warehouse: Path, staged: tuple[Path, GroundTruth]) -> None:
    library = Library.load()
    hosts = len(staged[1].hosts)
    with open_hunt(warehouse, library) as hunting:
        from_both = hunting.seen(select(library, ["car_2016_03_002"])[0])
        from_sysmon = hunting.seen(select(library, ["car_2016_03_002_splunk"])[0])
    assert (from_both.hosts, from_both.all_hosts) == (hosts, hosts)
    assert 0 < from_sysmon.hosts < hosts
    assert from_both.column == "command_line"
    assert from_both.share is not None
    assert 0 < from_both.share < 1


def test_a_source_that_nobody_logged_is_seen_nowhere(warehouse: Path) -> None:
    connection = catalog.connect()
    try:
        for statement in catalog.base_relations(Warehouse.open(warehouse).batches()):
            connection.execute(statement)
        catalog.create_views(connection, Library.load(), ())
        seen = Coverage(connection).seen([Requirement(channel="No/Such", event_id=1, columns=("host",))])
    finally:
        connection.close()
    assert seen.hosts == 0
    assert "not seen on any of" in seen.sentence


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Seen(4, 7, "command_line", 0.62), "seen on 4 of 7 hosts (command_line in 62 % of records), not seen on 3."),
        (Seen(7, 7, "command_line", 1.0), "seen on 7 of 7 hosts. Seen does not prove that all was logged."),
        (Seen(0, 7), "was not seen on any of 7 hosts."),
        (Seen(7, 7, "command_line", 0.999), "in 99 % of records"),
        (Seen(7, 7, "command_line", 0.001), "in under 1 % of records"),
    ],
)
def test_words(seen: Seen, words: str) -> None:
    assert words in seen.sentence
    assert "clean" not in seen.sentence
