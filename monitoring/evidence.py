"""What stands behind a verdict beside drift and overrides: outcomes, parity, inputs, proposals, thanks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from features.expectations.checking import Finding, check, said
from features.expectations.suites import checkable
from monitoring.drift import Drift, DriftLimits
from monitoring.outcomes import OUTCOME_KINDS, Outcomes, after_decision, outcomes, success
from monitoring.proposals import Proposal, proposals
from monitoring.skew import Skew, skew
from monitoring.targets import compare_targets, final_targets, read_target_reference
from monitoring.thanks import Thanks, by_agent, thanks
from monitoring.window import LONGEST_WINDOW, Decided, events_of, recent
from serving.store import Store


class Automation(NamedTuple):
    """From which probability each intent is automated now, and which share of that is promised to hold."""

    thresholds: Mapping[str, float] = {}
    promised: float = 0.95


class Learned(NamedTuple):
    """Where the tickets are that the release learned from, and where a comparison with them goes."""

    features_folder: Path
    drift_folder: Path
    limits: DriftLimits


@dataclass(frozen=True)
class Evidence:
    """``sent``: by table, what Great Expectations found of the rows the service was sent in the window."""

    outcomes: Outcomes = field(default_factory=Outcomes)
    skew: Skew = field(default_factory=Skew)
    sent: Mapping[str, list[Finding]] = field(default_factory=dict)
    proposals: tuple[Proposal, ...] = ()
    thanks: tuple[Thanks, ...] = ()
    targets: Drift | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What belongs beside the verdict: inputs that break the contract, features that do not agree."""
        failed = [
            said(table, finding)
            for table, found in self.sent.items()
            for finding in found
            if not finding.success and finding.check.severity == "critical"
        ]
        differs = self.skew.line()
        return (*failed, *([differs] if differs else []))

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "outcomes": self.outcomes.record(),
            "skew": self.skew.record(),
            "sent": {
                table: {
                    "expectations": len(found),
                    "failed": [
                        {
                            "name": one.check.name,
                            "severity": one.check.severity,
                            "why": one.check.why,
                            "found": one.observed,
                        }
                        for one in found
                        if not one.success
                    ],
                }
                for table, found in self.sent.items()
            },
            "targets": self.targets.record() if self.targets else None,
            "proposals": [one.record() for one in self.proposals],
            "thanks": by_agent(list(self.thanks)),
        }


def gather(
    store: Store,
    decisions: pd.DataFrame,
    window: pd.DataFrame,
    decided: Decided,
    feedback: pd.DataFrame,
    labels: pd.DataFrame,
    now: datetime,
    automation: Automation,
    learned: Learned,
    judged: bool,
) -> Evidence:
    """Read what became of ``decisions`` (oldest first, of the release that serves) and judge the ``window``.

    ``labels``: canonical events of ``feedback``. ``judged``: whether the window is large enough for the
    suites of expectations. Proposals and thanks look back over ``LONGEST_WINDOW``: outcomes come late.
    """
    longer = recent(decisions, now, LONGEST_WINDOW)
    events = events_of(store, longer["ticket_id"].tolist(), OUTCOME_KINDS, now)
    later = after_decision(longer, events)
    created = decided.rows.drop_duplicates("ticket_id").set_index("ticket_id")["created_at"]
    within = window.assign(created_at=created.reindex(window["ticket_id"]).set_axis(window.index))
    labelled = final_targets(window, later, labels[labels["ticket_id"].isin(window["ticket_id"])])
    reference = read_target_reference(learned.features_folder, learned.limits.most_rows) if judged else None
    return Evidence(
        outcomes=outcomes(within, events[events["ticket_id"].isin(window["ticket_id"])], feedback),
        skew=skew(decided.rows, decided.features, decided.logged),
        sent=check(sent(decided, window["at"].min())) if judged else {},
        proposals=tuple(
            proposals(_cases(longer, later, feedback), automation.thresholds, automation.promised)
        ),
        thanks=tuple(thanks(longer, feedback, later)),
        targets=compare_targets(reference, labelled, learned.drift_folder / "targets.html", learned.limits),
    )


def sent(decided: Decided, since: datetime) -> dict[str, pd.DataFrame]:
    """By canonical table, the rows that became known ``since`` then, with what its suite looks at."""
    history = decided.history
    tables = ("accounts", "contacts", "tickets", "ticket_events", "usage")
    return {
        name: checkable(name, history)[(history[name]["known_at"] >= since).to_numpy(dtype=bool)]
        for name in tables
    }


def _cases(decisions: pd.DataFrame, later: pd.DataFrame, feedback: pd.DataFrame) -> pd.DataFrame:
    """Tickets answered by the desk's own reply whose outcome is known: intent, probability, good."""
    approved = feedback.loc[(feedback["verdict"] == "approve") & feedback["field"].isna(), "decision_id"]
    assisted = (decisions["action"] == "assist") & decisions["decision_id"].isin(approved)
    good = success(decisions, later, feedback)
    own = ((decisions["action"] == "auto_resolve") | assisted) & good.notna()
    return decisions.assign(good=good).loc[own, ["intent", "probability", "good"]]
