"""Ids that are written differently in two files join nothing, and that is said."""

import pytest

from connectors.intake.take_in import take_in
from connectors.mapping.file import parse_mapping
from tests.connectors.exports import WriteFolder

HOW = """
about: tickets and accounts
sources:
  - file: tickets.csv
    format: csv
    tables:
      - table: tickets
        columns: {ticket_id: id, known_at: at, created_at: at, account_id: RECIPE, body: text}
  - file: accounts.csv
    format: csv
    tables:
      - table: accounts
        columns: {account_id: id, known_at: at, plan: plan}
"""


@pytest.mark.parametrize(
    ("hazard", "firms", "accounts", "recipe", "said"),
    [
        ("a data frame's numbers", ["1.0", "2.0"], ["1", "2"], "firm", "only 0 of the 2 different ids"),
        ("and mended", ["1.0", "2.0"], ["1", "2"], "{from: firm, whole: true}", None),
        (
            "a prefix on one side",
            ["1", "2"],
            ["A1", "A2"],
            "firm",
            "('1' is not; accounts has ids like 'A1')",
        ),
        ("some customers without a row", ["1", "2", "9"], ["1", "2"], "firm", None),
        ("many tickets of one customer", ["1", "1", "1", "7", "8"], ["1"], "firm", "only 1 of the 3"),
        ("tickets without a customer", ["", ""], ["1"], "firm", None),
        ("no accounts", ["1"], [], "firm", None),
    ],
)
def test_ids_that_do_not_meet_are_told(
    write_folder: WriteFolder, hazard: str, firms: list[str], accounts: list[str], recipe: str, said: str
) -> None:
    tickets = "".join(f"{number},2026-01-01,{firm},x\n" for number, firm in enumerate(firms))
    folder = write_folder(
        {
            "tickets.csv": "id,at,firm,text\n" + tickets,
            "accounts.csv": "id,at,plan\n" + "".join(f"{one},2026-01-01,pro\n" for one in accounts),
        }
    )
    notes = take_in(folder, parse_mapping(HOW.replace("RECIPE", recipe), "x"), print).notes
    told = [note for note in notes if "different ids" in note]
    assert len(told) == (said is not None), hazard
    assert said is None or said in told[0], hazard
