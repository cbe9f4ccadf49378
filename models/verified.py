"""Cases whose truth somebody verified: what risk control may rest on."""

import numpy as np
import pandas as pd

from models.risk import fewest_cases


def verified_cases(tickets: pd.DataFrame, precision: float, confidence: float) -> pd.DataFrame:
    """``intent``, ``probability``, ``correct``, ``source``, ``language`` of predictions whose truth is known.

    ``tickets``: ``intent`` and ``probability`` as said before the ticket was learnt; ``intent_reviewed``,
    ``intent_label`` (agents), ``intent_confirmed``. A case is verified where two reviewers agree. Where an
    intent has too few of these to prove anything, tickets whose resolution the customer confirmed count too,
    by the agents' label: also those on which model and agent differ, because leaving errors out would make
    the proof worthless. Which cases count depends on their number only, never on their outcome.
    """
    said = tickets[tickets["intent"].notna()]
    by_review = said["intent_reviewed"].notna()
    reviews = by_review.groupby(said["intent"]).transform("sum")
    confirmed = said["intent_confirmed"].astype(bool) & said["intent_label"].notna()
    by_customer = ~by_review & confirmed & (reviews < fewest_cases(precision, confidence))
    truth = said["intent_reviewed"].where(by_review, said["intent_label"])
    source = np.where(by_review, "reviewed", "confirmed")
    told = [name for name in ("intent", "probability", "language") if name in said]
    cases = said[told].assign(correct=said["intent"] == truth, source=source)
    return cases[by_review | by_customer].reset_index(drop=True)
