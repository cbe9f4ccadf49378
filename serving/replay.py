"""A stored decision computed again from its stored inputs and its release, and compared with the record.

Equal means every field of the record, bit for bit, on the kind of processor that decided, which the inputs
name: an int8 sentence encoder gives other last digits on another kind. There, numbers between 0 and 1 may
differ by ``TOLERANCE``, in sentences too, and the rest of the record is equal ("within tolerance").
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from sqlalchemy import Connection, select

from features.rows import Rows
from features.text import ticket_text
from models.release import ReleaseError, load_release
from models.sentiment import SentimentModel
from policy.desk import DeskError, load_desk
from policy.situation import LegalWeight, Level, Sentiment
from serving.decide import decide
from serving.decision import Decision
from serving.erasures import is_erased
from serving.inputs import Inputs, processor_kind, unpacked
from serving.problems import Problem
from serving.releases import Loaded
from serving.settings import Settings
from serving.tables import decision_inputs, decisions

TOLERANCE = 0.02
"""How far numbers between 0 and 1 may be apart on another kind of processor."""
NO_RELEASE = "none"
_DECIMAL = re.compile(r"(\d+\.\d+)")


_OF_NEIGHBOURS = ("context", "suggestion")
"""What of a decision may show tickets of others, and so people who were forgotten since."""


class Replay(NamedTuple):
    """What became of a replay: ``differs`` names the fields that are not as stored."""

    outcome: Literal["identical", "within tolerance", "different", "not kept", "reduced", "erased"]
    release: str
    differs: tuple[str, ...]


def stored(connection: Connection, decision_id: str) -> tuple[Decision | None, Inputs | None] | None:
    """The decision and its inputs, neither where it was erased; ``None`` where there never was one."""
    record = connection.scalar(select(decisions.c.record).where(decisions.c.decision_id == decision_id))
    if record is None:
        return (None, None) if is_erased(connection, "decision", decision_id) else None
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


def replay(loaded: Loaded, decision: Decision, inputs: Inputs | None, here: str | None = None) -> Replay:
    """Compute ``decision`` again and say what differs. ``here``: the kind of processor, default this one's.

    Where somebody else was forgotten, what shows tickets of others is not compared, because part of it is
    gone; what differs all the same, because the ticket itself named them, is "reduced".
    """
    if inputs is None:
        return Replay("not kept", decision.release, ())
    again = decided_again(loaded, decision, inputs)
    found = _differences(decision.model_dump(mode="json"), again.model_dump(mode="json"))
    if inputs.reduced:
        found = [one for one in found if one.path.partition(".")[0] not in _OF_NEIGHBOURS]
    elsewhere = inputs.processor is not None and inputs.processor != (here or processor_kind())
    differs = tuple(one.path for one in found if not (elsewhere and one.is_close))
    if differs:
        return Replay("reduced" if inputs.reduced else "different", decision.release, differs)
    return Replay("within tolerance" if found else "identical", decision.release, ())


def decided_again(loaded: Loaded, decision: Decision, inputs: Inputs) -> Decision:
    """What ``loaded`` decides of the ``inputs`` of ``decision``: the record again, or another release's.

    Another release with another sentence encoder needs inputs without their vector: it then encodes anew.
    """
    release, situation, judged = loaded.release, inputs.situation, inputs.judged
    row, failed = Rows(inputs.features, 1), {part for part in situation.degraded if part.endswith("failed")}
    felt = None
    if release is not None and release.intent is not None and "intent model failed" not in failed:
        encoded = release.intent.encoded(row, inputs.vectors)
        read = release.intent.predict_encoded(encoded)[0]
        situation = replace(
            situation,
            intent=read.intent,
            intent_probability=read.probability,
            out_of_scope=read.out_of_scope,
        )
        judged = replace(judged, alternatives=read.alternatives)
    if release is not None and release.legal_weight is not None and situation.legal_weight is not None:
        meant = release.legal_weight.read(ticket_text(row.values("subject")[0], row.values("body")[0]))
        situation = replace(situation, legal_weight=LegalWeight(*meant))
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
    was_asked = (situation.breach_risk, situation.reassignment_risk) != (None, None)
    if release is not None and release.outcomes is not None and was_asked:
        (seen,) = release.outcomes.predict(row.with_columns({"frustration": (felt.frustration,)}))
        situation = replace(situation, breach_risk=seen.sla_missed, reassignment_risk=seen.reassigned)
    return decide(loaded.desk, situation, judged, decision.decision_id)


class _Difference(NamedTuple):
    path: str
    is_close: bool


def _differences(before: Any, after: Any, path: str = "") -> list[_Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        names = sorted(before.keys() | after.keys())
        return [
            found
            for name in names
            for found in _differences(before.get(name), after.get(name), f"{path}.{name}" if path else name)
        ]
    return [] if before == after else [_Difference(path, _close(before, after))]


def _close(before: Any, after: Any) -> bool:
    """Whether both are the same but for numbers from 0 to 1 that are at most ``TOLERANCE`` apart."""
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return all(map(_close, before, after))
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        return all(_close(before[name], after[name]) for name in before)
    if isinstance(before, str) and isinstance(after, str):
        one, other = _DECIMAL.split(before), _DECIMAL.split(after)
        numbers = zip(one[1::2], other[1::2], strict=False)
        return one[::2] == other[::2] and all(_close(float(a), float(b)) for a, b in numbers)
    if isinstance(before, float) and isinstance(after, float):
        return max(before, after) <= 1.0 and min(before, after) >= 0.0 and abs(before - after) <= TOLERANCE
    return bool(before == after)
