"""Stage validate: the canonical tables against Great Expectations suites, with Data Docs for people.

Ingest judges rows; this stage judges tables. A failed critical expectation stops the run, a failed warning is
counted and printed. The suites are in ``features/expectations/``.
"""

import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from features.expectations.checking import Finding, check, said
from features.expectations.suites import checkable, looked_at
from features.schema import TABLES, Tables, empty_table, typed
from pipelines.data_docs import make_local

TEMPLATES = Path(__file__).parent / "templates"
REPORT = Path("reports/validation.html")
_TEXTS = {"subject", "body"}


def validate(tables: Tables, docs: Path) -> dict[str, list[Finding]]:
    """Check every table that has rows; write Great Expectations' Data Docs to ``docs`` anew."""
    shutil.rmtree(docs, ignore_errors=True)
    present = [name for name in TABLES if name in tables and len(tables[name])]
    found = check({name: checkable(name, tables) for name in present}, docs)
    make_local(docs)
    return found


def metrics(tables: Tables, findings: dict[str, list[Finding]]) -> dict[str, object]:
    """Numbers of every table; the same tables give the same metrics."""
    return {
        name: {
            "rows": len(tables[name]),
            "expectations": len(found),
            "failed_critical": sum(not f.success and f.check.severity == "critical" for f in found),
            "failed_warning": sum(not f.success and f.check.severity == "warning" for f in found),
            "unexpected": {f.check.name: f.unexpected for f in found if f.unexpected},
        }
        for name, found in findings.items()
    }


def page(tables: Tables, findings: dict[str, list[Finding]]) -> str:
    """All findings as one HTML page that needs no network."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    every = [finding for found in findings.values() for finding in found]
    return environment.get_template("validation.html").render(
        tables=[(name, len(tables[name]), found) for name, found in findings.items()],
        missing=[name for name in TABLES if name not in findings],
        met=sum(finding.success for finding in every),
        total=len(every),
    )


def read_what_is_checked(folder: Path) -> dict[str, pd.DataFrame]:
    """The canonical tables in ``folder``, their checked columns alone, of texts only whether there is one.

    So memory grows with the number of rows, not with what customers wrote. Raises ``FileNotFoundError``.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no canonical tables in {folder}/: run `dvc repro ingest` first")
    return {name: _read_what_is_checked(folder, name) for name in TABLES}


def _read_what_is_checked(folder: Path, name: str) -> pd.DataFrame:
    path = folder / f"{name}.parquet"
    if not path.exists():
        return empty_table(name)
    with pq.ParquetFile(path) as parquet:
        parts = [
            _without_texts(parquet.read_row_group(number, columns=looked_at(name)))
            for number in range(parquet.num_row_groups)
        ]
    return typed(name, pd.concat([part.to_pandas() for part in parts], ignore_index=True))


def _without_texts(rows: pa.Table) -> pa.Table:
    for text in _TEXTS.intersection(rows.column_names):
        is_there = rows.column(text).is_valid()
        said = pc.if_else(is_there, "said", pa.scalar(None, pa.string()))
        rows = rows.set_column(rows.column_names.index(text), text, said)
    return rows


def main() -> None:
    """Validate ``artifacts/tables``; metrics to ``artifacts/metrics``, pages to ``reports/``."""
    tables = read_what_is_checked(Path("artifacts/tables"))
    findings = validate(tables, Path("reports/data_docs"))
    path = Path("artifacts/metrics/validate.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(metrics(tables, findings), indent=2) + "\n", encoding="utf-8")
    REPORT.write_text(page(tables, findings), encoding="utf-8")
    for name in TABLES:
        if name in findings:
            failed = sum(not finding.success for finding in findings[name])
            print(f"validate: {name}: {len(findings[name])} expectations, {failed} failed", flush=True)
        else:
            print(f"validate: {name}: missing or empty, nothing to check", flush=True)
    failures = [(name, f) for name, found in findings.items() for f in found if not f.success]
    for name, finding in failures:
        print(f"  {said(name, finding)}", flush=True)
    print(f"validate: all of it in {REPORT}, Data Docs in reports/data_docs/index.html", flush=True)
    if any(finding.check.severity == "critical" for _, finding in failures):
        critical = [said(name, f) for name, f in failures if f.check.severity == "critical"]
        sys.exit("validate stopped:\n  " + "\n  ".join(critical))


if __name__ == "__main__":
    main()
