"""What the release before would have said of tickets that its successor decided, from their stored inputs."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from models.release import ReleaseError, load_release
from monitoring.promised import sentence_encoder
from policy.desk import DeskError, load_desk
from serving.releases import Loaded
from serving.replay import decided_again, stored
from serving.store import Store

FIELDS = ("intent", "priority", "queue", "sentiment")
MOST_ASKED = 500
"""The newest answered decisions; the models take some ten milliseconds for each."""


def said_instead(
    store: Store, releases: Path, champion: str, before: str, decision_ids: Sequence[str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """``FIELDS`` by ``decision_id`` as ``before`` would have said, and notes on what could not be asked.

    ``decision_ids``: decisions of ``champion``, oldest first; those whose inputs were not kept are left out.
    """
    try:
        theirs = load_release(releases / before)
        loaded = Loaded(theirs, load_desk(theirs.desk_path))
    except (ReleaseError, DeskError, OSError) as error:
        note = f"{before} cannot be compared with ({type(error).__name__}: {error})"
        return pd.DataFrame(columns=list(FIELDS)), (note,)
    lacking = [name for name in ("intent", "priority") if getattr(theirs, name) is None]
    if lacking:
        note = f"{before} has no {' and no '.join(lacking)} model and is not compared with"
        return pd.DataFrame(columns=list(FIELDS)), (note,)
    same_encoder = sentence_encoder(releases, before) == sentence_encoder(releases, champion)
    said: dict[str, tuple[str | None, ...]] = {}
    with store.reading() as connection:
        for decision_id in decision_ids[-MOST_ASKED:]:
            decision, inputs = stored(connection, decision_id) or (None, None)
            if decision is None or inputs is None:
                continue
            made = decided_again(loaded, decision, inputs if same_encoder else inputs._replace(vector=None))
            said[decision_id] = (
                made.intent.name,
                made.priority.level,
                made.route.queue,
                made.sentiment.state,
            )
    return pd.DataFrame.from_dict(said, orient="index", columns=list(FIELDS)), ()
