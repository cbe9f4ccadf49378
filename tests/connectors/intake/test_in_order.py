"""Rows too many for memory come back in the order of their keys, each once, in small parts."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.intake import in_order as module
from connectors.intake.in_order import PLACE, in_order
from connectors.intake.spool import ROW_GROUP_BYTES, ROW_GROUP_ROWS, SIZE, Spool, row_bytes

SCHEMA = pa.schema([("name", pa.string()), ("tags", pa.list_(pa.string())), (SIZE, pa.int64())])


def spooled(path: Path, names: list[str]) -> Spool:
    spool = Spool(path, SCHEMA)
    spool.add(pa.table({"name": names, "tags": [[name] for name in names], SIZE: [0] * len(names)}, SCHEMA))
    spool.close()
    return spool


def keys(spools: list[Spool], places: list[int], at_a_time: int = 3):
    """Keys of the rows at ``places``, with a column that is set anew."""
    sizes = np.concatenate([pa.parquet.read_table(spool.path)[SIZE].to_numpy() for spool in spools])
    for begin in range(0, len(places), at_a_time):
        some = places[begin : begin + at_a_time]
        yield pa.table({PLACE: some, SIZE: sizes[some], "said": [f"row {place}" for place in some]})


@settings(deadline=None, max_examples=60)
@given(
    lengths=st.lists(st.integers(0, 120), min_size=1, max_size=40),
    part_bytes=st.integers(1, 4_000),
    cut=st.integers(0, 40),
    chosen=st.randoms(),
)
def test_every_chosen_row_comes_back_once_in_the_order_asked_for(
    tmp_path_factory, lengths, part_bytes, cut, chosen
):
    folder = tmp_path_factory.mktemp("spools")
    names = [f"{number}:" + "ä" * length for number, length in enumerate(lengths)]
    spools = [spooled(folder / "one", names[:cut]), spooled(folder / "two", names[cut:])]
    places = chosen.sample(range(len(names)), chosen.randint(0, len(names)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PART_BYTES", part_bytes)
        parts = list(in_order(keys(spools, places), spools, folder / "work"))
    found = [row for part in parts for row in part.to_pylist()]
    assert [row["name"] for row in found] == [names[place] for place in places]
    assert [row["said"] for row in found] == [f"row {place}" for place in places]
    assert [row["tags"] for row in found] == [[names[place]] for place in places]
    assert not list((folder / "work").iterdir()), "files stay behind"


def test_parts_are_small_and_files_not_too_many(tmp_path, monkeypatch):
    names = [f"{number}:" + "x" * 1_000 for number in range(400)]
    spool = spooled(tmp_path / "one", names)
    monkeypatch.setattr(module, "PART_BYTES", 10_000)
    places = list(range(400))[::-1]
    small = list(in_order(keys([spool], places), [spool], tmp_path / "work"))
    assert max(part.nbytes for part in small) < 3 * 10_000
    monkeypatch.setattr(module, "MOST_PARTS", 4)
    assert len(list(in_order(keys([spool], places), [spool], tmp_path / "work"))) <= 5


def test_row_groups_end_with_the_row_that_fills_them_however_rows_arrive(tmp_path):
    long = ["x" * (ROW_GROUP_BYTES // 3)] * 7
    whole = spooled(tmp_path / "whole", long)
    one_by_one = Spool(tmp_path / "one", SCHEMA)
    for name in long:
        one_by_one.add(pa.table({"name": [name], "tags": [[name]], SIZE: [0]}, SCHEMA))
    one_by_one.close()
    groups = pa.parquet.ParquetFile(whole.path)
    assert [groups.metadata.row_group(n).num_rows for n in range(groups.num_row_groups)] == [2, 2, 2, 1]
    assert whole.path.read_bytes() == one_by_one.path.read_bytes()
    many = spooled(tmp_path / "many", ["x"] * (ROW_GROUP_ROWS + 1))
    assert pa.parquet.ParquetFile(many.path).num_row_groups == 2


def test_the_bytes_of_a_row_are_those_of_its_texts_and_lists():
    rows = pa.table({"name": ["ab", None], "tags": [["c", None], []], SIZE: [0, 0]}, SCHEMA)
    assert list(row_bytes(rows)) == [24 + 2 + 8 + 1 + 8, 24]
