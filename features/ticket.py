"""The features of a ticket, the same for ten million historical tickets and for the one being scored.

Each feature is declared once, below: its name, what it means, and how it is asked of the as-of engine.
"""

from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa

from features.account import CONTRACT, TICKET_HISTORY, USAGE
from features.arrays import DAY, HOUR, NO_TIME, Floats, Integers, microseconds, texts
from features.contact import ContactMoments
from features.declare import Column, Feature, columns_of, frame_of, names, through
from features.language import UNDETERMINED, languages_of
from features.moments import AccountMoments, TicketFacts, UsageFacts
from features.people import writer_of
from features.repeats import similar_text_repeats
from features.rows import History, Rows
from features.text import TextSignals, text_signals, ticket_text


class TicketMoments:
    """A batch of tickets and what was known of their accounts and contacts at ``as_of``.

    Of earlier tickets only those known before the ticket was *created* are looked at, so that a ticket
    scored again later sees the same history and never itself.
    """

    def __init__(self, tickets: Rows, history: History, as_of: Integers) -> None:
        self._tickets = tickets
        self.created_at = tickets.times("created_at")
        self._as_of = as_of
        self._before = np.minimum(self.created_at, self._as_of)
        self._history = history
        self._ticket_facts, self._usage_facts = TicketFacts(history), UsageFacts(history)

    def told(self, column: str) -> pa.Array:
        """What the ticket itself says in ``column``; null where it has no such column."""
        if column not in self._tickets:
            return pa.nulls(len(self._tickets), pa.large_string())
        return self._tickets.strings(column)

    @cached_property
    def account(self) -> AccountMoments:
        """The tickets' accounts."""
        return AccountMoments(
            self.told("account_id"),
            self._as_of,
            self._history,
            self._ticket_facts,
            self._usage_facts,
            self._before,
        )

    @cached_property
    def contact(self) -> ContactMoments:
        """The people who wrote."""
        return ContactMoments(
            writer_of(self._tickets, self._history),
            self._as_of,
            self._history,
            self._ticket_facts,
            self._usage_facts,
            self._before,
        )

    @cached_property
    def texts(self) -> list[str]:
        """Subject and body, normalised."""
        pairs = zip(texts(self.told("subject")), texts(self.told("body")), strict=True)
        return [ticket_text(subject, body) for subject, body in pairs]

    @cached_property
    def signals(self) -> TextSignals:
        """Form of the texts."""
        return text_signals(texts(self.told("subject")), self.texts)

    @cached_property
    def detected(self) -> list[tuple[str, float]]:
        """Language and confidence of each text."""
        return languages_of(self.texts)

    def language(self) -> pa.Array:
        """The language detected, else the one declared, else ``und``."""
        declared = self.told("language").to_pylist()
        return pa.array(
            [
                said or UNDETERMINED if found == UNDETERMINED else found
                for (found, _), said in zip(self.detected, declared, strict=True)
            ],
            pa.large_string(),
        )

    def clock(self, unit: int, cycle: int, shift: int = 0) -> Floats:
        """Position of the creation time in a cycle of ``cycle`` units, UTC."""
        known = self.created_at != NO_TIME
        return np.where(known, (self.created_at // unit + shift) % cycle, np.nan)

    def similar_text_repeats(self) -> Floats:
        """Earlier tickets of the contact with similar text."""
        contact = self.contact
        return similar_text_repeats(
            self.texts, contact.codes, contact.tickets, contact.ticket_rows, self._ticket_facts
        )

    def contact_errors(self) -> Floats:
        """Failed uses by the contact in 24 hours."""
        return np.where(self._person_is_seen, self.contact.usage.sum("errors", DAY), np.nan)

    def failed_logins(self) -> Floats:
        """Failed log-ins in 24 hours by the contact, or by the account where usage names no people."""
        account = self.account.where_used(self.account.logins.sum("errors", DAY))
        return np.where(self._person_is_seen, self.contact.logins.sum("errors", DAY), account)

    @cached_property
    def _person_is_seen(self) -> np.ndarray:
        """Whether usage would tell what this contact did."""
        return self.contact.tickets.known & (self.account.usage_names_people | self.contact.is_named)


_F = Feature[TicketMoments]

ARRIVAL: tuple[_F, ...] = (
    _F("created_hour", "hour of the day, UTC", lambda t: t.clock(HOUR, 24)),
    _F("created_weekday", "day of the week, Monday is 0, UTC", lambda t: t.clock(DAY, 7, shift=3)),
    _F("channel", "how it came in", lambda t: t.told("channel"), "category"),
    _F(
        "product_area",
        "part of the product chosen by the customer",
        lambda t: t.told("product_area"),
        "category",
    ),
    _F(
        "requested_priority",
        "urgency claimed by the customer",
        lambda t: t.told("requested_priority"),
        "category",
    ),
)
LANGUAGE: tuple[_F, ...] = (
    _F("language", "ISO 639-1, detected, else declared, else und", lambda t: t.language(), "category"),
    _F(
        "language_confidence",
        "probability of the language detected",
        lambda t: np.array([confidence for _, confidence in t.detected]),
    ),
)
CONTACT_HISTORY: tuple[_F, ...] = (
    _F("contact_tickets_7d", "earlier tickets of the person", lambda t: t.contact.tickets.count(7 * DAY)),
    _F("contact_tickets_30d", "earlier tickets of the person", lambda t: t.contact.tickets.count(30 * DAY)),
    _F("contact_tickets_90d", "earlier tickets of the person", lambda t: t.contact.tickets.count(90 * DAY)),
    _F(
        "hours_since_contact_ticket", "since the person's last one", lambda t: t.contact.tickets.hours_since()
    ),
    _F(
        "similar_text_repeats_30d",
        "earlier tickets of the person with similar text",
        lambda t: t.similar_text_repeats(),
    ),
)
FRICTION: tuple[_F, ...] = (
    _F("contact_errors_24h", "failed uses by the person", lambda t: t.contact_errors()),
    _F("failed_logins_24h", "failed log-ins by the person, else the account", lambda t: t.failed_logins()),
)
TEXT: tuple[_F, ...] = (
    _F("text_chars", "characters of subject and body", lambda t: t.signals.chars),
    _F("text_words", "words of subject and body", lambda t: t.signals.words),
    _F("caps_share", "capitals among letters that have case", lambda t: t.signals.caps_share),
    _F("exclamation_marks", "number of !", lambda t: t.signals.exclamation_marks),
    _F("question_marks", "number of ?", lambda t: t.signals.question_marks),
    _F("subject_empty", "1 without a subject", lambda t: t.signals.subject_empty),
)
TICKET_GROUPS: dict[str, tuple[_F, ...]] = {
    "arrival": ARRIVAL,
    "language": LANGUAGE,
    "contract": through(lambda t: t.account, CONTRACT),
    "contact history": CONTACT_HISTORY,
    "ticket history": through(lambda t: t.account, TICKET_HISTORY),
    "usage": through(lambda t: t.account, USAGE),
    "friction": FRICTION,
    "text form": TEXT,
}
TICKET: tuple[_F, ...] = tuple(feature for group in TICKET_GROUPS.values() for feature in group)
"""Every ticket feature: name, meaning, kind, in the order of the frame's columns."""

TICKET_FEATURES: tuple[str, ...] = names(TICKET, "number")
TICKET_CATEGORIES: tuple[str, ...] = names(TICKET, "category")


def ticket_features(tickets: pd.DataFrame, history: History, as_of: pd.Series | None = None) -> pd.DataFrame:
    """Features of each of ``tickets`` from rows of ``history`` known strictly before ``as_of``.

    One row per ticket under its index; ``as_of`` (same index) defaults to ``created_at``. Numbers are
    floats, ``NaN`` where unknown and 0 where known to be none; categories are strings. For one ticket it is
    enough that ``history`` holds the rows of its account and of its contact: the row is the same, bit by bit.
    """
    moments = microseconds(tickets["created_at"] if as_of is None else as_of)
    return frame_of(ticket_columns(Rows.of(tickets), history, moments), tickets.index)


def ticket_columns(tickets: Rows, history: History, as_of: Integers) -> dict[str, Column]:
    """As ``ticket_features``, by column; ``as_of`` in microseconds, one per ticket."""
    return columns_of(TICKET, TicketMoments(tickets, history, as_of))
