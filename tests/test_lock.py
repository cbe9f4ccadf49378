"""A dependency that was changed in pyproject.toml and not in uv.lock is noticed before it is installed."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def test_the_lock_file_knows_exactly_what_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    locked = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]
    (own,) = [package for package in locked if package["name"] == project["name"]]
    versions = {package["name"]: package["version"] for package in locked if "version" in package}

    known = {one["name"]: one.get("specifier", "") for one in own["metadata"]["requires-dist"]}
    for text in project["dependencies"]:
        asked = Requirement(text)
        assert Requirement(f"{asked.name}{known.get(asked.name, '')}").specifier == asked.specifier, text
        assert asked.specifier.contains(versions[asked.name], prereleases=True), text
