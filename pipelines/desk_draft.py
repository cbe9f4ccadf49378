"""``firstline desk new``: a first desk.yaml from the canonical tables: nobody starts from an empty page."""

from dataclasses import dataclass
from pathlib import Path

from features.tables import read_tables
from pipelines.params import load_params
from policy.desk import parse_desk
from policy.draft import draft_desk, plans_by_use, queues_by_use, usual_filings

EXAMPLE = Path("policy/desk.yaml")
TABLES = Path("artifacts/tables")


@dataclass(frozen=True)
class NewDesk:
    """The file that was written, and how many plans, queues and intents were found for it."""

    file: str
    plans: int
    queues: int
    intents: int

    def lines(self) -> list[str]:
        """What was found and what to do next, a line each."""
        return [
            f"{self.file}: {self.plans} plans, {self.queues} queues, {self.intents} intents; "
            "nothing is automated",
            "next: read the lines marked CHECK, and set release.desk in params.yaml to this file",
        ]


def new_desk(target: Path, tables_folder: Path = TABLES, example: Path = EXAMPLE) -> NewDesk:
    """Write the draft to ``target``.

    Raises ``FileExistsError`` rather than overwrite a desk, ``FileNotFoundError`` without tables.
    """
    if target.exists():
        raise FileExistsError(f"{target} exists already: choose another file, or delete it first")
    tables = read_tables(tables_folder)
    plans, queues = plans_by_use(tables["accounts"]), queues_by_use(tables["ticket_events"])
    filings = usual_filings(tables["tickets"], tables["ticket_events"])
    company = load_params().ingest.source
    draft = draft_desk(example.read_text(encoding="utf-8"), company, plans, queues, filings)
    parse_desk(draft, str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(draft, encoding="utf-8")
    return NewDesk(str(target), len(plans), len(queues), len(filings))
