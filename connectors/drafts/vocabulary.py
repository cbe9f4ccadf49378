"""How desks call their columns: for each canonical column the names seen, the most telling first.

Names are compared in the form of ``profile.normal_name``, also without the word for the thing itself
(``ticket_subject``, ``case_status``).
"""

from collections.abc import Mapping, Sequence

from connectors.drafts.profile import Profile, normal_name


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CREATED = _names("""
    created_at created opened_at created_date create_date date_created creation_date created_on
    created_time opened opened_on open_date submitted_at submitted reported_at received_at
    created_utc date_opened submit_date timestamp occurred_at event_time date_time datetime time
    date sent_at posted_at erstellt_am erstellt date_de_creation fecha_de_creacion
""")
UPDATED = _names("""
    updated_at updated last_updated modified_at last_modified last_modified_date modified
    sys_updated_at system_modstamp updated_on last_update changed_at changed_on exported_at
    snapshot_at as_of
""")
SOLVED = _names("""
    resolved_at solved_at resolved closed_at closed_date resolution_date date_resolved date_closed
    close_date resolved_on closed_on time_of_resolution solved closed
""")
ACCOUNT = _names("""
    account_id account company_id organization_id org_id organisation_id company organization
    organisation account_name company_name customer_account tenant_id workspace_id site location
""")
CONTACT = _names("""
    contact_id requester_id caller_id requester customer_id user_id contact caller client_id
    customer_email requester_email contact_email email email_address from sender reporter customer
    client user creator author customer_name
""")
TEXT = _names("body description text message content details comment question plain_body note")

ROLES: dict[str, dict[str, Sequence[str]]] = {
    "tickets": {
        "ticket_id": _names("""
            ticket_id id ticket_number ticket_no number case_number case_id incident_id
            issue_key issue_id key request_id conversation_id reference ref ticket case
            incident vorgang vorgangsnummer ticketnummer
        """),
        "created_at": CREATED,
        "account_id": ACCOUNT,
        "contact_id": CONTACT,
        "channel": _names("""
            channel via_channel contact_type source origin via contact_channel medium
            contact_method
        """),
        "subject": _names("subject title summary short_description headline betreff"),
        "body": TEXT,
        "language": _names("language lang locale"),
        "product_area": _names("product_area product component module product_purchased service"),
        "requested_priority": _names("requested_priority urgency customer_priority"),
    },
    "accounts": {
        "account_id": _names("""
            account_id id company_id organization_id customer_id account_no account_number
            company_no company_number customer_no customer_number account company
        """),
        "name": _names("name account_name company_name company organization"),
        "plan": _names("plan subscription_plan plan_name edition package product_plan service_level"),
        "status": _names("status subscription_status account_status state"),
        "segment": _names("segment market_segment industry size tier"),
        "contract_value_cents": _names("""
            annual_contract_value contract_value acv arr annual_revenue annual_value
            contract_amount yearly_contract annual_contract yearly_value
        """),
        "lifetime_value_cents": _names("lifetime_value ltv clv total_revenue"),
        "seats": _names("seats licenses licences license_count seat_count users"),
        "owner": _names("owner owner_id account_manager csm account_owner"),
        "language": _names("language lang locale"),
        "signed_up_at": _names("""
            signed_up_at signup_date sign_up_date contract_start start_date customer_since
            created_at created_date
        """),
        "renewal_at": _names("""
            renewal_at renewal_date renewal contract_end contract_ends contract_end_date
            next_renewal renews_on expires_on expiry_date
        """),
        "churned_at": _names("churned_at churn_date cancelled_at canceled_at cancellation_date churned_on"),
    },
    "contacts": {
        "contact_id": _names("contact_id user_id id person_id customer_id email"),
        "account_id": ACCOUNT,
        "name": _names("name full_name contact_name display_name"),
    },
    "agents": {
        "agent_id": _names("agent_id id user_id agent"),
        "name": _names("name agent_name full_name"),
        "team": _names("team group queue default_group department"),
        "skills": _names("skills skill"),
        "languages": _names("languages language"),
    },
    "articles": {
        "article_id": _names("article_id id url slug"),
        "title": _names("title subject headline name"),
        "body": TEXT,
        "language": _names("language lang locale"),
    },
    "usage": {
        "account_id": ACCOUNT,
        "contact_id": _names("contact_id user_id"),
        "day": _names("day date usage_date event_date activity_date"),
        "feature": _names("feature event_name feature_name module action event_type event"),
        "events": _names("events count uses n event_count usage_count total usage"),
        "errors": _names("errors error_count failures failed"),
        "seconds": _names("seconds duration_seconds seconds_used duration"),
    },
    "replies": {
        "event_id": _names("id comment_id message_id reply_id post_id answer_id"),
        "ticket_id": _names("""
            ticket_id case_id parent_id question_id issue_id conversation_id incident_id
            ticket_number case_number ticket
        """),
        "occurred_at": CREATED,
        "text": TEXT,
        "actor_kind": _names("author_role author_type sender_type role is_agent from_role direction"),
        "actor_id": _names("author_id author creator user_id sender agent_id from created_by"),
    },
}
"""``replies`` is no table of its own: messages of a ticket, which become ticket_events."""

FACTS: dict[str, Sequence[str]] = {
    "intent_set": _names("""
        intent category issue_type ticket_type reason topic request_type type contact_reason
        subcategory classification label
    """),
    "priority_set": _names("priority severity"),
    "queue_set": _names("queue group team assignment_group assigned_group department group_name"),
    "assigned": _names("assignee assigned_to assignee_id agent agent_id assigned_agent owner owner_id"),
    "csat": _names("""
        csat satisfaction_rating customer_satisfaction_rating satisfaction satisfaction_score
        rating csat_score
    """),
    "status": _names("status state ticket_status incident_state"),
}
"""What became of a ticket: columns that say how it stands now, or in this event."""

FILE_WORDS = {
    "tickets": (
        "ticket",
        "case",
        "incident",
        "issue",
        "request",
        "question",
        "conversation",
        "vorgang",
        "anfrage",
    ),
    "accounts": ("account", "compan", "organi", "customer", "subscription", "firm"),
    "contacts": ("contact", "user", "people", "person"),
    "agents": ("agent", "staff"),
    "articles": ("article", "faq", "knowledge", "kb", "help"),
    "usage": ("usage", "activity", "event", "login", "signin"),
    "replies": ("repl", "comment", "message", "answer", "post", "note"),
}
VENDOR_COLUMNS: dict[str, Sequence[frozenset[str]]] = {
    "zendesk.yaml": (
        frozenset({"requester_id", "via.channel"}),
        frozenset({"child_events", "ticket_id"}),
    ),
    "freshdesk.yaml": (frozenset({"requester_id", "responder_id", "source"}),),
    "intercom.yaml": (frozenset({"source.type", "source.body"}),),
    "salesforce_csv.yaml": (
        frozenset({"CaseNumber", "Status", "SystemModstamp"}),
        frozenset({"CaseId", "Field", "NewValue"}),
    ),
}
"""The mapping of the project that reads a vendor's export as it is, and what columns show that it is one."""
CHANNEL_WORDS = {
    "email": ("mail",),
    "chat": ("chat", "messag", "whatsapp", "intercom"),
    "social": ("social", "twitter", "facebook", "instagram", "tweet"),
    "phone": ("phone", "call", "voice", "ivr", "anruf", "telefon", "tel"),
    "web": ("web", "portal", "form", "self service", "self-service", "online", "widget", "app", "direct"),
}
LEVEL_WORDS = {
    "urgent": (
        "urgent",
        "critical",
        "p1",
        "blocker",
        "highest",
        "emergency",
        "sev1",
        "kritisch",
        "dringend",
        "1 -",
    ),
    "high": ("high", "major", "p2", "important", "sev2", "hoch"),
    "low": ("low", "minor", "p4", "trivial", "lowest", "sev4", "niedrig"),
    "normal": ("normal", "medium", "moderate", "p3", "standard", "sev3", "mittel"),
}
DONE_WORDS = (
    "solved",
    "resolved",
    "closed",
    "done",
    "complete",
    "finished",
    "fixed",
    "erledigt",
    "geschlossen",
)
AGENT_WORDS = ("agent", "staff", "support", "admin", "outbound", "out", "employee", "true")
CUSTOMER_WORDS = (
    "customer",
    "end-user",
    "end_user",
    "enduser",
    "user",
    "requester",
    "client",
    "inbound",
    "in",
    "false",
)
_THING = (
    "ticket",
    "case",
    "incident",
    "issue",
    "request",
    "customer",
    "account",
    "usage",
    "article",
    "agent",
)


def ready_mapping(columns: Sequence[str], is_csv: bool) -> str | None:
    """The name of the project's mapping for an export with these ``columns``, if they are a vendor's."""
    for name, shapes in VENDOR_COLUMNS.items():
        if any(shape <= set(columns) for shape in shapes):
            return name if is_csv else name.replace("_csv", "")
    return None


def named(profiles: Sequence[Profile], names: Sequence[str], taken: Sequence[str] = ()) -> Profile | None:
    """The column called most like one of ``names``, the first of them first; never one of ``taken``."""
    free = [profile for profile in profiles if profile.name not in taken and profile.filled > 0]
    by_name = {normal_name(profile.name): profile for profile in reversed(free)}
    for thing in _THING:
        for name, profile in list(by_name.items()):
            by_name.setdefault(name.removeprefix(f"{thing}_"), profile)
    return next((by_name[name] for name in names if name in by_name), None)


def translated(labels: Sequence[str], words: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Label -> canonical value, for the labels that contain one of its words; the others are left out."""
    found = {}
    for label in labels:
        folded = label.casefold()
        value = next((value for value, known in words.items() if any(word in folded for word in known)), None)
        if value is not None:
            found[label] = value
    return found
