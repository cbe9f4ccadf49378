"""Stage ingest: raw exports -> canonical tables and quarantine, with every raw row accounted for."""

import json
import shutil
import sys
from collections import Counter
from pathlib import Path

from connectors.identity.decisions import DecisionError, read_decisions
from connectors.intake.spool import SortError
from connectors.intake.take_in import Input, Intake, Progress, TableIntake, bytes_to_read, take_in_all
from connectors.mapping.file import MappingError, load_mapping
from connectors.readers import ReadError
from features.schema import TABLES
from pipelines.adopt import AdoptError, adopt
from pipelines.identity import identify
from pipelines.intake_report import examples, left_out, metrics, report
from pipelines.params import ParamsError, load_params
from pipelines.progress import bytes_read
from pipelines.quarantine_page import PAGE, quarantine_page

__all__ = ["AdoptError", "IngestError", "adopt", "ingest", "left_out", "main", "metrics", "report"]

FEEDBACK_MAPPING = Path("connectors/mappings/feedback.yaml")
WORK = Path("artifacts/.ingest")
"""Where rows lie while they are many; what a killed run left there is removed by the next."""


class IngestError(ValueError):
    """Too much of a table breaks the contract, or nothing was found. Names the table, reasons and the fix."""


def ingest(raw: Path, mapping_file: Path, progress: Progress, feedback: Path | None = None) -> Intake:
    """The canonical tables of the raw folder, with the desk's own feedback events added where there are any.

    Raises ``MappingError`` or ``ReadError``.
    """
    return take_in_all(inputs(raw, mapping_file, feedback), progress)


def inputs(raw: Path, mapping_file: Path, feedback: Path | None = None) -> list[Input]:
    """The raw folder, and that of feedback if it is there: of rows with one key the export's counts."""
    found = [Input(raw, load_mapping(mapping_file))]
    if feedback is not None and feedback.is_dir():
        found.append(Input(feedback, load_mapping(FEEDBACK_MAPPING)))
    return found


def check_quarantine(intake: Intake, max_quarantined_share: float) -> None:
    """Raise ``IngestError`` if a table lost more than this share of its rows, or if no row is left."""
    if not any(table.rows_kept for table in intake.tables.values()):
        raise IngestError(_nothing_kept(intake))
    for name, table in intake.tables.items():
        if table.quarantined_share > max_quarantined_share:
            raise IngestError(_too_much_quarantined(name, table, max_quarantined_share))


def _nothing_kept(intake: Intake) -> str:
    """Why nothing is left: the table that lost most rows, or files that were not there or had no rows."""
    lost = {n: t for n, t in intake.tables.items() if t.rows_quarantined}
    if lost:
        name = max(lost, key=lambda table: lost[table].rows_quarantined)
        return f"no row of any table was kept. {_too_much_quarantined(name, lost[name], 0)}"
    filtered = sum((table.filtered for table in intake.tables.values()), Counter[str]())
    if filtered:
        reasons = "; ".join(f"{rows:,} x {reason}" for reason, rows in filtered.most_common())
        return f"no row of any table was kept: the mapping's own conditions filtered all: {reasons}"
    absent = ", ".join(intake.missing_files)
    return "no row of any table was kept: " + (
        f"do the file patterns of the mapping match the raw folder? Not found: {absent}"
        if absent
        else "the files that the mapping reads have no rows"
    )


def _too_much_quarantined(name: str, table: TableIntake, limit: float) -> str:
    reasons = "; ".join(f"{count:,} x {reason}" for reason, count in table.reasons().items())
    first = next(rows[0] for rows in examples(table, 1).values() if rows)
    return (
        f"{name}: {table.quarantined_share:.1%} of the rows are quarantined, allowed are {limit:.1%}. "
        f"Reasons: {reasons}. First: {first['source_file']} row {first['row_number']}: {first['raw'][:300]}. "
        f"See {PAGE}; correct the mapping or the export, "
        "or raise ingest.max_quarantined_share in params.yaml"
    )


def write(intake: Intake, artifacts: Path) -> None:
    """Tables, quarantine (every table, so that none is stale) and metrics; same rows, same bytes."""
    tables, quarantine = artifacts / "tables", artifacts / "quarantine"
    for folder in (tables, quarantine):
        folder.mkdir(parents=True, exist_ok=True)
    for name, table in intake.tables.items():
        shutil.copyfile(table.path, tables / f"{name}.parquet")
        shutil.copyfile(table.quarantine_path, quarantine / f"{name}.parquet")
    for folder in (tables, quarantine):
        for stale in set(TABLES) - set(intake.tables):
            (folder / f"{stale}.parquet").unlink(missing_ok=True)
    path = artifacts / "metrics" / "ingest.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(metrics(intake), indent=2) + "\n", encoding="utf-8")


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    """Read ``data/<source>`` as ``params.yaml`` says, write under ``artifacts/``, print the accounts."""
    try:
        params = load_params().ingest
        data = Path("data")
        print(f"ingest: data/{params.source} through {params.mapping}", flush=True)
        read = inputs(data / params.source, params.mapping, data / "feedback" / params.source)
        shutil.rmtree(WORK, ignore_errors=True)
        with bytes_read(bytes_to_read(read)) as on_bytes:
            intake = take_in_all(read, _say, WORK, on_bytes=on_bytes)
        write(intake, Path("artifacts"))
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(quarantine_page(intake, params.source), encoding="utf-8")
        print(report(intake), flush=True)
        decisions = read_decisions(data / "identity" / params.source)
        identified = identify(Path("artifacts/tables"), decisions, params.phone_region)
        print("\n".join(identified.lines()), flush=True)
        check_quarantine(intake, params.max_quarantined_share)
    except (ParamsError, MappingError, ReadError, SortError, DecisionError, IngestError, OSError) as error:
        sys.exit(f"ingest stopped: {error}")


if __name__ == "__main__":
    main()
