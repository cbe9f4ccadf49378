"""Other people's labelled texts: what is wrong with them is said by name, before anything is trained."""

from pathlib import Path

import pandas as pd
import pytest

from pipelines.benchmarks.tables import (
    DATASETS_SETTING,
    PRESETS,
    BenchmarkDataError,
    LabelledTexts,
    checked,
    few_examples,
    named_set,
    read_texts,
)

TRAIN = pd.DataFrame({"text": [f"text {i}" for i in range(12)], "label": list("aab" * 4)})


@pytest.mark.parametrize(
    ("hazard", "content", "named"),
    [
        (
            "no label column",
            "text,category\nhello,a\n",
            "lacks the column 'label'; found .'text', 'category'.",
        ),
        ("no columns at all", "", "cannot be read as CSV"),
        ("a header only", "text,label\n", "has a header but no row"),
        (
            "an empty text",
            "text,label\nhello,a\n  ,b\n",
            "1 rows have an empty 'text', the first is data row 2",
        ),
        ("an empty label", "text,label\nhello,\n", "1 rows have an empty 'label'"),
        ("a row too long", "text,label\na,b\nc,d,e,f\n", "cannot be read as CSV"),
        ("not UTF-8", b"text,label\n\xff\xfe,a\n", "cannot be read as CSV in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_name(tmp_path, hazard, content, named):
    path = tmp_path / "theirs.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BenchmarkDataError, match=named) as refused:
        read_texts(path)
    assert "theirs.csv" in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BenchmarkDataError, match=r"nowhere\.csv not found"):
        read_texts(tmp_path / "nowhere.csv")


def test_words_that_pandas_takes_for_nothing_are_texts_and_labels(tmp_path):
    (tmp_path / "a.csv").write_text("\ufefftext,label\nNA,null\nNone,nan\n", encoding="utf-8")
    assert read_texts(tmp_path / "a.csv").to_numpy().tolist() == [["NA", "null"], ["None", "nan"]]


def test_texts_out_of_scope_need_no_label(tmp_path):
    (tmp_path / "a.csv").write_text("text\nhello\n", encoding="utf-8")
    assert read_texts(tmp_path / "a.csv", needs_label=False)["text"].tolist() == ["hello"]


def test_one_label_is_too_few():
    with pytest.raises(BenchmarkDataError, match=r"one label, \['a'\]"):
        checked(LabelledTexts("x", TRAIN[TRAIN["label"] == "a"], TRAIN))


@pytest.mark.parametrize("part", ["test", "validation"])
def test_labels_that_train_lacks_are_named(part):
    strange = pd.DataFrame({"text": ["x"], "label": ["refund"]})
    parts = {"test": TRAIN, "validation": TRAIN, part: strange}
    with pytest.raises(BenchmarkDataError, match=f"the {part} texts have labels .* lack: refund"):
        checked(LabelledTexts("x", TRAIN, **parts))


def test_few_examples_are_as_many_of_each_label_and_differ_with_the_seed():
    drawn = few_examples(TRAIN, 3, seed=0)
    assert drawn["label"].value_counts().to_dict() == {"a": 3, "b": 3}
    assert few_examples(TRAIN, 3, seed=0).equals(drawn)
    assert not few_examples(TRAIN, 3, seed=1).equals(drawn)
    assert len(few_examples(TRAIN, 100, seed=0)) == len(TRAIN)


def test_a_preset_without_its_data_says_which_setting_is_missing(monkeypatch, tmp_path):
    monkeypatch.delenv(DATASETS_SETTING, raising=False)
    with pytest.raises(BenchmarkDataError, match=f"set {DATASETS_SETTING}"):
        named_set(PRESETS[0])
    monkeypatch.setenv(DATASETS_SETTING, str(tmp_path))
    with pytest.raises(BenchmarkDataError, match="must hold the folder banking77"):
        named_set("banking77_10shot")


def _datasets() -> Path | None:
    import os

    root = os.environ.get(DATASETS_SETTING)
    return Path(root) if root else None


@pytest.mark.skipif(_datasets() is None, reason=f"{DATASETS_SETTING} is not set: no public sets here")
@pytest.mark.parametrize(
    ("preset", "train", "test", "validation", "strange", "labels"),
    [
        ("banking77", 10_003, 3_080, None, None, 77),
        ("clinc150", 15_000, 4_500, 3_000, 1_000, 150),
        ("banking77_oos", 5_905, 2_000, 1_506, 1_080, 50),
    ],
)
def test_a_public_set_has_the_size_its_authors_name(preset, train, test, validation, strange, labels):
    found = named_set(preset)
    assert (len(found.train), len(found.test), found.train["label"].nunique()) == (train, test, labels)
    assert (None if found.validation is None else len(found.validation)) == validation
    assert (None if found.out_of_scope is None else len(found.out_of_scope)) == strange
