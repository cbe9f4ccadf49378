"""Labelled texts for a benchmark: anybody's CSV files, or a named public set under ``FIRSTLINE_DATASETS``."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipelines.datasets import dataset_folder

TEXT, LABEL = "text", "label"


class BenchmarkDataError(ValueError):
    """The data of a benchmark cannot be used; names the file, what was found, and the fix."""


@dataclass(frozen=True)
class LabelledTexts:
    """Frames with the columns ``text`` and ``label``; ``out_of_scope`` has no labels that count.

    ``name`` stands in reports. ``validation`` and ``out_of_scope`` stay out of training.
    """

    name: str
    train: pd.DataFrame
    test: pd.DataFrame
    validation: pd.DataFrame | None = None
    out_of_scope: pd.DataFrame | None = None


def read_texts(path: Path, needs_label: bool = True) -> pd.DataFrame:
    """Columns ``text`` and ``label`` of a CSV file (UTF-8). Raises ``BenchmarkDataError``."""
    wanted = [TEXT, LABEL] if needs_label else [TEXT]
    try:
        frame = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError:
        raise BenchmarkDataError(f"{path} not found: give the path of a CSV file") from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise BenchmarkDataError(f"{path} cannot be read as CSV in UTF-8: {error}") from error
    lacking = [name for name in wanted if name not in frame]
    if lacking:
        raise BenchmarkDataError(
            f"{path} lacks the column {', '.join(map(repr, lacking))}; found {list(frame.columns)}: "
            f"the header must name {' and '.join(map(repr, wanted))}"
        )
    if frame.empty:
        raise BenchmarkDataError(f"{path} has a header but no row: give at least one text")
    for name in wanted:
        blank = frame[name].str.strip() == ""
        if blank.any():
            raise BenchmarkDataError(
                f"{path}: {int(blank.sum())} rows have an empty {name!r}, the first is data row "
                f"{int(blank.to_numpy().argmax()) + 1}: fill it in or leave the row out"
            )
    return frame[wanted] if needs_label else frame[wanted].assign(label="")


def checked(texts: LabelledTexts) -> LabelledTexts:
    """The same texts; raises ``BenchmarkDataError`` where they cannot tell anything."""
    known = sorted(texts.train[LABEL].unique())
    if len(known) < 2:
        raise BenchmarkDataError(f"the training texts have one label, {known}: two at least are needed")
    for name, part in (("test", texts.test), ("validation", texts.validation)):
        strange = sorted(set(part[LABEL]) - set(known)) if part is not None else []
        if strange:
            raise BenchmarkDataError(
                f"the {name} texts have labels that the training texts lack: {', '.join(strange[:20])}"
                f"{f' and {len(strange) - 20} more' if len(strange) > 20 else ''}; texts that fit no label "
                "belong into --out-of-scope"
            )
    return texts


def few_examples(frame: pd.DataFrame, per_label: int, seed: int) -> pd.DataFrame:
    """``per_label`` random rows of each label (all, where there are fewer), in the order of ``frame``."""
    shuffled = frame.sample(frac=1, random_state=seed)
    return frame.loc[sorted(shuffled.groupby(LABEL).head(per_label).index)]


def named_set(name: str) -> LabelledTexts:
    """A public set by its preset's name. Raises ``BenchmarkDataError`` where it is not there."""
    return checked(_READERS[name](preset_folder({"banking77_10shot": "banking77"}.get(name, name))))


def preset_folder(name: str) -> Path:
    """The folder of a public set. Raises ``BenchmarkDataError`` where it is not there."""
    try:
        return dataset_folder(name)
    except FileNotFoundError as error:
        raise BenchmarkDataError(f"preset {name!r}: {error}") from error


def _banking77(folder: Path) -> LabelledTexts:
    train, test = (
        pd.read_csv(folder / f"{part}.csv", dtype="str", keep_default_na=False).rename(
            columns={"category": LABEL}
        )
        for part in ("train", "test")
    )
    return LabelledTexts("BANKING77", train, test)


def _clinc150(folder: Path) -> LabelledTexts:
    parts = json.loads((folder / "data_full.json").read_text(encoding="utf-8"))
    train, validation, test, oos = (
        pd.DataFrame(parts[name], columns=[TEXT, LABEL], dtype="str")
        for name in ("train", "val", "test", "oos_test")
    )
    return LabelledTexts("CLINC150", train, test, validation, oos)


def _banking77_oos(folder: Path) -> LabelledTexts:
    parts = ("train", "test", "valid", "id-oos/test")
    return LabelledTexts("BANKING77-OOS", *(_lines(folder / part) for part in parts))


def _lines(folder: Path) -> pd.DataFrame:
    texts, labels = (
        (folder / name).read_text(encoding="utf-8").rstrip("\n").split("\n") for name in ("seq.in", "label")
    )
    return pd.DataFrame({TEXT: texts, LABEL: labels}, dtype="str")


_READERS = {
    "banking77": _banking77,
    "banking77_10shot": _banking77,
    "clinc150": _clinc150,
    "banking77_oos": _banking77_oos,
}
PRESETS: Sequence[str] = tuple(_READERS)
