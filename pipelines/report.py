"""The morning queue for people: a table for the terminal and one self-contained HTML page.

Pure rendering of decision records. Whatever a customer wrote is shown as text, never as markup: autoescaped
and under a content-security policy in HTML, stripped of control characters in the terminal.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.table import Table
from rich.text import Text

from serving.decision import Decision

TEMPLATES = Path(__file__).parent / "templates"
LEVEL_STYLE = {"urgent": "bold red", "high": "yellow", "normal": "", "low": "dim"}
MOOD_STYLE = {"frustrated": "red", "confused": "yellow", "asking": ""}
ACTION_STYLE = {"auto_resolve": "green", "assist": "cyan", "human": ""}
ACTION_WORDS = {"auto_resolve": "resolve automatically", "assist": "suggest a reply", "human": "a person"}


def ranked(decisions: Iterable[Decision]) -> list[Decision]:
    """The decisions, most value at risk first; ties in the order of ticket ids."""
    return sorted(decisions, key=lambda d: (-d.queue.value_at_risk, d.ticket_id))


def queue_table(decisions: Sequence[Decision]) -> Table:
    """The ranked queue as a table for the terminal: one row a ticket."""
    table = Table(
        title=f"The queue: {len(decisions)} tickets, most value at risk first", row_styles=["", "dim"]
    )
    for column in ("#", "ticket", "customer", "intent", "mood", "priority", "why here", "route", "action"):
        table.add_column(column, overflow="fold", justify="right" if column == "#" else "left")
    for place, decision in enumerate(ranked(decisions), start=1):
        intent = f"{decision.intent.name or 'unknown'} {percent(decision.intent.probability)}"
        table.add_row(
            str(place),
            _plain(decision.ticket_id),
            _plain(customer(decision)),
            _plain(intent),
            Text(decision.sentiment.state, MOOD_STYLE[decision.sentiment.state]),
            Text(decision.priority.level, LEVEL_STYLE[decision.priority.level]),
            _plain("; ".join(decision.queue.reasons[:2])),
            _plain(decision.route.queue + (f" / {decision.route.agent}" if decision.route.agent else "")),
            Text(ACTION_WORDS[decision.action], ACTION_STYLE[decision.action]),
        )
    return table


def render_queue(decisions: Sequence[Decision], requests: Iterable[Mapping[str, Any]] = ()) -> str:
    """The ranked queue as one HTML page without external assets.

    ``requests`` are the requests that were sent (``ticket_id``, ``subject``, ``body``); where they are given,
    the page shows what the customer wrote.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"percent": percent, "money": money, "until": until, "moment": _moment}
    script = (TEMPLATES / "morning_queue.js").read_text(encoding="utf-8")
    queue = ranked(decisions)
    return environment.get_template("morning_queue.html").render(
        decisions=queue,
        letters={str(r["ticket_id"]): r for r in requests},
        customer=customer,
        actions=Counter(d.action for d in queue),
        action_words=ACTION_WORDS,
        levels=Counter(d.priority.level for d in queue),
        escalated=sum(bool(d.escalations) for d in queue),
        frustrated=sum(d.sentiment.state == "frustrated" for d in queue),
        releases=sorted({d.release for d in queue}),
        degraded=sorted({part for d in queue for part in d.degraded}),
        as_of=max((d.at for d in queue), default=None),
        style=(TEMPLATES / "morning_queue.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def write_queue_report(
    decisions: Sequence[Decision], path: Path, requests: Iterable[Mapping[str, Any]] = ()
) -> None:
    """Write ``render_queue`` to ``path``, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(render_queue(decisions, requests), encoding="utf-8")
    part.replace(path)


def customer(decision: Decision) -> str:
    """The account in words: its id, and its contract value where it is known."""
    account = decision.account
    if account.account_id is None:
        return "unknown"
    return account.account_id + (f" {money(account.contract_value)}" if account.contract_value else "")


def percent(share: float | None) -> str:
    """0.974 -> ``97%``. Anything below one stays below ``100%``."""
    return "unknown" if share is None else f"{min(round(share * 100), 99 if share < 1 else 100)}%"


def money(amount: float | None) -> str:
    """412000.0 -> ``$412k``."""
    if amount is None:
        return "unknown"
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if amount >= size:
            return f"${amount / size:.3g}{unit}"
    return f"${amount:.0f}"


def until(due: datetime | None, now: datetime) -> str:
    """Time left in words: ``in 2 h``, ``3 d ago``."""
    if due is None:
        return "no target"
    left = due - now
    size = abs(left)
    if size < timedelta(hours=1):
        words = f"{size.total_seconds() / 60:.0f} min"
    elif size < timedelta(days=2):
        words = f"{size.total_seconds() / 3600:.0f} h"
    else:
        words = f"{size.days} d"
    return f"in {words}" if left >= timedelta(0) else f"{words} ago"


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def _plain(text: str) -> Text:
    return Text("".join(c if c.isprintable() else " " for c in text))
