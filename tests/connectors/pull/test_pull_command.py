"""``firstline pull`` as a person uses it: options, exit statuses, what is printed and delivered."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import firstline
from connectors.deliveries import read_deliveries, sha256
from connectors.pull.command import PullError
from connectors.pull.vendors import VENDORS
from tests.connectors.pull.conftest import World, world_of
from tests.connectors.pull.desks import Freshdesk
from tests.connectors.pull.stub import NOW, status


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.chdir(tmp_path)
    freshdesk = Freshdesk()
    freshdesk.fill(7)
    with world_of(freshdesk, tmp_path) as world:
        for name, value in freshdesk.environment.items():
            monkeypatch.setenv(name, value)
        yield world


def command(desk: World, *options: str) -> Result:
    given = ["pull", "freshdesk", "--name", "acme", "--address", desk.stub.address, *options]
    return CliRunner().invoke(firstline.app, given)


def test_a_pull_says_what_it_wrote_and_what_to_do_next(desk: World):
    done = command(desk, "--only", "tickets")
    assert done.exit_code == 0
    assert "tickets" in done.stdout
    assert "next: firstline ingest data/acme --mapping connectors/mappings/freshdesk.yaml" in done.stdout


def test_json_is_the_same_for_programs(desk: World):
    done = command(desk, "--only", "tickets", "--json")
    outcome = json.loads(done.stdout)
    assert outcome["exit_status"] == 0
    (tickets,) = outcome["streams"]
    assert (tickets["stream"], tickets["records"], tickets["finished"]) == ("tickets", 7, True)
    assert [path.name for path in desk.files] == tickets["files"]


def test_an_address_may_come_from_the_environment(desk: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FIRSTLINE_FRESHDESK_ADDRESS", desk.stub.address)
    done = CliRunner().invoke(firstline.app, ["pull", "freshdesk", "--name", "acme", "--only", "tickets"])
    assert done.exit_code == 0


def test_a_failing_vendor_is_exit_status_3(desk: World):
    desk.stub.fail(status(429, "{}", Retry_After="86400"), at=desk.desk.path)
    done = command(desk, "--only", "tickets")
    assert done.exit_code == 3
    assert "run the same command again" in done.stderr


def test_a_refused_key_is_exit_status_1(desk: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FIRSTLINE_FRESHDESK_API_KEY", "wr0ng")
    done = command(desk)
    assert done.exit_code == 1
    assert "FIRSTLINE_FRESHDESK_API_KEY" in done.stderr
    assert "wr0ng" not in done.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"vendor": "zenddesk"}, "one of zendesk, freshdesk, intercom, salesforce"),
        ({"name": "../elsewhere"}, "not a folder name"),
        ({"name": ""}, "not a folder name"),
        ({"only": ("calls",)}, "tickets"),
        ({"since": "last tuesday"}, "2025-01-31"),
        ({"since": "2031-01-01"}, "future"),
        ({"page_size": 0}, "at least 1"),
        ({"address": "http://acme.freshdesk.com"}, "not encrypted"),
        ({"address": None}, "FIRSTLINE_FRESHDESK_ADDRESS"),
    ],
)
def test_a_wrong_option_is_named_before_anything_is_asked(desk: World, options: dict[str, object], said: str):
    from connectors.pull.command import pull

    given = {"vendor": "freshdesk", "name": "acme", "address": desk.stub.address, **options}
    with pytest.raises(PullError, match=said):
        pull(**given, environment=desk.desk.environment)  # type: ignore[arg-type]
    assert desk.stub.requests == []


def test_two_pulls_at_a_time_do_not_mix(desk: World):
    from connectors.pull.ledger import Ledger

    with (
        Ledger(desk.folder / "state" / "pull" / "acme" / "freshdesk.sqlite"),
        pytest.raises(PullError, match="another pull is running"),
    ):
        desk.pull()


def test_each_pull_that_brought_something_is_a_delivery(desk: World):
    desk.pull(only=("tickets", "companies"))
    desk.pull(only=("tickets", "companies"))
    desk.desk.change(desk.desk.tickets[0], NOW - timedelta(minutes=1))
    desk.pull(only=("tickets", "companies"))
    data = desk.folder / "data" / "acme"
    first, second = read_deliveries(data)
    assert {**first.files, **second.files} == {f"freshdesk/{path.name}": sha256(path) for path in desk.files}
    assert first.received_at == NOW + timedelta(seconds=1)
    assert second.received_at == NOW + timedelta(seconds=3)


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_list_has_a_name_that_files_can_be_found_by(vendor: str):
    names = [stream.name for stream in VENDORS[vendor].streams(None)]
    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").isalpha() and name.islower() for name in names)
