"""What was delivered when: records that appear complete or not at all, and files that came again."""

from pathlib import Path

import pandas as pd
import pytest

from connectors.deliveries import (
    matching_files,
    raw_files,
    read_deliveries,
    received_at_of,
    record_delivery,
)
from connectors.readers import ReadError

FIRST, SECOND = pd.Timestamp("2026-01-01T00:00Z"), pd.Timestamp("2026-02-01T12:30:15.5Z")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two deliveries: the second has a new file, and one that came again."""
    for name in ("a.csv", "sub/b.csv", "c.csv", "deliveries/2026-02-01T12-30-15.500000Z/a.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    record_delivery(tmp_path, ["sub/b.csv", "a.csv"], FIRST)
    record_delivery(tmp_path, ["c.csv", "deliveries/2026-02-01T12-30-15.500000Z/a.csv"], SECOND)
    return tmp_path


def test_each_file_is_received_once(folder: Path) -> None:
    received = received_at_of(folder)
    assert received["a.csv"] == received["sub/b.csv"] == FIRST
    assert received["c.csv"] == received["deliveries/2026-02-01T12-30-15.500000Z/a.csv"] == SECOND
    assert [delivery.received_at for delivery in read_deliveries(folder)] == [FIRST, SECOND]


def test_a_file_that_two_records_name_was_received_the_first_time(folder: Path) -> None:
    record_delivery(folder, ["a.csv"], SECOND + pd.Timedelta(days=1))
    assert received_at_of(folder)["a.csv"] == FIRST


def test_a_file_that_came_again_is_read_after_the_old_one_and_records_never(folder: Path) -> None:
    found = [path.relative_to(folder).as_posix() for path in matching_files(folder, "*.csv")]
    assert found == ["a.csv", "c.csv", "deliveries/2026-02-01T12-30-15.500000Z/a.csv"]
    assert not any(path.suffix == ".json" for path in raw_files(folder))
    assert matching_files(folder, "**/*.json") == []


def test_a_record_is_never_overwritten_and_never_half_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileExistsError, match="one delivery a moment"):
        record_delivery(folder, ["a.csv"], FIRST)

    def killed(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        record_delivery(folder, ["a.csv"], SECOND + pd.Timedelta(days=1))
    assert len(read_deliveries(folder)) == 2


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"received_at": "soon", "files": []}', '{"received_at": null}']
)
def test_a_damaged_record_is_one_error(folder: Path, content: str) -> None:
    (folder / "deliveries/2026-03-01T00-00-00.000000Z.json").write_text(content)
    with pytest.raises(ReadError, match="is not a delivery record"):
        read_deliveries(folder)
