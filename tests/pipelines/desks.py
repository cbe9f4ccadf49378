"""A made-up desk as stage features leaves it: three splits by time, labels, text and features."""

import numpy as np
import pandas as pd

from pipelines.params import Params, load_params
from tests.models.desks import levels_by_stake, ticket_features, tickets

SPLITS = ("train", "calibration", "evaluation")


def small_params(**sections: dict[str, object]) -> Params:
    """The project's parameters with few blocks and few trials; ``sections`` override."""
    document = load_params().model_dump()
    document["intent"] |= {"min_examples": 10, "blocks": 2, "trials": 2, "max_training_tickets": 5000}
    document["intent"] |= {"encoder": "none"}  # quicker
    for name in ("sentiment", "priority", "churn"):
        document[name] |= {"trials": 2}
    for name, changes in sections.items():
        document[name] |= changes
    return Params.model_validate(document)


def featured_tickets(n: int = 900, seed: int = 0, blur: float = 0.1, reviewed: float = 0.3) -> pd.DataFrame:
    """``n`` tickets: 65 % train, 15 % calibration, 20 % evaluation; agents label most, reviewers some."""
    said = tickets(n, seed, blur)
    features = ticket_features(n, seed).drop(columns=["intent", "frustration", *_REPEATS])
    frame = said.drop(columns="intent").join(features.drop(columns=[c for c in features if c in said]))
    rng = np.random.default_rng(seed)
    edges = np.array([0.65, 0.8]) * n
    truth = said["intent"]
    return frame.assign(
        split=np.array(SPLITS)[np.searchsorted(edges, np.arange(n), side="right")],
        intent_label=truth.where(rng.random(n) < 0.95).astype("str"),
        intent_reviewed=truth.where(rng.random(n) < reviewed).astype("str"),
        intent_confirmed=rng.random(n) < 0.2,
        priority_label=levels_by_stake(ticket_features(n, seed), seed),
        queue_label="general",
        sentiment_reviewed=pd.Series(rng.choice(["asking", "frustrated"], n)).where(rng.random(n) < 0.5),
    ).astype({"sentiment_reviewed": "str"})


_REPEATS = ["same_intent_contact_30d", "same_intent_account_30d", "hours_since_same_intent"]
