"""What a replay of real drift comes to: how right, what it cost, when it was noticed. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple

from pipelines.challenge import paired
from pipelines.drills.real_drift import Replayed

NEW_SHARE = 0.1
"""The drift begins with the first week in which so many labels are ones the first release never learnt."""


class Story(NamedTuple):
    """What a replay comes to.

    ``begins``: when labels turned new (``None``: never). ``noticed``: the first verdict of harm since.
    ``served``: the first promotion after that. Accuracies over labelled tickets since ``opens``.
    """

    labelled: int
    on: float
    off: float
    gain: tuple[float, float, float]
    saved: int
    begins: datetime | None
    noticed: datetime | None
    served: datetime | None
    early_harm: int


def story(replayed: Replayed) -> Story:
    """The figures of a replay; the interval of the gain is that of pairs of tickets."""
    judged = replayed.judged
    on, off = judged["right_on"].to_numpy(dtype=bool), judged["right_off"].to_numpy(dtype=bool)
    gain = paired(on, off)
    new = (w.start for w in replayed.weeks if w.labelled and w.unheard >= NEW_SHARE * w.labelled)
    begins = next(new, None)
    harm = [w.start + timedelta(days=7) for w in replayed.weeks if w.cause == "harm"]
    since = [at for at in harm if begins is not None and at > begins]
    promoted = [at for at, what in replayed.timeline if " promoted: " in what]
    served = next((at for at in promoted if since and at >= since[0]), None)
    return Story(
        len(judged),
        float(on.mean()),
        float(off.mean()),
        (gain.mean, gain.low, gain.high),
        int(on.sum()) - int(off.sum()),
        begins,
        since[0] if since else None,
        served,
        len([at for at in harm if begins is None or at <= begins]),
    )
