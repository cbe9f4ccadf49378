"""A PostgreSQL server of one's own for tests and drills: made in a fresh folder, gone at the end.

The server binaries come from Debian: ``make postgres`` installs them. It listens on a Unix socket in its own
folder and nowhere else, so that nothing of it can be reached over a network.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INSTALL = "make postgres"
OWNER = "postgres"
"""Debian's user for the server: PostgreSQL refuses to run as root."""
_APT_INSTALL = ("apt-get", "install", "-y", "-qq", "--no-install-recommends")
_UNSAFE_BUT_QUICK = ("fsync=off", "full_page_writes=off")
_SETTINGS = ("listen_addresses=", "max_connections=300", "shared_buffers=32MB")


class PostgresMissing(RuntimeError):
    """No PostgreSQL server can be started here; the message names the fix."""


def binaries() -> Path:
    """Folder of ``initdb`` and ``pg_ctl``. Raises ``PostgresMissing``."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]))
    if not versions:
        raise PostgresMissing(f"no PostgreSQL server is installed here: run `{INSTALL}`")
    return versions[-1].parent


@contextmanager
def running_postgres(durable: bool = True) -> Iterator[str]:
    """A new server; gives the URL of its database ``postgres``. Without ``durable`` it never syncs.

    Raises ``PostgresMissing`` where there is none to start.
    """
    tools, owner = binaries(), _owner()
    folder = Path(tempfile.mkdtemp(prefix="firstline-postgres-"))
    if owner is not None:
        shutil.chown(folder, owner)
    data, log = folder / "data", folder / "log"
    quick = () if durable else _UNSAFE_BUT_QUICK
    options = [part for setting in (*_SETTINGS, *quick) for part in ("-c", setting)]
    try:
        initdb = ("--auth=trust", "--username=firstline", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        _run(owner, tools / "initdb", "-D", data, *initdb)
        server = " ".join(["-k", str(folder), *options])
        _run(owner, tools / "pg_ctl", "-D", data, "-l", log, "-w", "-o", server, "start")
        try:
            yield f"postgresql+psycopg://firstline@/postgres?host={folder}"
        finally:
            _run(owner, tools / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> str | None:
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(OWNER).pw_name
    except KeyError:
        raise PostgresMissing(f"there is no user {OWNER} to run the server: run `{INSTALL}`") from None


def _run(user: str | None, *command: str | Path) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        user=user,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PostgresMissing(f"{command[0]} failed with status {done.returncode}: {done.stderr[-500:]}")


def main() -> None:
    """Install the server from Debian unless one is there (needs root), and try it."""
    try:
        binaries()
    except PostgresMissing:
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"], check=True
        )
    try:
        with running_postgres(durable=False):
            print(f"a PostgreSQL server runs here ({binaries()})")
    except PostgresMissing as error:
        sys.exit(f"postgres: {error}")


if __name__ == "__main__":
    main()
