"""``firstline feedback export``: labels that no file holds yet, as one new file under ``data/feedback/``."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml
from sqlalchemy import select

from features.hold_out import in_hold_out
from features.schema import TABLES
from monitoring.estimate import answer_weights
from monitoring.feedback import feedback_labels, stored_decisions, stored_feedback
from monitoring.quality import OVERRIDABLE
from monitoring.trust import held_back
from serving.codec import to_frame
from serving.reviews import REVIEW
from serving.settings import Settings
from serving.store import Store
from serving.tables import CONTEXT, ledger

FEEDBACK_FOLDER = Path("data/feedback")
HELD = ".held"
_FILE_NAME = re.compile(r"feedback-(\d{6,})-(\d{6,})\.jsonl")
_IDS_PER_QUESTION = 500
_REVIEWED = f"feedback:{REVIEW}"


class Export(NamedTuple):
    """What one export wrote: the file (``None`` where nothing was new), labels and ledger positions in it.

    ``held``: why labels were held back, and how many for each reason (in ``held_path``).
    """

    path: Path | None
    labels: int
    positions: tuple[int, int]
    held: tuple[tuple[str, int], ...] = ()

    @property
    def held_path(self) -> Path | None:
        """The file beside, with what was held back; ingest does not read it."""
        return self.path.with_suffix(HELD) if self.path is not None and self.held else None

    def line(self) -> str:
        """The export in words."""
        if self.path is None:
            return "no new feedback to export"
        first, last = self.positions
        lines = [f"{self.labels} labels of ledger entries {first} to {last} written to {self.path}"]
        lines += [f"  held back: {count} labels: {reason}" for reason, count in self.held]
        if self.held_path is not None:
            lines.append(f"  look at {self.held_path}; rename it to *{HELD}.jsonl to learn from it as well")
        return "\n".join(lines)


def export_feedback(store: Store, folder: Path) -> Export:
    """Write the labels of feedback that no file in ``folder`` holds yet as one new file.

    One JSON object a line: a canonical ``ticket_events`` row, with the canonical ``tickets`` row it is about
    under ``ticket``; ``source`` is ``review`` for what leadership found of decisions drawn at random. Files
    are named after the ledger positions they cover and never change. Without new feedback nothing is
    written. What is not to be learnt from unseen (``monitoring.trust``) goes beside.
    """
    last = last_exported(path.name for path in folder.glob("feedback-*.jsonl"))
    positions = _positions_after(store, last)
    if not positions:
        return Export(None, 0, (last, last))
    decisions = stored_decisions(store)
    events = feedback_labels(stored_feedback(store), decisions)
    new = events["event_id"].str.split(":").str[1].isin(positions)
    why_held = held_back(events, _decided(decisions))[new]
    first, last = min(positions.values()), max(positions.values())
    path = folder / f"feedback-{first:06d}-{last:06d}.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    held = why_held.dropna()
    weights = _weights(decisions, stored_feedback(store))
    if len(held):
        _write_labels(store, path.with_suffix(HELD), events.loc[held.index], weights)
    labels = events.loc[why_held.index[why_held.isna()]]
    _write_labels(store, path, labels, weights)
    return Export(
        path, len(labels), (first, last), tuple((str(why), int(n)) for why, n in held.value_counts().items())
    )


def _decided(decisions: pd.DataFrame) -> pd.DataFrame:
    """What was decided: ticket_id, kind of event, decided."""
    long = decisions.melt(id_vars="ticket_id", value_vars=list(OVERRIDABLE), value_name="decided")
    return long.assign(kind=long["variable"] + "_set")[["ticket_id", "kind", "decided"]]


def _weights(decisions: pd.DataFrame, feedback: pd.DataFrame) -> dict[str, float]:
    """By ticket, how many decisions of its kind one answer stands for (``answer_weights``)."""
    answered = decisions["decision_id"].isin(feedback["decision_id"])
    weights = answer_weights(decisions, answered)[answered].round(4)
    return dict(zip(decisions.loc[answered, "ticket_id"], weights, strict=True))


def _write_labels(store: Store, path: Path, labels: pd.DataFrame, weights: Mapping[str, float]) -> None:
    """One JSON object a line, the whole file or nothing."""
    lines = _lines(labels, _tickets(store, labels["ticket_id"].unique().tolist()), weights)
    part = path.with_name(path.name + ".part")
    part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    part.replace(path)


def last_exported(file_names: Iterable[str]) -> int:
    """The last ledger position that exported files of these names cover, 0 without any."""
    matches = (_FILE_NAME.fullmatch(name) for name in file_names)
    return max((int(match[2]) for match in matches if match), default=0)


def _positions_after(store: Store, last: int) -> dict[str, int]:
    with store.reading() as connection:
        rows = connection.execute(
            select(ledger.c.subject, ledger.c.seq).where(ledger.c.kind == "feedback", ledger.c.seq > last)
        )
        return {row.subject: row.seq for row in rows}


def _tickets(store: Store, ticket_ids: list[str]) -> pd.DataFrame:
    table = CONTEXT["tickets"]
    rows: list[Any] = []
    with store.reading() as connection:
        for start in range(0, len(ticket_ids), _IDS_PER_QUESTION):
            some = ticket_ids[start : start + _IDS_PER_QUESTION]
            rows += connection.execute(select(table).where(table.c.ticket_id.in_(some))).all()
    return to_frame("tickets", rows)


def _lines(labels: pd.DataFrame, tickets: pd.DataFrame, weights: Mapping[str, float]) -> list[str]:
    about = {row["ticket_id"]: row for row in _records("tickets", tickets)}
    return [
        json.dumps(
            event
            | {
                "source": "review" if event["event_id"].startswith(_REVIEWED) else "feedback",
                "weight": weights[event["ticket_id"]],
                "hold_out": in_hold_out(event["ticket_id"]),
                "ticket": about.get(event["ticket_id"]),
            },
            ensure_ascii=False,
        )
        for event in _records("ticket_events", labels)
    ]


def _records(table: str, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows without their empty cells, times as ISO 8601 in UTC."""
    times = [name for name, spec in TABLES[table].columns.items() if spec.kind == "time"]
    texts = frame.assign(**{t: frame[t].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for t in times})
    return [{str(k): v for k, v in row.items() if pd.notna(v)} for row in texts.to_dict("records")]


def source_name(params_file: Path = Path("params.yaml")) -> str:
    """The source under ``data/`` that the pipeline reads: ``ingest.source`` of ``params.yaml``."""
    if not params_file.exists():
        raise FileNotFoundError(f"{params_file} not found: run this from the project's root")
    return str(yaml.safe_load(params_file.read_text(encoding="utf-8"))["ingest"]["source"])


def main() -> None:
    """Export new feedback to ``data/feedback/<source>/`` and say what was written."""
    store = Store(Settings().database_url)
    try:
        print(export_feedback(store, FEEDBACK_FOLDER / source_name()).line())
    finally:
        store.close()


if __name__ == "__main__":
    main()
