"""Ids by which one table names rows of another: whether the two sides meet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from connectors.intake.spool import Sorter

FEWEST = 0.5
"""Below this share of ids that meet, it is said: some without a row are usual, most are not."""
_REFERENCES = (
    ("tickets", "account_id", "accounts"),
    ("contacts", "account_id", "accounts"),
    ("usage", "account_id", "accounts"),
)


@dataclass(frozen=True)
class _Met:
    asked: int
    met: int
    unmet: str
    known: str


def strangers(tables: Mapping[str, Path], sorter: Sorter) -> Iterator[str]:
    """A sentence a reference of which fewer than ``FEWEST`` of the ids have a row, with an id of each side.

    ``tables``: the kept rows of canonical tables, by name; a table that is missing or empty is not asked.
    """
    for table, column, other in _REFERENCES:
        if table not in tables or other not in tables:
            continue
        found = _compared(tables[table], tables[other], column, sorter)
        if found is not None and found.asked and found.met < FEWEST * found.asked:
            yield (
                f"{table}: only {found.met:,} of the {found.asked:,} different ids in {column} are in "
                f"{other} ({found.unmet!r} is not; {other} has ids like {found.known!r}): are they "
                "written alike in both files? See `prefix`, `whole`, `lookup`"
            )


def _compared(rows: Path, others: Path, column: str, sorter: Sorter) -> _Met | None:
    ids = "(SELECT DISTINCT {0} AS id FROM read_parquet('{1}') WHERE {0} IS NOT NULL)"
    named, known = (ids.format(column, str(path).replace("'", "''")) for path in (rows, others))
    query = (
        f"SELECT count(*) AS asked, count(b.id) AS met, min(a.id) FILTER (b.id IS NULL) AS unmet, "
        f"(SELECT min(id) FROM {known}) AS known FROM {named} a LEFT JOIN {known} b ON a.id = b.id"
    )
    (row,) = (row for part in sorter.rows(query) for row in part.to_pylist())
    return None if row["known"] is None else _Met(**row)
