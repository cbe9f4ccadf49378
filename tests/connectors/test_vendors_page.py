"""docs/vendors.md says what the code does: templates are read, formats exist, the configuration loads."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import yaml

from connectors.freshdesk.webhook import parse as parse_freshdesk
from connectors.live.write_back import WriteBack
from connectors.mapping.file import Format
from connectors.zendesk.webhook import parse as parse_zendesk
from connectors.zendesk.write_back import calls
from tests.connectors.write_backs import decision

PAGE = Path("docs/vendors.md").read_text(encoding="utf-8")
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def block(marker: str, language: str) -> str:
    found = re.search(rf"<!-- {marker} -->\n```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_every_vendor_format_is_described_and_no_other() -> None:
    table = PAGE.partition("## Raw formats")[2].partition("## Mappings")[0]
    described = set(re.findall(r"`((?:zendesk|freshdesk|intercom|salesforce)_\w+)`", table))
    assert described == {name for name in get_args(Format) if "_" in name}


def test_template_of_a_zendesk_trigger_is_read() -> None:
    body = block("template: zendesk", "json").replace("{{ticket.id}}", "35436")
    body = body.replace("{{ticket.created_at_with_timestamp}}", "2026-05-20T14:00:00Z")
    [ticket] = parse_zendesk(body.replace("{{ticket.via}}", "Mail").encode()).records["zendesk_tickets"]
    assert (ticket["id"], ticket["via"]["channel"]) == ("35436", "email")
    assert ticket["custom_fields"] == [{"id": 27642, "value": "{{ticket.ticket_field_27642}}"}]


def test_template_of_a_zendesk_rating_is_read() -> None:
    body = block("template: zendesk rating", "json").replace("{{ticket.id}}", "35436")
    told = parse_zendesk(body.replace("{{satisfaction.current_rating}}", "Bad").encode(), NOW)
    [audit] = told.records["zendesk_ticket_events"]
    assert audit["child_events"][0]["satisfaction_score"] == "bad"
    assert (audit["ticket_id"], audit["timestamp"]) == ("35436", NOW.timestamp())


def test_template_of_a_freshdesk_rule_is_read() -> None:
    body = block("template: freshdesk", "json").replace("{{ticket.id}}", "INC-20")
    created = body.replace("{{triggered_event}}", "{ticket_action:created}").encode()
    [ticket] = parse_freshdesk(created, NOW).records["freshdesk_tickets"]
    assert (ticket["id"], ticket["requester"]["email"]) == (20, "{{ticket.requester.email}}")
    replied = body.replace("{{triggered_event}}", "{reply_sent:sent}").encode()
    assert list(parse_freshdesk(replied, NOW).records) == ["freshdesk_conversations"]


def test_configuration_writes_a_decision() -> None:
    config = WriteBack.model_validate(yaml.safe_load(block("configuration", "yaml")))
    update, tags = calls(decision(), config)
    assert update.body["ticket"]["group_id"] == 360001
    assert tags.body == {"tags": ["firstline_assist"]}
