"""Canonical tables on disk: one Parquet file per table in one folder."""

from pathlib import Path

import pandas as pd

from features.schema import DERIVED, TABLES, Tables, empty_table, typed


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """The canonical table ``name`` from ``folder``, empty where its file is absent."""
    path = folder / f"{name}.parquet"
    return typed(name, pd.read_parquet(path)) if path.exists() else empty_table(name)


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Every table in ``folder``, by name. Raises ``FileNotFoundError`` if the folder is absent."""
    if not folder.is_dir():
        raise FileNotFoundError(f"no canonical tables in {folder}/: run `dvc repro ingest` first")
    return {name: read_table(folder, name) for name in (*TABLES, *DERIVED)}


def write_tables(folder: Path, tables: Tables) -> None:
    """Write each table to ``folder`` as Parquet, byte for byte the same for the same rows."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        typed(name, frame).to_parquet(folder / f"{name}.parquet", index=False, compression="zstd")
