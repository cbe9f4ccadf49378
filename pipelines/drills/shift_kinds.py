"""What may happen to a desk's traffic, and what looks like it and is nothing. Pure: rows in, rows out.

A kind changes what arrives from the day it begins. ``share`` is the part of the traffic that it touches.
Words are chosen from the tickets themselves (those that tell one label from the others), so that any desk
will do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.text import ticket_text

Change = Callable[["Arrival"], pd.DataFrame]
SLOW_DAYS = 56.0
"""A slow change touches ``share`` of the traffic, and a day ``day`` / ``SLOW_DAYS`` of what it will touch."""
MIXED_UP = str.maketrans("aeiost", "@3!0$7")
"""What people write who want to pass a filter."""


@dataclass(frozen=True)
class Arrival:
    """A day's tickets and what they may be changed with.

    ``day`` counts from the first day of the change. ``pool``: quiet tickets, ``unheard``: those about what
    the release never met. ``telling``: by label, the words that tell it from the others, most telling first.
    """

    tickets: pd.DataFrame
    day: int
    share: float
    pool: pd.DataFrame
    unheard: pd.DataFrame
    telling: Mapping[str, tuple[str, ...]]
    released: frozenset[str]
    chance: np.random.Generator

    def touched(self, part: float = 1.0) -> np.ndarray:
        """Which tickets are, each with probability ``share`` x ``part``."""
        return self.chance.random(len(self.tickets)) < self.share * part

    def replaced(self, touched: np.ndarray, source: pd.DataFrame) -> pd.DataFrame:
        """The tickets, those ``touched`` being others drawn from ``source``."""
        drawn = source.iloc[self.chance.integers(0, len(source), int(touched.sum()))]
        kept = self.tickets[~touched]
        return pd.concat([kept, drawn.assign(arrived=self.tickets.loc[touched, "arrived"].to_numpy())])

    def rewritten(self, touched: np.ndarray, write: Callable[[str, str], str]) -> pd.DataFrame:
        """The tickets, those ``touched`` written anew: ``write`` gets the body and its label."""
        some = self.tickets[touched]
        said = zip(some["body"].fillna(""), some["intent_said"].fillna(""), strict=True)
        bodies = [write(body, label) for body, label in said]
        told = zip(some["subject"].fillna(""), some["intent_said"].fillna(""), strict=True)
        subjects = [write(subject, label) for subject, label in told]
        changed = self.tickets.copy()
        changed.loc[touched, "body"], changed.loc[touched, "subject"] = bodies, subjects
        return changed


def new_intent(at: Arrival) -> pd.DataFrame:
    """New products come out, and a part of the demand is about them."""
    return at.replaced(at.touched(), at.unheard[at.unheard["intent_said"].isin(at.released)])


def renamed_product(at: Arrival) -> pd.DataFrame:
    """The words that told what a ticket was about are others now, the same new ones for everybody."""
    return at.rewritten(at.touched(), lambda text, label: _renamed(text, at.telling.get(label, ())))


def slow_vocabulary(at: Arrival) -> pd.DataFrame:
    """The same, a little more each day."""
    part = min(1.0, (at.day + 1) / SLOW_DAYS)
    return at.rewritten(at.touched(part), lambda text, label: _renamed(text, at.telling.get(label, ())))


def language_mix(at: Arrival) -> pd.DataFrame:
    """A market opens where people write in a language that the release never met."""
    foreign = at.unheard[~at.unheard["intent_said"].isin(at.released)]
    return at.replaced(at.touched(), foreign)


def channel_added(at: Arrival) -> pd.DataFrame:
    """A messenger: no subject, few words, no capitals."""
    touched = at.touched()
    changed = at.rewritten(touched, lambda text, _: " ".join(text.split()[2:9]).casefold())
    changed.loc[touched, "subject"] = None
    changed.loc[touched, "channel"] = "messenger"
    return changed


def label_policy(at: Arrival) -> pd.DataFrame:
    """From today agents file some intents under another name; the texts are what they were."""
    shares = at.pool["intent_said"].value_counts(normalize=True)
    renamed = list(shares.index[: int((shares.cumsum() < at.share).sum()) + 1])
    into = shares.index[len(renamed)]
    said = at.tickets["intent_said"]
    return at.tickets.assign(intent_said=said.where(~said.isin(renamed), into))


def broken_field(at: Arrival) -> pd.DataFrame:
    """An interface delivers the body of a ticket empty, and its subject cut after a few letters."""
    touched = at.touched()
    changed = at.tickets.copy()
    changed.loc[touched, "body"] = ""
    changed.loc[touched, "subject"] = changed.loc[touched, "subject"].fillna("").str[:12]
    return changed


def adversarial_wording(at: Arrival) -> pd.DataFrame:
    """Words of other intents stand before what is meant, which itself is written to pass a filter."""
    labels = sorted(at.telling)

    def disguised(text: str, _: str) -> str:
        other = labels[int(at.chance.integers(0, len(labels)))]
        return " ".join([*at.telling[other][:6], text.translate(MIXED_UP)])

    return at.rewritten(at.touched(), disguised)


def season(at: Arrival) -> pd.DataFrame:
    """No shift: some intents are asked three times as often, and more is asked in all."""
    shares = at.pool["intent_said"].value_counts(normalize=True)
    busy = list(shares.index[1::5])
    source = at.pool[at.pool["intent_said"].isin(busy)]
    more = at.tickets.sample(frac=0.5, replace=True, random_state=at.chance)
    bigger = Arrival(
        pd.concat([at.tickets, more], ignore_index=True),
        at.day,
        at.share,
        at.pool,
        at.unheard,
        at.telling,
        at.released,
        at.chance,
    )
    return bigger.replaced(bigger.touched(), source)


def outage(at: Arrival) -> pd.DataFrame:
    """No shift: for two days three times as many tickets, all the others about one thing."""
    if at.day >= 2:
        return at.tickets
    label = at.pool["intent_said"].value_counts().index[8]
    source = at.pool[at.pool["intent_said"] == label]
    drawn = source.iloc[at.chance.integers(0, len(source), 2 * len(at.tickets))]
    arrived = np.repeat(at.tickets["arrived"].to_numpy(), 2)
    return pd.concat([at.tickets, drawn.assign(arrived=arrived)])


SHIFTS: dict[str, Change] = {
    "new_intent": new_intent,
    "renamed_product": renamed_product,
    "language_mix": language_mix,
    "channel_added": channel_added,
    "label_policy": label_policy,
    "broken_field": broken_field,
    "slow_vocabulary": slow_vocabulary,
    "adversarial_wording": adversarial_wording,
}
NO_SHIFTS: dict[str, Change] = {"season": season, "outage": outage}
HELD_OUT = ("language_mix", "adversarial_wording")
"""Kinds that the detector was never developed on: they are run on held-out seeds alone."""


def telling_words(
    tickets: pd.DataFrame, most: int = 12, fewest_tickets: int = 8
) -> dict[str, tuple[str, ...]]:
    """By label, the words whose share of its tickets exceeds their share of all tickets most."""
    labels = tickets["intent_said"].to_numpy(dtype=object)
    texts = [
        set(ticket_text(s, b).casefold().split())
        for s, b in zip(tickets["subject"].fillna(""), tickets["body"].fillna(""), strict=True)
    ]
    words = pd.DataFrame(
        [(label, word) for label, text in zip(labels, texts, strict=True) for word in text if len(word) > 3],
        columns=["label", "word"],
    ).dropna()
    counts = words.value_counts().rename("n").reset_index()
    of_label = pd.Series(labels).value_counts()
    overall = counts.groupby("word")["n"].sum() / len(tickets)
    counts["lead"] = counts["n"] / counts["label"].map(of_label) - counts["word"].map(overall)
    counts = counts[counts["n"] >= fewest_tickets].sort_values(["lead", "word"], ascending=[False, True])
    return {str(label): tuple(part["word"].head(most)) for label, part in counts.groupby("label")}


def _renamed(text: str, words: tuple[str, ...]) -> str:
    """``text`` with each of ``words`` replaced by a word made from it, always the same."""
    known = set(words)
    return " ".join(_made_up(word) if word.casefold() in known else word for word in text.split())


def _made_up(word: str) -> str:
    """A pronounceable word that nobody uses, told by ``word`` alone."""
    number = sum(ord(letter) * (place + 7) for place, letter in enumerate(word.casefold()))
    starts, ends = ("vel", "zor", "quin", "mar", "tul", "bex"), ("ando", "ix", "aro", "une", "ith", "okk")
    return starts[number % 6] + ends[number // 6 % 6] + ("s" if number // 36 % 2 else "")
