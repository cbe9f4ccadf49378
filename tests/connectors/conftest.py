"""Raw folders made of text or bytes."""

from pathlib import Path
from typing import Any

import pytest

from tests.connectors.exports import WriteFolder


@pytest.fixture
def write_folder(tmp_path: Path) -> WriteFolder:
    """Writes {path inside: text or bytes} as a raw folder."""

    def write(files: dict[str, Any]) -> Path:
        for name, content in files.items():
            path = tmp_path / "raw" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / "raw"

    return write
