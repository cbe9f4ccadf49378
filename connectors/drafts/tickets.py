"""Tickets: as an export shows them at the end, with what became of each as events of their own."""

from collections.abc import Sequence

from connectors.drafts.parts import (
    RuleDraft,
    SourceDraft,
    column,
    flow,
    id_column,
    listed,
    time_column,
    why_time,
)
from connectors.drafts.profile import Profile
from connectors.drafts.vocabulary import Words, labels_of, named, translated

_NO_TIME = "a column of times"
_CSAT = {"1", "2", "3", "4", "5", "1.0", "2.0", "3.0", "4.0", "5.0"}
_PREFIXES = {"intent_set": "intent:", "priority_set": "priority:", "queue_set": "queue:"}


def ticket_rule(
    columns: Sequence[Profile], ticket: Profile | None, opened: Profile | None, words: Words
) -> tuple[RuleDraft, set[str]]:
    """The ticket as the customer wrote it, without what was set later; and the columns that it uses."""
    roles = words.columns["tickets"]
    rule = RuleDraft("tickets", "as the customer wrote; nothing that was set later may stand here")
    rule.add("ticket_id", *_named(ticket, "never twice" if ticket is not None and ticket.is_unique else ""))
    rule.add("known_at", *_timed(opened))
    rule.add("created_at", time_column(opened) if opened else None, "" if opened else _NO_TIME)
    used = {p.name for p in (ticket, opened) if p}
    later = {p.name for names in words.facts.values() if (p := named(columns, names, sorted(used)))}
    for name in ("account_id", "contact_id", "subject", "body", "language", "product_area"):
        found = named([p for p in columns if p.time is None], roles[name], sorted(used | later))
        if found is None:
            continue
        used.add(found.name)
        html = found.is_html and name == "body"
        prefix = "email:" if name == "contact_id" and found.is_email else ""
        reason = (
            "CHECK: chosen by the customer? If the desk sets it, take it out"
            if name == "product_area"
            else ""
        )
        recipe = id_column(found, prefix=prefix) if name.endswith("_id") else column(found, html=html)
        rule.add(name, recipe, "HTML found" if html else reason)
    used |= _channel(rule, columns, used, roles["channel"])
    used |= _urgency(rule, columns, used, roles["requested_priority"])
    return rule, used


def _named(ticket: Profile | None, why: str) -> tuple[str | None, str]:
    return (None, "a column that numbers the tickets") if ticket is None else (id_column(ticket), why)


def _timed(when: Profile | None) -> tuple[str | None, str]:
    return (None, _NO_TIME) if when is None else (time_column(when), why_time(when))


def _channel(rule: RuleDraft, columns: Sequence[Profile], used: set[str], names: Sequence[str]) -> set[str]:
    found = named([p for p in columns if p.distinct <= 60], names, sorted(used))
    known = translated(found.labels(), labels_of("channel")) if found else {}
    if found is None or not known:
        return set()
    unknown = [label for label in found.labels() if label not in known]
    why = f"CHECK: no channel guessed for {listed(unknown)}" if unknown else "CHECK"
    rule.add("channel", column(found, map=known, unmapped="empty"), why)
    return {found.name}


def _urgency(rule: RuleDraft, columns: Sequence[Profile], used: set[str], names: Sequence[str]) -> set[str]:
    found = named([p for p in columns if p.is_label], names, sorted(used))
    known = translated(found.labels(), labels_of("level")) if found else {}
    if found is None or not known:
        return set()
    rule.add(
        "requested_priority", column(found, map=known, unmapped="empty"), "CHECK: what the customer claimed?"
    )
    return {found.name}


def event_rule(kind: str, about: str, ticket: Profile | None, when: Profile | None) -> RuleDraft:
    """One fact about a ticket, at the time ``when``; its value is still to be added."""
    rule = RuleDraft("ticket_events", about)
    event_id = id_column(ticket, prefix=_PREFIXES.get(kind, f"{kind}:")) if ticket else None
    rule.add("event_id", event_id, "" if ticket else "a column that numbers the tickets")
    rule.add("ticket_id", *_named(ticket, ""))
    rule.add("known_at", *_timed(when))
    rule.add("occurred_at", time_column(when) if when else None, "" if when else _NO_TIME)
    rule.add("kind", flow({"value": kind}), "")
    return rule


def fact_value(kind: str, found: Profile) -> tuple[str, str] | None:
    """The value of a fact, and why; ``None`` where its labels say nothing that can be translated."""
    if kind == "priority_set":
        known = translated(found.labels(), labels_of("level"))
        unknown = [label for label in found.labels() if label not in known]
        why = f"CHECK: no level guessed for {listed(unknown)}" if unknown else "CHECK"
        return (column(found, map=known, unmapped="filter"), why) if known else None
    if kind == "csat":
        known = {label: label[0] for label in found.labels() if label in _CSAT}
        return (column(found, map=known, unmapped="filter"), "scores 1 to 5") if len(known) > 1 else None
    return column(found), ""


def tickets_as_they_are(columns: Sequence[Profile], words: Words) -> SourceDraft:
    """A row a ticket, in its final state: what was set later becomes events, when it is surely known."""
    roles, times = words.columns["tickets"], [p for p in columns if p.time]
    ticket = named([p for p in columns if p.time is None], roles["ticket_id"])
    if ticket is None or not ticket.is_unique:
        ticket = next((p for p in columns if p.is_unique and p.mean_length <= 40 and not p.time), ticket)
    is_written = named(columns, (*roles["subject"], *roles["body"])) is not None
    opened = named(times, roles["created_at"]) or (next(iter(times), None) if is_written else None)
    solved, updated = named(times, words.solved), named(times, words.updated)
    rule, used = ticket_rule(columns, ticket, opened, words)
    draft = SourceDraft([rule], 0)
    settled = updated or solved or opened
    if solved:
        done = event_rule("solved", "solved, where the export says when", ticket, solved)
        done.conditions.append("skip_where: " + flow({solved.name: ""}))
        done.add(
            "actor_kind",
            flow({"value": "agent"}),
            "CHECK: also where nobody answered and it was closed by itself?",
        )
        draft.rules.append(done)
        draft.known_later[solved.name] = solved.name
        used.add(solved.name)
    for kind, names in words.facts.items():
        found = named([p for p in columns if not p.time], names, sorted(used))
        value = fact_value(kind, found) if found and kind != "status" else None
        if found is None or value is None:
            if found is not None:
                draft.notes.append(
                    f"{found.name}: {kind} in its final state ({listed(found.labels(5))}); not used"
                )
                used.add(found.name)
            continue
        draft.rules.append(_final_fact(kind, found, value, ticket, settled, settled is opened))
        used.add(found.name)
        if settled is not None and settled is not opened:
            draft.known_later |= {found.name: settled.name, settled.name: settled.name}
            used.add(settled.name)
    draft.used, draft.score = used, len(used)
    return draft


def _final_fact(
    kind: str,
    found: Profile,
    value: tuple[str, str],
    ticket: Profile | None,
    when: Profile | None,
    is_opening: bool,
) -> RuleDraft:
    about = f"{found.name} as the export shows it at the end"
    rule = event_rule(kind, about, ticket, when)
    if when is not None and is_opening:
        why = "CHECK: taken as set when the ticket was opened, for no column says when; else add a `delay`"
        rule.lines = [
            type(line)(line.column, line.recipe, why if line.column == "known_at" else line.why)
            for line in rule.lines
        ]
    required = [found.name] if when is None or is_opening else [found.name, when.name]
    rule.conditions.append("skip_where: " + flow(dict.fromkeys(required, "")))
    rule.add("value", *value)
    rule.add("actor_kind", flow({"value": "customer" if kind == "csat" else "agent"}), "")
    return rule
