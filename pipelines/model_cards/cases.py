"""The judged cases behind a card: evaluation rows with what was said and what turned out, by member."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from models.churn import ChurnModel
from models.outcomes import OutcomeModels
from models.priority import PriorityModel
from pipelines.churn import LABEL
from pipelines.model_cards.slices import Measure, length_band, measured

TICKET_DIMENSIONS = ("plan", "language", "channel", "text length")
ACCOUNT_DIMENSIONS = ("plan", "language", "segment")
QUESTIONS = {
    "reassigned": "AUC of whether a ticket is reassigned",
    "sla_missed": "AUC of whether the first answer comes late",
}
KNOWN_OUTCOMES = "what became of the tickets"


class Labels(NamedTuple):
    """The best labels there are of each ticket, and who gave them."""

    values: pd.Series
    source: str


def best_told(sources: dict[str, pd.Series]) -> Labels:
    """The first of ``sources`` that has any label."""
    for source, values in sources.items():
        if values.notna().any():
            return Labels(values, source)
    return Labels(next(iter(sources.values())), "nobody")


def evaluation_tickets(features: pd.DataFrame) -> pd.DataFrame:
    """Tickets newer than all that was learnt from, with the dimensions of a card as columns."""
    new = features[features["split"] == "evaluation"]
    return new.assign(**{"text length": length_band(new["text_chars"])})


def intent_measures(new: pd.DataFrame, said: pd.DataFrame, labels: Labels) -> list[Measure]:
    """``said``: predictions of the pipeline; ``labels`` under the index of ``new``."""
    told = new.merge(
        said[["ticket_id", "intent"]].rename(columns={"intent": "said"}), on="ticket_id"
    ).set_axis(new.index)
    return [_share_right(told, told["said"], labels, "share of intents that are right")]


def sentiment_measures(new: pd.DataFrame, labels: Labels) -> list[Measure]:
    """``new`` with the ``state`` said of each ticket."""
    return [_share_right(new, new["state"], labels, "share of states that are right")]


def priority_measures(new: pd.DataFrame, model: PriorityModel, labels: Labels) -> list[Measure]:
    """The level, exactly right."""
    levels = model.levels(new) if len(new) else np.zeros(0, dtype=object)
    return [_share_right(new, pd.Series(levels, new.index), labels, "share of levels that are exactly right")]


def _share_right(new: pd.DataFrame, said: pd.Series, labels: Labels, title: str) -> Measure:
    told = labels.values.notna()
    cases = new[told].assign(right=(said[told] == labels.values[told]).to_numpy(dtype=int))
    return measured(cases, title, "share right", labels.source, TICKET_DIMENSIONS)


def outcome_measures(new: pd.DataFrame, models: OutcomeModels) -> list[Measure]:
    """Where tickets ended, and what went wrong with them; those that are not over yet are left out."""
    found = []
    if models.queue is not None:
        over = new[new["final_queue"].notna()]
        said = [end.queue for end in models.queue.predict(over)] if len(over) else []
        cases = over.assign(
            right=(over["final_queue"].to_numpy() == np.array(said, dtype=object)).astype(int)
        )
        found.append(
            measured(
                cases,
                "share of final queues that are right",
                "share right",
                KNOWN_OUTCOMES,
                TICKET_DIMENSIONS,
            )
        )
    for name, model in models.binary.items():
        over = new[new[name].notna()]
        risk = model.predict(over) if len(over) else np.zeros(0)
        cases = over.assign(happened=over[name].astype(float), risk=risk, group=over["ticket_id"])
        found.append(measured(cases, QUESTIONS[name], "AUC", KNOWN_OUTCOMES, TICKET_DIMENSIONS))
    return found


def churn_measures(snapshots: pd.DataFrame, accounts: pd.DataFrame, model: ChurnModel) -> list[Measure]:
    """Account months after all that was learnt from; the months of one account are not independent."""
    new = snapshots[(snapshots["split"] == "evaluation") & snapshots[LABEL].notna()]
    language = accounts.drop_duplicates("account_id", keep="last").set_index("account_id")["language"]
    cases = new.assign(
        language=new["account_id"].map(language),
        happened=new[LABEL].astype(float),
        risk=model.predict(new) if len(new) else np.zeros(0),
        group=new["account_id"],
    )
    title = "AUC of which accounts leave"
    return [measured(cases, title, "AUC", "accounts that left", ACCOUNT_DIMENSIONS)]
