"""What pages people exists: every metric that an alert or a dashboard asks for is really written."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from features.expectations.checking import Finding
from features.expectations.suites import suite
from monitoring.estimate import estimated_right
from monitoring.evidence import Evidence
from monitoring.gauges import registry_of, write_gauges
from monitoring.monitor import Observation, report_record
from monitoring.outcomes import Outcomes, Rating
from monitoring.quality import quality
from monitoring.rates import Rate
from monitoring.skew import FeatureSkew, Skew
from monitoring.verdict import Verdict
from tests.monitoring.examples import decisions, feedback

FOLDER = Path("monitoring")
RULES = FOLDER / "prometheus" / "firstline.rules.yml"
DASHBOARD = FOLDER / "grafana" / "firstline.json"
NOW = datetime(2026, 7, 2, tzinfo=UTC)
SERVED = {
    "reviews_overdue",
    "decisions_total",
    "degraded_total",
    "http_requests_total",
    "http_request_seconds_bucket",
}
"""What the service itself counts (serving/metrics.py)."""


def report(decided: int = 400, answered: int = 0) -> dict:
    given = feedback(*[(f"d{i}", "override", "intent", "other") for i in range(answered)])
    actions = ["auto_resolve" if i < 10 else "assist" for i in range(decided)]
    judged = quality(decisions(decided, action=actions), given)
    right = estimated_right(decisions(decided, action=actions), given)
    known = Evidence(
        Outcomes(Rate(9, 10), 0, Rate(8, 10), {"refund": Rating(4.5, 2)}, {"p50": 1.0})
        if answered
        else Outcomes(),
        Skew(10, 0, 9, (FeatureSkew("plan", 1, "t1", "team", None),)),
        {"tickets": [Finding(suite("tickets")[0], False, 3, "3 of 9")]},
    )
    seen = Observation(
        "r1",
        None,
        NOW,
        NOW,
        judged,
        None,
        right,
        right,
        7,
        {"usage": None},
        (),
        release_since=NOW,
        evidence=known,
    )
    return json.loads(json.dumps(report_record(seen, Verdict("WATCH", "x", NOW, cause="drift"), NOW)))


def written(told: dict) -> str:
    return " ".join(metric.name for metric in registry_of(told).collect())


def test_the_file_says_what_the_report_says(tmp_path):
    text = write_gauges(tmp_path, report(answered=100)).read_text("utf-8")
    assert 'firstline_verdict{state="WATCH"} 1.0' in text
    assert 'firstline_verdict{state="RETRAIN"} 0.0' in text
    assert 'firstline_verdict_cause{cause="drift"} 1.0' in text
    assert 'firstline_verdict_cause{cause="harm"} 0.0' in text
    assert 'firstline_override_share{field="intent"} 0.25' in text
    assert f"firstline_monitor_run_timestamp_seconds {NOW.timestamp():.9e}".split("e")[0] in text
    assert "firstline_new_labels 7.0" in text
    assert "firstline_champion_since_timestamp_seconds 1.7" in text
    assert 'firstline_csat_mean{issue="refund"} 4.5' in text
    assert 'firstline_feature_skew_decisions{feature="plan"} 1.0' in text
    assert 'firstline_expectations_failed{severity="critical",table="tickets"} 1.0' in text
    assert 'firstline_expectations_failed{severity="warning",table="tickets"} 0.0' in text


def test_what_is_unknown_has_no_sample_rather_than_a_zero():
    text = "\n".join(str(m.samples) for m in registry_of(report(decided=0)).collect())
    assert "firstline_override_share'" not in text
    assert "firstline_automated_wrong_share'" not in text
    assert "firstline_automated_held_share" not in text
    assert "firstline_table_age_hours" not in text


@pytest.mark.parametrize("file", [RULES, DASHBOARD], ids=["alert rules", "dashboard"])
def test_every_metric_asked_for_is_written(file):
    asked = set(re.findall(r"firstline_([a-z_]+)", _expressions(file)))
    assert asked
    known = set(re.findall(r"firstline_([a-z_]+)", written(report(answered=100)))) | SERVED
    assert asked - {"intent_"} <= known


def _expressions(file: Path) -> str:
    if file.suffix == ".json":
        panels = json.loads(file.read_text("utf-8"))["panels"]
        return "\n".join(target["expr"] for panel in panels for target in panel["targets"])
    rules = [rule for group in yaml.safe_load(file.read_text("utf-8"))["groups"] for rule in group["rules"]]
    assert all(rule["annotations"].keys() == {"summary", "action"} for rule in rules)
    return "\n".join(rule["expr"] for rule in rules)


def test_promtool_agrees_with_the_rules_and_their_tests():
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: package prometheus): the alert rules are not run")
    for command in (["check", "rules", str(RULES)], ["test", "rules", str(RULES.with_suffix(".test.yml"))]):
        done = subprocess.run([promtool, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
