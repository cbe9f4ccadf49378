"""The monitor's last report as Prometheus gauges, in a file for node_exporter's textfile collector.

A verdict is made now and then by a command that ends: there is nothing to scrape, the file is what remains.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from monitoring.verdict import State

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
    gauge("verdict", "1 for the state of the last verdict", states, "state")
    gauge("monitor_run_timestamp_seconds", "When the monitor last looked", {(): _seconds(report["as_of"])})
    gauge("verdict_since_timestamp_seconds", "Since when", {(): _seconds(report["since"])})
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


def _seconds(moment: str | None) -> float | None:
    return None if moment is None else datetime.fromisoformat(moment).timestamp()
