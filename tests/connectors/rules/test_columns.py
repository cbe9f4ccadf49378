"""What a mapping does with raw cells, row by row, from a raw file to canonical values."""

from typing import Any

import pandas as pd
import pytest

from connectors.mapping.recipes import RECEIVED_AT, Recipe
from connectors.rules.columns import Reading, matches, recipe_values
from connectors.rules.verdicts import Verdicts
from features.schema import Kind

ROWS = pd.DataFrame(
    {
        "number": ["7", "8", None],
        "step": ["1", None, "3"],
        "day": ["31.12.2026", "1.1.2027", "soon"],
        "price": ["1.234,50 €", "12,00", "1,2,3"],
        "huge": ["9007199254740993", "1e300", "3"],
        "text": ["<p>A &amp; B</p>", "plain", None],
        "tags": ["a; b;;a", None, "c"],
        RECEIVED_AT: ["2027-02-01T00:00:00Z"] * 3,
    }
).astype("str")
READING = Reading({"team": {"7": "access"}}, "Europe/Berlin", has_header=True, where="t.csv")


def made(recipe: Any, kind: Kind = "string", name: str = "value") -> tuple[list[Any], list[str]]:
    verdicts = Verdicts(len(ROWS))
    shaped = (
        recipe
        if isinstance(recipe, dict) and {"first_of", "all_of", "concat"} & set(recipe)
        else {"first_of": recipe}
    )
    values = recipe_values(Recipe.model_validate(shaped), kind, ROWS, READING, verdicts, name)
    return [None if not isinstance(v, list) and pd.isna(v) else v for v in values], list(verdicts.rejected)


@pytest.mark.parametrize(
    ("what", "recipe", "kind", "expected"),
    [
        ("several columns as one text", {"concat": ["number", "step"]}, "string", ["7 1", "8", "3"]),
        ("with a separator", {"concat": ["number", {"value": "x"}], "separator": "-"}, "string",
         ["7-x", "8-x", "x"]),
        ("a prefix only before a value", {"from": "number", "prefix": "a:"}, "string", ["a:7", "a:8", None]),
        ("HTML as text", {"from": "text", "html": True}, "string", ["A & B", "plain", None]),
        ("the first that yields a value", ["step", "number"], "string", ["1", "8", "3"]),
        ("a list of parts, each once", {"all_of": [{"from": "tags", "split": ";"}, "number"]}, "list",
         [["a", "b", "7"], ["8"], ["c"]]),
        ("a look-up", {"from": "number", "lookup": "team", "unmapped": "keep"}, "string",
         ["access", "8", None]),
        ("when the file was received", {"received": True}, "time",
         [pd.Timestamp("2027-02-01", tz="UTC")] * 3),
        ("a delay", {"received": True, "delay": "2h"}, "time",
         [pd.Timestamp("2027-02-01T02:00", tz="UTC")] * 3),
        ("a column that may be absent", {"from": "nowhere", "default": "d"}, "string", ["d"] * 3),
    ],
)  # fmt: skip
def test_values(what: str, recipe: Any, kind: Kind, expected: list[Any]) -> None:
    assert made(recipe, kind) == (expected, ["", "", ""]), what


@pytest.mark.parametrize(
    ("hazard", "recipe", "kind", "expected", "rejected"),
    [
        ("numbers as people write them", {"from": "price", "decimal": ",", "scale": 100}, "int",
         [123450, 1200, None],
         ["", "", "value: not a number"]),
        ("numbers beyond what a float holds", {"from": "huge"}, "int", [9007199254740992, None, 3],
         ["", "value: too large a number", ""]),
        ("times in a format and a zone", {"from": "day", "time_format": "%d.%m.%Y"}, "time",
         [pd.Timestamp("2026-12-30T23:00", tz="UTC"), pd.Timestamp("2026-12-31T23:00", tz="UTC"), None],
         ["", "", "value: not a time"]),
        ("a label nobody knows", {"from": "step", "map": {"1": "low"}}, "string", ["low", None, None],
         ["", "", "value: value not in its map"]),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_rejected_row_by_row(
    hazard: str, recipe: Any, kind: Kind, expected: list[Any], rejected: list[str]
) -> None:
    assert made([recipe], kind) == (expected, rejected), hazard


def test_an_id_with_an_empty_part_is_no_id() -> None:
    """Otherwise ("1", "", "2") and ("1", "2", "") would be one thing."""
    assert made({"concat": ["number", "step"], "separator": "/"}, name="event_id")[0] == ["7/1", None, None]


@pytest.mark.parametrize(
    ("what", "condition", "expected"),
    [
        ("one of the values", {"number": ["7", "9"]}, [True, False, False]),
        ("an empty cell", {"step": [""]}, [False, True, False]),
        ("all columns", {"number": ["7"], "step": ["3"]}, [False, False, False]),
        ("any letter case", {"text": ["PLAIN"]}, [False, True, False]),
        ("nothing asked", {}, [True, True, True]),
    ],
)
def test_conditions(what: str, condition: dict[str, list[str]], expected: list[bool]) -> None:
    assert matches(ROWS, condition, READING).tolist() == expected, what
