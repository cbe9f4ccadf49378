"""A release damaged or tampered with in hundreds of ways: none may load, and none may end the process.

Every mutation is tried on a copy, by the very code with which a worker follows its pointer, in a process of
its own, so that one that kills the process is counted and not the end of the drill.
"""

import json
import logging
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import structlog

from models.release import DESK, GOLDEN, MANIFEST, release_id, sha256
from pipelines.artifacts import RELEASE
from pipelines.results import Result
from serving.releases import Releases
from serving.store import Store

MUTATIONS = 500
COMMAND = "firstline drill --only mutations"
NEVER_CHECKS_AGAIN = 3600.0


class Tried(NamedTuple):
    """One mutation in words, and whether it neither loaded nor ended the process."""

    mutation: str
    survived: bool


def measure() -> list[Result]:
    """``MUTATIONS`` of the release of the last ``dvc repro``. Raises ``FileNotFoundError`` without one."""
    if not RELEASE.is_dir():
        raise FileNotFoundError(f"{RELEASE}/ is not there: make it with `dvc repro`")
    tried = try_mutations(RELEASE, MUTATIONS)
    kinds = Counter(one.mutation.split(" ")[0] for one in tried)
    failed = [one.mutation for one in tried if not one.survived]
    survived = len(tried) - len(failed)
    note = ", ".join(f"{kind}: {number}" for kind, number in sorted(kinds.items()))
    note += (
        "; removing golden.json is none: it may be gone after a person was forgotten, nothing serves from it"
    )
    note += f"; not survived: {'; '.join(failed[:5])}" if failed else ""
    reference, target = f"of {len(tried)}", f"{len(tried)}"
    return [
        Result(
            "release.mutations_survived", survived, "", reference, target, not failed,
            command=COMMAND, data="the release of the last dvc repro", note=note,
        )
    ]  # fmt: skip


def try_mutations(bundle: Path, count: int, seed: int = 1) -> list[Tried]:
    """What became of ``count`` mutations of ``bundle``, drawn from ``seed``."""
    tried: list[Tried] = []
    with tempfile.TemporaryDirectory(prefix="firstline-mutations-") as folder:
        state = Path(folder)
        champion(bundle, state)
        while len(tried) < count:
            with ProcessPoolExecutor(1, get_context("spawn"), _quietly) as process:
                try:
                    for number in range(len(tried), count):
                        tried.append(process.submit(try_one, bundle, state, seed, number).result())
                except BrokenProcessPool:
                    tried.append(Tried(f"mutation {number} of seed {seed} ended the process", False))
    return tried


def _quietly() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def champion(bundle: Path, state: Path) -> None:
    """Make a store in ``state`` whose champion is ``bundle``."""
    store = Store(f"sqlite:///{state / 'firstline.db'}")
    store.set_pointer("champion", release_id(bundle), "drill", "to be damaged", datetime.now(UTC))
    store.close()


def try_one(bundle: Path, state: Path, seed: int, number: int) -> Tried:
    """Damage a copy of ``bundle`` and let a worker follow the pointer to it."""
    found = release_id(bundle)
    installed = state / "releases" / found
    shutil.rmtree(installed, ignore_errors=True)
    shutil.copytree(bundle, installed, copy_function=os.link)
    kind = tuple(_KINDS)[number % len(_KINDS)]
    mutation = mutate(installed, kind, random.Random(f"{seed} {number}"))  # noqa: S311 - damage, no secret
    store = Store(f"sqlite:///{state / 'firstline.db'}")
    try:
        serving = Releases(store, installed.parent, bundle / DESK, NEVER_CHECKS_AGAIN).current()
    except Exception as error:  # whatever it is, it would have ended a request
        return Tried(f"{mutation}: {type(error).__name__}", False)
    finally:
        store.close()
    return Tried(mutation, serving.release is None and serving.degraded[0] == "champion release damaged")


def mutate(folder: Path, kind: str, chance: random.Random) -> str:
    """Damage one file of the release in ``folder`` (hard links to a sound one); returns how, in words."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    kept = [path for path in files if path.name != GOLDEN or kind != "removed"]
    path = chance.choice(kept)
    before = path.read_bytes()
    path.unlink()
    _KINDS[kind](path, before, chance)
    return f"{kind} {path.relative_to(folder)}"


def _flip(path: Path, before: bytes, chance: random.Random, bits: int = 1) -> None:
    after = bytearray(before or b"\0")
    for place in chance.sample(range(8 * len(after)), min(bits, 8 * len(after))):
        after[place // 8] ^= 1 << place % 8
    path.write_bytes(after)


def _truncate(path: Path, before: bytes, chance: random.Random) -> None:
    path.write_bytes(before[: chance.randrange(max(len(before), 1))] if len(before) > 1 else b"more")


def _remove(_path: Path, _before: bytes, _chance: random.Random) -> None:
    return


def _lengthen(path: Path, before: bytes, chance: random.Random) -> None:
    path.write_bytes(before + chance.randbytes(chance.randrange(1, 4096)))


def _overwrite(path: Path, before: bytes, chance: random.Random) -> None:
    path.write_bytes(chance.randbytes(max(len(before) % 100_000, 1)))


def _link(path: Path, before: bytes, _chance: random.Random) -> None:
    elsewhere = path.with_name(f"{path.name}.elsewhere")
    elsewhere.write_bytes(before)
    path.symlink_to(elsewhere.name)


def _add(path: Path, before: bytes, _chance: random.Random) -> None:
    path.write_bytes(before)
    path.with_name("added.py").write_bytes(b"print('here')\n")


def _forge(path: Path, before: bytes, chance: random.Random) -> None:
    """Change the file and its hash in the manifest alike, as somebody who knows the format would."""
    _flip(path, before, chance)
    if path.name == MANIFEST:
        return  # nothing vouches for it but the name of its folder
    root = next(folder for folder in path.parents if (folder / MANIFEST).is_file())
    manifest = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
    name = str(path.relative_to(root))
    if name in manifest["files"]:
        manifest["files"][name] = sha256(path)
        (root / MANIFEST).unlink()
        (root / MANIFEST).write_text(json.dumps(manifest, sort_keys=True, indent=1) + "\n", encoding="utf-8")


_KINDS: dict[str, Callable[[Path, bytes, random.Random], None]] = {
    "flipped": _flip,
    "scattered": partial(_flip, bits=64),
    "truncated": _truncate,
    "removed": _remove,
    "lengthened": _lengthen,
    "overwritten": _overwrite,
    "linked": _link,
    "accompanied": _add,
    "forged": _forge,
}
