"""The benchmark of escalations on anybody's texts: counts, and files that are not what they should be."""

from pathlib import Path

import pandas as pd
import pytest

from pipelines.benchmarks.escalation import measure, read_texts, report
from pipelines.legal_weight import read_examples
from tests.models.test_legal_weight import learnt
from tests.policy.examples import shipped_desk


def test_shares_are_counted_by_call_label_and_language(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(
        "text,label,language\n"
        "Please delete all my personal data.,regulatory,en\n"
        "Rainbows are nice.,regulatory,en\n"
        "Where is my invoice?,ordinary,en\n"
        "Mein Anwalt wird sich bei Ihnen melden.,regulatory,de\n",
        encoding="utf-8",
    )
    found = measure(read_texts(file)[0], shipped_desk(), None)
    english, everywhere = found["by_language"]["en"]["escalated"], found["all"]["escalated"]
    assert (english["recall"]["found"], everywhere["recall"]["texts"]) == (1, 3)
    assert everywhere["false_positives"]["share"] == 0
    assert found["by_language"]["de"]["escalated"]["false_positives"]["share"] is None
    assert "2/3 = 66.7%" in report(found)


def test_what_is_only_perhaps_a_request_counts_as_never_automated() -> None:
    texts = ["Erase all you hold about me.", "Make it as if we had never met.", "Where is my invoice?"]
    frame = pd.DataFrame({"text": texts, "label": ["regulatory", "regulatory", "ordinary"]})
    found = measure(frame, shipped_desk(), learnt().model)["all"]
    assert found["escalated"]["recall"]["found"] <= found["never_automated"]["recall"]["found"] == 2
    assert measure(frame.iloc[1:], shipped_desk(), None)["all"]["never_automated"]["recall"]["found"] == 0


def test_what_the_model_learnt_from_is_not_measured(tmp_path: Path) -> None:
    seen = read_examples().iloc[[0, -1]][["text", "label"]]
    unseen = pd.DataFrame({"text": ["Quite another text."], "label": ["ordinary"]})
    pd.concat([seen, unseen]).to_csv(tmp_path / "mixed.csv", index=False)
    frame, left_out = read_texts(tmp_path / "mixed.csv")
    assert (frame["text"].tolist(), left_out) == (["Quite another text."], 2)
    seen.to_csv(tmp_path / "seen.csv", index=False)
    with pytest.raises(ValueError, match="every text is an example"):
        read_texts(tmp_path / "seen.csv")


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
    frame = pd.DataFrame({"text": ["Where is it?"], "label": ["ordinary"]})
    assert measure(frame, shipped_desk(), None)["by_language"] == {}
