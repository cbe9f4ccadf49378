"""A stored decision computed again from its stored inputs and its release, and compared with the record.

Equal means every field of the record, bit for bit, on the same kind of processor; an int8 sentence encoder
gives other last digits on another kind, and then probabilities may differ by ``TOLERANCE``.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from sqlalchemy import Connection, select

from features.rows import Rows
from models.release import ReleaseError, load_release
from models.sentiment import SentimentModel
from policy.desk import DeskError, load_desk
from policy.situation import Level, Sentiment
from serving.decide import decide
from serving.decision import Decision
from serving.inputs import Inputs, unpacked
from serving.problems import Problem
from serving.releases import Loaded
from serving.settings import Settings
from serving.tables import decision_inputs, decisions

TOLERANCE = 0.02
"""How far probabilities may be apart on another kind of processor."""
NO_RELEASE = "none"


class Replay(NamedTuple):
    """What became of a replay: ``differs`` names the fields that are not as stored."""

    outcome: Literal["identical", "different", "not kept"]
    release: str
    differs: tuple[str, ...]


def stored(connection: Connection, decision_id: str) -> tuple[Decision, Inputs | None] | None:
    """The decision and its inputs; ``None`` where there is no such decision."""
    record = connection.scalar(select(decisions.c.record).where(decisions.c.decision_id == decision_id))
    if record is None:
        return None
    kept = connection.scalar(
        select(decision_inputs.c.inputs).where(decision_inputs.c.decision_id == decision_id)
    )
    return Decision.model_validate_json(record), None if kept is None else unpacked(kept)


def loaded_release(settings: Settings, release_id: str) -> Loaded:
    """The release that decided, loaded again; without one the desk's own rules.

    Raises ``Problem`` (409) where its files are gone or damaged.
    """
    try:
        if release_id == NO_RELEASE:
            return Loaded(None, load_desk(settings.desk))
        release = load_release(settings.releases / Path(release_id).name)
        return Loaded(release, load_desk(release.desk_path))
    except (ReleaseError, DeskError, OSError) as error:
        found = f"{type(error).__name__}: the release {release_id} cannot be loaded"
        raise Problem(409, "release", found, "put its folder back under state/releases") from None


def replay(loaded: Loaded, decision: Decision, inputs: Inputs | None) -> Replay:
    """Compute ``decision`` again and say what differs."""
    if inputs is None:
        return Replay("not kept", decision.release, ())
    again = _decided(loaded, decision, inputs)
    differs = tuple(_differences(decision.model_dump(mode="json"), again.model_dump(mode="json")))
    return Replay("different" if differs else "identical", decision.release, differs)


def _decided(loaded: Loaded, decision: Decision, inputs: Inputs) -> Decision:
    release, situation, judged = loaded.release, inputs.situation, inputs.judged
    row, failed = Rows(inputs.features, 1), {part for part in situation.degraded if part.endswith("failed")}
    felt = None
    if release is not None and release.intent is not None and "intent model failed" not in failed:
        read = release.intent.predict(row)[0]
        situation = replace(
            situation,
            intent=read.intent,
            intent_probability=read.probability,
            out_of_scope=read.out_of_scope,
        )
        judged = replace(judged, alternatives=read.alternatives)
    if release is not None and release.sentiment is not None and "sentiment model failed" not in failed:
        felt = release.sentiment.predict(row)[0]
    felt = felt or SentimentModel().predict(row)[0]
    situation = replace(
        situation,
        sentiment=cast(Sentiment, felt.state),
        frustration=felt.frustration,
        frustration_signals=tuple(felt.signals),
    )
    if release is not None and release.priority is not None and "priority model failed" not in failed:
        ranked = release.priority.predict(row.with_columns({"frustration": (felt.frustration,)}))[0]
        situation = replace(situation, priority_level=cast(Level, ranked.level), priority_score=ranked.score)
        judged = replace(judged, priority_reasons=ranked.reasons)
    return decide(loaded.desk, situation, judged, decision.decision_id)


def _differences(before: Any, after: Any, path: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        names = sorted(before.keys() | after.keys())
        return [
            found
            for name in names
            for found in _differences(before.get(name), after.get(name), f"{path}.{name}" if path else name)
        ]
    return [] if before == after else [path]
