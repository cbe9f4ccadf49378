"""The drill of the surge detector: what counts as seen, as late and as a false alarm, by hand."""

from pipelines.params import load_params
from pipelines.surge import Company, judged, measure, report
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


def test_a_small_company_is_measured_from_start_to_end() -> None:
    params = load_params().demo_company.model_copy(update={"accounts": 150, "months": 4, "tickets": 1500})
    figures = measure(params, [5], mislabelled=0.1)
    assert figures["outages"] == len(figures["companies"][5]["outages"])
    assert "bar <= 8" in report(figures)
