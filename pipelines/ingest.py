"""Stage ingest: raw exports -> canonical tables and quarantine, with every raw row accounted for."""

import json
import sys
from pathlib import Path

import pandas as pd

from connectors.identity_decisions import DecisionError, read_decisions
from connectors.intake import Intake, Progress, TableIntake, take_in
from connectors.mapping import MappingError, load_mapping
from connectors.readers import ReadError
from features.schema import TABLES, Tables
from features.tables import write_tables
from pipelines.adopt import AdoptError, adopt
from pipelines.identity import identify
from pipelines.params import ParamsError, load_params

__all__ = ["AdoptError", "IngestError", "adopt", "ingest", "left_out", "main"]

FEEDBACK_MAPPING = Path("connectors/mappings/feedback.yaml")

_NEEDS_TABLE = {
    "accounts": "no churn model; no plan, contract value or renewal in priority, SLA and ranking",
    "contacts": "people are known only by the ids on their tickets, not by their handles",
    "agents": "tickets are routed to queues, not to persons",
    "articles": "suggested replies cite no knowledge-base article",
    "tickets": "no intent, sentiment and priority model",
    "ticket_events": "no intent and priority model; no history of replies, solutions and satisfaction",
    "usage": "no churn model; no errors, failed log-ins and usage trend in sentiment, priority and context",
}
_NEEDS_EVENT = {
    "intent_set": "no intent model: nobody's label to learn from",
    "priority_set": "no priority model: the desk's priority rules decide",
    "sentiment_set": "sentiment from its signals only: no label to learn from",
    "csat": "satisfaction stays unknown",
    "confirmed": "no customer confirmations for risk control",
}


class IngestError(ValueError):
    """Too much of a table breaks the contract, or nothing was found. Names the table, reasons and the fix."""


def ingest(raw: Path, mapping_file: Path, progress: Progress, feedback: Path | None = None) -> Intake:
    """The canonical tables of the raw folder, with the desk's own feedback events added where there are any.

    Raises ``MappingError`` or ``ReadError``.
    """
    intake = take_in(raw, load_mapping(mapping_file), progress)
    if feedback is None or not feedback.is_dir():
        return intake
    return _with_feedback(intake, take_in(feedback, load_mapping(FEEDBACK_MAPPING), progress))


def _with_feedback(intake: Intake, feedback: Intake) -> Intake:
    tables = dict(intake.tables)
    for name, added in feedback.tables.items():
        tables[name] = tables[name].joined(added, TABLES[name].key) if name in tables else added
    return Intake(
        {name: tables[name] for name in TABLES if name in tables}, intake.missing_files, intake.unread_files
    )


def left_out(tables: Tables) -> list[str]:
    """What the platform cannot do with these tables, one sentence a cause; empty when all is there."""
    events = tables.get("ticket_events", pd.DataFrame())
    causes = [
        f"{name}: missing, so {lost}" for name, lost in _NEEDS_TABLE.items() if not len(tables.get(name, ()))
    ]
    if len(events):
        kinds = set(events["kind"].unique())
        causes += [
            f"{kind} events: none, so {lost}" for kind, lost in _NEEDS_EVENT.items() if kind not in kinds
        ]
    return causes


def metrics(intake: Intake) -> dict[str, object]:
    """Row counts by table and quarantine reasons, as numbers; the same rows give the same metrics."""
    return {
        name: {
            "rows_in": table.rows_in,
            "kept": len(table.kept),
            "quarantined": len(table.quarantine),
            "filtered": table.filtered.total(),
            "duplicates": table.duplicates,
            "quarantined_by_reason": table.reasons(),
        }
        for name, table in intake.tables.items()
    }


def report(intake: Intake) -> str:
    """The accounts of all rows as text for people."""
    lines = [f"{'table':<14}{'rows in':>11}{'kept':>11}{'quarantined':>13}{'filtered':>11}{'duplicates':>12}"]
    for name, table in intake.tables.items():
        counts = (len(table.kept), len(table.quarantine), table.filtered.total(), table.duplicates)
        kept, quarantined, filtered, duplicates = (f"{count:,}" for count in counts)
        lines.append(
            f"{name:<14}{table.rows_in:>11,}{kept:>11}{quarantined:>13}{filtered:>11}{duplicates:>12}"
        )
    for name, table in intake.tables.items():
        lines += [f"  {name} quarantined: {count:,} x {reason}" for reason, count in table.reasons().items()]
        lines += [f"  {name} filtered: {n:,} x {reason}" for reason, n in sorted(table.filtered.items())]
    lines += [f"  not found in the raw folder: {pattern}" for pattern in intake.missing_files]
    lines += [f"  not read, no source in the mapping names it: {file}" for file in intake.unread_files]
    lines += [f"  {cause}" for cause in left_out({name: table.kept for name, table in intake.tables.items()})]
    return "\n".join(lines)


def check_quarantine(intake: Intake, max_quarantined_share: float) -> None:
    """Raise ``IngestError`` if a table lost more than this share of its rows, or if no row is left."""
    if not any(len(table.kept) for table in intake.tables.values()):
        raise IngestError(
            "no row of any table was kept: do the file patterns of the mapping match the raw folder? "
            f"Not found: {', '.join(intake.missing_files) or 'nothing'}"
        )
    for name, table in intake.tables.items():
        if table.quarantined_share > max_quarantined_share:
            raise IngestError(_too_much_quarantined(name, table, max_quarantined_share))


def _too_much_quarantined(name: str, table: TableIntake, limit: float) -> str:
    reasons = "; ".join(f"{count:,} x {reason}" for reason, count in table.reasons().items())
    first = table.quarantine.iloc[0]
    return (
        f"{name}: {table.quarantined_share:.1%} of the rows are quarantined, allowed are {limit:.1%}. "
        f"Reasons: {reasons}. First: {first.source_file} row {first.row_number}: {first.raw[:300]}. "
        f"See artifacts/quarantine/{name}.parquet; correct the mapping or the export, "
        "or raise ingest.max_quarantined_share in params.yaml"
    )


def write(intake: Intake, artifacts: Path) -> None:
    """Tables, quarantine (every table, so that none is stale) and metrics; same rows, same bytes."""
    write_tables(artifacts / "tables", {name: table.kept for name, table in intake.tables.items()})
    quarantine = artifacts / "quarantine"
    quarantine.mkdir(parents=True, exist_ok=True)
    for name, table in intake.tables.items():
        table.quarantine.to_parquet(quarantine / f"{name}.parquet", index=False, compression="zstd")
    for folder in (artifacts / "tables", quarantine):
        for stale in set(TABLES) - set(intake.tables):
            (folder / f"{stale}.parquet").unlink(missing_ok=True)
    path = artifacts / "metrics" / "ingest.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(metrics(intake), indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Read ``data/<source>`` as ``params.yaml`` says, write under ``artifacts/``, print the accounts."""
    try:
        params = load_params().ingest
        data = Path("data")
        print(f"ingest: data/{params.source} through {params.mapping}", flush=True)
        intake = ingest(
            data / params.source,
            params.mapping,
            progress=lambda line: print(line, flush=True),
            feedback=data / "feedback" / params.source,
        )
        write(intake, Path("artifacts"))
        print(report(intake), flush=True)
        decisions = read_decisions(data / "identity" / params.source)
        identified = identify(Path("artifacts/tables"), decisions, params.phone_region)
        print("\n".join(identified.lines()), flush=True)
        check_quarantine(intake, params.max_quarantined_share)
    except (ParamsError, MappingError, ReadError, DecisionError, IngestError) as error:
        sys.exit(f"ingest stopped: {error}")


if __name__ == "__main__":
    main()
