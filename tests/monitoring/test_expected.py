"""A release's own manifest says what it may get wrong; what that does not say is unknown, not nothing."""

import json

import pytest

from monitoring.promised import expected_errors, learnt_tickets


@pytest.mark.parametrize(
    ("intent", "errors", "learnt"),
    [
        (
            {
                "agents": {"accuracy": 0.75},
                "automation": {"agents": {"precision": 0.875}},
                "learnt": {"tickets": 900},
            },
            {"intent": 0.25, "automated": 0.125},
            900,
        ),
        (
            {"agents": {"accuracy": 0.75}, "automation": {"agents": {"precision": None}}},
            {"intent": 0.25},
            None,
        ),
        ({}, {}, None),
    ],
    ids=["all is known", "nothing was automated", "made by an older version"],
)
def test_a_manifest_says_what_is_expected(tmp_path, intent, errors, learnt):
    folder = tmp_path / "r1"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"metrics": {"intent": intent}}))
    assert expected_errors(tmp_path, "r1") == errors
    assert learnt_tickets(tmp_path, "r1") == learnt


def test_a_release_that_is_not_installed_has_no_expectation(tmp_path):
    assert expected_errors(tmp_path, "gone") == {}
    assert learnt_tickets(tmp_path, None) is None
