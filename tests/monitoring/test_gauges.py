"""What pages people exists: every metric that an alert or a dashboard asks for is really written."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

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
from serving.metrics import Metrics
from tests.monitoring.examples import decisions, feedback
from tests.pipelines.decisions import decision

FOLDER = Path("monitoring")
RULES = FOLDER / "prometheus" / "firstline.rules.yml"
DASHBOARD = FOLDER / "grafana" / "firstline.json"
NOW = datetime(2026, 7, 2, tzinfo=UTC)
PROMQL_WORDS = {"le", "quantile"}
"""Labels that Prometheus itself gives a histogram."""


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


def exposed() -> dict[str, set[str]]:
    """Every metric that the monitor writes and the service serves, with the names of its labels."""
    served = Metrics()
    served.count_decision(decision("t1", degraded=("churn",)))
    served.count_feedback("approve")
    served.set_overdue_reviews(1)
    served.count_request("/triage", 200, 0.01)
    told = report(answered=100) | {"freshness_hours": {"tickets": 1.0}}
    pages = [served.page().decode(), generate_latest(registry_of(told)).decode()]
    families = [family for page in pages for family in text_string_to_metric_families(page)]
    samples = [sample for family in families for sample in family.samples]
    found: dict[str, set[str]] = {family.name: set() for family in families}
    for sample in samples:
        found.setdefault(sample.name, set()).update(sample.labels)
    return found


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
    known = exposed()
    for expression in expressions(file):
        patterns = re.findall(r'__name__=~"([^"]+)"', expression)
        plain = re.sub(r"\{__name__[^}]*\}", "", expression)
        asked = set(re.findall(r"firstline_[a-z_]+", plain))
        assert asked | set(patterns), expression
        assert asked <= known.keys(), expression
        for pattern in patterns:
            branches = re.fullmatch(r"([a-z_]+)\(([a-z_|]+)\)", pattern)
            assert branches, f"{pattern}: name its metrics as a prefix and (endings)"
            assert {branches[1] + ending for ending in branches[2].split("|")} <= known.keys(), pattern
        labels = set().union(*(known[name] for name in asked)) | PROMQL_WORDS
        grouped = {word for group in re.findall(r"\bby \(([^)]*)\)", plain) for word in group.split(", ")}
        matched = set(re.findall(r"([a-z_]+)=~?\"", plain))
        assert grouped | matched <= labels, expression


def expressions(file: Path) -> list[str]:
    if file.suffix == ".json":
        panels = json.loads(file.read_text("utf-8"))["panels"]
        return [target["expr"] for panel in panels for target in panel["targets"]]
    rules = [rule for group in yaml.safe_load(file.read_text("utf-8"))["groups"] for rule in group["rules"]]
    assert all(rule["annotations"].keys() == {"summary", "action"} for rule in rules)
    return [rule["expr"] for rule in rules]


def test_the_dashboard_is_laid_out_without_overlaps_and_asks_the_data_source_that_one_chooses():
    board = json.loads(DASHBOARD.read_text("utf-8"))
    chosen = [one["name"] for one in board["templating"]["list"] if one["type"] == "datasource"]
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
        for asked in (panel, *panel["targets"]):
            assert asked["datasource"] == {"type": "prometheus", "uid": f"${{{chosen[0]}}}"}
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian: package prometheus): nothing parses PromQL")
    return found


def test_promtool_can_read_every_expression_of_the_dashboard(promtool, tmp_path):
    asked = [{"record": f"a:{n}", "expr": one} for n, one in enumerate(expressions(DASHBOARD))]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": asked}]}), "utf-8")
    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_agrees_with_the_rules_and_their_tests(promtool):
    for command in (["check", "rules", str(RULES)], ["test", "rules", str(RULES.with_suffix(".test.yml"))]):
        done = subprocess.run([promtool, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
