"""The files of the demo company: raw exports month by month, and the truth."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pipelines.demo_company.catalogue import INTENTS, released
from pipelines.demo_company.clock import DAY, day_text
from pipelines.demo_company.journey import Journey, World
from pipelines.demo_company.lifecycle import Outcome
from pipelines.demo_company.progress import Progress
from pipelines.demo_company.salesforce import account_file, contact_file
from pipelines.demo_company.tickets import Ticket
from pipelines.demo_company.usage import HEADER, failed_sign_in_rows, month_lines
from pipelines.demo_company.wording import Writer
from pipelines.demo_company.zendesk import (
    FIRST_TICKET,
    article_rows,
    group_rows,
    json_line,
    organization_rows,
    ticket_and_events,
    user_rows,
)

TRUTH_FILES = ("demo_company.jsonl", "accounts.jsonl")


def write_files(
    folder: Path, world: World, journeys: Sequence[Journey], writer: Writer, progress: Progress
) -> None:
    """Write every raw file below ``folder``, month by month, and the truth into ``folder/truth``."""
    accounts = [journey.account for journey in journeys]
    tickets = sorted(
        (pair for journey in journeys for pair in journey.tickets),
        key=lambda pair: (pair[0].created_at, pair[0].key),
    )
    failures = failed_sign_in_rows(world.seed, journeys)
    waiting: list[dict[str, Any]] = []
    number = FIRST_TICKET
    for month in progress(world.months, "months", len(world.months)):
        of_month = [pair for pair in tickets if month.holds(pair[0].created_at)]
        lines, events = _ticket_lines(of_month, number, writer, world.end)
        number += len(of_month)
        waiting.extend(events)
        waiting.sort(key=lambda audit: (audit["timestamp"], audit["id"]))
        known = sum(audit["timestamp"] < month.end * DAY for audit in waiting)
        _write_lines(folder / f"zendesk/tickets-{month.name}.jsonl", lines)
        _write_lines(folder / f"zendesk/ticket_events-{month.name}.jsonl", map(json_line, waiting[:known]))
        waiting = waiting[known:]
        accounts_path = folder / f"salesforce/accounts-{month.name}.csv"
        accounts_path.write_text(account_file(accounts, month), encoding="utf-8", newline="")
        of_month_failures = [row for row in failures if month.holds(row[0])]
        usage = month_lines(world, journeys, month, of_month_failures)
        _write_lines(
            folder / f"usage/usage-{month.name}.csv", (line for part in ((HEADER,), usage) for line in part)
        )
    strangers = [ticket for ticket, _ in tickets if ticket.user is None]
    start = world.months[0].start * DAY
    released_at = {
        name: world.months[released(intent.from_month, len(world.months))].start * DAY
        for name, intent in INTENTS.items()
        if intent.from_month
    }
    for name, rows in {
        "users": user_rows(accounts, world.team, strangers, world.end),
        "organizations": organization_rows(accounts),
        "groups": group_rows(),
        "articles": article_rows(start, released_at),
    }.items():
        _write_lines(folder / f"zendesk/{name}.jsonl", map(json_line, rows))
    (folder / "salesforce/contacts.csv").write_text(
        contact_file(accounts, world.end), encoding="utf-8", newline=""
    )
    _write_lines(folder / "truth/demo_company.jsonl", map(json_line, ticket_truth(tickets)))
    _write_lines(folder / "truth/accounts.jsonl", map(json_line, account_truth(journeys)))


def _ticket_lines(
    pairs: Sequence[tuple[Ticket, Outcome]], first: int, writer: Writer, end: int
) -> tuple[list[str], list[dict[str, Any]]]:
    """The month's tickets as lines, and all their audits."""
    lines, events = [], []
    for place, (ticket, outcome) in enumerate(pairs):
        row, audits = ticket_and_events(first + place, ticket, outcome, writer, end)
        lines.append(json_line(row))
        events.extend(audits)
    return lines, events


def ticket_truth(tickets: Sequence[tuple[Ticket, Outcome]]) -> Iterator[dict[str, Any]]:
    """What was really meant, ticket by ticket; only evaluation may read it."""
    for place, (ticket, _) in enumerate(tickets):
        intent = INTENTS[ticket.intent]
        yield {
            "ticket_id": str(FIRST_TICKET + place),
            "intent": ticket.intent,
            "sentiment": ticket.mood,
            "priority": ticket.priority,
            "queue": intent.queue,
            "outage_id": ticket.outage,
            "resolvable": intent.self_service
            and ticket.second_intent is None
            and ticket.mood != "frustrated",
        }


def account_truth(journeys: Sequence[Journey]) -> Iterator[dict[str, Any]]:
    """Which accounts left, when, and whether one could have seen it coming."""
    for journey in journeys:
        left = None if journey.left_on is None else day_text(journey.left_on)
        yield {"account_id": journey.account.id, "churned_on": left, "cause": journey.cause}


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines as UTF-8 with Unix line ends."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)
