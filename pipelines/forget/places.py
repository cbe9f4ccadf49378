"""Where else a person leaves bytes: pages, logs, releases, old versions in DVC's cache."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from models.release import GOLDEN
from pipelines.forget.scan import Needles, files_under, is_in_file
from serving.pointers import PointerMove
from serving.settings import Settings
from serving.store import Store

POINTERS = ("champion", "challenger", "last_good")


class Learnt(NamedTuple):
    """A release that learnt from them, or may have, and what it is now (champion, ...)."""

    release: str
    surely: bool
    roles: tuple[str, ...]

    def line(self) -> str:
        """The release in words, with what to do."""
        learnt = "learnt from them" if self.surely else "may have learnt from them"
        now = f" and is {', '.join(self.roles)}" if self.roles else ""
        fix = "make another (`dvc repro`, `firstline promote`)" if self.roles else "it serves no more"
        return f"release {self.release} {learnt}{now}: {fix}"


def remove_pages(folders: Sequence[Path], needles: Needles, dry_run: bool) -> Counter[str]:
    """Remove pages and other outputs that are made again and hold a mark; returns how many."""
    found = [path for path in files_under(folders) if is_in_file(path, needles)]
    if not dry_run:
        for path in found:
            path.unlink(missing_ok=True)
    return Counter({"pages removed": len(found)}) if found else Counter()


def mask_logs(paths: Iterable[Path], needles: Needles, dry_run: bool) -> Counter[str]:
    """Write stars over marks in logs, byte for byte, so that whoever is writing to one can go on."""
    counts: Counter[str] = Counter()
    for path in paths:
        if not is_in_file(path, needles):
            continue
        counts["logs masked"] += 1
        if dry_run:
            continue
        with path.open("r+b") as file:
            data = file.read()
            low = data.lower()
            for needle in (*needles.words, *needles.wide):
                at = low.find(needle)
                while at >= 0:
                    file.seek(at)
                    file.write(b"*" * len(needle))
                    at = low.find(needle, at + len(needle))
    return counts


def strip_releases(folders: Iterable[Path], needles: Needles, dry_run: bool) -> Counter[str]:
    """Remove the golden rows of releases whose golden rows hold a mark: an installed release serves without
    them, and one that is not installed yet has to be made again."""
    counts: Counter[str] = Counter()
    for folder in folders:
        golden = folder / GOLDEN
        if golden.is_file() and is_in_file(golden, needles):
            counts["golden rows of releases removed"] += 1
            if not dry_run:
                golden.unlink()
    return counts


def forget_cached(cache: Path, needles: Needles, dry_run: bool) -> tuple[Counter[str], list[str]]:
    """Remove old versions from DVC's cache that hold a mark; returns their count, and their names for a
    remote (``files/md5/ab/cdef...``), which this machine may have no right to delete from."""
    found = [path for path in files_under([cache / "files"]) if is_in_file(path, needles)]
    if not dry_run:
        for path in found:
            path.unlink(missing_ok=True)
    names = [path.relative_to(cache).as_posix() for path in found]
    return (Counter({"old versions collected": len(found)}) if found else Counter()), names


def track(data: Path, project: Path) -> str:
    """Let DVC know the new version of ``data``. Raises ``RuntimeError`` where it cannot."""
    if not (project / ".dvc").is_dir() or not (project / f"{data.name}.dvc").is_file():
        return f"{data.name}/ is not tracked by DVC: nothing to add"
    command = [sys.executable, "-m", "dvc", "add", "--quiet", str(data)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"`dvc add {data.name}` failed, mend it and repeat: {done.stderr.strip()[-300:]}")
    return f"{data.name}.dvc holds the new version: commit it"


def releases_that_learnt(
    store: Store, settings: Settings, since: int | None, revision: str | None
) -> list[Learnt]:
    """Installed releases that learnt from data of ``revision``, surely, or were first named after ``since``
    (microseconds), when the store first knew of them, perhaps."""
    if not settings.releases.is_dir():
        return []
    from models.release import ReleaseError, verify_release

    moves: list[PointerMove] = [move for name in POINTERS for move in store.pointer_history(name)]
    roles = {name: store.pointer(name) for name in POINTERS}
    found = []
    for folder in sorted(path for path in settings.releases.iterdir() if path.is_dir()):
        try:
            made_of = verify_release(folder)["data_revision"]
        except ReleaseError:
            made_of = None
        first = min((move.at.timestamp() for move in moves if move.release_id == folder.name), default=None)
        surely = revision is not None and made_of == revision
        if surely or since is None or first is None or first >= since / 1e6:
            now = tuple(name for name, release in roles.items() if release == folder.name)
            found.append(Learnt(folder.name, surely, now))
    return found
