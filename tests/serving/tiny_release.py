"""A real release, trained in seconds on a few made-up tickets. Only its size is a toy."""

from datetime import timedelta
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from features.repeats import same_intent_repeats
from features.schema import completed, typed
from features.ticket import ticket_features
from models.encoded import encode_tickets
from models.encoders import NgramEncoder
from models.intent_training import IntentSettings, fit_intent, ranker_data
from models.priority import PriorityModel
from models.release import write_absent, write_release
from models.risk import ThresholdEvidence
from models.sentiment import SentimentModel
from policy.desk import wordings_of
from tests.serving.sample import NOON, tickets

DESK = Path("policy/desk.yaml")
OPENINGS = ("Hello", "Hi there", "Good morning", "Dear team", "Hey")
THINGS = ("my account", "our workspace", "the new user", "this login")
SAYINGS = {
    "password_reset": (
        "I forgot the password of {}",
        "please reset the password for {}",
        "new password for {}",
    ),
    "invoice_copy": (
        "send a copy of the invoice of {}",
        "the invoice for {} is lost",
        "invoice again for {}",
    ),
    "slow_performance": (
        "{} loads very slowly",
        "pages of {} take a minute",
        "everything in {} is slow today",
    ),
}


def examples() -> tuple[pd.DataFrame, pd.Series]:
    """60 tickets of each of three intents, by different people, and their intents."""
    said = [
        (f"{opening}, {saying.format(thing)}.", intent)
        for intent, sayings in SAYINGS.items()
        for opening, saying, thing in product(OPENINGS, sayings, THINGS)
    ]
    rows = [
        {"ticket_id": str(i), "contact_id": f"C{i}", "account_id": f"A{i % 40}", "subject": "", "body": body,
         "created_at": NOON - timedelta(hours=i + 1)}
        for i, (body, _) in enumerate(said)
    ]  # fmt: skip
    return tickets(*rows), pd.Series([intent for _, intent in said], dtype="str")


def write_tiny_release(folder: Path, seed: int = 1, threshold: float = 0.5) -> str:
    """Train, and write a release to ``folder``; returns its id. It has no churn model."""
    frame, labels = examples()
    history = completed({"tickets": frame})
    features = pd.concat([frame[["subject", "body"]], ticket_features(frame, history)], axis=1)
    nothing = pd.DataFrame({"ticket_id": [], "intent": [], "known_at": []}).astype(
        {"ticket_id": "str", "intent": "str", "known_at": typed("tickets", frame)["known_at"].dtype}
    )
    repeats = same_intent_repeats(frame, labels, history, nothing)
    settings = IntentSettings(seed=seed, candidates=3)
    encoded, places = encode_tickets(features, NgramEncoder()), np.arange(len(labels))
    blocks = [places[start::3] for start in range(3)]  # of each intent some: the examples are sorted by it
    data = ranker_data(encoded, labels.to_numpy(dtype=object), blocks, settings)
    intent, _ = fit_intent(data, np.ones(len(labels), dtype=bool), settings)
    levels = labels.map({"password_reset": "high", "invoice_copy": "low", "slow_performance": "normal"})
    weighed = pd.concat([features, repeats], axis=1).assign(intent=labels, frustration=0.0)
    members = {
        name: folder.parent / f"{folder.name}-members" / name for name in ("intent", "priority", "churn")
    }
    intent.save(members["intent"])
    PriorityModel.fit(weighed, levels, seed).save(members["priority"])
    write_absent(members["churn"], "too few accounts")
    members["sentiment"] = members["churn"].with_name("sentiment")
    SentimentModel().save(members["sentiment"])
    proof = ThresholdEvidence(threshold, 100, 0, 0.97)
    thresholds = {"password_reset": proof}
    return write_release(folder, members, DESK, thresholds, {}, "none", {}, wordings_of(DESK))
