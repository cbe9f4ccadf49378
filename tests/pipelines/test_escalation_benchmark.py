"""The benchmark of escalations on anybody's texts: counts, and files that are not what they should be."""

from pathlib import Path

import pandas as pd
import pytest

from pipelines.benchmarks.escalation import measure, read_texts, report


def test_shares_are_counted_by_label_and_language(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(
        "text,label,language\n"
        "Please delete all my personal data.,regulatory,en\n"
        "Rainbows are nice.,regulatory,en\n"
        "Where is my invoice?,ordinary,en\n"
        "Mein Anwalt wird sich bei Ihnen melden.,regulatory,de\n",
        encoding="utf-8",
    )
    found = measure(read_texts(file))
    assert (found["by_language"]["en"]["recall"]["found"], found["all"]["recall"]["texts"]) == (1, 3)
    assert found["all"]["false_positives"]["share"] == 0
    assert found["by_language"]["de"]["false_positives"]["share"] is None
    assert "2/3 = 66.7%" in report(found)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        pytest.param("text\na\n", "no column label", id="column"),
        pytest.param("text,label\na,legal\n", "row 2: label 'legal', expected 'regulatory' or", id="label"),
        pytest.param("text,label\n ,ordinary\n", "row 2: text ' '", id="empty text"),
        pytest.param("text,label\n", "no row", id="no row"),
    ],
)
def test_a_file_that_is_not_labelled_texts_is_refused(tmp_path: Path, written: str, message: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(written, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_texts(file)


def test_texts_without_a_language_are_one_group() -> None:
    found = measure(pd.DataFrame({"text": ["Where is it?"], "label": ["ordinary"]}))
    assert found["by_language"] == {}
