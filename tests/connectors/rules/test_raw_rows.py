"""Cells that mean nothing are empty before any rule sees them."""

import numpy as np
import pandas as pd
import pytest

from connectors.readers import Chunk
from connectors.rules.raw_rows import without_missing


@pytest.mark.parametrize(
    ("hazard", "missing", "cell", "is_empty"),
    [
        ("as said", ["?"], "?", True),
        ("other letter case", ["N/A"], "n/a", True),
        ("blanks around it", ["N/A"], " N/A ", True),
        ("part of a text", ["?"], "why?", False),
        ("nothing said", [], "?", False),
    ],
)
def test_cells_that_mean_nothing(hazard: str, missing: list[str], cell: str, is_empty: bool) -> None:
    rows = pd.DataFrame({"a": pd.Series([cell, "x"], dtype="str"), "tags": [["?"], None]})
    found = without_missing(Chunk(rows, np.array([1, 2])), missing).rows
    assert found["a"].isna().tolist() == [is_empty, False], hazard
    assert found["tags"].tolist() == [["?"], None]
    assert rows["a"].tolist() == [cell, "x"]
