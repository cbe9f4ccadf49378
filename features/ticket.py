"""The features of a ticket, the same for ten million historical tickets and for the one being scored.

Each feature is declared once, below: its name, what it means, and how it is asked of the as-of engine.
"""

from functools import cached_property

import numpy as np
import pandas as pd

from features.account import CONTRACT, TICKET_HISTORY, USAGE
from features.arrays import DAY, HOUR, NO_TIME, Floats, microseconds, texts
from features.contact import ContactMoments
from features.declare import Feature, frame_of, names, through
from features.language import UNDETERMINED, detect_language
from features.moments import AccountMoments, TicketFacts, UsageFacts
from features.people import writer_of
from features.repeats import similar_text_repeats
from features.schema import Tables
from features.text import TextSignals, text_signals, ticket_text


class TicketMoments:
    """A batch of tickets and what was known of their accounts and contacts at ``as_of``.

    Of earlier tickets only those known before the ticket was *created* are looked at, so that a ticket
    scored again later sees the same history and never itself.
    """

    def __init__(self, tickets: pd.DataFrame, history: Tables, as_of: pd.Series) -> None:
        self._tickets = tickets
        self.created_at = microseconds(tickets["created_at"])
        self._as_of = microseconds(as_of)
        self._before = np.minimum(self.created_at, self._as_of)
        self._history = history
        self._ticket_facts, self._usage_facts = TicketFacts(history), UsageFacts(history)

    def told(self, column: str) -> pd.Series:
        """What the ticket itself says in ``column``; missing where it has no such column."""
        if column not in self._tickets:
            return pd.Series(np.nan, index=self._tickets.index, dtype="str")
        said = self._tickets[column]
        return said if said.dtype == "str" else said.astype("str")

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
    def detected(self) -> pd.DataFrame:
        """``language`` and ``language_confidence`` of the texts."""
        return detect_language(self.texts)

    def language(self) -> pd.Series:
        """The language detected, else the one declared, else ``und``."""
        declared = self.told("language").reset_index(drop=True).fillna(UNDETERMINED)
        return self.detected["language"].where(self.detected["language"] != UNDETERMINED, declared)

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
        lambda t: t.detected["language_confidence"].to_numpy(),
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
TICKET: tuple[_F, ...] = (
    *ARRIVAL,
    *LANGUAGE,
    *through(lambda t: t.account, CONTRACT),
    *CONTACT_HISTORY,
    *through(lambda t: t.account, TICKET_HISTORY),
    *through(lambda t: t.account, USAGE),
    *FRICTION,
    *TEXT,
)
"""Every ticket feature: name, meaning, kind, in the order of the frame's columns."""

TICKET_FEATURES: tuple[str, ...] = names(TICKET, "number")
TICKET_CATEGORIES: tuple[str, ...] = names(TICKET, "category")


def ticket_features(tickets: pd.DataFrame, history: Tables, as_of: pd.Series | None = None) -> pd.DataFrame:
    """Features of each of ``tickets`` from rows of ``history`` known strictly before ``as_of``.

    One row per ticket under its index; ``as_of`` (same index) defaults to ``created_at``. Numbers are
    floats, ``NaN`` where unknown and 0 where known to be none; categories are strings. For one ticket it is
    enough that ``history`` holds the rows of its account and of its contact: the row is the same, bit by bit.
    """
    moments = TicketMoments(tickets, history, tickets["created_at"] if as_of is None else as_of)
    return frame_of(TICKET, moments, tickets.index)
