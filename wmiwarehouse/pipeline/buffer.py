"""Records of one format on their way into a part, and the three Arrow tables that the projection reads."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from wmiwarehouse.pipeline.clock import Offset
from wmiwarehouse.readers.containers import Place
from wmiwarehouse.readers.shapes import LINES, Layout

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_RECORDS = 32_768
_MOST_TEXT = 20 << 20
#: Records that become Arrow together, as many as DuckDB takes at once. One array of all of them would grow by being
#: copied into ever larger memory that is fresh each time, which took two thirds as long as parsing.
_STEP = 2048


@dataclass(frozen=True)
class Source:
    """A source as the workers see it."""

    number: int
    place: Place
    format: str
    reader: str
    source_id: str
    uid_key: str
    batch_id: str
    ingested_at: datetime
    layout: Layout = LINES


class Buffer:
    """Fills up to 32,768 records or 20 MiB of text; twice that is no faster and takes 650 MB a worker."""

    def __init__(self) -> None:
        self._texts: list[Any] = []
        self._ready: list[pa.Array] = []
        self._ordinals = array("q")
        self._runs: list[tuple[Source, int]] = []
        """How many records of which source, in order."""
        self.offsets: dict[int, tuple[Offset, ...]] = {}
        """What the first pass decided, by source number."""
        self._size = 0

    def take(self, source: Source, first: int, texts: list[str] | list[bytes], at: int = 0) -> int:
        """Take some of *texts*, from place *at* on, and say how many; the first of all has the ordinal *first*.

        Call it until all are taken, and not while the buffer is full.
        """
        room = min(_STEP - len(self._texts), _MOST_RECORDS - len(self._ordinals))
        taken = texts[at : at + room]
        ends = list(accumulate(map(len, taken), initial=self._size))
        if ends[-1] > _MOST_TEXT:
            taken = taken[: bisect_left(ends, _MOST_TEXT)]
        if self._texts and type(self._texts[0]) is not type(taken[0]):
            self._step()
        self._texts += taken
        self._ordinals.extend(range(first + at, first + at + len(taken)))
        self._size = ends[len(taken)]
        self._runs.append((source, len(taken)))
        if len(self._texts) == _STEP:
            self._step()
        return len(taken)

    @property
    def is_full(self) -> bool:
        """Whether it has to be written before more is taken."""
        return self._size >= _MOST_TEXT or len(self._ordinals) >= _MOST_RECORDS

    def __len__(self) -> int:
        """How many records there are."""
        return len(self._ordinals)

    def _step(self) -> None:
        import pyarrow as pa

        if isinstance(self._texts[0], bytes):
            self._ready.append(pa.array(self._texts, pa.binary()).view(pa.string()))
        else:
            self._ready.append(pa.array(self._texts, pa.string()))
        self._texts = []

    def record_table(self) -> pa.Table:
        """``records``: source_no, source_record, record."""
        import pyarrow as pa

        if self._texts:
            self._step()
        numbers = array("i")
        for source, count in self._runs:
            numbers.extend([source.number] * count)
        return pa.table(
            {
                "source_no": pa.array(numbers, pa.int32()),
                "source_record": pa.array(self._ordinals, pa.int64()),
                "record": pa.chunked_array(self._ready, pa.string()),
            }
        )

    def source_table(self) -> pa.Table:
        """``sources``: what every record of a source shares."""
        import pyarrow as pa

        sources = list({source.number: source for source, _ in self._runs}.values())
        return pa.table(
            {
                "source_no": pa.array([source.number for source in sources], pa.int32()),
                "source_id": pa.array([source.source_id for source in sources], pa.string()),
                "source_file": pa.array([source.place.text for source in sources], pa.string()),
                "format": pa.array([source.format for source in sources], pa.string()),
                "batch_id": pa.array([source.batch_id for source in sources], pa.string()),
                "ingested_at": pa.array([source.ingested_at for source in sources], pa.timestamp("us", "UTC")),
                "uid_key": pa.array([source.uid_key for source in sources], pa.string()),
            }
        )

    def clock_table(self) -> pa.Table:
        """``clock``: seconds that a host is ahead of UTC, by source, host and local day."""
        import pyarrow as pa

        rows = [(number, offset) for number, offsets in self.offsets.items() for offset in offsets]
        return pa.table(
            {
                "source_no": pa.array([number for number, _ in rows], pa.int32()),
                "host": pa.array([offset.host for _, offset in rows], pa.string()),
                "local_date": pa.array([offset.local_date for _, offset in rows], pa.date32()),
                "offset_seconds": pa.array([offset.offset_seconds for _, offset in rows], pa.int32()),
                "time_source": pa.array([offset.time_source for _, offset in rows], pa.string()),
                "zone": pa.array([offset.zone for _, offset in rows], pa.string()),
            }
        )
