"""What the figures and the assumptions of a replay are called, and in which unit they are said."""

FIGURES: dict[str, tuple[str, str]] = {
    "first_response_hours_median": ("first answer, median", "h"),
    "first_response_hours_mean": ("first answer, mean", "h"),
    "longest_wait_days": ("longest wait for an answer", "days"),
    "resolution_hours_median": ("solved, median, customer's time", "h"),
    "first_response_breach_share": ("first answer came late", "%"),
    "breach_share": ("any promise broken", "%"),
    "first_contact_resolution": ("resolved on first contact", "%"),
    "known_resolution_rate": ("resolved, of known outcomes", "%"),
    "came_back_share": ("came back", "%"),
    "csat_mean": ("satisfaction, 1 to 5", "points"),
    "routing_accuracy": ("first queue right", "%"),
    "handoffs_per_100": ("handoffs per 100 tickets", ""),
    "automation_rate": ("resolved without a person", "%"),
    "hands_on_hours": ("hands-on hours", "h0"),
    "agent_utilisation": ("agents' hours used", "%"),
    "tickets_per_agent_and_week": ("tickets people handle, per agent and week", ""),
    "tickets_per_hands_on_hour": ("tickets per hands-on hour", "ratio"),
    "cost_per_closed_ticket": ("cost per closed ticket", "money"),
    "cost_per_resolution": ("cost per known resolution", "money"),
}
"""By name: in words, and the unit."""

ASSUMED: dict[str, str] = {
    "busy_share": "how busy people are today; hands-on time follows from it",
    "handling_hours": "hands-on hours of a usual ticket; none: from busy share",
    "assumed_handling_hours": "hands-on hours where nobody on record works in a queue",
    "most_handling_hours": "hands-on hours of a usual ticket are never taken to be more",
    "handling_spread": "spread of hands-on time (standard deviation of its logarithm)",
    "handoff_hours": "cost of a handoff in hours: somebody reads the ticket and passes it on",
    "handoff_csat_points": "cost of a handoff in satisfaction, where ratings do not tell",
    "wait_day_csat_points": "cost of a day's wait in satisfaction, where ratings do not tell",
    "first_answer_share": "share of the work before the first answer, where history does not tell",
    "assumed_back_share": "tickets that come back, where history does not tell",
    "wrong_answer_back_share": "automatic answers to the wrong question that come back",
    "automatic_back_ratio": "right automatic answers that come back, relative to a person's",
    "automatic_csat_points": "satisfaction with an automatic answer, beside a person's",
    "draft_saving_share": "hands-on time that a drafted reply saves; nothing is claimed until it is measured",
    "agent_cost_per_hour": "money an hour",
    "fixed_cost_per_ticket": "money a ticket, for Firstline",
    "longest_wait_days": "nobody may wait longer for an answer",
    "warm_up_days": "replayed from an empty desk and not measured",
}
ESTIMATED: dict[str, tuple[str, str]] = {
    "came_back_share": ("solved tickets that came back", "%"),
    "confirmed_share": ("solved tickets that customers confirmed", "%"),
    "rated_share": ("solved tickets that customers rated", "%"),
    "csat_points_per_wait_day": ("satisfaction by day of waiting", "points"),
    "csat_points_per_handoff": ("satisfaction by handoff", "points"),
    "csat_effects_from": ("where these two come from", "text"),
    "first_answer_share": ("share of the work after which the first answer goes out", "%"),
    "customer_answers_after_hours_median": ("a customer answers after (median)", "h"),
    "questions_per_ticket": ("questions back to the customer, per ticket", "ratio"),
}


def named(name: str) -> str:
    """A name without underscores."""
    return name.replace("_", " ")


def in_words(value: float | str | None, unit: str) -> str:
    """A figure with its unit; ``unknown`` where nothing stands behind it."""
    if value is None:
        return "unknown"
    if isinstance(value, str):
        return value
    forms = {
        "h": f"{value:,.1f} h",
        "h0": f"{value:,.0f} h",
        "days": f"{value:,.1f} days",
        "%": f"{100 * value:.1f} %",
        "points": f"{value:.2f}",
        "ratio": f"{value:.2f}",
        "money": f"{value:,.2f}",
    }
    return forms.get(unit, f"{value:,.1f}")
