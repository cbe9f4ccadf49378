"""Other people's labelled texts: what is wrong with them is said by name, before anything is trained."""

import pandas as pd
import pytest

from pipelines.benchmarks.tables import (
    BenchmarkDataError,
    LabelledTexts,
    checked,
    few_examples,
    named_set,
    read_texts,
)
from pipelines.datasets import DATASETS_SETTING, dataset_folder

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
    monkeypatch.setenv(DATASETS_SETTING, str(tmp_path))
    with pytest.raises(BenchmarkDataError, match=f"'banking77'.*set {DATASETS_SETTING} .* holds banking77/"):
        named_set("banking77")
    (tmp_path / "project").mkdir()
    (tmp_path / "shared" / "datasets" / "banking77").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delenv(DATASETS_SETTING)
    assert dataset_folder("banking77") == (tmp_path / "shared/datasets/banking77").resolve(), (
        "beside the project"
    )


def _is_here(name: str) -> bool:
    try:
        return dataset_folder(name).is_dir()
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not _is_here("banking77"), reason=f"no public sets: set {DATASETS_SETTING}")
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
