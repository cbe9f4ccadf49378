"""A first ``desk.yaml`` from a company's own data: its plans, queues and intents instead of the example's.

Nothing is automated in a draft, no intent is technical or regulatory, every service level is a guess: what
only a support lead can know is marked CHECK.
"""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any, NamedTuple

import pandas as pd
import yaml

OWN_PARTS = ("actions", "replies")
"""What says nothing about another company: empty in a draft."""


class Filing(NamedTuple):
    """Where tickets of one intent usually end."""

    queue: str | None
    product_area: str | None


def usual_filings(tickets: pd.DataFrame, events: pd.DataFrame) -> dict[str, Filing]:
    """Each intent that agents filed tickets under, with the last queue and product area of most of them.

    ``tickets`` and ``events`` are the canonical tables; the commonest intent comes first. ``None`` where no
    queue or area has the majority.
    """
    intents = _last_values(events, "intent_set")
    queues = _last_values(events, "queue_set")
    areas = tickets.dropna(subset=["product_area"]).set_index("ticket_id")["product_area"]
    filed = pd.DataFrame({"intent": intents}).join(queues.rename("queue")).join(areas.rename("area"))
    alike = {str(intent): rows for intent, rows in filed.groupby("intent")}
    return {
        intent: Filing(_of_most(alike[intent]["queue"]), _of_most(alike[intent]["area"]))
        for intent in filed["intent"].value_counts().index
    }


def queues_by_use(events: pd.DataFrame) -> list[str]:
    """Every queue that a ticket ended in, the commonest first."""
    return [str(queue) for queue in _last_values(events, "queue_set").value_counts().index]


def plans_by_use(accounts: pd.DataFrame) -> list[str]:
    """Every plan that an account has now (its last known version), the commonest first."""
    newest = accounts.sort_values("known_at", kind="stable").groupby("account_id")["plan"].last()
    return [str(plan) for plan in newest.dropna().value_counts().index]


def draft_desk(
    example: str, company: str, plans: Sequence[str], queues: Sequence[str], filings: Mapping[str, Filing]
) -> str:
    """``example`` (the text of a valid desk) with the company's plans, queues and intents in it.

    Parts that hold for any desk (calendars, escalation, ranking, routing) stay, comments included.
    Without plans the desk promises nothing; without queues there is one, general.
    """
    from ruamel.yaml import YAML

    writer = YAML()
    writer.preserve_quotes, writer.width = True, 4096
    desk = writer.load(example)
    queues = list(queues) or ["general"]
    desk["brand"]["name"] = _plain(company)
    for language in desk["brand"]["signature"]:
        desk["brand"]["signature"][language] = _plain(company)
    promise = dict(next(iter(desk["plans"].values())))
    _replace(desk, "plans", {plan: dict(promise) for plan in plans})
    if plans:
        desk["default_plan"] = _plain(plans[0])
    else:
        del desk["default_plan"]
    _replace(desk, "queues", {queue: {"about": queue} for queue in queues})
    desk["default_queue"] = _plain(queues[0])
    _replace(desk, "intents", {name: _intent(filing, queues[0]) for name, filing in filings.items()})
    for kind, queue in desk["escalation"]["queues"].items():
        desk["escalation"]["queues"][kind] = _plain(queue if queue in queues else queues[0])
    for part in OWN_PARTS:
        _replace(desk, part, {})
    desk["follow_ups"].pop("by_action", None)
    desk.yaml_set_start_comment(_HEAD.format(company=company))
    desk.yaml_set_comment_before_after_key("default_queue", "CHECK: everything unknown goes here")
    desk.yaml_set_comment_before_after_key("plans", "CHECK: what each plan was promised, in working hours")
    desk.yaml_set_comment_before_after_key(
        "queues", "CHECK: which of these are specialists (specialist: true)"
    )
    desk.yaml_set_comment_before_after_key("intents", _INTENTS)
    text = StringIO()
    writer.dump(desk, text)
    return text.getvalue()


_HEAD = """The desk of {company}, drafted from its own tickets, plans and queues. Read all lines marked CHECK.
Calendars, escalation, automation, routing and ranking are the shipped example's."""
_INTENTS = """CHECK: set technical: true or regulatory: true where it applies, and an urgency. Nothing is
automated: that takes an action under `actions`, a reply in every language, and phase: selective"""


def _intent(filing: Filing, default_queue: str) -> dict[str, Any]:
    queue = filing.queue or default_queue
    return {"queue": queue, "product_area": filing.product_area or queue, "phase": "assisted"}


def _replace(desk: dict[str, Any], part: str, content: Mapping[str, Mapping[str, Any]]) -> None:
    from ruamel.yaml.comments import CommentedMap

    own = CommentedMap()
    for name, entry in content.items():
        own[_plain(name)] = CommentedMap({key: _plain(value) for key, value in entry.items()})
        own[_plain(name)].fa.set_flow_style()
    if not content:
        own.fa.set_flow_style()
    desk[part] = own


def _plain(value: Any) -> Any:
    """Text that YAML 1.1 would read as something else (yes, null, 12) in quotation marks."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if not isinstance(value, str):
        return value
    try:
        is_itself = yaml.safe_load(value) == value
    except yaml.YAMLError:
        is_itself = False
    return value if is_itself else DoubleQuotedScalarString(value)


def _last_values(events: pd.DataFrame, kind: str) -> pd.Series:
    said = events[(events["kind"] == kind) & events["value"].notna()].sort_values("known_at", kind="stable")
    return said.groupby("ticket_id")["value"].last()


def _of_most(values: pd.Series) -> str | None:
    counts = values.value_counts()
    return str(counts.index[0]) if len(counts) and counts.iloc[0] > len(values) / 2 else None
