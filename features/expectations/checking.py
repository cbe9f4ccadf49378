"""The suites run by Great Expectations: at ingest on whole tables, by the monitor on what was sent."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from features.expectations.suites import Check, suite

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


def check(frames: Mapping[str, pd.DataFrame], docs: Path | None = None) -> dict[str, list[Finding]]:
    """Judge each table's rows (``suites.checkable``) by its suite; a table without rows is not judged.

    Data Docs go to the folder ``docs``, where one is given, as Great Expectations writes them.
    """
    present = {name: frame for name, frame in frames.items() if len(frame)}
    context = _quiet_context(docs)
    source = context.data_sources.add_pandas("canonical tables")
    return {name: _findings(context, source, name, frame, docs) for name, frame in present.items()}


def said(table: str, finding: Finding) -> str:
    """A failed finding as a sentence: table, expectation, what was found, the fix."""
    check = finding.check
    return (
        f"{check.severity}: {table}, expected that {check.name} ({check.why}); "
        f"found otherwise: {finding.observed}; {_FIX[check.severity]}"
    )


def _quiet_context(docs: Path | None) -> Any:
    """An ephemeral context: no project folder, analytics or progress bars; Data Docs in ``docs``, if any."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    for site in context.get_site_names():
        context.delete_data_docs_site(site)
    if docs is None:
        return context
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


def _findings(context: Any, source: Any, table: str, frame: pd.DataFrame, docs: Path | None) -> list[Finding]:
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
    pages = [gx.checkpoint.UpdateDataDocsAction(name="data docs", site_names=["data_docs"])]
    checkpoint = gx.Checkpoint(
        name=table,
        validation_definitions=[definition],
        actions=pages if docs else [],
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
