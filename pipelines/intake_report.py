"""What became of all rows, for people and as numbers, and what the platform cannot do with them."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from connectors.intake.take_in import Intake, TableIntake
from features.schema import Tables

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
EXAMPLES = 5


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


def shapes(intake: Intake) -> dict[str, pd.DataFrame]:
    """As much of the kept tables as ``left_out`` looks at: their length, and the kinds of events."""
    found = {name: pd.DataFrame(index=range(table.rows_kept)) for name, table in intake.tables.items()}
    if "ticket_events" in found:
        kinds: dict[str, None] = {}
        with pq.ParquetFile(intake.tables["ticket_events"].path) as parquet:
            for batch in parquet.iter_batches(columns=["kind"]):
                kinds |= dict.fromkeys(batch.column(0).unique().to_pylist())
        found["ticket_events"] = pd.DataFrame({"kind": list(kinds)})
    return found


def accounts(table: TableIntake) -> dict[str, int]:
    """The terms of the sum that must come out even."""
    return {
        "rows_in": table.rows_in,
        "kept": table.rows_kept,
        "quarantined": table.rows_quarantined,
        "filtered": table.filtered.total(),
        "duplicates": table.duplicates,
        "from_tickets": table.from_tickets,
        "to_events": table.to_events,
    }


def metrics(intake: Intake) -> dict[str, dict[str, object]]:
    """Row counts by table and quarantine reasons, as numbers; the same rows give the same metrics."""
    return {
        name: {**accounts(table), "quarantined_by_reason": table.reasons()}
        for name, table in intake.tables.items()
    }


def report(intake: Intake) -> str:
    """The accounts of all rows as text for people."""
    terms = ["rows in", "kept", "quarantined", "filtered", "duplicates"]
    if any(table.to_events or table.from_tickets for table in intake.tables.values()):
        terms += ["to events", "from tickets"]
    lines = ["table         " + "".join(f"{term:>13}" for term in terms)]
    for name, table in intake.tables.items():
        counted = accounts(table)
        numbers = (counted[term.replace(" ", "_")] for term in terms)
        lines.append(f"{name:<14}" + "".join(f"{number:>13,}" for number in numbers))
    lines.append(_sum_of(terms))
    lines += details(intake)
    return "\n".join(lines)


def _sum_of(terms: list[str]) -> str:
    """The equation that holds for every table."""
    made = " + from tickets" if "from tickets" in terms else ""
    became = " + to events" if made else ""
    return f"rows in{made} = kept + quarantined + filtered + duplicates{became}"


def details(intake: Intake) -> list[str]:
    """Reasons, corrections, files and what is left out, a line each."""
    lines = []
    for name, table in intake.tables.items():
        lines += [f"  {name} quarantined: {count:,} x {reason}" for reason, count in table.reasons().items()]
        lines += [f"  {name} filtered: {n:,} x {reason}" for reason, n in sorted(table.filtered.items())]
        if table.to_events:
            lines.append(
                f"  {name} corrected or deleted later: {table.to_events:,} rows became ticket events"
            )
        if table.from_tickets:
            lines.append(f"  {name} made of corrected and deleted tickets: {table.from_tickets:,}")
    lines += [f"  not found in the raw folder: {pattern}" for pattern in intake.missing_files]
    lines += [f"  not read, no source in the mapping names it: {file}" for file in intake.unread_files]
    lines += [f"  look at this: {note}" for note in intake.notes]
    return lines + [f"  {cause}" for cause in left_out(shapes(intake))]


def examples(table: TableIntake, count: int = EXAMPLES) -> dict[str, list[dict[str, Any]]]:
    """Reason -> its first rows (``source_file``, ``row_number``, ``raw``); the commonest reason first."""
    found: dict[str, list[dict[str, Any]]] = {reason: [] for reason in table.reasons()}
    wanted = sum(min(count, rows) for rows in table.quarantined.values())
    for row in _quarantined(table):
        if not wanted:
            break
        if len(found[row["reason"]]) < count:
            wanted -= 1
            found[row["reason"]].append({name: row[name] for name in ("source_file", "row_number", "raw")})
    return found


def _quarantined(table: TableIntake) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(table.quarantine_path) as parquet:
        for batch in parquet.iter_batches(batch_size=4096):
            yield from batch.to_pylist()
