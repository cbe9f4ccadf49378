"""Somebody's exports as one stream of tickets: what was known of each as it came, and what was said when."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from connectors.mapping.file import load_mapping
from features.labels import final_labels
from features.schema import Tables, completed
from features.ticket import ticket_features
from pipelines.adopt import wanted_files
from pipelines.featurize import not_deleted, ticket_labels
from pipelines.ingest import ingest
from pipelines.params import SplitParams

INTENT_SET = "intent_set"
_SAID = ["ticket_id", "created_at", "account_id", "contact_id", "subject", "body"]


@dataclass(frozen=True)
class Source:
    """Where a stream comes from: as ``firstline ingest`` takes it."""

    name: str
    folder: Path
    mapping: Path
    extra: Sequence[Path] = ()


@dataclass(frozen=True)
class Stream:
    """``tickets``: a row a ticket in order of creation, with its features as of then and no label.

    ``events``: canonical ticket events. ``words``: by ``ticket_id``, the intent that agents finally set
    (``value``), since when that was known (``at``) and who said it (``agent_id``).
    """

    name: str
    tickets: pd.DataFrame
    events: pd.DataFrame
    words: pd.DataFrame

    def known(self, now: datetime, split: SplitParams) -> pd.DataFrame:
        """The tickets that stage features would leave at ``now``: with split, and labels known in time."""
        tickets = self.tickets[self.tickets["created_at"] < now].reset_index(drop=True)
        events = self.events[self.events["known_at"] < now]
        cuts = split.cuts(tickets["created_at"])
        tickets = not_deleted(tickets, events, cuts)
        labels = ticket_labels(tickets, events, cuts)
        return pd.concat([tickets, cuts.split_of(tickets["created_at"]).rename("split"), labels], axis=1)


def read_stream(source: Source, say: Callable[[str], None] = print) -> Stream:
    """Ingest ``source`` in a temporary folder and compute every ticket's features as of its creation.

    Raises what ``firstline ingest`` raises: ``AdoptError``, ``MappingError``, ``ReadError``.
    """
    with TemporaryDirectory(prefix="firstline-stream-") as folder:
        raw = Path(folder) / source.name
        patterns = load_mapping(source.mapping).file_patterns()
        for name, path in wanted_files(source.folder, patterns, source.extra).items():
            (raw / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, raw / name)
        intake = ingest(raw, source.mapping, say)
        tables = {name: table.kept for name, table in intake.tables.items()}
    return stream_of(source.name, tables)


def stream_of(name: str, tables: Tables) -> Stream:
    """The stream that canonical ``tables`` tell. Features are computed once: none looks past its ticket.

    Raises ``ValueError`` without any ticket.
    """
    tables = completed(tables)
    tickets = tables["tickets"].sort_values(["created_at", "ticket_id"], ignore_index=True)
    if tickets.empty:
        raise ValueError(f"{name} holds no ticket: do the file patterns of the mapping match the folder?")
    events = tables["ticket_events"]
    features = ticket_features(tickets, tables)
    return Stream(name, pd.concat([tickets[_SAID], features], axis=1), events, _words(events))


def _words(events: pd.DataFrame) -> pd.DataFrame:
    final = final_labels(events, INTENT_SET)
    said = events[(events["kind"] == INTENT_SET) & (events["actor_kind"] == "agent")]
    said = said[said["value"] == said["ticket_id"].map(final)].sort_values("known_at", kind="stable")
    last = said.drop_duplicates("ticket_id", keep="last").set_index("ticket_id")
    return last[["value", "known_at", "actor_id"]].rename(columns={"known_at": "at", "actor_id": "agent_id"})
