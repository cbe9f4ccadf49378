"""Every vendor format that a mapping may name has its unfold, and pages of an API are read as saved."""

from typing import get_args

import pytest

from connectors.formats import unfold_of
from connectors.mapping.file import Format, RawFile
from connectors.shapes import ShapeError

PLAIN = {"csv", "json", "jsonl", "parquet", "labels"}
VENDORS = sorted(set(get_args(Format)) - PLAIN)


def raw_file(name: str) -> RawFile:
    return RawFile.model_validate({"file": "x", "format": name})


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendors_format_refuses_what_is_not_its_object_with_its_name(name: str) -> None:
    vendor = name.partition("_")[0]
    with pytest.raises(ShapeError, match=f"(?i)^{vendor} "):
        list(unfold_of(raw_file(name))({"unexpected": 1}))


@pytest.mark.parametrize("name", sorted(PLAIN - {"labels"}))
def test_other_formats_pass_records_unchanged(name: str) -> None:
    record = {"id": 1, "tickets": [{"id": 2}], "attributes": {}}
    assert list(unfold_of(raw_file(name))(record)) == [record]


def test_a_page_is_its_records_and_an_object_with_an_id_is_no_page() -> None:
    unfold = unfold_of(raw_file("salesforce_accounts"))
    page = {"totalSize": 2, "done": True, "records": [{"Id": "1", "attributes": {}}, {"Id": "2"}]}
    assert list(unfold(page)) == [{"Id": "1"}, {"Id": "2"}]
    tickets = unfold_of(raw_file("zendesk_tickets"))
    with_field = {"id": 1, "created_at": "2026-01-01T00:00:00Z", "tickets": [{"id": 2}]}
    assert [row["id"] for row in tickets(with_field)] == [1]


def test_a_page_with_a_broken_record_is_one_clear_error() -> None:
    with pytest.raises(ShapeError, match="without id"):
        list(unfold_of(raw_file("zendesk_tickets"))({"tickets": [{"created_at": "2026-01-01T00:00:00Z"}]}))
    with pytest.raises(ShapeError, match="not a list of objects"):
        list(unfold_of(raw_file("zendesk_tickets"))({"tickets": [1]}))
