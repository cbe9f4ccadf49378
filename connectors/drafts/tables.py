"""What a file holds: the canonical tables that its columns may feed, the best guess first."""

from collections.abc import Sequence

from connectors.drafts import logs
from connectors.drafts.parts import (
    RuleDraft,
    SourceDraft,
    column,
    flow,
    id_column,
    number_column,
    time_column,
    why_time,
)
from connectors.drafts.profile import Profile, normal_name, profiles
from connectors.drafts.sample import Sample
from connectors.drafts.systems import numbered_apart
from connectors.drafts.tickets import event_rule, tickets_as_they_are
from connectors.drafts.vocabulary import Words, named, words_for, words_of
from features.schema import TABLES

_MISSING_COSTS = 10
_FILE_NAME = 5


def best_guess(sample: Sample) -> tuple[SourceDraft, list[Profile]]:
    """The draft that misses least and uses most of the columns; a file named after the thing counts."""
    columns = profiles(sample.rows)
    words = words_for(profile.name for profile in columns)
    drafts = {
        "tickets": _tickets(columns, words),
        "replies": _replies(columns, words),
        "usage": _usage(columns, words),
    }
    drafts |= {
        name: _versions(name, columns, words) for name in ("accounts", "contacts", "agents", "articles")
    }
    for name, draft in drafts.items():
        draft.score += _FILE_NAME * any(word in normal_name(sample.pattern) for word in words.files[name])
        draft.score -= _MISSING_COSTS * len(draft.missing)
    return max(drafts.values(), key=lambda draft: draft.score), columns


def _tickets(columns: Sequence[Profile], words: Words) -> SourceDraft:
    apart = numbered_apart(columns, words)
    if apart is not None:
        draft = tickets_as_they_are(apart.columns, words)
        draft.options += apart.options()
        draft.used |= {apart.system.name, apart.number.name}
        return draft
    log = logs.event_log(columns, words)
    return log if log is not None else tickets_as_they_are(columns, words)


def _replies(columns: Sequence[Profile], words: Words) -> SourceDraft:
    roles = words.columns["replies"]
    ticket = named(columns, roles["ticket_id"])
    own = named(columns, roles["event_id"], [ticket.name] if ticket else [])
    when = named([p for p in columns if p.time], roles["occurred_at"])
    text = named(columns, roles["text"])
    actor, kind = named(columns, roles["actor_id"]), named(columns, roles["actor_kind"])
    rule = event_rule("reply", "messages of a ticket", ticket, when)
    is_own = own is not None and own.is_unique
    rule.lines = [line for line in rule.lines if line.column != "event_id"]
    rule.add(
        "event_id", id_column(own, prefix="reply:") if own and is_own else None, "a column without repeats"
    )
    labels = {label.casefold(): label for label in kind.labels()} if kind and kind.is_label else {}
    known = {labels[word]: "agent" for word in words_of("agent") if word in labels}
    known |= {labels[word]: "customer" for word in words_of("customer") if word in labels}
    if kind and known:
        rule.add(
            "actor_kind",
            column(kind, map=known, unmapped="empty"),
            "CHECK who is the desk and who the customer",
        )
    else:
        rule.add(
            "actor_kind",
            flow({"value": "agent"}),
            "CHECK: nothing found that says who wrote; all taken as agents",
        )
    if actor:
        rule.add("actor_id", column(actor), "")
    if text:
        rule.add("text", column(text, html=text.is_html), "HTML found" if text.is_html else "")
    if text is None or (ticket is not None and ticket.is_unique):
        rule.missing.append("replies: several texts a ticket")
    used = {p.name for p in (ticket, own, when, text, actor, kind) if p}
    return SourceDraft([rule], len(used), used=used)


def _usage(columns: Sequence[Profile], words: Words) -> SourceDraft:
    rule, used = _rule("usage", columns, words)
    day = named([p for p in columns if p.time], words.columns["usage"]["day"])
    exported = named([p for p in columns if p.time], words.updated)
    if exported:
        rule.add("known_at", time_column(exported), why_time(exported))
    elif day:
        rule.add("known_at", time_column(day, delay="1D"), "CHECK: taken as known when the day was over")
    if all(line.column != "feature" for line in rule.lines):
        rule.missing = [missing for missing in rule.missing if not missing.startswith("usage.feature")]
        rule.add("feature", flow({"value": "product"}), "CHECK: no column says which feature was used")
    return SourceDraft([rule], len(used), used=used | ({exported.name} if exported else set()))


def _versions(table: str, columns: Sequence[Profile], words: Words) -> SourceDraft:
    rule, used = _rule(table, columns, words)
    stamp = named([p for p in columns if p.time and p.name not in used], words.updated)
    if stamp:
        rule.add("known_at", time_column(stamp), why_time(stamp))
        used.add(stamp.name)
    else:
        rule.add(
            "known_at",
            flow({"received": True}),
            "no column says when a row was written: when the file is delivered",
        )
    if table == "contacts":
        used |= _handles(rule, columns)
    first = rule.lines[0] if rule.lines else None
    numbered = next((p for p in columns if first and p.name in (first.recipe, first.recipe.strip('"'))), None)
    draft = SourceDraft([rule], len(used), used=used)
    if numbered is not None and numbered.distinct < len(numbered.values) * 0.5 and stamp is None:
        draft.score -= _FILE_NAME
    if len(used) < 3:
        draft.score -= _MISSING_COSTS
    return draft


def _handles(rule: RuleDraft, columns: Sequence[Profile]) -> set[str]:
    mails = [p for p in columns if p.is_email]
    phones = [p for p in columns if p.is_phone and not p.is_email and p.decimal is None and p.time is None]
    parts = [f'{{from: {column(p)}, prefix: "email:"}}' for p in mails]
    parts += [f'{{from: {column(p)}, prefix: "phone:"}}' for p in phones]
    if parts:
        rule.add("handles", f"{{all_of: [{', '.join(parts)}]}}", "")
    else:
        rule.missing.append("contacts.handles: a column of e-mail addresses or telephone numbers")
    return {p.name for p in [*mails, *phones]}


def _rule(table: str, columns: Sequence[Profile], words: Words) -> tuple[RuleDraft, set[str]]:
    """What every table has: columns found by their names, if their values are of the right kind."""
    rule, used = RuleDraft(table, TABLES[table].grain), set[str]()
    for name, names in words.columns[table].items():
        spec = TABLES[table].columns[name]
        fits = [p for p in columns if _fits(spec.kind, p)]
        found = named(fits, names, sorted(used))
        if found is None:
            if spec.required:
                rule.add(name, None, f"a column called like {', '.join(names[:4])}")
            continue
        used.add(found.name)
        rule.add(name, *_recipe(name, spec.kind, found))
    return rule, used


def _fits(kind: str, profile: Profile) -> bool:
    if kind == "time":
        return profile.time is not None
    return profile.decimal is not None and profile.time is None if kind in ("int", "float") else True


def _recipe(name: str, kind: str, found: Profile) -> tuple[str, str]:
    if kind == "time":
        return time_column(found), why_time(found)
    if name.endswith("_cents"):
        return number_column(found, scale=100), "CHECK: taken as whole units of money, a year"
    if kind == "int":
        return number_column(found), ""
    if kind == "list":
        split = next((sign for sign in ";,|" if found.values.str.contains(sign, regex=False).any()), None)
        return column(found, split=split), ""
    if name.endswith("_id"):
        return id_column(found), ""
    return column(found, html=found.is_html), "HTML found" if found.is_html else ""
