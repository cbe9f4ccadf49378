"""Event logs: what a row says about its case, as further raw columns that ordinary rules can name.

An export of cases often has a row per event. Rules see one row at a time; the columns made here tell a row
which event of its case it is, what the event before said, and what changed (``mapping.recipes.Case``).
"""

import json
import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.ipc as ipc

from connectors.mapping.file import Source
from connectors.readers import Chunk, Malformed
from connectors.rules.case_events import EventPlan, event_keys, told_of

Owner = TypeVar("Owner")
Read = Callable[[], Iterator[tuple[Owner, Chunk]]]

ROWS_A_PART = 500_000
"""Events that are in memory at a time, a few hundred bytes each; all events of a case are in one part."""


def case_rows(
    read: Read[Owner], source: Source, time_zone: str, folder: Path
) -> Iterator[tuple[Owner, Chunk]]:
    """The chunks of ``read`` in the same order, their rows with the columns of their case that rules name.

    ``read`` is called twice and must give the same chunks, each with whatever owns it (its file).
    A case may be spread over all of them; only ids, order and the compared columns are spooled to ``folder``,
    and a part of the cases is in memory at a time. Events that are equal in every column, as overlapping
    exports repeat them, count as one. A row without a case or without a readable order is malformed. The
    order of the rows decides only between events that tie.
    """
    plan = EventPlan.of(source, time_zone)
    folder.mkdir(parents=True, exist_ok=True)
    chunks, parts = _spool_keys(read, plan, folder)
    for part in range(parts):
        _tell_events(folder, part, plan, chunks)
    with ExitStack() as opened:
        told = [opened.enter_context(_reader(_told_file(folder, part))) for part in range(parts)]
        for number, (owner, chunk) in enumerate(read()):
            yield owner, _completed(chunk, plan, [part.get_batch(number) for part in told])
    for part in range(parts):
        _told_file(folder, part).unlink()


def _keys_file(folder: Path, part: int) -> Path:
    return folder / f"keys-{part:03d}.arrow"


def _told_file(folder: Path, part: int) -> Path:
    return folder / f"told-{part:03d}.arrow"


def _reader(path: Path) -> ipc.RecordBatchFileReader:
    return ipc.open_file(pa.OSFile(str(path)))


def _spool_keys(read: Read[Owner], plan: EventPlan, folder: Path) -> tuple[int, int]:
    """The keys of all rows, a batch for each chunk in the file of every part; how many chunks and parts."""
    schema, chunks, rows = plan.key_schema(), 0, 0
    whole = folder / "keys.arrow"
    with ipc.new_file(str(whole), schema) as writer:
        for _, chunk in read():
            keys, _ = event_keys(chunk.rows, plan)
            writer.write_batch(_batch(_table(keys, schema)))
            chunks, rows = chunks + 1, rows + len(keys)
    parts = max(1, math.ceil(rows / ROWS_A_PART))
    if parts == 1:
        whole.rename(_keys_file(folder, 0))
    else:
        _split(whole, folder, parts)
    return chunks, parts


def _split(whole: Path, folder: Path, parts: int) -> None:
    """Keys of all rows -> keys of ``parts`` parts by a hash of the case, still one batch a chunk."""
    with ExitStack() as opened:
        reader = opened.enter_context(_reader(whole))
        writers = [
            opened.enter_context(ipc.new_file(str(_keys_file(folder, part)), reader.schema))
            for part in range(parts)
        ]
        for number in range(reader.num_record_batches):
            table = pa.Table.from_batches([reader.get_batch(number)])
            cases = table.column("case").to_pandas().to_numpy(dtype=object)
            part_of = pd.util.hash_array(cases) % parts
            for part, writer in enumerate(writers):
                writer.write_batch(_batch(table.take(np.flatnonzero(part_of == part))))
    whole.unlink()


def _tell_events(folder: Path, part: int, plan: EventPlan, chunks: int) -> None:
    """The keys of one part's cases -> what is told of each row, one batch a chunk again."""
    with _reader(_keys_file(folder, part)) as reader:
        batches = [reader.get_batch(number) for number in range(chunks)]
        keys = pa.Table.from_batches(batches, plan.key_schema()).to_pandas()
        ends = np.cumsum([batch.num_rows for batch in batches])
    schema = plan.told_schema()
    told = _table(told_of(keys, plan), schema) if len(keys) else schema.empty_table()
    with ipc.new_file(str(_told_file(folder, part)), schema) as writer:
        for start, end in zip([0, *ends], ends, strict=False):
            writer.write_batch(_batch(told.slice(start, end - start)))
    _keys_file(folder, part).unlink()


def _table(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pandas(frame, schema, preserve_index=False)


def _batch(table: pa.Table) -> pa.RecordBatch:
    columns = [column.combine_chunks() for column in table.columns]
    return pa.RecordBatch.from_arrays(columns, schema=table.schema)


def _completed(chunk: Chunk, plan: EventPlan, parts: Sequence[pa.RecordBatch]) -> Chunk:
    """The chunk with its rows' new columns; rows of no case are malformed."""
    told = pa.Table.from_batches(parts).to_pandas().sort_values("row")
    good = np.zeros(len(chunk.rows), dtype=bool)
    good[told.pop("row").to_numpy()] = True
    rows = chunk.rows[good]
    new = {str(name): told[name].astype("str").set_axis(rows.index) for name in told}
    if good.all():
        return Chunk(rows.assign(**new), chunk.row_numbers, chunk.malformed)
    _, wrong = event_keys(chunk.rows, plan)
    bad = zip(chunk.row_numbers[~good], wrong[~good], chunk.rows[~good].to_dict("records"), strict=True)
    malformed = [Malformed(int(number), reason, _raw(record)) for number, reason, record in bad]
    return Chunk(rows.assign(**new), chunk.row_numbers[good], [*chunk.malformed, *malformed])


def _raw(record: Mapping[Hashable, object]) -> str:
    cells = {str(name): cell for name, cell in record.items() if isinstance(cell, str | list)}
    return json.dumps(cells, ensure_ascii=False)
