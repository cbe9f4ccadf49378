"""What the demo company sells and what its customers ask: plans, product features, intents, releases."""

from dataclasses import dataclass

LANGUAGES = {"en": 0.50, "de": 0.17, "fr": 0.13, "es": 0.12, "pt": 0.08}
CHANNELS = {"email": 0.42, "web": 0.24, "chat": 0.20, "phone": 0.09, "social": 0.05}
LEVELS = ("low", "normal", "high", "urgent")
QUEUES = (
    "access", "billing", "product", "integrations", "engineering", "relationship", "compliance", "general",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """A subscription plan: yearly price and seats as quantiles, share of accounts."""

    share: float
    dollars: tuple[int, ...]
    seats: tuple[int, ...]
    contacts: tuple[int, int]
    features: int


PLANS = {
    "starter": Plan(0.38, (480, 900, 1500, 2400, 4200), (1, 3, 5, 8, 12), (1, 3), 5),
    "team": Plan(0.34, (3000, 5200, 8000, 12000, 22000), (6, 12, 20, 30, 45), (2, 5), 8),
    "business": Plan(0.20, (18000, 28000, 42000, 68000, 120000), (25, 50, 80, 120, 200), (3, 8), 10),
    "enterprise": Plan(
        0.08, (90000, 140000, 210000, 320000, 900000), (120, 250, 400, 700, 1600), (6, 14), 10
    ),
}


@dataclass(frozen=True)
class Feature:
    """A product feature: uses on an active day per seat, share of workdays with use, seconds a use."""

    uses: float
    active_days: float
    seconds: int
    popularity: float
    from_month: int = 0


SIGN_IN = "sign_in"
FEATURES = {
    SIGN_IN: Feature(0.8, 0.62, 6, 1.0),
    "dashboards": Feature(1.4, 0.50, 95, 0.95),
    "reports": Feature(0.5, 0.36, 140, 0.85),
    "search": Feature(1.1, 0.40, 20, 0.75),
    "exports": Feature(0.2, 0.22, 45, 0.60),
    "imports": Feature(0.1, 0.14, 160, 0.50),
    "mobile_app": Feature(0.6, 0.40, 60, 0.50),
    "api": Feature(6.0, 0.55, 1, 0.40),
    "webhooks": Feature(3.0, 0.50, 1, 0.35),
    "crm_sync": Feature(1.2, 0.50, 12, 0.40),
    "calendar_sync": Feature(0.7, 0.40, 8, 0.35),
    "admin": Feature(0.1, 0.18, 75, 0.55),
    "workflow_builder": Feature(0.3, 0.25, 210, 0.45, 9),
    "ai_summaries": Feature(0.8, 0.38, 15, 0.50, 14),
}
"""``from_month`` counts months in a history of eighteen; other lengths scale it."""


@dataclass(frozen=True)
class Intent:
    """What a customer wants. ``cluster`` names the intents it is easily taken for.

    ``weight`` is its share of ordinary demand (per mille), ``severity`` (0 to 1) how much work it stops,
    ``effort_hours`` the median working time until it is solved, ``feature`` the product feature concerned.
    """

    queue: str
    cluster: str
    weight: float
    severity: float
    effort_hours: float
    feature: str | None = None
    self_service: bool = False
    from_month: int = 0
    irritates: float = 0.0


INTENTS = {
    "password_reset": Intent("access", "signin", 110, 0.30, 0.6, SIGN_IN, True),
    "two_factor_lockout": Intent("access", "signin", 36, 0.42, 1.2, SIGN_IN),
    "sso_login_failure": Intent("access", "signin", 26, 0.62, 4.0, SIGN_IN, irritates=0.06),
    "invite_user": Intent("access", "people", 40, 0.12, 0.8, "admin", True),
    "change_permissions": Intent("access", "people", 34, 0.18, 1.0, "admin", True),
    "account_locked": Intent("access", "signin", 38, 0.48, 1.0, SIGN_IN, irritates=0.08),
    "invoice_copy": Intent("billing", "papers", 52, 0.08, 0.7, None, True),
    "payment_failed": Intent("billing", "money", 40, 0.45, 3.0, irritates=0.05),
    "refund_request": Intent("billing", "money", 28, 0.32, 8.0, irritates=0.14),
    "change_plan": Intent("billing", "contract", 34, 0.15, 2.0, None, True),
    "cancel_subscription": Intent("billing", "contract", 26, 0.58, 9.0, irritates=0.14),
    "tax_details": Intent("billing", "papers", 20, 0.10, 2.0, None, True),
    "unexpected_charge": Intent("billing", "money", 32, 0.40, 6.0, irritates=0.20),
    "dashboard_how_to": Intent("product", "howto", 58, 0.08, 1.5, "dashboards", True),
    "export_data": Intent("product", "data", 36, 0.20, 2.0, "exports", True),
    "import_failure": Intent("product", "data", 34, 0.40, 5.0, "imports", irritates=0.05),
    "notification_settings": Intent("product", "howto", 28, 0.06, 1.0, None, True),
    "search_not_finding": Intent("product", "data", 26, 0.28, 4.0, "search"),
    "mobile_app_crash": Intent("product", "platform", 28, 0.38, 9.0, "mobile_app", irritates=0.08),
    "slow_performance": Intent("product", "platform", 36, 0.45, 12.0, "dashboards", irritates=0.10),
    "feature_request": Intent("product", "howto", 44, 0.03, 6.0),
    "report_wrong_numbers": Intent("product", "data", 40, 0.52, 10.0, "reports", irritates=0.08),
    "webhook_not_firing": Intent("integrations", "sync", 28, 0.55, 8.0, "webhooks"),
    "api_rate_limit": Intent("integrations", "sync", 22, 0.42, 4.0, "api"),
    "api_key_rotation": Intent("integrations", "sync", 18, 0.22, 1.5, "api", True),
    "crm_sync_broken": Intent("integrations", "sync", 34, 0.56, 10.0, "crm_sync", irritates=0.06),
    "calendar_sync_broken": Intent("integrations", "sync", 24, 0.36, 6.0, "calendar_sync"),
    "service_outage": Intent("engineering", "platform", 14, 0.95, 5.0, "dashboards", irritates=0.15),
    "data_loss": Intent("engineering", "data", 12, 0.90, 14.0, "reports", irritates=0.15),
    "data_deletion_request": Intent("compliance", "privacy", 14, 0.50, 24.0),
    "data_access_request": Intent("compliance", "privacy", 12, 0.46, 24.0),
    "security_report": Intent("compliance", "privacy", 10, 0.85, 10.0),
    "legal_question": Intent("compliance", "privacy", 12, 0.44, 30.0),
    "accessibility_problem": Intent("compliance", "howto", 10, 0.40, 20.0),
    "renewal_question": Intent("relationship", "contract", 26, 0.34, 10.0),
    "training_request": Intent("relationship", "howto", 24, 0.10, 16.0),
    "workflow_builder_help": Intent("product", "howto", 44, 0.16, 2.5, "workflow_builder", from_month=9),
    "ai_summary_wrong": Intent("engineering", "data", 40, 0.36, 9.0, "ai_summaries", from_month=14),
}

SEASON = {
    1: 1.10,
    2: 1.0,
    3: 1.04,
    4: 0.98,
    5: 0.97,
    6: 1.0,
    7: 0.90,
    8: 0.84,
    9: 1.06,
    10: 1.05,
    11: 1.04,
    12: 0.92,
}
"""Demand by calendar month: quiet summers, busy Januaries (budgets, invoices, new users)."""
HOURS = (1, 1, 1, 1, 2, 3, 6, 12, 18, 20, 19, 16, 14, 17, 19, 18, 15, 11, 8, 6, 5, 4, 3, 2)
WEEKDAYS = (1.15, 1.1, 1.05, 1.0, 0.9, 0.25, 0.2)


def released(from_month: int, months: int) -> int:
    """The month of this history in which something comes out, given its month in a history of eighteen."""
    return from_month * months // 18


def rivals(intent: str) -> tuple[str, ...]:
    """The intents that are easily taken for ``intent``: the others of its cluster."""
    return tuple(n for n, i in INTENTS.items() if i.cluster == INTENTS[intent].cluster and n != intent)
