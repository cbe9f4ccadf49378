"""A backup of everything the service cannot make again: the store, the releases, the checkpoints.

It is taken while the service runs and holds one consistent state of the store. Every file is listed with its
SHA-256, and a restore checks all of them, and the ledger, before it is done.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.engine import URL

from serving.settings import Settings
from serving.store import Store

MANIFEST = "manifest.json"
SQLITE_FILE, POSTGRES_FILE = "store.db", "store.pgdump"
CHECKPOINTS = "checkpoints.jsonl"


class BackupError(ValueError):
    """A backup or a restore could not be made; the message names the thing, what was found, and the fix."""


def back_up(settings: Settings, target: Path, at: datetime) -> Path:
    """Write a backup to a new folder in ``target``; returns the folder. Raises ``BackupError``."""
    folder = target / f"firstline-{at:%Y%m%dT%H%M%SZ}"
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    if folder.exists() or unfinished.exists():
        raise BackupError(f"{folder} or an unfinished one is there already: wait a second, or remove it")
    unfinished.mkdir(parents=True)
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        _copy_sqlite(Path(url.database or ""), unfinished / SQLITE_FILE)
    else:
        _tool("pg_dump", url, "--format=custom", "--no-owner", f"--file={unfinished / POSTGRES_FILE}")
    if settings.releases.is_dir():
        shutil.copytree(settings.releases, unfinished / "releases")
    if settings.checkpoints.exists():
        shutil.copy2(settings.checkpoints, unfinished / CHECKPOINTS)
    files = {
        str(path.relative_to(unfinished)): _sha256(path)
        for path in sorted(unfinished.rglob("*"))
        if path.is_file()
    }
    manifest = {"at": at.isoformat(), "database": url.get_backend_name(), "files": files}
    (unfinished / MANIFEST).write_text(
        json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    unfinished.rename(folder)
    return folder


def restore(settings: Settings, folder: Path) -> int:
    """Put a backup back where ``settings`` say nothing is yet; returns the ledger's entries.

    Raises ``BackupError`` for a damaged backup, for one of another kind of database, and where something is
    there already.
    """
    manifest = _checked(folder)
    url = make_url(settings.database_url)
    if manifest["database"] != url.get_backend_name():
        raise BackupError(
            f"{folder} is of {manifest['database']}, FIRSTLINE_DATABASE_URL names {url.get_backend_name()}"
        )
    for there in (settings.releases, settings.checkpoints):
        if there.exists() and (there.is_file() or any(there.iterdir())):
            raise BackupError(f"{there} is there already: restore into an empty state folder")
    if url.get_backend_name() == "sqlite":
        file = Path(url.database or "")
        if file.exists():
            raise BackupError(f"{file} is there already: move it away first")
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / SQLITE_FILE, file)
    else:
        _tool(
            "pg_restore",
            url,
            "--no-owner",
            "--exit-on-error",
            "--single-transaction",
            str(folder / POSTGRES_FILE),
        )
    if (folder / "releases").is_dir():
        shutil.copytree(folder / "releases", settings.releases, dirs_exist_ok=True)
    if (folder / CHECKPOINTS).exists():
        settings.checkpoints.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / CHECKPOINTS, settings.checkpoints)
    store = Store(settings.database_url)
    try:
        check = store.verify_ledger()
    finally:
        store.close()
    if not check.intact:
        raise BackupError(f"the restored ledger contradicts itself: {check.problems[0]}")
    return check.entries


def _checked(folder: Path) -> dict:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = manifest["files"]
    except (OSError, ValueError, KeyError):
        raise BackupError(f"{folder} is no backup: it has no readable {MANIFEST}") from None
    for name, expected in files.items():
        path = folder / name
        if not path.is_file() or _sha256(path) != expected:
            raise BackupError(f"{path} is missing or not as it was backed up: use another backup")
    return manifest


def _copy_sqlite(source: Path, target: Path) -> None:
    if not source.is_file():
        raise BackupError(f"there is no store at {source}: nothing to back up")
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")


def _tool(name: str, url: URL, *arguments: str) -> None:
    plain = url.set(drivername="postgresql", password=None)
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    command = [name, *arguments, "--dbname", plain.render_as_string()]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise BackupError(
            f"{name} is not installed here: `make postgres`, or run this beside the database"
        ) from None
    if done.returncode:
        raise BackupError(f"{name} ended with status {done.returncode}: {done.stderr.strip()[-300:]}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
