"""``reports/quarantine.html``: how many rows were set aside for which reason, with the first of each."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from connectors.intake.take_in import Intake
from pipelines.intake_report import examples

TEMPLATES = Path(__file__).parent / "templates"
PAGE = Path("reports/quarantine.html")
_RAW_CHARACTERS = 1_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def quarantine_page(intake: Intake, source: str) -> str:
    """One page that needs no network; what customers wrote is escaped, and no cell begins a formula."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["plain"] = no_formula
    tables = [
        {
            "name": name,
            "intake": table,
            "reasons": [
                (reason, table.quarantined[reason], [dict(row, raw=_cut(row["raw"])) for row in rows])
                for reason, rows in examples(table).items()
            ],
        }
        for name, table in intake.tables.items()
    ]
    return environment.get_template("quarantine.html").render(
        source=source, tables=tables, notes=intake.notes
    )


def no_formula(cell: str) -> str:
    """``cell`` so that no spreadsheet it is copied into takes it for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _cut(raw: str) -> str:
    return raw if len(raw) <= _RAW_CHARACTERS else f"{raw[:_RAW_CHARACTERS]} ..."
