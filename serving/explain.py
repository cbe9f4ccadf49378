"""Why the models of a release said what they said in a stored decision: contributions in words.

They are computed from the inputs that the store keeps with the decision, by the release that decided, so the
answer does not change when history or champion do.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from features.rows import Rows
from models.explained import (
    NOTE,
    Explained,
    explained_intent,
    explained_priority,
    explained_sentiment,
)
from models.explanations import Part, in_words
from serving.answers import ExplainAnswer, ExplainedModel, ExplainedPart, ExplainedValue
from serving.decision import Decision
from serving.inputs import Inputs
from serving.releases import Loaded

M = TypeVar("M")
NOT_KEPT = "what it was computed from was not kept"


def explained(loaded: Loaded, decision: Decision, inputs: Inputs | None) -> ExplainAnswer:
    """What each model of the release that made ``decision`` contributed, the strongest part first."""
    models = [*_models(loaded, decision, inputs), _churn(decision)]
    return ExplainAnswer(decision_id=decision.decision_id, release=decision.release, note=NOTE, models=models)


def _models(loaded: Loaded, decision: Decision, inputs: Inputs | None) -> list[ExplainedModel]:
    names = ("intent", "sentiment", "priority")
    release = loaded.release
    if release is None:
        return [_absent(name, "no release: the desk's rules decided") for name in names]
    if inputs is None:
        return [_absent(name, NOT_KEPT) for name in names]
    ticket, vectors = Rows(inputs.features, 1), inputs.vectors
    weighed = ticket.with_columns({"frustration": (decision.sentiment.frustration,)})
    failed = {part for part in decision.degraded if part.endswith(" model failed")}

    def of(name: str, model: M | None, row: Rows, explain: Callable[[M, Rows], Explained]) -> ExplainedModel:
        if model is None:
            return _absent(name, release.absent.get(name, "the release has none"))
        if f"{name} model failed" in failed:
            return _absent(name, "it failed when the ticket was decided")
        return _told(name, explain(model, row))

    return [
        of("intent", release.intent, ticket, lambda model, row: explained_intent(model, row, vectors)),
        of("sentiment", release.sentiment, ticket, explained_sentiment),
        of("priority", release.priority, weighed, explained_priority),
    ]


def _churn(decision: Decision) -> ExplainedModel:
    risk = decision.account.churn_risk
    if risk is None:
        return _absent("churn", "no churn risk was known")
    because = f"{risk:.1%}, computed once that day from months of usage, which are not kept with a decision"
    return _absent("churn", because)


def _absent(name: str, why: str) -> ExplainedModel:
    return ExplainedModel(model=name, said=None, absent=why, parts=[])


def _told(name: str, explained: Explained) -> ExplainedModel:
    words = in_words(explained.parts)
    parts = [_part(part, line) for part, line in zip(explained.parts, words, strict=True)]
    return ExplainedModel(model=name, said=explained.said, absent=None, parts=parts)


def _part(part: Part, words: str) -> ExplainedPart:
    return ExplainedPart(
        about=part.group,
        log_odds=part.log_odds,
        values=_values(part.values),
        words=words.strip(),
    )


def _values(values: Sequence[tuple[str, Any]]) -> list[ExplainedValue]:
    return [
        ExplainedValue(name=name, value=value.item() if hasattr(value, "item") else value)
        for name, value in values
    ]
