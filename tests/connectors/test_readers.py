"""Row numbers point at the right record, also in files of many blocks."""

from pathlib import Path

import pytest

from connectors import readers
from connectors.mapping import RawFile


def test_row_numbers_skip_over_malformed_rows_across_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_BLOCK_BYTES", 256)
    path = tmp_path / "many.csv"
    bad = {5, 6, 77, 200}
    path.write_text("id,n\n" + "".join("broken\n" if n in bad else f"x,{n}\n" for n in range(1, 201)))
    chunks = list(readers.read_chunks(path, RawFile(file="many.csv", format="csv")))
    assert len(chunks) > 3
    numbered = {int(n): int(cell) for c in chunks for n, cell in zip(c.row_numbers, c.rows["n"], strict=True)}
    assert numbered == {n: n for n in range(1, 201) if n not in bad}
    assert sorted(row.row_number for c in chunks for row in c.malformed) == sorted(bad)
