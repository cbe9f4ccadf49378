"""The drill of the surge detector: what counts as seen, as late and as a false alarm, by hand."""

import math
from collections.abc import Callable

import pytest

from pipelines.params import load_params
from pipelines.surge import Company, Kind, company, judged, measure, report, results
from policy.surges import Incident, Report


def test_outages_are_judged_by_their_own_tickets_before_the_alarm() -> None:
    reports = [Report(float(i), "sync", f"A{i // 2}", str(i)) for i in range(10)]
    found = Company(reports, {str(i): "one" for i in range(1, 10)} | {"0": "two"}, {"one": 5, "two": 1}, 30.4)
    incidents = [
        Incident("sync", 5.0, "", ["0", "3", "4", "5"], {"A"}, 9.0),
        Incident("sync", 9.0, "", ["8", "9"], {"A"}, 9.0),
        Incident("other", 9.0, "", ["77"], {"A"}, 9.0),
    ]
    figures = judged(found, incidents)
    assert figures["outages"] == [
        {"outage": "one", "accounts": 5, "tickets_until_alarm": 5, "accounts_share": 0.6},
        {"outage": "two", "accounts": 1, "tickets_until_alarm": None, "accounts_share": None},
    ]
    assert figures["false_alarms_a_month"] == 1


@pytest.mark.parametrize("kind", ["intents", "areas", "clusters"])
def test_a_small_company_is_measured_from_start_to_end(kind: Kind) -> None:
    params = load_params().demo_company.model_copy(update={"accounts": 150, "months": 4, "tickets": 1500})
    figures = measure(params, [5], mislabelled=0.1, kind=kind)
    assert figures["outages"] == len(figures["companies"][5]["outages"])
    assert "bar <= 8" in report(figures)
    found = {result.name: result for result in results(figures, kind, [5])}
    suffix = "" if kind == "intents" else f".{kind}"
    assert found[f"escalation.crisis.outages_seen{suffix}"].value == round(
        figures["seen"] / figures["outages"], 4
    )


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        pytest.param("intents", lambda r: " × " not in r.topic and r.part is None, id="an intent alone"),
        pytest.param("areas", lambda r: r.part is not None, id="the area that a customer chose"),
        pytest.param("clusters", lambda r: r.topic.startswith("like ticket "), id="a text without an intent"),
    ],
)
def test_reports_are_about_what_is_asked(kind: Kind, wanted: Callable[[Report], bool]) -> None:
    params = load_params().demo_company.model_copy(update={"accounts": 60, "months": 2, "tickets": 300})
    assert any(wanted(told) for told in company(params, 0.1, kind).reports)


def test_no_median_is_recorded_where_most_outages_are_never_seen() -> None:
    told = {"seen": 1, "outages": 3, "worst_false_alarms_a_month": 2.0}
    figures = told | {"median_tickets_until_alarm": math.inf, "median_accounts_share": math.inf}
    names = [result.name for result in results(figures, "clusters", [1])]
    assert names == [
        "escalation.crisis.outages_seen.clusters",
        "escalation.crisis.false_alarms_per_month.clusters",
    ]
