"""Stage validate: the canonical tables against Great Expectations suites, with Data Docs for people.

Ingest judges rows; this stage judges tables. A failed critical expectation stops the run, a failed warning is
counted and printed. The suites are in ``pipelines/suites.py``.
"""

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from features.schema import TABLES, Tables, empty_table, typed
from pipelines.data_docs import make_local
from pipelines.suites import Check, checkable, looked_at, suite

TEMPLATES = Path(__file__).parent / "templates"
REPORT = Path("reports/validation.html")
_TEXTS = {"subject", "body"}
_FIX = {
    "critical": "correct the mapping or the export and run ingest again",
    "warning": "look at the mapping; the run goes on",
}


@dataclass(frozen=True)
class Finding:
    """What one check found: ``unexpected`` counts rows (or is 1 for a failed check of the whole table)."""

    check: Check
    success: bool
    unexpected: int
    observed: str


def validate(tables: Tables, docs: Path) -> dict[str, list[Finding]]:
    """Check every table that has rows; write Great Expectations' Data Docs to ``docs`` anew."""
    shutil.rmtree(docs, ignore_errors=True)
    context = _quiet_context(docs)
    source = context.data_sources.add_pandas("canonical tables")
    present = [name for name in TABLES if name in tables and len(tables[name])]
    found = {name: _findings(context, source, name, checkable(name, tables)) for name in present}
    make_local(docs)
    return found


def _quiet_context(docs: Path) -> Any:
    """An ephemeral context: no project folder, no analytics, no progress bars, Data Docs in ``docs``."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    for site in context.get_site_names():
        context.delete_data_docs_site(site)
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.resolve())}
    index = {"class_name": "DefaultSiteIndexBuilder"}
    context.add_data_docs_site(
        "data_docs",
        {
            "class_name": "SiteBuilder",
            "store_backend": store,
            "site_index_builder": index,
            "show_how_to_buttons": False,
        },
    )
    return context


def _findings(context: Any, source: Any, table: str, frame: pd.DataFrame) -> list[Finding]:
    import great_expectations as gx

    checks = suite(table)
    expectations = [
        getattr(gx.expectations, check.expectation)(
            **check.arguments,
            severity=check.severity,
            notes=f"{check.name}: {check.why}",
            meta={"position": position},
        )
        for position, check in enumerate(checks)
    ]
    whole = source.add_dataframe_asset(table).add_batch_definition_whole_dataframe("all rows")
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(
            name=table,
            data=whole,
            suite=context.suites.add(gx.ExpectationSuite(name=table, expectations=expectations)),
        )
    )
    checkpoint = gx.Checkpoint(
        name=table,
        validation_definitions=[definition],
        actions=[gx.checkpoint.UpdateDataDocsAction(name="data docs", site_names=["data_docs"])],
        result_format="SUMMARY",
    )
    run = context.checkpoints.add(checkpoint).run(
        batch_parameters={"dataframe": frame}, run_id=gx.RunIdentifier(run_name="validate")
    )
    (result,) = run.run_results.values()
    ordered = sorted(result.results, key=lambda one: one.expectation_config.meta["position"])
    return [_finding(check, one) for check, one in zip(checks, ordered, strict=True)]


def _finding(check: Check, result: Any) -> Finding:
    details = result.result or {}
    unexpected = int(details.get("unexpected_count", not result.success))
    examples = details.get("partial_unexpected_list") or []
    if result.exception_info and not details:
        observed = f"the check itself failed: {result.exception_info}"
    elif "observed_value" in details:
        observed = str(details["observed_value"])
    else:
        shown = ", ".join(str(example) for example in examples[:3])
        observed = f"{unexpected:,} of {details.get('element_count', 0):,} rows break it" + (
            f" ({shown})" if shown else ""
        )
    return Finding(check, bool(result.success), unexpected, observed)


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


def said(table: str, finding: Finding) -> str:
    """A failed finding as a sentence: table, expectation, what was found, the fix."""
    check = finding.check
    return (
        f"{check.severity}: {table}, expected that {check.name} ({check.why}); "
        f"found otherwise: {finding.observed}; {_FIX[check.severity]}"
    )


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
