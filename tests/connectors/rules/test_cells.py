"""Numbers and times as people and systems write them."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.rules import cells


@pytest.mark.parametrize(
    ("hazard", "text", "decimal", "expected"),
    [
        ("plain", "12.5", None, 12.5),
        ("exponent", "1e3", None, 1000),
        ("thousands without saying so", "1,234", None, None),
        ("decimal comma without saying so", "12,5", None, None),
        ("infinite", "inf", None, None),
        ("decimal comma", "12,5", ",", 12.5),
        ("German thousands", "1.234.567,89", ",", 1234567.89),
        ("French thousands", "1 234\u202f567,89", ",", 1234567.89),
        ("Swiss thousands", "1'234.50", ".", 1234.5),
        ("English thousands", "1,234.50", ".", 1234.5),
        ("negative", "-1.234,5", ",", -1234.5),
        ("currency sign", "€ 1.234,50", ",", 1234.5),
        ("currency behind", "1.234,50 EUR", ",", 1234.5),
        ("digits in no groups of three", "1.23", ",", None),
        ("the other country's number", "1,234.50", ",", None),
        ("two decimal signs", "1,5,0", ",", None),
        ("words", "about 3", ",", None),
        ("nothing", None, ",", None),
    ],
)
def test_numbers(hazard: str, text: str | None, decimal: str | None, expected: float | None) -> None:
    (found,) = cells.numbers(pd.Series([text], dtype="str"), decimal)  # type: ignore[arg-type]
    assert (None if pd.isna(found) else found) == expected, hazard


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("123.0", "123"),
        ("123,00", "123"),
        ("-1.0", "-1"),
        ("007.0", "007"),
        ("12345678901234567890.0", "12345678901234567890"),
        ("123.50", "123.50"),
        ("1.0.0", "1.0.0"),
        ("v1.0", "v1.0"),
        (None, None),
    ],
)
def test_ids_that_were_made_numbers(text: str | None, expected: str | None) -> None:
    (found,) = cells.whole(pd.Series([text], dtype="str"))
    assert (None if pd.isna(found) else found) == expected


@pytest.mark.parametrize(
    ("hazard", "text", "formats", "zone", "expected"),
    [
        ("day first", "1/2/2026", ["%d/%m/%Y"], "UTC", "2026-02-01"),
        ("first format that fits", "2026-02-01", ["%d/%m/%Y", "iso"], "UTC", "2026-02-01"),
        ("second format", "1.2.2026 09:05", ["iso", "%d.%m.%Y %H:%M"], "UTC", "2026-02-01T09:05"),
        ("a spreadsheet's days", "45658.5", ["excel"], "UTC", "2025-01-01T12:00"),
        ("and its decimal comma, in winter", "45658,395833", ["excel"], "Europe/Berlin",
         "2025-01-01T08:29:59.971"),
        ("whole days", "45658", ["excel"], "Asia/Tokyo", "2024-12-31T15:00"),
        ("a leap day that was none", "60", ["excel"], "UTC", None),
        ("a number too large for a date", "2958466", ["excel"], "UTC", None),
        ("seconds taken for days", "1735725600", ["excel"], "UTC", None),
        ("no format fits", "Feb 1st", ["iso", "%d.%m.%Y"], "UTC", None),
        ("morning and evening", "02/01/2026 09:05 PM", ["%m/%d/%Y %I:%M %p"], "UTC", "2026-02-01T21:05"),
        ("year at the end is no offset", "01-12-2026", ["%d-%m-%Y"], "Europe/Berlin", "2026-11-30T23:00"),
        ("offset in the format", "01.12.2026 10:00 +0100", ["%d.%m.%Y %H:%M %z"], "UTC", "2026-12-01T09:00"),
        ("name of a zone", "2026-12-01 10:00:00 UTC", ["%Y-%m-%d %H:%M:%S %Z"], "Asia/Tokyo",
         "2026-12-01T10:00"),
        ("iso date in a zone", "2026-12-01", [], "Europe/Berlin", "2026-11-30T23:00"),
        ("iso offset wins", "2026-12-01T10:00+05:30", [], "Europe/Berlin", "2026-12-01T04:30"),
        ("seconds too many for a calendar", "9e18", ["unix"], "UTC", None),
        ("year 10000", "10000-01-01", [], "UTC", None),
        ("day that is none", "2026-02-30", [], "UTC", None),
        ("nothing", None, ["iso", "unix"], "UTC", None),
    ],
)  # fmt: skip
def test_times(hazard: str, text: str | None, formats: list[str], zone: str, expected: str | None) -> None:
    (found,) = cells.times(pd.Series([text], dtype="str"), formats, zone)
    assert found is pd.NaT if expected is None else found == pd.Timestamp(expected, tz="UTC"), (hazard, found)


@given(st.lists(st.none() | st.text(max_size=12), max_size=8), st.sampled_from([None, ".", ","]))
def test_no_text_breaks_the_reading(texts: list[str | None], decimal: str | None) -> None:
    values = pd.Series(texts, dtype="str")
    assert len(cells.numbers(values, decimal)) == len(texts)  # type: ignore[arg-type]
    read = cells.times(values, ["iso", "unix", "%d.%m.%Y"], "Europe/Berlin")
    assert str(read.dtype) == "datetime64[us, UTC]"


@given(st.integers(-(10**9), 10**9), st.sampled_from([".", ","]))
def test_a_number_written_with_separators_is_that_number(number: int, decimal: str) -> None:
    other = "," if decimal == "." else "."
    written = f"{number:,}".replace(",", other) + f"{decimal}25"
    (found,) = cells.numbers(pd.Series([written], dtype="str"), decimal)  # type: ignore[arg-type]
    assert found == pytest.approx(number + (0.25 if number >= 0 else -0.25))
