"""A desk is whole and safe, or refused with the line, what was found and what is allowed."""

from pathlib import Path

import pytest

from policy.desk import DeskError, load_desk, parse_desk
from tests.policy.examples import shipped_desk

SHIPPED = (Path(__file__).parents[2] / "policy" / "desk.yaml").read_text(encoding="utf-8")
QUEUE_BY_INTENTS = {
    "access": "password_reset two_factor_lockout sso_login_failure invite_user change_permissions "
    "account_locked",
    "billing": "invoice_copy payment_failed refund_request change_plan cancel_subscription tax_details "
    "unexpected_charge",
    "product": "dashboard_how_to export_data import_failure notification_settings search_not_finding "
    "mobile_app_crash slow_performance feature_request report_wrong_numbers workflow_builder_help",
    "integrations": "webhook_not_firing api_rate_limit api_key_rotation crm_sync_broken calendar_sync_broken",
    "engineering": "service_outage data_loss ai_summary_wrong",
    "compliance": "data_deletion_request data_access_request security_report legal_question "
    "accessibility_problem",
    "relationship": "renewal_question training_request",
}


def test_the_shipped_desk_lists_every_intent_of_the_demo_in_its_queue() -> None:
    listed = {name: intent.queue for name, intent in shipped_desk().intents.items()}
    assert listed == {name: queue for queue, names in QUEUE_BY_INTENTS.items() for name in names.split()}


def test_the_shipped_desk_keeps_people_in_charge_of_everything_with_legal_weight() -> None:
    desk = shipped_desk()
    regulatory = {name: intent for name, intent in desk.intents.items() if intent.queue == "compliance"}
    assert all(intent.regulatory and intent.action is None for intent in regulatory.values())
    assert desk.intents["password_reset"].phase == "selective"


def test_a_label_of_another_desk_goes_to_people_in_the_default_queue() -> None:
    policy = shipped_desk().intent_policy("Thunderbird: passwords and sign in")
    assert (policy.queue, policy.phase, policy.action) == ("general", "intelligence", None)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            "default_queue: general",
            "default_queue: genral",
            ["default_queue: found 'genral'", "access, billing", "did you mean 'general'?"],
            id="unknown queue",
        ),
        pytest.param(
            "invite_user: {queue: access,",
            "invite_user: {queue: acess,",
            ["intents.invite_user.queue: found 'acess'", "did you mean 'access'?"],
            id="unknown queue of an intent",
        ),
        pytest.param(
            "starter: {calendar: office,",
            "starter: {calendar: weekdays,",
            ["plans.starter.calendar: found 'weekdays'", "office, around_the_clock"],
            id="unknown calendar",
        ),
        pytest.param(
            "action: send_invoice_copy,",
            "action: send_invoice,",
            ["intents.invoice_copy.action: found 'send_invoice'", "did you mean 'send_invoice_copy'?"],
            id="unknown action",
        ),
        pytest.param(
            "min_probability: 0.95",
            "min_probability: 0.9",
            ["automation.min_probability: found 0.9", "greater than or equal to 0.95"],
            id="automation under 95 percent",
        ),
        pytest.param(
            "min_path_success: 0.5",
            "min_path_success: 0.2",
            ["automation.min_path_success: found 0.2", "greater than or equal to 0.5"],
            id="a path that mostly fails",
        ),
        pytest.param(
            "escalate_at_share: 0.8",
            "queue: engineers",
            ["deadlines.queue: found 'engineers'", "did you mean 'engineering'?"],
            id="unknown queue of the deadlines",
        ),
        pytest.param(
            "escalate_at_share: 0.8",
            "escalate_at_share: 80",
            ["deadlines.escalate_at_share: found 80", "less than or equal to 1"],
            id="a share in percent",
        ),
        pytest.param(
            "max_frustration: 0.4",
            "max_frustraton: 0.4",
            ["found the unknown key 'max_frustraton'", "did you mean 'max_frustration'?"],
            id="unknown key",
        ),
        pytest.param(
            "    undo: withdraw the link to the copy\n",
            "",
            ["actions.send_invoice_copy.undo: found no such key", "'undo' is required"],
            id="action without undo",
        ),
        pytest.param(
            "phase: selective, action: send_invoice_copy",
            "phase: selective",
            ["intents.invoice_copy: found phase 'selective' without an action", "send_invoice_copy"],
            id="automation without action",
        ),
        pytest.param(
            "languages: [en, de, fr, es, pt]",
            "languages: [en, de, fr, es, pt, it]",
            ["intents.password_reset.phase: found phase 'selective' without a reply in it"],
            id="automation in a language without reply",
        ),
        pytest.param(
            "product_area: privacy, regulatory: true}",
            "product_area: privacy, regulatory: true, phase: selective}",
            ["phase 'selective' is not allowed where technical or regulatory is true"],
            id="legal matters automated",
        ),
        pytest.param(
            "phase: assisted, urgency: high}",
            "phase: asisted, urgency: high}",
            ["found 'asisted'", "'intelligence', 'assisted', 'selective' or 'proactive'"],
            id="unknown phase",
        ),
        pytest.param(
            "time_zone: Europe/Berlin",
            "time_zone: Europe/Bärlin",
            ["calendars.office.time_zone: found 'Europe/Bärlin'", "not a time zone"],
            id="unknown time zone",
        ),
        pytest.param(
            "monday: [08:00-18:00]",
            "monday: [08:00-18:00, 17:00-20:00]",
            ["calendars.office.hours", "monday: working hours overlap"],
            id="overlapping hours",
        ),
        pytest.param(
            "monday: [08:00-18:00]",
            "monday: [22:00-06:00]",
            ["monday: a span must end after it starts"],
            id="night not split",
        ),
        pytest.param(
            "account: relationship}",
            "crisis: general}",
            ["the key 'crisis' twice", "every key once"],
            id="key written twice",
        ),
        pytest.param(
            "account: relationship}",
            "}",
            ["escalation.queues", "no queue for account"],
            id="kind of escalation without queue",
        ),
    ],
)
def test_a_bad_desk_is_refused_with_line_finding_and_remedy(old: str, new: str, said: list[str]) -> None:
    assert old in SHIPPED
    broken = SHIPPED.replace(old, new, 1)
    with pytest.raises(DeskError) as refused:
        parse_desk(broken, "my-desk.yaml")
    message = "\n".join(refused.value.problems)
    assert message.startswith("my-desk.yaml line ")
    for part in said:
        assert part in message


def test_the_line_named_is_the_line_to_correct() -> None:
    broken = SHIPPED.replace("max_frustration: 0.4", "max_frustration: calm", 1)
    with pytest.raises(
        DeskError, match=rf"line {line_of(broken, 'max_frustration')}: automation.max_frustration"
    ):
        parse_desk(broken)


def test_every_problem_is_named_at_once() -> None:
    broken = SHIPPED.replace("min_probability: 0.95", "min_probability: 0.5").replace(
        "  goodwill:", "  # goodwill:"
    )
    with pytest.raises(DeskError) as refused:
        parse_desk(broken)
    assert len(refused.value.problems) == 2


@pytest.mark.parametrize("text", ["", "[]", "just words", "brand: [", "a: 1\na: 2"])
def test_text_that_is_no_desk_at_all_is_refused_in_the_same_form(text: str) -> None:
    with pytest.raises(DeskError, match=r"desk\.yaml line \d+:"):
        parse_desk(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeskError, match=r"nowhere\.yaml: cannot be read"):
        load_desk(tmp_path / "nowhere.yaml")


def test_a_desk_adds_its_own_wordings_to_the_shipped_ones() -> None:
    desk = parse_desk(
        SHIPPED + "\nphrases:\n  human_request:\n    asks: {it: ['parlare con una? persona']}\n"
    )
    assert desk.phrases.human_request.found_in(" vorrei parlare con una persona ")
    assert set(desk.phrases.human_request.asks) == {"en", "de", "fr", "es", "pt", "it"}
    assert desk.phrases.regulatory == shipped_desk().phrases.regulatory


def test_a_wording_that_would_match_everything_is_refused_with_its_line() -> None:
    broken = SHIPPED + "\nphrases:\n  human_request:\n    asks:\n      en:\n        - human?\n"
    with pytest.raises(DeskError, match=rf"line {broken.count(chr(10))}: .*would match every text"):
        parse_desk(broken)
