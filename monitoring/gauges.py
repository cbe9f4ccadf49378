"""The monitor's last report as Prometheus gauges, in a file for node_exporter's textfile collector.

A verdict is made now and then by a command that ends: there is nothing to scrape, the file is what remains.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from monitoring.verdict import Cause, State

GAUGES_FILE = Path("monitor.prom")


def registry_of(report: Mapping[str, Any]) -> CollectorRegistry:
    """Gauges of one report (``monitoring.monitor.report_record``). What is unknown has no sample."""
    registry = CollectorRegistry()

    def gauge(name: str, about: str, samples: Mapping[tuple[str, ...], float | None], *labels: str) -> None:
        known = {values: value for values, value in samples.items() if value is not None}
        if known or labels:  # a gauge without labels starts at 0, which would be a figure
            made = Gauge(f"firstline_{name}", about, labels, registry=registry)
            for values, value in known.items():
                (made.labels(*values) if labels else made).set(value)

    quality = report["quality"]
    overrides = quality["overrides"].items()
    states: dict[tuple[str, ...], float | None] = {
        (state,): float(report["verdict"] == state) for state in get_args(State)
    }
    causes: dict[tuple[str, ...], float | None] = {
        (cause,): float(report["cause"] == cause) for cause in get_args(Cause)
    }
    gauge("verdict", "1 for the state of the last verdict", states, "state")
    gauge("verdict_cause", "1 for what the last verdict rests on", causes, "cause")
    gauge("monitor_run_timestamp_seconds", "When the monitor last looked", {(): _seconds(report["as_of"])})
    gauge("verdict_since_timestamp_seconds", "Since when", {(): _seconds(report["since"])})
    gauge(
        "champion_since_timestamp_seconds",
        "Since when the release serves",
        {(): _seconds(report["release_since"])},
    )
    gauge("window_decisions", "Decisions judged", {(): quality["decisions"]})
    gauge("window_answered", "Decisions judged that somebody answered", {(): quality["answered"]})
    gauge(
        "override_share",
        "Share of the window's decisions whose field was overridden",
        {(field,): rate["all"]["share"] for field, rate in overrides},
        "field",
    )
    gauge(
        "override_share_low",
        "Lower bound (one-sided 95 %) of that share",
        {(field,): rate["all"]["low"] for field, rate in overrides},
        "field",
    )
    calibration = quality["intent_calibration"]
    gauge("intent_stated_probability", "Mean probability stated", {(): calibration["stated_probability"]})
    gauge(
        "intent_right_share", "Share of answered intents that were right", {(): calibration["right"]["share"]}
    )
    estimated: dict[tuple[str, ...], float | None] = {
        (name,): found["share"] for name, found in report["intent_right"].items()
    }
    gauge("intent_right_estimated", "Share of intents right, answers weighed", estimated, "among")
    wrong = quality["automated_wrong"]["all"]
    gauge("automated_wrong_share", "Share of automatic resolutions found wrong", {(): wrong["share"]})
    moved = report["drift"]["columns"] if report["drift"] else []
    gauge(
        "drift_distance",
        "Distance of a compared column",
        {(c["column"],): c["distance"] for c in moved},
        "column",
    )
    gauge("drift_columns_moved", "Columns that moved", {(): float(sum(c["moved"] for c in moved))})
    gauge("new_labels", "Tickets with labels from feedback since the promotion", {(): report["new_labels"]})
    out = report["outcomes"]
    gauge(
        "automated_held_share",
        "Automatic resolutions that held, of known outcome",
        {(): out["automated_held"]["share"]},
    )
    gauge(
        "automated_held_share_high",
        "Upper bound (one-sided 95 %) of that share",
        {(): _if_tried(out["automated_held"], "high")},
    )
    gauge(
        "routed_right_share", "Solved tickets that stayed in their queue", {(): out["routed_right"]["share"]}
    )
    gauge(
        "routed_right_share_high",
        "Upper bound (one-sided 95 %) of that share",
        {(): _if_tried(out["routed_right"], "high")},
    )
    rated = out["csat"].items()
    gauge("csat_mean", "Mean rating, 1 to 5", {(issue,): one["mean"] for issue, one in rated}, "issue")
    gauge("csat_ratings", "Ratings", {(issue,): one["ratings"] for issue, one in rated}, "issue")
    gauge(
        "seconds_to_decision",
        "From the customer's words to the decision",
        {(quantile,): seconds for quantile, seconds in out["seconds_to_decision"].items()},
        "quantile",
    )
    gauge(
        "feature_skew_decisions",
        "Decisions made on another value than is computed now",
        {(one["feature"],): one["decisions"] for one in report["skew"]["features"]},
        "feature",
    )
    gauge(
        "feature_skew_compared",
        "Decisions whose features were computed again",
        {(): report["skew"]["compared"]},
    )
    failed: dict[tuple[str, ...], float | None] = {
        (table, severity): float(sum(one["severity"] == severity for one in found["failed"]))
        for table, found in report["sent"].items()
        for severity in ("critical", "warning")
    }
    gauge("expectations_failed", "Expectations that what was sent does not meet", failed, "table", "severity")
    gauge("threshold_proposals", "Proposed changes of thresholds", {(): float(len(report["proposals"]))})
    gauge(
        "table_age_hours",
        "Hours since the table last learned something",
        {(table,): hours for table, hours in report["freshness_hours"].items()},
        "table",
    )
    return registry


def write_gauges(folder: Path, report: Mapping[str, Any]) -> Path:
    """Write the gauges to ``folder``, the whole file or nothing; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / GAUGES_FILE
    write_to_textfile(str(path), registry_of(report))
    return path


def _if_tried(rate: Mapping[str, Any], bound: str) -> float | None:
    return rate[bound] if rate["trials"] else None


def _seconds(moment: str | None) -> float | None:
    return None if moment is None else datetime.fromisoformat(moment).timestamp()
