"""Event logs: several rows a case. The ticket is its first event; changes are events at their own time."""

from collections.abc import Sequence

from connectors.drafts.parts import SourceDraft, flow, listed, quoted, time_column, why_time
from connectors.drafts.profile import Profile, normal_name
from connectors.drafts.tickets import event_rule, fact_value, ticket_rule
from connectors.drafts.vocabulary import Words, mentions, named, words_of

_REPEATS = 0.8
_SEQUENCE = ("sys_mod_count", "version", "sequence", "seq", "revision", "step", "event_no", "event_number")


def event_log(columns: Sequence[Profile], words: Words) -> SourceDraft | None:
    """A draft for a log of events of cases; ``None`` where no id repeats with a time that differs."""
    tickets = words.columns["tickets"]
    case = named([p for p in columns if p.time is None and p.filled > 0.9], tickets["ticket_id"])
    if case is None or case.distinct > _REPEATS * len(case.values):
        return None
    changing = [p for p in columns if p.time and _varies(p, case) > 0.5]
    when = named(changing, (*words.updated, *tickets["created_at"])) or next(iter(changing), None)
    if when is None:
        return None
    constant = [p for p in columns if p.time and p.name != when.name and _varies(p, case) < 0.05]
    opened = named(constant, tickets["created_at"]) or when
    after = [p for p in constant if p.name != opened.name and named([p], words.solved)]
    how_it_ended = _ends(columns, case, after, words)
    rule, used = ticket_rule(
        [p for p in columns if p.name not in how_it_ended and p != when], case, opened, words
    )
    rule.about = "the first event of a case; CHECK that all of these columns were known then"
    rule.conditions.append("keep_where: {case.first: true}")
    if opened is not when:
        known = next(line for line in rule.lines if line.column == "known_at")
        rule.lines[rule.lines.index(known)] = type(known)("known_at", time_column(when), why_time(when))
    draft = SourceDraft([rule], 3, known_later=how_it_ended)
    order = [_ordered_by_time(when)]
    if number := named([p for p in columns if p.decimal == ""], _SEQUENCE):
        order.append(flow({"number": number.name}))
        used.add(number.name)
    draft.options += ["case:   # several rows about one case", f"  id: {quoted(case.name)}", "  order:"]
    draft.options += [f"    - {key}" for key in order]
    used |= {when.name, *how_it_ended}
    for kind, names in words.facts.items():
        found = named([p for p in columns if not p.time], names, sorted(used))
        if found is None:
            continue
        used.add(found.name)
        if not _add_changes(draft, kind, found, case, when):
            draft.notes.append(
                f"{found.name}: {kind} ({listed(found.labels(5))}); not used, say what its labels mean"
            )
    if how_it_ended:
        draft.notes.append(
            "columns under known_later are the same on all rows of a case: filled in at its end"
        )
    draft.used, draft.score = used, len(used) + 3
    return draft


def _varies(profile: Profile, case: Profile) -> float:
    """In what share of the cases with several rows the column has several values."""
    repeated = case.values.duplicated(keep=False) & profile.values.notna()
    if not repeated.any():
        return 0.0
    return float((profile.values[repeated].groupby(case.values[repeated]).nunique() > 1).mean())


def _ends(
    columns: Sequence[Profile], case: Profile, after: Sequence[Profile], words: Words
) -> dict[str, str]:
    """What is the same on all rows of a case and, by its name or its times, was filled in at its end."""
    ends = {p.name: p.name for p in after}
    for profile in columns if after else ():
        name = normal_name(profile.name)
        since = next((p for p in after if normal_name(p.name)[:4] == name[:4]), after[-1])
        if any(word in name for word in words.ends) and _varies(profile, case) < 0.05:
            ends.setdefault(profile.name, since.name)
    return ends


def _ordered_by_time(when: Profile) -> str:
    formats = when.time.formats if when.time else ("iso",)
    if formats == ("iso",):
        return flow({"time": when.name})
    return flow({"time": when.name, "time_format": formats[0] if len(formats) == 1 else list(formats)})


def _add_changes(draft: SourceDraft, kind: str, found: Profile, case: Profile, when: Profile) -> bool:
    """One rule for the changes of a column; false where its labels say nothing."""
    if kind == "status":
        done = [label for label in found.labels() if mentions(label, words_of("done"))]
        if not done:
            return False
        rule = event_rule("solved", f"{found.name} becomes one of {listed(done)}", case, when)
        rule.conditions.append("keep_where: " + flow({f"changed.{found.name}": True, found.name: done}))
        rule.conditions.append("skip_where: " + flow({f"before.{found.name}": done}))
    else:
        value = fact_value(kind, found)
        if value is None:
            return False
        rule = event_rule(kind, f"{found.name}, in the first event and whenever it changes", case, when)
        rule.conditions.append("keep_where: " + flow({f"changed.{found.name}": True}))
        rule.conditions.append(f'skip_where: {{{quoted(found.name)}: ""}}')
        rule.add("value", *value)
    prefix = rule.lines[0].recipe.partition("prefix: ")[2].rstrip("}")
    parts = f"{{from: {quoted(case.name)}, prefix: {prefix}}}"
    rule.lines[0] = type(rule.lines[0])("event_id", f"{{concat: [{parts}, case.event], separator: /}}", "")
    rule.add("actor_kind", flow({"value": "agent"}), "CHECK")
    draft.rules.append(rule)
    return True
